"""What mirrors cost, at the command line: nothing is sent, and what would pass a ceiling is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import anyio.from_thread
import pytest
from tests.adapters.hosts.peers import SERVICE, service_account, written
from tests.cli.reader import serving
from tests.cli.room import configured

from heliograph.cli import cost, glance, mirrors, passes
from heliograph.lab.buckets import GcsStub
from heliograph.lab.newsroom import Newsroom
from heliograph.lab.piece import pieces

BUCKET = """
[[mirror]]
name = "bucket"
kind = "gcs"
bucket = "news"
credentials = "keys/secret"
endpoint = "{url}"
url = "https://bucket.example/"
most_a_month = {most}
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A newsroom that has published to a folder, and the address of an empty bucket."""
    stub = GcsStub("news", SERVICE)
    with ExitStack() as stack:
        site = stack.enter_context(serving(Newsroom(list(pieces(datetime(2026, 11, 22, 8, tzinfo=UTC)))[:3])))
        portal = stack.enter_context(anyio.from_thread.start_blocking_portal())
        url = stack.enter_context(portal.wrap_async_context_manager(stub.running()))
        path = configured(tmp_path / "room", site)
        written(path.parent / "keys" / "secret", service_account(SERVICE))
        yield path, url


def says(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    return {one["name"]: one for one in json.loads(capsys.readouterr().out)["mirrors"]}


@pytest.mark.timeout(300)
def test_a_first_delivery_is_priced_before_and_counted_after(
    place: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path, url = place
    assert passes.publish(path, as_json=True) == 0
    capsys.readouterr()
    bare = path.read_text(encoding="utf-8")

    path.write_text(bare + BUCKET.format(url=url, most=0.0001), encoding="utf-8")
    assert cost.show(path, as_json=True) == 1
    asked = says(capsys)["bucket"]
    assert (asked["fits"], asked["fault"]) == (False, "")
    writes, price = asked["next"]["writes"], asked["next"]["dollars"]  # type: ignore[index]
    assert writes > 10
    assert price == pytest.approx(writes * 0.005 / 1_000)
    assert cost.show(path, as_json=False) == 1
    assert "passes its ceiling" in capsys.readouterr().out
    assert passes.publish(path, as_json=True) == 1
    refused = says(capsys)["bucket"]
    assert (refused["ok"], refused["files"]) == (False, 0)

    path.write_text(bare + BUCKET.format(url=url, most=1), encoding="utf-8")
    assert cost.show(path, as_json=True) == 0
    capsys.readouterr()
    assert passes.publish(path, as_json=True) == 0
    took = says(capsys)["bucket"]
    assert price < took["dollars"] < 2 * price
    assert cost.show(path, as_json=True) == 0
    after = says(capsys)["bucket"]
    assert after["next"]["writes"] == 0  # type: ignore[index]
    assert after["month"]["writes"] >= writes  # type: ignore[index] - pages that name the new mirror came to it
    assert glance.status(path, as_json=True, find="") == 0
    shown = says(capsys)["bucket"]
    assert shown["month"] == after["month"]
    assert mirrors.show(path, 1, as_json=True) == 0
    assert says(capsys)["bucket"]["month"] == after["month"]
    assert mirrors.show(path, 1, as_json=False) == 0
    assert "uploads of this month: bucket $0.0" in capsys.readouterr().out


def test_before_anything_was_published_nothing_is_asked(
    place: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = place
    assert cost.show(path, as_json=True) == 0
    assert says(capsys)["first"]["next"]["dollars"] == 0  # type: ignore[index]
