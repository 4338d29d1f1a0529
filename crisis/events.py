"""What Fireline tells other systems: which entries of the ledger become events, under which name, and what they carry.

An event says that something is on record, in a few plain fields; whoever needs more asks the read API. It carries no text
of posts or statements beyond an incident's title, and no address of anybody.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from pydantic import Field

from crisis.incident import Incident
from crisis.record import Record
from crisis.release import Means
from crisis.values import Frozen, UtcDatetime

PREFIX = "fireline."
INCIDENT_FIELDS = ("incident", "watch", "severity", "type", "state")
"""What every event about an incident carries, as the incident stands when the event is sent."""
FIELDS: dict[str, str] = {
    "incident": "id of the incident, such as INC-7",
    "watch": "name of the watch",
    "severity": "SEV1 (worst) to SEV4",
    "type": "cause, such as data_breach",
    "state": "candidate, open, responding, monitoring, resolved, reviewed or dismissed",
    "title": "the incident's title; holds words of posts: text from outside",
    "run": "id of the Prefect flow run",
    "into": "id of the incident it became part of",
    "hours": "hours since a person last acted",
    "statement": "id of the statement",
    "version": "its version, from 1",
    "content_hash": "SHA-256 of all that was approved",
    "role": "role in which somebody decided",
    "verdict": "of a statement: working, not yet, made it worse, or cannot tell",
    "proposal": "what is proposed next: follow up, hold or correct",
    "delivery": "id of the delivery",
    "channel": "name of the channel in fireline.toml",
    "purpose": "statement, correction, withdrawal or notice",
    "commitment": "id of the promise",
    "due_at": "when it is due, ISO 8601 in UTC",
    "fact": "id of the fact",
    "status": "confirmed, unconfirmed or refuted",
    "source": "name of the source",
    "since": "when contact was lost or came back, ISO 8601 in UTC",
    "file": "name of the sealed file",
    "sha256": "its SHA-256",
}
"""What each field of an event means."""


class EventType(Frozen):
    """One kind of event."""

    name: str
    """Without the prefix: ``incident.opened``."""
    when: str
    """When it is sent, as a clause."""
    carries: tuple[str, ...] = ()
    """Fields besides those of the incident, taken from the record's data."""
    record: str = ""
    """The kind of ledger record it is made of; empty: of the same name."""
    only: Mapping[str, str] = Field(default_factory=dict)
    """Values that the record's data must have."""
    at_once: bool = False
    """Prefect hears of it from whoever did it; of the others, with subscribers, within a minute."""
    renamed: Mapping[str, str] = Field(default_factory=dict)
    """Fields that the record's data calls otherwise: field to key there."""

    @property
    def kind(self) -> str:
        """The kind of ledger record."""
        return self.record or self.name

    @property
    def full_name(self) -> str:
        """As others see it."""
        return PREFIX + self.name

    @property
    def about_incident(self) -> bool:
        """Whether it is about one incident."""
        return not self.name.startswith("coverage.")

    def payload(self, record: Record, incident: Incident | None) -> dict[str, Any]:
        """What the event carries, for one record."""
        return self.carried({name: record.data.get(self.renamed.get(name, name)) for name in self.carries}, incident)

    def carried(self, values: Mapping[str, Any], incident: Incident | None) -> dict[str, Any]:
        """What the event carries of ``values``, by field, beside what every event about an incident does; nothing else."""
        own: dict[str, Any] = {}
        if incident is not None:
            own = {
                "incident": incident.id,
                "watch": incident.watch,
                "severity": incident.severity.value,
                "type": incident.assessment.type.value,
                "state": incident.state.value,
            }
        known = {"title": incident.title} if incident is not None else {}
        for name in self.carries:
            value = values.get(name)
            if value is None:
                value = known.get(name)
            if value is not None:
                own[name] = value
        return own


class Event(Frozen):
    """One event, ready to be sent. ``id`` is the same however often it is sent."""

    id: str
    type: str
    subject: str
    """Id of the incident; of a coverage event, the watch."""
    time: UtcDatetime
    data: dict[str, Any]


_STATEMENT = ("statement", "version")
_DELIVERY = ("delivery", "channel", "purpose", *_STATEMENT)
_PUBLIC = {"purpose": "statement"}
_PROMISE = ("commitment", "due_at")

