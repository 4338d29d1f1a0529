"""Personal values beside the ledger, erasures, posts that may not come back, legal holds, and copies of Prefect's runs.

Assessments quote the public: their trigger lets a body through in which something was erased, and nothing else; whether
exactly that was erased, ``verify`` proves from the ledger.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0016"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CHANGES = "NEW.incident <> OLD.incident OR NEW.number <> OLD.number OR NEW.body NOT LIKE '%[erased]%'"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "disclosures",
        sa.Column("seq", _BIG, autoincrement=False, nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_disclosures")),
    )
    op.create_index(op.f("ix_disclosures_incident"), "disclosures", ["incident"])
    op.create_table(
        "erasures",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index(op.f("ix_erasures_state"), "erasures", ["state"])
    op.create_table(
        "erased_posts",
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("erasure", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_erased_posts")),
    )
    op.create_table(
        "holds",
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("incident", name=op.f("pk_holds")),
    )
    op.create_table(
        "run_copies",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("copied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run", "part", name=op.f("pk_run_copies")),
    )
    op.create_index(op.f("ix_run_copies_incident"), "run_copies", ["incident"])
    if op.get_bind().dialect.name == "sqlite":
        refuse = "BEGIN SELECT RAISE(ABORT, 'assessments is written once: its rows are never changed'); END"
        op.execute("DROP TRIGGER assessments_no_update")
        op.execute(f"CREATE TRIGGER assessments_no_update BEFORE UPDATE ON assessments WHEN {_CHANGES} {refuse}")
    else:
        op.execute(
            "CREATE FUNCTION fireline_erase_only() RETURNS trigger AS $$ BEGIN "
            f"IF TG_OP = 'UPDATE' AND NOT ({_CHANGES}) THEN RETURN NEW; END IF; "
            "RAISE EXCEPTION '% is written once: its rows are never changed', TG_TABLE_NAME; END $$ LANGUAGE plpgsql"
        )
        op.execute("DROP TRIGGER assessments_no_change ON assessments")
        change = "BEFORE UPDATE OR DELETE ON assessments FOR EACH ROW EXECUTE FUNCTION fireline_erase_only()"
        op.execute(f"CREATE TRIGGER assessments_no_change {change}")
