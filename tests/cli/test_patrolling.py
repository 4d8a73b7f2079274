"""The files of mirrors' sensors, as ``patrol`` finds them; and what ``serve`` says of options that do not fit."""

from __future__ import annotations

import asyncio
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from heliograph.cli.patrolling import _counted
from heliograph.config import parse


class Answering(socketserver.BaseRequestHandler):
    """Gives one file to whoever asks for it by its name, 404 to others."""

    def handle(self) -> None:
        asked = self.request.recv(4_096)
        status, body = (b"200 OK", b"counts") if b" /x/counts.json " in asked else (b"404 Not Found", b"")
        self.request.sendall(
            b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body)) + body
        )


@pytest.fixture
def elsewhere() -> Iterator[str]:
    with socketserver.TCPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_files_are_found_by_path_and_by_address_and_those_that_are_not_there_are_told(
    tmp_path: Path, elsewhere: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "counts").mkdir()
    (tmp_path / "counts/a.json").write_bytes(b"a")
    (tmp_path / "b.json").write_bytes(b"b")
    given = {
        "inner": "counts/a.json",
        "beside": "b.json",
        "absolute": str(tmp_path / "b.json"),
        "web": f"{elsewhere}/x/counts.json",
        "missing": "counts/none.json",
        "nowhere": "none/a.json",
        "gone": f"{elsewhere}/none.json",
    }
    tables = "".join(
        f'[[mirror]]\nname = "{name}"\npath = "m/{name}"\nurl = "https://{name}.example/"\nsensor = "{place}"\n'
        for name, place in given.items()
    )
    tables += '[[mirror]]\nname = "unwatched"\npath = "m/u"\nsensor = "b.json"\n'
    config = parse(f'[newsroom]\ntitle = "x"\n{tables}', tmp_path / "heliograph.toml")
    assert asyncio.run(_counted(config)) == {"inner": b"a", "beside": b"b", "absolute": b"b", "web": b"counts"}
    said = capsys.readouterr().err
    assert all(given[name] in said for name in ("missing", "gone"))
    assert str(tmp_path / "none") in said


def test_a_table_of_networks_without_a_sensor_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "heliograph", "serve", str(tmp_path), "--networks", str(tmp_path / "routes.txt")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "routes.txt" in done.stderr
    assert "--sensor FILE" in done.stderr
