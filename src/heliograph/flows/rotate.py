"""verdict -> move -> directory: one round of the pool of mirrors.

pool -> ask -> advance -> plan -> ask

Rule 1: a mirror is noted before its host is asked for it, so that whatever happens it is found again. Rule 2: a new
mirror is told to readers only after a page of ours was read through it, from outside. Rule 3: every change of the pool
is a move with its reason, in the journal. Rule 4: a host that fails or is slow holds nothing up but its own mirrors:
while hosts are asked the journal is free for passes and people, and what they did meanwhile stands.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from heliograph import rotate as stage
from heliograph.config import Config, MirrorTable
from heliograph.flows.asking import Answer, Answers, ask, told
from heliograph.model import Problem, StoreError
from heliograph.model.mirror import HostFacts, Mirror, Move, MoveKind, Phase
from heliograph.ports import Host, Journal, Outside, PoolBook, Reach
from heliograph.rotate import HOLD, Plan, Policy

LOOK: Final = timedelta(hours=1)  # between two looks at all that hosts have of ours
PATIENCE: Final = timedelta(hours=2)  # for a mirror that its host was asked for, until it is given up
FORGET: Final = timedelta(days=31)  # after its end: until then it counts for the ceilings
_MOST_USED: Final = 5_000  # addresses of a host that are remembered after that
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_THERE: Final = "its host does not have it any more"
_LOOKED: Final = "hosts looked at"  # the note with when
TO: Final[Mapping[str, Phase]] = {
    "promote": "live", "rest": "resting", "return": "spare", "retire": "ending", "ready": "spare", "ended": "gone",
    "lost": "lost",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What one round did."""

    pool: tuple[Mirror, ...]
    plan: Plan
    done: tuple[Move, ...]  # those of the plan, and what hosts have brought about
    listed: bool  # whether the list that readers are given has changed
    problems: tuple[Problem, ...]


@asynccontextmanager
async def _at_once(journal: Journal) -> AsyncIterator[None]:
    """The journal held now or not at all."""
    with journal.hold("heliograph mirrors"):
        yield


async def rotate(
    outside: Outside,
    config: Config,
    now: datetime,
    name: Callable[[], str],
    reach: Callable[[str], Reach],
    *,
    hold: Callable[[Journal], AbstractAsyncContextManager[None]] = _at_once,
) -> Rotated:
    """Bring the pool a step nearer to what ``[rotate]`` wants.

    ``name`` gives random names for new mirrors, ``reach`` reads a mirror from outside, ``hold`` keeps passes and
    people out of the journal while the pool is changed.

    Raises:
        JournalBusyError: another round is at work, or ``hold`` could not wait; what was not noted is asked again.
    """
    journal = outside.journal
    with journal.hold("heliograph mirrors", what="rounds"):
        last = journal.recall(_LOOKED)
        look = not last or now >= datetime.fromisoformat(last) + LOOK
        answers = await ask(outside, journal.pool(), reach, look=look)
        async with hold(journal):
            before, plan, done, problems = _change(outside, config, now, name, answers)
            if look:
                journal.note(_LOOKED, now.isoformat())
        begun = {move.mirror for move in done if move.kind in ("raise", "retire")}
        begin = await ask(outside, [one for one in journal.pool() if one.name in begun])
        async with hold(journal):
            pool = _close(journal, config, now, begin)
    return Rotated(
        pool=pool,
        plan=plan,
        done=tuple(done),
        listed=_listed(before) != _listed(pool),
        problems=(*problems, *begin.problems),
    )


def _change(
    outside: Outside, config: Config, now: datetime, name: Callable[[], str], answers: Answers
) -> tuple[tuple[Mirror, ...], Plan, list[Move], list[Problem]]:
    """What hosts have brought about, and what the plan wants, noted before any host is asked for it (rule 1)."""
    journal, hosts = outside.journal, {host.name: host for host in outside.hosts}
    findings, watched, problems = journal.findings(), networks(config), list(answers.problems)
    before = pool_of(journal, config, now)
    pool, done = _advance(outside, before, answers, now, problems)
    journal.keep(_changed(journal.pool(), pool), done, now)
    pool = stage.hurt(pool, findings, watched)
    facts = _facts(outside.hosts, problems)
    plan = stage.moves(pool, findings, policy(config), now, networks=watched, hosts=facts)
    for move in plan.moves:
        move = replace(move, mirror=move.mirror or name())
        pool = _moved(pool, move, hosts, now)
        journal.keep(_changed(journal.pool(), pool), [move], now)
        done.append(move)
    journal.keep(_changed(journal.pool(), pool), [], now)
    return before, plan, done, problems


