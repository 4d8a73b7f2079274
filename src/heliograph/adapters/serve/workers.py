"""The mirror as a program: signals, worker processes, a certificate renewed without losing a connection.

SIGTERM and SIGINT finish the answers under way and end; SIGHUP reads the certificate again. With several workers this
process only watches: it holds the sockets, so that a worker that dies is replaced without a refused connection, and it
makes the TLS context, so that the workers share the ticket keys. With a sensor it also keeps the counters of all.

An onion service is one worker more, on a port of loopback of its own: in plain HTTP, since Tor seals it, uncounted by
the sensor, to which all of Tor would be one reader, and not hired anew for a new certificate.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from heliograph.adapters.serve.book import Book, Sender, receive
from heliograph.adapters.serve.endpoint import address, listening, room_for, secure_context
from heliograph.adapters.serve.networks import Networks, load, one_for_all
from heliograph.adapters.serve.sensor import WATCHED, Sensor, supported
from heliograph.adapters.serve.server import CONNECTIONS, MirrorServer
from heliograph.model.errors import ConfigError
from heliograph.ports import Drop

Say = Callable[[str], None]
_PAUSE = 1.0  # seconds before a worker that died is replaced, so that a fault does not become a storm
_TURN = 1.0  # seconds between two looks at what the workers' sensors have counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensing:
    """A sensor as the operator wants it: ``share`` of the connections (above 0, up to 1) are looked at."""

    file: Path  # where its counts go, once a day
    networks: Path | None = None  # a table of prefixes; None: everybody is of one network
    share: float = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """An onion service that leads to a port of this machine. Whoever makes it knows Tor; here nobody does."""

    begin: Callable[[int], str]  # its address, once it is sure that it can be had; raises ConfigError, StoreError
    keep: Callable[[int], Coroutine[Any, Any, None]]  # has it published until cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What every process of one mirror serves."""

    folder: Path
    drop: Drop | None
    onion: str  # for Onion-Location, "" for none
    retired: str  # its own address, if pages lead on; "" if they do not


def run(
    folder: Path,
    listen: str = "127.0.0.1:8080",
    *,
    cert: Path | None = None,
    key: Path | None = None,
    workers: int = 1,
    drop: Drop | None = None,
    sensing: Sensing | None = None,
    hidden: Hidden | None = None,
    onion: str = "",
    retired: str = "",
    say: Say = lambda _: None,
) -> int:
    """Serve ``folder`` until a signal ends it; the exit code. ``say`` is given the mirror's URL, and what goes wrong.

    With ``drop`` messages are taken at ``/drop``, and work lists given out below it. With ``hidden`` the folder is
    served as an onion service, too. Pages name the onion mirror at ``onion``; if that is not given and there is TLS,
    the hidden one, because Tor Browser heeds such an offer from HTTPS alone. ``retired`` is the mirror's own address:
    pages lead on to another mirror while the list in the folder does not name it.

    Raises ConfigError, or StoreError, before anything is served.
    """
    if not folder.is_dir():
        raise ConfigError("no such folder", where=str(folder), remedy="name the folder of a mirror")
    if key and not cert:
        raise ConfigError("a key without a certificate", where=str(key), remedy="name the certificate, too")
    context = secure_context(cert, key) if cert else None
    counting = _counting(sensing, folder, say) if sensing else None
    socks = _sockets(*address(listen), workers)
    inner, found = _begun(hidden, socks) if hidden else (None, "")
    offered = onion or (found if context is not None else "")
    shown = _Shown(folder=folder, drop=drop, onion=offered, retired=retired)
    say(_url(socks[0], secure=context is not None))
    if found:
        say(found)

    def renewed() -> ssl.SSLContext | None:
        """The certificate as it is on the disk now; None, and the reason said, if it cannot be used."""
        try:
            return secure_context(cert, key) if cert else None
        except ConfigError as error:
            say(str(error))
            return None

    if workers <= 1 and hidden is None:
        with _runner() as runner:
            sensor = counting.sensor() if counting else None
            runner.run(_serve(shown, socks[0], context, renewed, sensor=sensor))
        return 0
    return _Crew(shown, socks, renewed, counting, inner, hidden).watch(context)


