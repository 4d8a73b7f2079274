"""The newsroom's key folder: which file is which, and what was signed last.

    online-*.json edition-*.json          sign every release; kept on the publishing machine
    log-*.json                            signs the release log, where there is one; kept there, too
    offline/root-*.json targets-*.json    sign keys, once a year; belong on removable media
    offline/recovery-*.json               the second root key; belongs somewhere else
    tuf/N.root.json tuf/N.targets.json    what was signed with them, public
    code/<hash>.policy.json               what targets names besides keys, public

The file of a key ends in the first eight digits of its id, so that a new key never overwrites an old one.
"""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from hashlib import sha256

from heliograph.model import KeyFileError, Problem, SignError
from heliograph.ports import KeyFolder
from heliograph.trust import ceremony, readercode, roles, sign
from heliograph.trust import keys as keyfiles
from heliograph.trust.keys import SigningKey
from heliograph.trust.policy import TARGET, Policy, read_policy
from heliograph.trust.refusal import RefusalError
from heliograph.trust.sign import Signer, Signers, Standing

STANDING = "standing"  # the journal's note of it
OFFLINE = "offline/"
_MAKE = "make keys with: heliograph keys make"


def roots(keys: KeyFolder) -> list[bytes]:
    """Every root there is, the first one first.

    Raises:
        SignError: there is none.
    """
    found = _versions(keys, "root")
    if not found:
        raise SignError("the newsroom has no keys yet", remedy=_MAKE)
    return [keys.read(name) for name in found]


def standing(keys: KeyFolder, note: str) -> Standing:
    """What was signed last: root and targets of the folder, the rest as the journal noted it.

    Raises:
        SignError: there are no keys.
        KeyFileError: a file cannot be read.
    """
    root = roots(keys)[-1]
    names = _versions(keys, "targets")
    if not names:
        raise SignError("the newsroom has no list of its publishing keys (tuf/1.targets.json)", remedy=_MAKE)
    targets = keys.read(names[-1])
    texts = {name: text for name, text in json.loads(note or "{}").items() if name not in ("targets_since", "anew")}
    known = {name: text.encode("ascii") for name, text in texts.items()}
    since = json.loads(note or "{}").get("targets_since")
    if known.get("targets") != targets:
        since = None
    return Standing(
        root=root,
        targets=targets,
        targets_since=datetime.fromisoformat(since) if since else None,
        **{name: data for name, data in known.items() if name not in ("root", "targets")},
    )


def check_settled(standing: Standing) -> None:
    """Refuse to publish between two halves of a change of keys: readers would refuse the release.

    Raises:
        SignError: the newest root asks for signatures that the list of publishing keys has not got yet.
    """
    targets = roles.read("targets", standing.targets)
    try:
        roles.verify(targets, roles.read("root", standing.root))
    except RefusalError as refusal:
        what = f"tuf/{targets.version}.targets.json is not signed as the newest root asks: {refusal.what}"
        remedy = "have the next one signed by its holders and take it in: heliograph keys import"
        raise SignError(what, where="keys", remedy=remedy) from refusal


def is_news(note: str, standing: Standing) -> bool:
    """Whether a ceremony has changed root or targets since the last signing."""
    known = json.loads(note or "{}")
    return bool(known) and (known["root"], known["targets"]) != (standing.root.decode(), standing.targets.decode())


def must_build_anew(note: str) -> bool:
    """Whether the map of the last release is not the journal's own, as after a recovery."""
    return bool(json.loads(note or "{}").get("anew"))


def to_build_anew(note: str) -> str:
    """``note`` with the map marked as one that the next release builds anew."""
    return json.dumps({**json.loads(note), "anew": True}) if note else note


def missing(keys: KeyFolder) -> tuple[str, ...]:
    """The rings that no key here may sign for."""
    who = ceremony.keys_of(*(getattr(standing(keys, ""), role) for role in ("root", "targets")))
    here = {ring: {one.public_key.keyid for one in found} for ring, found in signers(keys).items()}
    return tuple(ring for ring in ("online", "edition") if not here[ring] & {key.keyid for key in who[ring].keys})


def remembered(signed: Standing, *, anew: bool = False) -> str:
    """The note from which ``standing`` is made again; ``anew`` says that the journal knows nothing of its map."""
    since = signed.targets_since.isoformat() if signed.targets_since else ""
    files = {one.name: getattr(signed, one.name) for one in fields(signed) if one.name != "targets_since"}
    texts = {name: data.decode("ascii") for name, data in files.items()}
    return json.dumps({**texts, "targets_since": since, **({"anew": True} if anew else {})})


