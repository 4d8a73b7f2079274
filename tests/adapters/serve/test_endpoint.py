"""Addresses, sockets and certificates: what works, and what an operator is told."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from heliograph.adapters.serve import endpoint
from heliograph.model.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("[::1]:443", "::1", 443),
        (":80", "", 80),
        ("8080", "", 8080),
        ("localhost:0", "localhost", 0),
        (" [::]:8443 ", "::", 8443),
    ],
)
def test_an_address_is_read(text: str, host: str, port: int) -> None:
    assert endpoint.address(text) == (host, port)


@pytest.mark.parametrize(
    "text", ["", "localhost", "::1:8080x", "::1", "1.2.3.4:65536", "1.2.3.4:-1", "h:", "h:²", "[::1]"]
)
def test_what_is_no_address_is_named(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        endpoint.address(text)
    assert repr(text) in str(caught.value)
    assert "127.0.0.1:8080" in caught.value.remedy


def test_a_port_in_use_is_named_with_a_remedy() -> None:
    with endpoint.listening("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(ConfigError) as caught:
            endpoint.listening("127.0.0.1", port)
        assert f"127.0.0.1:{port}" in str(caught.value)
        assert "another port" in caught.value.remedy


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        endpoint.listening("192.0.2.250", 0)
    assert "this machine" in caught.value.remedy


def test_a_name_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ConfigError, match="not known"):
        endpoint.listening("mirror.invalid", 0)


def test_no_host_means_every_address_of_both_families() -> None:
    with endpoint.listening("", 0) as sock:
        sock.listen()
        for host in ["127.0.0.1", *(["::1"] if socket.has_dualstack_ipv6() else [])]:
            socket.create_connection((host, sock.getsockname()[1]), timeout=20).close()


def test_several_sockets_share_a_port_only_if_all_want_to() -> None:
    with endpoint.listening("127.0.0.1", 0, shared=True) as first:
        port = first.getsockname()[1]
        endpoint.listening("127.0.0.1", port, shared=True).close()
        first.listen()
        with pytest.raises(ConfigError):
            endpoint.listening("127.0.0.1", port)


def test_a_context_speaks_current_tls_and_nothing_older(cert: Path) -> None:
    context = endpoint.secure_context(cert)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.num_tickets == 1
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_a_certificate_and_its_key_may_be_two_files(cert: Path, tmp_path: Path) -> None:
    text = cert.read_text()
    start = text.index("-----BEGIN PRIVATE KEY")
    (tmp_path / "cert").write_text(text[:start])
    (tmp_path / "key").write_text(text[start:])
    assert endpoint.secure_context(tmp_path / "cert", tmp_path / "key")
    with pytest.raises(ConfigError, match="cannot use the certificate"):
        endpoint.secure_context(tmp_path / "cert")


def test_a_missing_or_broken_certificate_is_named(cert: Path, tmp_path: Path, new_cert: Callable[[Path], Path]) -> None:
    with pytest.raises(ConfigError) as caught:
        endpoint.secure_context(cert, tmp_path / "no.key")
    assert caught.value.where == str(tmp_path / "no.key")
    with pytest.raises(ConfigError) as caught:
        endpoint.secure_context(tmp_path / "no.pem", cert)
    assert caught.value.where == str(tmp_path / "no.pem")
    (tmp_path / "junk").write_text("junk")
    with pytest.raises(ConfigError, match="cannot use the certificate"):
        endpoint.secure_context(tmp_path / "junk")
    with pytest.raises(ConfigError, match="cannot use the certificate"):
        endpoint.secure_context(cert, new_cert(tmp_path / "other.pem"))


def test_an_encrypted_key_is_an_error_and_not_a_question(cert: Path, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(cert.read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )
    (tmp_path / "locked").write_bytes(locked)
    with pytest.raises(ConfigError) as caught:
        endpoint.secure_context(cert, tmp_path / "locked")
    assert "without a passphrase" in caught.value.remedy


def test_connections_never_outnumber_the_files_that_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    limits = [1024, 1200]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: limits.__setitem__(slice(2), new))
    assert endpoint.room_for(500) == 500
    assert limits[0] == 1024  # enough as it was
    assert endpoint.room_for(2_000) == 1_136
    assert limits == [1200, 1200]
    limits[:] = [1024, resource.RLIM_INFINITY]
    assert endpoint.room_for(2_000) == 2_000
    assert limits[0] == 2_064
