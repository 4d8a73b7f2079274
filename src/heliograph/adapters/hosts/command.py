"""Programs of this machine that carry an edition: started, fed, listened to and ended with whoever waits for them.

Rule 1: a program gets the environment that is given and no other, and speaks English, because its words are read. Rule
2: what it says is kept up to a limit. Rule 3: it never outlives the call, and on Linux not even one whose process was
killed: else an old delivery would go on beside the next.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from subprocess import DEVNULL, PIPE
from typing import Final

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream

from heliograph.model import ConfigError

ENGLISH: Final = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
_GUARD: Final = ("setpriv", "--pdeathsig", "KILL", "--")  # of util-linux: the kernel ends it with its parent
_MOST_OUT = 512_000_000  # bytes
_MOST_ERR = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program ended."""

    code: int  # negative: the signal
    out: bytes
    err: str

    @property
    def last_words(self) -> str:
        """What it said last of what went wrong, for a line of a report."""
        return " ".join(self.err.split())[-300:] or f"it ended with code {self.code}"


def needed(program: str, package: str, where: str) -> None:
    """Raises ``ConfigError`` where ``program`` is not installed."""
    if shutil.which(program, path=ENGLISH["PATH"]) is None:
        raise ConfigError(f"{program} is not installed here", where=where, remedy=f"apt-get install {package}")


async def run(
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    feed: Iterable[bytes] | None = None,
    line: Callable[[bytes], None] | None = None,
) -> Ended:
    """Run a program to its end. It reads ``feed``; each line it writes goes to ``line``, or all of it is kept."""
    guard = _GUARD if shutil.which(_GUARD[0], path=ENGLISH["PATH"]) else ()
    async with await anyio.open_process(
        [*guard, *words],
        stdin=DEVNULL if feed is None else PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env={**ENGLISH, **environment},
    ) as process:
        out, err = bytearray(), bytearray()
        assert process.stdout is not None
        assert process.stderr is not None
        fault: BaseException | None = None  # of ``feed``
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_heard, process.stderr, err, _MOST_ERR)
            if line is None:
                tasks.start_soon(_heard, process.stdout, out, _MOST_OUT)
            else:
                tasks.start_soon(_lines, process.stdout, line)
            if feed is not None:
                assert process.stdin is not None
                fault = await _fed(process.stdin, feed)
                if fault is not None:
                    process.kill()
        code = await process.wait()
    if fault is not None:
        raise fault
    return Ended(code=code, out=bytes(out), err=err.decode("utf-8", "replace"))


async def _fed(stream: ByteSendStream, feed: Iterable[bytes]) -> BaseException | None:
    """Hand over what ``feed`` gives; what it raised."""
    try:
        for piece in feed:
            await stream.send(piece)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
        pass  # the program ended before it had read all: its code says why
    except anyio.get_cancelled_exc_class():
        raise
    except BaseException as error:  # noqa: BLE001 - raised again where it is no group
        return error
    finally:
        with anyio.CancelScope(shield=True):
            await stream.aclose()
    return None


async def _heard(stream: ByteReceiveStream, kept: bytearray, limit: int) -> None:
    """Keep what comes, the last ``limit`` bytes of it."""
    async for piece in stream:
        kept += piece
        if len(kept) > 2 * limit:
            del kept[:-limit]
    del kept[:-limit]


async def _lines(stream: ByteReceiveStream, line: Callable[[bytes], None]) -> None:
    rest = b""
    async for piece in stream:
        *whole, rest = (rest + piece).split(b"\n")
        for one in whole:
            line(one)
    if rest:
        line(rest)
