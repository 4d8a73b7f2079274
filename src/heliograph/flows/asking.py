"""Asking hosts and looking through new addresses: what may take long, done while nobody is kept out of the journal.

Rule 1: what is asked of a host stands in the journal already. Rule 2: an answer is of the moment: who uses it looks
whether the mirror still stands as it did when its host was asked. Rule 3: a host that fails is told, and holds nothing
up but its own mirrors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import anyio

from heliograph import rotate as stage
from heliograph.model import Problem, StoreError, paths
from heliograph.model.mirror import MOST_PAGE, Mirror, Phase, SitePage, Stand
from heliograph.model.release import Ask
from heliograph.ports import Host, Outside, Reach
from heliograph.trust import content
from heliograph.trust.bundle import MAX_BUNDLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a host says of a mirror that it was asked to bring a step further."""

    phase: Phase  # of the mirror when it was asked
    stand: Stand
    serves: bool = False  # whether a page of ours was read through it


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What hosts say in one round."""

    by_name: Mapping[str, Answer]
    there: Mapping[str, frozenset[str]]  # ids that stand, of each host that could say
    problems: tuple[Problem, ...] = ()

    def of(self, mirror: Mirror) -> Answer | None:
        """The answer that is about ``mirror`` as it stands now."""
        found = self.by_name.get(mirror.name)
        return found if found is not None and found.phase == mirror.phase else None


async def ask(
    outside: Outside, pool: Sequence[Mirror], reach: Callable[[str], Reach] | None = None, *, look: bool = False
) -> Answers:
    """Have hosts go a step further with the mirrors of ``pool`` that are on their way, hosts side by side.

    With ``reach`` pages are read through what stands; with ``look`` hosts say all that they have of ours.
    """
    answers: dict[str, Answer] = {}
    there: dict[str, frozenset[str]] = {}
    problems: list[Problem] = []

    async def one(host: Host) -> None:
        try:
            if look:
                there[host.name] = frozenset(stand.id for stand in await host.stands() if stand.state != "gone")
        except StoreError as error:
            problems.append(told(host, error))
        for mirror in pool:
            if mirror.host != host.name or mirror.phase not in ("creating", "ending"):
                continue
            try:
                answers[mirror.name] = await _step(outside, host, mirror, reach)
            except StoreError as error:
                problems.append(told(host, error))

    async with anyio.create_task_group() as tasks:
        for host in outside.hosts:
            tasks.start_soon(one, host)
    return Answers(by_name=answers, there=there, problems=tuple(problems))


async def _step(outside: Outside, host: Host, mirror: Mirror, reach: Callable[[str], Reach] | None) -> Answer:
    if mirror.phase == "ending":
        return Answer(phase=mirror.phase, stand=await host.retire(mirror.name))
    stand = await host.raise_(mirror.name)
    url = stand.url or mirror.url
    seen = bool(reach and url and stand.state == "up") and await serves(outside, reach(url), host.site)  # type: ignore[misc]
    return Answer(phase=mirror.phase, stand=stand, serves=seen)


async def serves(outside: Outside, mirror: Reach, site: SitePage | None = None) -> bool:
    """Whether a release of ours is shown there, or with ``site`` a page of our site, read as anybody would."""
    if site is not None:
        got = await mirror.get(Ask(mirror=0, name=site.path, limit=MOST_PAGE))
        return got.fate == "whole" and not got.coding and stage.shows(got.data, site.text)
    got = await mirror.get(Ask(mirror=0, name=paths.POINTER, limit=MAX_BUNDLE))
    # a bucket has one form of each file, and sends that whatever was asked for
    pointer = content.decoded(got.data, got.coding, MAX_BUNDLE) if got.fate == "whole" else None
    return pointer is not None and outside.journal.signed_as(sha256(pointer).hexdigest()) is not None


def told(host: Host, error: StoreError) -> Problem:
    """A host's failure; ``where`` is the host, so that nothing new is asked of it in this round."""
    what = f"{error.what} ({error.where})" if error.where not in ("", f"host {host.name}") else error.what
    return Problem(where=f"host {host.name}", what=what, remedy=error.remedy)
