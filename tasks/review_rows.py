"""The rows of the report that the review adds: norms, the way to the first word, what people wrote and took on."""

from collections.abc import Iterable
from typing import Any

from crisis.after_action import SECTIONS
from crisis.clocks import span_in_words
from crisis.report_tables import EffectRow, MeasurementRow, ReadBackRow
from crisis.retrospect import Leg, NormReading
from tasks.material import Material
from tasks.report_document import name_of, review_part
from tasks.report_rows import shortly, when

STANDS = {"matched": "stands as approved", "edited": "was edited there", "gone": "is not there any more"}


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


def effect_rows(effects: Iterable[EffectRow]) -> list[dict[str, str]]:
    return [
        {
            "at": when(e.at),
            "statement": e.statement,
            "verdict": e.verdict,
            "says": e.says,
            "proposal": "" if e.settled else e.proposal,
            "measured": "" if e.negative is None else f"{e.negative:,.0f}",
            "expected": "" if e.expected_low is None else f"{e.expected_low:,.0f} to {e.expected_high or 0:,.0f}",
        }
        for e in effects
    ]


def measured_rows(measurements: Iterable[MeasurementRow]) -> list[dict[str, str]]:
    return [{"at": when(m.at), "statement": m.statement, "verdict": m.verdict, "says": m.says} for m in measurements]


def read_back_rows(rows: Iterable[ReadBackRow]) -> list[dict[str, str]]:
    """What platforms showed when published words were last looked at; what stands as approved is told apart."""
    return [
        {
            "where": row.channel,
            "statement": row.statement,
            "stand": STANDS[row.stand],
            "good": "yes" if row.stand == "matched" else "",
            "since": when(row.since) if row.since else "",
            "says": row.says,
        }
        for row in rows
    ]
