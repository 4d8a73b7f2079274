"""The tables and figures of docs/format.md, held against the code; its examples are run by ``test_docs``."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heliograph.model import paths

FORMAT = Path(__file__).resolve().parents[1] / "docs" / "format.md"


def tables(first_heading: str) -> list[list[list[str]]]:
    """The rows of each table of the format whose head begins with ``first_heading``."""
    head = rf"^\| {re.escape(first_heading)} \|.*\n\|[-| ]+\|\n((?:\|.*\n)+)"
    found = re.findall(head, FORMAT.read_text(encoding="utf-8"), re.MULTILINE)
    assert found, f"no table {first_heading!r}"
    return [[[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines()] for body in found]


def test_the_table_of_content_types_is_what_the_server_sends() -> None:
    from heliograph.adapters.serve import wire

    told: dict[str, str] = {}
    for extensions, kinds in tables("extension")[0]:
        charset = ";charset=utf-8" if "charset" in kinds else ""
        types = [
            match[1] for match in re.finditer(r"`([^`]+)`( \(twice\))?", kinds) for _ in range(2 if match[2] else 1)
        ]
        told |= {
            extension: kind + charset
            for extension, kind in zip(re.findall(r"`([^`]+)`", extensions), types, strict=True)
        }
    assert set(told) == set(paths.MAPPED_TYPES)
    sent = {extension: wire.label(f"a/x.{extension}", "").content_type.decode() for extension in told}
    assert sent == {extension: f"Content-Type: {kind}\r\n" for extension, kind in told.items()}


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("index.html", "`index.html`"),
        ("a/7k3vq2m.html", "`a/…`"),
        ("now", "`now`"),
        ("tuf/timestamp.json", "`tuf/timestamp.json`"),
        ("tuf/3.root.json", "`tuf/N.root.json`"),
        (f"edition/{'0' * 64}.head", "`edition/"),
        (f"o/00/{'0' * 62}", "`o/"),
        (f"code/{'0' * 64}.sw.js", "`code/"),
        ("sw.js", "`sw.js`"),
        ("log/checkpoint", "`log/checkpoint`"),
        ("log/tile/0/000", "`log/tile/"),
        ("log/tile/entries/x001/x234/067.p/255", "`log/tile/"),
    ],
)
def test_the_table_of_files_gives_the_ages_the_server_sends(path: str, row: str) -> None:
    from heliograph.adapters.serve import wire

    rows = [cells for cells in tables("name")[0] if cells[0].startswith(row)]
    assert len(rows) == 1
    assert wire.label(path, "").lifetime.decode().splitlines()[0] == f"Cache-Control: max-age={rows[0][3]}"
    assert wire.canonical(path)


PLACES = {
    "code": "[0-9a-hjkmnp-tv-z]{7}",
    "pid": "[0-9a-f]{10}",
    "language": "[a-z]{2,3}",
    "section": "[a-z0-9-]+",
    "month": r"\d{4}-\d\d",
    "day": r"\d{4}-\d\d-\d\d",
    "shard": "[0-9a-f]+",
    "bits": r"\d+",
}


def test_the_table_of_places_names_every_file_of_an_edition_and_no_other() -> None:
    told = [path for cells in tables("path")[0] for path in re.findall(r"`([^`]+)`", cells[0])]
    patterns = {path: re.compile(place_pattern(path)) for path in told}
    used = set()
    for path in edition_paths():
        matching = [told for told, pattern in patterns.items() if pattern.fullmatch(path)]
        assert len(matching) == 1, f"{path}: {matching}"
        used.update(matching)
    assert used == set(told)


def place_pattern(path: str) -> str:
    """The expression for a row of the table, further parts (".2.html") included."""
    stem, _, extension = re.escape(path).rpartition(r"\.")
    for place, pattern in PLACES.items():
        stem = stem.replace(f"<{place}>", pattern)
    return rf"{stem}(\.\d+)?\.{extension}"


def edition_paths() -> set[str]:
    """The paths of every kind of sheet, for one story with one picture in an edition of two languages."""
    from heliograph.model import Brief, Figure, Issue, Material, Paragraph, Picture, Run, SheetKey, Shown, Story
    from heliograph.render import pictures, sheets
    from heliograph.render.look import Look

    time, photo = datetime(2026, 11, 20, 9, 30, tzinfo=UTC), "https://news.example.org/bridge.jpg"
    url, code = "https://news.example.org/ru/most-100214.html", "kb4st5w"
    text = (Paragraph(runs=(Run("Мост открыт."),)), Figure(picture=Picture(url=photo)))
    story = Story(
        url=url, code=code, lang="ru", title="Мост", section="Город", blocks=text, published=time, updated=time
    )
    brief = Brief(
        code=code, url=url, lang="ru", title="Мост", lead="", section="Город", published=time, updated=time,
        section_key="ru/gorod", day="2026-11-20",
    )  # fmt: skip
    look = Look(title="Example", lang="ru", languages=("ru", "uk"))
    shown = Shown(pid=pictures.pid(photo), width=4, height=3, colours=("#aaaaaa", "#bbbbbb"), avif=b"a", webp=b"w")
    keys = sheets.touched(None, brief, look) | sheets.standing(look) | {SheetKey("picture", shown.pid)}
    assert {key.kind for key in keys} == set(sheets.KINDS)
    paths = set()
    for key in sorted(keys):
        by = {
            "month": {"2026-11": 1},
            "day": {"2026-11-20": 1},
            "section": {"ru/gorod": 1},
            "lang": {"ru": 1},
            None: {},
        }
        material = Material(
            issue=Issue(number=1, made=time, stories=1, files=0, written=0, gone=0),
            stories=(story,),
            briefs=(brief,),
            tally=by[sheets.want(key, look).tally],
            labels={"ru/gorod": "Город"},
            shown={photo: shown},
        )
        paths |= {file.path for file in sheets.sheet(key, material, look).files}
    return paths


def test_root_names_are_those_of_the_code() -> None:
    first = tables("name")[0][0][0]
    assert set(re.findall(r"`([^`]+)`", first)) == paths.ROOT_NAMES


def test_the_example_of_a_head_is_one() -> None:
    from heliograph.trust.head import read_head, write_head

    example = re.search(r"^```\n(edition/1\n.*?)^```$", FORMAT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert example is not None
    assert write_head(read_head(example[1].encode())) == example[1].encode()


def test_the_codes_of_a_refusal_are_those_of_the_code() -> None:
    from heliograph.trust.refusal import REASONS

    text = FORMAT.read_text(encoding="utf-8")
    listed = text[text.index("`path` `unavailable`") :].partition("\n\n")[0]
    assert re.findall(r"`([a-z-]+)`", listed) == list(REASONS)


def test_limits_are_those_of_the_code() -> None:
    from heliograph.trust import bundle, edition_map, head, log, note, policy, roles, visit

    told = dict(tables("what")[0])
    limits = {
        "`now`": bundle.MAX_BUNDLE,
        "root, targets": roles.LIMITS["root"],
        "timestamp": roles.LIMITS["timestamp"],
        "snapshot, edition": roles.LIMITS["snapshot"],
        "head": head.MAX_HEAD,
        "tile": visit.MAX_TILE,
        "shard": edition_map.MAX_SHARD,
        "fresh list": head.MAX_FRESH * head.RECORD,
        "policy": policy.MAX_POLICY,
        "checkpoint of the log": note.MAX_CHECKPOINT,
        "tile of the log": log.MAX_TILE,
        "bundle of the log": log.MAX_BUNDLE,
    }
    assert {name: told[name].partition(";")[0] for name in limits} == {n: f"{size:,}" for n, size in limits.items()}


def test_figures_of_the_budget_are_those_of_the_code() -> None:
    from heliograph.model import edition

    text = FORMAT.read_text(encoding="utf-8")
    for figure in (
        edition.WIRE_BUDGET,
        edition.HEADER_ALLOWANCE,
        edition.BUCKET,
        edition.BROTLI_BODY,
        edition.GZIP_BODY,
    ):
        assert re.search(rf"\b{figure:,}\b", text), figure
