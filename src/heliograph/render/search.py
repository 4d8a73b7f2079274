"""Search without a server: an index cut into small files, and a page whose script asks for few of them.

Rule 1: a *term* is the first four letters of a word of title, tags and bylines, or of a name in the lead, folded
(``fold``); its 32-bit FNV-1a hash is the same here and in ``search.js``. A shard holds the stories whose terms fall
into one of 2 ** bits equal ranges of hashes.
Rule 2: work grows with the change. The file of a shard, ``a/s/<bits>/<shard>.json``, holds its newest stories, as many
as fit; older ones lie in groups of ``GROUP`` counted from the *oldest*, ``<shard>.<group>.json``, so that a new story
leaves full groups as they are. A reader sees a story twice in two files at most, and the script shows it once.
Rule 3: words that nearly every story has are no terms, and a shard goes back ``REACH`` stories; what is older is
found by day and by section.
Rule 4: the page does not ask before the reader does, never has two requests under way, and asks for a word's older
stories only on request. It works without a script as a list of ways: days and sections.

A file is JSON: ``{"n": next group or -1, "e": [[code, day, lang, title, terms], ...]}``, newest first; the terms are
those of this shard that the title does not show. The oldest group may name one that is out of reach and not there.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.resources
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from heliograph.model.edition import Brief, File, Material, Select, SheetKey, Want
from heliograph.model.words import interface
from heliograph.render import blocks, encode
from heliograph.render.look import Look
from heliograph.render.packer import BudgetError, Piece, fill
from heliograph.render.style import style
from heliograph.render.templating import markup, template

STEM = 4  # letters of a word that count: endings of inflected words fall off
SHORTEST = 3  # letters of a word worth finding
GROUP = 48  # stories in a file that no longer changes
REACH = 480  # newest stories of a shard that can be found
MOST_BITS = 16
_PAGE = "a/search.html"
_HEAD = 120  # stories at most that are tried in a shard's first file
_PER_SHARD = 80  # stories at most in a mean shard: about the budget, so that most queries are one request
_TERMS_A_STORY = 13  # mean on news in Russian, Ukrainian and English
_TITLES = (140, 60, 24, 8)  # characters of a title, shortened where a file would grow too large
_LONGEST = 2_000  # characters of one field of a story that are looked at
_WORD = re.compile(rf"[^\W_]{{{SHORTEST},}}")
_APOSTROPHES = "\u0027\u0060\u00b4\u02b9\u02bc\u2018\u2019\u200c\u200d"
_APOSTROPHE = re.compile(f"[{_APOSTROPHES}]")
# Letters that decomposition leaves apart, though people type one for the other: dotless i, ghe with upturn, and the
# Arabic yeh and kaf of keyboards that lack the Persian ones.
_ALIKE = (("ı", "i"), ("ґ", "г"), ("ي", "ی"), ("ك", "ک"))
# Words without a subject: they would lead to a third of all stories.
_EMPTY_WORDS = """
    что как это для его она они при над под был была было были который которая которое которые которых чтобы после
    перед также если уже еще или без все всех него этом этого этой того тому том году года годы более можно когда через
    между среди себя свои свое свою своего наш наши нас вас вам нам так только пока где кто чем тем ним них ней есть
    що щоб про від або які який яка яке яких його вона вони воно після під над був була було були коли якщо вже ще без
    все всі цього цей цьому року роки між серед себе свої свою свого також тому там так тільки поки для при через має
    можна the and for with from that this was were has have had not are but its his her their they will would about
    after into over who what when where which while been more most than also said says can could out off all new one
    two ile içün dep edi eken olğa olar oldu bile onu onıñ onen kibi dahi daa amma ama bir bar yoq son soñ evel
    این است برای های شده کرد کرده خود بود دارد گفت باید هستند نیز پیش اما اگر یک آنها می‌شود می‌کند شود کند
