"""A listener that is stopped anywhere goes on as if it had not been: same incidents, same order, same judgement."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from acme import IDA, acme

from crisis.clock import FixedClock
from crisis.incident import Incident, IncidentState
from crisis.watch import Mention
from tasks import detect
from tasks.detect import has_ended, listen
from tasks.incidents import dismiss
from tasks.installation import Installation

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
STORM = BEGIN + timedelta(hours=30)
NOW = BEGIN + timedelta(hours=36)
SOURCE = """
[[sources]]
name = "recording"
kind = "recorded"
watch = ["acme"]
[sources.settings]
path = "posts.jsonl"
"""
COARSE = ("tick_seconds = 10", "tick_seconds = 60")
CALM = (
    "The acme kettle is nice",
    "My acme order has come, thanks",
    "Which acme lamp do you use?",
    "acme shop, open late",
)
ANGRY = (
    "acme is a disgrace, the app took my money twice and nobody answers. I am furious",
    "Terrible, awful service from acme: locked out of my account for hours, shameful",
    "I hate this, acme lies to us. Worst company ever, an absolute scandal",
    "Disgusting. acme charged my card twice and the app is broken, horrible",
)


def write_posts(file: Path, *, seed: int = 5, until: datetime = NOW - timedelta(hours=4)) -> int:
    """A calm day and a quarter, then an hour of outrage, then calm again; how many posts."""
    dice, rows, at = random.Random(seed), [], BEGIN
    while at < until:
        hot = STORM <= at < STORM + timedelta(minutes=40)
        at += timedelta(minutes=dice.expovariate(6 if hot else 1 / 6))
        text = dice.choice(ANGRY if hot and dice.random() < 0.9 else CALM)
        number = len(rows)
        rows.append(
            {
                "id": f"p{number}",
                "text": f"{text} ({dice.randrange(10**6)})",
                "author": f"author-{dice.randrange(10**6)}",
                "created_at": at.isoformat(),
                "language": "en",
            }
        )
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return len(rows)


@asynccontextmanager
async def recording(folder: Path) -> AsyncIterator[Installation]:
    async with acme(folder, COARSE, clock=FixedClock(NOW), more=SOURCE) as here:
        yield here


async def found(here: Installation) -> list[Incident]:
    async with here.store.reading() as tx:
        return await tx.incidents.list()


Judged = tuple[str, datetime, datetime, str, str, str]


async def judged(here: Installation) -> list[Judged]:
    return [(i.id, i.started_at, i.opened_at, i.severity, i.assessment.type, i.title) for i in await found(here)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[Judged]:
    """What a listener finds that is never stopped."""

    async def listened(folder: Path) -> list[Judged]:
        async with recording(folder) as here:
            write_posts(folder / "posts.jsonl")
            await listen(here, "acme", "recording")
            return await judged(here)

    return asyncio.run(listened(tmp_path_factory.mktemp("undisturbed")))


async def test_one_surge_is_one_incident_from_its_first_post(
    undisturbed: list[Judged],
) -> None:
    [(name, started, opened, *_)] = undisturbed
    assert name == "INC-1"
    assert STORM <= started < opened <= STORM + timedelta(minutes=15)


class Stopped(Exception):
    """The process ends here."""


async def listen_in_pieces(here: Installation, monkeypatch: pytest.MonkeyPatch, stops: list[int]) -> None:
    """Store after every post, and stop dead before the stores of these numbers."""
    monkeypatch.setattr(detect, "BATCH_SECONDS", 0.0)
    original, count, left = detect._Listener._store, 0, sorted(stops)

    async def store(listener: detect._Listener) -> None:
        nonlocal count
        count += 1
        if left and count >= left[0]:
            left.pop(0)
            raise Stopped
        await original(listener)

    monkeypatch.setattr(detect._Listener, "_store", store)
    while True:
        try:
            await listen(here, "acme", "recording")
        except Stopped:
            continue
        assert not left
        return


@pytest.mark.slow
async def test_stopped_anywhere_it_finds_the_same_incidents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: list[Judged]
) -> None:
    async with recording(tmp_path) as here:
        posts = write_posts(tmp_path / "posts.jsonl")
        dice = random.Random(7)
        await listen_in_pieces(here, monkeypatch, [dice.randrange(1, posts) for _ in range(12)])
        assert await judged(here) == undisturbed


async def test_stopped_at_the_very_moment_of_the_alert_it_judges_it_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: list[Judged]
) -> None:
    async with recording(tmp_path) as here:
        write_posts(tmp_path / "posts.jsonl")
        original, raised = detect.open_detected, 0

        async def dies_first(*given: object, **named: object) -> object:
            nonlocal raised
            raised += 1
            if raised == 1:
                raise Stopped
            return await original(*given, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(detect, "open_detected", dies_first)
        with pytest.raises(Stopped):
            await listen(here, "acme", "recording")
        await listen(here, "acme", "recording")
        assert await judged(here) == undisturbed


async def test_an_episode_that_was_dismissed_opens_no_second_incident(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recording(tmp_path) as here:
        write_posts(tmp_path / "posts.jsonl")
        alert = detect.alert

        async def alert_and_dismiss(here: Installation, incident: Incident) -> object:
            started = await alert(here, incident)
            await dismiss(here, incident.id, actor=IDA, reason="a drill of ours")
            return started

        monkeypatch.setattr(detect, "alert", alert_and_dismiss)
        await listen(here, "acme", "recording")
        [incident] = await found(here)
        assert incident.state is IncidentState.DISMISSED


async def test_a_source_that_has_ended_is_not_listened_to_again(tmp_path: Path) -> None:
    async with recording(tmp_path) as here:
        write_posts(tmp_path / "posts.jsonl")
        await listen(here, "acme", "recording")
        async with here.store.reading() as tx:
            progress = await tx.watches.progress("acme/recording")
        assert has_ended(progress, [s for s in here.settings.sources if s.name == "recording"])


async def test_posts_from_the_webhook_are_taken_once_and_resumed(tmp_path: Path) -> None:
    async with acme(tmp_path, clock=FixedClock(NOW)) as here:

        async def take(*numbers: int) -> None:
            posts = [
                Mention(id=f"w{n}", text=f"acme is slow today {n}", author=f"a{n}", created_at=NOW) for n in numbers
            ]
            async with here.store.transaction() as tx:
                await tx.inbox.add(posts)

        async def listened() -> list[str]:
            listening = asyncio.create_task(listen(here, "acme", "webhook"))
            await asyncio.sleep(2.5)
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            async with here.store.reading() as tx:
                progress = await tx.watches.progress("acme/webhook")
                assert progress is not None
                cursor = json.loads(progress[0])["webhook:webhook"]
                assert await tx.inbox.after(int(cursor), 10) == [], "every post was taken"
            return [m["id"] for m in json.loads(progress[1])["recent"]]

        await take(1, 2, 3)
        assert await listened() == ["w1", "w2", "w3"]
        await take(3, 4)
        assert await listened() == ["w1", "w2", "w3", "w4"]