def signers(keys: KeyFolder) -> Signers:
    """What signs a release without anybody near.

    Raises:
        KeyFileError: a key file is damaged.
    """
    found: dict[str, list[Signer]] = {"online": [], "edition": []}
    for key in _bare_keys(keys):
        if key.role in found:
            found[key.role].append(key.signer)
    return found


def log_key(keys: KeyFolder, public: bytes) -> SigningKey | None:
    """The key here whose public half is ``public``, of those that sign a release log.

    Raises:
        KeyFileError: a key file is damaged.
    """
    return next((key for key in _bare_keys(keys) if key.role == "log" and key.raw == public), None)


def code(keys: KeyFolder, targets: bytes) -> dict[str, bytes]:
    """The files that ``targets`` names, by their names on a mirror.

    Raises:
        KeyFileError: one is missing here, or is not the one that was signed.
    """
    file, found = roles.read("targets", targets), {}
    for target in roles.CODE:
        named = roles.named(file, target)
        if named is not None:
            name = readercode.name_of(target, named[1])
            data = keys.read(name)
            if sha256(data).digest() != named[1]:
                raise KeyFileError("it is not the file that was signed", where=name, remedy="take it from a mirror")
            found[name] = data
    return found


def policy(keys: KeyFolder, targets: bytes) -> tuple[Policy, bytes]:
    """The policy that ``targets`` names, and its bytes; b"" where there is none.

    Raises:
        KeyFileError: it is missing here, or none.
    """
    named = roles.named(roles.read("targets", targets), TARGET)
    if named is None:
        return Policy(), b""
    name = readercode.name_of(TARGET, named[1])
    data = code(keys, targets)[name]
    try:
        return read_policy(data), data
    except RefusalError as refusal:
        remedy = "sign another one: heliograph keys log"
        raise KeyFileError(f"it is no policy: {refusal.what}", where=name, remedy=remedy) from refusal


def _bare_keys(keys: KeyFolder) -> list[SigningKey]:
    """The keys that need nobody near."""
    return [
        keyfiles.unlock(keys.read(name), "", name)
        for name in keys.names()
        if name.endswith(".json") and "/" not in name
    ]


def file_of(key: SigningKey) -> str:
    """The name of a key's file in the folder."""
    folder = OFFLINE if key.role in keyfiles.OFFLINE else ""
    return f"{folder}{key.role}-{key.keyid[:8]}.json"


def doubts(keys: KeyFolder, note: str, now: datetime) -> list[Problem]:
    """What the newsroom should know of its keys before it is too late.

    Raises:
        SignError: there are none.
    """
    found = []
    here = offline_keys(keys)
    if here:
        what = f"{len(here)} offline keys are on this machine"
        remedy = f"move keys/{OFFLINE} to removable media: who takes this machine takes the newsroom"
        found.append(Problem(where="keys", what=what, remedy=remedy))
    known = standing(keys, note)
    try:
        check_settled(known)
    except SignError as error:
        found.append(Problem(where="keys", what=error.what, remedy=error.remedy, fatal=True))
    for expiry in sign.expiries(known, now):
        if not expiry.is_near:
            continue
        yearly = expiry.role in ("root", "targets")
        urgent = "; readers refuse everything after that" if yearly and expiry.is_urgent else ""
        what = f"the {expiry.role} expires on {expiry.expires:%Y-%m-%d %H:%M}{urgent}"
        remedy = "insert the stick and run: heliograph keys renew" if yearly else "see that heliograph run is running"
        found.append(Problem(where="keys", what=what, remedy=remedy))
    return found


def offline_keys(keys: KeyFolder) -> list[str]:
    """Files of keys that should not be on a machine that is online."""
    return [name for name in keys.names() if name.startswith(OFFLINE)]


def _versions(keys: KeyFolder, role: str) -> list[str]:
    """The names of the signed files of ``role``, by version."""
    ending = f".{role}.json"
    numbers = [
        int(number)
        for name in keys.names()
        if name.startswith("tuf/") and name.endswith(ending)
        if (number := name.removeprefix("tuf/").removesuffix(ending)).isdigit()
    ]
    return [f"tuf/{number}{ending}" for number in sorted(numbers)]
