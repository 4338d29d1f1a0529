"""The rows of the after-action report: each part of an incident's material as plain data for the template."""

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from crisis import timeline
from crisis.approval import Decision
from crisis.chain import fingerprint, public_key
from crisis.clocks import ClockReading, span_in_words
from crisis.delivery import Delivery, DeliveryState, Purpose
from crisis.fact import Fact
from crisis.freeze import FrozenPost
from crisis.mailing import LIST_HASH, RecipientState, of_counts
from crisis.pictures import Picture
from crisis.quoting import bylines, is_public_voice
from crisis.record import Record
from crisis.stranded import Audience
from crisis.visible import web_address
from crisis.watch import Mention
from records import Verification
from tasks.material import Material, Spoken
from tasks.pictures import small
from tasks.report_document import VERDICTS, known_of, name_of, roles_of, told_rows

QUOTED_POSTS = 12
"""Posts quoted in the report, those with the widest reach first; all of them are in the evidence bundle."""
NAMED_TARGETS = 5
"""Targets named per group of equal deliveries; a mailing has thousands."""
LISTED_RECORDS = 500
"""Ledger records listed in the report; all of them are in the evidence bundle."""


def clock_row(material: Material, clock: ClockReading) -> dict[str, str]:
    return {
        "name": clock.name,
        "target": span_in_words(clock.target),
        "took": span_in_words(clock.took) if clock.took is not None else "—",
        "due": shortly(material, clock.due_at),
        "met": shortly(material, clock.met_at) if clock.met_at else "—",
        "met_by": clock.met_by,
        "state": clock.state.value,
    }


def timeline_rows(material: Material) -> dict[str, Any]:
    """The timeline in short, by day, and the ledger's own lines."""
    told = timeline.tell(material.incident, material.records, known_of(material))
    days: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in timeline.in_short(told):
        days[f"{entry.at.day} {entry.at:%B %Y}"].append(
            {
                "at": f"{entry.at:%H:%M:%S}",
                "iso": entry.at.isoformat(),
                "who": entry.who,
                "what": entry.what,
                "why": entry.why,
                "link": web_address(entry.link),
                "side": entry.side.value,
            }
        )
    return {
        "days": [{"day": day, "entries": entries} for day, entries in days.items()],
        "records": [
            {"seq": "—" if e.seq is None else e.seq, "at": when(e.at), "who": e.who, "what": e.what, "why": e.why}
            for e in told[:LISTED_RECORDS]
        ],
        "in_all": len(told),
    }


def statement_row(material: Material, spoken: Spoken) -> dict[str, Any]:
    text = spoken.statement
    return {
        "label": text.label,
        "kind": text.kind.value,
        "status": spoken.status.value,
        "headline": text.headline,
        "published": when(spoken.published_at) if spoken.published_at else "",
        "author": name_of(material, text.author),
        "audience": text.audience,
        "strategy": text.strategy.value,
        "hash": text.content_hash,
        "relied_on": [{"id": f.id, "text": f.text, "status": f.status.value} for f in text.facts],
        "approved_by": [
            f"{name_of(material, d.approver)} ({d.role}{_seat(material, d)})" for d in spoken.decisions if d.approves
        ],
        "renderings": _renderings(spoken.deliveries),
        "pictures": [_picture_row(material, spoken, picture) for picture in text.media],
    }


def _picture_row(material: Material, spoken: Spoken, picture: Picture) -> dict[str, Any]:
    """A picture as the page shows it, small; the exact bytes are in the evidence bundle."""
    content = next(p.content for p in material.pictures if p.sha256 == picture.sha256)
    carried = [r.target.channel for r in spoken.statement.renderings if picture.sha256 in {p.sha256 for p in r.media}]
    return {
        "shown": Markup("data:image/jpeg;base64,{}").format(base64.b64encode(small(content)).decode()),
        "alt": picture.alt,
        "what": f"{picture.media_type.suffix.upper()}, {picture.width} × {picture.height}, {picture.size:,} bytes",
        "sha256": picture.sha256,
        "channels": carried,
    }


def unpublished_row(spoken: Spoken) -> dict[str, str]:
    text = spoken.statement
    return {"label": text.label, "kind": text.kind.value, "status": spoken.status.value, "headline": text.headline}


def _renderings(deliveries: Iterable[Delivery]) -> list[dict[str, Any]]:
    """What was delivered: each exact text once, with every channel that carried it."""
    texts: dict[tuple[object, ...], dict[str, list[Delivery]]] = {}
    for d in deliveries:
        if d.purpose is Purpose.STATEMENT:
            exact = (d.rendering.subject, d.rendering.language, *(part.text for part in d.rendering.parts))
            texts.setdefault(exact, defaultdict(list))[d.rendering.target.channel].append(d)
    shown = []
    for channels in texts.values():
        first = next(iter(channels.values()))[0].rendering
        shown.append(
            {
                "channels": list(channels),
                "subject": first.subject,
                "language": first.language,
                "parts": [part.text for part in first.parts],
                "has_html": any(d.rendering.html for group in channels.values() for d in group),
                "receipts": [_receipt(d) for group in channels.values() for d in group[:NAMED_TARGETS]],
                "more": sum(max(0, len(group) - NAMED_TARGETS) for group in channels.values()),
            }
        )
    return shown


