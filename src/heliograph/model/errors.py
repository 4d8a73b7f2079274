"""Errors a caller acts on differently; each carries a remedy for the person at the keyboard.

    HeliographError
    +-- ConfigError        the operator's file is wrong: exit 2
    +-- JournalBusyError   another run holds the journal: exit 1, says who
    +-- StoreError         one mirror refused: the others go on, patrol looks again
    |   +-- DamageError    a staged file is not what was made: it is made again
    |   +-- QuotaError     a host has no room for another address: one elsewhere, or one less
    +-- KeyFileError       a key file or its passphrase cannot be used: exit 2
    +-- SignError          nothing is signed, readers keep what they have: exit 1

A blocked mirror is not an error but a verdict, and a page that cannot be read is a ``Problem``.
"""

from __future__ import annotations


class HeliographError(Exception):
    """What, where and how to mend it, in that order."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.remedy = what, where, remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        mend = f"\n  {self.remedy}" if self.remedy else ""
        return f"{place}{self.what}{mend}"


class ConfigError(HeliographError):
    """The configuration cannot be used as it stands."""


class JournalBusyError(HeliographError):
    """Another process publishes with this journal."""


class StoreError(HeliographError):
    """A mirror could not take the edition."""


class DamageError(StoreError):
    """The staged file ``name`` is not what the journal says, and was not published."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "", name: str = "") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.name = name


class QuotaError(StoreError):
    """A host has no room for another address."""


class KeyFileError(HeliographError):
    """A file is no key, or its passphrase is wrong."""


class SignError(HeliographError):
    """A release cannot be signed as things stand."""
