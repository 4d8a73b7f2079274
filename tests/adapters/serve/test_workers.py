"""The program: its processes and its signals."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from heliograph.adapters.serve import Hidden, Sensing, run
from heliograph.model.census import unpack
from heliograph.model.errors import ConfigError

CODE = """
import sys
from pathlib import Path
from heliograph.adapters.serve import run
folder, cert, workers = sys.argv[1:]
sys.exit(run(Path(folder), "127.0.0.1:0", cert=Path(cert) if cert else None, workers=int(workers),
             say=lambda line: print(line, flush=True)))
"""
GET = b"GET /robots.txt HTTP/1.1\r\nHost: m\r\n\r\n"


@contextmanager
def program(
    folder: Path, workers: int, cert: Path | None = None, *, code: str = CODE, words: tuple[str, ...] = ()
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    import heliograph

    source = str(Path(heliograph.__file__).parents[1])
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            code,
            str(folder),
            *((str(workers), *words) if words else (str(cert or ""), str(workers))),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": source},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if words:  # the sensor's table had a line too narrow to be used
            assert line.endswith("passed over: 1\n")
            line = process.stdout.readline()
        assert line.startswith("https://127.0.0.1:" if cert else "http://127.0.0.1:"), process.communicate()
        yield process, int(line.rsplit(":", 1)[1].strip("/\n"))
    finally:
        process.kill()
        process.communicate()


def ask(port: int, context: ssl.SSLContext | None = None) -> tuple[bytes, bytes | None]:
    """The answer, and the certificate."""
    sock: socket.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
    shown = None
    if context is not None:
        sock = context.wrap_socket(sock, server_hostname="localhost")
        shown = sock.getpeercert(binary_form=True)
    with sock:
        sock.sendall(GET)
        return b"".join(iter(lambda: sock.recv(65_536), b"")), shown


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def silent_end(process: subprocess.Popen[str]) -> bool:
    out, err = process.communicate(timeout=30)
    return (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_and_in_silence(edition: Path, workers: int, ending: signal.Signals) -> None:
    with program(edition, workers) as (process, port):
        assert ask(port)[0].endswith((edition / "robots.txt").read_bytes())
        process.send_signal(ending)
        assert silent_end(process)
        with pytest.raises(ConnectionError):
            socket.create_connection(("127.0.0.1", port), timeout=20)


@pytest.mark.parametrize("workers", [1, 2])
def test_sighup_takes_the_new_certificate_and_keeps_the_old_one_if_it_is_broken(
    edition: Path, tmp_path: Path, new_cert: Callable[[Path], Path], reader_tls: ssl.SSLContext, workers: int
) -> None:
    cert = new_cert(tmp_path / "cert.pem")
    with program(edition, workers, cert) as (process, port):
        assert process.stdout is not None
        first = ask(port, reader_tls)[1]
        cert.write_text("junk")
        process.send_signal(signal.SIGHUP)
        assert str(cert) in process.stdout.readline()
        process.stdout.readline()  # the remedy
        assert ask(port, reader_tls)[1] == first
        new_cert(cert)
        process.send_signal(signal.SIGHUP)
        while (shown := ask(port, reader_tls))[1] == first:
            assert process.poll() is None
        assert shown[0].startswith(b"HTTP/1.1 200 OK\r\n")
        process.send_signal(signal.SIGTERM)
        assert silent_end(process)


def test_a_session_is_resumed_by_whichever_worker_takes_it(
    edition: Path, cert: Path, reader_tls: ssl.SSLContext
) -> None:
    with program(edition, 2, cert) as (_, port):
        session = None
        for turn in range(12):
            with reader_tls.wrap_socket(
                socket.create_connection(("127.0.0.1", port), timeout=30), server_hostname="localhost", session=session
            ) as sock:
                sock.sendall(GET)
                assert b"".join(iter(lambda sock=sock: sock.recv(65_536), b"")).startswith(b"HTTP/1.1 200")
                assert sock.session_reused == (turn > 0)
                session = sock.session


def test_a_worker_that_dies_is_replaced(edition: Path) -> None:
    with program(edition, 2) as (process, port):
        ask(port)
        while len(before := workers_of(process)) < 2:
            assert process.poll() is None
        os.kill(before[0], signal.SIGKILL)
        for _ in range(8):
            assert ask(port)[0].startswith(b"HTTP/1.1 200 OK\r\n")
        while len(after := workers_of(process)) < 2 or before[0] in after:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert silent_end(process)


def test_workers_do_not_outlive_the_program(edition: Path) -> None:
    with program(edition, 2) as (process, port):
        ask(port)
        process.kill()
        process.wait()
        with suppress(ConnectionError):
            while True:  # an orphan would answer until the time limit
                socket.create_connection(("127.0.0.1", port), timeout=20).close()


AHEAD = """
import sys, time, types
from pathlib import Path
from heliograph.adapters.serve import Hidden, Sensing, run, workers
folder, count, file, table, enough = sys.argv[1:]
days = []
class Book(workers.Book):  # the day is over when enough is counted
    def settle(self, now):
        if sum(self._counts.values()) >= int(enough):
            days.append(now)
        super().settle(now)
workers.Book = Book
workers.time = types.SimpleNamespace(
    time=lambda: time.time() + 86_400 * len(days), monotonic=time.monotonic, sleep=time.sleep)
