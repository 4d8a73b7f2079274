"""The synthetic site: kept, served, changed by one story and put back."""

from __future__ import annotations

import json
import shutil
import socket
import urllib.request
from pathlib import Path

import pytest

from benchmarks.sites import BenchError, Site, make, one_more_story, one_story_changed, port_of, served

ARTICLES = [
    {
        "id": 100_002,
        "path": "ru/obschestvo/2026/10/most-otkryt-100002.html",
        "url": "http://127.0.0.1:18199/ru/obschestvo/2026/10/most-otkryt-100002.html",
        "title": "Мост открыт & свободен",
        "lead": "По мосту пошли машины.",
        "published": "2026-10-31T19:00:00+00:00",
        "modified": "2026-10-31T19:54:00+00:00",
        "paragraphs": ["Первая машина проехала утром.", "Паром пока остаётся."],
        "images": [{"path": "media/2026/10/100002-0.jpg"}],
    },
    {
        "id": 100_001,
        "path": "en/world/2026/10/ferry-100001.html",
        "url": "http://127.0.0.1:18199/en/world/2026/10/ferry-100001.html",
        "title": "Ferry keeps going",
        "lead": "It sails at noon.",
        "published": "2026-10-31T18:00:00+00:00",
        "modified": "2026-10-31T18:54:00+00:00",
        "paragraphs": ["The crew is the same."],
        "images": [{"path": "media/2026/10/100001-0.jpg"}],
    },
]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site of two stories, by hand."""
    made = Site(folder=tmp_path / "site", stories=2, pictures=True, port=18_199)
    urls = "".join(f"<url><loc>{a['url']}</loc><lastmod>{a['modified']}</lastmod></url>" for a in ARTICLES)
    files = {
        "sitemap-1.xml": f"<urlset>{urls}</urlset>",
        "news-sitemap.xml": f"<urlset>{urls}</urlset>",
        "index.html": '<main><div class="card">front</div></main>',
    }
    for article in ARTICLES:
        title = str(article["title"]).replace("&", "&amp;")
        text = "".join(f"<p>{paragraph}</p>" for paragraph in article["paragraphs"])  # type: ignore[attr-defined]
        picture = article["images"][0]["path"]  # type: ignore[index]
        files[str(article["path"])] = (
            f'<link rel="canonical" href="{article["url"]}"><h1>{title}</h1><time>{article["modified"]}</time>'
            f'<img src="/{picture}">{text}'
        )
        files[picture] = "\xff\xd8picture"
    for path, text in files.items():
        (made.www / path).parent.mkdir(parents=True, exist_ok=True)
        (made.www / path).write_bytes(text.encode("latin-1" if path.endswith("jpg") else "utf-8"))
    lines = "".join(json.dumps(article, ensure_ascii=False) + "\n" for article in ARTICLES)
    (made.folder / "articles.jsonl").write_text(lines, encoding="utf-8")
    return made


def everything(site: Site) -> dict[str, tuple[bytes, int]]:
    return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in site.www.rglob("*") if p.is_file()}


def test_one_more_story_is_on_the_site_and_then_not(site: Site) -> None:
    before = everything(site)
    with one_more_story(site) as url:
        path = url.removeprefix(f"{site.base}/")
        assert path == "ru/obschestvo/2026/10/most-otkryt-100003.html"
        page = (site.www / path).read_text(encoding="utf-8")
        assert url in page
        assert "<h1>свободен &amp; открыт Мост</h1>" in page
        assert "<p>утром. проехала машина Первая</p>" in page
        assert "2026-10-31T23:30:00+00:00" in page
        assert 'src="/media/2026/10/100003-0.jpg"' in page
        assert (site.www / "media/2026/10/100003-0.jpg").read_bytes().startswith(b"\xff\xd8\xff\xfe")
        for listing in ("sitemap-1.xml", "news-sitemap.xml"):
            assert (site.www / listing).read_text(encoding="utf-8").count(f"<loc>{url}</loc>") == 1
        assert f'href="/{path}"' in (site.www / "index.html").read_text(encoding="utf-8")
    assert everything(site) == before


def test_one_story_changed_has_a_new_date_and_text_and_then_not(site: Site) -> None:
    before = everything(site)
    with one_story_changed(site) as url:
        assert url == ARTICLES[1]["url"]
        page = (site.www / "en/world/2026/10/ferry-100001.html").read_text(encoding="utf-8")
        assert "<h1>going keeps Ferry</h1>" in page
        entry = f"<loc>{url}</loc><lastmod>2026-10-31T23:40:00+00:00</lastmod>"
        assert entry in (site.www / "sitemap-1.xml").read_text(encoding="utf-8")
    assert everything(site) == before


def test_the_site_is_put_back_when_a_tool_fails(site: Site) -> None:
    before = everything(site)
    with pytest.raises(RuntimeError, match="tool"), one_more_story(site):
        raise RuntimeError("tool")
    assert everything(site) == before


def test_a_site_left_changed_by_a_killed_run_is_refused(site: Site) -> None:
    sitemap = site.www / "sitemap-1.xml"
    with one_more_story(site):
        left = sitemap.read_bytes()
    sitemap.write_bytes(left)
    with pytest.raises(BenchError, match="remove"), one_more_story(site):
        pass


def test_ports_are_fixed_and_distinct() -> None:
    kinds = [(stories, pictures) for stories in (1_000, 10_000) for pictures in (True, False)]
    assert [port_of(*kind) for kind in kinds] == [18_081, 18_083, 18_082, 18_084]
    assert port_of(300, True) == port_of(300, True)
    assert 1_024 < port_of(300, True) < 32_768


def test_missing_test_data_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HELIOGRAPH_TEST_DATA", str(tmp_path))
    with pytest.raises(BenchError, match="HELIOGRAPH_TEST_DATA"):
        make(10)


def test_a_taken_port_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, site: Site) -> None:
    monkeypatch.setenv("HELIOGRAPH_BENCH", str(tmp_path / "work"))
    monkeypatch.setattr(shutil, "which", lambda *_, **__: "/usr/sbin/nginx")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = Site(folder=site.folder, stories=2, pictures=True, port=other.getsockname()[1])
        with pytest.raises(BenchError, match="taken"), served(taken):
            pass


@pytest.mark.shared
def test_a_made_site_is_kept_and_served(shared: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not (shutil.which("nginx") or Path("/usr/sbin/nginx").exists()):
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    monkeypatch.setenv("HELIOGRAPH_TEST_DATA", str(shared))
    monkeypatch.setenv("HELIOGRAPH_BENCH", str(tmp_path))
    made = make(6, pictures=False)
    stamp = (made.folder / "articles.jsonl").stat().st_mtime_ns
    assert make(6, pictures=False) == made
    assert (made.folder / "articles.jsonl").stat().st_mtime_ns == stamp
    article = next(made.articles())
    assert article["url"].startswith(made.base)
    with served(made), urllib.request.urlopen(article["url"], timeout=10) as answer:
        assert answer.status == 200
        assert answer.headers["ETag"]
        assert answer.read() == (made.www / article["path"]).read_bytes()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(made.base, timeout=10)
