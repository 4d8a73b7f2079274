"""One scenario against moto and the emulated CloudFront: they differ in what moto gets wrong, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer
from tests.lab.cloudfront_world import CACHED, client, config, listed, serving, site

from heliograph.lab.cloudfront import Cloud, Terms

OTHER = "E2QWRUHAPOMQZL"  # a version that is none

# The four things that moto 5.2 gets wrong: step of the scenario, what it says, what the emulator says.
DIFFERENCES = {
    # A distribution that is still on is deleted.
    "delete an enabled one": ("", "DistributionNotDisabled"),
    "look for it after that": ("NoSuchDistribution", ""),
    # Any version will do.
    "update with a stale version": ("", "PreconditionFailed"),
    "delete with a stale version": ("", "PreconditionFailed"),
    # What is InProgress has arrived when it is looked at.
    "status at the first look": ("Deployed", "InProgress"),
    "status at the second look": ("Deployed", "InProgress"),
    # Managed policies are not known.
    "get a managed cache policy": ("404", ""),
}


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def scenario(boto: Any) -> dict[str, str]:
    """What each step says: a code, a status, or "" where it did as asked."""
    said: dict[str, str] = {}

    def step(name: str, act: Callable[[], Any], show: Callable[[Any], str] = lambda _: "") -> Any:
        try:
            answer = act()
        except ClientError as error:
            said[name] = str(error.response["Error"]["Code"])
            return None
        said[name] = show(answer)
        return answer

    def create(reference: str) -> Any:
        header = {"HeaderName": "X-Mirror-Key", "HeaderValue": "sesame"}
        given = config(reference, Comment=f"mark/{reference}", Origins=listed(site(CustomHeaders=listed(header))))
        return boto.create_distribution(DistributionConfig=given)

    def status(answer: Any) -> str:
        return str(answer["Distribution"]["Status"])

    made = step("create", lambda: create("a"), status)
    id_ = made["Distribution"]["Id"]
    step("create again", lambda: create("a"))
    step("status at the first look", lambda: boto.get_distribution(Id=id_), status)
    step("status at the second look", lambda: boto.get_distribution(Id=id_), status)
    step("list", boto.list_distributions, lambda a: a["DistributionList"]["Items"][0]["Comment"])
    found = step(
        "get the configuration",
        lambda: boto.get_distribution_config(Id=id_),
        lambda a: str(a["DistributionConfig"]["Origins"]["Items"][0]["CustomHeaders"]["Items"]),
    )
    off = {**found["DistributionConfig"], "Enabled": False}
    update = lambda **match: boto.update_distribution(Id=id_, DistributionConfig=off, **match)  # noqa: E731
    step("update without a version", lambda: update())
    step("update with a stale version", lambda: update(IfMatch=OTHER))
    version = boto.get_distribution_config(Id=id_)["ETag"]
    updated = step("update", lambda: update(IfMatch=version))
    for _ in range(4):
        boto.get_distribution(Id=id_)
    step("status after some looks", lambda: boto.get_distribution(Id=id_), status)
    step("delete without a version", lambda: boto.delete_distribution(Id=id_))
    other = create("b")["Distribution"]["Id"]
    step("delete with a stale version", lambda: _delete_stale(boto, create("c")["Distribution"]["Id"]))
    enabled = boto.get_distribution(Id=other)["ETag"]
    step("delete an enabled one", lambda: boto.delete_distribution(Id=other, IfMatch=enabled))
    step("look for it after that", lambda: boto.get_distribution(Id=other))
    step("delete", lambda: boto.delete_distribution(Id=id_, IfMatch=updated["ETag"]))
    step("look for the deleted one", lambda: boto.get_distribution(Id=id_))
    step("get a managed cache policy", lambda: boto.get_cache_policy(Id=CACHED))
    unknown = {"TargetOriginId": "none", "ViewerProtocolPolicy": "allow-all", "CachePolicyId": CACHED}
    step(
        "create with an unknown origin",
        lambda: boto.create_distribution(DistributionConfig=config("d", DefaultCacheBehavior=unknown)),
    )
    last = create("e")["Distribution"]["Id"]
    batch = {"Paths": listed("/now.json"), "CallerReference": "a"}
    invalidated = step(
        "invalidate",
        lambda: boto.create_invalidation(DistributionId=last, InvalidationBatch=batch),
        lambda a: str(a["Invalidation"]["InvalidationBatch"]),
    )["Invalidation"]["Id"]
    step(
        "status of the invalidation",
        lambda: boto.get_invalidation(DistributionId=last, Id=invalidated),
        lambda a: a["Invalidation"]["Status"].capitalize(),
    )
    step("list invalidations", lambda: boto.list_invalidations(DistributionId=last))
    control = {
        "Name": "mirrors",
        "SigningProtocol": "sigv4",
        "SigningBehavior": "always",
        "OriginAccessControlOriginType": "s3",
    }
    access = step(
        "create an access control",
        lambda: boto.create_origin_access_control(OriginAccessControlConfig=control),
        lambda a: str(a["OriginAccessControl"]["OriginAccessControlConfig"]["Name"]),
    )
    control_id = access["OriginAccessControl"]["Id"]
    step("get the access control", lambda: boto.get_origin_access_control(Id=control_id))
    step(
        "list access controls",
        boto.list_origin_access_controls,
        lambda a: str(a["OriginAccessControlList"]["Items"][0]["Name"]),
    )
    step("get no access control", lambda: boto.get_origin_access_control(Id="ENONE"))
    step("delete the access control", lambda: boto.delete_origin_access_control(Id=control_id, IfMatch=access["ETag"]))
    arn = boto.get_distribution(Id=last)["Distribution"]["ARN"]
    step("tag", lambda: boto.tag_resource(Resource=arn, Tags={"Items": [{"Key": "k", "Value": "v"}]}))
    step("tags", lambda: boto.list_tags_for_resource(Resource=arn), lambda a: str(a["Tags"]["Items"]))
    return said


def _delete_stale(boto: Any, id_: str) -> None:
    """Delete one that is off and has arrived, with a version that does not stand."""
    found = boto.get_distribution_config(Id=id_)
    off = {**found["DistributionConfig"], "Enabled": False}
    boto.update_distribution(Id=id_, IfMatch=found["ETag"], DistributionConfig=off)
    for _ in range(4):
        boto.get_distribution(Id=id_)
    boto.delete_distribution(Id=id_, IfMatch=found["ETag"])


def test_moto_and_the_emulator_differ_in_what_is_known_and_nowhere_else(moto: str) -> None:
    with serving(Cloud(Terms(polls=2))) as here:
        ours = scenario(client(here.at.api))
    theirs = scenario(client(moto))
    assert list(ours) == list(theirs)
    assert len(ours) > 25
    assert {name: (theirs[name], ours[name]) for name in ours if theirs[name] != ours[name]} == DIFFERENCES
