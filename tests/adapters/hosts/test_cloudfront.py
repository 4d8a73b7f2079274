"""The host that raises and retires addresses of CloudFront, against the emulated one, and once against moto."""

from __future__ import annotations

import asyncio
import json
import re
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import botocore.endpoint
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer
from tests.lab.cloudfront_world import Clock, Serving, client, config, serving

from heliograph.adapters.hosts.cloudfront import Bucket, CloudFront, Site
from heliograph.adapters.reach import WebMirror
from heliograph.lab.cloudfront import Cloud, Terms, faults
from heliograph.lab.cloudfront.replies import Reply
from heliograph.model import ConfigError, HeliographError, QuotaError, StoreError
from heliograph.model.mirror import Stand
from heliograph.model.release import Ask
from heliograph.ports import Host

SECRET = "5e5a3e0fb1d24cbb9f6d"
KEY = "wJalrXUtnFEMI-of-no-account"
ENVIRON = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": KEY, "AWS_SESSION_TOKEN": "token-of-mine"}
T = TypeVar("T")


class Killed(BaseException):
    """The process ends here."""


class Place:
    """A cloud, and hosts that use it."""

    def __init__(self, served: Serving, clock: Clock, folder: Path) -> None:
        self.cloud, self.served, self.clock, self.folder = served.cloud, served, clock, folder
        self.pauses: list[float] = []
        (folder / "secret").write_text(SECRET + "\n")

    def terms(self, **changes: Any) -> None:
        self.cloud.account.terms = Terms(**changes)

    def host(self, **changes: Any) -> CloudFront:
        given: dict[str, Any] = {"endpoint": self.served.at.api, "environ": ENVIRON, "pause": self._pause, **changes}
        origin = given.pop("origin", Site(domain="news.example", secret_file=self.folder / "secret"))
        return CloudFront("far", origin, **given)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def asked(self, operation: str) -> int:
        """How many calls of this operation there were."""
        return sum(count for (name, _), count in self.cloud.asked.items() if name == operation)

    @property
    def ids(self) -> set[str]:
        """What there is, by caller reference."""
        return {one.current.config["CallerReference"] for one in self.cloud.account.distributions.values()}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    clock = Clock()
    with serving(Cloud(clock=clock)) as served:
        yield Place(served, clock, tmp_path)


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 tries again at once."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None, time=lambda: 0.0))


def run(act: Awaitable[T]) -> T:
    async def main() -> T:
        async with asyncio.timeout(60):
            return await act

    return asyncio.run(main())


async def up(host: Host, id_: str) -> Stand:
    for _ in range(10):
        if (stand := await host.raise_(id_)).state == "up":
            return stand
    raise AssertionError(stand)


async def gone(host: Host, id_: str) -> Stand:
    for _ in range(10):
        if (stand := await host.retire(id_)).state == "gone":
            return stand
    raise AssertionError(stand)


def trouble(act: Awaitable[object], kind: type[HeliographError] = StoreError) -> str:
    """What is said of a failure: with everything that a log would show of it."""
    with pytest.raises(kind) as caught:
        run(act)
    return "".join(traceback.format_exception(caught.value))


# --- a life ---


def test_an_address_is_made_once_and_comes_up(place: Place) -> None:
    host = place.host()
    states = [run(host.raise_("k3x9")) for _ in range(4)]
    assert [one.state for one in states] == ["creating", "creating", "creating", "up"]
    assert states[-1].url == f"https://{next(iter(place.cloud.account.distributions.values())).domain}/"
    assert {one.handle for one in states} == set(place.cloud.account.distributions)
    assert place.cloud.account.made == 1
    assert place.cloud.asked == {
        ("ListDistributions", ""): 1,
        ("CreateDistribution", ""): 1,
        ("GetDistribution", ""): 3,
    }
    assert run(host.stands()) == (states[-1],)


