"""A resolver over HTTPS that tells browsers to encrypt their hello: run in a place of the lab.

    sealed_names.py '{"certificate": FILE, "zone": {NAME: [ADDRESS]}, "outer": NAME}'

Names have an HTTPS record (RFC 9460) with an ECH configuration whose key nobody has: a server that gets such
a hello can only read its outside, and so can a censor. There the name is ``outer``.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
from struct import pack

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from heliograph.lab.censor import dns
from heliograph.lab.world import doh, host

HTTPS, ECH = 65, 5  # a kind of record, and a key within it


def configuration(outer: str) -> bytes:
    """An ECHConfigList of one: X25519, HKDF-SHA256, AES-128-GCM."""
    key = X25519PrivateKey.generate().public_key().public_bytes_raw()
    suites = pack("!HH", 1, 1)
    inside = pack("!BHH", 7, 0x0020, len(key)) + key + pack("!H", len(suites)) + suites
    inside += pack("!BB", 0, len(outer)) + outer.encode("ascii") + pack("!H", 0)
    one = pack("!HH", 0xFE0D, len(inside)) + inside
    return pack("!H", len(one)) + one


def record(question: dns.Question, sealed: bytes) -> bytes:
    """The answer to a question for an HTTPS record: this very name, priority 1, with ``sealed``."""
    data = pack("!HBHH", 1, 0, ECH, len(sealed)) + sealed
    header = pack("!HHHHHH", question.ident, 0x8180, 1, 1, 0, 0)
    return header + question.raw + pack("!HHHIH", 0xC00C, HTTPS, 1, 60, len(data)) + data


def main() -> None:
    given = json.loads(sys.argv[1])
    sealed = configuration(given["outer"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given["certificate"])

    def answer(link: socket.socket) -> None:
        head, rest = host.read_head(link)
        body = rest + host.read_rest(link, head, len(rest))
        asked = dns.question(body)
        if asked is None or asked.kind != HTTPS or asked.name not in given["zone"]:
            link.sendall(doh.response(head, body, given["zone"]))
            return
        told = record(asked, sealed)
        kind = b"Content-Type: application/dns-message\r\n"
        link.sendall(
            b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (kind, len(told), told)
        )

    host.listen(443, context, answer)
    threading.Event().wait()


if __name__ == "__main__":
    main()
