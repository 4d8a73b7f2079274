"""The house style of this pass: the look of pages and the rules of the cut, and what a change of them touches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from heliograph import render
from heliograph.capture import cut
from heliograph.config import Config
from heliograph.flows import keyring
from heliograph.flows.rotate import networks, pool_of
from heliograph.model import Problem, SheetKey, Story
from heliograph.model.mirror import Mirror
from heliograph.ports import Journal, Outside
from heliograph.render import feeds, search
from heliograph.render.look import Link, Look, Nav
from heliograph.rotate import directory

_MOST_SECTIONS, _LONGEST_LABEL = 16, 40  # what fits on a page that everybody opens
_MOST_TOLD = 8  # mirrors in the directory
_FEW = 3  # stories in a language before it gets a front page of its own


def look_of(journal: Journal, config: Config) -> Look:
    """The look of every page, from the configuration and from what the edition holds."""
    room, listed = config.newsroom, told(journal, config)
    return Look(
        title=room.title,
        home=room.home,
        lang=room.language,
        languages=room.languages or _found_languages(journal, room.language),
        zone=room.zone,
        accent=room.accent.lower(),
        nav=_sections(journal),
        mirrors=tuple(mirror.url for mirror in listed if not mirror.site),
        sites=tuple(mirror.url for mirror in listed if mirror.site),
        links=tuple(Link(name=link.name, url=link.url) for link in config.link),
        hub=config.announce.hub,
        onion=next((link.onion for link in config.link if link.edition), ""),
        feed_days=config.edition.feed_days,
        search_bits=_search_bits(journal),
    )


def told(journal: Journal, config: Config) -> tuple[Mirror, ...]:
    """The mirrors that readers are told of, the best first: the directory."""
    return directory(pool_of(journal, config), journal.findings(), networks(config))[:_MOST_TOLD]


def addresses(journal: Journal, config: Config) -> tuple[str, ...]:
    """The base URLs at which readers find the edition, the best first: what a link to a story may begin with."""
    return tuple(mirror.url for mirror in told(journal, config) if not mirror.site)


def as_published(journal: Journal, config: Config, codes: Sequence[str]) -> list[Story]:
    """The stories as pages show them: without boilerplate."""
    rules, _ = house_rules(journal, config)
    return [cut.cut(story, rules)[0] for story in journal.stories(codes)]


def house_rules(journal: Journal, config: Config) -> tuple[cut.Rules, tuple[Problem, ...]]:
    """What is boilerplate: the operator's patterns, and what recurs across the stories captured so far."""
    counts, total = journal.edge_counts(cut.LEAST)
    table = config.capture.cut
    return cut.rules(
        recurring=cut.recurring(counts, total), patterns=table.patterns, keep=table.keep, hosts=table.hosts
    )


def retell(journal: Journal, codes: Iterable[str]) -> set[SheetKey]:
    """The sheets that carry the full text of stories: their own pages, and the feeds of their days."""
    briefs = journal.by_code(sorted(set(codes)))
    keys = {SheetKey("story", brief.code) for brief in briefs} | {SheetKey("feed-day", brief.day) for brief in briefs}
    return keys | ({SheetKey("feed")} if briefs else set())


def first_sheets(outside: Outside) -> list[SheetKey]:
    """What the text edition needs: all that changed; once there is an edition, without what can follow.

    Nothing follows where a story was withdrawn: no page may lead to it for a moment longer.
    """
    keys = outside.journal.dirty()
    if not outside.journal.latest() or keyring.must_build_anew(outside.journal.recall(keyring.STANDING)):
        return keys
    stories = [key.of for key in keys if key.kind == "story"]
    if len(outside.journal.by_code(stories)) < len(stories):
        return keys
    return [key for key in keys if key.kind not in render.LATER]


def last_sheets(outside: Outside, config: Config) -> list[SheetKey]:
    """What follows the text: what was left for later, pages that got pictures, and what is packed fast only."""
    thin = outside.journal.thin() if config.edition.dense else []
    return sorted({*outside.journal.dirty(), *thin})


def forget_look(journal: Journal) -> None:
    """Have every sheet rendered again in the next pass: what is staged may be of another journal."""
    journal.note("look", "")


