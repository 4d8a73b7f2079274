"""Worker processes that start only when there is enough to do.

A pass with one new story is over before a process pool would have started, so the first pieces run in a thread of this
process; from then on processes take over. What loads much (``heavy``) gets a process of its own that ends with it, so
that none of those that live long carries it.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any, TypeVar

T = TypeVar("T")
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _BLOCK = -1, -3, 65_536  # of mallopt(3); bytes
_SMALL = 12  # pieces of work that a thread does faster than processes start
_LIFE = 40  # pieces of work after which a process ends and another begins, so that memory lost to fragments comes back


class Workers(Executor):
    """A ``concurrent.futures`` executor of ``processes`` processes, with ``preload`` imported once for all of them."""

    def __init__(
        self, processes: int, preload: list[str], heavy: Iterable[Callable[..., object]] = (), small: int = _SMALL
    ) -> None:
        self.processes, self._preload, self._heavy, self._small = processes, preload, frozenset(heavy), small
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="worker")
        self._pool: ProcessPoolExecutor | None = None
        self._given = 0

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:  # noqa: ANN401
        if fn in self._heavy:
            alone = self._processes(1)
            future = alone.submit(fn, *args, **kwargs)
            future.add_done_callback(lambda _: alone.shutdown(wait=False))
            return future
        self._given += 1
        if self._given <= self._small:
            return self._thread.submit(fn, *args, **kwargs)
        if self._pool is None:
            self._pool = self._processes(self.processes)
        return self._pool.submit(fn, *args, **kwargs)

    def _processes(self, number: int) -> ProcessPoolExecutor:
        # forkserver: no locks of our threads are copied, and what is preloaded is shared between the workers
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(self._preload)
        return ProcessPoolExecutor(number, mp_context=context, initializer=_begin, max_tasks_per_child=_LIFE)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._thread.shutdown(wait=wait, cancel_futures=cancel_futures)
        if self._pool is not None:
            self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)


def give_back_memory() -> None:
    """Have glibc return large blocks to the system when they are freed: 20 MB less at 10,000 stories, measured.

    By default it raises its own thresholds with each large block, and a feed of 10 MB is one.
    """
    with suppress(OSError, AttributeError):  # another C library has other ways
        libc = ctypes.CDLL(None)
        for parameter in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
            libc.mallopt(parameter, _BLOCK)


def _begin() -> None:
    """What a worker does first."""
    give_back_memory()
    _end_with_parent()


def _end_with_parent() -> None:
    """End this worker when the process it works for is gone, also by kill -9: nothing else would tell it."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch(sentinel: int) -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, args=(parent.sentinel,), daemon=True).start()
