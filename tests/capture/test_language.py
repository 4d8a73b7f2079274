"""Telling languages apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.capture.language import choose, guess_lang, primary

TEXTS = {
    "ru": "Мост через пролив открыли для пешеходов в субботу утром. Строители обещали закончить дорогу к зиме, но "
    "работы затянулись из-за штормов, и теперь её сдадут весной.",
    "uk": "Міст через протоку відкрили для пішоходів у суботу вранці. Будівельники обіцяли закінчити дорогу до зими, "
    "але роботи затягнулися через шторми, і тепер її здадуть навесні.",
    "en": "The bridge over the strait was opened to pedestrians on Saturday morning. The builders had promised to "
    "finish the road by winter, but storms delayed the work and it will now be ready in spring.",
    "crh": "Boğaz üstündeki köpür şenbe künü saba yaya yürgenler içün açıldı. Quruculıq işleri qışqa qadar bitmek "
    "kerek edi, lâkin fırtınalar sebebinden soñki muddet baarge avuştırıldı.",
    "fa": "پل روی تنگه صبح شنبه برای عابران پیاده باز شد. سازندگان قول داده بودند که جاده تا زمستان تمام شود، اما "
    "توفان‌ها کار را به تأخیر انداخت و اکنون در بهار آماده می‌شود.",
}
CRH_CYRILLIC = (
    "Богъаз устюндеки копюр шенбе куню саба яя юргенлер ичюн ачылды. Къуруджылыкъ ишлери къышкъа къадар битмек "
    "керек эди, лякин фуртуналар себебинден сонъки муддет бааргe авуштырылды."
)


@pytest.mark.parametrize("lang", TEXTS)
def test_each_language_is_told(lang: str) -> None:
    assert guess_lang(TEXTS[lang]) == lang


def test_crimean_tatar_is_told_in_cyrillic_too() -> None:
    assert guess_lang(CRH_CYRILLIC) == "crh"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Да",
        "12 345",
        "Die Brücke über die Meerenge wurde am Samstagmorgen für Fußgänger geöffnet, die Straße folgt im Frühjahr.",
        "Boğazdaki köprü cumartesi sabahı yayalara açıldı. İnşaat kışa bitecekti, ancak fırtınalar işi geciktirdi.",
        "Мост праз праліў адкрылі для пешаходаў у суботу раніцай, а дарогу скончаць ужо ўвесну, кажуць будаўнікі.",
        "افتتح الجسر فوق المضيق أمام المشاة صباح السبت، وسيكتمل الطريق في الربيع بعد أن أخرت العواصف العمل عليه.",
    ],
)
def test_what_is_none_of_them_is_not_guessed(text: str) -> None:
    assert guess_lang(text) == ""


def test_a_declaration_holds_unless_the_text_speaks_against_it() -> None:
    assert choose("ru-RU", TEXTS["ru"], "en") == "ru"
    assert choose("ru", TEXTS["uk"], "ru") == "uk"
    assert choose("en", TEXTS["ru"], "ru") == "ru"
    assert choose("ru", CRH_CYRILLIC, "ru") == "crh"
    assert choose("tt", "Кыска", "ru") == "tt"
    assert choose("de", "Die Brücke wurde geöffnet", "ru") == "de"
    assert choose("de", TEXTS["ru"], "uk") == "ru"
    assert choose("", TEXTS["fa"], "ru") == "fa"
    assert choose("", "Да", "uk") == "uk"
    assert choose("", "", "") == "und"


@pytest.mark.parametrize(
    ("tag", "result"),
    [("uk-UA", "uk"), ("ru_RU", "ru"), ("ua", "uk"), ("EN", "en"), ("", ""), ("русский", ""), ("x", "")],
)
def test_a_tag_is_cut_to_its_language(tag: str, result: str) -> None:
    assert primary(tag) == result


@given(st.text(max_size=300), st.text(max_size=12))
def test_any_text_gets_a_language(text: str, declared: str) -> None:
    assert choose(declared, text, "ru")
