"""What a mirror's certificate costs each reader: its own handshake, done on loopback and counted.

The curtain counts the handshake like any other byte and packet. Three connections are measured: a full handshake, one
that is resumed, and one with a hello as long as a browser's (two packets). Bytes are those from the server. Packets are
those of a page of ``PAGE`` bytes, head included, both ways, until the page is whole in the reader's hands, with the
segments of an Ethernet path; the smallest of some turns, since a busy machine adds ACKs to others, and ``LONG_LINE``
more, because loopback joins ACKs that a line of 40 ms does not: behind the lab's censor pages took at most 20 to 25
packets (docs/survival.md) where the largest turn of a quiet loopback took 17 to 22, and the smallest at most one less.

Where OpenSSL has no X25519MLKEM768, which browsers prefer, its cost is added and marked as computed: a server's share
is an ML-KEM-768 ciphertext of 1,088 bytes more (FIPS 203, table 3).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from heliograph.adapters.serve.endpoint import secure_context
from heliograph.adapters.serve.server import MirrorServer
from heliograph.model.errors import ConfigError

PAGE: Final = 6_144  # bytes of an answer, head included
LONG_LINE: Final = 4  # packets
MSS: Final = 1_448  # bytes of payload in a packet
CIPHERTEXT: Final = 1_088  # bytes
PACKETS: Final = 25  # of the curtain as reported since May 2026, both ways
BYTES: Final = (14_000, 16_384)  # limits on what the server sends that were reported
_HELLO: Final = 1_760  # bytes of a browser's hello with a post-quantum key share
_SHARE: Final = bytes.fromhex("11ec04c0")  # X25519MLKEM768 and the length of its share in a ClientHello
_TURNS: Final = 5
_SEGMENTS: Final = slice(136, 144)  # of TCP_INFO: two 32-bit counts, packets out and in
_SEAL: Final = 22  # bytes that a TLS record adds
_CLOSE: Final = 24  # bytes of the alert that ends a connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One way of connecting."""

    name: str
    handshake: int  # bytes from the server before the first byte of an answer, session ticket included
    packets: int  # until a page of PAGE bytes is whole
    computed: bool = False  # bytes and packets were partly reckoned, not measured

    def room(self, limit: int) -> int:
        """Bytes of an answer, head included, that arrive where ``limit`` bytes from the server do."""
        left = limit - self.handshake - _CLOSE
        return max(0, left - _SEAL * (1 + left // 4_096))

    @property
    def room_in_packets(self) -> int:
        """About the bytes of an answer that arrive within PACKETS: two segments more cost an ACK, too."""
        return max(0, PAGE + (PACKETS - self.packets) * MSS * 2 // 3)

    @property
    def survives(self) -> bool:
        """Whether a page of PAGE bytes arrives under all the limits."""
        return self.packets <= PACKETS and all(self.room(limit) >= PAGE for limit in BYTES)


def measure(cert: Path, key: Path | None) -> list[Cost]:
    """The costs of ``cert``, for the usual ways of connecting. Raises ConfigError."""
    context = secure_context(cert, key)
    try:
        with tempfile.TemporaryDirectory(prefix="heliograph-check-") as place:
            return asyncio.run(_measured(Path(place), context))
    except OSError as error:
        raise ConfigError(f"cannot be measured on loopback: {error}", where=str(cert)) from error


async def _measured(folder: Path, context: ssl.SSLContext) -> list[Cost]:
    (folder / "robots.txt").write_bytes(bytes(PAGE - 300))  # with its head about PAGE bytes
    server = MirrorServer(folder)
    await server.start(tls=context)
    try:
        return await asyncio.to_thread(_all, server.port)
    finally:
        await server.stop(0.2)


def _all(port: int) -> list[Cost]:
    plain, classic = _Reader(port, "X25519"), _Reader(port, "X25519")
    full = plain.cost("X25519", fresh=True)
    resumed = classic.cost("resumed", fresh=False)
    browser = _Reader(port, "", hello=_HELLO)
    measured = browser.cost("X25519MLKEM768", fresh=True)
    if browser.post_quantum:
        return [measured, full, resumed]
    more = -(-(measured.handshake + CIPHERTEXT) // MSS) - -(-measured.handshake // MSS)
    reckoned = Cost(
        name=measured.name,
        handshake=full.handshake + CIPHERTEXT,
        packets=measured.packets + 2 * more,  # each with its ACK
        computed=True,
    )
    return [reckoned, full, resumed]


class _Reader:
    """A reader of our own server, who counts."""

    def __init__(self, port: int, group: str, *, hello: int = 0) -> None:
        self._port = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE  # our own certificate, perhaps for another name
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        if group:
            self._context.set_ecdh_curve(group)
        filler = ["x" * 250 + str(number) for number in range(max(0, hello - 330) // 252)]
        self._context.set_alpn_protocols(["http/1.1", *filler])
        self.post_quantum = False

    def cost(self, name: str, *, fresh: bool) -> Cost:
        """The cost as some turns show it; without ``fresh`` each one resumes the one before."""
        session, handshakes, packets = None if fresh else self._once(None)[2], list[int](), list[int]()
        for _ in range(_TURNS):
            handshake, count, latest = self._once(session)
            session = None if fresh else latest
            handshakes.append(handshake)
            packets.append(count)
        return Cost(name=name, handshake=max(handshakes), packets=min(packets) + LONG_LINE)

    def _once(self, session: ssl.SSLSession | None) -> tuple[int, int, ssl.SSLSession | None]:
        """One page: bytes of the handshake, packets until the page is whole, and the session."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self._context.wrap_bio(incoming, outgoing, server_hostname="localhost", session=session)
        came, read, shaken = 0, b"", False
        with socket.socket() as sock:
            sock.settimeout(20)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, MSS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as browsers do
            sock.connect(("127.0.0.1", self._port))
            while not _whole(read):
                try:
                    if not shaken:
                        tls.do_handshake()
                        shaken = True
                        sock.sendall(outgoing.read())
                        tls.write(b"GET /robots.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    while not _whole(read):
                        read += tls.read(65_536)
                except ssl.SSLWantReadError:
                    hello = outgoing.read()
                    self.post_quantum = self.post_quantum or _SHARE in hello
                    sock.sendall(hello)
                    piece = sock.recv(65_536)
                    if not piece:
                        raise ConnectionAbortedError("the connection ended early") from None
                    came += len(piece)
                    incoming.write(piece)
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)[_SEGMENTS]
        packets = int.from_bytes(info[:4], sys.byteorder) + int.from_bytes(info[4:], sys.byteorder)
        records = 1 + len(read) // 4_096
        return came - len(read) - _SEAL * records - _CLOSE, packets, tls.session


def _whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: "))
    return len(body) >= int(length[16:])
