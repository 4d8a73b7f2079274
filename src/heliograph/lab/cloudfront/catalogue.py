"""The forms of what a newsroom needs of the API of 2020-05-31, and the policies that are there from the start.

Only default values, choices and single limits stand here; what two fields must agree on is in ``rules``. A feature
that is not emulated (functions, signers, origin groups, field encryption) may be named with a quantity of 0 only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from heliograph.lab.cloudfront.shapes import Field, Flag, Group, Listing, Struct, Text, Whole

MAX_PATHS = 3_000  # of one batch
MAX_TAGS = 50  # of one distribution
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS", "DELETE")
_NONE: Mapping[str, list[object]] = MappingProxyType({"Items": []})


def _must(shape: Text | Whole | Flag | Struct | Group) -> Field:
    return Field(shape, needed=True)


def _unused(tag: str, **also: Field) -> Field:
    """A list of something that is not emulated."""
    shape = Group(tag, Text(), most=0, also=also)
    return Field(shape, default={"Items": [], **{name: field.default for name, field in also.items()}})


def _some(tag: str, most: int, code: str = "InvalidArgument", text: Text = Text(most=256)) -> Field:  # noqa: B008
    return Field(Group(tag, text, most=most, code=code), default=dict(_NONE))


_HEADER = Struct({"HeaderName": _must(Text(most=256)), "HeaderValue": _must(Text(most=1_783))})
_CUSTOM_ORIGIN = Struct(
    {
        "HTTPPort": _must(Whole(1, 65_535)),
        "HTTPSPort": _must(Whole(1, 65_535)),
        "OriginProtocolPolicy": _must(Text(("http-only", "match-viewer", "https-only"))),
        "OriginSslProtocols": Field(
            Group("SslProtocol", Text(("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2")), least=1, most=4),
            default={"Items": ["TLSv1", "TLSv1.1", "TLSv1.2"]},
        ),
        "OriginReadTimeout": Field(Whole(1, 120, "InvalidOriginReadTimeout"), default=30),
        "OriginKeepaliveTimeout": Field(Whole(1, 120, "InvalidOriginKeepaliveTimeout"), default=5),
        "IpAddressType": Field(Text(("ipv4", "ipv6", "dualstack"))),
    }
)
_ORIGIN = Struct(
    {
        "Id": _must(Text(most=128)),
        "DomainName": _must(Text(most=253)),
        "OriginPath": Field(Text(most=255), default=""),
        "CustomHeaders": Field(
            Group("OriginCustomHeader", _HEADER, most=30, code="TooManyOriginCustomHeaders"), default=dict(_NONE)
        ),
        "S3OriginConfig": Field(Struct({"OriginAccessIdentity": _must(Text(most=128))})),
        "CustomOriginConfig": Field(_CUSTOM_ORIGIN),
        "ConnectionAttempts": Field(Whole(1, 3), default=3),
        "ConnectionTimeout": Field(Whole(1, 10), default=10),
        "OriginShield": Field(Struct({"Enabled": _must(Flag())}), default={"Enabled": False}),
        "OriginAccessControlId": Field(Text(most=64), default=""),
    }
)
_COOKIES = Struct(
    {"Forward": _must(Text(("none", "whitelist", "all"))), "WhitelistedNames": Field(Group("Name", Text()))}
)
_FORWARDED = Struct(
    {
        "QueryString": _must(Flag()),
        "Cookies": _must(_COOKIES),
        "Headers": _some("Name", 10, "TooManyHeadersInForwardedValues"),
        "QueryStringCacheKeys": _some("Name", 10, "TooManyQueryStringParameters"),
    }
)
_METHOD = Text(METHODS)
_OFF = Field(Flag(), default=False)
_TTL = Field(Whole(0, 31_536_000_000))
_BEHAVIOR = MappingProxyType(
    {
        "TargetOriginId": _must(Text(most=128)),
        "TrustedSigners": _unused("AwsAccountNumber", Enabled=_OFF),
        "TrustedKeyGroups": _unused("KeyGroup", Enabled=_OFF),
        "ViewerProtocolPolicy": _must(Text(("allow-all", "https-only", "redirect-to-https"))),
        "AllowedMethods": Field(
            Group(
                "Method",
                _METHOD,
                also={"CachedMethods": Field(Group("Method", _METHOD), default={"Items": ["HEAD", "GET"]})},
            ),
            default={"Items": ["HEAD", "GET"], "CachedMethods": {"Items": ["HEAD", "GET"]}},
        ),
        "SmoothStreaming": _OFF,
        "Compress": _OFF,
        "LambdaFunctionAssociations": _unused("LambdaFunctionAssociation"),
        "FunctionAssociations": _unused("FunctionAssociation"),
        "FieldLevelEncryptionId": Field(Text(("",)), default=""),
        "RealtimeLogConfigArn": Field(Text(("",))),
        "CachePolicyId": Field(Text(most=64)),
        "OriginRequestPolicyId": Field(Text(most=64)),
        "ResponseHeadersPolicyId": Field(Text(most=64)),
        "GrpcConfig": Field(Struct({"Enabled": _must(Flag())})),
        "ForwardedValues": Field(_FORWARDED),
        "MinTTL": _TTL,
        "DefaultTTL": _TTL,
        "MaxTTL": _TTL,
    }
)
_ERROR_PAGE = Struct(
    {
        "ErrorCode": _must(Whole(0, 999)),
        "ResponsePagePath": Field(Text(most=255), default=""),
        "ResponseCode": Field(Text(most=3), default=""),
        "ErrorCachingMinTTL": Field(Whole(0, 31_536_000), default=10),
    }
)
_CERTIFICATE = Struct(
    {
        "CloudFrontDefaultCertificate": Field(Flag(), default=False),
        "IAMCertificateId": Field(Text(most=32)),
        "ACMCertificateArn": Field(Text(most=256)),
        "SSLSupportMethod": Field(Text(("sni-only", "vip", "static-ip")), default="sni-only"),
        "MinimumProtocolVersion": Field(Text(most=32), default="TLSv1"),
        "Certificate": Field(Text(most=256)),
        "CertificateSource": Field(Text(("cloudfront", "iam", "acm")), default="cloudfront"),
    }
)
_GEO = Group(
    "Location", Text(most=2), most=300, also={"RestrictionType": _must(Text(("blacklist", "whitelist", "none")))}
)
_BUILT_IN = {
    "CloudFrontDefaultCertificate": True,
    "SSLSupportMethod": "sni-only",
    "MinimumProtocolVersion": "TLSv1",
    "CertificateSource": "cloudfront",
}
_NO_LOG = {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""}
_BEHAVIORS = Group(
    "CacheBehavior",
    Struct({"PathPattern": _must(Text(most=255)), **_BEHAVIOR}),
    most=75,
    code="TooManyCacheBehaviors",
)

CONFIG = Struct(
    {
        "CallerReference": _must(Text(most=128)),
        "Aliases": _some("CNAME", 100, "TooManyDistributionCNAMEs"),
        "DefaultRootObject": Field(Text(most=255), default=""),
        "Origins": _must(Group("Origin", _ORIGIN, least=1, most=100, code="TooManyOrigins")),
        "OriginGroups": _unused("OriginGroup"),
        "DefaultCacheBehavior": _must(Struct(_BEHAVIOR)),
        "CacheBehaviors": Field(_BEHAVIORS, default=dict(_NONE)),
        "CustomErrorResponses": Field(Group("CustomErrorResponse", _ERROR_PAGE), default=dict(_NONE)),
        "Comment": _must(Text(most=128)),
        "Logging": Field(
            Struct(
                {
                    "Enabled": Field(Flag(), default=False),
                    "IncludeCookies": Field(Flag(), default=False),
                    "Bucket": Field(Text(), default=""),
                    "Prefix": Field(Text(), default=""),
                }
            ),
            default=_NO_LOG,
        ),
        "PriceClass": Field(Text(("PriceClass_100", "PriceClass_200", "PriceClass_All")), default="PriceClass_All"),
        "Enabled": _must(Flag()),
        "ViewerCertificate": Field(_CERTIFICATE, default=_BUILT_IN),
        "Restrictions": Field(
            Struct({"GeoRestriction": _must(_GEO)}),
            default={"GeoRestriction": {"Items": [], "RestrictionType": "none"}},
        ),
        "WebACLId": Field(Text(), default=""),
        "HttpVersion": Field(Text(("http1.1", "http2", "http3", "http2and3")), default="http2"),
        "IsIPV6Enabled": Field(Flag(), default=False),
        "ContinuousDeploymentPolicyId": Field(Text(("",)), default=""),
        "Staging": Field(Flag(), default=False),
    }
)
_SUMMARY = (
    "Aliases Origins OriginGroups DefaultCacheBehavior CacheBehaviors CustomErrorResponses Comment PriceClass Enabled "
    "ViewerCertificate Restrictions WebACLId HttpVersion IsIPV6Enabled Staging"
)
SUMMARY = Struct({name: CONFIG.fields[name] for name in _SUMMARY.split()})  # no CallerReference: so it is with AWS

_TAG = Struct({"Key": _must(Text(most=128)), "Value": Field(Text(most=256), default="")})
TAGS = Struct({"Items": Field(Listing("Tag", _TAG), default=[])})
TAG_KEYS = Struct({"Items": Field(Listing("Key", Text(most=128)), default=[])})
TAGGED = Struct({"DistributionConfig": _must(CONFIG), "Tags": _must(TAGS)})
BATCH = Struct(
    {
        "Paths": _must(Group("Path", Text(most=4_000), least=1, most=MAX_PATHS, code="BatchTooLarge")),
        "CallerReference": _must(Text(most=128)),
    }
)
ACCESS_CONTROL = Struct(
    {
        "Name": _must(Text(most=64)),
        "Description": Field(Text(most=256), default=""),
        "SigningProtocol": _must(Text(("sigv4",))),
        "SigningBehavior": _must(Text(("never", "always", "no-override"))),
        "OriginAccessControlOriginType": _must(Text(("s3", "mediastore", "mediapackagev2", "lambda"))),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePolicy:
    """How long, and by what, answers are told apart."""

    name: str
    least: int = 0  # seconds, whatever the origin says
    default: int = 0  # where the origin says nothing
    most: int = 0
    queries: bool = False  # whether they tell answers apart
    compressed: bool = False  # whether encodings are asked of the origin, and made


CACHE_POLICIES = MappingProxyType(
    {
        "658327ea-f89d-4fab-a63d-7e88639e58f6": CachePolicy(
            name="Managed-CachingOptimized", least=1, default=86_400, most=31_536_000, compressed=True
        ),
        "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": CachePolicy(
            name="Managed-CachingOptimizedForUncompressedObjects", least=1, default=86_400, most=31_536_000
        ),
        "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": CachePolicy(name="Managed-CachingDisabled"),
        "4cc15a8a-d715-48a4-82b8-cc0b614638fe": CachePolicy(
            name="Managed-UseOriginCacheControlHeaders-QueryStrings", most=31_536_000, queries=True, compressed=True
        ),
    }
)
REQUEST_POLICIES = MappingProxyType(
    {
        "b689b0a8-53d0-40ab-baf2-68738e2966ac": "Managed-AllViewerExceptHostHeader",
        "216adef6-5c7f-47e4-b989-5492eafa07d3": "Managed-AllViewer",
    }
)
HEADERS_POLICIES = MappingProxyType({"67f7725c-6f97-4210-82d7-5512b31e9d03": "Managed-SecurityHeadersPolicy"})
