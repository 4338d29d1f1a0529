"""The picture of one incident as the pages show it: its statements and how they stand, its deliveries, its clocks.

Everything is derived from records at the moment of asking; nothing here is stored, and nothing is decided.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crisis.approval import Decision, Standing, counting, standing
from crisis.clocks import ClockReading, ClockState, Publication, read_clocks
from crisis.commitment import Commitment
from crisis.delivery import ARRIVED, Delivery, DeliveryState, Purpose
from crisis.effect import Effect
from crisis.incident import Incident
from crisis.mailing import RecipientState, of_counts, shown
from crisis.read_back import ReadBack
from crisis.release import Release
from crisis.reliance import broken
from crisis.statement import Statement
from crisis.triage import Assessment
from records import Proposal, StatementStatus, Transaction
from tasks.effect import effects_of

UNKNOWN_SHOWN = 20
"""Recipients of a mailing that are named on the page; `fireline mailing` names all."""
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
    release: Release | None = None
    """By which it went out without the usual approvals."""
    taken_back: frozenset[str] = frozenset()
    """Its deliveries whose withdrawal got through: those targets had it and have it no more."""
    doubts: tuple[str, ...] = ()
    """Of a published one: what it relied on that has changed since, in words."""

    @property
    def counted(self) -> tuple[Decision, ...]:
        """The decisions that count for its proposal."""
        if self.proposal is None:
            return ()
        return counting(
            self.decisions,
            content_hash=self.proposal.content_hash,
            statement=self.proposal.statement,
            version=self.proposal.version,
            proposed_at=self.proposal.proposed_at,
        )

    @property
    def may_be_taken_back(self) -> bool:
        """Whether approvals of it can still be taken back: nothing has been handed to its channels."""
        return self.status is StatementStatus.PROPOSED and not self.deliveries

    @property
    def missing(self) -> dict[str, int]:
        """Approvals still owed, by role."""
        return self.standing.missing if self.standing else {}

    @property
    def arrived(self) -> int:
        """Targets that carry it, or carried it."""
        return sum(d.arrived for d in self.deliveries)

    @property
    def carried(self) -> int:
        """Targets that carry it now."""
        return sum(d.arrived and d.id not in self.taken_back for d in self.deliveries)

    @property
    def reach(self) -> str:
        """How many of its targets carry it, in a sentence."""
        of = f"of {len(self.deliveries)} channels"
        back = self.arrived - self.carried
        if not back:
            return f"{self.arrived} {of} carry it."
        still = f"{self.carried} {of} still carry it" if self.carried else f"None {of} carries it any more"
        return f"{still}: it was taken back from {back}."


@dataclass(frozen=True)
class Mailed:
    """How a mailing stands."""

    says: str
    """How many recipients are in which state."""
    unknown: tuple[str, ...]
    """The first of the recipients of whom it is not known whether they have it."""


@dataclass(frozen=True)
class Picture:
    """An incident and what belongs to it."""

    incident: Incident
    versions: tuple[Version, ...]
    deliveries: tuple[Delivery, ...]
    commitments: tuple[Commitment, ...]
    mailings: dict[str, Mailed]
    """How each mailing stands, by its delivery."""
    read_backs: dict[str, ReadBack]
    """What stands on the platforms now, by delivery."""
    closing_proposed: bool
    """The reaction has calmed, and a person has been asked whether to close."""
    effects: tuple[Effect, ...] = ()
    """The newest judgement of what each statement did, in the order of publication."""

    @property
    def taken_back(self) -> frozenset[str]:
        """Deliveries whose withdrawal got through."""
        return taken_back(self.deliveries)

    @property
    def unknown(self) -> tuple[Delivery, ...]:
        """Deliveries of which nobody knows whether they arrived, but for notices whose person was reached otherwise."""
        told = {_told(d) for d in self.deliveries if d.state in ARRIVED and d.purpose is Purpose.NOTICE}
        return tuple(
            d
            for d in self.deliveries
            if d.state is DeliveryState.UNKNOWN and not (d.purpose is Purpose.NOTICE and _told(d) in told)
        )


def _told(notice: Delivery) -> tuple[str, str]:
    """Who is told of what."""
    options = notice.rendering.options
    return options.get("to", ""), options.get("occasion", "")


async def load(tx: Transaction, incident: Incident, now: datetime) -> Picture:
    """Gather an incident's picture."""
    proposals = await tx.ledger.list(kind="incident.closing_proposed", incident=incident.id)
    measured = await tx.observations.list(incident.id) if proposals else []
    deliveries = tuple(await tx.outbox.list(incident=incident.id))
    return Picture(
        incident,
        tuple([await load_version(tx, s, now) for s in await tx.statements.list(incident.id)]),
        deliveries,
        tuple(await tx.commitments.list(incident=incident.id)),
        mailings=await mailings_of(tx, deliveries),
        read_backs=await tx.read_backs.of(incident.id),
        closing_proposed=bool(measured) and measured[-1].calm,
        effects=tuple(await effects_of(tx, incident.id)),
    )


