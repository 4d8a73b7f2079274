"""The drop of a mirror: one short answer, whatever is posted, and nothing remembered of who did."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.adapters.serve.connection import Connection, Host
from heliograph.adapters.spool import Spool

MESSAGE = hashlib.shake_128(b"sealed").digest(4_096)
TAKEN = (
    b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\nX-Content-Type-Options: nosniff\r\n"
    b"Access-Control-Allow-Origin: *\r\nAlt-Svc: clear\r\n\r\n"
)


def posted(body: bytes = MESSAGE, length: object = None, more: str = "", path: str = "/drop") -> bytes:
    size = len(body) if length is None else length
    return f"POST {path} HTTP/1.1\r\nHost: m\r\nContent-Length: {size}\r\n{more}\r\n".encode() + body


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "drop", most=64)


@pytest.fixture
def dropping(serving: Any, edition: Path, spool: Spool) -> Iterator[Any]:
    with serving(edition, drop=spool) as running:
        yield running


def names(*messages: bytes) -> list[str]:
    return sorted(hashlib.sha256(message).hexdigest() for message in messages)


def test_a_message_is_kept_once_and_answered_shortly(dropping: Any, spool: Spool) -> None:
    assert dropping.ask(posted()) == dropping.ask(posted()) == TAKEN
    assert spool.names() == names(MESSAGE)
    assert len(TAKEN) < 200


@pytest.mark.parametrize(
    "sent",
    [
        posted(MESSAGE[:-1]),
        posted(MESSAGE + b"x"),
        posted(b""),
        posted(length="4096, 4096"),
        posted(length="+4096"),
        posted(length=1 << 70),
        posted(more="Content-Length: 4096\r\n"),
        posted(more="Transfer-Encoding: chunked\r\n"),
        b"POST /drop HTTP/1.1\r\nHost: m\r\n\r\n",
        b"POST http://m/drop?x HTTP/1.0\r\n\r\n",
    ],
)
def test_what_is_no_message_gets_the_same_answer_and_is_not_kept(dropping: Any, spool: Spool, sent: bytes) -> None:
    assert dropping.ask(sent) == TAKEN
    assert spool.names() == []


def test_a_disk_that_fails_gets_the_same_answer(serving: Any, edition: Path, tmp_path: Path) -> None:
    (tmp_path / "drop").write_bytes(b"")

    class Counted(Spool):
        calls = 0

        def take(self, message: bytes) -> bool:
            Counted.calls += 1
            return super().take(message)

    def once(connection: Connection, wire: Any) -> None:
        wire.connection = connection
        connection.connection_made(wire)
        connection.data_received(posted())

    from tests.adapters.serve.conftest import Wire

    from heliograph.adapters.serve.shelf import Shelf

    wire = Wire()
    host = Host(
        shelf=Shelf(edition, memory=1),
        clock=lambda: 1000.0,
        later=lambda _, call: call(),
        patience=10,
        most=5,
        drop=Counted(tmp_path / "drop"),
    )
    once(Connection(host), wire)
    assert (wire.writes, wire.did, Counted.calls, host.tally.failed) == ([TAKEN], ["close"], 1, 1)


def test_a_message_may_come_in_any_pieces_and_has_a_requests_time(
    edition: Path, spool: Spool, host: Host, wires: Any
) -> None:
    host.drop = spool
    now = [1_000.0]
    host.clock = lambda: now[0]
    sent = posted()
    for step in (1, 700, 1_460):
        wire, connection = wires(), Connection(host)
        wire.connection = connection
        connection.connection_made(wire)
        first = connection.deadline
        now[0] += 5
        for at in range(0, len(sent), step):
            assert not wire.writes
            connection.data_received(sent[at : at + step])
            now[0] += 0.001
            if not wire.writes and at > 200:
                assert first < connection.deadline <= first + 6
        assert wire.writes == [TAKEN]
        assert wire.did == ["close"]
    assert spool.names() == names(MESSAGE)


def test_more_than_a_message_is_not_read_as_one(dropping: Any, spool: Spool) -> None:
    assert dropping.ask(posted() + b"GET / HTTP/1.1\r\n\r\n") == TAKEN
    assert spool.names() == names(MESSAGE)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_in_tls_a_message_arrives_in_one_connection(
    serving: Any, edition: Path, spool: Spool, cert: Path, reader_tls: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    reader_tls.minimum_version = reader_tls.maximum_version = version
    with (
        serving(edition, cert=cert, drop=spool) as running,
        running.connect() as raw,
        reader_tls.wrap_socket(raw, server_hostname="localhost") as sock,
    ):
        sock.sendall(posted(more="X: " + "y" * 7_000 + "\r\n"))
        assert running.read_all(sock) == TAKEN
    assert spool.names() == names(MESSAGE)


def test_without_a_drop_a_mirror_takes_nothing(site: Any) -> None:
    assert site.parsed(site.ask(posted()))[0] == 405
    assert site.get("/drop/" + "ab" * 16)[0] == 404


def test_elsewhere_nothing_is_taken_and_reading_goes_on(
    dropping: Any, spool: Spool, noise: Callable[..., bytes]
) -> None:
    for path in ("/", "/drop/", "/drops", "/a/drop", "/Drop"):
        assert dropping.parsed(dropping.ask(posted(path=path)))[0] == 405
    assert dropping.get("/drop")[0] == 404
    assert dropping.get("/index.html")[2] == noise("index.html", 9_216)
    assert spool.names() == []


def test_a_work_list_is_given_to_whoever_knows_its_name(dropping: Any, spool: Spool) -> None:
    spool.publish({"ab" * 16: MESSAGE})
    status, fields, body = dropping.get("/drop/" + "ab" * 16)
    assert (status, body) == (200, MESSAGE)
    assert fields["cache-control"] == "no-store"
    assert fields["content-type"] == "application/octet-stream"
    status, fields, body = dropping.get("/drop/" + "ab" * 16, method="HEAD")
    assert (status, fields["content-length"], body) == (200, "4096", b"")
    assert dropping.get("/drop/" + "cd" * 16)[0] == 404
    assert dropping.get(f"/drop/{'a' * 31}")[0] == 404


@given(st.lists(st.binary(max_size=6_000), max_size=4), st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_that_is_posted_is_an_error_or_grows_the_spool(
    tmp_path: Path, edition: Path, wires: Any, pieces: list[bytes], whole: bool
) -> None:
    from heliograph.adapters.serve.shelf import Shelf

    spool = Spool(tmp_path / "drop", most=4)
    host = Host(shelf=Shelf(edition, memory=1), clock=float, later=lambda *_: None, patience=9, most=9, drop=spool)
    host.clock = lambda: 0.0
    wire, connection = wires(), Connection(host)
    wire.connection = connection
    connection.connection_made(wire)
    head = posted(b"", length=4_096 if whole else sum(map(len, pieces)))
    for piece in [head, *pieces]:
        connection.data_received(piece)
    assert wire.writes in ([], [TAKEN])
    assert host.tally.failed == 0
    assert len(spool.names()) <= 4
    assert all(len(spool.read(name)) == 4_096 for name in spool.names())
