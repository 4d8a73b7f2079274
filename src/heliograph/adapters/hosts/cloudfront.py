"""Addresses of CloudFront, in front of a bucket or of the newsroom's own site. See ``ports.Host``.

Rule 1: what was made is found again. The id is in the caller reference, so that nothing is made twice, and in the
comment, because listings show no caller reference. Rule 2: only what has both is ours, and nothing else is touched.
Rule 3: an address ends in two steps, each with the version just read: switched off, then deleted when that has arrived
everywhere. If somebody changed it in between, the step begins again; it is never forced. Rule 4: keys and the secret
header come from files or the environment, and are in no error and no log of ours.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import anyio
import anyio.to_thread

from heliograph.adapters.hosts.cloudfront_calls import Calls, RefusedError, text_of
from heliograph.model import ConfigError, QuotaError, StoreError
from heliograph.model.mirror import SitePage, Stand, StandState

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
SECRET_HEADER = "X-Mirror-Key"  # noqa: S105 - the name of the header, not what is in it

_ID = re.compile(r"[a-z0-9]{4,40}")
_MARK = re.compile(r"[a-z0-9-]{1,40}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_SECRET = re.compile(r"[A-Za-z0-9_+/=.~-]{16,1024}")
_TRIES = 3  # of a step whose version was changed by somebody else
_PAGES = 100  # of a listing, each of a hundred


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """An S3 bucket that only the distributions may read."""

    domain: str  # "name.s3.region.amazonaws.com"
    access_control: str  # the id of an origin access control of type s3


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The newsroom's own site or server, passed through. It refuses whoever lacks the secret header."""

    domain: str
    secret_file: Path  # one line, at least 16 letters and digits
    port: int = 443
    scheme: Literal["https", "http"] = "https"
    cache_policy: str = CACHING_OPTIMIZED  # leaves queries out of what tells pages apart