def test_an_address_ends_in_two_steps(place: Place) -> None:
    place.terms(polls=2, tail=1)
    host = place.host()
    run(up(host, "k3x9"))
    place.cloud.asked.clear()
    states = [run(host.retire("k3x9")).state for _ in range(6)]
    # switched off; two looks find it on its way; it reads Deployed and is not, then it is
    assert states == ["ending", "ending", "ending", "ending", "gone", "gone"]
    assert place.cloud.account.distributions == {}
    assert place.asked("UpdateDistribution") == 1
    assert place.asked("DeleteDistribution") == 2
    assert run(host.stands()) == ()


def test_what_has_begun_to_end_is_not_raised_again(place: Place) -> None:
    host = place.host()
    run(up(host, "k3x9"))
    run(host.retire("k3x9"))
    assert run(host.raise_("k3x9")).state == "ending"
    assert run(place.host().raise_("k3x9")).state == "ending"
    assert [one.state for one in run(place.host().stands())] == ["ending"]


def test_what_is_not_there_is_gone(place: Place) -> None:
    host = place.host()
    assert run(host.retire("k3x9")) == Stand(id="k3x9", state="gone")
    run(host.raise_("k3x9"))
    place.cloud.account.lose(next(iter(place.cloud.account.distributions)))  # the provider did not want it
    assert run(host.retire("k3x9")).state == "gone"
    run(host.raise_("k3x9"))
    place.cloud.account.lose(next(iter(place.cloud.account.distributions)))
    assert run(host.stands()) == ()
    assert run(host.raise_("k3x9")).state == "creating"


def test_a_life_against_moto() -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address, port = server.get_host_and_port()
    try:
        origin = Bucket(domain="edition.s3.eu-central-1.amazonaws.com", access_control="E2QWRUHAPOMQZL")
        host = CloudFront("far", origin, endpoint=f"http://{address}:{port}", environ=ENVIRON)
        stand = run(up(host, "k3x9"))
        again = CloudFront("far", origin, endpoint=f"http://{address}:{port}", environ=ENVIRON)
        assert run(again.raise_("k3x9")) == stand
        assert run(again.stands()) == (stand,)
        run(gone(host, "k3x9"))
        assert run(again.stands()) == ()
    finally:
        server.stop()


def test_the_documented_policy_allows_what_a_life_needs_and_no_more(place: Place) -> None:
    run(up(place.host(), "k3x9"))
    run(gone(place.host(), "k3x9"))
    document = (Path(__file__).resolve().parents[3] / "docs" / "operating" / "cloudfront.md").read_text()
    policies = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", document, re.DOTALL)]
    assert len(policies) == 3
    actions = [one["Action"] for one in policies[0]["Statement"]]
    allowed = {name for action in actions for name in ([action] if isinstance(action, str) else action)}
    assert allowed == {f"cloudfront:{name}" for name, _ in place.cloud.asked}


# --- what is made ---