def _receipt(delivery: Delivery) -> dict[str, Any]:
    receipt = delivery.receipt
    counts = " + ".join(f"{p.length:,}" for p in delivery.rendering.parts)
    return {
        "channel": delivery.rendering.target.channel,
        "address": delivery.rendering.target.address,
        "count": f"{counts} of {delivery.rendering.parts[0].limit:,}" if delivery.rendering.parts else "",
        "state": delivery.state.value,
        "id": receipt.id if receipt else "",
        "link": web_address(receipt.url) if receipt else "",
        "accepted": when(receipt.accepted_at) if receipt else "",
        "problem": delivery.problem,
    }


def _seat(material: Material, decision: Decision) -> str:
    if decision.on_behalf_of:
        return f", for {name_of(material, decision.on_behalf_of)}"
    return ", as a deputy" if decision.as_deputy else ""


def _release_rows(material: Material) -> list[dict[str, str]]:
    """Texts that went out without the usual approvals, among the decisions."""
    return [
        {
            "at": when(r.at),
            "who": "Pre-clearance" if r.data.get("means") == "precleared" else name_of(material, r.actor),
            "email": r.actor,
            "role": "pre-cleared" if r.data.get("means") == "precleared" else "broke the glass",
            "verdict": "released",
            "via": r.via.replace("_", " "),
            "statement": f"{r.data.get('statement')} v{r.data.get('version')}",
            "reason": r.reason,
            "hash": str(r.data.get("content_hash")),
        }
        for r in material.records
        if r.kind == "statement.released"
    ]


def decision_rows(material: Material) -> list[dict[str, str]]:
    rows = [
        {
            "at": when(d.decided_at),
            "who": name_of(material, d.approver),
            "email": d.approver,
            "role": d.role.replace("_", " ") + _seat(material, d),
            "verdict": "taken back" if d.taken_back_at else VERDICTS[d.verdict.value],
            "via": d.via.value.replace("_", " "),
            "statement": f"{d.statement} v{d.version}",
            "reason": d.reason,
            "hash": d.content_hash,
        }
        for spoken in material.spoken
        for d in spoken.decisions
    ] + _release_rows(material)
    return sorted([*rows, *_refused_rows(material)], key=lambda row: row["at"])


def _refused_rows(material: Material) -> list[dict[str, str]]:
    """Attempts to decide that did not count, and why."""
    return [
        {
            "at": when(r.at),
            "who": name_of(material, r.actor),
            "email": r.actor,
            "role": str(r.data.get("role", "")).replace("_", " "),
            "verdict": "did not count",
            "via": r.via.replace("_", " "),
            "statement": f"{r.data.get('statement', '')} v{r.data.get('version', '')}".removesuffix(" v"),
            "reason": r.reason,
            "hash": str(r.data.get("content_hash", "")),
        }
        for r in material.records
        if r.kind == "decision.refused"
    ]


def told_table(material: Material) -> list[dict[str, Any]]:
    """Everybody who was told, at first and how often, and whether it got there."""
    outcome = {
        (d.rendering.options.get("to", ""), d.rendering.target.channel, d.rendering.target.address): d
        for d in material.notices
    }
    people: dict[str, list[Record]] = defaultdict(list)
    for record in material.records:
        if record.kind == "stakeholder.told":
            people[str(record.data.get("stakeholder", ""))].append(record)
    acted = {row.who: row.acted_at for row in told_rows(material)}
    rows = []
    for email, records in people.items():
        routes = list(dict.fromkeys(str(r.data.get("route", "")) for r in records))
        states = []
        for route in routes:
            notifier, _, address = route.partition(":")
            delivery = outcome.get((email, notifier, address)) or outcome.get(("", notifier, address))
            states.append(
                {
                    "route": notifier,
                    "state": delivery.state.value if delivery else "",
                    "problem": delivery.problem if delivery else "",
                }
            )
        rows.append(
            {
                "who": name_of(material, email),
                "email": email,
                "roles": roles_of(material, email),
                "first": when(records[0].at),
                "acted": when(at) if (at := acted.get(name_of(material, email))) else "",
                "times": len(records),
                "why": records[0].reason.replace("_", " "),
                "routes": states,
            }
        )
    return rows


def not_told_rows(material: Material) -> list[dict[str, str]]:
    rows: dict[str, dict[str, str]] = {}
    for record in material.records:
        if record.kind == "stakeholder.not_told":
            email = str(record.data.get("stakeholder", ""))
            roles = roles_of(material, email)
            rows[email] = {
                "who": name_of(material, email),
                "email": email,
                "roles": roles,
                "why": record.reason.replace("_", " "),
            }
    return list(rows.values())


