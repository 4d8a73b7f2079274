"""Checks made for real: TCP, TLS, HTTP and DNS from this machine. See ``ports.Prober``.

Rule 1: nothing here raises for what a mirror or a network does; every failure is an outcome, in OONI's words. Rule 2:
raw bytes are counted, because a frozen TLS record yields none. Rule 3: every wait has an end and every read a limit,
whatever the other side says. Rule 4: an ordinary request: no name of ours, no cookie, no redirect followed.
"""

from heliograph.adapters.prober.prober import Patience, Prober

__all__ = ["Patience", "Prober"]
