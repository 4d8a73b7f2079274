"""DNS as the prober asks it: of the system, by UDP with an ear for a second answer, by TCP, and by HTTPS."""

from __future__ import annotations

import asyncio
import socket
from typing import Literal

import aiohttp
import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

from heliograph.adapters.prober.line import Patience
from heliograph.model.onions import is_onion
from heliograph.model.sighting import Outcome, Resolve

_MOST = 4_096  # bytes of an answer
_MOST_ADDRESSES = 16
_RCODES = {
    dns.rcode.NXDOMAIN: "dns_nxdomain_error",
    dns.rcode.SERVFAIL: "dns_servfail_error",
    dns.rcode.REFUSED: "dns_refused_error",
}
_SYSTEM = {
    socket.EAI_NONAME: "dns_nxdomain_error",
    socket.EAI_AGAIN: "dns_temporary_failure",
    socket.EAI_FAIL: "dns_servfail_error",
    socket.EAI_NODATA: "dns_no_answer",
}


class Names:
    """Answers checks of kind ``Resolve``."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience

    async def ask(self, check: Resolve) -> Outcome:
        """Never raises for what a resolver does."""
        if is_onion(check.name):  # RFC 7686: not even asked for
            return Outcome(failure="dns_nxdomain_error", stage="resolve")
        try:
            async with asyncio.timeout(self._patience.name):
                if check.how == "system":
                    return await self._system(check.name)
                four = await self._of(check, "A")
                # a name may have IPv6 addresses alone
                return await self._of(check, "AAAA") if four.failure == "dns_no_answer" else four
        except TimeoutError:
            return Outcome(failure="generic_timeout_error", stage="resolve")
        except ConnectionResetError:
            return Outcome(failure="connection_reset", stage="resolve")
        except ConnectionRefusedError:
            return Outcome(failure="connection_refused", stage="resolve")
        except (OSError, aiohttp.ClientError, asyncio.IncompleteReadError):
            return Outcome(failure="dns_temporary_failure", stage="resolve")
        except (dns.exception.DNSException, ValueError):
            return Outcome(failure="dns_no_answer", stage="resolve")

    async def _of(self, check: Resolve, family: Literal["A", "AAAA"]) -> Outcome:
        query = dns.message.make_query(check.name, family)
        match check.how:
            case "tcp":
                return _read(await self._tcp(query.to_wire(), *_place(check.server)))
            case "doh":
                return _read(await self._https(query.to_wire(), check.server))
        return await self._udp(query, *_place(check.server))

    async def _system(self, name: str) -> Outcome:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            return Outcome(failure=_SYSTEM.get(error.errno or 0, "dns_temporary_failure"), stage="resolve")
        addresses = [str(entry[4][0]) for entry in found]
        return Outcome(stage="resolve", addresses=tuple(dict.fromkeys(addresses))[:_MOST_ADDRESSES])

    async def _udp(self, query: dns.message.Message, address: str, port: int) -> Outcome:
        """The first answer, and what else comes for a moment after it: an injector is faster than the truth."""
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as channel:
            channel.setblocking(False)
            await loop.sock_connect(channel, (address, port))
            await loop.sock_sendall(channel, query.to_wire())
            answers: list[Outcome] = []
            until = loop.time() + self._patience.name
            while len(answers) < 4:
                try:
                    async with asyncio.timeout_at(until):
                        wire = await loop.sock_recv(channel, _MOST)
                except TimeoutError:
                    break
                if wire[:2] == query.id.to_bytes(2, "big"):
                    answers.append(_read(wire))
                    until = loop.time() + self._patience.second
        if not answers:
            return Outcome(failure="generic_timeout_error", stage="resolve")
        first, last = answers[0], answers[-1]
        more = last.addresses if last.addresses != first.addresses else ()
        return Outcome(failure=first.failure, stage="resolve", addresses=first.addresses, more=more)

    async def _tcp(self, query: bytes, address: str, port: int) -> bytes:
        reader, writer = await asyncio.open_connection(address, port)
        try:
            writer.write(len(query).to_bytes(2, "big") + query)
            await writer.drain()
            size = int.from_bytes(await reader.readexactly(2), "big")
            return await reader.readexactly(min(size, _MOST))
        finally:
            writer.close()

    async def _https(self, query: bytes, url: str) -> bytes:
        headers = {"Content-Type": "application/dns-message", "Accept": "application/dns-message"}
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.post(url, data=query, headers=headers, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            return await response.content.read(_MOST)


def _place(server: str) -> tuple[str, int]:
    """Address and port of ``server``; port 53 where there is none."""
    if server.startswith("["):
        address, _, port = server[1:].partition("]")
        return address, int(port.lstrip(":") or 53)
    address, _, port = server.partition(":") if server.count(":") == 1 else (server, "", "")
    return address, int(port or 53)


def _read(wire: bytes) -> Outcome:
    """The addresses of an answer; aliases are followed as the server did."""
    answer = dns.message.from_wire(wire)
    failure = _RCODES.get(answer.rcode(), "" if answer.rcode() == dns.rcode.NOERROR else "dns_servfail_error")
    addresses = [
        str(item) for group in answer.answer if group.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA) for item in group
    ]
    if not failure and not addresses:
        failure = "dns_no_answer"
    return Outcome(failure=failure, stage="resolve", addresses=tuple(dict.fromkeys(addresses))[:_MOST_ADDRESSES])
