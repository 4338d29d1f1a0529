"""Scheduled posts under the freeze of an incident."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "frozen_posts",
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("scheduler", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_frozen_posts_incident")),
        sa.PrimaryKeyConstraint("incident", "scheduler", "post", name=op.f("pk_frozen_posts")),
    )
    op.create_index(op.f("ix_frozen_posts_state"), "frozen_posts", ["state"], unique=False)
