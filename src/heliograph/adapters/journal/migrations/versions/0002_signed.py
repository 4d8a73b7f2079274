"""Signed releases: keys of the edition map, objects and how often each is used, and what each edition was signed as."""

from __future__ import annotations

from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_AT_ONCE = 1_000


def upgrade() -> None:
    """Add the columns, and the keys of the files there are."""
    op.add_column("file", sa.Column("key", sa.String(length=32), nullable=False, server_default=""))
    op.add_column("file", sa.Column("copied", sa.String(length=64), nullable=False, server_default=""))
    op.add_column("file", sa.Column("uses", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("file", sa.Column("dropped", sa.String(length=40), nullable=False, server_default=""))
    op.add_column("issue", sa.Column("release", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("issue", sa.Column("pointer", sa.String(length=64), nullable=False, server_default=""))
    _fill_keys()
    op.create_index("file_key", "file", ["key"], unique=False)
    op.create_index("file_dropped", "file", ["dropped"], unique=False)
    op.create_index("issue_pointer", "issue", ["pointer"], unique=False)


def _fill_keys() -> None:
    db, file = op.get_bind(), sa.table("file", sa.column("name", sa.String), sa.column("key", sa.String))
    names = [name for name in db.scalars(sa.select(file.c.name)) if not name.endswith((".br", ".gz"))]
    query = sa.update(file).where(file.c.name == sa.bindparam("of")).values(key=sa.bindparam("is"))
    for at in range(0, len(names), _AT_ONCE):
        rows = [{"of": name, "is": sha256(name.encode()).hexdigest()[:32]} for name in names[at : at + _AT_ONCE]]
        db.execute(query, rows)
