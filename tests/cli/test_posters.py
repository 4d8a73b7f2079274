"""``post poster`` and ``post card``: what a newsroom prints or posts by hand, from what it has published."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from PIL import Image
from tests.announce.fonts import PLAIN
from tests.cli.room import configured
from tests.cli.test_commands import STORY, heliograph

from heliograph.cli import fonts, main, posters
from heliograph.config import load, parse
from heliograph.model import ConfigError
from heliograph.trust.keys import fingerprint

MIRROR = "https://lamp-7.pages.example/"
ONION = f"http://{'peninsula234567' * 4}"[:63] + ".onion/"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A newsroom with a story, a mirror that has an address, mail that answers, a bot and an onion service."""
    folder = tmp_path_factory.mktemp("posters")
    (folder / "texts").mkdir()
    story = STORY.format(title="Мост через лиман открыт", day=1) + "\nЕщё абзац о ремонте моста.\n" * 30
    (folder / "texts" / "story.md").write_text(story, encoding="utf-8")
    heliograph("init", folder / "room", "--source", folder / "texts", "--title", "Полуостров")
    file = folder / "room" / "heliograph.toml"
    text = file.read_text(encoding="utf-8")
    place = 'path = "mirrors/first"\n'
    assert place in text
    text = re.sub(r'^language = "\w+"$', 'language = "ru"', text, count=1, flags=re.MULTILINE)
    text = text.replace(place, f'{place}url = "{MIRROR}"\n')
    text = re.sub(r"^\[announce\]$", '[announce]\nbot = "@peninsula_bot"', text, flags=re.MULTILINE)
    text += f"""
[[channel]]
name = "letters"
kind = "mail"
sender = "news@peninsula.example"
listen = "127.0.0.1:8024"

[[link]]
name = "Tor"
url = "{ONION}"
"""
    file.write_text(text, encoding="utf-8")
    heliograph("publish", "--config", file)
    return file


@pytest.fixture(scope="module")
def code(published: Path) -> str:
    found = [file.stem for file in published.parent.glob("mirrors/first/a/*.html")]
    return next(name for name in found if re.fullmatch("[0-9a-z]{7}", name) and name != "mirrors")


Command = Callable[..., str]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], published: Path) -> Command:
    """``heliograph post`` in this process; what it says."""

    def run(*words: str | Path) -> str:
        given = [*map(str, words), "--config", str(published)]
        monkeypatch.setattr(sys, "argv", ["heliograph", "post", *given])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert not ended.value.code, said.err
        return said.out

    return run


def test_a_poster_tells_all_that_readers_can_be_told(published: Path, code: str, tmp_path: Path) -> None:
    file = tmp_path / "wall.pdf"
    told = json.loads(
        heliograph("post", "poster", "--lang", "uk", "--out", file, "--json", "--config", published).stdout
    )
    assert told == {"files": [{"path": str(file), "bytes": file.stat().st_size}]}
    with pypdfium2.PdfDocument(file) as document:
        text = "".join(document[0].get_textpage().get_text_bounded().split())
        read = {found.text for found in zxingcpp.read_barcodes(document[0].render(scale=2).to_pil())}
    prints = fingerprint((published.parent / "keys" / "tuf" / "1.root.json").read_bytes())
    assert read == {MIRROR, prints}
    onion = ONION.removesuffix("/")
    for part in ("Якнасчитатизараз", "lamp-7.pages.example", "news@peninsula.example", "@peninsula_bot", onion, code):
        assert part in text
    assert list(tmp_path.iterdir()) == [file]


def test_a_poster_is_in_the_language_of_the_newsroom_unless_told(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = command("poster")
    assert "poster-ru.pdf" in shown
    assert "1 of 1 addresses" in shown
    assert (tmp_path / "poster-ru.pdf").read_bytes().startswith(b"%PDF-")


def test_a_card_shows_a_story(command: Command, code: str, tmp_path: Path) -> None:
    shown = command("card", code.upper(), "--out", tmp_path / "card.jpg")
    assert "Мост через лиман открыт" in shown
    with Image.open(tmp_path / "card.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (1080, 1350))
        assert zxingcpp.read_barcodes(picture) == []


def test_several_cards_carry_the_text_and_lead_to_the_story(command: Command, code: str, tmp_path: Path) -> None:
    wanted = ["card", code, "--slides", "4", "--qr", "--shape", "square", "--out", tmp_path / "c.jpg"]
    told = json.loads(command(*wanted, "--json"))
    files = [Path(one["path"]) for one in told["files"]]
    assert [file.name for file in files] == [f"c-{number}.jpg" for number in range(1, len(files) + 1)]
    assert 3 <= len(files) <= 4
    assert zxingcpp.read_barcodes(Image.open(BytesIO(files[0].read_bytes()))) == []
    last = zxingcpp.read_barcode(Image.open(BytesIO(files[-1].read_bytes())))
    assert last is not None
    assert last.text == f"{MIRROR}a/{code}.html"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["card", "7k3vq2x"], "check character"),
        (["card", "0000000"], "no story of this edition"),
        (["poster", "--lang", "de"], "ru, uk, en, crh, fa"),
        (["poster", "--out", "/nowhere/at/all.pdf"], "cannot be written"),
    ],
)
def test_wrong_wishes_end_with_2_and_say_what_to_do(
    published: Path, words: list[str], part: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["heliograph", "post", *words, "--config", str(published)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert part in capsys.readouterr().err


def test_a_newsroom_that_nobody_can_reach_gets_no_poster(tmp_path: Path) -> None:
    file = configured(tmp_path / "room", "https://peninsula.example")
    with pytest.raises(ConfigError, match="no address yet"):
        posters.poster(file, lang="ru", file=tmp_path / "wall.pdf", as_json=False)
    with pytest.raises(ConfigError, match="no story"):
        posters.card("0000000", file, shape="tall", slides=1, qr=False, file=None, as_json=False)
    assert not (tmp_path / "wall.pdf").exists()


def test_the_font_of_the_configuration_is_read_from_its_folder(tmp_path: Path) -> None:
    shutil.copy(fonts.DEJAVU / "DejaVuSans.ttf", tmp_path / "own.ttf")
    file = tmp_path / "heliograph.toml"
    file.write_text('[newsroom]\ntitle = "x"\naccent = "#FFEE00"\n[announce]\nfont = "own.ttf"\n', encoding="utf-8")
    style = fonts.style(load(file))
    assert style.bold == style.plain == PLAIN
    assert style.accent != "#ffee00"  # it could not be read on paper


def test_without_a_font_the_package_that_has_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "DEJAVU", tmp_path)
    with pytest.raises(ConfigError) as caught:
        fonts.fonts(parse('[newsroom]\ntitle = "x"\n', tmp_path / "heliograph.toml"))
    assert "fonts-dejavu-core" in caught.value.remedy
    with pytest.raises(ConfigError, match="font cannot be read") as caught:
        fonts.fonts(parse('[newsroom]\ntitle = "x"\n[announce]\nfont = "no.ttf"\n', tmp_path / "heliograph.toml"))
    assert "[announce] font" in caught.value.where
