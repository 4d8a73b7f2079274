"""What the standard library of Python 3.11 lacks of Linux: namespaces, mounts, and the offloads of a network card.

Each function raises OSError with the kernel's reason.
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

NET, MOUNT = 0x40000000, 0x00020000  # CLONE_NEWNET, CLONE_NEWNS
_BIND: Final = 4096  # MS_BIND
_SIOCETHTOOL: Final = 0x8946
# Commands of linux/ethtool.h that turn off: receive and transmit checksums, scatter-gather, TSO, GSO, GRO.
_OFF: Final = (0x15, 0x17, 0x19, 0x1F, 0x24, 0x2C)


def _checked(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def unshare(kinds: int) -> None:
    """Move this process into new namespaces."""
    _checked(_libc().unshare(kinds), "unshare")


def enter(handle: int, kind: int) -> None:
    """Move this process into the namespace that the file descriptor ``handle`` stands for."""
    _checked(_libc().setns(handle, kind), "setns")


def mount(source: str, target: str, kind: str = "", *, bind: bool = False) -> None:
    """Mount a file system of ``kind``, or a file over another."""
    flags = _BIND if bind else 0
    done = _libc().mount(source.encode(), target.encode(), kind.encode() or None, flags, None)
    _checked(done, f"mount {target}")


def new_network() -> int:
    """A file descriptor of a new network namespace; it lives as long as somebody holds or inhabits it."""
    with _returning():
        unshare(NET)
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


@contextmanager
def inside(network: int) -> Iterator[None]:
    """Within a network namespace for a while: sockets made there stay there."""
    with _returning():
        enter(network, NET)
        yield


@contextmanager
def _returning() -> Iterator[None]:
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        yield
    finally:
        enter(home, NET)
        os.close(home)


def plain_card(name: str) -> None:
    """Turn off what joins packets, splits them late or leaves checksums empty; counts would be worthless."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        for command in _OFF:
            value = array.array("B", struct.pack("II", command, 0))
            asked = struct.pack("16sP", name.encode(), value.buffer_info()[0])
            try:
                fcntl.ioctl(handle, _SIOCETHTOOL, asked)
            except OSError as error:
                if error.errno != 95:  # EOPNOTSUPP: it has no such offload
                    raise


def hardware_address(name: str) -> bytes:
    """The MAC of an interface of this namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        found = fcntl.ioctl(handle, 0x8927, struct.pack("256s", name.encode()))  # SIOCGIFHWADDR
    return found[18:24]


def setting(path: str, value: str) -> None:
    """Write a sysctl of this network namespace, such as ``net/ipv4/ip_forward``; nothing where this kernel has none."""
    file = Path("/proc/sys", path)
    if file.exists():
        file.write_text(value, encoding="ascii")
