"""J: signed metadata that is not written in its one form, or holds what it must not.

Where a value cannot be signed as it is written, the signature is over what a careless parser would read.
"""

from __future__ import annotations

from conformance.trust import site
from conformance.trust.bases import base
from conformance.trust.case import Case, read, refused, served, verified
from conformance.trust.cases.edits import put, raw
from conformance.trust.papers import Change, Changes

PAGE = site.PLAIN
_TRUE = b'"1.0.31","version":2}'  # where the version of a timestamp stands

_NUMBERS = {
    "J03-huge": ("1e400", "json"),
    "J03-nan": ("NaN", "json"),
    "J03-fraction": ("7.0", "json"),
    "J03-zero": ("01", "json"),
    "J04-half": ("1.5", "json"),
    "J04-text": ('"7"', "field"),
    "J04-true": ("true", "field"),
    "J04-null": ("0", "field"),
    "J04-minus": ("-1", "json"),
    "J04-much": (str(2**53), "json"),
}
_WHOLE = {
    "J12-null": (b"null", "field"),
    "J12-list": (b"[]", "field"),
    "J12-object": (b"{}", "field"),
    "J12-empty": (b"", "json"),
    "J05-within": (b"[" * 1_000 + b"]" * 1_000, "json"),
}


def cases() -> list[Case]:
    """All of the group."""
    return [*_forms(), *_values(), *_members(), *_files()]


def _case(number: str, what: str, change: Change, code: str, role: str = "timestamp") -> Case:
    changes: Changes = {role: change}
    files = base("r2").papers.files(changes)
    return read(number, what, served("r2", files), PAGE, refused(code) if code else verified("r2", PAGE))


def _alone(number: str, what: str, role: str, change: Change) -> Case:
    """The same without ``now``, in which a further LF would part the pieces elsewhere."""
    files = {**base("r2").papers.files({role: change}), "now": None}
    return read(number, what, served("r2", files), PAGE, refused("json"))


def _forms() -> list[Case]:
    r2 = base("r2")
    timestamp = r2.papers.signed()["timestamp"]
    note = Change(edit=put(note="x"))
    surrogate, umlaut = raw(b'"note":"x"', b'"note":"\\ud800"'), raw(b'"note":"x"', '"note":"ü"'.encode())
    escaped = raw(b'"note":"x"', b'"note":"\\u0078"')
    return [
        _case("J01-before", "a member twice, the true one last", raw(_TRUE, _with("1", "2")), "json"),
        _case("J01-after", "a member twice, the true one first", raw(_TRUE, _with("2", "1")), "json"),
        _case("J02-blank", "a blank", raw(b",", b", "), "json"),
        _alone("J02-lf", "LF at the end", "timestamp", Change(raw=lambda data: data + b"\n")),
        _alone("J02-lf-edition", "LF at the end of an edition", "edition", Change(raw=lambda data: data + b"\n")),
        _case("J02-bom", "a byte order mark", Change(raw=lambda data: b"\xef\xbb\xbf" + data), "json"),
        _case("J06-surrogate", "half of a surrogate", Change(edit=note.edit, raw=surrogate.raw), "json"),
        _case("J06-ascii", "a letter that is not ASCII", Change(edit=note.edit, raw=umlaut.raw), "json"),
        _case("J06-escape", "a letter escaped without need", Change(edit=note.edit, raw=escaped.raw), "json"),
        _case("J06-utf16", "UTF-16", Change(raw=lambda data: data.decode().encode("utf-16")), "json"),
        read(
            "J05-many",
            "100,000 brackets, which is over every limit",
            served("r2", {"tuf/timestamp.json": b"[" * 50_000 + b"]" * 50_000, "now": None}),
            PAGE,
            refused("too-long"),
        ),
        read(
            "J01-mirror",
            "the mirror adds a member to what was signed",
            served("r2", {"tuf/timestamp.json": timestamp.replace(_TRUE, _with("2", "2")), "now": None}),
            PAGE,
            refused("json"),
        ),
    ]


def _values() -> list[Case]:
    found = [
        _case(number, f"version {text}", raw(_TRUE, _with(text)), code) for number, (text, code) in _NUMBERS.items()
    ]
    return [*found, _case("J11", "a newer TUF", Change(edit=put(spec_version="2.0.0")), "format")]


def _members() -> list[Case]:
    return [
        _case("J07", "__proto__ in signed", Change(edit=put(__proto__={"admin": 1})), "json"),
        _case("J08", "an unknown member in signed", Change(edit=put(x_note={"keys": [1], "deep": [[1]]})), ""),
        _case("J08-keys", "unknown members with known names", Change(edit=put(keys=[1], delegations="x")), ""),
        _case("J09", "a third member beside signed", raw(b'{"signatures"', b'{"extra":1,"signatures"'), "field"),
        _case("J10-upper", "sig in upper case", Change(marks=lambda marks: [_with_sig(marks[0], upper=True)]), "field"),
        _case("J10-empty", "an empty sig", Change(marks=lambda marks: [_with_sig(marks[0], upper=False)]), "field"),
    ]


def _files() -> list[Case]:
    return [
        read(
            number,
            f"the file is {data[:4].decode() or 'empty'}",
            served("r2", {"tuf/timestamp.json": data, "now": None}),
            PAGE,
            refused(code),
        )
        for number, (data, code) in _WHOLE.items()
    ]


def _with(*versions: str) -> bytes:
    """The end of a timestamp with these values for its version."""
    return b'"1.0.31",' + ",".join(f'"version":{text}' for text in versions).encode() + b"}"


def _with_sig(mark: dict[str, str], *, upper: bool) -> dict[str, str]:
    return {**mark, "sig": mark["sig"].upper() if upper else ""}
