"""Object stores of the large providers and of those that speak their languages: see ``objects.Bin``.

Rule 1: a method makes one try; the library repeats only what failed within a moment, such as a connection that the host
had closed. Rule 2: a request ends, whatever the host does. Rule 3: the mark of an object is its ETag without quotes,
since a listing of Azure has none and the answer to a write has. Rule 4: credentials travel over https, or stay on this
machine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from heliograph.adapters.hosts import secrets
from heliograph.adapters.hosts.objects import MOST_READ, Put, each
from heliograph.adapters.hosts.refused import missing, refused
from heliograph.model import ConfigError, StoreError

if TYPE_CHECKING:
    from obstore.store import AzureConfig, ClientConfig, GCSConfig, ObjectStore, RetryConfig, S3Config, S3Credential

_PAGE, _AZURE_PAGE = 1_000, 5_000  # objects in an answer to a listing
_BATCH = 256  # objects in one request to delete, of Azure
_SINGLY = 8  # requests at once where each deletes one object
_RETRY: Final[RetryConfig] = {
    "max_retries": 1,
    "retry_timeout": timedelta(seconds=2),
    "backoff": {"init_backoff": timedelta(milliseconds=100)},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a request may take, in seconds."""

    connect: float = 5.0
    whole: float = 20.0  # for 64 KiB at most, either way


