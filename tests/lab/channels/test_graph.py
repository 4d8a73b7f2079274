"""The emulated Graph API, asked by a plain client: tokens, rights, the app's proof, usage, pages and accounts."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any

import aiohttp
import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.lab.channels.fetching import jpeg_size
from heliograph.lab.channels.graph import Graph

DAY = 86_400.0
WEBSITE = "https://a.example/"


class Here:
    """A service, and a client of it."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0
        self.graph = Graph(lambda: self.now)
        self.token = self.graph.issue("page")
        self.page, self.account = self.graph.page.id, self.graph.instagram.id
        self.headers: dict[str, str] = {}

    def ask(self, method: str, path: str, token: str | None = None, *, form: str = "form", **fields: str) -> Any:
        """What one call answers: JSON, or (code, subcode) of an error."""
        given = {**fields, **({"access_token": token or self.token} if token != "" else {})}
        sent: dict[str, Any] = {
            "form": {"data": given}, "json": {"json": given}, "query": {"params": given},
            "bearer": {"data": fields, "headers": {"Authorization": f"Bearer {token or self.token}"}},
        }["query" if method in {"GET", "DELETE"} and form == "form" else form]  # fmt: skip

        async def body() -> Any:
            async with (
                self.graph.running() as door,
                aiohttp.ClientSession() as session,
                session.request(method, f"{door}/{path}", **sent) as answer,
            ):
                self.headers = dict(answer.headers)
                said = await answer.json()
                error = said.get("error")
                assert answer.status == (400 if error else 200)
                return (error["code"], error.get("error_subcode", 0)) if error else said

        return anyio.run(body)

    def post(self, message: str, **fields: str) -> Any:
        return self.ask("POST", f"v26.0/{self.page}/feed", message=message, **fields)


@pytest.fixture
def here() -> Here:
    return Here()


@pytest.mark.parametrize("form", ["form", "json", "query", "bearer"])
def test_fields_and_token_may_come_in_each_form(here: Here, form: str) -> None:
    assert set(here.ask("POST", f"v26.0/{here.page}/feed", form=form, message="Новина")) == {"id"}
    assert here.graph.page.seen[0]["message"] == "Новина"


@pytest.mark.parametrize("subcode", [458, 459, 460, 463, 464, 467])
def test_a_dead_token_opens_nothing(here: Here, subcode: int) -> None:
    here.graph.kill(here.token, subcode)
    assert here.post("Новина") == (190, subcode)
    assert here.ask("GET", f"v26.0/{here.page}", "nobody") == (190, 0)
    assert here.ask("GET", f"v26.0/{here.page}", "") == (2500, 0)
    assert here.ask("GET", f"v1.0/{here.page}") == (2635, 0)
    assert here.ask("GET", f"v26.0/{here.page}/likes", here.graph.issue("page")) == (2500, 0)
    assert here.graph.page.seen == []


def test_a_token_ends_at_its_time(here: Here) -> None:
    here.token = here.graph.issue("page", life=60)
    here.now += 59
    assert "id" in here.post("а")
    here.now += 1
    assert here.post("б") == (190, 463)


def test_the_apps_proof_is_demanded_and_checked(here: Here) -> None:
    here.graph.terms.proof = True
    right = hmac.new(here.graph.secret.encode(), here.token.encode(), hashlib.sha256).hexdigest()
    assert here.post("а") == (100, 0)
    assert here.post("а", appsecret_proof="0" * 64) == (100, 0)
    assert "id" in here.post("а", appsecret_proof=right)


def test_each_answer_tells_how_much_is_used(here: Here) -> None:
    here.graph._asked.extend([here.now] * 24_000)
    here.post("а")
    assert json.loads(here.headers["X-App-Usage"])["call_count"] == 50
    assert json.loads(here.headers["X-Page-Usage"])["call_count"] == 50
    use = json.loads(here.headers["X-Business-Use-Case-Usage"])[here.page][0]
    assert (use["type"], use["estimated_time_to_regain_access"]) == ("pages", 0)
    here.graph.throttle(32, 2.5)
    assert here.post("б") == (32, 0)
    assert json.loads(here.headers["X-Business-Use-Case-Usage"])[here.page][0]["estimated_time_to_regain_access"] == 3


def test_what_is_declared_hits_the_call_that_is_named(here: Here) -> None:
    here.graph.declare(368, on="POST feed")
    assert here.ask("GET", f"v26.0/{here.page}") == {"id": here.page, "name": "Півострів"}
    assert here.post("а") == (368, 0)
    assert "id" in here.post("а")


def test_a_page_is_posted_to_by_its_own_token_only(here: Here) -> None:
    for token in (here.graph.issue("user"), here.graph.issue("instagram")):
        assert here.ask("POST", f"v26.0/{here.page}/feed", token, message="а") == (200, 0)
    reader = here.graph.issue("page", lacks="pages_manage_posts")
    assert here.ask("POST", f"v26.0/{here.page}/feed", reader, message="а") == (200, 0)
    assert here.ask("GET", f"v26.0/{here.page}/published_posts", reader) == {"data": []}


def test_an_app_changes_its_own_posts_only(here: Here) -> None:
    made = here.post("а")["id"]
    other = here.graph.issue("page", app="other")
    assert here.ask("POST", f"v26.0/{made}", other, message="б") == (200, 0)
    assert here.ask("DELETE", f"v26.0/{made}", other) == (200, 0)
    assert here.ask("POST", f"v26.0/{made}", message="б") == {"success": True}
    assert here.ask("DELETE", f"v26.0/{made}") == {"success": True}
    assert here.ask("DELETE", f"v26.0/{made}") == (100, 33)


