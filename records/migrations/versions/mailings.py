"""Recipients of mailings, each with a state, and whom nothing more may be mailed."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "recipients",
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("delivery", "position", name=op.f("pk_recipients")),
    )
    op.create_index(op.f("ix_recipients_delivery_state_position"), "recipients", ["delivery", "state", "position"])
    op.create_index(op.f("ix_recipients_fingerprint"), "recipients", ["fingerprint"])
    op.create_table(
        "suppressions",
        sa.Column("list", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("list", "fingerprint", name=op.f("pk_suppressions")),
    )
