"""Stories, days and addresses as messages of each kind of channel, within its limits.

Rule 1: a message carries the news; the link comes last, and the post is whole without it. Rule 2: every message says
where to go on: the story's code, and an address that works now. Rule 3: what matters of a message (``Draft.core``) is
told apart from what only dates it, so that a new address is no reason to edit every post.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from html import escape
from typing import Literal

from heliograph.announce.carousel import carousel
from heliograph.announce.prose import Prose, bold, code_line, plain, unmarked
from heliograph.announce.rich import rich
from heliograph.announce.rules import Facts, Rules
from heliograph.announce.text import Measure, clean, fit, pack
from heliograph.model import Story
from heliograph.model.code import shown
from heliograph.model.post import Card, Message
from heliograph.model.words import Words

Label = Literal["", "breaking", "correction"]
Speaks = Callable[[str], Words]  # the words of a language

_FOOT = 700  # characters that a foot may take
_LINK = 300  # of them, at most, for a link
_TITLE = 300  # characters of a title
_LEAD = 800
_LINES = 10  # of a day
_SHORT = 1_500  # characters of a story that a caption holds whole, so that it needs no further pictures
_TOLD = 4  # addresses in one post
_DIGITS = 12  # hex digits that tell two texts of one story apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message, and what of it matters."""

    message: Message
    core: str

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of what matters."""
        return sha256(self.core.encode()).hexdigest()


def story(
    story: Story, rules: Rules, facts: Facts, speaks: Speaks, *, label: Label = "", parts: int = 0
) -> tuple[Draft, ...]:
    """What one story is on this channel, in order; at most ``parts`` messages, if that is given."""
    words = speaks(story.lang)
    prose = Prose(story, facts.own)
    said = {"": "", "breaking": words("Breaking news"), "correction": words("Correction")}[label]
    title = fit(f"{said}. {prose.title}" if said else prose.title, _TITLE)
    foot = _foot(story.code, facts, words)
    if rules.kind == "telegram":
        return _telegram(story, prose, title, foot, rules, facts, said, speaks, parts or rules.parts)
    whole = [fit(prose.lead, _LEAD), *(plain(one) for one in prose.body)]
    by_mail = rules.kind == "mail"
    text = _told(title, whole, f"{foot}\n\n{_ends(words)}" if by_mail else foot, rules.traits.text, words)
    message = Message(
        text=text,
        lang=story.lang,
        subject=title,
        link=facts.link(story.code),
        cards=_slides(story, prose, said, facts, rules) if rules.traits.pictures else (),
        attached=story.code if by_mail else "",
    )
    return (Draft(message=message, core=f"{title}\n{whole}"),)


def _telegram(
    story: Story, prose: Prose, title: str, foot: str, rules: Rules, facts: Facts, said: str, speaks: Speaks, parts: int
) -> tuple[Draft, ...]:
    if rules.rich:
        link, more = facts.link(story.code), speaks(story.lang)("Read on")
        text, core = rich(story, prose, title, foot, link if link in foot else "", more)
        message = Message(text=text, html=True, rich=True, lang=story.lang, link=link)
        return (Draft(message=message, core=core),)
    measure = unmarked(rules.traits.measure)
    paragraphs = [bold(title), fit(prose.lead, _LEAD), *prose.body]
    full, last = rules.traits.text, rules.traits.text - _FOOT
    made, all_of_it = list[str](), False
    for count in range(1, parts + 1):
        rooms = [full] * (count - 1) + [last]
        if rules.pictures:
            rooms = [rules.traits.caption - _FOOT if count == 1 else rules.traits.caption, *rooms[1:]]
        made, all_of_it = pack(paragraphs, rooms, measure)
        if all_of_it and len(made) < count and measure(made[-1]) > last:  # there the foot finds no room
            made, all_of_it = pack(paragraphs, [min(room, last) for room in rooms], measure)
        if all_of_it:
            break
    if not all_of_it:
        foot = f"{speaks(story.lang)('Read on')} ↓\n{foot}"
    texts = prose.html(made)
    drafts = []
    card = _card(story, prose.title, said, facts)
    for place, text in enumerate(texts):
        is_last = place == len(texts) - 1
        shown_text = f"{text}\n\n{escape(foot, quote=False)}" if is_last else text
        cards = (card,) if rules.pictures and place == 0 else ()
        message = Message(text=shown_text, html=True, lang=story.lang, link=facts.link(story.code), cards=cards)
        drafts.append(Draft(message=message, core=text))
    return tuple(drafts)


def _told(title: str, paragraphs: Sequence[str], foot: str, limit: int, words: Words) -> str:
    """Title, text and foot within ``limit``; where the text is cut, it says so."""
    room = limit - len(foot) - 4
    made, all_of_it = pack([title, *paragraphs], [room])
    if not all_of_it:
        more = words("Read on")
        made, _ = pack([title, *paragraphs], [room - len(more) - 4])
        made.append(f"{more} ↓")
    return "\n\n".join((*made, foot))


def _foot(code: str, facts: Facts, words: Words) -> str:
    said = code_line(code, words)
    link = facts.link(code)
    return f"{said}\n{link}" if link and len(link) <= _LINK else said


def _card(story: Story, title: str, said: str, facts: Facts) -> Card:
    label = said or clean(story.section, lines=False)
    foot = f"{facts.title} · {shown(story.code)}"
    return Card(title=fit(title, _TITLE), label=label[:60], foot=foot, lang=story.lang, alt=fit(title, _TITLE))


def _slides(story: Story, prose: Prose, said: str, facts: Facts, rules: Rules) -> tuple[Card, ...]:
    """The headline, the text after it as far as there are slides, and where to read on."""
    text = [fit(prose.lead, _LEAD), *(plain(one) for one in prose.body)]
    short = sum(map(len, text)) <= _SHORT
    head = _card(story, prose.title, said, facts)
    return carousel(head, text, code=story.code, link=facts.link(story.code), most=1 if short else rules.slides)


def withdrawn(rules: Rules, code: str, speaks: Speaks, lang: str) -> Draft:
    """What stands in place of a story that was withdrawn, where it cannot be deleted."""
    words = speaks(lang)
    text = _notice(code, words)
    html = rules.kind == "telegram"
    subject = words("This story was withdrawn.")
    return Draft(message=Message(text=text, html=html, lang=lang, subject=subject), core=text)


def day(stories: Sequence[Story], when: date, rules: Rules, facts: Facts, speaks: Speaks) -> Draft:
    """The day in ten lines; by mail each story follows whole. Without a story: its heading and the addresses."""
    words, measure = speaks(rules.voice), rules.traits.measure
    by_mail = rules.kind == "mail"
    head = f"{facts.title}, {words.day(when)}"
    foot = _addresses(facts, words)
    if by_mail:
        foot += f"\n\n{_ends(words)}"
    room = rules.traits.text - _FOOT * 2 - len(head)
    lines = [f"• {fit(clean(one.title, lines=False), _TITLE)} ({shown(one.code)})" for one in stories[:_LINES]]
    named = _fitting(lines, room, measure, "\n")  # a line whole or not at all: half a headline bears no code
    text, told = "\n".join(lines[at] for at in named), [(stories[at], False) for at in named]
    if by_mail:
        bodies = ["\n\n".join(_in_a_letter(one, facts, words)) for one in stories]
        whole = _fitting([text, *bodies], room, measure, "\n\n")[1:]
        text = "\n\n".join((text, *(bodies[at - 1] for at in whole)))
        told += [(stories[at - 1], True) for at in whole]
    html = rules.kind == "telegram"
    said = [f"<b>{escape(head, quote=False)}</b>", *(escape(one, quote=False) for one in (text, foot))]
    cards = (Card(title=head, text=text, lang=rules.voice, alt=head),) if rules.traits.pictures else ()
    tells = {one.code: tell(one, whole=whole) for one, whole in told}
    message = Message(
        text="\n\n".join(filter(None, said if html else (head, text, foot))),
        html=html,
        lang=rules.voice,
        subject=head,
        cards=cards,
        attached=" ".join((when.isoformat(), *tells)) if by_mail else "",
        tells=tuple(tells.values()),
    )
    return Draft(message=message, core=f"{head}\n{text}")


def mended(
    newer: Sequence[Story], gone: Sequence[str], when: date, rules: Rules, facts: Facts, speaks: Speaks
) -> Draft:
    """A mail after a letter of that day: the codes of what was withdrawn, and stories as they are now.

    Of what was withdrawn it says no more than its code: often a headline is what does the harm. A story that finds no
    room is left for another mail, but for one that would find none there either: that one is cut.
    """
    words, measure = speaks(rules.voice), rules.traits.measure
    said = f"{words('Correction')}." if newer else words("This story was withdrawn.")
    head = f"{said} {facts.title}, {words.day(when)}"
    room = rules.traits.text - _FOOT * 2 - len(head)
    first = "\n\n".join(_notice(one, words) for one in gone)
    bodies = ["\n\n".join(_in_a_letter(one, facts, words)) for one in newer]
    told = [at - 1 for at in _fitting([first, *bodies], room, measure, "\n\n")[1:]] or [0][: len(newer)]
    text = "".join(pack([first, *(bodies[at] for at in told)], [room], measure)[0])
    message = Message(
        text=f"{head}\n\n{text}\n\n{_addresses(facts, words)}\n\n{_ends(words)}",
        lang=rules.voice,
        subject=head,
        tells=tuple(tell(newer[at], whole=True) for at in told),
    )
    return Draft(message=message, core=f"{head}\n{text}")


def _fitting(pieces: Sequence[str], room: int, measure: Measure, gap: str) -> list[int]:
    """Which of these find room together, from the first on; the first is always among them, if there is one."""
    found, left = list[int](), room
    for at, piece in enumerate(pieces):
        size = measure(piece) + (measure(gap) if found else 0)
        if size <= left or not found:
            found.append(at)
            left -= size
    return found


def tell(story: Story, *, whole: bool) -> str:
    """One of ``Message.tells``: the story's code, its version, and a digest of what is told of it."""
    return f"{story.code}:{story.version}:{told_digest(story, whole=whole)}"


