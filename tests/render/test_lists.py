"""Lists: what leads where, that every story is reached without a script, and that no list outgrows its response."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from heliograph.model import File, SheetKey, Story
from heliograph.model.code import shown
from heliograph.model.edition import BROTLI_BODY, BUCKET, GZIP_BODY
from heliograph.render import sheets
from heliograph.render.look import Link, Look, Nav

OWN = ("story", "front", "section", "section-month", "day", "month", "archive", "about", "missing", "robots")
FOREIGN = ("a/search.html", "feed.xml", "a/feed.json", "a/i/0a1b2c3d4e.html")  # pages of other modules


@pytest.fixture(scope="module")
def files(edition: Any) -> dict[str, File]:
    return edition.files(*OWN)  # type: ignore[no-any-return]


def body(file: File) -> str:
    return file.body.decode()


def target(path: str, link: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), link))


def test_every_file_keeps_the_budget_and_fills_whole_buckets(files: dict[str, File]) -> None:
    for path, file in files.items():
        assert len(file.brotli or b"") <= BROTLI_BODY, path
        assert len(file.gzip or b"") <= GZIP_BODY, path
        assert {len(file.body) % BUCKET, len(file.brotli or b"") % BUCKET, len(file.gzip or b"") % BUCKET} == {0}


def test_no_link_of_the_edition_is_broken(files: dict[str, File], page: Any) -> None:
    checked = 0
    for path, file in files.items():
        if path.endswith(".html"):
            place = "a/lost.html" if path == "404.html" else path  # 404.html is shown in place of a page in a/
            for link in page(file.body).links:
                if "://" not in link:
                    assert target(place, link) in files or target(place, link) in FOREIGN, f"{path} -> {link}"
                    checked += 1
    assert checked > 300


def test_every_story_is_reached_from_the_front_page_without_a_script(
    edition: Any, files: dict[str, File], page: Any
) -> None:
    seen, waiting = set(), ["index.html"]
    while waiting:
        path = waiting.pop()
        if path in seen or path not in files:
            continue
        seen.add(path)
        if "/d/" in path or path == "index.html":  # only by the archive of days
            waiting += [target(path, link) for link in page(files[path].body).links if "://" not in link]
    assert {f"a/{story.code}.html" for story in edition.stories} <= seen


def test_the_front_page_opens_with_the_newest_stories_and_their_leads(
    edition: Any, files: dict[str, File], page: Any
) -> None:
    found = page(files["index.html"].body)
    stories = [link for link in found.links if link.removeprefix("a/").removesuffix(".html").isalnum()]
    russian = sorted((s for s in edition.stories if s.lang == "ru"), key=lambda s: s.published, reverse=True)
    codes = [f"a/{story.code}.html" for story in russian]
    assert [link for link in stories if link in codes] == codes
    assert "Движение началось утром." in found.text
    assert [tag for tag, _ in found.tags].count("h1") == 1
    assert "Полуостров" in found.text.strip().split("\n")[0]


def test_the_front_page_tells_the_edition_and_the_others_do_not(files: dict[str, File]) -> None:
    named = {path for path, file in files.items() if "Выпуск 1234" in body(file) or "Edition 1234" in body(file)}
    assert named == {"index.html", "a/about.html"}
    assert "20 ноября 2026, 12:00" in body(files["index.html"])


def test_fronts_in_each_language_lead_to_each_other(files: dict[str, File], page: Any) -> None:
    for lang, path in {"ru": "index.html", "uk": "a/l/uk.html", "fa": "a/l/fa.html"}.items():
        found = page(files[path].body)
        others = {target(path, link) for link in found.links}
        fronts = {"index.html", "a/l/uk.html", "a/l/en.html", "a/l/crh.html", "a/l/fa.html"}
        assert fronts - others == {path}
        assert found.first("html")["lang"] == lang


def test_sections_stand_on_the_front_page_in_the_order_the_newsroom_wishes(edition: Any, page: Any) -> None:
    def order(look: Look) -> list[str]:
        material = replace(edition, look=look).material(SheetKey("front"))
        (file,) = sheets.sheet(SheetKey("front"), material, look).files
        return [link for link in page(file.body).links if link.startswith("a/t/")]

    assert order(edition.look) == ["a/t/ru/obshchestvo.html", "a/t/ru/kultura.html"]
    wished = replace(edition.look, nav=(Nav(key="ru/kultura", label="Культура", lang="ru"),))
    assert order(wished) == ["a/t/ru/kultura.html", "a/t/ru/obshchestvo.html"]


def test_an_edition_in_one_language_shows_every_story_on_its_front(edition: Any, page: Any) -> None:
    alone = replace(edition, look=replace(edition.look, languages=()))
    (file,) = sheets.sheet(SheetKey("front"), alone.material(SheetKey("front")), alone.look).files
    links = page(file.body).links
    assert all(f"a/{story.code}.html" in links for story in edition.stories)


def test_an_edition_without_stories_has_a_front_page_that_says_so(look: Look, edition: Any) -> None:
    empty = replace(edition, stories=())
    files = empty.files(*OWN)
    assert files.keys() == {
        "index.html", "a/l/uk.html", "a/l/en.html", "a/l/crh.html", "a/l/fa.html", "a/d/index.html", "a/about.html",
        "404.html", "robots.txt",
    }  # fmt: skip
    assert "Статей пока нет." in body(files["index.html"])
    assert "Статей пока нет." in body(files["a/d/index.html"])


def test_a_day_groups_its_stories_by_language(files: dict[str, File], page: Any) -> None:
    text = page(files["a/d/2026-11-20.html"].body).text
    places = [text.index(name) for name in ("20 ноября 2026", "Русский", "Українська", "English", "Qırımtatarca")]
    assert places == sorted(places)
    assert "12:00" in text
    assert "Русский" not in page(files["a/d/2026-11-18.html"].body).text


def test_a_month_counts_its_days_and_the_archive_its_months(files: dict[str, File], page: Any) -> None:
    month = page(files["a/d/2026-11.html"].body)
    assert "Ноябрь 2026" in month.text
    assert "20 ноября 6 статей" in " ".join(month.text.split())
    archive = " ".join(page(files["a/d/index.html"].body).text.split())
    assert "2026 Ноябрь" in archive
    assert archive.index("Ноябрь") < archive.index("Октябрь")


def test_a_section_leads_to_its_months_and_they_back(files: dict[str, File], page: Any) -> None:
    path = "a/t/ru/obshchestvo.html"
    links = {target(path, link) for link in page(files[path].body).links}
    assert {"a/t/ru/obshchestvo/2026-11.html", "a/t/ru/obshchestvo/index.html"} <= links
    month = page(files["a/t/ru/obshchestvo/2026-11.html"].body)
    assert path in {target("a/t/ru/obshchestvo/x.html", link) for link in month.links}
    assert "Общество: Ноябрь 2026" in month.text


def test_a_day_of_many_stories_is_split_into_parts_that_lose_none(
    story: Callable[..., Story], edition: Any, page: Any
) -> None:
    told = tuple(story(f"https://e.org/{n}", title=f"Новость {n**9}", hours_ago=n / 60) for n in range(480))
    many = replace(edition, stories=told)
    key = SheetKey("day", "2026-11-20")
    files = sheets.sheet(key, many.material(key), many.look).files
    assert len(files) > 2
    assert files[1].path == "a/d/2026-11-20.2.html"
    links = [target(file.path, link) for file in files for link in page(file.body).links]
    codes = [f"a/{one.code}.html" for one in told]
    assert [link for link in links if link in codes] == codes
    assert "a/d/2026-11-20.3.html" in {target("a/d/x", link) for link in page(files[1].body).links}


@pytest.mark.parametrize("kind", ["section", "section-month", "day", "month"])
def test_a_list_that_lost_its_stories_has_no_files(kind: str, edition: Any) -> None:
    of = {"section": "ru/nichego", "section-month": "ru/nichego/2026-11", "day": "2020-01-01", "month": "2020-01"}[kind]
    key = SheetKey(kind, of)
    assert sheets.sheet(key, edition.material(key), edition.look).files == ()


def test_the_about_page_tells_what_this_is_in_every_language(files: dict[str, File], page: Any) -> None:
    found = page(files["a/about.html"].body)
    for text in ("Об этом выпуске", "Про цей випуск", "About this edition", "Bu neşir aqqında", "دربارهٔ این نسخه"):
        assert text in found.text
    assert "30 статей" in found.text
    assert "https://news.example.org/" in found.links
    assert {"lang": "fa", "dir": "rtl"} in [attributes for tag, attributes in found.tags if tag == "div"]
    assert "{" not in found.text
    code = shown(found.text.partition("a/")[2][:7])
    assert code in found.text


def test_the_404_page_speaks_every_language_and_leads_home_from_where_a_story_was(
    files: dict[str, File], page: Any
) -> None:
    found = page(files["404.html"].body)
    assert "Такой страницы нет" in found.text
    assert "چنین صفحه‌ای نیست" in found.text
    assert "../index.html" in found.links or "../a/../index.html" in found.links


def test_search_engines_are_asked_to_stay_away(files: dict[str, File]) -> None:
    assert body(files["robots.txt"]).split() == ["User-agent:", "*", "Allow:", "/s/", "Disallow:", "/"]


def test_headings_go_down_one_step_at_a_time_from_the_one_title(files: dict[str, File], page: Any) -> None:
    for path, file in files.items():
        if path.endswith(".html") and path not in {"404.html", "a/about.html"}:  # these tell all in each language
            levels = [int(tag[1]) for tag, _ in page(file.body).tags if tag in {"h1", "h2", "h3", "h4"}]
            assert levels[0] == 1, path
            assert levels.count(1) == 1, path
            assert all(after - before <= 1 for before, after in pairwise(levels)), path


def test_hostile_titles_and_labels_are_only_text_in_every_list(
    story: Callable[..., Story], edition: Any, page: Any
) -> None:
    bad = '"><script>alert(1)</script>'
    told = tuple(
        story(f"https://e.org/{n}", title=bad * 40, lead=bad * 90, section=bad * 20, hours_ago=n) for n in range(3)
    )
    for file in replace(edition, stories=told).files(*OWN).values():
        if file.path.endswith(".html"):
            assert "script" not in {tag for tag, _ in page(file.body).tags}


def test_a_look_with_all_it_may_have_still_leaves_room_on_every_page(edition: Any) -> None:
    full = replace(
        edition.look,
        title="Ж" * 80,
        links=tuple(Link(name=f"{n}" * 20, url=f"https://e{n}.org/{'x' * 200}{n}") for n in range(12)),
    )
    assert 0 < len(full.foot) < 12
    assert "links: 7 of 12" in full.notes()[0]
    for file in replace(edition, look=full).files(*OWN).values():
        assert len(file.brotli or b"") <= BROTLI_BODY
        assert ("e11.org" in body(file)) == file.path.startswith("a/about.")
        assert ("e0.org" in body(file)) == file.path.endswith(".html")


def test_the_same_edition_gives_the_same_bytes(edition: Any, files: dict[str, File]) -> None:
    assert edition.files(*OWN) == files
