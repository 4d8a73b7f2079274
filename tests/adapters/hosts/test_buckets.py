"""Buckets of the large providers: the same bytes, attributes and marks on each, and a plain word where they refuse."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest
from aiohttp import web
from tests.adapters.hosts import peers
from tests.adapters.hosts.peers import Opened, Place, asked, hasty, written

from heliograph.adapters.hosts import buckets, secrets
from heliograph.adapters.hosts.objects import MOST_READ, Bin, BusyError, Put
from heliograph.adapters.hosts.refused import refused
from heliograph.lab.buckets import Answering, GcsStub
from heliograph.lab.buckets.canned import refusal
from heliograph.model import ConfigError, StoreError

PAGE = Put(
    key="a/x.html", data=b"packed", content_type="text/html;charset=utf-8", cache_control="max-age=60", coding="br"
)
CALLS: dict[str, Callable[[Bin], Awaitable[object]]] = {
    "put": lambda bin_: bin_.put(PAGE),
    "get": lambda bin_: bin_.get("a/x.html"),
    "marks": lambda bin_: bin_.marks(),
    "delete": lambda bin_: bin_.delete(["a/x.html", "a/y.html"]),
}


def plain(key: str, data: bytes = b"bytes") -> Put:
    return Put(key=key, data=data, content_type="text/plain;charset=utf-8", cache_control="max-age=60")


def within(opened: Opened, do: Callable[[Place], Awaitable[None]]) -> None:
    """``do`` something with a new bucket."""

    async def all_of_it() -> None:
        async with opened() as place:
            await do(place)

    anyio.run(all_of_it)


# --- what all of them do ---


def test_what_is_put_is_there_with_its_attributes_for_anybody_and_for_us(opened: Opened) -> None:
    async def do(place: Place) -> None:
        bin_ = place.open()
        await bin_.put(PAGE)
        assert await bin_.get(PAGE.key) == (b"packed", "br")
        status, headers = await anyio.to_thread.run_sync(asked, "GET", place.public + PAGE.key)
        told = [headers[name] for name in ("Content-Type", "Cache-Control", "Content-Encoding")]
        assert (status, told) == (200, [PAGE.content_type, PAGE.cache_control, "br"])

    within(opened, do)


def test_marks_of_writing_and_of_listing_agree_and_change_with_the_bytes(opened: Opened) -> None:
    async def do(place: Place) -> None:
        bin_ = place.open()
        wrote = {key: await bin_.put(plain(key)) for key in ("now", "a/x.html", "a/d/2026.html", "tuf/1.root.json")}
        assert await bin_.marks() == (wrote, 1)
        assert all(mark and '"' not in mark for mark in wrote.values())
        later = await bin_.put(plain("now", b"other bytes"))
        assert later != wrote["now"]
        assert (await bin_.marks())[0] == wrote | {"now": later}

    within(opened, do)


def test_a_prefix_is_a_place_of_its_own(opened: Opened) -> None:
    async def do(place: Place) -> None:
        inner, whole = place.open(prefix="deep/er/"), place.open()
        await whole.put(plain("readme.txt"))
        mark = await inner.put(plain("now"))
        assert (await inner.marks())[0] == {"now": mark}
        assert set((await whole.marks())[0]) == {"readme.txt", "deep/er/now"}
        assert inner.place != whole.place
        await inner.delete(["now", "readme.txt"])
        assert set((await whole.marks())[0]) == {"readme.txt"}

    within(opened, do)


def test_what_is_not_there_is_empty_and_can_be_removed(opened: Opened) -> None:
    async def do(place: Place) -> None:
        bin_ = place.open()
        assert await bin_.get("a/none.html") == (b"", "")
        assert await bin_.marks() == ({}, 1)
        await bin_.put(plain("a/x.html"))
        await bin_.put(plain("a/z.html"))
        assert await bin_.delete(["a/none.html", "a/x.html", "a/nor.html", "a/z.html"]) >= 1
        assert (await bin_.marks())[0] == {}

    within(opened, do)


def test_many_go_at_once(opened: Opened) -> None:
    async def do(place: Place) -> None:
        bin_ = place.open()
        keys = [f"a/{number:03}.html" for number in range(300)]
        async with anyio.create_task_group() as tasks:
            for key in keys:
                tasks.start_soon(bin_.put, plain(key))
        assert set((await bin_.marks())[0]) == set(keys)
        requests = await bin_.delete(keys)
        assert requests == {"s3": 1, "azure": 2, "gcs": 300}[bin_.place.partition(" ")[0]]
        assert (await bin_.marks())[0] == {}

    within(opened, do)


def test_no_more_than_a_megabyte_is_read(opened: Opened) -> None:
    async def do(place: Place) -> None:
        bin_ = place.open()
        await bin_.put(plain("a/large.txt", bytes(MOST_READ + 70_000)))
        data, _ = await bin_.get("a/large.txt")
        assert len(data) == MOST_READ

    within(opened, do)


def test_a_bucket_that_is_not_there_is_told_by_every_call(opened: Opened) -> None:
    async def do(place: Place) -> None:
        name = "container" if "azure" in place.open().place else "bucket"
        bin_ = place.open(**{name: "none-such-4711"})
        for call in CALLS.values():
            with pytest.raises(StoreError, match="no such bucket") as caught:
                await call(bin_)
            assert "none-such-4711" in caught.value.where
            assert not isinstance(caught.value, BusyError)

    within(opened, do)


def test_a_peer_that_fails_for_a_while_is_busy_and_then_works(opened: Opened) -> None:
    async def do(place: Place) -> None:
        trouble = Answering(status=500, code="InternalError", times=2 * 3, behind=place.endpoint)
        async with trouble.running() as url:
            bin_ = place.open(endpoint=peers.through(place, url))
            for _ in range(3):  # the library repeats each once
                with pytest.raises(BusyError, match="cannot answer now"):
                    await bin_.put(PAGE)
            mark = await bin_.put(PAGE)
        assert (await place.open().marks())[0] == {PAGE.key: mark}

    within(opened, do)


@pytest.mark.parametrize("call", CALLS)
def test_a_peer_that_is_silent_or_absent_is_busy(opened: Opened, call: str) -> None:
    async def do(place: Place) -> None:
        async with Answering(status=0).running() as url:
            silent = place.open(endpoint=peers.through(place, url), patience=hasty())
            with anyio.fail_after(10), pytest.raises(BusyError, match=r"does not answer in time|cannot be reached"):
                await CALLS[call](silent)
        absent = place.open(endpoint=peers.through(place, url), patience=hasty())
        with pytest.raises(BusyError, match="cannot be reached"):
            await CALLS[call](absent)

    within(opened, do)


# --- credentials that peers refuse ---


def test_azure_refuses_another_key_and_an_ended_sas_and_takes_a_sas(azurite_url: str, tmp_path: Path) -> None:
    peers.make_container(azurite_url, "ended-sas")
    other = written(tmp_path / "other", "A" * 86 + "==")
    ended = written(tmp_path / "ended", f"?{peers.sas(end='2021-01-01T00:00:00Z')}")
    reads = written(tmp_path / "reads", peers.sas("r"))
    good = written(tmp_path / "good", f"?{peers.sas()}\n")

    async def all_of_it() -> None:
        for credentials in (other, ended, reads):
            bin_ = peers.azure(azurite_url, tmp_path, "ended-sas")(credentials=credentials)
            # of a refused deletion: test_azure_sas.py
            for call in ("put", "marks", "delete") if credentials == other else ("put", "marks"):
                with pytest.raises(StoreError, match=r"credentials (are not accepted|do not allow)") as caught:
                    await CALLS[call](bin_)
                assert str(credentials) in caught.value.remedy
                assert "sig=" not in str(caught.value)
                assert not isinstance(caught.value, BusyError)
        bin_ = peers.azure(azurite_url, tmp_path, "ended-sas")(credentials=good)
        mark = await bin_.put(PAGE)
        assert (await bin_.marks())[0] == {PAGE.key: mark}
        assert await bin_.get(PAGE.key) == (PAGE.data, PAGE.coding)

    anyio.run(all_of_it)


def test_google_refuses_another_account(tmp_path: Path) -> None:
    other = written(tmp_path / "other.json", peers.service_account("somebody@else.example"))

    async def all_of_it() -> None:
        async with GcsStub("bucket", peers.SERVICE).running() as url:
            bin_ = peers.gcs(url, tmp_path, "bucket")(credentials=other)
            for call in CALLS.values():
                with pytest.raises(StoreError, match="do not allow this") as caught:
                    await call(bin_)
                assert str(other) in caught.value.remedy

    anyio.run(all_of_it)


def test_s3_refuses_a_key_that_it_does_not_know(moto_url: str, tmp_path: Path) -> None:
    name = peers.bucket_name("strict")
    assert asked("PUT", f"{moto_url}/{name}", peers.authorized_by_anybody())[0] == 200
    asked("POST", f"{moto_url}/moto-api/reset-auth", body=b"0")  # from now on it looks at signatures
    try:
        with pytest.raises(StoreError, match=r"not accepted \(InvalidAccessKeyId\)") as caught:
            anyio.run(peers.s3(moto_url, tmp_path, name)().put, PAGE)
    finally:
        asked("POST", f"{moto_url}/moto-api/reset-auth", body=b"inf")
    assert str(tmp_path / "s3") in caught.value.remedy


def test_a_file_decides_alone_and_no_token_of_the_environment_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of somebody else")
    seen: list[str | None] = []

    class Looking(Answering):
        async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
            seen.append(request.headers.get("x-amz-security-token"))
            return await super()._serve(request)

    async def all_of_it() -> None:
        async with Looking(status=403, code="AccessDenied").running() as url:
            for text in ("", "aws_session_token = lent\n"):
                whole = f"[default]\naws_access_key_id = k\naws_secret_access_key = 100%s\n{text}"
                secret = written(tmp_path / "s3-file", whole)
                with pytest.raises(StoreError):
                    await peers.s3(url, tmp_path, "bucket")(credentials=secret).put(PAGE)

    anyio.run(all_of_it)
    assert seen == [None, "lent"]


@pytest.mark.parametrize(
    ("status", "code", "told", "remedy", "busy"),
    [
        (400, "ExpiredToken", "have expired", "fresh credentials", False),
        (403, "RequestTimeTooSkewed", "clock", "clock", False),
        (403, "SignatureDoesNotMatch", "not accepted", "s3", False),
        (401, "", "not accepted", "s3", False),
        (403, "AccessDenied", "do not allow", "policy", False),
        (301, "PermanentRedirect", "another region", "region", False),
        (400, "AuthorizationHeaderMalformed", "another region", "region", False),
        (403, "QuotaExceeded", "may not store more", "quota", False),
        (507, "", "may not store more", "quota", False),
        (404, "NoSuchBucket", "no such bucket", "make it", False),
        (501, "NotImplemented", "makes no sense", "object store", False),
        (400, "InvalidArgument", "makes no sense", "object store", False),
        (503, "SlowDown", "cannot answer now", "next pass", True),
        (429, "TooManyRequests", "cannot answer now", "next pass", True),
        (500, "", "cannot answer now", "next pass", True),
        (409, "OperationAborted", "cannot answer now", "next pass", True),
    ],
)
def test_every_refusal_has_a_plain_word_and_a_remedy(
    tmp_path: Path, status: int, code: str, told: str, remedy: str, *, busy: bool
) -> None:
    async def all_of_it() -> None:
        async with Answering(status=status, code=code).running() as url:
            bin_ = peers.s3(url, tmp_path, "bucket")()
            for name, call in CALLS.items():
                with pytest.raises(StoreError, match=told) as caught:
                    await call(bin_)
                assert remedy in caught.value.remedy, name
                assert isinstance(caught.value, BusyError) is busy
                assert caught.value.__cause__ is None  # whose text may hold a signature
                assert code in caught.value.what or status == 301

    anyio.run(all_of_it)


def test_one_object_that_cannot_be_removed_among_many_is_told(tmp_path: Path) -> None:
    class Stingy(GcsStub):
        def _answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
            if request.method == "DELETE" and "kept" in request.path:
                return refusal(403, "AccessDenied")
            return super()._answer(request, body)

    async def all_of_it() -> None:
        async with Stingy("bucket", peers.SERVICE).running() as url:
            bin_ = peers.gcs(url, tmp_path, "bucket")()
            with pytest.raises(StoreError, match="do not allow this"):
                await bin_.delete(["a/none.html", "a/kept.html", *(f"a/{number}.html" for number in range(50))])

    anyio.run(all_of_it)


def test_a_service_without_marks_is_told(tmp_path: Path) -> None:
    async def all_of_it() -> None:
        async with Answering(status=200).running() as url:
            with pytest.raises(StoreError, match="makes no sense") as caught:
                await peers.gcs(url, tmp_path, "bucket")().put(PAGE)
            assert "ETag" in caught.value.remedy

    anyio.run(all_of_it)


def test_a_name_that_hides_all_others_is_told(tmp_path: Path) -> None:
    async def all_of_it() -> None:
        stub = GcsStub("bucket", peers.SERVICE)
        async with stub.running() as url:
            bin_ = peers.gcs(url, tmp_path, "bucket")()
            await bin_.put(PAGE)
            stub.objects["their//file"] = stub.objects[PAGE.key]
            with pytest.raises(StoreError, match="their//file") as caught:
                await bin_.marks()
            assert "prefix" in caught.value.remedy
            assert len((await peers.gcs(url, tmp_path, "bucket", prefix="a/")().marks())[0]) == 1

    anyio.run(all_of_it)


def test_a_timeout_is_told_from_no_connection() -> None:
    for text, what in (("HTTP error: x TimedOut", "in time"), ("HTTP error: x", "cannot be reached")):
        error = refused(OSError(text), place="s3 bucket/", source="file")
        assert (what in error.what, isinstance(error, BusyError)) == (True, True)


# --- files and settings that cannot be used ---


def test_http_is_for_this_machine_alone(tmp_path: Path) -> None:
    for endpoint in ("http://127.0.0.1:9/", "http://[::1]:9/", "http://localhost:9/", "https://s3.example/"):
        assert buckets._address(endpoint) == endpoint[:-1]
    for endpoint in ("http://s3.example/", "http://10.0.0.1/"):
        with pytest.raises(ConfigError, match="this machine only"):
            peers.s3(endpoint[:-1], tmp_path, "bucket")()


@pytest.mark.parametrize(
    ("read", "text", "fault"),
    [
        (secrets.s3, "aws_access_key_id = k\n", "no access key"),
        (secrets.s3, "[profile x]\naws_access_key_id = k\naws_secret_access_key = s\n", "no section"),
        (secrets.s3, "k\ns\n", "not in AWS's form"),
        (secrets.azure, "", "neither"),
        (secrets.azure, "not base 64!", "no account key"),
        (secrets.azure, "sv=2021&sp=r", "no SAS"),
        (secrets.gcs, "{}", "not the JSON"),
        (secrets.gcs, "no json", "not the JSON"),
        (secrets.gcs, "[]", "not the JSON"),
    ],
)
def test_a_file_that_holds_no_credentials_is_told_and_nothing_of_it_shown(
    tmp_path: Path, read: Callable[[Path], object], text: str, fault: str
) -> None:
    path = written(tmp_path / "secret-file", text)
    with pytest.raises(ConfigError, match=fault) as caught:
        read(path)
    assert caught.value.where == str(path)
    assert caught.value.remedy
    assert not text.strip() or text not in str(caught.value)


@pytest.mark.parametrize("read", [secrets.s3, secrets.azure, secrets.gcs])
def test_a_file_that_others_can_read_or_nobody_can_is_told(tmp_path: Path, read: Callable[[Path], object]) -> None:
    path = written(tmp_path / "open", "aws_access_key_id = k\n", 0o640)
    with pytest.raises(ConfigError, match="others can read") as caught:
        read(path)
    assert caught.value.remedy == f"chmod 600 {path}"
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / "none")
    written(tmp_path / "bytes", "").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="no text"):
        read(tmp_path / "bytes")


def test_without_a_file_the_environment_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AZURE_STORAGE_ACCOUNT_KEY", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    for read in (secrets.s3, secrets.azure, secrets.gcs):
        with pytest.raises(ConfigError, match="there is") as caught:
            read(None)
        assert caught.value.where.isupper()
    for name, value in (("ACCESS_KEY_ID", "k"), ("SECRET_ACCESS_KEY", "s"), ("SESSION_TOKEN", "t")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", peers.ACCOUNT_KEY)
    account = written(tmp_path / "account.json", peers.service_account("me"))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account))
    found = (secrets.s3(None), secrets.azure(None), secrets.gcs(None))
    assert (found[0].id, found[0].key, found[0].token, found[1].key) == ("k", "s", "t", peers.ACCOUNT_KEY)
    assert found[2].source == str(account)
    assert all(secret not in repr(found) for secret in (peers.ACCOUNT_KEY, "PRIVATE", "'s'", "'t'"))


@pytest.mark.parametrize("head", ["", "[default]\n", "# a comment\n[default]\n", "[other]\nx = 1\n[default]\n"])
def test_aws_form_with_and_without_sections(tmp_path: Path, head: str) -> None:
    path = written(tmp_path / "aws", f"{head}aws_access_key_id = k\naws_secret_access_key = s%s\nregion = x\n")
    assert secrets.s3(path) == secrets.S3Secret(source=str(path), id="k", key="s%s")
