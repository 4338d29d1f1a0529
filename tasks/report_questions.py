"""What the public asked, as the after-action report shows it: each question that counts, its answer or that it has none."""

from typing import Any

from tasks.material import Material
from tasks.report_document import name_of

LISTED = 40
"""Questions listed; the rest are counted."""


def rows(material: Material) -> dict[str, Any]:
    """The questions that count, those without an answer that holds first."""
    counted = sorted((r for r in material.asked if r.counts), key=lambda r: (not r.standing.unanswered, -r.score))
    end = material.incident.closed_at or material.at
    return {
        "unanswered": sum(r.standing.unanswered for r in counted),
        "in_all": len(counted),
        "listed": [
            {
                "id": row.question.id,
                "text": row.question.text,
                "authors": row.tally.authors,
                "standing": "no answer" if row.standing.value == "open" else row.standing.value,
                "owner": name_of(material, row.question.owner) if row.question.owner else "nobody",
                "age": f"{max(0.0, (end - row.question.first_asked_at).total_seconds() / 3600):.1f} h",
                "answer": row.answer.statement.label if row.answer else "",
                "why": row.question.set_aside,
            }
            for row in counted[:LISTED]
        ],
    }