def delivery_rows(
    deliveries: Iterable[Delivery], mailings: Mapping[str, Mapping[RecipientState, int]]
) -> list[dict[str, Any]]:
    """One row per channel, purpose and state of a statement version; of a mailing, how its recipients stand."""
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
            "mailed": [_mailed(d, mailings[d.id]) for d in group if d.id in mailings],
            "attempts": max(d.attempts for d in group),
            "class": group[0].delivery_class.value,
            "at": when(max(d.updated_at for d in group)),
            "problem": next((d.problem for d in group if d.problem), ""),
            "needs_human": any(d.needs_human for d in group),
        }
        for (channel, purpose, state), group in groups.items()
    ]


def frozen_row(frozen: FrozenPost) -> dict[str, str]:
    text = " ".join(frozen.post.text.split())
    return {
        "state": frozen.state.value,
        "where": frozen.post.where or frozen.scheduler,
        "scheduler": frozen.scheduler,
        "at": when(frozen.post.at) if frozen.post.at else "",
        "text": text if len(text) <= 200 else text[:200] + " […]",
        "problem": frozen.problem,
    }


def _mailed(delivery: Delivery, counts: Mapping[RecipientState, int]) -> str:
    """How a mailing stands, and the hash of the list that was approved for it."""
    return f"{of_counts(counts)}; list {delivery.rendering.options.get(LIST_HASH, '')}"


def commitment_row(material: Material, promise: dict[str, Any]) -> dict[str, Any]:
    kept = promise["kept_at"]
    overdue = promise["state"] == "open" and promise["due_at"] < material.at
    return {
        "text": promise["text"],
        "statement": promise["statement"],
        "due": when(promise["due_at"]),
        "state": "overdue" if overdue else "kept late" if kept and kept > promise["due_at"] else str(promise["state"]),
        "kept": when(kept) if kept else "",
        "kept_by": name_of(material, promise["kept_by"]),
        "evidence": promise["evidence"],
    }


def audience_row(material: Material, audience: Audience) -> dict[str, Any]:
    """Who was told something, and whether they were told how it ended."""
    return {
        "who": name_of(material, audience.key),
        "kind": audience.kind.value,
        "heard": ", ".join(audience.heard),
        "wants": audience.wants,
        "end": audience.end.value,
        "says": audience.says,
        "bad": audience.open,
    }


def fact_row(material: Material, history: tuple[Fact, ...]) -> dict[str, Any]:
    fact = history[-1]
    return {
        "id": fact.id,
        "text": fact.text,
        "status": fact.status.value,
        "owner": name_of(material, fact.owner),
        "evidence": fact.evidence,
        "at": when(fact.updated_at),
        "earlier": [{"text": f.text, "status": f.status.value, "at": when(f.updated_at)} for f in history[:-1]],
    }


def assessment_row(material: Material, told: dict[str, Any]) -> dict[str, Any]:
    told["type"] = told["type"].replace("_", " ")
    told["assessed_by"] = name_of(material, told["assessed_by"])
    told["at"] = when(datetime.fromisoformat(told["assessed_at"]))
    return told


def posts(material: Material) -> list[dict[str, Any]]:
    widest = sorted(material.mentions, key=lambda m: m.followers + 50 * m.reposts, reverse=True)
    quoted: list[Mention] = []
    seen: set[str] = set()
    for mention in widest:
        words = " ".join(mention.text.split()).casefold()
        if words and words not in seen and len(quoted) < QUOTED_POSTS:
            seen.add(words)
            quoted.append(mention)
    by = bylines(material.mentions)
    return [
        {
            "text": m.text if len(m.text) <= 600 else m.text[:600] + " […]",
            "author": by[m.source, m.author],
            "source": m.source,
            "at": when(m.created_at),
            "link": web_address(m.url) if is_public_voice(m) else "",
            "followers": m.followers,
            "reposts": m.reposts,
        }
        for m in sorted(quoted, key=lambda m: m.created_at)
    ]


def ledger_row(material: Material, verification: Verification, pem: str) -> dict[str, Any]:
    last = material.records[-1] if material.records else None
    return {
        "ok": verification.ok,
        "of": verification.of,
        "problem": verification.problem,
        "records": f"{verification.records:,}",
        "own": f"{len(material.records):,}",
        "checkpoints": f"{verification.checkpoints:,}",
        "last_seq": last.seq if last else "",
        "last_hash": last.hash if last else "",
        "key": fingerprint(public_key(pem)),
    }


def shortly(material: Material, at: datetime) -> str:
    """The time alone on the day on which the incident opened, with its day otherwise."""
    same_day = at.date() == material.incident.opened_at.date()
    return f"{at:%H:%M:%S}" if same_day else f"{at.day} {at:%b %H:%M:%S}"


def when(at: datetime) -> str:
    """To the second, in UTC; sorts by time."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
