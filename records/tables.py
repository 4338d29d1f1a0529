"""The tables, on SQLite and PostgreSQL alike: what is looked up stands in columns, the rest of a model in its JSON.

The migrations under ``records/migrations`` make them; a test holds the two against each other. Rows of the tables in
``IMMUTABLE`` are written once: triggers refuse any change of them.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(TypeDecorator[datetime]):
    """An aware time in UTC, to the microsecond. SQLite keeps no offset, so it is taken off and put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def storable(text: str) -> str:
    """``text`` as both databases can hold it: PostgreSQL takes no NUL, UTF-8 no lone surrogate."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    if not text.isascii():
        text = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    return text


class Words(TypeDecorator[str]):
    """Text from anywhere, made storable on its way in."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


_BIG = BigInteger().with_variant(Integer, "sqlite")


def _words(name: str, **options: Any) -> Column[str]:
    return Column(name, Words, nullable=False, **options)


def _time(name: str, *, empty: bool = False) -> Column[datetime]:
    return Column(name, UtcTime, nullable=empty)


def _key(name: str) -> Column[str]:
    return Column(name, Words, primary_key=True)


watches = Table("watches", metadata, _key("name"), _words("body"))
watch_progress = Table("watch_progress", metadata, _key("watch"), _words("cursor"), _words("state"))
coverage = Table("coverage", metadata, _key("watch"), _key("source"), _time("noted_at"), _words("body"))
signals = Table("signals", metadata, _key("watch"), Column("at", UtcTime, primary_key=True), _words("body"))

inbox = Table(
    "inbox",
    metadata,
    Column("seq", _BIG, primary_key=True, autoincrement=True),
    _words("key", unique=True),
    _words("body"),
    sqlite_autoincrement=True,
)
shared_sources = Table("shared_sources", metadata, _key("source"), _words("body"))
budgets = Table("budgets", metadata, _key("account"), _key("endpoint"), _words("body"))
shared_mentions = Table(
    "shared_mentions",
    metadata,
    Column("seq", _BIG, primary_key=True, autoincrement=True),
    _words("source"),
    _words("watch"),
    _words("key"),
    _time("taken_at"),
    _words("body"),
    UniqueConstraint("source", "watch", "key"),
    Index(None, "source", "watch", "seq"),
    sqlite_autoincrement=True,
)
mentions = Table(
    "mentions",
    metadata,
    Column("incident", Words, ForeignKey("incidents.id"), primary_key=True),
    _key("key"),
    _time("created_at"),
    _words("body"),
    _words("source", server_default=""),
    _words("language", server_default=""),
    Column("reach", _BIG, nullable=False, server_default="0"),
    Index(None, "incident", "created_at"),
    Index(None, "created_at"),
    Index(None, "incident", "source", "language"),
    Index(None, "incident", "reach"),
)

