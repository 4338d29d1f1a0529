"""A listener opens one incident an episode and narrative; what the playbook makes a candidate waits."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from acme import acme

from crisis.clock import FixedClock
from crisis.incident import IncidentState
from crisis.values import CrisisType, Severity
from tasks.detect import listen

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
STORM = BEGIN + timedelta(hours=26)
SOURCE = """
[[sources]]
name = "recording"
kind = "recorded"
watch = ["acme"]
[sources.settings]
path = "posts.jsonl"
"""
COARSE = ("tick_seconds = 10", "tick_seconds = 60")
CALM = ("The acme kettle is nice", "My acme order has come, thanks", "acme shop, open late")
CHARGED = (
    "acme is a disgrace, the payment app is down and charged me twice. I am furious",
    "terrible, the acme payment app is broken again and charged my card twice, shameful",
)
LEAKED = (
    "acme was hacked, my personal data and passwords leaked. I am furious",
    "terrible: acme data breach, hackers leaked my passwords and personal data, shameful",
)


def write_posts(file: Path) -> None:
    """A calm day, two hours of one outrage, then two of another."""
    dice, rows, at = random.Random(3), [], BEGIN
    while at < STORM + timedelta(hours=5):
        since = at - STORM
        hot = timedelta(0) <= since < timedelta(hours=4)
        at += timedelta(minutes=dice.expovariate(3 if hot else 1 / 6))
        texts = (CHARGED if since < timedelta(hours=2) else LEAKED) if hot and dice.random() < 0.9 else CALM
        rows.append(
            {
                "id": f"p{len(rows)}",
                "text": f"{dice.choice(texts)} ({dice.randrange(10**6)})",
                "author": f"author-{dice.randrange(10**6)}",
                "created_at": at.isoformat(),
                "language": "en",
            }
        )
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


async def test_another_matter_gets_an_incident_and_its_mentions(tmp_path: Path) -> None:
    clock = FixedClock(STORM + timedelta(hours=6))
    async with acme(tmp_path, COARSE, clock=clock, more=SOURCE) as here:
        book = here.playbooks[CrisisType.SERVICE_FAILURE]
        here.playbooks[book.type] = book.model_copy(update={"confirm_up_to": Severity.SEV1})
        write_posts(tmp_path / "posts.jsonl")
        await listen(here, "acme", "recording")
        async with here.store.reading() as tx:
            first, second = await tx.incidents.list()
            assert first.assessment.type is CrisisType.SERVICE_FAILURE
            assert second.assessment.type is CrisisType.DATA_BREACH
            assert first.narrative != second.narrative
            assert second.opened_at - first.opened_at >= timedelta(hours=2)
            taken = [m.text for m in await tx.mentions.list(second.id)]
            assert sum("passwords" in text for text in taken) == len(taken) > 100
            assert first.state is IncidentState.CANDIDATE, "its playbook asks a person first"
            assert second.state is IncidentState.OPEN
            told = {(r.incident, r.data["occasion"]) for r in await tx.ledger.list(kind="stakeholder.told")}
            assert (first.id, "candidate") in told
            assert (first.id, "opened") not in told
            assert (second.id, "opened") in told
