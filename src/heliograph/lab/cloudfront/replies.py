"""What the API answers, as XML and headers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from heliograph.lab.cloudfront import catalogue as forms
from heliograph.lab.cloudfront.account import Control, Distribution, Invalidation, Reading
from heliograph.lab.cloudfront.markup import document, element, text
from heliograph.lab.cloudfront.refusals import Refusal

PLACE = "https://cloudfront.amazonaws.com/2020-05-31"
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)  # when the clock of virtual seconds showed 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer; ``code`` is that of a refusal."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    code: str = ""


def refused(refusal: Refusal) -> Reply:
    """A refusal."""
    inside = text("Type", "Sender") + text("Code", refusal.code) + text("Message", refusal.message)
    body = document(element("ErrorResponse", element("Error", inside), text("RequestId", "emulated")))
    return Reply(status=refusal.status, body=body, code=refusal.code)


def made(one: Distribution, now: float) -> Reply:
    """A distribution that has just begun."""
    place = ("Location", f"{PLACE}/distribution/{one.id}")
    return Reply(status=201, body=_whole(_standing(one, now), now), headers=(("ETag", one.current.etag), place))


def updated(one: Distribution, now: float) -> Reply:
    """A distribution that has just been changed."""
    return Reply(status=200, body=_whole(_standing(one, now), now), headers=(("ETag", one.current.etag),))


def distribution(read: Reading, now: float) -> Reply:
    """A distribution as it was read."""
    return Reply(status=200, body=_whole(read, now), headers=(("ETag", read.etag),))


def config(read: Reading) -> Reply:
    """Its configuration only."""
    body = document(forms.CONFIG.write("DistributionConfig", read.config))
    return Reply(status=200, body=body, headers=(("ETag", read.etag),))


def distributions(found: Sequence[Reading], more: bool, marker: str, most: int, now: float) -> Reply:
    """A page of a listing."""
    items = []
    for read in found:
        summary = forms.SUMMARY.write("DistributionSummary", read.config)
        start = len("<DistributionSummary>")
        items.append(summary[:start] + _head(read) + summary[start:])
    last = found[-1].of.id if found else ""
    return _listing("DistributionList", items, marker, last if more else "", most)


def invalidation(one: Invalidation, now: float, status: int) -> Reply:
    """One batch."""
    batch = {"Paths": {"Items": list(one.paths)}, "CallerReference": one.reference}
    body = element("Invalidation", _moment(one, now), forms.BATCH.write("InvalidationBatch", batch))
    return Reply(status=status, body=document(body))


def invalidations(found: Sequence[Invalidation], more: bool, marker: str, most: int, now: float) -> Reply:
    """A page of batches."""
    items = [element("InvalidationSummary", _moment(one, now)) for one in found]
    return _listing("InvalidationList", items, marker, found[-1].id if found and more else "", most)


def control(one: Control, status: int) -> Reply:
    """An origin access control."""
    inside = text("Id", one.id) + forms.ACCESS_CONTROL.write("OriginAccessControlConfig", one.config)
    return Reply(status=status, body=document(element("OriginAccessControl", inside)), headers=(("ETag", one.etag),))


def controls(found: Sequence[Control], more: bool, marker: str, most: int) -> Reply:
    """A page of origin access controls."""
    items = []
    for one in found:
        summary = forms.ACCESS_CONTROL.write("OriginAccessControlSummary", one.config)
        start = len("<OriginAccessControlSummary>")
        items.append(summary[:start] + text("Id", one.id) + summary[start:])
    return _listing("OriginAccessControlList", items, marker, found[-1].id if found and more else "", most)


def cache_policy(id_: str, policy: forms.CachePolicy) -> Reply:
    """A managed policy."""
    keys = element(
        "ParametersInCacheKeyAndForwardedToOrigin",
        text("EnableAcceptEncodingGzip", str(policy.compressed).lower()),
        text("EnableAcceptEncodingBrotli", str(policy.compressed).lower()),
        element("HeadersConfig", text("HeaderBehavior", "none")),
        element("CookiesConfig", text("CookieBehavior", "none")),
        element("QueryStringsConfig", text("QueryStringBehavior", "all" if policy.queries else "none")),
    )
    times = text("DefaultTTL", policy.default) + text("MaxTTL", policy.most) + text("MinTTL", policy.least)
    inside = element("CachePolicyConfig", text("Name", policy.name), times, keys)
    body = element("CachePolicy", text("Id", id_), text("LastModifiedTime", _time(0)), inside)
    return Reply(status=200, body=document(body), headers=(("ETag", "E23ZP02F085DFQ"),))


def tags(found: Mapping[str, str]) -> Reply:
    """The tags of a distribution."""
    items = [{"Key": key, "Value": value} for key, value in found.items()]
    return Reply(status=200, body=document(forms.TAGS.write("Tags", {"Items": items})))


def _standing(one: Distribution, now: float) -> Reading:
    return Reading(of=one, config=one.current.config, etag=one.current.etag, status=one.status(now))


def _whole(read: Reading, now: float) -> bytes:
    running = sum(now < one.ends for one in read.of.invalidations.values())
    nobody = text("Enabled", "false") + text("Quantity", 0)
    inside = (
        _head(read),
        text("InProgressInvalidationBatches", running),
        element("ActiveTrustedSigners", nobody),
        element("ActiveTrustedKeyGroups", nobody),
        forms.CONFIG.write("DistributionConfig", read.config),
    )
    return document(element("Distribution", *inside))


def _head(read: Reading) -> str:
    """What a distribution and its summary begin with."""
    one = read.of
    pairs = (
        ("Id", one.id),
        ("ARN", one.arn),
        ("Status", read.status),
        ("LastModifiedTime", _time(one.current.changed)),
    )
    return "".join(text(name, value) for name, value in (*pairs, ("DomainName", one.domain)))


def _moment(one: Invalidation, now: float) -> str:
    return text("Id", one.id) + text("Status", one.status(now)) + text("CreateTime", _time(one.made))


def _listing(name: str, items: Iterable[str], marker: str, following: str, most: int) -> Reply:
    listed = list(items)
    inside = (
        text("Marker", marker),
        text("NextMarker", following) if following else "",
        text("MaxItems", most),
        text("IsTruncated", "true" if following else "false"),
        text("Quantity", len(listed)),
        element("Items", *listed) if listed else "",
    )
    return Reply(status=200, body=document(element(name, *inside)))


def _time(seconds: float) -> str:
    return (_BEGAN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
