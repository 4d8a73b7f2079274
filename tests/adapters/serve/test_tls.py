"""TLS between one connection and a reader in memory: records, flights, tickets, alerts."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.adapters.serve.reader import Reader, records

from heliograph.adapters.serve import secure_context
from heliograph.adapters.serve.connection import HOLD, RECORD, Host, Secure

GET = b"GET / HTTP/1.1\r\nHost: m\r\nAccept-Encoding: br\r\n\r\n"
LONG = b"GET /a/long.zip HTTP/1.1\r\nHost: m\r\n\r\n"


Secured = Callable[[], tuple[Secure, Any]]


@pytest.fixture
def secured(host: Host, context: ssl.SSLContext, wires: Any) -> Secured:
    """A new connection and its transport."""

    def open_one() -> tuple[Secure, Any]:
        wire, connection = wires(), Secure(host, context)
        connection.connection_made(wire)
        return connection, wire

    return open_one


@pytest.fixture(scope="module")
def context(cert: Path) -> ssl.SSLContext:
    return secure_context(cert)


def test_in_tls_the_answer_is_one_flight_of_small_records_with_ticket_and_close_alert(
    secured: Secured, reader_tls: ssl.SSLContext, edition: Path
) -> None:
    connection, wire = secured()
    reader = Reader(reader_tls)
    connection.data_received(reader.hello())
    assert len(wire.writes) == 1
    reader.finish(wire.writes[0])
    connection.data_received(reader.outgoing.read())
    assert len(wire.writes) == 1  # the ticket waits
    reader.tls.write(GET.replace(b"/ ", b"/a/7k3vq2m.html "))
    connection.data_received(reader.outgoing.read())
    assert len(wire.writes) == 2
    assert wire.did == ["close"]
    assert (socket.TCP_CORK, 1) in wire.options

    kinds = records(wire.writes[1])
    assert {kind for kind, _ in kinds} == {23}  # ticket, two of data, alert: all sealed
    assert len(kinds) == 4
    assert max(length for _, length in kinds) <= RECORD + 17  # a type byte and the seal's tag
    answer = reader.read(wire.writes[1])
    assert answer.partition(b"\r\n\r\n")[2] == (edition / "a/7k3vq2m.html.br").read_bytes()
    assert len(wire.writes[1]) - len(answer) < 400  # ticket and seals
    assert reader.tls.selected_alpn_protocol() is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_next_connection_is_resumed_and_shorter(
    secured: Secured, reader_tls: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    reader_tls.minimum_version = reader_tls.maximum_version = version
    session, sizes = None, []
    for turn in range(3):
        connection, wire = secured()
        reader = Reader(reader_tls, session)
        connection.data_received(reader.hello())
        while True:
            reader.incoming.write(wire.writes[-1])
            try:
                reader.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                connection.data_received(reader.outgoing.read())
        reader.tls.write(GET)
        connection.data_received(reader.outgoing.read())
        assert b" 200 OK" in reader.read(wire.writes[-1])
        assert reader.tls.session_reused == (turn > 0)
        assert reader.tls.version() == version.name.replace("_", ".")
        session = reader.tls.session
        sizes.append(sum(map(len, wire.writes)))
    assert sizes[1] < sizes[0] - 300
    assert abs(sizes[2] - sizes[1]) < 20


def test_alpn_offers_http_1_1_and_nothing_else(secured: Secured, reader_tls: ssl.SSLContext) -> None:
    reader_tls.set_alpn_protocols(["h2", "http/1.1"])
    connection, wire = secured()
    reader = Reader(reader_tls)
    connection.data_received(reader.hello())
    reader.finish(wire.writes[0])
    assert reader.tls.selected_alpn_protocol() == "http/1.1"


def test_finished_and_request_may_come_together_and_in_many_records(
    secured: Secured, reader_tls: ssl.SSLContext
) -> None:
    connection, wire = secured()
    reader = Reader(reader_tls)
    connection.data_received(reader.hello())
    reader.finish(wire.writes[0])
    for start in range(0, len(GET), 7):
        reader.tls.write(GET[start : start + 7])
    connection.data_received(reader.outgoing.read())
    assert reader.read(wire.writes[1]).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_request_and_a_goodbye_in_one_are_answered(secured: Secured, reader_tls: ssl.SSLContext) -> None:
    connection, wire = secured()
    reader = Reader(reader_tls)
    connection.data_received(reader.hello())
    reader.finish(wire.writes[0])
    reader.tls.write(GET)
    with pytest.raises(ssl.SSLWantReadError):
        reader.tls.unwrap()
    connection.data_received(reader.outgoing.read())
    assert reader.read(wire.writes[1]).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_goodbye_without_a_request_ends_the_connection(secured: Secured, reader_tls: ssl.SSLContext) -> None:
    connection, wire = secured()
    reader = Reader(reader_tls)
    connection.data_received(reader.hello())
    reader.finish(wire.writes[0])
    with pytest.raises(ssl.SSLWantReadError):
        reader.tls.unwrap()
    connection.data_received(reader.outgoing.read())
    assert wire.did == ["close"]


def test_plain_http_or_old_tls_on_a_tls_port_gets_an_alert(secured: Secured, host: Host) -> None:
    old = bytes.fromhex("160301002d010000290301") + bytes(32) + bytes.fromhex("000002002f0100")
    for sent in (GET, old, b"\0" * 50):
        connection, wire = secured()
        connection.data_received(sent)
        assert wire.did == ["close"]
        assert b"".join(wire.writes)[:1] in (b"\x15", b"")
    assert not host.tally.failed


def test_a_long_file_in_tls_keeps_its_records_small(
    secured: Secured, later: Any, reader_tls: ssl.SSLContext, edition: Path
) -> None:
    connection, wire = secured()
    reader = Reader(reader_tls)
    connection.data_received(reader.hello())
    reader.finish(wire.writes[0])
    reader.tls.write(LONG)
    connection.data_received(reader.outgoing.read())
    later.run()
    flight = b"".join(wire.writes[1:])
    assert max(length for _, length in records(flight)) <= RECORD + 17
    assert reader.read(flight).partition(b"\r\n\r\n")[2] == (edition / "a/long.zip").read_bytes()
    assert wire.did == ["close"]


def test_a_reader_who_waits_for_an_acknowledgement_gets_the_ticket_first(
    secured: Secured, later: Any, reader_tls: ssl.SSLContext
) -> None:
    connection, wire = secured()
    reader = Reader(reader_tls)
    connection.data_received(reader.hello())
    reader.finish(wire.writes[0])
    connection.data_received(reader.outgoing.read())
    assert [seconds for seconds, _ in later.calls] == [HOLD]
    later.run()
    assert records(wire.writes[1])[0][0] == 23
    assert wire.options[-1] == (socket.TCP_QUICKACK, 1)
    reader.incoming.write(wire.writes[1])
    reader.tls.write(GET)
    connection.data_received(reader.outgoing.read())
    assert len(records(wire.writes[2])) == 3  # two of data, the alert
    assert reader.read(wire.writes[2]).startswith(b"HTTP/1.1 200 OK\r\n")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    before=st.binary(max_size=99),
    after=st.lists(st.binary(max_size=99) | st.just(GET), max_size=4),
    hello=st.booleans(),
)
def test_whatever_a_reader_sends_is_no_fault_of_ours(
    secured: Secured, host: Host, reader_tls: ssl.SSLContext, before: bytes, after: list[bytes], hello: bool
) -> None:
    connection, wire = secured()
    for piece in [before, *([Reader(reader_tls).hello()] if hello else []), *after]:
        connection.data_received(piece)
        if wire.is_closing():
            break
    connection.connection_lost(None)
    assert not host.tally.failed


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.binary(max_size=200) | st.just(GET[:9]), max_size=4))
def test_what_is_said_within_tls_is_no_fault_of_ours_either(
    secured: Secured, host: Host, reader_tls: ssl.SSLContext, pieces: list[bytes]
) -> None:
    connection, wire = secured()
    reader = Reader(reader_tls)
    connection.data_received(reader.hello())
    reader.finish(wire.writes[0])
    for piece in pieces:
        reader.tls.write(piece)
        connection.data_received(reader.outgoing.read())
        if wire.is_closing():
            break
    connection.connection_lost(None)
    assert not host.tally.failed
