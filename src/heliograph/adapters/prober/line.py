"""One connection of the prober: TCP, then TLS, then a request, with raw bytes, times and the kernel's view of it."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import socket
import ssl
import struct
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import h11

from heliograph.adapters.prober.coding import Unpacked
from heliograph.model.sighting import Fetch, Outcome

_AT_ONCE = 65_536  # bytes of one read
_MOST_HEAD = 32_768  # bytes of a response's head; "endless headers" end here
_MOST_READS = 64  # noted; OONI keeps as many
_OPENING = 4_096  # bytes of a body kept for fingerprints
_DRIBBLE, _DRIP = 2, 0.05  # bytes of a write and seconds between two, rule D1b
_PIECE = 16_384  # bytes of an upload written at once
_HEADERS = (("User-Agent", "Mozilla/5.0"), ("Accept", "*/*"), ("Accept-Encoding", "identity"))
_TCP_INFO = 256  # bytes asked of the kernel
_HOSTNAME, _AUTHORITY = {62, 64}, {2, 18, 19, 20, 21, 27}  # X509_V_ERR_… of OpenSSL's x509_vfy.h
_ERRNO = {
    errno.ECONNREFUSED: "connection_refused",
    errno.ECONNRESET: "connection_reset",
    errno.EPIPE: "connection_reset",
    errno.ECONNABORTED: "connection_aborted",
    errno.EHOSTUNREACH: "host_unreachable",
    errno.EACCES: "host_unreachable",
    errno.EPERM: "host_unreachable",
    errno.ENETUNREACH: "network_unreachable",
    errno.EADDRNOTAVAIL: "network_unreachable",
    errno.EAFNOSUPPORT: "network_unreachable",
    errno.ETIMEDOUT: "generic_timeout_error",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited, in seconds. What depends on distance also waits ten round trips."""

    connect: float = 5.0  # three SYNs: at 0, 1 and 3 seconds
    silence: float = 5.0
    whole: float = 20.0  # for one connection, all in all
    name: float = 5.0  # for an answer of DNS
    second: float = 0.6  # for a second answer to the same question


class Contexts(NamedTuple):
    """What TLS is spoken with: judging certificates, or taking any."""

    strict: ssl.SSLContext
    lax: ssl.SSLContext


def contexts(authorities: Path | None = None) -> Contexts:
    """TLS as browsers speak it on HTTP/1.1, trusting the system's authorities or those of a file."""
    strict = ssl.create_default_context(cafile=str(authorities) if authorities else None)
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lax.check_hostname, lax.verify_mode = False, ssl.CERT_NONE
    for context in (strict, lax):
        context.set_alpn_protocols(["http/1.1"])
    return Contexts(strict=strict, lax=lax)


class _Ended(Exception):  # noqa: N818 - an end is not an error
    """The connection came to an end that is an outcome."""

    def __init__(self, failure: str) -> None:
        super().__init__(failure)
        self.failure = failure


