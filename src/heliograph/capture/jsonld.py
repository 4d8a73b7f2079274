"""JSON-LD of a page: the object that tells of its article. Broken JSON is mended where it is broken in a usual way."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator

MAX_BLOB = 2_000_000  # characters of one block
_MAX_NODES = 5_000  # objects looked at in one page
_ARTICLE = re.compile(r"(?:Article|BlogPosting|Posting|Report|Review|Analysis)\Z")
_OPENING = re.compile(r"\s*(?:<!--|(?://|/\*)?\s{0,20}<!\[CDATA\[(?:\s{0,20}\*/)?)")
_CLOSING = re.compile(r"(?:-->|(?://|/\*)?\s{0,20}\]\]>(?:\s{0,20}\*/)?)\s*;?\s*\Z")
_TRAILING_COMMA = re.compile(r",\s{0,200}([}\]])")
_DECODER = json.JSONDecoder(strict=False)  # raw line breaks within strings are common

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Object = dict[str, Json]


def article_in(blobs: list[str], url: str) -> Object:
    """The article that a page's blocks describe: the one with the page's own ``url``, else the first; {} if none."""
    found: list[Object] = []
    for blob in blobs:
        found += [node for node in _nodes(parsed(blob)) if _is_article(node)]
    for node in found:
        if url and url in (text(node.get("url")), text(node.get("mainEntityOfPage")), text(node.get("@id"))):
            return node
    return next((node for node in found if node.get("headline") or node.get("articleBody")), found[0] if found else {})


def parsed(blob: str) -> Json:
    """What the JSON says, or None. Never raises."""
    if len(blob) > MAX_BLOB:
        return None
    for mend in (_as_is, _unwrapped, _without_commas):
        try:
            found: Json = _DECODER.decode(mend(blob))
        except (ValueError, RecursionError):
            continue
        return found
    return None


def text(value: Json) -> str:
    """A string of ``value``: itself, or the name, URL or id of an object, or the first of a list."""
    for _ in range(4):
        if isinstance(value, str):
            return value
        if isinstance(value, list) and value:
            value = value[0]
        elif isinstance(value, dict):
            value = value.get("name") or value.get("url") or value.get("@id") or value.get("@value") or ""
        else:
            return ""
    return ""


def texts(value: Json) -> list[str]:
    """All strings of a value that may be one or a list."""
    some = value[:100] if isinstance(value, list) else [value]
    return [found for one in some if (found := text(one))]


def _is_article(node: Object) -> bool:
    return any(_ARTICLE.search(name) for name in texts(node.get("@type")))


def _nodes(root: Json) -> Iterator[Object]:
    """The objects of ``root`` and within it, outer ones first."""
    queue: deque[Json] = deque([root])
    for _ in range(_MAX_NODES):
        if not queue:
            return
        node = queue.popleft()
        if isinstance(node, dict):
            yield node
            queue += [value for value in node.values() if isinstance(value, dict | list)]
        elif isinstance(node, list):
            queue += [value for value in node[:_MAX_NODES] if isinstance(value, dict | list)]


def _as_is(blob: str) -> str:
    return blob.strip().removesuffix(";")


def _unwrapped(blob: str) -> str:
    opening = _OPENING.match(blob)
    blob = blob[opening.end() if opening else 0 :].rstrip()
    closing = _CLOSING.search(blob, max(0, len(blob) - 60))
    return (blob[: closing.start()] if closing else blob).strip().removesuffix(";")


def _without_commas(blob: str) -> str:
    return _TRAILING_COMMA.sub(r"\1", _unwrapped(blob))
