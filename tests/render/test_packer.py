"""The packer: every part within the budget, nothing lost, no work done twice."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.model.edition import BROTLI_BODY, GZIP_BODY, File
from heliograph.render import encode, packer
from heliograph.render.packer import BudgetError, Piece

RNG = random.Random(5)
WORDS = ["".join(RNG.choices("абвгдежзиклмнопрстуя", k=RNG.randint(3, 9))) for _ in range(3_000)]
CHROME = "<!doctype html><title>{number}/{total}</title><style>body{{color:red}}</style><main>"


def prose(characters: int, seed: int = 1) -> str:
    rng = random.Random(seed)
    return " ".join(rng.choices(WORDS, [1 / (rank + 1) for rank in range(3_000)], k=characters // 7))[:characters]


def piece(text: str, *, keep: bool = False) -> Piece:
    """A piece that may be cut anywhere."""

    def cut(limit: int) -> tuple[Piece, Piece] | None:
        if len(text) < 2:
            return None
        place = min(max(1, limit), len(text) - 1)
        return piece(text[:place]), piece(text[place:])

    return Piece(text, cut, keep)


def page(texts: Sequence[str], number: int, total: int) -> str:
    return CHROME.format(number=number, total=total) + "\x1f".join(texts) + "</main>"


def pieces_of(file: File) -> list[str]:
    return file.body.decode().partition("<main>")[2].rpartition("</main>")[0].split("\x1f")


def text_of(files: Sequence[File]) -> str:
    return "".join("".join(pieces_of(file)) for file in files)


def check(files: Sequence[File], path: str = "a/x.html") -> None:
    """What must hold of any packing."""
    for number, file in enumerate(files, 1):
        assert file.path == packer.part_path(path, number)
        assert f"<title>{number}/{len(files)}</title>" in file.body.decode()
        assert len(file.brotli or b"") <= BROTLI_BODY
        assert len(file.gzip or b"") <= GZIP_BODY


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The quality of every brotli run."""
    seen: list[int] = []
    real = encode._brotli

    def counted(body: bytes, quality: int) -> bytes:
        seen.append(quality)
        return real(body, quality)

    monkeypatch.setattr(encode, "_brotli", counted)
    return seen


def test_a_page_that_fits_is_compressed_once_and_that_is_the_file(runs: list[int]) -> None:
    files = packer.pack("a/x.html", [piece(prose(3_000))], page)
    check(files)
    assert runs == [9]
    assert files == (encode.file("a/x.html", page([prose(3_000)], 1, 1).encode()),)


def test_a_dense_pass_keeps_every_text_where_it_was() -> None:
    pieces = [piece(prose(700, seed)) for seed in range(60)]
    quick, dense = packer.pack("a/x.html", pieces, page), packer.pack("a/x.html", pieces, page, dense=True)
    assert [file.body for file in quick] == [file.body for file in dense]
    assert sum(len(file.brotli or b"") for file in dense) < sum(len(file.brotli or b"") for file in quick)


def test_parts_are_of_about_equal_length_and_few_compressions_make_them(runs: list[int]) -> None:
    pieces = [piece(prose(400, seed)) for seed in range(200)]
    files = packer.pack("a/x.html", pieces, page)
    check(files)
    assert text_of(files) == "".join(one.text for one in pieces)
    lengths = [sum(map(len, pieces_of(file))) for file in files]
    assert min(lengths) > 0.75 * max(lengths)
    assert len(runs) <= 3 * len(files)


def test_pieces_are_not_cut_where_whole_ones_will_do() -> None:
    pieces = [piece(prose(900, seed)) for seed in range(40)]
    files = packer.pack("a/x.html", pieces, page)
    assert [text for file in files for text in pieces_of(file)] == [one.text for one in pieces]


def test_one_endless_paragraph_is_cut() -> None:
    text = prose(60_000)
    files = packer.pack("a/x.html", [piece(text)], page)
    check(files)
    assert len(files) > 3
    assert text_of(files) == text


def test_two_megabytes_are_split_with_work_that_grows_with_the_text_only(runs: list[int]) -> None:
    block = prose(24_000)
    pieces = [piece(block[shift:] + block[:shift]) for shift in range(0, 24_000, 573)]
    files = packer.pack("a/x.html", pieces, page)
    check(files)
    assert sum(len(one.text.encode()) for one in pieces) > 1_800_000
    assert text_of(files) == "".join(one.text for one in pieces)
    assert len(runs) <= 8 * len(files)


