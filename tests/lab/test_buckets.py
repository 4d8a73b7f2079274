"""The lab's places of objects are strict: what they let pass, the real ones would."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import anyio
import obstore
import pytest
from obstore.exceptions import AlreadyExistsError, PreconditionError
from tests.adapters.hosts import peers

from heliograph.adapters.hosts.objects import Put
from heliograph.lab.buckets import FaultyBin, GcsStub, KilledError
from heliograph.model import StoreError


def put(key: str, data: bytes = b"bytes", coding: str = "") -> Put:
    return Put(key=key, data=data, content_type="text/html", cache_control="", coding=coding)


# --- the place that fails ---


@pytest.mark.parametrize(
    ("key", "data", "told"),
    [("readme.md", b"", "readme.md"), ("a/x.html", bytes(65_537), "65537 bytes"), ("../x", b"", "../x")],
)
def test_what_no_edition_has_is_not_taken(key: str, data: bytes, told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        anyio.run(FaultyBin().put, put(key, data))


def test_bytes_under_an_immutable_name_never_change() -> None:
    bin_, name = FaultyBin(), "o/00/" + "1" * 62
    anyio.run(bin_.put, put(name, gzip.compress(b"bytes"), "gzip"))
    anyio.run(bin_.delete, [name])
    anyio.run(bin_.put, put(name))  # in another encoding
    with pytest.raises(AssertionError, match="changed its bytes"):
        anyio.run(bin_.put, put(name, b"others"))


def test_a_pointer_comes_after_what_it_needs() -> None:
    bin_ = FaultyBin()
    bin_.promise(sha256(b"one").hexdigest(), {"a/x.html": sha256(b"bytes").hexdigest()})
    with pytest.raises(AssertionError, match="is not there"):
        anyio.run(bin_.put, put("now", b"one"))
    anyio.run(bin_.put, put("a/x.html", b"others"))
    with pytest.raises(AssertionError, match="is another"):
        anyio.run(bin_.put, put("now", b"one"))
    anyio.run(bin_.put, put("a/x.html"))
    anyio.run(bin_.put, put("now", b"one"))
    anyio.run(bin_.put, put("now", b"two"))  # for which nothing was promised
    assert bin_.files == {"a/x.html": b"bytes", "now": b"two"}


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize(("how", "kind"), [("busy", StoreError), ("refused", StoreError), ("killed", KilledError)])
def test_it_fails_both_ways(how: str, kind: type[BaseException], *, done: bool) -> None:
    bin_ = FaultyBin()
    bin_.faults = ["done" if done and how == "refused" else f"{how} done" if done else how]  # type: ignore[list-item]
    with pytest.raises(kind):
        anyio.run(bin_.put, put("now"))
    assert ("now" in bin_.files) is done
    assert bin_.dead is (how == "killed")
    if bin_.dead:
        with pytest.raises(KilledError):
            anyio.run(bin_.get, "now")
        assert bin_.requests == [("put", "now")]


def test_listings_lag_in_both_directions() -> None:
    bin_ = FaultyBin(lag=2)
    listed: Callable[[], set[str]] = lambda: set(anyio.run(bin_.marks)[0])  # noqa: E731
    anyio.run(bin_.put, put("now"))
    assert [listed(), listed()] == [set(), {"now"}]
    anyio.run(bin_.delete, ["now"])
    assert [listed(), listed()] == [{"now"}, set()]


# --- Google's bucket ---


def stubbed(do: Callable[..., object], folder: Path, **more: object) -> None:
    """``do`` with a stub, its address, and a store of the library itself."""

    async def all_of_it() -> None:
        stub = GcsStub("bucket", peers.SERVICE, **more)  # type: ignore[arg-type]
        async with stub.running() as url:
            store = peers.gcs(url, folder, "bucket")()._store  # type: ignore[attr-defined]
            await do(stub, url, store)  # type: ignore[misc]

    anyio.run(all_of_it)


def test_writes_on_condition(tmp_path: Path) -> None:
    async def do(stub: GcsStub, _url: str, store: obstore.store.GCSStore) -> None:
        first = await obstore.put_async(store, "now", b"one", mode="create")
        with pytest.raises(AlreadyExistsError):
            await obstore.put_async(store, "now", b"two", mode="create")
        await obstore.put_async(store, "now", b"two", mode=first)  # type: ignore[arg-type]
        with pytest.raises(PreconditionError):
            await obstore.put_async(store, "now", b"three", mode=first)  # type: ignore[arg-type]
        assert stub.objects["now"].data == b"two"
        assert stub.counts["PUT", 412] == 2

    stubbed(do, tmp_path)


def test_listings_come_in_pages_and_below_a_prefix(tmp_path: Path) -> None:
    async def do(stub: GcsStub, _url: str, store: obstore.store.GCSStore) -> None:
        for number in range(7):
            await obstore.put_async(store, f"a/{number}.html", b"x")
        await obstore.put_async(store, "b", b"x")
        found = [one["path"] for one in await obstore.list(store, prefix="a").collect_async()]
        assert found == [f"a/{number}.html" for number in range(7)]
        assert stub.counts["GET", 200] == 3

    stubbed(do, tmp_path, page=3)


def test_gzip_is_undone_for_whoever_does_not_ask_for_it(tmp_path: Path) -> None:
    async def do(stub: GcsStub, url: str, store: obstore.store.GCSStore) -> None:
        attributes = {"Content-Encoding": "gzip", "Content-Type": "application/xml"}
        await obstore.put_async(store, "feed.xml", gzip.compress(b"<feed/>"), attributes=attributes)
        result = await obstore.get_async(store, "feed.xml")
        assert bytes(await result.bytes_async()) == b"<feed/>"
        headers = {"Accept-Encoding": "gzip"}
        _, given = await anyio.to_thread.run_sync(peers.asked, "GET", f"{url}/bucket/feed.xml", headers)
        assert given["Content-Encoding"] == "gzip"
        assert (await obstore.head_async(store, "feed.xml"))["path"] == "feed.xml"

    stubbed(do, tmp_path)


def test_what_google_refuses_is_refused(tmp_path: Path) -> None:
    async def do(_stub: GcsStub, url: str, _store: obstore.store.GCSStore) -> None:
        async def status(method: str, path: str, headers: dict[str, str] | None = None) -> int:
            return (await anyio.to_thread.run_sync(peers.asked, method, f"{url}/{path}", headers))[0]

        token = {"Authorization": "Bearer e30.eyJpc3MiOiAicHVibGlzaGVyQGV4YW1wbGUuaWFtLmdzZXJ2aWNlYWNjb3VudC5jb20ifQ.x"}
        assert await status("PUT", "bucket/x") == 401
        assert await status("GET", "bucket/x") == 401  # no public bucket
        assert await status("GET", "bucket?list-type=2", {"Authorization": "Bearer no.token"}) == 401
        assert await status("GET", "bucket?list-type=2", {"Authorization": "Bearer e30.e30.x"}) == 403
        assert await status("GET", "bucket?list-type=2", token) == 200
        assert await status("GET", "bucket?list-type=1", token) == 400
        assert await status("GET", "bucket?list-type=2&delimiter=/", token) == 400
        assert await status("PATCH", "bucket/x", token) == 400
        assert await status("DELETE", "bucket/x", token) == 404
        assert await status("GET", "other/x", token) == 404

    stubbed(do, tmp_path, public=False)
