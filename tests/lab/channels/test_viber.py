"""The emulated Viber: what its real one refuses is refused, asked by a plain client."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from heliograph.lab.channels.asked import Asked, asked, parsed
from heliograph.lab.channels.viber import Viber
from heliograph.lab.loopback import base, serving

POST = {"from": "01234567890A=", "type": "text", "text": "Новина"}


class Here:
    """A service with a webhook, and a client of it."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0
        self.viber = Viber(lambda: self.now)
        self.viber.webhook = "https://hook.example/"

    async def ask(self, method: str, *, header: bool = False, **fields: Any) -> Any:
        headers = {"X-Viber-Auth-Token": self.viber.token} if header else {}
        given = fields if header else {"auth_token": self.viber.token, **fields}
        async with (
            self.viber.running() as door,
            aiohttp.ClientSession() as session,
            session.post(f"{door}/pa/{method}", json=given, headers=headers) as answer,
        ):
            return await answer.json() if answer.status == 200 else answer.status

    def status(self, method: str = "post", **fields: Any) -> int:
        """What comes of one call."""
        answer = anyio.run(lambda: self.ask(method, **fields))
        return int(answer["status"]) if isinstance(answer, Mapping) else int(answer)


@pytest.fixture
def here() -> Here:
    return Here()


@pytest.mark.parametrize("method", ["edit", "delete", "delete_message", "send_message", ""])
def test_there_is_no_way_to_change_or_delete(here: Here, method: str) -> None:
    assert here.status(method) == 404


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 0),
        ({"auth_token": "wrong"}, 2),
        ({"from": "98765432109B="}, 3),
        ({"from": None}, 4),
        ({"type": "sticker"}, 3),
        ({"text": 7}, 3),
        ({"sender": {"name": "а" * 28}}, 0),
        ({"sender": {"name": "а" * 29}}, 3),
        ({"type": "url", "media": "https://a.example/"}, 0),
        ({"type": "url", "media": "ftp://a.example/"}, 1),
        ({"type": "url"}, 4),
        ({"type": "video", "media": "https://a.example/a.mp4", "size": 26_000_000, "duration": 180}, 0),
        ({"type": "video", "media": "https://a.example/a.mp4", "size": 26_000_001}, 3),
        ({"type": "video", "media": "https://a.example/a.mp4", "size": 9, "duration": 181}, 3),
        ({"type": "video", "media": "https://a.example/a.avi", "size": 9}, 1),
        ({"type": "video", "media": "https://a.example/a.mp4"}, 4),
        ({"type": "file", "media": "https://a.example/a", "size": 50_000_000, "file_name": "a.pdf"}, 0),
        ({"type": "file", "media": "https://a.example/a", "size": 50_000_001, "file_name": "a.pdf"}, 3),
        ({"type": "file", "media": "https://a.example/a", "size": 9, "file_name": "a.APK"}, 3),
        ({"type": "file", "media": "https://a.example/a", "size": 9}, 4),
    ],
)
def test_a_post_is_looked_at(here: Here, changes: dict[str, Any], status: int) -> None:
    assert here.status(**{**POST, **changes}) == status
    assert len(here.viber.posts) == (status == 0)


def test_the_token_may_stand_in_a_header_where_that_is_taken(here: Here) -> None:
    assert here.status(header=True, **POST) == 0
    here.viber.terms.header = False
    assert here.status(header=True, **POST) == 4


def test_pictures_are_fetched_where_that_is_asked_for(here: Here) -> None:
    sizes = {"/fits.png": 1_000_000, "/large.png": 1_000_001}

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        size = sizes.get(request.path)
        return web.Response(body=bytes(size)) if size else web.Response(status=404)

    async def body() -> list[int]:
        here.viber.terms.looks = True
        async with serving(answer) as runner:
            found = []
            for name in ("fits", "large", "none"):
                media = f"{base(runner)}/{name}.png"
                found.append(int((await here.ask("post", **{**POST, "type": "picture", "media": media}))["status"]))
            return found

    assert anyio.run(body) == [0, 3, 1]


def test_a_webhook_must_have_a_certificate_that_is_trusted(here: Here, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    key, cert = tmp_path / "key", tmp_path / "cert"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"]
    names = ["/CN=hook", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command, *names], check=True, capture_output=True)
    heard: list[tuple[str, bytes]] = []

    async def hook(request: web.BaseRequest) -> web.StreamResponse:
        heard.append((request.headers["X-Viber-Content-Signature"], await request.read()))
        return web.Response()

    async def body() -> list[int]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(cert, key)
        runner = web.ServerRunner(web.Server(hook))
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
            url = base(runner).replace("http:", "https:")
            plain = (await here.ask("set_webhook", url=base(runner)))["status"]
            stranger = (await here.ask("set_webhook", url=url))["status"]
            here.viber.trust = ssl.create_default_context(cafile=str(cert))
            return [plain, stranger, (await here.ask("set_webhook", url=url))["status"]]
        finally:
            await runner.cleanup()

    assert anyio.run(body) == [1, 1, 0]
    signature, raw = heard[0]
    assert signature == hmac.new(here.viber.token.encode(), raw, hashlib.sha256).hexdigest()
    assert json.loads(raw)["event"] == "webhook"
    assert len(heard) == 1


def test_the_webhook_can_be_taken_out(here: Here) -> None:
    assert here.status("set_webhook", url="") == 0
    assert here.status(**POST) == 10
    assert here.status("set_webhook") == 4


@given(st.binary(max_size=300))
def test_any_body_is_read_or_left(body: bytes) -> None:
    assert isinstance(parsed(body), dict)


@given(
    st.sampled_from(["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "x"]),
    st.binary(max_size=200)
    | st.binary(max_size=60).map(lambda data: b'--b\r\nX: name="a"\r\n\r\n' + data + b"\r\n--b--"),
)
def test_any_form_is_read_or_left(kind: str, body: bytes) -> None:
    class Request:
        query: Mapping[str, str] = {}
        headers: Mapping[str, str] = {"Content-Type": kind}

    found = asked(Request(), body)  # type: ignore[arg-type]
    assert isinstance(found, Asked)
    assert all(isinstance(value, str) for value in found.fields.values())
