"""Tokens that expire: what is known of them, and a new one in place of the old."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.adapters.channels.meta import put

from heliograph.adapters.channels import tokens
from heliograph.model import ConfigError

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def at(path: Path, moment: datetime) -> Path:
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    return path


def test_a_token_that_a_person_put_there_is_as_old_as_its_file(tmp_path: Path) -> None:
    known = tokens.life(at(put(tmp_path / "token", "one"), NOW))
    assert (known.given, known.expires) == (NOW, NOW + timedelta(days=60))


def test_what_was_noted_counts_for_that_token_only(tmp_path: Path) -> None:
    path = put(tmp_path / "token", "one")
    tokens.renew(path, "two", NOW, 86_400)
    assert path.read_text() == "two\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert tokens.life(path).expires == NOW + timedelta(days=1)
    at(put(path, "three"), NOW + timedelta(days=3))
    assert tokens.life(path).expires == NOW + timedelta(days=63)


def test_a_link_stays_one(tmp_path: Path) -> None:
    real = put(tmp_path / "real", "one")
    link = tmp_path / "token"
    link.symlink_to(real)
    tokens.renew(link, "two", NOW, 86_400)
    assert link.is_symlink()
    assert real.read_text() == "two\n"
    assert tokens.life(link).expires == NOW + timedelta(days=1)


@pytest.mark.parametrize("calls", [1, 2])
def test_a_disk_that_fails_leaves_the_old_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    path = at(put(tmp_path / "token", "one"), NOW)
    real, seen = os.fsync, []

    def full(descriptor: int) -> None:
        seen.append(descriptor)
        if len(seen) == 2 * calls - 1:  # each file, then its folder
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left") as raised:
        tokens.renew(path, "secret-two", NOW, 86_400)
    assert "secret" not in str(raised.value)
    monkeypatch.undo()
    assert path.read_text() == "one\n"
    assert tokens.life(path).given == NOW
    assert {name.name for name in tmp_path.iterdir()} <= {"token", "token.life"}


@pytest.mark.parametrize(
    ("age", "left", "due"),
    [
        (timedelta(hours=24), timedelta(days=14), True),
        (timedelta(hours=24) - timedelta(seconds=1), timedelta(days=1), False),
        (timedelta(days=30), timedelta(days=14, seconds=1), False),
        (timedelta(days=60), timedelta(seconds=1), True),
        (timedelta(days=60), timedelta(0), False),
    ],
)
def test_when_a_new_one_is_due(age: timedelta, left: timedelta, due: bool) -> None:
    assert tokens.Life(given=NOW - age, expires=NOW + left).due(NOW) == due


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(note=st.binary(max_size=100) | st.just(b"[" * 1_000) | st.just(b'{"of":1e999}') | st.just(b"1" * 999))
def test_a_note_that_somebody_wrote_into_is_left(tmp_path: Path, note: bytes) -> None:
    path = at(put(tmp_path / "token", "one"), NOW)
    (tmp_path / "token.life").write_bytes(note)
    assert tokens.life(path).given == NOW


@pytest.mark.parametrize("given_", [-(10**18), 10**18, "x", None])
def test_a_note_with_times_that_are_none_is_left(tmp_path: Path, given_: object) -> None:
    path = at(put(tmp_path / "token", "one"), NOW)
    (tmp_path / "token.life").write_text(json.dumps({"of": tokens._mark("one"), "given": given_, "expires": 10**18}))
    assert tokens.life(path).given == NOW
