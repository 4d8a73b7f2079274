"""Rich messages of the emulated Bot API: each documented limit at its edge; how the adapter sends and edits them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.adapters.channels.bots import here

from heliograph.config import parse
from heliograph.lab.channels.telegram import Telegram
from heliograph.lab.channels.telegram.refused import Refused
from heliograph.lab.channels.telegram.richly import rich_of
from heliograph.model import ConfigError
from heliograph.model.post import Message

LAB = Telegram(lambda: 0.0)


def deep(levels: int) -> str:
    """Marks within marks, in a list."""
    pairs = [("<ul>", "</ul>"), ("<li>", "</li>"), *[("<b>", "</b>"), ("<i>", "</i>")] * 10][:levels]
    return "".join(first for first, _ in pairs) + "x" + "".join(last for _, last in reversed(pairs))


@pytest.mark.parametrize(
    ("html", "fits"),
    [
        (f"<p>{'a' * 32_768}</p>", True),
        (f"<p>{'a' * 32_769}</p>", False),
        (f"<p>{'a' * 16_384}</p><h2>{'&amp;' * 16_384}</h2>", True),
        (f"<p>{'a' * 16_384}</p><h2>{'&amp;' * 16_385}</h2>", False),
        ("<p>a</p>" * 500, True),
        ("<p>a</p>" * 501, False),
        (f"<ul>{'<li>a</li>' * 499}</ul>", True),
        (f"<ul>{'<li>a</li>' * 500}</ul>", False),
        (deep(16), True),
        (deep(17), False),
        (f"<table><tr>{'<td>a</td>' * 20}</tr></table>", True),
        (f"<table><tr>{'<td>a</td>' * 21}</tr></table>", False),
    ],
)
def test_every_limit_at_its_edge(html: str, fits: bool) -> None:
    if fits:
        assert rich_of(LAB, {"html": html}).text
    else:
        with pytest.raises(Refused, match=r"too (long|many|deep|wide)"):
            rich_of(LAB, {"html": html})


@pytest.mark.parametrize(
    "given_",
    [
        None, [], "x", {}, {"html": ""}, {"html": "<p></p>"}, {"html": "text alone"}, {"html": "<p>a"},
        {"html": "a</p>"}, {"html": "<p><b>a</p></b>"}, {"html": "<li>a</li>"}, {"html": "<ul>a</ul>"},
        {"html": "<b>a</b>"},
        {"html": "<td>a</td>"}, {"html": "<p><p>a</p></p>"}, {"html": "<script>a</script>"}, {"html": "<p>a<br/></p>"},
        {"html": "<p>a</p><!-- b -->"}, {"html": "<p>a</p>", "markdown": "a"}, {"markdown": "a"}, {"blocks": [{}]},
        {"html": 5}, {"html": "<p>" + "a" * 300_000},
    ],
)  # fmt: skip
def test_what_is_broken_or_not_of_this_world_is_refused(given_: Any) -> None:
    with pytest.raises(Refused):
        rich_of(LAB, given_)


@given(st.text(alphabet='<>/pbhlitd "=a1&;!-', max_size=60))
@settings(max_examples=300)
def test_any_markup_is_taken_or_refused(source: str) -> None:
    try:
        said = rich_of(LAB, {"html": source})
    except Refused:
        return
    assert said.text.strip()


def rich(text: str, **more: Any) -> Message:
    return Message(text=text, html=True, rich=True, **more)


def test_a_rich_message_is_sent_changed_to_a_notice_and_back_and_taken_away(tmp_path: Path) -> None:
    async def main() -> None:
        async with here(tmp_path) as world:
            sent = await world.adapter.send(rich("<h2>Мост</h2>\n<p>Открыт.</p>"))
            assert sent.fate == "posted"
            assert world.texts() == ["Мост\nОткрыт."]
            assert world.chat.posts[1].rich
            same = await world.adapter.edit(sent.remotes, rich("<h2>Мост</h2>\n<p>Открыт.</p>"))
            assert (same.fate, same.note) == ("posted", "it was so already")
            assert (await world.adapter.edit(sent.remotes, rich("<p>Закрыт.</p>"))).fate == "posted"
            assert world.texts() == ["Закрыт."]
            assert (await world.adapter.edit(sent.remotes, Message(text="Снято.", html=True))).fate == "posted"
            assert (world.texts(), world.chat.posts[1].rich) == (["Снято."], False)
            assert (await world.adapter.edit(sent.remotes, rich("<p>Снова.</p>"))).fate == "posted"
            assert (await world.adapter.withdraw(sent.remotes)).fate == "posted"
            assert world.texts() == []
            assert (await world.adapter.send(rich("<p>" + "a" * 40_000 + "</p>"))).fate == "refused"

    asyncio.run(main())


def test_rich_and_pictures_exclude_each_other(tmp_path: Path) -> None:
    table = '[newsroom]\ntitle = "П"\n[[channel]]\nname = "t"\nkind = "telegram"\nchat = "@peninsula"\ntoken = "t"\n'
    table += "rich = true\n"
    parse(table, tmp_path / "heliograph.toml")
    with pytest.raises(ConfigError, match="two forms"):
        parse(table + "pictures = true\n", tmp_path / "heliograph.toml")
