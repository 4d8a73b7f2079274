"""A mirror of single objects elsewhere: what every store that takes one object at a time has in common.

Rule 1: a step begins only when the place has confirmed all of the one before it, and within a step the front page,
metadata and ``now`` wait for what they name. Rule 2: at most ``parallel`` requests at once; what the place is too busy
for is tried again, with pauses that grow, and then left to the next pass. Rule 3: ``held`` forgets an object's mark
before a request that changes it and notes what was confirmed after, so that a pass that was cut short goes on, and an
answer that was lost is never taken for a refusal. Rule 4: a name that can be stored under one encoding only is stored
under the smallest that its readers understand, once, in the step of the page itself. Rule 5: listings may lag; what
``held`` knows and a listing does not show is asked for by its name.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeVar

import anyio
import brotli

from heliograph.adapters.hosts.held import Held
from heliograph.model import StoreError, paths
from heliograph.model.ledger import Change
from heliograph.model.mirror import Spent

MOST_READ: Final = 1_000_000  # bytes of an object that are looked at
_NOTED: Final = 64  # objects between two notes
_TRIES: Final = 6
_PAUSE, _LONGEST = 0.5, 20.0  # seconds before the second try, and at most
_AT_ONCE: Final = 500  # objects in one request to delete
_FOR_PROGRAMS: Final = frozenset({"xml", "json", "txt"})  # not all that read these know brotli
_Answer = TypeVar("_Answer")
_Item = TypeVar("_Item")


class BusyError(StoreError):
    """The place cannot now: later it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """An object to write."""

    key: str
    data: bytes
    content_type: str
    cache_control: str
    coding: str = ""  # Content-Encoding


class Bin(Protocol):
    """A place of objects by key. Each method makes one try and raises StoreError, BusyError where another may work."""

    place: str

    async def put(self, put: Put) -> str:
        """Write one whole; returns the mark that ``marks`` will show for it, "" if that is not known."""
        ...

    async def get(self, key: str) -> tuple[bytes, str]:
        """Its bytes, at most a megabyte of them, and their encoding; b"" where there is none."""
        ...

    async def marks(self) -> tuple[Mapping[str, str], int]:
        """The mark of every object by key, and how many requests that took."""
        ...

    async def delete(self, keys: Sequence[str]) -> int:
        """Remove up to 500; none of them need be there. How many requests it took."""
        ...


