"""What the fields of a configuration must agree on with each other, and with what the account holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address

from heliograph.lab.cloudfront.catalogue import CACHE_POLICIES, HEADERS_POLICIES, METHODS, REQUEST_POLICIES
from heliograph.lab.cloudfront.refusals import Refusal
from heliograph.lab.cloudfront.shapes import Fields

_DAY, _YEAR = 86_400, 31_536_000  # seconds; the times to live that hold where none is given
_NAME = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE
)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\.s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OWN_HEADERS = ("x-amz-", "x-edge-")  # the service sets these itself, and the ones below
_FORBIDDEN = frozenset(
    [
        "cache-control",
        "connection",
        "content-length",
        "cookie",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "max-forwards",
        "pragma",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "range",
        "request-range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "x-real-ip",
    ]
)
_METHOD_SETS = ({"GET", "HEAD"}, {"GET", "HEAD", "OPTIONS"}, set(METHODS))
_ERRORS = {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}


def check(config: Fields, controls: Mapping[str, Fields]) -> None:
    """Whether a configuration may stand in an account with these origin access ``controls``; fills in times to live.

    Raises:
        Refusal: it may not.
    """
    for origin in config["Origins"]["Items"]:
        _origin(origin, controls)
    names = [origin["Id"] for origin in config["Origins"]["Items"]]
    if len(set(names)) != len(names):
        raise Refusal("InvalidArgument", "two origins have the same Id")
    behaviors = [config["DefaultCacheBehavior"], *config["CacheBehaviors"]["Items"]]
    for behavior in behaviors:
        if behavior["TargetOriginId"] not in names:
            raise Refusal("NoSuchOrigin", f"TargetOriginId {behavior['TargetOriginId'][:40]} is no origin of it")
        _methods(behavior["AllowedMethods"])
        _policies(behavior)
    if config["DefaultRootObject"].startswith("/"):
        raise Refusal("InvalidDefaultRootObject", "DefaultRootObject begins with a slash")
    if config["Logging"]["Enabled"] and not config["Logging"]["Bucket"]:
        raise Refusal("InvalidArgument", "Logging is on without a Bucket")
    _certificate(config)
    for page in config["CustomErrorResponses"]["Items"]:
        if page["ErrorCode"] not in _ERRORS:
            raise Refusal("InvalidErrorCode", f"ErrorCode {page['ErrorCode']}")
        if bool(page["ResponsePagePath"]) != bool(page["ResponseCode"]):
            raise Refusal("InvalidResponseCode", "ResponsePagePath and ResponseCode go together")


def _origin(origin: Fields, controls: Mapping[str, Fields]) -> None:
    domain, bucket, own = origin["DomainName"], origin.get("S3OriginConfig"), origin.get("CustomOriginConfig")
    if (bucket is None) == (own is None):
        raise Refusal("InvalidOrigin", "an origin has either S3OriginConfig or CustomOriginConfig")
    if not _NAME.fullmatch(domain) or _is_address(domain):
        raise Refusal("InvalidArgument", f"DomainName {domain[:80]} is no host name")
    if bucket is not None and not _BUCKET.fullmatch(domain):
        raise Refusal("InvalidOrigin", f"DomainName {domain[:80]} is no bucket")
    path = origin["OriginPath"]
    if path and (not path.startswith("/") or path.endswith("/")):
        raise Refusal("InvalidArgument", "OriginPath begins with a slash and ends without one")
    if own is not None:
        for port in (own["HTTPPort"], own["HTTPSPort"]):
            if port not in (80, 443) and port < 1_024:
                raise Refusal("InvalidArgument", f"port {port} is none of 80, 443, 1024 to 65535")
    _control(origin["OriginAccessControlId"], bucket, controls)
    for header in origin["CustomHeaders"]["Items"]:
        _header(header["HeaderName"], header["HeaderValue"])


def _control(control: str, bucket: Fields | None, controls: Mapping[str, Fields]) -> None:
    if not control:
        return
    if control not in controls:
        raise Refusal("InvalidOriginAccessControl", "there is no such origin access control")
    if bucket is not None and bucket["OriginAccessIdentity"]:
        raise Refusal("IllegalOriginAccessConfiguration", "an access control and an access identity at once")
    if (controls[control]["OriginAccessControlOriginType"] == "s3") != (bucket is not None):
        raise Refusal("InvalidDomainNameForOriginAccessControl", "the access control is for another kind of origin")


def _header(name: str, value: str) -> None:
    low = name.lower()
    if not _TOKEN.fullmatch(name) or low in _FORBIDDEN or low.startswith(_OWN_HEADERS):
        raise Refusal("InvalidArgument", f"HeaderName {name[:40]} may not be added")
    if not value.isascii() or not value.isprintable():
        raise Refusal("InvalidArgument", f"the value of {name[:40]} is not of printable ASCII")


def _methods(allowed: Fields) -> None:
    methods, cached = set(allowed["Items"]), set(allowed["CachedMethods"]["Items"])
    if methods not in _METHOD_SETS or cached not in _METHOD_SETS[:2] or not cached <= methods:
        raise Refusal(
            "InvalidArgument", "AllowedMethods are two, three or all seven, CachedMethods two or three of them"
        )


def _policies(behavior: Fields) -> None:
    policy, legacy = behavior.get("CachePolicyId"), behavior.get("ForwardedValues")
    if bool(policy) == (legacy is not None):
        raise Refusal("InvalidArgument", "a behavior has either CachePolicyId or ForwardedValues")
    if policy and policy not in CACHE_POLICIES:
        raise Refusal("NoSuchCachePolicy", "there is no such cache policy")
    request, headers = behavior.get("OriginRequestPolicyId"), behavior.get("ResponseHeadersPolicyId")
    if request and not policy:
        raise Refusal("InvalidArgument", "OriginRequestPolicyId goes with CachePolicyId only")
    if request and request not in REQUEST_POLICIES:
        raise Refusal("NoSuchOriginRequestPolicy", "there is no such origin request policy")
    if headers and headers not in HEADERS_POLICIES:
        raise Refusal("NoSuchResponseHeadersPolicy", "there is no such response headers policy")
    if policy:
        if stray := {"MinTTL", "DefaultTTL", "MaxTTL"} & set(behavior):
            raise Refusal("InvalidArgument", f"{min(stray)} does not go with CachePolicyId")
        return
    if "MinTTL" not in behavior:
        raise Refusal("InvalidArgument", "ForwardedValues goes with MinTTL")
    least = behavior["MinTTL"]
    default = behavior.setdefault("DefaultTTL", max(_DAY, least))
    most = behavior.setdefault("MaxTTL", max(_YEAR, default))
    if not least <= default <= most:
        raise Refusal("InvalidTTLOrder", "not MinTTL <= DefaultTTL <= MaxTTL")


def _certificate(config: Fields) -> None:
    certificate, aliases = config["ViewerCertificate"], config["Aliases"]["Items"]
    own = [key for key in ("IAMCertificateId", "ACMCertificateArn") if certificate.get(key)]
    if len(own) + certificate["CloudFrontDefaultCertificate"] != 1:
        raise Refusal("InvalidViewerCertificate", "exactly one certificate is used")
    if aliases and not own:
        raise Refusal("InvalidViewerCertificate", "Aliases need a certificate of their own")
    if any(not _NAME.fullmatch(alias.removeprefix("*.")) for alias in aliases):
        raise Refusal("InvalidArgument", "an alias is no host name")


def _is_address(domain: str) -> bool:
    try:
        ip_address(domain)
    except ValueError:
        return False
    return True
