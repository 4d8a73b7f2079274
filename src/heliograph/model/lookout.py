"""What a vantage is told to look at, and what it sends back: the nouns, and their strict wire forms.

Reading is strict: a report may come from anybody who took a vantage's token, and a work list goes through strangers'
hands. Bytes that are neither raise ``ValueError``. Formats: docs/drop.md.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from heliograph.model import report
from heliograph.model.onions import is_onion
from heliograph.model.sighting import Sighting

FORMAT: Final = "heliograph-work/1"
MOST_MIRRORS, MOST_HOSTS, MOST_ADDRESSES = 64, 8, 8
LEAST_PAUSE: Final = 60  # seconds between two rounds, whatever a list asks for
MOST_PAUSE: Final = 86_400
MOST_LIST: Final = 5_000  # bytes of a work list's JSON
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_NETWORK = re.compile(r"\S{1,40}")
POINTER: Final = "now"  # the page that mirrors of the edition have
_PAGE = re.compile(r"[A-Za-z0-9._~/-]{0,80}")
_PATH = re.compile(r"(?:[a-z0-9_-]{1,40}/){0,4}")
_HOST = re.compile(r"[a-z0-9.-]{0,253}")
_PORT = re.compile(r"(?:[0-9.]{7,15}|\[[0-9a-f:]{2,39}\]):[0-9]{1,5}|")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A mirror that is to be looked at."""

    url: str  # its base, with a slash at the end
    addresses: tuple[str, ...] = ()  # its true ones
    ladder: str = ""  # path of its test bodies
    page: str = POINTER  # of what is looked at; another one is of the newsroom's own site, and nothing is signed there


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkList:
    """What one vantage shall do until ``expires``."""

    vantage: str
    network: str
    made: datetime
    expires: datetime
    every: int  # seconds between two rounds
    deep: int  # seconds between two rounds that look for a curtain though pages arrive
    mirrors: tuple[Sought, ...] = ()
    drops: tuple[str, ...] = ()  # base URLs of mirrors that take reports and have the next list
    anchors: tuple[str, ...] = ()
    ordinary: tuple[str, ...] = ()
    innocent: str = ""
    large: str = ""
    resolver: str = ""
    doh: str = ""


def pack_list(work: WorkList) -> bytes:
    """The wire bytes of a work list, its times cut to the second."""
    fields = asdict(work)
    for moment in ("made", "expires"):
        fields[moment] = fields[moment].astimezone(UTC).strftime(_TIME)
    for mirror in fields["mirrors"]:
        if mirror["page"] == POINTER:
            del mirror["page"]  # what need not be said leaves room for more
    return json.dumps({"format": FORMAT, **fields}, sort_keys=True, separators=(",", ":")).encode("ascii")


def unpack_list(data: bytes) -> WorkList:
    """The work list in ``data``.

    Raises:
        ValueError: it is none, or goes beyond a limit.
    """
    try:
        if len(data) > MOST_LIST:
            raise ValueError("a work list of more than 5,000 bytes")
        fields = json.loads(data)
        if fields.pop("format") != FORMAT or fields.keys() - WorkList.__slots__:
            raise ValueError("not a work list of this version")
        for moment in ("made", "expires"):
            fields[moment] = datetime.strptime(fields[moment], _TIME).replace(tzinfo=UTC)
        for name in ("every", "deep"):
            fields[name] = _seconds(fields[name])
        for name, form in (("vantage", _NAME), ("network", _NETWORK), ("innocent", _HOST), ("resolver", _PORT)):
            fields[name] = _text(fields[name], form)
        for name in ("large", "doh"):
            fields[name] = web(fields[name]) if fields[name] else ""
        for name in ("drops", "anchors", "ordinary"):
            fields[name] = tuple(web(url) for url in _list(fields[name], MOST_HOSTS))
        fields["mirrors"] = tuple(_sought(one) for one in _list(fields["mirrors"], MOST_MIRRORS))
        return WorkList(**fields)
    except (TypeError, KeyError, AttributeError, RecursionError, OverflowError, UnicodeDecodeError) as error:
        raise ValueError(f"no work list in these bytes: {error}") from error


def web(url: object) -> str:
    """``url``, which must be an address of the web.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(url, str) or len(url) > 300 or not url.isprintable() or " " in url:
        raise ValueError("no address of the web")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.port == 0:
        raise ValueError(f"no address of the web: {url[:80]}")
    if is_onion(parts.hostname):
        raise ValueError(f"reached through Tor only: {url[:80]}")
    return url


def _sought(fields: Any) -> Sought:  # noqa: ANN401 - what json.loads gives
    if fields.keys() - Sought.__slots__:
        raise ValueError("an unknown field of a mirror")
    addresses = tuple(str(ipaddress.ip_address(one)) for one in _list(fields["addresses"], MOST_ADDRESSES))
    url = web(fields["url"])
    if not url.endswith("/") or "?" in url or "#" in url:
        raise ValueError(f"no base of a mirror: {url[:80]}")
    page = _text(fields.get("page", POINTER), _PAGE)
    if page.startswith("/") or ".." in page.split("/"):
        raise ValueError(f"no page below a base: {page}")
    return Sought(url=url, addresses=addresses, ladder=_text(fields["ladder"], _PATH), page=page)


def _list(value: object, most: int) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"not a list of at most {most}")
    return value


def _text(value: object, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError(f"not what it should be: {value!r:.80}")
    return value


def _seconds(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not LEAST_PAUSE <= value <= MOST_PAUSE:
        raise ValueError(f"not {LEAST_PAUSE} to {MOST_PAUSE:,} seconds")
    return value


# ---------------------------------------------------------------- reports


def pack_reports(made: datetime, sightings: Iterable[Sighting], room: int) -> list[bytes]:
    """Payloads of at most ``room`` bytes with all of ``sightings``: when they were made, then each with its length.

    A sighting that would not fit by itself leaves out what is needed least: when which bytes came.
    """
    stamp = int(made.timestamp()).to_bytes(8, "big")
    payloads = [stamp]
    for sighting in sightings:
        data = report.pack(sighting)
        if len(data) > room - 10:
            data = report.pack(_shorter(sighting))
        if len(data) > room - 10:
            continue  # some 100 checks: no look of ours makes as many
        piece = len(data).to_bytes(2, "big") + data
        if len(payloads[-1]) + len(piece) > room:
            payloads.append(stamp)
        payloads[-1] += piece
    return payloads if len(payloads[0]) > 8 else []


def unpack_reports(payload: bytes) -> tuple[datetime, tuple[Sighting, ...]]:
    """When a payload was made, and its sightings.

    Raises:
        ValueError: it is none.
    """
    if len(payload) <= 8:
        raise ValueError("an empty report")
    try:
        made = datetime.fromtimestamp(int.from_bytes(payload[:8], "big"), UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("a report of no year") from error
    sightings, at = [], 8
    while at < len(payload):
        end = at + 2 + int.from_bytes(payload[at : at + 2], "big")
        if end > len(payload):
            raise ValueError("a report that is cut off")
        sightings.append(report.unpack(payload[at + 2 : end]))
        at = end
    return made, tuple(sightings)


def _shorter(sighting: Sighting) -> Sighting:
    results = (replace(one, outcome=replace(one.outcome, reads=())) for one in sighting.results)
    return replace(sighting, results=tuple(results))
