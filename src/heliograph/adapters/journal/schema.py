"""The journal's tables. A change here is a new migration in ``migrations/versions`` and a new ``HEAD``.

A key or index that holds an address is named in ``postgresql.py``, too: there a b-tree refuses the longest ones.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

HEAD = "0006"  # the newest migration; a journal that says so is opened without loading Alembic

metadata = MetaData()

note = Table("note", metadata, Column("key", String(80), primary_key=True), Column("value", Text, nullable=False))

fetch = Table(
    "fetch",
    metadata,
    Column("url", Text, primary_key=True),
    Column("etag", Text, nullable=False, default=""),
    Column("modified", Text, nullable=False, default=""),
    Column("checked", String(40), nullable=False, default=""),
)

tip = Table(
    "tip",
    metadata,
    Column("source", Text, primary_key=True),
    Column("url", Text, primary_key=True),
    Column("stamp", Text, nullable=False),
    Column("index_url", Text, nullable=False),
    Column("waits", Boolean, nullable=False),
    Column("rank", String(40), nullable=False),  # newest first: the date the source gives, else its place in the index
    Column("data", LargeBinary, nullable=False),
)
Index("tip_waits", tip.c.source, tip.c.waits, tip.c.rank)
Index("tip_index", tip.c.index_url)

story = Table(
    "story",
    metadata,
    Column("code", String(7), primary_key=True),
    Column("url", Text, nullable=False, unique=True),
    Column("lang", String(8), nullable=False),
    Column("title", Text, nullable=False),
    Column("lead", Text, nullable=False),
    Column("section", Text, nullable=False),
    Column("section_key", Text, nullable=False),
    Column("published", String(40), nullable=False),
    Column("updated", String(40), nullable=False),
    Column("sort", String(32), nullable=False),  # ``published`` in UTC, so that text order is time order
    Column("day", String(10), nullable=False),
    Column("words", Integer, nullable=False),
    Column("bylines", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("source", Text, nullable=False),
    Column("wire", LargeBinary, nullable=False),  # last: list queries then never touch its overflow pages
)
Index("story_sort", story.c.sort, story.c.code)
Index("story_day", story.c.day)
Index("story_lang", story.c.lang, story.c.sort)
Index("story_section", story.c.section_key, story.c.sort)
Index("story_label", story.c.section_key, story.c.section)

version = Table(
    "version",
    metadata,
    Column("code", String(7), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("noted", String(40), nullable=False),
    Column("wire", LargeBinary, nullable=False),
)

alias = Table("alias", metadata, Column("key", Text, primary_key=True), Column("code", String(7), nullable=False))
Index("alias_code", alias.c.code)

link = Table(
    "link",
    metadata,
    Column("code", String(7), primary_key=True),
    Column("href", Text, primary_key=True),
    Column("key", Text, primary_key=True),
)
Index("link_key", link.c.key)

edge = Table(
    "edge",
    metadata,
    Column("edge", String(16), primary_key=True),
    Column("code", String(7), primary_key=True),
)
Index("edge_code", edge.c.code)

edge_count = Table(
    "edge_count",
    metadata,
    Column("edge", String(16), primary_key=True),
    Column("stories", Integer, nullable=False),
)
Index("edge_count_stories", edge_count.c.stories)

term = Table(
    "term",
    metadata,
    Column("term", BigInteger, primary_key=True),
    Column("code", String(7), primary_key=True),
)
Index("term_code", term.c.code)

picture_use = Table(
    "picture_use",
    metadata,
    Column("code", String(7), primary_key=True),
    Column("url", Text, primary_key=True),
)
Index("picture_use_url", picture_use.c.url)

picture = Table(
    "picture",
    metadata,
    Column("url", Text, primary_key=True),
    Column("key", String(64), nullable=False),
    Column("pid", String(16), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("colour_1", String(7), nullable=False),
    Column("colour_2", String(7), nullable=False),
    Column("failure", Text, nullable=False),
)
Index("picture_pid", picture.c.pid)
Index("picture_key", picture.c.key)

picture_bytes = Table(
    "picture_bytes",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("avif", LargeBinary, nullable=False),
    Column("webp", LargeBinary, nullable=False),
)

dirty = Table(
    "dirty",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("of", String(160), primary_key=True),
)

sheet = Table(
    "sheet",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("of", String(160), primary_key=True),
    Column("dense", Boolean, nullable=False),
)
Index("sheet_dense", sheet.c.dense)

file = Table(
    "file",
    metadata,
    Column("name", String(210), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("of", String(160), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("born", Integer, nullable=False),  # the edition in which the name appeared
    Column("changed", Integer, nullable=False),  # the edition of its last change, its end included
    Column("gone", Boolean, nullable=False),
    # Of a mapped file: its key in the edition map, hex, and the digest of its content copy. Of what the release format
    # adds (kinds "object", "copy" and "signed"): how often it is used now, and since when it is not.
    Column("key", String(32), nullable=False, default="", server_default=""),
    Column("copied", String(64), nullable=False, default="", server_default=""),
    Column("uses", Integer, nullable=False, default=0, server_default="0"),
    Column("dropped", String(40), nullable=False, default="", server_default=""),
    # the edition in which a rendered file came back after an end, 0 if it never did
    Column("back", Integer, nullable=False, default=0, server_default="0"),
)
Index("file_changed", file.c.changed)
Index("file_sheet", file.c.kind, file.c.of)
Index("file_key", file.c.key)
Index("file_dropped", file.c.dropped)

cut = Table(
    "cut",
    metadata,
    Column("code", String(7), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("url", Text, nullable=False),
    Column("reason", String(20), nullable=False),
    Column("text", Text, nullable=False),
)

issue = Table(
    "issue",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("made", String(40), nullable=False),
    Column("stories", Integer, nullable=False),
    Column("files", Integer, nullable=False),
    Column("written", Integer, nullable=False),
    Column("gone", Integer, nullable=False),
    Column("release", Integer, nullable=False, default=0, server_default="0"),
    Column("pointer", String(64), nullable=False, default="", server_default=""),  # SHA-256 of its ``now``
)
Index("issue_pointer", issue.c.pointer)

sighting = Table(
    "sighting",
    metadata,
    Column("digest", String(64), primary_key=True),  # of the bytes, so that a report that comes twice counts once
    Column("mirror", Text, nullable=False),
    Column("vantage", Text, nullable=False),
    Column("started", String(40), nullable=False),
    Column("data", LargeBinary, nullable=False),
)
Index("sighting_started", sighting.c.started)

finding = Table(
    "finding",
    metadata,
    Column("mirror", Text, primary_key=True),
    Column("network", Text, primary_key=True),
    Column("data", Text, nullable=False),
)

mirror = Table(
    "mirror",
    metadata,
    Column("name", Text, primary_key=True),
    Column("data", Text, nullable=False),
)

move = Table(
    "move",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("mirror", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("before", String(20), nullable=False),  # the mirror's phase before it, "" for a new one
)

# What entries say, each text once: a letter to a hundred thousand subscribers is thousands of entries.
wording = Table(
    "wording",
    metadata,
    Column("digest", String(64), primary_key=True),  # SHA-256 (hex) of the message
    Column("message", Text, nullable=False),  # JSON
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel", String(40), nullable=False),
    Column("kind", String(20), nullable=False),  # what it is about: story, day, where
    Column("of", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("told", Integer, nullable=False),  # the story's version that the message is from
    Column("part", Integer, nullable=False),
    Column("act", String(20), nullable=False),
    Column("wording", String(64), nullable=False),  # the digest of its message there
    Column("digest", String(64), nullable=False),  # of what matters of the message
    Column("state", String(20), nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("remotes", Text, nullable=False),
    Column("not_before", String(40), nullable=False),
    Column("queued", String(40), nullable=False),
    Column("changed", String(40), nullable=False),
    Column("note", Text, nullable=False),
    Column("by_hand", Boolean, nullable=False),
)
Index(
    "outbox_key", outbox.c.channel, outbox.c.kind, outbox.c.of, outbox.c.version, outbox.c.part, outbox.c.act,
    unique=True,
)  # fmt: skip
Index("outbox_state", outbox.c.state)
Index("outbox_topic", outbox.c.kind, outbox.c.of)
Index("outbox_wording", outbox.c.wording)

pause = Table(
    "pause",
    metadata,
    Column("channel", String(40), primary_key=True),
    Column("until", String(40), nullable=False),  # "" until a person lets it go on
    Column("note", Text, nullable=False),
)

subscriber = Table(
    "subscriber",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel", String(40), nullable=False),
    Column("address", String(320), nullable=False),
    Column("lang", String(8), nullable=False),
    Column("failures", Integer, nullable=False),
)
Index("subscriber_address", subscriber.c.channel, subscriber.c.address, unique=True)
