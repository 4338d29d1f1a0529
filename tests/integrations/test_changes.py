"""Changing and taking back what is out, on every kind: it works, or the answer says what to do instead."""

from collections.abc import Iterator
from typing import Any

import pytest
from kinds_served import ADDRESSES, KINDS, media_of, settings_of

import integrations
from integrations import Refused

UNCHANGING = {"bluesky", "x", "threads", "ntfy", "instagram"}
"""Platforms without edits by API."""
UNCALLABLE = {"ntfy"}
"""What is out stays out."""


@pytest.fixture(
    scope="module", params=sorted(kind for kind in KINDS if hasattr(integrations.integration(kind), "publish"))
)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Any]]:
    with KINDS[request.param][0]() as receiver:
        yield request.param, receiver


@pytest.fixture
def out(served: tuple[str, Any], render) -> tuple[str, Any, Any]:
    kind, receiver = served
    receiver.reset()

    def made(text: str) -> Any:
        return render(text, kind=kind, subject="Outage", address=ADDRESSES.get(kind, ""), media=media_of(kind))

    return kind, integrations.connect(kind, base_url=receiver.url, timeout=5, **settings_of(kind, receiver)), made


async def test_a_change_is_there_or_is_refused_with_what_to_do_instead(out):
    kind, channel, made = out
    receipt = await channel.publish(made("We know. (a) [b]"), "k")
    if kind in UNCHANGING:
        with pytest.raises(Refused, match="correction"):
            await channel.amend(receipt, made("We know more."))
        return
    changed = await channel.amend(receipt, made("We know more. #now (a) [b]"))
    assert changed.id == receipt.id
    found = await channel.find("k", made("We know more. #now (a) [b]"))
    assert found is not None
    assert found.id == receipt.id


async def test_what_is_taken_back_is_gone_and_taking_back_twice_is_no_error(out):
    kind, channel, made = out
    receipt = await channel.publish(made("We know."), "k")
    if kind in UNCALLABLE:
        with pytest.raises(Refused, match="correction"):
            await channel.withdraw(receipt)
        return
    await channel.withdraw(receipt)
    await channel.withdraw(receipt)
    assert await channel.find("k", made("We know.")) is None
    if kind == "discord":  # whether its nonces outlive their messages is not documented
        return
    again = await channel.publish(made("We know."), "k")
    assert again.id != receipt.id or kind == "bluesky"
    assert await channel.find("k", made("We know.")) is not None


async def test_a_correction_answers_the_very_post(out):
    _, channel, made = out
    first = await channel.publish(made("We were wrong."), "k")
    answer = made("This is right.").model_copy(update={"reply_to": first.id, "media": ()})
    second = await channel.publish(answer, "k2")
    assert second.id != first.id
    found = await channel.find("k2", answer)
    assert found is not None
    assert found.id == second.id
