"""The style: minified, in the newsroom's colours, and only what a page has a use for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from heliograph.render.look import PAPER, PAPER_DARK, Look, readable
from heliograph.render.style import minified, sections, style


@pytest.mark.parametrize(
    ("css", "small"),
    [
        ("a { color : red ; }\n/* why */\nb{\n  margin: 0 auto;\n}\n", "a{color:red}b{margin:0 auto}"),
        ("h2 , h3 > a {x:y;z:w;}", "h2,h3>a{x:y;z:w}"),
        ("@media (print) { nav { x : 0 } }", "@media (print){nav{x:0}}"),
        ("", ""),
    ],
)
def test_minifying_takes_out_what_browsers_do_not_read(css: str, small: str) -> None:
    assert minified(css) == small


def test_the_accents_are_the_newsroom_s_and_corrected_where_they_cannot_be_read(look: Look) -> None:
    css = style(replace(look, accent="#ffd700", accent_dark="#123456"), frozenset())
    assert f"light-dark({readable('#ffd700', PAPER)},{readable('#123456', PAPER_DARK)})" in css
    assert f"light-dark({PAPER},{PAPER_DARK})" in css
    assert not any(mark in css for mark in ("ACCENT", "PAPER", "#ffd700"))


def test_a_page_gets_the_sections_it_asks_for_and_no_other(look: Look) -> None:
    names = {name for name, _ in sections()}
    assert {"", "lead", "heading", "quote", "table", "figure", "picture", "embed", "list", "rtl"} == names
    assert "blockquote" not in style(look, frozenset({"lead"}))
    assert "blockquote" in style(look, frozenset({"quote"}))
    assert "isolate" in style(look, frozenset(), rtl=True)
    assert "isolate" not in style(look, frozenset(), rtl=False)


def test_a_style_never_loads_anything_and_cannot_end_its_element(look: Look) -> None:
    css = style(look, frozenset(name for name, _ in sections()), rtl=True)
    assert not any(mark in css for mark in ("url(", "@import", "<", "expression", "/*"))
