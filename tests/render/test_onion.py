"""Stories and front pages that offer themselves to Tor Browser, where a header cannot: where, and at what price."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

import brotli
import pytest
from tests.model.test_onions import TRUE

from heliograph.model import Paragraph, Run, Story
from heliograph.render.look import Link, Look

BASE = f"http://{TRUE}/"
KINDS = ("story", "front", "section", "section-month", "day", "month", "archive", "about", "missing", "robots")
MOST = 100  # bytes that it may cost a page in brotli


def size(page: bytes) -> int:
    """Of a page in brotli, without what fills it up to a whole bucket."""
    return len(brotli.compress(page.rstrip(), mode=brotli.MODE_TEXT, quality=9, lgwin=16))


@pytest.fixture(scope="module")
def pages(edition: Any) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """All pages without and with an offer; the address stands in the foot of both."""
    look = replace(edition.look, links=(*edition.look.links, Link(name="Tor", url=BASE)))
    made = []
    for shown in (look, replace(look, onion=BASE)):
        files = replace(edition, look=shown).files(*KINDS)
        made.append({path: file.body for path, file in files.items() if path.endswith(".html")})
    return made[0], made[1]


def test_stories_and_front_pages_offer_themselves_and_no_other_page_does(
    pages: tuple[dict[str, bytes], dict[str, bytes]],
) -> None:
    without, offering = pages
    assert without.keys() == offering.keys()
    offered = 0
    for path, body in offering.items():
        is_story = path.count("/") == 1 and path not in {"a/about.html", "a/mirrors.html"}
        if is_story or path == "index.html" or path.startswith("a/l/"):
            place = "" if path == "index.html" else path
            assert f'<meta http-equiv=onion-location content="{BASE}{place}">'.encode() in body, path
            offered += 1
        else:
            assert body == without[path], path
    assert offered > 30
    assert not any(b"onion-location" in body for body in without.values())


def test_a_part_of_a_story_offers_that_part(edition: Any, story: Callable[..., Story]) -> None:
    rng = random.Random(1)
    long = [Paragraph(runs=(Run(" ".join(f"{rng.getrandbits(40):x}" for _ in range(60))),)) for _ in range(30)]
    made = replace(edition, stories=(story("https://news.example.org/long", *long),))
    files = replace(made, look=replace(edition.look, onion=BASE)).files("story")
    parts = {path: file.body for path, file in files.items()}
    assert len(parts) > 2
    for path, body in parts.items():
        assert body.count(f'content="{BASE}{path}"'.encode()) == 1


def test_what_it_costs_a_page_is_little(pages: tuple[dict[str, bytes], dict[str, bytes]]) -> None:
    without, offering = pages
    costs = [size(offering[path]) - size(body) for path, body in without.items() if offering[path] != body]
    print(f"an offer costs {median(costs):.0f} bytes of brotli, {max(costs)} at most, in {len(costs)} pages")
    assert max(costs) <= MOST


def test_an_offer_is_no_reason_to_render_lists_anew() -> None:
    plain = Look(title="X")
    offering = replace(plain, onion=BASE)
    changed = {kind for kind in KINDS if plain.digest(kind) != offering.digest(kind)}
    assert changed == {"story", "front"}


@pytest.mark.parametrize("base", ["x.onion", 'http://x.onion/"><script>/', "http://x.onion"])
def test_what_is_no_base_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="onion must be"):
        Look(title="X", onion=base)
