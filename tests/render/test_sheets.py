"""Sheets: what a change touches, and that one bad story stops nothing."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from heliograph.model import Brief, Embed, Figure, Listing, Paragraph, Picture, Run, SheetKey, Story, Table
from heliograph.render import KINDS, always, batch, links, sheet, standing, touched, want
from heliograph.render.look import Look
from heliograph.render.packer import BudgetError

BriefOf = Callable[[Story, Look], Brief]
PLACES = frozenset(
    {
        SheetKey("front"), SheetKey("section", "ru/obshchestvo"), SheetKey("section-month", "ru/obshchestvo/2026-11"),
        SheetKey("day", "2026-11-20"), SheetKey("month", "2026-11"), SheetKey("archive"), SheetKey("feed"),
        SheetKey("feed-day", "2026-11-20"), SheetKey("sitemap"), SheetKey("sitemap-month", "2026-11"),
    }
)  # fmt: skip


def without_search(keys: frozenset[SheetKey]) -> frozenset[SheetKey]:
    return frozenset(key for key in keys if key.kind != "search")


def test_a_new_story_touches_its_page_and_the_lists_it_stands_in(
    story: Callable[..., Story], brief: BriefOf, look: Look
) -> None:
    line = brief(story(), look)
    keys = touched(None, line, look)
    assert without_search(keys) == PLACES | {SheetKey("story", line.code)}
    assert any(key.kind == "search" for key in keys)
    assert all(key.kind in KINDS for key in keys)
    assert touched(line, None, look) == keys


def test_a_corrected_text_touches_no_list(story: Callable[..., Story], brief: BriefOf, look: Look) -> None:
    line = brief(story(), look)
    keys = {SheetKey("story", line.code), SheetKey("feed"), SheetKey("feed-day", "2026-11-20")}
    assert touched(line, replace(line, words=line.words + 9), look) == keys
    dated = touched(line, replace(line, updated=line.updated + timedelta(hours=1)), look)
    assert dated == keys | {SheetKey("sitemap-month", "2026-11")}


def test_a_story_that_moves_touches_the_lists_it_leaves_and_those_it_joins(
    story: Callable[..., Story], brief: BriefOf, look: Look
) -> None:
    before = brief(story(), look)
    after = brief(story(section="Культура", hours_ago=24 * 30), look)
    keys = touched(before, after, look)
    assert keys == touched(before, None, look) | touched(None, after, look)
    assert {SheetKey("day", "2026-10-21"), SheetKey("day", "2026-11-20")} <= keys


def test_a_story_in_another_language_touches_the_front_of_that_language(
    story: Callable[..., Story], brief: BriefOf, look: Look
) -> None:
    fronts = [
        {key.of for key in touched(None, brief(story(lang=lang), look), look) if key.kind == "front"}
        for lang in ("ru", "uk", "de")
    ]
    assert fronts == [{""}, {"uk"}, {""}]


def test_a_story_without_a_section_touches_none(story: Callable[..., Story], brief: BriefOf, look: Look) -> None:
    keys = touched(None, brief(story(section=""), look), look)
    assert not [key for key in keys if key.kind.startswith("section")]


def test_nothing_touches_nothing(look: Look) -> None:
    assert touched(None, None, look) == frozenset()


def test_whatever_changes_when_a_story_is_added_was_named_as_touched(
    story: Callable[..., Story], brief: BriefOf, edition: Any
) -> None:
    new = story("https://news.example.org/new", title="Совсем новое", hours_ago=-2)
    later = replace(edition, stories=(*edition.stories, new))
    keys = touched(None, brief(new, edition.look), edition.look) | always()
    for key in later.sheet_keys():
        before, after = edition.material(key), later.material(key)
        if key not in keys:
            assert sheet(key, before, edition.look) == sheet(key, after, edition.look), key


def test_standing_sheets_are_those_without_stories_and_always_is_among_them(look: Look) -> None:
    found = standing(look)
    assert always() <= found
    assert {SheetKey("front", lang) for lang in ("uk", "en", "crh", "fa")} <= found
    assert SheetKey("front", "ru") not in found


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_sheet_says_what_it_wants_and_takes_it(kind: str, edition: Any) -> None:
    keys = [key for key in edition.sheet_keys() if key.kind == kind] or [SheetKey(kind, "0a1b2c3d4e")]
    for key in keys[:3]:
        assert want(key, edition.look) == want(key, edition.look)
        rendered = sheet(key, edition.material(key), edition.look)
        assert rendered.key == key
        assert rendered.problems == ()


def test_all_sheets_of_an_edition_write_different_files_within_the_budget(edition: Any) -> None:
    files = edition.files()
    assert len(files) > 60
    for path, file in files.items():
        assert len(file.brotli or file.body) <= 5_120, path
        assert len(file.gzip or file.body) <= 6_144, path
        assert len(file.body) % 1_024 == 0, path


def test_links_are_those_of_all_runs_each_once_and_only_web_addresses(story: Callable[..., Story]) -> None:
    def run(href: str) -> tuple[Run, ...]:
        return (Run("x", href=href),)

    told = story(
        "https://e.org/",
        Paragraph(runs=run("https://e.org/1")),
        Listing(ordered=False, items=(run("https://e.org/2"), run("https://e.org/1"))),
        Table(rows=((run("http://e.org/3"),),)),
        Figure(picture=Picture(url="https://e.org/p.jpg"), caption=run("mailto:a@e.org") + run("https://e.org/4")),
        Embed(href="https://video.example.com/1"),
        Paragraph(runs=run("")),
    )
    assert links(told) == ("https://e.org/1", "https://e.org/2", "http://e.org/3", "https://e.org/4")


def test_a_batch_gives_what_single_sheets_give_in_order(edition: Any) -> None:
    work = [(key, edition.material(key)) for key in edition.sheet_keys()[:20]]
    done = batch(pickle.loads(pickle.dumps(work)), edition.look, False)
    assert done == [sheet(key, material, edition.look) for key, material in work]


def test_a_story_that_breaks_rendering_is_a_problem_that_names_it_and_the_others_go_on(edition: Any) -> None:
    good, bad = (SheetKey("story", story.code) for story in edition.stories[1:3])
    material = edition.material(bad)
    broken = replace(material.stories[0], published=None)
    done = batch([(bad, replace(material, stories=(broken,))), (good, edition.material(good))], edition.look, False)
    assert done[0].files == ()
    assert done[0].problems[0].where == broken.url
    assert "AttributeError" in done[0].problems[0].what
    assert done[1].files


def test_a_story_that_fits_no_page_is_a_problem_where_others_do(
    edition: Any, monkeypatch: pytest.MonkeyPatch, story: Callable[..., Story]
) -> None:
    told = story()
    key = SheetKey("story", told.code)
    monkeypatch.setattr("heliograph.render.blocks._LONGEST_HREF", 90_000)
    href = "https://e.org/" + "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(8_000))
    blocks = (Paragraph(runs=(Run("x", href=href),)),)
    material = replace(edition.material(key), stories=(replace(told, blocks=blocks),))
    (done,) = batch([(key, material)], edition.look, False)
    assert done.files == ()
    assert "BudgetError" in done.problems[0].what


def test_a_list_that_breaks_ends_the_batch_so_that_it_does_not_vanish_from_mirrors(edition: Any) -> None:
    key = SheetKey("day", "2026-11-20")
    material = edition.material(key)
    with pytest.raises(AttributeError):
        batch([(key, replace(material, briefs=(None,)))], edition.look, False)


def test_a_frame_that_leaves_no_room_ends_the_batch(edition: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    key = SheetKey("story", edition.stories[0].code)
    monkeypatch.setattr("heliograph.render.encode.BROTLI_BODY", 512)
    with pytest.raises(BudgetError, match=edition.stories[0].code):
        batch([(key, edition.material(key))], edition.look, False)


def test_another_process_with_another_hash_seed_writes_the_same_bytes(edition: Any) -> None:
    keys = [SheetKey("front"), SheetKey("story", edition.stories[0].code), SheetKey("day", "2026-11-20")]
    packed = pickle.dumps(([(key, edition.material(key)) for key in keys], edition.look, False))
    program = (
        "import hashlib, pickle, sys; from heliograph.render import batch;"
        "done = batch(*pickle.loads(sys.stdin.buffer.read()));"
        "print(hashlib.sha256(b''.join(f.body + f.brotli + f.gzip for r in done for f in r.files)).hexdigest())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program], input=packed, capture_output=True, check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "TZ": zone},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tehran"))
    }  # fmt: skip
    assert len(outputs) == 1
    assert len(outputs.pop().strip()) == 64
