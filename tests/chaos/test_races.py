"""Two processes do the same at the same moment; and a withdrawal meets a text that is still going out."""

from pathlib import Path

import pytest
from acts import Act, Processes
from story import KINDS, Receivers, Story, end_of, wrong

from crisis.delivery import DeliveryState, Purpose
from records import StatementStatus

pytestmark = pytest.mark.slow


def together(processes: Processes, home: Path, *acts: Act) -> list[int]:
    """Run the acts in processes that start on one signal; their exit statuses."""
    meet = processes.barrier(len(acts))
    running = [processes.start(act, home, meet=meet) for act in acts]
    for process in running:
        process.join(60)
    return [process.exitcode for process in running]


@pytest.mark.parametrize("acts", [("publish", "publish"), ("publish", "recover", "publish", "recover")], ids="+".join)
def test_publishing_the_same_statement_at_the_same_time_says_it_once(
    acts: tuple[str, ...], receivers: Receivers, processes: Processes, tmp_path: Path
) -> None:
    story = Story(tmp_path / "home", receivers, KINDS)
    for _ in range(3):
        home = story.copy()
        assert together(processes, home, *(story.act(act) for act in acts)) == [0] * len(acts)
        assert wrong(story, end_of(home)) == []


def test_a_withdrawal_that_races_the_publishing_leaves_nothing_standing(
    receivers: Receivers, processes: Processes, tmp_path: Path
) -> None:
    kinds = tuple(kind for kind in KINDS if kind != "smtp")  # a mail that is out stays out
    story = Story(tmp_path / "home", receivers, kinds)
    met = 0
    for _ in range(6):
        home = story.copy()
        together(processes, home, story.act("publish unless withdrawn"), story.act("withdraw"))
        processes.run(story.act("recover"), home)
        end = end_of(home)
        if end.status is not StatementStatus.WITHDRAWN:
            continue  # the withdrawal came first and found nothing to withdraw
        met += 1
        assert {kind: receivers.still_there(kind, home) for kind in kinds} == dict.fromkeys(kinds, 0)
        assert all(d.state in (DeliveryState.ACCEPTED, DeliveryState.REFUSED) for d in end.deliveries)
        taken_back = {d.withdraws for d in end.deliveries if d.purpose is Purpose.WITHDRAWAL}
        assert taken_back == {
            d.id for d in end.deliveries if d.purpose is Purpose.STATEMENT and d.state is DeliveryState.ACCEPTED
        }
    assert met
