"""The emulated edge: what a reader gets under a distribution's domain."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
import anyio.to_thread
import brotli
import pytest
from aiohttp import web
from multidict import CIMultiDict
from tests.lab.cloudfront_world import CACHED, FORWARDED, UNCACHED, Clock, behavior, client, config, listed, site

from heliograph.lab.cloudfront import Cloud, Running, Terms
from heliograph.lab.cloudfront.cache import matches

SECRET = {"HeaderName": "X-Mirror-Key", "HeaderValue": "sesame"}


class Origin:
    """A server whose answers are set by path; it keeps what it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, Mapping[str, str], bytes]] = {"/": (200, {}, b"front")}
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []  # method, path with query, headers

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append((request.method, request.raw_path, dict(request.headers)))
        status, headers, body = self.pages.get(request.path, (404, {}, b"none"))
        if status == 0:
            await asyncio.Event().wait()
        return web.Response(status=status, headers=headers, body=body)


class Got(NamedTuple):
    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def cache(self) -> str:
        return self.headers["X-Cache"].split()[0]


class World:
    """A cloud with an origin behind it."""

    def __init__(self, cloud: Cloud, clock: Clock, origin: Origin, at: Running, session: aiohttp.ClientSession) -> None:
        self.cloud, self.clock, self.origin, self.at, self._session = cloud, clock, origin, at, session
        self.boto = client(at.api)

    async def call(self, operation: str, **given: Any) -> Any:
        return await anyio.to_thread.run_sync(lambda: getattr(self.boto, operation)(**given))

    async def create(self, reference: str = "first", **changes: Any) -> str:
        """A distribution; returns its domain."""
        made = await self.call("create_distribution", DistributionConfig=config(reference, **changes))
        return str(made["Distribution"]["DomainName"])

    async def get(self, domain: str, path: str = "/", *, method: str = "GET", **headers: str) -> Got:
        sent = {"Host": domain, **{name.replace("_", "-"): value for name, value in headers.items()}}
        quiet = ("Accept-Encoding", "User-Agent")
        ask = self._session.request(
            method, self.at.edge + path, headers=sent, skip_auto_headers=quiet, allow_redirects=False
        )
        async with ask as answer:
            return Got(answer.status, await answer.read(), answer.headers.copy())


