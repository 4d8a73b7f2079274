"""Requests answered from a folder, without a socket."""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.adapters.serve.script import ALL, LINKS, SECRET, Case, cases

from heliograph.adapters.serve import wire
from heliograph.adapters.serve.shelf import SLICE, Reply, Shelf

Noise = Callable[[str, int], bytes]


def asked(method: str, target: str, *fields: str) -> wire.Request | bytes:
    return wire.request("\r\n".join([f"{method} {target} HTTP/1.1", "Host: m", *fields, "", ""]).encode())


def fetch(shelf: Shelf, method: str, target: str, *fields: str) -> tuple[int, dict[str, str], bytes]:
    request = asked(method, target, *fields)
    answer = request if isinstance(request, bytes) else whole(shelf.reply(request))
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *rest = head.decode().split("\r\n")
    return int(line[9:12]), dict(field.split(": ", 1) for field in rest), body


def whole(reply: Reply) -> bytes:
    assert reply.data.startswith(b"HTTP/1.1 %d " % reply.status)
    if reply.rest is None:
        return reply.data
    with os.fdopen(reply.rest.file, "rb") as file:
        file.seek(reply.rest.start)
        return reply.data + file.read(reply.rest.stop - reply.rest.start)


@pytest.fixture
def shelf(edition: Path) -> Shelf:
    return Shelf(edition, memory=1 << 20)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.line)
def test_the_answer_follows_the_script(shelf: Shelf, case: Case) -> None:
    for _ in range(2):  # from the folder, then from memory
        status, found, body = fetch(shelf, case.method, case.target, *case.fields)
        assert case.faults(status, {name.lower(): value for name, value in found.items()}, body) == []


@pytest.mark.parametrize(
    ("target", "name"),
    [("/", "index.html.br"), ("/a/7k3vq2m.html", "a/7k3vq2m.html.br"), ("/a/i/0a1b2c.webp", "a/i/0a1b2c.webp"),
     ("/index.html.gz", "index.html.gz"), ("/robots.txt", "robots.txt"), ("/a/long.zip", "a/long.zip")],
)  # fmt: skip
def test_the_body_is_the_file_to_the_byte(shelf: Shelf, edition: Path, target: str, name: str) -> None:
    assert fetch(shelf, "GET", target, ALL)[2] == (edition / name).read_bytes()


@pytest.mark.parametrize("target", f"{SECRET} {LINKS}".split())
def test_no_path_leads_to_what_is_not_of_the_edition(shelf: Shelf, edition: Path, target: str) -> None:
    missing = fetch(shelf, "GET", "/a/nothing.html")
    assert fetch(shelf, "GET", target) in (missing, (400, *fetch(shelf, "GET", "file:x")[1:]))


def test_a_named_pipe_and_a_folder_are_not_files(shelf: Shelf, edition: Path) -> None:
    os.mkfifo(edition / "a/pipe.html")
    (edition / "a/folder.html").mkdir()
    assert fetch(shelf, "GET", "/a/pipe.html")[0] == 404
    assert fetch(shelf, "GET", "/a/folder.html")[0] == 404


def test_a_file_that_turns_into_a_link_is_refused(shelf: Shelf, edition: Path) -> None:
    assert fetch(shelf, "GET", "/robots.txt")[0] == 200
    (edition / "robots.txt").unlink()
    (edition / "robots.txt").symlink_to(edition.parent / "outside.html")
    assert fetch(shelf, "GET", "/robots.txt")[0] == 404


def test_the_folder_itself_may_be_a_link_that_is_switched(edition: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "robots.txt").write_bytes(b"other")
    current = tmp_path / "current"
    current.symlink_to(edition)
    shelf = Shelf(current, memory=1 << 20)
    assert fetch(shelf, "GET", "/robots.txt")[2] == (edition / "robots.txt").read_bytes()
    (tmp_path / "next").symlink_to(other)
    (tmp_path / "next").replace(current)
    assert fetch(shelf, "GET", "/robots.txt")[2] == b"other"


def test_an_encoding_without_its_file_is_a_leftover(shelf: Shelf, edition: Path) -> None:
    (edition / "feed.xml").unlink()
    assert fetch(shelf, "GET", "/feed.xml", ALL)[0] == 404


def test_without_a_page_for_it_404_is_bare(shelf: Shelf, edition: Path) -> None:
    for name in ("404.html", "404.html.br", "404.html.gz"):
        (edition / name).unlink()
    status, fields, body = fetch(shelf, "GET", "/a/nothing.html")
    assert (status, fields["Content-Length"], body) == (404, "0", b"")


def test_a_folder_that_is_gone_gives_404_and_comes_back(edition: Path) -> None:
    shelf = Shelf(edition / "a/later", memory=1 << 20)
    assert fetch(shelf, "GET", "/")[0] == 404
    (edition / "a/later").mkdir()
    (edition / "a/later/index.html").write_bytes(b"here")
    assert fetch(shelf, "GET", "/")[2] == b"here"


def test_an_empty_file_is_a_whole_answer(shelf: Shelf, edition: Path) -> None:
    (edition / "a/empty.txt").write_bytes(b"")
    assert fetch(shelf, "GET", "/a/empty.txt")[::2] == (200, b"")
    assert fetch(shelf, "GET", "/a/empty.txt", "Range: bytes=0-")[0] == 416


