"""Boilerplate: what is cut out of a story when it is shown. The story itself is kept whole.

Two ways to know it. *It recurs*: a block at the edge of many of the site's stories is furniture. *It gives itself away*
(``cues``): for a site of which there are few stories yet.

Rule 1: by recurrence a run of blocks at the head and at the tail is cut, and in between only a block that also carries
a call to the reader. Rule 2: by cues only a run at the tail is cut, all of it or nothing: at most ``MOST_BLOCKS``
blocks and ``MOST_SHARE`` of the text. Rule 3: the operator's patterns cut anywhere, ``keep`` is never cut. Rule 4: what
recurs never empties a story. Rule 5: cutting twice is cutting once, so every test looks at a block's own words and not
at its place; and every cut is told.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from heliograph.capture import cues
from heliograph.model import Block, Cut, Heading, Listing, Paragraph, Problem, Quote, Rule, Run, Story, plain_text

LEAST = 5  # stories: headings such as "What is known" come twice or three times by chance, furniture does not stop
SHARE = 0.10  # of all stories: a notice put up last year is on a tenth of them soon; a series' standing line is not
HEAD, TAIL = 3, 6  # text blocks at the edges that are counted: furniture stands there, and counting all would cost
MOST_BLOCKS = 4  # cut by cues at the tail
MOST_SHARE = 0.30  # of a story's text, cut by cues
MOST_COUNTED = 1_500  # characters of a block that is counted; longer ones are text
_SHOWN = 300  # characters of a cut that is told
_PATTERN = 1_000  # characters of an operator's pattern

# What a fingerprint leaves out: marks beyond ASCII, then all of ASCII that is no letter.
_MARKS = "«»“”„’–—…\u00a0"
_NO_LETTERS = bytes(byte for byte in range(128) if not chr(byte).isalpha())
_WORD = re.compile(r"[^\W\d_]+")
_URL = re.compile(r"(?:https?://|www\.)\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What counts as boilerplate on one site."""

    recurring: frozenset[str] = frozenset()  # fingerprints
    patterns: tuple[re.Pattern[str], ...] = ()  # the operator's: cut wherever they match
    hosts: tuple[str, ...] = ()  # known hosts of the site's mirrors, lower case
    keep: tuple[re.Pattern[str], ...] = ()  # the operator's: what matches is never cut


def rules(
    *,
    recurring: frozenset[str] = frozenset(),
    patterns: Sequence[str] = (),
    keep: Sequence[str] = (),
    hosts: Sequence[str] = (),
) -> tuple[Rules, tuple[Problem, ...]]:
    """The rules from what the journal counted and the operator wrote, and what is wrong with the latter."""
    cutting, bad = parse_patterns(patterns)
    keeping, worse = parse_patterns(keep, "[capture.cut] keep")
    known = tuple(host.strip().lower() for host in hosts if host.strip())
    return Rules(recurring=recurring, patterns=cutting, keep=keeping, hosts=known), (*bad, *worse)


def parse_patterns(
    patterns: Sequence[str], field: str = "[capture.cut] patterns"
) -> tuple[tuple[re.Pattern[str], ...], tuple[Problem, ...]]:
    """Compiled patterns, and a Problem that names the field for each that cannot be used."""
    good: list[re.Pattern[str]] = []
    problems: list[Problem] = []
    for place, pattern in enumerate(patterns):
        where = f"{field}[{place}]"
        try:
            compiled = re.compile(pattern[:_PATTERN], re.IGNORECASE)
        except (re.error, RecursionError, OverflowError) as error:
            remedy = "write it as a regular expression, with \\ before . ? * + ( ) [ ] that are meant as themselves"
            problems.append(Problem(where=where, what=f"{pattern[:80]!r} is no pattern: {error}", remedy=remedy))
            continue
        if compiled.search(""):
            what, remedy = f"{pattern[:80]!r} matches every text", "name words that the block must hold"
            problems.append(Problem(where=where, what=what, remedy=remedy))
        else:
            good.append(compiled)
    return tuple(good), tuple(problems)


