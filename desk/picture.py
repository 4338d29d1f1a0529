"""The picture of one incident as the pages show it: its clocks, and what it waits for, from whom.

Everything is derived from records at the moment of asking; nothing here is stored, and nothing is decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from config import Settings
from crisis.approval import Decision, Standing, standing
from crisis.clocks import ClockReading, ClockState, Publication, read_clocks
from crisis.commitment import Commitment, CommitmentState
from crisis.delivery import ARRIVED, Delivery, DeliveryState, Purpose
from crisis.incident import Incident, IncidentState
from crisis.statement import Statement
from crisis.triage import Assessment
from crisis.values import StatementKind
from records import Proposal, StatementStatus, Transaction

SOON = timedelta(minutes=10)
"""A clock with less time than this left is shown as urgent."""


@dataclass(frozen=True)
class Version:
    """The latest version of a statement, and how it stands."""

    statement: Statement
    status: StatementStatus
    proposal: Proposal | None
    decisions: tuple[Decision, ...]
    standing: Standing | None
    """Where its proposal stands; none when it was never proposed."""
    deliveries: tuple[Delivery, ...]

    @property
    def arrived(self) -> int:
        """Targets that carry it."""
        return sum(d.state in ARRIVED for d in self.deliveries)


@dataclass(frozen=True)
class Picture:
    """An incident and what belongs to it."""

    incident: Incident
    versions: tuple[Version, ...]
    deliveries: tuple[Delivery, ...]
    commitments: tuple[Commitment, ...]

    @property
    def unknown(self) -> tuple[Delivery, ...]:
        """Deliveries of which nobody knows whether they arrived."""
        return tuple(d for d in self.deliveries if d.state is DeliveryState.UNKNOWN)


@dataclass(frozen=True)
class Wait:
    """Something that does not happen until somebody does it."""

    what: str
    who: str = ""
    due_at: datetime | None = None
    link: str = ""
    """Where on the desk to see more."""


async def load(tx: Transaction, incident: Incident, now: datetime) -> Picture:
    """Gather an incident's picture."""
    return Picture(
        incident,
        tuple([await load_version(tx, s, now) for s in await tx.statements.list(incident.id)]),
        tuple(await tx.outbox.list(incident=incident.id)),
        tuple(await tx.commitments.list(incident=incident.id)),
    )


async def load_version(tx: Transaction, statement: Statement, now: datetime) -> Version:
    """Gather how one version of a statement stands."""
    proposal = await tx.statements.proposal(statement.id, statement.version)
    decisions = tuple(await tx.decisions.list(statement.content_hash))
    deliveries = await tx.outbox.list(statement=statement.id, version=statement.version, purpose=Purpose.STATEMENT)
    return Version(
        statement=statement,
        status=await tx.statements.status(statement.id, statement.version),
        proposal=proposal,
        decisions=decisions,
        standing=where_it_stands(proposal, decisions, now),
        deliveries=tuple(deliveries),
    )


def where_it_stands(proposal: Proposal | None, decisions: tuple[Decision, ...], now: datetime) -> Standing | None:
    """A proposal's standing at ``now``."""
    if proposal is None:
        return None
    return standing(
        proposal.policy, decisions, content_hash=proposal.content_hash, proposed_at=proposal.proposed_at, now=now
    )


def clocks(picture: Picture, assessments: Sequence[Assessment], now: datetime) -> tuple[ClockReading, ...]:
    """The incident's clocks: those that still run or are overdue first, the most urgent at the head."""
    readings = read_clocks(picture.incident, assessments, publications(picture), now)
    return tuple(sorted(readings, key=lambda r: (r.met_at is not None, r.due_at)))


def publications(picture: Picture) -> tuple[Publication, ...]:
    """When each version became public: the moment its first target had it."""
    found = []
    for (name, number), deliveries in _by_version(picture).items():
        version = next((v.statement for v in picture.versions if v.statement.id == name), None)
        if version is not None:
            at = min(d.updated_at for d in deliveries)
            found.append(Publication(statement=name, version=number, kind=version.kind, at=at))
    return tuple(found)


def _by_version(picture: Picture) -> dict[tuple[str, int], list[Delivery]]:
    grouped: dict[tuple[str, int], list[Delivery]] = {}
    for delivery in picture.deliveries:
        if delivery.purpose is Purpose.STATEMENT and delivery.state in ARRIVED:
            grouped.setdefault((delivery.statement, delivery.version), []).append(delivery)
    return grouped


