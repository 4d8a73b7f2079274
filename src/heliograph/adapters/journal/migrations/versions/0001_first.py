"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table of version 0.1."""
    op.create_table(
        "alias",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("code", sa.String(length=7), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("alias_code", "alias", ["code"], unique=False)
    op.create_table(
        "cut",
        sa.Column("code", sa.String(length=7), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "place"),
    )
    op.create_table(
        "dirty",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("of", sa.String(length=160), nullable=False),
        sa.PrimaryKeyConstraint("kind", "of"),
    )
    op.create_table(
        "edge",
        sa.Column("edge", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=7), nullable=False),
        sa.PrimaryKeyConstraint("edge", "code"),
    )
    op.create_index("edge_code", "edge", ["code"], unique=False)
    op.create_table(
        "edge_count",
        sa.Column("edge", sa.String(length=16), nullable=False),
        sa.Column("stories", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("edge"),
    )
    op.create_index("edge_count_stories", "edge_count", ["stories"], unique=False)
    op.create_table(
        "fetch",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("modified", sa.Text(), nullable=False),
        sa.Column("checked", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("url"),
    )
    op.create_table(
        "file",
        sa.Column("name", sa.String(length=210), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("of", sa.String(length=160), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("born", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("file_changed", "file", ["changed"], unique=False)
    op.create_index("file_sheet", "file", ["kind", "of"], unique=False)
    op.create_table(
        "issue",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("made", sa.String(length=40), nullable=False),
        sa.Column("stories", sa.Integer(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("written", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "link",
        sa.Column("code", sa.String(length=7), nullable=False),
        sa.Column("href", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "href", "key"),
    )
    op.create_index("link_key", "link", ["key"], unique=False)
    op.create_table(
        "note",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "picture",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("pid", sa.String(length=16), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("colour_1", sa.String(length=7), nullable=False),
        sa.Column("colour_2", sa.String(length=7), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("url"),
    )
    op.create_index("picture_key", "picture", ["key"], unique=False)
    op.create_index("picture_pid", "picture", ["pid"], unique=False)
    op.create_table(
        "picture_bytes",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("avif", sa.LargeBinary(), nullable=False),
        sa.Column("webp", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "picture_use",
        sa.Column("code", sa.String(length=7), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "url"),
    )
    op.create_index("picture_use_url", "picture_use", ["url"], unique=False)
    op.create_table(
        "sheet",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("of", sa.String(length=160), nullable=False),
        sa.Column("dense", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "of"),
    )
    op.create_index("sheet_dense", "sheet", ["dense"], unique=False)
    op.create_table(
        "story",
        sa.Column("code", sa.String(length=7), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("lang", sa.String(length=8), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("lead", sa.Text(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("section_key", sa.Text(), nullable=False),
        sa.Column("published", sa.String(length=40), nullable=False),
        sa.Column("updated", sa.String(length=40), nullable=False),
        sa.Column("sort", sa.String(length=32), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.Column("bylines", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("wire", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
        sa.UniqueConstraint("url"),
    )
    op.create_index("story_day", "story", ["day"], unique=False)
    op.create_index("story_label", "story", ["section_key", "section"], unique=False)
    op.create_index("story_lang", "story", ["lang", "sort"], unique=False)
    op.create_index("story_section", "story", ["section_key", "sort"], unique=False)
    op.create_index("story_sort", "story", ["sort", "code"], unique=False)
    op.create_table(
        "term",
        sa.Column("term", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=7), nullable=False),
        sa.PrimaryKeyConstraint("term", "code"),
    )
    op.create_index("term_code", "term", ["code"], unique=False)
    op.create_table(
        "tip",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("stamp", sa.Text(), nullable=False),
        sa.Column("index_url", sa.Text(), nullable=False),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.Column("rank", sa.String(length=40), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "url"),
    )
    op.create_index("tip_index", "tip", ["index_url"], unique=False)
    op.create_index("tip_waits", "tip", ["source", "waits", "rank"], unique=False)
    op.create_table(
        "version",
        sa.Column("code", sa.String(length=7), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("noted", sa.String(length=40), nullable=False),
        sa.Column("wire", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("code", "version"),
    )
