"""One connection, its transport played by the test: what is written when, and in how many pieces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.adapters.serve.connection import DRAIN, LINGER, Connection, Host
from heliograph.adapters.serve.shelf import SLICE, Shelf

GET = b"GET / HTTP/1.1\r\nHost: m\r\nAccept-Encoding: br\r\n\r\n"
LONG = b"GET /a/long.zip HTTP/1.1\r\nHost: m\r\n\r\n"
Opened = Callable[..., tuple[Connection, Any]]


@pytest.fixture
def opened(host: Host, wires: Any) -> Opened:
    """A new connection and its transport, which takes ``full_after`` bytes."""

    def open_one(**options: int) -> tuple[Connection, Any]:
        wire, connection = wires(**options), Connection(host)
        wire.connection = connection
        connection.connection_made(wire)
        return connection, wire

    return open_one


def test_head_and_body_leave_in_one_write_and_the_connection_closes(opened: Opened, edition: Path) -> None:
    connection, wire = opened()
    connection.data_received(GET)
    assert len(wire.writes) == 1
    assert wire.writes[0].partition(b"\r\n\r\n")[2] == (edition / "index.html.br").read_bytes()
    assert wire.did == ["close"]


def test_a_request_may_come_in_any_pieces(opened: Opened) -> None:
    for cut in range(1, len(GET)):
        connection, wire = opened()
        connection.data_received(GET[:cut])
        assert not wire.writes
        connection.data_received(GET[cut:])
        assert wire.did == ["close"]
    connection, wire = opened()
    for byte in b"\r\n" + GET:
        connection.data_received(bytes([byte]))
    assert wire.writes[0].startswith(b"HTTP/1.1 200 OK\r\n")


def test_only_the_first_of_several_requests_is_answered_and_the_rest_is_listened_to(opened: Opened) -> None:
    connection, wire = opened()
    connection.data_received(GET + GET + GET)
    connection.data_received(GET)
    assert len(wire.writes) == 1
    assert wire.writes[0].count(b"HTTP/1.1 200") == 1
    assert wire.did == ["write_eof"]  # closing at once would reset the connection under the answer
    assert connection.eof_received() is False
    assert connection.deadline == 1000 + LINGER


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 9_000, 431),
        (b"GET / HTTP/1.1\nHost: m\n\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"SSH-2.0-x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 100000\r\n\r\n" + b"x" * 9000, 405),
    ],
)
def test_what_is_no_request_gets_a_short_no(opened: Opened, sent: bytes, status: int) -> None:
    connection, wire = opened()
    connection.data_received(sent)
    assert [write.split(b" ")[1] for write in wire.writes] == [b"%d" % status]
    assert wire.did == ["write_eof"]


def test_who_talks_without_end_is_cut_off(opened: Opened) -> None:
    connection, wire = opened()
    connection.data_received(b"POST / HTTP/1.1\r\nHost: m\r\n\r\n")
    for _ in range(20):
        connection.data_received(bytes(65_536))
    assert "abort" in wire.did


def test_a_reader_who_stops_in_the_middle_of_a_head_is_let_go(opened: Opened) -> None:
    connection, wire = opened()
    connection.data_received(b"GET / HTTP/1.1\r\n")
    assert connection.deadline == 1010
    connection.expire(1011)
    assert wire.did == ["close"]
    connection.data_received(b"Host: m\r\n\r\n")
    assert not wire.writes
    connection.expire(1020)
    assert wire.did == ["close", "abort"]


def test_an_answer_that_the_kernel_does_not_take_is_aborted_in_time(opened: Opened) -> None:
    connection, wire = opened()
    connection.data_received(GET)
    assert connection.deadline == 1000 + DRAIN
    connection.expire(1031)
    assert wire.did == ["close", "abort"]


def test_the_oldest_connection_makes_room(opened: Opened, host: Host) -> None:
    wires = [opened()[1] for _ in range(53)]
    assert [wire.did for wire in wires] == [["abort"]] * 3 + [[]] * 50
    assert len(host.crowd) == 50


def test_a_lost_connection_is_forgotten(opened: Opened, host: Host) -> None:
    connection, _ = opened()
    emptied: list[bool] = []
    host.emptied = lambda: emptied.append(True)
    connection.connection_lost(None)
    connection.connection_lost(ConnectionResetError())
    assert not host.crowd
    assert emptied


def test_a_disk_that_fails_gives_500_and_is_not_told_to_anyone(
    opened: Opened, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise OSError("/home/who/mirror: input/output error")

    monkeypatch.setattr(Shelf, "reply", broken)
    connection, wire = opened()
    connection.data_received(GET)
    assert wire.writes[0].startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"who" not in wire.writes[0]
    assert host.tally.classes[5] == 1


def test_a_fault_of_ours_is_counted_and_not_logged(opened: Opened, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shelf, "reply", lambda *_: 1 / 0)
    connection, wire = opened()
    connection.data_received(GET)
    assert wire.did == ["abort"]
    assert host.tally.failed == 1


def test_answers_are_counted_by_class_only(opened: Opened, host: Host) -> None:
    for sent in (GET, GET, GET.replace(b"/ ", b"/a/no.html "), b"X\r\n\r\n", GET[:-2] + b"If-None-Match: *\r\n\r\n"):
        opened()[0].data_received(sent)
    assert host.tally.classes == [0, 0, 2, 1, 2, 0]


def test_a_long_file_goes_out_in_slices_while_the_kernel_takes_them(opened: Opened, later: Any, edition: Path) -> None:
    connection, wire = opened(full_after=SLICE)
    connection.data_received(LONG)
    later.run()
    held = len(wire.writes)
    assert sum(map(len, wire.writes)) < 2 * SLICE + 400  # paused: no more of it lies in our memory
    assert connection.eof_received() is True  # half-closed by the reader, who still reads
    wire.full_after = 1 << 30
    connection.resume_writing()
    later.run()
    assert len(wire.writes) > held
    assert wire.did == ["close"]
    assert all(len(write) <= SLICE for write in wire.writes)
    assert b"".join(wire.writes).partition(b"\r\n\r\n")[2] == (edition / "a/long.zip").read_bytes()
    assert connection.deadline == 1000 + DRAIN + 300


def test_a_long_file_that_is_cut_short_ends_in_a_reset(opened: Opened, host: Host, later: Any, edition: Path) -> None:
    connection, wire = opened()
    connection.data_received(LONG)
    with (edition / "a/long.zip").open("r+b") as file:
        file.truncate(10)
    later.run()
    assert wire.did == ["abort"]
    assert host.tally.failed == 1
    connection.connection_lost(None)
    assert connection._rest is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(pieces=st.lists(st.binary(max_size=200) | st.sampled_from([GET, LONG[:20], b"\r\n", b"\r\n\r\n"]), max_size=6))
def test_whatever_a_reader_sends_is_no_fault_of_ours(opened: Opened, host: Host, pieces: list[bytes]) -> None:
    connection, wire = opened()
    for piece in pieces:
        connection.data_received(piece)
        if wire.is_closing():
            break
    connection.connection_lost(None)
    assert not host.tally.failed
    assert b"outside" not in b"".join(wire.writes)
