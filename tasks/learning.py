"""Learning from the records: what people said as labelled data, and what the past would have been with other numbers.

Reading only, but for ``put_on_record``, which writes a proposal into the ledger and applies nothing: a person puts the
lines into ``fireline.toml``. Restricted incidents are left out unless they are asked for; a proposal on record, which
everybody may read, never rests on them and names no incident.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from math import inf

from crisis.drafting import AUTHOR
from crisis.incident import Incident
from crisis.labelling import EpisodeLabel, StatementLabel, edits, label_of, overrides_of, without_addresses
from crisis.learning import (
    AlertProposal,
    Elsewhere,
    Learnt,
    Past,
    Rated,
    Taken,
    climb,
    propose_alert,
    propose_clock,
    propose_edges,
)
from crisis.lint import lint
from crisis.sensitivity import LEAST
from crisis.statement import Statement
from crisis.values import Frozen, Severity, UtcDatetime
from records.statements import StatementStatus
from records.store import Transaction
from records.work import Act
from tasks.installation import Installation
from tasks.linting import known_of
from tasks.on_it import acknowledged_by

PROPOSED = "learning.proposed"
DETECTOR = "detector"
AGREED = frozenset({StatementStatus.APPROVED, StatementStatus.PUBLISHED, StatementStatus.WITHDRAWN})
"""Where versions stand whose words people agreed to."""
WEEK = timedelta(days=7).total_seconds()
MEASURED = 15 * 60.0
"""Seconds between two measurements beyond which nothing was measured between them."""


class Labelled(Frozen):
    """The labelled data of an installation."""

    episodes: tuple[EpisodeLabel, ...]
    statements: tuple[StatementLabel, ...]
    left_out: int
    """Restricted incidents that are not among them."""


class Recorded(Frozen):
    """A proposal on record."""

    at: UtcDatetime
    by: str
    says: str
    learnt: Learnt


async def labelled(here: Installation, *, restricted: bool = False) -> Labelled:
    """Everything that people said and changed, in the order of the incidents."""
    async with here.store.reading() as tx:
        found = await tx.incidents.list()
        closed = set() if restricted else {i.id for i in found if await tx.restrictions.get(i.id)}
        open_ones = [i for i in found if i.id not in closed]
        episodes = tuple([await _episode(here, tx, incident) for incident in open_ones])
        statements = [s for incident in open_ones for s in await _statements(here, tx, incident)]
    return Labelled(episodes=episodes, statements=tuple(statements), left_out=len(closed))


async def _episode(here: Installation, tx: Transaction, incident: Incident) -> EpisodeLabel:
    kinds = ("incident.labelled", "incident.dismissed", "incident.merged", "incident.open", "decision.made")
    records = await tx.ledger.list(kinds=kinds, incident=incident.id)
    said = [r for r in records if r.kind == "incident.labelled"]
    by_people = {r.kind for r in records if "@" in r.actor}
    confirmed = incident.opened_by != DETECTOR or bool(by_people & {"incident.open", "decision.made"})
    history = await tx.incidents.assessments(incident.id)
    reasons = [r.reason for r in records if r.kind != "decision.made" and r.reason and "@" in r.actor]
    return EpisodeLabel(
        incident=incident.id,
        watch=incident.watch,
        start=incident.started_at,
        end=incident.closed_at or here.clock.now(),
        opened_by=DETECTOR if incident.opened_by == DETECTOR else "person",
        label=label_of(incident, str(said[-1].data.get("label", "")) if said else "", confirmed=confirmed),
        reason=without_addresses(reasons[-1]) if reasons else "",
        merged_into=incident.merged_into,
        severity=incident.severity,
        type=incident.assessment.type,
        score=incident.assessment.score,
        overrides=overrides_of(history),
    )


async def _statements(here: Installation, tx: Transaction, incident: Incident) -> list[StatementLabel]:
    found = []
    known = await known_of(here, tx, incident.id) | {"earlier": ()}
    for latest in await tx.statements.list(incident.id):
        versions = await tx.statements.versions(latest.id)
        agreed = [v for v in versions if await tx.statements.status(v.id, v.version) in AGREED]
        if not agreed:
            continue
        draft, approved = versions[0], agreed[-1]
        rules = [
            {f.rule for f in lint(_words(v), kind=v.kind, language=v.language, **known)} for v in (draft, approved)
        ]
        writers = {writer.name for writer in here.settings.writers}
        found.append(
            StatementLabel(
                statement=latest.id,
                incident=incident.id,
                kind=latest.kind,
                language=latest.language,
                drafted_by=AUTHOR if draft.author == AUTHOR else "writer" if draft.author in writers else "person",
                versions=len(versions),
                draft_version=draft.version,
                approved_version=approved.version,
                sentences=edits(_words(draft), _words(approved)),
                mended=tuple(sorted(rules[0] - rules[1])),
                kept=tuple(sorted(rules[0] & rules[1])),
                new=tuple(sorted(rules[1] - rules[0])),
            )
        )
    return found


def _words(statement: Statement) -> str:
    return f"{statement.headline}\n\n{statement.body}"


async def learn(here: Installation, *, restricted: bool = False) -> Learnt:
    """What the recorded past proposes. Reads every signal on record; changes nothing."""
    labels = (await labelled(here, restricted=restricted)).episodes
    settings = here.settings.detection
    pasts: list[Past] = []
    elsewhere: list[Elsewhere] = []
    async with here.store.reading() as tx:
        names = [watch.name for watch in await tx.watches.list()]
        spans = [(i.watch, i.started_at, i.closed_at or here.clock.now()) for i in await tx.incidents.list()]
        for name in names:
            rows = await tx.signals.scores(name)
            of_watch = [(start, end) for watch, start, end in spans if watch == name]
            pasts += _pasts(rows, [label for label in labels if label.watch == name], [start for start, _ in of_watch])
            elsewhere.append(_elsewhere(name, rows, of_watch))
        taken = await _taken(here, tx, {label.incident for label in labels if label.real})
    measured = {past.incident for past in pasts}
    left = Counter(label.watch for label in labels if label.real is not None and label.incident not in measured)
    everywhere = [propose_alert(pasts, elsewhere, settings.alert_score, unmeasured=left.total())]
    single = [propose_alert(pasts, elsewhere, settings.alert_at(n), watch=n, unmeasured=left[n]) for n in names]
    return Learnt(
        alerts=(*everywhere, *(single if len(names) > 1 else ())),
        edges=propose_edges(_rated(labels), settings),
        clock=propose_clock(taken),
    )


def _pasts(rows: list[tuple[float, float]], labels: list[EpisodeLabel], starts: list[datetime]) -> list[Past]:
    """The labelled episodes that were measured at all; each ends where the next incident of its watch begins."""
    found = []
    for label in labels:
        ends = min((start for start in starts if start > label.start), default=label.end)
        start, end = label.start.timestamp(), min(label.end, ends).timestamp()
        inside = rows[bisect_left(rows, (start, 0.0)) : bisect_right(rows, (end, inf))]
        measured = climb(inside, start)
        if label.real is not None and measured:
            found.append(Past(label.incident, label.watch, label.real, measured))
    return found


def _elsewhere(watch: str, rows: list[tuple[float, float]], spans: list[tuple[datetime, datetime]]) -> Elsewhere:
    inside = [(start.timestamp(), end.timestamp()) for start, end in spans]
    gaps = (after - before for (before, _), (after, _) in pairwise(rows))
    loud = [
        (moment, score)
        for moment, score in rows
        if score >= LEAST and not any(start <= moment <= end for start, end in inside)
    ]
    return Elsewhere(watch, sum(gap for gap in gaps if gap <= MEASURED) / WEEK, tuple(loud))


def _rated(labels: tuple[EpisodeLabel, ...]) -> list[Rated]:
    """Incidents that triage scored and people took for real, with the last word on their severity."""
    return [
        Rated(label.incident, label.score, label.severity, bool(label.overrides))
        for label in labels
        if label.real and label.opened_by == DETECTOR and label.score > 0
    ]


async def _taken(here: Installation, tx: Transaction, real: set[str]) -> list[Taken]:
    people = {person.email for person in here.settings.stakeholders}
    found = []
    for incident in await tx.incidents.list():
        if incident.id not in real or incident.opened_by != DETECTOR or incident.severity < Severity.SEV2:
            continue
        if not await acknowledged_by(here, tx, incident.id):
            continue
        records = await tx.ledger.list(incident=incident.id)
        first = next(r.at for r in records if r.actor in people or r.kind == "incident.acknowledged")
        seconds = (first - incident.opened_at).total_seconds()
        found.append(Taken(incident.id, max(0.0, seconds), incident.assessment.clocks.acknowledge.total_seconds()))
    return found


async def put_on_record(here: Installation, learnt: Learnt, *, actor: str, reason: str = "") -> Recorded:
    """Write a proposal into the ledger, without names of incidents. It applies nothing."""
    bare = nameless(learnt)
    says = "; ".join(learnt.lines[1:]) or "nothing in [detection]"
    act: Act = {"actor": actor, "via": here.via, "reason": reason, "flow_run_id": here.flow_run_id}
    async with here.store.transaction() as tx:
        data = {"says": says, "lines": list(learnt.lines), "learnt": bare.model_dump(mode="json")}
        record = await tx.ledger.append(PROPOSED, data=data, **act)
    return Recorded(at=record.at, by=actor, says=says, learnt=bare)


async def newest_proposal(tx: Transaction) -> Recorded | None:
    """The proposal that was put on record last."""
    records = await tx.ledger.list(kind=PROPOSED, newest=1)
    if not records:
        return None
    data = records[0].data
    learnt = Learnt.model_validate(data["learnt"])
    return Recorded(at=records[0].at, by=records[0].actor, says=str(data["says"]), learnt=learnt)


def nameless(learnt: Learnt) -> Learnt:
    """The same with counts in the place of incidents: whoever reads the ledger may not see every incident."""
    return learnt.model_copy(
        update={
            "alerts": tuple(_nameless(proposal) for proposal in learnt.alerts),
            "edges": tuple(e.model_copy(update={"moved": tuple("" for _ in e.moved)}) for e in learnt.edges),
        }
    )


def _nameless(proposal: AlertProposal) -> AlertProposal:
    bare = {
        name: one.model_copy(update={k: ("",) * len(getattr(one, k)) for k in ("missed", "false_alerts", "gone")})
        for name in ("today", "proposed")
        if (one := getattr(proposal, name)) is not None
    }
    return proposal.model_copy(update=bare)
