"""release -> mirror: what a mirror lacks, in an order that never leaves a broken link, the pointer last.

Rule 1: files of new names first (nothing links to them yet), then changed files, the front page after all others, then
files that ended. So a reader who follows links at any moment, also after a kill or a full disk, meets whole pages only,
old or new, and no link to a page that is not there. Rule 2: the pointer is written when all before it is durable; until
then the mirror counts as what it was, and the next run does the rest again. Rule 3: this code is the same for the first
delivery, an update and a repair.
"""

from heliograph.publish.plan import Pointer, ordered, plan, read_pointer, repair, write_pointer

__all__ = ["Pointer", "ordered", "plan", "read_pointer", "repair", "write_pointer"]
