"""A browser reads the mirror: over TLS, compressed, with the policies in force."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import brotli
import pytest

PAGE = """<!doctype html><html lang="uk"><meta charset="utf-8"><title>Газета</title><link rel="icon" href="data:,">
<style>h1{color:rgb(1,2,3)}</style><h1 style="margin:7px">Міст відкрили</h1>
<img alt="" src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7">
<a href="a/search.html">Пошук</a>"""
BREACH = '<script>document.title="breach"</script><img src="//127.0.0.1:9/x.gif" alt=""><p onclick="1">'
SCRIPT = "fetch('s/0.json').then(r=>r.json()).then(j=>{document.title=j.title})"
DIGEST = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
SEARCH = f"""<!doctype html><html lang="uk"><meta charset="utf-8"><title>Пошук</title><link rel="icon" href="data:,">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none';connect-src 'self';img-src data:;style-src 'unsafe-inline';script-src 'sha256-{DIGEST}'">
<style>p{{margin:0}}</style><script>{SCRIPT}</script>"""


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "mirror"
    (folder / "a/s").mkdir(parents=True)
    for name, text in {
        "index.html": PAGE, "a/breach.html": PAGE + BREACH, "a/search.html": SEARCH,
        "a/s/0.json": '{"title":"знайдено"}', "404.html": PAGE.replace("Газета", "Немає"),
    }.items():  # fmt: skip
        (folder / name).write_text(text)
        (folder / f"{name}.br").write_bytes(brotli.compress(text.encode()))
    return folder


@pytest.fixture
def browser(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@pytest.mark.browser
def test_a_browser_reads_pages_and_searches_and_runs_nothing_else(
    serving: Callable[..., AbstractContextManager[Any]], pages: Path, cert: Path, browser: Any
) -> None:
    with serving(pages, cert=cert) as site:
        page = browser.new_context(ignore_https_errors=True).new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))

        answer = page.goto(f"https://localhost:{site.port}/")
        assert answer.status == 200
        assert answer.headers["content-encoding"] == "br"
        assert page.title() == "Газета"
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(1, 2, 3)"
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).marginTop") == "7px"
        assert page.evaluate("document.querySelector('img').naturalWidth") == 1
        assert not said

        page.click("a")
        page.wait_for_function("document.title === 'знайдено'")
        assert not said

        assert page.goto(f"https://localhost:{site.port}/a/none.html").status == 404
        assert page.title() == "Немає"
        said.clear()

        page.goto(f"https://localhost:{site.port}/a/breach.html")
        assert page.title() == "Газета"
        assert sum("Content Security Policy" in text for text in said) >= 2  # the script and the foreign picture
        page.context.close()
        counted = site.server.status()
        assert (counted["2xx"], counted["4xx"]) == (4, 1)  # not one request beyond what was asked for: no icon
