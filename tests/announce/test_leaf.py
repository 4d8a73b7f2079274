"""The one-file edition: whole, safe, and in need of nothing."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from tests.announce.stories import FACTS, NOW, paragraph, speaks, story

from heliograph.announce.leaf import MOST, leaf
from heliograph.model import Run
from heliograph.model.code import shown

KNOWN = {
    "html", "meta", "title", "style", "h1", "h2", "p", "a", "nav", "ul", "li", "article", "small", "b", "i", "code",
    "blockquote",
}  # fmt: skip


class Page(HTMLParser):
    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.hrefs: list[str] = []
        self.text = ""
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.hrefs += [value or "" for name, value in attrs if name == "href"]
        assert not [name for name, _ in attrs if name.startswith("on") or name == "src"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_it_holds_every_story_whole_with_its_code_and_the_addresses() -> None:
    told = [story("Текст первый.", title="Первая"), story("Текст второй.", title="Вторая", code="0000000")]
    page = Page(leaf(told, NOW.date(), FACTS, speaks("ru")))
    for said in ("Первая", "Текст первый.", "Вторая", "Текст второй.", shown("0000000"), "22 ноября 2026"):
        assert said in page.text
    assert set(FACTS.mirrors) <= set(page.hrefs)


def test_a_right_to_left_language_is_set_so() -> None:
    assert b'dir="rtl"' in leaf([story("متن")], NOW.date(), FACTS, speaks("fa"))


def test_what_has_no_room_is_left_out_whole() -> None:
    told = [story("x" * 400_000, title=f"Т{n}", code=f"{n:07d}") for n in range(20)]
    data = leaf(told, NOW.date(), FACTS, speaks("ru"))
    assert len(data) <= MOST
    assert data.rstrip().endswith(b"</html>")


@given(st.text(), st.text(), st.text())
def test_text_of_strangers_is_text(title: str, text: str, href: str) -> None:
    hostile = story(paragraph(Run(f"<script>{text}", "b", href)), title=f"</h2><img src=x>{title}")
    page = Page(leaf([hostile], NOW.date(), FACTS, speaks("ru")))
    assert set(page.tags) <= KNOWN
    assert all(one.startswith(("https://", "http://", "mailto:", "tg:", "#")) for one in page.hrefs)