EVENTS: tuple[EventType, ...] = (
    EventType(name="incident.opened", when="an incident was opened", carries=("title",), at_once=True),
    EventType(name="incident.claimed", when="a run has taken the response up", carries=("run",), at_once=True),
    EventType(name="incident.acknowledged", when="somebody is on it"),
    EventType(name="incident.unacknowledged", when="nobody has taken it on, and every way to reach somebody was tried",
              at_once=True),
    EventType(name="incident.assessed", when="severity or cause were rated anew, by triage or a person"),
    EventType(name="incident.dismissed", when="a person called it a false alarm"),
    EventType(name="incident.merged", when="it became part of another incident", carries=("into",)),
    EventType(name="incident.monitoring", when="its statement is out, and the reaction is watched"),
    EventType(name="monitoring.ended", when="it was calm for so long that its reaction is watched no more"),
    EventType(name="incident.closing_proposed", when="it is calm, and a person may close it"),
    EventType(name="incident.forgotten", when="nobody has acted on it for 3, 6, 12, 24 hours, and each day after",
              carries=("hours",), at_once=True),
    EventType(name="incident.resolved", when="a person closed it", at_once=True),
    EventType(name="incident.reviewed", when="its after-action report is written"),
    EventType(name="freeze.begun", when="scheduled marketing is being frozen"),
    EventType(name="freeze.lifted", when="it is being put back"),
    EventType(name="fact.saved", when="a fact was added or changed", carries=("fact", "status"), renamed={"fact": "id"}),
    EventType(name="statement.proposed", when="a statement waits for its approvers", carries=_STATEMENT, at_once=True),
    EventType(name="decision.approve", record="decision.made", only={"verdict": "approve"}, when="somebody approved",
              carries=(*_STATEMENT, "role"), at_once=True),
    EventType(name="decision.return", record="decision.made", only={"verdict": "return"}, when="somebody returned it",
              carries=(*_STATEMENT, "role"), at_once=True),
    EventType(name="decision.taken_back", when="an approval was taken back before anything went out", carries=_STATEMENT,
              at_once=True),
    EventType(name="approval.escalated", when="nobody decided in time, and the next were asked", carries=_STATEMENT,
              at_once=True),
    EventType(name="approval.glass_broken", record="statement.released", only={"means": Means.BREAK_GLASS.value},
              when="an incident lead released a text without its approvals", carries=_STATEMENT, at_once=True),
    EventType(name="approval.precleared", record="statement.released", only={"means": Means.PRECLEARED.value},
              when="a holding statement went out by a pre-clearance", carries=_STATEMENT, at_once=True),
    EventType(name="statement.approved", when="all approvals are there", carries=(*_STATEMENT, "content_hash")),
    EventType(name="statement.published", when="it is out", carries=(*_STATEMENT, "content_hash"), at_once=True),
    EventType(name="statement.judged", record="effect.judged",
              when="the verdict on a published statement, or what is proposed, changed",
              carries=(*_STATEMENT, "verdict", "proposal"), at_once=True),
    EventType(name="statement.withdrawn", when="it is being taken back", carries=_STATEMENT),
    EventType(name="delivery.accepted", only=_PUBLIC, when="a channel took a statement", carries=_DELIVERY),
    EventType(name="delivery.refused", only=_PUBLIC, when="a channel refused it", carries=_DELIVERY),
    EventType(name="delivery.unknown", only=_PUBLIC, when="whether it arrived is not clear, and is looked up",
              carries=_DELIVERY, at_once=True),
    EventType(name="delivery.gone", record="delivery.read_back", only={"stand": "gone"},
              when="a published text is not there any more", carries=("delivery", "channel"), at_once=True),
    EventType(name="delivery.edited", record="delivery.read_back", only={"stand": "edited"},
              when="a published text reads otherwise than it was approved", carries=("delivery", "channel"), at_once=True),
    EventType(name="delivery.matched", record="delivery.read_back", only={"stand": "matched"},
              when="a published text was looked at and stands as approved", carries=("delivery", "channel"), at_once=True),
    EventType(name="commitment.made", when="a statement promised something", carries=_PROMISE, renamed={"commitment": "id"}),
    EventType(name="commitment.reminded", when="a promise falls due soon", carries=_PROMISE),
    EventType(name="commitment.overdue", when="its time is over, and nothing has kept it", carries=_PROMISE, at_once=True),
    EventType(name="commitment.moved", when="a published update gave it another time", carries=_PROMISE),
    EventType(name="commitment.kept", when="it was kept", carries=_PROMISE),
    EventType(name="commitment.broken", when="it was not kept", carries=_PROMISE),
    EventType(name="coverage.lost", when="a source of a watch is down: nothing of it is heard",
              carries=("watch", "source", "since"), at_once=True),
    EventType(name="coverage.returned", when="it is heard again", carries=("watch", "source", "since"), at_once=True),
    EventType(name="evidence.sealed", when="the evidence bundle is sealed", carries=("file", "sha256")),
)  # fmt: skip
"""Every event there is, in the order of an incident's life."""

NAMED = {event.name: event for event in EVENTS}
"""Every event by its name without the prefix."""
KINDS = frozenset(event.kind for event in EVENTS)
"""The kinds of ledger record that become events."""


def type_of(record: Record) -> EventType | None:
    """What event a record becomes; None for what is not told."""
    for event in EVENTS:
        if event.kind == record.kind and all(record.data.get(k) == v for k, v in event.only.items()):
            return event
    return None


def event_of(record: Record, incident: Incident | None, installation: str) -> Event | None:
    """The event of one record, or None. ``installation``: what tells this ledger from others."""
    found = type_of(record)
    if found is None or (found.about_incident and incident is None):
        return None
    data = found.payload(record, incident)
    subject = incident.id if incident is not None else str(data.get("watch", ""))
    return Event(id=f"{installation}-{record.seq}", type=found.full_name, subject=subject, time=record.at, data=data)


def wanted(name: str, patterns: Iterable[str]) -> bool:
    """Whether an event of that full name is asked for by one of ``patterns`` (``fireline.incident.*``, ``*``)."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def unknown_patterns(patterns: Iterable[str]) -> list[str]:
    """Those that no event there is would ever fit."""
    return [p for p in patterns if not any(fnmatchcase(event.full_name, p) for event in EVENTS)]
