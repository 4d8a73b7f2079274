"""Where the edition goes: a table for each kind of place.

Rule 1: what a kind does not need, it does not have. Rule 2: a secret is the path of a file, in the form in which the
host gives it out and readable for its owner alone, or it stands in the environment.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import Discriminator, Field, Tag, field_validator

from heliograph.config.fields import Base, Name, Span, Table, kind_or, seconds
from heliograph.model.bill import DOLLAR, Prices

_LABEL = r"^[A-Za-z0-9$][A-Za-z0-9._$-]{0,252}$"  # of a bucket, container, account or host
_PREFIX = r"^([A-Za-z0-9._-]+/)*$"


def _price(default: float, words: str) -> Any:  # noqa: ANN401 - what pydantic calls a field
    return Field(default=default, ge=0, le=1_000, description=words)


class _Mirror(Table):
    """What all have."""

    name: Name = Field(description="Its nickname: small letters, digits, hyphens.")
    url: Base = Field(default="", description="Where readers reach it, if they do; then it is watched.")
    provider: str = Field(
        default="", description="Whose network it is in: mirrors of one provider fall together. Empty: its own."
    )
    spare: bool = Field(default=False, description="Whether readers are not told of it before another one is blocked.")
    addresses: tuple[str, ...] = Field(
        default=(), description="Its true IP addresses, so that lies of DNS are told; empty: they are not known."
    )
    ladder: bool = Field(
        default=True, description="Whether it has the test bodies of `heliograph serve`, which measure a curtain."
    )
    sensor: str = Field(
        default="",
        description="What its sensor counts (`serve --sensor`): a file, or its http(s) address; empty: none.",
    )

    @property
    def prices(self) -> Prices:
        """What its host asks for; nothing where it is one's own, or nobody has said."""
        return Prices()

    @property
    def ceiling(self) -> int:
        """What uploads may cost in a month, in billionths of a dollar; 0: there is no ceiling."""
        return 0

    @field_validator("addresses")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            try:
                ipaddress.ip_address(address)
            except ValueError as err:
                raise ValueError(f'"{address}" is no IP address') from err
        return value


class FolderMirror(_Mirror):
    """A directory of this machine."""

    kind: Literal["folder"] = Field(default="folder", description='"folder": a directory of this machine.')
    path: str = Field(min_length=1, description="The directory.")

    @property
    def place(self) -> str:
        return self.path


class _Remote(_Mirror):
    """What all places elsewhere have."""

    parallel: int = Field(default=8, ge=1, le=64, description="Uploads at once.")


class _Objects(_Remote):
    """A store of objects behind https."""

    price_writes: float = _price(0.005, "Dollars for 1,000 writes, list price of 22 November 2026.")
    price_lists: float = _price(0.005, "Dollars for 1,000 pages of a listing, of the same day.")
    price_reads: float = _price(0.0004, "Dollars for 1,000 reads, of the same day.")
    price_deletes: float = _price(0.0, "Dollars for 1,000 deletions, of the same day.")
    most_a_month: float = Field(
        default=0.0,
        ge=0,
        le=1_000_000,
        description="Dollars that uploads may cost in a calendar month; 0: there is no ceiling.",
    )
    prefix: str = Field(default="", pattern=_PREFIX, description='Folder within it, such as "a/b/"; empty: its root.')
    endpoint: Base = Field(default="", description="Address of the service, where it is not the provider's own.")

    @property
    def prices(self) -> Prices:
        writes, lists, reads, deletes = (
            round(price * DOLLAR / 1_000)
            for price in (self.price_writes, self.price_lists, self.price_reads, self.price_deletes)
        )
        return Prices(writes=writes, lists=lists, reads=reads, deletes=deletes)

    @property
    def ceiling(self) -> int:
        return round(self.most_a_month * DOLLAR)


class S3Mirror(_Objects):
    """A bucket of Amazon S3, or of a service that speaks its language."""

    kind: Literal["s3"] = Field(description='"s3": a bucket of Amazon S3 or of a service that speaks its language.')
    bucket: str = Field(pattern=_LABEL, description="The bucket.")
    region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]{1,40}$", description="Its region.")
    credentials: str = Field(
        default="", description="A file in AWS's form (aws_access_key_id = ...); empty: AWS_ACCESS_KEY_ID and so on."
    )

    @property
    def place(self) -> str:
        return f"s3 {self.endpoint}{self.bucket}/{self.prefix}"


