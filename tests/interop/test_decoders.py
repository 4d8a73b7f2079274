"""The padded encodings are what the gzip and brotli of every system decode: bit for bit the mapped files."""

from __future__ import annotations

import random
import subprocess
import zlib
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import brotli
import pytest
from tests.interop.conftest import Shelf, tool

from heliograph.model import paths
from heliograph.model.edition import BUCKET
from heliograph.render import encode

TOOLS = {".gz": "gzip", ".br": "brotli"}
GZIP_FRAME = 18  # bytes of a gzip member around the deflated ones, without an extra field


def decoded(suffix: str, encodings: Mapping[str, bytes], place: Path) -> dict[str, bytes]:
    """What the command for ``suffix`` makes of files, by the names they were given without it."""
    command = [tool(TOOLS[suffix]), "--decompress", "--"]
    for name, data in encodings.items():
        (place / f"{name}{suffix}").write_bytes(data)
        command.append(f"{name}{suffix}")
    run = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    return {name: (place / name).read_bytes() for name in encodings}


@pytest.mark.parametrize("suffix", TOOLS)
def test_every_encoding_of_a_mirror_decodes_to_the_file_beside_it(suffix: str, shelf: Shelf, tmp_path: Path) -> None:
    plain: dict[str, bytes] = {}
    encodings: dict[str, bytes] = {}
    for name, data in shelf.two.files.items():
        if name.endswith(suffix):
            flat = name.removesuffix(suffix).replace("/", "-")
            plain[flat], encodings[flat] = shelf.two.files[name.removesuffix(suffix)], data
    assert len([name for name in encodings if name.startswith("o-")]) > 3  # content copies
    texts = {path.replace("/", "-") for path in shelf.two.pages if paths.extension(path) in paths.TEXT_TYPES}
    assert texts < encodings.keys()
    assert {len(data) % BUCKET for name, data in encodings.items() if name != "now"} == {0}
    assert decoded(suffix, encodings, tmp_path) == plain


@pytest.mark.parametrize("suffix", TOOLS)
def test_a_filling_of_every_length_is_skipped(suffix: str, tmp_path: Path) -> None:
    chance = random.Random(4)
    plain: dict[str, bytes] = {}
    encodings: dict[str, bytes] = {}
    lacks: set[int] = set()
    for length in range(1, BUCKET + 1):
        body = chance.randbytes(length)
        if suffix == ".br":
            compressor = brotli.Compressor(quality=0)
            raw = compressor.process(body) + compressor.flush()
            encodings[str(length)] = encode.pad_brotli(raw, sha256(body).digest())
            lacks.add(-(len(raw) + 1) % BUCKET)
        else:
            deflater = zlib.compressobj(0, zlib.DEFLATED, -15)
            raw = deflater.compress(body) + deflater.flush()
            encodings[str(length)] = encode.pad_gzip(raw, body, sha256(body).digest())
            lacks.add(-(len(raw) + GZIP_FRAME) % BUCKET)
        plain[str(length)] = body
    assert lacks == set(range(BUCKET))
    assert decoded(suffix, encodings, tmp_path) == plain
