"""The search index: what a reader types finds the story, and a new story leaves old files alone."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.model import Brief, Issue, Material, Select, SheetKey
from heliograph.model.code import story_code
from heliograph.model.edition import BROTLI_BODY, GZIP_BODY, File
from heliograph.render import search
from heliograph.render.look import Link, Look, Nav

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
ISSUE = Issue(number=1, made=NOW, stories=1, files=1, written=1, gone=0)
LOOK = Look(title="Берег", lang="ru", search_bits=3)


def brief(number: int = 0, title: str = "Паром встал", **changes: Any) -> Brief:
    url = f"https://news.example/{number}"
    when = NOW - timedelta(hours=number)
    told = Brief(
        code=story_code(url), url=url, lang="ru", title=title, lead="", section="Общество", published=when,
        updated=when, section_key="ru/obshchestvo", day=f"{when:%Y-%m-%d}",
    )  # fmt: skip
    return replace(told, **changes)


def found_by(word: str, *briefs: Brief) -> list[str]:
    term = search.term_hash(search.fold(word)[: search.STEM])
    return [one.title for one in briefs if term in search.terms(one)]


def index(briefs: list[Brief], look: Look = LOOK) -> dict[str, File]:
    """All files of the index of an edition whose stories are ``briefs``, newest first."""
    shards: defaultdict[int, list[Brief]] = defaultdict(list)
    for one in briefs:
        for shard in {term >> (32 - look.search_bits) for term in search.terms(one)}:
            shards[shard].append(one)
    files: dict[str, File] = {}
    for shard, held in shards.items():
        key = SheetKey("search", format(shard, "x"))
        material = Material(issue=ISSUE, briefs=tuple(held[: search.REACH]), tally={"ru": len(held)})
        files |= {file.path: file for file in search.shard(key, material, look, False)}
    return files


def shard_of(word: str, look: Look = LOOK) -> str:
    term = search.term_hash(search.fold(word)[: search.STEM])
    return f"a/s/{look.search_bits}/{term >> (32 - look.search_bits):x}.json"


def walk(files: dict[str, File], path: str) -> list[list[Any]]:
    """All entries a reader is shown who asks for more until there is no more, each once."""
    entries: dict[str, list[Any]] = {}
    head = path
    while path in files:
        found = json.loads(files[path].body)
        for entry in found["e"]:
            entries.setdefault(entry[0], entry)
        path = head.replace(".json", f".{found['n']}.json")
    return list(entries.values())


# --- terms ----------------------------------------------------------------------------------------------------------


def test_title_tags_bylines_and_names_in_the_lead_find_a_story() -> None:
    told = brief(
        title="Паромщики вернулись", tags=("переправа",), bylines=("Вера Лодочник",),
        lead="Как рассказал капитан Ефим Маяк, рейсы начнутся в 2027 году.",
    )  # fmt: skip
    for word in ("паром", "Паромщиков", "вернулась", "переправу", "вера", "лодочника", "ефима", "МАЯК", "2027"):
        assert found_by(word, told), word
    for word in ("рейсы", "капитан", "театр"):
        assert not found_by(word, told), word


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Ёлки убрали", "елки"),
        ("Об’єкт відкрито", "обєкт"),
        ("Об'єкт відкрито", "об`єкт"),
        ("Їжак зимує", "іжак"),
        ("İstanbul seferi", "istanbul"),
        ("Qırım haberleri", "qirim"),
        ("Çoraqlıq keldi", "coraqliq"),
        ("کتابخانه باز شد", "كتابخانه"),
        ("می‌گوید که", "میگوید"),
        ("Straße gesperrt", "straße"),
        ("WIND FARM", "wind"),
        ("Е\u0308лка", "ёлка"),
    ],
)
def test_a_word_is_found_however_it_is_typed(written: str, typed: str) -> None:
    assert found_by(typed, brief(title=written))


def test_empty_words_are_no_terms() -> None:
    assert search.terms(brief(title="Что и как для нас; the and for; що або")) == frozenset()


def test_a_lead_without_capitals_gives_its_first_words() -> None:
    told = brief(title="x", lead="کتابخانهٔ روستا پس از تعمیر دوباره باز شد و کودکان آمدند")
    assert found_by("کتابخانه", told)
    assert not found_by("کودکان", told)


def test_a_story_with_a_thousand_tags_touches_few_shards() -> None:
    assert len(search.terms(brief(tags=tuple(f"{n:04}tag" for n in range(1_000))))) <= 64


def test_the_hash_is_fnv_1a() -> None:
    assert search.term_hash("") == 0x811C9DC5
    assert search.term_hash("a") == 0xE40C292C
    assert search.term_hash("foobar") == 0xBF9CF968


@given(st.text(max_size=500), st.text(max_size=500))
def test_any_text_has_terms_within_32_bits(title: str, lead: str) -> None:
    assert all(0 <= term < 2**32 for term in search.terms(brief(title=title, lead=lead, tags=(lead,))))


@given(st.text(max_size=200))
def test_folding_twice_is_folding_once(text: str) -> None:
    once = search.fold(text)
    assert search.fold(once) == once


# --- how many shards ------------------------------------------------------------------------------------------------


def test_shards_grow_by_doubling_with_the_archive() -> None:
    bits = [search.bits_for(stories) for stories in (0, 1, 10, 100, 1_000, 10_000, 100_000, 10_000_000)]
    assert bits == sorted(bits)
    assert bits[0] == 0
    assert bits[-1] == search.MOST_BITS
    assert search.bits_for(8_000) == search.bits_for(4_000) + 1


def test_a_mean_shard_takes_about_half_the_budget() -> None:
    words = ("лодка", "берег", "волна", "парус", "мачта", "канат", "якорь", "маяк", "шторм", "улов", "сеть", "катер")
    briefs = [
        brief(n, f"{words[n % 12]} {words[(n * 7 + 3) % 12]} {n * 7919 % 3000} {n * 31 % 2500}", tags=(words[n % 5],))
        for n in range(1_500)
    ]
    bits = search.bits_for(len(briefs))
    heads = [file for path, file in index(briefs, replace(LOOK, search_bits=bits)).items() if path.count(".") == 1]
    mean = sum(len(file.brotli or b"") for file in heads) / len(heads)
    assert 1_024 < mean < BROTLI_BODY * 0.75


# --- the files of a shard -------------------------------------------------------------------------------------------


def test_every_story_of_a_word_is_reached_newest_first_and_once() -> None:
    briefs = [brief(n, f"Паром номер {n}") for n in range(300)]
    files = index(briefs)
    entries = walk(files, shard_of("паром"))
    assert [entry[0] for entry in entries] == [one.code for one in briefs]
    assert entries[0][:4] == [briefs[0].code, "2026-11-20", "ru", "Паром номер 0"]


def test_all_files_keep_the_budget_and_lie_in_a_folder_of_their_bits() -> None:
    files = index([brief(n, f"Паром номер {n} у причала ждёт погоды с утра") for n in range(300)])
    assert len(files) > 8
    for path, file in files.items():
        assert re.fullmatch(r"a/s/3/[0-7](\.\d+)?\.json", path)
        assert len(file.brotli or b"") <= BROTLI_BODY
        assert len(file.gzip or b"") <= GZIP_BODY


def test_a_new_story_leaves_full_groups_as_they_are() -> None:
    briefs = [brief(n, f"Паром номер {n}") for n in range(1, 400)]
    before = index(briefs)
    for count in (1, 2, 60):
        newer = [brief(-n, f"Паром свежий {n}") for n in range(count, 0, -1)]
        after = index([*newer, *briefs])
        groups = [path for path in before if path.count(".") == 2]
        kept = [path for path in groups if path in after]
        assert len(kept) >= len(groups) - 8  # of each shard at most one leaves the reach of the search
        assert all(after[path].body == before[path].body for path in kept)


def test_terms_that_the_title_does_not_show_are_told_and_no_others() -> None:
    told = brief(title="Мост открыли", tags=("переправа", "мосты"))
    (entry,) = walk(index([told]), shard_of("переправа"))
    assert entry[4] == "пере"
    (entry,) = walk(index([told], replace(LOOK, search_bits=16)), shard_of("мост", replace(LOOK, search_bits=16)))
    assert len(entry) == 4


def test_a_search_goes_back_a_bounded_way() -> None:
    briefs = [brief(n, "Паром") for n in range(search.REACH + 100)]
    entries = walk(index(briefs), shard_of("паром"))
    assert search.REACH - search.GROUP < len(entries) <= search.REACH


def test_long_titles_give_way_to_the_budget() -> None:
    long = "".join(chr(0x4E00 + (k * k * 7919) % 20_000) for k in range(3_000))
    briefs = [brief(n, f"паром {long[n * 9 : n * 9 + 400]}", tags=(long,)) for n in range(150)]
    files = index(briefs)
    assert all(len(file.brotli or b"") <= BROTLI_BODY for file in files.values())
    assert len(walk(files, shard_of("паром"))) == 150


def test_a_shard_without_stories_has_no_file() -> None:
    assert search.shard(SheetKey("search", "3"), Material(issue=ISSUE), LOOK, False) == ()


@settings(max_examples=20)
@given(st.lists(st.tuples(st.text(max_size=200), st.text(max_size=200)), max_size=130), st.integers(0, 16))
def test_any_titles_give_valid_files(texts: list[tuple[str, str]], bits: int) -> None:
    look = replace(LOOK, search_bits=bits)
    briefs = [brief(n, f"паром {title}", lead=lead, tags=(lead,)) for n, (title, lead) in enumerate(texts)]
    files = index(briefs, look)
    assert all(len(file.brotli or b"") <= BROTLI_BODY for file in files.values())
    assert {entry[0] for entry in walk(files, shard_of("паром", look))} == {one.code for one in briefs}


def test_a_shard_wants_its_newest_stories_and_their_number() -> None:
    wanted = search.want(SheetKey("search", "5"), LOOK)
    assert wanted.briefs == Select(terms=(5 << 29, 6 << 29), newest=search.REACH)
    assert wanted.tally_of == Select(terms=(5 << 29, 6 << 29))
    assert search.want(SheetKey("search", "0"), replace(LOOK, search_bits=0)).tally_of == Select(terms=(0, 1 << 32))
    assert search.want(SheetKey("search-page"), LOOK).briefs is None


def test_the_same_stories_give_the_same_bytes_dense_or_not() -> None:
    material = Material(issue=ISSUE, briefs=tuple(brief(n) for n in range(150)), tally={"ru": 150})
    key = SheetKey("search", shard_of("паром")[6:7])
    thin, dense = (search.shard(key, material, LOOK, way) for way in (False, True))
    assert [file.body for file in thin] == [file.body for file in dense]
    assert search.shard(key, material, LOOK, True) == dense


# --- the page -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["ru", "uk", "en", "crh", "fa"])
def test_the_page_is_within_the_budget_in_every_language(lang: str) -> None:
    nav = tuple(Nav(key=f"ru/rubrika-{n}", label=f"Рубрика номер {n}", lang="ru") for n in range(24))
    links = tuple(Link(name=f"Канал {n}", url=f"https://t.me/example_channel_{n}") for n in range(6))
    (made,) = search.page(Material(issue=ISSUE), replace(LOOK, lang=lang, nav=nav, links=links), False)
    assert made.path == "a/search.html"
    assert len(made.brotli or b"") <= BROTLI_BODY
    assert len(made.gzip or b"") <= GZIP_BODY


def test_channels_with_endless_addresses_give_way_to_the_search() -> None:
    noise = [base64.b64encode(hashlib.shake_256(bytes([n])).digest(210)).decode() for n in range(12)]
    links = tuple(Link(name=f"Канал {n}", url=f"https://t.me/{address}") for n, address in enumerate(noise))
    (made,) = search.page(Material(issue=ISSUE), replace(LOOK, links=links), False)
    assert len(made.brotli or b"") <= BROTLI_BODY
    assert b"t.me" not in made.body
    assert b"<script>" in made.body


def test_the_page_says_what_to_do_without_a_script() -> None:
    look = replace(LOOK, nav=(Nav(key="ru/obshchestvo", label="Общество", lang="ru"),))
    html = search.page(Material(issue=ISSUE), look, False)[0].body.decode()
    assert re.search("<noscript>.*JavaScript.*</noscript>", html)
    assert '<a href="d/index.html">' in html
    assert '<a href="t/ru/obshchestvo.html">Общество</a>' in html


def test_the_policy_allows_the_one_script_of_the_page_and_no_other() -> None:
    html = search.page(Material(issue=ISSUE), LOOK, False)[0].body.decode()
    (script,) = re.findall("<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert search.script_hash() == f"sha256-{digest}"
    assert f"script-src 'sha256-{digest}'" in html.replace("&#39;", "'")
    assert "default-src 'none'" in html.replace("&#39;", "'")


def test_the_script_travels_without_comments_and_indentation() -> None:
    lines = search.script().splitlines()
    assert not [line for line in lines if line.startswith((" ", "//")) or not line]
    assert "</" not in search.script()
