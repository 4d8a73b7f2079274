"""A plain web host for the lab: pages of any size, header and body in one write or in two, cleartext and TLS.

``GET /4096`` answers 4,096 bytes, ``/4096?split`` with the header in a segment of its own; ``POST`` answers how much
came. Each connection has a thread and closes after its answer. For the lab, not for the Internet.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

_PATIENCE: Final = 60.0  # seconds without a byte
_LONGEST_HEAD: Final = 16_384  # bytes
_LENGTH: Final = b"content-length:"
_MOST: Final = 1 << 30  # bytes of an answer
_PATTERN: Final = b"0123456789abcdef" * 4_096
Answer = Callable[[socket.socket], None]


def serve(given: Mapping[str, Any], control: socket.socket) -> None:
    """Serve port 80, and 443 with ``given["certificate"]`` (a file with chain and key), until ``control`` ends."""
    listen(80, None, _answer)
    if given.get("certificate"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(given["certificate"])
        context.num_tickets = 1
        listen(443, context, _answer)
    control.sendall(b"{}\n")
    while control.recv(1):
        continue


def listen(port: int, secure: ssl.SSLContext | None, answer: Answer) -> None:
    """Answer on all addresses from now on, each connection in a thread of its own."""
    listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=256)

    def accept() -> None:
        while True:
            link, _ = listener.accept()
            threading.Thread(target=_connection, args=(link, secure, answer), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def _connection(link: socket.socket, secure: ssl.SSLContext | None, answer: Answer) -> None:
    link.settimeout(_PATIENCE)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError), link:
        if secure is None:
            answer(link)
        else:
            with secure.wrap_socket(link, server_side=True) as wrapped:
                answer(wrapped)
                with suppress(OSError):
                    wrapped.unwrap()


def read_head(link: socket.socket) -> tuple[bytes, bytes]:
    """The head of a request and what came behind it. Raises ConnectionError if there is none."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = link.recv(_LONGEST_HEAD)
        if not more or len(head) > _LONGEST_HEAD:
            raise ConnectionAbortedError("no request")
        head += more
    head, _, rest = head.partition(b"\r\n\r\n")
    return head, rest


def read_rest(link: socket.socket, head: bytes, got: int) -> bytes:
    """What of the body that ``head`` announces has not come yet, as far as it comes."""
    values = [line.partition(b":")[2].strip() for line in head.split(b"\r\n")[1:] if line.lower().startswith(_LENGTH)]
    left = min(int(values[0]), _MOST) - got if values and values[0].isdigit() else 0
    parts = []
    while left > 0 and (more := link.recv(65_536)):
        parts.append(more)
        left -= len(more)
    return b"".join(parts)


def _answer(link: socket.socket) -> None:
    head, rest = read_head(link)
    method, _, target = head.split(b"\r\n")[0].decode("latin-1").partition(" ")
    path, _, how = target.partition(" ")[0].partition("?")
    if method == "POST":
        body = json.dumps({"received": len(rest) + len(read_rest(link, head, len(rest)))}).encode()
        size = len(body)
    else:
        text = path.strip("/")
        size = min(int(text), _MOST) if text.isdecimal() else 0
        body = _PATTERN[:size]
    top = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode()
    if how == "split":
        link.sendall(top)
        link.sendall(body)
    else:
        link.sendall(top + body)
    for left in range(size - len(body), 0, -len(_PATTERN)):
        link.sendall(_PATTERN[:left])