def test_a_site_is_passed_through_with_a_secret_header(place: Place) -> None:
    site = Site(domain="news.example", secret_file=place.folder / "secret", port=8443)
    run(place.host(origin=site, mark="far-1").raise_("k3x9"))
    made = next(iter(place.cloud.account.distributions.values())).current.config
    assert (made["CallerReference"], made["Comment"]) == ("far-1/k3x9", "far-1/k3x9")
    assert (made["HttpVersion"], made["PriceClass"], made["IsIPV6Enabled"]) == ("http1.1", "PriceClass_100", True)
    assert made["ViewerCertificate"]["CloudFrontDefaultCertificate"] is True
    assert made["Aliases"] == {"Items": []}
    assert made["Logging"]["Enabled"] is False
    origin = made["Origins"]["Items"][0]
    assert origin["CustomHeaders"]["Items"] == [{"HeaderName": "X-Mirror-Key", "HeaderValue": SECRET}]
    own = origin["CustomOriginConfig"]
    assert (own["OriginProtocolPolicy"], own["HTTPSPort"]) == ("https-only", 8443)
    assert own["OriginSslProtocols"] == {"Items": ["TLSv1.2"]}
    behavior = made["DefaultCacheBehavior"]
    assert behavior["CachePolicyId"] == "658327ea-f89d-4fab-a63d-7e88639e58f6"
    assert behavior["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    assert behavior["Compress"] is True


def test_a_bucket_is_read_by_its_access_control(place: Place) -> None:
    control = {
        "Name": "mirrors",
        "SigningProtocol": "sigv4",
        "SigningBehavior": "always",
        "OriginAccessControlOriginType": "s3",
    }
    made = client(place.served.at.api).create_origin_access_control(OriginAccessControlConfig=control)
    id_ = made["OriginAccessControl"]["Id"]
    bucket = Bucket(domain="edition.s3.eu-central-1.amazonaws.com", access_control=id_)
    run(place.host(origin=bucket).raise_("k3x9"))
    found = next(iter(place.cloud.account.distributions.values())).current.config
    origin = found["Origins"]["Items"][0]
    assert (origin["OriginAccessControlId"], origin["S3OriginConfig"]) == (id_, {"OriginAccessIdentity": ""})
    assert found["DefaultRootObject"] == "index.html"
    assert "OriginRequestPolicyId" not in found["DefaultCacheBehavior"]
    wrong = place.host(origin=Bucket(domain=bucket.domain, access_control="ENONE"))
    assert "no such origin access control\n" in trouble(wrong.raise_("m4y8"))


def test_a_reader_reads_through_a_raised_address(place: Place) -> None:
    async def origin(request: web.BaseRequest) -> web.StreamResponse:
        allowed = request.headers.get("X-Mirror-Key") == SECRET
        return web.Response(status=200 if allowed else 403, body=b"news" if allowed else b"who are you?")

    async def main() -> None:
        runner = web.ServerRunner(web.Server(origin, access_log=None))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            place.cloud.origins.places["news.example"] = f"http://127.0.0.1:{runner.addresses[0][1]}"
            host = place.host()
            domain = (await up(host, "k3x9")).url.removeprefix("https://").rstrip("/")
            door = await asyncio.to_thread(place.served.do, lambda: place.cloud.door(domain))
            async with WebMirror(door) as reader:
                assert (await reader.get(Ask(mirror=0, name="now", limit=100))).data == b"news"
                place.cloud.edge.block(domain)
                assert (await reader.get(Ask(mirror=0, name="now", limit=100))).fate == "unavailable"
        finally:
            await runner.cleanup()

    run(main())


# --- what is ours ---


def test_every_page_of_a_listing_is_read_and_only_ours_are_in_it(place: Place) -> None:
    place.terms(page=2, polls=0)
    host, other = place.host(), place.host(mark="other")
    for id_ in ("aaaa", "bbbb", "cccc", "dddd", "eeee"):
        run(host.raise_(id_))
    run(other.raise_("aaaa"))
    boto = client(place.served.at.api)
    for n, comment in enumerate(
        ("heliograph", "heliograph/", "heliograph/No!", "heliograph/a b", "", "x/heliograph/a")
    ):
        boto.create_distribution(DistributionConfig=config(str(n), Comment=comment))
    found = run(place.host().stands())
    assert sorted(one.id for one in found) == ["aaaa", "bbbb", "cccc", "dddd", "eeee"]
    assert {one.state for one in found} == {"up"}
    assert [one.id for one in run(other.stands())] == ["aaaa"]


def test_a_copy_with_our_comment_is_left_alone(place: Place) -> None:
    place.terms(polls=0)
    boto = client(place.served.at.api)
    boto.create_distribution(DistributionConfig=config("copy", Comment="heliograph/k3x9"))
    assert "was not made by us" in trouble(place.host().retire("k3x9"))
    stand = run(place.host().raise_("k3x9"))
    assert run(place.host().raise_("k3x9")) == stand
    assert run(place.host().stands()) == (stand,)
    assert run(gone(place.host(), "k3x9")).handle == stand.handle
    assert place.ids == {"copy"}


@pytest.mark.parametrize("id_", ["", "abc", "A" * 8, "a-b-c", "a/../b", "a" * 41, "новости"])
def test_an_id_of_another_form_is_refused(place: Place, id_: str) -> None:
    assert "small letters and digits" in trouble(place.host().raise_(id_))
    assert "small letters and digits" in trouble(place.host().retire(id_))
    assert not place.cloud.asked


# --- cut short ---


async def _work(host: Host) -> None:
    """Two raised, one of them retired, a third raised."""
    await up(host, "aaaa")
    await up(host, "bbbb")
    await gone(host, "aaaa")
    await up(host, "cccc")


def _killed_after(host: CloudFront, calls: int) -> CloudFront:
    """Lets the process end after so many calls, each of which was done."""
    make, left = host._calls.make, [calls]

    async def counted(operation: str, **given: Any) -> dict[str, Any]:
        answer = await make(operation, **given)
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return answer

    host._calls.make = counted  # type: ignore[method-assign]
    return host


@pytest.mark.parametrize("each", [1, 2, 3])
def test_killed_after_any_calls_nothing_is_double_and_nothing_is_left(place: Place, each: int) -> None:
    """The process ends after every ``each``-th call, and another one goes on."""
    place.terms(polls=1)
    deaths = 0

    def step(act: Callable[[Host], Awaitable[Stand]]) -> str:
        nonlocal deaths
        for _ in range(60):
            host = _killed_after(place.host(), each)
            try:
                stand = run(act(host))
            except Killed:
                deaths += 1
                stand = run(act(place.host()))  # a life of one or two calls is over after the listing
            if stand.state in ("up", "gone"):
                return stand.state
        raise AssertionError("it never comes to an end")

    for id_ in ("aaaa", "bbbb"):
        assert step(lambda host, id_=id_: host.raise_(id_)) == "up"  # type: ignore[misc]
    assert step(lambda host: host.retire("aaaa")) == "gone"
    assert step(lambda host: host.raise_("cccc")) == "up"
    assert place.ids == {"heliograph/bbbb", "heliograph/cccc"}
    assert place.cloud.account.made == 3
    assert {one.id for one in run(place.host().stands())} == {"bbbb", "cccc"}
    assert deaths


def test_killed_once_after_each_call_of_a_whole_life(place: Place) -> None:
    place.terms(polls=1)
    calls, cleaner = 0, place.host()
    while True:
        calls += 1
        before = place.cloud.account.made
        try:
            run(_work(_killed_after(place.host(), calls)))
            ended = True
        except Killed:
            ended = False
            # what was asked for is asked for again, by a process that knows nothing
            made_again = place.host()
            if "heliograph/aaaa" in place.ids or "heliograph/bbbb" not in place.ids:
                run(up(made_again, "bbbb"))
                run(gone(made_again, "aaaa"))
            run(up(made_again, "cccc"))
        assert place.ids == {"heliograph/bbbb", "heliograph/cccc"}, calls
        assert place.cloud.account.made - before <= 3, calls
        for id_ in ("bbbb", "cccc"):
            run(gone(cleaner, id_))
        assert place.cloud.account.distributions == {}
        if ended:
            break
    assert calls > 15


@pytest.mark.parametrize("operation", ["CreateDistribution", "UpdateDistribution", "DeleteDistribution"])
@pytest.mark.parametrize("times", [1, 2, 3, 9])
def test_a_call_whose_answer_is_lost_was_done_and_is_found(place: Place, operation: str, times: int) -> None:
    place.terms(polls=1)
    place.cloud.fail(operation, faults.done_then_dropped(), times=times)

    def again(act: Callable[[], Awaitable[Stand]]) -> None:
        for _ in range(30):
            try:
                if run(act()).state in ("up", "gone"):
                    return
            except StoreError:
                pass
        raise AssertionError("it never comes to an end")

    host = place.host()
    again(lambda: host.raise_("k3x9"))
    assert place.cloud.account.made == 1
    again(lambda: host.retire("k3x9"))
    assert place.cloud.account.distributions == {}
    assert place.cloud.account.made == 1


def test_a_lost_answer_to_a_creation_is_adopted_at_once(place: Place) -> None:
    place.cloud.fail("CreateDistribution", faults.done_then_dropped(), times=1)
    assert run(place.host().raise_("k3x9")).state == "creating"
    assert place.cloud.asked["CreateDistribution", "dropped"] == 1
    assert place.cloud.asked["CreateDistribution", "DistributionAlreadyExists"] == 1
    assert place.cloud.account.made == 1


def test_what_a_listing_does_not_show_yet_is_neither_lost_nor_made_twice(place: Place) -> None:
    place.terms(late=60)
    first = place.host()
    stand = run(first.raise_("k3x9"))
    assert [one.id for one in run(first.stands())] == ["k3x9"]
    other = place.host()
    assert run(other.stands()) == ()
    assert "has used the name k3x9 before" in trouble(other.raise_("k3x9"))
    place.clock.now = 60
    assert run(other.raise_("k3x9")).handle == stand.handle
    assert place.cloud.account.made == 1


def test_two_processes_that_raise_the_same_make_one(place: Place) -> None:
    async def both() -> list[Stand]:
        return list(await asyncio.gather(*(place.host().raise_("k3x9") for _ in range(3))))

    assert len({stand.handle for stand in run(both())}) == 1
    assert place.cloud.account.made == 1


def test_a_cancelled_call_may_be_made_again(place: Place) -> None:
    place.cloud.fail("CreateDistribution", faults.silent(), times=1)
    host = place.host(patience=0.5)

    async def main() -> None:
        asking = asyncio.create_task(host.raise_("k3x9"))
        while not place.asked("ListDistributions"):  # noqa: ASYNC110 - it happens in another thread
            await asyncio.sleep(0.001)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        place.cloud.mend()
        assert (await host.raise_("k3x9")).state == "creating"

    run(main())
    assert place.cloud.account.made == 1


# --- somebody else ---


def test_a_change_in_between_lets_the_step_begin_again(place: Place) -> None:
    place.terms(polls=0)
    host = place.host()
    run(up(host, "k3x9"))
    changes = [2]
    make = host._calls.make

    async def disturbed(operation: str, **given: Any) -> dict[str, Any]:
        if operation != "get_distribution" and changes[0] > 0:
            changes[0] -= 1
            one = next(iter(place.cloud.account.distributions.values()))
            place.cloud.account.update(one.id, one.current.etag, {**one.current.config, "DefaultRootObject": "x"})
        return await make(operation, **given)

    host._calls.make = disturbed  # type: ignore[method-assign]
    assert run(host.retire("k3x9")).state == "ending"
    left = next(iter(place.cloud.account.distributions.values())).current.config
    assert (left["Enabled"], left["DefaultRootObject"]) == (False, "x")  # the other's change stays
    changes[0] = 99
    assert "is being changed by somebody else" in trouble(host.retire("k3x9"))
    changes[0] = 0
    assert run(host.retire("k3x9")).state == "gone"


def test_an_old_version_that_is_shown_is_never_forced(place: Place) -> None:
    place.terms(polls=0, stale=10)
    host = place.host()
    run(up(host, "k3x9"))
    run(host.retire("k3x9"))
    assert "an old version of it is shown" in trouble(host.retire("k3x9"))
    assert place.cloud.asked["UpdateDistribution", "PreconditionFailed"] == 3
    place.clock.now = 10
    assert run(host.retire("k3x9")).state == "gone"


# --- no ---


def test_a_full_account_is_a_quota_and_so_is_a_limit_of_ours(place: Place) -> None:
    place.terms(distributions=1)
    host = place.host()
    run(host.raise_("aaaa"))
    assert "ask the provider for a larger quota" in trouble(host.raise_("bbbb"), QuotaError)
    place.terms()
    few = place.host(most=1)
    assert run(few.raise_("aaaa")).state != "absent"
    assert "it has 1 addresses already" in trouble(few.raise_("bbbb"), QuotaError)
    assert place.asked("CreateDistribution") == 2


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("InvalidClientTokenId", "the access key is not known there"),
        ("SignatureDoesNotMatch", "the secret key does not fit the access key, or this machine's clock is wrong"),
        ("ExpiredToken", "the session token has expired"),
        ("RequestTimeTooSkewed", "this machine's clock is wrong\n  set this machine's clock"),
        ("AccessDenied", "the keys do not allow this\n  give them the policy of docs/operating/cloudfront.md"),
        ("InternalError", "it is out of order (status 500)"),
        ("ServiceUnavailable", "it is out of order (status 503)"),
        ("InvalidArgument", "it refused: InvalidArgument ("),
    ],
)
def test_a_refusal_is_a_sentence_with_a_remedy_and_no_secret(place: Place, code: str, words: str) -> None:
    quoting = f"you sent {SECRET}\nwith {KEY}, AKIAEXAMPLE and token-of-mine; " + "x" * 5_000
    host = place.host()
    run(host.stands())
    for operation, act in (("CreateDistribution", host.raise_), ("ListDistributions", host.retire)):
        place.cloud.fail(operation, faults.refused(code, quoting))
        said = trouble(act("k3x9"))
        assert words in said
        assert "host far: " in said
        for secret in (SECRET, KEY, "AKIAEXAMPLE", "token-of-mine", "xxx" * 100):
            assert secret not in said
        place.cloud.mend()


