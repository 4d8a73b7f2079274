"""The newsroom and its vantages: who they are, what they shall look at, and what they sent.

    drop/inbox.json           opens reports and signs work lists; kept on the publishing machine
    drop/vantage-NAME.json    the public half of a vantage's key

A report is believed as far as its vantage is: ``watch.judge`` weighs it. Here it is only made sure that it is this
vantage's, new, of now, and about mirrors of ours. Rule 1: whatever a stranger laid into a drop is counted and removed,
never an error. Rule 2: sightings are the journal's before a message is removed, so that a crash repeats and loses
nothing; the journal knows a sighting it has.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from heliograph.config import Config, VantageTable
from heliograph.flows import keyring
from heliograph.flows.lookout import day_of
from heliograph.flows.patrol import page_of, shown_as, target, watched
from heliograph.model import ConfigError, KeyFileError
from heliograph.model.lookout import MOST_HOSTS, MOST_LIST, Sought, WorkList, pack_list, unpack_list, unpack_reports
from heliograph.model.sighting import Sighting
from heliograph.ports import Journal, KeyFolder, Mailbox, PoolBook
from heliograph.trust import drop, vantage
from heliograph.trust import keys as keyfiles
from heliograph.trust.sealing import KEY, shared
from heliograph.trust.vantage import Inbox, Token
from heliograph.watch.judge import AHEAD

INBOX: Final = "drop/inbox.json"
LIST_LIFE = timedelta(days=14)
MOST_OF_ONE: Final = 300  # messages of one vantage that are read at a time
_KEPT = timedelta(days=7)  # how old a sighting may be: a stick takes days
_SEEN: Final = "drop seen"  # the journal's note of reports that were read
_MOST_SEEN: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What came of the messages in some drops."""

    messages: int = 0
    sightings: int = 0  # new ones
    vantages: Mapping[str, int] = field(default_factory=dict)  # messages that were read, by name
    refused: Mapping[str, int] = field(default_factory=dict)  # by reason, see docs/drop.md


def invite(
    keys: KeyFolder, config: Config, name: str, network: str, country: str, entropy: Callable[[int], bytes]
) -> Token:
    """A token for a new vantage; its public key is in the folder on return.

    Raises:
        ConfigError: no mirror takes reports, or a word cannot be carried.
        KeyFileError: there is one of this name.
        SignError: the newsroom has no keys.
    """
    if not config.watch.drops:
        remedy = 'name mirrors that run `heliograph serve DIR --drop FOLDER`: drops = ["https://mirror.example/"]'
        raise ConfigError("no mirror takes reports", where="watch.drops", remedy=remedy)
    if not network.isascii():
        raise ConfigError("not plain letters", where=f"--network {network}", remedy="give AS64500, or home")
    root = keyfiles.fingerprint(keyring.roots(keys)[0])
    secret = entropy(KEY)
    if not are_any(keys):
        keys.write(INBOX, vantage.write_inbox(Inbox(secret=entropy(KEY), seed=entropy(KEY))))
    box = inbox(keys)
    keys.write(_entry(name), vantage.write_entry(secret))
    return Token(
        name=name,
        network=network,
        country=country,
        root=root,
        inbox=box.public,
        work=box.work,
        secret=secret,
        drops=config.watch.drops,
    )


def inbox(keys: KeyFolder) -> Inbox:
    """The newsroom's keys for vantages.

    Raises:
        KeyFileError: there are none, or they are damaged.
    """
    if not are_any(keys):
        raise KeyFileError("no vantage was ever made", where=INBOX, remedy="make one: heliograph vantage new NAME")
    return vantage.read_inbox(keys.read(INBOX), INBOX)


def are_any(keys: KeyFolder) -> bool:
    """Whether this newsroom has ever made a vantage."""
    return INBOX in keys.names()


def known(keys: KeyFolder, config: Config) -> dict[str, bytes]:
    """The public keys of the configured vantages that have one, by name.

    Raises:
        KeyFileError: one is damaged.
    """
    there = set(keys.names())
    names = [table.name for table in config.vantage if _entry(table.name) in there]
    return {name: vantage.read_entry(keys.read(_entry(name)), _entry(name)) for name in names}


def forget(keys: KeyFolder, name: str) -> None:
    """Read no more reports of this vantage, and make no more lists for it.

    Raises:
        KeyFileError: there is none, or it cannot be removed.
    """
    if _entry(name) not in keys.names():
        raise KeyFileError("there is no such vantage", where=_entry(name), remedy="see: heliograph vantage list")
    keys.remove(_entry(name))


def lists(journal: PoolBook, keys: KeyFolder, config: Config, now: datetime) -> dict[str, bytes]:
    """The sealed work lists of all vantages, by the names under which a drop gives them out on each day they last.

    Raises:
        ConfigError: a list is too long, or holds what no list may.
        KeyFileError: there are no keys, or they are damaged.
    """
    box, found = inbox(keys), {}
    for name, public in known(keys, config).items():
        table = next(table for table in config.vantage if table.name == name)
        work, common = _work(journal, config, table, now), shared(box.secret, public)
        for day in range(day_of(now) - 1, day_of(now + LIST_LIFE)):
            found[drop.place(common, day)] = vantage.seal_list(work, box.seed, public)
    return found


