"""What can go wrong on the wire, in the newsroom's words, and whether trying again may help."""

from __future__ import annotations

import os
import zlib

import aiohttp
import brotli


class RefusedError(Exception):
    """What came, or would come, is not taken, in the words the newsroom reads; asking again would not help."""


class PrivateAddressError(OSError):
    """A name that resolves to private addresses only."""


# The first that fits counts: narrower kinds stand before wider ones.
_PLAIN: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (aiohttp.ConnectionTimeoutError, "no connection in time"),
    (aiohttp.SocketTimeoutError, "it fell silent"),
    (TimeoutError, "no answer in time"),
    (aiohttp.ClientPayloadError, "the connection was cut in the middle of the body"),
    (aiohttp.ServerDisconnectedError, "the connection was closed without an answer"),
    ((aiohttp.ClientConnectionError, OSError), "the connection was reset"),
    ((zlib.error, brotli.error), "the compressed body is broken"),
)


def in_words(error: Exception) -> str:
    """One line for the newsroom. Never longer than a few hundred characters, whatever the other side sent."""
    match error:
        case RefusedError():
            return str(error)
        case aiohttp.ClientConnectorDNSError(os_error=PrivateAddressError()):
            return f"leads to a private address: {error.host}"
        case aiohttp.ClientConnectorDNSError():
            return f"the host name does not resolve: {error.host}"
        case aiohttp.ClientConnectorCertificateError():
            return f"the TLS certificate is not valid: {error.certificate_error}"
        case aiohttp.ClientSSLError():
            return f"TLS failed: {error.os_error}"
        case aiohttp.ClientConnectorError(os_error=os_error):
            return f"cannot connect: {os.strerror(os_error.errno) if os_error.errno else os_error}"
        case aiohttp.ClientResponseError():
            return f"answered with something that is not HTTP, or with too large headers: {_clip(error.message)}"
    for kind, words in _PLAIN:
        if isinstance(error, kind):
            return words
    return f"{type(error).__name__}: {_clip(str(error))}"


def passing(error: Exception) -> bool:
    """Whether the same request may well succeed a little later."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return False
    if isinstance(error, aiohttp.ClientConnectorDNSError) and isinstance(error.os_error, PrivateAddressError):
        return False
    return isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError | OSError)


def _clip(text: str) -> str:
    """A stranger's words as one printable line."""
    return ascii(" ".join(text.split()))[:200]