def test_keys_that_expired_are_read_again(place: Place) -> None:
    keys = place.folder / "keys"
    keys.write_text("[other]\na = b\n[default]\naws_access_key_id = AKIAOLD\naws_secret_access_key=old-secret\n")
    place.terms(keys=("AKIANEW",))
    host = place.host(credentials=keys)
    said = trouble(host.stands())
    assert "put valid keys there" in said
    assert str(keys) in said
    assert "old-secret" not in said
    keys.write_text("[default]\naws_access_key_id = AKIANEW\naws_secret_access_key = new\naws_session_token = t\n")
    assert run(host.stands()) == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"", "there are no keys"),
        (b"[default]\naws_access_key_id = AKIA\n", "there are no keys"),
        (b"[other]\naws_access_key_id = AKIA\naws_secret_access_key = hush\n", "there are no keys"),
        (b"aws_secret_access_key = hush\n", "there are no keys"),
        (b"[default]\nhush hush\n", "there are no keys"),
        (b"[default]\naws_secret_access_key = hush\naws_secret_access_key = hush\n", "there are no keys"),
        (b"\xff\xfe", "it is no text"),
    ],
)
def test_a_file_of_keys_that_is_none_is_named_and_not_quoted(place: Place, content: bytes | None, words: str) -> None:
    keys = place.folder / "keys"
    if content is not None:
        keys.write_bytes(content)
    said = trouble(place.host(credentials=keys).stands())
    assert words in said
    assert str(keys) in said
    assert "hush" not in said.replace("hush hush.", "")


