"""One mirror: what is taken from ``now``, what is fetched, and the way through the map."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping

import brotli
import pytest
from conformance.trust import site
from conformance.trust.bases import HOUR, base, with_map

from heliograph.lab.readers import Host, Reply, drive
from heliograph.model import paths
from heliograph.model.release import Ask, Got
from heliograph.trust.chain import Chain, State
from heliograph.trust.refusal import RefusalError
from heliograph.trust.visit import Visit

R2 = base("r2")
MADE = R2.papers.signed()


class Counting:
    """A mirror that notes what it is asked for."""

    def __init__(self, files: Mapping[str, bytes], replies: Mapping[str, Reply] | None = None) -> None:
        self.host, self.asked = Host(files=files, replies=replies or {}), list[str]()

    def get(self, ask: Ask) -> Got:
        self.asked.append(ask.name)
        return self.host.get(ask)


def visit(of: str = "r2") -> Visit:
    chain = Chain(State(root=base(of).papers.roots[0]), R2.time + HOUR)
    chain.settle_root()
    return Visit(chain, 0)


def at(files: Mapping[str, bytes]) -> list[str]:
    """What is fetched until the head is known."""
    mirror = Counting(files)
    assert drive(visit().head(), mirror.get).release == 2
    return mirror.asked


def now(**pieces: bytes) -> dict[str, bytes]:
    return {**R2.files, "now": R2.papers.pointer({**MADE, **pieces})}


def test_now_is_all_that_is_needed() -> None:
    assert at({"now": R2.files["now"]}) == ["now"]


@pytest.mark.parametrize(("suffix", "encode"), [(".br", brotli.compress), (".gz", gzip.compress)])
def test_now_may_travel_in_an_encoding(suffix: str, encode: Callable[[bytes], bytes]) -> None:
    assert at({**R2.files, f"now{suffix}": encode(R2.files["now"])}) == ["now"]
    assert at({**R2.files, f"now{suffix}": encode(bytes(10**6))})[:2] == ["now", "tuf/timestamp.json"]
    assert at({**R2.files, f"now{suffix}": b"\x1f\x8b\xff"})[:2] == ["now", "tuf/timestamp.json"]


def test_without_now_every_single_file_is_fetched() -> None:
    tip = next(name for name in R2.papers.files() if name.startswith("edition/"))
    singles = ["tuf/timestamp.json", "tuf/2.snapshot.json", "tuf/2.targets.json", "tuf/2.edition.json", tip]
    assert at({name: data for name, data in R2.files.items() if name != "now"}) == ["now", *singles]


def test_a_piece_that_is_another_is_fetched_alone() -> None:
    old = base("r1").papers.signed()
    forged = MADE["snapshot"].replace(b'"sig":"', b'"sig":"00')
    assert at(now(snapshot=old["snapshot"])) == ["now", "tuf/2.snapshot.json"]
    assert at(now(snapshot=forged)) == ["now", "tuf/2.snapshot.json"]  # of the same version, but of another hash
    assert at(now(edition=old["edition"])) == ["now", "tuf/2.edition.json"]
    assert at(now(targets=old["targets"])) == ["now", "tuf/2.targets.json"]
    assert at(now(timestamp=b"x"))[:2] == ["now", "tuf/timestamp.json"]


def test_now_without_targets_is_enough_for_whoever_has_them() -> None:
    short = R2.files["now"].replace(MADE["targets"] + b"\n", b"")
    assert at({**R2.files, "now": short}) == ["now", "tuf/2.targets.json"]
    chain = Chain(State(root=R2.papers.roots[0], targets=MADE["targets"]), R2.time)
    chain.settle_root()
    mirror = Counting({"now": short})
    assert drive(Visit(chain, 0).head(), mirror.get).release == 2


def test_the_front_page_is_found_in_the_fresh_list() -> None:
    looked = visit()
    head = drive(looked.head(), Host(files=R2.files).get)
    mirror = Counting(R2.files)
    assert drive(looked.entry("index.html", head), mirror.get) is not None
    assert mirror.asked == [paths.object_name(head.fresh.hex())]


@pytest.mark.parametrize(
    ("of", "path", "objects"), [("r2", site.PLAIN, 2), ("r2", "a/news.html", 2), ("deep", "a/003.html", 3)]
)
def test_any_other_page_is_found_by_a_walk(of: str, path: str, objects: int) -> None:
    looked, files = visit(of), base(of).files
    head = drive(looked.head(), Host(files=files).get)
    mirror = Counting(files)
    entry = drive(looked.entry(path, head), mirror.get)
    assert entry is not None
    assert entry.length == len(base(of).pages[path])
    assert len(mirror.asked) == objects
    assert drive(looked.entry("a/none.html", head), mirror.get) is None


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(status=404), "unavailable"),
        (Reply(size=10**6), "fresh"),
        (Reply(size=60), "fresh"),
        (Reply(cut=10), "unavailable"),
    ],
)
def test_whoever_demands_the_fresh_list_is_told_what_is_wrong_with_it(reply: Reply, code: str) -> None:
    looked = visit()
    head = drive(looked.head(), Host(files=R2.files).get)
    mirror = Counting(R2.files, {paths.object_name(head.fresh.hex()): reply})
    with pytest.raises(RefusalError) as caught:
        drive(looked.fresh(head), mirror.get)
    assert caught.value.code == code
    assert drive(looked.entry("index.html", head), mirror.get) is not None  # the map decides


@pytest.mark.parametrize("length", [52, 520])
def test_a_fresh_list_of_another_length_than_the_head_says_is_not_taken(length: int) -> None:
    files = {**R2.files, **with_map(R2, R2.map, fresh_len=length)}
    looked = visit()
    head = drive(looked.head(), Host(files=files).get)
    with pytest.raises(RefusalError, match="fresh"):
        drive(looked.fresh(head), Host(files=files).get)
    assert drive(looked.entry("index.html", head), Host(files=files).get) is not None


@pytest.mark.parametrize(("coding", "encode"), [("br", brotli.compress), ("gzip", gzip.compress)])
def test_a_single_file_may_lie_there_under_an_encoding_alone(coding: str, encode: Callable[[bytes], bytes]) -> None:
    def answer(data: bytes) -> Callable[[Ask], Got]:
        return lambda ask: Got(fate="whole", data=data[: ask.limit], coding=coding)  # type: ignore[arg-type]

    assert drive(visit().file("tuf/1.root.json", 5_000), answer(encode(b"text"))) == b"text"
    for data in (encode(bytes(5_001)), encode(b"text" * 99)[:-9]):
        with pytest.raises(RefusalError, match="cannot be undone") as caught:
            drive(visit().file("tuf/1.root.json", 5_000), answer(data))
        assert caught.value.code == "unavailable"