class AzureMirror(_Objects):
    """A container of Azure Blob Storage."""

    kind: Literal["azure"] = Field(description='"azure": a container of Azure Blob Storage.')
    account: str = Field(pattern=_LABEL, description="The storage account.")
    price_writes: float = _price(0.007, "Dollars for 1,000 writes, list price of 22 November 2026.")
    price_lists: float = _price(0.007, "Dollars for 1,000 pages of a listing, of the same day.")
    price_reads: float = _price(0.0006, "Dollars for 1,000 reads, of the same day.")
    container: str = Field(default="$web", pattern=_LABEL, description='The container; "$web" is a static site.')
    credentials: str = Field(
        default="", description="A file with the account's key or a SAS; empty: AZURE_STORAGE_ACCOUNT_KEY."
    )

    @property
    def place(self) -> str:
        return f"azure {self.endpoint}{self.account}/{self.container}/{self.prefix}"


class GcsMirror(_Objects):
    """A bucket of Google Cloud Storage."""

    kind: Literal["gcs"] = Field(description='"gcs": a bucket of Google Cloud Storage.')
    bucket: str = Field(pattern=_LABEL, description="The bucket.")
    credentials: str = Field(
        default="", description="The service account's JSON file; empty: GOOGLE_APPLICATION_CREDENTIALS."
    )

    @property
    def place(self) -> str:
        return f"gcs {self.endpoint}{self.bucket}/{self.prefix}"


class _Ssh(_Remote):
    """A server that is reached by SSH."""

    host: str = Field(pattern=_LABEL, description="The server's name or address.")
    port: int = Field(default=22, ge=1, le=65_535, description="Its port.")
    user: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,31}$", description="Who logs in.")
    path: str = Field(min_length=1, description="The directory there.")
    key: str = Field(description="File of the private key, without passphrase.")
    known_hosts: str = Field(description="File with the server's host key, as `ssh-keyscan` writes it: no other is it.")

    @property
    def place(self) -> str:
        return f"ssh {self.user}@{self.host}:{self.port} {self.path}"


class SftpMirror(_Ssh):
    """A directory of a server, by SFTP."""

    kind: Literal["sftp"] = Field(description='"sftp": a directory of a server, by SFTP.')


class RsyncMirror(_Ssh):
    """A directory of a server, by rsync over SSH."""

    kind: Literal["rsync"] = Field(description='"rsync": a directory of a server, by rsync over SSH.')


class WebdavMirror(_Remote):
    """A folder behind WebDAV."""

    kind: Literal["webdav"] = Field(description='"webdav": a folder behind WebDAV.')
    address: Base = Field(min_length=1, description="Its address, for writing.")
    credentials: str = Field(default="", description="A file with one line, user:password; empty: none are needed.")

    @property
    def place(self) -> str:
        return f"webdav {self.address}"


class GitMirror(_Remote):
    """A branch of a Git repository that its host shows as a site."""

    kind: Literal["git"] = Field(description='"git": a branch of a repository that its host shows as a site.')
    remote: str = Field(min_length=1, pattern=r"^[^-\s]\S*$", description="The repository, as `git push` takes it.")
    branch: str = Field(default="pages", pattern=r"^[A-Za-z0-9._/-]{1,100}$", description="The branch.")
    key: str = Field(default="", description="File of the private SSH key; empty: as git finds it.")
    known_hosts: str = Field(default="", description="File with the server's host key; empty: as ssh finds it.")
    credentials: str = Field(
        default="",
        description="For https: a file with https://user:token@host, as git keeps it; empty: none are needed.",
    )

    @field_validator("remote")
    @classmethod
    def _has_no_secret(cls, value: str) -> str:
        if urlsplit(value).scheme in {"http", "https"} and urlsplit(value).password is not None:
            raise ValueError("a password or token does not belong here: name a file of credentials")
        return value

    @property
    def place(self) -> str:
        return f"git {self.remote} {self.branch}"


class PullMirror(_Mirror):
    """A volunteer's copy, which fetches the edition by itself: nothing is brought there."""

    kind: Literal["pull"] = Field(
        description='"pull": the copy of a volunteer, who fetches the edition with `heliograph sync`; nothing is sent.'
    )
    url: Base = Field(min_length=1, description="Where readers reach it, and where it is watched.")

    @property
    def place(self) -> str:
        return f"pull {self.url}"


# Where the edition is brought.
StoreTable: TypeAlias = (
    FolderMirror | S3Mirror | AzureMirror | GcsMirror | SftpMirror | RsyncMirror | WebdavMirror | GitMirror
)
MirrorTable: TypeAlias = Annotated[
    Annotated[FolderMirror, Tag("folder")]
    | Annotated[S3Mirror, Tag("s3")]
    | Annotated[AzureMirror, Tag("azure")]
    | Annotated[GcsMirror, Tag("gcs")]
    | Annotated[SftpMirror, Tag("sftp")]
    | Annotated[RsyncMirror, Tag("rsync")]
    | Annotated[WebdavMirror, Tag("webdav")]
    | Annotated[GitMirror, Tag("git")]
    | Annotated[PullMirror, Tag("pull")],
    Discriminator(kind_or("folder")),
]


class _Host(Table):
    """What all hosts have."""

    name: Name = Field(description="Its nickname: small letters, digits, hyphens.")


