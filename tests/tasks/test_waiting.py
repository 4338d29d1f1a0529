"""What an incident waits for: the most urgent thing in words, and how many more there are."""

from datetime import timedelta
from pathlib import Path

from crisis.commitment import Commitment
from crisis.incident import IncidentState
from crisis.values import StatementKind
from tasks.draft import draft
from tasks.waiting import waiting_for
from tests.acme import IDA, NOON, acme, incident_in


async def test_a_promise_that_is_due_comes_before_a_text_to_write_and_the_rest_is_counted(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        incident = await incident_in(here)
        async with here.store.transaction() as tx:
            incident = await tx.incidents.step(incident.id, IncidentState.RESPONDING, actor=IDA)
        statement = await draft(here, incident.id, StatementKind.HOLDING)
        async with here.store.transaction() as tx:
            for id, hours in (("late", 5), ("soon", 2)):
                promise = Commitment(
                    id=id,
                    incident=incident.id,
                    statement=statement.id,
                    text=f"the {id} update",
                    due_at=NOON + timedelta(hours=hours),
                )
                await tx.commitments.add(promise, actor=IDA)
        assert await waiting_for(here, incident) == "the soon update, due by 14:00 UTC; and 2 more"
