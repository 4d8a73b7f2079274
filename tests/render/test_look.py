"""The look: what the operator may wish, what is corrected, and when pages must be rendered again."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.render import look as module
from heliograph.render.look import Link, Look, Nav, contrast, readable

COLOURS = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")


def test_the_contrast_of_known_pairs_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#abcdef", "#abcdef") == pytest.approx(1)


@given(COLOURS)
def test_any_accent_ends_readable_on_both_papers(colour: str) -> None:
    for paper in (module.PAPER, module.PAPER_DARK):
        assert contrast(readable(colour, paper), paper) >= 4.5


def test_a_readable_accent_is_left_alone_and_a_pale_one_is_corrected_with_a_note() -> None:
    assert Look(title="X").notes() == ()
    pale = Look(title="X", accent="#ffd700")
    (note,) = pale.notes()
    assert "accent #ffd700" in note
    assert readable("#ffd700", module.PAPER) in note


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""), ("title", "x" * 81), ("home", "javascript:alert(1)"), ("home", "example.org"), ("lang", "RU"),
        ("lang", "russian"), ("languages", ("ru", "../en")), ("zone", "Mars/Base"), ("zone", "../../etc/passwd"),
        ("zone", ""), ("accent", "red"), ("accent", "#FFF"), ("accent_dark", "#12345g"),
        ("links", (Link(name="x", url="data:text/html,x"),)), ("links", (Link(name="", url="https://e.org"),)),
        ("links", tuple(Link(name=str(n), url="https://e.org") for n in range(13))),
        ("nav", (Nav(key="ru/x", label="", lang="ru"),)), ("front", 0), ("leads", -1), ("feed_days", 0),
        ("search_bits", 17),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_used_is_refused_by_the_name_of_its_field(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"^{field}"):
        Look(**{"title": "X", field: value})  # type: ignore[arg-type]


def test_a_look_travels_to_worker_processes_and_stays_small(look: Look) -> None:
    packed = pickle.dumps(look)
    assert pickle.loads(packed) == look
    assert len(packed) < 1_000


@pytest.mark.parametrize(
    ("change", "changed", "unchanged"),
    [
        ({"title": "Y"}, ("story", "front", "picture", "feed"), ()),
        ({"accent": "#005500"}, ("story", "day"), ()),
        ({"zone": "UTC"}, ("story", "day"), ()),
        ({"languages": ("ru", "uk")}, ("story", "front"), ()),
        ({"search_bits": 9}, ("search", "search-page"), ("story", "front", "feed")),
        ({"feed_days": 9}, ("feed", "feed-day"), ("story", "day")),
        ({"front": 9}, ("front",), ("story", "day", "feed")),
        ({"nav": (Nav(key="ru/x", label="X", lang="ru"),)}, ("front", "search-page"), ("story", "picture")),
    ],
)
def test_a_change_shows_in_the_digest_of_the_kinds_it_shapes_and_of_no_other(
    change: dict[str, object], changed: tuple[str, ...], unchanged: tuple[str, ...], look: Look
) -> None:
    other = replace(look, **change)  # type: ignore[arg-type]
    assert look.digest() != other.digest()
    assert all(look.digest(kind) != other.digest(kind) for kind in changed)
    assert all(look.digest(kind) == other.digest(kind) for kind in unchanged)


def test_the_digest_is_the_same_in_every_process_and_covers_templates_styles_and_translations(look: Look) -> None:
    assert look.digest("story") == pickle.loads(pickle.dumps(look)).digest("story")
    names = [name for name, _ in module._package_files()]
    assert {"style.css", "templates/story.html", "locale/ru/messages.po", "story_page.py"} <= set(names)
    assert len(names) == len(set(names))


def test_one_changed_byte_of_a_template_changes_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = module.package_digest.__wrapped__()
    files = module._package_files()
    changed = [(name, data + b" " if name == "templates/page.html" else data) for name, data in files]
    monkeypatch.setattr(module, "_package_files", lambda: changed)
    assert module.package_digest.__wrapped__() != before
