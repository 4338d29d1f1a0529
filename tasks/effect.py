"""The effect of every statement of an incident, judged from the records and put on record; the lead is told of a turn
to "made it worse". One call is one judgement of each statement that is not settled; a repeat without anything new
records nothing.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crisis.clocks import Publication
from crisis.delivery import Delivery, Purpose
from crisis.effect import JUDGED, Effect, Shift, Surroundings, Verdict, newest_of
from crisis.forecast import SPAN
from crisis.incident import Incident
from crisis.judgement import judge, shifts
from crisis.monitoring import POSTS
from crisis.reading import read_many
from crisis.record import Record
from crisis.statement import Statement
from crisis.tied import Tied, answering, count, posts_of
from crisis.triage import Assessment, Signal
from crisis.watch import Mention
from records import Transaction
from tasks.doubt import in_doubt
from tasks.installation import Installation
from tasks.material import arrivals
from tasks.notify import Notice, tell_lead
from tasks.runs import emit


@dataclass(frozen=True)
class _Evidence:
    """What the judgements of one incident rest on."""

    incident: Incident
    records: Sequence[Record]
    """Earlier judgements."""
    words: Sequence[Publication]
    deliveries: dict[tuple[str, int], list[Delivery]]
    signals: Sequence[Signal]
    mentions: Sequence[Mention]
    assessments: Sequence[Assessment]
    doubts: dict[str, tuple[str, ...]]
    coverage: Sequence[Record]
    at: datetime


async def judge_effects(here: Installation, incident_id: str) -> list[Effect]:
    """Judge each published statement whose effect is not settled, record what is new, and tell the lead of a turn for the
    worse. Returns the newest judgement of every statement, in the order of publication."""
    async with here.store.reading() as tx:
        evidence = await _evidence(tx, incident_id, here.clock.now())
    known = {(e.statement, e.version): e for e in newest_of(evidence.records)}
    due = [w for w in evidence.words if (w.statement, w.version) not in known or known[w.statement, w.version].open]
    judged = await asyncio.to_thread(lambda: [_judge(word, evidence) for word in due])
    for effect in judged:
        before = known.get((effect.statement, effect.version))
        if before is None or _told(before) != _told(effect):
            await _record(here, effect, before)
        known[effect.statement, effect.version] = effect
    found = sorted(known.values(), key=lambda e: (e.published_at, e.statement, e.version))
    await _tell_of_worse(here, evidence.incident, found)
    return found


async def effects_of(tx: Transaction, incident_id: str) -> list[Effect]:
    """The newest judgement of each statement, as on record, in the order of publication."""
    return newest_of(await tx.ledger.list(kind=JUDGED, incident=incident_id))


async def published(tx: Transaction, deliveries: Sequence[Delivery], incident_id: str) -> list[Publication]:
    """What was said to all of an incident, and when, by the installation's clock, in order; replies are to single people."""
    arrived = arrivals(await tx.ledger.list(kinds=("delivery.accepted", "delivery.reconciled"), incident=incident_id))
    first: dict[tuple[str, int], datetime] = {}
    for delivery in deliveries:
        if delivery.purpose is Purpose.STATEMENT and delivery.arrived:
            key, at = (delivery.statement, delivery.version), arrived.get(delivery.id, delivery.updated_at)
            first[key] = min(first.get(key, at), at)
    texts: dict[tuple[str, int], Statement] = {key: await tx.statements.get(*key) for key in first}
    words = [Publication(statement=k[0], version=k[1], kind=texts[k].kind, at=at) for k, at in first.items()]
    return sorted((w for w in words if w.to_all), key=lambda w: (w.at, w.statement, w.version))


async def _evidence(tx: Transaction, incident_id: str, at: datetime) -> _Evidence:
    incident = await tx.incidents.get(incident_id)
    records = await tx.ledger.list(kind=JUDGED, incident=incident_id)
    outbox = await tx.outbox.list(incident=incident_id)
    words = [w for w in await published(tx, outbox, incident_id) if w.at <= at]
    open_still = {(e.statement, e.version) for e in newest_of(records) if not e.open}
    due = [w for w in words if (w.statement, w.version) not in open_still]
    carried = defaultdict(list)
    for delivery in outbox:
        if delivery.purpose is Purpose.STATEMENT and delivery.arrived:
            carried[delivery.statement, delivery.version].append(delivery)
    begin = max(incident.started_at - timedelta(hours=1), min((w.at for w in due), default=at) - SPAN)
    most = POSTS[incident.severity]
    return _Evidence(
        incident=incident,
        records=records,
        words=words,
        deliveries=dict(carried),
        signals=await tx.signals.list(incident.watch, since=begin, until=at) if due else (),
        mentions=await tx.mentions.newest(incident_id, limit=most) if due else (),
        assessments=await tx.incidents.assessments(incident_id) if due else (),
        doubts={d.statement.id: tuple(one.says for one in d.changed) for d in await in_doubt(tx, incident_id)},
        coverage=await tx.ledger.list(kinds=("coverage.lost", "coverage.returned"), incident=incident_id),
        at=at,
    )


