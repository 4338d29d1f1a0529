"""ntfy: a message is certainly absent only where what the server keeps reaches back to before it was planned."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from chat_receivers import TOKEN, NtfyReceiver

import integrations
from integrations import Unknown
from integrations.thread import planned

HOUR = 3600


@pytest.fixture
def ntfy() -> Iterator[NtfyReceiver]:
    with NtfyReceiver() as receiver:
        receiver.keeps_nothing = True
        yield receiver


def kept(ago: int, span: int | None = None) -> dict:
    at = int(time.time()) - ago
    until = {} if span is None else {"expires": at + span}
    return {"id": "m1", "time": at, "event": "message", "message": "other", "tags": ["wave"], **until}


async def looked_up(receiver: NtfyReceiver, render, ago: int | None):
    channel = integrations.connect("ntfy", base_url=receiver.url, access_token=TOKEN)
    asked = render("We know.", kind="ntfy", address="acme-status")
    try:
        if ago is None:
            return await channel.find("k", asked)
        with planned(datetime.now(UTC) - timedelta(seconds=ago)):
            return await channel.find("k", asked)
    finally:
        await channel.close()


@pytest.mark.parametrize(
    ("there", "ago"),
    [
        ([kept(60)], None),
        ([], 60),
        ([kept(60)], HOUR),
        ([kept(60, 12 * HOUR)], 13 * HOUR),
        ([kept(60, 12 * HOUR), kept(60, HOUR)], 2 * HOUR),
        ([kept(60) | {"time": "long ago", "expires": 1e300}], HOUR),
    ],
    ids=["nobody says when", "keeps none", "only newer", "kept too short", "one kept too short", "nonsense"],
)
async def test_what_the_server_may_have_forgotten_is_unknown(ntfy, render, there, ago):
    ntfy.extra = there
    with pytest.raises(Unknown, match="look at a phone"):
        await looked_up(ntfy, render, ago)


@pytest.mark.parametrize(
    ("there", "ago"),
    [([kept(2 * HOUR), kept(60)], HOUR), ([kept(60, 12 * HOUR)], HOUR)],
    ids=["an older one is kept", "kept for longer"],
)
async def test_what_the_server_would_still_keep_and_does_not_have_is_absent(ntfy, render, there, ago):
    ntfy.extra = there
    assert await looked_up(ntfy, render, ago) is None
