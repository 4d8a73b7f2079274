"""Block pages by their fingerprints, which are data: ``pages.toml`` beside this file."""

from __future__ import annotations

import functools
import importlib.resources
import re
import tomllib


def block_page(status: int, location: str, opening: str) -> str:
    """Whose block page an answer is, "" if it looks like none. ``opening`` counts to its 4,096th character."""
    if not status:
        return ""
    for whose, where, text in _pages():
        if where is not None and not where.search(location[:1_000]):
            continue
        if text is not None and not text.search(opening[:4_096]):
            continue
        return whose
    return ""


@functools.cache
def _pages() -> tuple[tuple[str, re.Pattern[str] | None, re.Pattern[str] | None], ...]:
    source = importlib.resources.files("heliograph.watch").joinpath("pages.toml").read_text("utf-8")
    return tuple(
        (page["whose"], _pattern(page.get("location")), _pattern(page.get("text")))
        for page in tomllib.loads(source)["page"]
    )


def _pattern(text: str | None) -> re.Pattern[str] | None:
    return re.compile(text, re.DOTALL) if text else None
