"""R: older files, or files of several releases together."""

from __future__ import annotations

from dataclasses import replace

from conformance.trust import site
from conformance.trust.bases import Base, base, tip, with_head
from conformance.trust.case import Case, audit, read, refused, served, verified
from conformance.trust.cases.edits import Edit, also, names, put, version
from conformance.trust.papers import Change, Papers, file_entry, stamp

PAGE = site.PLAIN


def cases() -> list[Case]:
    """All of the group."""
    return [*_lower(), *_lower_alone(), *_equivocations(), *_mixed(), *_pointers()]


def _after(number: str, what: str, files: dict[str, bytes], code: str) -> Case:
    return read(number, what, served("r2", files), PAGE, refused(code), state="after:r2")


def _lower() -> list[Case]:
    r1, r2 = base("r1"), base("r2")
    old = r1.papers.signed()["snapshot"]
    lower = also(version(3), put(meta={"snapshot.json": {**file_entry(old), "version": 1}}))
    third = _numbered(edition=3)
    return [
        read("R01", "all of r1, after r2", served("r1"), PAGE, refused("rollback"), state="after:r2"),
        read("R02", "all of r1, not expired", served("r1"), PAGE, verified("r1", PAGE)),
        _after("R03", "a new timestamp that names an old snapshot", _timestamp(r2, lower), "rollback"),
        _after("R04", "a new snapshot that names old targets", _snapshot(names("targets.json", 1)), "rollback"),
        _after("R05", "a new snapshot that names an old edition", _snapshot(names("edition.json", 1)), "rollback"),
        _after("R06", "a new snapshot that names no edition", _snapshot(_without_edition), "rollback"),
        read(
            "R06-cold",
            "a snapshot that names no edition",
            served("r2", _snapshot(_without_edition)),
            PAGE,
            refused("field"),
        ),
        _after("R07", "a new edition with the head of r1", replace(third, head=r1.papers.head).files(), "rollback"),
    ]


def _lower_alone() -> list[Case]:
    """The same where one number alone is lower, and nothing else would show it."""
    r2, r3 = base("r2"), base("r3")
    found = [
        _after(
            "R01-timestamp", "an old timestamp that names the newest snapshot", _timestamp(r2, version(1)), "rollback"
        ),
        _after(
            "R03-snapshot",
            "a new timestamp, and a snapshot whose own version alone is lower",
            replace(r2.papers, versions=replace(r2.papers.versions, snapshot=1, timestamp=3)).files(),
            "rollback",
        ),
    ]
    for number, role, what in (("R04-rotated", "targets", "old targets"), ("R05-rotated", "edition", "an old edition")):
        # not the file of r1: nothing but its version is old
        old = r3.papers.signed({role: Change(edit=version(1))})[role]
        about = replace(r3.papers, versions=replace(r3.papers.versions, snapshot=9, timestamp=9))
        made = about.files({"snapshot": Change(edit=names(f"{role}.json", 1))})
        found.append(
            read(
                number,
                f"after online was replaced, so that snapshots are not compared, one names {what}",
                served("r3", {**made, f"tuf/1.{role}.json": old, "now": None}),
                PAGE,
                refused("rollback"),
                state="after:r2",
            )
        )
    return found


def _equivocations() -> list[Case]:
    r2 = base("r2")
    other = r2.map.head(2, stamp(r2.time.replace(minute=5)))
    again = replace(with_head(r2, other), versions=_numbered(edition=3).versions)
    content = put(expires=stamp(r2.time.replace(day=5)))
    return [
        _after("R08", "two heads of one release", again.files(), "equivocation"),
        _after("R09", "two timestamps of one version", _timestamp(r2, content), "equivocation"),
    ]


