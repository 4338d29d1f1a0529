"""Receivers and processes for the chaos suite."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from acts import Processes
from receivers import BlueskyReceiver, MastodonReceiver, SlackReceiver, SmtpReceiver, StatuspageReceiver
from story import SECRETS, Receivers


@pytest.fixture(scope="session")
def _running() -> Iterator[Receivers]:
    with ExitStack() as stack:
        yield Receivers(
            mastodon=stack.enter_context(MastodonReceiver()),
            bluesky=stack.enter_context(BlueskyReceiver()),
            statuspage=stack.enter_context(StatuspageReceiver()),
            smtp=stack.enter_context(SmtpReceiver()),
            slack=stack.enter_context(SlackReceiver()),
        )


@pytest.fixture
def receivers(_running: Receivers) -> Receivers:
    """One counting receiver for each delivery class, with nothing in memory."""
    _running.reset()
    return _running


@pytest.fixture(scope="session")
def processes() -> Processes:
    """Starts the acts of ``acts.py`` in processes of their own."""
    return Processes(SECRETS)
