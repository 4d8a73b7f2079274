"""A whole mirror: every file that is needed is demanded, every file that is there is accounted for."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping
from hashlib import sha256
from typing import get_args

import brotli
import pytest
from conformance.trust import papers, site
from conformance.trust.bases import HOUR, NAMES, Base, base, second_root, with_map
from conformance.trust.releaselog import Log, with_log
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.lab.readers import Host, Reader, Reply, drive, listing
from heliograph.model import paths
from heliograph.trust import audit
from heliograph.trust.audit import Kind
from heliograph.trust.chain import State
from heliograph.trust.reader import Outcome

R1, R2, DEEP = base("r1"), base("r2"), base("deep")
PAGE = site.PLAIN


def audited(
    files: Mapping[str, bytes],
    *,
    of: Base = R2,
    kinds: Mapping[str, Kind] | None = None,
    listed: bool = True,
    replies: Mapping[str, Reply] | None = None,
) -> Outcome:
    names = listing(files, kinds) if listed else None
    reader = Reader(pinned=of.papers.roots[0])
    return reader.audit(Host(files=files, replies=replies or {}), of.time + HOUR, names)


def code_of(files: Mapping[str, bytes], *, listed: bool = True) -> str:
    """Why a mirror like r2 with these files is refused, "" if it is not."""
    verdict = audited(files, listed=listed).verdict
    assert verdict.verdict in ("verified", "refused")
    return verdict.code


def with_(**changed: bytes) -> dict[str, bytes]:
    return {**R2.files, **changed}


def without(*names: str) -> dict[str, bytes]:
    return {name: data for name, data in R2.files.items() if name not in names}


# ---------------------------------------------------------------- honest mirrors


@pytest.mark.parametrize("name", NAMES)
def test_an_honest_mirror_is_verified(name: str) -> None:
    outcome = audited(base(name).files, of=base(name))
    assert (outcome.verdict.verdict, outcome.verdict.release) == ("verified", base(name).release)
    assert outcome.verdict.warn == ("probe",)  # one mirror alone can hide a new root
    assert outcome.state.head == base(name).papers.head


@pytest.mark.parametrize("of", [R1, DEEP], ids=["r1", "deep"])
def test_every_file_of_a_first_release_is_checked(of: Base) -> None:
    assert audited(of.files, of=of).files == len(of.files)


def test_without_a_list_of_names_the_rest_is_checked() -> None:
    outcome = audited(R2.files, listed=False)
    assert outcome.verdict.verdict == "verified"
    map_and_metadata = len(R2.map.objects()) + len(R2.papers.files()) + 5  # and code, and copies of it
    assert outcome.files > map_and_metadata + 5


def test_old_files_may_stay_and_may_be_damaged() -> None:
    old = R1.map.objects().keys() - R2.map.objects().keys()
    assert old
    assert code_of(with_(**dict.fromkeys(old, b"damaged"))) == ""
    assert code_of(without(*old, "tuf/1.snapshot.json", "tuf/1.edition.json", "tuf/1.targets.json")) == ""


def test_an_old_mirror_is_stale() -> None:
    reader = Reader(pinned=R2.papers.roots[0])
    outcome = reader.audit(R2.files, R2.time + 50 * HOUR, listing(R2.files))
    assert (outcome.verdict.verdict, outcome.verdict.stale) == ("stale", True)


# ---------------------------------------------------------------- every file, one by one


def _needed() -> set[str]:
    code = {f"code/{sha256(data).hexdigest()}.{name.removeprefix('code/')}" for name, data in R2.papers.code.items()}
    return {*R2.pages, *R2.map.objects(), *R2.papers.files(), *code, "sw.js", "reader.html"}


def _copies() -> set[str]:
    return {
        name
        for data in R2.pages.values()
        for end in ("", ".br", ".gz")
        if (name := site.object_name(sha256(data).digest()) + end) in R2.files
    }


def test_every_file_that_is_needed_is_missed() -> None:
    wrong = {name: code for name in R2.files if (code := code_of(without(name))) != _expected_without(name)}
    assert wrong == {}


def _expected_without(name: str) -> str:
    return "unavailable" if name in _needed() else ""


def test_every_file_that_counts_must_be_the_true_one() -> None:
    wrong = {
        name: code
        for name, data in R2.files.items()
        if (code := code_of(with_(**{name: data[::-1]}))) not in _expected_codes(name)
    }
    assert wrong == {}


def _expected_codes(name: str) -> set[str]:
    fresh = site.object_name(sha256(R2.map.fresh).digest())
    if name in ("sw.js", "reader.html") or (name.startswith("code/") and name in _needed()):
        return {"code"}
    if name == "tuf/1.root.json":
        return {"root-chain"}
    if name == "now" or (name.startswith(("tuf/", "edition/")) and name in _needed()):
        return {"bundle"}
    if name in R2.map.objects():
        return {"fresh"} if name == fresh else {"object"}
    if name in _copies() or not paths.fault(paths.plain_name(name)):
        return {"hash", "length"}
    return {""}


def test_every_file_that_is_too_long_is_seen() -> None:
    wrong = {
        name: code
        for name in sorted(_needed())
        if (code := audited(R2.files, replies={name: Reply(size=70_000_000)}).verdict.code) not in _codes_of_long(name)
    }
    assert wrong == {}


def _codes_of_long(name: str) -> set[str]:
    codes = _expected_codes(name)
    if codes == {"object"} or name == "now":
        return {"too-long"}
    return {"length"} if "length" in codes else codes


def test_a_pointer_of_no_pieces_is_no_bundle() -> None:
    for data in (b"", b"x", b"a\nb"):
        assert code_of(with_(now=data)) == "bundle"


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a/extra.html", "unlisted"),
        ("a/extra.html.br", "unlisted"),
        ("readme.txt", "unlisted"),
        ("sw.js.br", "unlisted"),
        ("tuf/timestamp.json.gz", "unlisted"),
        ("tuf/01.root.json", "unlisted"),
        ("o/ab", "unlisted"),
        ("a/con.html", "path"),
        ("a/Extra.html", "path"),
        ("a/x.html.part", "path"),
        ("a/x.html.gz.br", "path"),
        (".hidden", "path"),
        ("a/x\ny.html", "path"),
        ("", "path"),
        ("tuf/999.snapshot.json", ""),
        (f"o/ab/{'0' * 62}", ""),
        (f"o/ab/{'0' * 62}.br", ""),
        ("log/checkpoint", ""),
    ],
)
def test_a_further_file_has_a_record_or_a_name_of_the_format(name: str, code: str) -> None:
    assert code_of(with_(**{name: b"x"})) == code


@given(st.text(max_size=30) | st.text("ao/.brgz-_", max_size=20), st.sampled_from(get_args(Kind)))
@settings(max_examples=50)
def test_no_name_raises_anything(name: str, kind: Kind) -> None:
    verdict = audited(R2.files, kinds={name: kind}).verdict
    assert verdict.code in ("", "file-type", "path", "unlisted", "unavailable")
    assert kind in ("file", "folder") or verdict.code == "file-type"


def test_folders_have_names_of_the_format_too() -> None:
    assert audited(R2.files, kinds={"a": "folder", "a/empty": "folder"}).verdict.verdict == "verified"
    assert audited(R2.files, kinds={"a/Leer": "folder"}).verdict.code == "path"


def test_the_file_at_fault_is_named() -> None:
    verdict = audited(with_(**{PAGE: R2.pages[site.TWIN]})).verdict
    assert (verdict.code, verdict.path) == ("hash", PAGE)


# ---------------------------------------------------------------- encodings and copies


def test_now_may_have_encodings_of_the_same_bytes() -> None:
    assert code_of(with_(**{"now.br": brotli.compress(R2.files["now"])})) == ""
    assert code_of(with_(**{"now.br": brotli.compress(R1.files["now"])})) == "bundle"
    assert code_of(with_(**{"now.gz": R2.files["now"]})) == "bundle"


def test_an_encoding_that_is_none_is_refused_though_a_reader_would_take_it() -> None:
    assert code_of(with_(**{f"{PAGE}.gz": R2.pages[PAGE]})) == "hash"


def test_a_forged_content_copy_is_found_with_and_without_a_list() -> None:
    copied = site.object_name(sha256(R2.pages["a/news.html"]).digest())
    for name in (copied, f"{copied}.br", f"{copied}.gz"):
        assert code_of(with_(**{name: b"forged"})) in ("hash", "length")
        assert code_of(with_(**{name: b"forged"}), listed=False) in ("hash", "length")


def test_hosts_of_the_web_may_forbid_what_they_lack() -> None:
    absent = {site.object_name(sha256(data).digest()): Reply(status=403) for data in R2.pages.values()}
    absent = {name: reply for name, reply in absent.items() if name not in R2.files}
    assert audited(R2.files, listed=False, replies=absent).verdict.verdict == "verified"
    assert audited(R2.files, replies=absent).verdict.code == "unavailable"


def test_without_a_list_files_at_the_root_are_checked() -> None:
    assert code_of(with_(**{"index.html": R1.pages["index.html"]}), listed=False) == "hash"
    assert code_of(with_(**{"index.html.br": brotli.compress(b"forged")}), listed=False) == "length"
    assert code_of(without("robots.txt"), listed=False) == "unavailable"
    assert audited(DEEP.files, of=DEEP, listed=False).verdict.verdict == "verified"
    assert audited({**DEEP.files, "feed.xml": b"x"}, of=DEEP, listed=False).verdict.code == "unlisted"


# ---------------------------------------------------------------- metadata and code


@pytest.mark.parametrize("data", [b"", b"{}", b"x" * 70_000, R1.papers.roots[0], second_root()[:-1]])
def test_an_invalid_next_root_is_a_broken_chain(data: bytes) -> None:
    assert code_of(with_(**{"tuf/2.root.json": data})) == "root-chain"


def test_a_valid_next_root_is_followed() -> None:
    assert code_of(with_(**{"tuf/2.root.json": second_root()})) == "signature"
    outcome = audited(with_(**{"tuf/2.root.json": second_root()}))
    assert outcome.state.root == second_root()


def test_code_that_nobody_has_signed_is_refused() -> None:
    assert audited({**DEEP.files, "sw.js": b""}, of=DEEP).verdict.code == "code"
    assert code_of(with_(**{"sw.js": R1.files["sw.js"]})) == "code"


def test_fresh_pages_are_those_of_the_map() -> None:
    other = site.mapped(3, R2.pages, ())
    assert audited({**R2.files, **with_map(R2, other)}).verdict.verdict == "verified"
    assert audited({**R2.files, **with_map(R2, other, fresh_len=52)}).verdict.code == "unavailable"
    of_r1 = sha256(R1.map.fresh).hexdigest()
    lines: dict[str, str | int] = {"fresh": of_r1, "fresh_len": len(R1.map.fresh)}
    assert audited({**R2.files, **with_map(R2, other, **lines)}).verdict.code == "fresh"  # an older release's list


def test_the_log_is_checked_where_the_policy_names_one_and_its_checkpoint_is_kept() -> None:
    made = Log(entries=(R1.papers.head, R2.papers.head))
    files = {**R2.files, **with_log(R2, made)}
    reader = Reader(pinned=R2.papers.roots[0])
    outcome = reader.audit(files, R2.time + HOUR, listing(files))
    assert outcome.verdict.verdict == "verified"
    assert reader.state.checkpoint == files["log/checkpoint"]
    assert "log/checkpoint" in reader.asked
    reader.read([files, files], PAGE, R2.time + HOUR)  # who reads one page in between asks for no log, and forgets none
    assert reader.state.checkpoint == files["log/checkpoint"]
    assert reader.asked.count("log/checkpoint") == 1
    gone = {name: data for name, data in files.items() if name != "log/checkpoint"}
    outcome = reader.audit(gone, R2.time + HOUR, listing(gone))
    assert (outcome.verdict.code, reader.state.checkpoint) == ("log", files["log/checkpoint"])


def test_without_a_log_in_the_policy_none_is_asked_for() -> None:
    reader = Reader(pinned=R2.papers.roots[0])
    files = with_(**{"log/checkpoint": b"x"})
    assert reader.audit(files, R2.time + HOUR, listing(files)).verdict.verdict == "verified"
    assert "log/checkpoint" not in reader.asked


def test_what_was_seen_before_counts() -> None:
    reader = Reader(pinned=R1.papers.roots[0])
    reader.read([R2.files, R2.files], PAGE, R2.time)
    assert reader.audit(R1.files, R2.time, listing(R1.files)).verdict.code == "rollback"


# ---------------------------------------------------------------- size


class Large(dict[str, bytes]):
    """A mirror of many pages that are made when they are asked for."""

    def __init__(self, pages: int, bits: int) -> None:
        self.numbers = {f"a/{number}.html": number for number in range(pages)}
        rows: list[list[bytes]] = [[] for _ in range(1 << bits)]
        for path in self.numbers:
            row = site.record(path, self.page(path))
            rows[site.index_of(row, bits)].append(row)
        of = site.Map(bits=bits, shards=tuple(site.shard(sorted(some)) for some in rows), fresh=b"", entries=pages)
        super().__init__(with_map(DEEP, of))

    def page(self, path: str) -> bytes:
        return b"%1023d\n" % self.numbers[path]

    def get(self, name: str, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
        return self.page(name) if name in self.numbers else super().get(name, default)


def test_memory_is_a_few_bytes_a_record() -> None:
    pages, bits = 8_000, 11
    large = Large(pages, bits)
    names = listing([*large, *large.numbers])
    run = audit.audit(State(root=b""), DEEP.papers.roots[0], DEEP.time, names)
    host = Host(files=large)
    tracemalloc.start()
    outcome = drive(run, host.get)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outcome.verdict.verdict == "verified"
    assert outcome.files > pages + (1 << bits)
    # the shards that are remembered are a constant; all records together would be 800 KB
    assert most < 700_000


def test_one_page_that_is_missing_among_many_is_missed() -> None:
    large = Large(300, 6)
    names = [name for name in listing([*large, *large.numbers]) if name[0] != "a/77.html"]
    run = audit.audit(State(root=b""), papers.root(1, DEEP.papers.ring, DEEP.time - HOUR), DEEP.time, names)
    assert drive(run, Host(files=large).get).verdict.code == "unavailable"
