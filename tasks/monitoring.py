"""Watching an incident after the first word: how often, and its end by rule, on record, with whom to tell and who extends."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from crisis.clocks import span_in_words
from crisis.commitment import CommitmentState
from crisis.effect import Effect, Verdict
from crisis.incident import Incident, IncidentState
from crisis.monitoring import (
    BEGINS,
    ENDED,
    Monitoring,
    cadence,
    calm_in_a_row,
    calm_since,
    describe,
    ends_at,
    extended_until,
    has_ended,
)
from crisis.reaction import Observation
from crisis.record import Record
from records import Transaction
from tasks.effect import effects_of
from tasks.installation import Installation
from tasks.notify import Notice, tell_lead

WATCHED = frozenset({IncidentState.RESPONDING, IncidentState.MONITORING})
"""States in which the reaction is measured."""


@dataclass(frozen=True)
class _State:
    incident: Incident
    observations: list[Observation]
    effects: list[Effect]
    records: list[Record]
    """Of ends and new beginnings; a reply to single people begins nothing."""
    promises_open: bool

    @property
    def last_word(self) -> datetime | None:
        return self.effects[-1].published_at if self.effects else None

    @property
    def ends_at(self) -> datetime | None:
        return ends_at(
            self.incident.severity,
            self.observations,
            promises_open=self.promises_open,
            last_word=self.last_word,
            extended_until=extended_until(self.records),
        )


async def _state(tx: Transaction, incident_id: str) -> _State:
    replies = {s.id for s in await tx.statements.list(incident_id) if not s.kind.to_all}
    records = await tx.ledger.list(kinds=(ENDED, *sorted(BEGINS)), incident=incident_id)
    return _State(
        incident=await tx.incidents.get(incident_id),
        observations=await tx.observations.list(incident_id),
        effects=await effects_of(tx, incident_id),
        records=[r for r in records if r.data.get("statement") not in replies],
        promises_open=bool(await tx.commitments.list(incident=incident_id, state=CommitmentState.OPEN)),
    )


async def monitoring_of(here: Installation, tx: Transaction, incident_id: str) -> Monitoring | None:
    """How an incident is watched now, in words and numbers; None in states in which it is not."""
    state = await _state(tx, incident_id)
    if state.incident.state not in WATCHED:
        return None
    playbook = here.playbook(state.incident.assessment.type)
    open_now = [e for e in state.effects if e.open]
    close = cadence(
        playbook.observe_minutes,
        state.incident.severity,
        now=here.clock.now(),
        last_word=state.last_word,
        worse=bool(open_now) and open_now[-1].verdict is Verdict.WORSE,
        calm=calm_in_a_row(state.observations),
        quiet=playbook.quiet_observations,
    )
    return describe(
        close,
        state.incident.severity,
        ends=state.ends_at,
        calm=calm_since(state.observations),
        ended=has_ended(state.records),
        promises_open=state.promises_open,
        wider=bool((await tx.watches.get(state.incident.watch)).wider),
        extended=extended_until(state.records),
    )


async def end_if_due(here: Installation, incident_id: str) -> bool:
    """End the watching of an incident if the rule says so, on record, and tell the lead. Whether it is ended."""
    async with here.store.transaction() as tx:
        state = await _state(tx, incident_id)
        ended = has_ended(state.records)
        due = state.ends_at
        waits = state.incident.state is IncidentState.MONITORING
        if ended is None and (not waits or due is None or here.clock.now() < due):
            return False
        if ended is None:
            since = calm_since(state.observations) or here.clock.now()
            calm = span_in_words(max(here.clock.now() - since, timedelta()))
            ended = await tx.ledger.append(
                ENDED,
                actor="follow_up",
                incident=incident_id,
                via=here.via,
                reason=f"calm for {calm} without a break, as the rule for {state.incident.severity} asks",
                flow_run_id=here.flow_run_id,
                data={"calm_since": since.isoformat(), "ends_at": due.isoformat() if due else ""},
            )
    notice = Notice(occasion=f"watched/{ended.seq}", template="watched", context={"says": ended.reason})
    await tell_lead(here, state.incident, notice, why="watching has ended by rule")
    return True
