"""A volunteer's mirror that its newsroom has retired: readers of old links are led to one that lives, and once only."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from tests.cli.test_pull import PULL, Scene
from tests.cli.volunteer import heliograph, served


def asked(url: str) -> tuple[int, str, bytes]:
    """Status, Location and body of one answer."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.netloc, timeout=20)
    line.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
    answer = line.getresponse()
    try:
        return answer.status, answer.headers.get("Location", ""), answer.read()
    finally:
        line.close()


def followed(url: str) -> tuple[str, bytes]:
    """Where a browser ends, and what it shows there."""
    for _ in range(4):
        status, to, body = asked(url)
        if status != 302:
            assert status == 200
            return url, body
        url = urljoin(url, to)
    pytest.fail(f"round and round: {url}")


def without_the_friend(scene: Scene, url: str) -> None:
    text = scene.config.read_text(encoding="utf-8")
    scene.config.write_text(text.replace(PULL.format(url=url), ""), encoding="utf-8")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        made = Scene(tmp_path, stack)
        made.told("publish")
        assert made.sync().returncode == 0
        yield made


@pytest.mark.timeout(300)
def test_readers_of_a_retired_mirror_are_led_on_while_the_list_does_not_name_it(scene: Scene) -> None:
    with served(scene.copy) as url:
        pass
    listen = urlsplit(url).netloc
    with served(scene.copy, "--retired", url, listen=listen) as again:
        assert again == url
        story = next(path.name for path in sorted((scene.copy / "a").glob("???????.html")))
        at = f"a/{story}"
        assert asked(url + at)[:2] == (302, f"{scene.url}{at}?led")
        assert followed(url + at) == (f"{scene.url}{at}?led", (scene.first / at).read_bytes())
        assert followed(url) == (f"{scene.url}index.html?led", (scene.first / "index.html").read_bytes())
        for name in ("now", "feed.xml", "a/mirrors.json"):
            assert asked(url + name) == (200, "", (scene.copy / name).read_bytes())

        with scene.config.open("a", encoding="utf-8") as file:
            file.write(PULL.format(url=url))
        scene.told("publish")  # it is named again, and the volunteer's next run brings the list
        assert scene.sync().returncode == 0
        assert asked(url + at)[0] == 200
        without_the_friend(scene, url)
        scene.told("publish")
        assert scene.sync().returncode == 0
        assert asked(url + at)[0] == 302

        lost = heliograph("sync", url, scene.copy.with_name("other"), "--root", scene.root)
        assert lost.returncode == 1  # no page can be copied from there
        both = heliograph("sync", url, scene.url, scene.copy.with_name("other"), "--root", scene.root)
        assert both.returncode == 0, both.stderr


@pytest.mark.timeout(300)
def test_two_that_take_each_other_for_alive_make_no_circle(scene: Scene) -> None:
    """Each has an old copy whose list names the other one alone."""
    other = scene.copy.with_name("other")
    with served(scene.copy) as here, served(other_folder(other)) as there:
        pass
    for url, copy in ((there, scene.copy), (here, other)):
        text = scene.config.read_text(encoding="utf-8")
        alone = text.replace(f'url = "{scene.url}"\n', "") + PULL.format(url=url)
        scene.config.write_text(alone, encoding="utf-8")
        scene.told("publish")
        assert heliograph("sync", scene.url, copy, "--root", scene.root).returncode == 0
        scene.config.write_text(text, encoding="utf-8")
    with (
        served(scene.copy, "--retired", here, listen=urlsplit(here).netloc),
        served(other, "--retired", there, listen=urlsplit(there).netloc),
    ):
        assert asked(here)[:2] == (302, f"{there}index.html?led")
        assert asked(there)[:2] == (302, f"{here}index.html?led")
        assert followed(here) == (f"{there}index.html?led", (other / "index.html").read_bytes())
        assert followed(there) == (f"{here}index.html?led", (scene.copy / "index.html").read_bytes())


def other_folder(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    done = heliograph("serve", tmp_path, "--retired", "old-mill.example")
    assert done.returncode == 2
    assert "--retired old-mill.example" in done.stderr
