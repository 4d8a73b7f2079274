"""Where everything is in a lab: its addresses, names and files. All are of ranges reserved for documentation.

The allow-list and the blocked networks of the rules are these, so that a profile does something without being told.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path("/dev/shm/heliograph")  # noqa: S108 - in a memory file system that only the lab sees
GATEWAY4, GATEWAY6 = "169.254.0.1", "fe80::1"
LARGEST, MOST_HANDLES = 160_000, 8  # bytes and file descriptors of a request to the keeper

RESOLVER: Final = ("192.0.2.53", "2001:db8:a::53")
READERS4, READERS6 = "100.64.0.{}", "2001:db8:f::{:x}"
GATES4, GATES6 = "100.127.0.{}", "2001:db8:e::{:x}"
ORDINARY4, ORDINARY6 = "203.0.113.{}", "2001:db8:c::{:x}"
LISTED: Final = ("192.0.2.10", "2001:db8:a::10")
BLOCKED: Final = ("198.51.100.10", "2001:db8:b::10")

# Settings of every network, so that what is measured does not depend on the machine.
SETTINGS: Final = {
    "net/ipv4/tcp_congestion_control": "reno",  # the one that every kernel has and lets anybody choose
    "net/ipv4/tcp_no_metrics_save": "1",
    "net/ipv4/tcp_retries2": "8",  # frozen sockets end after some 100 s, not after 15 minutes
    "net/netfilter/nf_conntrack_acct": "1",
}
