"""How far other systems have been told of the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0014"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "subscriptions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_subscriptions")),
    )
