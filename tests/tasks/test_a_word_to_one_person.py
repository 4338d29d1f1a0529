"""What is said to one person under their post is no word to all: nothing that follows the last word takes it for one."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from acme import IDA, NOON, fact_in, proposed_in
from replying import approved, crisis_with, post, replying

from crisis.approval import NotAllowed
from crisis.clock import FixedClock
from crisis.fact import FactStatus
from crisis.replies import Sent, sending_problem
from crisis.statement import Answered, Part, Rendering, Target
from crisis.stranded import AudienceKind, End
from crisis.values import StatementKind
from desk.picture import load
from desk.room import came_of
from desk.waiting import waits
from tasks.approve import propose
from tasks.draft import draft
from tasks.effect import judge_effects, published
from tasks.empathy import published_texts
from tasks.engage import allow, bar
from tasks.incidents import merge
from tasks.installation import Installation
from tasks.monitoring import _state
from tasks.replies import family_of, sent_in
from tasks.reply_drafts import Answer, draft_replies, unanswerable
from tasks.stranded import audiences

COMPLAINT = post(1, "My card was declined 3 times at the acme till")
ANOTHER = post(2, "Still nothing works at the acme till", author=COMPLAINT.author)
NEIGHBOUR = post(3, "Declined twice at the acme till this evening")
SAID = "We are sorry that you waited so long at the till. Please write to us."


async def replied(here: Installation, incident: str, *, to: str = SAID) -> str:
    reply = await draft_replies(here, incident, [Answer(COMPLAINT, to, "en")], author=IDA)
    await propose(here, reply, by=IDA)
    await approved(here, reply)
    return reply.id


async def test_a_reply_takes_nothing_from_the_word_to_all_and_starts_none(tmp_path: Path) -> None:
    clock = FixedClock(NOON)
    async with replying(tmp_path, clock=clock) as here:
        incident = (await crisis_with(here, [COMPLAINT])).id
        reply = await replied(here, incident)
        async with here.store.reading() as tx:
            opened = await tx.incidents.get(incident)
            alone = await load(tx, opened, here.clock.now())
            assert any(w.what == "Draft a first statement" for w in waits(alone, here.settings, here.clock.now()))
        holding = await proposed_in(here, opened)
        clock.move(timedelta(minutes=2))
        await approved(here, holding)
        clock.move(timedelta(minutes=30))
        [effect] = await judge_effects(here, incident)
        assert (effect.statement, effect.open, effect.together_with) == (holding.id, True, ())
        assert reply not in " ".join(await judged_and_said(here, incident))


async def judged_and_said(here: Installation, incident: str) -> list[str]:
    """All that is taken for what was said to all."""
    async with here.store.reading() as tx:
        outbox = await tx.outbox.list(incident=incident)
        picture = await load(tx, await tx.incidents.get(incident), here.clock.now())
        found = [w.statement for w in await published(tx, outbox, incident)]
        found += [one.publication.statement for one in came_of(picture, [])]
        found += [label for label, _ in await published_texts(tx, incident)]
        found += [str(r.data.get("statement")) for r in (await _state(tx, incident)).records]
    assert found
    return found


async def test_a_person_who_was_answered_keeps_no_incident_open_but_is_owed_the_correction_of_their_reply(
    tmp_path: Path,
) -> None:
    async with replying(tmp_path) as here:
        incident = await crisis_with(here, [COMPLAINT])
        fact = await fact_in(here, incident)
        reply = await replied(here, incident.id)
        resolution = await proposed_in(here, incident, StatementKind.RESOLUTION)
        await approved(here, resolution)
        async with here.store.reading() as tx:
            found = await audiences(tx, incident)
        assert [a.key for a in found if a.open or a.kind is AudienceKind.REPLY] == []
        async with here.store.transaction() as tx:
            refuted = fact.model_copy(update={"status": FactStatus.REFUTED, "updated_at": here.clock.now()})
            await tx.facts.put(refuted, actor=IDA)
        await draft(here, incident.id, StatementKind.CORRECTION, author=IDA, corrects=reply, text="Not so.\n\nNot so.")
        async with here.store.reading() as tx:
            [left] = [a for a in await audiences(tx, incident) if a.kind is AudienceKind.REPLY]
        assert (left.end, left.wants) == (End.STRANDED, f"the correction of {reply}")


async def test_nobody_gets_a_second_reply_because_incidents_were_merged_and_no_post_gets_two(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        one = (await crisis_with(here, [COMPLAINT])).id
        other = (await crisis_with(here, [COMPLAINT])).id
        await replied(here, other)
        again = "Thank you for telling us. Payments are being looked at."
        with pytest.raises(NotAllowed, match="answered already"):
            await replied(here, one, to=again)
        await merge(here, other, one, actor=IDA, reason="one and the same")
        with pytest.raises(NotAllowed, match="answered already"):
            await draft_replies(here, one, [Answer(ANOTHER, again, "en")], author=IDA)
        async with here.store.reading() as tx:
            assert await family_of(tx, one) == await family_of(tx, other) == {one, other}
            [sent] = await sent_in(tx, one)
            assert not sent.elsewhere
            why = await unanswerable(here, tx, await tx.incidents.get(one), [ANOTHER])
        assert why(ANOTHER) == "answered already, or waiting to be"


def test_what_counts_against_a_narrative_and_a_day_is_not_what_went_out_in_another_incident() -> None:
    def reply(number: int, **more: Any) -> Sent:
        to = Answered(source="mastodon", id=str(number), author=f"p{number}", narrative="n-1")
        return Sent(answered=to, text=f"To {number}", at=NOON, **more)

    target = Target(channel="m", kind="sandbox")
    new = Rendering(target=target, parts=(Part(text="To you", length=6, limit=500),), answers=reply(99).answered)
    five, elsewhere = [reply(n) for n in range(5)], [reply(n, elsewhere=True) for n in range(20)]

    def problem(sent: list[Sent]) -> str:
        return sending_problem(new, sent=sent, barred=lambda *_: "", now=NOON)

    assert "never a mass reply" in problem(five)
    assert problem(elsewhere) == ""
    assert "this post" in problem([reply(99, elsewhere=True)])


async def test_whoever_is_barred_by_any_name_gets_no_reply_and_a_name_of_nobody_is_refused(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        incident = (await crisis_with(here, [COMPLAINT])).id
        for who in ("mastodon:@p1", "Mastodon:@p1@social.example", "https://social.example/@p1", "*:P1"):
            await bar(here, who, mark="asked", reason="asked us to stop", actor=IDA)
            with pytest.raises(NotAllowed, match="do-not-engage: asked"):
                await draft_replies(here, incident, [Answer(COMPLAINT, SAID, "en")], author=IDA)
            await allow(here, who, reason="wrote again", actor=IDA)
        for who in ("mastadon:@p1@social.example", "bluesky:@ada.bsky.social", "mastodon:p 1"):
            with pytest.raises(NotAllowed, match="write"):
                await bar(here, who, mark="asked", reason="asked us to stop", actor=IDA)


async def test_a_reply_counts_against_the_day_from_when_it_went_out_not_from_when_it_was_planned(
    tmp_path: Path,
) -> None:
    clock = FixedClock(NOON)
    async with replying(tmp_path, clock=clock) as here:
        incident = (await crisis_with(here, [COMPLAINT, NEIGHBOUR])).id
        both = [
            Answer(COMPLAINT, SAID, "en"),
            Answer(NEIGHBOUR, "That sounds like a bad evening. Which shop was it?", "en"),
        ]
        text = await draft_replies(here, incident, both, author=IDA)
        await propose(here, text, by=IDA)
        clock.move(timedelta(hours=1))
        await approved(here, text)
        went = clock.now()
        clock.move(timedelta(hours=24))
        async with here.store.reading() as tx:
            assert sorted(one.at for one in await sent_in(tx, incident)) == [went, clock.now()]
