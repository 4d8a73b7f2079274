"""The lab's networks: readers behind censors, places in the world, names. ``world.py`` is the file to read first."""

from heliograph.lab.world.need import LabError
from heliograph.lab.world.process import Process
from heliograph.lab.world.town import missing
from heliograph.lab.world.world import BoxHandle, World

__all__ = ["BoxHandle", "LabError", "Process", "World", "missing"]
