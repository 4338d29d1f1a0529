"""Whoever reads another language is spoken to in it, or told, in it, that the text is in English; never silently English."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acme import ANA, IDA, NOON, acme, fact_in, incident_in, sandbox

from crisis.approval import NotAllowed, Verdict, Via
from crisis.clock import FixedClock
from crisis.fact import FactStatus
from crisis.internal import InternalKind
from crisis.statement import Statement, hash_of
from crisis.values import StatementKind
from records import StatementStatus
from tasks.approve import decide, propose
from tasks.corrections import open_corrections
from tasks.draft import draft, save_fact
from tasks.first_word import alert
from tasks.installation import Installation
from tasks.internal import write_internal
from tasks.linting import check_statement

GERMAN = (
    'name = "newsroom-bluesky"\nkind = "sandbox"',
    'name = "newsroom-bluesky"\nlanguage = "de"\nkind = "sandbox"',
)


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installation]:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    async with acme(tmp_path, GERMAN, clock=FixedClock(NOON)) as opened:
        yield opened


def channels(statement: Statement) -> set[str]:
    return {r.target.channel for r in statement.renderings}


async def approve(here: Installation, text: Statement, role: str = "comms") -> None:
    await decide(
        here,
        statement=text.id,
        version=text.version,
        content_hash=text.content_hash,
        approver=ANA,
        role=role,
        verdict=Verdict.APPROVE,
        via=Via.DESK,
    )


async def test_each_language_of_the_channels_gets_a_holding_statement_of_its_own(here: Installation) -> None:
    incident = await incident_in(here)
    await alert(here, incident)
    await alert(here, incident)
    async with here.store.reading() as tx:
        english, german = await tx.statements.list(incident.id)
        stands = {await tx.statements.status(s.id, s.version) for s in (english, german)}
    assert (english.language, german.language) == ("en", "de")
    assert channels(german) == {"newsroom-bluesky"}
    assert "newsroom-bluesky" not in channels(english)
    assert stands == {StatementStatus.PROPOSED}
    assert german.renderings[0].language == "de"
    await approve(here, german)
    assert "Wir wissen davon" in next(p for p in sandbox(here) if p.purpose == "statement").rendering.text
    async with here.store.reading() as tx:
        assert await tx.statements.status(english.id, 1) is StatementStatus.PROPOSED, "nobody approved that by the way"


async def test_where_no_template_speaks_the_language_the_text_says_so_in_it(here: Installation) -> None:
    incident = await incident_in(here)
    text = await draft(here, incident.id, StatementKind.SUBSTANTIVE, language="de")
    assert (text.language, text.wanted_language, text.readers_language) == ("en", "de", "de")
    assert text.body.startswith("Diese Mitteilung gibt es vorerst nur auf Englisch.\n\n")
    assert hash_of(text) == text.content_hash
    english = await draft(here, incident.id, StatementKind.SUBSTANTIVE)
    assert english.id != text.id
    assert english.wanted_language == ""
    assert await draft(here, incident.id, StatementKind.SUBSTANTIVE, language="de") == text, "a repeat finds it"


async def test_a_language_that_no_channel_names_goes_to_those_that_name_none(here: Installation) -> None:
    incident = await incident_in(here)
    text = await draft(here, incident.id, StatementKind.HOLDING, language="fr")
    assert channels(text) == {"newsroom-mastodon", "status-page", "customer-list"}
    assert text.language == "fr"


async def test_templates_speak_in_the_voice_that_is_set_and_lint_holds_people_to_it(tmp_path: Path) -> None:
    voice = (
        ('#speaks_as = "name"', 'speaks_as = "name"'),
        ('#formality = "informal"', 'formality = "informal"'),
        ('#prefer = {customers = "guests"}', 'prefer = {customers = "guests"}\nsign_offs = {de = "Dein Acme-Team"}'),
        ('#avoid = ["unfortunately"]', 'avoid = ["unfortunately"]'),
    )
    async with acme(tmp_path / "voiced", *voice, clock=FixedClock(NOON)) as here:
        incident = await incident_in(here)
        await fact_in(here, incident, "42 customers wait")
        text = await draft(here, incident.id, StatementKind.HOLDING)
        assert "At Acme, we know that" in text.body
        assert "guests of Acme" in text.body
        assert "42 customers wait" in text.body, "a fact stands as it is"
        german = await draft(here, incident.id, StatementKind.RESOLUTION, language="de")
        assert german.body.endswith("Dein Acme-Team")
        assert "Was du erlebt hast" in german.body
        own = await draft(
            here, incident.id, StatementKind.ANSWER, author=IDA, text="Yes\n\nUnfortunately our customers wait."
        )
        assert [f.rule for f in await check_statement(here, own)].count("brand-voice") == 2


async def test_a_correction_speaks_the_language_of_what_it_corrects(here: Installation) -> None:
    incident = await incident_in(here)
    fact = await fact_in(here, incident)
    for language in ("en", "de"):
        text = await draft(here, incident.id, StatementKind.HOLDING, language=language)
        await propose(here, text, by=IDA)
        await approve(here, text)
    await save_fact(here, fact.model_copy(update={"status": FactStatus.REFUTED}), actor=IDA)
    made = await open_corrections(here, incident.id)
    assert {(s.language, len(s.renderings)) for s in made} == {("en", 3), ("de", 1)}
    assert any("Das war nicht richtig" in s.body for s in made)
    assert await open_corrections(here, incident.id) == []


async def test_what_is_for_inside_is_no_statement_and_reaches_no_channel(here: Installation) -> None:
    incident = await incident_in(here)
    await fact_in(here, incident)
    for kind in InternalKind:
        text, missing = await write_internal(here, incident.id, kind, language="de")
        assert "Card payments have failed since 11:20 UTC" in text.body
        assert "German" in missing
    async with here.store.reading() as tx:
        assert await tx.statements.list(incident.id) == []
        assert await tx.outbox.list(incident=incident.id) == []
        written = await tx.ledger.list(kind="internal.written", incident=incident.id)
    assert [r.data["kind"] for r in written] == [k.value for k in InternalKind]
    assert not hasattr(text, "renderings")


async def test_a_proposal_puts_on_record_why_it_says_what_it_says(here: Installation) -> None:
    incident = await incident_in(here)
    text = await draft(here, incident.id, StatementKind.HOLDING)
    await propose(here, text, by=IDA)
    await propose(here, text, by=IDA)
    async with here.store.reading() as tx:
        [record] = await tx.ledger.list(kind="statement.reasoned")
    counsel = record.data["counsel"]
    assert record.data["statement"] == text.id
    assert counsel["strategy"] == text.strategy.value
    assert counsel["why"]
    assert counsel["references"]
    assert counsel["evidence"]
    assert {r["strategy"] for r in counsel["ruled_out"]} == {"instruct", "deny", "diminish", "rebuild"} - {
        counsel["strategy"]
    }
    assert any("mortification" in s["repairs"] for s in record.data["sentences"])


async def test_what_contradicts_what_was_said_meanwhile_can_no_longer_be_approved(here: Installation) -> None:
    incident = await incident_in(here)
    closing = "Write to https://acme.example/help. Next update by 13:00 UTC."
    sorry = await draft(
        here,
        incident.id,
        StatementKind.UPDATE,
        author=IDA,
        text="Your data\n\nWe know that customers worry. We made a mistake, and we apologise to customers. We are "
        f"checking every account. {closing}",
    )
    await propose(here, sorry, by=IDA)
    denial = await draft(
        here,
        incident.id,
        StatementKind.HOLDING,
        author=IDA,
        text="About a rumour\n\nWe know that customers worry. The claims are false. No customer data was stolen. We are "
        f"checking every account. {closing}",
    )
    await propose(here, denial, by=IDA)
    await approve(here, denial)
    with pytest.raises(NotAllowed, match="contradiction"):
        await approve(here, sorry)
    async with here.store.reading() as tx:
        assert await tx.statements.status(sorry.id, 1) is StatementStatus.VOIDED
