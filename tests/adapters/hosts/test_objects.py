"""A store of single objects ends with exactly the edition, whatever fails on the way."""

from __future__ import annotations

import contextlib
import gzip
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import anyio
import brotli
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.adapters.hosts.history import History

from heliograph.adapters.hosts.held import Held
from heliograph.adapters.hosts.objects import MOST_READ, BusyError, Objects, Put, decoded
from heliograph.lab.buckets import Fault, FaultyBin, KilledError
from heliograph.lab.buckets.faulty import FAULTS
from heliograph.model import StoreError, paths
from heliograph.model.ledger import Change


class Mortal(Held):
    """Notes that are not written by a process that was killed."""

    def __init__(self, path: Path, bin_: FaultyBin) -> None:
        super().__init__(path)
        self.bin = bin_

    def note(self, *given: object) -> None:  # type: ignore[override]
        if self.bin.dead:
            raise KilledError
        super().note(*given)  # type: ignore[arg-type]


@dataclass
class Mirror:
    """A place, what is noted of it, and a store for each run."""

    folder: Path
    bin: FaultyBin = field(default_factory=lambda: FaultyBin(busy=BusyError))
    coded: bool = True
    pauses: list[float] = field(default_factory=list)

    def store(self, parallel: int = 8) -> Objects:
        async def pause(seconds: float) -> None:
            self.pauses.append(seconds)

        held = Mortal(self.folder / "held" / "one.sqlite", self.bin)
        return Objects(name="one", bin=self.bin, held=held, coded=self.coded, parallel=parallel, pause=pause)

    def apply(self, *steps: Sequence[Change], files: dict[str, bytes], parallel: int = 8) -> int:
        """Bring steps about; how many files were told as done."""
        done: list[int] = []
        anyio.run(self.store(parallel).apply, steps, lambda one: files[one.name], done.append)
        return sum(done)

    @property
    def puts(self) -> list[str]:
        return [key for what, key in self.bin.requests if what == "put"]


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path)


def change(name: str, data: bytes = b"", *, gone: bool = False, fresh: bool = True) -> Change:
    return Change(name=name, digest=sha256(data).hexdigest(), size=len(data), fresh=fresh, gone=gone)


def page(name: str, text: bytes) -> dict[str, bytes]:
    """A page and its encodings."""
    return {name: text, f"{name}.br": brotli.compress(text), f"{name}.gz": gzip.compress(text, mtime=0)}


def changes(files: dict[str, bytes]) -> list[Change]:
    return [change(name, data) for name, data in files.items()]


# --- whole editions, through the flow that delivers them ---


def run(told: History, mirror: Mirror, number: int) -> bool:
    """One delivery; whether it came to an end without a problem."""

    async def one() -> bool:
        return (await told.deliver(number, mirror.store())).problem is None

    try:
        return anyio.run(one)
    except (KilledError, BaseExceptionGroup):
        if not mirror.bin.dead:
            raise
        mirror.bin.dead = False
        return False


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a process that was killed
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    passes=st.lists(
        st.tuples(
            st.integers(0, 2),  # editions that came meanwhile
            st.integers(0, 60),  # requests before the first fault
            st.lists(st.sampled_from(FAULTS), max_size=12),
            st.sampled_from([0, 0, 1, 7, 40]),  # requests that listings lag behind
        ),
        max_size=6,
    )
)
def test_whatever_fails_the_end_is_the_edition(told: History, passes: list[tuple[int, int, list[Fault], int]]) -> None:
    told.notes.clear()
    with tempfile.TemporaryDirectory() as folder:
        mirror, number = Mirror(Path(folder)), 0
        told.promise(mirror.bin)
        for ahead, quiet, faults, lag in passes:
            number = min(number + ahead, len(told.moments) - 1)
            mirror.bin.faults, mirror.bin.lag = ["" for _ in range(quiet)] + faults, lag
            run(told, mirror, number)
        mirror.bin.faults, mirror.bin.lag = [], 0
        assert run(told, mirror, number)
        assert mirror.bin.files == told.moments[number].files  # no orphan and nothing lacking
        before = len(mirror.bin.requests)
        assert run(told, mirror, number)
        assert mirror.bin.requests[before:] == [("get", "now")]


def test_each_edition_costs_what_changed(told: History, mirror: Mirror) -> None:
    told.notes.clear()
    told.promise(mirror.bin)
    costs = []
    for number, moment in enumerate(told.moments):
        before = len(mirror.puts)
        assert run(told, mirror, number)
        assert mirror.bin.files == moment.files
        costs.append(len(mirror.puts) - before)
    assert costs[0] == len(told.moments[0].files)
    assert max(costs[1:]) < costs[0]


