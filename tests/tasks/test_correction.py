"""A correction says what was wrong: by the facts as they changed, or in a person's own words."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acme import ANA, IDA, NOON, acme, fact_in, incident_in, proposed_in

from crisis.approval import Verdict, Via
from crisis.clock import FixedClock
from crisis.fact import Fact, FactStatus
from crisis.statement import Statement
from crisis.values import StatementKind
from tasks.approve import decide, propose
from tasks.draft import draft, save_fact
from tasks.installation import Installation
from tasks.outlets import NothingToCorrect
from tasks.withdraw import withdraw


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Installation]:
    async with acme(tmp_path, clock=FixedClock(NOON)) as opened:
        yield opened


async def said(here: Installation) -> tuple[Statement, Fact]:
    """A published statement that relied on one confirmed fact."""
    incident = await incident_in(here)
    fact = await fact_in(here, incident)
    text = await proposed_in(here, incident)
    await decide(
        here,
        statement=text.id,
        version=text.version,
        content_hash=text.content_hash,
        approver=ANA,
        role="comms",
        verdict=Verdict.APPROVE,
        via=Via.DESK,
    )
    return text, fact


async def correction(here: Installation, wrong: Statement, text: str = "") -> Statement:
    author = ANA if text else "template"
    return await draft(here, wrong.incident, StatementKind.CORRECTION, author=author, text=text, corrects=wrong.id)


async def test_it_quotes_what_was_not_right_and_says_what_is(here: Installation) -> None:
    wrong, fact = await said(here)
    await save_fact(here, fact.model_copy(update={"text": "Card payments fail in two regions only"}), actor=IDA)
    made = await correction(here, wrong)
    assert f"This was not right: “{fact.text}”. This is right: Card payments fail in two regions only." in made.body
    await propose(here, made, by=made.author)  # lint lets it pass


async def test_a_refuted_fact_is_quoted_as_not_right_and_never_as_true(here: Installation) -> None:
    wrong, fact = await said(here)
    await save_fact(here, fact.model_copy(update={"status": FactStatus.REFUTED}), actor=IDA)
    made = await correction(here, wrong)
    assert made.body.count(fact.text) == 1
    assert f"This was not right: “{fact.text}”." in made.body
    await propose(here, made, by=made.author)


async def test_what_is_open_again_is_said_to_be_open(here: Installation) -> None:
    wrong, fact = await said(here)
    await save_fact(here, fact.model_copy(update={"status": FactStatus.UNCONFIRMED}), actor=IDA)
    made = await correction(here, wrong)
    assert f"We cannot confirm this any more: “{fact.text}”." in made.body
    await propose(here, made, by=made.author)


async def test_a_template_that_could_not_say_what_was_wrong_says_nothing(here: Installation) -> None:
    wrong, _ = await said(here)
    with pytest.raises(NothingToCorrect, match="nothing on record says what was wrong") as refused:
        await correction(here, wrong)
    assert "--text FILE" in str(refused.value)
    own = await correction(here, wrong, "We were wrong\n\nWe said that the app works. It does not. We are sorry.")
    assert own.corrects == wrong.id


async def test_what_follows_on_a_status_page_joins_its_incident_and_elsewhere_begins_anew(here: Installation) -> None:
    wrong, _ = await said(here)
    follows = await draft(here, wrong.incident, StatementKind.UPDATE)
    joined = {r.target.channel: r.reply_to for r in follows.renderings}
    async with here.store.reading() as tx:
        deliveries = await tx.outbox.list(statement=wrong.id)
    opened = {d.rendering.target.channel: d.receipt.id for d in deliveries if d.receipt}
    assert joined == {**dict.fromkeys(joined, ""), "status-page": opened["status-page"]}
    await withdraw(here, wrong.id, wrong.version, actor=IDA, reason="it is wrong")
    anew = await draft(here, wrong.incident, StatementKind.SUBSTANTIVE)
    assert not any(r.reply_to for r in anew.renderings)
