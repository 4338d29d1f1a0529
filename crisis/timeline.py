"""The timeline of an incident, told from the ledger in words that anyone can follow.

Every record of the incident becomes one entry: when, who, what happened. Entries that only matter to engineers (a
sender arming a delivery) are marked as detail, so that a reader can leave them out and an auditor can leave them in.
A kind of record that is not known here is still told, by its own name: nothing is dropped.
"""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

from crisis.delivery import Delivery, Purpose
from crisis.incident import Incident
from crisis.record import Record
from crisis.telling import Known, first_of, place_of, sentence
from crisis.values import Frozen, UtcDatetime

NEIGHBOURS = timedelta(minutes=5)
"""Entries of one kind this close to each other may be told as one."""
MOST_NAMES = 6
"""Names in an entry that tells several."""

HERE = "\ufffc"
"""Stands for a name (Unicode's object replacement character, which foreign text has no use for)."""


class Side(StrEnum):
    """Whose move an entry is, for colour and for reading along one side of the story."""

    PUBLIC = "public"
    """What people outside did."""
    INSIDE = "inside"
    """What we did among ourselves."""
    WORD = "word"
    """What we said to the public."""
    TROUBLE = "trouble"
    """What went wrong or needs a human."""


class Entry(Frozen):
    """One line of the timeline."""

    at: UtcDatetime
    who: str
    what: str
    """A sentence in plain words; may quote foreign text."""
    why: str = ""
    link: str = ""
    """Where to see it: a post's address."""
    side: Side = Side.INSIDE
    detail: bool = False
    """Of interest to engineers and auditors only."""
    seq: int | None = None
    """The ledger record that tells it; none for what was observed outside."""
    together: str = ""
    """``what`` with ``HERE`` for the one name that sets it apart from its like; empty when it stands alone."""
    name: str = ""


DETAILS = frozenset(
    {
        "approval.form",
        "delivery.armed",
        "delivery.pending",
        "delivery.planned",
        "incident.claimed",
        "incident.retold",
        "stakeholder.reached",
        "mailing.armed",
        "mailing.settled",
        "ledger.checkpoint",
        "statement.reasoned",
        "ledger.verified",
        "statement.rendered",
        "mentions.relied_on",
        "post.freezing",
        "post.restoring",
        "scheduler.freezing",
        "scheduler.frozen",
        "scheduler.restored",
        "commitment.reminded",
        "promise.confirmed",
        "promise.struck",
        "review.saved",
        "review_task.reminded",
        "watch.saved",
    }
)
"""Kinds that are details however they end."""

TROUBLES = frozenset(
    {
        "commitment.broken",
        "commitment.overdue",
        "coverage.lost",
        "decision.refused",
        "delivery.human_asked",
        "delivery.needs_human",
        "delivery.refused",
        "delivery.unknown",
        "incident.unacknowledged",
        "post.missed",
        "post.not_frozen",
        "post.not_restored",
        "scheduler.not_frozen",
        "stakeholder.not_reached",
        "clearance.refused",
        "clearance.voided",
        "approval.escalated",
        "decision.taken_back",
        "delegation.refused",
        "statement.expired",
        "statement.in_doubt",
        "statement.released",
        "statement.voided",
        "statement.withdrawn",
    }
)
WORDS = frozenset({"delivery.accepted", "delivery.reconciled", "statement.published"})

_ACTORS = {
    "detector": "Detector",
    "triage": "Triage",
    "outbox": "Outbox",
    "respond": "Response flow",
    "review": "Review flow",
    "follow_up": "Follow-up flow",
    "approval": "Approval",
    "preclearance": "Pre-clearance",
    "template": "Template",
    "fireline": "Fireline",
    "desk": "Somebody at the desk",
}


def tell(incident: Incident, records: Iterable[Record], known: Known) -> tuple[Entry, ...]:
    """The whole timeline of ``incident``, details included, in the order in which it happened."""
    entries = []
    if incident.started_at < incident.opened_at:
        first = "The first posts of the episode appeared"
        entries.append(Entry(at=incident.started_at, who="The public", what=first, side=Side.PUBLIC))
    entries += [_entry(record, known) for record in records if record.incident == incident.id]
    return tuple(sorted(entries, key=lambda e: (e.at, e.seq or 0)))


def tell_one(record: Record, known: Known) -> Entry:
    """One record as an entry of a timeline, whatever incident it belongs to."""
    return _entry(record, known)


def in_short(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The timeline for reading: without details, and with neighbours told as one.

    "Mastodon", "Bluesky" and 41,233 mail addresses that accepted one statement in a row become one entry that names
    the first few; its time is the first one's.
    """
    runs: list[list[Entry]] = []
    for entry in entries:
        if entry.detail:
            continue
        last = runs[-1][-1] if runs else None
        alike = last is not None and entry.together and (last.together, last.who) == (entry.together, entry.who)
        if alike and last is not None and entry.at - last.at <= NEIGHBOURS:
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return tuple(_run(run) for run in runs)


def _run(run: list[Entry]) -> Entry:
    first = run[0]
    if len(run) == 1:
        return first
    names = list(dict.fromkeys(entry.name for entry in run))
    if len(names) > MOST_NAMES:
        names = [*names[: MOST_NAMES - 1], f"{len(names) - MOST_NAMES + 1:,} others"]
    listed = " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
    why = first.why if all(entry.why == first.why for entry in run) else ""
    what = first.together.replace(HERE, listed, 1)
    return first.model_copy(update={"what": what, "why": why, "link": "", "name": listed})


def _entry(record: Record, known: Known) -> Entry:
    delivery = (
        known.delivery(str(first_of(record.data, "delivery", "id"))) if record.kind.startswith("delivery.") else None
    )
    side = Side.TROUBLE if record.kind in TROUBLES else Side.WORD if record.kind in WORDS else Side.INSIDE
    detail = record.kind in DETAILS
    if delivery is not None and delivery.purpose is Purpose.NOTICE:
        detail, side = detail or side is Side.WORD, Side.INSIDE if side is Side.WORD else side
    if record.kind == "delivery.read_back" and (record.data.get("stand"), record.data.get("was")) == ("matched", ""):
        detail = True  # it stands as it should; that it does so again is worth telling
    if record.kind in ("reaction.observed", "effect.judged"):
        side = Side.PUBLIC
    what = sentence(record, known)
    together, name = "", _name_in(record, known, delivery)
    if name and name in what:
        before, _, after = ("", "", what[len(name) :]) if what.startswith(name) else what.rpartition(name)
        together = f"{before}{HERE}{after}"
    return Entry(
        at=record.at,
        who=_ACTORS.get(record.actor, known.person(record.actor)),
        what=what,
        why="" if record.reason and record.reason in what else _why(record),
        link=delivery.receipt.url if delivery is not None and delivery.receipt is not None else "",
        side=side,
        detail=detail,
        seq=record.seq,
        together=together,
        name=name,
    )


def _why(record: Record) -> str:
    """The reason on record; those that Fireline itself words name roles and kinds as people write them."""
    return record.reason.replace("_", " ") if record.kind.startswith("stakeholder.") else record.reason


def _name_in(record: Record, known: Known, delivery: Delivery | None) -> str:
    """What sets an entry apart from its like: the person told, or the target of a delivery."""
    if record.kind.startswith("stakeholder."):
        return known.person(str(first_of(record.data, "stakeholder")))
    return place_of(delivery) if delivery is not None else ""