def test_a_place_whose_notes_are_lost_is_written_once_more_and_each_object_once(told: History, mirror: Mirror) -> None:
    told.notes.clear()
    assert run(told, mirror, 0)
    stored = {key: sent.coding for key, sent in mirror.bin.objects.items()}
    told.notes.clear()  # the journal's note of what was delivered; its begun is made up for by the pointer
    (mirror.folder / "held" / "one.sqlite").unlink()
    before = len(mirror.puts)
    assert run(told, mirror, 0)
    again = mirror.puts[before:]
    assert sorted(again) == sorted(stored)
    assert {key: sent.coding for key, sent in mirror.bin.objects.items()} == stored


def test_what_somebody_changed_or_added_is_mended(told: History, mirror: Mirror) -> None:
    told.notes.clear()
    assert run(told, mirror, 0)
    bin_ = mirror.bin
    for key in ("index.html", "a/strange.html", "readme.md"):
        put = Put(key=key, data=b"defaced", content_type="text/html", cache_control="")
        bin_.objects[key], bin_._marks[key] = put, f"of another {key}"
    del bin_.objects["robots.txt"], bin_._marks["robots.txt"]
    told.notes = {key: note for key, note in told.notes.items() if not key.startswith("done")}
    before = len(mirror.puts)
    assert run(told, mirror, 0)
    assert sorted(mirror.puts[before:]) == ["index.html", "robots.txt"]
    assert bin_.objects.pop("readme.md").data == b"defaced"
    assert bin_.files == told.moments[0].files


# --- what is stored, and in which order ---


def test_what_is_stored_under_a_name_decodes_to_it(mirror: Mirror) -> None:
    files = page("a/x.html", b"text " * 50) | page("feed.xml", b"<feed/>" * 50) | {"a/i/p.webp": b"RIFF"}
    assert mirror.apply(changes(files), files=files) == len(files)
    kinds = {key: (sent.coding, sent.content_type, sent.cache_control) for key, sent in mirror.bin.objects.items()}
    assert kinds == {
        "a/x.html": ("br", "text/html;charset=utf-8", "max-age=60"),
        "feed.xml": ("gzip", "application/xml;charset=utf-8", "max-age=60"),
        "a/i/p.webp": ("", "image/webp", "max-age=60"),
    }
    assert mirror.bin.files == {name: files[name] for name in kinds}
    assert anyio.run(mirror.store().read, "a/x.html") == files["a/x.html"]
    assert anyio.run(mirror.store().read, "a/none.html") == b""
    assert anyio.run(mirror.store().listing) == {name: sha256(data).hexdigest() for name, data in files.items()}


def test_a_denser_packing_writes_its_page_only(mirror: Mirror) -> None:
    files = page("a/x.html", b"text " * 50) | page("a/y.html", b"other " * 50) | page("feed.xml", b"<feed/>" * 50)
    mirror.apply(changes(files), files=files)
    files |= {
        "a/x.html.br": brotli.compress(files["a/x.html"], quality=3),
        "feed.xml.br": brotli.compress(b"", quality=2),
    }
    before = len(mirror.puts)
    dense = [change(name, files[name], fresh=False) for name in ("a/x.html.br", "feed.xml.br")]
    assert mirror.apply(dense, files=files) == 2
    assert mirror.puts[before:] == ["a/x.html"]  # a feed is stored as gzip
    assert mirror.bin.objects["a/x.html"].data == files["a/x.html.br"]
    assert anyio.run(mirror.store().listing) == {name: sha256(data).hexdigest() for name, data in files.items()}


def test_a_page_whose_encodings_stand_in_another_step_is_written_once_in_its_own(mirror: Mirror) -> None:
    files = page("a/x.html", b"text " * 50) | {"now": b"pointer"}
    new = [change("a/x.html.br", files["a/x.html.br"]), change("a/x.html.gz", files["a/x.html.gz"])]
    mirror.apply(new, [change("now", b"pointer")], [change("a/x.html", files["a/x.html"])], files=files)
    assert mirror.puts == ["now", "a/x.html"]
    assert mirror.bin.objects["a/x.html"].coding == "br"


def test_an_encoding_that_ended_is_forgotten_and_the_page_stays(mirror: Mirror) -> None:
    files = page("a/x.html", b"text " * 50)
    mirror.apply(changes(files), files=files)
    mirror.apply([change("a/x.html.br", gone=True)], files={})
    assert "a/x.html.br" not in anyio.run(mirror.store().listing)
    assert mirror.bin.files == {"a/x.html": files["a/x.html"]}
    plain = {"a/x.html": b"too short to pack"}
    mirror.apply(changes(plain), [change("a/x.html.gz", gone=True)], files=plain)
    assert mirror.bin.objects["a/x.html"].coding == ""
    assert anyio.run(mirror.store().listing) == {"a/x.html": sha256(b"too short to pack").hexdigest()}