def replan(outside: Outside, look: Look, rules: cut.Rules, now: datetime) -> None:
    """Mark what must be rendered again because the look, the rules or the run of days changed since the last pass."""
    _replan_look(outside.journal, look)
    _replan_mirrors(outside.journal, look, now)
    _replan_cuts(outside.journal, rules)
    _replan_feeds(outside.journal, look)


def _replan_look(journal: Journal, look: Look) -> None:
    before = json.loads(journal.recall("look") or "{}")
    after = {kind: look.digest(kind) for kind in render.KINDS}
    stale = {kind for kind in render.KINDS if before.get(kind) != after[kind]}
    if not stale:
        return
    marked = {key for key in render.standing(look) if key.kind in stale}
    marked |= {key for kind in stale for key in journal.sheets(kind)}
    # the first pass has marked its stories already, all but the shards of an index that has just got its size
    again = stale if before else stale & {"search"}
    if again:
        marked |= {key for brief in journal.briefs() for key in render.touched(None, brief, look) if key.kind in again}
    journal.mark(marked)
    journal.note("look", json.dumps(after))


def _replan_mirrors(journal: Journal, look: Look, now: datetime) -> None:
    """Young stories name the mirrors, and those that were young when the list last changed must forget the old ones."""
    before = json.loads(journal.recall("mirrors") or '{"urls": [], "since": ""}')
    if before["urls"] == list(look.mirrors):
        return
    first = (now - render.CARRIES - timedelta(days=1)).astimezone(look.tz()).date().isoformat()
    since = min(before["since"] or first, first)
    journal.mark(SheetKey("story", code) for code in journal.codes_since(since))
    journal.note("mirrors", json.dumps({"urls": list(look.mirrors), "since": first}))


def _replan_cuts(journal: Journal, rules: cut.Rules) -> None:
    before = json.loads(journal.recall("rules") or '{"recurring": [], "rest": ""}')
    rest = hashlib.sha256(repr((rules.patterns, rules.keep, rules.hosts)).encode()).hexdigest()
    recurring = sorted(rules.recurring)
    if (before["rest"], before["recurring"]) == (rest, recurring):
        return
    if before["rest"] and before["rest"] != rest:
        journal.mark(retell(journal, (brief.code for brief in journal.briefs())))
    else:
        journal.mark(retell(journal, journal.with_edges(rules.recurring ^ set(before["recurring"]))))
    journal.note("rules", json.dumps({"recurring": recurring, "rest": rest}))


def _replan_feeds(journal: Journal, look: Look) -> None:
    """A day of the feeds names its neighbours, so a day that appears or ends touches those beside it."""
    before = json.loads(journal.recall("days") or "[]")
    after = sorted(journal.tally("day"), reverse=True)[: look.feed_days + 1]
    if before != after:
        journal.mark(feeds.shifted(before, after, look))
        journal.note("days", json.dumps(after))


def _found_languages(journal: Journal, first: str) -> tuple[str, ...]:
    """Languages that have earned a front page; once earned it stays, so that no link to it breaks."""
    earned = set(journal.recall("languages").split())
    found = earned | {lang for lang, stories in journal.tally("lang").items() if stories >= _FEW}
    if found != earned:
        journal.note("languages", " ".join(sorted(found)))
    return (first, *sorted(found - {first}))


def _sections(journal: Journal) -> tuple[Nav, ...]:
    """The sections with most stories, in an order that does not change with every story."""
    stories, labels = journal.tally("section"), journal.labels()
    most = sorted(stories, key=lambda key: (-stories[key], key))[:_MOST_SECTIONS]
    return tuple(
        Nav(key=key, label=labels[key][:_LONGEST_LABEL], lang=key.partition("/")[0])
        for key in sorted(most)
        if labels.get(key, "").strip()
    )


def _search_bits(journal: Journal) -> int:
    """The size of the search index; it only grows, so that it is not made anew again and again at a threshold."""
    before = int(journal.recall("search bits") or 0)
    needed = search.bits_for(sum(journal.tally("lang").values()))
    if needed > before:
        journal.note("search bits", str(needed))
    return max(before, needed)
