"""Where a mirror that its newsroom has retired leads readers: to the first mirror of the list in its own folder.

Rule 1: the list is ``a/mirrors.json`` of the release in the folder, signed like every page; nobody is led anywhere
else. Rule 2: a list that names this mirror, or that cannot be read, leads nowhere: the page is shown. Rule 3: nobody
who comes by HTTPS is led to HTTP. Rule 4: pages are led on and nothing else, and who was led here is led no further
(``wire.LED``), so that two mirrors that take each other for alive make no circle.
"""

from __future__ import annotations

import functools
import json
import re
from typing import Final

from heliograph.adapters.serve import wire
from heliograph.model.errors import ConfigError

LIST: Final = "a/mirrors.json"
MAX_LIST: Final = 65_536  # bytes
_FORMAT = "heliograph-mirrors/1"
# Nothing that a header would misread; a name in another script stands in a list as xn--...
_ADDRESS = re.compile(
    r"https?://(?:[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]{1,100})*/"
)


def own_address(url: str) -> str:
    """``url`` of a mirror with its last slash, as a list names it.

    Raises:
        ConfigError: it is none.
    """
    scheme, found, rest = url.strip().partition("://")
    host, _, path = rest.partition("/")
    base = f"{scheme}://{host}".lower() + f"/{path}".rstrip("/") + "/" if found else ""
    if not _ADDRESS.fullmatch(base):
        remedy = "write it as the newsroom's list does: https://mirror.example/"
        raise ConfigError("it is no address of a mirror", where=f"--retired {url}", remedy=remedy)
    return base


def leads_on(asked: wire.Request) -> bool:
    """Whether an answer to ``asked`` may be another mirror's: whether it asks for a page, and was not led here."""
    page = wire.is_page(asked.path) and wire.canonical(asked.path) and asked.path != "404.html"
    return page and not asked.led


@functools.lru_cache(maxsize=4)
def target(listed: bytes, own: str) -> str:
    """The mirror to which ``own``, which is retired, leads readers by the list in ``listed``: its base, "" if none."""
    urls = _urls(listed)
    if own in (url.lower() for url in urls):
        return ""
    scheme = own.partition("://")[0]
    return next((url for url in urls if scheme == "http" or url.startswith("https:")), "")


def _urls(listed: bytes) -> list[str]:
    """The usable addresses of a list, the best first; none if it is no list."""
    try:
        told = json.loads(listed) if len(listed) <= MAX_LIST else None
    except (ValueError, RecursionError):
        return []
    if not isinstance(told, dict) or told.get("format") != _FORMAT or not isinstance(told.get("mirrors"), list):
        return []
    urls = (one.get("url") for one in told["mirrors"] if isinstance(one, dict))
    return [url for url in urls if isinstance(url, str) and _ADDRESS.fullmatch(url)]