"""
_CASELESS = 8  # words of a lead without capitals that are taken for its names
_MOST_TERMS = 64  # of one story: a source may give it a thousand tags


def terms(brief: Brief) -> frozenset[int]:
    """The hashes of all terms under which the story is to be found."""
    return frozenset(term.hash for term in _terms(brief.title, brief.lead, brief.tags, brief.bylines))


def bits_for(stories: int) -> int:
    """How many bits of a term's hash name its shard, so that a mean shard takes half the budget to all of it.

    It grows by one as the number of stories doubles: only then is the whole index made anew.
    """
    return min(max(0, (stories * _TERMS_A_STORY // _PER_SHARD).bit_length()), MOST_BITS)


def want(key: SheetKey, look: Look) -> Want:
    """The newest stories of a shard and how many there are in all; the page itself needs nothing."""
    if key.kind != "search":
        return Want()
    found = Select(terms=_range(key.of, look))
    return Want(briefs=replace(found, newest=REACH), tally="lang", tally_of=found)


def shard(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """The files of the shard whose number ``key.of`` is in hex; none where no story has a term in it."""
    stories = material.briefs
    if not stories:
        return ()
    total = max(sum(material.tally.values()), len(stories))
    path = f"a/s/{look.search_bits}/{key.of}.json"
    entries = [_Entry.of(brief, _range(key.of, look)) for brief in stories]
    oldest = total - len(stories)  # places are counted from the oldest story of the shard, found or not
    first = -(-oldest // GROUP)  # the oldest group of which every story is known
    head, shown = _head(path, entries, total, first)
    files = [head]
    for number in range((total - shown - 1) // GROUP, first - 1, -1) if shown < len(stories) else ():
        start = total - (number + 1) * GROUP
        files.append(_group(path, entries[start : start + GROUP], number))
    return tuple(encode.denser(made) for made in files) if dense else tuple(files)


def page(material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """The search page of the edition; it leaves other channels' names out where they would make it too large."""
    said = interface(look.lang, look.lang)
    for shown in (look, replace(look, links=())):
        content = template("search.html").render(
            look=shown,
            words=said,
            up="",
            home="../index.html",
            title=f"{said('Search')} · {look.title}",
            css=style(look, frozenset(["list"]), rtl=said.rtl),
            policy=content_policy(),
            script=markup(script()),
        )
        made = encode.attempt(_PAGE, content.encode("utf-8", "replace"), rescue=True).file
        if made:
            return ((encode.denser(made) if dense else made),)
    raise BudgetError("the search page is too large", where=_PAGE, remedy="Name fewer sections in the navigation.")


@functools.cache
def script() -> str:
    """The page's one script as it travels: without comments, indentation and empty lines."""
    source = importlib.resources.files("heliograph.render").joinpath("search.js").read_text("utf-8")
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def script_hash() -> str:
    """What a Content-Security-Policy calls the script: "sha256-..."."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()


def content_policy() -> str:
    """The Content-Security-Policy of the search page: its own script may ask its own mirror, and nothing else."""
    return (
        f"default-src 'none';connect-src 'self';script-src '{script_hash()}';style-src 'unsafe-inline';"
        "img-src data:;base-uri 'none'"
    )


def fold(text: str) -> str:
    """``text`` as it is compared: lower case, without accents, diaereses and apostrophes."""
    plain = text.lower()
    if plain.isascii():
        return _APOSTROPHE.sub("", plain)
    plain = _marks().sub("", unicodedata.normalize("NFD", plain))
    for typed, meant in _ALIKE:
        plain = plain.replace(typed, meant)
    return plain


@functools.cache
def _marks() -> re.Pattern[str]:
    """Combining marks and what people type for an apostrophe; those of the basic plane, for the sake of speed."""
    marks = (chr(point) for point in range(0x300, 0x10000) if unicodedata.category(chr(point)).startswith("M"))
    return re.compile(f"[{''.join(marks)}{_APOSTROPHES}]")


def term_hash(stem: str) -> int:
    """32-bit FNV-1a of a term's UTF-8."""
    value = 0x811C9DC5
    for byte in stem.encode("utf-8", "replace"):
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