# ---------------------------------------------------------------- what recurs


def edges(story: Story) -> tuple[str, ...]:
    """Fingerprints of the blocks that may be furniture, for the journal to count in how many stories each stands."""
    found: dict[str, None] = {}
    spoken = [(block, text) for block in story.blocks if (text := _text(block))]
    for place, (block, text) in enumerate(spoken):
        at_edge = place < HEAD or place >= len(spoken) - TAIL
        if (at_edge or cues.may_be_promotional(text, _hrefs(block))) and (mark := fingerprint(text)):
            found[mark] = None
    return tuple(found)


def recurring(counts: Mapping[str, int], total: int) -> frozenset[str]:
    """The fingerprints that stand in so many of ``total`` stories that they are furniture."""
    least = max(LEAST, SHARE * total)
    return frozenset(mark for mark, count in counts.items() if count >= least)


def fingerprint(text: str) -> str:
    """16 hex characters that do not change with case, digits, URLs, spaces, dashes and quotes; "" for plain text.

    The first four are its first word's, so that most blocks are told apart without being read.
    """
    first = _first_word(text)
    if not first:
        return ""
    low = text.lower()
    if "://" in low or "www." in low:
        low = _URL.sub("", low)
    for mark in _MARKS:
        low = low.replace(mark, "")
    letters = low.encode("utf-8", "replace").translate(None, _NO_LETTERS)
    return first + hashlib.blake2b(letters, digest_size=6).hexdigest()


def _first_word(text: str) -> str:
    """Four hex characters of the first word; "" for a text without a letter, and for one too long to be furniture."""
    found = _WORD.search(text) if len(text) <= MOST_COUNTED else None
    return f"{zlib.crc32(found[0].lower().encode('utf-8', 'replace')) & 0xFFFF:04x}" if found else ""


@functools.lru_cache(maxsize=16)
def _first_words(marks: frozenset[str]) -> frozenset[str]:
    return frozenset(mark[:4] for mark in marks)


# ---------------------------------------------------------------- the cut


class _Spoken:
    """A block that has text. What it costs something to find out is found out when it is asked, once."""

    __slots__ = ("_call", "_kept", "_recurs", "block", "place", "rules", "text")

    def __init__(self, place: int, block: Block, text: str, rules: Rules) -> None:
        self.place, self.block, self.text, self.rules = place, block, text, rules
        self._kept: bool | None = None
        self._recurs: bool | None = None
        self._call: cues.Call | Literal["?"] | None = "?"

    @property
    def kept(self) -> bool:
        if self._kept is None:
            self._kept = any(pattern.search(self.text) for pattern in self.rules.keep)
        return self._kept

    @property
    def recurs(self) -> bool:
        if self._recurs is None:
            known = self.rules.recurring
            may = bool(known) and _first_word(self.text) in _first_words(known)
            self._recurs = may and fingerprint(self.text) in known and not self.kept
        return self._recurs

    @property
    def call(self) -> cues.Call | None:
        if self._call == "?":
            # A quotation is somebody else's speech, whatever it asks for.
            mute = self.kept or isinstance(self.block, Quote)
            self._call = None if mute else cues.calls(self.text, _hrefs(self.block), self.rules.hosts)
        return self._call

    @property
    def is_label(self) -> bool:
        return isinstance(self.block, Paragraph | Heading) and cues.is_label(self.text) and not self.kept


def cut(story: Story, rules: Rules) -> tuple[Story, tuple[Cut, ...]]:
    """``story`` without its boilerplate, and what was cut."""
    spoken = [_Spoken(place, block, text, rules) for place, block in enumerate(story.blocks) if (text := _text(block))]
    reasons: dict[int, str] = {}
    if rules.patterns:
        matched = [one for one in spoken if not one.kept and any(p.search(one.text) for p in rules.patterns)]
        reasons = {one.place: "pattern" for one in matched}
        spoken = [one for one in spoken if one.place not in reasons]
    found = _recurring(spoken) if rules.recurring else {}
    rest = [one for one in spoken if one.place not in found]
    if rest:  # what recurs never empties a story
        reasons |= found
        reasons |= _tail(story, rest)
    if not reasons:
        return story, ()
    cuts = tuple(
        Cut(url=story.url, text=_text(story.blocks[place])[:_SHOWN], reason=reasons[place]) for place in sorted(reasons)
    )
    return replace(story, blocks=_without(story.blocks, reasons)), cuts


