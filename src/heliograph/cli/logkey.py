"""``keys log``: the key of the release log, and the policy that names it, signed with the offline targets key."""

from __future__ import annotations

from rich.markup import escape

from heliograph.cli import changes
from heliograph.cli.changes import Ceremony
from heliograph.cli.keys import fresh
from heliograph.cli.screen import out
from heliograph.flows import ceremonies, keyring
from heliograph.model import ConfigError
from heliograph.trust import keys
from heliograph.trust.note import LogPolicy
from heliograph.trust.policy import with_log


def begin(at: Ceremony, *, anew: bool) -> int:
    """Make a key, and have targets name a policy with a log of it; the exit code.

    Raises:
        ConfigError: there is a log already.
    """
    standing = keyring.standing(at.folder, "")
    policy, data = keyring.policy(at.folder, standing.targets)
    if policy.log is not None and not anew:
        remedy = "to begin another one under another key: heliograph keys log --anew"
        raise ConfigError(f"there is the release log {policy.log.origin} already", where="keys log", remedy=remedy)
    old, key = at.old_keys(), fresh("log")
    # the number of the targets that first name it makes the name of each log another one
    origin = f"heliograph/{keys.fingerprint(keyring.roots(at.folder)[0])}/{standing.version('targets') + 1}"
    named = with_log(data, LogPolicy(origin=origin, key=key.raw))
    out.print(f"log       {origin}", soft_wrap=True)
    code = changes.apply(at, ceremonies.with_policy(at.folder, named, changes.now(), (key,)), old)
    if code == 0:
        changes.sweep(at, log=True)
    if not at.config.trust.log:
        out.print(f"Next: set {escape('[trust] log = true')} in the configuration", soft_wrap=True)
    return code


def end(at: Ceremony) -> int:
    """Have targets name a policy without log; the exit code.

    Raises:
        ConfigError: there is no log.
    """
    policy, data = keyring.policy(at.folder, keyring.standing(at.folder, "").targets)
    if policy.log is None:
        raise ConfigError("there is no release log", where="keys log --off", remedy="nothing is to be done")
    old = at.old_keys()
    code = changes.apply(at, ceremonies.with_policy(at.folder, with_log(data, None), changes.now()), old)
    if code == 0:
        changes.sweep(at, log=True)
    if at.config.trust.log:
        out.print(f"Next: set {escape('[trust] log = false')} in the configuration", soft_wrap=True)
    return code
