"""What the client asks, and what it makes of honest answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from yarl import URL

from heliograph.adapters.web import WebSources
from heliograph.adapters.web.client import FUSE
from heliograph.lab import faults
from heliograph.lab.newsroom import Newsroom
from heliograph.lab.piece import Piece
from heliograph.model import Answer, Ask

Client = Callable[..., tuple[WebSources, list[float]]]
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
PATH = "/ru/gorod/2026/11/most-100001.html"


def newsroom(count: int = 1) -> Newsroom:
    made = [
        Piece(
            path=PATH.replace("100001", str(100_001 + number)),
            lang="ru",
            title=f"Мост открыли, часть {number}",
            html="<p>Мост открыли утром.</p>\n<p>Вечером его закрыли.</p>\n" * 20,
            published=NOW,
            updated=NOW,
            section="Город",
        )
        for number in range(count)
    ]
    return Newsroom(made)


def test_a_page_arrives_whole_with_what_the_header_says_of_it(client: Client) -> None:
    async def main() -> Answer:
        room = newsroom()
        async with room.running() as base, client(base)[0] as web:
            answer = await web.fetch(Ask(url=base + PATH))
            assert answer.url == base + PATH
        return answer

    answer = asyncio.run(main())
    assert (answer.status, answer.failure) == (200, "")
    assert answer.body.decode().endswith("</body></html>")
    assert (answer.media_type, answer.charset) == ("text/html", "utf-8")
    assert answer.etag.startswith('W/"')  # it came compressed and was decoded
    assert answer.modified == "Sun, 22 Nov 2026 09:00:00 GMT"


@pytest.mark.parametrize("keep", ["etag", "modified"])
def test_a_page_that_did_not_change_costs_no_body(client: Client, keep: str) -> None:
    async def main() -> None:
        room = newsroom()
        async with room.running() as base, client(base)[0] as web:
            first = await web.fetch(Ask(url=base + PATH))
            again = Ask(url=base + PATH, **{keep: getattr(first, keep)})
            second = await web.fetch(again)
            assert (second.status, second.body) == (304, b"")
            assert (second.etag, second.modified) != ("", "")
            room.edit(PATH, NOW.replace(hour=10), title="Мост закрыли")
            third = await web.fetch(again)
            assert third.status == 200
            assert "Мост закрыли" in third.body.decode()

    asyncio.run(main())


def test_a_reply_that_confirms_nothing_by_name_keeps_what_was_held(client: Client, raw: Any) -> None:
    async def main() -> None:
        async with raw(b"HTTP/1.1 304 Not Modified\r\n\r\n") as (base, heads), client(base)[0] as web:
            answer = await web.fetch(Ask(url=base + "/", etag='"1"', modified="Sun, 22 Nov 2026 09:00:00 GMT"))
            assert (answer.status, answer.etag) == (304, '"1"')
            assert answer.modified == "Sun, 22 Nov 2026 09:00:00 GMT"
            assert 'If-None-Match: "1"\r\n' in heads[0]
            assert "If-Modified-Since: Sun, 22 Nov 2026 09:00:00 GMT\r\n" in heads[0]
            unasked = await web.fetch(Ask(url=base + "/"))
            assert (unasked.status, unasked.failure) == (
                0,
                "answered that nothing changed, although nothing was held",
            )

    asyncio.run(main())


def test_it_says_who_it_is_and_keeps_no_cookie(client: Client, raw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # must not matter

    async def main() -> None:
        reply = b"HTTP/1.1 200 OK\r\nSet-Cookie: id=7; Path=/\r\nContent-Length: 2\r\n\r\nok"
        async with raw(reply) as (address, heads):
            base = address.replace("127.0.0.1", "localhost")  # for plain addresses no client would keep a cookie
            async with client(base)[0] as web:
                assert (await web.fetch(Ask(url=base + "/a"))).body == b"ok"
                assert (await web.fetch(Ask(url=base + "/b"))).body == b"ok"
            assert "User-Agent: heliograph-test\r\n" in heads[1]
            assert "Accept-Encoding: br, gzip\r\n" in heads[1]
            assert "cookie" not in heads[1].lower()

    asyncio.run(main())


def test_a_proxy_is_used_only_if_it_is_named(client: Client, raw: Any) -> None:
    async def main() -> None:
        reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        async with raw(reply) as (base, heads), client("", own=[], proxy=base)[0] as web:
            answer = await web.fetch(Ask(url="http://news.example/ru/"))
            assert answer.body == b"ok"
            assert heads[0].startswith("GET http://news.example/ru/ HTTP/1.1\r\n")
            inside = await web.fetch(Ask(url="http://127.0.0.1:9/"))
            assert inside.failure == "leads to a private address: 127.0.0.1"
            assert len(heads) == 1

    asyncio.run(main())


@pytest.mark.parametrize("status", [403, 404, 410, 501])
def test_a_plain_no_is_not_asked_again(client: Client, status: int) -> None:
    async def main() -> None:
        room = newsroom()
        room.fail(PATH, faults.status(status))
        async with room.running() as base, client(base)[0] as web:
            answer = await web.fetch(Ask(url=base + PATH))
            assert (answer.status, answer.body, answer.failure) == (status, b"", "")
            assert room.counts == {(PATH, status): 1}

    asyncio.run(main())


@pytest.mark.parametrize("status", [429, 500, 502, 503, 522])
def test_a_passing_trouble_is_tried_again(client: Client, status: int) -> None:
    async def main() -> None:
        room = newsroom()
        room.fail(PATH, faults.status(status), times=3)
        async with room.running() as base:
            web, pauses = client(base)
            async with web:
                answer = await web.fetch(Ask(url=base + PATH))
            assert answer.status == 200
            assert room.counts == {(PATH, status): 3, (PATH, 200): 1}
            assert len(pauses) == 3

    asyncio.run(main())


def test_pauses_have_full_jitter_below_a_doubling_bound(client: Client) -> None:
    async def main() -> list[float]:
        room = newsroom()
        room.fail(PATH, faults.status(500))
        async with room.running() as base:
            web, pauses = client(base)
            async with web:
                for _ in range(20):
                    assert (await web.fetch(Ask(url=base + PATH))).status == 500
            assert room.counts == {(PATH, 500): 80}  # four tries each
            return pauses

    pauses = asyncio.run(main())
    assert len(pauses) == 60
    for turn, bound in enumerate((0.5, 1.0, 2.0)):
        mine = pauses[turn::3]
        assert all(0 <= pause <= bound for pause in mine)
        assert max(mine) > bound / 2 > min(mine)


def test_a_server_that_names_a_time_is_asked_after_it(client: Client) -> None:
    async def main() -> list[float]:
        room = newsroom()
        room.fail(PATH, faults.status(429, retry_after="7"), times=1)
        async with room.running() as base:
            web, pauses = client(base)
            async with web:
                assert (await web.fetch(Ask(url=base + PATH))).status == 200
            return pauses

    (pause,) = asyncio.run(main())
    assert 7 <= pause <= 7.5


def test_a_time_is_read_against_the_servers_own_clock(client: Client, raw: Any) -> None:
    busy = (
        b"HTTP/1.1 503 Busy\r\nDate: Sun, 22 Nov 2026 09:00:00 GMT\r\n"
        b"Retry-After: Sun, 22 Nov 2026 09:00:20 GMT\r\nContent-Length: 0\r\n\r\n"
    )

    async def main() -> list[float]:
        fine = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        async with raw([busy, fine]) as (base, _):
            web, pauses = client(base)
            async with web:
                assert (await web.fetch(Ask(url=base + "/"))).status == 200
            return pauses

    (pause,) = asyncio.run(main())
    assert 20 <= pause <= 20.5


@pytest.mark.parametrize("wanted", ["3600", "Sun, 22 Nov 2036 09:00:00 GMT"])
def test_who_wants_us_to_wait_for_long_is_left_for_the_next_pass(client: Client, raw: Any, wanted: str) -> None:
    async def main() -> None:
        head = f"HTTP/1.1 429 No\r\nDate: Sun, 22 Nov 2026 09:00:00 GMT\r\nRetry-After: {wanted}\r\n"
        async with raw(head.encode() + b"Content-Length: 0\r\n\r\n") as (base, heads):
            web, pauses = client(base)
            async with web:
                assert (await web.fetch(Ask(url=base + "/"))).status == 429
            assert (len(heads), pauses) == (1, [])

    asyncio.run(main())


@pytest.mark.parametrize("wanted", ["soon", "-5", "", "Sun, 99 Nov 2026", "9" * 400, "Sun, 22 Nov 2026 09:00:00 GMT"])
def test_a_senseless_time_gives_an_ordinary_pause(client: Client, raw: Any, wanted: str) -> None:
    async def main() -> list[float]:
        busy = f"HTTP/1.1 503 Busy\r\nRetry-After: {wanted}\r\nContent-Length: 0\r\n\r\n".encode()
        async with raw([busy, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]) as (base, _):
            web, pauses = client(base)
            async with web:
                assert (await web.fetch(Ask(url=base + "/"))).status == 200
            return pauses

    (pause,) = asyncio.run(main())
    assert pause <= 0.5


def test_an_overloaded_origin_gets_no_other_request_meanwhile(client: Client) -> None:
    async def main() -> None:
        room = newsroom(2)
        other = PATH.replace("100001", "100002")
        room.fail(PATH, faults.status(503), times=1)
        seen: list[int] = []

        async def pause(seconds: float) -> None:
            for _ in range(20):
                await asyncio.sleep(0)
            seen.append(room.counts[other, 200])

        async with room.running() as base, client(base, per_origin=1, pause=pause)[0] as web:
            asks = [Ask(url=base + PATH), Ask(url=base + other)]
            answers = await asyncio.gather(*(web.fetch(ask) for ask in asks))
            assert [answer.status for answer in answers] == [200, 200]
            assert seen == [0]

    asyncio.run(main())


@pytest.mark.parametrize(("options", "most"), [({"per_origin": 3}, 3), ({"per_origin": 9, "in_all": 2}, 2)])
def test_never_more_connections_than_allowed(client: Client, options: dict[str, int], most: int) -> None:
    async def main() -> None:
        room = newsroom()
        reached, gate = asyncio.Event(), asyncio.Event()

        async def wait(request: Any, page: Any) -> Any:
            if room.max_parallel == most:
                reached.set()
            await gate.wait()
            return await faults.instead(page.body)(request, page)

        room.fail("/", wait)
        async with room.running() as base, client(base, **options)[0] as web:
            tasks = [asyncio.create_task(web.fetch(Ask(url=f"{base}{PATH}?{number}"))) for number in range(12)]
            await reached.wait()
            for _ in range(200):  # time enough for one too many
                await asyncio.sleep(0)
            assert room.max_parallel == most
            gate.set()
            assert [(await task).status for task in tasks] == [200] * 12
            assert room.max_parallel == most

    asyncio.run(main())


def test_redirects_are_followed_and_the_end_is_told(client: Client) -> None:
    async def main() -> None:
        room = newsroom()
        room.fail("/old", faults.redirect("/older?id=1#top", 301))
        room.fail("/older", faults.redirect(PATH, 308))
        async with room.running() as base, client(base)[0] as web:
            answer = await web.fetch(Ask(url=base + "/old"))
            assert (answer.status, answer.url) == (200, base + PATH)
            assert room.counts == {("/old", 301): 1, ("/older?id=1", 308): 1, (PATH, 200): 1}

    asyncio.run(main())


def test_an_origin_that_is_dead_is_left_alone_for_a_minute(client: Client) -> None:
    async def main() -> None:
        room = newsroom()
        async with room.running() as base:
            pass
        clock = [0.0]
        async with client(base, tries=1, clock=lambda: clock[0])[0] as web:
            failures = [(await web.fetch(Ask(url=base + PATH))).failure for _ in range(FUSE + 5)]
            assert failures[0] == "cannot connect: Connection refused"
            assert [text.endswith("left alone for a minute") for text in failures] == [False] * FUSE + [True] * 5
            async with room.running(port=int(base.rsplit(":", 1)[1])):
                clock[0] = 61
                assert (await web.fetch(Ask(url=base + PATH))).status == 200
            for _ in range(2):  # one answer, and its failures are counted anew
                assert "Connection refused" in (await web.fetch(Ask(url=base + PATH))).failure

    asyncio.run(main())


def test_no_further_try_begins_when_an_ask_took_too_long(client: Client) -> None:
    async def main() -> None:
        room = newsroom()
        room.fail(PATH, faults.status(500))
        clock = iter(range(0, 10**6, 50))
        async with room.running() as base, client(base, clock=lambda: float(next(clock)))[0] as web:
            assert (await web.fetch(Ask(url=base + PATH))).status == 500
            assert room.counts[PATH, 500] == 2

    asyncio.run(main())


def test_a_cancelled_fetch_gives_its_turn_back(client: Client) -> None:
    async def main() -> None:
        room = newsroom()
        begun = asyncio.Event()

        async def stall(request: Any, page: Any) -> Any:
            begun.set()
            return await faults.stall()(request, page)

        room.fail(PATH, stall, times=1)
        async with room.running() as base, client(base, per_origin=1)[0] as web:
            stalled = asyncio.create_task(web.fetch(Ask(url=base + PATH)))
            await begun.wait()
            stalled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await stalled
            assert (await web.fetch(Ask(url=base + PATH))).status == 200

    asyncio.run(main())


def test_it_cannot_be_asked_outside_of_its_block(client: Client) -> None:
    web, _ = client("http://127.0.0.1:9")
    answer = asyncio.run(web.fetch(Ask(url="http://127.0.0.1:9/")))
    assert (answer.status, answer.failure) == (0, "asked outside of its 'async with' block")


def test_many_origins_are_not_remembered_for_ever(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heliograph.adapters.web.client.MANY_ORIGINS", 10)
    web, _ = client("http://news.example")
    for number in range(40):
        web._origin(URL(f"http://host-{number}.example/"))
    assert 0 < len(web._origins) <= 10
