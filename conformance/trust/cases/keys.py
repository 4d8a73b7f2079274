"""K: who signed, and with which keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256

from conformance.trust import site
from conformance.trust.bases import base
from conformance.trust.case import Case, read, refused, served, verified
from conformance.trust.cases.edits import Edit, put
from conformance.trust.papers import Change, file_entry, root
from conformance.trust.signing import Pen, Value, keyid_of

PAGE = site.PLAIN
_UNKNOWN = {"keytype": "sphincs", "keyval": {"public": "aa"}, "scheme": "sphincs-shake-128s"}
_FALSE_ID = sha256(b"no key has this id").hexdigest()


def cases() -> list[Case]:
    """All of the group."""
    return [*_signatures(), *_ids(), *_thresholds(), *_wrong_files()]


def _case(number: str, what: str, changes: Mapping[str, Change], code: str) -> Case:
    files = base("r2").papers.files(changes)
    return read(number, what, served("r2", files), PAGE, refused(code) if code else verified("r2", PAGE))


def _root_case(number: str, what: str, edit: Edit, code: str) -> Case:
    """The same for a root 2 that the keys of root 1 have signed."""
    data = root(2, base("r2").papers.ring, base("r2").time, change=Change(edit=edit))
    return read(number, what, served("r2", {"tuf/2.root.json": data}), PAGE, refused(code))


def _signatures() -> list[Case]:
    ring = base("r2").papers.ring
    stranger = Pen("a stranger")
    online = ring.online.pens[0].keyid
    return [
        _case("K01", "timestamp by an unknown key", {"timestamp": Change(pens=[stranger])}, "signature"),
        _case(
            "K01-posing",
            "timestamp by an unknown key under the id of the true one",
            {"timestamp": Change(pens=[stranger], marks=lambda marks: [{**marks[0], "keyid": online}])},
            "signature",
        ),
        _case("K01-snapshot", "snapshot by an unknown key", {"snapshot": Change(pens=[stranger])}, "signature"),
        _case(
            "K01-targets", "targets by unknown keys", {"targets": Change(pens=[stranger, Pen("another")])}, "signature"
        ),
        _case("K02", "no signature", {"timestamp": Change(pens=[])}, "signature"),
        _case("K03", "edition signed by online", {"edition": Change(pens=ring.online.pens)}, "signature"),
        _case("K04", "one signature twice", {"edition": Change(marks=lambda marks: [marks[0], marks[0]])}, "field"),
        _case("K08", "one of two needed signatures is bad", {"edition": Change(marks=_spoil(1))}, "signature"),
        _case("K09", "a third signature is bad", {"edition": Change(pens=ring.edition.pens, marks=_spoil(2))}, ""),
        _case("K13", "edition signed by the targets keys", {"edition": Change(pens=ring.targets.signers)}, "signature"),
    ]


def _ids() -> list[Case]:
    first = base("r2").papers.ring.edition.pens[0]

    def twice(signed: Value) -> None:
        keys, role = signed["delegations"]["keys"], signed["delegations"]["roles"][0]
        keys[_FALSE_ID] = first.key
        role["keyids"] = [*role["keyids"], _FALSE_ID]

    def renamed(holder: Value, role: Value) -> None:
        old = role["keyids"][0]
        holder[_FALSE_ID] = holder.pop(old)
        role["keyids"] = [_FALSE_ID, *role["keyids"][1:]]

    def listed(signed: Value) -> None:
        signed["delegations"]["keys"][keyid_of(_UNKNOWN)] = _UNKNOWN

    def both(marks: list[Value]) -> list[Value]:
        return [marks[0], {**marks[0], "keyid": _FALSE_ID}]

    return [
        _case(
            "K05",
            "one key under two ids fills a threshold of two",
            {"targets": Change(edit=twice), "edition": Change(marks=both)},
            "keyid",
        ),
        _case(
            "K06",
            "an id in targets is not its key's hash",
            {"targets": Change(edit=lambda signed: renamed(signed["delegations"]["keys"], _role(signed)))},
            "keyid",
        ),
        _root_case(
            "K06-root",
            "an id in root is not its key's hash",
            lambda signed: renamed(signed["keys"], signed["roles"]["root"]),
            "keyid",
        ),
        _case("K10", "a key of an unknown scheme is listed", {"targets": Change(edit=listed)}, ""),
    ]


def _thresholds() -> list[Case]:
    found = []
    for name, threshold in (("zero", 0), ("four", 4)):
        what = f"threshold {threshold} of 3"
        found += [
            _case(
                f"K07-{name}",
                f"{what} in targets",
                {"targets": Change(edit=lambda signed, number=threshold: _role(signed).update(threshold=number))},  # type: ignore[misc]
                "field",
            ),
            _root_case(
                f"K07-{name}-root",
                f"{what} targets keys in root",
                lambda signed, number=threshold: signed["roles"]["targets"].update(threshold=number),  # type: ignore[misc]
                "field",
            ),
        ]
    return found


def _wrong_files() -> list[Case]:
    r2 = base("r2")
    evil = b"// another worker\n"
    about = replace(
        r2.papers,
        code={**r2.papers.code, "code/sw.js": evil},
        versions=replace(r2.papers.versions, targets=3, snapshot=3, timestamp=3),
    )
    code = {"sw.js": evil, f"code/{sha256(evil).hexdigest()}.sw.js": evil}
    one_of_two = {"targets": Change(pens=about.ring.targets.signers[:1])}
    snapshot = r2.papers.signed()["snapshot"]
    as_timestamp = {
        "tuf/timestamp.json": snapshot,
        "now": r2.papers.pointer({**r2.papers.signed(), "timestamp": snapshot}),
    }
    second = {"edition/head": file_entry(r2.papers.head), "edition/other": file_entry(b"other")}
    return [
        read(
            "K11",
            "the worker replaced with all online keys and one of two targets keys",
            served("r2", {**about.files(one_of_two), **code}),
            PAGE,
            refused("signature"),
        ),
        read("K12", "snapshot served as timestamp", served("r2", as_timestamp), PAGE, refused("field")),
        _case(
            "K14-delegates",
            "edition that delegates",
            {"edition": Change(edit=put(delegations={"keys": {}, "roles": []}))},
            "field",
        ),
        _case("K14-second", "edition with a second target", {"edition": Change(edit=put(targets=second))}, "field"),
    ]


def _role(signed: Value) -> Value:
    role: Value = signed["delegations"]["roles"][0]
    return role


def _spoil(place: int) -> Callable[[list[Value]], list[Value]]:
    """One signature is the one of other bytes."""

    def change(marks: list[Value]) -> list[Value]:
        bad = {**marks[place], "sig": marks[place]["sig"][::-1]}
        return [*marks[:place], bad, *marks[place + 1 :]]

    return change