class Line:
    """One check of kind ``Fetch``. Use once."""

    def __init__(self, check: Fetch, patience: Patience, given: Contexts, began: float) -> None:
        self.check, self.patience, self.began = check, patience, began
        self.loop = asyncio.get_running_loop()
        self.context = given.strict if check.verify else given.lax
        self.until = self.loop.time() + patience.whole
        self.silence = patience.silence
        self.last = self.loop.time()  # of a byte, ours or theirs
        self.stage: Literal["connect", "tls", "http"] = "connect"
        self.socket: socket.socket | None = None
        self.tls: ssl.SSLObject | None = None
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.seen = Outcome()
        self.digest, self.opening, self.plain = hashlib.sha256(), b"", Unpacked()
        self.over = False  # whether the other side has closed

    async def run(self) -> Outcome:
        """Whatever happens is in the outcome."""
        failure = ""
        try:
            await self._connect()
            if not self.check.tcp_only:
                await self._speak()
        except _Ended as end:
            failure = end.failure
        except ssl.SSLCertVerificationError as error:
            failure = _certificate(error)
        except ssl.SSLError:
            failure = "ssl_failed_handshake" if self.stage == "tls" else "connection_reset"
        except TimeoutError:
            failure = "generic_timeout_error"
        except OSError as error:
            failure = _ERRNO.get(error.errno or 0, f"unknown_failure: {error.strerror or error}"[:80])
        except (h11.RemoteProtocolError, ValueError):
            failure = "eof_error" if self.over else "http_request_failed"
        finally:
            self._close()
        if self.stage == "tls" and failure and not self.seen.hello:
            self._note(hello=self.loop.time() - self._hello_began)
        silence = max(0.0, self.loop.time() - self.last) if failure == "generic_timeout_error" else 0.0
        return replace(
            self.seen,
            failure=failure,
            stage=self.stage,
            silence=silence,
            digest=self.digest.hexdigest() if self.seen.answers else "",
            opening=self.opening.decode("utf-8", "replace"),
        )

    async def _speak(self) -> None:
        if self.check.tls:
            self.stage = "tls"
            await self._handshake()
        self.stage = "http"
        if self.check.path:
            await self._ask()

    # ------------------------------------------------------------ TCP

    async def _connect(self) -> None:
        family = socket.AF_INET6 if ":" in self.check.ip else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = self.loop.time()
        async with asyncio.timeout(self.patience.connect):
            await self.loop.sock_connect(self.socket, (self.check.ip, self.check.port))
        rtt = self.loop.time() - began
        self.last = self.loop.time()
        self.silence = max(self.patience.silence, 10 * rtt)
        self.until = max(self.until, self.last + 2 * self.silence)
        self._note(rtt=rtt)

    async def _receive(self) -> bytes:
        """The next raw bytes; b"" at the end. Silence and the end of all patience raise ``TimeoutError``."""
        assert self.socket is not None
        now = self.loop.time()
        async with asyncio.timeout_at(min(self.until, max(self.last + self.silence, now + 0.001))):
            data = await self.loop.sock_recv(self.socket, _AT_ONCE)
        self.last = self.loop.time()
        if data:
            reads = self.seen.reads
            if len(reads) < _MOST_READS:
                reads = (*reads, (self.last - self.began, len(data)))
            self._note(received=self.seen.received + len(data), reads=reads)
        return data

    async def _send(self, data: bytes) -> None:
        assert self.socket is not None
        async with asyncio.timeout_at(min(self.until, self.loop.time() + self.silence)):
            await self.loop.sock_sendall(self.socket, data)
        self.last = self.loop.time()
        self._note(sent=self.seen.sent + len(data))

    def _close(self) -> None:
        if self.socket is None:
            return
        with suppress(OSError, struct.error):
            raw = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO)
            unacked, retransmits = struct.unpack_from("I", raw, 24)[0], struct.unpack_from("I", raw, 100)[0]
            self._note(unacked=unacked, retransmits=retransmits)
            if len(raw) >= 144:
                segments = sum(struct.unpack_from("II", raw, 136))
                self._note(acked=struct.unpack_from("Q", raw, 120)[0], segments=segments)
        with suppress(OSError):  # no last words: what is frozen must not be retransmitted into the next check
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    # ------------------------------------------------------------ TLS

    async def _handshake(self) -> None:
        name = self.check.sni or (self.check.host if self.check.verify else "")
        self.tls = self.context.wrap_bio(self.incoming, self.outgoing, server_hostname=name or None)
        self._hello_began = self.loop.time()
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._flush()
                data = await self._receive()
                if not data:
                    raise _Ended("eof_error") from None
                self.incoming.write(data)
        self._note(hello=self.loop.time() - self._hello_began)
        await self._flush()

    async def _flush(self) -> None:
        if data := self.outgoing.read():
            await self._send(data)

    async def _write(self, data: bytes) -> None:
        if self.tls is None:
            await self._send(data)
            return
        self.tls.write(data)
        await self._flush()

    async def _read(self) -> bytes:
        """The next bytes of the answer, decrypted; b"" at the end."""
        if self.tls is None:
            return await self._receive()
        while True:
            try:
                return self.tls.read(_AT_ONCE)
            except ssl.SSLWantReadError:
                data = await self._receive()
                if not data:
                    self.incoming.write_eof()
                    return b""
                self.incoming.write(data)
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    # ------------------------------------------------------------ HTTP

    async def _ask(self) -> None:
        http = h11.Connection(our_role=h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)
        for turn in range(self.check.times):
            if turn and (http.our_state is not h11.DONE or http.their_state is not h11.DONE):
                return  # the server closes after each answer
            if turn:
                http.start_next_cycle()
            await self._request(http)
            await self._answer(http)

    async def _request(self, http: h11.Connection) -> None:
        check = self.check
        host = f"[{check.host}]" if ":" in check.host else check.host
        if check.port != (443 if check.tls else 80):
            host = f"{host}:{check.port}"
        headers = [("Host", host), *_HEADERS]
        if check.upload:
            headers.append(("Content-Length", str(check.upload)))
        request = http.send(h11.Request(method="POST" if check.upload else "GET", target=check.path, headers=headers))
        assert request is not None
        self._asked = self.loop.time()
        step = _DRIBBLE if check.writes == "dribble" else len(request)
        for start in range(0, len(request), step):
            await self._write(request[start : start + step])
            if start + step < len(request):
                self.until += _DRIP
                await asyncio.sleep(_DRIP)
        rest = check.upload
        while rest:
            piece = http.send(h11.Data(data=os.urandom(min(rest, _PIECE))))
            assert piece is not None
            await self._write(piece)
            rest -= min(rest, _PIECE)
        http.send(h11.EndOfMessage())

    async def _answer(self, http: h11.Connection) -> None:
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                data = await self._read()
                self.over = not data
                if data and not self.seen.first:
                    self._note(first=max(1e-6, self.loop.time() - self._asked))
                http.receive_data(data)
            elif isinstance(event, h11.Response):
                said = {name: value.decode("latin-1") for name, value in reversed(event.headers)}
                self.plain = Unpacked(said.get(b"content-encoding", ""))
                self._note(status=event.status_code, location=said.get(b"location", "")[:1_000])
            elif isinstance(event, h11.Data):
                self._body(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self._note(answers=self.seen.answers + 1)
                return
            elif isinstance(event, h11.ConnectionClosed):
                raise _Ended("eof_error")
            elif event is h11.PAUSED:
                return

    def _body(self, data: bytes) -> None:
        plain = self.plain.feed(data)
        self.digest.update(plain)
        if len(self.opening) < _OPENING:
            self.opening += plain[: _OPENING - len(self.opening)]
        self._note(body=self.seen.body + len(data))
        if self.seen.body > self.check.limit * self.check.times:
            raise _Ended("http_request_failed")

    def _note(self, **what: object) -> None:
        self.seen = replace(self.seen, **what)  # type: ignore[arg-type]


def _certificate(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in _HOSTNAME:
        return "ssl_invalid_hostname"
    return "ssl_unknown_authority" if error.verify_code in _AUTHORITY else "ssl_invalid_certificate"
