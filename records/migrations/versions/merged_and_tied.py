"""Which incident another was merged into, since when triage sees less, and which fact answers a narrative."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add all three."""
    op.add_column("incidents", sa.Column("merged_into", sa.Text(), nullable=False, server_default=""))
    op.add_column("incidents", sa.Column("lower_since", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "narrative_facts",
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("narrative", sa.Text(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_narrative_facts_incident")),
        sa.PrimaryKeyConstraint("incident", "narrative", name=op.f("pk_narrative_facts")),
    )
