"""Which network an address is of, by a table of prefixes held in memory.

A table is a text file in one of three forms that public sources of routes use, told apart line by line:

    192.0.2.0/24<TAB>64500            pyasn's data files, and most exports of a routing table
    192.0.2.0<TAB>24<TAB>64500        CAIDA's RouteViews prefix-to-AS files (pfx2as)
    2001:db8::/32<TAB>home            the same with a name of one's own

Blanks do for tabs; lines that begin with ``#`` or ``;`` are comments; of several origins (``64500_64501`` or
``64500,64501``) the first counts. The longest prefix wins. What is narrower than a /24 or a /48 is passed over, and the
wider one around it counts: no public table needs it, and a network of a few addresses would be a household.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from heliograph.model.census import ELSEWHERE, EVERYBODY, is_network
from heliograph.model.errors import ConfigError

MOST_BYTES: Final = 128 << 20  # of a table; the whole Internet's is some 40 MB
MOST_PREFIXES: Final = 3_000_000
MOST_NETWORKS: Final = 200_000
_NARROWEST: Final = (24, 48)  # bits, IPv4 and IPv6
_REMEDY = 'write a prefix and an AS on each line, such as "192.0.2.0/24<TAB>64500"; see docs/volunteers.md'
_NONE: Final = 0  # the number of ELSEWHERE


class _Ranges(NamedTuple):
    """Ranges of addresses without gap or overlap: where each begins, and the number of its network."""

    starts: array[int]  # of IPv4 addresses, or of the upper 64 bits of IPv6 addresses
    owners: array[int]


class Networks:
    """Names of networks by number, and the number of an address. Never changed once made, so processes share it."""

    def __init__(self, names: tuple[str, ...], four: _Ranges, six: _Ranges, *, narrow: int = 0) -> None:
        self.names = names
        self.narrow = narrow  # lines of the table that were passed over
        self._four, self._six = four, six

    def number(self, address: str) -> int:
        """The number of the network of ``address``; of ``ELSEWHERE`` where the table has none or it is no address."""
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return _NONE
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped  # a listener for both families sees IPv4 so
        ranges, key = (self._four, int(ip)) if ip.version == 4 else (self._six, int(ip) >> 64)
        place = bisect_right(ranges.starts, key) - 1
        return ranges.owners[place] if place >= 0 else _NONE


def one_for_all() -> Networks:
    """Without a table: everybody is of one network."""
    empty = _Ranges(array("Q"), array("I"))
    return Networks((EVERYBODY,), empty, empty)


def load(path: Path) -> Networks:
    """The table in ``path``.

    Raises:
        ConfigError: it cannot be read, is too large, or a line is wrong; names the line.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            remedy = "leave out the networks where you have no readers"
            raise ConfigError(f"the table is larger than {MOST_BYTES >> 20} MB", where=str(path), remedy=remedy)
        with path.open(encoding="ascii", errors="replace") as file:
            return read(file, str(path))
    except OSError as err:
        raise ConfigError(f"cannot be read: {err.strerror}", where=str(path), remedy=_REMEDY) from err


def read(lines: Iterable[str], where: str) -> Networks:
    """The table in ``lines``; ``where`` is its name in errors. Raises ConfigError as ``load``."""
    numbers: dict[str, int] = {ELSEWHERE: _NONE}
    known: dict[str, int] = {}  # the same by what stands in the table
    found: tuple[dict[tuple[int, int], int], dict[tuple[int, int], int]] = ({}, {})
    narrow = 0
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0][0] in "#;":
            continue
        try:
            version, start, bits, origin = _entry(words)
            if origin not in known:
                known[origin] = numbers.setdefault(_name(origin), len(numbers))
        except ValueError as err:
            raise ConfigError(str(err), where=f"{where}, line {number}", remedy=_REMEDY) from err
        if bits > _NARROWEST[version == 6]:
            narrow += 1
            continue
        found[version == 6][start, bits] = known[origin]
        if len(found[0]) + len(found[1]) > MOST_PREFIXES or len(numbers) > MOST_NETWORKS:
            what = f"more than {MOST_PREFIXES:,} prefixes or {MOST_NETWORKS:,} networks"
            raise ConfigError(what, where=f"{where}, line {number}", remedy="leave out where you have no readers")
    if not found[0] and not found[1]:
        raise ConfigError("no prefix in it", where=where, remedy=_REMEDY)
    four, six = (_ranges(found[0], 32), _ranges(found[1], 64))
    return Networks(tuple(numbers), four, six, narrow=narrow)


def _entry(words: list[str]) -> tuple[int, int, int, str]:
    """Family, first address (of IPv6 its upper half), bits and origin. Raises ValueError with what is wrong."""
    prefix, _, length = words[0].partition("/")
    rest = words[1:]
    if not length and rest:
        length, *rest = rest
    if len(rest) != 1:
        raise ValueError(f"not a prefix and a network: {' '.join(words)[:60]!r}")
    version, whole = (6, 128) if ":" in prefix else (4, 32)
    try:  # a whole table is a million lines: ten times as fast as ipaddress
        start = int.from_bytes(socket.inet_pton(socket.AF_INET6 if version == 6 else socket.AF_INET, prefix))
    except OSError as err:
        raise ValueError(f"no address: {prefix[:60]!r}") from err
    if not (length.isascii() and length.isdigit() and len(length) < 4 and int(length) <= whole):
        raise ValueError(f"no length of a prefix from 0 to {whole}: {length[:60]!r}")
    bits = int(length)
    if start & ((1 << whole - bits) - 1):
        raise ValueError(f"{prefix}/{bits} has bits beyond its length")
    return version, start if version == 4 else start >> 64, bits, rest[0]


def _name(origin: str) -> str:
    """The network's name: the first of several origins. Raises ValueError."""
    name = re.split(r"[_,{}]+", origin.strip("{}"))[0]
    name = f"AS{int(name)}" if name.isascii() and name.isdigit() and len(name) < 11 else name
    if not is_network(name):
        raise ValueError(f"no name of a network: {origin[:60]!r}")
    return name


def _ranges(found: dict[tuple[int, int], int], width: int) -> _Ranges:
    """Prefixes that may lie within each other, as ranges beside each other."""
    ranges = _Ranges(array("Q", [0]), array("I", [_NONE]))
    for start, owner in _borders(found, width):
        if ranges.starts[-1] == start:
            ranges.owners[-1] = owner
        elif ranges.owners[-1] != owner:
            ranges.starts.append(start)
            ranges.owners.append(owner)
    return ranges


def _borders(found: dict[tuple[int, int], int], width: int) -> Iterator[tuple[int, int]]:
    """Where another network begins, from the lowest address up. A wide prefix comes before those within it."""
    around: list[tuple[int, int]] = []  # the prefixes that are open here: first address behind, network
    for start, bits in sorted(found):
        while around and around[-1][0] <= start:
            behind, _ = around.pop()
            yield behind, around[-1][1] if around else _NONE
        owner = found[start, bits]
        yield start, owner
        around.append((start + (1 << width - bits), owner))
    while around:
        behind, _ = around.pop()
        if behind < 1 << width:
            yield behind, around[-1][1] if around else _NONE