class GivenHost(_Host):
    """Addresses that somebody prepared."""

    kind: Literal["given"] = Field(description='"given": addresses that were prepared, used one after the other.')
    provider: str = Field(min_length=1, description="Whose network they are in: mirrors of one provider fall together.")
    urls: tuple[Base, ...] = Field(min_length=1, description="The addresses; each already shows the edition.")


class _CloudFront(_Host):
    """What addresses of CloudFront have, whatever is behind them."""

    most: int = Field(default=20, ge=1, le=500, description="Addresses it may have at once.")
    credentials: str = Field(
        default="", description="A file in AWS's form (aws_access_key_id = ...); empty: AWS_ACCESS_KEY_ID and so on."
    )
    endpoint: str = Field(default="", description="Address of the service, where it is not Amazon's own.")

    @property
    def provider(self) -> str:
        return "aws"


class CloudFrontHost(_CloudFront):
    """Addresses of CloudFront, in front of a bucket with the edition."""

    kind: Literal["cloudfront"] = Field(
        description='"cloudfront": addresses of Amazon CloudFront, in front of a bucket with the edition.'
    )
    bucket: str = Field(
        pattern=_LABEL, description='The S3 bucket behind it, such as "name.s3.eu-west-1.amazonaws.com".'
    )
    access_control: str = Field(
        min_length=1, description="The id of the origin access control that may read the bucket."
    )


class CloudFrontSiteHost(_CloudFront):
    """Addresses of CloudFront, in front of the newsroom's own site."""

    kind: Literal["cloudfront-site"] = Field(
        description='"cloudfront-site": addresses of Amazon CloudFront, in front of your own site as it is, not signed.'
    )
    site: Base = Field(min_length=1, description='The site, such as "https://www.example.org/".')
    secret: str = Field(
        min_length=1, description="A file with one line, which travels as `X-Mirror-Key` to your server."
    )
    page: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._~/-]{0,80}$",
        description='Path of the page that is looked at, best a small one like "about.html"; empty: the front page.',
    )
    shows: str = Field(
        default="", max_length=200, description="Text that always stands in that page; empty: the newsroom's title."
    )
    cache_policy: str = Field(
        default="658327ea-f89d-4fab-a63d-7e88639e58f6",
        pattern=r"^[0-9a-f-]{36}$",
        description="The id of CloudFront's cache policy; this one keeps pages apart by their path alone.",
    )

    @field_validator("site")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https":
            raise ValueError("give an address that starts with https://: the secret travels there")
        bare = parts.path == "/" and not (parts.query or parts.fragment or parts.username)
        if not bare or not re.match(_LABEL, cls._host(value)):
            raise ValueError("give the site's address alone, without a path: https://www.example.org/")
        return value

    @field_validator("page")
    @classmethod
    def _is_below(cls, value: str) -> str:
        if value.startswith("/") or ".." in value.split("/"):
            raise ValueError("leave out the slash at the beginning")
        return value

    @staticmethod
    def _host(site: str) -> str:
        return urlsplit(site).hostname or ""

    @property
    def domain(self) -> str:
        return self._host(self.site)

    @property
    def port(self) -> int:
        return urlsplit(self.site).port or 443


HostTable: TypeAlias = Annotated[
    Annotated[GivenHost, Tag("given")]
    | Annotated[CloudFrontHost, Tag("cloudfront")]
    | Annotated[CloudFrontSiteHost, Tag("cloudfront-site")],
    Discriminator(kind_or("")),
]


class Rotate(Table):
    """What readers are told of, and when mirrors are raised and rested."""

    on: bool = Field(default=True, description="Whether `heliograph run` moves mirrors by itself.")
    min_live: int = Field(default=2, ge=1, le=8, description="Mirrors that work, in each watched network.")
    providers: int = Field(default=2, ge=1, le=8, description="Different providers among them.")
    spares: int = Field(default=1, ge=0, le=8, description="Mirrors that are ready and that nobody is told of.")
    burst: int = Field(
        default=3, ge=2, le=50, description="Mirrors of one provider blocked within an hour that make it suspect."
    )
    shun: Span = Field(default="1d", description="How long the pool then moves away from that provider.")
    retire_after: Span = Field(default="3d", description="How long a raised mirror that is blocked may rest.")
    calm: Span = Field(default="2h", description="How long a mirror must work again before it comes back.")
    most_a_day: int = Field(default=12, ge=1, le=500, description="Mirrors raised within 24 hours, at most.")
    most_a_month: int = Field(default=100, ge=1, le=5_000, description="Mirrors raised within 30 days, at most.")

    @property
    def shun_seconds(self) -> int:
        return seconds(self.shun)

    @property
    def retire_after_seconds(self) -> int:
        return seconds(self.retire_after)

    @property
    def calm_seconds(self) -> int:
        return seconds(self.calm)
