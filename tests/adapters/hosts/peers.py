"""Real stores of objects on this machine: moto for S3, Azurite for Azure, the lab's stub for Google."""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from heliograph.adapters.hosts.buckets import AzureBin, GcsBin, Patience, S3Bin
from heliograph.adapters.hosts.objects import Bin
from heliograph.lab.buckets import GcsStub

ROOT = Path(__file__).resolve().parents[3]
ACCOUNT = "devstoreaccount1"
# Azurite's own, which is in its manual: no secret
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
SERVICE = "publisher@example.iam.gserviceaccount.com"
BUCKET = "d7k3vq2m"
_START = 60.0  # seconds


@dataclass(frozen=True)
class Place:
    """A bucket of a peer: what opens it, and where anybody reads it."""

    open: Callable[..., Bin]
    public: str
    endpoint: str


Opened = Callable[[], AbstractAsyncContextManager[Place]]


def asked(
    method: str, url: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> tuple[int, dict[str, str]]:
    """One request, as no library would improve on it."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body=body or None, headers=headers or {})
        answer = connection.getresponse()
        answer.read()
        return answer.status, {name.title(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def azurite_program() -> str:
    """The path of azurite-blob, "" where it is not installed."""
    named = [os.environ.get("HELIOGRAPH_AZURITE", ""), str(ROOT / "requirements/peers/node_modules/.bin/azurite-blob")]
    places = [*named, "/tmp/azurite/node_modules/.bin/azurite-blob"]
    return next((place for place in places if place and Path(place).exists()), "") if shutil.which("node") else ""


@contextmanager
def serving(command: list[str], started: str) -> Iterator[str]:
    """The base URL of a server that is run until the end of the block; ``started`` matches it in what it prints."""
    with tempfile.NamedTemporaryFile() as log:  # a pipe that nobody reads would fill, and the server wait
        run = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            until = time.monotonic() + _START
            while not (match := re.search(started, Path(log.name).read_text())):
                assert run.poll() is None, f"{command[0]} ended: {Path(log.name).read_text()}"
                assert time.monotonic() < until, f"{command[0]} did not start: {Path(log.name).read_text()}"
                time.sleep(0.05)
            yield f"http://127.0.0.1:{match[1]}"
        finally:
            run.kill()
            run.wait()


@contextmanager
def moto() -> Iterator[str]:
    """A server of S3."""
    program = str(Path(sys.executable).with_name("moto_server"))
    with serving([program, "-H", "127.0.0.1", "-p", "0"], r"Running on http://127\.0\.0\.1:(\d+)") as url:
        yield url


@contextmanager
def azurite(program: str) -> Iterator[str]:
    """A server of Azure Blob Storage."""
    command = [program, "--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", "0", "--silent"]
    command += ["--disableTelemetry", "--skipApiVersionCheck"]
    with serving(command, r"successfully listens on http://127\.0\.0\.1:(\d+)") as url:
        yield url


def s3(url: str, folder: Path, bucket: str, **more: object) -> Callable[..., Bin]:
    """What opens a bucket of ``url``."""
    secret = written(folder / "s3", "aws_access_key_id = key\naws_secret_access_key = secret\n")
    given = {"bucket": bucket, "endpoint": f"{url}/", "credentials": secret, **more}
    return lambda **other: S3Bin(**{**given, **other})  # type: ignore[arg-type]


def azure(url: str, folder: Path, container: str, **more: object) -> Callable[..., Bin]:
    """What opens a container of ``url``."""
    secret = written(folder / "azure", f"{ACCOUNT_KEY}\n")
    given = {"account": ACCOUNT, "container": container, "endpoint": f"{url}/{ACCOUNT}/", "credentials": secret, **more}
    return lambda **other: AzureBin(**{**given, **other})  # type: ignore[arg-type]


def gcs(url: str, folder: Path, bucket: str, **more: object) -> Callable[..., Bin]:
    """What opens a bucket of ``url``."""
    secret = written(folder / "gcs.json", service_account(SERVICE))
    given = {"bucket": bucket, "endpoint": f"{url}/", "credentials": secret, **more}
    return lambda **other: GcsBin(**{**given, **other})  # type: ignore[arg-type]


def opens_s3(url: str, folder: Path, bucket: str) -> Opened:
    """A new bucket of a running moto."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Place]:
        make_bucket(url, bucket)
        yield Place(s3(url, folder, bucket), f"{url}/{bucket}/", url)

    return opened


def opens_azure(url: str, folder: Path, container: str) -> Opened:
    """A new container of a running Azurite, whose blobs anybody may read."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Place]:
        make_container(url, container)
        yield Place(azure(url, folder, container), f"{url}/{ACCOUNT}/{container}/", url)

    return opened


def opens_gcs(folder: Path, bucket: str) -> Opened:
    """A stub with one bucket."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Place]:
        async with GcsStub(bucket, SERVICE, page=3).running() as url:
            yield Place(gcs(url, folder, bucket), f"{url}/{bucket}/", url)

    return opened


def through(place: Place, url: str) -> str:
    """The endpoint with a proxy in the place of the peer."""
    return f"{url}/{ACCOUNT}/" if ACCOUNT in place.public else f"{url}/"


def authorized_by_anybody() -> dict[str, str]:
    """A signature that moto does not look at."""
    credential = "key/20261122/us-east-1/s3/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"}


