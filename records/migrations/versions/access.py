"""Restricted incidents, sign-ins under way, sessions, and programs' tokens."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def _words(*names: str) -> list["sa.Column[str]"]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _time(name: str, *, empty: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=empty)


def upgrade() -> None:
    """Make the four tables."""
    op.create_table(
        "restrictions",
        *_words("incident", "body"),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_restrictions_incident")),
        sa.PrimaryKeyConstraint("incident", name=op.f("pk_restrictions")),
    )
    op.create_table(
        "sign_ins",
        *_words("id", "person", "method"),
        _time("good_until"),
        _time("used_at", empty=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
    )
    op.create_table(
        "sessions",
        *_words("id", "token_hash", "person", "method", "agent", "address"),
        _time("began_at"),
        _time("seen_at"),
        _time("ends_at"),
        _time("ended_at", empty=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    op.create_index(op.f("ix_sessions_person"), "sessions", ["person"], unique=False)
    op.create_table(
        "api_tokens",
        *_words("id", "name", "token_hash", "scopes", "made_by"),
        _time("made_at"),
        _time("expires_at", empty=True),
        _time("used_at", empty=True),
        *_words("used_from"),
        _time("revoked_at", empty=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
