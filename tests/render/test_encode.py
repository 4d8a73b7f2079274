"""Paths, padding and encodings: exact to the byte, and read by every decoder at hand."""

from __future__ import annotations

import gzip
import hashlib
import random
import shutil
import subprocess
import zlib
from pathlib import Path

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model import paths
from heliograph.model.edition import BROTLI_BODY, BUCKET, GZIP_BODY
from heliograph.render import encode

NOISE = random.Random(7).randbytes(200_000)


def text(words: int, seed: int = 3) -> bytes:
    """Text that compresses as news does: few frequent words and many rare ones."""
    rng = random.Random(seed)
    vocabulary = ["".join(rng.choices("абвгдежзиклмнопрстуя", k=rng.randint(3, 9))) for _ in range(400)]
    return " ".join(rng.choices(vocabulary, [1 / (rank + 1) for rank in range(400)], k=words)).encode()


@pytest.mark.parametrize(
    "path",
    [
        "index.html", "404.html", "robots.txt", "favicon.ico", "feed.xml",
        "a/7k3vq2m.html", "a/7k3vq2m.2.html", "a/d/2026-11-20.html", "a/t/ru/politika/2026-11.html", "a/s/4/f.json",
        "a/i/0a1b2c3d4e.webp", "a/_x.avif", "a/" + "b/" * 10 + "c.html", "a/" + "x" * 75 + ".html", "a/console.html",
    ],
)  # fmt: skip
def test_a_canonical_path_is_accepted(path: str) -> None:
    assert encode.check_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "", "a", "a/", "b/x.html", "/a/x.html", "a/x", "a/x.js", "a/x.html.gz", "a/x.html/", "a//x.html", "A/x.html",
        "a/X.html", "a/é.html", "a/x y.html", "a/x%20.html", "a\\x.html", "a/../x.html", "a/x..html", "a/.x.html",
        "a/-x.html", "a/x.html\n", "a/x\0.html", "a/con.html", "a/com1.x.html", "a/lpt9.html", "a/nul/x.html",
        "a/y./x.html", "a/x.br/y.html", "a/x.part", "a/" + "x" * 76 + ".html", "a/" + "b/" * 11 + "c.html",
        "a/" + "/".join(["x" * 60] * 4) + ".html", "index.htm", "sw.js", "now", "o/aa/bb.html",
    ],
)  # fmt: skip
def test_any_other_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="canonical"):
        encode.check_path(path)


@given(st.text(max_size=220))
def test_a_path_that_is_accepted_is_safe_on_any_disk(path: str) -> None:
    try:
        encode.check_path(path)
    except ValueError:
        return
    assert path.isascii()
    assert path == path.lower()
    assert ".." not in path
    assert path in paths.ROOT_NAMES or path.startswith("a/")


def test_the_published_example_of_padding_comes_out() -> None:
    body = encode.padded("index.html", b"<p>1")
    assert hashlib.sha256(body).hexdigest() == "9ea4603e6425a01887a90ebe5e20b67638b1f7e470280788976de6558e7a94f9"
    assert encode.pad_bytes(hashlib.sha256(body).digest(), 8).hex() == "6eb3249a4c026522"


@pytest.mark.parametrize(("length", "filled"), [(0, 1024), (1022, 1024), (1023, 1024), (1024, 2048), (2047, 2048)])
def test_text_is_filled_with_blanks_and_one_line_feed(length: int, filled: int) -> None:
    content = b"x" * length
    body = encode.padded("a/x.html", content)
    assert body == content + b" " * (filled - length - 1) + b"\n"


def test_pictures_are_filled_with_zeros_and_only_as_far_as_needed() -> None:
    assert encode.padded("a/x.webp", b"x" * 1000) == b"x" * 1000 + bytes(24)
    assert encode.padded("a/x.jpg", b"x" * 1024) == b"x" * 1024


@pytest.mark.parametrize(("length", "box"), [(1000, 24), (1016, 8), (1017, 1031), (1023, 1025), (2048, 0)])
def test_an_avif_ends_in_a_free_box(length: int, box: int) -> None:
    body = encode.padded("a/x.avif", b"x" * length)
    assert len(body) == length + box
    assert body[length:] == (box.to_bytes(4, "big") + b"free" + bytes(box - 8) if box else b"")


def test_types_that_are_not_padded_stay_as_they_are_and_only_text_is_compressed() -> None:
    assert encode.file("a/x.mp3", b"abc").body == b"abc"
    picture = encode.file("a/x.webp", b"abc")
    assert (picture.brotli, picture.gzip) == (None, None)


def test_every_remainder_of_a_brotli_stream_is_filled_so_that_decoders_read_it() -> None:
    digest = hashlib.sha256(b"x").digest()
    seen = set()
    for length in range(100, 100 + BUCKET):
        compressor = brotli.Compressor(quality=1, lgwin=16)
        flushed = compressor.process(NOISE[:length]) + compressor.flush()
        packed = encode.pad_brotli(flushed, digest)
        seen.add(-(len(flushed) + 1) % BUCKET)
        assert len(packed) % BUCKET == 0
        assert len(packed) - len(flushed) <= BUCKET + 260
        assert packed.startswith(flushed)
        assert packed.endswith(b"\x03")
        assert brotli.decompress(packed) == NOISE[:length]
    assert len(seen) == BUCKET  # the test met every remainder


