"""When a new address of the newsroom's own site may be told: what it shows is the site, and no other page."""

from __future__ import annotations

import html


def shows(page: bytes, text: str) -> bool:
    """Whether ``text`` stands in ``page``, however its letters are written and its words are spaced.

    A page in another encoding than UTF-8 does not show a text beyond ASCII.
    """
    wanted = _plain(text)
    return bool(wanted) and wanted in _plain(html.unescape(page.decode("utf-8", "replace")))


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
