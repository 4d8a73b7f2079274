"""A mirror as an onion service, and its readers through Tor: the commands, in a Tor network of our own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.cli.reader import serving
from tests.cli.room import configured
from tests.cli.test_commands import heliograph
from tests.model.test_onions import TRUE
from tests.tornet import TorNet, free_ports

from benchmarks.tls import Authority
from heliograph.adapters.socks import Socks
from heliograph.lab.newsroom import Newsroom
from heliograph.lab.piece import pieces
from heliograph.model.onions import is_address

WITHIN = 60.0  # seconds without a byte, after which a connection counts as lost
TRIES = 5


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A newsroom with a small signed edition in ``mirrors/first``."""
    folder = tmp_path_factory.mktemp("onion") / "room"
    newsroom = Newsroom(pieces(datetime.now(UTC))[:5])  # noqa: TID251 - commands run by the real clock
    with serving(newsroom) as url:
        heliograph("publish", "--config", configured(folder, url))
    return folder


class Served:
    """``heliograph serve`` while it runs, and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.said = process, list[str]()

    def until(self, words: str) -> str:
        """The next line with these words in it."""
        assert self.process.stdout is not None
        while words not in (line := self.process.stdout.readline()):
            assert line, (self.said, self.process.communicate())
            self.said.append(line)
        return line.strip()


@contextmanager
def served(folder: Path, *words: object) -> Iterator[Served]:
    command = [sys.executable, "-m", "heliograph", "serve", folder, "--listen", "127.0.0.1:0", *words]
    with subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Served(process)
        finally:
            process.terminate()
            process.communicate(timeout=30)
            assert process.returncode == 0


def verified(url: str, room: Path, net: TorNet, *words: str) -> dict[str, Any]:
    """What ``verify`` says of it through Tor."""
    root, socks = room / "keys" / "tuf" / "1.root.json", f"127.0.0.1:{net.reader.socks}"
    told: dict[str, Any] = json.loads(heliograph("verify", url, "--root", root, "--socks", socks, *words).stdout)
    return told


@pytest.mark.timeout(600)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_mirror_is_read_and_copied_through_tor_and_stays_where_it_is(
    tor_net: TorNet, room: Path, tmp_path: Path, workers: str
) -> None:
    key, mirror = tmp_path / "onion.key", room / "mirrors" / "first"
    words = ("--onion", key, "--tor", f"127.0.0.1:{tor_net.mirror.control}", "--workers", workers)
    with served(mirror, *words) as one:
        begun = time.monotonic()
        near, url = one.until("http://127.0.0.1:"), one.until(".onion/")
        one.until(f"published: {url}")
        published = time.monotonic() - begun
        assert verified(url, room, tor_net, "--path", "index.html")["verdict"] == "verified"
        reached = time.monotonic() - begun
        print(f"network {tor_net.seconds:.1f} s, published {published:.1f} s, read {reached:.1f} s")
        assert is_address(re.fullmatch(r"http://(.*)/", url)[1])  # type: ignore[index]
        assert verified(url, room, tor_net)["verdict"] == "verified"  # the whole of it
        heliograph("verify", near, "--path", "index.html", "--root", room / "keys" / "tuf" / "1.root.json")
        root, socks = room / "keys" / "tuf" / "1.root.json", f"127.0.0.1:{tor_net.reader.socks}"
        copied = json.loads(
            heliograph("sync", url, tmp_path / "copy", "--root", root, "--socks", socks, "--json").stdout
        )
        assert (copied["verdict"], copied["unnamed"]) == ("verified", 0)
        told = json.loads(heliograph("monitor", url, "--root", root, "--socks", socks, "--json").stdout)
        assert [one["release"] for one in told["mirrors"]] == [copied["release"]]

        tor_net.mirror.stop()
        one.until("tor went away")
        tor_net.mirror.start()
        assert one.until("published: ") == f"published: {url}"
        tor_net.forget()
        assert verified(url, room, tor_net, "--path", "index.html")["verdict"] == "verified"

    with served(mirror, *words) as again:
        assert again.until(".onion/") == url
        again.until(f"published: {url}")
        tor_net.forget()
        assert verified(url, room, tor_net, "--path", "index.html")["verdict"] == "verified"
    assert key.stat().st_mode & 0o777 == 0o600


def test_pages_over_tls_offer_the_onion_service_and_it_does_not_offer_itself(
    tor_net: TorNet, room: Path, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "ca", datetime.now(UTC))  # noqa: TID251 - OpenSSL goes by the real clock
    mirror, tor = room / "mirrors" / "first", f"127.0.0.1:{tor_net.mirror.control}"
    asked = b"GET / HTTP/1.1\r\nHost: m\r\nAccept-Encoding: br\r\n\r\n"
    with served(mirror, "--onion", tmp_path / "key", "--tor", tor, "--cert", authority.leaf("localhost")) as one:
        port = int(re.search(r":(\d+)/", one.until("https://"))[1])  # type: ignore[index]
        url = one.until(".onion/")
        context = ssl.create_default_context(cafile=str(authority.file))
        with context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost") as sock:
            sock.sendall(asked)
            answer = b"".join(iter(lambda: sock.recv(65_536), b""))
        assert f"\r\nOnion-Location: {url}index.html\r\n".encode() in answer
    with served(mirror, "--onion", tmp_path / "other", "--tor", tor) as one:
        port = int(re.search(r":(\d+)/", one.until("http://127"))[1])  # type: ignore[index]
        url = one.until("published: ").removeprefix("published: ")
        assert b"Onion-Location" not in plainly(("127.0.0.1", port), asked)
        answer = asyncio.run(far(url, tor_net, asked))
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"Onion-Location" not in answer


def plainly(place: tuple[str, int], asked: bytes) -> bytes:
    with socket.create_connection(place, timeout=WITHIN) as sock:
        sock.sendall(asked)
        return b"".join(iter(lambda: sock.recv(65_536), b""))


async def far(url: str, net: TorNet, asked: bytes) -> bytes:
    """What an onion service answers; a reader's Tor may give up a new one at first, and he starts it anew."""
    for _ in range(TRIES):
        async with Socks(("127.0.0.1", net.reader.socks)).way(url.split("/")[2], 80) as port:
            if answer := await asyncio.to_thread(plainly, ("127.0.0.1", port), asked):
                return answer
        net.forget()
    raise AssertionError(f"{url} answered nothing, {TRIES} times:\n{net.reader.log()}\n{net.mirror.log()}")


