"""Who is on an incident, and which notices call for somebody: what telling and delivering both have to know."""

from collections.abc import Mapping

from records import Transaction
from tasks.installation import Installation

TAKER = "taker"
"""Option of a notice that asks its reader to take the incident on: who that is, by e-mail address."""
AGAIN = "unacknowledged"
"""The occasion of the calls that go out while nobody is on it."""


def is_call(options: Mapping[str, str]) -> bool:
    """Whether a notice goes out only because nobody is on it yet, and for nothing else."""
    return options.get("occasion", "") == AGAIN and TAKER in options


async def acknowledged_by(here: Installation, tx: Transaction, incident: str) -> str:
    """The first person who said that they are on an incident or did anything about it; empty when nobody has.

    By e-mail address; by the name their paging service gives them, when they said so there and are no stakeholder.
    """
    people = {person.email for person in here.settings.stakeholders}
    records = await tx.ledger.list(incident=incident)
    return next((r.actor for r in records if r.actor in people or r.kind == "incident.acknowledged"), "")
