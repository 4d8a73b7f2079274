"""A branch of a repository: one commit for each delivery, upon whatever the remote has."""

from __future__ import annotations

import base64
import shutil
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from aiohttp import web
from tests.adapters.hosts import edition as e
from tests.adapters.hosts.machines import GitPeer, commit, git
from tests.adapters.hosts.test_servers import bring, mend

from heliograph.adapters.hosts.command import Ended
from heliograph.adapters.hosts.git import GitPages, Repository
from heliograph.adapters.hosts.held import Held
from heliograph.adapters.hosts.objects import BusyError
from heliograph.config import parse
from heliograph.model import ConfigError, StoreError
from heliograph.model.ledger import Change

FIRST, SECOND, THIRD = e.edition(1), e.edition(2), e.edition(3)


@pytest.fixture
def peer(tmp_path: Path, git_program: str) -> GitPeer:
    assert git_program
    peer = GitPeer(tmp_path, tmp_path / "remote.git", None)
    peer.start()
    return peer


def test_a_delivery_is_one_commit_that_says_nothing_of_us(peer: GitPeer, tmp_path: Path) -> None:
    async def run() -> None:
        store = pages(peer, tmp_path)
        await store.apply(e.steps({}, FIRST), lambda one: FIRST[one.name], lambda _: None)
        assert store.spent.writes == 1

    anyio.run(run)
    assert peer.commits() == 1
    shown = git(
        "--git-dir", str(peer.root), "log", "--format=%an %ae %ad %cn %ce %cd %s", "--date=iso", "pages"
    ).decode()
    who = "mirror mirror@example.invalid 2026-11-22 08:00:00 +0000"
    assert shown.strip() == f"{who} {who} Edition"
    bring(peer, e.steps(FIRST, SECOND), SECOND)
    assert peer.commits() == 2
    mend(peer, SECOND)
    assert peer.commits() == 2


def pages(peer: GitPeer, folder: Path, remote: str = "") -> GitPages:
    return GitPages(
        name="m", at=Repository(remote=remote or str(peer.root), branch="pages"), place="git",
        folder=folder / "local.git", held=Held(folder / "held"), clock=lambda: datetime(2026, 11, 22, 8, tzinfo=UTC),
    )  # fmt: skip


def test_pages_are_stored_plain_and_as_they_are(peer: GitPeer) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    assert peer.files() == {n: d for n, d in FIRST.items() if not n.endswith((".br", ".gz"))} | {".nojekyll": b""}


def test_an_encoding_that_changed_alone_is_no_commit(peer: GitPeer) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    denser = FIRST | {"index.html.br": b"denser"}
    assert bring(peer, e.steps(FIRST, denser), denser).writes == 0
    assert peer.commits() == 1
    mend(peer, denser)


def test_an_edition_that_this_machine_did_not_write_is_known_by_its_bytes(peer: GitPeer) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    shutil.rmtree(peer.folder / "state")
    assert mend(peer, FIRST).writes == 0
    assert mend(peer, FIRST).writes == 0


def test_what_somebody_else_pushed_stays_and_ours_comes_upon_it(peer: GitPeer) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    commit(peer.root, {"CNAME": b"news.example.org\n"})
    bring(peer, e.steps(FIRST, SECOND), SECOND)
    assert peer.files()["CNAME"] == b"news.example.org\n"
    assert peer.commits() == 3
    mended = mend_around(peer, SECOND)
    assert mended == 0


def mend_around(peer: GitPeer, files: e.Files) -> int:
    """Writes of a repair of a branch that has other files, too."""

    async def run() -> int:
        async with peer.opened() as store:
            await store.apply(e.repairs(await store.listing(), files), lambda one: files[one.name], lambda _: None)
            return int(store.spent.writes)

    return anyio.run(run)


@pytest.mark.parametrize("times", [1, 2])
def test_somebody_who_pushes_meanwhile_is_built_upon_once(peer: GitPeer, times: int) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    left = times

    def read(change: Change) -> bytes:
        nonlocal left
        if left and change.name == "index.html":
            commit(peer.root, {f"other{left}": b"x"})
            left -= 1
        return SECOND[change.name]

    async def run() -> None:
        async with peer.opened() as store:
            await store.read("now")  # so that the head is known, as in a pass
            await store.apply(e.steps(FIRST, SECOND), read, lambda _: None)

    if times == 1:
        anyio.run(run)
        assert "other1" in peer.files()
    else:
        with pytest.raises(StoreError, match="somebody else") as raised:
            anyio.run(run)
        assert "branch of its own" in raised.value.remedy
        bring(peer, e.steps(FIRST, SECOND), SECOND)
    assert {name: data for name, data in peer.files().items() if name in SECOND} == {
        name: data for name, data in SECOND.items() if not name.endswith((".br", ".gz"))
    }


def test_a_branch_that_was_deleted_is_made_anew_without_its_history(peer: GitPeer) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    bring(peer, e.steps(FIRST, SECOND), SECOND)
    git("--git-dir", str(peer.root), "update-ref", "-d", "refs/heads/pages")
    assert mend(peer, THIRD).writes == 1
    assert peer.commits() == 1


def test_a_history_that_was_rewritten_is_followed(peer: GitPeer) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    git("--git-dir", str(peer.root), "update-ref", "-d", "refs/heads/pages")
    commit(peer.root, {"index.html": b"theirs"})
    bring(peer, e.steps({}, FIRST), FIRST)
    mend(peer, FIRST)
    assert peer.commits() == 2


