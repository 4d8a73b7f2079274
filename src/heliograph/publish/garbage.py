"""What no release needs any more, and how long a reader may still be on his way to it. Release format, "Publisher".

The publisher's journal counts uses and a volunteer's copy remembers what it has seen; how long each kind is kept is the
same for both, and stands with the nouns (``model.release.KEPT``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from heliograph.model.release import KEPT, Part


def swept(
    before: Mapping[str, Part], used: Mapping[str, Part], is_mapped: Callable[[str], bool], now: datetime
) -> tuple[dict[str, Part], list[str]]:
    """What to remember of the parts ``before`` and those ``used`` by the newest release; and the names that end.

    ``is_mapped`` tells whether a path is in that release: content copies of one that is withdrawn end at once.
    """
    parts, ended = dict(used), []
    for name, part in before.items():
        if name in used:
            continue
        since = part.since or now
        withdrawn = part.kind == "copy" and not is_mapped(part.of)
        if withdrawn or since + KEPT[part.kind] < now:
            ended.append(name)
        else:
            parts[name] = replace(part, since=since)
    return parts, sorted(ended)