def test_the_environment_counts_where_no_file_is_given(place: Place) -> None:
    assert "AWS_ACCESS_KEY_ID" in trouble(place.host(environ={}).stands())
    assert run(place.host(environ=ENVIRON).stands()) == ()


def test_settings_of_the_providers_own_tools_count_for_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    (place.folder / "config").write_text("[default]\nregion = eu-central-1\nendpoint_url = http://127.0.0.1:9\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(place.folder / "config"))
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert run(place.host().stands()) == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"short\n", "at least 16"),
        (b"two lines\nof secret\n", "at least 16"),
        (b"\xff" * 20, "text"),
    ],
)
def test_a_secret_that_is_none_is_named_and_not_quoted(place: Place, content: bytes | None, words: str) -> None:
    path = place.folder / "other"
    if content is not None:
        path.write_bytes(content)
    said = trouble(place.host(origin=Site(domain="news.example", secret_file=path)).raise_("k3x9"))
    assert words in said
    assert str(path) in said
    assert "lines" not in said
    assert place.cloud.account.made == 0


def test_a_wrong_setting_is_said_before_anything_is_asked(place: Place) -> None:
    for changes, words in (
        ({"mark": "A B"}, "its mark is wrong"),
        ({"origin": Bucket(domain="https://bucket/", access_control="E")}, "its origin is no host name"),
    ):
        with pytest.raises(ConfigError, match=words):
            place.host(**changes)


