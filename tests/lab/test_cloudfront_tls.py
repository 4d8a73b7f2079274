"""The emulated edge over TLS, as a browser reaches it: by the name of a distribution, under a certificate for it."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from tests.lab.cloudfront_world import listed, site
from tests.lab.test_cloudfront_edge import World, live

from benchmarks.tls import Authority


def test_a_distribution_is_read_by_its_name_and_its_certificate_is_judged(tmp_path: Path) -> None:
    authority = Authority(tmp_path, datetime.now(UTC))  # noqa: TID251 - OpenSSL goes by the real clock
    ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=str(authority.file))
    ours.load_cert_chain(authority.leaf("*.cloudfront.net"))

    async def test(here: World) -> None:
        here.origin.pages["/"] = (200, {}, b"front")
        domain = await here.create(Origins=listed(site()))
        base = f"https://127.0.0.1:{await here.cloud.listen('127.0.0.1', 0, ours)}/"
        sent = {"Host": domain}
        async with aiohttp.ClientSession(headers=sent) as session:
            async with session.get(base, ssl=theirs, server_hostname=domain) as answer:
                assert (answer.status, await answer.read()) == (200, b"front")
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(base, ssl=theirs, server_hostname="elsewhere.example")

    live(test)
