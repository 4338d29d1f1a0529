"""Questions of the public: found once, led by people, answered from confirmed facts, marked when a fact changes."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from acme import ANA, IDA, LENA, NOON, acme, fact_in, incident_in

from crisis.approval import NotAllowed, Verdict, Via
from crisis.clock import FixedClock
from crisis.fact import FactStatus
from crisis.public_questions import Standing
from crisis.read_back import Stand
from crisis.small import Floats, NoModel
from crisis.statement import Statement
from crisis.watch import Mention
from records import StatementStatus
from tasks.answers import answer_in, draft_answer, draft_page, renew_pages
from tasks.approve import decide, propose
from tasks.draft import save_fact
from tasks.first_word import renew
from tasks.installation import Installation
from tasks.questions import Asked, asked_about, lead, merge, mine, part, unanswered
from tasks.read_back import read_back

PAGE = """
[[channels]]
name = "press-page"
kind = "sandbox"
looks_like = "s3_page"
"""
WHEN, SAFE = "When will card payments work again?", "Is it safe to eat the yoghurt?"


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installation]:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    async with acme(tmp_path, clock=FixedClock(NOON), more=PAGE) as opened:
        await incident_in(opened)
        yield opened


async def posts(here: Installation, *texts: str, at: float = 0, start: int = 0) -> None:
    mentions = [
        Mention(
            id=str(start + n),
            text=text,
            author=f"@{start + n}",
            created_at=NOON + timedelta(minutes=at - 30, seconds=n),
            url=f"https://social.example/{start + n}",
        )
        for n, text in enumerate(texts)
    ]
    async with here.store.transaction() as tx:
        await tx.mentions.relied_on("INC-1", mentions)


async def rows(here: Installation) -> tuple[Asked, ...]:
    async with here.store.reading() as tx:
        incident = await tx.incidents.get("INC-1")
        return await asked_about(tx, incident, here.clock.now(), wordings=True)


async def published(here: Installation, text: Statement) -> None:
    await propose(here, text, by=IDA)
    async with here.store.reading() as tx:
        proposal = await tx.statements.proposal(text.id, text.version)
    assert proposal is not None
    for role in proposal.policy.roles:
        await decide(
            here,
            statement=text.id,
            version=text.version,
            content_hash=text.content_hash,
            approver={"comms": ANA, "legal": LENA}[role],
            role=role,
            verdict=Verdict.APPROVE,
            via=Via.DESK,
        )


async def test_a_question_keeps_its_id_while_it_grows_and_each_post_asks_once(here: Installation) -> None:
    await posts(here, WHEN, "when will card payments work again", "This is a disgrace!")
    assert await mine(here, "INC-1") == 2
    assert await mine(here, "INC-1") == 0
    await posts(here, "So when do card payments work again?", at=5, start=10)
    await posts(here, f"{WHEN} I wrote this long ago", at=-300, start=20)  # came late
    assert await mine(here, "INC-1") == 2
    [row] = await rows(here)
    assert (row.question.id, row.question.text, row.tally.authors, row.standing) == ("INC-1-Q1", WHEN, 4, Standing.OPEN)


async def test_what_is_about_health_stands_first_and_the_score_is_the_sum_of_its_reasons(here: Installation) -> None:
    await posts(here, *[f"{WHEN}" for _ in range(40)], SAFE)
    await mine(here, "INC-1")
    first, second = await rows(here)
    assert (first.question.text, second.tally.authors) == (SAFE, 40)
    assert first.score == round(sum(f.points for f in first.factors), 1)
    assert "life and health" in first.factors[0].says
    async with here.store.reading() as tx:
        waiting = await unanswered(tx, await tx.incidents.get("INC-1"), NOON)
    assert len(waiting) == 2  # one person's question about harm counts at once


async def test_people_merge_part_and_own_questions_on_record(here: Installation) -> None:
    await posts(here, WHEN, "Who pays my late fees?", "Do you cover the fine of my landlord?")
    await mine(here, "INC-1")
    one, two = "INC-1-Q2", "INC-1-Q3"
    await merge(here, two, one, actor=IDA, reason="the same worry")
    assert [r.tally.authors for r in await rows(here) if r.question.id == one] == [2]
    with pytest.raises(NotAllowed, match="part of INC-1-Q2"):
        await lead(here, two, actor=IDA, owner=ANA)
    new = await part(here, one, ["Do you cover the fine of my landlord?"], actor=IDA)
    await lead(here, new.id, actor=IDA, owner=ANA, say_by=NOON + timedelta(hours=1), text="Who pays fines?")
    await lead(here, "INC-1-Q1", actor=IDA, set_aside="we told everybody")
    found = {r.question.id: r for r in await rows(here)}
    assert (found[new.id].question.owner, found[new.id].question.text) == (ANA, "Who pays fines?")
    assert found["INC-1-Q1"].standing is Standing.SET_ASIDE
    with pytest.raises(NotAllowed, match="nobody is not among"):
        await lead(here, one, actor="")
    async with here.store.reading() as tx:
        kinds = [r.kind for r in await tx.ledger.list(incident="INC-1") if "question" in r.kind]
    assert kinds == ["questions.found", "question.merged", "question.parted", "question.changed", "question.changed"]


async def test_an_answer_states_the_facts_about_its_question_and_is_marked_when_one_changes(here: Installation) -> None:
    async with here.store.reading() as tx:
        incident = await tx.incidents.get("INC-1")
    fact = await fact_in(here, incident, "Card payments work again since 11:50 UTC")
    await fact_in(here, incident, "Our office in Porto is closed")
    await posts(here, WHEN, WHEN.lower(), SAFE)
    await mine(here, "INC-1")
    answer = await draft_answer(here, ["INC-1-Q1"], actor=IDA)
    assert (answer.answers, [f.id for f in answer.facts]) == (("INC-1-Q1",), [fact.id])
    assert answer.headline == WHEN
    assert fact.text in answer.body
    again = await draft_answer(here, ["INC-1-Q1"], actor=IDA)
    assert again.label == answer.label  # nothing changed, no new version
    other = await draft_answer(here, ["INC-1-Q2"], actor=IDA)
    assert other.id != answer.id
    assert "We do not know this yet" in other.body
    assert other.promises
    assert other.promises[0].due_at > NOON
    await published(here, answer)
    stands = {r.question.id: r.standing for r in await rows(here)}
    assert stands == {"INC-1-Q1": Standing.ANSWERED, "INC-1-Q2": Standing.DRAFTED}
    await save_fact(here, fact.model_copy(update={"status": FactStatus.REFUTED}), actor=IDA)
    assert {r.question.id: r.standing for r in await rows(here)}["INC-1-Q1"] is Standing.IN_DOUBT


async def test_one_answer_to_two_questions_says_to_each_only_what_is_about_it(here: Installation) -> None:
    async with here.store.reading() as tx:
        incident = await tx.incidents.get("INC-1")
    fact = await fact_in(here, incident, "Card payments work again since 11:50 UTC")
    await posts(here, WHEN, WHEN.lower(), SAFE)
    await mine(here, "INC-1")
    both = await draft_answer(here, ["INC-1-Q1", "INC-1-Q2"], actor=IDA)
    assert answer_in(both, WHEN) == f"{fact.text}."
    assert "We do not know this yet" in answer_in(both, SAFE)
    assert fact.text not in answer_in(both, SAFE)
    assert "Thank you" not in answer_in(both, SAFE)


async def test_the_page_of_answers_is_approved_as_its_bytes_and_its_next_version_drafts_itself(
    here: Installation,
) -> None:
    async with here.store.reading() as tx:
        incident = await tx.incidents.get("INC-1")
    fact = await fact_in(here, incident, "Card payments work again since 11:50 UTC")
    await posts(here, WHEN, WHEN.lower(), "Is my <b>money</b> safe with you?", "is my money safe with you")
    await mine(here, "INC-1")
    page = await draft_page(here, "INC-1", actor=IDA)
    assert page is not None
    [rendering] = page.renderings
    assert rendering.options["page"] == "questions-inc-1"
    assert "What we do not know yet" in rendering.html
    assert "&lt;b&gt;money" in rendering.html
    assert '<meta http-equiv="refresh"' in rendering.html
    assert await renew_pages(here) == ""  # nobody has published one
    await published(here, page)
    assert await renew_pages(here) == ""
    answer = await draft_answer(here, ["INC-1-Q1"], actor=IDA)
    await published(here, answer)
    assert "proposed" in await renew_pages(here)
    assert await renew_pages(here) == ""  # it waits for its approvers
    async with here.store.reading() as tx:
        [*_, newest] = [s for s in await tx.statements.list("INC-1") if s.page]
        assert await tx.statements.status(newest.id, newest.version) is StatementStatus.PROPOSED
    assert fact.text in newest.renderings[0].html
    await save_fact(here, fact.model_copy(update={"status": FactStatus.REFUTED}), actor=IDA)
    await renew(here, "INC-1")  # the proposal relied on it: the next one says that the answer is checked
    async with here.store.reading() as tx:
        [*_, newest] = [s for s in await tx.statements.list("INC-1") if s.page]
    assert "We are checking our answer" in newest.renderings[0].html
    assert fact.text not in newest.renderings[0].html


async def test_a_page_whose_next_version_stands_in_its_place_is_not_called_edited(here: Installation) -> None:
    async with here.store.reading() as tx:
        incident = await tx.incidents.get("INC-1")
    await fact_in(here, incident, "Card payments work again since 11:50 UTC")
    await posts(here, WHEN, WHEN.lower())
    await mine(here, "INC-1")
    pages = []
    for _ in range(2):
        page = await draft_page(here, "INC-1", actor=IDA)
        assert page is not None
        await published(here, page)
        async with here.store.reading() as tx:
            pages += [d.id for d in await tx.outbox.list(statement=page.id)]
        here.clock.move(timedelta(minutes=1))  # type: ignore[attr-defined]
        await published(here, await draft_answer(here, ["INC-1-Q1"], actor=IDA))
    await read_back(here, pages)
    async with here.store.reading() as tx:
        first, second = [(await tx.read_backs.of("INC-1"))[id] for id in pages]
    assert (first.says, first.due_at) == ("its next version was put in its place, by us", None)
    assert second.stand is Stand.MATCHED


async def test_a_sentence_model_that_cannot_be_read_leaves_merging_by_words(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(texts: Sequence[str]) -> Floats:
        raise NoModel("the sentence model cannot be read")

    monkeypatch.setattr("tasks.questions._sentences", lambda: broken)
    await posts(here, WHEN, "when will card payments be working again", SAFE)
    assert await mine(here, "INC-1") == 3
    assert sorted(row.tally.posts for row in await rows(here)) == [1, 2]


async def test_nobody_is_asked_whether_two_questions_are_one_that_a_person_parted(here: Installation) -> None:
    await posts(here, "Do you cover the late fee?", "do you cover the late fee of my landlord?")
    await mine(here, "INC-1")
    [one] = await rows(here)
    new = await part(here, one.question.id, ["do you cover the late fee of my landlord?"], actor=IDA)
    assert new.parted_from == one.question.id
    assert [row.maybe for row in await rows(here)] == ["", ""]
    await posts(here, "do YOU cover the late fee of my landlord?", at=1, start=5)
    await mine(here, "INC-1")
    assert sorted(row.tally.posts for row in await rows(here)) == [1, 2]