def test_a_reader_who_has_it_is_told_so(shelf: Shelf, edition: Path) -> None:
    tag = fetch(shelf, "GET", "/", ALL)[1]["ETag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        status, fields, body = fetch(shelf, "GET", "/", ALL, f"If-None-Match: {known}")
        assert (status, body) == (304, b"")
        assert fields["ETag"] == tag
        assert "Content-Length" not in fields
    assert fetch(shelf, "GET", "/", ALL, 'If-None-Match: "x"')[0] == 200
    assert fetch(shelf, "GET", "/a/nothing.html", "If-None-Match: *")[0] == 404


def test_each_encoding_has_a_tag_of_its_own(shelf: Shelf) -> None:
    tags = {fetch(shelf, "GET", "/", f"Accept-Encoding: {coding}")[1]["ETag"] for coding in ("br", "gzip", "identity")}
    assert len(tags) == 3


def test_a_part_is_given_only_of_the_file_it_was_asked_of(shelf: Shelf, edition: Path, noise: Noise) -> None:
    tag = fetch(shelf, "GET", "/robots.txt")[1]["ETag"]
    conditions = ("Range: bytes=10-19", f"If-Range: {tag}")
    assert fetch(shelf, "GET", "/robots.txt", *conditions)[::2] == (206, noise("robots.txt", 1024)[10:20])
    (edition / "robots.txt").write_bytes(noise("new", 1024))
    assert fetch(shelf, "GET", "/robots.txt", *conditions)[::2] == (200, noise("new", 1024))


def test_parts_of_every_kind_put_together_are_the_file(shelf: Shelf, edition: Path) -> None:
    for target, name in (("/", "index.html.br"), ("/a/long.zip", "a/long.zip"), ("/index.html.gz", "index.html.gz")):
        size = (edition / name).stat().st_size
        parts = [fetch(shelf, "GET", target, ALL, f"Range: bytes={at}-{at + 6143}")[2] for at in range(0, size, 6144)]
        assert b"".join(parts) == (edition / name).read_bytes()


def test_a_replaced_file_is_seen_at_once_even_if_its_size_is_the_same(
    shelf: Shelf, edition: Path, noise: Noise
) -> None:
    for version in range(20):
        (edition / "new").write_bytes(noise(f"v{version}", 4096))
        (edition / "new").replace(edition / "index.html.br")
        assert fetch(shelf, "GET", "/", ALL)[2] == noise(f"v{version}", 4096)


def test_every_answer_during_a_publish_is_one_whole_file(edition: Path, noise: Noise) -> None:
    versions = {noise(f"v{number}", 1024 + 512 * (number % 7)) for number in range(300)}
    (edition / "index.html.br").write_bytes(noise("v0", 1024))

    def publish() -> None:
        for number in range(300):
            (edition / "new").write_bytes(noise(f"v{number}", 1024 + 512 * (number % 7)))
            (edition / "new").replace(edition / "index.html.br")

    shelf, seen = Shelf(edition, memory=1 << 20), set()
    publisher = threading.Thread(target=publish)
    publisher.start()
    while publisher.is_alive():
        status, fields, body = fetch(shelf, "GET", "/", ALL)
        assert (status, fields["Content-Length"]) == (200, str(len(body)))
        assert body in versions
        seen.add(body)
    publisher.join()
    assert len(seen) > 1
    assert fetch(shelf, "GET", "/", ALL)[2] == noise("v299", 1024 + 512 * (299 % 7))


def test_memory_is_bounded_and_the_files_asked_for_often_stay(edition: Path) -> None:
    for number in range(100):
        (edition / f"a/{number}.html").write_bytes(bytes(5000))
    shelf = Shelf(edition, memory=50_000)
    fetch(shelf, "GET", "/robots.txt")
    for number in range(100):
        fetch(shelf, "GET", f"/a/{number}.html")
        fetch(shelf, "GET", "/robots.txt")
        assert shelf.used <= 50_000
    assert ("robots.txt", "") in shelf._kept
    assert len(shelf._kept) > 5


def test_a_long_file_takes_no_memory_and_is_never_mixed(shelf: Shelf, edition: Path) -> None:
    assert (edition / "a/long.zip").stat().st_size > SLICE
    request = asked("GET", "/a/long.zip")
    assert isinstance(request, wire.Request)
    reply = shelf.reply(request)
    assert shelf.used < 10_000
    (edition / "new").write_bytes(b"new" * SLICE)
    (edition / "new").replace(edition / "a/long.zip")
    assert len(whole(reply).partition(b"\r\n\r\n")[2]) == 300_000  # the one that was open
    assert fetch(shelf, "GET", "/a/long.zip")[2] == b"new" * SLICE


def test_two_readers_get_the_same_bytes_not_copies(shelf: Shelf) -> None:
    request = asked("GET", "/", ALL)
    assert isinstance(request, wire.Request)
    assert shelf.reply(request).data is shelf.reply(request).data


def test_test_bodies_are_no_smaller_on_the_wire(shelf: Shelf) -> None:
    _, _, large = fetch(shelf, "GET", "/ladder/64")
    _, _, small = fetch(shelf, "GET", "/ladder/1")
    assert len(large) == 65_536
    assert large.startswith(small)
    assert len(zlib.compress(large)) > len(large)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    st.binary(max_size=40)
    | st.lists(st.sampled_from(["..", ".", "a", "/", "\\", "%2e", "out", "outside.html", ".hidden.html", "~"])).map(
        lambda parts: "/".join(parts).encode()
    ),
    st.binary(max_size=30),
)
def test_whatever_is_asked_nothing_but_the_edition_comes_out(shelf: Shelf, target: bytes, value: bytes) -> None:
    request = wire.request(b"GET /%b HTTP/1.1\r\nHost: m\r\nRange: bytes=%b\r\n\r\n" % (target, value))
    if isinstance(request, wire.Request):
        reply = shelf.reply(request)
        body = whole(reply).partition(b"\r\n\r\n")[2]
        assert reply.status in {200, 206, 404, 416}
        assert b"outside" not in body
