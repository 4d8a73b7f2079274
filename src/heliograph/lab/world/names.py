"""A small name server, UDP and TCP: what the lab's names mean. It tells the truth; lies are the censor's.

A name such as ``*.cdn.example`` means all names one label longer that have no line of their own.
"""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from heliograph.lab.censor import dns

_LONGEST: Final = 4_096  # bytes of a query
_LIFETIME: Final = 5  # seconds: a change is seen soon
_PATIENCE: Final = 2.0  # seconds for a query over TCP


def respond(data: bytes, zone: Mapping[str, Sequence[str]]) -> bytes | None:
    """The answer to a query; None where there is nothing to answer."""
    asked = dns.question(data)
    if asked is None:
        return None
    name = asked.name if asked.name in zone else f"*.{asked.name.partition('.')[2]}"
    code = dns.NOERROR if name in zone else dns.NXDOMAIN
    return dns.answer(asked, zone.get(name, ()), rcode=code, lifetime=_LIFETIME, authority=True)


def serve(given: Mapping[str, Any], control: socket.socket) -> None:
    """Answer on port 53 until ``control`` ends; each line of it is a new zone."""
    zone: dict[str, list[str]] = given["zone"]
    datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    datagrams.bind(("::", dns.PORT))
    listener = socket.create_server(("::", dns.PORT), family=socket.AF_INET6, dualstack_ipv6=True)
    lines = control.makefile("rwb")
    lines.write(b"{}\n")
    lines.flush()
    while True:
        for ready in select.select([datagrams, listener, control], [], [])[0]:
            if ready is datagrams:
                data, sender = datagrams.recvfrom(_LONGEST)
                if (told := respond(data, zone)) is not None:
                    with suppress(OSError):
                        datagrams.sendto(told, sender)
            elif ready is listener:
                with suppress(OSError):
                    _one(listener.accept()[0], zone)
            else:
                line = lines.readline()
                if not line:
                    return
                zone = json.loads(line)
                lines.write(b"{}\n")
                lines.flush()


def _one(link: socket.socket, zone: Mapping[str, Sequence[str]]) -> None:
    """One query over TCP: a length of two bytes before each message."""
    with link:
        link.settimeout(_PATIENCE)
        data = b""
        while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2]):
            more = link.recv(_LONGEST)
            if not more:
                return
            data += more
        told = respond(data[2 : 2 + int.from_bytes(data[:2])], zone)
        if told is not None:
            link.sendall(len(told).to_bytes(2) + told)
