"""What the matrix of censors and servers adds up to, for either reader."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.grounds import IN_CHROMIUM, SERVERS, Server, rows
from benchmarks.survival import cell, summary, tables

CAME = {"lost": "", "seconds": 0.5, "bytes": 6_000, "connections": 1}
GONE = {**CAME, "lost": "silence"}


def measured(*servers: Server, failing: str = "") -> list[dict[str, Any]]:
    """Two censors that a server can survive and one that it cannot; ``failing`` loses one page behind the second."""
    found = rows(("none", "tls-burst", "sni-rst"))
    return [
        {
            "row": row,
            "told": {one.name: [CAME, GONE if number and one.name == failing else CAME] for one in servers},
            "hellos": {one.host: 3 for one in servers},
        }
        for number, row in enumerate(found)
    ]


@pytest.mark.parametrize("failing", ["", "nginx-chromium"])
def test_each_reader_has_a_figure_and_what_cannot_be_survived_is_not_counted(failing: str) -> None:
    section = summary("2026-11-26", measured(*SERVERS), measured(*IN_CHROMIUM, failing=failing))
    assert [figure.value for figure in section.figures] == ["2 of 2", "1 of 2" if failing else "2 of 2"]
    assert section.tables[0].rows[-1] == ("nginx as it comes, same files, in Chromium", 2)


def test_either_reader_may_be_left_out_and_chromium_be_sent_to_some_only() -> None:
    assert len(summary("2026-11-26", measured(*SERVERS), []).figures) == 1
    (figure,) = summary("2026-11-26", [], measured(*IN_CHROMIUM[:2])).figures
    assert figure.what.endswith(", in Chromium")


def test_a_cell_says_which_visit_was_lost() -> None:
    assert cell(SERVERS[0], [CAME, CAME]) == "arrives: 1.0 s, 12 KB, 2"
    assert cell(SERVERS[0], [CAME, GONE]) == "**fails**: story (silence); 1.0 s, 12 KB, 2"
    assert cell(SERVERS[0], [GONE, GONE]) == "**fails** (silence)"


def test_tables_of_two_readers_have_titles_of_their_own() -> None:
    plain = {table.title for table in tables(measured(*SERVERS), SERVERS)}
    browser = {table.title for table in tables(measured(*IN_CHROMIUM), IN_CHROMIUM, by="in Chromium: ")}
    assert len(plain | browser) == 4
