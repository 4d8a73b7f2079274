"""Channels on this machine: what a provider refuses is refused, and what goes wrong on the way goes wrong on demand.

Rule 1: every documented limit is enforced with the provider's own error. Rule 2: what was taken is kept, so that a test
can say what readers would see: ``dump``. Rule 3: time is the clock that is given. Rule 4: a fault is named before the
call that it hits, and says whether the provider did what it was asked.
"""
