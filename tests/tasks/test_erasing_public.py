"""Who is erased is erased as somebody who asked, was listed, was handed over or was written about; a hold keeps its part."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from acme import ANA, IDA, LENA, NOON
from replying import crisis_with, post, replying

from crisis.after_action import Review, Section
from crisis.approval import NotAllowed
from crisis.clock import FixedClock
from crisis.effect import Effect, Proposal, Verdict
from crisis.erasure import ErasureState
from crisis.incident import IncidentState
from crisis.personal import ERASED
from crisis.values import StatementKind
from tasks import erase as erasing
from tasks import hold, retention
from tasks.approve import propose
from tasks.documents import DATA, HTML
from tasks.engage import bar, people_of
from tasks.hand_over import hand_over_person
from tasks.installation import Installation
from tasks.questions import mine
from tasks.reply_drafts import Answer, draft_replies
from tasks.review import report_folder, store_report

DESK = '[[helpdesks]]\nname = "care"\nnotifier = "email"\naddress = "care@example.com"\n'
ASKS = "Why was my card declined at the acme till in Ghent this morning?"
POSTS = (
    post(71, ASKS, followers=9_000, created_at=NOON - timedelta(hours=1)),
    post(72, "Why was my card declined at the acme till in Ghent?", followers=10),
    post(73, "My acme card was declined, this is bad", followers=20),
)
HOLDING = ("askings", "public_questions", "do_not_engage", "mentions", "reviews", "disclosures", "inbox")


def held_in(folder: Path) -> str:
    """What the tables hold in which the public is."""
    with sqlite3.connect(folder / "fireline.db") as connection:
        rows = [str(row) for table in HOLDING for row in connection.execute(f"SELECT * FROM {table}")]
        notices = connection.execute("SELECT rendering, receipt FROM deliveries WHERE purpose = 'notice'")
        told = [str(row) for row in notices]
        public = ("person", "question", "questions", "effect", "review", "review_task")
        ledger = connection.execute("SELECT kind, reason, data FROM ledger").fetchall()
        told += [str(row) for row in ledger if row[0].partition(".")[0] in public]
    connection.close()
    return "\n".join([*rows, *told])


async def everywhere(here: Installation) -> str:
    """An incident in which the first person is in every place; its id."""
    incident = await crisis_with(here, POSTS)
    await mine(here, incident.id)
    await hand_over_person(here, incident.id, "mastodon:@p71@social.example", "care", actor=ANA)
    await bar(here, "mastodon:@p71@social.example", mark="other", reason=f"asks: {ASKS}", actor=ANA)
    async with here.store.transaction() as tx:
        sections = {Section.WORKED: f"We read “{ASKS}” at once", Section.LESSONS: "Answer sooner"}
        await tx.reviews.save(Review(incident=incident.id, sections=sections), actor=IDA)
        judged = Effect(
            incident=incident.id,
            statement=f"{incident.id}-S1",
            version=1,
            kind=StatementKind.HOLDING,
            published_at=NOON,
            at=NOON,
            verdict=Verdict.CANNOT_TELL,
            proposal=Proposal.HOLD,
            says="cannot tell",
            reasons=(f"the narrative “{ASKS}” grew",),
        )
        told = judged.model_dump(mode="json")
        await tx.ledger.append("effect.judged", incident=incident.id, actor="follow_up", data=told, reason=f"“{ASKS}”")
    await store_report(here, incident.id)
    return incident.id


async def test_who_asked_was_listed_and_handed_over_is_erased_from_all_of_it(tmp_path: Path) -> None:
    async with replying(tmp_path, more=DESK) as here:
        incident = await everywhere(here)
        folder = report_folder(here, incident)
        (folder / HTML).unlink()
        assert ASKS in held_in(tmp_path)
        done = await erasing.erase(here, author="@p71@social.example", actor=LENA, reason="request 14")
        assert done.state is ErasureState.DONE
        assert {f.where for f in done.found} >= {
            "posts that ask questions",
            "questions of the public",
            "the do-not-engage list",
            "messages to people and helpdesks",
            "stored reports",
        }
        left = held_in(tmp_path)
        assert ASKS not in left
        assert "p71@social" not in left
        async with here.store.reading() as tx:
            review = await tx.reviews.get(incident)
            [question] = await tx.questions.list(incident)
            barred = await tx.engagement.among([("mastodon", "@p71@social.example", "")])
        assert review.sections == {Section.WORKED: ERASED, Section.LESSONS: "Answer sooner"}
        assert question.text == POSTS[1].text, "it is put in the words of somebody else who asks it"
        assert barred, "nobody writes to them afterwards, either"
        assert await mine(here, incident) == 0
        assert {r.name for r in (await people_of(here, incident))[0]} == {f"mastodon:{p.author}" for p in POSTS[1:]}
        assert (folder / HTML).exists(), "the documents are written anew"
        assert "p71@social" not in (folder / DATA).read_text("utf-8")
        verified = await here.store.verify()
        assert verified.ok, verified.problem
        assert await erasing.preview(here, author="@p71@social.example") == ()


async def test_a_legal_hold_keeps_who_asked(tmp_path: Path) -> None:
    async with replying(tmp_path, more=DESK) as here:
        incident = await everywhere(here)
        await hold.place(here, incident, actor=LENA, reason="a suit was announced")
        done = await erasing.erase(here, author="p71@social.example", actor=LENA, reason="asked")
        assert done.state is ErasureState.HELD
        async with here.store.reading() as tx:
            assert ASKS in {text for _, text, _ in await tx.questions.wordings(incident)}
            assert (await tx.reviews.get(incident)).sections[Section.WORKED] != ERASED


async def test_retention_takes_questions_and_hand_overs_too_and_writes_the_documents_anew(tmp_path: Path) -> None:
    async with replying(tmp_path, more=DESK) as here:
        incident = await everywhere(here)
        async with here.store.transaction() as tx:
            await tx.incidents.step(incident, IncidentState.DISMISSED, actor=IDA)
        assert isinstance(here.clock, FixedClock)
        here.clock.move(timedelta(days=400))
        file = report_folder(here, incident) / DATA
        assert POSTS[1].author in held_in(tmp_path)
        assert ASKS in file.read_text("utf-8")
        await retention.carry_out(here)
        async with here.store.reading() as tx:
            assert await tx.questions.wordings(incident) == []
            assert {q.text for q in await tx.questions.list(incident)} == {ERASED}
            assert ASKS in (await tx.reviews.get(incident)).sections[Section.WORKED], "the organisation wrote that"
            messages = [
                d for d in await tx.outbox.list(incident=incident) if d.rendering.target.address == "care@example.com"
            ]
        assert [d.rendering.text for d in messages] == [ERASED]
        assert POSTS[1].text not in file.read_text("utf-8")
        assert await retention.due(here) == ()
        verified = await here.store.verify()
        assert verified.ok, verified.problem


async def test_a_post_that_was_erased_is_not_answered(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        incident = await crisis_with(here, POSTS)
        said = "We are sorry that you waited so long at the till. Please write to us, so that we can help you."
        text = await draft_replies(here, incident.id, [Answer(POSTS[0], said, "en")], author=IDA)
        await erasing.erase(here, author="p71@social.example", actor=LENA, reason="asked")
        with pytest.raises(NotAllowed, match="erased"):
            await propose(here, text, by=IDA)