counters = Table("counters", metadata, _key("name"), Column("value", _BIG, nullable=False))
incidents = Table(
    "incidents",
    metadata,
    _key("id"),
    Column("number", _BIG, nullable=False, unique=True),
    _words("watch"),
    _words("title"),
    _words("state"),
    _time("opened_at"),
    _time("started_at"),
    _time("closed_at", empty=True),
    _words("narrative"),
    _words("opened_by"),
    _words("lead"),
    _words("flow_run_id"),
    _words("assessment"),
    _words("merged_into", server_default=""),
    _time("lower_since", empty=True),
    Index(None, "watch", "state"),
    Index(None, "state", "closed_at"),
)
narrative_facts = Table(
    "narrative_facts",
    metadata,
    Column("incident", Words, ForeignKey("incidents.id"), primary_key=True),
    _key("narrative"),
    _words("fact"),
)
assessments = Table(
    "assessments",
    metadata,
    Column("incident", Words, ForeignKey("incidents.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _words("body"),
)
facts = Table(
    "facts",
    metadata,
    _key("id"),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _words("body"),
    Column("incident", Words, ForeignKey("incidents.id"), nullable=False, index=True),
)

statements = Table(
    "statements",
    metadata,
    _key("id"),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("incident", Words, ForeignKey("incidents.id"), nullable=False, index=True),
    _words("content_hash", index=True),
    _time("created_at"),
    _words("body"),
)


def _of_statement() -> tuple[Column[str], Column[int], ForeignKeyConstraint]:
    return (
        Column("statement", Words, primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        ForeignKeyConstraint(["statement", "version"], ["statements.id", "statements.version"]),
    )


renderings = Table(
    "renderings",
    metadata,
    *_of_statement(),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _words("channel"),
    _words("kind"),
    _words("address"),
    _words("body"),
)
pictures = Table("pictures", metadata, _key("sha256"), Column("content", LargeBinary, nullable=False))
statement_status = Table("statement_status", metadata, *_of_statement(), _words("status", index=True))
proposals = Table(
    "proposals",
    metadata,
    *_of_statement(),
    _words("content_hash"),
    _words("policy"),
    _time("proposed_at"),
    _words("proposed_by"),
)
decisions = Table(
    "decisions",
    metadata,
    _key("content_hash"),
    _key("approver"),
    _words("statement"),
    Column("version", Integer, nullable=False),
    _words("role"),
    _words("verdict"),
    _words("via"),
    _words("reason"),
    _time("decided_at"),
    Column("number", Integer, primary_key=True, autoincrement=False, server_default="1"),
    _words("on_behalf_of", server_default=""),
    Column("as_deputy", Boolean, nullable=False, server_default=false()),
)
"""About statements, and about pre-clearances by their id and as version 1."""
take_backs = Table(
    "take_backs",
    metadata,
    _key("content_hash"),
    _key("approver"),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _words("via"),
    _words("reason"),
    _time("taken_back_at"),
)
releases = Table(
    "releases",
    metadata,
    *_of_statement(),
    _words("content_hash"),
    _words("means"),
    _words("by"),
    _words("reason"),
    _words("via"),
    _words("clearance", index=True),
    _time("released_at"),
)
delegations = Table("delegations", metadata, _key("id"), _words("delegate", index=True), _words("body"))
clearances = Table("clearances", metadata, _key("id"), _words("state"), _words("body"))

deliveries = Table(
    "deliveries",
    metadata,
    _key("id"),
    _words("incident", index=True),
    _words("purpose"),
    _words("statement"),
    Column("version", Integer, nullable=False),
    _words("content_hash"),
    _words("rendering"),
    _words("delivery_class"),
    _words("state", index=True),
    Column("attempts", Integer, nullable=False),
    _time("not_before", empty=True),
    Column("receipt", Words, nullable=True),
    _words("problem"),
    Column("needs_human", Boolean, nullable=False),
    _time("created_at"),
    _time("updated_at"),
    _words("withdraws"),
    _words("lease_owner"),
    _time("lease_until", empty=True),
    Index(None, "statement", "version"),
)

recipients = Table(
    "recipients",
    metadata,
    _key("delivery"),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _words("address"),
    _words("fingerprint"),
    _words("state"),
    Column("attempt", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    _time("not_before", empty=True),
    _words("problem"),
    Index(None, "delivery", "state", "position"),
    Index(None, "fingerprint"),
)
suppressions = Table(
    "suppressions",
    metadata,
    _key("list"),
    _key("fingerprint"),
    _words("address"),
    _words("reason"),
    _words("detail"),
    _time("at"),
)

do_not_engage = Table(
    "do_not_engage",
    metadata,
    _key("network"),
    _key("fingerprint"),
    _words("author"),
    _words("mark"),
    _words("reason"),
    _words("by"),
    _time("at"),
)

commitments = Table(
    "commitments",
    metadata,
    _key("id"),
    Column("incident", Words, ForeignKey("incidents.id"), nullable=False, index=True),
    _words("statement"),
    _words("text"),
    _time("due_at"),
    _words("state", index=True),
    _time("kept_at", empty=True),
    _words("kept_by"),
    _time("reminded_at", empty=True),
    _words("kind", server_default="update"),
    _words("owner", server_default=""),
    _time("made_at", empty=True),
    _words("evidence", server_default=""),
)
promise_marks = Table("promise_marks", metadata, *_of_statement(), _key("key"), _words("body"))
read_backs = Table(
    "read_backs",
    metadata,
    _key("delivery"),
    Column("incident", Words, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("due_at", UtcTime, nullable=True, index=True),
    _words("body"),
)
public_questions = Table(
    "public_questions",
    metadata,
    _key("id"),
    Column("incident", Words, ForeignKey("incidents.id"), nullable=False, index=True),
    _words("merged_into"),
    _words("body"),
)
askings = Table(
    "askings",
    metadata,
    Column("incident", Words, ForeignKey("incidents.id"), primary_key=True),
    _key("post"),
    Column("place", Integer, primary_key=True, autoincrement=False),
    _words("question"),
    _words("author"),
    _words("text"),
    _time("at"),
    Column("reach", _BIG, nullable=False),
    _words("url"),
    Index(None, "incident", "question", "at"),
)
question_progress = Table(
    "question_progress",
    metadata,
    Column("incident", Words, ForeignKey("incidents.id"), primary_key=True),
    _time("until"),
    Column("posts", _BIG, nullable=False),
    Column("early", _BIG, nullable=False),
)
stakeholders = Table(
    "stakeholders", metadata, _key("email"), Column("position", Integer, nullable=False), _words("body")
)
observations = Table(
    "observations",
    metadata,
    Column("incident", Words, ForeignKey("incidents.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _words("body"),
)
frozen_posts = Table(
    "frozen_posts",
    metadata,
    Column("incident", Words, ForeignKey("incidents.id"), primary_key=True),
    _key("scheduler"),
    _key("post"),
    _words("state", index=True),
    _words("body"),
)
progress = Table("progress", metadata, _key("work"), _time("updated_at"), _words("body"))
checks = Table("checks", metadata, _key("part"), _key("name"), _words("body"))
subscriptions = Table("subscriptions", metadata, _key("name"), _words("body"))
codes = Table(
    "codes", metadata, _key("email"), _words("secret"), Column("last_step", _BIG, nullable=False), _time("enrolled_at")
)

restrictions = Table(
    "restrictions", metadata, Column("incident", Words, ForeignKey("incidents.id"), primary_key=True), _words("body")
)
sign_ins = Table(
    "sign_ins",
    metadata,
    _key("id"),
    _words("person"),
    _words("method"),
    _time("good_until"),
    _time("used_at", empty=True),
)
sessions = Table(
    "sessions",
    metadata,
    _key("id"),
    _words("token_hash", unique=True),
    _words("person", index=True),
    _words("method"),
    _words("agent"),
    _words("address"),
    _time("began_at"),
    _time("seen_at"),
    _time("ends_at"),
    _time("ended_at", empty=True),
)
api_tokens = Table(
    "api_tokens",
    metadata,
    _key("id"),
    _words("name"),
    _words("token_hash", unique=True),
    _words("scopes"),
    _words("made_by"),
    _time("made_at"),
    _time("expires_at", empty=True),
    _time("used_at", empty=True),
    _words("used_from"),
    _time("revoked_at", empty=True),
)

reviews = Table(
    "reviews", metadata, Column("incident", Words, ForeignKey("incidents.id"), primary_key=True), _words("body")
)
review_tasks = Table(
    "review_tasks",
    metadata,
    _key("id"),
    Column("incident", Words, ForeignKey("incidents.id"), nullable=False, index=True),
    _words("state"),
    _time("due_at"),
    _words("body"),
    Index(None, "state", "due_at"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("seq", _BIG, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False, index=True),
    _words("kind", index=True),
    _words("incident", index=True),
    _words("actor", index=True),
    _words("via", index=True),
    _words("reason"),
    _words("flow_run_id", index=True),
    _words("data"),
    _words("previous"),
    _words("hash"),
    Index(None, "incident", "actor", "seq"),
)
disclosures = Table(
    "disclosures",
    metadata,
    Column("seq", _BIG, primary_key=True, autoincrement=False),
    _words("incident", index=True),
    _words("body"),
)
"""The personal values of records (``crisis.personal``), which may be erased. Of a record without any there is none."""
erasures = Table(
    "erasures",
    metadata,
    _key("id"),
    _words("state", index=True),
    _time("asked_at"),
    _words("body"),
)
erased_posts = Table("erased_posts", metadata, _key("mark"), _words("erasure"))
holds = Table("holds", metadata, _key("incident"), _words("state"), _words("body"))
run_copies = Table(
    "run_copies",
    metadata,
    _key("run"),
    _key("part"),
    _words("incident", index=True),
    _time("copied_at"),
    _words("body"),
)
ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", _BIG, nullable=False),
    _words("hash"),
    _words("key"),
    _words("signature"),
)
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("seq", _BIG, primary_key=True, autoincrement=False),
    _words("hash"),
    _time("at"),
    _words("key"),
    _words("signature"),
)

IMMUTABLE = (
    ledger,
    checkpoints,
    decisions,
    take_backs,
    releases,
    statements,
    renderings,
    pictures,
    assessments,
    facts,
    observations,
)
"""Written once; the migrations put triggers on them that refuse UPDATE, DELETE, REPLACE and TRUNCATE."""
