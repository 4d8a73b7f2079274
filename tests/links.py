"""Links as a browser sees them."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser

_SCHEME = re.compile(r"[a-z]+:")


def relative_links(page: bytes) -> list[str]:
    """The links of a page that stay on its mirror, without query and fragment."""
    hrefs = (node.attributes.get("href") or "" for node in LexborHTMLParser(page).css("a[href]"))
    paths = (href.split("#")[0].split("?")[0] for href in hrefs if not _SCHEME.match(href))
    return [path for path in paths if path]
