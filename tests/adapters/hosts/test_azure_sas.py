"""Deleting by a shared access signature, against Azurite: of a container, as the manual has it, and of an account."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from tests.adapters.hosts import peers
from tests.adapters.hosts.peers import written

from heliograph.adapters.hosts.buckets import _BATCH
from heliograph.adapters.hosts.objects import Bin, BusyError, Put, each
from heliograph.lab.buckets import Answering
from heliograph.model import StoreError

PAGE = Put(key="a/x.html", data=b"packed", content_type="text/html;charset=utf-8", cache_control="max-age=60")
PAGES = [replace(PAGE, key=f"a/{number:03d}.html") for number in range(_BATCH + 20)]


async def check(bin_: Bin) -> None:
    """What is there goes, in batches; one that is not there does not hide how the others went."""

    async def put(page: Put) -> None:
        await bin_.put(page)

    await each(PAGES, put, 8)
    kept = {page.key for page in PAGES[-10:]}
    assert await bin_.delete([page.key for page in PAGES[:-10]]) == 2
    assert set((await bin_.marks())[0]) == kept
    await bin_.delete(["a/none.html", *sorted(kept)])
    assert await bin_.marks() == ({}, 1)


def test_a_sas_of_the_container_deletes_if_it_allows_it(azurite_url: str, tmp_path: Path) -> None:
    peers.make_container(azurite_url, "emptied")
    secret = written(tmp_path / "sas", f"?{peers.container_sas('emptied')}\n")
    keeps = written(tmp_path / "keeps", peers.container_sas("emptied", "racwl"))

    async def all_of_it() -> None:
        bin_ = peers.azure(azurite_url, tmp_path, "emptied")(credentials=secret)
        await check(bin_)
        await bin_.put(PAGE)
        with pytest.raises(StoreError, match=r"credentials (are not accepted|do not allow)") as caught:
            await peers.azure(azurite_url, tmp_path, "emptied")(credentials=keeps).delete([PAGE.key])
        assert not isinstance(caught.value, BusyError)
        assert "sig=" not in str(caught.value)
        assert set((await bin_.marks())[0]) == {PAGE.key}

    anyio.run(all_of_it)


def test_a_sas_of_the_account_deletes(azurite_url: str, tmp_path: Path) -> None:
    peers.make_container(azurite_url, "signed")
    secret = written(tmp_path / "sas", peers.sas())

    def of_the_account(path: str) -> str:
        # Azurite's list of what a SAS of an account may do lacks batches of a container: it answers them with 500. It
        # has batches of the account, which carry the same requests, and it checks the signature of each.
        return path.replace("/signed?restype=container&comp=batch", "?comp=batch")

    async def all_of_it() -> None:
        answering = Answering(status=500, times=0, behind=azurite_url, rewrite=of_the_account)
        async with answering.running() as url:
            await check(peers.azure(url, tmp_path, "signed")(credentials=secret))

    anyio.run(all_of_it)
