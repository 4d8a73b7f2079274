"""What vantages saw of the mirrors, and what it added up to; and since when a file that had ended is back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the two tables of the watch, and the column."""
    op.add_column("file", sa.Column("back", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "sighting",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("mirror", sa.Text(), nullable=False),
        sa.Column("vantage", sa.Text(), nullable=False),
        sa.Column("started", sa.String(length=40), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("sighting_started", "sighting", ["started"], unique=False)
    op.create_table(
        "finding",
        sa.Column("mirror", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("mirror", "network"),
    )
