"""The wire form of sightings, as the journal keeps them and vantages report them: JSON of arrays, zlib-packed.

Values that are what they would be anyway are left out, so that a look at a well mirror is some 200 bytes. Reading is
strict: whoever reports may be anybody, so a report has limits, and bytes that are no report raise ``ValueError``.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from heliograph.model.sighting import Check, Fetch, Outcome, Resolve, Result, Sighting

MOST_BYTES = 262_144  # of a sighting's JSON
MOST_RESULTS = 200
MOST_READS = 64
_MOST_TEXT = 4_096  # characters of one value
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_KINDS: tuple[type[Check], ...] = (Resolve, Fetch)
_CHOICES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "how": frozenset({"system", "udp", "tcp", "doh"}),
        "writes": frozenset({"one", "dribble"}),
        "stage": frozenset({"", "resolve", "connect", "tls", "http"}),
        "content": frozenset({"", "current", "old", "strange"}),
    }
)


def pack(sighting: Sighting) -> bytes:
    """The wire bytes of ``sighting``, its time cut to the second."""
    results = [
        [_KINDS.index(type(one.check)), _brief(one.check), _brief(one.outcome, leave=("opening",))]
        for one in sighting.results
    ]
    rows = [
        1,
        sighting.mirror,
        sighting.vantage,
        sighting.network,
        sighting.started.astimezone(UTC).strftime(_TIME),
        sighting.content,
        results,
    ]
    return zlib.compress(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"), 9)


def unpack(data: bytes) -> Sighting:
    """The sighting in ``data``.

    Raises:
        ValueError: ``data`` is not what ``pack`` writes, or goes beyond a limit.
    """
    try:
        text = zlib.decompressobj().decompress(data, MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise ValueError("a sighting of more than 256 KB")
        version, mirror, vantage, network, started, content, results = json.loads(text)
        if version != 1 or not isinstance(results, list) or len(results) > MOST_RESULTS:
            raise ValueError("not a sighting of version 1")
        return Sighting(
            mirror=_text(mirror),
            vantage=_text(vantage),
            network=_text(network),
            started=datetime.strptime(started, _TIME).replace(tzinfo=UTC),
            content=_chosen("content", content),  # type: ignore[arg-type]
            results=tuple(_result(*row) for row in results),
        )
    except (zlib.error, TypeError, KeyError, IndexError, RecursionError, OverflowError, UnicodeDecodeError) as err:
        raise ValueError(f"no sighting in these bytes: {err}") from err


def _brief(noun: Check | Outcome, leave: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of ``noun`` that are not what they are by default; seconds to a tenth of a millisecond."""
    told = {}
    for field in fields(noun):
        value = getattr(noun, field.name)
        if field.name in leave or value == field.default:
            continue
        if isinstance(value, float):
            value = round(value, 4)
        elif field.name == "reads":
            value = [[round(at, 4), size] for at, size in value]
        told[field.name] = value
    return told


def _result(kind: Any, check: Any, outcome: Any) -> Result:  # noqa: ANN401 - what json.loads gives
    if kind not in (0, 1) or isinstance(kind, bool) or not isinstance(check, dict) or not isinstance(outcome, dict):
        raise ValueError("not a result")
    asked = _KINDS[kind]
    return Result(check=asked(**_full(asked, check)), outcome=Outcome(**_full(Outcome, outcome)))


def _full(noun: type[Check] | type[Outcome], told: Mapping[str, Any]) -> dict[str, Any]:
    """The fields in ``told``, each of the kind that ``noun`` has there."""
    kinds = {field.name: field.default for field in fields(noun)}
    return {name: _value(name, kinds[name], value) for name, value in told.items()}


def _value(name: str, default: object, value: object) -> object:
    if name in _CHOICES:
        return _chosen(name, value)
    if name == "reads":
        return _reads(value)
    if isinstance(default, tuple):
        if not isinstance(value, list) or len(value) > 16:
            raise ValueError(f"{name}: not a list of at most 16")
        return tuple(_text(one) for one in value)
    if isinstance(default, bool):
        if value is not True and value is not False:
            raise ValueError(f"{name}: neither true nor false")
        return value
    if isinstance(default, int):
        return _whole(name, value)
    if isinstance(default, float):
        return _real(name, value)
    return _text(value)


def _reads(value: object) -> tuple[tuple[float, int], ...]:
    if not isinstance(value, list) or len(value) > MOST_READS:
        raise ValueError("reads: not a list of at most 64")
    return tuple((_real("reads", at), _whole("reads", size)) for at, size in value)


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -1 <= value < 1 << 48:
        raise ValueError(f"{name}: not a number of bytes or segments")
    return value


def _real(name: str, value: object) -> float:
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not math.isfinite(value)
        or not 0 <= value < 1e6
    ):
        raise ValueError(f"{name}: not a number of seconds")
    return float(value)


def _chosen(name: str, value: object) -> str:
    if not isinstance(value, str) or value not in _CHOICES[name]:
        raise ValueError(f"{name}: not one of {sorted(_CHOICES[name])}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise ValueError("not a text of at most 4,096 characters")
    return value
