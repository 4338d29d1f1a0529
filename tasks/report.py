"""The after-action report: one self-contained page that executives, lawyers and auditors read.

It is made from records alone, so it can be written again at any time. It loads nothing from outside and runs nothing:
posts in it are hostile text, escaped by the template, with characters that hide or reorder text written out.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from crisis import charts, summary
from crisis.clocks import NORMS, ClockReading, read_clocks
from crisis.values import StatementKind
from crisis.visible import visible
from records import Verification
from tasks import report_questions, report_rows
from tasks.installation import Installation
from tasks.material import Material, gather


async def write_report(here: Installation, incident_id: str, *, actor: str = "review") -> str:
    """The after-action report of an incident as one HTML page; that it was written, and its hash, goes on record.

    Raises:
        records.NotFound: there is no such incident.
    """
    material = await gather(here, incident_id)
    verification = await here.store.verify()
    drill = here.settings.drill.scenario if here.settings.drill else ""
    shown = context(material, verification, here.store.public_key_pem)
    page = here.templates.render("report.html.j2", drill=drill, **shown)
    async with here.store.transaction() as tx:
        await tx.ledger.append(
            "report.written",
            actor=actor,
            incident=incident_id,
            via=here.via,
            flow_run_id=here.flow_run_id,
            data={"sha256": hashlib.sha256(page.encode()).hexdigest(), "bytes": len(page.encode())},
        )
    return page


def context(material: Material, verification: Verification, public_key_pem: str) -> dict[str, Any]:
    """Everything the template shows, as plain data in which foreign text is already safe to look at."""
    incident, assessment = material.incident, material.incident.assessment
    clocks = read_clocks(incident, material.assessments, material.publications, material.at)
    account = _account(material, clocks)
    marks = chart_marks(material)
    shown = {
        "organisation": material.organisation,
        "brand": material.watch.brand,
        "incident": {
            "id": incident.id,
            "title": incident.title,
            "state": incident.state.value,
            "severity": incident.severity.value,
            "type": assessment.type.value.replace("_", " "),
            "lead": report_rows.name_of(material, incident.lead),
            "opened": report_rows.when(incident.opened_at),
            "closed": report_rows.when(incident.closed_at) if incident.closed_at else "",
        },
        "written": report_rows.when(material.at),
        "sentences": summary.sentences(account),
        "figures": [f.model_dump() for f in summary.figures(account)],
        "attention": summary.attention(account)
        + (() if verification.ok else (f"{verification.fault[0].upper()}{verification.fault[1:]}.",)),
        "charts": _charts(material, marks),
        "clocks": [report_rows.clock_row(material, c) for c in clocks],
        "norms": [{"says": n.says, "source": n.source} for n in NORMS],
        "timeline": report_rows.timeline_rows(material),
        "statements": [report_rows.statement_row(material, s) for s in material.published],
        "unpublished": [report_rows.unpublished_row(s) for s in material.spoken if s.published_at is None],
        "decisions": report_rows.decision_rows(material),
        "told": report_rows.told_rows(material),
        "not_told": report_rows.not_told_rows(material),
        "deliveries": [
            row for s in material.spoken for row in report_rows.delivery_rows(s.deliveries, material.mailings)
        ],
        "frozen": [report_rows.frozen_row(p) for p in material.frozen],
        "commitments": [report_rows.commitment_row(material, c.model_dump()) for c in material.commitments],
        "observations": [
            {
                "at": report_rows.when(o.at),
                "statement": o.statement,
                "verdict": o.verdict.value,
                "calm": o.calm,
                "says": o.says,
            }
            for o in material.observations
        ],
        "questions": report_questions.rows(material),
        "felt": material.felt.map.model_dump(mode="json") if material.felt else {"groups": []},
        "needs": [n.model_dump(mode="json") for n in material.felt.needs] if material.felt else [],
        "facts": [report_rows.fact_row(history) for history in material.facts],
        "assessments": [report_rows.assessment_row(material, a.model_dump(mode="json")) for a in material.assessments],
        "narratives": [n.model_dump() for n in assessment.narratives],
        "posts": report_rows.posts(material),
        "posts_in_all": len(material.mentions),
        "ledger": report_rows.ledger_row(material, verification, public_key_pem),
    }
    safe: dict[str, Any] = _safe(shown)
    return safe


def chart_marks(material: Material) -> tuple[charts.Mark, ...]:
    """The moments that both charts mark."""
    incident = material.incident
    marks = [charts.Mark(at=incident.opened_at, label="Detected" if incident.opened_by == "detector" else "Opened")]
    told = [r.at for r in material.records if r.kind == "stakeholder.told"]
    if told:
        marks.append(charts.Mark(at=min(told), label="Told"))
    names = {
        StatementKind.HOLDING: "Holding",
        StatementKind.SUBSTANTIVE: "Statement",
        StatementKind.UPDATE: "Update",
        StatementKind.CORRECTION: "Corrected",
        StatementKind.RESOLUTION: "Resolution",
        StatementKind.ANSWER: "Answer",
    }
    marks += [charts.Mark(at=p.at, label=names[p.kind]) for p in material.publications]
    withdrawn = [r.at for r in material.records if r.kind == "statement.withdrawn"]
    marks += [charts.Mark(at=at, label="Withdrawn") for at in withdrawn]
    if incident.closed_at:
        marks.append(
            charts.Mark(at=incident.closed_at, label=incident.state.value.capitalize().replace("Reviewed", "Resolved"))
        )
    return tuple(marks)


def _safe(value: Any) -> Any:
    """Plain data with every foreign text made safe to look at; finished markup stays."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {key: _safe(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_safe(inner) for inner in value]
    return value


def _account(material: Material, clocks: tuple[ClockReading, ...]) -> summary.Account:
    decided = {d.content_hash: s for s in material.published for d in s.decisions}
    approvers = {d.approver for s in decided.values() for d in s.decisions if d.approves}
    return summary.Account(
        incident=material.incident,
        brand=material.watch.brand,
        at=material.at,
        signals=material.signals,
        clocks=clocks,
        publications=material.publications,
        statements=tuple(s.statement for s in material.published),
        facts=tuple(history[-1] for history in material.facts if history),
        deliveries=material.deliveries,
        notices=material.notices,
        approvers=len(approvers),
        commitments=material.commitments,
        observations=material.observations,
    )


def _charts(material: Material, marks: Sequence[charts.Mark]) -> list[dict[str, Any]]:
    if not material.signals:
        return []
    usual = "The dashed line is what is usual for this hour."
    if any(s.cold for s in material.signals):
        usual += " It was still learnt from little: read it with care."
    drawn = []
    for title, note, draw in (
        ("How many people spoke", f"Unique authors per window; the red part is negative. {usual}", charts.volume_chart),
        ("How negative they were", f"Share of negative posts. {usual}", charts.negative_share_chart),
    ):
        # charts escapes every label; nothing else foreign is in a chart
        wide, narrow = (Markup(draw(material.signals, marks, width=w)) for w in (charts.WIDE, charts.NARROW))  # noqa: S704
        drawn.append({"title": title, "note": note, "wide": wide, "narrow": narrow})
    return drawn
