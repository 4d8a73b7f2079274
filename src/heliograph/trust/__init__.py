"""edition -> signed release, and back: the only code that knows keys.

``docs/format.md`` is the specification. Rule 1: nothing here reads a clock, a file, a socket or a source of randomness;
bytes, ``now`` and signers come in, values go out. Rule 2: every byte of a mirror is hostile until ``chain`` or
``content`` has said otherwise; what is refused is a ``RefusalError`` with a code, never any other exception. Rule 3:
the publisher's side (``sign``, ``edition_map.update``) costs what changed, not what there is.

    pinned root -> roots -> timestamp -> snapshot -> targets -> edition -> head -> tiles -> shard -> record -> file
"""
