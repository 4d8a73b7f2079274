"""The interface in the reader's language: catalogues, plurals, dates, numbers.

Rule 1: ``locale/<lang>/messages.po`` is all a translator touches, months and date order included; it is read as it is,
so there is nothing to compile and nothing to forget. Rule 2: the message id is the English text. Rule 3: a language
without a catalogue gets the edition's language for the interface; the story's own text keeps its true ``lang``.
"""

from __future__ import annotations

import functools
import gettext
import importlib.resources
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

LANGUAGES = ("ru", "uk", "en", "crh", "fa")
RIGHT_TO_LEFT = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\", "\\t": "\t"}
_ESCAPE = re.compile(r"\\.")
_ASCII_DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class Words:
    """One language's interface. Call it with an English text and the values of its placeholders."""

    lang: str
    texts: Mapping[tuple[str, str], tuple[str, ...]]  # (context, message id) -> plural forms
    plural: Callable[[int], int]

    def __call__(self, text: str, /, *, context: str = "", **values: object) -> str:
        """``text`` in this language; a text the catalogue lacks stays English, so that a page is never without it."""
        found = self.texts.get((context, text))
        return self._fill(found[0] if found else text, values)

    def many(self, one: str, other: str, count: int, **values: object) -> str:
        """``one`` or ``other``, as ``count`` demands in this language; "{n}" is the count."""
        found = self.texts.get(("", one))
        form = found[min(self.plural(count), len(found) - 1)] if found else (one if count == 1 else other)
        return self._fill(form, {"n": count, **values})

    @property
    def rtl(self) -> bool:
        """Whether the language is written from right to left."""
        return direction(self.lang) == "rtl"

    def number(self, value: int) -> str:
        """``value`` with the language's digits and its mark between thousands (from five digits on)."""
        text = f"{value:,}" if abs(value) >= 10_000 else str(value)
        return self.digits(text.replace(",", self(",", context="between thousands")))

    def digits(self, text: str) -> str:
        """``text`` with the digits of the language."""
        own = self(_ASCII_DIGITS, context="digits")
        return text if own == _ASCII_DIGITS else text.translate(str.maketrans(_ASCII_DIGITS, own))

    def moment(self, when: datetime) -> str:
        """Date and time: "20 November 2026, 09:30"."""
        time = self.digits(f"{when:%H:%M}")
        return self("{date}, {time}", context="moment", date=self.day(when), time=time)

    def day(self, when: date, *, year: bool = True) -> str:
        """A date: "20 November 2026", or without its year."""
        form = "{day} {month} {year}" if year else "{day} {month}"
        month = self(MONTHS[when.month - 1], context="month of a date")
        return self(form, context="date", day=when.day, month=month, year=self.digits(f"{when.year:04}"))

    def month(self, year: int, month: int) -> str:
        """A month by itself, as a heading: "November 2026"."""
        name = self.month_name(month)
        return self("{month} {year}", context="date", month=name, year=self.digits(f"{year:04}"))

    def month_name(self, month: int) -> str:
        """The month's name by itself, as a heading begins: "November"."""
        name = self(MONTHS[month - 1], context="month")
        return name[:1].upper() + name[1:]

    def clock(self, when: datetime) -> str:
        """The time of day: "09:30"."""
        return self.digits(f"{when:%H:%M}")

    def _fill(self, form: str, values: Mapping[str, object]) -> str:
        if not values:
            return form
        return form.format(**{k: self.number(v) if isinstance(v, int) else v for k, v in values.items()})


def direction(lang: str) -> str:
    """ "rtl" or "ltr"."""
    return "rtl" if lang.partition("-")[0] in RIGHT_TO_LEFT else "ltr"


def own_name(lang: str) -> str:
    """The language's name in itself: "Українська"; its code in capitals where there is no catalogue."""
    return words(lang)("English", context="name of this language") if lang in LANGUAGES else lang.upper()


def interface(lang: str, fallback: str) -> Words:
    """Words for a page in ``lang``: its own, else the edition's, else English."""
    for candidate in (lang.partition("-")[0], fallback):
        if candidate in LANGUAGES:
            return words(candidate)
    return words("en")


@functools.cache
def words(lang: str) -> Words:
    """The catalogue of one of ``LANGUAGES``."""
    source = importlib.resources.files("heliograph.model").joinpath("locale", lang, "messages.po")
    texts = dict(_messages(source.read_text("utf-8")))
    header = dict(line.partition(":")[::2] for line in texts.pop(("", ""))[0].splitlines())
    rule = header["Plural-Forms"].rpartition("plural=")[2].strip().rstrip(";")
    return Words(lang, texts, gettext.c2py(rule))


def _messages(source: str) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    """The entries of a PO file: what the GNU manual says of its format, as far as catalogues here use it."""
    for entry in source.split("\n\n"):
        fields: dict[str, str] = {}
        keyword = ""
        for line in entry.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            head, _, quoted = line.partition('"')
            keyword = head.strip() or keyword
            fields[keyword] = fields.get(keyword, "") + _unescape(quoted.rstrip()[:-1])
        if "msgid" in fields:
            forms = tuple(fields[name] for name in sorted(fields) if name.startswith("msgstr"))
            yield (fields.get("msgctxt", ""), fields["msgid"]), forms


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[0], found[0]), text)
