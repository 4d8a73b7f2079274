"""The emulated CloudFront's API: each limit at its edge, by unmodified boto3."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from tests.lab.cloudfront_world import (
    CACHED,
    FORWARDED,
    UNCACHED,
    Clock,
    Serving,
    behavior,
    client,
    code,
    config,
    listed,
    serving,
    site,
)

from heliograph.lab.cloudfront import Cloud, Terms, faults


class Here:
    """A cloud, its clock, and boto3 that talks to it."""

    def __init__(self, clock: Clock, served: Serving) -> None:
        self.clock, self.served, self.cloud = clock, served, served.cloud
        self.boto = client(served.at.api)

    def create(self, reference: str = "first", **changes: Any) -> Any:
        return self.boto.create_distribution(DistributionConfig=config(reference, **changes))

    def terms(self, **changes: Any) -> None:
        self.cloud.account.terms = Terms(**changes)

    def status(self, id_: str) -> str:
        return str(self.boto.get_distribution(Id=id_)["Distribution"]["Status"])

    def off(self, id_: str) -> str:
        """Switch it off; returns the new version."""
        found = self.boto.get_distribution_config(Id=id_)
        changed = {**found["DistributionConfig"], "Enabled": False}
        return str(self.boto.update_distribution(Id=id_, IfMatch=found["ETag"], DistributionConfig=changed)["ETag"])


@pytest.fixture
def here() -> Iterator[Here]:
    clock = Clock()
    with serving(Cloud(clock=clock)) as served:
        yield Here(clock, served)


def id_of(answer: Any) -> str:
    return str(answer["Distribution"]["Id"])


def test_a_distribution_has_an_id_a_domain_a_version_and_is_in_progress(here: Here) -> None:
    answer = here.create(Comment="what is it")
    made = answer["Distribution"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["Status"] == "InProgress"
    assert made["DomainName"].endswith(".cloudfront.net")
    assert made["ARN"].endswith(f":distribution/{made['Id']}")
    assert answer["Location"].endswith(made["Id"])
    assert answer["ETag"].startswith("E")
    assert (made["DistributionConfig"]["Comment"], made["DistributionConfig"]["HttpVersion"]) == ("what is it", "http2")


def test_what_is_read_can_be_written_back_as_it_is(here: Here) -> None:
    header = {"HeaderName": "X-Mirror-Key", "HeaderValue": "k & <v>\"'"}
    id_ = id_of(here.create(Origins=listed(site(CustomHeaders=listed(header)))))
    before = here.boto.get_distribution_config(Id=id_)
    here.boto.update_distribution(Id=id_, IfMatch=before["ETag"], DistributionConfig=before["DistributionConfig"])
    after = here.boto.get_distribution_config(Id=id_)
    assert after["DistributionConfig"] == before["DistributionConfig"]
    assert after["DistributionConfig"]["Origins"]["Items"][0]["CustomHeaders"]["Items"] == [header]
    assert after["ETag"] != before["ETag"]


def test_a_caller_reference_is_used_once_whatever_else_is_asked(here: Here) -> None:
    here.create()
    assert code(here.create) == "DistributionAlreadyExists"
    assert code(lambda: here.create(Comment="another", Enabled=False)) == "DistributionAlreadyExists"
    assert code(lambda: here.create("second")) == ""
    assert len(here.cloud.account.distributions) == 2


@pytest.mark.parametrize(("burnt", "then"), [(False, ""), (True, "DistributionAlreadyExists")])
def test_the_reference_of_a_deleted_one_is_free_or_burnt(here: Here, burnt: bool, then: str) -> None:
    here.terms(polls=0, burnt=burnt)
    id_ = id_of(here.create())
    here.boto.delete_distribution(Id=id_, IfMatch=here.off(id_))
    assert code(here.create) == then


# --- versions ---


def test_a_change_needs_the_version_that_stands(here: Here) -> None:
    here.terms(polls=0)
    made = here.create()
    id_, first = id_of(made), made["ETag"]
    second = here.off(id_)
    changed = here.boto.get_distribution_config(Id=id_)["DistributionConfig"]

    def update(**match: str) -> str:
        return code(lambda: here.boto.update_distribution(Id=id_, DistributionConfig=changed, **match))

    def delete(**match: str) -> str:
        return code(lambda: here.boto.delete_distribution(Id=id_, **match))

    for change in (update, delete):
        assert change() == "InvalidIfMatchVersion"
        assert change(IfMatch="*") == "InvalidIfMatchVersion"
        assert change(IfMatch=f'"{second}"') == "InvalidIfMatchVersion"
        assert change(IfMatch=first) == "PreconditionFailed"
    assert update(IfMatch=second) == ""
    assert delete(IfMatch=second) == "PreconditionFailed"


def test_the_caller_reference_stays(here: Here) -> None:
    made = here.create()
    other = here.boto.get_distribution_config(Id=id_of(made))["DistributionConfig"] | {"CallerReference": "other"}
    given = {"Id": id_of(made), "IfMatch": made["ETag"], "DistributionConfig": other}
    assert code(lambda: here.boto.update_distribution(**given)) == "IllegalUpdate"


def test_what_is_not_there_is_said_so(here: Here) -> None:
    for call, more in (
        ("get_distribution", {}),
        ("get_distribution_config", {}),
        ("delete_distribution", {"IfMatch": "E2QWRUHAPOMQZL"}),
        ("update_distribution", {"IfMatch": "E2QWRUHAPOMQZL", "DistributionConfig": config()}),
    ):
        assert code(lambda call=call, more=more: getattr(here.boto, call)(Id="ENONE", **more)) == "NoSuchDistribution"  # type: ignore[misc]


# --- the way to Deployed, and to the end ---


def test_it_is_in_progress_for_so_many_looks(here: Here) -> None:
    here.terms(polls=2)
    id_ = id_of(here.create())
    assert [here.status(id_) for _ in range(4)] == ["InProgress", "InProgress", "Deployed", "Deployed"]
    here.off(id_)
    seen = [here.boto.list_distributions()["DistributionList"]["Items"][0]["Status"] for _ in range(3)]
    assert seen == ["InProgress", "InProgress", "Deployed"]


def test_it_is_in_progress_for_so_many_seconds(here: Here) -> None:
    here.terms(polls=0, spread=300)
    id_ = id_of(here.create())
    here.clock.now = 299
    assert here.status(id_) == "InProgress"
    here.clock.now = 300
    assert here.status(id_) == "Deployed"


def test_only_what_is_off_everywhere_can_be_deleted(here: Here) -> None:
    here.terms(polls=0, spread=300, tail=1)
    made = here.create()
    id_ = id_of(made)
    delete = lambda version: code(lambda: here.boto.delete_distribution(Id=id_, IfMatch=version))  # noqa: E731
    here.clock.now = 1_000
    assert delete(made["ETag"]) == "DistributionNotDisabled"  # it is on
    version = here.off(id_)
    here.clock.now = 1_299
    assert delete(version) == "DistributionNotDisabled"  # on its way
    here.clock.now = 1_300
    assert here.status(id_) == "Deployed"
    assert delete(version) == "DistributionNotDisabled"  # it reads so, and is not
    assert delete(version) == ""
    assert delete(version) == "NoSuchDistribution"


def test_reads_may_be_stale_and_changes_are_not(here: Here) -> None:
    here.terms(polls=0, stale=5)
    made = here.create()
    second = here.off(id_of(made))
    seen = here.boto.get_distribution(Id=id_of(made))
    assert seen["ETag"] == made["ETag"]
    assert seen["Distribution"]["DistributionConfig"]["Enabled"]
    delete = lambda: here.boto.delete_distribution(Id=id_of(made), IfMatch=seen["ETag"])  # noqa: E731
    assert code(delete) == "PreconditionFailed"
    here.clock.now = 5
    assert here.boto.get_distribution(Id=id_of(made))["ETag"] == second


# --- configurations ---

HEADER = {"HeaderName": "X-Any", "HeaderValue": "v"}
LEGACY = {"QueryString": False, "Cookies": {"Forward": "none"}}


def older(**times: int) -> dict[str, Any]:
    return {"DefaultCacheBehavior": behavior(CachePolicyId=None, ForwardedValues=LEGACY, **times)}


def origin(**changes: Any) -> dict[str, Any]:
    return {"Origins": listed(site(**changes))}


def bucket(**changes: Any) -> dict[str, Any]:
    made = site("edition.s3.eu-central-1.amazonaws.com", S3OriginConfig={"OriginAccessIdentity": ""}, **changes)
    del made["CustomOriginConfig"]
    return {"Origins": listed(made)}


def own(**changes: Any) -> dict[str, Any]:
    return origin(CustomOriginConfig={**site()["CustomOriginConfig"], **changes})


def cached(**changes: Any) -> dict[str, Any]:
    return {"DefaultCacheBehavior": behavior(**changes)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Comment": "c" * 128}, ""),
        ({"Comment": "c" * 129}, "InvalidArgument"),
        ({"CallerReference": ""}, "InvalidArgument"),
        ({"PriceClass": "PriceClass_100"}, ""),
        ({"PriceClass": "PriceClass_300"}, "MalformedXML"),
        ({"HttpVersion": "http1.1"}, ""),
        ({"HttpVersion": "HTTP1.1"}, "MalformedXML"),
        ({"DefaultRootObject": "index.html"}, ""),
        ({"DefaultRootObject": "/index.html"}, "InvalidDefaultRootObject"),
        ({"Origins": {"Quantity": 2, "Items": [site()]}}, "InconsistentQuantities"),
        ({"Origins": {"Quantity": 0, "Items": [site()]}}, "InconsistentQuantities"),
        ({"Origins": listed(site(), site())}, "InvalidArgument"),
        ({"Origins": listed(*(site(Id=f"o{n}") for n in range(99)), site())}, ""),
        ({"Origins": listed(*(site(Id=f"o{n}") for n in range(100)), site())}, "TooManyOrigins"),
        ({"Aliases": listed("news.example")}, "InvalidViewerCertificate"),
        ({"Aliases": {"Quantity": 1}}, "InconsistentQuantities"),
        ({"ViewerCertificate": {"CloudFrontDefaultCertificate": False}}, "InvalidViewerCertificate"),
        ({"Logging": {"Enabled": True, "IncludeCookies": False, "Bucket": "", "Prefix": ""}}, "InvalidArgument"),
        ({"WebACLId": ""}, ""),
        ({"OriginGroups": {"Quantity": 0}}, ""),
        ({"CustomErrorResponses": listed({"ErrorCode": 404, "ErrorCachingMinTTL": 0})}, ""),
        ({"CustomErrorResponses": listed({"ErrorCode": 418})}, "InvalidErrorCode"),
        ({"CustomErrorResponses": listed({"ErrorCode": 404, "ResponseCode": "200"})}, "InvalidResponseCode"),
        (origin(Id="other"), "NoSuchOrigin"),
        (origin(DomainName="127.0.0.1"), "InvalidArgument"),
        (origin(DomainName="https://news.example/"), "InvalidArgument"),
        (origin(OriginPath="/a"), ""),
        (origin(OriginPath="/a/"), "InvalidArgument"),
        (origin(CustomHeaders=listed(*[HEADER] * 30)), ""),
        (origin(CustomHeaders=listed(*[HEADER] * 31)), "TooManyOriginCustomHeaders"),
        (origin(CustomHeaders=listed(HEADER | {"HeaderValue": "v" * 1_783})), ""),
        (origin(CustomHeaders=listed(HEADER | {"HeaderValue": "v" * 1_784})), "InvalidArgument"),
        (origin(CustomHeaders=listed(HEADER | {"HeaderValue": "a\nb"})), "InvalidArgument"),
        (origin(CustomHeaders=listed(HEADER | {"HeaderName": "Host"})), "InvalidArgument"),
        (origin(CustomHeaders=listed(HEADER | {"HeaderName": "X-Amz-Any"})), "InvalidArgument"),
        (origin(ConnectionAttempts=3, ConnectionTimeout=10), ""),
        (origin(ConnectionAttempts=4), "InvalidArgument"),
        (origin(ConnectionTimeout=11), "InvalidArgument"),
        (origin(S3OriginConfig={"OriginAccessIdentity": ""}), "InvalidOrigin"),
        (origin(OriginAccessControlId="ENONE"), "InvalidOriginAccessControl"),
        (own(HTTPSPort=1_024), ""),
        (own(HTTPSPort=1_023), "InvalidArgument"),
        (own(HTTPSPort=65_536), "InvalidArgument"),
        (own(OriginReadTimeout=120, OriginKeepaliveTimeout=120), ""),
        (own(OriginReadTimeout=121), "InvalidOriginReadTimeout"),
        (own(OriginKeepaliveTimeout=0), "InvalidOriginKeepaliveTimeout"),
        (own(OriginProtocolPolicy="https"), "MalformedXML"),
        (own(OriginSslProtocols=listed()), "InvalidArgument"),
        (own(OriginMtlsConfig={"ClientCertificateArn": "arn"}), "MalformedXML"),  # real, and not emulated
        (bucket(), ""),
        (bucket(DomainName="b.example"), "InvalidOrigin"),
        (cached(CachePolicyId=UNCACHED, OriginRequestPolicyId=FORWARDED), ""),
        (cached(CachePolicyId="11111111-2222-3333-4444-555555555555"), "NoSuchCachePolicy"),
        (cached(OriginRequestPolicyId="none"), "NoSuchOriginRequestPolicy"),
        (cached(ResponseHeadersPolicyId="none"), "NoSuchResponseHeadersPolicy"),
        (cached(CachePolicyId=None), "InvalidArgument"),
        (cached(ForwardedValues=LEGACY), "InvalidArgument"),
        (cached(MinTTL=0), "InvalidArgument"),
        (
            cached(CachePolicyId=None, ForwardedValues=LEGACY, OriginRequestPolicyId=FORWARDED, MinTTL=0),
            "InvalidArgument",
        ),
        (older(), "InvalidArgument"),
        (older(MinTTL=0), ""),
        (older(MinTTL=60, DefaultTTL=60, MaxTTL=60), ""),
        (older(MinTTL=61, DefaultTTL=60, MaxTTL=60), "InvalidTTLOrder"),
        (older(MinTTL=0, DefaultTTL=61, MaxTTL=60), "InvalidTTLOrder"),
        (cached(AllowedMethods=listed("GET", "HEAD")), ""),
        (cached(AllowedMethods=listed("GET", "HEAD", "POST")), "InvalidArgument"),
        (
            cached(AllowedMethods=listed("HEAD", "GET", CachedMethods=listed("GET", "HEAD", "OPTIONS"))),
            "InvalidArgument",
        ),
        (cached(TrustedSigners={"Enabled": False, "Quantity": 0}), ""),
        (cached(TrustedSigners=listed("123456789012", Enabled=True)), "InvalidArgument"),  # real, and not emulated
        ({"CacheBehaviors": listed(*(behavior(PathPattern=f"/{n}/*") for n in range(75)))}, ""),
        ({"CacheBehaviors": listed(*(behavior(PathPattern=f"/{n}/*") for n in range(76)))}, "TooManyCacheBehaviors"),
        ({"CacheBehaviors": listed(behavior(PathPattern="/c/*", TargetOriginId="none"))}, "NoSuchOrigin"),
    ],
)
def test_a_configuration_is_taken_or_refused(here: Here, changes: dict[str, Any], expected: str) -> None:
    assert code(lambda: here.create(**changes)) == expected
    assert here.cloud.account.made == (expected == "")


def test_missing_lists_are_told_with_the_status_the_documentation_gives(here: Here) -> None:
    for changes, status in (
        (cached(CachePolicyId="none"), 404),
        (origin(Id="other"), 404),
        ({"Comment": "c" * 129}, 400),
    ):
        with pytest.raises(ClientError) as caught:
            here.create(**changes)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_an_alias_belongs_to_one_distribution(here: Here) -> None:
    certificate = {"ACMCertificateArn": "arn:aws:acm:us-east-1:1:certificate/1", "SSLSupportMethod": "sni-only"}
    alias = {"Aliases": listed("m.example"), "ViewerCertificate": certificate}
    here.create("first", **alias)
    assert code(lambda: here.create("second", **alias)) == "CNAMEAlreadyExists"


def test_the_quota_is_exact_and_room_is_made_by_deleting(here: Here) -> None:
    here.terms(distributions=2, polls=0)
    id_ = id_of(here.create("1"))
    here.create("2")
    assert code(lambda: here.create("3")) == "TooManyDistributions"
    here.boto.delete_distribution(Id=id_, IfMatch=here.off(id_))
    assert code(lambda: here.create("3")) == ""
    assert here.cloud.asked["CreateDistribution", "TooManyDistributions"] == 1


# --- listings ---


def test_a_listing_comes_in_pages_and_shows_no_caller_reference(here: Here) -> None:
    ids = {id_of(here.create(str(n), Comment=f"c{n}")) for n in range(5)}
    pages, marker = [], {}
    while True:
        page = here.boto.list_distributions(MaxItems="2", **marker)["DistributionList"]
        pages.append([one["Id"] for one in page["Items"]])
        if not page["IsTruncated"]:
            break
        marker = {"Marker": page["NextMarker"]}
    assert [len(page) for page in pages] == [2, 2, 1]
    assert {id_ for page in pages for id_ in page} == ids
    assert "CallerReference" not in page["Items"][0]
    assert here.boto.list_distributions(Marker="F")["DistributionList"]["Quantity"] == 0
    assert code(lambda: here.boto.list_distributions(MaxItems="0")) == "InvalidArgument"
    assert code(lambda: here.boto.list_distributions(MaxItems="many")) == "InvalidArgument"


def test_a_page_holds_a_hundred_at_most(here: Here) -> None:
    for n in range(101):
        here.cloud.account.create(_config(str(n)))
    page = here.boto.list_distributions(MaxItems="1000")["DistributionList"]
    assert (page["Quantity"], page["MaxItems"], page["IsTruncated"]) == (100, 100, True)


def test_a_new_one_may_be_listed_late(here: Here) -> None:
    here.terms(late=10)
    id_ = id_of(here.create())
    assert here.boto.list_distributions()["DistributionList"]["Quantity"] == 0
    assert here.status(id_) == "InProgress"
    here.clock.now = 10
    assert here.boto.list_distributions()["DistributionList"]["Quantity"] == 1


def _config(reference: str) -> dict[str, Any]:
    """A configuration as the account holds it, made by the way of a first one."""
    from heliograph.lab.cloudfront.catalogue import CONFIG
    from heliograph.lab.cloudfront.markup import parse

    origins = (
        "<Origins><Quantity>1</Quantity><Items><Origin><Id>origin</Id><DomainName>news.example</DomainName>"
        "<CustomOriginConfig><HTTPPort>80</HTTPPort><HTTPSPort>443</HTTPSPort><OriginProtocolPolicy>https-only"
        "</OriginProtocolPolicy></CustomOriginConfig></Origin></Items></Origins>"
    )
    rest = (
        "<DefaultCacheBehavior><TargetOriginId>origin</TargetOriginId><ViewerProtocolPolicy>allow-all"
        f"</ViewerProtocolPolicy><CachePolicyId>{CACHED}</CachePolicyId></DefaultCacheBehavior>"
    )
    head = f"<CallerReference>{reference}</CallerReference><Comment></Comment><Enabled>true</Enabled>"
    return CONFIG.read(parse(f"<DistributionConfig>{head}{origins}{rest}</DistributionConfig>".encode()))


# --- invalidations ---


def test_single_paths_and_stars_have_limits_of_their_own(here: Here) -> None:
    here.terms(sweep=60)
    id_ = id_of(here.create())

    def invalidate(reference: str, *paths: str) -> str:
        batch = {"Paths": listed(*paths), "CallerReference": reference}
        return code(lambda: here.boto.create_invalidation(DistributionId=id_, InvalidationBatch=batch))

    assert invalidate("a", *(f"/{n}" for n in range(3_001))) == "BatchTooLarge"
    assert invalidate("b", *(f"/{n}" for n in range(2_999))) == ""
    assert invalidate("c", "/x", "/y") == "TooManyInvalidationsInProgress"
    assert invalidate("d", "/x") == ""
    assert invalidate("e", "/z") == "TooManyInvalidationsInProgress"
    assert invalidate("f", *(f"/{n}/*" for n in range(15))) == ""
    assert invalidate("g", "/*") == "TooManyInvalidationsInProgress"
    here.clock.now = 60
    assert invalidate("h", "/*", "/z") == ""


def test_a_batch_runs_is_found_and_completes(here: Here) -> None:
    here.terms(sweep=60, polls=0)
    id_ = id_of(here.create())
    batch = {"Paths": listed("/now.json"), "CallerReference": "a"}
    made = here.boto.create_invalidation(DistributionId=id_, InvalidationBatch=batch)["Invalidation"]
    again = here.boto.create_invalidation(DistributionId=id_, InvalidationBatch=batch)["Invalidation"]
    assert (made["Status"], again["Id"]) == ("InProgress", made["Id"])
    assert here.boto.get_distribution(Id=id_)["Distribution"]["InProgressInvalidationBatches"] == 1
    here.clock.now = 60
    found = here.boto.get_invalidation(DistributionId=id_, Id=made["Id"])["Invalidation"]
    assert (found["Status"], found["InvalidationBatch"]) == ("Completed", batch)
    second = here.boto.create_invalidation(
        DistributionId=id_, InvalidationBatch={"Paths": listed("/b"), "CallerReference": "b"}
    )["Invalidation"]
    newest = here.boto.list_invalidations(DistributionId=id_, MaxItems="1")["InvalidationList"]
    assert [one["Id"] for one in newest["Items"]] == [second["Id"]]
    rest = here.boto.list_invalidations(DistributionId=id_, Marker=newest["NextMarker"])["InvalidationList"]
    assert [one["Id"] for one in rest["Items"]] == [made["Id"]]
    assert code(lambda: here.boto.get_invalidation(DistributionId=id_, Id="INONE")) == "NoSuchInvalidation"


@pytest.mark.parametrize("path", ["a", "", "/a*b", "/ä"])
def test_a_path_that_is_none_is_refused(here: Here, path: str) -> None:
    batch = {"Paths": listed(path), "CallerReference": "a"}
    id_ = id_of(here.create())
    refused = code(lambda: here.boto.create_invalidation(DistributionId=id_, InvalidationBatch=batch))
    assert refused == "InvalidArgument"


# --- origin access controls, policies, tags ---


def control(name: str = "mirrors", kind: str = "s3") -> dict[str, str]:
    return {
        "Name": name,
        "SigningProtocol": "sigv4",
        "SigningBehavior": "always",
        "OriginAccessControlOriginType": kind,
    }


def test_an_access_control_is_made_used_and_ended(here: Here) -> None:
    here.terms(polls=0, controls=2)
    made = here.boto.create_origin_access_control(OriginAccessControlConfig=control())
    id_ = made["OriginAccessControl"]["Id"]
    assert here.boto.get_origin_access_control(Id=id_)["ETag"] == made["ETag"]
    create = lambda **given: code(  # noqa: E731
        lambda: here.boto.create_origin_access_control(OriginAccessControlConfig=control(**given))
    )
    assert create() == "OriginAccessControlAlreadyExists"
    assert create(name="other", kind="lambda") == ""
    assert create(name="third") == "TooManyOriginAccessControls"
    names = here.boto.list_origin_access_controls()["OriginAccessControlList"]["Items"]
    assert {one["Name"] for one in names} == {"mirrors", "other"}
    one = id_of(here.create(**bucket(OriginAccessControlId=id_)))
    delete = lambda version: code(lambda: here.boto.delete_origin_access_control(Id=id_, IfMatch=version))  # noqa: E731
    assert delete("E2QWRUHAPOMQZL") == "PreconditionFailed"
    assert delete(made["ETag"]) == "OriginAccessControlInUse"
    assert (
        code(lambda: here.create("b", **origin(OriginAccessControlId=id_))) == "InvalidDomainNameForOriginAccessControl"
    )
    here.boto.delete_distribution(Id=one, IfMatch=here.off(one))
    assert delete(made["ETag"]) == ""
    assert code(lambda: here.boto.get_origin_access_control(Id=id_)) == "NoSuchOriginAccessControl"


def test_managed_policies_are_known_by_their_ids(here: Here) -> None:
    found = here.boto.get_cache_policy(Id=CACHED)["CachePolicy"]["CachePolicyConfig"]
    assert (found["Name"], found["DefaultTTL"]) == ("Managed-CachingOptimized", 86_400)
    assert code(lambda: here.boto.get_cache_policy(Id="none")) == "NoSuchCachePolicy"


def test_tags_are_kept_with_a_distribution(here: Here) -> None:
    tagged = {"DistributionConfig": config(), "Tags": {"Items": [{"Key": "a", "Value": "1"}]}}
    arn = here.boto.create_distribution_with_tags(DistributionConfigWithTags=tagged)["Distribution"]["ARN"]
    here.boto.tag_resource(Resource=arn, Tags={"Items": [{"Key": "b", "Value": "2"}, {"Key": "c"}]})
    here.boto.untag_resource(Resource=arn, TagKeys={"Items": ["a"]})
    found = here.boto.list_tags_for_resource(Resource=arn)["Tags"]["Items"]
    assert found == [{"Key": "b", "Value": "2"}, {"Key": "c", "Value": ""}]
    assert code(lambda: here.boto.list_tags_for_resource(Resource=arn + "X")) == "NoSuchResource"
    many = {"Items": [{"Key": str(n), "Value": ""} for n in range(49)]}
    assert code(lambda: here.boto.tag_resource(Resource=arn, Tags=many)) == "InvalidTagging"


# --- who asks, and how often ---


def test_keys_that_are_not_known_are_refused(here: Here) -> None:
    here.terms(keys=("AKIAOTHER",))
    assert code(here.boto.list_distributions) == "InvalidClientTokenId"
    here.terms(keys=("AKIAOTHER", "AKIAEXAMPLE"))
    assert code(here.boto.list_distributions) == ""


def test_more_calls_than_the_rate_are_throttled_until_a_second_is_over(here: Here) -> None:
    here.terms(rate=3)
    assert [code(here.boto.list_distributions) for _ in range(4)] == ["", "", "", "Throttling"]
    here.clock.now = 1
    assert code(here.boto.list_distributions) == ""
    assert here.cloud.asked == {("ListDistributions", ""): 4, ("ListDistributions", "Throttling"): 1}


# --- faults ---


def test_a_call_is_refused_on_demand_so_many_times(here: Here) -> None:
    here.cloud.fail("ListDistributions", faults.refused("ExpiredToken"), times=2)
    assert [code(here.boto.list_distributions) for _ in range(3)] == ["ExpiredToken", "ExpiredToken", ""]
    here.cloud.fail("", faults.gateway())
    assert code(here.boto.list_distributions) == "503"
    here.cloud.mend()
    assert code(here.boto.list_distributions) == ""


def test_a_dropped_call_was_done_or_was_not(here: Here) -> None:
    here.cloud.fail("CreateDistribution", faults.dropped(), times=1)
    with pytest.raises(ConnectionClosedError):
        here.create()
    assert here.cloud.account.made == 0
    here.cloud.fail("CreateDistribution", faults.done_then_dropped(), times=1)
    with pytest.raises(ConnectionClosedError):
        here.create()
    assert code(here.create) == "DistributionAlreadyExists"
    assert here.cloud.account.made == 1


def test_an_answer_may_be_slow_or_never_come(here: Here) -> None:
    go = threading.Event()

    async def wait() -> None:
        import anyio.to_thread

        await anyio.to_thread.run_sync(go.wait)

    here.cloud.fail("ListDistributions", faults.slow(wait), times=1)
    done: list[str] = []
    asking = threading.Thread(target=lambda: done.append(code(here.boto.list_distributions)))
    asking.start()
    assert done == []
    go.set()
    asking.join()
    assert done == [""]
    here.cloud.fail("ListDistributions", faults.silent(), times=1)
    with pytest.raises(ReadTimeoutError):
        client(here.served.at.api, read_timeout=0.2).list_distributions()
