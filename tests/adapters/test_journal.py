"""The journal remembers what it is told, once, and survives any end."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.postgres import Place

from heliograph.adapters.journal import SqlJournal
from heliograph.adapters.journal.schema import metadata
from heliograph.model import Brief, Cut, HeliographError, Issue, JournalBusyError, SheetKey, Shown, Tip, Want
from heliograph.model.code import story_code
from heliograph.model.edition import Gone, Select
from heliograph.model.ledger import Admission, Draft, Entry, Fetch, Laid, Outcome, Seal, Sheeted
from heliograph.model.paths import key_of, object_name
from heliograph.model.sighting import Finding, Sighting

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SITE = "https://example.org/"


def draft(name: str, *, text: str = "один", hours: int = 0, words: int = 10, **more: object) -> Draft:
    url = SITE + name
    published = NOW - timedelta(hours=hours)
    brief = Brief(
        code=story_code(url),
        url=url,
        lang="ru",
        title=f"Заголовок {name}",
        lead="",
        section="Общество",
        published=published,
        updated=published,
        section_key="ru/obshchestvo",
        day=published.date().isoformat(),
        words=words,
    )
    made = Draft(brief=brief, wire=text.encode(), digest=text, source="feed", keys=(url,))
    return replace(made, **more)  # type: ignore[arg-type]


def save(journal: SqlJournal, *drafts: Draft, dirty: Sequence[SheetKey] = ()) -> list[Admission]:
    admissions = journal.admit(drafts)
    journal.settle(admissions, [Outcome(url=d.brief.url, fate="kept") for d in drafts], dirty, NOW)
    return admissions


def bare_seal(serial: int, **more: object) -> Seal:
    """A signing that nobody signed, of no page."""
    made = Seal(release=serial, standing="{}", pointer=f"{serial:064x}", entries=0, written=0, gone=0)
    return replace(made, **more)  # type: ignore[arg-type]


def sign(journal: SqlJournal) -> Issue:
    """Close what was rendered, without any signature."""
    latest, moved = journal.latest(), journal.moved()
    written, gone = sum(bool(one.digest) for one in moved), sum(not one.digest for one in moved)
    number = latest.number + 1 if latest else 1
    return journal.close(NOW, bare_seal(number, entries=journal.mapped(), written=written, gone=gone))[0]


def sheet(kind: str, of: str, **files: str) -> Sheeted:
    key = SheetKey(kind, of)
    entries = tuple(Entry(name=f"a/{name}.html", sheet=key, digest=text, size=1) for name, text in files.items())
    return Sheeted(key=key, entries=entries, dense=False)


def test_the_migrations_make_what_the_schema_says(journal: SqlJournal) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    on_server = journal.engine.dialect.name == "postgresql"  # there text has no limit, and long keys have other indexes
    others = {
        ("remove_index", "link"),
        ("remove_index", "picture_use"),
        ("remove_index", "tip"),
        ("add_constraint", "story"),
    }
    with journal.engine.connect() as db:
        context = MigrationContext.configure(db, opts={"compare_type": not on_server})
        told = [(change[0], change[1].table.name) for change in compare_metadata(context, metadata)]
    assert sorted(told) == (sorted(others) if on_server else [])


def test_it_opens_again_as_the_same_journal(place: Place, tmp_path: Path) -> None:
    url = place.empty()
    with SqlJournal(url, tmp_path) as first:
        identity = first.identity
        first.note("k", "v")
    with SqlJournal(url, tmp_path) as second:
        assert (second.identity, second.recall("k"), second.recall("none")) == (identity, "v", "")


def test_a_migration_that_ends_halfway_leaves_nothing(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic.operations import Operations

    url = place.empty()
    real = Operations.create_table

    def failing(self: Operations, name: str, *columns: object, **more: object) -> object:
        if name == "story":
            raise HeliographError("killed here")
        return real(self, name, *columns, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Operations, "create_table", failing)
        with pytest.raises(HeliographError, match="killed here"):
            SqlJournal(url, tmp_path)
    with SqlJournal(url, tmp_path) as journal:
        assert list(journal.briefs()) == []


def test_a_file_that_is_no_journal_is_told(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"this is not a database at all" * 100)
    with pytest.raises(HeliographError, match="cannot be opened"):
        SqlJournal(f"sqlite:///{tmp_path / 'journal.sqlite'}", tmp_path)


def _hold(folder: Path, held: object, let_go: object) -> None:
    with SqlJournal(f"sqlite:///{folder / 'j.sqlite'}", folder) as journal, journal.hold("heliograph publish"):
        held.set()  # type: ignore[attr-defined]
        let_go.wait(30)  # type: ignore[attr-defined]


def test_a_second_pass_is_told_who_holds_the_journal(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    held, let_go = spawn.Event(), spawn.Event()
    other = spawn.Process(target=_hold, args=(tmp_path, held, let_go))
    other.start()
    assert held.wait(30)
    with SqlJournal(f"sqlite:///{tmp_path / 'j.sqlite'}", tmp_path) as journal:
        busy = pytest.raises(JournalBusyError, match=f"held by heliograph publish, process {other.pid}")
        with busy, journal.hold("heliograph publish"):
            pass
        other.kill()
        other.join(30)
        with journal.hold("heliograph publish"):  # the lock ended with its process
            pass


def test_tips_wait_until_settled_and_wait_again_when_they_change(journal: SqlJournal) -> None:
    tips = [Tip(url=SITE + "1", stamp="a"), Tip(url=SITE + "2", stamp="a")]
    index = Fetch(url=SITE + "sitemap.xml", etag='"1"', checked=NOW)
    assert journal.listed("s", index, tips, whole=True) == 2
    assert [tip.url for tip in journal.waiting("s", 10)] == [SITE + "1", SITE + "2"]
    journal.settle([], [Outcome(url=tip.url, fate="kept") for tip in tips], [], NOW)
    assert journal.waiting("s", 10) == []
    assert journal.listed("s", index, tips, whole=True) == 0
    assert journal.listed("s", index, [tips[0], Tip(url=SITE + "2", stamp="b")], whole=True) == 1
    assert [tip.url for tip in journal.waiting("s", 10)] == [SITE + "2"]
    assert journal.fetches([index.url, "none"])[index.url].etag == '"1"'


def test_a_failed_tip_waits_on(journal: SqlJournal) -> None:
    journal.listed("s", Fetch(url="i"), [Tip(url=SITE + "1", stamp="a")], whole=False)
    journal.settle([], [Outcome(url=SITE + "1", fate="failed")], [], NOW)
    assert len(journal.waiting("s", 10)) == 1


def test_a_tip_that_left_its_index_is_asked_once_more(journal: SqlJournal) -> None:
    index = Fetch(url="i", checked=NOW)
    tips = [Tip(url=SITE + "1", stamp="a"), Tip(url=SITE + "2", stamp="a")]
    journal.listed("s", index, tips, whole=True)
    journal.settle([], [Outcome(url=tip.url, fate="kept") for tip in tips], [], NOW)
    assert journal.listed("s", index, tips[:1], whole=True) == 1
    assert [tip.url for tip in journal.waiting("s", 10)] == [SITE + "2"]
    journal.settle([], [Outcome(url=SITE + "2", fate="gone")], [], NOW)
    assert journal.listed("s", index, tips[:1], whole=True) == 0
    assert journal.waiting("s", 10) == []


def test_the_newest_tip_is_first(journal: SqlJournal) -> None:
    old, new = (
        Tip(url=SITE + name, stamp="a", updated=NOW + timedelta(days=day)) for name, day in (("1", 0), ("2", 1))
    )
    journal.listed("s", Fetch(url="i"), [old, new], whole=False)
    assert [tip.url for tip in journal.waiting("s", 10)] == [new.url, old.url]
    assert [tip.url for tip in journal.waiting("s", 10, 1)] == [old.url]


def test_a_changed_text_is_a_new_version_and_the_same_text_is_none(journal: SqlJournal) -> None:
    first = save(journal, draft("1"))[0]
    assert (first.fate, first.before, first.version) == ("kept", None, 1)
    same = journal.admit([draft("1")])[0]
    assert (same.fate, same.version) == ("same", 1)
    changed = save(journal, draft("1", text="два"))[0]
    assert (changed.fate, changed.version) == ("kept", 2)
    assert changed.before is not None
    assert next(journal.briefs()).url == SITE + "1"


def test_a_poorer_copy_from_another_source_changes_nothing(journal: SqlJournal) -> None:
    save(journal, draft("1", words=100))
    assert journal.admit([draft("1", text="кратко", words=9, source="other")])[0].fate == "same"
    assert journal.admit([draft("1", text="полнее", words=300, source="other")])[0].fate == "kept"


def test_of_two_drafts_of_one_url_the_fuller_stands(journal: SqlJournal) -> None:
    admissions = journal.admit([draft("1", text="a", words=5), draft("1", text="b", words=50), draft("1", text="c")])
    assert [admission.draft.digest for admission in admissions] == ["b"]


def test_a_code_that_is_taken_goes_to_the_next_attempt(journal: SqlJournal) -> None:
    mine = draft("mine")
    squatter = replace(mine, brief=replace(draft("other").brief, code=mine.brief.code))
    admissions = journal.admit([squatter])
    assert admissions[0].after.code == story_code(SITE + "other")  # its own is free
    with journal.engine.begin() as db:
        row = {column.name: "" for column in metadata.tables["story"].c}
        row |= {"code": mine.brief.code, "url": "u", "words": 1, "version": 1, "wire": b""}  # type: ignore[dict-item]
        db.execute(metadata.tables["story"].insert(), [row])
    assert journal.admit([mine])[0].after.code == story_code(mine.brief.url, 1)


def test_a_withdrawn_story_leaves_everything_but_its_versions(journal: SqlJournal) -> None:
    save(journal, draft("1", edges=("e1",), terms=(5,), links=((SITE + "2", SITE + "2"),), pictures=(SITE + "p.jpg",)))
    code = story_code(SITE + "1")
    journal.keep_picture(SITE + "p.jpg", "key", Shown(pid="p", width=1, height=1, colours=("#000000", "#ffffff")))
    journal.withdraw([code], [SheetKey("front")], NOW)
    assert list(journal.briefs()) == []
    assert journal.known([SITE + "1"]) == []
    assert journal.edge_counts(0)[0] == {"e1": 0}
    assert set(journal.dirty()) == {SheetKey("front"), SheetKey("picture", "p")}
    journal.rendered([sheet("front", ""), sheet("picture", "p")], 1)
    again = save(journal, draft("1", pictures=(SITE + "p.jpg",)))[0]
    assert (again.after.code, again.version) == (code, 2)
    assert journal.dirty() == [SheetKey("picture", "p")]  # the story is back, and so must its picture be


def test_what_was_withdrawn_lately_is_told_until_it_is_back(journal: SqlJournal) -> None:
    def gone() -> tuple[Gone, ...]:
        return journal.jobs([(SheetKey("feed"), Want(gone=True))])[0].gone

    assert gone() == ()
    save(journal, draft("1"), draft("2"), draft("3"))
    one, two, three = (story_code(SITE + name) for name in "123")
    journal.withdraw([one, "nothing"], [], NOW)
    journal.withdraw([two, three], [], NOW + timedelta(days=1))
    assert {(told.code, told.when) for told in gone()} == {
        (one, NOW), (two, NOW + timedelta(days=1)), (three, NOW + timedelta(days=1)),
    }  # fmt: skip
    assert gone()[-1] == Gone(one, "ru", NOW)
    save(journal, draft("2"))
    assert {told.code for told in gone()} == {one, three}
    journal.withdraw([two], [], NOW + timedelta(days=60))  # the first one is two months old
    assert {told.code for told in gone()} == {two, three}
    assert journal.jobs([(SheetKey("feed"), Want())])[0].gone == ()


def test_who_links_to_a_story_is_known(journal: SqlJournal) -> None:
    save(journal, draft("1", links=((SITE + "2?x", SITE + "2"), ("mailto:a@b", "mailto:a@b"))), draft("2"))
    assert journal.linkers([story_code(SITE + "2")]) == [story_code(SITE + "1")]
    job = journal.jobs(
        [(SheetKey("story", story_code(SITE + "1")), Want(stories=Select(code=story_code(SITE + "1"))))]
    )[0]
    assert job.codes == {SITE + "2?x": story_code(SITE + "2")}


def test_lists_are_cut_by_day_section_language_and_number(journal: SqlJournal) -> None:
    save(journal, *(draft(str(hour), hours=hour) for hour in range(0, 72, 12)))

    def names(choice: Select) -> list[str]:
        job = journal.jobs([(SheetKey("x"), Want(briefs=choice))])[0]
        return [brief.url.removeprefix(SITE) for brief in job.briefs]

    assert names(Select()) == ["0", "12", "24", "36", "48", "60"]
    assert names(Select(newest=2)) == ["0", "12"]
    assert names(Select(first_day="2026-11-21", last_day="2026-11-21")) == ["12", "24"]
    assert names(Select(lang="uk")) == []
    assert names(Select(section_key="ru/obshchestvo", newest=1)) == ["0"]
    assert dict(journal.tally("day")) == {"2026-11-22": 1, "2026-11-21": 2, "2026-11-20": 2, "2026-11-19": 1}
    job = journal.jobs([(SheetKey("front"), Want(tally="month"))])[0]
    assert (dict(job.tally), dict(job.labels)) == ({"2026-11": 6}, {"ru/obshchestvo": "Общество"})


def test_search_terms_select_by_range(journal: SqlJournal) -> None:
    save(journal, draft("1", terms=(10, 2**31)), draft("2", terms=(20, 2**31, 2**31 + 1), hours=1))
    ranges = [(0, 15), (15, 30), (2**30, 2**32)]
    jobs = journal.jobs(
        [(SheetKey("search", str(low)), Want(briefs=Select(terms=(low, high)))) for low, high in ranges]
    )
    found = [[brief.url.removeprefix(SITE) for brief in job.briefs] for job in jobs]
    assert found == [["1"], ["2"], ["1", "2"]]
    assert jobs[2].tally == {"ru": 2}


def test_all_briefs_come_page_by_page(journal: SqlJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heliograph.adapters.journal.stories._PAGE", 2)
    save(journal, *(draft(str(hour), hours=hour // 2) for hour in range(5)))  # pairs of equal time
    assert [brief.url for brief in journal.briefs()] == [
        brief.url for brief in sorted(journal.briefs(), key=lambda b: (-b.published.timestamp(), b.code))
    ]
    assert len(list(journal.briefs())) == 5


def test_dirty_sheets_last_until_rendered(journal: SqlJournal) -> None:
    journal.mark([SheetKey("story", "1"), SheetKey("day", "2026-11-22"), SheetKey("story", "1")])
    assert journal.dirty() == [SheetKey("story", "1"), SheetKey("day", "2026-11-22")]
    journal.rendered([sheet("story", "1", x="1")], 1)
    assert journal.dirty() == [SheetKey("day", "2026-11-22")]
    assert journal.thin() == [SheetKey("story", "1")]


def test_a_mirror_is_told_only_what_it_lacks(journal: SqlJournal) -> None:
    def told(since: int | None, shown: int = 0) -> dict[str, str]:
        return {
            change.name: "gone" if change.gone else "fresh" if change.fresh else "changed"
            for change in journal.changes(since, shown)
        }

    journal.rendered([sheet("story", "1", x="1", y="1")], 1)
    assert sign(journal).written == 2
    journal.rendered([sheet("story", "1", x="2", z="1"), sheet("story", "2", w="1")], 2)
    second = sign(journal)
    assert (second.number, second.files, second.written, second.gone) == (2, 3, 3, 1)
    assert told(2) == {}
    assert told(1) == {"a/x.html": "changed", "a/y.html": "gone", "a/z.html": "fresh", "a/w.html": "fresh"}
    assert told(0) == {"a/x.html": "fresh", "a/z.html": "fresh", "a/w.html": "fresh"}  # y came and went unseen
    assert journal.rendered([sheet("story", "2")], 3) == ["a/w.html"]
    sign(journal)
    # w came and went, but a delivery that was cut short may have brought it
    assert told(1) == {"a/x.html": "changed", "a/y.html": "gone", "a/z.html": "fresh", "a/w.html": "gone"}
    journal.rendered([sheet("story", "2", w="1")], 4)
    assert journal.latest() is not None
    assert told(3) == {"a/w.html": "changed"}  # it is back, and a mirror that lags may still have its old bytes
    assert told(None)["a/y.html"] == "gone"
    assert told(1, shown=2)["a/z.html"] == "changed"  # what it shows already has z


def test_what_ends_and_comes_back_within_one_release_never_ended(journal: SqlJournal) -> None:
    journal.rendered([sheet("story", "1", x="1", y="1")], 1)
    sign(journal)
    journal.rendered([sheet("story", "1", y="1")], 2)
    journal.rendered([sheet("story", "1", x="2", y="1")], 2)
    assert [(moved.path, moved.digest, moved.fresh) for moved in journal.moved()] == [("a/x.html", "2", False)]
    assert [(change.name, change.fresh, change.gone) for change in journal.changes(1)] == [("a/x.html", False, False)]


@given(st.lists(st.lists(st.sets(st.sampled_from("uvwxyz")), min_size=1, max_size=3), min_size=1, max_size=5))
def test_the_files_of_a_release_can_be_counted_from_the_last(blank_journal: Path, steps: list[list[set[str]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(blank_journal, folder)
        with SqlJournal(f"sqlite:///{folder}/journal.sqlite", Path(folder)) as journal:
            entries = 0
            for serial, renderings in enumerate(steps, 1):
                for place, pages in enumerate(renderings):
                    journal.rendered([sheet("story", "1", **dict.fromkeys(pages, f"{serial} {place}"))], serial)
                moved = journal.moved()
                entries += sum(one.fresh for one in moved) - sum(not one.digest for one in moved)
                sign(journal)
                assert entries == journal.mapped()


def test_parts_of_the_map_are_counted_and_end_when_nothing_has_used_them_for_eight_days(journal: SqlJournal) -> None:
    def seal(days: int, *, objects: Sequence[str] = (), left: Sequence[str] = (), anew: bool = False) -> list[str]:
        laid = tuple(Laid(name=name, digest=name, size=1) for name in objects)
        made = bare_seal(days, objects=laid, left=tuple(left), anew=anew)
        return journal.close(NOW + timedelta(days=days), made)[1]

    def held() -> set[str]:
        return {change.name for change in journal.changes(None) if not change.gone}

    seal(0, objects=["o/a", "o/a", "o/b"])
    assert seal(1, left=["o/a"]) == []  # it stands in a second place
    seal(2, left=["o/a"])
    assert seal(9) == []
    seal(9, objects=["o/a"])  # back before its end
    assert seal(20) == []
    seal(21, left=["o/a"])
    assert seal(30) == ["o/a"]
    assert held() == {"o/b"}
    seal(31, objects=["o/b", "o/c"], anew=True)
    assert seal(60) == []
    assert [(change.name, change.gone) for change in journal.changes(6)] == [("o/a", True), ("o/c", False)]


def test_a_content_copy_lasts_two_days_after_the_next_and_no_longer_than_its_page(journal: SqlJournal) -> None:
    def seal(hours: int, *copies: tuple[str, str]) -> list[str]:
        laid = tuple(
            (path, tuple(Laid(name=object_name(text), digest=text, size=1) for _ in range(bool(text))))
            for path, text in copies
        )
        made = bare_seal(hours, copies=laid)
        return journal.close(NOW + timedelta(hours=hours), made)[1]

    one, two = "1" * 64, "2" * 64
    journal.rendered([sheet("story", "1", x=one, y="y")], 1)
    seal(0)
    journal.rendered([sheet("story", "1", x=one, y="z")], 2)
    assert [(moved.path, moved.fresh, moved.copied) for moved in journal.moved()] == [("a/y.html", False, "")]
    seal(1, ("a/x.html", one), ("a/y.html", one))  # equal pages share a copy
    journal.rendered([sheet("story", "1", x=two, y="z")], 3)
    assert [(moved.path, moved.copied) for moved in journal.moved()] == [("a/x.html", one)]
    seal(2, ("a/x.html", two))
    assert seal(60) == []
    seal(61, ("a/y.html", two))
    assert seal(100) == []
    assert seal(120) == [object_name(one)]
    assert seal(121, ("a/x.html", "")) == []  # the other page has it still
    assert seal(122, ("a/y.html", "")) == [object_name(two)]


def test_records_come_by_key_whole_or_between_keys(journal: SqlJournal) -> None:
    journal.rendered([sheet("story", "1", x="1", y="2"), sheet("story", "2", z="3")], 1)
    whole = list(journal.records())
    assert [key for key, _, _ in whole] == sorted(key_of(f"a/{name}.html").hex() for name in "xyz")
    assert journal.mapped() == 3
    low, high = whole[1][0], "f" * 32
    assert list(journal.records([(low, high)])) == whole[1:]
    assert list(journal.records([])) == []


def test_what_was_cut_is_counted_by_story(journal: SqlJournal) -> None:
    cuts = (Cut(url=SITE, text="Следите за нами", reason="recurs"),)
    for code in ("1", "2"):
        journal.rendered([replace(sheet("story", code, **{f"f{code}": "1"}), cuts=cuts)], 1)
    assert journal.cuts(5) == [(Cut(url=SITE, text="Следите за нами", reason="recurs"), 2)]
    journal.rendered([sheet("story", "1", f1="2")], 2)
    assert journal.cuts(5)[0][1] == 1


def test_a_picture_is_kept_once_by_content(journal: SqlJournal) -> None:
    save(journal, draft("1", pictures=(SITE + "a.jpg",)), draft("2", pictures=(SITE + "b.jpg",), hours=1))
    assert [url for url, _ in journal.unseen(5)] == [SITE + "a.jpg", SITE + "b.jpg"]
    shown = Shown(pid="pa", width=320, height=200, colours=("#111111", "#222222"), avif=b"avif", webp=b"webp")
    assert journal.keep_picture(SITE + "a.jpg", "key", shown) == [story_code(SITE + "1")]
    assert journal.same_picture("key") == shown
    assert journal.same_picture("none") is None
    journal.keep_picture(SITE + "b.jpg", "", None, "not a picture")
    assert journal.unseen(5) == []
    code = story_code(SITE + "1")
    page, story = journal.jobs(
        [(SheetKey("picture", "pa"), Want()), (SheetKey("story", code), Want(stories=Select(code=code)))]
    )
    assert page.pictures[SITE + "a.jpg"][5:] == (b"avif", b"webp")
    assert story.pictures[SITE + "a.jpg"] == ("pa", 320, 200, "#111111", "#222222", b"", b"")
    assert journal.jobs([(SheetKey("picture", "none"), Want())])[0].stories == ()


def test_edges_are_counted_over_stories(journal: SqlJournal) -> None:
    save(journal, *(draft(str(number), edges=("e", f"e{number}")) for number in range(4)))
    assert journal.edge_counts(2) == ({"e": 4}, 4)
    assert len(journal.with_edges(["e"])) == 4
    save(journal, draft("0", text="anders", edges=()))
    assert journal.edge_counts(2) == ({"e": 3}, 4)


def test_sightings_count_once_and_last_a_week(journal: SqlJournal) -> None:
    one, other = (
        Sighting(mirror="https://m.example/", vantage=name, network="n", started=NOW, results=()) for name in ("a", "b")
    )
    assert journal.saw([one, other, one], NOW) == 2
    assert journal.saw([one], NOW) == 0
    assert journal.sightings(NOW) == sorted([one, other], key=lambda sighting: journal.sightings(NOW).index(sighting))
    assert journal.sightings(NOW + timedelta(seconds=1)) == []
    assert journal.saw([], NOW + timedelta(days=8)) == 0
    assert journal.sightings(NOW) == []


def test_findings_stand_until_others_do(journal: SqlJournal) -> None:
    well = Finding(mirror="m", network="home", kind="well", strength="confirmed", since=NOW, seen=NOW, readable=True)
    dead = replace(well, kind="curtain", unit="packets", threshold=25, evidence=("12 KiB stop",), vantages=("a", "b"))
    journal.conclude([well])
    journal.conclude([dead])
    assert journal.findings() == [dead]


def test_of_each_vantage_only_the_newest_sightings_are_read_where_no_more_is_asked(journal: SqlJournal) -> None:
    told = [
        Sighting(mirror=mirror, vantage=name, network="n", started=NOW + timedelta(minutes=minute), results=())
        for mirror in ("https://m.example/", "https://o.example/")
        for name in ("a", "b")
        for minute in range(4)
    ]
    journal.saw(told, NOW)
    found = journal.sightings(NOW, until=NOW + timedelta(minutes=2), newest=2)
    assert sorted((one.mirror[8], one.vantage, (one.started - NOW).seconds // 60) for one in found) == [
        (mirror, name, minute) for mirror in "mo" for name in "ab" for minute in (1, 2)
    ]
    assert [one.started for one in found] == sorted(one.started for one in found)
    assert len(journal.sightings(NOW)) == len(told)