# --- out of order ---


def test_a_host_that_is_out_of_order_for_a_while_is_asked_again(place: Place) -> None:
    host = place.host()
    place.cloud.fail("CreateDistribution", faults.gateway(503), times=2)
    assert run(host.raise_("aaaa")).state == "creating"  # boto3 tries four times
    place.cloud.fail("", faults.refused("ServiceUnavailable"))
    for _ in range(3):
        assert "it is out of order (status 503)\n  it is tried again later" in trouble(host.raise_("bbbb"))
    place.cloud.mend()
    assert run(host.raise_("bbbb")).state == "creating"
    assert place.cloud.account.made == 2


def test_what_a_listing_does_not_show_stays_known_when_the_host_is_out_of_order(place: Place) -> None:
    place.terms(late=60, polls=0)
    host = place.host()
    stand = run(host.raise_("k3x9"))
    place.cloud.fail("GetDistribution", faults.gateway(500))
    assert "(status 500)" in trouble(host.raise_("k3x9"))
    assert "(status 500)" in trouble(host.stands())
    place.cloud.mend()
    assert run(host.raise_("k3x9")) == stand
    place.cloud.fail("UpdateDistribution", faults.refused("AccessDenied"))
    assert "the keys do not allow this" in trouble(host.retire("k3x9"))
    place.cloud.mend()
    run(host.retire("k3x9"))
    place.cloud.fail("DeleteDistribution", faults.refused("ResourceInUse"))
    assert "it refused: ResourceInUse" in trouble(host.retire("k3x9"))
    place.cloud.mend()
    assert run(host.retire("k3x9")).state == "gone"


