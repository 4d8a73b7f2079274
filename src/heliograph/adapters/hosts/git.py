"""A branch of a Git repository that its host shows as a site: one commit for each delivery, so that it shows whole.

Rule 1: a commit is made of the one that the remote shows now; what else is in it stays. Nothing is ever forced upon the
remote: where somebody else was faster, their commit is fetched and ours made once more upon it. Rule 2: there is no
work tree; the local repository is a cache and may be removed at any time. Rule 3: such hosts compress by themselves, so
pages are stored plain, and ``held`` says which encodings each stands for. Rule 4: of us a commit shows its time only.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from heliograph.adapters.hosts import command, names, ssh
from heliograph.adapters.hosts.command import Ended
from heliograph.adapters.hosts.held import Held
from heliograph.adapters.hosts.objects import MOST_READ, BusyError, again
from heliograph.model import StoreError, paths
from heliograph.model.ledger import Change
from heliograph.model.mirror import Spent

_WHO: Final = "mirror <mirror@example.invalid>"
_SHOWN, _NEXT = "refs/heads/shown", "refs/heads/next"  # what the remote has; what it shall have
_AS_IT_IS: Final = ".nojekyll"  # else GitHub leaves out what begins with "_"
_AT_ONCE: Final = 500  # files that are looked at together
_REFUSALS: Final = (
    ("Authentication failed", "the host does not take these credentials", "look at the file of credentials"),
    ("could not read Username", "the host asks for credentials", "name a file of credentials, or use ssh and a key"),
    ("/' not found", "there is no such repository, or no right to see it", "look at its address"),
    ("repository not found", "there is no such repository, or no right to see it", "look at its address"),
    ("does not appear to be a git repository", "there is no such repository", "look at its address"),
    ("No space left on device", "a disk is full", ssh.FULL),
    ("unpacker error", "the host could not keep it", "look at its quota"),
)
_AWAY: Final = (
    "Could not resolve host", "Failed to connect", "unable to access", "early EOF", "hung up", "RPC failed",
    "Connection refused", "timed out", "Connection reset",
)  # fmt: skip
_FASTER: Final = ("(fetch first)", "(non-fast-forward)", "(stale info)", "cannot lock ref", "failed to update ref")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """The remote and how it is entered."""

    remote: str
    branch: str
    key: Path | None = None  # of SSH
    known_hosts: Path | None = None
    credentials: Path | None = None  # of https, as git-credential-store keeps them


@dataclass(slots=True, kw_only=True)
class GitPages:
    """See ``ports.MirrorStore``. ``folder`` is the local repository, ``clock`` gives the time of commits.

    Raises, when it is made:
        ConfigError: git is not there, or others can read a secret.
    """

    name: str
    at: Repository
    place: str
    folder: Path
    held: Held
    clock: Callable[[], datetime]
    silence: int = 60
    pause: Callable[[float], Awaitable[None]] = anyio.sleep
    spent: Spent = field(default_factory=Spent)
    _head: str | None = None  # commit that the remote shows, "" where it has no such branch; None: not asked yet

    def __post_init__(self) -> None:
        command.needed("git", "git", f"mirror {self.name}")
        if self.at.key is not None:
            names.secret(self.at.key, "the private key")
        if self.at.known_hosts is not None:
            names.readable(self.at.known_hosts, "the file of known hosts")
        if self.at.credentials is not None:
            names.secret(self.at.credentials, "the file of credentials")

    async def read(self, name: str) -> bytes:
        names.checked(name, self.place)
        await self._fetch()
        if not self._head:
            return b""
        ended = await self._git("cat-file", "blob", f"{self._head}:{name}", fine=(128,))
        return ended.out[:MOST_READ] if ended.code == 0 else b""

    async def listing(self) -> Mapping[str, str]:
        await self._fetch()
        blobs = await self._blobs()
        found = await anyio.to_thread.run_sync(self.held.digests, blobs)
        strange = [name for name in blobs if found.get(name) == ""]  # what we did not write, or no longer know
        for start in range(0, len(strange), _AT_ONCE):
            part = strange[start : start + _AT_ONCE]
            digests = await self._digests([blobs[name] for name in part])
            known = dict(zip(part, digests, strict=True))
            self.held.note({name: (blobs[name], {name: digest}) for name, digest in known.items()})
            found |= known
        return found

    def asks(self, steps: Sequence[Sequence[Change]]) -> Spent:
        sizes = [change.size for changes in steps for change in changes]
        return Spent(writes=bool(sizes), size=sum(sizes))

    async def apply(
        self, steps: Sequence[Sequence[Change]], read: Callable[[Change], bytes], done: Callable[[int], None]
    ) -> None:
        files = _files([change for changes in steps for change in changes], self.place)
        if not files:
            return
        if self._head is None or not await self._commit_and_push(files, read):
            await self._fetch()
            if not await self._commit_and_push(files, read):
                what = "somebody else pushes to this branch at the same time"
                raise StoreError(what, where=self.place, remedy="give the mirror a branch of its own")
        await self._note(files)
        done(sum(len(one.group) for one in files))

    async def _commit_and_push(self, files: Sequence[_File], read: Callable[[Change], bytes]) -> bool:
        """Make the delivery the head of the remote; False if that is no longer the one we built upon."""
        head = await self._import(files, read)
        if not head:
            return True
        size = sum(one.change.size for one in files if one.fate == "put")
        if not await self._push(head):
            return False
        self.spent += Spent(writes=1, size=size)
        self._head = head
        await self._git("update-ref", _SHOWN, head)
        return True

    async def _import(self, files: Sequence[_File], read: Callable[[Change], bytes]) -> str:
        """Make the commit; "" if it would change nothing."""
        stream = _stream(files, read, self._head or "", self.clock())
        await self._git("fast-import", "--quiet", "--done", "--force", "--date-format=raw", feed=stream)
        ended = await self._git(
            "rev-parse", _NEXT, f"{_NEXT}^{{tree}}", *([f"{self._head}^{{tree}}"] * bool(self._head))
        )
        commit, *trees = ended.out.decode().split()
        return "" if len(trees) == 2 and trees[0] == trees[1] else commit

    async def _push(self, commit: str) -> bool:
        async def once() -> bool:
            goal = f"{commit}:refs/heads/{self.at.branch}"
            ended = await self._git("push", "--porcelain", "--", self.at.remote, goal, fine=(1, 128), far=True)
            told = ended.out.decode("utf-8", "replace") + ended.err
            if ended.code == 0:
                return True
            if any(sign in told for sign in _FASTER):
                return False
            raise self._trouble(ended)

        return await again(once, self.pause)

    async def _fetch(self) -> None:
        """Learn what the remote shows, and have it here."""
        await self._made()

        async def once() -> str:
            branch = f"refs/heads/{self.at.branch}"
            ended = await self._git("ls-remote", "--", self.at.remote, branch, far=True)
            head = next(
                (line.split()[0] for line in ended.out.decode().splitlines() if line.endswith(f"\t{branch}")), ""
            )
            shown = await self._git("rev-parse", "--verify", "--quiet", _SHOWN, fine=(1,))
            if head and shown.out.decode().strip() != head:
                wanted = f"+{branch}:{_SHOWN}"
                options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--depth=1")
                await self._git("fetch", *options, "--", self.at.remote, wanted, far=True)
                ended = await self._git("rev-parse", "--verify", _SHOWN)
                head = ended.out.decode().strip()
            return head

        self._head = await again(once, self.pause)
        self.spent += Spent(reads=1)

    async def _made(self) -> None:
        if not await anyio.Path(self.folder / "HEAD").exists():
            await anyio.Path(self.folder.parent).mkdir(parents=True, exist_ok=True)
            ended = await command.run(["git", "init", "--quiet", "--bare", str(self.folder)], self._environment())
            if ended.code:
                raise StoreError(f"git failed: {ended.last_words}", where=str(self.folder))

    async def _blobs(self) -> dict[str, str]:
        """The blob of each file of an edition that the remote shows, by name."""
        if not self._head:
            return {}
        ended = await self._git("ls-tree", "-r", "-z", "--full-tree", self._head)
        found = {}
        for row in ended.out.split(b"\0"):
            facts, _, raw = row.partition(b"\t")
            name = raw.decode("ascii", "replace")
            if facts.startswith(b"100") and names.is_name(name):  # a file, no link
                found[name] = facts.split()[2].decode()
        return found

    async def _digests(self, blobs: Sequence[str]) -> list[str]:
        ended = await self._git("cat-file", "--batch", feed=[f"{blob}\n".encode() for blob in blobs])
        found, rest = [], memoryview(ended.out)
        while rest:
            end = bytes(rest[:200]).index(b"\n")
            size = int(bytes(rest[:end]).split()[2])
            found.append(hashlib.sha256(rest[end + 1 : end + 1 + size]).hexdigest())
            rest = rest[end + size + 2 :]
        return found

    async def _note(self, files: Sequence[_File]) -> None:
        blobs = await self._blobs()
        wrote: dict[str, tuple[str | None, Mapping[str, str]]] = {
            one.key: (blobs.get(one.key, "") if one.fate == "put" else None, one.digests)
            for one in files
            if one.fate != "gone"
        }
        self.held.note(wrote, [one.key for one in files if one.fate == "gone"])

    # --- git itself ---

    async def _git(
        self, *words: str, fine: Sequence[int] = (), feed: Iterable[bytes] | None = None, far: bool = False
    ) -> Ended:
        """Run git; ``far`` says that it speaks with the remote, ``fine`` which codes are no fault."""
        settings = ["gc.autoDetach=false"]
        settings += ["http.followRedirects=false", "http.lowSpeedLimit=100", f"http.lowSpeedTime={self.silence}"]
        settings += [
            "protocol.allow=never",
            *(f"protocol.{one}.allow=always" for one in ("ssh", "https", "http", "file")),
        ]
        settings += ["credential.helper="]
        if self.at.credentials is not None:
            settings += [f"credential.helper=store --file={_quoted(str(self.at.credentials.absolute()))}"]
        options = [word for one in settings for word in ("-c", one)]
        ended = await command.run(["git", *options, *words], self._environment(), feed=feed)
        if ended.code == 0 or ended.code in fine:
            return ended
        if far:
            raise self._trouble(ended)
        remedy = "remove that folder: it is fetched again"
        raise StoreError(f"git failed: {ended.last_words}", where=str(self.folder), remedy=remedy)

    def _environment(self) -> dict[str, str]:
        shell = ssh.command(self.at.key, self.at.known_hosts, silence=self.silence)
        given = {
            "GIT_DIR": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSH_VARIANT": "ssh",
            "GIT_SSH_COMMAND": " ".join(map(_quoted, shell)),
        }
        if self.at.key is None:  # "as ssh finds it"
            given |= {name: os.environ[name] for name in ("HOME", "SSH_AUTH_SOCK") if name in os.environ}
        return given

    def _trouble(self, ended: Ended) -> StoreError:
        told = ended.out.decode("utf-8", "replace") + ended.err
        if (trouble := ssh.trouble(ended, self.place, self.at.known_hosts)) is not None:
            return trouble
        for sign, what, remedy in _REFUSALS:
            if sign.lower() in told.lower():
                return StoreError(what, where=self.place, remedy=remedy)
        refused = next((line for line in told.splitlines() if "[remote rejected]" in line), "")
        if refused:
            words = " ".join(line for line in ended.err.splitlines() if line.startswith("remote:"))
            return StoreError(f"the host refused: {refused.partition('] ')[2]} {words}"[:400], where=self.place)
        kind = BusyError if any(sign in told for sign in _AWAY) else StoreError
        return kind(f"git failed: {ended.last_words}", where=self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """What becomes of one file of the branch."""

    key: str
    fate: str  # "put", "gone", or "kept" where only an encoding changed
    change: Change  # of the plain file where there is one
    digests: Mapping[str, str]  # of the files it stands for, "" of those that ended
    group: Mapping[str, Change]


def _files(changes: Sequence[Change], where: str) -> list[_File]:
    """What ``changes`` come to in files of the branch. Raises StoreError."""
    by_key: dict[str, dict[str, Change]] = {}
    for change in changes:
        by_key.setdefault(paths.plain_name(names.checked(change.name, where)), {})[change.name] = change
    found = []
    for key, group in by_key.items():
        plain = group.get(key)
        fate = "kept" if plain is None else "gone" if plain.gone else "put"
        digests = {name: "" if change.gone else change.digest for name, change in group.items()}
        change = plain or next(iter(group.values()))
        found.append(_File(key=key, fate=fate, change=change, digests=digests, group=group))
    return found


def _stream(files: Sequence[_File], read: Callable[[Change], bytes], parent: str, now: datetime) -> Iterator[bytes]:
    """The commit in the language of ``git fast-import``, a file at a time."""
    moment = f"{int(now.astimezone(UTC).timestamp())} +0000"
    yield f"commit {_NEXT}\nauthor {_WHO} {moment}\ncommitter {_WHO} {moment}\ndata 7\nEdition\n".encode()
    if parent:
        yield f"from {parent}\n".encode()
    yield f"M 100644 inline {_AS_IT_IS}\ndata 0\n\n".encode()
    for one in files:
        if one.fate == "gone":
            yield f"D {one.key}\n".encode()
        elif one.fate == "put":
            data = read(one.change)
            yield f"M 100644 inline {one.key}\ndata {len(data)}\n".encode() + data + b"\n"
    yield b"done\n"


def _quoted(word: str) -> str:
    """``word`` for a shell."""
    return "'" + word.replace("'", "'\\''") + "'"
