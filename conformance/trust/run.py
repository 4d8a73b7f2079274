"""Runs a verifier over every case of a generated folder, and says where it is wrong.

    python -m conformance.trust.run FOLDER COMMAND [ARGUMENT ...]

The command is called once a case, with the case's folder as its last argument.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conformance.trust.verify import differences

_PATIENCE = 60.0  # seconds for one case


def wrong_in(folder: Path, command: Sequence[str], case: dict[str, Any]) -> list[str]:
    """Where ``command`` is wrong about ``case``."""
    place = str(folder / "cases" / case["id"])
    try:
        run = subprocess.run([*command, place], capture_output=True, text=True, timeout=_PATIENCE, check=False)  # noqa: S603 - it is the caller's own
        found = json.loads(run.stdout.strip().rpartition("\n")[2])
    except subprocess.TimeoutExpired:
        return [f"no answer within {_PATIENCE:.0f} s"]
    except ValueError:
        return [f"no JSON line, exit {run.returncode}: {run.stderr.strip()[-300:]}"]
    return differences(case["expect"], found) if isinstance(found, dict) else ["its answer is no object"]


def main(arguments: Sequence[str]) -> int:
    """See the module."""
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder, command = Path(arguments[0]).resolve(), arguments[1:]
    cases = json.loads((folder / "cases.json").read_bytes())
    failed = 0
    for case in cases:
        if wrong := wrong_in(folder, command, case):
            failed += 1
            print(f"{case['id']} {case['what']}: {'; '.join(wrong)}")
    print(f"{len(cases) - failed} of {len(cases)} cases right")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
