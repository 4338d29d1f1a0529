"""What worked and what did not, read from an incident's own numbers, in words about steps and systems, never about people.

It also says where the time went before the first word, and how the response compares with what the public expects, with
what others manage and, for a data breach, with what the law asks. Every sentence is made of recorded times and counts.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from crisis.clocks import NORMS, ClockReading, ClockState, Norm, span_in_words
from crisis.commitment import Commitment, CommitmentState
from crisis.effect import Verdict
from crisis.incident import Incident
from crisis.reaction import Reaction
from crisis.summary import Account
from crisis.values import CrisisType, Frozen, UtcDatetime

ARTICLE_33 = Norm(
    says="a personal data breach is notified to the supervisory authority within 72 hours of becoming aware of it",
    span=timedelta(hours=72),
    source="Regulation (EU) 2016/679 (GDPR), article 33(1)",
)
"""Owed unless the breach is unlikely to result in a risk to people; Fireline counts from the incident's opening."""


class NormReading(Frozen):
    """How a response compares with one published norm."""

    says: str
    source: str
    span: timedelta
    took: timedelta | None
    """None when it has not happened, or nobody put it on record."""
    within: bool | None
    """None when it cannot be told."""

    @property
    def result(self) -> str:
        """In words."""
        if self.took is None:
            return "not on record" if self.within is None else "not reached"
        how = "within" if self.within else "later"
        return f"{span_in_words(self.took)}: {how}"


class Leg(Frozen):
    """One stretch of the way to the first word."""

    name: str
    began_at: UtcDatetime
    ended_at: UtcDatetime

    @property
    def took(self) -> timedelta:
        return self.ended_at - self.began_at


def read_norms(
    incident: Incident, first_word: datetime | None, authority_told: datetime | None, now: datetime
) -> tuple[NormReading, ...]:
    """The first response against the public's expectations and others' practice; a data breach against the law."""
    took = None if first_word is None else first_word - incident.opened_at
    waited = (incident.closed_at or now) - incident.opened_at
    readings = []
    for norm in NORMS:
        late = took is None and waited > norm.span
        within = took <= norm.span if took is not None else False if late else None
        readings.append(NormReading(says=norm.says, source=norm.source, span=norm.span, took=took, within=within))
    if incident.assessment.type is CrisisType.DATA_BREACH:
        notified = None if authority_told is None else authority_told - incident.opened_at
        readings.append(
            NormReading(
                says=ARTICLE_33.says,
                source=ARTICLE_33.source,
                span=ARTICLE_33.span,
                took=notified,
                within=None if notified is None else notified <= ARTICLE_33.span,
            )
        )
    return tuple(readings)


def legs(moments: Sequence[tuple[str, datetime | None]]) -> tuple[Leg, ...]:
    """The stretches between known ``moments``, given in their natural order; each is named by what it ended with.

    A moment that is not known, or lies before the one that it should follow, is left out.
    """
    kept: list[tuple[str, datetime]] = []
    for name, at in moments:
        if at is not None and (not kept or at >= kept[-1][1]):
            kept.append((name, at))
    return tuple(Leg(name=name, began_at=start, ended_at=end) for (_, start), (name, end) in pairwise(kept))


def worked(account: Account) -> tuple[str, ...]:
    """What went as it was meant to, one sentence each."""
    return (
        *_clocks(account.clocks, ClockState.KEPT),
        *_promises(account.commitments, kept=True),
        *_arrivals(account),
        *_reaction(account, good=True),
    )


def did_not(account: Account) -> tuple[str, ...]:
    """What did not, one sentence each, of steps and systems."""
    return (
        *_clocks(account.clocks, ClockState.MISSED),
        *_promises(account.commitments, kept=False),
        *_lost(account),
        *_reaction(account, good=False),
    )


def _clocks(clocks: Sequence[ClockReading], state: ClockState) -> Iterator[str]:
    for clock in clocks:
        if clock.state is state:
            yield f"{clock.name}: {clock.says}."


def _promises(promises: Sequence[Commitment], *, kept: bool) -> Iterator[str]:
    for promise in promises:
        late = promise.kept_at is not None and promise.kept_at > promise.due_at
        in_time = promise.state is CommitmentState.KEPT and not late
        if kept and in_time:
            yield f"The promise “{promise.text}” was kept in time."
        elif not kept and promise.state is CommitmentState.BROKEN:
            yield f"The promise “{promise.text}” was not kept."
        elif not kept and late and promise.kept_at is not None:
            yield f"The promise “{promise.text}” was kept {span_in_words(promise.kept_at - promise.due_at)} late."


def _arrivals(account: Account) -> Iterator[str]:
    arrived = sum(d.arrived for d in account.deliveries)
    if arrived and arrived == len(account.deliveries):
        yield f"Every delivery to the public arrived ({arrived:,} of {arrived:,})."


def _lost(account: Account) -> Iterator[str]:
    lost = [d for d in account.deliveries if not d.arrived]
    if lost:
        channels = sorted({d.rendering.target.channel for d in lost})
        yield f"{len(lost):,} of {len(account.deliveries):,} deliveries are not known to have arrived ({', '.join(channels)})."
    unreached = [d for d in account.notices if not d.arrived]
    if unreached:
        routes = sorted({d.rendering.target.channel for d in unreached})
        of = f"{len(unreached):,} of {len(account.notices):,}"
        yield f"{of} notices to stakeholders are not known to have arrived ({', '.join(routes)})."


def _reaction(account: Account, *, good: bool) -> Iterator[str]:
    """How each statement's effect was judged; where that tells nothing, the last measurement after it."""
    decided = {Verdict.WORKING: True, Verdict.WORSE: False}
    judged = {e.statement: e for e in account.effects if e.verdict in decided}
    for effect in judged.values():
        if decided[effect.verdict] is good:
            yield f"{effect.statement} v{effect.version}: {effect.judged}."
    last = {o.statement: o for o in account.observations if o.statement not in judged}
    for statement, seen in last.items():
        after = f"After {statement}" if statement else "Before anything was said"
        if good and (seen.calm or seen.verdict is Reaction.CALMING):
            yield f"{after} the reaction calmed: {seen.says}."
        elif not good and seen.verdict is Reaction.GROWING:
            yield f"{after} the reaction grew: {seen.says}."
