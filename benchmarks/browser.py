"""Chromium as a reader of the survival benchmark, in a network of the lab. Needs Playwright and Debian's Chromium.

    browser.py '{"host": ..., "folder": ..., "visits": [[PATH, ...], ...], "program": ..., "pin": ...}'

Rule 1: it is the browser as people have it: a profile of its own, scripts on, speculation on. Of what Playwright
switches off for tests, everything that opens connections is switched on again.
Rule 2: a visit opens its first page by address and goes on by clicking the link to the next, at once, as soon as the
page is there: faster than anybody reads. Between visits the reader looks at what there is for ``PAUSE``.
Rule 3: a page has arrived when its bytes are those of the file in ``folder`` and its pictures are shown.

Each visit gives one JSON line: seconds, bytes of the pages, what was lost, and the protocols spoken. Connections are
counted by the lab, which also sees those that nothing was asked over.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Error, Page, sync_playwright
from playwright.sync_api import TimeoutError as NoAnswer

PAUSE: Final = 1.3  # seconds; longer than the window in which hellos are counted
PATIENCE: Final = 30.0  # seconds after which a reader gives a page up
WITHOUT: Final = (  # what Playwright switches off and a reader has on
    "--disable-background-networking",
    "--disable-client-side-phishing-detection",
    "--disable-field-trial-config",
)
_PICTURES: Final = "() => [...document.images].every(one => one.complete && one.naturalWidth)"
_LINK: Final = "url => [...document.querySelectorAll('a[href]')].findIndex(one => one.href === url)"
_SPOKEN: Final = "() => performance.getEntriesByType('navigation')[0].nextHopProtocol"


class Lost(Exception):  # noqa: N818 - not an error of ours
    """A page did not arrive; the text tells why."""


def opened(tab: Page, asked: dict[str, Any], path: str, *, click: bool) -> tuple[int, str]:
    """The size of the page at ``path``, whole and shown, and the protocol that brought it. Raises Lost."""
    url = f"https://{asked['host']}{path}"
    limit = asked.get("patience", PATIENCE) * 1_000
    try:
        if click:
            place = tab.evaluate(_LINK, url)
            if place < 0:
                raise Lost(f"no link to {path}")
            with tab.expect_navigation(url=url, timeout=limit) as waiting:
                tab.locator("a[href]").nth(place).click(timeout=limit, no_wait_after=True)
            answer = waiting.value
        else:
            answer = tab.goto(url, timeout=limit)
        assert answer is not None
        body = answer.body()
        shown = tab.evaluate(_PICTURES)
    except NoAnswer:
        raise Lost("silence") from None
    except Error as error:
        found = re.search(r"net::ERR_(\w+)", str(error))
        raise Lost(found[1].lower().replace("_", " ") if found else str(error).splitlines()[0]) from None
    if answer.status != 200:
        raise Lost(str(answer.status))
    if body != (Path(asked["folder"]) / (path.lstrip("/") or "index.html")).read_bytes():
        raise Lost("other bytes")
    if not shown:
        raise Lost("picture not shown")
    return len(body), str(tab.evaluate(_SPOKEN))


def visit(tab: Page, asked: dict[str, Any], paths: list[str]) -> dict[str, Any]:
    """What became of one visit."""
    seen: dict[str, Any] = {"connections": 0, "bytes": 0, "body": 0, "lost": "", "spoken": []}
    start = time.monotonic()
    try:
        for number, path in enumerate(paths):
            size, spoken = opened(tab, asked, path, click=number > 0)
            seen["body"] += size
            seen["spoken"] = sorted({*seen["spoken"], spoken})
    except Lost as lost:
        seen["lost"] = str(lost)
    return {**seen, "seconds": time.monotonic() - start}


def main() -> None:
    """Read, and tell."""
    asked = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="heliograph-reader-") as profile, sync_playwright() as running:
        context = running.chromium.launch_persistent_context(
            profile,
            executable_path=asked["program"],
            ignore_default_args=list(WITHOUT),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                f"--ignore-certificate-errors-spki-list={asked['pin']}",  # of the mirrors' key, and of no other
                *asked.get("more", []),
            ],
        )
        tab = context.pages[0] if context.pages else context.new_page()
        for number, paths in enumerate(asked["visits"]):
            if number:
                time.sleep(asked.get("pause", PAUSE))
            print(json.dumps(visit(tab, asked, paths)), flush=True)
        context.close()


if __name__ == "__main__":
    main()
