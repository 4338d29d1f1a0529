"""The report as data: what ``crisis.report_tables`` describes, filled in from an incident's material."""

from collections import defaultdict
from collections.abc import Sequence

from crisis import timeline
from crisis.after_action import missing_roles, standing_signatures
from crisis.clocks import ClockReading
from crisis.delivery import Purpose
from crisis.effect import Effect, newest_of
from crisis.empathy import NeedKind
from crisis.incident import IncidentState
from crisis.public_questions import Standing
from crisis.quoting import bylines, is_public_voice
from crisis.read_back import Stand
from crisis.record import Record
from crisis.report_tables import (
    ClockRow,
    CommitmentRow,
    DecisionRow,
    DeliveryRow,
    EffectRow,
    FeltRow,
    MeasurementRow,
    MentionRow,
    NeedRow,
    NormRow,
    QuestionRow,
    ReadBackRow,
    ReportDocument,
    ReviewPart,
    SignatureRow,
    StatementRow,
    TaskRow,
    TimelineRow,
    ToldRow,
)
from crisis.retrospect import NormReading
from crisis.telling import Known
from crisis.visible import web_address
from tasks.material import Material, Spoken

VERDICTS = {"approve": "approved", "return": "returned"}


def document(
    material: Material,
    *,
    summary: Sequence[str],
    clocks: Sequence[ClockReading],
    norms: Sequence[NormReading],
    worked: Sequence[str],
    did_not: Sequence[str],
    signers: Sequence[str],
    drill: str,
    ledger_holds: bool,
) -> ReportDocument:
    """Everything that the report tells, for programs."""
    incident = material.incident
    return ReportDocument(
        organisation=material.organisation,
        drill=drill,
        written_at=material.at,
        incident=incident.id,
        title=incident.title,
        state=incident.state.value,
        severity=incident.severity.value,
        type=incident.assessment.type.value,
        opened_at=incident.opened_at,
        started_at=incident.started_at,
        closed_at=incident.closed_at,
        summary=tuple(summary),
        clocks=tuple(_clock(c) for c in clocks),
        norms=tuple(_norm(n) for n in norms),
        told=told_rows(material),
        timeline=_timeline(material),
        decisions=decision_rows(material),
        statements=tuple(_statement(material, s) for s in material.published),
        deliveries=_deliveries(material),
        effects=effect_rows(material),
        measurements=measurement_rows(material),
        read_back=read_back_rows(material),
        felt=felt_rows(material),
        needs=need_rows(material),
        questions=question_rows(material),
        commitments=tuple(
            CommitmentRow(**c.model_dump(include=set(CommitmentRow.model_fields))) for c in material.commitments
        ),
        worked=tuple(worked),
        did_not=tuple(did_not),
        review=review_part(material, signers),
        tasks=task_rows(material),
        mentions=mention_rows(material),
        ledger_holds=ledger_holds,
        ledger_head=material.records[-1].hash if material.records else "",
    )


def known_of(material: Material) -> Known:
    """Names for what the records name by id."""
    return Known(
        deliveries={d.id: d for d in (*material.deliveries, *material.notices)},
        people={p.email: p.name for p in material.stakeholders},
    )


def name_of(material: Material, email: str) -> str:
    """A person's name; whoever is no stakeholder goes by what is on record."""
    return next((p.name for p in material.stakeholders if p.email == email), email)


def roles_of(material: Material, email: str) -> str:
    """A person's roles on the incident's watch, as people say them."""
    roles = next((p.roles_on(material.incident.watch) for p in material.stakeholders if p.email == email), ())
    return ", ".join(role.replace("_", " ") for role in roles)


def _clock(clock: ClockReading) -> ClockRow:
    return ClockRow(
        name=clock.name,
        state=clock.state.value,
        target_seconds=clock.target.total_seconds(),
        took_seconds=None if clock.took is None else clock.took.total_seconds(),
        due_at=clock.due_at,
        met_at=clock.met_at,
        met_by=clock.met_by,
    )


def _norm(norm: NormReading) -> NormRow:
    took = None if norm.took is None else norm.took.total_seconds()
    return NormRow(
        says=norm.says,
        source=norm.source,
        norm_seconds=norm.span.total_seconds(),
        took_seconds=took,
        within=norm.within,
    )


