"""DNS over HTTPS for the lab: the same truth as ``names.py`` tells, where a censor of UDP cannot reach it.

``POST /dns-query`` with a query as the body, or ``GET /dns-query?dns=`` with it in base64url. A connection closes after
its answer.
"""

from __future__ import annotations

import base64
import binascii
import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from heliograph.lab.world import host
from heliograph.lab.world.names import respond


def serve(given: Mapping[str, Any], control: socket.socket) -> None:
    """Answer on port 443 out of ``given["zone"]``, with ``given["certificate"]``, until ``control`` ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given["certificate"])

    def answer(link: socket.socket) -> None:
        head, rest = host.read_head(link)
        link.sendall(response(head, rest + host.read_rest(link, head, len(rest)), given["zone"]))

    host.listen(443, context, answer)
    control.sendall(b"{}\n")
    while control.recv(1):
        continue


def response(head: bytes, body: bytes, zone: Mapping[str, Sequence[str]]) -> bytes:
    """The whole response to a request."""
    method, _, target = head.split(b"\r\n")[0].partition(b" ")
    path, _, asked = target.partition(b" ")[0].partition(b"?")
    query = body
    if method == b"GET":
        text = asked.removeprefix(b"dns=")
        try:
            query = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
        except binascii.Error:
            query = b""
    told = respond(query, zone) if path == b"/dns-query" else None
    status = b"200 OK" if told else b"400 Bad Request"
    told = told or b""
    kind = b"Content-Type: application/dns-message\r\n"
    length = b"Content-Length: %d\r\n" % len(told)
    return b"HTTP/1.1 %s\r\n%s%sConnection: close\r\n\r\n%s" % (status, kind, length, told)