sensing = Sensing(file=Path(file), networks=Path(table), share=1.0)
say = lambda line: print(line, flush=True)
sys.exit(run(Path(folder), "127.0.0.1:0", workers=int(count), sensing=sensing, say=say))
"""


@pytest.mark.parametrize("workers", [1, 3])
def test_a_sensor_counts_for_all_workers_together(edition: Path, tmp_path: Path, workers: int) -> None:
    place, table = tmp_path / "sensor.json", tmp_path / "table"
    table.write_text("127.0.0.0/8\t64500\n127.1.0.0/25\t64501\n")
    with program(edition, workers, code=AHEAD, words=(str(place), str(table), "30")) as (process, port):
        for _ in range(30):  # some ten for each of three: too few for one alone
            assert ask(port)[0].startswith(b"HTTP/1.1 200 OK\r\n")
        while not unpack(place.read_bytes()).days:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert silent_end(process)
    (day,) = unpack(place.read_bytes()).days
    (cell,) = day.cells
    assert (cell.network, cell.end, cell.kib, cell.count) == ("AS64500", "whole", 1, 30)
    assert b"127.0.0.1" not in place.read_bytes()


def test_a_sensor_that_cannot_work_is_said_before_anything_is_served(edition: Path, tmp_path: Path) -> None:
    for sensing, where in (
        (Sensing(file=edition / "sensor.json"), edition / "sensor.json"),
        (Sensing(file=tmp_path / "none" / "sensor.json"), tmp_path / "none" / "sensor.json"),
        (Sensing(file=tmp_path / "sensor.json", networks=tmp_path / "table"), tmp_path / "table"),
    ):
        with pytest.raises(ConfigError) as caught:
            run(edition, "127.0.0.1:0", sensing=sensing)
        assert caught.value.where == str(where)
        assert caught.value.remedy


BESIDE = """
import asyncio, os, sys
from pathlib import Path
from heliograph.adapters.serve import Hidden, run
folder, count, cert, log = sys.argv[1:]
def write(line):
    with open(log, "a") as file:
        print(line, file=file, flush=True)
async def keep(port):
    write(f"kept {port} by {os.getpid()}")
    try:
        await asyncio.Event().wait()
    finally:
        write(f"ended {os.getpid()}")
def begin(port):
    write(f"begun {port}")
    return "an.onion"
hidden = Hidden(begin=begin, keep=keep)
print("1")  # as the other program's first line
sys.exit(run(Path(folder), "127.0.0.1:0", cert=Path(cert), workers=int(count), hidden=hidden,
             say=lambda line: print(line, flush=True)))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_an_onion_service_is_a_worker_of_its_own_on_loopback(
    edition: Path, cert: Path, tmp_path: Path, reader_tls: ssl.SSLContext, workers: int
) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", BESIDE, str(edition), str(workers), str(cert), str(log)]
    source = {**os.environ, "PYTHONPATH": str(Path(run.__code__.co_filename).parents[3])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=source) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(3)]
        assert said[2] == "http://an.onion/"
        port = int(said[1].rsplit(":", 1)[1].strip("/"))
        words = [line.split() for line in lines_of(log, 2, process)]
        inner, keeper = int(words[0][1]), int(words[1][3])
        assert words == [["begun", str(inner)], ["kept", str(inner), "by", str(keeper)]]
        assert ask(inner)[0].endswith((edition / "robots.txt").read_bytes())  # in plain HTTP
        assert ask(port, reader_tls)[0].startswith(b"HTTP/1.1 200 OK\r\n")
        others = {pid for pid in workers_of(process) if pid != keeper}
        process.send_signal(signal.SIGHUP)
        while others & {*workers_of(process)}:
            assert process.poll() is None
        assert keeper in workers_of(process)
        assert len(lines_of(log, 2, process)) == 2  # a new certificate does not take it from the network
        os.kill(keeper, signal.SIGKILL)
        words = [line.split() for line in lines_of(log, 3, process)]
        assert words[2][:2] == ["kept", str(inner)]
        process.send_signal(signal.SIGTERM)
        assert silent_end(process)
    assert lines_of(log, 4, process)[3] == f"ended {words[2][3]}"


def lines_of(log: Path, count: int, process: subprocess.Popen[str]) -> list[str]:
    """What is in ``log`` once so many lines are."""
    while not log.exists() or len(log.read_text().splitlines()) < count:
        assert process.poll() is None
    return log.read_text().splitlines()


def test_what_begins_badly_is_told_before_anything_is_served(edition: Path) -> None:
    def begin(port: int) -> str:
        raise ConfigError("no tor answers here", where=str(port))

    async def keep(port: int) -> None:
        raise AssertionError(port)

    said: list[str] = []
    with pytest.raises(ConfigError, match="no tor"):
        run(edition, "127.0.0.1:0", hidden=Hidden(begin=begin, keep=keep), say=said.append)
    assert said == []


def test_what_cannot_be_served_is_said_before_anything_is(edition: Path, cert: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        run(edition / "nowhere", "127.0.0.1:0")
    assert "nowhere" in caught.value.where
    with pytest.raises(ConfigError):
        run(edition, "nowhere")
    with pytest.raises(ConfigError):
        run(edition, "127.0.0.1:0", cert=edition / "no.pem")
    with pytest.raises(ConfigError, match="without a certificate"):
        run(edition, "127.0.0.1:0", key=cert)
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as other, pytest.raises(ConfigError):
        run(edition, f"127.0.0.1:{other.getsockname()[1]}", workers=2)
