"""What the desk looks up: where posts come from and how far they reach, and the newest record of each incident."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"

_BATCH = 2_000
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns and indexes, and fill the columns in from what is stored already."""
    op.add_column("mentions", sa.Column("source", sa.Text(), nullable=False, server_default=""))
    op.add_column("mentions", sa.Column("language", sa.Text(), nullable=False, server_default=""))
    op.add_column("mentions", sa.Column("reach", _BIG, nullable=False, server_default="0"))
    _fill_in(op.get_bind())
    op.create_index(op.f("ix_mentions_incident_source_language"), "mentions", ["incident", "source", "language"])
    op.create_index(op.f("ix_mentions_incident_reach"), "mentions", ["incident", "reach"])
    op.create_index(op.f("ix_incidents_state_closed_at"), "incidents", ["state", "closed_at"])
    op.create_index(op.f("ix_ledger_incident_actor_seq"), "ledger", ["incident", "actor", "seq"])


def _fill_in(connection: sa.Connection) -> None:
    # In Python: PostgreSQL's own JSON functions refuse a post whose text holds an escaped NUL.
    incident, key = "", ""
    page = sa.text(
        "SELECT incident, key, body FROM mentions WHERE (incident, key) > (:incident, :key) "
        "ORDER BY incident, key LIMIT :most"
    )
    change = sa.text(
        "UPDATE mentions SET source = :source, language = :language, reach = :reach "
        "WHERE incident = :incident AND key = :key"
    )
    while rows := connection.execute(page, {"incident": incident, "key": key, "most": _BATCH}).all():
        incident, key = rows[-1].incident, rows[-1].key
        connection.execute(change, [_columns(row) for row in rows])


def _columns(row: sa.Row[tuple[str, str, str]]) -> dict[str, object]:
    post = json.loads(row[2])
    words = {name: str(post.get(name, "")).replace("\x00", "\ufffd") for name in ("source", "language")}
    reach = min(int(post.get("followers", 0)) + int(post.get("reposts", 0)), 2**62)
    return {"incident": row[0], "key": row[1], "reach": reach, **words}