class _Counting:
    """The book of one program, and how its processes write into it."""

    def __init__(self, networks: Networks, book: Book, share: float) -> None:
        self._networks, self._book, self._share = networks, book, share
        self._pipe: tuple[int, int] | None = None

    def sensor(self) -> Sensor:
        """For a single process."""
        return Sensor(networks=self._networks, share=self._share, count=self._book.count, then=self._book.settle)

    def share_out(self) -> None:
        """Before workers are made."""
        self._pipe = os.pipe()
        os.set_blocking(self._pipe[0], False)

    def worker_sensor(self) -> Sensor:
        """For one worker of several, in that worker."""
        assert self._pipe is not None, "share_out comes first"
        os.close(self._pipe[0])
        return Sensor(networks=self._networks, share=self._share, count=Sender(self._pipe[1]))

    def collect(self) -> None:
        """What the workers have counted meanwhile, and what is to be written of it."""
        assert self._pipe is not None, "share_out comes first"
        receive(self._pipe[0], self._book)
        self._book.settle(time.monotonic())


def _counting(sensing: Sensing, folder: Path, say: Say) -> _Counting:
    """Raises ConfigError."""
    if not supported():
        raise ConfigError("this system does not tell how connections end", where="--sensor", remedy="it needs Linux")
    if sensing.file.resolve().is_relative_to(folder.resolve()):
        remedy = "choose a place outside of it: what lies in a mirror is served to everybody, and must be signed"
        raise ConfigError("the sensor's file would lie in the mirror", where=str(sensing.file), remedy=remedy)
    networks = load(sensing.networks) if sensing.networks else one_for_all()
    if networks.narrow:
        say(f"{sensing.networks}: prefixes narrower than /24 or /48, passed over: {networks.narrow}")
    book = Book(path=sensing.file, names=networks.names, share=sensing.share, wall=time.time)
    book.open()
    return _Counting(networks, book, sensing.share)


def _sockets(host: str, port: int, workers: int) -> list[socket.socket]:
    if workers <= 1:
        return [listening(host, port)]
    if port:
        listening(host, port).close()  # a port that another program shares must not be joined in silence
    first = listening(host, port, shared=True)
    return [first, *(listening(host, first.getsockname()[1], shared=True) for _ in range(workers - 1))]


def _begun(hidden: Hidden, socks: list[socket.socket]) -> tuple[socket.socket, str]:
    """A socket for the onion service, and its URL. If it cannot be had, ``socks`` are closed, too."""
    inner = listening("127.0.0.1", 0)
    try:
        return inner, f"http://{hidden.begin(inner.getsockname()[1])}/"
    except BaseException:
        for sock in (inner, *socks):
            sock.close()
        raise


def _url(sock: socket.socket, *, secure: bool) -> str:
    host, port = sock.getsockname()[:2]
    if host in {"::", "0.0.0.0"}:  # noqa: S104 - shown, not bound
        host = "localhost"
    return f"{'https' if secure else 'http'}://{f'[{host}]' if ':' in host else host}:{port}/"


def _runner() -> asyncio.Runner:
    """A loop on uvloop where there is one; twice as fast."""
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


async def _serve(
    shown: _Shown,
    sock: socket.socket,
    context: ssl.SSLContext | None,
    renewed: Callable[[], ssl.SSLContext | None],
    parent: int | None = None,
    sensor: Sensor | None = None,
    hidden: Hidden | None = None,
) -> None:
    """One process. ``parent`` is a pipe that ends when the watching process does; ``hidden`` leads to ``sock``."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.set_exception_handler(_silent)
    spare = WATCHED if sensor is not None else 0  # handles of its own
    room = max(1, room_for(CONNECTIONS + spare) - spare)
    server = MirrorServer(
        shown.folder,
        connections=room,
        drop=shown.drop,
        sensor=sensor,
        onion=shown.onion,
        retired=shown.retired,
    )
    await server.start_on(sock, tls=context)
    keeping = asyncio.create_task(hidden.keep(server.port)) if hidden else None
    if keeping is not None:
        keeping.add_done_callback(lambda _: over.set())  # it ends by a fault of ours alone: then let another one try

    def renew() -> None:
        if (fresh := renewed()) is not None:
            server.renew(fresh)

    for ending in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(ending, over.set)
    if hasattr(signal, "SIGHUP"):
        loop.add_signal_handler(signal.SIGHUP, renew if parent is None else lambda: None)
    if parent is not None:
        loop.add_reader(parent, over.set)
    await over.wait()
    if keeping is not None:
        keeping.cancel()
    await server.stop()
    if keeping is not None:
        with suppress(asyncio.CancelledError):
            await keeping


def _silent(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a loop would log about a connection (a reader who vanished, mostly) is nobody's business."""


