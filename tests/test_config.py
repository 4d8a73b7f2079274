"""The configuration explains itself and its errors name the field."""

from __future__ import annotations

import runpy
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.test_onions import TRUE

from heliograph.config import fields, load, parse
from heliograph.model import ConfigError

HERE = Path("/srv/news/heliograph.toml")
MAIL = '[[channel]]\nname = "letters"\nkind = "mail"\nsender = "news@paper.example"\n'
LEAST = '[newsroom]\ntitle = "Полуостров"\n'


def test_a_title_is_enough() -> None:
    config = parse(LEAST, HERE)
    assert config.newsroom.title == "Полуостров"
    assert config.run.every_seconds == 300
    assert config.journal_url == "sqlite:////srv/news/state/journal.sqlite"


def test_paths_are_relative_to_the_file() -> None:
    config = parse(
        LEAST + '[[source]]\nkind = "folder"\nurl = "stories"\n[[mirror]]\nname = "a"\npath = "../m"\n', HERE
    )
    assert config.sources()[0].url == "file:///srv/news/stories/"
    assert config.mirror_path(config.mirror[0]) == Path("/srv/m")


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ('[newsroom]\ntitel = "x"\n', "newsroom.titel", 'did you mean "title"?'),
        (LEAST + "[capture]\nconections = 2\n", "capture.conections", 'did you mean "connections"?'),
        (LEAST + "[capture.cut]\npatern = []\n", "capture.cut.patern", 'did you mean "patterns"?'),
        (LEAST + '[[source]]\nkind = "feed"\nurll = "x"\n', "source[0].urll", 'did you mean "url"?'),
        (LEAST + "[zzz]\n", "zzz", "fields here: newsroom"),
        (LEAST + 'folder = "x"\n', "newsroom.folder", "fields here"),
    ],
)
def test_a_typing_slip_names_the_field_and_suggests_the_right_one(text: str, place: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, HERE)
    assert caught.value.where == f"{HERE}: {place}"
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "newsroom"),
        ("title = [", "is not TOML"),
        (LEAST + 'zone = "Europe/Kiew"\n', "no time zone"),
        (LEAST + 'accent = "red"\n', "newsroom.accent"),
        (LEAST + '[run]\nevery = "soon"\n', 'such as "30s"'),
        (LEAST + '[capture]\ntimeout = "0s"\n', "capture.timeout"),
        (LEAST + '[[source]]\nkind = "gopher"\nurl = "x"\n', "source[0].kind"),
        (LEAST + '[[mirror]]\nname = "Bad Name"\npath = "x"\n', "mirror[0].name"),
        (LEAST + '[[mirror]]\nname = "a"\npath = "x"\nurl = "http://x.onion/"\n', "mirror[0].url"),
        (LEAST + '[watch]\ndrops = ["http://x.onion/"]\n', "watch.drops"),
        (LEAST + '[[link]]\nname = "x"\nurl = "javascript:1"\n', "link[0].url"),
        (LEAST + MAIL + 'host = "mx.example"\n', "only with a server on this machine"),
        (LEAST + MAIL + 'user = "news"\n', "user needs a password"),
        (LEAST + MAIL + 'listen = "8024"\n', "channel[0].listen"),
        (LEAST + '[announce]\nhub = "hub.example"\n', "announce.hub"),
        (LEAST + '[[mirror]]\nname = "a"\npath = "x"\n[[mirror]]\nname = "a"\npath = "y"\n', "mirror names"),
        (LEAST + '[[mirror]]\nname = "a"\nkind = "pull"\n', "mirror[0].url"),
        (LEAST + '[[link]]\nname = "Tor"\nurl = "https://x.example/"\nedition = true\n', "no onion address"),
        (LEAST + f'[[link]]\nname = "Tor"\nurl = "http://{"a" * 56}.onion/"\nedition = true\n', "typing slip"),
        (LEAST + 2 * f'[[link]]\nname = "Tor"\nurl = "http://{TRUE}/"\nedition = true\n', "two links are onion"),
        (LEAST + '[[mirror]]\nname = "a"\nkind = "pull"\nurl = "https://a.example/"\n', "there is none: add"),
        (LEAST + '[[mirror]]\nname = "a"\npath = "x"\n[[mirror]]\nname = "b"\npath = "./x"\n', "mirror paths"),
    ],
)
def test_a_wrong_value_is_named(text: str, part: str) -> None:
    with pytest.raises(ConfigError, match=r"heliograph\.toml") as caught:
        parse(text, HERE)
    assert part in str(caught.value)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="heliograph init"):
        load(tmp_path / "none.toml")


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "heliograph.toml"
    path.write_text("#" * 1_000_001)
    with pytest.raises(ConfigError, match="larger than 1 MB"):
        load(path)


@given(st.text(max_size=300))
def test_any_text_is_a_config_or_a_config_error(text: str) -> None:
    with suppress(ConfigError):
        assert parse(text, HERE).newsroom.title


def test_every_field_is_explained() -> None:
    listed = list(fields())
    assert {"newsroom.title", "capture.cut.patterns", "mirror.path", "source.kind"} <= {name for name, _, _ in listed}
    assert all(words.endswith(".") for _, words, _ in listed), [name for name, words, _ in listed if words[-1:] != "."]


def test_the_manual_of_the_fields_is_current() -> None:
    root = Path(__file__).resolve().parents[1]
    namespace = runpy.run_path(str(root / "scripts" / "write_config_manual.py"))
    written = (root / "docs" / "operating" / "config.md").read_text(encoding="utf-8")
    assert written == namespace["manual"](), "run: python scripts/write_config_manual.py"


SITE_HOST = """[[host]]
name = "far"
kind = "cloudfront-site"
site = "https://www.example.org/"
secret = "secret"
"""


def test_a_host_of_the_site_knows_it_by_the_newsrooms_title_or_by_what_is_said() -> None:
    page = parse(LEAST + SITE_HOST, HERE).site_page("far")
    assert page is not None
    assert (page.path, page.text) == ("", "Полуостров")
    page = parse(LEAST + SITE_HOST + 'page = "about/"\nshows = "We"\n', HERE).site_page("far")
    assert page is not None
    assert (page.path, page.text) == ("about/", "We")
    assert parse(LEAST + SITE_HOST, HERE).site_page("near") is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("https://www.example.org/", "http://www.example.org/", "the secret travels there"),
        ("https://www.example.org/", "https://www.example.org/ru/", "without a path"),
        ("https://www.example.org/", "https://me@www.example.org/", "without a path"),
        ('secret = "secret"', 'secret = ""', "at least 1"),
        ('secret = "secret"', 'secret = "s"\nbucket = "b"', "unknown field"),
        ('secret = "secret"', 'secret = "s"\npage = "/about"', "leave out the slash"),
        ('secret = "secret"', 'secret = "s"\npage = "a?b"', "pattern"),
    ],
)
def test_a_host_of_the_site_that_cannot_be_is_refused(old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(LEAST + SITE_HOST.replace(old, new), HERE)
    assert said in str(caught.value)
