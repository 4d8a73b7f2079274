"""The loops that join stages and ports. No policy here: an ``if`` with domain meaning belongs in a stage.

Read ``issue.py`` first; it is the way of an article from top to bottom.
"""

from heliograph.flows.issue import Report, issue

__all__ = ["Report", "issue"]