class _Crew:
    """The worker processes, one for each socket; ``inner`` is the one that ``hidden`` leads to."""

    def __init__(
        self,
        shown: _Shown,
        socks: list[socket.socket],
        renewed: Callable[[], ssl.SSLContext | None],
        counting: _Counting | None,
        inner: socket.socket | None,
        hidden: Hidden | None,
    ) -> None:
        self._shown, self._socks, self._renewed = shown, socks, renewed
        self._counting, self._inner, self._hidden = counting, inner, hidden
        if counting is not None:
            counting.share_out()
        self._alive, self._mine = os.pipe()  # nothing is written: it ends when this process does, even by SIGKILL
        self._at_work: dict[int, socket.socket] = {}
        self._leaving: set[int] = set()

    def watch(self, context: ssl.SSLContext | None) -> int:
        """Keep one worker at each socket until a signal ends it; the exit code."""
        watched = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, watched)
        try:
            self._hire(self._all, context)
            while True:
                what = self._next(watched)
                if what is None:
                    pass
                elif what == signal.SIGCHLD:
                    if lost := self._reap():
                        time.sleep(_PAUSE)
                        self._hire(lost, context)
                elif what == signal.SIGHUP:
                    if (fresh := self._renewed()) is not None:
                        context = fresh
                        self._dismiss(self._socks)
                        self._hire(self._socks, context)
                else:
                    return 0
        finally:
            self._dismiss(self._all)
            for pid in self._leaving:
                with suppress(ChildProcessError):
                    os.waitpid(pid, 0)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, watched)

    @property
    def _all(self) -> list[socket.socket]:
        return self._socks if self._inner is None else [*self._socks, self._inner]

    def _next(self, watched: set[signal.Signals]) -> int | None:
        """The next signal; None after a while without one, if there is something to look after."""
        if self._counting is None:
            return signal.sigwait(watched)
        self._counting.collect()
        told = signal.sigtimedwait(watched, _TURN)
        return told.si_signo if told is not None else None

    def _hire(self, socks: list[socket.socket], context: ssl.SSLContext | None) -> None:
        for sock in socks:
            pid = os.fork()
            if not pid:
                self._work(sock, context)
            self._at_work[pid] = sock

    def _work(self, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        """The life of a worker; does not return."""
        code = 1
        try:
            os.close(self._mine)
            for other in self._all:
                if other is not sock:
                    other.close()
            with _runner() as runner:
                signal.pthread_sigmask(signal.SIG_SETMASK, set())
                runner.run(self._serving(sock, context))
            code = 0
        finally:
            sys.stdout.flush()
            os._exit(code)

    def _serving(self, sock: socket.socket, context: ssl.SSLContext | None) -> Coroutine[Any, Any, None]:
        if sock is self._inner:
            shown = replace(self._shown, onion="", retired="")  # who is there already needs no offer, and stays in Tor
            return _serve(shown, sock, None, lambda: None, parent=self._alive, hidden=self._hidden)
        sensor = self._counting.worker_sensor() if self._counting else None
        return _serve(self._shown, sock, context, lambda: None, parent=self._alive, sensor=sensor)

    def _dismiss(self, socks: list[socket.socket]) -> None:
        gone = [pid for pid, sock in self._at_work.items() if sock in socks]
        for pid in gone:
            os.kill(pid, signal.SIGTERM)
            del self._at_work[pid]
        self._leaving.update(gone)

    def _reap(self) -> list[socket.socket]:
        """Forget the workers that have ended; the sockets of those that should not have."""
        lost = []
        for pid in [*self._at_work, *self._leaving]:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                self._leaving.discard(pid)
                if pid in self._at_work:
                    lost.append(self._at_work.pop(pid))
        return lost
