"""The synthetic news site every tool is measured on: made once, served by nginx on loopback, changed by one story.

The generator and its corpus are test data and live beside the checkout, or where ``HELIOGRAPH_TEST_DATA`` says; a site
is kept in the work folder (``HELIOGRAPH_BENCH``, by default ``/tmp/heliograph-bench``). A site's pages name its own
address, so each kind of site has a fixed port on loopback; a taken port is an error, never a reason to pick another.
"""

from __future__ import annotations

import getpass
import hashlib
import html
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PORTS = {(1_000, True): 18_081, (10_000, True): 18_082, (1_000, False): 18_083, (10_000, False): 18_084}
_CONFIG = """\
{user}
worker_processes 2;
daemon off;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    gzip off;
    etag on;
    sendfile on;
    tcp_nopush on;
    charset utf-8;
    default_type application/octet-stream;
    types {{
        text/html html; text/css css; application/javascript js; application/xml xml; image/jpeg jpg;
        image/png png; font/woff2 woff2; text/plain txt;
    }}
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port};
        root {www};
        index index.html;
    }}
}}
"""


class BenchError(Exception):
    """A benchmark cannot run here; the message says what is missing and how to mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A generated site. ``folder`` holds ``www/`` and ``articles.jsonl``, the ground truth."""

    folder: Path
    stories: int
    pictures: bool
    port: int

    @property
    def base(self) -> str:
        """The site's address, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def www(self) -> Path:
        return self.folder / "www"

    def articles(self) -> Iterator[dict[str, Any]]:
        """The ground truth, newest story first."""
        with (self.folder / "articles.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def data_folder() -> Path:
    """The folder of test data. Raises BenchError if it is not there."""
    default = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("HELIOGRAPH_TEST_DATA", str(default)))
    if not (folder / "tools" / "gen_site.py").is_file():
        raise BenchError(f"no tools/gen_site.py in {folder}; set HELIOGRAPH_TEST_DATA to the folder of test data")
    return folder


def work_folder() -> Path:
    """Where sites and outputs are kept, made if it is not there."""
    folder = Path(os.environ.get("HELIOGRAPH_BENCH", "/tmp/heliograph-bench"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def port_of(stories: int, pictures: bool) -> int:
    """The loopback port of a kind of site; the same on every machine, so that a kept site stays right."""
    return _PORTS.get((stories, pictures)) or 18_100 + zlib.crc32(f"{stories}/{pictures}".encode()) % 800


def make(stories: int, *, pictures: bool = True) -> Site:
    """The site of ``stories`` stories: the kept one, or a new one (10,000 with pictures: minutes, 2.5 GB).

    Raises BenchError if the generator is missing or fails.
    """
    generator = data_folder() / "tools" / "gen_site.py"
    name = f"site-{stories}{'' if pictures else '-plain'}"
    made = Site(folder=work_folder() / name, stories=stories, pictures=pictures, port=port_of(stories, pictures))
    stamp = hashlib.sha256(generator.read_bytes()).hexdigest()
    kept = made.folder / "generator.sha256"
    if kept.is_file() and kept.read_text(encoding="ascii") == stamp:
        return made
    part = made.folder.with_name(name + ".part")
    for old in (part, made.folder):
        shutil.rmtree(old, ignore_errors=True)
    command = [sys.executable, str(generator), "--out", str(part), "--n", str(stories), "--base", made.base]
    command += ["--corpus", str(_corpus())] + ([] if pictures else ["--no-images"])
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BenchError(f"{generator} failed: {result.stderr.strip()[-500:]}")
    (part / "generator.sha256").write_text(stamp, encoding="ascii")
    part.rename(made.folder)
    return made


def _corpus() -> Path:
    folder = work_folder() / "corpus"
    if not folder.is_dir():
        part = folder.with_name("corpus.part")
        shutil.rmtree(part, ignore_errors=True)
        with tarfile.open(data_folder() / "data" / "corpus.tar.gz") as packed:
            packed.extractall(part, filter="data")
        (part / "corpus").rename(folder)
        part.rmdir()
    return folder


@contextmanager
def served(site: Site) -> Iterator[str]:
    """Serve ``site`` by nginx with two workers until the block ends; yields its address.

    Raises BenchError if nginx is missing, the port is taken or nginx does not start.
    """
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if not nginx:
        raise BenchError("nginx is not installed: apt-get install nginx-light")
    prefix = work_folder() / f"nginx-{site.port}"
    prefix.mkdir(exist_ok=True)
    _refuse_taken(site.port, prefix / "nginx.pid")
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""  # else workers could not read a private folder
    (prefix / "nginx.conf").write_text(_CONFIG.format(user=user, port=site.port, www=site.www), encoding="utf-8")
    server = subprocess.Popen(
        [nginx, "-p", str(prefix), "-c", "nginx.conf", "-e", "error.log"], stderr=subprocess.DEVNULL
    )
    try:
        _await(site.port, server, prefix / "error.log")
        yield site.base
    finally:
        server.terminate()
        server.wait()


def _refuse_taken(port: int, pid: Path) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            last = f"; the last nginx of a benchmark here was process {pid.read_text().strip()}" if pid.exists() else ""
            taken = f"port {port} of 127.0.0.1 is taken (ss -ltnp tells by whom) and the site's pages name it"
            raise BenchError(taken + last) from None


def _await(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        if server.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    said = log.read_text(encoding="utf-8", errors="replace").strip()[-500:] if log.exists() else ""
    raise BenchError(f"nginx did not answer on port {port}: {said}")


@contextmanager
def one_more_story(site: Site) -> Iterator[str]:
    """One story more on the site while the block runs: its page, its pictures, both sitemaps, the front page.

    Yields its URL. Its text is the newest story's with the words of each paragraph turned round, and its pictures are
    that story's with one more comment in the file, so that nobody's cache knows them.
    """
    article = next(site.articles())
    old, new = str(article["id"]), str(article["id"] + 1)
    path = article["path"].replace(f"-{old}.html", f"-{new}.html")
    url, stamp = f"{site.base}/{path}", article["modified"][:11] + "23:30:00+00:00"
    page = (site.www / article["path"]).read_text(encoding="utf-8").replace(article["path"], path)
    added = {site.www / path: b""}
    for picture in (image["path"] for image in article["images"]):
        copy = picture.replace(old, new)
        page = page.replace(picture, copy)
        if site.pictures:
            added[site.www / copy] = _other_jpeg((site.www / picture).read_bytes())
    added[site.www / path] = _turned(article, page, stamp).encode()
    with _kept(site, "sitemap-1.xml", "news-sitemap.xml", "index.html"):
        try:
            for file, body in added.items():
                file.write_bytes(body)
            entry = f"<url><loc>{url}</loc><lastmod>{stamp}</lastmod></url>"
            _insert(site.www / "sitemap-1.xml", "<url>", entry)
            _insert(site.www / "news-sitemap.xml", "<url>", entry.replace("<lastmod>", _NEWS.format(stamp), 1))
            _insert(
                site.www / "index.html", '<div class="card', f'<a href="/{path}">{html.escape(_title(article))}</a>'
            )
            yield url
        finally:
            for file in added:
                file.unlink(missing_ok=True)


def _other_jpeg(data: bytes) -> bytes:
    """The same picture as other bytes: a comment segment after the start marker."""
    return data[:2] + b"\xff\xfe\x00\x07again" + data[2:]


@contextmanager
def one_story_changed(site: Site) -> Iterator[str]:
    """The second-newest story of the site corrected while the block runs: its page and its date in the sitemap."""
    articles = site.articles()
    next(articles)
    article = next(articles)
    stamp = article["modified"][:11] + "23:40:00+00:00"
    with _kept(site, "sitemap-1.xml", article["path"]):
        page = (site.www / article["path"]).read_text(encoding="utf-8")
        (site.www / article["path"]).write_text(_turned(article, page, stamp), encoding="utf-8")
        sitemap = site.www / "sitemap-1.xml"
        old = f"<loc>{article['url']}</loc><lastmod>{article['modified']}</lastmod>"
        sitemap.write_text(
            sitemap.read_text(encoding="utf-8").replace(old, old.replace(article["modified"], stamp)), encoding="utf-8"
        )
        yield str(article["url"])


_NEWS = (
    "<news:news><news:publication><news:name>Вестник</news:name><news:language>ru</news:language></news:publication>"
    "<news:publication_date>{}</news:publication_date><news:title>+</news:title></news:news><lastmod>"
)


def _title(article: dict[str, Any]) -> str:
    return " ".join(reversed(str(article["title"]).split()))


def _turned(article: dict[str, Any], page: str, stamp: str) -> str:
    """``page`` of ``article`` with another title, dated ``stamp``, its lead and plain paragraphs turned round."""
    page = page.replace(article["modified"], stamp)
    for text in (article["title"], article["lead"], *article["paragraphs"]):
        other = " ".join(reversed(text.split()))
        page = page.replace(html.escape(text), html.escape(other))
        page = page.replace(json.dumps(text, ensure_ascii=False), json.dumps(other, ensure_ascii=False))
    return page


def _insert(file: Path, before: str, text: str) -> None:
    whole = file.read_text(encoding="utf-8")
    if before not in whole or text in whole:
        raise BenchError(f"{file} is not as generated (was a run killed?); remove {file.parent.parent}")
    file.write_text(whole.replace(before, text + before, 1), encoding="utf-8")


@contextmanager
def _kept(site: Site, *paths: str) -> Iterator[None]:
    """Put ``paths`` back afterwards, bytes and times, so that the kept site stays the same."""
    before = [(file, file.read_bytes(), file.stat()) for file in (site.www / path for path in paths)]
    try:
        yield
    finally:
        for file, body, info in before:
            file.write_bytes(body)
            os.utime(file, ns=(info.st_atime_ns, info.st_mtime_ns))
