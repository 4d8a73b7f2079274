"""verdict -> move: which mirrors readers are told of, and which are raised, rested and retired.

Rule 1: make before break; a mirror that is needed in some network stays until another one works there. Rule 2: what is
planned is a value, shown before it is done, and each move says why. Rule 3: a provider is one risk, not many. Rule 4: a
policy that cannot be met is said, with what is missing; it never stops what can be done. Rule 5: a mirror of the
newsroom's own site, which nothing signs, stands in for one that shows the edition, and only until there is one.
"""

from heliograph.rotate.moves import HOLD, Plan, moves
from heliograph.rotate.policy import Policy
from heliograph.rotate.ready import shows
from heliograph.rotate.standing import directory, hurt

__all__ = ["HOLD", "Plan", "Policy", "directory", "hurt", "moves", "shows"]