@pytest.mark.parametrize(
    ("fill", "head"),
    [
        (0, b""), (3, b"\x16\x00"), (258, (0x16 | 255 << 6).to_bytes(2, "little")),
        (260, (0x26 | 256 << 6).to_bytes(3, "little")), (1023, (0x26 | 1019 << 6).to_bytes(3, "little")),
        (1025, (0x26 | 1021 << 6).to_bytes(3, "little")), (1026, (0x26 | 1022 << 6).to_bytes(3, "little")),
        (1283, (0x26 | 1279 << 6).to_bytes(3, "little")),
    ],
)  # fmt: skip
def test_the_metadata_block_of_brotli_is_written_as_the_format_says(fill: int, head: bytes) -> None:
    digest = hashlib.sha256(b"x").digest()
    flushed = bytes(2 * BUCKET - 1 - fill % BUCKET)  # only the length counts here
    packed = encode.pad_brotli(flushed, digest)
    filling = packed[len(flushed) : -1]
    assert len(filling) == fill
    assert filling == head + encode.pad_bytes(digest, fill - len(head))


def test_every_remainder_of_a_gzip_member_is_filled_so_that_decoders_read_it() -> None:
    digest = hashlib.sha256(b"x").digest()
    seen = set()
    for length in range(100, 100 + BUCKET):
        body = NOISE[:length]
        compressor = zlib.compressobj(0, zlib.DEFLATED, -15)
        deflated = compressor.compress(body) + compressor.flush()
        packed = encode.pad_gzip(deflated, body, digest)
        seen.add(-(len(deflated) + 18) % BUCKET)
        assert len(packed) % BUCKET == 0
        assert packed[:2] == b"\x1f\x8b"
        assert packed[4:8] == bytes(4)  # no time
        assert packed[9] == 255  # no system
        assert gzip.decompress(packed) == body
        assert zlib.decompress(packed, 31) == body
        if packed[3] & 4:
            extra = int.from_bytes(packed[10:12], "little")
            assert packed[12:14] == b"Hp"
            assert int.from_bytes(packed[14:16], "little") == extra - 4
            assert packed[16 : 12 + extra] == encode.pad_bytes(digest, extra - 4)
    assert len(seen) == BUCKET


@given(st.binary(max_size=6_000))
def test_a_file_decodes_to_its_body_and_fills_whole_buckets(content: bytes) -> None:
    made = encode.file("a/x.html", content)
    assert made.brotli is not None
    assert made.gzip is not None
    assert brotli.decompress(made.brotli) == made.body == gzip.decompress(made.gzip)
    assert made.body.rstrip(b" \n") == content.rstrip(b" \n")
    assert {len(made.body) % BUCKET, len(made.brotli) % BUCKET, len(made.gzip) % BUCKET} == {0}
    assert encode.measure("a/x.html", content) == len(made.brotli)
    assert made == encode.file("a/x.html", content)


def test_dense_replaces_only_what_gets_a_bucket_shorter() -> None:
    small = b"<p>" + NOISE[:100].hex().encode()
    assert encode.file("a/x.html", small, dense=True) == encode.file("a/x.html", small)
    quick, dense = encode.file("a/x.html", text(2_200)), encode.file("a/x.html", text(2_200), dense=True)
    assert dense.body == quick.body
    assert dense.gzip == quick.gzip
    assert len(dense.brotli or b"") < len(quick.brotli or b"")
    assert brotli.decompress(dense.brotli) == dense.body


def test_an_attempt_gives_the_same_file_or_says_how_much_too_large_it_is() -> None:
    fits, over = NOISE[:2_000].hex().encode(), NOISE[:20_000].hex().encode()
    assert encode.attempt("a/x.html", fits).file == encode.file("a/x.html", fits)
    tried = encode.attempt("a/x.html", over)
    assert tried.file is None
    assert 3.8 < tried.load < 4.5  # 20,000 random bytes in hex need about 20 KB


def test_no_attempt_passes_that_breaks_a_budget() -> None:
    for length in range(2_300, 2_700, 7):
        content = NOISE[:length].hex().encode()
        tried = encode.attempt("a/x.html", content, rescue=True)
        if tried.file:
            assert len(tried.file.brotli or b"") <= BROTLI_BODY
            assert len(tried.file.gzip or b"") <= GZIP_BODY
        else:
            assert tried.load > 1


def test_what_compresses_well_is_still_bounded_before_compression() -> None:
    assert encode.attempt("a/x.html", b"x" * 60_000).file
    assert encode.attempt("a/x.html", b"x" * 70_000).file is None


def test_a_slightly_too_large_page_is_rescued_by_quality_10() -> None:
    rescued = 0
    for count in range(2_000, 2_600, 20):
        content = text(count)
        plain, saved = encode.attempt("a/x.html", content), encode.attempt("a/x.html", content, rescue=True)
        if plain.file:
            assert saved.file == plain.file
        elif saved.file:
            rescued += 1
            assert brotli.decompress(saved.file.brotli) == saved.file.body
    assert rescued > 0


@pytest.mark.parametrize(("tool", "suffix"), [("brotli", "br"), ("gzip", "gz")])
def test_the_command_line_tools_decode_what_travels(tool: str, suffix: str, tmp_path: Path) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    made = encode.file("a/x.html", "<p>Мост открыли".encode() * 40)
    packed = tmp_path / f"x.{suffix}"
    packed.write_bytes((made.brotli if suffix == "br" else made.gzip) or b"")
    assert subprocess.run([tool, "-dc", packed], capture_output=True, check=True).stdout == made.body