def test_a_page_that_ended_goes_with_its_encodings_in_one_request(mirror: Mirror) -> None:
    files = page("a/x.html", b"text") | page("a/y.html", b"text")
    mirror.apply(changes(files), files=files)
    store = mirror.store()
    anyio.run(store.apply, [[change(name, gone=True) for name in files]], lambda _: b"", lambda _: None)
    assert (mirror.bin.files, store.spent.deletes, store.spent.writes) == ({}, 1, 0)


def test_the_front_page_and_the_pointer_wait_for_what_they_name(mirror: Mirror) -> None:
    names = ["a/x.html", "a/y.html", "index.html", "tuf/1.root.json", "tuf/timestamp.json", "now"]
    files = {name: name.encode() for name in names}
    steps = [[change(name, files[name]) for name in names[:4]], [change(name, files[name]) for name in names[4:]]]
    slow: list[str] = []

    async def seen(key: str) -> None:
        slow.append(key)
        await anyio.sleep(0.02 if key.startswith("a/") or key == "tuf/timestamp.json" else 0)

    class Slow(FaultyBin):
        async def put(self, put: Put) -> str:  # type: ignore[override]
            await seen(put.key)
            return await super().put(put)

    mirror.bin = Slow(busy=BusyError)
    mirror.apply(*steps, files=files)
    assert mirror.puts[2:] == names[2:]


def test_where_encodings_are_files_they_lie_beside_their_page(mirror: Mirror) -> None:
    mirror.coded = False
    files = page("a/x.html", b"text " * 50)
    mirror.apply(changes(files), files=files)
    assert {key: sent.data for key, sent in mirror.bin.objects.items()} == files
    assert mirror.bin.objects["a/x.html.gz"].content_type == "application/gzip"
    assert mirror.bin.objects["a/x.html.gz"].coding == ""


def test_what_was_spent_is_counted(mirror: Mirror) -> None:
    files = {"a/x.html": b"1234", "a/y.html": b"12"}
    store = mirror.store()

    async def all_of_it() -> None:
        await store.apply([changes(files)], lambda one: files[one.name], lambda _: None)
        await store.read("a/x.html")
        await store.listing()

    anyio.run(all_of_it)
    spent = store.spent
    assert (spent.writes, spent.size, spent.reads, spent.lists, spent.deletes) == (2, 6, 1, 1, 0)
    assert store.place == "faulty"


# --- a place that is busy, and one that refuses ---


def test_a_busy_place_is_asked_again_with_pauses_that_grow(mirror: Mirror) -> None:
    mirror.bin.faults = ["busy", "busy done", "busy"]
    mirror.apply(changes({"a/x.html": b"x"}), files={"a/x.html": b"x"})
    assert mirror.bin.files == {"a/x.html": b"x"}
    assert [0.25 <= mirror.pauses[0] <= 0.5, 0.5 <= mirror.pauses[1] <= 1, 1 <= mirror.pauses[2] <= 2] == [True] * 3


def test_a_place_that_was_given_up_gets_one_try_until_it_answers(mirror: Mirror) -> None:
    store = mirror.store()

    async def asked() -> int:
        before = len(mirror.bin.requests)
        with contextlib.suppress(BusyError):
            await store.read("now")
        return len(mirror.bin.requests) - before

    mirror.bin.faults = ["busy"] * 8
    assert [anyio.run(asked) for _ in range(4)] == [6, 1, 1, 1]
    mirror.bin.faults = ["busy", "busy"]
    assert anyio.run(asked) == 3


def test_one_refusal_ends_the_step_and_what_came_about_is_noted(mirror: Mirror) -> None:
    files = {f"a/{number}.html": b"x" for number in range(30)}
    mirror.bin.faults = ["", "", "done"]
    with pytest.raises(StoreError, match="connection reset"):
        mirror.apply(changes(files), [change("now", b"x")], files=files, parallel=1)
    assert mirror.puts == sorted(files, key=list(files).index)[:3]
    known = anyio.run(mirror.store().listing)
    assert sorted(known.values(), key=bool) == ["", *[sha256(b"x").hexdigest()] * 2]  # the third may be anything


def test_a_staged_file_that_is_damaged_is_not_written(mirror: Mirror) -> None:
    def read(_: Change) -> bytes:
        raise StoreError("damaged", where="stage")

    with pytest.raises(StoreError, match="damaged"):
        anyio.run(mirror.store().apply, [[change("a/x.html")]], read, lambda _: None)
    assert mirror.bin.objects == {}