class CloudFront:
    """See ``ports.Host``. Each host of an account has its own ``mark``: it tells its addresses from others'.

    ``site`` is how an origin that is a ``Site`` is known from outside.
    ``patience`` is how many seconds an answer may take. ``pause`` waits before a throttled call is made again.
    """

    provider = "aws"

    def __init__(
        self,
        name: str,
        origin: Bucket | Site,
        *,
        site: SitePage | None = None,
        mark: str = "heliograph",
        most: int = 500,
        credentials: Path | None = None,
        environ: Mapping[str, str] = os.environ,
        endpoint: str = "",
        patience: float = 30.0,
        pause: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.name, self.most, self.site = name, most, site
        self._where = f"host {name}"
        if not _MARK.fullmatch(mark):
            raise ConfigError("its mark is wrong", where=self._where, remedy="use small letters, digits and hyphens")
        if not _HOST.fullmatch(origin.domain):
            raise ConfigError("its origin is no host name", where=self._where, remedy="leave out https:// and the path")
        self._origin, self._mark = origin, mark
        self._calls = Calls(
            where=self._where,
            credentials=credentials,
            environ=environ,
            endpoint=endpoint,
            patience=patience,
            pause=pause,
        )
        # By id, of those that were seen to be ours: spares listings, and shows what a listing does not show yet.
        self._handles: dict[str, str] = {}

    async def stands(self) -> tuple[Stand, ...]:
        """See ``ports.Host``."""
        with self._calls.read():
            return await self._stands()

    async def raise_(self, id: str) -> Stand:  # noqa: A002 - the port's name for it
        """See ``ports.Host``."""
        self._check(id)
        with self._calls.read():
            return await self._raise(id)

    async def retire(self, id: str) -> Stand:  # noqa: A002 - the port's name for it
        """See ``ports.Host``."""
        self._check(id)
        with self._calls.read():
            return await self._retire(id)

    # --- steps ---

    async def _stands(self) -> tuple[Stand, ...]:
        found = await self._listed()
        twice = {id_ for id_, count in Counter(one.id for one in found).items() if count > 1}
        # A copy that somebody made in the console carries our comment, but not our caller reference.
        ours = [one for one in found if one.id not in twice or await self._inspected(one.id, one.handle)]
        listed = {one.id for one in ours}
        missing = [(id_, handle) for id_, handle in self._handles.items() if id_ not in listed]
        late = [await self._inspected(id_, handle) for id_, handle in missing]
        return (*ours, *(one for one in late if one))

    async def _raise(self, id_: str) -> Stand:
        if (handle := self._handles.get(id_)) and (known := await self._inspected(id_, handle)):
            return known
        ours = await self._stands()
        if found := await self._of(id_, ours):
            return found
        if len(ours) >= self.most:
            raise QuotaError(
                f"it has {len(ours)} addresses already", where=self._where, remedy="retire one, or raise the limit"
            )
        config = await anyio.to_thread.run_sync(self._config, id_)
        try:
            answer = await self._calls.make("create_distribution", DistributionConfig=config)
        except RefusedError as error:
            if error.code != "DistributionAlreadyExists":
                raise
            # Made by a call whose answer was lost, or by another process.
            if found := await self._of(id_, await self._stands()):
                return found
            raise StoreError(
                f"it has used the name {id_} before, and lists no such address",
                where=self._where,
                remedy="if this is still so in some minutes, raise another address",
            ) from None
        return self._remember(_stand(id_, answer["Distribution"]))

    async def _retire(self, id_: str) -> Stand:
        handle = self._handles.get(id_)
        if handle is None:
            found = next((one for one in await self._stands() if one.id == id_), None)
            if found is None:
                return Stand(id=id_, state="gone")
            handle = found.handle
        for _ in range(_TRIES):
            try:
                return await self._step_down(id_, handle)
            except RefusedError as error:
                if error.code == "NoSuchDistribution":
                    return self._gone(id_, handle)
                if error.code != "PreconditionFailed":
                    raise
        raise StoreError(
            f"the distribution {handle} is being changed by somebody else, or an old version of it is shown",
            where=self._where,
            remedy="it is tried again; if this stays so, look at it in the provider's console",
        )

    async def _step_down(self, id_: str, handle: str) -> Stand:
        """Switch it off, or delete it if it is off everywhere."""
        answer = await self._calls.make("get_distribution", Id=handle)
        config, etag = answer["Distribution"]["DistributionConfig"], answer["ETag"]
        if config["CallerReference"] != self._reference(id_):
            raise StoreError(
                f"the distribution {handle} carries our mark, but was not made by us",
                where=self._where,
                remedy="change its comment, or delete it by hand",
            )
        if config["Enabled"]:
            off = {**config, "Enabled": False}
            answer = await self._calls.make("update_distribution", Id=handle, IfMatch=etag, DistributionConfig=off)
            return self._remember(_stand(id_, answer["Distribution"]))
        stand = self._remember(_stand(id_, answer["Distribution"]))
        if answer["Distribution"]["Status"] != "Deployed":
            return stand
        try:
            await self._calls.make("delete_distribution", Id=handle, IfMatch=etag)
        except RefusedError as error:
            if error.code != "DistributionNotDisabled":
                raise
            return stand  # it reads switched off everywhere and is not yet, as has been seen at the real one
        return self._gone(id_, handle)

    async def _of(self, id_: str, ours: tuple[Stand, ...]) -> Stand | None:
        """The address of this id among those of a listing, inspected."""
        found = next((one for one in ours if one.id == id_), None)
        return await self._inspected(id_, found.handle) if found else None

    async def _inspected(self, id_: str, handle: str) -> Stand | None:
        """How a distribution stands; None if it is gone, or was not made by us."""
        try:
            found = (await self._calls.make("get_distribution", Id=handle))["Distribution"]
        except RefusedError as error:
            if error.code != "NoSuchDistribution":
                raise
            self._gone(id_, handle)
            return None
        if found["DistributionConfig"]["CallerReference"] != self._reference(id_):
            return None
        return self._remember(_stand(id_, found))

    async def _listed(self) -> list[Stand]:
        """All that carry our mark in their comment."""
        found: list[Stand] = []
        more: dict[str, str] = {}
        for _ in range(_PAGES):
            page = (await self._calls.make("list_distributions", MaxItems="100", **more))["DistributionList"]
            for item in page.get("Items", ()):
                mark, _, id_ = item["Comment"].partition("/")
                if mark == self._mark and _ID.fullmatch(id_):
                    found.append(_stand(id_, item))
            if not page["IsTruncated"]:
                return found
            more = {"Marker": page["NextMarker"]}
        raise StoreError("its listing does not end", where=self._where, remedy="look at it in the provider's console")

    def _remember(self, stand: Stand) -> Stand:
        self._handles[stand.id] = stand.handle
        return stand

    def _gone(self, id_: str, handle: str) -> Stand:
        self._handles.pop(id_, None)
        return Stand(id=id_, state="gone", handle=handle)

    # --- what a distribution is like ---

    def _reference(self, id_: str) -> str:
        return f"{self._mark}/{id_}"

    def _config(self, id_: str) -> dict[str, Any]:
        bucket = isinstance(self._origin, Bucket)
        behavior: dict[str, Any] = {
            "TargetOriginId": "origin",
            "ViewerProtocolPolicy": "redirect-to-https",
            "AllowedMethods": {
                "Quantity": 2,
                "Items": ["GET", "HEAD"],
                "CachedMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]},
            },
            "Compress": True,
            "CachePolicyId": CACHING_OPTIMIZED,
        }
        if isinstance(self._origin, Site):
            behavior |= {
                "CachePolicyId": self._origin.cache_policy,
                "OriginRequestPolicyId": ALL_VIEWER_EXCEPT_HOST,
            }
        return {
            "CallerReference": self._reference(id_),
            "Comment": self._reference(id_),
            "Enabled": True,
            "DefaultRootObject": "index.html" if bucket else "",
            "Origins": {"Quantity": 1, "Items": [self._origin_config()]},
            "DefaultCacheBehavior": behavior,
            "HttpVersion": "http1.1",  # on one connection for everything a curtain closes sooner
            "PriceClass": "PriceClass_100",
            "IsIPV6Enabled": True,
            "ViewerCertificate": {"CloudFrontDefaultCertificate": True},
            "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
        }

    def _origin_config(self) -> dict[str, Any]:
        made: dict[str, Any] = {"Id": "origin", "DomainName": self._origin.domain}
        match self._origin:
            case Bucket(access_control=control):
                return {**made, "OriginAccessControlId": control, "S3OriginConfig": {"OriginAccessIdentity": ""}}
            case Site(port=port, scheme=scheme) as site:
                header = {"HeaderName": SECRET_HEADER, "HeaderValue": self._secret(site)}
                own = {
                    "HTTPPort": port if scheme == "http" else 80,
                    "HTTPSPort": port if scheme == "https" else 443,
                    "OriginProtocolPolicy": f"{scheme}-only",
                    "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
                }
                return {**made, "CustomHeaders": {"Quantity": 1, "Items": [header]}, "CustomOriginConfig": own}

    def _secret(self, site: Site) -> str:
        secret = text_of(site.secret_file, "the secret of the header").strip()
        if not _SECRET.fullmatch(secret):
            raise StoreError(
                "the secret of the header is not one line of at least 16 letters and digits",
                where=str(site.secret_file),
                remedy=f"write one: openssl rand -hex 24 > {site.secret_file}",
            )
        self._calls.hide(secret)
        return secret

    def _check(self, id_: str) -> None:
        if not _ID.fullmatch(id_):
            raise StoreError("an id has 4 to 40 small letters and digits", where=self._where, remedy="make another one")


def _stand(id_: str, found: Mapping[str, Any]) -> Stand:
    """How a distribution stands, by itself or by its summary in a listing."""
    enabled = found["DistributionConfig"]["Enabled"] if "DistributionConfig" in found else found["Enabled"]
    deployed = found["Status"] == "Deployed"
    state: StandState = ("up" if deployed else "creating") if enabled else "ending"
    domain = str(found["DomainName"])
    url = f"https://{domain}/" if _HOST.fullmatch(domain) else ""
    return Stand(id=id_, state=state, url=url, handle=str(found["Id"]), note=str(found["Status"]))