def _mixed() -> list[Case]:
    r1, r2 = base("r1"), base("r2")
    old, new = r1.papers.signed(), r2.papers.signed()
    page, was, now = _beside_a_change()
    again = r2.papers.signed({"snapshot": Change(edit=put(expires=stamp(r2.time.replace(day=5))))})["snapshot"]
    entry = {**file_entry(new["snapshot"]), "version": 5}
    numbered = _timestamp(r2, put(meta={"snapshot.json": entry}))
    newer = r2.papers.signed({"targets": Change(edit=version(3))})["targets"]
    none_of_r2 = dict.fromkeys(r2.map.objects().keys() - r1.files.keys())
    return [
        read(
            "R10",
            "the snapshot of r1 at the name of r2's",
            served("r2", {"tuf/2.snapshot.json": old["snapshot"], "now": _bundle(new, snapshot=old["snapshot"])}),
            PAGE,
            refused("mix"),
        ),
        read(
            "R10-again",
            "a snapshot of the same version that the timestamp does not name",
            served("r2", {"tuf/2.snapshot.json": again, "now": _bundle(new, snapshot=again)}),
            PAGE,
            refused("mix"),
        ),
        read(
            "R10-number",
            "the snapshot that the timestamp names, but by another version",
            served("r2", {**numbered, "tuf/5.snapshot.json": new["snapshot"]}),
            PAGE,
            refused("mix"),
        ),
        read(
            "R11-targets",
            "targets of another version than the snapshot names",
            served("r2", {"tuf/2.targets.json": newer, "now": _bundle(new, targets=newer)}),
            PAGE,
            refused("mix"),
        ),
        read(
            "R11",
            "the edition of r1 at the name of r2's",
            served("r2", {"tuf/2.edition.json": old["edition"], "now": _bundle(new, edition=old["edition"])}),
            PAGE,
            refused("mix"),
        ),
        read(
            "R12",
            "the head of r1 at the name of r2's",
            served("r2", {tip(r2): r1.papers.head, "now": _bundle(new, r1)}),
            PAGE,
            refused("mix"),
        ),
        read(
            "R13",
            "a shard of r1 at the name of r2's",
            served("r2", {site.object_name(site.leaf(now)): was}),
            page,
            refused("object"),
        ),
        read("R14", "only the objects of r1", served("r2", none_of_r2), PAGE, refused("unavailable")),
    ]


def _beside_a_change() -> tuple[str, bytes, bytes]:
    """A page that no release changed and no fresh list has, whose shard r2 changed, before and after."""
    r1, r2 = base("r1"), base("r2")
    for page, data in sorted(r2.pages.items()):
        index = site.index_of_path(page, 3)
        was, now = r1.map.shards[index], r2.map.shards[index]
        if was != now and r1.pages.get(page) == data and site.record(page, data) not in r2.map.fresh:
            return page, was, now
    raise AssertionError


def _pointers() -> list[Case]:
    garbage = served("r2", {"now": b"\xff\xfe<!doctype html>\n" * 40})
    old = served("r2", {"now": base("r1").files["now"]})
    return [
        read("R15", "now is garbage, the single files are good", garbage, PAGE, verified("r2", PAGE)),
        audit("R15-audit", "now is garbage, the single files are good", garbage, refused("bundle")),
        read("R16", "now of r1, all else of r2", old, PAGE, verified("r1", PAGE)),
        audit("R16-audit", "now of r1, all else of r2", old, refused("bundle")),
    ]


def _numbered(**versions: int) -> Papers:
    """The papers of r2, signed once more with these versions, and one more of everything above."""
    of = base("r2").papers
    return replace(of, versions=replace(of.versions, snapshot=3, timestamp=3, **versions))


def _timestamp(of: Base, edit: Edit) -> dict[str, bytes]:
    return of.papers.files({"timestamp": Change(edit=edit)})


def _snapshot(edit: Edit) -> dict[str, bytes]:
    return _numbered().files({"snapshot": Change(edit=edit)})


def _without_edition(signed: dict[str, dict[str, object]]) -> None:
    del signed["meta"]["edition.json"]


def _bundle(made: dict[str, bytes], head: Base | None = None, **pieces: bytes) -> bytes:
    """``now`` of these files with some of them replaced."""
    return (head or base("r2")).papers.pointer({**made, **pieces})
