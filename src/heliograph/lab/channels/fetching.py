"""How a provider fetches a picture that it was given the address of, and what it sees in it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

import aiohttp

_ROBOTS: Final = 500_000  # bytes
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # markers of JPEG that name the size


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came of it. ``trouble``: "" or "slow", "banned", "unreachable", "large"."""

    data: bytes = b""
    trouble: str = ""


async def fetch(url: str, *, agent: str, most: int, seconds: float) -> Fetched:
    """The picture at ``url``, at most ``most`` bytes of it; robots.txt is obeyed."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return Fetched(trouble="unreachable")
        timeout = aiohttp.ClientTimeout(total=seconds)
        async with aiohttp.ClientSession(timeout=timeout, headers={"User-Agent": agent}) as session:
            status, robots = await _get(session, f"{parts.scheme}://{parts.netloc}/robots.txt", _ROBOTS)
            if status == 200 and not _allowed(robots, agent, url):
                return Fetched(trouble="banned")
            status, data = await _get(session, url, most + 1)
    except TimeoutError:
        return Fetched(trouble="slow")
    except (aiohttp.ClientError, ValueError, OSError):
        return Fetched(trouble="unreachable")
    if status != 200:
        return Fetched(trouble="unreachable")
    return Fetched(data=data, trouble="large" if len(data) > most else "")


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None where it is no JPEG."""
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return (width, height) if width and height else None
        else:
            length = int(struct.unpack_from(">H", data, at + 2)[0])
            if length < 2:
                return None
            at += 2 + length
    return None


async def _get(session: aiohttp.ClientSession, url: str, most: int) -> tuple[int, bytes]:
    data = bytearray()
    async with session.get(url, max_redirects=3) as answer:
        async for piece in answer.content.iter_any():
            data += piece
            if len(data) >= most:
                break
        return answer.status, bytes(data[:most])


def _allowed(robots: bytes, agent: str, url: str) -> bool:
    rules = RobotFileParser()
    rules.parse(robots.decode(errors="replace").splitlines())
    return rules.can_fetch(agent, url)
