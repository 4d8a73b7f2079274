"""The command line: the only place where ports meet adapters, and the only one that reads the clock.

Exit codes: 0 done, 1 a mirror or source failed, 2 wrong usage or configuration, 130 interrupted.
"""

from __future__ import annotations

import sys

from heliograph.model import ConfigError, HeliographError, KeyFileError


def main() -> None:
    """The ``heliograph`` command."""
    from heliograph.cli.app import app
    from heliograph.cli.screen import complain

    try:
        app()
    except (ConfigError, KeyFileError) as err:
        complain(err)
        sys.exit(2)
    except HeliographError as err:
        complain(err)
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted; nothing is half-written, the next run goes on from here", file=sys.stderr)
        sys.exit(130)