def _close(journal: Journal, config: Config, now: datetime, begin: Answers) -> tuple[Mirror, ...]:
    """The addresses that hosts gave at once; mirrors that ended long ago are forgotten. What they refused waits."""
    pool = tuple(_placed(one, begin.of(one)) for one in pool_of(journal, config, now))
    ended = [one.name for one in pool if one.phase in ("gone", "lost") and one.since < now - FORGET]
    pool = tuple(one for one in pool if one.name not in ended)
    _remember(journal, ended)
    journal.keep(_changed(journal.pool(), pool), [], now, ended)
    return pool


def _placed(mirror: Mirror, answer: Answer | None) -> Mirror:
    return mirror if answer is None else replace(mirror, url=answer.stand.url or mirror.url)


def former(journal: Journal, host: str) -> dict[str, tuple[str, bool]]:
    """The addresses that ``host`` has ever had, by name, and whether they still stand, as far as the journal knows."""
    left = _used(journal, host)
    found = {mirror.name: mirror for mirror in journal.pool() if mirror.host == host and mirror.url}
    stands = {name: (one.url, one.phase not in ("gone", "lost")) for name, one in found.items()}
    return {**{name: (url, False) for name, url in left.items()}, **stands}


def _used(journal: Journal, host: str) -> dict[str, str]:
    """Addresses of mirrors of ``host`` that the pool has forgotten, by name."""
    found: dict[str, str] = json.loads(journal.recall(f"used {host}") or "{}")
    return found


def _remember(journal: Journal, ended: Sequence[str]) -> None:
    """Before the pool forgets mirrors, their addresses are noted: no reader is ever told of one twice."""
    hosts: dict[str, dict[str, str]] = {}
    for mirror in journal.pool():
        if mirror.name in ended and mirror.host and mirror.url:
            hosts.setdefault(mirror.host, {})[mirror.name] = mirror.url
    for host, urls in hosts.items():
        kept = list({**_used(journal, host), **urls}.items())[-_MOST_USED:]
        journal.note(f"used {host}", json.dumps(dict(kept)))


def outlook(journal: Journal, config: Config, hosts: Sequence[Host], now: datetime) -> Plan:
    """What the next round would do and what the policy wants in vain, as far as the journal tells; nothing is asked."""
    findings, watched = journal.findings(), networks(config)
    pool = stage.hurt(pool_of(journal, config, now), findings, watched)
    return stage.moves(pool, findings, policy(config), now, networks=watched, hosts=_facts(hosts, []))


def _facts(hosts: Sequence[Host], problems: list[Problem]) -> list[HostFacts]:
    """The hosts that can raise something now: not those that have just failed."""
    found, failed = [], {problem.where for problem in problems}
    for host in hosts:
        try:
            most = host.most
        except StoreError as error:
            problems.append(told(host, error))
            continue
        if f"host {host.name}" not in failed:
            site = host.site is not None
            found.append(HostFacts(name=host.name, provider=host.provider, most=most, site=site))
    return found


def policy(config: Config) -> Policy:
    """What ``[rotate]`` wants."""
    table = config.rotate
    return Policy(
        min_live=table.min_live,
        providers=table.providers,
        spares=table.spares,
        burst=table.burst,
        shun=timedelta(seconds=table.shun_seconds),
        retire_after=timedelta(seconds=table.retire_after_seconds),
        calm=timedelta(seconds=table.calm_seconds),
        most_a_day=table.most_a_day,
        most_a_month=table.most_a_month,
    )


def networks(config: Config) -> tuple[str, ...]:
    """Where readers are: the networks of vantages inside, or where none is, of all."""
    here = [(config.watch.network, config.watch.outside)]
    known = here + [(table.network, table.outside) for table in config.vantage]
    inside = [network for network, outside in known if not outside]
    return tuple(dict.fromkeys(inside or [network for network, _ in known]))


def pool_of(journal: PoolBook, config: Config, now: datetime = _EPOCH) -> tuple[Mirror, ...]:
    """The pool as it stands with the configuration of now; nothing is noted. ``now`` dates what is new in it."""
    return settled(journal.pool(), config, now)


def settled(pool: Sequence[Mirror], config: Config, now: datetime) -> tuple[Mirror, ...]:
    """``pool`` with the mirrors of the configuration as they stand there: new, with another address, or gone."""
    known = {mirror.name: mirror for mirror in pool}
    named = {table.name: table for table in config.mirror if table.url}
    for name, table in named.items():
        if name not in known or known[name].phase in ("gone", "lost"):
            first: Phase = "spare" if table.spare else "live"
            known[name] = Mirror(
                name=name,
                provider=provider(table),
                url=table.url,
                phase=first,
                since=now,
                born=now,
                told=None if table.spare else now,
            )
        known[name] = replace(known[name], url=table.url, provider=provider(table))
    for mirror in list(known.values()):
        if not mirror.host and mirror.name not in named and mirror.phase != "gone":
            known[mirror.name] = replace(mirror, phase="gone", since=now)
    return tuple(known[name] for name in sorted(known))


