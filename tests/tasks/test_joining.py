"""Posts join an incident for as long as it is open, whoever opened it, and what people say is renewed alongside."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from acme import IDA, acme, incident_in

from crisis.clock import ScaledClock
from crisis.incident import Incident, IncidentState
from crisis.watch import Mention
from tasks.coverage import coverage
from tasks.detect import listen
from tasks.installation import Installation

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAYS = (
    "acme charged my card twice, where is my money?",
    "acme took the payment twice and nobody answers",
    "charged twice by acme, when do I get my money back?",
    "acme payment charged twice on my card again",
)


def said(here: Installation, first: int, number: int) -> list[Mention]:
    now = here.clock.now()
    return [
        Mention(id=f"w{n}", text=f"{SAYS[n % 4]} ({n})", author=f"a{n}", created_at=now, language="en")
        for n in range(first, first + number)
    ]


async def take(here: Installation, posts: list[Mention]) -> None:
    async with here.store.transaction() as tx:
        await tx.inbox.add(posts)


async def until(here: Installation, incident: Incident, holds: Callable[[Incident, int], bool]) -> Incident:
    """Wait for what holds of the incident and the number of its posts."""
    for _ in range(150):
        async with here.store.reading() as tx:
            now, posts = await tx.incidents.get(incident.id), await tx.mentions.count(incident.id)
        if holds(now, posts):
            return now
        await asyncio.sleep(0.1)
    raise AssertionError(f"{incident.id} has {posts} posts, and says {[n.size for n in now.assessment.narratives]}")


@asynccontextmanager
async def listening(here: Installation) -> AsyncIterator[None]:
    task = asyncio.create_task(listen(here, "acme", "webhook"))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installation]:
    """Its clock runs five minutes a second."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    loop = asyncio.get_running_loop()
    clock = ScaledClock(BEGIN, loop.time(), 300, loop.time)
    async with acme(tmp_path, ("tick_seconds = 10", "tick_seconds = 60"), clock=clock) as installed:
        yield installed


async def test_an_incident_that_a_person_opens_has_what_is_said_although_no_alert_ever_comes(
    here: Installation,
) -> None:
    async with listening(here):
        await take(here, said(here, 0, 4))
        await asyncio.sleep(1.5)
        incident = await incident_in(here)
        early = await until(here, incident, lambda _, posts: posts == 4)
        assert early.severity is incident.severity
        await take(here, said(here, 4, 4))
        told = await until(here, incident, lambda now, _: bool(now.assessment.narratives and now.assessment.authors))
        assert {f.name for f in told.assessment.factors} > {"reported by a person", "volume", "negativity"}
        assert (told.severity, told.assessment.assessed_by) == (incident.severity, IDA)

        async with here.store.transaction() as tx:  # after our statement it goes on
            for state in (IncidentState.RESPONDING, IncidentState.MONITORING):
                await tx.incidents.step(incident.id, state, actor=IDA)
        await take(here, said(here, 8, 12))
        before = sum(n.size for n in told.assessment.narratives)
        await until(here, incident, lambda now, _: sum(n.size for n in now.assessment.narratives) > 1.2 * before)

        async with here.store.transaction() as tx:
            await tx.incidents.step(incident.id, IncidentState.RESOLVED, actor=IDA)
        await asyncio.sleep(1.5)
        await take(here, said(here, 30, 3))
        await asyncio.sleep(1.5)
        async with here.store.reading() as tx:
            assert await tx.mentions.count(incident.id) == 20, "what is over takes up nothing"
            progress = await tx.watches.progress("acme/webhook")
            assert not [i for i in await tx.incidents.list() if i.opened_by == "detector"]
        assert progress is not None
        assert len(json.loads(progress[1])["recent"]) > 0

    [heard] = [c for c in await coverage(here) if c.source == "webhook"]
    assert heard.health.last_post_at is not None
    assert "last post at" in heard.says
    async with listening(here):  # a later listener to whom nothing came yet knows of the posts, too
        await asyncio.sleep(1.5)
    [again] = [c for c in await coverage(here) if c.source == "webhook"]
    assert again.health.last_post_at == heard.health.last_post_at


@pytest.mark.slow
async def test_a_listener_that_starts_later_fills_what_was_opened_before(here: Installation) -> None:
    incident = await incident_in(here)
    other = await incident_in(here)
    await take(here, said(here, 0, 5))
    async with listening(here):
        for one in (incident, other):
            await until(here, one, lambda now, posts: posts == 5 and now.assessment.authors > 0)
    assert timedelta() < here.clock.now() - BEGIN
