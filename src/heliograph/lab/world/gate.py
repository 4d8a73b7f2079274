"""TLS interception: connections that a box diverts end here, under a forged certificate, and go on to the true server.

Whatever address a connection was meant for, this host accepts it (``keeper.Keeper._gate``), so the address to go on to
is the socket's own. Names that shall not be opened are passed on byte by byte, unread.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from heliograph.lab.censor import dns, recognise
from heliograph.lab.world.papers import certificate
from heliograph.lab.world.plan import FOLDER

_PATIENCE: Final = 60.0  # seconds without a byte
_HELLO: Final = 16_384  # bytes of a hello
_PIECE: Final = 16_384
_TRANSPARENT: Final = 75  # IPV6_TRANSPARENT, which covers IPv4 on the same socket


def serve(given: Mapping[str, Any], control: socket.socket) -> None:
    """Intercept ``given["names"]`` (suffixes; none: every name) on ``given["ports"]`` until ``control`` ends."""
    proxy = _Proxy(given["names"])
    for port in given["ports"]:
        listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=256)
        listener.setsockopt(socket.IPPROTO_IPV6, _TRANSPARENT, 1)  # lets it answer from addresses that are not its own
        threading.Thread(target=proxy.accept, args=(listener,), daemon=True).start()
    control.sendall(b"{}\n")
    while control.recv(1):
        continue


class _Proxy:
    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def accept(self, listener: socket.socket) -> None:
        while True:
            link, _ = listener.accept()
            threading.Thread(target=self._connection, args=(link,), daemon=True).start()

    def _connection(self, link: socket.socket) -> None:
        meant = link.getsockname()[:2]  # what the reader asked for
        link.settimeout(_PATIENCE)
        with suppress(OSError), link:
            name = _peek(link)
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)  # else short messages would never wake us
            with socket.create_connection((meant[0].removeprefix("::ffff:"), meant[1]), timeout=_PATIENCE) as server:
                if not name or (self._names and not dns.is_within(name, self._names)):
                    _join(link, server)
                    return
                plain = ssl.create_default_context()
                plain.check_hostname, plain.verify_mode = False, ssl.CERT_NONE  # it is the attacker
                with (
                    self._context(name).wrap_socket(link, server_side=True) as opened,
                    plain.wrap_socket(server, server_hostname=name) as onward,
                ):
                    _join(opened, onward)

    def _context(self, name: str) -> ssl.SSLContext:
        with self._lock:
            if name not in self._contexts:
                file = FOLDER / f"gate-{len(self._contexts)}.pem"
                certificate([name], file, "Interception of the lab")
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(file)
                self._contexts[name] = context
            return self._contexts[name]


def _peek(link: socket.socket) -> str:
    """The name in the ClientHello that waits in ``link``, "" for none."""
    had = 0
    while True:
        data = link.recv(_HELLO, socket.MSG_PEEK)
        sight = recognise.stream(data)
        if isinstance(sight, recognise.Finding):
            return sight.name
        if sight is recognise.NO or len(data) <= had or len(data) >= _HELLO:
            return ""
        had = len(data)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, had + 1)  # peek again only when there is more


def _join(one: socket.socket, two: socket.socket) -> None:
    """Carry bytes both ways until both sides have ended, or one that is encrypted."""
    other, open_ends = {one: two, two: one}, [one, two]
    while open_ends:
        held = [end for end in open_ends if isinstance(end, ssl.SSLSocket) and end.pending()]
        ready = held or select.select(open_ends, [], [], _PATIENCE)[0]
        if not ready:
            return
        for end in ready:
            if data := end.recv(_PIECE):
                other[end].sendall(data)
            elif isinstance(end, ssl.SSLSocket):
                return
            else:
                open_ends.remove(end)
                other[end].shutdown(socket.SHUT_WR)
