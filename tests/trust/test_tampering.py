"""Bytes of a mirror are flipped, cut, swapped, inserted and replayed at random: nothing false is shown, nothing raises.

Every mutation is read by somebody new and by somebody who knows the mirror, each eleventh is audited.
HELIOGRAPH_MUTATIONS says how many there are, 3,000 by default; ``pytest -s`` shows the figures. Each mutation repeats
from its number.
"""

from __future__ import annotations

import gzip
import os
import random
from collections import Counter
from collections.abc import Callable
from functools import cache
from hashlib import sha256

import brotli
import pytest
from conformance.trust import site
from conformance.trust.bases import HOUR, base

from heliograph.lab.readers import Host, Reader, listing
from heliograph.model import paths
from heliograph.model.release import Verdict
from heliograph.trust.chain import State
from heliograph.trust.head import read_head

MUTATIONS = int(os.environ.get("HELIOGRAPH_MUTATIONS", "3000"))
PARTS = 6
OLD, NEW = base("r1"), base("r2")
NOW = NEW.time + HOUR
TRUTH = {of.release: of.pages for of in (OLD, NEW)}
PATHS = sorted({*OLD.pages, *NEW.pages, "a/none.html"})
POINTERS = ("now", "now.br", "now.gz")
ROLES = ("timestamp", "snapshot", "edition", "targets")

Files = dict[str, bytes]


def _encoded(pointer: bytes) -> Files:
    return {"now.br": brotli.compress(pointer, quality=1), "now.gz": gzip.compress(pointer, 1, mtime=0)}


MIRROR: Files = {**NEW.files, **_encoded(NEW.files["now"])}
NAMES = sorted(MIRROR)


# ---------------------------------------------------------------- what is done to a file


def _flip(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _time in range(chance.choice((1, 1, 1, 2, 8)) if data else 0):
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(chance: random.Random, data: bytes) -> bytes:
    begin, end = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
    return chance.choice((data[:begin], data[end:], data[:begin] + data[end:]))


def _insert(chance: random.Random, data: bytes) -> bytes:
    place = chance.randint(0, len(data))
    piece = chance.choice(
        (
            chance.randbytes(chance.choice((1, 4, 600))),
            data[: chance.randint(0, len(data))],
            chance.choice((b"\n", b" ", b"{", b'"', b"[" * 40, b"\xff", b"\0", b"0", b'"version":9,')),
            MIRROR[chance.choice(NAMES)][:200],
        )
    )
    return data[:place] + piece + data[place:]


def _digits(chance: random.Random, data: bytes) -> bytes:
    """Another digit or letter where there was one, so that the form stays."""
    places = [at for at, byte in enumerate(data) if 0x30 <= byte <= 0x39 or 0x61 <= byte <= 0x66]
    if not places:
        return data + b"0"
    at = chance.choice(places)
    return data[:at] + chance.choice(b"0123456789abcdef").to_bytes(1, "big") + data[at + 1 :]


def _other(chance: random.Random, _: bytes) -> bytes:
    return MIRROR[chance.choice(NAMES)]


def _nothing(_: random.Random, __: bytes) -> bytes:
    return b""


CHANGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _flip,
    _flip,
    _cut,
    _insert,
    _digits,
    _other,
    _nothing,
)


def tampered(chance: random.Random, path: str) -> Files:
    """A mirror of r2 after somebody was at it who does not want ``path`` to be read as it is."""
    files = dict(MIRROR)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        name = chance.choice(needed(path) if chance.random() < 0.8 else NAMES)
        match chance.randrange(10):
            case 0:
                files.pop(name, None)
            case 1 | 2:  # replayed
                files |= _old(chance, name)
            case 3:  # two files change places
                other = chance.choice(NAMES)
                files[name], files[other] = files.get(other, b""), files.get(name, b"")
            case _:
                files[name] = chance.choice(CHANGES)(chance, files.get(name, b""))
    match chance.randrange(4):
        case 0:  # the single files count
            for name in POINTERS:
                files.pop(name, None)
        case 1:  # and are the same in the bundle
            made = {role: files.get(f"tuf/2.{role}.json", b"") for role in ROLES[1:]}
            files["now"] = NEW.papers.pointer({**made, "timestamp": files.get("tuf/timestamp.json", b"")})
            files |= _encoded(files["now"])
    return files


