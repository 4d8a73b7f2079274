"""A pool under blocks, faults and bad policies: what is promoted, rested, raised, retired, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.model.mirror import HostFacts, Mirror, Move, Phase
from heliograph.model.sighting import Finding, Kind, Strength
from heliograph.rotate import Plan, Policy, directory, hurt, moves
from heliograph.rotate.standing import shunned, standing

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=2)
HOSTS = (
    HostFacts(name="front", provider="aws", most=10),
    HostFacts(name="other", provider="azure", most=10),
)


def mirror(name: str, phase: Phase = "live", provider: str = "aws", host: str = "front", **more: datetime) -> Mirror:
    bare = Mirror(name=name, provider=provider, host=host, url=f"https://{name}.example/", phase=phase, since=LONG_AGO,
                  born=LONG_AGO - timedelta(days=9))  # fmt: skip
    return replace(bare, **more)  # type: ignore[arg-type]


def finding(
    name: str, kind: Kind = "tcp_ip", network: str = "home", strength: Strength = "likely", **more: object
) -> Finding:
    at = more.pop("since", NOW)
    return Finding(mirror=f"https://{name}.example/", network=network, kind=kind, strength=strength, since=at, seen=NOW,
                   readable=kind == "well", **more)  # type: ignore[arg-type]  # fmt: skip


def plan(
    pool: Sequence[Mirror],
    *findings: Finding,
    hosts: Sequence[HostFacts] = HOSTS,
    networks: Sequence[str] = ("home",),
    **policy: object,
) -> Plan:
    wanted = Policy(**policy)  # type: ignore[arg-type]
    return moves(hurt(pool, findings, networks), findings, wanted, NOW, networks=networks, hosts=hosts)


def told(found: Plan) -> list[str]:
    return [f"{move.kind} {move.mirror or move.host}" for move in found.moves]


TWO = (mirror("a"), mirror("b", provider="azure", host="other"))
SPARE = mirror("s", "spare", "gcs", "third")


def test_a_pool_that_is_well_is_left_alone() -> None:
    assert plan((*TWO, SPARE)) == Plan(moves=())


def test_a_blocked_mirror_is_replaced_before_it_is_rested_and_a_new_spare_is_raised() -> None:
    assert told(plan((*TWO, SPARE), finding("a"))) == ["promote s", "rest a", "raise front"]


def test_without_a_spare_the_blocked_one_stays_until_another_works() -> None:
    found = plan(TWO, finding("a", network="home"), finding("a", "well", network="work"), networks=("home", "work"))
    assert "rest a" not in told(found)
    assert told(found).count("raise front") + told(found).count("raise other") == 2  # the missing one and a spare


def test_what_is_blocked_stays_on_the_list_until_enough_others_work_and_what_is_broken_does_not() -> None:
    assert "rest a" not in told(plan(TWO, finding("a")))  # it may work where nobody looks
    assert "rest a" in told(plan((*TWO, mirror("c")), finding("a")))
    assert "rest a" in told(plan(TWO, finding("a", "origin-down")))


def test_the_last_mirror_on_the_list_stays_on_it() -> None:
    assert told(plan((mirror("a"),), finding("a"), hosts=())) == []


def test_a_suspicion_moves_nothing() -> None:
    assert plan((*TWO, SPARE), finding("a", strength="suspicion")) == Plan(moves=())


def test_what_is_forged_leaves_the_list_at_once_whatever_is_left() -> None:
    found = plan(TWO[:1], finding("a", "forged"), hosts=())
    assert told(found)[0] == "rest a"
    assert found.moves[0].hold  # and comes back by nobody's hand but people's


def test_one_vantage_cannot_break_what_another_sees_well() -> None:
    lies = (finding(name, kind, "home") for name in "ab" for kind in ("forged",))
    seen = [finding(name, "well", "office") for name in "ab"]
    assert [move.kind for move in plan(TWO, *lies, *seen, hosts=()).moves] == []


def test_a_host_that_fails_neither_counts_as_help_nor_eats_the_ceilings() -> None:
    phantoms = tuple(replace(mirror(f"p{n}", "creating", born=NOW), host="bad", url="") for n in range(12))
    assert told(plan((*TWO, *phantoms))) == ["raise front"]


def test_a_throttled_mirror_rests_when_others_suffice_and_does_not_flap() -> None:
    slow = finding("a", "throttled")
    slow = replace(slow, readable=True)
    assert told(plan((*TWO, mirror("c")), slow, spares=0)) == ["rest a"]
    assert told(plan((*TWO, SPARE), slow, spares=0)) == ["promote s", "rest a"]
    assert told(plan(TWO, slow, hosts=(), spares=0)) == []  # slow is better than none
    rested = (mirror("a", "resting"), *TWO[1:], mirror("c"))
    assert told(plan(rested, slow, hosts=(), spares=0)) == []


def test_two_providers_are_wanted() -> None:
    alike = (mirror("a"), mirror("b"))
    assert told(plan((*alike, mirror("t", "spare"), SPARE))) == ["promote s"]
    assert told(plan(alike, spares=0)) == ["raise other"]
    lacking = plan(alike, spares=0, hosts=HOSTS[:1])
    assert lacking.moves == ()
    assert "no host of another provider has room" in lacking.lacks[0]


def test_a_burst_at_one_provider_shifts_the_pool_away_before_the_rest_follows() -> None:
    hurts = {"hurt": NOW - timedelta(minutes=20)}
    fallen = tuple(mirror(f"x{number}", "resting", **hurts) for number in range(3))
    blocked = [finding(f"x{number}") for number in range(3)]
    pool = (*fallen, *TWO, SPARE)
    assert shunned(pool, Policy(), NOW) == {"aws"}
    found = plan(pool, *blocked, hosts=HOSTS, spares=1)
    assert told(found) == ["promote s", "raise other"]
    assert "blocked one after the other" in found.moves[0].reason
    later = NOW + timedelta(days=2)
    assert shunned(pool, Policy(), later) == frozenset()


def test_a_mirror_that_works_again_comes_back_as_a_spare_and_only_after_a_while() -> None:
    well = finding("r", "well", since=NOW - timedelta(hours=3))
    resting = mirror("r", "resting", since=NOW - timedelta(hours=5), hurt=NOW - timedelta(hours=6))
    assert told(plan((*TWO, resting), well, hosts=())) == ["return r"]
    assert told(plan((*TWO, resting), replace(well, since=NOW - timedelta(minutes=5)), hosts=())) == []
    assert told(plan((*TWO, resting), hosts=())) == []  # nobody has looked


def test_silence_brings_nothing_back() -> None:
    long = NOW - timedelta(hours=5)
    resting = mirror("r", "resting", since=long, hurt=long)
    outside = finding("r", "well", "office", since=long)
    assert told(plan((*TWO, resting), outside, hosts=())) == []  # nobody has looked from home
    doubt = finding("r", "tcp_ip", strength="suspicion")
    assert told(plan((*TWO, resting), outside, doubt, hosts=())) == []


def test_a_provider_is_shunned_also_when_its_burnt_mirrors_are_gone() -> None:
    gone = tuple(mirror(f"x{n}", "gone", hurt=NOW - timedelta(minutes=20)) for n in range(3))
    assert shunned(hurt(gone, [], ["home"]), Policy(), NOW) == {"aws"}


def test_the_first_that_readers_are_told_of_are_of_different_providers() -> None:
    pool = [mirror(name, since=NOW) for name in "abc"] + [mirror("z", provider="azure")]
    assert {one.provider for one in directory(pool, [], ["home"])[:2]} == {"aws", "azure"}


def test_a_raised_mirror_that_stays_blocked_is_retired_and_one_set_up_by_hand_never() -> None:
    old = {"since": NOW - timedelta(days=4)}
    pool = (*TWO, SPARE, mirror("r", "resting", **old), mirror("hand", "resting", host="", **old))
    assert told(plan(pool, finding("r"), finding("hand"))) == ["retire r"]


def test_ceilings_and_quotas_are_kept_and_said() -> None:
    full = (HostFacts(name="front", provider="aws", most=1),)
    found = plan((mirror("a"),), hosts=full, providers=1)
    assert found.moves == ()
    assert "no host has room" in found.lacks[0]
    fresh = tuple(mirror(f"g{number}", "gone", born=NOW - timedelta(hours=1)) for number in range(12))
    assert "within a day" in plan((*TWO, *fresh)).lacks[0]
    assert "no [[host]]" in plan(TWO, hosts=()).lacks[0]


def test_a_network_in_which_nothing_abroad_can_be_reached_moves_nothing() -> None:
    found = plan((*TWO, SPARE), *(finding(name, "whitelist") for name in "abs"))
    assert found.moves == ()
    assert "no mirror helps" in found.lacks[0]


def test_people_hold_a_mirror_where_they_put_it() -> None:
    held = mirror("a", pinned=NOW + timedelta(hours=1))
    assert "rest a" not in told(plan((held, TWO[1], mirror("c"), SPARE), finding("a")))


def test_readers_are_told_of_what_works_everywhere_first() -> None:
    pool = (mirror("a"), mirror("b"), mirror("s", "spare"))
    assert [one.name for one in directory(pool, [finding("a")], ["home"])] == ["b", "a"]


def test_a_hurt_is_remembered_until_the_mirror_works_again() -> None:
    (first,) = hurt([mirror("a")], [finding("a", since=LONG_AGO)], ["home"])
    assert first.hurt == LONG_AGO
    assert hurt([first], [finding("a")], ["home"])[0].hurt == LONG_AGO
    assert hurt([first], [finding("a", "well")], ["home"])[0].hurt is None
    resting = replace(first, phase="resting")
    assert hurt([resting], [finding("a", "well")], ["home"])[0].hurt == LONG_AGO  # its provider's bad hour is not over


# ---------------------------------------------------------------- whatever the pool and the findings are

_NETWORKS = ("home", "work")
_mirrors = st.builds(
    mirror,
    st.just("x"),
    st.sampled_from(["creating", "spare", "live", "resting", "ending", "gone", "lost"]),
    st.sampled_from(["aws", "azure", "gcs"]),
    st.sampled_from(["front", "other", ""]),
    since=st.sampled_from([LONG_AGO, NOW - timedelta(days=5), NOW]),
)
_pools = st.lists(_mirrors, max_size=8).map(
    lambda found: [replace(one, name=f"m{at}", url=f"https://m{at}.example/") for at, one in enumerate(found)]
)
_kinds: tuple[Kind, ...] = (
    "well", "tcp_ip", "throttled", "forged", "origin-down", "unknown", "whitelist", "stale", "curtain",
)  # fmt: skip
_findings = st.lists(
    st.builds(
        finding,
        st.integers(0, 8).map(lambda at: f"m{at}"),
        st.sampled_from(_kinds),
        st.sampled_from(_NETWORKS),
        st.sampled_from(["suspicion", "likely", "confirmed"]),
    ),
    unique_by=lambda one: (one.mirror, one.network),
    max_size=12,
)


def after(pool: Sequence[Mirror], made: Sequence[Move]) -> dict[str, Mirror]:
    to: dict[str, Phase] = {"promote": "live", "rest": "resting", "return": "spare", "retire": "ending"}
    found = {one.name: one for one in pool}
    for move in made:
        if move.kind != "raise":
            found[move.mirror] = replace(found[move.mirror], phase=to[move.kind])
    return found


@settings(max_examples=400)
@given(_pools, _findings, st.integers(1, 4), st.integers(0, 3), st.integers(1, 3))
def test_a_plan_never_takes_from_readers_what_they_have(
    pool: list[Mirror], findings: list[Finding], live: int, spares: int, providers: int
) -> None:
    policy = Policy(min_live=live, spares=spares, providers=providers)
    found = moves(hurt(pool, findings, _NETWORKS), findings, policy, NOW, networks=_NETWORKS, hosts=HOSTS)
    stands = standing(pool, findings, _NETWORKS)
    then = after(pool, found.moves)
    for network in _NETWORKS:
        before = sum(one.phase == "live" and stands.serves(one, network) for one in pool)
        now = sum(one.phase == "live" and stands.serves(one, network) for one in then.values())
        assert now >= min(before, live), "fewer than the policy wants, and fewer than there were"
    raised = sum(move.kind == "raise" for move in found.moves)
    assert raised <= live + spares + providers
    assert all(move.reason for move in found.moves)
    # doing as planned leaves nothing to plan but what waits for a host
    again = [replace(one, since=NOW) if one.phase != pool[at].phase else one for at, one in enumerate(then.values())]
    new = [replace(mirror(f"n{at}"), phase="creating", host=move.host, url="", since=NOW, born=NOW,
                   provider=next(one.provider for one in HOSTS if one.name == move.host))
           for at, move in enumerate(found.moves) if move.kind == "raise"]  # fmt: skip
    second = moves(hurt([*again, *new], findings, _NETWORKS), findings, policy, NOW, networks=_NETWORKS, hosts=HOSTS)
    assert told(second) == [], "it would not come to rest"


@pytest.mark.parametrize("live", [1, 2, 3])
def test_an_empty_pool_is_filled(live: int) -> None:
    assert len(plan((), min_live=live, spares=1).moves) == live + 1


def test_the_site_stands_in_for_the_edition_and_only_until_there_is_one() -> None:
    site = replace(mirror("s", "spare", "aws"), site=True)
    edition = mirror("e", "spare", "gcs")
    assert told(plan((mirror("a", provider="azure"), site), hosts=())) == ["promote s"]
    assert told(plan((mirror("a", provider="azure"), site, edition), spares=0)) == ["promote e"]
    live = (mirror("a", provider="azure"), replace(site, phase="live"))
    assert told(plan((*live, edition), spares=0)) == ["promote e"]  # two live ones, one of them an edition
    assert told(plan(live, spares=0)) == ["raise front"]
    lacking = plan(live, spares=0, hosts=[replace(HOSTS[0], site=True)])
    assert lacking.moves == ()
    assert lacking.lacks == (
        "network home has 1 of 2 live mirrors that show the signed edition, and no host that shows the edition has "
        "room: add a [[host]] or a [[mirror]]",
    )


def test_a_host_of_the_site_is_asked_only_where_no_other_has_room() -> None:
    hosts = (replace(HOSTS[0], site=True), HOSTS[1])
    found = plan((mirror("a", provider="gcs"),), hosts=hosts, spares=0)
    assert told(found) == ["raise other"]
    found = plan((mirror("a", provider="gcs"),), hosts=(hosts[0], replace(hosts[1], most=0)), spares=0)
    assert told(found) == ["raise front"]  # it is better than nothing


def test_readers_are_told_of_the_edition_first() -> None:
    site = replace(mirror("s", provider="gcs", since=NOW), site=True)
    assert [one.name for one in directory((site, *TWO), [], ["home"])][-1] == "s"
    seen = [finding("a"), finding("b"), finding("s", "well")]
    assert [one.name for one in directory((site, *TWO), seen, ["home"])][-1] == "s"
