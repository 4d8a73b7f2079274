"""The page of a rehearsal: every post as readers see it, and a reader who can ask.

The posts are a page in a frame, which loads anew by itself; what is being typed beside it stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

STYLE = (
    "body{font:16px/1.45 sans-serif;max-width:72rem;margin:0 auto;padding:1rem;background:#fdfcf8;color:#1b1b18}"
    "main{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(min(20rem,100%),1fr))}"
    "article{border-top:1px solid #ccc;padding:.5rem 0;white-space:pre-wrap;overflow-wrap:anywhere}h2{font-size:1rem}"
    "form{display:flex;flex-wrap:wrap;gap:.5rem}input{flex:1 1 12rem}input,button{font:inherit;padding:.3rem .6rem}"
    "iframe{border:0;width:100%;height:calc(100vh - 9rem)}p{margin:.5rem 0}"
    "@media(prefers-color-scheme:dark){body{background:#161614;color:#e9e7df}article{border-color:#444}"
    "input,button{background:#222;color:inherit;border:1px solid #555}}"
)
_HEAD = '<!doctype html><meta charset=utf-8><meta name=viewport content="width=device-width">'
_ICON = '<link rel=icon href="data:,">'
BUTTONS = (("bot", "ask the bot"), ("mail", "write a mail"), ("answer", "answer the newest mail"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One post as readers see it now."""

    channel: str
    remote: str
    text: str
    pinned: bool = False


def page(note: str) -> str:
    """The reader's line, and the frame; ``note`` says what came of the last question."""
    buttons = "".join(f'<button name=how value="{how}">{label}</button>' for how, label in BUTTONS)
    form = (
        f'<form method=post action=/ask><input name=text aria-label="what a reader writes" autofocus>{buttons}</form>'
    )
    told = f"<p role=status>{escape(note)}</p>" if note else ""
    frame = '<iframe src=/wall title="what readers see"></iframe>'
    return f"{_HEAD}<title>Rehearsal</title>{_ICON}<style>{STYLE}</style>{form}{told}{frame}"


def wall(posts: Sequence[Post], columns: Sequence[str]) -> str:
    """What readers see, the newest first."""
    made = []
    for name in columns:
        mine = [post for post in reversed(posts) if post.channel == name]
        shown = "".join(f"<article>{'📌 ' if one.pinned else ''}{escape(one.text)}</article>" for one in mine)
        made.append(f"<section><h2>{escape(name)}: {len(mine)}</h2>{shown}</section>")
    refresh = "<meta http-equiv=refresh content=3><title>What readers see</title>"
    return f"{_HEAD}{refresh}<style>{STYLE}</style><main>{''.join(made)}</main>"
