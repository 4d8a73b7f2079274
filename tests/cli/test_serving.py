"""``mirror-config`` and ``serve --check`` as an operator types them."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.tls import Authority
from heliograph.cli.app import app
from heliograph.model import ConfigError

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def typed(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def cert(tmp_path: Path) -> Path:
    return Authority(tmp_path / "ca", NOW, depth=2).leaf("mirror.example")


def refused(*words: object) -> ConfigError:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(done.exception, ConfigError), done.output
    return done.exception


def test_nginx_takes_what_is_written_for_it(tmp_path: Path, cert: Path, nginx_program: str) -> None:
    file, words = tmp_path / "mirror.conf", ["--name", "mirror.example", "--cert", cert, "--ladder", tmp_path / "l"]
    listen = ["--listen", "127.0.0.1:8443", "--listen", "[::1]:8443"]
    assert typed("mirror-config", "nginx", tmp_path, *words, *listen, "--output", file) == ""
    assert (tmp_path / "l" / "64").stat().st_size == 65_536
    main = f"events {{ }} pid {tmp_path}/pid; http {{ include {file}; }}"
    (tmp_path / "nginx.conf").write_text(main)
    done = subprocess.run(
        [nginx_program, "-t", "-q", "-e", "stderr", "-c", str(tmp_path / "nginx.conf")], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_caddy_takes_what_is_written_for_it(tmp_path: Path, cert: Path, caddy_program: str) -> None:
    text = typed("mirror-config", "caddy", tmp_path, "--name", "mirror.example", "--cert", cert)
    (tmp_path / "Caddyfile").write_text(text)
    command = [caddy_program, "validate", "--adapter", "caddyfile", "--config", str(tmp_path / "Caddyfile")]
    done = subprocess.run(command, capture_output=True, text=True, env={"HOME": str(tmp_path), "PATH": "/usr/bin"})
    assert done.returncode == 0, done.stderr


def test_without_a_certificate_it_is_port_80_of_every_address(tmp_path: Path) -> None:
    text = typed("mirror-config", "nginx", tmp_path)
    assert "listen 80;" in text
    assert "listen [::]:80;" in text
    assert "ssl" not in text.partition("server {")[2]
    assert "http://:80 {" in typed("mirror-config", "caddy", tmp_path)


def test_what_cannot_be_is_refused_with_its_place(tmp_path: Path, cert: Path) -> None:
    assert "no such folder" in str(refused("mirror-config", "nginx", tmp_path / "nowhere"))
    assert "no such file" in str(refused("mirror-config", "nginx", tmp_path, "--cert", tmp_path / "no.pem"))
    assert "without a certificate" in str(refused("mirror-config", "caddy", tmp_path, "--key", cert))
    assert "not an address" in str(refused("mirror-config", "caddy", tmp_path, "--listen", "here"))
    assert "cannot be written" in str(refused("mirror-config", "nginx", tmp_path, "--output", tmp_path / "no" / "x"))
    assert "--cert CHAIN.pem" in str(refused("serve", tmp_path, "--check"))


def test_a_check_fits_the_terminal_and_says_what_to_do(tmp_path: Path, cert: Path) -> None:
    text = typed("serve", tmp_path, "--check", "--cert", cert)
    assert max(map(len, text.splitlines())) <= 80
    assert "A page of 6,144 B arrives under each of these limits." in text
    assert "common name" in text


def test_a_check_for_scripts(tmp_path: Path, cert: Path) -> None:
    told = json.loads(typed("serve", tmp_path, "--check", "--json", "--cert", cert))
    assert told["ok"] is True
    assert [one["connection"] for one in told["connections"]] == ["X25519MLKEM768", "X25519", "resumed"]
    assert set(told["connections"][0]["room"]) == {"25 packets", "14000 bytes", "16384 bytes"}
    assert len(told["chain"]) == 3


def test_a_certificate_that_costs_the_page_ends_with_1(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca", NOW, depth=2, sizes=(875, 4_500, 4_500))
    done = CliRunner().invoke(app, ["serve", str(tmp_path), "--check", "--cert", str(authority.leaf("a.example"))])
    assert done.exit_code == 1
    assert "does NOT arrive" in done.stdout
