"""Where a mirror listens and with what certificate: sockets and TLS contexts, with errors an operator can act on."""

from __future__ import annotations

import errno
import socket
import ssl
from pathlib import Path
from typing import Final

from heliograph.model.errors import ConfigError

USER_TIMEOUT: Final = 25_000  # milliseconds without an acknowledgement; a frozen reader never says goodbye
BACKLOG: Final = 1_024  # readers who wait to be taken


def address(text: str) -> tuple[str, int]:
    """The host and port that "127.0.0.1:8080", "[::1]:8080", ":8080" or "8080" mean; no host means all addresses.

    Raises ConfigError.
    """
    host, _, port = text.strip().rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host, port = "", ""
    if not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise ConfigError("not an address to listen on", where=repr(text), remedy="write 127.0.0.1:8080 or [::]:8080")
    return host, int(port)


def listening(host: str, port: int, *, shared: bool = False, user_timeout: int = USER_TIMEOUT) -> socket.socket:
    """A socket that readers can reach from now on.

    ``shared`` lets several sockets have one port; the kernel spreads the readers over them. After ``user_timeout``
    milliseconds without an acknowledgement it gives a reader up.

    Raises ConfigError.
    """
    try:
        found = socket.getaddrinfo(host or _everywhere(), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, place = found[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"cannot listen: {error.strerror}", where=f"{host}:{port}") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if place[0] == "::" else 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, user_timeout)  # inherited
        sock.bind(place)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        remedy = {
            errno.EADDRINUSE: "choose another port, or stop the program that has this one",
            errno.EACCES: "choose a port above 1023, or give the program the right CAP_NET_BIND_SERVICE",
            errno.EADDRNOTAVAIL: "choose an address of this machine, or 0.0.0.0 for all",
        }.get(error.errno or 0, "")
        raise ConfigError(f"cannot listen: {error.strerror}", where=f"{host}:{port}", remedy=remedy) from error
    return sock


def _everywhere() -> str:
    return "::" if socket.has_dualstack_ipv6() else "0.0.0.0"  # noqa: S104 - a mirror is there for everybody


def secure_context(cert: Path, key: Path | None = None) -> ssl.SSLContext:
    """TLS 1.2 and 1.3, HTTP/1.1 only, one session ticket per connection. Raises ConfigError.

    ``cert`` holds the chain, leaf first; ``key`` defaults to the same file. Processes forked after this call share the
    ticket keys, so that a reader's next connection is cheap whichever of them takes it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE  # a phone knows which cipher is cheap for it
    context.set_alpn_protocols(["http/1.1"])
    context.num_tickets = 1  # a second one costs 255 bytes, and one connection is followed by one
    try:
        context.load_cert_chain(cert, key, password=lambda: "")  # an encrypted key is an error, not a question
    except FileNotFoundError as error:
        missing = key if key is not None and cert.is_file() else cert
        raise ConfigError("no such file", where=str(missing), remedy="name the chain and its key in PEM") from error
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror or "unreadable"
        remedy = "the chain (leaf first) and its key must belong together, in PEM, the key without a passphrase"
        raise ConfigError(f"cannot use the certificate: {reason}", where=str(cert), remedy=remedy) from error
    return context


def room_for(connections: int) -> int:
    """How many of ``connections`` the limit of open files allows, after it was raised as far as it goes."""
    try:
        import resource
    except ImportError:
        return connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    want = connections + 64
    if soft != resource.RLIM_INFINITY and soft < want:
        soft = want if hard == resource.RLIM_INFINITY else min(want, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return connections if soft == resource.RLIM_INFINITY else max(1, min(connections, soft - 64))
