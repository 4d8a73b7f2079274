"""G: the release log, which auditors demand where the policy names one."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace

from conformance.trust import releaselog
from conformance.trust.bases import HOUR, base
from conformance.trust.case import Case, Earlier, Expect, audit, refused, served, verified
from conformance.trust.releaselog import CHECKPOINT, Log, logging, with_log
from conformance.trust.signing import Pen

_WITNESS = Pen("witness")
_TIME = 1_772_440_000


def cases() -> list[Case]:
    """All of the group."""
    r1, r2 = base("r1").papers.head, base("r2").papers.head
    other = base("r2").map.head(2, "2026-03-02T14:00:01Z")
    third = base("r2").map.head(3, "2026-03-02T15:00:00Z")
    honest = Log(entries=(r1, r2))
    longer = Log(entries=(r1, r2, third))
    return [
        _case("G01-honest", "the head is in the log", honest, verified("r2")),
        _case("G01-late", "the log began with release 2", Log(entries=(b"", r2)), verified("r2")),
        _case("G01", "the log has release 1 only", Log(entries=(r1,)), refused("log")),
        _case("G01-other", "the log has another head of release 2", Log(entries=(r1, other)), refused("log")),
        _case("G01-empty", "the log has nothing for release 2", Log(entries=(r1, b"")), refused("log")),
        _case("G01-none", "the policy names a log, and there is none", None, refused("log")),
        *_papers(honest),
        *_forms(honest),
        _case("G02", "the log is smaller than it was", honest, refused("log"), before=longer),
        _case("G02-same", "the log is what it was", honest, verified("r2"), before=honest),
        _case("G02-grown", "the log has grown", longer, verified("r2"), before=honest),
        _case(
            "G02-anew",
            "a log that was longer was given up for this one",
            honest,
            verified("r2"),
            before=replace(longer, origin="heliograph/conformance/1"),
            was={"origin": "heliograph/conformance/1"},
        ),
        _case("G03", "the log was forked before it grew", longer, refused("log"), before=Log(entries=(b"", r2))),
        _case("G03-same", "another log of the same size", honest, refused("log"), before=Log(entries=(b"", r2))),
        _case("G04", "entry 1 is the head of release 3", Log(entries=(r1, third)), refused("log")),
        _case("G04-first", "entry 0 is the head of release 2", Log(entries=(r2, r2)), refused("log")),
        _case("G04-word", "entry 0 is no head", Log(entries=(b"hello", r2)), refused("log")),
    ]


def _papers(honest: Log) -> list[Case]:
    """Policies, and who signed the checkpoint."""
    key = releaselog.public(_WITNESS)
    named = f"w+{releaselog.identity('w', _WITNESS, 4).hex()}+{_base64(bytes([4]) + key)}"
    text = honest.checkpoint().partition(b"\n\n")[0] + b"\n"
    mark = bytes.fromhex(_WITNESS.sign(b"cosignature/v1\ntime %d\n%b" % (_TIME, text))["sig"])
    data = releaselog.identity("w", _WITNESS, 4) + _TIME.to_bytes(8, "big") + mark
    cosigned = replace(honest, more=(releaselog.line("w", data),))
    quorum = {"quorum": 1, "witnesses": [named]}
    return [
        _case("G01-key", "another key signed the checkpoint", replace(honest, pen=Pen("thief")), refused("log")),
        _case("G01-origin", "it is the log of another origin", replace(honest, origin="elsewhere"), refused("log")),
        _case("G01-cosigned", "a line of somebody unknown under the checkpoint", cosigned, verified("r2")),
        _case("G01-quorum", "the witness that the policy demands has signed", cosigned, verified("r2"), policy=quorum),
        _case("G01-witness", "the witness that it demands has not signed", honest, refused("log"), policy=quorum),
        _case("G01-policy", "a policy that is none, signed", honest, refused("field"), policy={"origin": "a b"}),
    ]


def _forms(honest: Log) -> list[Case]:
    """Files of the log that are not what they must be."""
    files = honest.files()
    tile, bundle = "log/tile/0/000.p/2", "log/tile/entries/000.p/2"
    return [
        _case("G01-root", "a root that is not that of the entries", replace(honest, root=bytes(32)), refused("log")),
        _case("G01-size", "more entries than there are", replace(honest, size=3), refused("log")),
        _case("G01-bit", "entries: one bit", honest, refused("log"), files={bundle: _flipped(files[bundle])}),
        _case("G01-cut", "entries: cut", honest, refused("log"), files={bundle: files[bundle][:-1]}),
        _case("G01-more", "entries: one byte more", honest, refused("log"), files={bundle: files[bundle] + b"\0"}),
        _case("G01-long", "a checkpoint of 50 MB", honest, refused("log"), http={CHECKPOINT: {"size": 50_000_000}}),
        _case("G01-note", "a checkpoint without signature", honest, refused("log"), files={CHECKPOINT: b"x\n2\n"}),
        _case(
            "G03-tile",
            "hashes: one bit, where the log of before is looked for in them",
            honest,
            refused("log"),
            before=honest,
            files={tile: _flipped(files[tile])},
        ),
    ]


def _case(
    number: str,
    what: str,
    log: Log | None,
    expect: Expect,
    *,
    before: Log | None = None,
    policy: Mapping[str, object] | None = None,
    was: Mapping[str, object] | None = None,
    files: Mapping[str, bytes] | None = None,
    http: Mapping[str, dict[str, object]] | None = None,
) -> Case:
    """An audit of r2 with ``log``, after one with the log ``before``; ``policy`` and ``was`` are members of it then."""
    r2 = base("r2")
    laid = {**with_log(r2, log, logging(r2, **(policy or {}))), **(files or {})}
    case = audit(number, what, served("r2", laid, http=http or {}), expect)
    if before is None:
        return case
    papers = logging(r2, **(was or {}))
    seen = served("r2", with_log(r2, before, papers))
    # targets of one version have one content, so a policy that changed is one version later
    if was:
        later = replace(logging(r2), versions=replace(r2.papers.versions, targets=3, snapshot=3, timestamp=3))
        case = audit(number, what, served("r2", {**with_log(r2, log, later), **(files or {})}), expect)
    visit = Earlier(now=r2.time + HOUR / 6, mirror=seen, mode="audit")
    return replace(case, before=(visit,), state="after:r2")


def _flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
