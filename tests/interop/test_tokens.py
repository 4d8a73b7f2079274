"""Layout (b) with real tokens: the editors' keys are made on them and never leave, and every reader believes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import softhsm
from tests.interop import releases
from tests.interop.conftest import Shelf, Web
from tests.interop.peers import Peer, PythonTuf, TufJs
from tests.interop.releases import LATER, NOW, Office

from heliograph.adapters import tokens
from heliograph.lab.readers import Reader
from heliograph.trust import ceremony, roles
from heliograph.trust.roles import HEAD_TARGET
from heliograph.trust.sign import Signer

EDITORS = ("anna", "bea", "clara")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A newsroom of three editors with a token each, which holds a key for root and one for targets."""
    drawer = softhsm.drawer(tmp_path_factory.mktemp("drawer"))
    for editor in EDITORS:
        drawer.plug_in(editor)

    def token(ring: str, editor: int) -> Signer:
        number = {"root": softhsm.ROOT, "targets": softhsm.TARGETS}[ring]
        return tokens.connect(f"hsm:{number}?label={EDITORS[editor]}", lambda _: softhsm.PIN).signer

    with pytest.MonkeyPatch.context() as patch:
        for name, value in drawer.environment.items():
            patch.setenv(name, value)
        yield releases.three_editors(NOW, token)


@pytest.fixture(scope="module")
def shelf(office: Office, web: Web) -> Shelf:
    one = releases.first(office)
    two = releases.second(one)
    shelf = Shelf(one.office, one, two, web)
    for name, files in (("token-one", one.files), ("token-two", two.files)):
        releases.lay(files, shelf.folder(name))
    return shelf


@pytest.fixture(params=["python-tuf", "tuf-js"])
def peer(request: pytest.FixtureRequest, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Peer:
    """A client that knows the root that one person signed before the editors had tokens."""
    if request.param == "tuf-js":
        return TufJs(tmp_path, shelf.office.roots[0], request.getfixturevalue("node"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return PythonTuf(tmp_path, shelf.office.roots[0], monkeypatch)


def test_every_signature_of_a_token_is_one_that_counts(office: Office) -> None:
    root = roles.read("root", office.roots[-1])
    targets = roles.read("targets", office.targets)
    kinds = {ring: {key.scheme for key in who.keys} for ring, who in _rings(office).items()}
    assert kinds["root"] == {"ed25519", "ecdsa-sha2-nistp256"}
    assert kinds["targets"] == {"ecdsa-sha2-nistp256"}
    assert {who.threshold for who in (_rings(office)[ring] for ring in ("root", "targets"))} == {3, 2}
    roles.verify(root, root)
    roles.verify(root, roles.read("root", office.roots[0]))
    roles.verify(targets, root)


def test_other_clients_follow_from_one_person_to_three_tokens(peer: Peer, shelf: Shelf) -> None:
    assert peer.download(shelf.url("token-one"), HEAD_TARGET, NOW) == shelf.one.standing.head
    assert peer.download(shelf.url("token-two"), HEAD_TARGET, LATER) == shelf.two.standing.head


def test_our_reader_verifies_every_page(shelf: Shelf) -> None:
    reader = Reader(pinned=shelf.office.roots[0])
    said = {reader.read([shelf.two.files], page, LATER).verdict.verdict for page in shelf.two.pages}
    assert said == {"verified"}


def _rings(office: Office) -> dict[str, ceremony.RoleKeys]:
    return ceremony.keys_of(office.roots[-1], office.targets)
