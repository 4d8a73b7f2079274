"""Folders and files as sources."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.adapters.local import LocalSources
from heliograph.model import Answer, Ask


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "news"
    (root / "2026").mkdir(parents=True)
    (root / "мост.md").write_text("# Мост\n", encoding="utf-8")
    (root / "2026" / "ferry.html").write_text("<p>Пором</p>", encoding="utf-8")
    return root


def fetch(root: Path, url: str, **ask: str | int) -> Answer:
    return asyncio.run(LocalSources([root.as_uri()]).fetch(Ask(url=url, **ask)))  # type: ignore[arg-type]


def names(answer: Answer) -> list[str]:
    assert (answer.status, answer.media_type) == (200, "inode/directory")
    return [row["name"] for row in json.loads(answer.body)]


def test_a_file_gives_its_bytes_and_its_kind(folder: Path) -> None:
    answer = fetch(folder, (folder / "мост.md").as_uri())
    assert (answer.status, answer.body.decode(), answer.media_type) == (200, "# Мост\n", "text/markdown")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.HTML", "text/html"), ("a.txt", "text/plain"), ("a.xml", "application/xml"), ("a", "application/octet-stream")],
)
def test_the_kind_follows_from_the_name(folder: Path, name: str, kind: str) -> None:
    (folder / name).write_bytes(b"")
    assert fetch(folder, (folder / name).as_uri()).media_type == kind


def test_an_unchanged_file_is_not_read_again(folder: Path) -> None:
    path = folder / "мост.md"
    first = fetch(folder, path.as_uri())
    second = fetch(folder, path.as_uri(), etag=first.etag)
    assert (second.status, second.body, second.etag) == (304, b"", first.etag)
    os.utime(path, ns=(1, 1))
    third = fetch(folder, path.as_uri(), etag=first.etag)
    assert (third.status, third.etag) == (200, "1:11")


def test_a_folder_lists_its_entries_with_the_etags_of_its_files(folder: Path) -> None:
    (folder / "b.md").write_text("b")
    answer = fetch(folder, folder.as_uri() + "/")
    rows = json.loads(answer.body)
    assert [(row["name"], row["folder"]) for row in rows] == [("2026", True), ("b.md", False), ("мост.md", False)]
    assert rows[2]["stamp"] == fetch(folder, (folder / "мост.md").as_uri()).etag
    assert (rows[0]["stamp"], answer.etag) == ("", "")


def test_hidden_and_special_entries_are_not_shown(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("secret")
    (folder / ".draft.md").write_text("secret")
    os.mkfifo(folder / "pipe")
    (folder / "dangling").symlink_to(folder / "nowhere")
    assert names(fetch(folder, folder.as_uri())) == ["2026", "мост.md"]
    for hidden in (".git", ".git/config", ".draft.md"):
        answer = fetch(folder, folder.as_uri() + "/" + hidden)
        assert (answer.status, answer.body) == (403, b"")
    assert fetch(folder, (folder / "pipe").as_uri()).failure == "neither a file nor a folder"


def test_links_lead_nowhere_outside_and_in_no_circle(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("secret")
    (folder / "out.md").symlink_to(secret)
    (folder / "in.md").symlink_to(folder / "мост.md")
    (folder / "2026" / "up").symlink_to(folder)
    assert names(fetch(folder, folder.as_uri())) == ["2026", "in.md", "мост.md"]
    assert names(fetch(folder, (folder / "2026").as_uri())) == ["ferry.html"]
    assert fetch(folder, (folder / "in.md").as_uri()).body.decode() == "# Мост\n"
    assert fetch(folder, (folder / "out.md").as_uri()).status == 403


@pytest.mark.parametrize(
    "way", ["{root}/../secret.md", "{root}/%2e%2e/secret.md", "{root}/2026/../../secret.md", "/etc/passwd"]
)
def test_nothing_outside_of_the_named_folders_is_opened(folder: Path, tmp_path: Path, way: str) -> None:
    (tmp_path / "secret.md").write_text("secret")
    answer = fetch(folder, "file://" + way.format(root=folder))
    assert (answer.status, answer.body) == (403, b"")
    assert "outside" in answer.failure


def test_a_single_file_may_be_the_source(folder: Path) -> None:
    path = folder / "мост.md"
    assert fetch(path, path.as_uri()).status == 200
    assert fetch(path, (folder / "2026" / "ferry.html").as_uri()).status == 403


def test_a_named_folder_may_itself_be_a_link(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert fetch(link, (link / "мост.md").as_uri()).status == 200


def test_what_is_missing_is_404(folder: Path) -> None:
    assert fetch(folder, (folder / "none.md").as_uri()).status == 404
    assert fetch(folder, (folder / "мост.md" / "none").as_uri()).status == 404


def test_what_may_not_be_read_is_403(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # tests may run as root, whom no mode stops
    answer = fetch(folder, (folder / "мост.md").as_uri())
    assert (answer.status, answer.failure) == (403, "no permission to read it")


@pytest.mark.parametrize(("limit", "status"), [(11, 200), (10, 0)])
def test_the_limit_is_exact(folder: Path, limit: int, status: int) -> None:
    answer = fetch(folder, (folder / "мост.md").as_uri(), limit=limit)
    assert (answer.status, len(answer.body)) == (status, 11 if status else 0)
    assert bool(answer.failure) == (status == 0)


def test_a_list_over_the_limit_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetch(folder, folder.as_uri(), limit=50).failure == "its list is larger than the limit of 50 bytes"
    monkeypatch.setattr("heliograph.adapters.local.ENTRIES", 1)
    assert fetch(folder, folder.as_uri()).failure == "more than 1 entries in one folder"


def test_a_name_in_an_old_charset_can_be_listed_and_asked(folder: Path) -> None:
    raw = "мост".encode("cp1251") + b".txt"
    Path(os.fsdecode(os.fsencode(folder) + b"/" + raw)).write_text("старый")
    listed = names(fetch(folder, folder.as_uri()))
    assert os.fsdecode(raw) in listed
    url = folder.as_uri() + "/" + "".join(f"%{byte:02X}" for byte in raw)
    assert fetch(folder, url).body.decode() == "старый"


def test_links_in_a_circle_are_a_failure_not_a_crash(folder: Path) -> None:
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    answer = fetch(folder, (folder / "a").as_uri())
    assert answer.status == 0
    assert answer.failure.startswith("cannot be read: ")
    assert names(fetch(folder, folder.as_uri())) == ["2026", "мост.md"]


@given(
    url=st.text(max_size=60) | st.binary(max_size=40).map(lambda raw: "file:///" + "".join(f"%{b:02x}" for b in raw))
)
def test_any_url_is_answered(url: str) -> None:
    answer = asyncio.run(LocalSources(["file:///nowhere/at/all", "http://news.example/"]).fetch(Ask(url=url)))
    assert answer.status in {0, 403, 404}
