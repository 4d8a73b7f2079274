"""Encrypted hellos as Chromium really sends them, behind the rule against them.

Chromium greases: each of its hellos carries the extension, filled with noise unless a name's HTTPS record has a key. So
the extension alone tells a censor nothing, and a mirror without such a record passes; one that has it is cut off.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.tls import Authority, pin
from heliograph.lab.world import World

pytestmark = [pytest.mark.needs_netns, pytest.mark.browser]

OUTER, TRUE, DOH = "cloudflare-ech.com", "mirror.example", "resolver.example"
ADDRESSES = {"one": "203.0.113.10", "sealed": "192.0.2.60"}
NAMES = {OUTER: ["one"], TRUE: ["one"], DOH: ["sealed"]}
PAGE = "0123456789abcdef"  # what the host's pages begin with
SECURE = {"dns_over_https": {"mode": "secure", "templates": f"https://{DOH}/dns-query"}}


class Scene:
    """A reader behind the censor, a host of two names, and a resolver that has keys for them."""

    def __init__(self, folder: Path, world: World, chromium: str) -> None:
        self.folder, self.world, self.chromium = folder, world, chromium
        now = datetime.now(UTC)  # noqa: TID251 - Chromium goes by the real clock
        self.cert = Authority(folder / "ca", now).leaf(*NAMES)
        world.serve("one", "host", {"certificate": str(self.cert)})
        zone = {name: [ADDRESSES["one"]] for name in (OUTER, TRUE)}
        given = {"certificate": str(self.cert), "zone": zone, "outer": OUTER}
        script = Path(__file__).with_name("sealed_names.py")
        world.spawn("sealed", [sys.executable, script, json.dumps(given)])
        for place in ADDRESSES:
            world.wait_for(place, 443, timeout=60.0)

    def arrives(self, name: str, *, state: dict[str, Any] | None = None) -> bool:
        """Whether Chromium, with this state of its own, shows a page of ``name``."""
        profile = self.folder / f"profile-{len(list(self.folder.iterdir()))}"
        profile.mkdir()
        (profile / "Local State").write_text(json.dumps(state or {}), encoding="utf-8")
        command = [self.chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        command += [f"--ignore-certificate-errors-spki-list={pin(self.cert)}", "--timeout=15000"]
        done = self.world.run(
            "home", [*command, "--dump-dom", f"https://{name}/3000"], timeout=120.0, env={"HOME": str(self.folder)}
        )
        assert done.returncode == 0, done.stderr.decode()
        return PAGE in done.stdout.decode()

    def hellos(self) -> dict[str, int]:
        """How many hellos showed which name so far."""
        return {name: told["hellos"] for name, told in self.world.box("home").stats()["names"].items()}

    def cut(self) -> int:
        """How many connections the rule has acted on."""
        return int(self.world.box("home").stats()["rules"]["ech"].get("connections", 0))


@pytest.fixture
def scene(tmp_path: Path, chromium: str) -> Iterator[Scene]:
    places = {name: [address] for name, address in ADDRESSES.items()}
    with World({"home": "ech"}, places, names=NAMES) as world:
        yield Scene(tmp_path, world, chromium)


def test_a_greased_hello_passes_the_rule_and_the_outer_name_with_it_does_not(scene: Scene) -> None:
    assert scene.arrives(TRUE), "as every mirror is reached that has no such record"
    assert scene.cut() == 0
    assert not scene.arrives(OUTER), "the name and the extension, even if it holds noise"
    assert scene.cut() > 0
    curl = ["curl", "-sSk", "--max-time", "10", f"https://{OUTER}/3000"]
    assert scene.world.run("home", curl).returncode == 0, "the name alone"
    scene.world.box("home").switch("ech:names=example")
    assert not scene.arrives(TRUE), "the extension is in every hello of Chromium, so it was there before, too"


def test_a_mirror_whose_record_has_a_key_is_cut_off(scene: Scene) -> None:
    assert not scene.arrives(TRUE, state=SECURE)
    assert scene.cut() > 0
    assert TRUE not in scene.hellos(), "the true name was hidden, and that is what the rule punishes"
    scene.world.box("home").switch("none")
    assert scene.arrives(TRUE, state=SECURE), "without the rule Chromium asks again in the clear"
    assert scene.hellos()[TRUE] >= 1
