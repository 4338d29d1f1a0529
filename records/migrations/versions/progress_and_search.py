"""How far long work is, what the last checks found, and the ledger's columns by which people look things up."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"


def upgrade() -> None:
    """Make the tables and the indexes."""
    op.create_table(
        "progress",
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("work", name=op.f("pk_progress")),
    )
    op.create_table(
        "checks",
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("part", "name", name=op.f("pk_checks")),
    )
    for column in ("at", "actor", "via", "flow_run_id"):
        op.create_index(op.f(f"ix_ledger_{column}"), "ledger", [column])
    op.create_index(op.f("ix_mentions_created_at"), "mentions", ["created_at"])
