"""Story pages: what the reader finds on them, in which language, and what a hostile story cannot do to them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import brotli
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.model import (
    Embed,
    Figure,
    Heading,
    Material,
    Paragraph,
    Picture,
    Quote,
    Run,
    SheetKey,
    Story,
    Table,
)
from heliograph.model.code import shown, story_code
from heliograph.model.edition import BROTLI_BODY, GZIP_BODY
from heliograph.render import story_page
from heliograph.render.look import Link, Look

Make = Callable[..., Story]


def pages(told: Story, look: Look, edition: Any, *, dense: bool = False) -> list[str]:
    """The pages of ``told`` as text."""
    key = SheetKey("story", told.code)
    material = replace(edition.material(key), stories=(told,))
    files = story_page.story(key, material, look, dense)
    for number, file in enumerate(files, 1):
        assert file.path == f"a/{told.code}{f'.{number}' if number > 1 else ''}.html"
        assert len(file.brotli or b"") <= BROTLI_BODY
        assert len(file.gzip or b"") <= GZIP_BODY
        assert brotli.decompress(file.brotli) == file.body
    return [file.body.decode() for file in files]


def test_a_page_shows_title_time_length_byline_lead_and_text(look: Look, edition: Any, page: Any) -> None:
    (source,) = pages(edition.stories[0], look, edition)
    seen = page(source).text
    for text in (
        "Мост открыли раньше срока", "20 ноября 2026, 12:00", "1 минута чтения", "А. Б.", "Движение началось утром.",
        "сорок минут", "Четыре минуты от берега до берега.", "Почему спешили", "Автобусы", "4 мин", "Первые минуты",
    ):  # fmt: skip
        assert text in seen, text


def test_the_foot_carries_the_code_what_to_do_with_it_and_the_other_ways(look: Look, edition: Any, page: Any) -> None:
    told = edition.stories[0]
    found = page(pages(told, look, edition)[0])
    foot = found.text.partition("Код статьи")[2]
    assert shown(told.code) in foot
    assert "поиск на любом нашем зеркале" in foot
    assert found.links[-2:] == ["https://t.me/poluostrov_example", "about.html"]


def test_the_head_leads_home_to_the_section_the_days_and_the_search(look: Look, edition: Any, page: Any) -> None:
    found = page(pages(edition.stories[0], look, edition)[0])
    assert found.links[:4] == ["../index.html", "t/ru/obshchestvo.html", "d/index.html", "search.html"]
    assert page(pages(edition.stories[1], look, edition)[0]).links[0] == "l/uk.html"


def test_a_link_to_a_dead_mirror_leads_to_the_story_itself(look: Look, edition: Any, page: Any) -> None:
    links = page(pages(edition.stories[0], look, edition)[0]).links
    assert f"{edition.stories[1].code}.html" in links
    assert not any("old-mirror" in link for link in links)


def test_a_page_loads_nothing_runs_nothing_and_says_so_to_no_other_site(look: Look, edition: Any, page: Any) -> None:
    for told in edition.stories:
        (source,) = pages(told, look, edition)
        found = page(source)
        assert not {"script", "img", "iframe", "form", "video", "object"} & {tag for tag, _ in found.tags}
        assert "url(" not in source
        assert "@import" not in source
        for tag, attributes in found.tags:
            assert tag != "link" or attributes == {"rel": "icon", "href": "data:,"}
            assert not any(name.startswith("on") for name in attributes)
            if attributes.get("href", "").startswith("http") and "t.me" not in attributes["href"]:
                assert attributes.get("rel") == "noreferrer"


@pytest.mark.parametrize(
    ("lang", "says"),
    [("ru", "Код статьи"), ("uk", "Код статті"), ("en", "Code of this story"), ("crh", "Maqaleniñ kodu"), ("fa", "کد")],
)
def test_the_interface_speaks_the_language_of_the_story(
    lang: str, says: str, look: Look, edition: Any, page: Any
) -> None:
    told = next(story for story in edition.stories if story.lang == lang)
    (source,) = pages(told, look, edition)
    found = page(source)
    assert says in found.text
    assert found.first("html") == {"lang": lang, **({"dir": "rtl"} if lang == "fa" else {})}
    assert "{" not in found.text


def test_a_code_reads_from_left_to_right_also_on_a_page_from_right_to_left(look: Look, edition: Any) -> None:
    told = next(story for story in edition.stories if story.lang == "fa")
    assert f"<b dir=ltr>{shown(told.code)}</b>" in pages(told, look, edition)[0]


def test_a_story_in_another_language_has_the_interface_of_the_edition_and_its_own_lang(
    story: Make, look: Look, edition: Any, page: Any
) -> None:
    german = page(pages(story(lang="de"), look, edition)[0])
    assert german.first("html") == {"lang": "ru"}
    assert german.first("main") == {"lang": "de"}
    arabic = page(pages(story(lang="ar"), look, edition)[0])
    assert arabic.first("main") == {"lang": "ar", "dir": "rtl"}


def test_a_page_says_nothing_of_the_edition_it_was_made_for(look: Look, edition: Any) -> None:
    key = SheetKey("story", edition.stories[0].code)
    first = story_page.story(key, edition.material(key), look, False)
    later = replace(edition, number=99_999).material(key)
    assert story_page.story(key, later, look, False) == first
    assert b"1234" not in first[0].body


def test_a_story_that_is_gone_has_no_pages(look: Look, edition: Any) -> None:
    key = SheetKey("story", "0000000")
    material: Material = edition.material(key)
    assert material.stories == ()
    assert story_page.story(key, material, look, False) == ()


@pytest.mark.parametrize(("minutes", "told"), [(0, False), (9, False), (10, True), (60 * 30, True)])
def test_an_update_is_told_when_it_is_worth_telling(
    minutes: int, told: bool, story: Make, look: Look, edition: Any
) -> None:
    made = story()
    (source,) = pages(replace(made, updated=made.published + timedelta(minutes=minutes)), look, edition)
    assert ("обновлено" in source) == told


def test_a_story_without_a_date_of_its_own_says_when_it_was_received(story: Make, look: Look, edition: Any) -> None:
    assert (
        "получено <time datetime=2026-11-20>20 ноября 2026, 12:00</time>" in pages(story(dated=False), look, edition)[0]
    )


def test_a_lead_that_repeats_the_first_paragraph_is_shown_once(story: Make, look: Look, edition: Any) -> None:
    first = "Паром снова ходит по расписанию, сообщили в порту."
    blocks = (Paragraph(runs=(Run(first),)), Paragraph(runs=(Run("Второй абзац."),)))
    for lead in (first, "Паром снова ходит по расписанию…", ""):
        (source,) = pages(replace(story(), lead=lead, blocks=blocks), look, edition)
        assert source.count("Паром снова ходит") == 1
        assert ("class=l" in source) == (lead == first)


def test_a_long_story_has_parts_that_name_each_other(story: Make, look: Look, edition: Any, page: Any) -> None:
    rng_text = [
        f"Абзац {n}: {n * n * 7919} {n**3 * 104729} и {n * 15485863} раз, " + "слово " * (n % 7) for n in range(400)
    ]
    told = story("https://news.example.org/long", *(Paragraph(runs=(Run(text),)) for text in rng_text))
    found = pages(told, look, edition)
    assert len(found) >= 3
    code = told.code
    read = [page(source) for source in found]
    assert f"Часть 1 из {len(found)}" in read[0].text
    assert [link for link in read[1].links if code in link] == [f"{code}.html", f"{code}.3.html"] * 2
    assert [link for link in read[0].links if code in link] == [f"{code}.2.html"] * 2
    assert all("Мост открыли раньше срока" in one.text for one in read)
    assert all(shown(code) in one.text for one in read)
    seen = re.findall(r"Абзац (\d+):", "".join(one.text for one in read))
    assert seen == [str(number) for number in range(400)]
    assert "минут" in read[0].text
    assert "чтения" not in read[1].text


def test_a_story_of_one_character_and_one_of_half_a_megabyte_are_pages_too(
    story: Make, look: Look, edition: Any, page: Any
) -> None:
    (tiny,) = pages(story("https://e.org/1", Paragraph(runs=(Run("я"),)), title="я"), look, edition)
    assert "я" in page(tiny).text
    text = "".join(chr(0x400 + (number * 7919 % 251)) + " " * (number % 6 == 0) for number in range(250_000))
    found = pages(story("https://e.org/2", Paragraph(runs=(Run(text),))), look, edition)
    body = "".join(page(source).text.rpartition("Следующая часть")[0] or page(source).text for source in found)
    assert len(found) > 3
    assert len(body) > 200_000


def test_a_title_of_five_thousand_characters_is_shortened_and_told_in_the_text(
    story: Make, look: Look, edition: Any, page: Any
) -> None:
    title = "Очень длинный заголовок " * 220
    found = page(pages(story(title=title), look, edition)[0])
    assert " ".join(title.split()) in " ".join(found.text.split())
    heading = re.search(r"<h1>(.*?)</h1>", pages(story(title=title), look, edition)[0])
    assert heading is not None
    assert len(heading[1]) <= 320


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    title=st.text(max_size=400),
    lead=st.text(max_size=400),
    section=st.text(max_size=40),
    names=st.lists(st.text(max_size=90), max_size=30),
)
def test_any_text_anywhere_gives_a_page_without_foreign_markup(
    title: str, lead: str, section: str, names: list[str], story: Make, look: Look, edition: Any, page: Any
) -> None:
    mark = "<script>x</script>"
    told = story(
        "https://news.example.org/h", Paragraph(runs=(Run(lead + mark),)), title=title + mark, lead=mark + lead,
        section=section + mark, bylines=(*names, mark), lang="ru",
    )  # fmt: skip
    (source,) = pages(told, look, edition)
    tags = [tag for tag, _ in page(source).tags]
    assert "script" not in tags
    assert tags.count("h1") == 1


def test_no_story_however_hostile_leaves_a_page_without_room(story: Make, look: Look, edition: Any) -> None:
    rng = random.Random(9)

    def noise(length: int) -> str:
        return "".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(length))

    full = replace(look, links=tuple(Link(name=noise(20), url=f"https://e.org/{noise(60)}") for _ in range(12)))
    told = story(
        "https://e.org/",
        Heading(level=2, runs=(Run(noise(3_000)),)),
        Paragraph(runs=tuple(Run(noise(9), href=f"https://e.org/{noise(900)}") for _ in range(20))),
        Figure(picture=Picture(url="x", alt=noise(900)), caption=(Run(noise(3_000)),), credit=noise(900)),
        Embed(href="https://e.org/" + noise(900), title=noise(900), provider=noise(900)),
        Quote(runs=(Run(noise(3_000)),), source=noise(900)),
        Table(head=True, rows=(((Run(noise(3_000)),), (Run(noise(3_000)),)),) * 9),
        title=noise(5_000), lead=noise(5_000), section=noise(900), bylines=(noise(900),) * 9, lang=noise(900),
    )  # fmt: skip
    assert len(pages(told, full, edition)) > 10


def test_a_story_of_headings_only_is_split_like_any_other(story: Make, look: Look, edition: Any) -> None:
    told = story("https://e.org/", *(Heading(level=2, runs=(Run(f"Заголовок {n**7}"),)) for n in range(1_500)))
    assert 2 < len(pages(told, look, edition)) < 20


def test_the_same_story_gives_the_same_bytes(look: Look, edition: Any) -> None:
    for told in edition.stories[:5]:
        assert pages(told, look, edition) == pages(told, look, edition)
        assert pages(told, look, edition) == pages(told, look, edition, dense=True)


def test_what_every_page_carries_stays_small(story: Make, look: Look, edition: Any) -> None:
    """The budget of a story's page over its bare text: 1.35 at 2 KB of text leaves some 700 bytes."""
    told = story("https://e.org/x", Paragraph(runs=(Run("я"),)), title="я", lead="я", bylines=("Анна Соколова",))
    (source,) = pages(told, look, edition)
    assert len(brotli.compress(source.rstrip().encode(), quality=10, lgwin=16)) <= 700


@pytest.mark.shared
def test_the_seed_article_becomes_one_page_with_every_sentence(
    shared: Path, story: Make, look: Look, edition: Any, page: Any
) -> None:
    lines = [line for line in (shared / "data" / "seed-article.txt").read_text("utf-8").split("\n") if line.strip()][
        :-2
    ]
    told = story(
        "https://e.org/seed", *(Paragraph(runs=(Run(line),)) for line in lines[1:]), title="Seed", lead=lines[0]
    )
    (source,) = pages(told, look, edition)
    seen = page(source).text
    assert all(line in seen for line in lines)
    assert story_code("https://e.org/seed") == told.code