@dataclass(slots=True, kw_only=True)
class Objects:
    """See ``ports.MirrorStore``: over any ``Bin``.

    ``coded`` says that a name can hold one encoding only; else encodings lie beside their page, as on a disk.
    """

    name: str
    bin: Bin
    held: Held
    coded: bool
    parallel: int = 8
    pause: Callable[[float], Awaitable[None]] = anyio.sleep
    spent: Spent = field(default_factory=Spent)
    _tries: int = field(default=_TRIES, init=False)

    @property
    def place(self) -> str:
        return self.bin.place

    async def read(self, name: str) -> bytes:
        data, coding = await self._again(lambda: self.bin.get(name))
        self.spent += Spent(reads=1)
        return decoded(data, coding)

    async def listing(self) -> Mapping[str, str]:
        marks, requests = await self._again(self.bin.marks)
        self.spent += Spent(lists=requests)
        digests = self.held.digests(marks)
        absent: list[str] = []

        async def look(key: str) -> None:
            data, _ = await self._again(lambda: self.bin.get(key))
            self.spent += Spent(reads=1)
            if data:
                digests[key] = ""
            else:
                absent.append(key)

        await each(sorted(self.held.keys() - marks.keys()), look, self.parallel)
        self.held.note({}, absent)
        return digests

    def asks(self, steps: Sequence[Sequence[Change]]) -> Spent:
        work = [one for wave in _waves(steps, coded=self.coded) for one in wave]
        puts = [one for one in work if one.fate == "put"]
        gone = sum(one.fate == "gone" for one in work)
        return Spent(writes=len(puts), deletes=gone, size=sum(one.change.size for one in puts))

    async def apply(
        self, steps: Sequence[Sequence[Change]], read: Callable[[Change], bytes], done: Callable[[int], None]
    ) -> None:
        for work in _waves(steps, coded=self.coded):
            for fate, at_once in (("put", _NOTED), ("kept", len(work)), ("gone", _AT_ONCE)):
                group = [one for one in work if one.fate == fate]
                for start in range(0, len(group), max(1, at_once)):
                    part = group[start : start + at_once]
                    match fate:
                        case "put":
                            await self._put(part, read)
                        case "gone":
                            await self._delete([one.key for one in part])
                        case _:
                            self.held.note({one.key: (None, one.digests) for one in part})
                    done(sum(one.files for one in part))

    async def _delete(self, keys: Sequence[str]) -> None:
        self.held.doubt(keys)
        requests = await self._again(lambda: self.bin.delete(keys))
        self.held.note({}, keys)
        self.spent += Spent(deletes=requests)

    async def _put(self, work: Sequence[_Object], read: Callable[[Change], bytes]) -> None:
        """Write these, side by side; what came about is noted even if one fails."""
        wrote: dict[str, tuple[str | None, Mapping[str, str]]] = {}

        async def write(one: _Object) -> None:
            data = read(one.change)
            mark = await self._again(lambda: self.bin.put(one.put(data)))
            wrote[one.key] = (mark, one.digests)
            self.spent += Spent(writes=1, size=len(data))

        self.held.doubt([one.key for one in work])
        try:
            await each(work, write, self.parallel)
        finally:
            if wrote:
                self.held.note(wrote)

    async def _again(self, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        try:
            answer = await again(ask, self.pause, self._tries)
        except BusyError:
            self._tries = 1  # until it answers again, so that a dead host does not hold up the other mirrors
            raise
        self._tries = _TRIES
        return answer


async def each(items: Sequence[_Item], do: Callable[[_Item], Awaitable[None]], parallel: int) -> None:
    """``do`` each, side by side; the first failure lets none begin any more and is raised when the rest is over."""
    gate = anyio.CapacityLimiter(parallel)
    failures: list[StoreError] = []

    async def one(item: _Item) -> None:
        async with gate:
            if failures:
                return
            try:
                await do(item)
            except StoreError as error:
                failures.append(error)

    async with anyio.create_task_group() as tasks:
        for item in items:
            tasks.start_soon(one, item)
    if failures:
        raise failures[0]


async def again(
    ask: Callable[[], Awaitable[_Answer]], pause: Callable[[float], Awaitable[None]], tries: int = _TRIES
) -> _Answer:
    """What ``ask`` comes to, with more tries where the place is busy. Raises what the last of them does."""
    for turn in range(tries - 1):
        try:
            return await ask()
        except BusyError:
            longest = min(_LONGEST, _PAUSE * 2**turn)
            await pause(longest * random.uniform(0.5, 1.0))  # noqa: S311 - so that many do not come at once
    return await ask()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    """What becomes of one key."""

    key: str
    fate: Literal["put", "gone", "kept"]
    change: Change  # whose bytes are stored
    coding: str = ""
    digests: Mapping[str, str]  # of the files it stands for, "" of those that ended
    files: int = 1

    def put(self, data: bytes) -> Put:
        plain = paths.plain_name(self.key)
        return Put(
            key=self.key,
            data=data,
            content_type=paths.content_type(plain if self.coding else self.key),
            cache_control=paths.lifetime(plain),
            coding=self.coding,
        )


def _waves(steps: Sequence[Sequence[Change]], *, coded: bool) -> list[list[_Object]]:
    """What ``steps`` come to in objects, in waves of those that need not wait for one another.

    A page and its encodings may stand in several steps, as in a repair; where they are one object, it is written in the
    page's own step, or else in the last of its encodings'.
    """
    there: dict[str, dict[str, Change]] = {}
    ended: dict[str, dict[str, Change]] = {}
    when: dict[str, tuple[int, int]] = {}
    over: dict[str, tuple[int, int]] = {}
    for number, changes in enumerate(steps):
        for change in changes:
            key = paths.plain_name(change.name) if coded else change.name
            group = (ended if change.gone else there).setdefault(key, {})
            if change.gone:
                over[key] = (number, 0)
            elif change.name == key or key not in group:
                when[key] = (number, paths.turn(key))
            group[change.name] = change
    waves: dict[tuple[int, int], list[_Object]] = {}
    for key in {**there, **ended}:
        at = when[key] if key in when else over[key]
        waves.setdefault(at, []).append(_object(key, there.get(key, {}), ended.get(key, {})))
    return [waves[at] for at in sorted(waves)]


def _object(key: str, there: Mapping[str, Change], ended: Mapping[str, Change]) -> _Object:
    digests = {name: change.digest for name, change in there.items()} | dict.fromkeys(ended, "")
    files = len(digests)
    ending, coding = (".gz", "gzip") if paths.extension(key) in _FOR_PROGRAMS else (".br", "br")
    best = there.get(key + ending)
    if best is not None:
        return _Object(key=key, fate="put", change=best, coding=coding, digests=digests, files=files)
    if key in there:
        return _Object(key=key, fate="put", change=there[key], digests=digests, files=files)
    # the whole page, or an encoding alone that is not the one that is stored
    fate: Literal["gone", "kept"] = "gone" if key in ended else "kept"
    return _Object(
        key=key, fate=fate, change=next(iter([*there.values(), *ended.values()])), digests=digests, files=files
    )


def decoded(data: bytes, coding: str) -> bytes:
    """``data`` without its encoding, at most about a megabyte of it; b"" for what is none."""
    try:
        match coding:
            case "br":
                # a limit on each answer: whoever holds the place may store a bomb
                return bytes(brotli.Decompressor().process(data, output_buffer_limit=MOST_READ))[:MOST_READ]
            case "gzip":
                return zlib.decompressobj(wbits=31).decompress(data, MOST_READ)
    except (brotli.error, zlib.error):
        return b""
    return data
