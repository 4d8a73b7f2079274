"""Files from any mirror that has them, kept in a folder until all are there: what ``sync`` builds on.

Rule 1: what is asked for is believed by its hash or its signatures, never by whom it came from. Rule 2: each file is
asked of another mirror first, so that the load is shared; a few at once, as networks that count connections allow.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import TypeVar

import anyio

from heliograph.model import StoreError
from heliograph.model.release import Ask, Got
from heliograph.ports import MirrorStore, Reach, Stage
from heliograph.trust import roles
from heliograph.trust.chain import Chain, State
from heliograph.trust.refusal import RefusalError

T = TypeVar("T")
_AT_ONCE = 2  # requests to one mirror
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Fetching:
    """What a copy holds, what waits to be put into it, and the mirrors that have the rest."""

    def __init__(self, mirrors: Sequence[Reach], copy: MirrorStore, waiting: Stage, held: Mapping[str, str]) -> None:
        self.mirrors, self.copy, self.waiting, self.held = mirrors, copy, waiting, held
        self.waits: dict[str, str] = {}  # name to SHA-256 (hex) of what lies in ``waiting``
        self.fetched = 0
        self._turn = 0

    async def each(self, items: list[tuple[T, bytes]], do: Callable[[T, bytes], Awaitable[None]]) -> None:
        """``do`` each of ``items``, a few at once; the first refusal ends it."""
        rest = iter(items)

        async def worker() -> None:
            for item, name in rest:
                await do(item, name)

        try:
            async with anyio.create_task_group() as tasks:
                for _ in range(_AT_ONCE * len(self.mirrors)):
                    tasks.start_soon(worker)
        except BaseExceptionGroup as group:
            raise _first(group) from group

    async def roots(self, pinned: bytes, newest: int) -> None:
        """Every root, for readers who come from an older one: those that follow from the pinned one are checked.

        Raises:
            RefusalError: no mirror has one of them.
        """
        chain = Chain(State(root=pinned), _LONG_AGO)
        for version in range(1, chain.root.version):  # nothing that is known here says more of them than their form
            await self._root_of(version, partial(_is_root, version))
        self.wait({f"tuf/{chain.root.version}.root.json": pinned})
        for version in range(chain.root.version + 1, newest):
            if not await self._root_of(version, partial(_follows, chain)):
                raise RefusalError("unavailable", f"tuf/{version}.root.json")

    async def _root_of(self, version: int, is_it: Callable[[bytes], bool]) -> bool:
        """Whether a root of this version is here or on a mirror; ``is_it`` may refuse what is found."""

        def right(data: bytes) -> bool:
            try:
                return is_it(data)
            except RefusalError:
                return False

        name = f"tuf/{version}.root.json"
        data = await self.here(name)
        if data is not None and right(data):
            return True
        self.waits.pop(name, None)
        async for got in self.asked(Ask(mirror=0, name=name, limit=roles.LIMITS["root"])):
            if got.fate == "whole" and right(got.data):
                self.wait({name: got.data})
                return True
        return False

    async def asked(self, ask: Ask) -> AsyncIterator[Got]:
        """What each mirror answers, beginning with another one each time."""
        self.fetched += 1
        self._turn += 1
        turn = self._turn  # of this file: others are asked for meanwhile
        for place in range(len(self.mirrors)):
            yield await self.mirrors[(turn + place) % len(self.mirrors)].get(ask)

    async def here(self, name: str, digest: str = "") -> bytes | None:
        """The file if it is in the copy or waits, and has this SHA-256 where one is given."""
        if name in self.held and digest in ("", self.held[name]):
            return await self.copy.read(name)
        try:
            data = self.waiting.get(name)
        except StoreError:
            return None
        if digest and sha256(data).hexdigest() != digest:
            return None
        self.waits[name] = sha256(data).hexdigest()
        return data

    def wait(self, files: Mapping[str, bytes]) -> None:
        """Let ``files`` wait."""
        self.waiting.put(list(files.items()))
        self.waits |= {name: sha256(data).hexdigest() for name, data in files.items()}


def _is_root(version: int, data: bytes) -> bool:
    return roles.read("root", data).version == version


def _follows(chain: Chain, data: bytes) -> bool:
    chain.next_root(data)
    return True


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error in nested groups."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
