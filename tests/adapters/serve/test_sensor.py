"""How connections end, told by real sockets: a reader who reads, one who does not, one whose line goes dead."""

from __future__ import annotations

import ctypes
import errno
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from heliograph.adapters.serve.networks import one_for_all, read
from heliograph.adapters.serve.sensor import STUBBORN, Info, Sample, Sensor, end_of, info
from heliograph.model.census import ENDS, End

Serving = Callable[..., AbstractContextManager[Any]]
GET = b"GET / HTTP/1.1\r\nHost: m\r\nAccept-Encoding: br\r\n\r\n"
LADDER = b"GET /ladder/64 HTTP/1.1\r\nHost: m\r\n\r\n"
HUGE = b"GET /a/huge.mp4 HTTP/1.1\r\nHost: m\r\n\r\n"
SO_ATTACH_FILTER = 26  # asm-generic/socket.h; the module socket does not have it
DEAD = 1_500  # milliseconds until the kernel gives a reader up


class Counts:
    """What a sensor counted."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.networks: set[int] = set()
        self.told = threading.Event()

    def __call__(self, network: int, end: int, kib: int) -> None:
        self.seen.append((ENDS[end], kib))
        self.networks.add(network)
        self.told.set()

    def wait(self) -> tuple[str, int]:
        assert self.told.wait(40), "nothing was counted"
        (seen,) = self.seen
        return seen


@contextmanager
def sensing(serving: Serving, folder: Path, **options: Any) -> Iterator[tuple[Any, Counts]]:
    counts = Counts()
    sensor = Sensor(networks=one_for_all(), share=1.0, count=counts)
    with serving(folder, sensor=sensor, **options) as site:
        yield site, counts
    assert not sensor.watched


def dead_line(sock: socket.socket) -> None:
    """From now on nothing reaches ``sock``: a filter (one instruction, "keep 0 bytes") drops every packet."""
    instruction = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0))
    program = struct.pack("@HP", 1, ctypes.addressof(instruction))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


def narrow(site: Any) -> socket.socket:
    """A reader whose window is small, so that it decides how much is acknowledged."""
    sock = socket.socket()
    sock.settimeout(20)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.connect(("127.0.0.1", site.port))
    return sock


def read_and_die(sock: socket.socket, enough: int) -> int:
    """Take ``enough`` bytes, then lose the line; how many bytes came in all."""
    got = 0
    while got < enough:
        got += len(sock.recv(1_024))
    dead_line(sock)
    sock.settimeout(0)
    with suppress(BlockingIOError):
        while piece := sock.recv(65_536):
            got += len(piece)
    return got


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_what_was_read_is_whole(serving: Serving, edition: Path, loop: str) -> None:
    with sensing(serving, edition, loop=loop) as (site, counts):
        answer = site.ask(GET)
        assert site.parsed(answer)[2] == (edition / "index.html.br").read_bytes()
        assert counts.wait() == ("whole", len(answer) // 1_024)
        site.until(lambda: not site.server._host.sensor.watched)


def test_a_page_in_tls_is_whole_with_all_of_its_bytes(
    serving: Serving, edition: Path, cert: Path, reader_tls: ssl.SSLContext, loop: str
) -> None:
    with sensing(serving, edition, loop=loop, cert=cert) as (site, counts):
        with reader_tls.wrap_socket(site.connect(), server_hostname="localhost") as sock:
            sock.sendall(GET)
            answer = site.read_all(sock)
            assert site.parsed(answer)[0] == 200
        end, kib = counts.wait()
        assert end == "whole"
        assert kib >= len(answer) // 1_024


@pytest.mark.parametrize("patience", [DEAD, 60_000])
def test_a_line_that_goes_dead_is_frozen_at_the_bytes_that_came(
    serving: Serving, edition: Path, loop: str, patience: int
) -> None:
    with sensing(serving, edition, loop=loop, user_timeout=patience) as (site, counts), narrow(site) as reader:
        reader.sendall(LADDER)
        got = read_and_die(reader, 15_000)
        assert counts.wait() == ("frozen", got // 1_024)
        assert got < 40_000


def test_a_line_that_goes_dead_in_a_long_file_is_frozen_too(serving: Serving, edition: Path, loop: str) -> None:
    with (edition / "a/huge.mp4").open("wb") as file:
        file.truncate(32 << 20)
    with sensing(serving, edition, loop=loop, user_timeout=DEAD) as (site, counts), narrow(site) as reader:
        reader.sendall(HUGE)
        got = read_and_die(reader, 15_000)
        assert counts.wait() == ("frozen", got // 1_024)


def test_a_reader_who_is_there_and_stops_reading_is_not_frozen(serving: Serving, edition: Path, loop: str) -> None:
    with sensing(serving, edition, loop=loop, user_timeout=DEAD) as (site, counts), narrow(site) as reader:
        reader.sendall(LADDER)
        assert counts.wait()[0] == "unread"


def test_a_reader_who_resets_is_not_frozen(serving: Serving, edition: Path, loop: str) -> None:
    with sensing(serving, edition, loop=loop) as (site, counts):
        with narrow(site) as reader:
            reader.sendall(LADDER)
            reader.recv(1_000)
            site.until(lambda: site.server.status()["open"] == 0)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert counts.wait()[0] == "reset"


def test_a_reader_sees_the_same_bytes_in_the_same_packets(
    serving: Serving, edition: Path, cert: Path, reader_tls: ssl.SSLContext, loop: str
) -> None:
    def seen(secure: bool, **options: Any) -> tuple[bytes, int]:
        fewest = []  # on a busy machine two writes may come as one packet or as two
        with serving(edition, loop=loop, cert=cert if secure else None, **options) as site:
            for _ in range(12):
                plain = site.connect()
                with reader_tls.wrap_socket(plain, server_hostname="localhost") if secure else plain as reader:
                    reader.sendall(GET)
                    answer = site.read_all(reader)
                    told = reader.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
                    # data segments that came in; bare acknowledgements come as the kernel finds time for them
                    fewest.append(struct.unpack_from("=I", told, 152)[0])
        return answer, min(fewest)

    for secure in (False, True):
        sensor = Sensor(networks=one_for_all(), share=1.0, count=Counts())
        assert seen(secure) == seen(secure, sensor=sensor)


def test_no_more_are_watched_than_there_is_room_for_and_the_rest_is_served(serving: Serving, edition: Path) -> None:
    counts = Counts()
    sensor = Sensor(networks=one_for_all(), share=1.0, count=counts, most=2)
    with serving(edition, sensor=sensor) as site, ExitStack() as stack:
        readers = [stack.enter_context(narrow(site)) for _ in range(5)]
        for reader in readers:
            reader.sendall(LADDER)
        site.until(lambda: site.server.status()["2xx"] == 5 and site.server.status()["open"] == 0)
        assert len(sensor.watched) == 2
        assert all(len(site.read_all(reader)) > 65_536 for reader in readers)
        site.until(lambda: len(counts.seen) == 2)


def test_only_a_share_is_looked_at(serving: Serving, edition: Path) -> None:
    counts, chances = Counts(), iter([0.24, 0.25, 0.9, 0.0])
    sensor = Sensor(networks=one_for_all(), share=0.25, count=counts, chance=lambda: next(chances))
    with serving(edition, sensor=sensor) as site:
        for _ in range(4):
            site.ask(GET)
        site.until(lambda: len(counts.seen) == 2)
        assert next(chances, None) is None


def test_the_network_is_all_that_is_kept_of_an_address(serving: Serving, edition: Path) -> None:
    counts = Counts()
    table = read(["127.0.0.0/8 loop\n"], "table")
    sensor = Sensor(networks=table, share=1.0, count=counts)
    with serving(edition, sensor=sensor) as site, narrow(site) as reader:
        reader.sendall(LADDER)
        site.until(lambda: len(sensor.watched) == 1)
        (sample,) = sensor.watched
        assert {one.name for one in fields(Sample)} == {"network", "twin", "since", "last"}
        assert table.names[sample.network] == "loop"
        site.read_all(reader)
        counts.wait()
    assert counts.networks == {table.number("127.0.0.1")}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_both_families_are_told_apart_on_one_listener(serving: Serving, edition: Path, loop: str, address: str) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 on this machine")
    counts = Counts()
    table = read(["127.0.0.0/8 four\n", "::/16 six\n"], "table")
    sensor = Sensor(networks=table, share=1.0, count=counts)
    with serving(edition, loop=loop, listen="", sensor=sensor) as site:
        with socket.create_connection((address, site.port), timeout=20) as reader:
            reader.sendall(GET)
            assert site.parsed(site.read_all(reader))[0] == 200
        counts.wait()
    assert counts.networks == {table.number(address)}
    assert table.names[table.number(address)] == ("six" if ":" in address else "four")


def test_a_crowd_of_frozen_readers_leaves_no_handle_behind(serving: Serving, edition: Path) -> None:
    def handles() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    counts = Counts()
    sensor = Sensor(networks=one_for_all(), share=1.0, count=counts)
    with serving(edition, sensor=sensor, user_timeout=DEAD) as site:
        site.ask(GET)
        site.until(lambda: not sensor.watched)
        before = handles()
        with ExitStack() as stack:
            for _ in range(100):
                reader = stack.enter_context(narrow(site))
                dead_line(reader)
                reader.sendall(LADDER)
            site.until(lambda: site.server.status()["2xx"] == 101)
            assert counts.told.wait(1)
        while sensor.watched:
            site.call(lambda: None)
        assert handles() <= before
        assert {end for end, _ in counts.seen} <= {"whole", "frozen"}


# ---------------------------------------------------------------- what the kernel's words mean


def kernel(state: int, **known: int) -> Info:
    return Info(**{"state": state, "retransmits": 0, "probes": 0, "unacked": 0, "acked": 0, **known})


@pytest.mark.parametrize(
    ("now", "before", "error", "end"),
    [
        (kernel(5), None, 0, "whole"),
        (kernel(6), None, 0, "whole"),
        (kernel(7), None, 0, "whole"),
        (kernel(4, unacked=3), None, 0, None),
        (kernel(4, unacked=3, retransmits=STUBBORN - 1), None, 0, None),
        (kernel(4, unacked=3, retransmits=STUBBORN), None, 0, "frozen"),
        (kernel(11, unacked=1, retransmits=STUBBORN), None, 0, "frozen"),
        (kernel(4, probes=9), None, 0, None),
        (kernel(7), kernel(4, unacked=3, retransmits=2), errno.ETIMEDOUT, "frozen"),
        (kernel(7), kernel(4, probes=3), errno.ETIMEDOUT, "unread"),
        (kernel(7, probes=3), None, errno.ETIMEDOUT, "unread"),
        (kernel(7), None, errno.ETIMEDOUT, "frozen"),
        (kernel(7), None, errno.ECONNRESET, "reset"),
        (kernel(7), None, errno.EPIPE, "reset"),
        (kernel(7), None, errno.EHOSTUNREACH, "reset"),
    ],
)
def test_how_a_connection_ended(now: Info, before: Info | None, error: int, end: End | None) -> None:
    assert end_of(now, before, error) == end


def test_the_kernels_table_is_read_where_it_is_written() -> None:
    data = bytearray(256)
    data[0], data[2], data[3] = 4, 5, 1
    struct.pack_into("=I", data, 24, 7)
    struct.pack_into("=Q", data, 120, 1 << 33)
    assert info(bytes(data)) == Info(state=4, retransmits=5, probes=1, unacked=7, acked=1 << 33)
