"""A post is taken, and its answer is lost: reset, silence, or an error after the fact. It stays one post.

Where the platform can be asked, the delivery ends reconciled; a mail ends in front of a human.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from acts import Processes
from counting_http import Fault
from proxy import Proxy
from story import Receivers, Story, end_of, wrong

from crisis.delivery import DeliveryState

pytestmark = pytest.mark.slow
WRITES = {
    "mastodon": b"POST /api/v1/statuses",
    "bluesky": b"com.atproto.repo.putRecord",
    "statuspage": b"POST /v1/pages/p1/incidents",
    "slack": b"POST /api/chat.postMessage",
    "smtp": b"\r\n.\r\n",
}
"""What is under way when the answer gets lost."""
TROUBLES = ("reset", "silence", "error 500")


@contextmanager
def losing(kind: str, trouble: str, receivers: Receivers) -> Iterator[tuple[str, list[Proxy]]]:
    """The address under which the next write to ``kind`` is taken, and its answer lost; and the proxy, if there is one."""
    receiver = getattr(receivers, kind)
    if trouble == "error 500":
        receiver.faults.append(Fault(500, done=True))
        yield receiver.url, []
        return
    with ExitStack() as stack:
        proxy = stack.enter_context(Proxy("127.0.0.1", receiver.port, after=WRITES[kind]))
        proxy.silent = trouble == "silence"
        proxy.lose(1)
        yield receiver.url.replace(str(receiver.port), str(proxy.port)), [proxy]


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("kind", ["mastodon", "bluesky", "statuspage"])
def test_a_post_whose_answer_is_lost_is_found_and_not_sent_again(
    kind: str, trouble: str, receivers: Receivers, processes: Processes, tmp_path: Path
) -> None:
    with losing(kind, trouble, receivers) as (address, proxies):
        story = Story(tmp_path / "home", receivers, (kind,), addresses={kind: address})
        assert processes.run(story.act("publish"), tmp_path / "home") == 0
        assert [p.lost for p in proxies] == [1] * len(proxies)
    end = end_of(tmp_path / "home")
    assert wrong(story, end) == []
    assert [d.state for d in end.deliveries if d.statement] == [DeliveryState.RECONCILED]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_notice_whose_answer_is_lost_is_found_and_not_sent_again(
    trouble: str, receivers: Receivers, processes: Processes, tmp_path: Path
) -> None:
    with losing("slack", trouble, receivers) as (address, proxies):
        addresses = {"slack": address}
        story = Story(tmp_path / "home", receivers, (), addresses=addresses, lead_route="war-room:C0000001")
        assert processes.run(story.act("tell"), tmp_path / "home") == 0
        assert [p.lost for p in proxies] == [1] * len(proxies)
    assert len(receivers.slack.created) == 1
    assert [d.state for d in end_of(tmp_path / "home").deliveries] == [DeliveryState.RECONCILED]


@pytest.mark.parametrize("trouble", ["reset", "silence"])
def test_a_mail_whose_answer_is_lost_goes_out_once_and_a_human_is_asked(
    trouble: str, receivers: Receivers, processes: Processes, tmp_path: Path
) -> None:
    with losing("smtp", trouble, receivers) as (address, proxies):
        story = Story(tmp_path / "home", receivers, ("smtp",), addresses={"smtp": address})
        for act in ("publish", "recover", "publish"):
            assert processes.run(story.act(act), tmp_path / "home") == 0
        assert [p.lost for p in proxies] == [1]
    end = end_of(tmp_path / "home")
    assert len(receivers.smtp.mails) == 1
    assert wrong(story, end, human_may_be_asked=("smtp",)) == []
    assert [d.needs_human for d in end.deliveries if d.statement] == [True]