def collect(journal: Journal, keys: KeyFolder, config: Config, boxes: Iterable[Mailbox], now: datetime) -> Collected:
    """Read what lies in ``boxes``, put what is authentic and new into the journal, and leave the boxes empty.

    Raises:
        KeyFileError: there are no keys, or they are damaged.
        StoreError: a box cannot be used.
    """
    reader = _Reader(journal, config, inbox(keys).secret, known(keys, config), now)
    for box in boxes:
        names = box.names()
        if not names:
            continue
        sightings = [sighting for name in names for sighting in reader.read(box.read(name))]
        reader.new += journal.saw(sightings, now)
        reader.remember()
        for name in names:
            box.remove(name)
    return Collected(
        messages=reader.messages, sightings=reader.new, vantages=dict(reader.by_name), refused=dict(reader.refused)
    )


class _Reader:
    """Messages of one collection, judged one by one."""

    def __init__(
        self, journal: Journal, config: Config, secret: bytes, authors: Mapping[str, bytes], now: datetime
    ) -> None:
        self._journal, self._secret, self._authors, self._now = journal, secret, authors, now
        self._networks = {table.name: table.network for table in config.vantage}
        self._mirrors = {mirror.url: mirror.site is None for mirror in watched(journal, config)}  # signed or not
        self._seen: dict[str, int] = json.loads(journal.recall(_SEEN) or "{}")
        self.messages, self.new = 0, 0
        self.by_name: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def read(self, message: bytes) -> list[Sighting]:
        """The sightings of a message that are to be believed; what is not is counted."""
        self.messages += 1
        if len(message) != drop.MESSAGE:
            return self._refuse("size")
        inner = drop.read(message, self._secret)
        if inner is None:
            return self._refuse("sealed")
        kind, body = inner
        if kind != drop.REPORT:
            return self._refuse("kind")
        report = drop.reported(body, self._secret, self._authors)
        if isinstance(report, str):
            return self._refuse(report)
        key = f"{report.name} {report.number.hex()}"
        if key in self._seen:
            return self._refuse("replayed")
        if self.by_name[report.name] >= MOST_OF_ONE:
            return self._refuse("many")
        self._seen[key] = day_of(self._now)
        self.by_name[report.name] += 1
        try:
            made, sightings = unpack_reports(report.payload)
        except ValueError:
            return self._refuse("report")
        if not self._now - _KEPT <= made <= self._now + AHEAD:
            return self._refuse("time")
        return [self._ours(one) for one in sightings if self._fits(one, report.name, made)]

    def remember(self) -> None:
        """Note which reports were read; older ones are refused for their time."""
        since = day_of(self._now - _KEPT) - 1
        kept = sorted((key for key, day in self._seen.items() if day >= since), key=self._seen.__getitem__)
        self._journal.note(_SEEN, json.dumps({key: self._seen[key] for key in kept[-_MOST_SEEN:]}))

    def _fits(self, sighting: Sighting, name: str, made: datetime) -> bool:
        if (sighting.vantage, sighting.network) != (name, self._networks[name]):
            self._refuse("vantage")
        elif not made - _KEPT <= sighting.started <= made + AHEAD or sighting.started > self._now + AHEAD:
            self._refuse("time")
        elif sighting.mirror not in self._mirrors:
            self._refuse("mirror")
        else:
            return True
        return False

    def _ours(self, sighting: Sighting) -> Sighting:
        """The sighting with what its page is to this newsroom: a vantage cannot say."""
        page = page_of(sighting.results)
        if page is None or not self._mirrors[sighting.mirror]:
            return replace(sighting, content="")
        shown = shown_as(self._journal, page.digest, sighting.started)
        return replace(sighting, content=shown or ("strange" if sighting.content == "strange" else ""))

    def _refuse(self, reason: str) -> list[Sighting]:
        self.refused[reason] += 1
        return []


def _work(journal: PoolBook, config: Config, table: VantageTable, now: datetime) -> WorkList:
    """What a vantage shall look at.

    Raises:
        ConfigError: it is too long, or holds what no list may.
    """
    given = config.watch
    told = watched(journal, config, told=True)
    chosen = [mirror for mirror in told if mirror.name in table.mirrors or not table.mirrors]
    targets = [target(mirror) for mirror in chosen]
    work = WorkList(
        vantage=table.name,
        network=table.network,
        made=now.replace(microsecond=0),
        expires=now.replace(microsecond=0) + LIST_LIFE,
        every=given.vantages_every_seconds,
        deep=given.vantages_deep_seconds,
        mirrors=tuple(
            Sought(url=one.url, addresses=one.addresses, ladder=one.ladder, page=one.path) for one in targets
        ),
        drops=given.drops[:MOST_HOSTS],
        anchors=given.anchors[:MOST_HOSTS],
        ordinary=given.ordinary[:MOST_HOSTS],
        innocent=given.innocent,
        large=given.large,
        resolver=given.resolver,
        doh=given.doh,
    )
    remedy = f"give [[vantage]] {table.name} fewer mirrors, or mend [watch]"
    if len(data := pack_list(work)) > MOST_LIST:
        what = f"its work list has {len(data):,} bytes; {MOST_LIST:,} are the most"
        raise ConfigError(what, where=f"vantage {table.name}", remedy=remedy)
    try:
        return unpack_list(data)  # as the vantage will read it
    except ValueError as error:
        raise ConfigError(f"its work list: {error}", where=f"vantage {table.name}", remedy=remedy) from error


def _entry(name: str) -> str:
    return f"drop/vantage-{name}.json"
