"""A process that runs in a lab, and the channels to the lab's own parts. Handles of the owner's side."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, Any, Final

from heliograph.lab.world.need import LabError

_MOST: Final = 256 << 20  # bytes of output that are kept


class Lines:
    """Lines of JSON over a stream socket; one question at a time, whoever asks."""

    def __init__(self, sock: socket.socket, what: str, said: Callable[[], str] = lambda: "") -> None:
        self._sock, self._what, self._said = sock, what, said
        self._held = b""
        self._lock = threading.Lock()

    def read(self, timeout: float | None = None) -> dict[str, Any]:
        """The next line. Raises TimeoutError, and LabError if the other side has ended or could not do it."""
        until = None if timeout is None else time.monotonic() + timeout
        while b"\n" not in self._held:
            self._sock.settimeout(None if until is None else max(until - time.monotonic(), 0.000_001))
            try:
                more = self._sock.recv(1 << 20)
            except ConnectionResetError:
                more = b""
            if not more:
                raise self._end()
            self._held += more
        line, _, self._held = self._held.partition(b"\n")
        told: dict[str, Any] = json.loads(line)
        if "error" in told:
            raise LabError(told["error"], where=self._what)
        return told

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a question. Raises LabError."""
        with self._lock:
            self._sock.settimeout(None)
            try:
                self._sock.sendall(json.dumps(question).encode() + b"\n")
            except OSError as error:
                raise self._end() from error
            return self.read()

    def _end(self) -> LabError:
        return LabError("has ended", where=self._what, remedy=self._said())

    def close(self) -> None:
        """End the conversation."""
        self._sock.close()


class Process:
    """One command in a place of the lab. Ends with the lab at the latest."""

    def __init__(
        self,
        argv: Sequence[str],
        pid: int,
        lines: Lines,
        out: IO[bytes] | None,
        err: IO[bytes] | None,
        kill: Callable[[int, int], None],
    ) -> None:
        self.argv, self.pid = tuple(argv), pid  # the pid is the lab's, not the machine's
        self._lines, self._files, self._kill = lines, (out, err), kill
        self._said: tuple[bytes, bytes] | None = None  # once it has ended
        self._code: int | None = None
        self._lock = threading.Lock()

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, negative for a signal. Raises subprocess.TimeoutExpired."""
        with self._lock:
            if self._code is None:
                try:
                    self._code = int(self._lines.read(timeout)["ended"])
                except TimeoutError:
                    raise subprocess.TimeoutExpired(self.argv, timeout or 0.0) from None
                except LabError:
                    self._code = -signal.SIGKILL  # the lab went, and took it along
                self.forget()
            return self._code

    def poll(self) -> int | None:
        """The exit status if it has ended."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0.0)
        return None

    def send_signal(self, number: int) -> None:
        """Signal it and the processes it started; nothing if it has ended."""
        if self.poll() is None:
            self._kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def output(self) -> bytes:
        """What it wrote to standard output so far; b"" if that went elsewhere."""
        return self._whole()[0]

    def errors(self) -> bytes:
        """What it wrote to standard error so far; b"" if that went elsewhere."""
        return self._whole()[1]

    def forget(self) -> None:
        """Keep what it wrote until now and close the files; done by ``wait``, and at the end of the lab."""
        if self._said is None:
            self._said = self._whole()
            self._lines.close()
            for file in self._files:
                if file is not None:
                    file.close()

    @property
    def is_forgotten(self) -> bool:
        """Whether it holds no files any more."""
        return self._said is not None

    def _whole(self) -> tuple[bytes, bytes]:
        if self._said is not None:
            return self._said
        out, err = (b"" if file is None else os.pread(file.fileno(), _MOST, 0) for file in self._files)
        return out, err
