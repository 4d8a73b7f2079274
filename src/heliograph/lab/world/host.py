"""A plain web host for the lab: pages of any size, header and body in one write or in two, cleartext and TLS.

``GET /4096`` answers 4,096 bytes, ``/4096?split`` with the header in a segment of its own; ``POST`` reads what comes
and answers how much it was. Each connection closes after its answer. A program, not for the Internet: one thread a
connection.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

_PATIENCE: Final = 60.0  # seconds without a byte
_LONGEST_HEAD: Final = 16_384  # bytes
_MOST: Final = 64 << 20  # bytes of an answer
_PATTERN: Final = b"0123456789abcdef"


def serve(given: Mapping[str, Any], control: socket.socket) -> None:
    """Serve port 80, and 443 with ``given["certificate"]`` (a file with chain and key), until ``control`` ends."""
    ports: list[tuple[int, ssl.SSLContext | None]] = [(80, None)]
    if given.get("certificate"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(given["certificate"])
        context.num_tickets = 1
        ports.append((443, context))
    for port, secure in ports:
        listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=256)
        threading.Thread(target=_accept, args=(listener, secure), daemon=True).start()
    control.sendall(b"{}\n")
    while control.recv(1):
        continue


def _accept(listener: socket.socket, secure: ssl.SSLContext | None) -> None:
    while True:
        link, _ = listener.accept()
        threading.Thread(target=_connection, args=(link, secure), daemon=True).start()


def _connection(link: socket.socket, secure: ssl.SSLContext | None) -> None:
    link.settimeout(_PATIENCE)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError), link:
        if secure is None:
            _answer(link)
        else:
            with secure.wrap_socket(link, server_side=True) as wrapped:
                _answer(wrapped)
                with suppress(OSError):
                    wrapped.unwrap()


def _answer(link: socket.socket) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        more = link.recv(_LONGEST_HEAD)
        if not more or len(head) > _LONGEST_HEAD:
            return
        head += more
    head, _, rest = head.partition(b"\r\n\r\n")
    method, _, target = head.split(b"\r\n")[0].decode("latin-1").partition(" ")
    path, _, how = target.partition(" ")[0].partition("?")
    if method == "POST":
        body = json.dumps({"received": _receive(link, head, len(rest))}).encode()
    else:
        size = path.strip("/")
        number = min(int(size), _MOST) if size.isdecimal() else 0
        body = (_PATTERN * (number // 16 + 1))[:number]
    top = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    if how == "split":
        link.sendall(top.encode())
        link.sendall(body)
    else:
        link.sendall(top.encode() + body)


def _receive(link: socket.socket, head: bytes, got: int) -> int:
    lengths = [
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")[1:]
        if line.lower().startswith(b"content-length:") and line.partition(b":")[2].strip().isdigit()
    ]
    while lengths and got < lengths[0]:
        more = link.recv(65_536)
        if not more:
            break
        got += len(more)
    return got
