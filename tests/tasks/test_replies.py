"""Replies answer single posts: approved like any statement, a delivery each, paced, few, and never to whom one must not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from acme import ANA, IDA, sandbox
from replying import approved, crisis_with, post, replying, texts
from sqlalchemy import delete

import tasks.replies
from crisis.approval import NotAllowed
from crisis.bundle import check_bundle, read_bundle
from crisis.delivery import DeliveryState, Purpose
from crisis.replies import GAP, PER_DAY
from crisis.statement import Statement, hash_of
from crisis.values import StatementKind
from integrations.sandbox import Post
from records import StatementStatus
from records.tables import do_not_engage
from tasks.approve import propose
from tasks.deliver import deliver
from tasks.documents import HTML, write_documents
from tasks.evidence import seal_evidence
from tasks.installation import Installation
from tasks.publish import publish_statement
from tasks.replies import HELD, resume_replies, stop_replies
from tasks.reply_drafts import Answer, draft_replies, strike

SAID = (
    "We are sorry that you waited so long at the till. Please write to us, so that we can help you.",
    "Thank you for telling us. Payments are being looked at right now.",
    "You are right to ask. We do not know the cause yet, and will say so here when we do.",
    "That sounds like a bad evening. Please tell us which shop it was.",
)
COMPLAINTS = tuple(post(n, f"My card was declined {n} times at the acme till and nobody cares") for n in range(1, 6))


def answers(*numbers: int, said: tuple[str, ...] = SAID) -> list[Answer]:
    return [Answer(COMPLAINTS[n], said[i], "en") for i, n in enumerate(numbers)]


async def drafted(here: Installation, *numbers: int) -> Statement:
    incident = await crisis_with(here, COMPLAINTS)
    return await draft_replies(here, incident.id, answers(*numbers), author=IDA)


def replies(here: Installation) -> list[Post]:
    return [p for p in sandbox(here) if p.purpose is Purpose.STATEMENT]


async def sent(here: Installation, statement: Statement) -> list[str]:
    async with here.store.reading() as tx:
        found = await tx.outbox.list(statement=statement.id)
    return [d.state.value for d in found]


async def test_a_proposal_of_replies_goes_out_one_by_one_under_the_posts_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with replying(tmp_path) as here:
        text = await drafted(here, 0, 1)
        assert (text.kind, len(text.renderings), text.promises) == (StatementKind.REPLY, 2, ())
        await propose(here, text, by=IDA)
        await approved(here, text)
        [first] = replies(here)
        assert first.rendering.answers is not None
        assert (first.rendering.reply_to, first.rendering.answers.id) == (COMPLAINTS[0].id, COMPLAINTS[0].id)
        assert first.rendering.text == f"@p1@social.example {SAID[0]}" or first.rendering.text == SAID[0]
        async with here.store.reading() as tx:
            one, two = await tx.outbox.list(statement=text.id)
            assert await tx.statements.status(text.id, 1) is StatementStatus.PUBLISHED
        assert (one.state, two.state) == (DeliveryState.ACCEPTED, DeliveryState.PENDING)
        assert two.not_before is not None
        assert two.not_before - one.receipt.accepted_at > GAP - timedelta(minutes=1)  # type: ignore[union-attr]
        await publish_statement(here, text.id, 1)
        assert len(replies(here)) == 1, "asking again sends nothing early"
        monkeypatch.setattr(tasks.replies, "GAP", timedelta())
        async with here.store.transaction() as tx:
            await tx.outbox.put_off(two.id, one.created_at - timedelta(days=9999), problem="", actor="test")
        await deliver(here, two.id)
        assert {p.rendering.reply_to for p in replies(here)} == {COMPLAINTS[0].id, COMPLAINTS[1].id}
        assert (await here.store.verify()).ok


@pytest.mark.slow
async def test_replies_are_spaced_even_when_all_became_due_meanwhile(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        text = await drafted(here, 0, 1)
        await propose(here, text, by=IDA)
        await approved(here, text)
        async with here.store.transaction() as tx:
            [one, two] = await tx.outbox.list(statement=text.id)
            await tx.outbox.put_off(two.id, one.created_at - timedelta(days=9999), problem="", actor="test")
        after = await deliver(here, two.id)
        assert after.state is DeliveryState.PENDING
        assert "one reply every 10 minutes" in after.problem
        assert len(replies(here)) == 1


async def test_the_hash_covers_the_post_that_is_answered(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        text = await drafted(here, 0)
        [rendering] = text.renderings
        assert rendering.answers is not None
        for field in ("source", "id", "author", "url", "digest", "narrative"):
            other = rendering.answers.model_copy(update={field: "x"})
            changed = text.model_copy(update={"renderings": (rendering.model_copy(update={"answers": other}),)})
            assert hash_of(changed) != text.content_hash, field


@pytest.mark.slow
async def test_what_an_approver_strikes_is_left_out_of_the_next_version_word_for_word(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        text = await drafted(here, 0, 1, 2)
        await propose(here, text, by=IDA)
        with pytest.raises(NotAllowed, match="neither wrote"):
            await strike(here, text.id, [2], actor="nobody@example.com", reason="x")
        with pytest.raises(NotAllowed, match="no reply 9"):
            await strike(here, text.id, [9], actor=ANA, reason="x")
        with pytest.raises(NotAllowed, match="nothing would be left"):
            await strike(here, text.id, [1, 2, 3], actor=ANA, reason="x")
        new = await strike(here, text.id, [2], actor=ANA, reason="too harsh")
        assert (new.version, new.author, texts(new)) == (2, IDA, [texts(text)[0], texts(text)[2]])
        with pytest.raises(NotAllowed, match="voided"):
            await approved(here, text)
        await propose(here, new, by=IDA)
        await approved(here, new)
        assert len(await sent(here, new)) == 2


async def test_whoever_is_put_on_the_list_is_left_out_at_drafting_at_approval_and_at_sending(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        text = await drafted(here, 0, 1)
        await propose(here, text, by=IDA)

        async def bar(number: int) -> None:
            async with here.store.transaction() as tx:
                await tx.engagement.bar("mastodon", f"@P{number}@social.example", mark="asked", why="asked", actor=IDA)

        await bar(3)
        with pytest.raises(NotAllowed, match="do-not-engage: asked"):
            await draft_replies(here, text.incident, answers(2), author=IDA)
        await bar(2)
        with pytest.raises(NotAllowed, match="do-not-engage list: asked"):
            await approved(here, text)
        async with here.store.transaction() as tx:
            assert await tx.statements.status(text.id, 1) is StatementStatus.VOIDED
            assert await tx.engagement.allow("mastodon", "p2@social.example", actor=IDA)
        later = await draft_replies(here, text.incident, answers(0, 1), author=IDA)
        await propose(here, later, by=IDA)
        await approved(here, later)
        await bar(2)
        async with here.store.reading() as tx:
            waiting = next(d for d in await tx.outbox.list(statement=later.id) if d.state is DeliveryState.PENDING)
        async with here.store.transaction() as tx:
            await tx.outbox.put_off(waiting.id, later.created_at - timedelta(days=9999), problem="", actor="test")
        after = await deliver(here, waiting.id)
        assert (after.state, len(replies(here))) == (DeliveryState.REFUSED, 1)
        assert after.problem == f"{HELD}p2@social.example is on the do-not-engage list: asked"
        assert (await here.store.verify()).ok
        async with here.store.transaction() as tx:
            await tx.engagement._work.write(delete(do_not_engage).where(do_not_engage.c.author == "p2@social.example"))
        found = await here.store.verify()
        assert (found.ok, "do-not-engage mastodon" in found.problem) == (False, True)


@pytest.mark.slow
async def test_nobody_gets_two_replies_and_no_two_say_the_same(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        text = await drafted(here, 0)
        await propose(here, text, by=IDA)
        with pytest.raises(NotAllowed, match="answered already"):
            await draft_replies(here, text.incident, answers(0, said=("Something else, at last.",)), author=IDA)
        same = (f"  {SAID[0].upper()} ",)
        with pytest.raises(NotAllowed, match="the very same"):
            await draft_replies(here, text.incident, answers(1, said=same), author=IDA)
        twice = post(9, "and another thing", author="p2@social.example")
        async with here.store.transaction() as tx:
            await tx.mentions.relied_on(text.incident, [twice])
        both = [*answers(1, said=(SAID[1],)), Answer(twice, SAID[2], "en")]
        with pytest.raises(NotAllowed, match="nobody gets two replies"):
            await draft_replies(here, text.incident, both, author=IDA)


@pytest.mark.slow
async def test_the_stop_button_gives_up_what_waits_and_lets_nothing_new_out(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        text = await drafted(here, 0, 1)
        await propose(here, text, by=IDA)
        await approved(here, text)
        assert await stop_replies(here, text.incident, actor=ANA, reason="it reads like a pile-on") == 1
        assert sorted(await sent(here, text)) == ["accepted", "refused"]
        with pytest.raises(NotAllowed, match="stopped"):
            await draft_replies(here, text.incident, answers(2), author=IDA)
        await resume_replies(here, text.incident, actor=ANA, reason="calm again")
        again = await draft_replies(here, text.incident, answers(1, said=(SAID[3],)), author=IDA)
        await stop_replies(here, text.incident, actor=ANA, reason="no")
        with pytest.raises(NotAllowed, match="stopped"):
            await propose(here, again, by=IDA)


@pytest.mark.slow
async def test_an_incident_replies_to_a_dozen_people_a_day_whatever_is_approved(tmp_path: Path) -> None:
    many = [post(n, f"Declined at the till, case {n}") for n in range(100, 100 + PER_DAY + 1)]
    async with replying(tmp_path) as here:
        incident = await crisis_with(here, many)
        half = PER_DAY // 2
        for part in (many[:half], many[half : 2 * half]):
            said = [Answer(m, f"We are sorry, and look into case {m.author} with you.", "en") for m in part]
            said = [Answer(a.mention, f"{a.text} Number {many.index(a.mention)}.", "en") for a in said]
            text = await draft_replies(here, incident.id, said, author=IDA)
            await propose(here, text, by=IDA)
            await approved(here, text)
        with pytest.raises(NotAllowed, match=f"{PER_DAY} is the most"):
            await draft_replies(here, incident.id, [Answer(many[-1], "One more word.", "en")], author=IDA)


@pytest.mark.slow
async def test_a_text_that_lint_blocks_is_not_proposed_whichever_reply_it_is_in(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        incident = await crisis_with(here, COMPLAINTS)
        bad = answers(0, 1, said=(SAID[0], "Call Mr Smith on his private mobile 0171 555 1234 [insert name]"))
        text = await draft_replies(here, incident.id, bad, author=IDA)
        with pytest.raises(NotAllowed, match="To p2@social"):
            await propose(here, text, by=IDA)


@pytest.mark.slow
async def test_the_report_and_the_sealed_evidence_hold_every_reply_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.replies, "GAP", timedelta())
    monkeypatch.setattr(tasks.replies, "paced", lambda channels, **_: [datetime.now(UTC)] * len(channels))
    async with replying(tmp_path) as here:
        text = await drafted(here, 0, 1)
        await propose(here, text, by=IDA)
        await approved(here, text)
        assert await sent(here, text) == ["accepted", "accepted"]
        documents = await write_documents(here, text.incident)
        page = documents[HTML].decode()
        bundle = await seal_evidence(here, text.incident, tmp_path, prefect_history={"runs": []}, documents=documents)
        assert all(said in page for said in SAID[:2])
        proof = check_bundle(read_bundle(bundle))
        assert proof.ok, proof.problems
        wrong = await here.store.verify()
        assert wrong.ok