def test_a_link_or_a_hidden_file_in_the_branch_is_not_listed(peer: GitPeer) -> None:
    git("--git-dir", str(peer.root), "fast-import", "--quiet", stdin=(
        b"commit refs/heads/pages\ncommitter x <x@example.com> 1700000000 +0000\ndata 1\nx\n"
        b"M 120000 inline link.html\ndata 3\nnow\nM 100644 inline .hidden\ndata 1\nx\n"
        b"M 100644 inline real.html\ndata 1\nx\n"
    ))  # fmt: skip

    async def run() -> object:
        async with peer.opened() as store:
            return await store.listing()

    assert anyio.run(run) == {"real.html": e.digest(b"x")}


def test_a_host_that_refuses_is_told_in_its_words(peer: GitPeer) -> None:
    hook = peer.root / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'files over 1 KB are not for free' >&2; exit 1\n")
    hook.chmod(0o755)
    with pytest.raises(StoreError, match=r"the host refused: .*not for free"):
        bring(peer, e.steps({}, FIRST), FIRST)
    hook.unlink()
    bring(peer, e.steps({}, FIRST), FIRST)
    mend(peer, FIRST)


def test_no_repository_is_told(peer: GitPeer) -> None:
    shutil.rmtree(peer.root)
    with pytest.raises(StoreError, match="no such repository"):
        bring(peer, e.steps({}, FIRST), FIRST)


def test_a_local_repository_that_is_damaged_may_be_removed(peer: GitPeer) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    local = peer.folder / "state" / "hosts" / "m.git"
    shutil.rmtree(local / "objects")
    (local / "objects").mkdir()
    with pytest.raises(StoreError):
        bring(peer, e.steps(FIRST, SECOND), SECOND)
    shutil.rmtree(local)
    bring(peer, e.steps(FIRST, SECOND), SECOND)
    mend(peer, SECOND)


def test_nothing_of_the_users_own_configuration_has_a_say(peer: GitPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    (peer.folder / ".gitconfig").write_text(f'[url "{peer.folder}/elsewhere"]\n  insteadOf = {peer.root}\n')
    monkeypatch.setenv("HOME", str(peer.folder))
    monkeypatch.setenv("GIT_DIR", str(peer.folder / "other"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Jane Doe")
    bring(peer, e.steps({}, FIRST), FIRST)
    monkeypatch.delenv("GIT_DIR")
    assert b"Jane" not in git("--git-dir", str(peer.root), "log", "pages")


@pytest.mark.parametrize("remote", ["ext::/bin/true", "git://127.0.0.1:9/x.git"])
def test_other_ways_to_a_remote_are_refused(peer: GitPeer, tmp_path: Path, remote: str) -> None:
    with pytest.raises(StoreError, match="not allowed"):
        anyio.run(pages(peer, tmp_path, remote).read, "now")


@pytest.mark.parametrize("remote", ["https://user:token@host.example/x.git", "-oProxyCommand=x", "ext::sh -c x", ""])
def test_a_remote_with_a_token_or_an_option_is_refused(remote: str) -> None:
    text = f'[newsroom]\ntitle = "E"\n[[mirror]]\nname = "m"\nkind = "git"\nremote = "{remote}"\n'
    with pytest.raises(ConfigError) as raised:
        parse(text, Path("heliograph.toml"))
    assert "token@" not in raised.value.what


def test_credentials_go_to_the_host_they_are_of(tmp_path: Path, git_program: str) -> None:
    assert git_program
    path, seen = tmp_path / "credentials", list[str]()
    path.touch(mode=0o600)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization", ""))
        return web.Response(status=404 if seen[-1] else 401, headers={"WWW-Authenticate": 'Basic realm="x"'})

    async def run() -> None:
        runner = web.ServerRunner(web.Server(answer))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        at = f"127.0.0.1:{runner.addresses[0][1]}"
        path.write_text(f"http://editor:token@{at}\nhttps://other:secret@host.example\n")
        known = Repository(remote=f"http://{at}/x.git", branch="pages", credentials=path)
        unknown = Repository(remote=f"http://{at}/x.git", branch="pages")
        try:
            for repository, what in ((known, "no such repository"), (unknown, "asks for credentials")):
                store = GitPages(
                    name="m", at=repository, place="git", folder=tmp_path / "local.git", held=Held(tmp_path / "held"),
                    clock=lambda: datetime(2026, 11, 22, tzinfo=UTC),
                )  # fmt: skip
                with pytest.raises(StoreError, match=what):
                    await store.read("now")
        finally:
            await runner.cleanup()

    anyio.run(run)
    assert {one for one in seen if one} == {f"Basic {base64.b64encode(b'editor:token').decode()}"}


@pytest.mark.parametrize(
    ("err", "kind", "what"),
    [
        ("fatal: unable to access 'https://x/': Could not resolve host: x", BusyError, "Could not resolve"),
        ("remote: fatal: early EOF", BusyError, "early EOF"),
        ("fatal: Authentication failed for 'https://x/'", StoreError, "does not take these credentials"),
        ("error: file write error: No space left on device", StoreError, "disk is full"),
        ("ssh: connect to host x port 22: No route to host", BusyError, "cannot be reached"),
        ("git@x: Permission denied (publickey).", StoreError, "does not let us in"),
        ("fatal: what is this", StoreError, "what is this"),
    ],
)
def test_what_the_words_mean(peer: GitPeer, tmp_path: Path, err: str, kind: type[StoreError], what: str) -> None:
    trouble = pages(peer, tmp_path)._trouble(Ended(code=128, out=b"", err=err))
    assert type(trouble) is kind
    assert what in trouble.what