def told_digest(story: Story, *, whole: bool) -> str:
    """Of its headline, or of all of it; labels, links and what else the newsroom's settings change are no part."""
    prose = Prose(story, frozenset())
    texts = (prose.title, prose.lead, *map(plain, prose.body)) if whole else (prose.title,)
    return sha256("\n".join(texts).encode()).hexdigest()[:_DIGITS]


def _in_a_letter(story: Story, facts: Facts, words: Words) -> list[str]:
    """A story whole, paragraph by paragraph."""
    prose = Prose(story, facts.own)
    title = f"{prose.title}\n{'=' * min(60, len(prose.title))}"
    return [one for one in (title, prose.lead, *map(plain, prose.body), code_line(story.code, words)) if one]


def _notice(code: str, words: Words) -> str:
    return f"{words('This story was withdrawn.')}\n{code_line(code, words)}"


def where(rules: Rules, facts: Facts, speaks: Speaks) -> Draft:
    """Where to read the newsroom now. Its addresses are what matters of it."""
    words = speaks(rules.voice)
    head = f"{facts.title}: {words('Where to read us now')}"
    text = _addresses(facts, words, headed=False)
    html = rules.kind == "telegram"
    first = f"<b>{escape(head, quote=False)}</b>" if html else head
    codes = tuple(address for address in facts.mirrors[:3])
    traits = rules.traits
    cards = (Card(title=head, codes=codes, lang=rules.voice, alt=head),) if traits.pictures else ()
    said = fit(text, traits.text - len(head) - 4, traits.measure)
    message = Message(
        text=f"{first}\n\n{escape(said, quote=False) if html else said}",
        html=html,
        lang=rules.voice,
        subject=head,
        link=facts.mirrors[0] if facts.mirrors else "",
        cards=cards,
        pin=True,
    )
    return Draft(message=message, core=text)


def _addresses(facts: Facts, words: Words, *, headed: bool = True) -> str:
    """The addresses, how a story is found by its code, and other ways."""
    lines = [words("Where to read us now") + ":"] if headed and facts.mirrors else []
    lines += facts.mirrors[:_TOLD]
    if facts.ways:
        lines += ["", words("Other ways to read us:"), *(f"{clean(name)}: {url}" for name, url in facts.ways[:_TOLD])]
    path = "a/7k3vq2m.html"
    lines += ["", words("To read a story, add its code to an address, such as {path}", path=path)]
    return "\n".join(lines).strip()


def _ends(words: Words) -> str:
    """How a subscriber ends it."""
    return words("You get this because you asked for it. To end it, answer with the word “unsubscribe”.")
