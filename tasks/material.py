"""Everything that is known of one incident, read in one go: what the report tells and the evidence holds.

All of it comes from ``records``: Prefect forgets after a week, the records do not.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crisis.after_action import Review, ReviewTask
from crisis.approval import Decision
from crisis.clocks import Publication
from crisis.commitment import Commitment
from crisis.delivery import Delivery, Purpose
from crisis.fact import Fact
from crisis.freeze import FrozenPost, shown
from crisis.incident import Incident
from crisis.mailing import RecipientState
from crisis.pictures import Picture
from crisis.reaction import Observation
from crisis.read_back import ReadBack
from crisis.record import Record
from crisis.stakeholder import Stakeholder
from crisis.statement import Statement
from crisis.stranded import Audience
from crisis.triage import Assessment, Signal
from crisis.watch import Mention, Watch
from records import Proposal, StatementStatus, Transaction
from tasks.empathy import Felt, felt
from tasks.installation import Installation
from tasks.questions import Asked, asked_about
from tasks.stranded import audiences

CALM_BEFORE = timedelta(minutes=45)
"""How much of the time before the episode is taken along, to show what was usual."""
CALM_AFTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Spoken:
    """One statement version and all that belongs to it."""

    statement: Statement
    status: StatementStatus
    proposal: Proposal | None
    decisions: tuple[Decision, ...]
    deliveries: tuple[Delivery, ...]
    """Its own, and the withdrawals of them."""
    published_at: datetime | None
    """When the first target had it, on the installation's clock."""


@dataclass(frozen=True)
class Material:
    """One incident with everything around it, at one moment."""

    organisation: str
    at: datetime
    watch: Watch
    incident: Incident
    assessments: tuple[Assessment, ...]
    facts: tuple[tuple[Fact, ...], ...]
    """Each fact with its history, oldest first."""
    spoken: tuple[Spoken, ...]
    """Every statement version, by statement and version."""
    notices: tuple[Delivery, ...]
    commitments: tuple[Commitment, ...]
    observations: tuple[Observation, ...]
    mentions: tuple[Mention, ...]
    signals: tuple[Signal, ...]
    stakeholders: tuple[Stakeholder, ...]
    frozen: tuple[FrozenPost, ...]
    """Scheduled posts under the incident's freeze."""
    records: tuple[Record, ...]
    """The ledger's records of this incident."""
    pictures: tuple[Picture, ...]
    """Those of all statement versions, each once, with its bytes."""
    review: Review
    """What people made of it afterwards; empty before anybody wrote."""
    tasks: tuple[ReviewTask, ...]
    answered: dict[str, str]
    """The fact that answers a narrative, by narrative."""
    felt: Felt | None = None
    """What each affected group says, thinks, feels and does, and what the statements leave unanswered."""
    asked: tuple[Asked, ...] = ()
    """What the public asked, and how each question stands."""
    mailings: dict[str, dict[RecipientState, int]] = field(default_factory=dict)
    """How many recipients of each mailing are in which state, by its delivery."""
    audiences: tuple[Audience, ...] = ()
    """Whoever was told something, and whether they were told how it ended."""
    read_backs: dict[str, ReadBack] = field(default_factory=dict)
    """What was last seen of each delivery on its platform."""

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Of statements and withdrawals, without notices."""
        return tuple(d for s in self.spoken for d in s.deliveries)

    @property
    def published(self) -> tuple[Spoken, ...]:
        """What became public, in the order in which it did."""
        out = [s for s in self.spoken if s.published_at is not None]
        return tuple(sorted(out, key=lambda s: (s.published_at, s.statement.label)))

    @property
    def publications(self) -> tuple[Publication, ...]:
        return tuple(
            Publication(statement=s.statement.id, version=s.statement.version, kind=s.statement.kind, at=s.published_at)
            for s in self.published
            if s.published_at is not None
        )


async def gather(here: Installation, incident_id: str) -> Material:
    """Read everything about an incident in one transaction.

    Raises:
        records.NotFound: there is no such incident.
        ValueError: a picture or statement was altered behind the store's back.
    """
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        watch = await tx.watches.get(incident.watch)
        ledger = await tx.ledger.list(incident=incident_id)
        deliveries = await tx.outbox.list(incident=incident_id)
        end = incident.closed_at + CALM_AFTER if incident.closed_at else None
        spoken = await _spoken(tx, incident_id, deliveries, arrivals(ledger))
        return Material(
            organisation=here.settings.organisation,
            at=here.clock.now(),
            watch=watch,
            incident=incident,
            assessments=tuple(await tx.incidents.assessments(incident_id)),
            facts=tuple([tuple(await tx.facts.history(f.id)) for f in await tx.facts.list(incident_id)]),
            spoken=spoken,
            notices=tuple(d for d in deliveries if d.purpose is Purpose.NOTICE),
            commitments=tuple(await tx.commitments.list(incident=incident_id)),
            observations=tuple(await tx.observations.list(incident_id)),
            mentions=tuple(await tx.mentions.list(incident_id)),
            signals=tuple(await tx.signals.list(watch.name, since=incident.started_at - CALM_BEFORE, until=end)),
            stakeholders=tuple(await tx.stakeholders.list()),
            frozen=tuple(shown(await tx.frozen.list(incident=incident_id))),
            records=tuple(ledger),
            pictures=await _pictures(tx, spoken),
            audiences=await audiences(tx, incident),
            read_backs=await tx.read_backs.of(incident_id),
            review=await tx.reviews.get(incident_id),
            tasks=tuple(await tx.review_tasks.list(incident_id)),
            answered=await tx.incidents.ties(incident_id),
            felt=await felt(tx, incident),
            asked=await asked_about(tx, incident, here.clock.now()),
            mailings=await tx.mailings.counts_of(d.id for d in deliveries if d.purpose is Purpose.STATEMENT),
        )


async def _pictures(tx: Transaction, spoken: tuple[Spoken, ...]) -> tuple[Picture, ...]:
    shown = {picture.sha256: picture for one in spoken for picture in one.statement.media}
    return tuple([p.model_copy(update={"content": await tx.pictures.content(p.sha256)}) for p in shown.values()])


def arrivals(ledger: list[Record]) -> dict[str, datetime]:
    """When each delivery arrived, by the installation's clock; a receipt's own time is the platform's."""
    arrived: dict[str, datetime] = {}
    for record in ledger:
        if record.kind in ("delivery.accepted", "delivery.reconciled"):
            arrived.setdefault(str(record.data.get("delivery") or record.data.get("id") or ""), record.at)
    return arrived


async def _spoken(
    tx: Transaction, incident_id: str, deliveries: list[Delivery], arrived: dict[str, datetime]
) -> tuple[Spoken, ...]:
    by_version: dict[tuple[str, int], list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        by_version[delivery.statement, delivery.version].append(delivery)
    spoken = []
    for latest in await tx.statements.list(incident_id):
        for text in await tx.statements.versions(latest.id):
            own = by_version[text.id, text.version]
            out = [arrived.get(d.id, d.updated_at) for d in own if d.arrived and d.purpose is Purpose.STATEMENT]
            spoken.append(
                Spoken(
                    statement=text,
                    status=await tx.statements.status(text.id, text.version),
                    proposal=await tx.statements.proposal(text.id, text.version),
                    decisions=tuple(await tx.decisions.list(text.content_hash)),
                    deliveries=tuple(own),
                    published_at=min(out, default=None),
                )
            )
    return tuple(spoken)
