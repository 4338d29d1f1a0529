"""What the public asked, as the after-action report shows it: each question that counts, its answer or that it has none."""

from typing import Any

from tasks.material import Material
from tasks.report_document import question_rows

LISTED = 40
"""Questions listed; the rest are counted."""


def rows(material: Material) -> dict[str, Any]:
    """The questions that count, those without an answer that holds first."""
    counted = question_rows(material)
    end = material.incident.closed_at or material.at
    return {
        "unanswered": sum(q.unanswered for q in counted),
        "in_all": len(counted),
        "listed": [
            {
                "id": q.id,
                "text": q.text,
                "authors": q.authors,
                "standing": q.standing,
                "owner": q.owner or "nobody",
                "age": f"{max(0.0, (end - q.first_asked_at).total_seconds() / 3600):.1f} h",
                "answer": q.answer,
                "why": q.why,
            }
            for q in counted[:LISTED]
        ],
    }
