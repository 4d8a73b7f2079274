"""T: new roots, honest and not, and what a rotation makes worthless."""

from __future__ import annotations

from dataclasses import replace

from conformance.trust import papers, signing, site
from conformance.trust.bases import HOUR, START, base, rotated
from conformance.trust.case import Case, Earlier, read, refused, served, verified
from conformance.trust.cases.edits import put, version
from conformance.trust.papers import Change, Papers, root, stamp
from conformance.trust.signing import Circle, Pen

PAGE = site.PLAIN
_MOST = 2**53 - 1
_LATER = START + 12 * HOUR


def cases() -> list[Case]:
    """All of the group."""
    return [*_rotations(), *_bad_roots(), *_recoveries(), *_hidden(), *_many()]


def _rotations() -> list[Case]:
    ring = rotated()
    third, fourth = root(3, ring, _LATER + HOUR), root(4, ring, _LATER + HOUR)
    four = {"tuf/3.root.json": third, "tuf/4.root.json": fourth}
    return [
        read("T01", "from r2 to r3", served("r3"), PAGE, verified("r3", PAGE), state="after:r2"),
        read("T02", "root 1 pinned, three roots on", served("r3", four), PAGE, verified("r3", PAGE)),
    ]


def _bad_roots() -> list[Case]:
    ring, new = signing.editors(), rotated()
    weak = replace(ring, root=Circle(ring.root.pens, 2))
    others = replace(new, root=Circle(tuple(Pen(f"root thief {number}") for number in range(3)), 2))
    return [
        _second("T03", "root 2 with fewer signatures than root 1 demands", root(2, weak, _LATER, ring.root.pens[:2])),
        _second("T04", "root 2 signed by its own keys only", root(2, others, _LATER)),
        _second("T04-old", "root 2 signed by the keys of root 1 only", root(2, others, _LATER, ring.root.signers)),
        _second("T05", "root 3 at the name of root 2", root(3, new, _LATER)),
        _second("T06", "root 2 that says it is root 1", root(2, new, _LATER, change=Change(edit=version(1)))),
        read(
            "T07",
            "a revoked key signs after the rotation",
            served("r3", base("r3").papers.files(_revoked())),
            PAGE,
            refused("signature"),
            state="after:r3",
        ),
    ]


def _second(number: str, what: str, data: bytes) -> Case:
    return read(number, what, served("r2", {"tuf/2.root.json": data}), PAGE, refused("root-chain"))


def _revoked() -> dict[str, Change]:
    """A further timestamp by the ``online`` key of root 1."""
    return {"timestamp": Change(edit=version(4), pens=signing.editors().online.pens)}


def _recoveries() -> list[Case]:
    r2, r3 = base("r2"), base("r3")
    pushed = raised()
    forged = replace(
        pushed,
        versions=replace(pushed.versions, edition=_MOST),
        head=r2.map.head(10**15, stamp(r2.time)),
    )
    edition = Circle((Pen("edition second"), Pen("edition second co-signer"), Pen("edition second spare")), 2)
    healed: Papers = replace(
        r3.papers,
        ring=replace(rotated(), edition=edition),
        versions=replace(r3.papers.versions, targets=3),
        since=_LATER,
    )
    return [
        read(
            "T08",
            "online raised its versions to the end, then root replaced it",
            served("r3"),
            PAGE,
            verified("r3", PAGE),
            state="after:r2",
            before=_visit(pushed),
        ),
        read(
            "T09",
            "edition and online raised theirs, then targets and root replaced them",
            served("r3", healed.files()),
            PAGE,
            verified("r3", PAGE),
            state="after:r2",
            before=_visit(forged),
        ),
    ]


def raised() -> Papers:
    """The papers of r2 after a thief of ``online`` has raised its versions as far as they go."""
    of = base("r2").papers
    return replace(of, versions=replace(of.versions, snapshot=_MOST, timestamp=_MOST))


def _visit(of: Papers) -> tuple[Earlier, ...]:
    return (Earlier(now=of.time + HOUR / 6, mirror=served("r2", of.files())),)


def _hidden() -> list[Case]:
    r2, r3 = base("r2"), base("r3")
    hiding = served("r2", r2.papers.files({"timestamp": Change(edit=put(expires=stamp(r3.time + papers.DAY)))}))
    now = r3.time + HOUR
    return [
        read(
            "T10",
            "A hides root 2 and serves what a revoked key signed, B shows it",
            (hiding, served("r3")),
            PAGE,
            verified("r3", PAGE, (), charges=[[0, "signature"]]),
            now=now,
        ),
        read(
            "T11",
            "A serves garbage as root 2, B is honest",
            (served("r3", {"tuf/2.root.json": b"<html>not found</html>"}), served("r3")),
            PAGE,
            verified("r3", PAGE, charges=[[0, "json"]]),
            now=now,
        ),
        read(
            "T12",
            "the reader knows root 2, the mirror hides it",
            hiding,
            PAGE,
            refused("signature"),
            now=now,
            state="after:r3",
        ),
        read(
            "T13",
            "root 2 of 600 KB",
            served("r2", http={"tuf/2.root.json": {"size": 600_000}}),
            PAGE,
            refused("too-long"),
        ),
    ]


def _many() -> list[Case]:
    ring = signing.one_person()
    files = {f"tuf/{number}.root.json": root(number, ring, START) for number in range(2, 302)}
    return [read("T14", "300 valid roots", served("deep", files), "index.html", refused("root-chain"))]
