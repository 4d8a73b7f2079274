"""From an address to its network: the forms of a table, the longest prefix, limits."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.adapters.serve import networks
from heliograph.adapters.serve.networks import Networks, load, one_for_all, read
from heliograph.model.errors import ConfigError

TABLE = """; of pyasn
# and a comment of ours

192.0.2.0/24\t64500
198.51.100.0\t24\t64501_64502
10.0.0.0/8 provider
10.1.0.0/16 AS64510
10.1.2.0/24 64511,64512
203.0.113.0/24 {64520,64521}
2001:db8::/32\thome
2001:db8:1::\t48\t64530
192.0.2.128/25 64999
"""


def name(table: Networks, address: str) -> str:
    return table.names[table.number(address)]


@pytest.fixture(scope="module")
def table() -> Networks:
    return read(TABLE.splitlines(keepends=True), "table")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "AS64500"),
        ("192.0.2.200", "AS64500"),  # the half in the table is too narrow to be told apart
        ("192.0.3.0", "other"),
        ("192.0.1.255", "other"),
        ("198.51.100.255", "AS64501"),
        ("203.0.113.5", "AS64520"),
        ("10.0.0.0", "provider"),
        ("10.255.255.255", "provider"),
        ("11.0.0.0", "other"),
        ("10.1.0.1", "AS64510"),
        ("10.1.2.3", "AS64511"),
        ("10.1.3.0", "AS64510"),
        ("10.2.0.0", "provider"),
        ("::ffff:10.1.2.3", "AS64511"),
        ("2001:db8::1", "home"),
        ("2001:db8:1:ffff::1", "AS64530"),
        ("2001:db8:2::", "home"),
        ("2001:db9::", "other"),
        ("fe80::1%eth0", "other"),
        ("0.0.0.0", "other"),
        ("255.255.255.255", "other"),
        ("", "other"),
        ("not an address", "other"),
    ],
)
def test_the_longest_prefix_wins(table: Networks, address: str, network: str) -> None:
    assert name(table, address) == network
    assert table.narrow == 1


prefixes = st.builds(
    lambda bits, value: (value >> 32 - bits << 32 - bits, bits), st.integers(0, 24), st.integers(0, (1 << 32) - 1)
)


@given(st.dictionaries(prefixes, st.integers(1, 9), min_size=1, max_size=40), st.lists(st.integers(0, (1 << 32) - 1)))
def test_any_table_answers_as_a_plain_search_through_it(
    entries: dict[tuple[int, int], int], addresses: list[int]
) -> None:
    lines = [f"{ipaddress.ip_address(start)}/{bits} {asn}" for (start, bits), asn in entries.items()]
    table = read(lines, "table")
    edges = [start + end for start, bits in entries for end in (-1, 0, (1 << 32 - bits) - 1, 1 << 32 - bits)]
    for address in [*addresses, *(edge for edge in edges if 0 <= edge < 1 << 32)]:
        around = [key for key in entries if address >> 32 - key[1] == key[0] >> 32 - key[1]]
        wanted = f"AS{entries[max(around, key=lambda key: key[1])]}" if around else "other"
        assert name(table, str(ipaddress.ip_address(address))) == wanted


def test_without_a_table_everybody_is_of_one_network() -> None:
    alone = one_for_all()
    assert {name(alone, address) for address in ("192.0.2.1", "2001:db8::1", "?")} == {"all"}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("192.0.2.0/24", "not a prefix and a network"),
        ("192.0.2.0/24 64500 RU", "not a prefix and a network"),
        ("192.0.2.0", "not a prefix and a network"),
        ("1.0.0.0 1.0.0.255 13335 US", "not a prefix and a network"),
        ("192.0.2 24 64500", "no address"),
        ("192.0.2.0/33 64500", "from 0 to 32"),
        ("192.0.2.0/² 64500", "from 0 to 32"),
        ("2001:db8::/129 64500", "from 0 to 128"),
        ("192.0.2.1/24 64500", "beyond its length"),
        ("192.0.2.0/24 [red]", "no name"),
        ("192.0.2.0/24 " + "x" * 41, "no name"),
    ],
)
def test_a_wrong_line_is_named(line: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        read(["# a table\n", "10.0.0.0/8 1\n", line + "\n"], "routes.txt")
    assert caught.value.where == "routes.txt, line 3"
    assert "64500" in caught.value.remedy


def test_an_empty_a_missing_and_an_oversized_table_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="no prefix"):
        read(["# nothing\n", "192.0.2.0/25 1\n"], "table")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none")
    assert str(tmp_path / "none") in str(caught.value)
    place = tmp_path / "table"
    place.write_text("10.0.0.0/8 1\n10.1.0.0/16 2\n")
    assert load(place).names == ("other", "AS1", "AS2")
    monkeypatch.setattr(networks, "MOST_PREFIXES", 1)
    with pytest.raises(ConfigError, match="prefixes") as caught:
        load(place)
    assert caught.value.where.endswith("line 2")
    monkeypatch.setattr(networks, "MOST_BYTES", 10)
    with pytest.raises(ConfigError, match="larger than"):
        load(place)