def told_rows(material: Material) -> tuple[ToldRow, ...]:
    """Every stakeholder on record as told or not told; when they knew, and when they first acted."""
    told: dict[str, list[Record]] = defaultdict(list)
    acted: dict[str, Record] = {}
    for record in material.records:
        if record.kind in ("stakeholder.told", "stakeholder.not_told"):
            told[str(record.data.get("stakeholder", ""))].append(record)
        acted.setdefault(record.actor, record)
    rows = []
    for email, records in told.items():
        times = [r for r in records if r.kind == "stakeholder.told"]
        first = (times or records)[0]
        routes = dict.fromkeys(str(r.data.get("route", "")).partition(":")[0] for r in times)
        act = acted.get(email)
        rows.append(
            ToldRow(
                who=name_of(material, email),
                roles=roles_of(material, email),
                told=bool(times),
                first_at=first.at if times else None,
                times=len(times),
                routes=", ".join(route for route in routes if route),
                acted_at=act.at if act else None,
                why=first.reason.replace("_", " "),
            )
        )
    return tuple(sorted(rows, key=lambda r: (not r.told, r.first_at or material.at, r.who)))


def _timeline(material: Material) -> tuple[TimelineRow, ...]:
    return tuple(
        TimelineRow(
            at=e.at,
            who=e.who,
            what=e.what,
            why=e.why,
            side=e.side.value,
            detail=e.detail,
            record=e.seq,
            link=web_address(e.link),
        )
        for e in timeline.tell(material.incident, material.records, known_of(material))
    )


def decision_rows(material: Material) -> tuple[DecisionRow, ...]:
    """Decisions, releases without approval, and attempts that did not count, in the order in which they were made."""
    made = [
        DecisionRow(
            at=d.decided_at,
            who=name_of(material, d.approver),
            role=d.role,
            verdict="taken back" if d.taken_back_at else VERDICTS[d.verdict.value],
            route=d.via.value,
            statement=f"{d.statement} v{d.version}",
            content_hash=d.content_hash,
            reason=d.reason,
        )
        for spoken in material.spoken
        for d in spoken.decisions
    ]
    others = {"statement.released": "released", "decision.refused": "refused"}
    made += [
        DecisionRow(
            at=r.at,
            who=name_of(material, r.actor),
            role=str(r.data.get("role", "")),
            verdict=others[r.kind],
            route=r.via,
            statement=_version_in(r),
            content_hash=str(r.data.get("content_hash", "")),
            reason=r.reason or str(r.data.get("why", "")),
        )
        for r in material.records
        if r.kind in others
    ]
    return tuple(sorted(made, key=lambda d: d.at))


def _version_in(record: Record) -> str:
    name, version = record.data.get("statement", ""), record.data.get("version", "")
    return f"{name} v{version}" if name and version else str(name)


def _statement(material: Material, spoken: Spoken) -> StatementRow:
    text = spoken.statement
    assert spoken.published_at is not None  # noqa: S101 - only what was published is told
    return StatementRow(
        label=text.label,
        kind=text.kind.value,
        status=spoken.status.value,
        headline=text.headline,
        author=name_of(material, text.author),
        published_at=spoken.published_at,
        content_hash=text.content_hash,
        texts={r.target.channel: tuple(p.text for p in r.parts) for r in text.renderings},
    )


def _deliveries(material: Material) -> tuple[DeliveryRow, ...]:
    """Those to the public: where stakeholders are reached is theirs."""
    return tuple(
        DeliveryRow(
            statement=d.statement,
            version=d.version,
            purpose=d.purpose.value,
            channel=d.rendering.target.channel,
            address=d.rendering.target.address,
            state=d.state.value,
            attempts=d.attempts,
            delivery_class=d.delivery_class.value,
            receipt=d.receipt.id if d.receipt else "",
            link=web_address(d.receipt.url) if d.receipt else "",
            accepted_at=d.receipt.accepted_at if d.receipt else None,
            changed_at=d.updated_at,
            problem=d.problem,
            content_hash=d.content_hash,
        )
        for d in material.deliveries
        if d.purpose is not Purpose.NOTICE
    )


def effect_rows(material: Material) -> tuple[EffectRow, ...]:
    """The newest judgement of each statement's effect, in the order of publication."""
    return tuple(_effect(e) for e in newest_of(material.records))


def _effect(effect: Effect) -> EffectRow:
    measured = effect.measured
    proposal = effect.proposal.value
    if effect.next_kind:
        proposal += f" ({effect.next_kind.value})"
    return EffectRow(
        at=effect.at,
        statement=f"{effect.statement} v{effect.version}",
        verdict=effect.verdict.value,
        says=effect.says,
        proposal=proposal,
        negative=round(measured.negative, 1) if measured else None,
        expected_low=round(measured.expected.low, 1) if measured else None,
        expected_high=round(measured.expected.high, 1) if measured else None,
        settled=effect.settled,
    )


