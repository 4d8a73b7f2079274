"""The style of pages, made as small as it can be: comments, blanks and sections a page has no use for are left out."""

from __future__ import annotations

import functools
import importlib.resources
import re

from markupsafe import Markup

from heliograph.render.look import PAPER, PAPER_DARK, Look, readable
from heliograph.render.templating import markup

_PART = re.compile(r"/\*@part ([a-z]+)\*/")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_BLANKS = re.compile(r"\s*([{}:;,>+])\s*|\s*\n\s*")


def style(look: Look, parts: frozenset[str], *, rtl: bool = False) -> Markup:
    """The CSS of a page that has ``parts``, such as "lead" and "quote", in the newsroom's colours.

    ``rtl`` is set where the interface is written from right to left.
    """
    return markup(_style(look.accent, look.accent_dark, parts | {"rtl"} if rtl else parts))


@functools.lru_cache(maxsize=512)
def _style(accent: str, accent_dark: str, parts: frozenset[str]) -> str:
    chosen = "".join(css for name, css in sections() if not name or name in parts)
    for mark, colour in (
        ("DARKACCENT", readable(accent_dark, PAPER_DARK)),
        ("ACCENT", readable(accent, PAPER)),
        ("DARKPAPER", PAPER_DARK),
        ("PAPER", PAPER),
    ):
        chosen = chosen.replace(mark, colour)
    return chosen


@functools.cache
def sections() -> tuple[tuple[str, str], ...]:
    """The minified sections of style.css in order, the common one first under the name ""."""
    source = importlib.resources.files("heliograph.render").joinpath("style.css").read_text("utf-8")
    names = ["", *_PART.findall(source)]
    texts = _PART.split(source)[::2]
    return tuple((name, minified(css)) for name, css in zip(names, texts, strict=True))


def minified(css: str) -> str:
    """``css`` without comments, needless blanks and last semicolons."""
    bare = _BLANKS.sub(lambda found: found[1] or "", _COMMENT.sub("", css).strip())
    return bare.replace(";}", "}")
