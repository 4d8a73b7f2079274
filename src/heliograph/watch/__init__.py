"""mirror -> sighting -> verdict: is it blocked, where, and how.

Rule 1: nothing here reads a socket or a clock; the prober is a generator of checks that is sent outcomes, so the same
code runs live, against the lab's censor, and on what a volunteer brings on a stick. Rule 2: a blocked mirror is not an
error but a verdict. Rule 3: no word of blocking without controls.
"""

from heliograph.watch.diagnose import diagnose
from heliograph.watch.judge import judge
from heliograph.watch.steps import Controls, Target, probe

__all__ = ["Controls", "Target", "diagnose", "judge", "probe"]