def _judge(word: Publication, evidence: _Evidence) -> Effect:
    around = Surroundings(
        doubts=evidence.doubts.get(word.statement, ()),
        unheard=_unheard(evidence.coverage, word.at, evidence.at),
        tied=_tied(word, evidence),
        shifts=_shifts(word, evidence.assessments, evidence.at),
        closed_at=evidence.incident.closed_at,
    )
    return judge(word, evidence.words, evidence.signals, incident=evidence.incident.id, at=evidence.at, around=around)


def _unheard(records: Sequence[Record], since: datetime, until: datetime) -> tuple[str, ...]:
    """Sources that were silent at some moment from ``since`` to ``until``."""
    lost: dict[str, datetime] = {}
    silent = set()
    for record in sorted(records, key=lambda r: r.seq):
        source = str(record.data.get("source", ""))
        if record.kind == "coverage.lost":
            lost[source] = record.at
        elif lost.pop(source, None) is not None and record.at >= since:
            silent.add(source)
    return tuple(sorted(silent | {source for source, at in lost.items() if at <= until}))


def _tied(word: Publication, evidence: _Evidence) -> Tied:
    posts = posts_of(evidence.deliveries.get((word.statement, word.version), ()))
    replies, quotes = answering(posts, evidence.mentions, since=word.at, until=evidence.at)
    found = [*replies, *quotes]
    return count(replies, quotes, read_many([m.text for m in found], [m.language for m in found]))


def _shifts(word: Publication, assessments: Sequence[Assessment], at: datetime) -> tuple[Shift, ...]:
    known = sorted((a for a in assessments if a.narratives and a.looked_at <= at), key=lambda a: a.looked_at)
    before = [a for a in known if a.looked_at <= word.at]
    if not before or not known or known[-1] is before[-1]:
        return ()
    return shifts(before[-1].narratives, known[-1].narratives)


def _told(effect: Effect) -> Effect:
    """What of a judgement makes it another one: not the moment at which it was made."""
    return effect.model_copy(update={"at": effect.published_at})


async def _record(here: Installation, effect: Effect, before: Effect | None) -> None:
    async with here.store.transaction() as tx:
        await tx.ledger.append(
            JUDGED,
            actor="follow_up",
            incident=effect.incident,
            via=here.via,
            reason=effect.says,
            flow_run_id=here.flow_run_id,
            data=effect.model_dump(mode="json"),
        )
        incident = await tx.incidents.get(effect.incident)
    turned = before is None or (before.verdict, before.proposal) != (effect.verdict, effect.proposal)
    if turned:
        emit(
            "statement.judged",
            incident=incident,
            reference=f"{effect.statement}/{effect.version}/{effect.at.isoformat()}",
            payload=effect.model_dump(mode="json"),
        )


async def _tell_of_worse(here: Installation, incident: Incident, effects: Sequence[Effect]) -> None:
    """Tell the lead once of each turn to "made it worse"; those judged as one are one turn. Asked again, tells nobody twice."""
    newest = [e for e in effects if e.open and e.verdict is Verdict.WORSE]
    if not newest:
        return
    effect = newest[-1]
    async with here.store.reading() as tx:
        own = [
            Effect.model_validate(r.data)
            for r in await tx.ledger.list(kind=JUDGED, incident=incident.id)
            if (r.data["statement"], r.data["version"]) == (effect.statement, effect.version)
        ]
    turned = effect.at
    for earlier in reversed(own):
        if earlier.verdict is not Verdict.WORSE:
            break
        turned = earlier.at
    notice = Notice(
        occasion=f"worse/{effect.statement}/{effect.version}/{turned.isoformat()}",
        template="worse",
        context={"effect": effect, "draft": f"{here.settings.desk.url}{effect.draft_at}" if effect.draft_at else ""},
    )
    await tell_lead(here, incident, notice, why=f"{effect.statement} made it worse")
