"""The pictures of statements, by the SHA-256 of their bytes, and the triggers that keep them as they were."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "pictures",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_pictures")),
    )
    if op.get_bind().dialect.name == "sqlite":
        _keep_on_sqlite()
    else:
        _keep_on_postgresql()


def _keep_on_sqlite() -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, 'pictures is written once: its rows are never changed'); END"
    op.execute(f"CREATE TRIGGER pictures_no_update BEFORE UPDATE ON pictures {refuse}")
    op.execute(f"CREATE TRIGGER pictures_no_delete BEFORE DELETE ON pictures {refuse}")
    # INSERT OR REPLACE deletes the old row without asking the trigger above; the same bytes again change nothing.
    other = "EXISTS (SELECT 1 FROM pictures WHERE sha256 = NEW.sha256 AND content <> NEW.content)"
    op.execute(f"CREATE TRIGGER pictures_no_replace BEFORE INSERT ON pictures WHEN {other} {refuse}")


def _keep_on_postgresql() -> None:
    refuse = "EXECUTE FUNCTION fireline_refuse()"
    op.execute(f"CREATE TRIGGER pictures_no_change BEFORE UPDATE OR DELETE ON pictures FOR EACH ROW {refuse}")
    op.execute(f"CREATE TRIGGER pictures_no_truncate BEFORE TRUNCATE ON pictures FOR EACH STATEMENT {refuse}")