class _Bucket:
    """What the three have in common."""

    page = _PAGE

    def __init__(self, store: ObjectStore, *, place: str, source: str) -> None:
        self.place = place
        self._store, self._source = store, source

    async def put(self, put: Put) -> str:
        """See ``objects.Bin``."""
        attributes = {"Content-Type": put.content_type, "Cache-Control": put.cache_control}
        if put.coding:
            attributes["Content-Encoding"] = put.coding
        with self._told():
            result = await obstore.put_async(self._store, put.key, put.data, attributes=attributes, use_multipart=False)
        return _mark(result["e_tag"])

    async def get(self, key: str) -> tuple[bytes, str]:
        """See ``objects.Bin``."""
        data = bytearray()
        try:
            with self._told(absent=True):
                result = await obstore.get_async(self._store, key)
                async for piece in result.stream():
                    data += memoryview(piece)
                    if len(data) >= MOST_READ:
                        break
        except _MissingError:
            return b"", ""
        return bytes(data[:MOST_READ]), result.attributes.get("Content-Encoding", "")

    async def marks(self) -> tuple[Mapping[str, str], int]:
        """See ``objects.Bin``."""
        marks: dict[str, str] = {}
        with self._told():
            async for part in obstore.list(self._store, chunk_size=_PAGE):
                marks |= {one["path"]: _mark(one["e_tag"]) for one in part}
        return marks, max(1, -(-len(marks) // self.page))

    async def delete(self, keys: Sequence[str]) -> int:
        """See ``objects.Bin``."""
        with self._told():
            await obstore.delete_async(self._store, keys)
        return 1

    async def _delete_singly(self, keys: Sequence[str]) -> int:
        """A request for each, since one that is not there must not hide how the others went."""

        async def one(key: str) -> None:
            with suppress(_MissingError), self._told(absent=True):
                await obstore.delete_async(self._store, key)

        await each(keys, one, _SINGLY)
        return len(keys)

    @contextmanager
    def _told(self, *, absent: bool = False) -> Iterator[None]:
        """Turn what the library raises into what the newsroom can use; ``absent`` says that there may be no object."""
        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            if absent and missing(error):
                raise _MissingError("there is no such object", where=self.place) from None
            # not chained: its text may hold an address with a signature
            raise refused(error, place=self.place, source=self._source) from None


class _MissingError(StoreError):
    """The object is not there."""


class S3Bin(_Bucket):
    """A bucket of Amazon S3, or of a service that speaks its language."""

    def __init__(
        self,
        *,
        bucket: str,
        prefix: str = "",
        endpoint: str = "",
        region: str = "us-east-1",
        credentials: Path | None = None,
        patience: Patience = Patience(),
    ) -> None:
        secret = secrets.s3(credentials)
        address = _address(endpoint)
        given: S3Credential = {
            "access_key_id": secret.id,
            "secret_access_key": secret.key,
            "token": secret.token or None,
            "expires_at": None,
        }
        # in the path: certificates of most services cover no further label, and a name with dots has several
        config: S3Config = {"region": region, "virtual_hosted_style_request": False}
        if address:
            config["endpoint"] = address
        store = S3Store(
            bucket,
            prefix=prefix or None,
            config=config,
            # whoever is asked for them by this hands out all three: no token of the environment beside a file's key
            credential_provider=lambda: given,
            client_options=_client(address, patience),
            retry_config=_RETRY,
        )
        super().__init__(store, place=f"s3 {endpoint}{bucket}/{prefix}", source=secret.source)


class AzureBin(_Bucket):
    """A container of Azure Blob Storage."""

    page = _AZURE_PAGE

    def __init__(
        self,
        *,
        account: str,
        container: str = "$web",
        prefix: str = "",
        endpoint: str = "",
        credentials: Path | None = None,
        patience: Patience = Patience(),
    ) -> None:
        secret = secrets.azure(credentials)
        address = _address(endpoint)
        config: AzureConfig = {"account_name": account}
        if secret.sas:
            config["sas_key"] = secret.sas
        else:
            config["account_key"] = secret.key
        if address:
            config["endpoint"] = address
        store = AzureStore(
            container,
            prefix=prefix or None,
            config=config,
            client_options=_client(address, patience),
            retry_config=_RETRY,
        )
        super().__init__(store, place=f"azure {endpoint}{account}/{container}/{prefix}", source=secret.source)

    async def delete(self, keys: Sequence[str]) -> int:
        """See ``objects.Bin``."""
        requests = 0
        for start in range(0, len(keys), _BATCH):
            part = keys[start : start + _BATCH]
            requests += 1
            try:
                with self._told(absent=True):
                    await obstore.delete_async(self._store, part)
            except _MissingError:  # the answer tells of the first only, and the others may have failed
                requests += await self._delete_singly(part)
        return requests


class GcsBin(_Bucket):
    """A bucket of Google Cloud Storage."""

    def __init__(
        self,
        *,
        bucket: str,
        prefix: str = "",
        endpoint: str = "",
        credentials: Path | None = None,
        patience: Patience = Patience(),
    ) -> None:
        secret = secrets.gcs(credentials)
        address = _address(endpoint)
        config: GCSConfig = {"service_account_key": secret.json}
        if address:
            config["base_url"] = address
        store = GCSStore(
            bucket,
            prefix=prefix or None,
            config=config,
            client_options=_client(address, patience),
            retry_config=_RETRY,
        )
        super().__init__(store, place=f"gcs {endpoint}{bucket}/{prefix}", source=secret.source)

    async def delete(self, keys: Sequence[str]) -> int:
        """See ``objects.Bin``."""
        return await self._delete_singly(keys)


def _mark(e_tag: str | None) -> str:
    return (e_tag or "").removeprefix("W/").strip('"')


def _address(endpoint: str) -> str:
    """``endpoint`` as the library wants it.

    Raises:
        ConfigError: credentials or what they sign would be seen on the way.
    """
    parts = urlsplit(endpoint)
    if parts.scheme == "http" and not _is_here(parts.hostname or ""):
        raise ConfigError("http is allowed on this machine only", where=f"endpoint {endpoint}", remedy="use https://")
    return endpoint.rstrip("/")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _client(address: str, patience: Patience) -> ClientConfig:
    return {
        "allow_http": address.startswith("http://"),
        "connect_timeout": timedelta(seconds=patience.connect),
        "timeout": timedelta(seconds=patience.whole),
    }