# --- without Tor


def test_an_onion_mirror_that_is_named_is_offered_over_plain_http_too(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("here")
    with served(tmp_path, "--onion-location", f"http://{TRUE}") as one:
        port = int(re.search(r":(\d+)/", one.until("http://127"))[1])  # type: ignore[index]
        answer = plainly(("127.0.0.1", port), b"GET / HTTP/1.1\r\nHost: m\r\n\r\n")
    assert f"\r\nOnion-Location: http://{TRUE}/index.html\r\n".encode() in answer


@pytest.mark.parametrize("server", ["nginx", "caddy"])
def test_a_configuration_offers_it_and_one_without_does_not(tmp_path: Path, server: str) -> None:
    named = heliograph("mirror-config", server, tmp_path, "--onion-location", f"http://{TRUE}/").stdout
    assert f"http://{TRUE}/" in named
    assert ".onion" not in heliograph("mirror-config", server, tmp_path).stdout


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("serve", ".", "--onion", "key"), "the key would lie in the mirror"),
        (("serve", ".", "--onion", "../key", "--tor", "192.0.2.1:9051"), "it is on another machine"),
        (("serve", ".", "--onion", "../key", "--tor", "tor.example:9051"), "it is no place of tor's"),
        (("serve", ".", "--onion", "../key", "--tor", "127.0.0.1"), "it is no place of tor's"),
        (("serve", ".", "--onion", "../key", "--tor", "none.sock:0"), "it is no place of tor's"),
        (("serve", ".", "--onion", "../key", "--tor", "/none/control"), "no tor answers here"),
        (("serve", ".", "--onion-location", f"http://{TRUE[1:]}/"), "a typing slip"),
        (("mirror-config", "nginx", ".", "--onion-location", "http://mirror.example/"), "no onion address"),
        (("probe", "http://x.onion/"), "an onion address is not probed"),
        (("sync", "http://x.onion/", "copy", "--root", "root"), "can be reached through Tor only"),
        (("sync", "http://x.onion/", "copy", "--root", "root", "--socks", "nowhere"), "it is no place of tor's"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_done(
    room: Path, tmp_path: Path, words: tuple[str, ...], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.chdir(folder)
    shutil.copy(room / "keys" / "tuf" / "1.root.json", "root")
    told = heliograph(*words, code=2).stderr
    assert what in told
    assert os.listdir() == ["root"]  # noqa: PTH208 - nothing was made
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize("command", ["verify", "monitor"])
def test_verify_and_monitor_have_a_code_of_their_own_for_it(room: Path, command: str) -> None:
    root = room / "keys" / "tuf" / "1.root.json"
    told = heliograph(command, "http://x.onion/", "--root", root, code=64).stderr
    assert "can be reached through Tor only" in told
    (port,) = free_ports(1)
    told = heliograph(command, "http://x.onion/", "--root", root, "--socks", f"127.0.0.1:{port}", code=64).stderr
    assert "no SOCKS5 proxy answers here" in told
