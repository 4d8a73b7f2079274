"""A tor of the operator's, as options name it: its control port for ``serve``, its SOCKS port for readers of ours."""

from __future__ import annotations

import asyncio
import ipaddress
from pathlib import Path

from heliograph.adapters.onion import Onion
from heliograph.adapters.reach import Way
from heliograph.adapters.serve import Hidden
from heliograph.adapters.socks import Socks
from heliograph.cli.screen import out
from heliograph.model import ConfigError


def way(socks: str) -> Way | None:
    """The way through the proxy at ``socks``, None without one.

    Raises:
        ConfigError: it is no place of a proxy.
    """
    return Socks(place(socks, "--socks")).way if socks else None


def hidden(key: Path, tor: str, password: Path | None, folder: Path) -> Hidden:
    """The onion service whose key is in ``key``, for the mirror in ``folder``.

    Raises:
        ConfigError: the key would be served, or ``tor`` is no place of a control port.
    """
    where = place(tor, "--tor")
    if not isinstance(where, Path) and not ipaddress.ip_address(where[0]).is_loopback:
        remedy = "let tor run on this machine: its control port is not sealed, and the key would go over the network"
        raise ConfigError("it is on another machine", where=f"--tor {tor}", remedy=remedy)
    if key.resolve().is_relative_to(folder.resolve()):
        remedy = "choose a place outside of it: who gets the key can take the address over"
        raise ConfigError("the key would lie in the mirror", where=f"--onion {key}", remedy=remedy)
    onion = Onion(key, where, password=password, say=lambda line: out.print(line, markup=False, soft_wrap=True))
    return Hidden(begin=lambda port: asyncio.run(onion.begin(port)), keep=onion.keep)


def place(text: str, option: str) -> Path | tuple[str, int]:
    """A unix socket (a path), or an IP address and a port. No name: it would have to be resolved.

    Raises:
        ConfigError: it is neither.
    """
    if text.startswith(("/", "unix:")):
        return Path(text.removeprefix("unix:"))
    host, _, port = text.rpartition(":")
    host = {"": "127.0.0.1", "localhost": "127.0.0.1"}.get(host, host.removeprefix("[").removesuffix("]"))
    try:
        address = str(ipaddress.ip_address(host))
        number = int(port) if port.isascii() and port.isdigit() else 0
    except ValueError:
        address, number = "", 0
    if not address or not 0 < number < 1 << 16:
        remedy = "write an IP address and a port, such as 127.0.0.1:9050, or the path of a socket"
        raise ConfigError("it is no place of tor's", where=f"{option} {text}", remedy=remedy)
    return address, number
