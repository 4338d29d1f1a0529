"""Promise 1 of DESIGN §11: SIGKILL at every step boundary, for every delivery class, and nothing is said twice or lost.

The acting process is killed just before and just after every commit and every outgoing call; then a fresh one does the
same again, or sweeps up. The receivers count. Some 300 processes are killed, in a minute or two.
"""

import asyncio
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from acts import Act, Processes, boundaries
from story import KINDS, End, Receivers, Story, end_of, wrong

from crisis.delivery import DeliveryState, Purpose
from records import StatementStatus

pytestmark = pytest.mark.slow
KILLED = -9
CLASSES = [*[(kind,) for kind in KINDS], KINDS]


def kill_everywhere(
    processes: Processes,
    stage: Callable[[], Path],
    act: Act,
    then: tuple[Act, ...],
    judge: Callable[[End], list[str]],
) -> tuple[int, list[str]]:
    """Kill ``act`` at each boundary and let the acts of ``then`` take over in turn; boundaries, and what went wrong."""
    home = stage()
    assert processes.run(act, home) == 0
    count, found = len(boundaries(home)), judge(end_of(home))
    for number in range(1, count + 1):
        home, after = stage(), then[number % len(then)]
        status = processes.run(act, home, die_at=number)
        where = f"{act.name} killed at {number} of {count} ({boundaries(home)[-1]}), then {after.name}"
        if (status, processes.run(after, home)) != (KILLED, 0):
            found.append(f"{where}: it ended with {status}, or what came after it failed")
            continue
        found += [f"{where}: {says}" for says in judge(end_of(home))]
    return count, found


@pytest.mark.parametrize("kinds", CLASSES, ids="+".join)
def test_a_publisher_killed_at_any_boundary_says_it_once_or_a_human_knows(
    kinds: tuple[str, ...], receivers: Receivers, processes: Processes, tmp_path: Path
) -> None:
    story = Story(tmp_path / "home", receivers, kinds)
    publish, recover = story.act("publish"), story.act("recover")

    def judge(end: End) -> list[str]:
        return wrong(story, end, human_may_be_asked=("smtp",))

    count, found = kill_everywhere(processes, story.copy, publish, (publish, recover), judge)
    assert not found, "\n".join(found)
    assert count >= 16 + 2 * len(kinds)


def test_a_notice_killed_at_any_boundary_is_told_once(
    receivers: Receivers, processes: Processes, tmp_path: Path
) -> None:
    story = Story(tmp_path / "home", receivers, (), lead_route="war-room:C0000001")
    tell, recover = story.act("tell"), story.act("recover")

    def judge(end: End) -> list[str]:
        told, states = len(receivers.slack.created), [d.state for d in end.deliveries]
        if not states and told == 0 and not tells_again:
            return []  # killed before anything was on record: whoever called ``tell`` calls it again
        arrived = states in ([DeliveryState.ACCEPTED], [DeliveryState.RECONCILED])
        return [] if told == 1 and arrived else [f"told {told} times, {states}"]

    for tells_again in (False, True):
        count, found = kill_everywhere(processes, story.copy, tell, (tell if tells_again else recover,), judge)
        assert not found, "\n".join(found)
        assert count >= 10


@pytest.mark.parametrize(("kind", "honours_keys"), [("mastodon", True), ("mastodon", False), ("bluesky", True)])
def test_a_thread_half_out_when_its_publisher_is_killed_is_finished_not_begun_again(
    kind: str, honours_keys: bool, receivers: Receivers, processes: Processes, tmp_path: Path
) -> None:
    story = Story(tmp_path / "home", receivers, (kind,), parts=4)
    publish, recover = story.act("publish"), story.act("recover")

    def judge(end: End) -> list[str]:
        says = wrong(story, end)
        answers = _thread(receivers, kind)
        return says if answers == 3 else [*says, f"{answers} of 3 parts answer the one before"]

    receivers.mastodon.idempotent = honours_keys
    try:
        count, found = kill_everywhere(processes, story.copy, publish, (publish, recover), judge)
    finally:
        receivers.mastodon.idempotent = True
    assert not found, "\n".join(found)
    assert count >= 24


def _thread(receivers: Receivers, kind: str) -> int:
    """How many posts answer the one before."""
    if kind == "mastodon":
        ids = list(receivers.mastodon.statuses)
        return sum(receivers.mastodon.statuses[b]["in_reply_to_id"] == a for a, b in pairwise(ids))
    posts = list(receivers.bluesky.records.values())
    return sum(b["value"].get("reply", {}).get("parent", {}).get("uri") == a["uri"] for a, b in pairwise(posts))


def test_a_withdrawal_killed_at_any_boundary_leaves_no_target_behind(
    receivers: Receivers, processes: Processes, tmp_path: Path
) -> None:
    story = Story(tmp_path / "home", receivers, KINDS)
    withdraw, recover = story.act("withdraw"), story.act("recover")

    home = story.copy()
    assert processes.run(story.act("publish"), home) == 0
    story.begin_with(home)

    def judge(end: End) -> list[str]:
        there = {kind: receivers.still_there(kind, end.home) for kind in KINDS}
        if end.status is StatementStatus.PUBLISHED:  # killed before the withdrawal was on record
            return [] if set(there.values()) == {1} else [f"not withdrawn, but {there}"]
        says = [] if there == dict.fromkeys(KINDS, 0) | {"smtp": 1} else [f"still there: {there}"]
        for d in end.deliveries:
            if d.purpose is Purpose.WITHDRAWAL:
                mail = d.rendering.target.kind == "smtp"
                if d.state is not (DeliveryState.REFUSED if mail else DeliveryState.ACCEPTED):
                    says.append(f"the withdrawal from {d.rendering.target.kind} is {d.state}: {d.problem}")
        if not any("smtp" in subject and n == 1 for subject, n in end.told.items()):
            says.append(f"nobody was told that the mail stays: {dict(end.told)}")
        return says

    count, found = kill_everywhere(processes, story.copy, withdraw, (withdraw, recover), judge)
    assert not found, "\n".join(found)
    assert count >= 2 * (1 + 2 * len(KINDS) + 4)


def test_a_correction_killed_at_any_boundary_reaches_every_target_that_carried_the_error_once(
    receivers: Receivers, processes: Processes, tmp_path: Path
) -> None:
    story = Story(tmp_path / "home", receivers, KINDS)
    correct, recover = story.act("publish", "INC-1-S2"), story.act("recover")

    home = story.copy()
    assert processes.run(story.act("publish"), home) == 0
    asyncio.run(story.approve_correction(home))
    story.begin_with(home)

    def judge(end: End) -> list[str]:
        says = wrong(story, end, "INC-1-S2", human_may_be_asked=("smtp",))
        for kind in ("mastodon", "bluesky"):
            if _thread(receivers, kind) != 1:
                says.append(f"on {kind} the correction does not answer the error")
        if len(receivers.statuspage.incidents) != 1:
            says.append("the correction opened another incident on the status page")
        return says

    count, found = kill_everywhere(processes, story.copy, correct, (correct, recover), judge)
    assert not found, "\n".join(found)
    assert count >= 16 + 2 * len(KINDS)


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