def test_a_throttled_call_is_made_again_and_given_up(place: Place) -> None:
    host = place.host()
    place.cloud.fail("ListDistributions", faults.refused("Throttling"), times=9)
    assert run(host.stands()) == ()
    assert place.pauses == [2.0, 5.0]
    place.cloud.fail("ListDistributions", faults.refused("Throttling"))
    assert "it asks for fewer calls" in trouble(host.stands())
    assert place.pauses == [2.0, 5.0] * 2
    assert place.cloud.asked["ListDistributions", "Throttling"] == 9 + 12


def test_no_connection_and_no_answer_are_said_so(place: Place) -> None:
    closed = place.host(endpoint="http://127.0.0.1:9")
    assert "no connection to it (EndpointConnectionError)\n  check the network" in trouble(closed.stands())
    place.cloud.fail("ListDistributions", faults.silent())
    assert "no connection to it (ReadTimeoutError)" in trouble(place.host(patience=0.1).stands())
    place.cloud.fail("ListDistributions", faults.dropped())
    assert "no connection to it (ConnectionClosedError)" in trouble(place.host().stands())
    assert "the call cannot be made (ParamValidationError)" in trouble(closed._calls.make("get_distribution", Id=1))
    assert "it cannot be asked" in trouble(place.host(endpoint="nowhere").stands())
    # TLS is spoken to a port that does not
    tls = place.host(endpoint=place.served.at.api.replace("http:", "https:"))
    assert "its certificate is not valid" in trouble(tls.stands())


@given(body=st.binary(max_size=200) | st.sampled_from([b"<a/>", b"<DistributionList><IsTruncated>x"]))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_answer_of_the_host_is_read_or_a_store_error(place: Place, body: bytes) -> None:
    place.cloud.fail("", faults.Fault(reply=Reply(status=200, body=body)))
    host = place.host()
    for act in (host.stands(), host.raise_("k3x9"), host.retire("k3x9")):
        with suppress(StoreError):
            run(act)


def test_a_listing_without_end_is_given_up(place: Place) -> None:
    page = (
        b"<DistributionList><Marker/><NextMarker>A</NextMarker><MaxItems>1</MaxItems><IsTruncated>true</IsTruncated>"
        b"<Quantity>0</Quantity></DistributionList>"
    )
    place.cloud.fail("ListDistributions", faults.Fault(reply=Reply(status=200, body=page)))
    assert "its listing does not end" in trouble(place.host().stands())
