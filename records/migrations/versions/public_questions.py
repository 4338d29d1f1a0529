"""What the public asks: questions, the posts that ask them, and how far the posts were looked through."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0019"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "public_questions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("merged_into", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_public_questions_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_questions")),
    )
    op.create_index(op.f("ix_public_questions_incident"), "public_questions", ["incident"])
    op.create_table(
        "askings",
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reach", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_askings_incident")),
        sa.PrimaryKeyConstraint("incident", "post", "place", name=op.f("pk_askings")),
    )
    op.create_index(op.f("ix_askings_incident_question_at"), "askings", ["incident", "question", "at"])
    op.create_table(
        "question_progress",
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posts", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("early", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_question_progress_incident")),
        sa.PrimaryKeyConstraint("incident", name=op.f("pk_question_progress")),
    )
