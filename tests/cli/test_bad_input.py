"""Whatever a site sends, the rest of its stories are published and the newsroom is told what was wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli import reader
from tests.cli.reader import serving
from tests.cli.room import configured

from heliograph.lab import faults
from heliograph.lab.faults import Fault
from heliograph.lab.newsroom import Newsroom
from heliograph.lab.piece import Piece, pieces
from heliograph.model import Source
from heliograph.model.code import story_code

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
FULL = "the disk is full: make room, then run it again; what was written stays whole"
QUICK = '\n[capture]\ntimeout = "2s"\n'


def publish(folder: Path, url: str, *sources: Source, code: int = 0) -> dict[str, Any]:
    """One pass over ``sources`` (the sitemap if none is given); its report."""
    config = folder / "heliograph.toml"
    if not config.exists():
        configured(folder, url, *sources)
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace("\n[capture]\n", QUICK), encoding="utf-8")
    command = [sys.executable, "-m", "heliograph", "publish", "--json", "--config", str(config)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert "Traceback" not in run.stderr
    assert run.returncode == code, run.stdout[-2_000:] + run.stderr
    report: dict[str, Any] = json.loads(run.stdout)
    return report


def page(folder: Path, url: str, piece: Piece) -> Path:
    return folder / "mirrors" / "first" / "a" / f"{story_code(url + piece.path)}.html"


def test_pages_that_fail_in_every_way_cost_only_themselves(tmp_path: Path) -> None:
    stories = pieces(NOW)
    ways: list[Fault] = [
        faults.status(500),
        faults.reset(),
        faults.cut(),
        faults.stall(),
        faults.huge(50),
        faults.bomb(100),
        faults.cut_gzip(),
        faults.redirect(stories[7].path),
        faults.status(404),
    ]
    newsroom = Newsroom(stories)
    for piece, way in zip(stories, ways, strict=False):
        newsroom.fail(piece.path, way)
    with serving(newsroom) as url:
        report = publish(tmp_path, url)
        told = {problem["where"] for problem in report["problems"]}
        assert told == {url + piece.path for piece in stories[: len(ways)]}
        assert report["stories"]["new"] == len(stories) - len(ways)
        assert reader.faults(tmp_path / "mirrors" / "first") == []
        newsroom.mend()
        again = publish(tmp_path, url)
        assert again["stories"]["new"] == len(ways) - 1  # what answered 404 is not asked again
        assert reader.faults(tmp_path / "mirrors" / "first") == []


def test_stories_that_are_odd_are_published_all_the_same(tmp_path: Path) -> None:
    base = pieces(NOW)[0]
    odd = {
        "long-title": replace(base, title="Заголовок без конца " * 250),
        "one-character": replace(base, html="<p>.</p>", lead="", picture=""),
        "two-megabytes": replace(base, html="<p>" + "Слово за словом идёт рассказ. " * 40_000 + "</p>", picture=""),
        "future": replace(base, published=NOW + timedelta(days=4_000), updated=NOW + timedelta(days=4_000)),
        "evil": replace(
            base,
            html=base.html + "<script>alert(1)</script><p onclick=alert(2)>Текст "
            "<a href='javascript:alert(3)'>ссылка</a>"
            "<svg onload=alert(4)><text>рисунок</text></svg><img src=x onerror=alert(5)>"
            "<p style='background:url(javascript:alert(6))'>&lt;script&gt;alert(7)&lt;/script&gt;</p>",
        ),
    }
    stories = [replace(piece, path=f"/ru/obschestvo/2026/11/{name}-100999.html") for name, piece in odd.items()]
    with serving(Newsroom([*pieces(NOW)[3:9], *stories])) as url:
        report = publish(tmp_path, url)
        assert report["stories"]["new"] == 11
        pages = {name: page(tmp_path, url, piece) for name, piece in zip(odd, stories, strict=True)}
    assert all(path.exists() for path in pages.values())
    assert len(list(pages["two-megabytes"].parent.glob(pages["two-megabytes"].stem + ".*.html"))) > 20
    evil = pages["evil"].read_text(encoding="utf-8")
    assert "Текст" in evil
    for danger in ("<script", "onclick", "javascript:", "<svg", "onerror", "onload", "style=", "рисунок"):
        assert danger not in evil.partition("</style>")[2].replace("style=background", ""), danger
    assert reader.faults(tmp_path / "mirrors" / "first") == []
    said = " ".join(problem["what"] for problem in report["problems"])
    assert "title" in said
    assert "lies ahead" in said


@pytest.mark.parametrize(
    "way",
    [faults.instead(b"no feed"), faults.endless(), faults.entity_bomb(), faults.huge(100), faults.deep(1_000_000)],
    ids=["not XML", "never ends", "entity bomb", "100 MB", "a million nested tags"],
)
def test_a_feed_that_is_none_is_told_and_the_other_source_published(tmp_path: Path, way: Fault) -> None:
    newsroom = Newsroom(pieces(NOW)[:4])
    newsroom.fail("/atom.xml", way)
    with serving(newsroom) as url:
        feed = Source(kind="feed", url=f"{url}/atom.xml")
        report = publish(tmp_path, url, feed, Source(kind="sitemap", url=f"{url}/sitemap.xml"), code=1)
    assert [problem["where"] for problem in report["problems"]] == [f"{url}/atom.xml"]
    assert report["stories"]["new"] == 4
    assert reader.faults(tmp_path / "mirrors" / "first") == []


@pytest.mark.parametrize("way", [faults.mislabel("windows-1252"), faults.deep(1_000_000)], ids=["charset", "nested"])
def test_a_page_that_can_be_read_is_read(tmp_path: Path, way: Fault) -> None:
    stories = pieces(NOW)[:4]
    newsroom = Newsroom(stories)
    newsroom.fail(stories[1].path, way)
    with serving(newsroom) as url:
        report = publish(tmp_path, url)
        text = page(tmp_path, url, stories[1]).read_text(encoding="utf-8") if report["stories"]["new"] == 4 else ""
    assert reader.faults(tmp_path / "mirrors" / "first") == []
    assert stories[1].title[:20] in text or report["problems"]


@pytest.mark.skipif(os.geteuid() != 0, reason="a full disk needs root: it mounts a small file system")
def test_a_full_disk_is_told_and_what_was_published_stays(tmp_path: Path) -> None:
    mirror = tmp_path / "mirrors" / "first"
    mirror.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(mirror)], check=True)
    try:
        newsroom = Newsroom(pieces(NOW)[:3])
        with serving(newsroom) as url:
            publish(tmp_path, url)
            whole = reader.faults(mirror)
            (mirror / "ballast.bin").write_bytes(bytes(shutil.disk_usage(mirror).free - 8_192))
            for piece in pieces(NOW)[3:9]:
                newsroom.publish(piece)
            report = publish(tmp_path, url, code=1)
            assert [problem["remedy"] for problem in report["problems"]] == [FULL]
            assert whole == reader.faults(mirror) == []
            (mirror / "ballast.bin").unlink()
            assert publish(tmp_path, url)["ok"]
            assert page(tmp_path, url, pieces(NOW)[8]).exists()
            assert reader.faults(mirror) == []
    finally:
        subprocess.run(["umount", str(mirror)], check=True)
