"""A one-file edition: stories as one page of HTML that needs nothing else, to go along with a mail.

Rule 1: nothing in it is fetched from anywhere, and no script runs. Rule 2: text of stories is escaped as everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape

from heliograph.announce.prose import Prose, code_line
from heliograph.announce.rules import Facts
from heliograph.model import Story
from heliograph.model.words import Words, direction

MOST = 4_000_000  # bytes; stories that do not fit are left out, the oldest first
_STYLE = (
    "body{font:18px/1.5 Georgia,serif;max-width:38rem;margin:0 auto;padding:1rem;background:#fdfcf8;color:#1b1b18;"
    "overflow-wrap:anywhere}h1{font-size:1.3rem}h2{line-height:1.2;margin-top:2.5rem}p{white-space:pre-line}"
    "small,nav{color:#5c5b55}a{color:inherit}blockquote{margin:0;padding-left:1rem;border-left:2px solid #ccc}"
    "@media(prefers-color-scheme:dark){body{background:#161614;color:#e9e7df}small,nav{color:#a5a399}}"
)


def leaf(stories: Sequence[Story], when: date, facts: Facts, words: Words) -> bytes:
    """The stories in their order as one page of at most ``MOST`` bytes of UTF-8."""
    lang = escape(words.lang)
    title = escape(f"{facts.title}, {words.day(when)}")
    head = (
        f'<!doctype html><html lang="{lang}" dir="{direction(words.lang)}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1>"
    )
    links = "".join(f'<p><a href="{escape(url)}">{escape(url)}</a></p>' for url in facts.mirrors)
    foot = f"<nav><p>{escape(words('Where to read us now'))}:</p>{links}</nav></html>"
    lines, articles, room = [], [], MOST - len(head.encode()) - len(foot.encode())
    for story in stories:
        line, article = _line(story), _article(story, facts, words)
        room -= len(line.encode()) + len(article.encode())
        if room < 0:
            break
        lines.append(line)
        articles.append(article)
    contents = f"<nav><ul>{''.join(lines)}</ul></nav>" if len(lines) > 1 else ""
    return f"{head}{contents}{''.join(articles)}{foot}".encode()


def _line(story: Story) -> str:
    return f'<li><a href="#{story.code}">{escape(Prose(story).title)}</a></li>'


def _article(story: Story, facts: Facts, words: Words) -> str:
    prose = Prose(story, facts.own)
    paragraphs = "".join(f"<p>{text}</p>" for text in prose.html([prose.lead, *prose.body]) if text)
    code = escape(code_line(story.code, words))
    lang = escape(story.lang, quote=True)
    title = escape(prose.title)
    return (
        f'<article id="{story.code}" lang="{lang}"><h2>{title}</h2>{paragraphs}<p><small>{code}</small></p></article>'
    )
