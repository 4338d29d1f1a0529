"""What an author says of a draft's promises, who owns a promise and what shows that it was kept, and what stands on the
platforms now."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0017"


def upgrade() -> None:
    """Make the columns and the tables."""
    with op.batch_alter_table("commitments") as table:
        table.add_column(sa.Column("kind", sa.Text(), nullable=False, server_default="update"))
        table.add_column(sa.Column("owner", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("made_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("evidence", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "promise_marks",
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement", "version"],
            ["statements.id", "statements.version"],
            name=op.f("fk_promise_marks_statement_version"),
        ),
        sa.PrimaryKeyConstraint("statement", "version", "key", name=op.f("pk_promise_marks")),
    )
    op.create_table(
        "read_backs",
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_read_backs_incident")),
        sa.PrimaryKeyConstraint("delivery", name=op.f("pk_read_backs")),
    )
    op.create_index(op.f("ix_read_backs_incident"), "read_backs", ["incident"], unique=False)
    op.create_index(op.f("ix_read_backs_due_at"), "read_backs", ["due_at"], unique=False)
