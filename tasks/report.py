"""What the after-action report tells, as plain data: the page and the PDF are made from the same.

It is made from records alone, so it can be written again at any time. Posts in it are hostile text: characters that hide
or reorder text are written out here, escaping is the templates'.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from crisis import charts, summary
from crisis.clocks import ClockReading, read_clocks
from crisis.effect import newest_of
from crisis.report_tables import ReportDocument
from crisis.retrospect import Leg, NormReading, did_not, legs, read_norms, worked
from crisis.values import StatementKind
from crisis.visible import visible
from records import Verification
from tasks import report_questions, report_rows, review_rows
from tasks.installation import Installation
from tasks.material import Material, gather
from tasks.report_document import (
    document,
    effect_rows,
    measurement_rows,
    name_of,
    need_rows,
    read_back_rows,
)


@dataclass(frozen=True)
class Told:
    """What a report says, worked out once for the page, the PDF and the exports."""

    material: Material
    verification: Verification
    account: summary.Account
    norms: tuple[NormReading, ...]
    way: tuple[Leg, ...]
    """The way to the first word."""
    signers: tuple[str, ...]
    """The roles that sign the review."""
    drill: str

    @property
    def document(self) -> ReportDocument:
        """For programs."""
        return document(
            self.material,
            summary=summary.sentences(self.account),
            clocks=self.account.clocks,
            norms=self.norms,
            worked=worked(self.account),
            did_not=did_not(self.account),
            signers=self.signers,
            drill=self.drill,
            ledger_holds=self.verification.ok,
        )


def tell(material: Material, verification: Verification, *, signers: Sequence[str] = (), drill: str = "") -> Told:
    """Work out what the report says."""
    clocks = read_clocks(material.incident, material.assessments, material.publications, material.at)
    first = min((p.at for p in material.publications if p.to_all), default=None)
    return Told(
        material=material,
        verification=verification,
        account=_account(material, clocks),
        norms=read_norms(material.incident, first, material.review.authority_told_at, material.at),
        way=_way(material),
        signers=tuple(signers),
        drill=drill,
    )


async def worked_and_not(here: Installation, incident_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What went as it was meant to, and what did not, by the records alone.

    Raises:
        records.NotFound: there is no such incident.
    """
    account = await asyncio.to_thread(_account_of, await gather(here, incident_id))
    return worked(account), did_not(account)


def _account_of(material: Material) -> summary.Account:
    return _account(material, read_clocks(material.incident, material.assessments, material.publications, material.at))


def _way(material: Material) -> tuple[Leg, ...]:
    """From the first posts to the first word, by what each stretch ended with."""
    first = next((s for s in material.published if s.statement.kind.to_all), None)
    told = [r.at for r in material.records if r.kind == "stakeholder.told"]
    moments: list[tuple[str, datetime | None]] = [
        ("first posts", material.incident.started_at),
        ("incident opened", material.incident.opened_at),
        ("first stakeholder told", min(told, default=None)),
    ]
    if first is not None:
        drafted = min(s.statement.created_at for s in material.spoken if s.statement.id == first.statement.id)
        approved = [d.decided_at for d in first.decisions if d.approves]
        moments += [
            ("text drafted", drafted),
            ("approval asked for", first.proposal.proposed_at if first.proposal else None),
            ("approved by all", max(approved, default=None)),
            ("first channel carried it", first.published_at),
        ]
    return legs(moments)


def context(told: Told, public_key_pem: str) -> dict[str, Any]:
    """Everything the templates show, as plain data in which foreign text is already safe to look at."""
    material, account, verification = told.material, told.account, told.verification
    incident, assessment = material.incident, material.incident.assessment
    shown = {
        "drill": told.drill,
        "organisation": material.organisation,
        "brand": material.watch.brand,
        "incident": {
            "id": incident.id,
            "title": incident.title,
            "state": incident.state.value,
            "severity": incident.severity.value,
            "type": assessment.type.value.replace("_", " "),
            "lead": name_of(material, incident.lead),
            "opened": report_rows.when(incident.opened_at),
            "closed": report_rows.when(incident.closed_at) if incident.closed_at else "",
        },
        "written": report_rows.when(material.at),
        "sentences": summary.sentences(account),
        "figures": [f.model_dump() for f in summary.figures(account)],
        "attention": summary.attention(account)
        + (() if verification.ok else (f"{verification.fault[0].upper()}{verification.fault[1:]}.",)),
        "charts": _charts(material, chart_marks(material)),
        "clocks": [report_rows.clock_row(material, c) for c in account.clocks],
        "norms": [review_rows.norm_row(n) for n in told.norms],
        "way": review_rows.way_rows(material, told.way),
        "worked": worked(account),
        "did_not": did_not(account),
        "review": review_rows.review_rows(material, told.signers),
        "tasks": review_rows.task_rows(material),
        "effects": review_rows.effect_rows(effect_rows(material)),
        "measurements": review_rows.measured_rows(measurement_rows(material)),
        "read_back": review_rows.read_back_rows(read_back_rows(material)),
        "timeline": report_rows.timeline_rows(material),
        "statements": [report_rows.statement_row(material, s) for s in material.published],
        "unpublished": [report_rows.unpublished_row(s) for s in material.spoken if s.published_at is None],
        "decisions": report_rows.decision_rows(material),
        "told": report_rows.told_table(material),
        "not_told": report_rows.not_told_rows(material),
        "deliveries": [
            row for s in material.spoken for row in report_rows.delivery_rows(s.deliveries, material.mailings)
        ],
        "frozen": [report_rows.frozen_row(p) for p in material.frozen],
        "commitments": [report_rows.commitment_row(material, c.model_dump()) for c in material.commitments],
        "audiences": [report_rows.audience_row(material, a) for a in material.audiences],
        "questions": report_questions.rows(material),
        "felt": material.felt.map.model_dump(mode="json") if material.felt else {"groups": []},
        "needs": [n.model_dump() for n in need_rows(material)],
        "facts": [report_rows.fact_row(material, history) for history in material.facts],
        "assessments": [
            report_rows.assessment_row(material, a.model_dump(mode="json"))
            for a in material.assessments
            if not a.retold
        ],
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
        StatementKind.REPLY: "Replies",
    }
    marks += [charts.Mark(at=at, label="Approved") for at in _approvals(material)]
    marks += [charts.Mark(at=p.at, label=names[p.kind]) for p in material.publications]
    withdrawn = [r.at for r in material.records if r.kind == "statement.withdrawn"]
    marks += [charts.Mark(at=at, label="Withdrawn") for at in withdrawn]
    if incident.closed_at:
        marks.append(
            charts.Mark(at=incident.closed_at, label=incident.state.value.capitalize().replace("Reviewed", "Resolved"))
        )
    return tuple(marks)


def _approvals(material: Material) -> list[datetime]:
    """When the last approval of each published text was given."""
    given = ([d.decided_at for d in s.decisions if d.approves] for s in material.published)
    return [max(times) for times in given if times]


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
    decided = {d.content_hash: s for s in material.published if s.statement.kind.to_all for d in s.decisions}
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
        effects=tuple(newest_of(material.records)),
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
        sizes = {"wide": charts.WIDE, "narrow": charts.NARROW, "paper": charts.PAPER}
        pictures = {name: Markup(draw(material.signals, marks, width=width)) for name, width in sizes.items()}  # noqa: S704
        drawn.append({"title": title, "note": note, **pictures})
    return drawn