def make_bucket(url: str, name: str) -> None:
    """Make a bucket whose objects anybody may read, by the policy of the manual."""
    assert asked("PUT", f"{url}/{name}", authorized_by_anybody())[0] == 200
    manual = (ROOT / "docs" / "operating" / "buckets.md").read_text(encoding="utf-8")
    policy = next(text for text in re.findall(r"```json\n(.*?)```", manual, re.DOTALL) if '"Principal": "*"' in text)
    body = policy.replace("NAME", name).encode()
    assert asked("PUT", f"{url}/{name}?policy", authorized_by_anybody(), body)[0] in {200, 204}


def make_container(url: str, name: str) -> None:
    """Make a container, by Azure's own rules for signing a request."""
    headers = {
        "x-ms-blob-public-access": "blob",
        "x-ms-date": formatdate(usegmt=True),
        "x-ms-version": "2021-12-02",
    }
    lines = "".join(f"{key}:{headers[key]}\n" for key in sorted(headers))
    text = "PUT" + "\n" * 12 + lines + f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    headers["Authorization"] = f"SharedKey {ACCOUNT}:{_signature(text)}"
    assert asked("PUT", f"{url}/{ACCOUNT}/{name}?restype=container", headers)[0] == 201


def sas(permissions: str = "rwdlac", end: str = "2099-01-01T00:00:00Z") -> str:
    """A shared access signature of the account, for its blobs."""
    version = "2021-12-02"
    text = "\n".join([ACCOUNT, permissions, "b", "sco", "2020-01-01T00:00:00Z", end, "", "https,http", version, "", ""])
    fields = {"sv": version, "ss": "b", "srt": "sco", "sp": permissions, "st": "2020-01-01T00:00:00Z", "se": end}
    return urlencode({**fields, "spr": "https,http", "sig": _signature(text)}, quote_via=quote)


def container_sas(container: str, permissions: str = "racwdl", end: str = "2099-01-01T00:00:00Z") -> str:
    """A shared access signature of one container, as the manual asks for it."""
    version, start, place = "2021-12-02", "2020-01-01T00:00:00Z", f"/blob/{ACCOUNT}/{container}"
    signed = [permissions, start, end, place, "", "", "https,http", version, "c", *[""] * 7]
    fields = {"sv": version, "st": start, "se": end, "sr": "c", "sp": permissions, "spr": "https,http"}
    return urlencode({**fields, "sig": _signature("\n".join(signed))}, quote_via=quote)


def service_account(name: str) -> str:
    """The JSON of a service account with a key of its own."""
    key = rsa.generate_private_key(65_537, 2_048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {"type": "service_account", "client_email": name, "private_key_id": "1", "private_key": private.decode()}
    return json.dumps(account)


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    """A file of credentials."""
    path.write_text(text)
    path.chmod(mode)
    return path


def hasty(whole: float = 0.5) -> Patience:
    """For peers that are silent."""
    return Patience(connect=whole, whole=whole)


def bucket_name(text: str) -> str:
    """A name that no other test has."""
    return "b" + sha256(text.encode()).hexdigest()[:20]


def _signature(text: str) -> str:
    return base64.b64encode(hmac.digest(base64.b64decode(ACCOUNT_KEY), text.encode(), "sha256")).decode()
