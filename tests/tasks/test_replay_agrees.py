"""``fireline replay`` shows what the live service does with the same posts: same incidents, same judgement, same changes."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from acme import acme
from test_detect import COARSE, NOW, SOURCE, write_posts
from test_detect_matters import STORM
from test_detect_matters import write_posts as write_two_matters

from crisis.clock import FixedClock
from crisis.replay import Replay
from crisis.triage import Assessment
from crisis.values import CrisisType, Severity
from integrations.recorded import read_posts
from tasks.detect import listen
from tasks.installation import Installation

Held = tuple[str, float, str, str, str, str, float, tuple[tuple[str, float], ...]]


def held(history: list[Assessment]) -> list[Held]:
    return [
        (
            a.assessed_at.isoformat(), a.score, a.severity, a.type, a.cluster, a.strategy, a.confidence,
            tuple((f.name, f.points) for f in a.factors),
        )
        for a in history
        if not a.retold
    ]  # fmt: skip


async def listened(here: Installation) -> list[tuple[object, ...]]:
    await listen(here, "acme", "recording")
    async with here.store.reading() as tx:
        return [
            (i.title, i.started_at, i.opened_at, i.state, i.narrative, held(await tx.incidents.assessments(i.id)))
            for i in await tx.incidents.list()
        ]


def replayed(here: Installation, file: Path) -> list[tuple[object, ...]]:
    watch = here.settings.watch("acme")
    tick = timedelta(seconds=here.settings.tick_seconds)
    run = Replay(watch, playbooks=here.playbooks, newsrooms=here.newsrooms, tick=tick)
    posts = read_posts(file).posts
    for _ in run.run([post for post in posts if "acme" in post.text.lower()], posts[0].created_at):
        pass
    told = [(episode.incident, episode.history) for episode in run.episodes]
    return [(i.title, i.started_at, i.opened_at, i.state, i.narrative, held(history)) for i, history in told]


def asks_first(here: Installation, kind: CrisisType) -> None:
    """So that no statement waits for approval, which would hold the severity."""
    here.playbooks[kind] = here.playbooks[kind].model_copy(update={"confirm_up_to": Severity.SEV1})


async def test_one_storm_rises_and_falls_alike(tmp_path: Path) -> None:
    async with acme(tmp_path, COARSE, clock=FixedClock(NOW + timedelta(hours=6)), more=SOURCE) as here:
        asks_first(here, CrisisType.NEGATIVE_FEEDBACK)
        write_posts(tmp_path / "posts.jsonl", until=NOW + timedelta(hours=5))
        live = await listened(here)
        assert replayed(here, tmp_path / "posts.jsonl") == live
        [(*_, history)] = live
        severities = [severity for _, _, severity, *_ in history]
        assert any(later > sooner for sooner, later in pairwise(severities)), "this storm rises, or nothing is compared"
        assert any(later < sooner for sooner, later in pairwise(severities)), "and falls"


@pytest.mark.slow
async def test_two_matters_and_a_candidate_come_out_alike(tmp_path: Path) -> None:
    async with acme(tmp_path, COARSE, clock=FixedClock(STORM + timedelta(hours=6)), more=SOURCE) as here:
        asks_first(here, CrisisType.SERVICE_FAILURE)
        write_two_matters(tmp_path / "posts.jsonl")
        live = await listened(here)
        assert len(live) == 2
        assert replayed(here, tmp_path / "posts.jsonl") == live
