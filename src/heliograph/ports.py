"""Everything asked of the outside world, on one page.

Rule 1: a port says who is trusted, what is durable on return and what it may raise. Rule 2: adapters answer these by
shape and import nothing of ours but ``model`` and this file. Rule 3: each port has a real implementation in
``adapters`` and a simulated one in ``lab`` or the tests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from heliograph.model import Answer, Ask, Brief, Cut, Issue, SheetKey, Shown, Story, Tip, Want, release
from heliograph.model.edition import TallyBy
from heliograph.model.ledger import Admission, Change, Draft, Fetch, Job, Laid, Moved, Outcome, Seal, Sheeted
from heliograph.model.letter import Envelope, Letter
from heliograph.model.mirror import Mirror, Move, MoveNote, SitePage, Spent, Stand
from heliograph.model.post import ChannelKind, Drawn, Entry, Health, Message, Pause, Sent, State, Subscriber, Topic
from heliograph.model.question import Asked, Reply
from heliograph.model.sighting import Finding, Result, Sighting, Steps


class Sources(Protocol):
    """The newsroom's own site and folders. Not trusted: any byte of an answer may be hostile."""

    async def fetch(self, ask: Ask) -> Answer:
        """Ask once, with retries. Never raises but for cancellation: a failure is an ``Answer`` with status 0."""
        ...


class StoryBook(Protocol):
    """The stories the newsroom has. Trusted. Each method is one transaction, durable on return."""

    def fetches(self, urls: Sequence[str]) -> Mapping[str, Fetch]:
        """What is remembered of those addresses that were asked before."""
        ...

    def listed(self, source: str, fetch: Fetch, tips: Sequence[Tip], *, whole: bool) -> int:
        """Note what an index told: tips that are new or have another stamp wait; returns how many.

        With ``whole`` the index names every story it knows, so that those it named before and now does not are asked
        once more.
        """
        ...

    def waiting(self, source: str, limit: int, skip: int = 0) -> list[Tip]:
        """Up to ``limit`` tips of ``source`` that wait, newest first, after ``skip``. They wait until settled."""
        ...

    def admit(self, drafts: Sequence[Draft]) -> list[Admission]:
        """Final codes and what stood there before; changes nothing."""
        ...

    def settle(
        self, admissions: Sequence[Admission], outcomes: Sequence[Outcome], dirty: Iterable[SheetKey], now: datetime
    ) -> None:
        """Save stories and the fate of their tips, and mark the sheets they touch, all or nothing."""
        ...

    def known(self, urls: Sequence[str]) -> list[Brief]:
        """The stories that live at these canonical URLs or have them as alias."""
        ...

    def by_code(self, codes: Sequence[str]) -> list[Brief]:
        """The stories with these codes."""
        ...

    def codes_since(self, day: str) -> list[str]:
        """Codes of the stories of ``day`` (ISO) and later."""
        ...

    def withdraw(self, codes: Sequence[str], dirty: Iterable[SheetKey], now: datetime) -> None:
        """Take stories out of the edition and mark the sheets they touch, all or nothing."""
        ...

    def linkers(self, codes: Sequence[str]) -> list[str]:
        """Codes of the stories whose text links to one of these stories."""
        ...

    def briefs(self) -> Iterator[Brief]:
        """Every story of the edition, newest first, a thousand at a time in memory."""
        ...

    def edge_counts(self, least: int) -> tuple[Mapping[str, int], int]:
        """How many stories have each edge that at least ``least`` have, and how many stories there are."""
        ...

    def with_edges(self, edges: Iterable[str]) -> list[str]:
        """Codes of the stories that have one of these edges."""
        ...


class SheetBook(Protocol):
    """The edition as it was rendered. Trusted. Each method is one transaction, durable on return."""

    def mark(self, keys: Iterable[SheetKey]) -> None:
        """These sheets must be rendered again."""
        ...

    def dirty(self) -> list[SheetKey]:
        """Sheets that must be rendered again, stories first."""
        ...

    def thin(self) -> list[SheetKey]:
        """Sheets whose text is packed fast only."""
        ...

    def sheets(self, kind: str) -> list[SheetKey]:
        """The sheets of a kind that have files."""
        ...

    def jobs(self, wants: Sequence[tuple[SheetKey, Want]]) -> list[Job]:
        """The material of each sheet."""
        ...

    def rendered(self, sheets: Sequence[Sheeted], issue: int) -> list[str]:
        """Note rendered sheets under edition ``issue``; returns the names of files that no longer exist."""
        ...

    def changes(self, since: int | None, shown: int = 0) -> list[Change]:
        """What a mirror lacks that took signing ``since`` whole; None lists the whole edition.

        Where it already shows a later one, ``shown``, only what came after that is fresh: what the shown one brought
        may be replaced no sooner than the pointer.
        """
        ...

    def cuts(self, limit: int) -> list[tuple[Cut, int]]:
        """What was cut as boilerplate, the most frequent first, with the number of stories."""
        ...

    def labels(self) -> Mapping[str, str]:
        """The label of each section key."""
        ...

    def tally(self, by: TallyBy) -> Mapping[str, int]:
        """How many stories the edition has by day, month, section key or language."""
        ...


