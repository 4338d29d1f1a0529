"""A process is killed at every boundary while a fact changes that something published relied on: the statement is marked, and
one correction is drafted for every channel that carries it, once. Some dozens of processes are killed, in a minute or more.
"""

import asyncio
from pathlib import Path

import pytest
from acts import Processes
from story import End, Receivers, Story
from test_kill_boundaries import kill_everywhere

import config
from crisis.fact import FactStatus
from crisis.statement import Statement
from crisis.values import StatementKind
from records import StatementStatus
from tasks.installation import installation

pytestmark = pytest.mark.slow
CHANNELS = ("mastodon", "sandbox")


async def _stands(home: Path) -> tuple[FactStatus, list[tuple[Statement, StatementStatus]], int]:
    """The fact, the corrections with where they stand, and how often the statement was marked."""
    async with installation(config.load(home / "fireline.toml")) as here, here.store.reading() as tx:
        found = [s for s in await tx.statements.list("INC-1") if s.kind is StatementKind.CORRECTION]
        corrections = [(s, await tx.statements.status(s.id, s.version)) for s in found]
        marks = await tx.ledger.list(kind="statement.in_doubt", incident="INC-1")
        return (await tx.facts.get("INC-1-F1")).status, corrections, len(marks)


def test_a_fact_that_changes_is_corrected_once_wherever_the_process_is_killed(
    receivers: Receivers, processes: Processes, tmp_path: Path
) -> None:
    story = Story(tmp_path / "home", receivers, CHANNELS)
    home = story.copy()
    assert processes.run(story.act("state a fact"), home) == 0
    story.begin_with(home)

    def judge(end: End) -> list[str]:
        fact, corrections, marks = asyncio.run(_stands(end.home))
        told = sum(n for subject, n in end.told.items() if "A correction is wanted" in subject)
        if (
            fact is FactStatus.CONFIRMED
        ):  # killed before the change was on record: nothing is wrong, and nobody was alarmed
            return [] if not corrections and not marks and not told else ["a correction of nothing"]
        says = [end.ledger] if end.ledger else []
        if marks != 1 or told != 1:
            says.append(f"marked {marks} times, the lead was told {told} times")
        if [(s.version, status) for s, status in corrections] != [(1, StatementStatus.DRAFT)]:
            return [*says, f"corrections: {[(s.label, status.value) for s, status in corrections]}"]
        targets = {r.target.channel for r in corrections[0][0].renderings}
        return says if targets == set(CHANNELS) else [*says, f"it goes to {targets}"]

    refute, sweep = story.act("refute it"), story.act("sweep responses")
    for then in (refute, sweep):
        count, found = kill_everywhere(processes, story.copy, refute, (then,), judge)
        assert not found, "\n".join(found)
        assert count >= 8
