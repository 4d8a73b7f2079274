"""What a newsroom would pick instead, each given its best honest chance: wget, HTTrack, Pelican, Hugo.

wget and HTTrack copy the site as it is. Pelican and Hugo do not read a site at all: they are given the text already
extracted, as Markdown, without pictures, and only build pages. None of the four makes small pages.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.frame import measure, python
from benchmarks.sites import BenchError, Site, work_folder

Command = list[str | Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A tool to be measured. ``first`` and ``again`` give its command for a folder; its output is ``output`` in it."""

    name: str
    label: str
    first: Callable[[Site, Path], Command]
    again: Callable[[Site, Path], Command]
    output: str
    limits: tuple[float, float]  # seconds allowed for 1,000 and for 10,000 stories
    prepare: Callable[[Site, Path], None] | None = None  # what it needs to be given; not measured
    add: Callable[[Site, Path], None] | None = None  # gives it one story more; crawlers find it on the site
    fine: frozenset[int] = frozenset({0})  # exit statuses of success
    note: str = ""

    def limit(self, stories: int) -> float:
        """Seconds allowed for a site of ``stories`` stories."""
        return self.limits[stories > 1_000]


def _wget(site: Site, folder: Path) -> Command:
    options = ["--mirror", "--page-requisites", "--convert-links", "--no-verbose", "--directory-prefix", "out"]
    return [_need("wget"), *options, f"{site.base}/"]


def _httrack(site: Site, folder: Path) -> Command:
    # Its own defaults are polite to a foreign server; the site is ours and on this machine. -%c0 matters most: with any
    # limit of connections per second, even 1,000, it took over 120 s for 100 stories instead of 13.
    fast = ["--disable-security-limits", "-A0", "-%c0", "-c8", "-%k", "-s0"]
    return [_need("httrack"), f"{site.base}/", "-O", "out", "-q", "-%v0", "-I0", *fast]


def _need(tool: str) -> str:
    beside = Path(sys.executable).parent / tool
    found = str(beside) if beside.exists() else shutil.which(tool)
    if not found:
        raise BenchError(f"{tool} is not installed")
    return found


def _front_matter(article: dict[str, Any], **more: str) -> str:
    """YAML; JSON strings are valid YAML."""
    fields = {"title": article["title"], "date": article["published"], "summary": article["lead"], **more}
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items())


def _text(article: dict[str, Any]) -> str:
    return "\n\n".join(article["paragraphs"]) + "\n"


def _one_more(site: Site) -> dict[str, Any]:
    """A story that is not on the site, for tools that are fed with text."""
    article = next(site.articles())
    paragraphs = [" ".join(reversed(paragraph.split())) for paragraph in article["paragraphs"]]
    title = " ".join(reversed(article["title"].split()))
    return {**article, "id": article["id"] + 1, "title": title, "paragraphs": paragraphs}


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


_HUGO_CONFIG = """\
baseURL = "https://newsroom.example/"
title = "Vestnik"
disableKinds = ["taxonomy", "term", "RSS", "sitemap"]
[pagination]
pagerSize = 20
"""
_HUGO_BARE = {
    "single.html": "<!doctype html><title>{{.Title}}</title><h1>{{.Title}}</h1><time>{{.Date}}</time>{{.Content}}",
    "list.html": '<!doctype html><title>{{.Title}}</title><ul>{{range .Pages}}<li><a href="{{.RelPermalink}}">'
    "{{.Title}}</a>{{end}}</ul>",
}
_HUGO_FULL = {
    "baseof.html": '<!doctype html><html lang="{{.Params.lang}}"><meta charset="utf-8"><title>{{.Title}}</title>'
    '<nav>{{range .Site.Sections}}<a href="{{.RelPermalink}}">{{.Title}}</a> {{end}}</nav>'
    '<main>{{block "main" .}}{{end}}</main>'
    '<ul>{{range first 5 .CurrentSection.RegularPages}}<li><a href="{{.RelPermalink}}">{{.Title}}</a>{{end}}</ul>',
    "single.html": '{{define "main"}}<h1>{{.Title}}</h1><time>{{.Date}}</time><p>{{.Summary}}</p>{{.Content}}{{end}}',
    "list.html": '{{define "main"}}<h1>{{.Title}}</h1><ul>{{range .Paginator.Pages}}<li><a href="{{.RelPermalink}}">'
    '{{.Title}}</a>{{end}}</ul>{{template "_internal/pagination.html" .}}{{end}}',
}


def _hugo_with(layouts: dict[str, str]) -> Callable[[Site, Path], None]:
    def prepare(site: Site, folder: Path) -> None:
        _write(folder / "hugo.toml", _HUGO_CONFIG)
        for name, text in layouts.items():
            _write(folder / "layouts" / "_default" / name, text)
        for article in site.articles():
            _hugo_story(folder, article)

    return prepare