class PictureBook(Protocol):
    """The pictures of the edition. Trusted."""

    def unseen(self, limit: int) -> list[tuple[str, str]]:
        """Pictures (URL, story code) that were neither encoded nor given up, newest story first."""
        ...

    def same_picture(self, key: str) -> Shown | None:
        """The encoded picture whose content key is ``key``."""
        ...

    def keep_picture(self, url: str, key: str, shown: Shown | None, failure: str = "") -> list[str]:
        """Remember an encoded picture, or why there is none; returns the codes of the stories that show it."""
        ...


class ReleaseBook(Protocol):
    """What was signed, and what of it is in use. Trusted. Each method is one transaction, durable on return."""

    def pending(self) -> bool:
        """Whether anything was rendered since the last signing."""
        ...

    def moved(self) -> list[Moved]:
        """The mapped files whose bytes changed since the last signing, by path."""
        ...

    def mapped(self) -> int:
        """How many mapped files there are."""
        ...

    def records(self, ranges: Sequence[tuple[str, str]] | None = None) -> Iterator[tuple[str, str, int]]:
        """Key, SHA-256 (hex) and length of the mapped files, by key; with ``ranges`` those between two keys each."""
        ...

    def newest_files(self, limit: int) -> list[tuple[str, str, int]]:
        """The same of front pages, sections and the newest stories."""
        ...

    def latest(self) -> Issue | None:
        """The newest signing."""
        ...

    def signed_as(self, pointer: str) -> Issue | None:
        """The signing whose ``now`` has this SHA-256 (hex)."""
        ...

    def lost(self, names: Sequence[str]) -> bool:
        """The stage has these no more as they were. Sheets of pages among them are marked to be rendered again.

        What the release format adds is carried to no mirror any more unless a release makes it again; True if there was
        any, so that one must be signed.
        """
        ...

    def close(self, now: datetime, seal: Seal) -> tuple[Issue, list[str]]:
        """Note a signing: all that was rendered since the last one is part of it.

        Also returns the names of files that end with it because nothing has needed them for long enough.
        """
        ...


class WatchBook(Protocol):
    """What vantages saw, and what it added up to. Trusted. Each method is one transaction, durable on return."""

    def saw(self, sightings: Iterable[Sighting], now: datetime) -> int:
        """Keep sightings; returns how many were not known yet. Those of more than a week before ``now`` end."""
        ...

    def sightings(self, since: datetime, until: datetime | None = None, newest: int = 0) -> list[Sighting]:
        """Those that began from ``since`` to ``until``, in the order of their beginning.

        With ``newest`` only so many, the newest, of each vantage and mirror.
        """
        ...

    def findings(self) -> list[Finding]:
        """What stands now, by mirror and network."""
        ...

    def conclude(self, findings: Sequence[Finding]) -> None:
        """Let these stand, and no others."""
        ...


class PoolBook(Protocol):
    """The mirrors that there are and were, and the moves that were made. Trusted. Each method is one transaction."""

    def pool(self) -> tuple[Mirror, ...]:
        """Every mirror, by name."""
        ...

    def keep(self, mirrors: Sequence[Mirror], moves: Sequence[Move], now: datetime, gone: Sequence[str] = ()) -> None:
        """Let these stand as they are given, forget those named ``gone``, and note ``moves``, all or nothing."""
        ...

    def history(self, limit: int) -> list[MoveNote]:
        """The newest moves, the last one first."""
        ...


