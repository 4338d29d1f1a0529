"""Promise 1 of DESIGN §11: SIGKILL at every step boundary, for every delivery class, and nothing is said twice or lost.

The publishing process is killed just before and just after every commit and every outgoing call; then a fresh one
publishes again or sweeps up. The receivers count.
"""

import random
from pathlib import Path

import pytest
from acts import Processes, boundaries
from story import KINDS, Receivers, Story, end_of, wrong

pytestmark = pytest.mark.slow
KILLED = -9
CLASSES = [*[(kind,) for kind in KINDS], KINDS]


def kill_everywhere(
    story: Story,
    processes: Processes,
    act: str,
    then: tuple[str, ...],
    *,
    ask: tuple[str, ...] = (),
) -> tuple[int, list[str]]:
    """Kill ``act`` at each boundary and let the acts of ``then`` take over in turn; boundaries, and what went wrong."""
    home = story.copy()
    assert processes.run(story.act(act), home) == 0
    count, found = len(boundaries(home)), wrong(story, end_of(home))
    for number in range(1, count + 1):
        home = story.copy()
        status = processes.run(story.act(act), home, die_at=number)
        where = f"killed at {number} of {count} ({boundaries(home)[-1]})"
        if status != KILLED:
            found.append(f"{where}: it ended with {status} instead")
            continue
        after = then[number % len(then)]
        if processes.run(story.act(after), home) != 0:
            found.append(f"{where}: {after} failed")
        found += [f"{where}, then {after}: {says}" for says in wrong(story, end_of(home), human_may_be_asked=ask)]
    return count, found


@pytest.mark.parametrize("kinds", CLASSES, ids="+".join)
def test_a_publisher_killed_at_any_boundary_says_it_once_or_a_human_knows(
    kinds: tuple[str, ...], receivers: Receivers, processes: Processes, tmp_path: Path
) -> None:
    story = Story(tmp_path / "home", receivers, kinds)
    count, found = kill_everywhere(story, processes, "publish", ("publish", "recover"), ask=("smtp",))
    assert not found, "\n".join(found)
    assert count >= 12


@pytest.mark.parametrize("seed", range(4))
def test_publishers_killed_one_after_the_other_still_say_it_once(
    seed: int, receivers: Receivers, processes: Processes, tmp_path: Path
) -> None:
    story = Story(tmp_path / "home", receivers, KINDS)
    home, dice = story.copy(), random.Random(seed)
    for _ in range(8):
        processes.run(story.act(dice.choice(("publish", "recover"))), home, die_at=dice.randint(1, 25))
    assert processes.run(story.act("recover"), home) == 0
    found = wrong(story, end_of(home), human_may_be_asked=("smtp",))
    assert not found, "\n".join(found)