def measurement_rows(material: Material) -> tuple[MeasurementRow, ...]:
    """Every measurement of the reaction, in the order in which they were made."""
    return tuple(
        MeasurementRow(at=o.at, statement=o.statement, verdict=o.verdict.value, says=o.says)
        for o in material.observations
    )


def read_back_rows(material: Material) -> tuple[ReadBackRow, ...]:
    """How published texts stand on their platforms, those first that do not stand as they were approved."""
    by_id = {d.id: d for d in material.deliveries}
    rows = [
        ReadBackRow(
            statement=f"{by_id[id].statement} v{by_id[id].version}",
            channel=by_id[id].rendering.target.channel,
            stand=seen.stand.value,
            since=seen.since,
            says=seen.says,
        )
        for id, seen in material.read_backs.items()
        if id in by_id and seen.stand is not None
    ]
    return tuple(sorted(rows, key=lambda r: (r.stand == Stand.MATCHED, r.statement, r.channel)))


def question_rows(material: Material) -> tuple[QuestionRow, ...]:
    """The questions that count, those without an answer that holds first."""
    counted = sorted((r for r in material.asked if r.counts), key=lambda r: (not r.standing.unanswered, -r.score))
    return tuple(
        QuestionRow(
            id=row.question.id,
            text=row.question.text,
            authors=row.tally.authors,
            standing="no answer" if row.standing is Standing.OPEN else row.standing.value,
            unanswered=row.standing.unanswered,
            owner=name_of(material, row.question.owner) if row.question.owner else "",
            first_asked_at=row.question.first_asked_at,
            answer=row.answer.statement.label if row.answer else "",
            why=row.question.set_aside,
        )
        for row in counted
    )


def felt_rows(material: Material) -> tuple[FeltRow, ...]:
    """The empathy map, one finding a row."""
    groups = material.felt.map.groups if material.felt else ()
    return tuple(
        row
        for group in groups
        for row in (
            *(FeltRow(group=group.name, cell="says", what=q.text) for q in group.says),
            *(
                FeltRow(group=group.name, cell=cell, what=found.what, count=found.count)
                for cell, cells in (("thinks", group.thinks), ("feels", group.feels), ("does", group.does))
                for found in cells
            ),
        )
    )


def need_rows(material: Material) -> tuple[NeedRow, ...]:
    """What people felt and demanded, and the published statement that answers it; what they asked is told by
    ``question_rows``."""
    return tuple(
        NeedRow(kind=n.kind.value, group=n.group, what=n.what, count=n.count, answered_by=n.answered_by)
        for n in (material.felt.needs if material.felt else ())
        if n.kind is not NeedKind.QUESTION
    )


def task_rows(material: Material) -> tuple[TaskRow, ...]:
    """The review's tasks by due time."""
    return tuple(
        TaskRow(
            id=t.id,
            text=t.text,
            owner=name_of(material, t.owner),
            due_at=t.due_at,
            state=t.state.value,
            overdue=t.overdue(material.at),
            note=t.note,
            closed_at=t.closed_at,
        )
        for t in material.tasks
    )


def review_part(material: Material, signers: Sequence[str]) -> ReviewPart:
    """What people wrote, met about and signed."""
    review, stands = material.review, standing_signatures(material.review, material.tasks)
    meeting = review.meeting
    return ReviewPart(
        state="reviewed" if material.incident.state is IncidentState.REVIEWED else "draft",
        sections={section.value: text for section, text in review.sections.items() if text},
        held_at=meeting.held_at if meeting else None,
        participants=tuple(name_of(material, p) for p in meeting.participants) if meeting else (),
        notes=meeting.notes if meeting else "",
        signatures=tuple(
            SignatureRow(role=s.role, who=name_of(material, s.by), at=s.at, covers=s.covers, stands=s in stands)
            for s in review.sign_offs
        ),
        still_to_sign=missing_roles(review, material.tasks, signers),
    )


def mention_rows(material: Material) -> tuple[MentionRow, ...]:
    """Every post that was relied on, in the order in which they were written."""
    by = bylines(material.mentions)
    return tuple(
        MentionRow(
            id=m.id if is_public_voice(m) else "",
            source=m.source,
            at=m.created_at,
            author=by[m.source, m.author],
            followers=m.followers,
            reposts=m.reposts,
            language=m.language,
            text=m.text,
            link=web_address(m.url) if is_public_voice(m) else "",
        )
        for m in sorted(material.mentions, key=lambda m: (m.created_at, m.source, m.id))
    )