class _Term(NamedTuple):
    hash: int
    stem: str
    titled: bool  # the title shows it


@functools.lru_cache(maxsize=4_096)  # each story is in a dozen shards
def _terms(title: str, lead: str, tags: tuple[str, ...], bylines: tuple[str, ...]) -> tuple[_Term, ...]:
    """The terms of a story, those of its title first; at most ``_MOST_TERMS``."""
    rest = " ".join((*tags[:50], *bylines[:20], *_names(lead[:_LONGEST])))
    titled = dict.fromkeys(_stems(title), True)
    found = titled | {stem: False for stem in _stems(rest) if stem not in titled}
    return tuple(_Term(term_hash(stem), stem, where) for stem, where in list(found.items())[:_MOST_TERMS])


def words(text: str) -> list[str]:
    """The folded words of ``text`` that are long enough to be found."""
    return _WORD.findall(fold(text[:_LONGEST]))


def _stems(text: str) -> list[str]:
    empty = _empty_words()
    return [word[:STEM] for word in words(text) if word not in empty]


@functools.cache
def _empty_words() -> frozenset[str]:
    return frozenset(fold(word) for word in _EMPTY_WORDS.split())


def _names(lead: str) -> list[str]:
    """The words of a lead by which people look for a story: names, numbers, and what opens a sentence.

    All of its words would double the index. A script without capitals gives its first few words instead.
    """
    said = lead.split()
    names = [word for word in said if word != word.lower() or word[0].isdigit()]
    return names if names or lead != lead.upper() else said[:_CASELESS]


def _range(shard: str, look: Look) -> tuple[int, int]:
    """The half-open range of hashes of a shard."""
    width = 32 - look.search_bits
    return int(shard, 16) << width, int(shard, 16) + 1 << width


@dataclass(frozen=True, slots=True)
class _Entry:
    """A story in a shard; ``terms`` are those within the shard's range that the title does not show."""

    brief: Brief
    terms: tuple[str, ...]

    @classmethod
    def of(cls, brief: Brief, within: tuple[int, int]) -> _Entry:
        low, high = within
        found = _terms(brief.title, brief.lead, brief.tags, brief.bylines)
        return cls(brief, tuple(term.stem for term in found if low <= term.hash < high and not term.titled))

    def text(self, longest: int) -> str:
        title = blocks.clipped(self.brief.title, longest)
        fields = [self.brief.code, self.brief.day, self.brief.lang, title, " ".join(self.terms)[:longest]]
        return json.dumps(fields if fields[-1] else fields[:-1], ensure_ascii=False, separators=(",", ":"))


def _head(path: str, entries: Sequence[_Entry], total: int, first: int) -> tuple[File, int]:
    """A shard's first file and how many stories it has: as many as fit, and at least those in no full group yet."""

    def content(texts: Sequence[str]) -> str:
        number = (total - len(texts) - 1) // GROUP
        return _json(texts, number if number >= first else -1)

    least = min(total % GROUP, len(entries))
    for longest in _TITLES:
        pieces = [Piece(entry.text(longest)) for entry in entries[:_HEAD]]
        made, shown = fill(path, pieces, content)
        if shown >= least and shown:
            return made, shown
    raise _too_large(path)


def _group(path: str, entries: Sequence[_Entry], number: int) -> File:
    """A file of one full group; which stories are in it never changes while the archive only grows."""
    target = f"{path.removesuffix('.json')}.{number}.json"
    for longest in _TITLES:
        content = _json([entry.text(longest) for entry in entries], number - 1)
        made = encode.attempt(target, content.encode("utf-8", "replace"), rescue=longest == _TITLES[0]).file
        if made:
            return made
    raise _too_large(target)


def _json(texts: Sequence[str], following: int) -> str:
    return f'{{"n":{following},"e":[{",".join(texts)}]}}'


def _too_large(path: str) -> BudgetError:
    return BudgetError("an index of story titles does not fit", where=path, remedy="Report this with the edition.")
