"""A newsroom set up without ``init``: its configuration, and keys that everybody knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from heliograph.cli.setup import manual
from heliograph.lab.keys import folder as key_folder
from heliograph.model import Source


def configured(folder: Path, url: str, *sources: Source, mirrors: Sequence[str] = ("first",)) -> Path:
    """A configuration in ``folder`` that reads ``sources``, or the sitemap of ``url`` where none is given."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "heliograph.toml"
    given = sources or [Source(kind="sitemap", url=f"{url}/sitemap.xml")]
    path.write_text(manual("Полуостров", "ru", "", given, mirrors), encoding="utf-8")
    (folder / "keys" / "tuf").mkdir(parents=True)
    for name, data in key_folder(datetime.now(UTC)).items():  # noqa: TID251 - commands run by the real clock
        (folder / "keys" / name).write_bytes(data)
    return path
