"""A reader's end of TLS, in memory: what comes over the wire can be looked at."""

from __future__ import annotations

import ssl
from contextlib import suppress

import pytest


class Reader:
    """The other end of TLS, in memory; keeps what came over the wire."""

    def __init__(self, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost", session=session)

    def hello(self) -> bytes:
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()

    def finish(self, flight: bytes) -> None:
        self.incoming.write(flight)
        self.tls.do_handshake()

    def read(self, flight: bytes) -> bytes:
        self.incoming.write(flight)
        got = b""
        with suppress(ssl.SSLZeroReturnError):  # the close alert, where the reader has sent its own before
            while piece := self.tls.read(65_536):
                got += piece
        return got


def records(flight: bytes) -> list[tuple[int, int]]:
    """Type and length of each TLS record in ``flight``, which must hold whole records only."""
    found = []
    while flight:
        kind, length = flight[0], int.from_bytes(flight[3:5], "big")
        assert len(flight) >= 5 + length
        found.append((kind, length))
        flight = flight[5 + length :]
    return found