@cache
def needed(path: str) -> list[str]:
    """Every file that a reader of ``path`` may look at."""
    asked: set[str] = {*POINTERS, *(f"tuf/2.{role}.json" for role in ROLES[1:])}
    fresh = site.object_name(sha256(NEW.map.fresh).digest())
    for left_out in (set(POINTERS), {fresh}, {path}, {path, f"{path}.br"}):
        reader = Reader(pinned=OLD.papers.roots[0])
        reader.read([{name: data for name, data in MIRROR.items() if name not in left_out}], path, NOW)
        asked |= {*reader.asked}
    return sorted(asked)


def _old(chance: random.Random, name: str) -> Files:
    """Bytes of r1 under a name of r2: the same name, the name of the next version, or all of a kind."""
    old = name.replace("tuf/2.", "tuf/1.")
    kinds = ("tuf/", "a/", "now", "o/", "")
    match chance.randrange(3):
        case 0 if name in OLD.files:
            return {name: OLD.files[name]}
        case 1 if old in OLD.files:
            return {name: OLD.files[old]}
    kind = chance.choice(kinds)
    return {one: data for one, data in OLD.files.items() if one.startswith(kind)}


# ---------------------------------------------------------------- what may come of it


@cache
def known(release: int) -> State:
    """What somebody keeps who has read a release."""
    of = {1: OLD, 2: NEW}[release]
    reader = Reader(pinned=OLD.papers.roots[0])
    reader.read([of.files, of.files], "index.html", of.time)
    return reader.state


def check(verdict: Verdict, body: bytes, path: str) -> None:
    """Whatever was done to the mirror, this verdict is true."""
    assert verdict.verdict in ("verified", "withdrawn", "refused")
    if verdict.verdict == "verified":
        assert body == TRUTH[verdict.release][path]
    else:
        assert body == b""
    if verdict.verdict == "withdrawn":
        assert path not in TRUTH[verdict.release]


def one(chance: random.Random, number: int) -> list[str]:
    """Tamper once, look in every way; the verdicts."""
    path = chance.choice(PATHS)
    files = tampered(chance, path)
    host = Host(files=files, name="one", chooses=chance.random() < 0.5)
    said: list[str] = []
    for state in (State(root=b""), known(chance.choice((1, 2)))):
        reader = Reader(pinned=OLD.papers.roots[0], state=state)
        outcome = reader.read([host], path, NOW)
        check(outcome.verdict, outcome.body, path)
        before, after = (read_head(of.head).release if of.head else 0 for of in (state, outcome.state))
        assert after >= before
        assert outcome.verdict.verdict == "refused" or outcome.verdict.release >= before
        said.append(outcome.verdict.verdict)
    if number % 11 == 0:
        reader = Reader(pinned=OLD.papers.roots[0])
        verdict = reader.audit(host, NOW, listing(files)).verdict
        if verdict.verdict == "verified":
            assert {path: files[path] for path in TRUTH[verdict.release]} == TRUTH[verdict.release]
            assert not [name for name in files if not paths.fault(name) and name not in TRUTH[verdict.release]]
        said.append(f"audit {verdict.verdict}")
    return said


@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_that_is_done_to_a_mirror_is_shown(part: int) -> None:
    found: Counter[str] = Counter()
    wrong = []
    tried = range(part, MUTATIONS, PARTS)
    for number in tried:
        try:
            found.update(one(random.Random(f"tampering {number}"), number))
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            wrong.append(f"{number}: {type(error).__name__}: {error}")
    accepted = found["verified"] + found["withdrawn"]
    refused = found["refused"]
    print(f"\n{len(tried)} mutations: {accepted} readings accepted, {refused} refused, {len(wrong)} crashed or false")
    print(", ".join(f"{name} {count}" for name, count in sorted(found.items())))
    assert wrong == []
    assert min(accepted, refused) > len(tried) // 4  # both are looked at


def test_the_tampering_reaches_every_file() -> None:
    chance = random.Random("kinds")
    reached: set[str] = set()
    for number in range(5_000):
        files = tampered(chance, PATHS[number % len(PATHS)])
        reached |= {name for name in MIRROR if files.get(name) != MIRROR[name]}
    assert set(MIRROR) - reached == set()
