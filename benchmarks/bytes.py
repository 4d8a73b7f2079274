"""What a story's page costs over its bare text, and how fast pages are made.

    python -m benchmarks.bytes [--json] [--stories N]

The stories are the ground truth of the synthetic site. A page is measured as it is mapped, its text padding included,
against the brotli of its title, lead and paragraphs, both at the same quality; pages of stories that need several
files are left out of the ratio. "With pictures" adds the site's one or two figures a story, which the bare text
lacks; the third row counts their captions as text too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import brotli
from rich.console import Console
from rich.table import Table

from benchmarks import sites
from heliograph import render
from heliograph.model import (
    Block,
    Figure,
    File,
    Issue,
    Material,
    Paragraph,
    Picture,
    Run,
    SheetKey,
    Shown,
    Story,
)
from heliograph.model.code import story_code
from heliograph.render.look import Link, Look

_DENSE_SAMPLE = 250  # stories measured at quality 10, which is slow
_ISSUE = Issue(number=1, made=datetime(2026, 1, 1, tzinfo=UTC), stories=1, files=1, written=1, gone=0)
_LOOK = Look(
    title="Полуостров",
    lang="ru",
    languages=("ru", "uk", "en"),
    zone="Europe/Kyiv",
    links=(
        Link(name="Telegram", url="https://t.me/poluostrov_example"),
        Link(name="Viber", url="https://viber.example.org/poluostrov"),
    ),
)


@dataclass(frozen=True, slots=True)
class Made:
    """One story's pages and the bare texts they are measured against."""

    files: tuple[File, ...]
    text: bytes
    captions: bytes


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, and with ``--json`` one line of JSON at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--stories", type=int, default=1_000)
    asked = parser.parse_args(arguments)
    articles = list(sites.make(asked.stories, pictures=False).articles())
    figures = {"page over bare text": _ratios(articles), "pages": _pages(articles)}
    _show(figures)
    if asked.json:
        print(json.dumps(figures, ensure_ascii=False))
    return 0


def _ratios(articles: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Medians of page over text at both qualities, with and without pictures."""
    plain = [_made(article, pictures=False) for article in articles]
    pictured = [_made(article, pictures=True) for article in articles]
    rows = (
        ("text alone", plain, False),
        ("with pictures", pictured, False),
        ("with pictures, captions as text", pictured, True),
    )
    return {
        name: {
            "brotli 9": _median_ratio(made, 9, captions),
            "brotli 10": _median_ratio(made[:_DENSE_SAMPLE], 10, captions),
        }
        for name, made, captions in rows
    }


def _median_ratio(made: list[Made], quality: int, captions: bool) -> float:
    whole = [one for one in made if len(one.files) == 1]
    return round(
        statistics.median(
            _packed(one.files[0].body, quality) / _packed(one.captions if captions else one.text, quality)
            for one in whole
        ),
        3,
    )


def _pages(articles: list[dict[str, Any]]) -> dict[str, float | str]:
    work = [_work(article, pictures=True)[0] for article in articles]
    render.batch(work[:20], _LOOK, False)  # templates and catalogues are read once per process
    start = time.process_time()
    done = render.batch(work, _LOOK, False)
    spent = time.process_time() - start
    files = [file for rendered in done for file in rendered.files]
    sizes = [len(file.brotli or b"") for file in files]
    largest = max(files, key=lambda file: (len(file.brotli or b""), len(file.gzip or b"")))
    return {
        "stories": len(work),
        "files": len(files),
        "stories in several files": sum(len(rendered.files) > 1 for rendered in done),
        "median brotli body, padded": statistics.median(sizes),
        "median brotli body, unpadded": statistics.median(_packed(file.body, 9) for file in files),
        "largest brotli body": len(largest.brotli or b""),
        "largest gzip body": max(len(file.gzip or b"") for file in files),
        "largest file": largest.path,
        "stories per CPU second": round(len(work) / spent),
    }


def _made(article: dict[str, Any], *, pictures: bool) -> Made:
    work, captions = _work(article, pictures=pictures)
    (rendered,) = render.batch([work], _LOOK, False)
    text = "\n".join([article["title"], article["lead"], *article["paragraphs"]])
    return Made(rendered.files, text.encode(), "\n".join([text, *captions]).encode())


def _work(article: dict[str, Any], *, pictures: bool) -> tuple[tuple[SheetKey, Material], list[str]]:
    """One story of the ground truth as material, and the captions of its pictures."""
    body: list[Block] = [Paragraph(runs=(Run(text),)) for text in article["paragraphs"]]
    images = article["images"] if pictures else []
    for place, image in zip((0, len(body) // 2 + 1), images, strict=False):
        body.insert(place, Figure(picture=Picture(url=image["path"]), caption=(Run(image["caption"]),)))
    code = story_code(article["url"])
    story = Story(
        url=article["url"],
        code=code,
        lang=article["lang"],
        title=article["title"],
        lead=article["lead"],
        blocks=tuple(body),
        published=datetime.fromisoformat(article["published"]),
        updated=datetime.fromisoformat(article["modified"]),
        bylines=(article["author"],),
        section=article["section_name"],
    )
    shown = {image["path"]: _shown(image["path"]) for image in images}
    material = Material(issue=_ISSUE, stories=(story,), shown=shown)
    return (SheetKey("story", code), material), [image["caption"] for image in images]


def _shown(path: str) -> Shown:
    """A picture whose name and colours compress as real ones do: not at all."""
    digest = hashlib.sha256(path.encode()).hexdigest()
    return Shown(pid=digest[:10], width=480, height=320, colours=(f"#{digest[10:16]}", f"#{digest[16:22]}"))


def _packed(data: bytes, quality: int) -> int:
    return len(brotli.compress(data, quality=quality, lgwin=16))


def _show(figures: dict[str, Any]) -> None:
    table = Table(title="Brotli of a story's page over brotli of its bare text (median)")
    for heading in ("", "brotli 9", "brotli 10"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, row in figures["page over bare text"].items():
        table.add_row(name, f"{row['brotli 9']:.3f}", f"{row['brotli 10']:.3f}")
    pages = Table(title="Pages of the sample, with pictures", show_header=False)
    for name, value in figures["pages"].items():
        pages.add_row(name, value if isinstance(value, str) else f"{value:,}")
    console = Console(width=80)
    console.print(table)
    console.print(pages)


if __name__ == "__main__":
    sys.exit(main())
