"""After-action reviews and their tasks."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0020"


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "reviews",
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_reviews_incident")),
        sa.PrimaryKeyConstraint("incident", name=op.f("pk_reviews")),
    )
    op.create_table(
        "review_tasks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_review_tasks_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_tasks")),
    )
    op.create_index(op.f("ix_review_tasks_incident"), "review_tasks", ["incident"], unique=False)
    op.create_index(op.f("ix_review_tasks_state_due_at"), "review_tasks", ["state", "due_at"], unique=False)
