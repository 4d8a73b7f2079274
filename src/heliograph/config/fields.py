"""What tables of the configuration are made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from heliograph.model.onions import is_onion

_SPAN = re.compile(r"^(\d+)(s|m|h|d)$")
_UNIT = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def seconds(text: str) -> int:
    match = _SPAN.match(text)
    if not match or not int(match[1]):
        raise ValueError('give a number and a unit, such as "30s", "5m", "2h" or "1d"')
    return int(match[1]) * _UNIT[match[2]]


def _is_span(text: str) -> str:
    seconds(text)
    return text


Span = Annotated[str, AfterValidator(_is_span)]  # such as "30s"
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]  # a nickname


def _is_base(value: str) -> str:
    if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
        raise ValueError("give an address that starts with https:// or http://")
    if is_onion(urlsplit(value).hostname or ""):
        raise ValueError("leave it empty for an onion service: that is reached through Tor, and not watched")
    return value if not value or value.endswith("/") else value + "/"


Base = Annotated[str, AfterValidator(_is_base)]  # an address that ends with a slash, or ""


def kind_or(usual: str) -> Callable[[Any], str]:
    """The kind of a table that stands in a file; ``usual`` where it names none."""

    def kind(value: Any) -> str:  # noqa: ANN401 - what stands in a file
        found = value.get("kind", usual) if isinstance(value, dict) else getattr(value, "kind", usual)
        return found if isinstance(found, str) else ""

    return kind
