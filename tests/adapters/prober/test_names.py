"""DNS as the prober asks it, against servers that tell the truth, lie, injure and keep silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.adapters.prober.conftest import HURRY

from heliograph.adapters.prober.names import Names
from heliograph.model.sighting import Outcome, Resolve

TRUE, FALSE = "203.0.113.7", "10.10.34.34"
Reply = Callable[[bytes], list[bytes]]


def says(*addresses: str, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> Reply:
    """One answer for each address, or one without any."""

    def reply(query: bytes) -> list[bytes]:
        asked = dns.message.from_wire(query)
        answers = []
        for address in addresses or ("",):
            made = dns.message.make_response(asked)
            made.set_rcode(rcode)
            if address:
                made.answer.append(dns.rrset.from_text(asked.question[0].name, 60, "IN", "A", address))
            answers.append(made.to_wire())
        return answers

    return reply


class Resolver(asyncio.DatagramProtocol):
    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for answer in self.reply(data):
            self.transport.sendto(answer, addr)  # type: ignore[attr-defined]


def by_udp(reply: Reply) -> Outcome:
    async def go() -> Outcome:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: Resolver(reply), ("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        try:
            return await Names(HURRY).ask(Resolve(name="mirror.example", how="udp", server=f"127.0.0.1:{port}"))
        finally:
            transport.close()

    return asyncio.run(go())


def by_tcp(reply: Reply) -> Outcome:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        for made in reply(await reader.readexactly(size)):
            writer.write(len(made).to_bytes(2, "big") + made)
        writer.close()

    async def go() -> Outcome:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await Names(HURRY).ask(Resolve(name="mirror.example", how="tcp", server=f"127.0.0.1:{port}"))

    return asyncio.run(go())


@pytest.mark.parametrize("ask", [by_udp, by_tcp])
def test_the_truth(ask: Callable[[Reply], Outcome]) -> None:
    got = ask(says(TRUE))
    assert (got.failure, got.addresses, got.more) == ("", (TRUE,), ())


@pytest.mark.parametrize("ask", [by_udp, by_tcp])
@pytest.mark.parametrize(
    ("rcode", "failure"),
    [
        (dns.rcode.NXDOMAIN, "dns_nxdomain_error"),
        (dns.rcode.SERVFAIL, "dns_servfail_error"),
        (dns.rcode.REFUSED, "dns_refused_error"),
        (dns.rcode.NOERROR, "dns_no_answer"),
    ],
)
def test_refusals_have_oonis_names(ask: Callable[[Reply], Outcome], rcode: dns.rcode.Rcode, failure: str) -> None:
    assert ask(says(rcode=rcode)).failure == failure


@pytest.mark.parametrize("ask", [by_udp, by_tcp])
def test_a_name_with_ipv6_addresses_alone_has_them(ask: Callable[[Reply], Outcome]) -> None:
    def reply(query: bytes) -> list[bytes]:
        asked = dns.message.from_wire(query)
        made = dns.message.make_response(asked)
        if asked.question[0].rdtype == dns.rdatatype.AAAA:
            made.answer.append(dns.rrset.from_text(asked.question[0].name, 60, "IN", "AAAA", "2001:db8::9"))
        return [made.to_wire()]

    assert ask(reply).addresses == ("2001:db8::9",)


def test_a_second_answer_is_heard() -> None:
    got = by_udp(says(FALSE, TRUE))
    assert (got.addresses, got.more) == ((FALSE,), (TRUE,))
    assert by_udp(says(TRUE, TRUE)).more == ()  # a repeated answer is no second one


def test_an_answer_to_another_question_is_not_heard() -> None:
    def reply(query: bytes) -> list[bytes]:
        other = bytes([query[0] ^ 1]) + query[1:]
        return says(FALSE)(other) + says(TRUE)(query)

    assert by_udp(reply).addresses == (TRUE,)


def test_silence_and_nobody() -> None:
    assert by_udp(lambda _: []).failure == "generic_timeout_error"
    nobody = Resolve(name="mirror.example", how="tcp", server="127.0.0.1:9")
    assert asyncio.run(Names(HURRY).ask(nobody)).failure == "connection_refused"
    https = Resolve(name="mirror.example", how="doh", server="http://127.0.0.1:9/dns-query")
    assert asyncio.run(Names(HURRY).ask(https)).failure == "dns_temporary_failure"


@pytest.mark.parametrize("how", ["system", "udp", "tcp", "doh"])
def test_an_onion_name_is_not_asked_for(how: Literal["system", "udp", "tcp", "doh"]) -> None:
    check = Resolve(name="x.Onion.", how=how, server="none of these is asked")
    assert asyncio.run(Names(HURRY).ask(check)) == Outcome(failure="dns_nxdomain_error", stage="resolve")


@pytest.mark.parametrize("name", ["no-such-name.invalid", "a" * 300, "", "bad name", "ü.example\0"])
def test_the_system_fails_in_words(name: str) -> None:
    got = asyncio.run(Names(HURRY).ask(Resolve(name=name)))
    assert got.failure or got.addresses


@given(st.binary(max_size=300))
@settings(max_examples=25)
def test_any_bytes_are_an_outcome(data: bytes) -> None:
    assert isinstance(by_tcp(lambda _: [data]), Outcome)
    assert isinstance(by_udp(lambda query: [query[:2] + data]), Outcome)
