"""Writes the conformance folder: bases, the files in which each case differs, and the list of cases.

    python -m conformance.trust.generate FOLDER      everything, into a new folder
    python -m conformance.trust.generate --list      cases.json beside this file

The same code gives the same bases and cases wherever it runs; only encodings (``.br``, ``.gz``) may have other bytes
under another version of their library, and nothing signed depends on them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from conformance.trust.bases import NAMES, base
from conformance.trust.case import Case
from conformance.trust.cases import all_cases

LIST = Path(__file__).with_name("cases.json")


def listed(cases: Sequence[Case]) -> str:
    """The text of ``cases.json``: one case a line."""
    lines = ",\n".join(json.dumps(case.object(), ensure_ascii=True, sort_keys=False) for case in cases)
    return f"[\n{lines}\n]\n"


def write(folder: Path) -> list[Case]:
    """Write everything into ``folder``; the cases."""
    cases = all_cases()
    for name in NAMES:
        _lay(folder / "base" / name, base(name).files)
    for case in cases:
        _lay(folder, case.overlays())
        _lay(folder / "cases" / case.id, {"case.json": json.dumps(case.object(), indent=1).encode("ascii")})
    (folder / "cases.json").write_text(listed(cases), encoding="ascii")
    return cases


def main(arguments: Sequence[str]) -> int:
    """See the module."""
    if list(arguments) == ["--list"]:
        LIST.write_text(listed(all_cases()), encoding="ascii")
        return 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    if folder.exists() and any(folder.iterdir()):
        print(f"{folder} is not empty: name a new folder", file=sys.stderr)
        return 2
    print(f"{len(write(folder))} cases in {folder}")
    return 0


def _lay(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