def test_text_that_does_not_compress_is_split_too() -> None:
    rng = random.Random(2)
    text = "".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(30_000))
    files = packer.pack("a/x.html", [piece(text)], page)
    check(files)
    assert text_of(files) == text


def test_text_that_compresses_to_nothing_is_still_split_into_pages_one_can_hold() -> None:
    files = packer.pack("a/x.html", [piece("а" * 200_000)], page)
    check(files)
    assert all(len(file.body) <= encode.RAW_LIMIT for file in files)
    assert text_of(files) == "а" * 200_000


def test_a_heading_is_not_the_last_line_of_a_part() -> None:
    pieces = []
    for seed in range(120):
        pieces += [piece(f"Заголовок {seed}", keep=True), piece(prose(300, seed))]
    files = packer.pack("a/x.html", pieces, page)
    check(files)
    assert len(files) > 2
    assert all("Заголовок" not in pieces_of(file)[-1] for file in files)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 9_000), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_any_mixture_of_pieces_is_kept_in_order_within_the_budget(sizes: list[int], rng: random.Random) -> None:
    pieces = []
    for number, size in enumerate(sizes):
        dense = "".join(chr(rng.randrange(0x400, 0x2000)) for _ in range(size // 4))
        pieces.append(piece(rng.choice([prose(size, number), dense, "a" * size]), keep=rng.random() < 0.2))
    files = packer.pack("a/x.html", pieces, page)
    check(files)
    assert text_of(files) == "".join(one.text for one in pieces)
    assert files == packer.pack("a/x.html", pieces, page)


def test_no_pieces_make_one_page() -> None:
    files = packer.pack("a/x.html", [], page)
    check(files)
    assert len(files) == 1


def test_a_frame_that_leaves_no_room_is_an_error_that_names_the_file() -> None:
    rng = random.Random(4)
    frame = "".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(4_000))
    with pytest.raises(BudgetError, match=r"a/d/x\.html"):
        packer.pack("a/d/x.html", [piece("text")], lambda texts, number, total: frame + "".join(texts))
    with pytest.raises(BudgetError, match=r"a/d/x\.html"):
        packer.fill("a/d/x.html", [piece("text")], lambda texts: frame + "".join(texts))


def test_a_piece_that_cannot_be_cut_and_does_not_fit_is_an_error_that_names_the_part() -> None:
    rng = random.Random(4)
    large = Piece("".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(4_000)))
    with pytest.raises(BudgetError, match=r"a/x\.\d\.html"):
        packer.pack("a/x.html", [piece(prose(9_000)), large], page)


def test_parts_are_named_by_number() -> None:
    assert packer.part_path("a/7k3vq2m.html", 1) == "a/7k3vq2m.html"
    assert packer.part_path("a/d/2026-11-20.html", 12) == "a/d/2026-11-20.12.html"


def test_filling_takes_as_many_leading_pieces_as_fit_and_not_one_less() -> None:
    pieces = [Piece(prose(200, seed)) for seed in range(300)]

    def whole(texts: Sequence[str]) -> str:
        return page(texts, 1, 1)

    made, count = packer.fill("a/x.html", pieces, whole)
    check([made])
    assert pieces_of(made) == [one.text for one in pieces[:count]]
    assert 10 < count < 300
    one_more = whole([one.text for one in pieces[: count + 1]]).encode()
    assert encode.attempt("a/x.html", one_more).file is None


@pytest.mark.parametrize("count", [0, 1, 5])
def test_filling_takes_everything_where_everything_fits(count: int, runs: list[int]) -> None:
    _, shown = packer.fill("a/x.html", [Piece("text")] * count, lambda texts: page(texts, 1, 1))
    assert shown == count
    assert runs == [9]


def test_filling_leaves_the_page_empty_where_not_even_one_piece_fits() -> None:
    rng = random.Random(4)
    large = Piece("".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(4_000)))
    made, shown = packer.fill("a/x.html", [large, large], lambda texts: page(texts, 1, 1))
    assert shown == 0
    check([made])
