"""Catalogues: complete, with the placeholders of the English text, and right as to plurals, months and digits."""

from __future__ import annotations

import ast
import importlib.resources
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from babel import Locale
from babel.dates import get_month_names
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model import words as module
from heliograph.model.words import LANGUAGES, Words, interface, own_name, words

PACKAGE = importlib.resources.files("heliograph")
SPEAKING = ("model", "render", "render/templates", "announce")  # where texts for readers are asked for
PLACEHOLDER = re.compile(r"\{(\w*)\}")


def catalogue(lang: str) -> Catalog:
    """The catalogue as Babel reads it."""
    with PACKAGE.joinpath("model", "locale", lang, "messages.po").open("rb") as source:
        return read_po(source, locale=None if lang == "crh" else lang)


def entries(lang: str) -> dict[tuple[str, str], Message]:
    found = {}
    for message in catalogue(lang):
        text = message.id[0] if isinstance(message.id, (tuple, list)) else message.id
        if text:
            found[(message.context or "", text)] = message
    return found


def forms(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, (tuple, list)) else (message.string,)


def asked_for() -> set[tuple[str, str]]:
    """Every text that code or templates of the package ask for literally, with its context."""
    found: set[tuple[str, str]] = set()
    for folder in map(PACKAGE.joinpath, SPEAKING):
        for entry in folder.iterdir():
            if entry.name.endswith(".html"):
                source = entry.read_text("utf-8")
                found |= {("", text) for text in re.findall(r"words(?:\.many)?\(\s*\"([^\"]+)\"", source)}
            elif entry.name.endswith(".py"):
                for node in ast.walk(ast.parse(entry.read_text("utf-8"))):
                    if isinstance(node, ast.Call) and (asked := _asked(node)):
                        found.add(asked)
    return found


def _asked(node: ast.Call) -> tuple[str, str] | None:
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if name not in {"said", "tongue", "words", "many", "self"} or not node.args:
        return None
    first: Any = node.args[0]
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        return None
    context: Any = next((keyword.value for keyword in node.keywords if keyword.arg == "context"), ast.Constant(""))
    is_language = name == "words" and first.value in LANGUAGES
    return None if is_language else (context.value, first.value)


def test_every_text_the_pages_ask_for_is_in_every_catalogue() -> None:
    asked = asked_for()
    assert len(asked) > 30
    for lang in LANGUAGES:
        assert asked - entries(lang).keys() == set(), lang


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_catalogue_is_complete_and_has_all_plural_forms(lang: str) -> None:
    found = entries(lang)
    assert found.keys() == entries("en").keys()
    for key, message in found.items():
        assert all(forms(message)), key
        if isinstance(message.id, (tuple, list)):
            assert len(forms(message)) == catalogue(lang).num_plurals, key


@pytest.mark.parametrize("lang", LANGUAGES)
def test_translations_have_the_placeholders_of_the_english_text(lang: str) -> None:
    for (_, text), message in entries(lang).items():
        for form in forms(message):
            assert set(PLACEHOLDER.findall(form)) == set(PLACEHOLDER.findall(text)), form


@pytest.mark.parametrize("lang", LANGUAGES)
def test_translations_are_not_the_english_text_left_alone(lang: str) -> None:
    same = [text for (context, text), message in entries(lang).items() if forms(message)[0] == text and not context]
    assert (lang == "en") or same == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_package_reads_a_catalogue_as_babel_does(lang: str) -> None:
    assert words(lang).texts == {key: forms(message) for key, message in entries(lang).items()}


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "crh"])
def test_plurals_are_those_of_the_unicode_consortium(lang: str) -> None:
    rule = Locale.parse(lang).plural_form
    pairs = {(words(lang).plural(count), rule(count)) for count in range(1_200)}
    assert len({form for form, _ in pairs}) == len(pairs) == len({category for _, category in pairs})


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "crh"])
def test_months_are_those_of_the_unicode_consortium(lang: str) -> None:
    for context, style in (("month of a date", "format"), ("month", "stand-alone")):
        names = get_month_names("wide", style, lang)
        assert [words(lang)(month, context=context) for month in module.MONTHS] == [names[n] for n in range(1, 13)]


@pytest.mark.parametrize(
    ("lang", "moment", "month"),
    [
        ("ru", "20 ноября 2026, 09:30", "Ноябрь 2026"),
        ("uk", "20 листопада 2026, 09:30", "Листопад 2026"),
        ("en", "20 November 2026, 09:30", "November 2026"),
        ("crh", "20 noyabr 2026, 09:30", "Noyabr 2026"),
        ("fa", "۲۰ نوامبر ۲۰۲۶، ۰۹:۳۰", "نوامبر ۲۰۲۶"),
    ],
)
def test_dates_are_written_as_the_language_writes_them(lang: str, moment: str, month: str) -> None:
    assert words(lang).moment(datetime(2026, 11, 20, 9, 30, tzinfo=UTC)) == moment
    assert words(lang).month(2026, 11) == month


def test_a_date_may_leave_its_year_out_and_an_early_year_is_still_a_year() -> None:
    assert words("ru").day(date(2026, 3, 8), year=False) == "8 марта"
    assert words("en").day(date(33, 4, 3)) == "3 April 0033"


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "1 статья"), (3, "3 статьи"), (5, "5 статей"), (11, "11 статей"), (21, "21 статья"), (112, "112 статей"),
     (12_345, "12\u00a0345 статей")],
)  # fmt: skip
def test_russian_counts_as_russians_do(count: int, said: str) -> None:
    assert words("ru").many("{n} story", "{n} stories", count) == said


def test_numbers_have_the_digits_and_marks_of_their_language() -> None:
    written = {lang: words(lang).number(1_234_567) for lang in LANGUAGES}
    spaced = "1\u00a0234\u00a0567"
    assert written == {"ru": spaced, "uk": spaced, "en": "1,234,567", "crh": spaced, "fa": "۱٬۲۳۴٬۵۶۷"}
    assert words("en").number(1_234) == "1234"
    assert words("en").number(-12_345) == "-12,345"


def test_a_language_without_a_catalogue_gets_the_interface_of_the_edition() -> None:
    assert interface("de", "uk").lang == "uk"
    assert interface("de", "de").lang == "en"
    assert interface("ru-RU", "uk").lang == "ru"
    assert own_name("crh") == "Qırımtatarca"
    assert own_name("de") == "DE"


def test_only_persian_of_the_catalogues_is_written_from_right_to_left() -> None:
    assert [lang for lang in LANGUAGES if words(lang).rtl] == ["fa"]
    assert module.direction("ar-EG") == "rtl"
    assert module.direction("de") == "ltr"


def test_a_text_no_catalogue_has_stays_english_and_keeps_its_values() -> None:
    assert words("ru")("Never said {what}", what=5) == "Never said 5"
    assert words("ru").many("{n} apple", "{n} apples", 2) == "2 apples"


@given(
    st.text(
        alphabet=st.characters(codec="utf-8", categories=("L", "P", "Zs")) | st.sampled_from('"\\\n\t'), max_size=40
    )
)
def test_any_text_survives_being_written_in_a_catalogue(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    source = f'msgctxt "c"\nmsgid "x"\n"y"\nmsgstr ""\n"{escaped}"\n'
    assert dict(module._messages(source)) == {("c", "xy"): (text,)}


def test_words_are_values() -> None:
    assert words("ru") is words("ru")
    assert isinstance(words("ru"), Words)
