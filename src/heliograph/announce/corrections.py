"""Corrections of letters: who was told what, what of it is not so any more, and who is told that.

Rule 1: an editor looks at each before it goes out. Rule 2: it goes to the numbers that the letter went to; where some
went out in smaller batches, each piece of its readers is looked at by itself. Rule 3: a story is corrected when its
version and a word of what was told of it have changed; of one that was withdrawn the code alone is told.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from heliograph.announce import compose
from heliograph.announce.compose import Draft
from heliograph.announce.outbox import batch, readers
from heliograph.announce.planning import At, Plan, is_first, told_by
from heliograph.model import Story
from heliograph.model.code import shown
from heliograph.model.post import WAITING, Entry

Reach = tuple[int, int]  # the numbers of the first and the last subscriber
Lack = tuple[tuple[str, ...], tuple[str, ...]]  # codes of stories that are others now, and of those that are gone


def correct(at: At, ours: Mapping[str, Story], there: frozenset[str], rows: Sequence[Entry]) -> Plan:
    """Plan for the letters of one day.

    ``ours`` are the stories that may be told now, ``there`` the codes that the edition holds, ``rows`` all entries
    about that day in their order.
    """
    desk, size, fresh, changed = _Desk(at, ours, there), at.rules.batch, list[Entry](), list[Entry]()
    mends = sorted(((readers(row.part, size), row) for row in rows if not is_first(row)), key=lambda one: one[0])
    firsts = [reach[0] for reach, _ in mends]
    for letter in (row for row in rows if is_first(row) and row.state == "posted" and row.remotes):
        whole = readers(letter.part, size)
        mine = mends[bisect_left(firsts, whole[0]) : bisect_right(firsts, whole[1])]
        for piece in _pieces(whole, [reach for reach, _ in mine]):
            had = sorted(
                (row for reach, row in mine if reach[0] <= piece[0] and piece[1] <= reach[1]), key=lambda row: row.id
            )
            part = letter.part if piece == whole else batch(piece[0], piece[1] - piece[0] + 1)
            plan = desk.plan(letter, part, had)
            fresh += plan.fresh
            changed += plan.changed
    return Plan(fresh=tuple(fresh), changed=tuple(changed))


def _pieces(whole: Reach, parts: Sequence[Reach]) -> list[Reach]:
    """The readers of a letter, cut where the parts of former corrections begin."""
    cuts = sorted({whole[0], *(first for first, _ in parts)})
    return list(zip(cuts, (*(cut - 1 for cut in cuts[1:]), whole[1]), strict=True))


@dataclass
class _Desk:
    """Writes corrections; what many batches have in common is worked out once."""

    at: At
    ours: Mapping[str, Story]
    there: frozenset[str]
    lacks: dict[tuple[str, ...], Lack] = field(default_factory=dict)
    drafts: dict[Lack, Draft] = field(default_factory=dict)
    digests: dict[str, frozenset[str]] = field(default_factory=dict)

    def plan(self, letter: Entry, part: int, had: Sequence[Entry]) -> Plan:
        """For one piece of a letter's readers; ``had`` are the corrections that were planned for them."""
        last = had[-1] if had else letter
        if last.state in ("sending", "unknown") or (last.by_hand and last.state in WAITING):
            return Plan()
        waits = last if last.state in WAITING else None
        said = [row for row in had if row.state == "posted" or (row.state == "dropped" and row.by_hand)]
        base = said[-1] if said else letter
        lack = self._lack(base)
        if lack == ((), ()):
            why = "there is nothing to correct any more"
            return Plan(changed=(self.at.dropped(waits, why),)) if waits else Plan()
        draft = self._draft(lack, date.fromisoformat(letter.topic.of))
        now = {one.partition(":")[0]: one for one in (*base.message.tells, *draft.message.tells)}
        tells = tuple(one for code, one in now.items() if code in self.there)
        # the newest of the thread: so the same words said once more are another mail
        sent = [letter, *(row for row in said if row.state == "posted" and row.remotes)]
        message = replace(draft.message, tells=tells, replies_to=sent[-1].remotes[0])
        why = f"a correction of {', '.join(map(shown, (*lack[0], *lack[1])))}: a letter cannot be edited"
        if waits:
            same = (waits.digest, waits.message.tells) == (draft.digest, tells)
            return Plan() if same else Plan(changed=(replace(waits, message=message, digest=draft.digest, note=why),))
        version = 1 + max((row.version for row in had), default=letter.version)
        entry = self.at.entry(letter.topic, None, draft, version=version, part=part, state="held", urgent=True)
        return Plan(fresh=(replace(entry, message=message, note=why),))

    def _lack(self, base: Entry) -> Lack:
        """What was told, and is not so any more."""
        tells = base.message.tells
        if tells not in self.lacks:
            told = told_by(base)
            newer = (
                code
                for code, one in told.items()
                if code in self.ours and self.ours[code].version > one.version and one.digest not in self._digests(code)
            )
            self.lacks[tells] = tuple(newer), tuple(code for code in told if code not in self.there)
        return self.lacks[tells]

    def _digests(self, code: str) -> frozenset[str]:
        if code not in self.digests:
            self.digests[code] = frozenset(compose.told_digest(self.ours[code], whole=one) for one in (False, True))
        return self.digests[code]

    def _draft(self, lack: Lack, when: date) -> Draft:
        if lack not in self.drafts:
            newer = [self.ours[code] for code in lack[0]]
            self.drafts[lack] = compose.mended(newer, lack[1], when, self.at.rules, self.at.facts, self.at.speaks)
        return self.drafts[lack]
