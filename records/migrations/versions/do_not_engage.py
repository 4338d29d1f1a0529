"""Whom nobody replies to."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0022"


def upgrade() -> None:
    """Add the do-not-engage list."""
    op.create_table(
        "do_not_engage",
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("network", "fingerprint", name=op.f("pk_do_not_engage")),
    )