class OutboxBook(Protocol):
    """What channels were given, and are to be given. Trusted. Each method is one transaction, durable on return."""

    def stories(self, codes: Sequence[str]) -> list[Story]:
        """These stories as they are now, newest first; those that the edition does not hold are missing."""
        ...

    def versions(self, codes: Sequence[str]) -> Mapping[str, int]:
        """The versions that these stories have now; those that the edition does not hold are missing."""
        ...

    def entries(
        self,
        *,
        channel: str = "",
        topics: Sequence[Topic] = (),
        states: Sequence[State] = (),
        ids: Sequence[int] = (),
        below: int = 0,
        mends: bool = True,
        limit: int = 0,
    ) -> list[Entry]:
        """Rows of the outbox in their order; each condition that is given holds. At most ``limit``, the first ones.

        ``below`` is which number their part must not reach; without ``mends`` what mends a day is left out.
        """
        ...

    def told(self) -> Mapping[str, tuple[int, str]]:
        """The codes of stories that have rows: each with the story's version now, 0 if it is gone, and a stamp.

        The stamp changes with each change of these rows.
        """
        ...

    def queue(self, fresh: Sequence[Entry], changed: Sequence[Entry] = ()) -> int:
        """Add rows, which get their ids, and replace rows by their ids that nobody has begun; how many were added.

        What is there already, by channel, topic, version, part and act, is left as it is; so is a row that has begun.
        """
        ...

    def begin(self, id: int, now: datetime) -> bool:  # noqa: A002
        """From queued to sending; False where somebody else has begun it, or it is queued no more."""
        ...

    def finish(self, entry: Entry, pause: Pause | None = None) -> None:
        """Note what came of an entry that was begun, and the pause its channel needs."""
        ...

    def settle_entry(
        self,
        id: int,  # noqa: A002
        state: State,
        remotes: Sequence[str],
        note: str,
        now: datetime,
        was: Sequence[State] = ...,
    ) -> bool:
        """What a person decided; False where the row is in none of the states ``was``, by default all that are open.

        What is dropped stays so, whatever a plan would do; what is queued has all its tries before it.
        """
        ...

    def recover(self, now: datetime) -> list[Entry]:
        """After a crash: what was being sent may be there. Posts become unknown, what may be repeated is queued."""
        ...

    def pauses(self) -> Mapping[str, Pause]:
        """The channels that are left alone."""
        ...

    def pause(self, channel: str, pause: Pause | None) -> None:
        """Leave a channel alone, or let it go on."""
        ...

    def forget(self, before: datetime) -> int:
        """Take out what is over and older, with all its rows; how many. What tells of addresses stays."""
        ...


class ReaderBook(Protocol):
    """Who asked for the day's news. Trusted. Nothing else about readers is kept. Each method is one transaction."""

    def subscribe(self, channel: str, address: str, lang: str) -> bool:
        """Note a subscriber, or the language he reads now; False where there is no room for more."""
        ...

    def unsubscribe(self, channel: str, address: str) -> bool:
        """Erase one; whether there was one."""
        ...

    def subscriber(self, channel: str, address: str) -> Subscriber | None:
        """The one with this address."""
        ...

    def subscribers(self, channel: str, first: int = 0, last: int = 0) -> list[Subscriber]:
        """Those with ids from ``first`` to ``last``, both included; all with ``last`` 0."""
        ...

    def reached(self, channel: str, well: Sequence[str], bounced: Sequence[str], gone: Sequence[str]) -> None:
        """Note who was written to: ``gone`` are erased, and who bounced three times without being reached between."""
        ...

    def offset(self, channel: str, to: int | None = None) -> int:
        """The number of the newest question that was answered on a channel; first set to ``to`` if that is given."""
        ...


class Journal(StoryBook, SheetBook, PictureBook, ReleaseBook, WatchBook, PoolBook, OutboxBook, ReaderBook, Protocol):
    """The newsroom's memory. Trusted: whoever writes it can make us publish, and repeat a version."""

    @property
    def identity(self) -> str:
        """A random name of this journal, so that a mirror of another one is told apart."""
        ...

    def hold(self, who: str, what: str = "") -> AbstractContextManager[None]:
        """Keep every other pass out; with ``what``, every other one that holds the same.

        Raises:
            JournalBusyError: another process holds it; says which.
        """
        ...

    def recall(self, key: str) -> str:
        """A note kept under ``key``, or ""."""
        ...

    def note(self, key: str, value: str) -> None:
        """Keep ``value`` under ``key``."""
        ...


class Prober(Protocol):
    """Checks of the network, made from one vantage. Not trusted where the vantage is not ours."""

    async def look(self, steps: Steps) -> tuple[Result, ...]:
        """Make each round of checks that ``steps`` yields, send it the outcomes, and return all of them.

        Never raises but for cancellation: a failure is an ``Outcome``. Ends after 200 checks, whatever is yielded.
        """
        ...


