"""Why bytes are not believed: one code for each rule that can be broken, the same in every reader of the format."""

from __future__ import annotations

from typing import Final

REASONS: Final = {
    "path": "the address is not one that an edition can have",
    "unavailable": "a file is missing, or the mirror did not answer whole and in time",
    "too-long": "a file is longer than its limit",
    "json": "signed metadata is not in its only form",
    "field": "signed metadata lacks a field, or holds one of the wrong kind",
    "format": "the edition is in a newer format: update heliograph",
    "keyid": "a key is not what its name says",
    "signature": "too few of the newsroom's keys have signed",
    "root-chain": "new keys are not signed by the old ones",
    "root-expired": "the newsroom's root of trust has expired",
    "targets-expired": "the newsroom's list of keys has expired",
    "rollback": "it is older than what was seen before",
    "equivocation": "there are two different editions of one number",
    "mix": "files of different editions are mixed",
    "head": "the head of the edition is malformed",
    "object": "a part of the edition's map is not the one that was signed",
    "map": "the edition's map breaks its own rules",
    "length": "the file has not the length that was signed",
    "hash": "the file is not the one that was signed",
    # Of an audit only:
    "bundle": "the file `now` is not what the single files are",
    "fresh": "the list of new pages differs from the map",
    "code": "the reader's code is not the one that was signed",
    "unlisted": "there is a file that the edition does not name",
    "file-type": "there is something that is neither a file nor a folder",
    "log": "the release log is broken or has been rewritten",
}


class RefusalError(Exception):
    """Bytes that are not believed. ``code`` is one of ``REASONS``; ``what`` says more to a person."""

    def __init__(self, code: str, what: str = "") -> None:
        assert code in REASONS, code
        super().__init__(f"{code}: {what or REASONS[code]}")
        self.code, self.what = code, what or REASONS[code]