def urgency(reading: ClockReading, now: datetime) -> str:
    """A clock in a word: ``kept``, ``missed``, ``late`` (overdue), ``soon``, ``running`` or ``not needed``."""
    if reading.met_at is None and reading.state is ClockState.MISSED:
        return "late"
    if reading.state is ClockState.RUNNING and reading.due_at - now <= SOON:
        return "soon"
    return reading.state.value


def waits(picture: Picture, settings: Settings) -> tuple[Wait, ...]:
    """What the incident waits for, the most urgent first."""
    incident = picture.incident
    lead = people(settings, "incident_lead")
    if incident.lead:
        lead = next((p.name for p in settings.stakeholders if p.email == incident.lead), incident.lead)
    found = [
        Wait(f"Look whether {_about(d)} reached {d.rendering.target.channel}", lead, link=_place(d))
        for d in picture.unknown
        if d.needs_human
    ]
    for version in picture.versions:
        wait = _waits_for(version, settings, lead, word_due(incident, version.statement.kind))
        found += [wait] if wait else []
    found += [
        Wait(f"Keep the promise: {c.text}", lead, c.due_at)
        for c in picture.commitments
        if c.state is CommitmentState.OPEN
    ]
    if incident.state is IncidentState.CANDIDATE:
        found.append(Wait("Confirm that it is real, or dismiss it", lead))
    elif not picture.versions and incident.state in (IncidentState.OPEN, IncidentState.RESPONDING):
        found.append(Wait("A first statement", lead, incident.opened_at + incident.assessment.clocks.holding))
    return tuple(found)


def word_due(incident: Incident, kind: StatementKind) -> datetime | None:
    """When a statement of that kind is due out by the incident's clocks; none for kinds without a clock."""
    spans = {
        StatementKind.HOLDING: incident.assessment.clocks.holding,
        StatementKind.SUBSTANTIVE: incident.assessment.clocks.substantive,
    }
    return incident.opened_at + spans[kind] if kind in spans else None


def _waits_for(version: Version, settings: Settings, lead: str, due_at: datetime | None) -> Wait | None:
    statement, says = version.statement, version.standing.says if version.standing else ""
    author = next((p.name for p in settings.stakeholders if p.email == statement.author), lead)
    label = f"the {statement.kind} statement {statement.label}"
    if version.status is StatementStatus.PROPOSED and version.proposal and version.standing:
        if version.standing.expired:
            return Wait(f"Propose {label} again: the time to approve it has passed", lead, due_at)
        until = version.proposal.proposed_at + version.proposal.policy.expires_after
        owed = [
            f"{n} × {role} ({people(settings, role, but=statement.author)})"
            for role, n in version.standing.missing.items()
        ]
        return Wait(f"Approve {label}", " and ".join(owed), min(due_at, until) if due_at else until)
    what = {
        StatementStatus.DRAFT: f"Propose {label} for approval",
        StatementStatus.RETURNED: f"Mend {label}: {says or 'it was returned'}",
        StatementStatus.VOIDED: f"Draft {label} anew: it is void",
        StatementStatus.EXPIRED: f"Draft {label} anew: it expired",
        StatementStatus.APPROVED: f"Publish {label}: it is approved",
    }.get(version.status)
    return Wait(what, author, due_at) if what else None


def _about(delivery: Delivery) -> str:
    return {
        Purpose.NOTICE: f"the notice to {delivery.rendering.target.address}",
        Purpose.WITHDRAWAL: f"the withdrawal of {delivery.statement}",
        Purpose.STATEMENT: delivery.statement,
    }[delivery.purpose]


def _place(delivery: Delivery) -> str:
    return f"/incidents/{delivery.incident}#delivery-{delivery.id}"


def answer_commands(delivery: Delivery) -> tuple[tuple[str, str], ...]:
    """What to type once a human has looked whether an unknown delivery got there, and what each answer means."""
    by = '--as YOUR@ADDRESS --reason "what you saw"'
    return (
        ("It is there:", f"fireline answer {delivery.id} --arrived {by}"),
        ("It is not there, send it again:", f"fireline answer {delivery.id} --send-again {by}"),
    )


def people(settings: Settings, role: str, *, but: str = "") -> str:
    """Who holds a role, by name, ``but`` one e-mail address."""
    names = [p.name for p in settings.stakeholders if role in p.roles and p.email != but]
    return ", ".join(names) or f"nobody holds the role {role}"