class Stage(Protocol):
    """Where rendered files wait for the mirrors: one folder of this machine. Trusted.

    Worker processes write to it themselves, so it must survive pickling.
    """

    def put(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Write each file whole or not at all.

        Raises:
            StoreError: the disk is full or not writable.
        """
        ...

    def get(self, name: str) -> bytes:
        """The bytes of a staged file.

        Raises:
            StoreError: it is not there.
        """
        ...

    def copy(self, pairs: Sequence[tuple[str, str]]) -> tuple[Laid, ...]:
        """Write each first name's bytes under the second name, too; what is missing is left out.

        Raises:
            StoreError: the disk is full or not writable.
        """
        ...

    def remove(self, names: Sequence[str]) -> None:
        """Take files out."""
        ...


class KeyFolder(Protocol):
    """Where the newsroom's keys and the roots and targets it has signed lie. Trusted, and worth most of all."""

    def names(self) -> list[str]:
        """The names of all files in it."""
        ...

    def read(self, name: str) -> bytes:
        """The bytes of one.

        Raises:
            KeyFileError: it is not there or cannot be read.
        """
        ...

    def write(self, name: str, data: bytes) -> None:
        """Add a file, readable for its owner alone; durable on return. What exists is never replaced.

        Raises:
            KeyFileError: there is one already, or it cannot be written.
        """
        ...

    def remove(self, name: str) -> None:
        """Take a key out."""
        ...


class MirrorStore(Protocol):
    """A place that serves files. Not trusted: it can withhold, never forge."""

    name: str

    @property
    def place(self) -> str:
        """Where it is, so that another place under the same name is told apart."""
        ...

    @property
    def spent(self) -> Spent:
        """What was asked of its host by this object so far."""
        ...

    async def read(self, name: str) -> bytes:
        """The bytes of one of its files, cut at a megabyte; b"" where there is none.

        Raises:
            StoreError: the mirror cannot be read.
        """
        ...

    async def listing(self) -> Mapping[str, str]:
        """SHA-256 (hex) of every file it holds, by name; costly, for repair.

        Raises:
            StoreError: the mirror cannot be read.
        """
        ...

    def asks(self, steps: Sequence[Sequence[Change]]) -> Spent:
        """What ``apply`` of ``steps`` would ask of its host, at most; nothing is asked."""
        ...

    async def apply(
        self, steps: Sequence[Sequence[Change]], read: Callable[[Change], bytes], done: Callable[[int], None]
    ) -> None:
        """Bring ``steps`` about in their order, each durable before the next begins, each file whole or not at all.

        ``read`` gives the bytes of a change, checked, or raises; ``done`` hears of files finished.

        Raises:
            StoreError: at the first that fails; those before it stay.
        """
        ...


class Host(Protocol):
    """Raises and retires addresses in front of a store or a site. Not trusted.

    Each method may be repeated and cut short at any moment: it goes on from what is there, and nothing is made twice.
    """

    name: str
    provider: str  # whose network it is: mirrors of one provider are one risk
    site: SitePage | None  # how the newsroom's own site is known through them; None where they show the edition

    @property
    def most(self) -> int:
        """Addresses that it may have at once, its quota."""
        ...

    async def stands(self) -> tuple[Stand, ...]:
        """Every address there that is ours.

        Raises:
            StoreError: the host cannot be asked.
        """
        ...

    async def raise_(self, id: str) -> Stand:  # noqa: A002
        """A step towards an address of this id: make it, or look how far it is. Returns at once.

        Raises:
            QuotaError: the host has no room.
            StoreError: it refuses.
        """
        ...

    async def retire(self, id: str) -> Stand:  # noqa: A002
        """A step towards its end: switched off first, deleted when the host allows; "gone" when nothing costs any more.

        Raises:
            StoreError: the host refuses.
        """
        ...


class Channel(Protocol):
    """A place where the newsroom speaks to many. Not trusted to say what it did with a post.

    No method raises but for cancellation: a failure is a ``Sent``. None asks twice by itself.
    """

    name: str
    kind: ChannelKind

    async def send(self, message: Message, pictures: Sequence[Drawn] = (), to: Sequence[str] = ()) -> Sent:
        """Post it; with ``to`` to these subscribers alone."""
        ...

    async def edit(self, remotes: Sequence[str], message: Message, pictures: Sequence[Drawn] = ()) -> Sent:
        """Replace what was posted; "it is so already" is done."""
        ...

    async def withdraw(self, remotes: Sequence[str]) -> Sent:
        """Delete what was posted; what is not there is done."""
        ...

    async def proof(self, entry: Entry) -> Sent:
        """Whether an entry that is unknown is there: "posted", "later" (certainly not), or "unknown"."""
        ...

    async def health(self) -> Health:
        """Whether its token and rights are good, and until when."""
        ...


class Bot(Protocol):
    """Where readers ask the newsroom in private. Not trusted: every question may be hostile.

    No method raises but for cancellation: a failure is a ``Sent``. None asks twice by itself.
    """

    name: str

    async def questions(self, after: int, wait: int) -> Asked:
        """Those that came in after the one numbered ``after``, which are forgotten there; 0 asks for all there are.

        Waits up to ``wait`` seconds for the first. What is left of the others is asked for by the next call.
        """
        ...

    async def answer(self, chat: str, reply: Reply) -> Sent:
        """Send one message; ``gone`` names the chat where the reader wants no more."""
        ...

    async def acknowledge(self, press: str, text: str = "") -> Sent:
        """Tell the app that a button was heard; ``text`` is shown for a moment."""
        ...

    async def introduce(self, commands: Mapping[str, Sequence[tuple[str, str]]]) -> Sent:
        """Name the commands and what they do, by language; "" is every other one."""
        ...


class Postman(Protocol):
    """Who answers readers' mail. Not trusted to say what became of it."""

    async def answer(self, letter: Letter) -> Sent:
        """Send it to its reader alone, marked as written by a machine. "later" is certainly not sent.

        Asks the server once. Never raises but for cancellation.
        """
        ...


class Letterbox(Protocol):
    """Where readers' mail is handed in. Not trusted: anybody may have written it, in anybody's name."""

    def open(self, take: Callable[[Envelope], Awaitable[bool]]) -> AbstractAsyncContextManager[tuple[str, int]]:
        """Hand each mail to ``take`` while the block lasts; gives the address and port.

        A mail is acknowledged after ``take`` has returned True; whoever brought it keeps it else. Nothing is kept.

        Raises:
            OSError: the port cannot be had.
        """
        ...


class Hub(Protocol):
    """Who tells others that a feed has changed. Not trusted: it can keep silent."""

    async def tell(self, feed: str) -> Sent:
        """Say that the feed at this address has changed; may be repeated. Never raises but for cancellation."""
        ...


class Reach(Protocol):
    """A mirror as anybody reaches it. Not trusted: any byte of an answer may be hostile."""

    host: str  # its host name, "" for a folder
    place: str  # its address or path

    async def get(self, ask: release.Ask) -> release.Got:
        """Ask once. Never raises but for cancellation: a failure is a ``Got``."""
        ...


class Drop(Protocol):
    """Where a mirror lays sealed messages of strangers, and finds what it gives out to vantages. Holds no reader."""

    def take(self, message: bytes) -> bool:
        """Keep a message of exactly 4,096 bytes; another one of the same bytes changes nothing. False if it is none.

        Raises:
            StoreError: it could not be kept.
        """
        ...

    def sheet(self, path: str) -> bytes:
        """The work list asked for by this path, at most 5,120 bytes; b"" where there is none. Never raises."""
        ...


class Mailbox(Protocol):
    """Messages that wait: what a drop took in, what a vantage has to send. Not trusted: anybody may have written them.

    Each method raises ``StoreError`` where the folder cannot be used.
    """

    def take(self, message: bytes) -> bool:
        """See ``Drop``."""
        ...

    def names(self) -> list[str]:
        """The messages there are."""
        ...

    def read(self, name: str) -> bytes:
        """A message, at most one byte longer than it may be; b"" where there is none."""
        ...

    def remove(self, name: str) -> None:
        """Forget one."""
        ...


class Line(Protocol):
    """The way from a vantage to a drop. Not trusted: it can lose a message, not read it."""

    place: str  # where the drop is

    async def post(self, message: bytes) -> bool:
        """Whether the message was taken. Never raises but for cancellation."""
        ...


class Watcher(Protocol):
    """Who looks on: a progress bar, a log for scripts, nobody."""

    def begin(self, what: str, total: int | None) -> None:
        """A long step begins; ``total`` is None while unknown."""
        ...

    def step(self, what: str, done: int, total: int | None = None) -> None:
        """``done`` more of it; ``total`` replaces the former one."""
        ...

    def end(self, what: str) -> None:
        """It is over."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The wired ports."""

    sources: Sources
    journal: Journal
    stage: Stage
    keys: KeyFolder
    mirrors: tuple[MirrorStore, ...]
    hosts: tuple[Host, ...] = ()
    channels: tuple[Channel, ...] = ()
    prober: Prober
    workers: Executor
    watcher: Watcher
    cores: int = 1
