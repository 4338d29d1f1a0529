"""The rows of the report that the review adds: norms, the way to the first word, what people wrote and took on."""

from collections.abc import Iterable
from typing import Any

from crisis.after_action import SECTIONS
from crisis.clocks import span_in_words
from crisis.report_tables import EffectRow
from crisis.retrospect import Leg, NormReading
from tasks.material import Material
from tasks.report_document import READ_BACK, STANDS, known_of, name_of, review_part
from tasks.report_rows import shortly, when


def norm_row(norm: NormReading) -> dict[str, Any]:
    within = {True: "within", False: "later", None: "not on record"}[norm.within]
    took = span_in_words(norm.took) if norm.took is not None else "—"
    return {"says": norm.says, "source": norm.source, "took": took, "within": within}


def way_rows(material: Material, way: Iterable[Leg]) -> list[dict[str, Any]]:
    """Each stretch with its share of the whole, for a bar."""
    stretches = list(way)
    whole = sum(leg.took.total_seconds() for leg in stretches) or 1.0
    return [
        {
            "name": leg.name,
            "at": shortly(material, leg.ended_at),
            "took": span_in_words(leg.took),
            "share": round(100 * leg.took.total_seconds() / whole),
        }
        for leg in stretches
    ]


def review_rows(material: Material, signers: Iterable[str]) -> dict[str, Any]:
    """What people wrote, met about and signed."""
    part = review_part(material, tuple(signers))
    return {
        "state": part.state,
        "sections": [
            {"id": section.value, "title": title, "text": part.sections.get(section.value, "")}
            for section, (title, _) in SECTIONS.items()
        ],
        "written": bool(part.sections),
        "held": when(part.held_at) if part.held_at else "",
        "participants": part.participants,
        "notes": part.notes,
        "signatures": [
            {
                "role": s.role.replace("_", " "),
                "who": s.who,
                "at": when(s.at),
                "hash": s.covers,
                "state": "signed" if s.stands else "void: it was changed afterwards",
            }
            for s in part.signatures
        ],
        "to_sign": [role.replace("_", " ") for role in part.still_to_sign],
    }


def task_rows(material: Material) -> list[dict[str, str]]:
    return [
        {
            "id": t.id,
            "text": t.text,
            "owner": name_of(material, t.owner),
            "due": f"{t.due_at:%Y-%m-%d %H:%M}",
            "state": "overdue" if t.overdue(material.at) else t.state.value,
            "note": t.note,
        }
        for t in material.tasks
    ]


def effect_rows(material: Material, effects: Iterable[EffectRow]) -> list[dict[str, str]]:
    return [{"at": when(e.at), "statement": e.statement, "verdict": e.verdict, "says": e.says} for e in effects]


def read_back_rows(material: Material) -> list[dict[str, str]]:
    """What platforms showed when published words were looked at again."""
    known = known_of(material)
    rows = []
    for record in material.records:
        if record.kind == READ_BACK:
            delivery = known.delivery(str(record.data.get("delivery") or record.data.get("id") or ""))
            where = (
                f"{delivery.statement} v{delivery.version} on {delivery.rendering.target.channel}" if delivery else ""
            )
            stand = str(record.data.get("stand", ""))
            says = str(record.data.get("says", "")) or STANDS.get(stand, stand)
            rows.append({"at": when(record.at), "where": where, "says": says})
    return rows
