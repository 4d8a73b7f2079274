"""The edition in a real browser: in both themes, both directions, on paper, by keyboard, on a small screen.

It is served as a mirror holds it, padded and compressed. Pages run without scripts; tests that measure use them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from heliograph.model import File

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser

_CONTRAST = """() => {
  const ratio = (one, two) => {
    const light = c => c.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
      .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
    const [a, b] = [light(one), light(two)].sort((x, y) => y - x);
    return (a + .05) / (b + .05);
  };
  const numbers = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const opacity = e => e ? Number(getComputedStyle(e).opacity) * opacity(e.parentElement) : 1;
  const paper = numbers(getComputedStyle(document.body).backgroundColor).slice(0, 3);
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest('style')) continue;
    let below = paper;
    for (let e = element; e; e = e.parentElement) {
      const found = numbers(getComputedStyle(e).backgroundColor);
      if (found.length === 3) { below = found; break; }
    }
    const alpha = opacity(element);
    const ink = numbers(getComputedStyle(element).color).slice(0, 3).map((v, i) => v * alpha + below[i] * (1 - alpha));
    if (ratio(ink, below) < 4.5) faint.push(element.tagName + ' ' + element.textContent.slice(0, 40));
  }
  return faint;
}"""
_OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


class _Mirror(BaseHTTPRequestHandler):
    """Serves one encoding of the edition's files, as a static host does."""

    def __init__(self, files: dict[str, File], coding: str, asked: list[str], *rest: Any) -> None:
        self.files, self.coding, self.asked = files, coding, asked
        super().__init__(*rest)

    def do_GET(self) -> None:
        path = self.path.lstrip("/").partition("?")[0] or "index.html"
        self.asked.append(path)
        file = self.files.get(path) or self.files["404.html"]
        body = {"gzip": file.gzip, "br": file.brotli}.get(self.coding) or file.body
        self.send_response(200 if path in self.files else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if body is not file.body:
            self.send_header("Content-Encoding", self.coding)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass


class Mirror:
    """A running mirror and what it was asked for."""

    def __init__(self, files: dict[str, File], coding: str) -> None:
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Mirror, files, coding, self.asked))
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(scope="module")
def files(edition: Any) -> dict[str, File]:
    return edition.files("story", "front", "section", "day", "month", "archive", "about", "missing")  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def mirror(files: dict[str, File]) -> Iterator[Mirror]:
    # Chromium offers brotli on https only, yet decodes it wherever it is sent.
    running = Mirror(files, "br")
    yield running
    running.close()


def story_path(edition: Any, lang: str) -> str:
    return next(f"a/{story.code}.html" for story in edition.stories if story.lang == lang)


def opened(browser: Any, url: str, **how: Any) -> Any:
    context = browser.new_context(java_script_enabled=how.pop("script", False), **how)
    tab = context.new_page()
    tab.goto(url)
    return tab


@pytest.mark.parametrize("coding", ["br", "gzip", "identity"])
def test_a_reader_goes_from_the_front_page_to_a_story_and_to_the_one_it_links_to(
    browser: Any, files: dict[str, File], edition: Any, coding: str
) -> None:
    mirror = Mirror(files, coding)
    tab = opened(browser, mirror.url)
    tab.click("text=Мост открыли раньше срока")
    assert tab.locator("h1").inner_text() == "Мост открыли раньше срока"
    tab.click("text=рассказал редакции")
    assert tab.locator("h1").inner_text() == "У школі відкрили майстерню"
    tab.click("header b")
    assert tab.url.endswith("/a/l/uk.html")
    # One request for each page, and nothing else: no icon, no style, no picture.
    assert mirror.asked == ["index.html", story_path(edition, "ru"), story_path(edition, "uk"), "a/l/uk.html"]
    tab.context.close()
    mirror.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_contrast_in_both_themes(browser: Any, mirror: Mirror, edition: Any, scheme: str) -> None:
    tab = opened(browser, mirror.url, color_scheme=scheme, script=True)
    for path in ("index.html", story_path(edition, "ru"), story_path(edition, "fa"), "a/d/2026-11-20.html", "404.html"):
        tab.goto(mirror.url + path)
        assert tab.evaluate(_CONTRAST) == [], path
    paper = tab.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(253, 252, 248)", "dark": "rgb(22, 22, 19)"}[scheme]
    tab.context.close()


def test_nothing_runs_over_the_edge_of_a_small_screen_or_at_twice_the_text_size(
    browser: Any, mirror: Mirror, edition: Any
) -> None:
    tab = opened(browser, mirror.url, viewport={"width": 320, "height": 640}, script=True)
    stories = [story_path(edition, lang) for lang in ("ru", "fa")]
    for path in ("index.html", *stories, "a/t/ru/obshchestvo.html", "a/d/2026-11-20.html", "a/about.html"):
        tab.goto(mirror.url + path)
        assert tab.evaluate(_OVERFLOW) <= 0, path
        tab.evaluate("() => document.documentElement.style.fontSize = '200%'")
        assert tab.evaluate(_OVERFLOW) <= 0, path
    tab.context.close()


def test_a_persian_story_reads_from_right_to_left(browser: Any, mirror: Mirror, edition: Any) -> None:
    tab = opened(browser, mirror.url + story_path(edition, "fa"), script=True)
    assert tab.evaluate("() => getComputedStyle(document.querySelector('h1')).direction") == "rtl"
    code = tab.locator("footer b")
    assert code.evaluate("e => getComputedStyle(e).direction") == "ltr"
    tab.context.close()


def test_on_paper_stay_the_name_of_the_newsroom_the_text_and_the_code(
    browser: Any, mirror: Mirror, edition: Any
) -> None:
    tab = opened(browser, mirror.url + story_path(edition, "ru"), script=True)
    tab.emulate_media(media="print")
    height = "e => e.getBoundingClientRect().height"
    assert tab.locator("header b").evaluate(height) > 10
    assert tab.locator("header a").nth(2).evaluate(height) < 2
    assert tab.locator("footer b").evaluate(height) > 10
    assert not tab.locator(".f").first.is_visible()
    tab.context.close()


def test_the_keyboard_goes_through_the_links_in_reading_order_and_shows_where_it_is(
    browser: Any, mirror: Mirror, edition: Any
) -> None:
    tab = opened(browser, mirror.url + story_path(edition, "ru"), script=True)
    order = tab.evaluate("() => [...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    seen = []
    for _ in order:
        tab.keyboard.press("Tab")
        seen.append(tab.evaluate("() => document.activeElement.getAttribute('href')"))
        assert tab.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert seen == order
    tab.context.close()


def test_the_page_shown_for_a_missing_story_leads_home(browser: Any, mirror: Mirror) -> None:
    tab = opened(browser, mirror.url + "a/0000000.html")
    assert "Такой страницы нет" in tab.locator("h1").first.inner_text()
    tab.click("text=Главная страница")
    assert tab.url == mirror.url + "index.html"
    tab.context.close()
