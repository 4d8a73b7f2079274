"""The main path: what a newsroom publishes is on every mirror, whole, and only what changed costs anything."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

import feedparser
import pytest
from tests.flows.world import NOW, SITE, Make, World
from tests.links import relative_links

from heliograph.lab.piece import Piece, pieces
from heliograph.lab.store import Failing, MemoryMirror
from heliograph.model import Answer, Ask, paths
from heliograph.model.code import story_code
from heliograph.model.edition import BROTLI_BODY, GZIP_BODY


def links_of(mirror: MemoryMirror, page: str) -> set[str]:
    """The pages of this mirror that ``page`` links to."""
    folder = posixpath.dirname(page)
    return {posixpath.normpath(posixpath.join(folder, link)) for link in relative_links(mirror.files[page])}


def broken(mirror: MemoryMirror) -> list[tuple[str, str]]:
    """Links a reader could follow from the front page that lead nowhere."""
    if "index.html" not in mirror.files:
        return []
    waiting, seen, missing = ["index.html"], {"index.html"}, []
    while waiting:
        page = waiting.pop()
        for target in links_of(mirror, page):
            if target not in mirror.files:
                missing.append((page, target))
            elif target not in seen and target.endswith(".html"):
                seen.add(target)
                waiting.append(target)
    return missing


def page_of(piece: Piece) -> str:
    return f"a/{story_code(SITE + piece.path)}.html"


def test_every_story_is_on_every_mirror_and_no_link_is_broken(small: World) -> None:
    report = small.publish()
    assert not report.problems
    assert report.gathered.new == 6
    for mirror in small.mirrors:
        assert not broken(mirror)
        for piece in small.newsroom.pieces:
            assert page_of(piece) in mirror.files
    assert small.mirrors[0].files == small.mirrors[1].files


def test_every_file_keeps_the_budget(small: World) -> None:
    small.publish()
    for name, data in small.mirrors[0].files.items():
        assert not name.endswith(".br") or len(data) <= BROTLI_BODY, name
        assert not name.endswith(".gz") or len(data) <= GZIP_BODY, name


def test_a_pass_without_change_asks_the_index_only_and_writes_nothing(small: World) -> None:
    small.publish()
    writes = [mirror.writes for mirror in small.mirrors]
    small.asks.clear()
    report = small.publish()
    assert (report.text, report.finished) == (None, None)
    assert [mirror.writes for mirror in small.mirrors] == writes
    assert all("sitemap" in url for url in small.asks)
    assert set(small.newsroom.statuses()) <= {200, 304}


def test_the_text_of_a_new_story_is_out_and_only_its_lists_changed(small: World) -> None:
    small.publish()
    before = dict(small.mirrors[0].files)
    story = pieces(NOW)[8]
    small.newsroom.publish(replace(story, published=small.now, updated=small.now))
    report = small.publish()
    after = small.mirrors[0].files
    assert report.gathered.new == 1
    assert page_of(story) in after
    assert not broken(small.mirrors[0])
    changed = {
        name for name, data in after.items() if before.get(name) != data and "." not in name.rpartition("/")[2][8:13]
    }
    others = {page_of(piece) for piece in small.newsroom.pieces} - {page_of(story)}
    assert not changed & others


def test_a_corrected_story_is_a_new_version(small: World) -> None:
    small.publish()
    piece = small.newsroom.pieces[0]
    small.newsroom.edit(piece.path, small.now, title="Исправленный заголовок")
    report = small.publish()
    assert (report.gathered.new, report.gathered.changed) == (0, 1)
    assert "Исправленный заголовок".encode() in small.mirrors[1].files[page_of(piece)]


def test_a_story_the_origin_declares_gone_leaves_every_page(small: World) -> None:
    small.publish()
    piece = small.newsroom.pieces[2]
    small.newsroom.withdraw(piece.path)
    report = small.publish()
    assert report.gathered.withdrawn == 1
    for mirror in small.mirrors:
        assert not [name for name in mirror.files if story_code(SITE + piece.path) in name]
        assert not broken(mirror)
        places = ("index.html", "a/d/", "a/t/")
        lists = [data for name, data in mirror.files.items() if name.startswith(places) and name.endswith(".html")]
        assert lists
        assert not [data for data in lists if piece.title.encode() in data]


def test_feeds_say_that_a_story_was_withdrawn_until_it_is_back(small: World) -> None:
    small.publish()
    piece = small.newsroom.pieces[2]
    code = story_code(SITE + piece.path)
    small.newsroom.withdraw(piece.path)
    small.publish()
    for mirror in small.mirrors:
        feed = feedparser.parse(mirror.files["feed.xml"])
        (entry,) = [one for one in feed.entries if one.id == f"urn:heliograph:{code}"]
        assert entry.title == "Эта статья отозвана."
        assert entry.summary == entry.title
    small.newsroom.publish(piece)
    small.publish()
    feed = feedparser.parse(small.mirrors[0].files["feed.xml"])
    (entry,) = [one for one in feed.entries if one.id == f"urn:heliograph:{code}"]
    assert entry.title == piece.title


def test_no_page_leads_to_a_withdrawn_story_at_any_moment(small: World) -> None:
    small.publish()
    small.newsroom.withdraw(small.newsroom.pieces[2].path)
    found: list[tuple[str, str]] = []
    small.mirrors[0].seen = lambda mirror: found.extend(broken(mirror))
    small.publish()
    assert found == []


def test_a_story_that_is_merely_missing_stays(small: World) -> None:
    small.publish()
    piece = small.newsroom.pieces[2]
    small.newsroom.lose(piece.path)
    report = small.publish()
    assert report.gathered.withdrawn == 0
    assert page_of(piece) in small.mirrors[0].files
    assert [problem.where for problem in report.problems] == [SITE + piece.path]
    assert not report.failed


def test_the_same_stories_give_the_same_bytes(make: Make) -> None:
    first, second = (make(pieces(NOW), folder=name) for name in ("a", "b"))
    for one in (first, second):
        one.publish()
    ours, theirs = first.mirrors[0].files, second.mirrors[0].files
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_an_edition_grown_story_by_story_is_the_one_rendered_at_once(make: Make) -> None:
    stories = pieces(NOW)
    slow, quick = make(stories[:3], folder="slow"), make(stories, folder="quick")
    for piece in stories[3:]:
        slow.publish()
        slow.newsroom.publish(piece)
    slow.publish()
    slow.publish()
    quick.publish()
    ours, theirs = slow.mirrors[0].files, quick.mirrors[0].files
    differ = {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)}
    pages = {plain for name in differ if not paths.fault(plain := paths.plain_name(name))}
    assert pages <= {"a/about.html", "index.html"}  # which tell of the edition's number and time


@pytest.mark.parametrize("how", ["refused", "done"])
@pytest.mark.parametrize("write", [1, 9, 25])
def test_a_mirror_that_fails_once_either_way_is_mended_within_the_pass(small: World, how: Failing, write: int) -> None:
    small.publish()
    small.newsroom.publish(replace(pieces(NOW)[9], published=small.now, updated=small.now))
    small.newsroom.withdraw(small.newsroom.pieces[4].path)
    small.mirrors[0].fail(write, how)
    small.mirrors[0].seen = lambda mirror: None if not broken(mirror) else pytest.fail("a broken link")
    report = small.publish()  # the second delivery of the pass does what the first could not
    assert small.mirrors[0].faults == 1
    assert not report.failed
    assert small.mirrors[0].files == small.mirrors[1].files


def test_a_mirror_that_goes_on_failing_is_told_and_mended_by_the_next_pass(small: World) -> None:
    small.publish()
    small.newsroom.publish(replace(pieces(NOW)[9], published=small.now, updated=small.now))
    small.mirrors[0].fail(3, "refused", again=True)
    report = small.publish()
    assert [problem.what for problem in report.problems if problem.fatal] == ["connection reset by peer"]
    assert small.mirrors[1].files != small.mirrors[0].files
    assert not broken(small.mirrors[0])
    small.mirrors[0].fail(0, "")
    small.publish()
    assert small.mirrors[0].files == small.mirrors[1].files


def test_at_no_moment_of_a_delivery_does_a_reader_meet_a_broken_link(small: World) -> None:
    moments: list[int] = []

    def look(mirror: MemoryMirror) -> None:
        moments.append(mirror.writes)
        assert broken(mirror) == []

    small.mirrors[0].seen = look
    small.publish()
    small.newsroom.publish(replace(pieces(NOW)[7], published=small.now, updated=small.now))
    small.newsroom.withdraw(small.newsroom.pieces[3].path)
    small.publish()
    assert len(moments) > 100


def test_a_mirror_that_missed_editions_is_brought_up_to_date_at_once(small: World) -> None:
    absent = small.mirrors.pop()
    small.publish()
    small.mirrors.append(absent)
    small.publish()
    assert small.mirrors[0].files == absent.files


def test_a_damaged_mirror_without_pointer_is_repaired_and_strangers_left(small: World) -> None:
    small.publish()
    mirror = small.mirrors[0]
    mirror.files["readme.txt"] = b"a volunteer's own file"
    mirror.files["index.html"] = b"defaced"
    del mirror.files["now"], mirror.files["a/about.html"]
    writes = mirror.writes
    small.publish()
    assert mirror.writes - writes == 3
    assert mirror.files.pop("readme.txt") == b"a volunteer's own file"
    assert mirror.files == small.mirrors[1].files


def test_a_source_that_fails_costs_readers_nothing(small: World) -> None:
    small.publish()
    before = dict(small.mirrors[0].files)
    small.answer = lambda ask: Answer(url=ask.url, status=0, failure="connection reset by peer")
    report = small.publish()
    assert report.failed
    assert small.mirrors[0].files == before


def test_pages_that_fail_are_told_and_read_in_the_next_pass(small: World) -> None:
    bad = small.newsroom.pieces[1].path

    def answer(ask: Ask) -> Answer | None:
        return Answer(url=ask.url, status=503) if ask.url.endswith(bad) else None

    small.answer = answer
    report = small.publish()
    assert report.gathered.new == 5
    assert [problem.where for problem in report.problems] == [SITE + bad]
    assert not broken(small.mirrors[0])
    small.answer = lambda _: None
    assert small.publish().gathered.new == 1


def test_a_changed_look_renders_everything_again_and_nothing_else_does(small: World) -> None:
    small.publish()
    config = small.config
    small.config = config.model_copy(update={"newsroom": config.newsroom.model_copy(update={"title": "Новое имя"})})
    assert small.publish().text is not None
    assert all("Новое имя".encode() in small.mirrors[0].files[page_of(piece)] for piece in small.newsroom.pieces)
    assert small.publish().text is None


def test_pictures_come_after_the_text_and_are_encoded_once(make: Make) -> None:
    one = make(pieces(NOW)[:6])
    texts: list[bool] = []
    pictured = [piece for piece in one.newsroom.pieces if piece.picture]

    def answer(ask: Ask) -> Answer | None:
        if ask.purpose == "picture":
            texts.append(all(page_of(piece) in one.mirrors[0].files for piece in pictured))
        return None

    one.answer = answer
    report = one.publish()
    assert not report.problems
    assert texts
    assert all(texts)
    assert [name for name in one.mirrors[0].files if name.startswith("a/i/") and name.endswith(".html")]
    assert not broken(one.mirrors[0])
    texts.clear()
    one.publish()
    assert texts == []


def test_one_story_under_three_urls_is_one_story(make: Make) -> None:
    one = make(pieces(NOW)[:2], more="[edition]\npictures = false\n")
    original = one.newsroom.pieces[0].path
    one.newsroom.also_at("/amp" + original, original)
    one.newsroom.also_at("/m" + original, original)
    report = one.publish()
    assert report.text is not None
    assert report.text.stories == 2


def test_a_link_through_a_dead_mirror_leads_to_the_story(make: Make) -> None:
    one = make(pieces(NOW), more="[edition]\npictures = false\n")
    one.publish()
    linking = [piece for piece in pieces(NOW) if "d3adm1rr0r.cloudfront.net" in piece.html]
    assert linking
    for piece in linking:
        page = one.mirrors[0].files[page_of(piece)]
        target = re.search(r"https://d3adm1rr0r\.cloudfront\.net(/[^\"<\s)]+)", piece.html)
        assert target
        assert f"href={story_code(SITE + target[1])}.html" in page.decode().replace('"', "")


def test_a_second_source_with_a_shorter_text_does_not_replace_the_full_one(make: Make) -> None:
    feed = f'kind = "feed"\nurl = "{SITE}/rss.xml"\nfollow = "never"\n'
    feed = f'kind = "sitemap"\nurl = "{SITE}/sitemap.xml"\n[[source]]\n{feed}'
    one = make(pieces(NOW)[:5], source=feed, more="[edition]\npictures = false\n")
    one.publish()
    full = dict(one.mirrors[0].files)
    one.publish()
    assert one.mirrors[0].files == full
    long = max(one.newsroom.pieces, key=lambda piece: len(piece.html))
    assert len(one.mirrors[0].files[page_of(long)]) > 4_000


@pytest.mark.parametrize("kind", ["feed", "atom", "json", "wordpress", "pages"])
def test_each_kind_of_source_brings_the_same_stories(make: Make, kind: str) -> None:
    source = {
        "feed": f'kind = "feed"\nurl = "{SITE}/rss.xml"\n',
        "atom": f'kind = "feed"\nurl = "{SITE}/atom.xml"\n',
        "json": f'kind = "feed"\nurl = "{SITE}/feed.json"\n',
        "wordpress": f'kind = "wordpress"\nurl = "{SITE}/wp-json/wp/v2/posts"\n',
        "pages": f'kind = "pages"\nurl = "{SITE}/"\n',
    }[kind]
    one = make(pieces(NOW), source=source, more="[edition]\npictures = false\n")
    report = one.publish()
    assert not [problem for problem in report.problems if problem.fatal]
    missing = [piece.path for piece in one.newsroom.pieces if page_of(piece) not in one.mirrors[0].files]
    assert missing == []
    later = replace(pieces(NOW)[0], path="/ru/obschestvo/2026/11/eshche-odna-100999.html", published=one.now)
    one.newsroom.publish(replace(later, updated=one.now, title="Ещё одна новость"))
    one.publish(minutes=60)
    assert page_of(later) in one.mirrors[0].files
