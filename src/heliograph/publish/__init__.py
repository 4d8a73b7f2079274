"""release -> mirror: what a mirror lacks, in an order that never leaves a broken link or an unverifiable release.

The order is the release format's: first what is new (nothing names it yet) and metadata that never changes, then the
checkpoint of the release log where there is one, then the timestamp and ``now``, which make the release the mirror's,
then files that had ended and are back, then those that are replaced, then those that end. Rule 1:
readers who follow links at any moment, also after a kill or a full disk, meet whole pages only, old or new, and no link
to a page that is not there: the front page is the last of its step. Rule 2: who verifies finds the old release until
``now`` is there and the new one after it; pages that wait to be replaced have a content copy until then. Rule 3: this
code is the same for the first delivery, an update and a repair.
"""

from heliograph.publish.garbage import swept
from heliograph.publish.plan import plan, repair, steps

__all__ = ["plan", "repair", "steps", "swept"]
