"""A censor in a box: rules as files, a core without input or output, and a thin shell that puts it on a wire.

    rules/*.toml, profiles/*.toml --library--> Profile --> Box(profile).handle(now, way, frame) -> frames, events
                                                              ^ engine.py, between two interfaces, with line.py's delay

``box.py`` is the file to read first. What the rules emulate, with sources and figures: docs/lab.md.
"""

from heliograph.lab.censor.box import Box, Event, Result, Sent
from heliograph.lab.censor.library import Profile, profile
from heliograph.lab.censor.line import Line
from heliograph.lab.censor.rule import Rule

__all__ = ["Box", "Event", "Line", "Profile", "Result", "Rule", "Sent", "profile"]
