"""What other servers are told about files, held against what our own does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.adapters.serve import wire
from heliograph.adapters.serve.outfit import RUNG, Site, always, kinds, write_rungs
from heliograph.model import ConfigError, paths

KINDS = kinds()
SAFE = "abcxyz059_-"
SEGMENT = st.text(SAFE + ".", min_size=1, max_size=12)
PATHS = (
    st.sampled_from([*paths.ROOT_NAMES, "now", "sw.js", "reader.html", "tuf/timestamp.json", "log/checkpoint"])
    | st.builds(
        lambda folders, name, ending: "/".join(["a", *folders, f"{name}.{ending}"]),
        st.lists(SEGMENT, max_size=3),
        SEGMENT,
        st.sampled_from([*paths.MAPPED_TYPES, "part", "toml"]),
    )
    | st.from_regex(
        r"tuf/[1-9][0-9]{0,3}\.(root|edition)\.json|edition/[0-9a-f]{64}\.head|o/[0-9a-f]{2}/[0-9a-f]{62}"
        r"|code/[0-9a-f]{64}\.(sw\.js|reader\.html|policy\.json)|log/tile/([0-9]|entries)(/x[0-9]{3}){0,2}/[0-9]{3}",
        fullmatch=True,
    )
)


def kind_of(path: str) -> str:
    return next((kind.name for kind in KINDS if re.search(kind.pattern, f"/{path}")), "")


@given(PATHS, st.sampled_from(["", "", ".gz", ".br"]))
def test_a_file_of_an_edition_has_the_fields_that_we_send(plain: str, encoding: str) -> None:
    path = plain + encoding
    if not wire.canonical(path) or (encoding and not wire.encodable(plain)):
        return
    kind = next((one for one in KINDS if re.search(one.pattern, f"/{path}")), None)
    assert kind is not None, path
    of = wire.label(path, "")
    sent = dict(line.split(": ", 1) for line in (of.content_type + of.lifetime + of.policy).decode().splitlines())
    if not path.startswith("a/search."):  # a name that no page but search.html has; narrower there
        assert kind.fields == sent, path
    assert kind.has_encodings == wire.encodable(path)


@given(PATHS.filter(lambda path: not wire.canonical(path)) | st.text("./a%\\~A \n", max_size=20))
def test_what_is_not_of_an_edition_is_of_no_kind(path: str) -> None:
    if wire.canonical(path):
        return
    folders = path.split("/")[1:-1]
    if any(paths.fault(f"a/{one}/x.html") for one in path.split("/")[1:]) and not any(
        one.endswith(("..", ".")) or ".." in one or not one for one in folders
    ):
        return  # rule 1: lengths, devices and endings of folders are not looked at
    assert kind_of(path) == "", path


@pytest.mark.parametrize(
    "name", ["secret.toml", ".hidden.html", "a/.x.html", "a/../x.html", "a/x.html.part", "a/x..html"]
)
def test_names_that_matter_are_of_no_kind(name: str) -> None:
    assert kind_of(name) == ""


def test_the_search_page_has_its_own_policy() -> None:
    assert kind_of("a/search.html") == kind_of("a/search.uk.html") == "search"
    assert kind_of("a/searches.html") == "html"


def test_every_answer_has_the_fields_of_every_answer_of_ours() -> None:
    assert always() == {
        "X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*", "Alt-Svc": "clear",
    }  # fmt: skip


def test_test_bodies_are_those_we_send(tmp_path: Path) -> None:
    write_rungs(tmp_path / "rungs")
    names = sorted(path.name for path in (tmp_path / "rungs").iterdir())
    assert {wire.rung(f"ladder/{name}") for name in names} == {1_024 * size for size in range(1, 65)}
    assert all((tmp_path / "rungs" / name).stat().st_size == wire.rung(f"ladder/{name}") for name in names)
    assert all(re.search(RUNG, f"/ladder/{name}") for name in names)
    assert not any(re.search(RUNG, f"/ladder/{name}") for name in ("0", "65", "064", "640"))
    with pytest.raises(ConfigError, match="cannot be written"):
        write_rungs(tmp_path / "rungs" / "1")


@pytest.mark.parametrize(
    "name", ["", "Mirror.example", "a_b.example", "x;y", "mirror.example ", "-a.example", "a" * 254]
)
def test_what_is_no_host_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no host name"):
        Site(folder=tmp_path, names=(name,), listens=(("", 80),))


@pytest.mark.parametrize("place", ['/srv/a"b', "/srv/$root", "/srv/{x}", "/srv/a\nb", "/srv/a\\b"])
def test_a_place_that_a_configuration_would_misread_is_refused(place: str) -> None:
    with pytest.raises(ConfigError, match="cannot be written into"):
        Site(folder=Path(place), listens=(("", 80),))