async def mailings_of(tx: Transaction, deliveries: Iterable[Delivery]) -> dict[str, Mailed]:
    """How the mailings among ``deliveries`` stand, by their delivery."""
    statements = [d.id for d in deliveries if d.purpose is Purpose.STATEMENT]
    found = {}
    for delivery, counts in (await tx.mailings.counts_of(statements)).items():
        unknown = await tx.mailings.list(delivery, RecipientState.UNKNOWN, limit=UNKNOWN_SHOWN)
        found[delivery] = Mailed(of_counts(counts), tuple(shown(r.address) for r in unknown))
    return found


async def load_version(tx: Transaction, statement: Statement, now: datetime) -> Version:
    """Gather how one version of a statement stands."""
    proposal = await tx.statements.proposal(statement.id, statement.version)
    decisions = tuple(await tx.decisions.list(statement.content_hash))
    planned = await tx.outbox.list(statement=statement.id, version=statement.version)
    status = await tx.statements.status(statement.id, statement.version)
    out = status is StatementStatus.PUBLISHED and bool(statement.facts)
    changed = broken(statement, await tx.facts.list(statement.incident)) if out else ()
    release = await tx.releases.of(statement.id, statement.version)
    return Version(
        statement=statement,
        status=status,
        proposal=proposal,
        decisions=decisions,
        standing=where_it_stands(proposal, decisions, now, release),
        release=release,
        deliveries=tuple(d for d in planned if d.purpose is Purpose.STATEMENT),
        taken_back=taken_back(planned),
        doubts=tuple(one.says for one in changed),
    )


def taken_back(deliveries: Iterable[Delivery]) -> frozenset[str]:
    """The deliveries among ``deliveries`` that a withdrawal among them has taken back."""
    return frozenset(d.withdraws for d in deliveries if d.purpose is Purpose.WITHDRAWAL and d.state in ARRIVED)


def where_it_stands(
    proposal: Proposal | None, decisions: tuple[Decision, ...], now: datetime, release: Release | None = None
) -> Standing | None:
    """A proposal's standing at ``now``."""
    if proposal is None:
        return None
    return standing(
        proposal.policy,
        decisions,
        content_hash=proposal.content_hash,
        statement=proposal.statement,
        version=proposal.version,
        proposed_at=proposal.proposed_at,
        now=now,
        release=release,
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
        if delivery.purpose is Purpose.STATEMENT and delivery.arrived:
            grouped.setdefault((delivery.statement, delivery.version), []).append(delivery)
    return grouped


def urgency(reading: ClockReading, now: datetime) -> str:
    """A clock in a word: ``kept``, ``missed``, ``late`` (overdue), ``soon``, ``running`` or ``not needed``."""
    if reading.met_at is None and reading.state is ClockState.MISSED:
        return "late"
    if reading.state is ClockState.RUNNING and reading.due_at - now <= SOON:
        return "soon"
    return reading.state.value
