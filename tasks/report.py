"""The after-action report: one self-contained page that executives, lawyers and auditors read.

It is made from records alone, so it can be written again at any time. It loads nothing from outside and runs nothing:
posts in it are hostile text, escaped by the template, with characters that hide or reorder text written out.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from crisis import charts, summary, timeline
from crisis.chain import fingerprint, public_key
from crisis.clocks import NORMS, ClockReading, read_clocks, span_in_words
from crisis.delivery import Delivery, DeliveryState, Purpose
from crisis.fact import Fact
from crisis.record import Record
from crisis.statement import Rendering
from crisis.values import StatementKind
from crisis.visible import visible, web_address
from records import Verification
from tasks.installation import Installation
from tasks.material import Material, Spoken, gather

QUOTED_POSTS = 12
"""Posts quoted in the report, those with the widest reach first; all of them are in the evidence bundle."""
NAMED_TARGETS = 5
"""Targets named per group of equal deliveries; a mailing has thousands."""


async def write_report(here: Installation, incident_id: str, *, actor: str = "review") -> str:
    """The after-action report of an incident as one HTML page; that it was written, and its hash, goes on record.

    Raises:
        records.NotFound: there is no such incident.
    """
    material = await gather(here, incident_id)
    verification = await here.store.verify()
    page = here.templates.render("report.html.j2", **context(material, verification, here.store.public_key_pem))
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
            "lead": _name(material, incident.lead),
            "opened": _when(incident.opened_at),
            "closed": _when(incident.closed_at) if incident.closed_at else "",
        },
        "written": _when(material.at),
        "sentences": summary.sentences(account),
        "figures": [f.model_dump() for f in summary.figures(account)],
        "attention": summary.attention(account)
        + (() if verification.ok else (f"The ledger does not hold: {verification.problem}.",)),
        "charts": _charts(material, marks),
        "clocks": [_clock(c) for c in clocks],
        "norms": [{"says": n.says, "source": n.source} for n in NORMS],
        "timeline": _timeline(material),
        "statements": [_statement(material, s) for s in material.published],
        "unpublished": [_unpublished(s) for s in material.spoken if s.published_at is None],
        "decisions": _decisions(material),
        "told": _told(material),
        "not_told": _not_told(material),
        "deliveries": [row for s in material.spoken for row in _delivery_rows(s.deliveries)],
        "commitments": [_commitment(material, c.model_dump()) for c in material.commitments],
        "observations": [
            {"at": _when(o.at), "statement": o.statement, "verdict": o.verdict.value, "calm": o.calm, "says": o.says}
            for o in material.observations
        ],
        "facts": [_fact(history) for history in material.facts],
        "assessments": [_assessment(a.model_dump(mode="json")) for a in material.assessments],
        "narratives": [n.model_dump() for n in assessment.narratives],
        "posts": _posts(material),
        "posts_in_all": len(material.mentions),
        "ledger": _ledger(material, verification, public_key_pem),
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
    approvers = {d.approver for s in decided.values() for d in s.decisions if d.verdict.value == "approve"}
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


def _clock(clock: ClockReading) -> dict[str, str]:
    return {
        "name": clock.name,
        "target": span_in_words(clock.target),
        "took": span_in_words(clock.took) if clock.took is not None else "—",
        "due": _when(clock.due_at),
        "met": _when(clock.met_at) if clock.met_at else "—",
        "met_by": clock.met_by,
        "state": clock.state.value,
        "says": clock.says,
    }


def _timeline(material: Material) -> list[dict[str, Any]]:
    known = timeline.Known(
        statements=tuple(s.statement for s in material.spoken),
        deliveries=(*material.deliveries, *material.notices),
        people={p.email: p.name for p in material.stakeholders},
    )
    told = timeline.tell(material.incident, material.records, known)
    return [
        {
            **e.model_dump(),
            "side": e.side.value,
            "at": _when(e.at),
            "link": web_address(e.link),
            "at_iso": e.at.isoformat(),
        }
        for e in told
    ]


def _statement(material: Material, spoken: Spoken) -> dict[str, Any]:
    text = spoken.statement
    return {
        "label": text.label,
        "kind": text.kind.value,
        "status": spoken.status.value,
        "headline": text.headline,
        "published": _when(spoken.published_at) if spoken.published_at else "",
        "author": _name(material, text.author),
        "audience": text.audience,
        "strategy": text.strategy.value,
        "hash": text.content_hash,
        "relied_on": [{"id": f.id, "text": f.text, "status": f.status.value} for f in text.facts],
        "approved_by": [
            f"{_name(material, d.approver)} ({d.role})" for d in spoken.decisions if d.verdict.value == "approve"
        ],
        "renderings": _renderings(spoken.deliveries),
    }


def _unpublished(spoken: Spoken) -> dict[str, str]:
    text = spoken.statement
    return {"label": text.label, "kind": text.kind.value, "status": spoken.status.value, "headline": text.headline}


def _renderings(deliveries: Iterable[Delivery]) -> list[dict[str, Any]]:
    """What was delivered, one entry per channel and exact text."""
    groups: dict[tuple[object, ...], list[Delivery]] = defaultdict(list)
    for d in deliveries:
        if d.purpose is Purpose.STATEMENT:
            parts = tuple((p.text, p.length, p.limit) for p in d.rendering.parts)
            groups[d.rendering.target.channel, d.rendering.subject, parts].append(d)
    shown = []
    for group in groups.values():
        first = group[0].rendering
        shown.append(
            {
                "channel": first.target.channel,
                "kind": first.target.kind,
                "subject": first.subject,
                "language": first.language,
                "parts": _parts(first),
                "has_html": bool(first.html),
                "receipts": [_receipt(d) for d in group[:NAMED_TARGETS]],
                "more": max(0, len(group) - NAMED_TARGETS),
            }
        )
    return shown


def _parts(rendering: Rendering) -> list[dict[str, Any]]:
    return [{"text": p.text, "length": f"{p.length:,}", "limit": f"{p.limit:,}"} for p in rendering.parts]


def _receipt(delivery: Delivery) -> dict[str, Any]:
    receipt = delivery.receipt
    return {
        "address": delivery.rendering.target.address,
        "state": delivery.state.value,
        "id": receipt.id if receipt else "",
        "link": web_address(receipt.url) if receipt else "",
        "accepted": _when(receipt.accepted_at) if receipt else "",
        "problem": delivery.problem,
    }


def _decisions(material: Material) -> list[dict[str, str]]:
    rows = [
        {
            "at": _when(d.decided_at),
            "who": _name(material, d.approver),
            "email": d.approver,
            "role": d.role,
            "verdict": {"approve": "approved", "return": "returned"}[d.verdict.value],
            "via": d.via.value.replace("_", " "),
            "statement": f"{d.statement} v{d.version}",
            "reason": d.reason,
            "hash": d.content_hash,
        }
        for spoken in material.spoken
        for d in spoken.decisions
    ]
    return sorted(rows, key=lambda row: row["at"])


def _told(material: Material) -> list[dict[str, Any]]:
    """Everybody who was told, at first and how often, and whether it got there."""
    outcome = {(d.rendering.target.channel, d.rendering.target.address): d for d in material.notices}
    people: dict[str, list[Record]] = defaultdict(list)
    for record in material.records:
        if record.kind == "stakeholder.told":
            people[str(record.data.get("stakeholder", ""))].append(record)
    rows = []
    for email, records in people.items():
        routes = list(dict.fromkeys(str(r.data.get("route", "")) for r in records))
        states = []
        for route in routes:
            notifier, _, address = route.partition(":")
            delivery = outcome.get((notifier, address))
            states.append(
                {
                    "route": route,
                    "state": delivery.state.value if delivery else "",
                    "problem": delivery.problem if delivery else "",
                }
            )
        rows.append(
            {
                "who": _name(material, email),
                "email": email,
                "roles": ", ".join(_roles(material, email)),
                "first": _when(records[0].at),
                "times": len(records),
                "why": records[0].reason,
                "routes": states,
            }
        )
    return rows


def _not_told(material: Material) -> list[dict[str, str]]:
    rows: dict[str, dict[str, str]] = {}
    for record in material.records:
        if record.kind == "stakeholder.not_told":
            email = str(record.data.get("stakeholder", ""))
            roles = ", ".join(_roles(material, email))
            rows[email] = {"who": _name(material, email), "email": email, "roles": roles, "why": record.reason}
    return list(rows.values())


def _delivery_rows(deliveries: Iterable[Delivery]) -> list[dict[str, Any]]:
    """One row per channel, purpose and state of a statement version."""
    groups: dict[tuple[str, str, str], list[Delivery]] = defaultdict(list)
    for d in deliveries:
        groups[d.rendering.target.channel, d.purpose.value, d.state.value].append(d)
    return [
        {
            "statement": f"{group[0].statement} v{group[0].version}",
            "channel": channel,
            "purpose": purpose,
            "state": state,
            "trouble": state not in (DeliveryState.ACCEPTED.value, DeliveryState.RECONCILED.value),
            "count": len(group),
            "targets": [d.rendering.target.address for d in group[:NAMED_TARGETS] if d.rendering.target.address],
            "attempts": max(d.attempts for d in group),
            "class": group[0].delivery_class.value,
            "at": _when(max(d.updated_at for d in group)),
            "problem": next((d.problem for d in group if d.problem), ""),
            "needs_human": any(d.needs_human for d in group),
        }
        for (channel, purpose, state), group in groups.items()
    ]


def _commitment(material: Material, promise: dict[str, Any]) -> dict[str, Any]:
    kept = promise["kept_at"]
    overdue = promise["state"] == "open" and promise["due_at"] < material.at
    return {
        "text": promise["text"],
        "statement": promise["statement"],
        "due": _when(promise["due_at"]),
        "state": "overdue" if overdue else "kept late" if kept and kept > promise["due_at"] else str(promise["state"]),
        "kept": _when(kept) if kept else "",
        "kept_by": _name(material, promise["kept_by"]),
    }


def _fact(history: tuple[Fact, ...]) -> dict[str, Any]:
    fact = history[-1]
    return {
        "id": fact.id,
        "text": fact.text,
        "status": fact.status.value,
        "owner": fact.owner,
        "evidence": fact.evidence,
        "at": _when(fact.updated_at),
        "earlier": [{"text": f.text, "status": f.status.value, "at": _when(f.updated_at)} for f in history[:-1]],
    }


def _assessment(told: dict[str, Any]) -> dict[str, Any]:
    told["type"] = told["type"].replace("_", " ")
    told["at"] = _when(datetime.fromisoformat(told["assessed_at"]))
    return told


def _posts(material: Material) -> list[dict[str, Any]]:
    widest = sorted(material.mentions, key=lambda m: m.followers + 50 * m.reposts, reverse=True)
    quoted, seen = [], set()
    for mention in widest:
        words = " ".join(mention.text.split()).casefold()
        if words and words not in seen and len(quoted) < QUOTED_POSTS:
            seen.add(words)
            quoted.append(mention)
    return [
        {
            "text": m.text if len(m.text) <= 600 else m.text[:600] + " […]",
            "author": m.author,
            "source": m.source,
            "at": _when(m.created_at),
            "link": web_address(m.url),
            "followers": m.followers,
            "reposts": m.reposts,
        }
        for m in sorted(quoted, key=lambda m: m.created_at)
    ]


def _ledger(material: Material, verification: Verification, pem: str) -> dict[str, Any]:
    last = material.records[-1] if material.records else None
    return {
        "ok": verification.ok,
        "problem": verification.problem,
        "records": f"{verification.records:,}",
        "own": f"{len(material.records):,}",
        "checkpoints": f"{verification.checkpoints:,}",
        "last_seq": last.seq if last else "",
        "last_hash": last.hash if last else "",
        "key": fingerprint(public_key(pem)),
    }


def _name(material: Material, email: str) -> str:
    known = {p.email: p.name for p in material.stakeholders}
    return known.get(email, email)


def _roles(material: Material, email: str) -> tuple[str, ...]:
    return next((p.roles for p in material.stakeholders if p.email == email), ())


def _when(at: datetime) -> str:
    """To the second, in UTC; sorts by time."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
