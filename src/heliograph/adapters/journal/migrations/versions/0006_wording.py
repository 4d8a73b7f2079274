"""What entries of the outbox say, each text once."""

from __future__ import annotations

from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Move the messages of the outbox into a table of their own."""
    wording = op.create_table(
        "wording",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    with op.batch_alter_table("outbox") as batch:
        batch.add_column(sa.Column("wording", sa.String(length=64), nullable=False, server_default=""))
    outbox = sa.table("outbox", sa.column("id"), sa.column("message"), sa.column("wording"))
    db, done = op.get_bind(), set[str]()
    for number in db.execute(sa.select(outbox.c.id)).scalars().all():  # one at a time: a message may be a whole letter
        message = db.execute(sa.select(outbox.c.message).where(outbox.c.id == number)).scalar_one()
        digest = sha256(message.encode()).hexdigest()
        if digest not in done:
            db.execute(sa.insert(wording).values(digest=digest, message=message))
            done.add(digest)
        # a text that stayed until its column goes would be written once more
        db.execute(sa.update(outbox).where(outbox.c.id == number).values(wording=digest, message=""))
    with op.batch_alter_table("outbox") as batch:
        batch.drop_column("message")
        batch.alter_column("wording", server_default=None)
    op.create_index("outbox_wording", "outbox", ["wording"])
