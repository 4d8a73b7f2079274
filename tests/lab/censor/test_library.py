"""Rules and profiles as files: all are sound, and what is wrong in one is named with its place and the remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from heliograph.lab.censor import library
from heliograph.lab.censor.acts import actor
from heliograph.lab.censor.rule import NEEDS, make, plain
from heliograph.model import ConfigError

RULES = [library.rule(name) for name in library.names("rules")]


def test_every_behaviour_has_a_rule_and_every_action_is_used() -> None:
    assert {rule.behaviour for rule in RULES} == {f"B{number}" for number in range(1, 15)}
    assert {rule.action for rule in RULES} == set(NEEDS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_says_what_it_does_survives_json_and_can_be_carried_out(rule: library.Rule) -> None:
    assert rule.about[0].isupper()
    assert not rule.about.endswith(".")
    again = make(rule.name, json.loads(json.dumps(plain(rule))), "json")
    assert again == rule
    assert actor(rule, 0).rule is rule
    found = library.profile(rule.name)
    assert library.from_plain(json.loads(json.dumps(library.to_plain(found)))) == found


def test_the_profiles_of_the_manual_exist() -> None:
    wanted = {"ru-2026-home", "ru-2026-mobile", "ru-whitelist", "ir-2026", "cn", "by", "tm", "none"}
    assert wanted == set(library.names("profiles"))
    assert not wanted & set(library.names("rules")), "a name means one thing"
    assert all(library.profile(name).about for name in wanted)


def test_numbers_are_changed_by_name() -> None:
    assert library.profile("curtain-25p:limit=18,probability=0.8").rules[0].limit == 18
    home = library.profile("ru-2026-home:tls-burst.limit=5", ["curtain-25p.to=203.0.113.0/24, 2001:db8::/32"])
    by_name = {rule.name: rule for rule in home.rules}
    assert by_name["tls-burst"].limit == 5
    assert by_name["curtain-25p"].to == ("203.0.113.0/24", "2001:db8::/32")
    two = library.profile("dns-inject:answers=127.0.0.1+::1").rules[0]
    assert two.answers == ("127.0.0.1", "::1")
    assert library.profile("sni-rst", ["sni-rst.cut=false"]).rules[0].cut is False
    assert library.profile("tls-burst:window=2").rules[0].window == 2.0
    assert library.profile("ip-blackhole:to=").rules[0].to == ()


@pytest.mark.parametrize(
    ("text", "sets", "said"),
    [
        ("curtain-25", (), "did you mean curtain-25p"),
        ("curtain-25p:limit=many", (), "give a whole number"),
        ("curtain-25p:limit=-1", (), "give 0 or more"),
        ("curtain-25p:lmit=3", (), "no field 'lmit'"),
        ("curtain-25p:probability=2", (), "give between 0 and 1"),
        ("curtain-25p:unit=pages", (), "one of 'packets', 'bytes'"),
        ("ip-blackhole:to=here", (), "a network such as"),
        ("ru-2026-home:limit=3", (), "does not say which rule"),
        ("ru-2026-home", ("curtain.limit=3",), "its rules: dns-nx"),
        ("ru-2026-home", ("curtain-25p.limit",), "not of the form"),
        ("none", ("x.y=1",), "its rules: none"),
        ("/nowhere/rule.toml", (), "cannot be read"),
    ],
)
def test_a_wrong_name_or_number_is_explained(text: str, sets: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        library.profile(text, sets)
    assert said in str(caught.value)


RULE = """
about = "Ten packets"
behaviour = "B1"
grade = "C"
action = "freeze"
probability = 1
transport = ["tcp"]
limit = 10
unit = "packets"
count = "both"
drops = "both"
scope = "flow"
duration = 0
"""


def test_a_persons_own_rule_and_profile_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "ten.toml").write_text(RULE)
    (tmp_path / "mine.toml").write_text('about = "Mine"\nrules = ["ten.toml", "dns-nx"]\n[set]\n"ten.limit" = 11\n')
    assert library.profile(str(tmp_path / "ten.toml")).rules[0].limit == 10
    mine = library.profile(str(tmp_path / "mine.toml"), ["ten.drops=up"])
    assert [rule.name for rule in mine.rules] == ["ten", "dns-nx"]
    assert (mine.rules[0].limit, mine.rules[0].drops) == (11, "up")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RULE.replace("limit = 10\n", ""), "field 'limit' is missing"),
        (RULE + "lmit = 10\n", "field 'lmit' means nothing"),
        (RULE.replace('"freeze"', '"freze"'), "is not one of: freeze, drop"),
        (RULE.replace('"both"', '"bth"'), "one of 'both', 'up', 'down'"),
        (RULE.replace('["tcp"]', '"tcp"'), "a list of texts"),
        ("rules = 3\n", "a profile has the fields about, rules and set"),
        ('about = "x"\nrules = ["dns-nx"]\n[set]\n"x.limit" = 3\n', "names no rule of the profile"),
        ("about = \n", "is no TOML"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        library.profile(str(tmp_path / "wrong.toml"))
    assert said in str(caught.value)
    assert "wrong.toml" in str(caught.value)
