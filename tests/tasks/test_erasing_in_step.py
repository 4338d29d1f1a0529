"""Erasing keeps its promises where it meets reviews, merges, copies that are made anew, kills and restricted incidents."""

from datetime import timedelta
from pathlib import Path

from acme import ANA, IDA, LENA, NOON, acme, incident_in

from crisis.after_action import Section
from crisis.clock import FixedClock
from crisis.incident import IncidentState
from crisis.personal import ERASED
from crisis.watch import Mention
from tasks import after_action, retention
from tasks import erase as erasing
from tasks.evidence import seal_evidence
from tasks.installation import Installation

QUOTE = "Acme's till ate my card & nobody at the 'help' desk cares, says Kim from Brugge"
POST = Mention(id="77", text=QUOTE, author="@kim.b", created_at=NOON, source="mastodon", url="https://m/77")
GUEST = "sam@guest.example"


async def with_post(here: Installation) -> str:
    """An incident that relies on Kim's post."""
    incident = await incident_in(here)
    async with here.store.transaction() as tx:
        await tx.mentions.relied_on(incident.id, [POST])
    return incident.id


async def over(here: Installation, incident: str, *, days: int) -> None:
    """The incident ends, and so many days pass."""
    async with here.store.transaction() as tx:
        await tx.incidents.step(incident, IncidentState.DISMISSED, actor=IDA)
    assert isinstance(here.clock, FixedClock)
    here.clock.move(timedelta(days=days))


async def reviewed(here: Installation, incident: str) -> None:
    """People write a review, with a guest at its meeting, and take a task on."""
    await after_action.write(here, incident, {Section.LESSONS: "We answered too late"}, actor=IDA)
    await after_action.meet(here, incident, held_at=NOON, participants=(IDA, f"Sam, {GUEST}"), actor=IDA)
    await after_action.take_on(here, incident, "mend the till", owner=ANA, due_at=NOON + timedelta(days=2), actor=IDA)


async def test_retention_leaves_who_reviewed_and_who_was_excused(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        incident = await with_post(here)
        await reviewed(here, incident)
        async with here.store.transaction() as tx:
            data = {"key": "newsletter:list@example.com", "wants": "the resolution"}
            await tx.ledger.append("audience.excused", incident=incident, data=data, actor=IDA, reason="it is closed")
        await over(here, incident, days=4000)
        assert await retention.carry_out(here)
        async with here.store.reading() as tx:
            told = {r.kind: r.data for r in await tx.ledger.list(incident=incident)}
        assert told["review.saved"]["edited_by"] == IDA
        assert told["review.saved"]["meeting"]["participants"] == [IDA, f"Sam, {GUEST}"]
        assert told["review_task.made"]["made_by"] == IDA
        assert told["audience.excused"]["key"] == "newsletter:list@example.com"
        verified = await here.store.verify()
        assert verified.ok, verified.problem
        other = await incident_in(here)
        await seal_evidence(here, other.id, tmp_path / "out")


async def test_a_guest_who_asks_is_taken_out_of_the_review_and_its_record_together(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        incident = await with_post(here)
        await reviewed(here, incident)
        await erasing.erase(here, recipient=GUEST, actor=LENA, reason="request 13")
        async with here.store.reading() as tx:
            review = await tx.reviews.get(incident)
            told = (await tx.ledger.list(incident=incident, kind="review.saved"))[-1].data
        assert review.meeting is not None
        assert review.meeting.participants == (IDA, ERASED)
        assert told["meeting"]["participants"] == [IDA, ERASED]
        assert review.edited_by == told["edited_by"] == IDA
        verified = await here.store.verify()
        assert verified.ok, verified.problem