def _recurring(spoken: Sequence[_Spoken]) -> dict[int, str]:
    """Recurring blocks that carry a call wherever they stand, then the runs of recurring ones at head and tail."""
    found = {one.place for one in spoken if one.recurs and cues.is_promotional(one.text, _hrefs(one.block))}
    rest = [one for one in spoken if one.place not in found]
    for run in (rest, rest[::-1]):
        found.update(one.place for one in itertools.takewhile(lambda one: one.recurs, run))
    return dict.fromkeys(found, "recurs")


def _tail(story: Story, spoken: Sequence[_Spoken]) -> dict[int, str]:
    """The run of notices and labels at the end, if it is short enough to be nothing else."""
    run: list[tuple[_Spoken, str]] = []
    pending: list[_Spoken] = []  # blocks of links alone, furniture only if a label stands before them
    for one in reversed(spoken):
        if one.is_label:
            run += [(link, "label") for link in pending]
            pending = []
            run.append((one, "label"))
        elif not pending and one.recurs:
            run.append((one, "recurs"))
        elif not pending and _is_notice(story, one, spoken):
            run.append((one, "tail notice"))
        elif _is_links(one.block) and not one.kept and len(pending) < MOST_BLOCKS:
            pending.append(one)
        else:
            break
    cued = [one for one, reason in run if reason != "recurs"]
    length = sum(len(one.text) for one in cued)
    if len(cued) > MOST_BLOCKS or length > MOST_SHARE * sum(len(one.text) for one in spoken) or len(run) == len(spoken):
        return {}
    return {one.place: reason for one, reason in run}


def _is_notice(story: Story, one: _Spoken, spoken: Sequence[_Spoken]) -> bool:
    """Whether a block calls on the reader; where the story is about such things, only if the newsroom shows itself."""
    call = one.call
    if call is None or call.sure:
        return call is not None
    if cues.is_about(f"{story.title}\n{story.lead}"):
        return False
    # Blocks that may be cut themselves do not count, else a second cut would judge otherwise than the first.
    others = (o for o in spoken if not (o.recurs or o.call or o.is_label or _is_links(o.block)))
    return not call.tool or not any(cues.mentions_tool(other.text) for other in others)


def _is_links(block: Block) -> bool:
    """Whether all text of a block is links."""
    runs = [run for run in _runs(block) if run.text.strip()]
    return bool(runs) and all(run.href for run in runs)


def _without(blocks: Sequence[Block], cut_out: Mapping[int, str]) -> tuple[Block, ...]:
    """The blocks that stay; a break before or after which nothing stands any more goes too."""
    left = [block for place, block in enumerate(blocks) if place not in cut_out]
    while left and isinstance(left[-1], Rule) and not isinstance(blocks[-1], Rule):
        left.pop()
    while left and isinstance(left[0], Rule) and not isinstance(blocks[0], Rule):
        left.pop(0)
    return tuple(left)


# ---------------------------------------------------------------- blocks


def _runs(block: Block) -> Iterator[Run]:
    match block:
        case Paragraph(runs=runs) | Heading(runs=runs) | Quote(runs=runs):
            yield from runs
        case Listing(items=items):
            for item in items:
                yield from item
        case _:
            pass


def _text(block: Block) -> str:
    """The text of a block that may be furniture; tables are not."""
    if isinstance(block, Paragraph | Heading | Quote):
        runs = block.runs
        return (runs[0].text if len(runs) == 1 else plain_text(runs)).strip()
    if isinstance(block, Listing):
        return "\n".join(plain_text(item) for item in block.items).strip()
    return ""


def _hrefs(block: Block) -> tuple[str, ...]:
    return tuple(run.href.lower() for run in _runs(block) if run.href)
