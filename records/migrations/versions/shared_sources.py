"""Sources that feed several watches and are read once."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "shared_sources",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_shared_sources")),
    )
    op.create_table(
        "shared_mentions",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("watch", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_shared_mentions")),
        sa.UniqueConstraint("source", "watch", "key", name=op.f("uq_shared_mentions_source_watch_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_shared_mentions_source_watch_seq"), "shared_mentions", ["source", "watch", "seq"])
