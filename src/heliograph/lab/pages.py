"""Pages of the simulated newsroom, with all that stands around a story on a real site.

Two templates, as many newsrooms have after a relaunch: ``_classic`` marks its parts up (schema.org, JSON-LD), ``_blog``
has nothing but class names, loads its pictures by script and keeps its notices inside the text's own container. Both
end with the notice that blocked newsrooms add to every story, and with the label of a comment plugin.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from heliograph.lab.phrases import PHRASES, Phrases
from heliograph.lab.piece import Piece

PER_LIST = 20

_CSS = """*{box-sizing:border-box}body{margin:0;font:17px/1.55 Georgia,serif;color:#1d1d1b;background:#fbfaf7}
a{color:#0b5c7a;text-decoration:none}a:hover{text-decoration:underline}img{max-width:100%;height:auto;display:block}
.top{border-bottom:3px solid #0b5c7a;padding:14px 5vw;display:flex;gap:28px;flex-wrap:wrap;align-items:baseline}
.logo{font-size:30px;font-weight:700;letter-spacing:-.5px}
.menu{display:flex;gap:18px;flex-wrap:wrap;font:15px sans-serif}
.menu ul{list-style:none;display:flex;gap:16px;margin:0;padding:0;flex-wrap:wrap}
.page{display:grid;grid-template-columns:minmax(0,1fr) 300px;gap:48px;max-width:1120px;margin:28px auto;padding:0 5vw}
.langs a{margin-inline-end:8px}
.headline{font-size:38px;line-height:1.15;margin:.2em 0}.standfirst,.excerpt{font-size:20px;color:#444}
.byline,.post-meta{font:14px sans-serif;color:#777;display:flex;gap:14px}.share{display:flex;gap:8px;margin:14px 0}
.share a{font:13px sans-serif;padding:5px 10px;border:1px solid #d8d4ca;border-radius:3px}figure{margin:18px 0}
figcaption{font:14px sans-serif;color:#777;padding-top:6px}.inset,.also{border-left:3px solid #e0a83c;padding:8px 16px;
margin:20px 0;font:15px sans-serif;background:#f4f0e6}.side{font:15px sans-serif}.side li{margin:10px 0}
.tags a{font:13px sans-serif;background:#ece8dd;padding:3px 8px;margin-right:6px}.card{display:grid;gap:6px;
padding:16px 0;border-bottom:1px solid #e4dfd3}.card h3{margin:0;font-size:22px}.foot{background:#22303a;color:#c9d2d8;
padding:26px 5vw;font:14px sans-serif}.foot a{color:#fff}.cookie{position:fixed;bottom:0;left:0;right:0;background:#fff;
border-top:1px solid #ccc;padding:14px 5vw;font:14px sans-serif;display:flex;gap:20px}.cookie button{padding:6px 18px}
@media(max-width:860px){.page{grid-template-columns:1fr}.headline{font-size:29px}.top{gap:10px}}""".replace("\n", "")
_JS = """(function(w,d){w.dataLayer=w.dataLayer||[];
function t(e){w.dataLayer.push({event:e,at:Date.now(),p:location.pathname})}
t('view');d.addEventListener('DOMContentLoaded',function(){[].forEach.call(d.querySelectorAll('img[data-src]'),
function(i){i.src=i.getAttribute('data-src')});[].forEach.call(d.querySelectorAll('.share a'),function(a){
a.addEventListener('click',function(){t('share:'+a.className)})});var c=d.querySelector('.cookie');
if(c){c.querySelector('button').addEventListener('click',function(){c.remove();t('cookie')})}})})(window,document);"""
_BLANK = "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw=="
_SHARES = ("telegram", "viber", "facebook", "x", "whatsapp")
_IMAGE = re.compile(r'<img src="([^"]*)"([^>]*)>')


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What every page shares: ``base`` without a final slash, the mirror the notice names, all stories newest first."""

    base: str
    mirror: str
    pieces: tuple[Piece, ...]

    def sections(self, lang: str) -> dict[str, str]:
        """Path and label of each section of one language, in an order that does not change when news comes in."""
        labels = {piece.section_path: piece.section for piece in self.pieces if piece.lang == lang and piece.section}
        return dict(sorted(labels.items()))

    def earlier(self, piece: Piece, count: int) -> tuple[Piece, ...]:
        """Stories older than ``piece`` in its language: a page's neighbours do not change when news comes in."""
        older = (one for one in self.pieces if one.lang == piece.lang and one.published < piece.published)
        return tuple(one for _, one in zip(range(count), older, strict=False))


def article(site: Site, piece: Piece) -> str:
    """A story's page, in the template its language's desk uses."""
    return _blog(site, piece) if piece.lang in {"uk", "en"} else _classic(site, piece)


def listing(site: Site, lang: str, title: str, path: str, pieces: Sequence[Piece], page: int) -> str:
    """One page of a list: front page, section."""
    words = PHRASES.get(lang, PHRASES["en"])
    shown = pieces[(page - 1) * PER_LIST : page * PER_LIST]
    pager = f'<a rel="prev" href="{path}?page={page - 1}">←</a>' if page > 1 else ""
    if len(pieces) > page * PER_LIST:
        pager += f'<a rel="next" href="{path}?page={page + 1}">→</a>'
    cards = "".join(_card(piece) for piece in shown)
    main = f'<main><h1>{escape(title)}</h1>{cards}<div class="pager">{pager}</div></main>'
    return _frame(site, lang, words, title, "", f'<div class="page list">{main}</div>')


def full_text(site: Site, piece: Piece) -> str:
    """The story as the newsroom's full-text feeds carry it, notice and all."""
    notice = PHRASES.get(piece.lang, PHRASES["en"]).notice.format(mirror=site.mirror)
    return f"{_hero(site, piece)}{_absolute(site, piece.html)}<p>{escape(notice)}</p>"


def _classic(site: Site, piece: Piece) -> str:
    words = PHRASES.get(piece.lang, PHRASES["en"])
    head, rest = _halves(piece.html)
    inset = "".join(
        f'<aside class="inset"><b>{words.also}:</b> <a href="{one.path}">{escape(one.title)}</a></aside>'
        for one in site.earlier(piece, 1)
    )
    lead = f'<p class="standfirst" itemprop="description">{escape(piece.lead)}</p>' if piece.lead else ""
    when = piece.published.isoformat(timespec="seconds")
    main = (
        f'<main><article class="story" itemscope itemtype="https://schema.org/NewsArticle">'
        f'<header><a class="rubric" href="{piece.section_path}">{escape(piece.section)}</a>'
        f'<h1 class="headline" itemprop="headline">{escape(piece.title)}</h1>{lead}<div class="byline">'
        f'<span itemprop="author">{escape(piece.author)}</span><time datetime="{when}" itemprop="datePublished">'
        f"{piece.published:%d.%m.%Y, %H:%M}</time></div>{_shares(site, piece, words)}</header>{_hero(site, piece)}"
        f'<div class="article-text" itemprop="articleBody">{head}{inset}{rest}'
        f"<p><strong>{escape(words.notice.format(mirror=site.mirror))}</strong></p></div>"
        f'{_tags(piece, words)}<div class="comments"><p class="comments-label">{words.comments}</p>'
        f'<div class="fb-comments" data-href="{site.base}{piece.path}"></div></div></article></main>'
    )
    linked = json.dumps(_json_ld(site, piece, words), ensure_ascii=False).replace("<", "\\u003c")
    extra = f'<script type="application/ld+json">{linked}</script>'
    return _frame(
        site, piece.lang, words, piece.title, _meta(site, piece) + extra, _with_side(site, piece, words, main)
    )


def _blog(site: Site, piece: Piece) -> str:
    words = PHRASES.get(piece.lang, PHRASES["en"])
    head, rest = _halves(piece.html)
    also = "".join(f'<li><a href="{one.path}">{escape(one.title)}</a></li>' for one in site.earlier(piece, 2))
    inset = f'<div class="also"><h4>{words.also}</h4><ul>{also}</ul></div>' if also else ""
    lead = f'<p class="excerpt">{escape(piece.lead)}</p>' if piece.lead else ""
    main = (
        f'<div class="content-area"><div class="post"><div class="post-head">'
        f'<h1 class="headline">{escape(piece.title)}</h1><div class="post-meta"><a rel="author" href="/{piece.lang}/">'
        f'{escape(piece.author)}</a><time datetime="{piece.published.isoformat(timespec="seconds")}">'
        f'{piece.published:%d.%m.%Y %H:%M}</time></div></div><div class="entry-content">{lead}'
        f"{_lazy(_hero(site, piece) + head)}{inset}{_lazy(rest)}"
        f"<p><em>{escape(words.notice.format(mirror=site.mirror))}</em></p>{_shares(site, piece, words)}"
        f"<p>{words.comments}</p></div>{_tags(piece, words)}</div></div>"
    )
    return _frame(site, piece.lang, words, piece.title, _meta(site, piece), _with_side(site, piece, words, main))


def _frame(site: Site, lang: str, words: Phrases, title: str, extra: str, body: str) -> str:
    links = "".join(f'<li><a href="{path}">{escape(label)}</a></li>' for path, label in site.sections(lang).items())
    others = "".join(f'<a hreflang="{code}" href="/{code}/">{code.upper()}</a>' for code in PHRASES)
    direction = ' dir="rtl"' if lang == "fa" else ""
    return (
        f'<!DOCTYPE html><html lang="{lang}"{direction}><head><meta charset="utf-8"><title>{escape(title)} — '
        f'{words.outlet}</title><meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<link rel="alternate" type="application/rss+xml" href="/rss.xml"><link rel="alternate" '
        f'type="application/atom+xml" href="/atom.xml">{extra}<style>{_CSS}</style><script>{_JS}</script></head><body>'
        f'<header class="top"><a class="logo" href="/{lang}/">{words.outlet}</a><nav class="menu"><ul>{links}</ul>'
        f'<span class="langs">{others}</span></nav></header>{body}<footer class="foot"><ul>{links}</ul><p>{words.legal}'
        f'</p><form class="subscribe" action="/subscribe"><label>{words.subscribe} <input type="email" name="email">'
        f'</label><button>OK</button></form></footer><div class="cookie" role="dialog"><p>{words.cookie}</p>'
        f"<button>OK</button></div></body></html>"
    )


def _with_side(site: Site, piece: Piece, words: Phrases, main: str) -> str:
    read = "".join(f'<li><a href="{one.path}">{escape(one.title)}</a></li>' for one in site.earlier(piece, 5))
    return f'<div class="page">{main}<aside class="side"><h2>{words.most_read}</h2><ol>{read}</ol></aside></div>'


def _card(piece: Piece) -> str:
    picture = (
        f'<img loading="lazy" src="/media/{piece.picture}.jpg" alt="" width="300" height="200">'
        if piece.picture
        else ""
    )
    return (
        f'<div class="card" lang="{piece.lang}" dir="auto"><a href="{piece.path}">{picture}'
        f"<h3>{escape(piece.title)}</h3></a><p>{escape(piece.lead)}</p><time datetime="
        f'"{piece.published.isoformat(timespec="seconds")}">{piece.published:%d.%m.%Y %H:%M}</time></div>'
    )


def _meta(site: Site, piece: Piece) -> str:
    fields = {
        "og:type": "article",
        "og:title": piece.title,
        "og:description": piece.lead,
        "og:url": site.base + piece.path,
        "og:image": f"{site.base}/media/{piece.picture}.jpg" if piece.picture else "",
        "article:published_time": piece.published.isoformat(timespec="seconds"),
        "article:modified_time": piece.updated.isoformat(timespec="seconds"),
        "article:section": piece.section,
    }
    rows = "".join(f'<meta property="{name}" content="{escape(value)}">' for name, value in fields.items() if value)
    author = f'<meta name="author" content="{escape(piece.author)}">'
    return f'<link rel="canonical" href="{site.base}{piece.path}">{rows}{author}'


def _json_ld(site: Site, piece: Piece, words: Phrases) -> dict[str, object]:
    return {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": piece.title,
        "description": piece.lead,
        "datePublished": piece.published.isoformat(timespec="seconds"),
        "dateModified": piece.updated.isoformat(timespec="seconds"),
        "inLanguage": piece.lang,
        "articleSection": piece.section,
        "keywords": list(piece.tags),
        "mainEntityOfPage": site.base + piece.path,
        "image": [f"{site.base}/media/{piece.picture}.jpg"] if piece.picture else [],
        "author": {"@type": "Person", "name": piece.author},
        "publisher": {"@type": "NewsMediaOrganization", "name": words.outlet},
    }


def _hero(site: Site, piece: Piece) -> str:
    if not piece.picture:
        return ""
    return (
        f'<figure class="hero"><img src="{site.base}/media/{piece.picture}.jpg" alt="{escape(piece.caption)}" '
        f'width="1200" height="800"><figcaption>{escape(piece.caption)}</figcaption></figure>'
    )


def _shares(site: Site, piece: Piece, words: Phrases) -> str:
    buttons = "".join(
        f'<a class="share-{name}" rel="nofollow" href="https://{name}.example/share?u={site.base}{piece.path}">'
        f"<span>{words.share}</span></a>"
        for name in _SHARES
    )
    return f'<div class="share">{buttons}</div>'


def _tags(piece: Piece, words: Phrases) -> str:
    links = "".join(f'<a href="/{piece.lang}/?tag={escape(tag)}">{escape(tag)}</a>' for tag in piece.tags)
    return f'<div class="tags"><span>{words.tags}:</span> {links}</div>' if links else ""


def _halves(html: str) -> tuple[str, str]:
    """The body before and after the place where templates put their inset: behind the first paragraph."""
    head, end, rest = html.partition("</p>\n<p>")
    return (head + "</p>\n", "<p>" + rest) if end else (html, "")


def _lazy(html: str) -> str:
    return _IMAGE.sub(rf'<img class="lazy" src="{_BLANK}" data-src="\1"\2><noscript><img src="\1"\2></noscript>', html)


def _absolute(site: Site, html: str) -> str:
    return re.sub(r'\b(href|src)="/', rf'\1="{site.base}/', html)