def test_posts_are_listed_newest_first_and_by_pages(here: Here) -> None:
    for number in range(30):
        here.now += 60
        here.post(f"Новина {number}")
    first = here.ask("GET", f"v26.0/{here.page}/published_posts")
    assert [row["message"] for row in first["data"]] == [f"Новина {number}" for number in range(29, 4, -1)]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000", first["data"][0]["created_time"])
    rest = here.ask("GET", f"v26.0/{here.page}/published_posts", after=first["paging"]["cursors"]["after"])
    assert [row["message"] for row in rest["data"]] == [f"Новина {number}" for number in range(4, -1, -1)]
    since = here.ask("GET", f"v26.0/{here.page}/published_posts", since=str(int(here.now)), fields="message")
    assert [row["message"] for row in since["data"]] == ["Новина 29"]
    assert here.ask("GET", f"v26.0/{here.page}/published_posts", until="0") == {"data": []}


@pytest.mark.parametrize(("after", "taken"), [(599, False), (600, True), (30 * DAY, True), (30 * DAY + 1, False)])
def test_a_post_for_later_shows_at_its_time(here: Here, after: float, taken: bool) -> None:
    at = str(int(here.now + after))
    answer = here.post("Згодом", published="false", scheduled_publish_time=at)
    assert (answer == (100, 0)) != taken
    here.now += after - 1
    assert here.graph.page.seen == []
    here.now += 1
    assert len(here.graph.page.seen) == taken


def test_a_link_is_fetched_where_that_is_asked_for(here: Here) -> None:
    here.graph.page.terms.scrapes = True
    assert here.post("а", link="http://127.0.0.1:1/") == (1609005, 0)
    here.graph.page.terms.scrapes = False
    assert "id" in here.post("а", link="http://127.0.0.1:1/")


def test_tokens_of_instagram_are_exchanged_and_refreshed(here: Here) -> None:
    short = here.graph.issue("instagram", short=True)
    ask = {"grant_type": "ig_exchange_token", "client_secret": here.graph.secret}
    assert here.ask("GET", "access_token", short, **{**ask, "client_secret": "x"}) == (101, 0)
    long = here.ask("GET", "access_token", short, **ask)
    assert long["expires_in"] == 60 * DAY
    assert here.ask("GET", "access_token", long["access_token"], **ask) == (100, 0)
    refresh = {"grant_type": "ig_refresh_token"}
    here.now += DAY - 1
    assert here.ask("GET", "refresh_access_token", long["access_token"], **refresh) == (10, 0)
    here.now += 1
    assert here.ask("GET", "refresh_access_token", short, **refresh) == (190, 463)
    assert here.ask("GET", "refresh_access_token", long["access_token"]) == (100, 0)
    fresh = here.ask("GET", "refresh_access_token", long["access_token"], **refresh)
    assert here.ask("GET", "me", fresh["access_token"], fields="username") == {
        "id": here.account,
        "username": "pivostriv",
    }
    assert here.ask("GET", "refresh_access_token", here.token, **refresh) == (100, 0)


def test_a_token_is_told_about(here: Here) -> None:
    data = here.ask("GET", "debug_token", input_token=here.token)["data"]
    assert (data["type"], data["is_valid"], data["expires_at"]) == ("PAGE", True, 0)
    other = here.graph.issue("page", app="other")
    assert not here.ask("GET", "debug_token", input_token=other)["data"]["is_valid"]
    here.graph.terms.self_inspection = False
    assert here.ask("GET", "debug_token", input_token=here.token) == (100, 0)


def test_an_account_is_asked_with_the_rights_for_it(here: Here) -> None:
    path = f"v26.0/{here.account}"
    for kind, basic, publish in (
        ("instagram", "instagram_business_basic", "instagram_business_content_publish"),
        ("user", "instagram_basic", "instagram_content_publish"),
    ):
        blind = here.graph.issue(kind, lacks=basic)  # type: ignore[arg-type]
        reader = here.graph.issue(kind, lacks=publish)  # type: ignore[arg-type]
        assert here.ask("GET", f"{path}/media", blind) == (10, 0)
        assert here.ask("GET", f"{path}/media", reader) == {"data": []}
        assert here.ask("POST", f"{path}/media", reader, image_url=WEBSITE) == (10, 0)
    limit = here.ask("GET", f"{path}/content_publishing_limit", reader, fields="quota_usage,config")
    assert limit == {"data": [{"quota_usage": 0, "config": {"quota_total": 50, "quota_duration": 86_400}}]}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"media_type": "REELS"}, (100, 2207023)), ({}, (100, 0)), ({"media_type": "CAROUSEL"}, (100, 0)),
        ({"media_type": "CAROUSEL", "children": "1,2"}, (24, 2207006)),
        ({"image_url": "file:///etc/passwd"}, (9004, 2207052)),
    ],
)  # fmt: skip
def test_a_container_is_looked_at(here: Here, fields: dict[str, str], error: tuple[int, int]) -> None:
    token = here.graph.issue("instagram")
    assert here.ask("POST", f"v26.0/{here.account}/media", token, **fields) == error
    assert here.ask("POST", f"v26.0/{here.account}/media_publish", token, creation_id="1") == (24, 2207006)
    assert here.ask("GET", "v26.0/1", token) == (100, 33)


def test_a_day_has_so_many_containers(here: Here) -> None:
    here.graph.instagram.terms.containers = 0
    token = here.graph.issue("instagram")
    assert here.ask("POST", f"v26.0/{here.account}/media", token, image_url=WEBSITE) == (9, 2207042)


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda data: b"\xff\xd8\xff" + data))
def test_any_bytes_are_a_picture_or_none(data: bytes) -> None:
    size = jpeg_size(data)
    assert size is None or (0 < size[0] < 65_536 and 0 < size[1] < 65_536)
