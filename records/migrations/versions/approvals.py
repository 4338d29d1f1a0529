"""Decisions that can be taken back and made for somebody else, turns handed on, releases, and pre-clearances.

The table of decisions is made anew with a number in its key, because a decision that was taken back may be followed by
another; and it is about pre-clearances as well as statements, so it refers to neither.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_IMMUTABLE = {
    "decisions": ("content_hash", "approver", "number"),
    "take_backs": ("content_hash", "approver", "number"),
    "releases": ("statement", "version"),
}


def upgrade() -> None:
    """Make everything."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    _renew_decisions(sqlite)
    op.create_table(
        "take_backs",
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("approver", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("content_hash", "approver", "number", name=op.f("pk_take_backs")),
    )
    op.create_table(
        "releases",
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("clearance", sa.Text(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement", "version"],
            ["statements.id", "statements.version"],
            name=op.f("fk_releases_statement_version"),
        ),
        sa.PrimaryKeyConstraint("statement", "version", name=op.f("pk_releases")),
    )
    op.create_index(op.f("ix_releases_clearance"), "releases", ["clearance"])
    op.create_table(
        "delegations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("delegate", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegations")),
    )
    op.create_index(op.f("ix_delegations_delegate"), "delegations", ["delegate"])
    op.create_table(
        "clearances",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clearances")),
    )
    for table, key in _IMMUTABLE.items():
        if sqlite:
            _keep_on_sqlite(table, key)
        elif table != "decisions":  # whose triggers stayed
            refuse = "EXECUTE FUNCTION fireline_refuse()"
            op.execute(f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {refuse}")
            op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}")


def _renew_decisions(sqlite: bool) -> None:
    new: tuple[sa.Column[Any], ...] = (
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, server_default="1"),
        sa.Column("on_behalf_of", sa.Text(), nullable=False, server_default=""),
        sa.Column("as_deputy", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    if not sqlite:
        for column in new:
            op.add_column("decisions", column)
        op.drop_constraint(op.f("fk_decisions_statement_version"), "decisions", type_="foreignkey")
        op.drop_constraint(op.f("pk_decisions"), "decisions", type_="primary")
        op.create_primary_key(op.f("pk_decisions"), "decisions", ["content_hash", "approver", "number"])
        return
    kept = ("content_hash", "approver", "statement", "version", "role", "verdict", "via", "reason", "decided_at")
    kinds: dict[str, Any] = {"version": sa.Integer(), "decided_at": sa.DateTime(timezone=True)}
    op.create_table(
        "decisions_anew",
        *(sa.Column(name, kinds.get(name, sa.Text()), nullable=False) for name in kept),
        *new,
        sa.PrimaryKeyConstraint("content_hash", "approver", "number", name=op.f("pk_decisions")),
    )
    columns = ", ".join(kept)
    op.execute(f"INSERT INTO decisions_anew ({columns}) SELECT {columns} FROM decisions")  # noqa: S608 - own names
    op.drop_table("decisions")
    op.rename_table("decisions_anew", "decisions")


def _keep_on_sqlite(table: str, key: tuple[str, ...]) -> None:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is written once: its rows are never changed'); END"
    op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}")
    op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}")
    # INSERT OR REPLACE deletes the old row without asking the trigger above.
    same = " AND ".join(f"{column} = NEW.{column}" for column in key)
    exists = f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 - names from this file alone
    op.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {exists} {refuse}")
