"""Our reader and auditor as a verifier of the suite: reads a case folder, prints one JSON line.

    python -m conformance.trust.verify FOLDER/cases/C01

Nothing but ``case.json`` and the files it names is read, and ``expect`` is not looked at.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from heliograph.cli import verifying
from heliograph.lab.readers import Host, Reader, Reply, listing
from heliograph.model import paths
from heliograph.trust.chain import State
from heliograph.trust.reader import Outcome

Json = dict[str, Any]


def verdict_on(folder: Path) -> Json:
    """What our code says of the case in ``folder``."""
    case = json.loads((folder / "case.json").read_bytes())
    top = folder.parent.parent
    mirrors = [_host(top, mirror, place) for place, mirror in enumerate(case["mirrors"])]
    pinned = _files(top / "base" / case["mirrors"][0]["base"])["tuf/1.root.json"]
    reader = Reader(pinned=pinned)
    for visit in case.get("before", []):
        both = [_host(top, visit["mirror"], place) for place in (0, 1)]
        if visit.get("mode") == "audit":
            reader.audit(both[0], _time(visit["now"]), listing(both[0].files))
        else:
            reader.read(both, "index.html", _time(visit["now"]))
    reader.state = _through_a_file(reader.state, cut=case.get("cut", False))
    if case["mode"] == "audit":
        kinds = case["mirrors"][0].get("kinds", {})
        outcome = reader.audit(mirrors[0], _time(case["now"]), listing(mirrors[0].files, kinds))
    else:
        outcome = reader.read(mirrors, case["request"], _time(case["now"]))
    return said(outcome)


def said(outcome: Outcome) -> Json:
    """An outcome as a verifier prints it."""
    verdict = outcome.verdict
    return {
        "verdict": verdict.verdict,
        "code": verdict.code,
        "release": verdict.release,
        "present": verdict.present,
        "warn": sorted(verdict.warn),
        "charges": [list(charge) for charge in outcome.charges],
        "body": sha256(outcome.body).hexdigest() if outcome.body else "",
        "type": paths.MAPPED_TYPES[paths.extension(verdict.path)] if outcome.body else "",
    }


def differences(expect: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Where what a verifier said is not what a case expects."""
    wrong = [
        f"{name}: {found.get(name)!r}, not {value!r}" for name, value in expect.items() if found.get(name) != value
    ]
    if expect["verdict"] in ("refused", "withdrawn") and found.get("body"):
        wrong.append("it shows a page")
    return wrong


def _through_a_file(state: State, *, cut: bool) -> State:
    """``state`` after it was written to a disk and read again; with ``cut`` its second half is lost."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        verifying.save_state(folder, state)
        for path in folder.iterdir() if cut else ():
            data = path.read_bytes()
            path.write_bytes(data[: len(data) // 2])
        return verifying.load_state(folder)


def _host(top: Path, mirror: Json, place: int) -> Host:
    files = dict(_files(top / "base" / mirror["base"]))
    if "files" in mirror:
        files |= _files(top / mirror["files"])
    for name in mirror.get("delete", []):
        del files[name]
    replies = {name: Reply(**reply) for name, reply in mirror.get("http", {}).items()}
    return Host(files=files, replies=replies, name=f"mirror-{place}", chooses=False)


@cache
def _files(folder: Path) -> Mapping[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def main(arguments: Sequence[str]) -> int:
    """See the module."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    print(json.dumps(verdict_on(Path(arguments[0]).resolve())))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