def _hugo_story(folder: Path, article: dict[str, Any]) -> None:
    text = f"---\n{_front_matter(article, lang=article['lang'])}---\n\n{_text(article)}"
    _write(folder / "content" / article["section"] / f"{article['id']}.md", text)


def _hugo(site: Site, folder: Path) -> Command:
    return [_need("hugo"), "--quiet", "--buildFuture", "--destination", "out"]


_PELICAN_CONFIG = """\
SITENAME = "Vestnik"
SITEURL = ""
PATH = "content"
TIMEZONE = "UTC"
DEFAULT_LANG = "ru"
DEFAULT_PAGINATION = 20
FEED_ALL_ATOM = CATEGORY_FEED_ATOM = TRANSLATION_FEED_ATOM = AUTHOR_FEED_ATOM = AUTHOR_FEED_RSS = None
"""


def _pelican_prepare(site: Site, folder: Path) -> None:
    _write(folder / "pelicanconf.py", _PELICAN_CONFIG)
    for article in site.articles():
        _pelican_story(folder, article)


def _pelican_story(folder: Path, article: dict[str, Any]) -> None:
    """Pelican's Markdown reader takes plain ``Key: value`` lines."""
    lines = {"Title": article["title"], "Date": article["published"], "Category": article["section"]}
    lines |= {"Slug": str(article["id"]), "Summary": article["lead"], "Lang": "ru"}  # one language: no translations
    head = "".join(f"{key}: {value}\n" for key, value in lines.items())
    _write(folder / "content" / article["section"] / f"{article['id']}.md", f"{head}\n{_text(article)}")


def _pelican(site: Site, folder: Path) -> Command:
    return python("-m", "pelican", "content", "-o", "out", "-s", "pelicanconf.py", "-q")


PEERS = (
    Peer(
        name="wget",
        label="wget",
        first=_wget,
        again=_wget,
        output="out",
        limits=(180, 900),
        fine=frozenset({0, 8}),  # 8: some answer was an error, as on any real site
        note="--mirror --page-requisites --convert-links",
    ),
    Peer(
        name="httrack",
        label="HTTrack",
        first=_httrack,
        again=lambda site, folder: [*_httrack(site, folder), "--update"],
        output="out",
        limits=(300, 1_800),
        note="without its limits of speed; 8 connections",
    ),
    Peer(
        name="pelican",
        label="Pelican",
        first=_pelican,
        again=_pelican,
        output="out",
        limits=(180, 900),
        prepare=_pelican_prepare,
        add=lambda site, folder: _pelican_story(folder, _one_more(site)),
        note="its own theme, no feeds; given the text already extracted",
    ),
    Peer(
        name="hugo",
        label="Hugo, bare",
        first=_hugo,
        again=_hugo,
        output="out",
        limits=(180, 900),
        prepare=_hugo_with(_HUGO_BARE),
        add=lambda site, folder: _hugo_story(folder, _one_more(site)),
        note="the barest template; given the text already extracted",
    ),
    Peer(
        name="hugo-nav",
        label="Hugo, sections",
        first=_hugo,
        again=_hugo,
        output="out",
        limits=(180, 900),
        prepare=_hugo_with(_HUGO_FULL),
        add=lambda site, folder: _hugo_story(folder, _one_more(site)),
        note="navigation and 5 recent stories on each page; given the text already extracted",
    ),
)


def environment() -> dict[str, str]:
    """What every tool is run with: Python's modules compiled beforehand, as those of an installed tool are.

    Takes half a minute the first time. Without it, and where Python is told to write no bytecode, each start of a tool
    that is written in Python would compile all it imports, and that would be measured.
    """
    source = Path(__file__).resolve().parents[1] / "src"
    env = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(work_folder() / "bytecode")}
    measure(python("-m", "compileall", "-q", "-j", "0", sysconfig.get_paths()["purelib"], source), env=env)
    paths = [str(source), os.environ.get("PYTHONPATH", "")]
    return {**env, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def versions() -> dict[str, str]:
    """Which version of each tool is here; a tool that is missing is left out."""
    asks = {
        "wget": ("wget", "--version"),
        "HTTrack": ("httrack", "--version"),
        "Hugo": ("hugo", "version"),
        "Pelican": ("pelican", "--version"),
    }
    found = {}
    for name, (tool, option) in asks.items():
        try:
            said = measure([_need(tool), option], limit=20)
        except BenchError:
            continue
        found[name] = _version(said.out)
    return found


def _version(text: str) -> str:
    """The first word of ``text`` that begins like a version."""
    for word in text.replace("Version", " ").split():
        bare = word.lstrip("v")
        if bare[:1].isdigit() and "." in bare:
            return bare.split("+")[0]
    return "?"
