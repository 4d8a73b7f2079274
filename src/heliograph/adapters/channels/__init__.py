"""Channels as they are: one file for each provider.

Rule 1: nothing is asked twice by itself, and no redirect is followed: what may have been done is "unknown". Rule 2: a
secret is read from its file when it is needed, and no note holds one. Rule 3: a message is sent as it is given; what a
provider has no room for it refuses.
"""
