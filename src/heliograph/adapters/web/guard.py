"""Whom not to ask: addresses that are not public, schemes that are not the web's, redirects that lead astray.

The newsroom's pages are full of links by strangers. A link to ``http://127.0.0.1:6379/``, or to a name that resolves to
such an address, must not make heliograph ask a service inside the operator's own network.
"""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from urllib.parse import quote

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from heliograph.adapters.web.words import PrivateAddressError, RefusedError
from heliograph.model.onions import is_onion

Place = tuple[str, int]  # host and port

_CARRIERS = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))  # IPv6 that holds an IPv4 address


def web_address(text: str) -> URL:
    """``text`` as an http(s) URL without fragment.

    Raises:
        RefusedError: it is none.
    """
    with suppress(ValueError, IndexError):  # yarl 1.x raises IndexError for "x://[]@"
        url = URL(text)
        if url.scheme in {"http", "https"} and url.host:
            return url.with_fragment(None)
    raise RefusedError(f"not a web address: {text[:200]!r}")


def place(url: URL) -> Place:
    """The host and port behind ``url``."""
    return (url.host or "", url.port or 0)


def admit(url: URL, own: frozenset[Place]) -> None:
    """Let ``url`` pass unless it spells out a private address that is not ``own``. Names are judged when resolved.

    Raises:
        RefusedError: it does.
    """
    host = url.host or ""
    # A host of digits and dots, or with a colon, is not resolved by aiohttp but handed to the operating system, which
    # reads 2130706433 and 127.1 as 127.0.0.1.
    literal = ":" in host or host.replace(".", "").isdigit()
    if literal and not is_public(host) and place(url) not in own:
        raise RefusedError(f"leads to a private address: {host}")


def onward(here: URL, location: str) -> URL:
    """Where a redirect from ``here`` leads.

    Raises:
        RefusedError: we do not follow.
    """
    try:
        location.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8
        location = quote(location.encode("utf-8", "surrogateescape"), safe="%:/?#[]@!$&'()*+,;=~-._")
    try:
        there = web_address(str(here.join(URL(location))))
    except (ValueError, IndexError) as error:
        raise RefusedError(f"redirected to something that is not a web address: {location[:200]!r}") from error
    # Some sites bounce over http on their own host (a missing slash) and come back; another host must not be able to
    # take us out of TLS.
    if here.scheme == "https" and there.scheme == "http" and there.host != here.host:
        raise RefusedError(f"redirected from https to http on another host: {there.host}")
    return there


def is_public(host: str) -> bool:
    """Whether a literal address is one of the public Internet. What is no plain address is not."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if carried is None and any(address in network for network in _CARRIERS):
            carried = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        address = carried or address
    return address.is_global and not address.is_multicast


class PublicOnly(AbstractResolver):
    """Resolves names to public addresses, and at the operator's own places to any.

    The guard sits where the address is chosen that is then connected to, so that a name cannot answer the check with
    one address and the connection with another.
    """

    def __init__(self, own: frozenset[Place]) -> None:
        self._own = own
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if is_onion(host):  # RFC 7686: not even asked for
            raise PrivateAddressError(f"{host} can be reached through Tor only")
        found = await self._inner.resolve(host, port, family)
        allowed = [one for one in found if (host, port) in self._own or is_public(one["host"])]
        if found and not allowed:
            raise PrivateAddressError(f"{host} has private addresses only")
        return allowed

    async def close(self) -> None:
        await self._inner.close()