@pytest.mark.parametrize("gone", [False, True])
def test_an_answer_that_was_lost_is_no_refusal_even_where_listings_lag(mirror: Mirror, *, gone: bool) -> None:
    mirror.apply(changes({"a/x.html": b"old"}), files={"a/x.html": b"old"})
    mirror.bin.faults, mirror.bin.lag = ["done"], 2
    with pytest.raises(StoreError):
        mirror.apply([change("a/x.html", b"new", gone=gone)], files={"a/x.html": b"new"})
    assert mirror.bin.files.get("a/x.html") == (None if gone else b"new")
    # the listing shows the mark of the old bytes, and whoever believed it would let the new ones stay
    assert anyio.run(mirror.store().listing) == {"a/x.html": ""}


def test_a_listing_that_lags_hides_nothing_that_was_written(mirror: Mirror) -> None:
    files = page("a/x.html", b"text")
    mirror.apply(changes(files), files=files)
    mirror.bin.lag = 5
    store = mirror.store()
    assert anyio.run(store.listing) == {"a/x.html": ""}
    assert store.spent.reads == 1
    mirror.bin.objects.clear()  # somebody emptied it
    assert anyio.run(mirror.store().listing) == {}
    mirror.bin.requests.clear()
    mirror.bin.lag, mirror.bin._marks = 0, {}
    assert anyio.run(mirror.store().listing) == {}
    assert [what for what, _ in mirror.bin.requests] == ["list"]  # it is not asked for twice


# --- encodings of strangers, notes that cannot be read ---


@pytest.mark.parametrize(
    ("data", "coding", "plain"),
    [
        (brotli.compress(b"text"), "br", b"text"),
        (gzip.compress(b"text"), "gzip", b"text"),
        (b"text", "", b"text"),
        (b"text", "zstd", b"text"),
        (b"no brotli at all", "br", b""),
        (b"no gzip", "gzip", b""),
        (brotli.compress(bytes(30_000_000)), "br", bytes(MOST_READ)),
        (gzip.compress(bytes(30_000_000)), "gzip", bytes(MOST_READ)),
    ],
    ids=["br", "gzip", "plain", "unknown", "no br", "no gzip", "bomb of br", "bomb of gzip"],
)
def test_encodings_are_undone_within_limits(data: bytes, coding: str, plain: bytes) -> None:
    assert decoded(data, coding) == plain


def broken(path: Path) -> None:
    path.write_bytes(b"this is no database, whatever its name says" * 100)


def no_json(path: Path) -> None:
    held = Held(path)
    held.note({"a": ("1", {"a": "d"})})
    with sqlite3.connect(path) as db:
        db.execute("UPDATE held SET digests = 'x'")
    db.close()


def a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("harm", [broken, no_json, a_folder])
def test_notes_that_cannot_be_read_are_told(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    harm(tmp_path / "one.sqlite")
    with pytest.raises(StoreError, match=r"one\.sqlite"):
        Held(tmp_path / "one.sqlite").digests({"a": "1"})


def test_a_folder_for_notes_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be used"):
        Held(tmp_path / "state" / "one.sqlite").keys()


def test_notes_are_merged_and_count_only_while_the_mark_is_the_same(tmp_path: Path) -> None:
    held = Held(tmp_path / "hosts" / "one.sqlite")
    held.note({f"a/{number}.html": ("1", {f"a/{number}.html": "d"}) for number in range(1_200)})
    held.note({"a/0.html": ("2", {"a/0.html.br": "e"}), "a/1.html": (None, {"a/1.html.gz": "f"})}, gone=["a/2.html"])
    assert held.digests({"a/0.html": "2", "a/1.html": "1", "a/2.html": "1", "a/3.html": "9", "b": ""}) == {
        "a/0.html": "d", "a/0.html.br": "e", "a/1.html": "d", "a/1.html.gz": "f",
        "a/2.html": "", "a/3.html": "", "b": "",
    }  # fmt: skip
    held.doubt(["a/0.html", "new"])
    assert held.digests({"a/0.html": "2", "new": ""}) == {"a/0.html": "", "new": ""}
    assert "new" in held.keys()  # noqa: SIM118 - it is no mapping
    held.note({"a/0.html": ("3", {"a/0.html.br": ""})})
    assert held.digests({"a/0.html": "3"}) == {"a/0.html": "d"}


def test_names_of_the_format_are_told_from_others() -> None:
    assert [name for name in ("a/x.html.br", "now", "o/00/" + "1" * 62, "readme.md", "a/x") if paths.is_ours(name)] == [
        "a/x.html.br", "now", "o/00/" + "1" * 62,
    ]  # fmt: skip