def provider(table: MirrorTable) -> str:
    """Whose network a configured mirror is in, as far as the newsroom says: alone where it does not."""
    return table.provider or f"{table.kind} {table.name}"


def _advance(
    outside: Outside, pool: Sequence[Mirror], answers: Answers, now: datetime, problems: list[Problem]
) -> tuple[tuple[Mirror, ...], list[Move]]:
    """The pool a step further, as its hosts say."""
    lost = _lost(outside, pool, answers, now, problems)
    known = {host.name for host in outside.hosts}
    found, done = [], []
    for mirror in pool:
        move = lost.get(mirror.name)
        if mirror.phase in ("creating", "ending"):
            if mirror.host not in known:
                what = f"mirror {mirror.name} was raised by a host that is not configured any more"
                remedy = "add it again, or end it at the host"
                problems.append(Problem(where=f"host {mirror.host}", what=what, remedy=remedy))
            elif (answer := answers.of(mirror)) is not None:
                mirror = _placed(mirror, answer)
                move = _step(mirror, answer, now)
        if move is not None:
            mirror = replace(mirror, phase=TO[move.kind], since=now)
            done.append(move)
        found.append(mirror)
    return tuple(found), done


def _lost(
    outside: Outside, pool: Sequence[Mirror], answers: Answers, now: datetime, problems: list[Problem]
) -> dict[str, Move]:
    """Mirrors that their hosts do not have any more; what hosts have that nobody knows, and that costs, is told."""
    found = {}
    works = {one.mirror for one in outside.journal.findings() if one.kind == "well" and one.seen > now - LOOK}
    for host, there in answers.there.items():
        ours = [one for one in pool if one.host == host and one.phase in ("spare", "live", "resting")]
        missing = [one for one in ours if one.name not in there]
        if missing and (len(missing) == len(ours) > 1 or any(one.url in works for one in missing)):
            what = f"it does not know {len(missing)} of our {len(ours)} addresses, some of which may work"
            remedy = "is it another account, or a state folder without its part hosts?"
            problems.append(Problem(where=f"host {host}", what=what, remedy=remedy))
        else:
            for one in missing:
                found[one.name] = Move(kind="lost", mirror=one.name, host=host, reason=_NOT_THERE)
        known = {one.name for one in pool if one.phase not in ("gone", "lost")}
        if strange := sorted(there - known):
            what = f"it has {len(strange)} addresses that nobody here knows, and they cost: {', '.join(strange[:5])}"
            problems.append(Problem(where=f"host {host}", what=what, remedy="end them at the host"))
    return found


def _step(mirror: Mirror, answer: Answer, now: datetime) -> Move | None:
    """What becomes of a mirror on its way."""

    def because(kind: MoveKind, reason: str) -> Move:
        return Move(kind=kind, mirror=mirror.name, host=mirror.host, reason=reason.rstrip())

    stand = answer.stand
    if mirror.phase == "ending":
        return because("ended", "its host has taken it down") if stand.state == "gone" else None
    if stand.state == "gone":
        return because("lost", f"{_NOT_THERE} {stand.note}")
    if answer.serves:
        return because("ready", "a page of ours was read through it")
    if mirror.born < now - PATIENCE:
        return because("retire", f"it did not work within {PATIENCE.seconds // 3_600} hours {stand.note}")
    return None


def _moved(pool: Sequence[Mirror], move: Move, hosts: Mapping[str, Host], now: datetime) -> tuple[Mirror, ...]:
    if move.kind == "raise":
        host = hosts[move.host]
        return (*pool, fresh(host, move.mirror, now))
    to = TO[move.kind]

    def after(mirror: Mirror) -> Mirror:
        return replace(
            mirror,
            phase=to,
            since=now,
            pinned=now + HOLD if move.hold else mirror.pinned,
            told=now if move.kind == "promote" else mirror.told,
        )

    return tuple(after(one) if one.name == move.mirror else one for one in pool)


def fresh(host: Host | HostFacts, name: str, now: datetime) -> Mirror:
    """A mirror that ``host`` is to be asked for."""
    return Mirror(
        name=name,
        provider=host.provider,
        host=host.name,
        phase="creating",
        since=now,
        born=now,
        site=bool(host.site),
    )


def _changed(before: Sequence[Mirror], after: Sequence[Mirror]) -> list[Mirror]:
    known = {mirror.name: mirror for mirror in before}
    return [mirror for mirror in after if known.get(mirror.name) != mirror]


def _listed(pool: Sequence[Mirror]) -> set[str]:
    return {mirror.url for mirror in pool if mirror.phase == "live" and mirror.url}