@asynccontextmanager
async def world(**terms: Any) -> AsyncIterator[World]:
    clock, origin = Clock(), Origin()
    runner = web.ServerRunner(
        web.Server(origin.serve, handler_cancellation=True, access_log=None), shutdown_timeout=0.1
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    cloud = Cloud(Terms(**{"polls": 0, **terms}), origins={"news.example": base}, clock=clock)
    closing = aiohttp.TCPConnector(force_close=True)
    try:
        async with cloud.running() as at, aiohttp.ClientSession(connector=closing, auto_decompress=False) as session:
            yield World(cloud, clock, origin, at, session)
    finally:
        await runner.cleanup()


def live(test: Callable[[World], Awaitable[None]], **terms: Any) -> None:
    async def main() -> None:
        async with asyncio.timeout(60), world(**terms) as here:
            await test(here)

    asyncio.run(main())


async def silent(here: World, domain: str) -> bool:
    """Whether the name is as good as not there."""
    try:
        await here.get(domain)
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        return True
    return False


def test_a_distribution_answers_from_its_origin_then_from_its_cache() -> None:
    async def test(here: World) -> None:
        here.origin.pages["/"] = (200, {"Cache-Control": "max-age=60"}, b"front")
        domain = await here.create(Origins=listed(site(CustomHeaders=listed(SECRET))))
        first = await here.get(domain)
        assert (first.status, first.body, first.cache) == (200, b"front", "Miss")
        here.origin.pages["/"] = (200, {"Cache-Control": "max-age=60"}, b"newer")
        here.clock.now = 59
        second = await here.get(domain)
        assert (second.body, second.cache, second.headers["Age"]) == (b"front", "Hit", "59")
        here.clock.now = 60
        assert (await here.get(domain)).body == b"newer"
        assert [path for _, path, _ in here.origin.asked] == ["/", "/"]
        told = here.origin.asked[0][2]
        assert (told["X-Mirror-Key"], told["Host"], told["User-Agent"]) == (
            "sesame",
            "news.example",
            "Amazon CloudFront",
        )
        assert here.cloud.origins.counts == {("news.example", "/"): 2}
        assert here.cloud.edge.counts == {(domain, 200): 3}

    live(test)


def test_a_door_is_a_base_url_of_one_distribution() -> None:
    async def test(here: World) -> None:
        here.origin.pages["/"] = (200, {}, b"front")
        cookies = CIMultiDict([("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        here.origin.pages["/a/b.html"] = (200, cookies, b"story")
        door = await here.cloud.door(await here.create())
        async with aiohttp.ClientSession() as reader, reader.get(door + "/a/b.html") as answer:
            assert await answer.read() == b"story"
            assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]

    live(test)


def test_it_answers_only_when_it_has_arrived_and_until_its_end_has() -> None:
    async def test(here: World) -> None:
        made = await here.call("create_distribution", DistributionConfig=config())
        domain, id_ = made["Distribution"]["DomainName"], made["Distribution"]["Id"]
        assert await silent(here, domain)
        here.clock.now = 300
        assert not await silent(here, domain)
        off = {**made["Distribution"]["DistributionConfig"], "Enabled": False}
        etag = (await here.call("update_distribution", Id=id_, IfMatch=made["ETag"], DistributionConfig=off))["ETag"]
        here.clock.now = 599
        assert not await silent(here, domain)
        here.clock.now = 600
        assert await silent(here, domain)
        await here.call("delete_distribution", Id=id_, IfMatch=etag)
        assert await silent(here, domain)
        assert await silent(here, "d0000000000000.cloudfront.net")

    live(test, spread=300)


def test_invalidated_answers_end_when_the_invalidation_has_arrived() -> None:
    async def test(here: World) -> None:
        domain = await here.create()
        id_ = next(iter(here.cloud.account.distributions))
        for path in ("/a/1", "/a/2", "/b"):
            here.origin.pages[path] = (200, {}, b"old")
            await here.get(domain, path)
            here.origin.pages[path] = (200, {}, b"new")
        here.clock.now = 10
        batch = {"Paths": listed("/a/*", "/c"), "CallerReference": "a"}
        await here.call("create_invalidation", DistributionId=id_, InvalidationBatch=batch)
        here.clock.now = 39
        assert [(await here.get(domain, path)).body for path in ("/a/1", "/a/2", "/b")] == [b"old"] * 3
        here.clock.now = 40
        assert [(await here.get(domain, path)).body for path in ("/a/1", "/a/2", "/b")] == [b"new", b"new", b"old"]
        here.clock.now = 41
        assert (await here.get(domain, "/a/1")).cache == "Hit"

    live(test, sweep=30)


@pytest.mark.parametrize(
    ("policy", "control", "status", "seconds"),
    [
        (CACHED, "", 200, 86_400),
        (CACHED, "max-age=0", 200, 1),
        (CACHED, "no-store", 200, 1),
        (CACHED, "private, max-age=60", 200, 1),
        (CACHED, "max-age=5, s-maxage=7", 200, 7),
        (CACHED, "", 404, 10),
        (CACHED, "max-age=3", 404, 3),
        (CACHED, "", 302, 0),
        (CACHED, "max-age=40000000", 200, 31_536_000),
        (UNCACHED, "max-age=60", 200, 0),
    ],
)
def test_how_long_an_answer_is_kept(policy: str, control: str, status: int, seconds: int) -> None:
    async def test(here: World) -> None:
        here.origin.pages["/"] = (status, {"Cache-Control": control} if control else {}, b"")
        domain = await here.create(DefaultCacheBehavior=behavior(CachePolicyId=policy))
        assert (await here.get(domain)).cache == "Miss"
        if seconds:
            here.clock.now = seconds - 0.5
            assert (await here.get(domain)).cache == "Hit"
        here.clock.now = seconds
        assert (await here.get(domain)).cache == "Miss"

    live(test)


def test_queries_do_not_tell_answers_apart_where_the_policy_leaves_them_out() -> None:
    async def test(here: World) -> None:
        passed = await here.create(DefaultCacheBehavior=behavior(OriginRequestPolicyId=FORWARDED))
        await here.get(passed, "/?page=1")
        assert (await here.get(passed, "/?page=2")).cache == "Hit"
        assert here.origin.asked[0][1] == "/?page=1"
        apart = behavior(CachePolicyId="4cc15a8a-d715-48a4-82b8-cc0b614638fe", OriginRequestPolicyId=FORWARDED)
        here.origin.pages["/"] = (200, {"Cache-Control": "max-age=60"}, b"")
        second = await here.create("second", DefaultCacheBehavior=apart)
        assert [(await here.get(second, f"/?page={n}")).cache for n in (1, 2, 1)] == ["Miss", "Miss", "Hit"]

    live(test)


def test_a_viewer_is_passed_on_but_for_the_host_where_the_policy_says_so() -> None:
    async def test(here: World) -> None:
        passed = await here.create(DefaultCacheBehavior=behavior(OriginRequestPolicyId=FORWARDED))
        await here.get(passed, Cookie="a=b", User_Agent="Reader/1")
        bare = await here.create("second")
        await here.get(bare, "/?q", Cookie="a=b", User_Agent="Reader/1")
        (_, _, told), (_, path, little) = here.origin.asked
        assert (told["Cookie"], told["User-Agent"], told["Host"]) == ("a=b", "Reader/1", "news.example")
        assert told["X-Forwarded-For"] == "127.0.0.1"  # an origin that keeps a log must drop it
        assert "Cookie" not in little
        assert path == "/"

    live(test)


def test_encodings_are_told_apart_and_made() -> None:
    async def test(here: World) -> None:
        text = b"<p>Much the same.</p>" * 100
        here.origin.pages["/"] = (200, {"Content-Type": "text/html", "ETag": '"1"'}, text)
        domain = await here.create(DefaultCacheBehavior=behavior(Compress=True))
        packed = await here.get(domain, Accept_Encoding="gzip, br")
        assert (brotli.decompress(packed.body), packed.headers["ETag"]) == (text, 'W/"1"')
        assert gzip.decompress((await here.get(domain, Accept_Encoding="gzip")).body) == text
        assert (await here.get(domain, Accept_Encoding="br;q=0, identity")).body == text
        assert (await here.get(domain, Accept_Encoding="br,gzip")).cache == "Hit"

    live(test)


def test_ranges_and_known_versions_are_answered() -> None:
    async def test(here: World) -> None:
        here.origin.pages["/"] = (200, {"ETag": '"1"'}, b"0123456789")
        domain = await here.create()
        part = await here.get(domain, Range="bytes=2-4")
        assert (part.status, part.body, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
        assert (await here.get(domain, Range="bytes=8-")).body == b"89"
        assert (await here.get(domain, Range="bytes=10-")).status == 416
        assert (await here.get(domain, If_None_Match='"1"')).status == 304
        head = await here.get(domain, method="HEAD")
        assert (head.status, head.body) == (200, b"")

    live(test)


def test_only_allowed_methods_reach_the_origin_and_answers_to_others_are_not_kept() -> None:
    async def test(here: World) -> None:
        here.origin.pages["/c/1"] = (202, {}, b"taken")
        every = listed("GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS", "DELETE", CachedMethods=listed("GET", "HEAD"))
        relay = behavior(PathPattern="/c/*", CachePolicyId=UNCACHED, AllowedMethods=every)
        domain = await here.create(CacheBehaviors=listed(relay))
        assert (await here.get(domain, method="POST")).status == 403
        assert [(await here.get(domain, "/c/1", method="POST")).status for _ in range(2)] == [202, 202]
        assert [(method, path) for method, path, _ in here.origin.asked] == [("POST", "/c/1")] * 2

    live(test)


def test_a_bucket_gets_its_index_and_a_signature() -> None:
    async def test(here: World) -> None:
        here.cloud.origins.places["edition.s3.eu-central-1.amazonaws.com"] = here.cloud.origins.places["news.example"]
        here.origin.pages["/index.html"] = (200, {}, b"index")
        kind = {"SigningProtocol": "sigv4", "SigningBehavior": "always", "OriginAccessControlOriginType": "s3"}
        control = await here.call("create_origin_access_control", OriginAccessControlConfig={"Name": "n", **kind})
        origin = {
            "Id": "origin",
            "DomainName": "edition.s3.eu-central-1.amazonaws.com",
            "S3OriginConfig": {"OriginAccessIdentity": ""},
            "OriginAccessControlId": control["OriginAccessControl"]["Id"],
        }
        domain = await here.create(Origins=listed(origin), DefaultRootObject="index.html")
        assert (await here.get(domain)).body == b"index"
        assert (await here.get(domain, "/a/")).status == 404  # no index of a folder: so it is with a bucket
        assert here.origin.asked[0][2]["Authorization"].startswith("AWS4-HMAC-SHA256")

    live(test)


def test_an_origin_that_fails_is_covered_by_what_is_kept() -> None:
    async def test(here: World) -> None:
        here.origin.pages["/"] = (200, {"Cache-Control": "max-age=60"}, b"front")
        domain = await here.create()
        await here.get(domain)
        here.clock.now = 100
        here.origin.pages["/"] = (500, {}, b"broken")
        kept = await here.get(domain)
        assert (kept.status, kept.body, kept.cache) == (200, b"front", "Error")
        assert (await here.get(domain, "/none")).status == 404
        here.origin.pages["/big"] = (200, {}, b"x" * ((8 << 20) + 1))
        assert (await here.get(domain, "/big")).status == 502
        gone = await here.create("second", Origins=listed(site("gone.example")))
        assert (await here.get(gone)).status == 502
        here.cloud.origins.places["gone.example"] = "http://127.0.0.1:9"
        here.clock.now = 200
        assert (await here.get(gone)).status == 502

    live(test)


def test_a_silent_origin_is_given_up() -> None:
    async def test(here: World) -> None:
        here.origin.pages["/"] = (0, {}, b"")
        own = {**site()["CustomOriginConfig"], "OriginReadTimeout": 1}
        domain = await here.create(Origins=listed(site(CustomOriginConfig=own)))
        assert (await here.get(domain)).status == 504

    live(test)


# --- switches ---


def test_a_blocked_one_is_reset_and_its_sister_is_not() -> None:
    async def test(here: World) -> None:
        first, second = await here.create("1"), await here.create("2")
        here.cloud.edge.block(first)
        with pytest.raises(aiohttp.ClientConnectionError):
            await here.get(first)
        assert (await here.get(second)).status == 200
        here.cloud.edge.mend(first)
        assert (await here.get(first)).status == 200
        assert here.cloud.edge.counts[first, 0] > 0  # aiohttp asks again by itself

    live(test)


def test_a_frozen_one_passes_what_fits_and_then_says_nothing() -> None:
    async def main() -> None:
        async with asyncio.timeout(60):
            async with world() as here:
                here.origin.pages["/small"] = (200, {}, b"s" * 9_000)
                here.origin.pages["/large"] = (200, {}, b"l" * 17_000)
                domain = await here.create()
                here.cloud.edge.freeze(domain)
                assert len((await here.get(domain, "/small")).body) == 9_000
                reader, writer = await ask(here, domain, "/large")
                assert b"Content-Length: 17000" in await reader.readuntil(b"\r\n\r\n")
                passed = await reader.readexactly(15_500)
                assert here.cloud.edge.counts == {(domain, 200): 1, (domain, 0): 1}
            passed += await reader.read()  # only the end of the world ends the connection
            assert len(passed) < 16_384
            writer.close()

    asyncio.run(main())


def test_a_second_answer_on_the_same_connection_freezes_too() -> None:
    async def main() -> None:
        async with asyncio.timeout(60):
            async with world() as here:
                here.origin.pages["/small"] = (200, {}, b"s" * 9_000)
                domain = await here.create()
                here.cloud.edge.freeze(domain, 16_384)
                reader, writer = await ask(here, domain, "/small")
                await reader.readuntil(b"\r\n\r\n")
                assert await reader.readexactly(9_000) == b"s" * 9_000
                writer.write(f"GET /small HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode())
                await reader.readuntil(b"\r\n\r\n")
                passed = await reader.readexactly(6_000)
            passed += await reader.read()
            assert len(passed) < 7_384
            writer.close()

    asyncio.run(main())


async def ask(here: World, domain: str, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which the answer to a request may be read as it comes."""
    host, _, port = here.at.edge.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode())
    return reader, writer


def test_a_lost_one_is_gone_from_the_api_and_from_the_edge() -> None:
    async def test(here: World) -> None:
        domain = await here.create()
        here.cloud.account.lose(next(iter(here.cloud.account.distributions)))
        assert await silent(here, domain)
        assert (await here.call("list_distributions"))["DistributionList"]["Quantity"] == 0

    live(test)


@pytest.mark.parametrize(
    ("pattern", "path", "covers"),
    [
        ("/c/*", "/c/", True),
        ("/c/*", "/C/a", False),
        ("c/*", "/c/a/b", True),
        ("*.jpg", "/a/b.jpg", True),
        ("*.jpg", "/a/bxjpg", False),
        ("/a?", "/ab", True),
        ("/a?", "/a", False),
        ("*" * 200 + "x", "/" + "a" * 2_000, False),
    ],
)
def test_path_patterns_have_stars_and_question_marks_only(pattern: str, path: str, covers: bool) -> None:
    assert matches(pattern, path) is covers
