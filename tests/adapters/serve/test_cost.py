"""What a certificate costs, measured by a real handshake, and what the chain is told to lose."""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.tls import Authority
from heliograph.adapters.serve import chain, cost
from heliograph.model import ConfigError

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
SHORTEST = (875, 655, 682)  # Let's Encrypt's for ECDSA in 2026, ending at ISRG Root X2


def made(folder: Path, sizes: Sequence[int], *names: str) -> Path:
    authority = Authority(folder, NOW, depth=max(0, len(sizes) - 1), sizes=sizes)
    return authority.leaf(*(names or ("mirror.example",)))


def test_the_handshake_is_the_chain_and_some_hundred_bytes(tmp_path: Path) -> None:
    browser, classic, resumed = cost.measure(made(tmp_path, SHORTEST), None)
    assert classic.name == "X25519"
    assert 2_800 < classic.handshake < 2_950  # 3,103 with two tickets, as measured for this chain elsewhere
    assert not classic.computed
    assert resumed.handshake < 600
    assert browser.handshake - classic.handshake in range(cost.CIPHERTEXT, cost.CIPHERTEXT + 20)
    assert resumed.packets <= classic.packets < browser.packets <= cost.PACKETS
    assert all(one.survives for one in (browser, classic, resumed))


def test_a_chain_that_is_too_long_is_found_out(tmp_path: Path) -> None:
    browser, _, resumed = cost.measure(made(tmp_path, (875, 4_000, 4_000)), None)
    assert not browser.survives
    assert browser.room(14_000) < cost.PAGE
    assert resumed.survives


def test_the_default_chain_of_rsa_is_too_long_and_that_of_ecdsa_is_not(tmp_path: Path) -> None:
    ecdsa = cost.measure(made(tmp_path / "ecdsa", (875, 655, 682, 1_140)), None)
    assert all(one.survives for one in ecdsa)
    rsa = cost.measure(made(tmp_path / "rsa", (1_239 + 512, 1_247, 1_528)), None)  # 512: a longer signature
    assert not rsa[0].survives


def test_room_is_what_the_limit_leaves() -> None:
    one = cost.Cost(name="", handshake=4_000, packets=20)
    assert one.room(14_000) == 14_000 - 4_000 - 24 - 3 * 22
    assert one.room(3_000) == 0
    assert one.room_in_packets > cost.PAGE
    assert cost.Cost(name="", handshake=1, packets=26).room_in_packets < cost.PAGE
    assert not cost.Cost(name="", handshake=1, packets=26).survives


def test_a_short_chain_needs_no_advice_but_about_its_name(tmp_path: Path) -> None:
    sent = chain.read_chain(made(tmp_path, SHORTEST))
    assert [one.size for one in sent] == [pytest.approx(size, abs=4) for size in SHORTEST]
    assert {one.key for one in sent} == {"P-256"}
    assert chain.advice(sent, {sent[-1].issuer}) == [
        "Ask for a certificate without a common name (ACME profile tlsserver or shortlived)."
    ]


def test_certificates_behind_a_known_root_are_named(tmp_path: Path) -> None:
    sent = chain.read_chain(made(tmp_path, (875, 655, 682, 1_140), "a.example", "b.example"))
    tips = "\n".join(chain.advice(sent, {sent[2].issuer}))
    assert "certificate 4 of the chain" in tips
    assert f"({sent[3].size} B)" in tips
    assert "certificate 3" not in tips
    assert "this one has 2" in tips


def test_a_root_in_the_chain_and_one_that_does_not_belong_are_named(tmp_path: Path) -> None:
    sent = chain.read_chain(made(tmp_path / "one", SHORTEST))
    root = chain.read_chain(tmp_path / "one" / "root.pem")[0]
    assert root.is_root
    assert "certificate 4 of the chain, Test root (" in "\n".join(chain.advice([*sent, root], set()))
    other = chain.read_chain(made(tmp_path / "two", SHORTEST))
    assert "certificate 4" in "\n".join(chain.advice([*sent, other[0]], set()))


def test_rsa_is_advised_against(tmp_path: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/O=x", "-out", str(tmp_path / "c")]
    subprocess.run([*command, "-keyout", str(tmp_path / "k")], check=True, capture_output=True)
    sent = chain.read_chain(tmp_path / "c")
    assert (sent[0].key, sent[0].common_name, sent[0].names) == ("RSA", "", 0)
    assert chain.advice(sent, set())[0].startswith("Take a certificate with an ECDSA key on P-256 instead of RSA")


def test_what_is_no_chain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        chain.read_chain(tmp_path / "nothing.pem")
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="no certificate"):
        chain.read_chain(tmp_path / "empty.pem")
    (tmp_path / "bad.pem").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        chain.read_chain(tmp_path / "bad.pem")


def test_the_roots_of_this_machine_are_read() -> None:
    assert all(name[0] == 0x30 for name in chain.trusted_names())
