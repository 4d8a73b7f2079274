"""The newsroom's side of the release log: what it has signed of it, and what a new release adds.

Rule 1: what will be an entry is promised in the journal before a checkpoint that covers it is signed, and is an entry
ever after, whatever becomes of its release. So a pass that is killed anywhere leaves a log that the next one goes on
with, and no two checkpoints contradict each other. Rule 2: the files of an entry and the release whose head it is
become the newsroom's in one transaction, and mirrors hear of both after that. Rule 3: the policy, which offline keys
sign, says which log is the newsroom's; the configuration only says whether this machine extends it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from heliograph.flows import keyring
from heliograph.model import Problem, SignError, paths
from heliograph.ports import Journal, KeyFolder
from heliograph.trust import log, note
from heliograph.trust.head import read_head
from heliograph.trust.keys import SigningKey
from heliograph.trust.log import Edge
from heliograph.trust.note import Checkpoint, LogPolicy
from heliograph.trust.refusal import RefusalError

NOTE = "log"  # the journal's note of it
_ANEW = "begin another log: heliograph keys log --anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The log as this newsroom keeps it.

    ``edge`` is where the journal's files of it end; ``promised`` are entries after that. With ``whole`` the journal
    does not know the files up to ``edge`` yet, though the stage has them, as after a recovery.
    """

    policy: LogPolicy
    key: SigningKey = field(repr=False)
    edge: Edge
    promised: tuple[bytes, ...] = ()
    whole: bool = False

    @property
    def size(self) -> int:
        """How many entries there are, promised ones included."""
        return self.edge.size + len(self.promised)

    @property
    def text(self) -> str:
        """The note from which it is opened again."""
        return remembered(self.policy.origin, self.edge, self.promised, whole=self.whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extended:
    """What an extension brings to mirrors: new files, and names that are needed no more; ``text`` is the new note."""

    files: Mapping[str, bytes] = field(repr=False)
    staged: tuple[str, ...]  # further files, which the stage has
    ended: tuple[str, ...]
    text: str


def opened(keys: KeyFolder, journal: Journal, *, on: bool) -> Book | None:
    """The newsroom's log; None where it is off, or where the policy names none.

    Raises:
        SignError: its key is not here.
        KeyFileError: a key or the policy cannot be read.
    """
    named = policy_of(keys) if on else None
    if named is None:
        return None
    key = keyring.log_key(keys, named.key)
    if key is None:
        remedy = (
            f"put the file log-….json back into the keys folder; if it is lost, {_ANEW}; or set [trust] log = false"
        )
        raise SignError(f"the key of the release log {named.origin} is not here", remedy=remedy)
    kept = json.loads(journal.recall(NOTE) or "{}")
    if kept.get("origin") != named.origin:
        return Book(policy=named, key=key, edge=Edge())
    edge = Edge(size=kept["size"], rows=_bytes(kept["rows"]), entries=_bytes(kept["entries"]))
    return Book(policy=named, key=key, edge=edge, promised=_bytes(kept["promised"]), whole=kept["whole"])


def policy_of(keys: KeyFolder) -> LogPolicy | None:
    """The log that the newest policy names.

    Raises:
        SignError: there are no keys.
        KeyFileError: the policy cannot be read.
    """
    return keyring.policy(keys, keyring.standing(keys, "").targets)[0].log


def remembered(origin: str, edge: Edge, promised: tuple[bytes, ...] = (), *, whole: bool = False) -> str:
    """The journal's note of a log."""
    kept = {"origin": origin, "size": edge.size, "rows": _texts(edge.rows), "entries": _texts(edge.entries)}
    return json.dumps({**kept, "promised": _texts(promised), "whole": whole})


def recovered(journal: Journal, origin: str, edge: Edge) -> str:
    """The note of a log that was read back from mirrors up to ``edge``; what was promised here after that stays."""
    text = journal.recall(NOTE)
    kept = json.loads(text or "{}")
    if kept.get("origin") != origin:
        return remembered(origin, edge, whole=True)
    if kept["size"] > edge.size:  # the mirrors lag behind
        return text
    there, entries = edge.size - kept["size"], _bytes(kept["promised"])
    before = Edge(size=kept["size"], rows=_bytes(kept["rows"]), entries=_bytes(kept["entries"]))
    known = log.grown(before, entries[:there]).edge == edge
    return remembered(origin, edge, entries[there:] if known else (), whole=True)


def next_release(journal: Journal) -> int:
    """The number of the next release: above the last one, and above every entry of the log.

    An entry can be there without its release where a pass was killed, or its journal was lost.
    """
    standing = json.loads(journal.recall(keyring.STANDING) or "{}").get("head")
    kept = json.loads(journal.recall(NOTE) or "{}")
    logged = kept["size"] + len(kept["promised"]) if kept else 0
    return max(read_head(standing.encode("ascii")).release if standing else 0, logged) + 1


def is_behind(book: Book | None, head: bytes) -> bool:
    """Whether a release must be logged, or a log laid out on mirrors, although nothing changed."""
    return book is not None and bool(head) and (book.whole or book.edge.size < read_head(head).release)


def promised(journal: Journal, book: Book, head: bytes) -> Book:
    """``book`` with ``head`` among its entries, and so noted; nothing may be signed for it before that.

    Raises:
        SignError: releases came out while the log was off, and their heads are gone.
    """
    release = read_head(head).release
    lacking = release - book.size
    if lacking <= 0:
        return book
    if lacking > 1 and book.size:
        what = f"releases {book.size + 1} to {release - 1} are not in the release log, which must have all"
        raise SignError(what, where=book.policy.origin, remedy=_ANEW)
    # a log that begins late has nothing for the releases before it
    after = replace(book, promised=(*book.promised, *[b""] * (lacking - 1), head))
    journal.note(NOTE, after.text)
    return after


def extended(book: Book) -> Extended:
    """What ``book`` brings to mirrors with all that was promised."""
    growth = log.grown(book.edge, book.promised)
    point = Checkpoint(origin=book.policy.origin, size=growth.edge.size, root=growth.edge.root)
    files = {**growth.files, paths.CHECKPOINT: note.write_checkpoint(point, book.key.seed)}
    before = tuple(tile.name for tile in log.names(book.edge.size)) if book.whole else ()
    return Extended(
        files=files,
        staged=tuple(name for name in before if name not in files),
        ended=growth.ended,
        text=remembered(book.policy.origin, growth.edge),
    )


def contradiction(book: Book, data: bytes) -> str:
    """How the checkpoint ``data`` of a mirror contradicts ``book``, "" if it does not, or is not of this log at all."""
    try:
        shown = note.read_checkpoint(data, LogPolicy(origin=book.policy.origin, key=book.policy.key))
    except RefusalError:
        return ""
    if shown.size > book.size:
        return f"a release log of {shown.size:,} entries, and here {book.size:,} were the last"
    # smaller ones than the edge cannot be told from here; auditors tell
    if shown.size >= book.edge.size:
        edge = log.grown(book.edge, book.promised[: shown.size - book.edge.size]).edge
        if edge.root != shown.root:
            return f"another release log of {shown.size:,} entries, signed with the same key"
    return ""


def doubts(keys: KeyFolder, *, on: bool) -> list[Problem]:
    """What the newsroom should know of its log.

    Raises:
        SignError: there are no keys.
    """
    named = policy_of(keys)
    if on and named is None:
        remedy = "insert the stick and run: heliograph keys log"
        return [Problem(where="keys", what="[trust] log is on, and the policy names no release log", remedy=remedy)]
    if named is not None and not on:
        what = f"the policy names the release log {named.origin}, and [trust] log is off: auditors will report it"
        return [Problem(where="keys", what=what, remedy="set it to true, or run: heliograph keys log --off")]
    return []


def _texts(parts: tuple[bytes, ...]) -> list[str]:
    return [base64.b64encode(part).decode("ascii") for part in parts]


def _bytes(texts: list[str]) -> tuple[bytes, ...]:
    return tuple(map(base64.b64decode, texts))
