"""How a reply could reach the wrong person, or one person twice, and does not; and care gets somebody by a real mail once."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from acme import ANA, CARL, IDA, acme, sandbox
from receivers import BlueskyReceiver, SmtpReceiver
from replying import approved, crisis_with, post, replying

from crisis.approval import NotAllowed
from crisis.delivery import DeliveryState, Purpose
from crisis.handles import names_of, with_server
from crisis.incident import IncidentState
from crisis.replies import PER_BATCH, named_in
from crisis.statement import Statement
from crisis.triage import Narrative
from crisis.watch import Mention
from records import NotFound, StatementStatus
from tasks.approve import propose
from tasks.engage import bar
from tasks.hand_over import hand_over_person
from tasks.incidents import merge, split
from tasks.installation import Installation
from tasks.publish import publish_statement
from tasks.replies import family_of, sent_in
from tasks.reply_drafts import Answer, addressed, draft_replies, strike
from tasks.restrict import restrict

DECLINED = tuple(post(n, f"My card was declined {n} times at the acme till") for n in range(1, 6))
APP = tuple(post(n, f"The acme app loses every login number {n} and forgets me") for n in range(11, 14))
SAID = ("Thank you for telling us. We look into it.", "That should not happen to you. Which shop was it?")


async def proposed(here: Installation, incident: str, *answers: tuple[Mention, str]) -> Statement:
    text = await draft_replies(here, incident, [Answer(m, said, "en") for m, said in answers], author=IDA)
    await propose(here, text, by=IDA)
    return text


async def test_whoever_may_not_see_what_an_incident_was_merged_into_is_shown_its_replies(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        one = (await crisis_with(here, [*DECLINED, *APP])).id
        other = (await crisis_with(here, [*APP])).id
        await merge(here, other, one, actor=IDA, reason="one and the same")
        await restrict(here, one, [], actor=IDA, reason="a person is named in it")
        carl = here.settings.stakeholder(CARL)
        async with here.store.seen_by(carl).reading() as tx:
            with pytest.raises(NotFound):
                await tx.incidents.get(one)
            assert await family_of(tx, other) == {one, other}
            assert await sent_in(tx, other, waiting=True) == []


async def test_a_post_of_another_incident_is_not_answered_from_this_one(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        one, other = [(await crisis_with(here, posts)).id for posts in (DECLINED, APP)]
        with pytest.raises(NotAllowed, match=f"none that {one} is about"):
            await draft_replies(here, one, [Answer(APP[0], SAID[0], "en")], author=IDA)
        await merge(here, other, one, actor=IDA, reason="one and the same")
        assert await draft_replies(here, one, [Answer(APP[0], SAID[0], "en")], author=IDA)


async def test_what_was_proposed_in_an_incident_that_ended_is_not_approved_and_keeps_nobody_waiting(
    tmp_path: Path,
) -> None:
    async with replying(tmp_path) as here:
        merged, ended, into = [
            (await crisis_with(here, posts)).id for posts in (DECLINED[:1], DECLINED[1:2], DECLINED[2:])
        ]
        texts = [
            await proposed(here, merged, (DECLINED[0], SAID[0])),
            await proposed(here, ended, (DECLINED[1], SAID[1])),
        ]
        await merge(here, merged, into, actor=IDA, reason="one and the same")
        async with here.store.transaction() as tx:
            for step in (IncidentState.RESPONDING, IncidentState.MONITORING, IncidentState.RESOLVED):
                await tx.incidents.step(ended, step, actor=IDA, reason="over")
        again = await draft_replies(
            here, into, [Answer(DECLINED[0], "We are on it, and write here again.", "en")], author=IDA
        )
        for text in texts:
            with pytest.raises(NotAllowed, match="is over, and nobody is replied to"):
                await approved(here, text)
            with pytest.raises(NotAllowed, match="is over, and nobody is replied to"):
                await draft_replies(here, text.incident, [Answer(DECLINED[0], SAID[0], "en")], author=IDA)
        await propose(here, again, by=IDA)
        await approved(here, again)
        async with here.store.reading() as tx:
            assert [d.state for d in await tx.outbox.replies(limit=None)] == [DeliveryState.ACCEPTED]


@pytest.mark.slow
async def test_after_a_split_nobody_is_answered_from_both_parts(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        incident = await crisis_with(here, (*DECLINED, *APP))
        both = tuple(
            Narrative(id=f"n-{n}", label=label, size=len(posts), quote=posts[0].text)
            for n, (label, posts) in enumerate((("card declined", DECLINED), ("app login", APP)))
        )
        async with here.store.transaction() as tx:
            assessment = incident.assessment.model_copy(update={"narratives": both})
            await tx.incidents.assess(incident.id, assessment, actor=IDA)
        waiting = await proposed(here, incident.id, (APP[0], SAID[0]))
        part = await split(here, incident.id, "app login", actor=IDA, reason="another cause")
        with pytest.raises(NotAllowed, match="answered already, or waiting to be"):
            await draft_replies(here, part.id, [Answer(APP[0], SAID[1], "en")], author=IDA)
        await approved(here, waiting)
        with pytest.raises(NotAllowed, match="answered already"):
            await draft_replies(here, part.id, [Answer(APP[0], SAID[1], "en")], author=IDA)


@pytest.mark.slow
async def test_a_batch_is_what_one_person_can_read_and_nothing_in_it_changes_once_it_is_approved(
    tmp_path: Path,
) -> None:
    many = [post(n, f"declined {n} times") for n in range(100, 300)]
    async with replying(tmp_path) as here:
        incident = (await crisis_with(here, many)).id
        with pytest.raises(NotAllowed, match=f"200 replies are more than one approval covers: {PER_BATCH} at most"):
            await draft_replies(here, incident, [Answer(m, f"Sorry. {m.author}", "en") for m in many], author=IDA)
        text = await proposed(here, incident, *zip(many, SAID, strict=False))
        await approved(here, text)
        with pytest.raises(NotAllowed, match="nothing can be struck from it any more"):
            await strike(here, text.id, [1], actor=ANA, reason="too late")
        await publish_statement(here, text.id, 1)
        async with here.store.reading() as tx:
            assert {d.rendering.text for d in await tx.outbox.list(statement=text.id)} == {
                r.text for r in text.renderings
            }


def test_a_person_is_addressed_with_their_own_server_and_found_under_every_spelling_of_it() -> None:
    assert with_server("ada", "https://one.example/@ada/1") == "ada@one.example"
    assert with_server("ada@two.example", "https://one.example/@ada/1") == "ada@two.example"
    assert with_server("ada", "https://one.example/@eve/1") == "ada"
    for spelled in ("ada@bücher.example", "ADA@xn--bcher-kva.example"):
        assert {"ada@bücher.example", "ada@xn--bcher-kva.example"} <= set(names_of("mastodon", spelled))
    by_handle = names_of(
        "bluesky", "ada.bsky.social", "https://bsky.app/profile/ada.bsky.social/post/1", "at://did:plc:ada/c/1"
    )
    assert by_handle == ("ada.bsky.social", "did:plc:ada")
    text = "@ada@one.example: write to care@acme.example or @acme_help, not @Eve. https://one.example/@bob"
    assert named_in(text) == ("@ada@one.example", "@acme_help", "@Eve")


async def test_a_source_that_names_its_own_people_without_their_server_makes_us_address_nobody_else(
    tmp_path: Path,
) -> None:
    local = post(1, "declined again", author="ada", url="https://other.example/@ada/1")
    async with replying(tmp_path) as here:
        for typed in ("Thank you.", "@ada Thank you.", "@Ada@other.example, Thank you."):
            assert addressed(here, local, typed) == "@ada@other.example Thank you."
        assert addressed(here, local, "@adam and all: thank you.") == "@ada@other.example @adam and all: thank you."
        [mastodon, *_] = here.settings.channels
        ours = mastodon.model_copy(update={"settings": {"base_url": "https://Other.example"}})
        here.settings = here.settings.model_copy(update={"channels": (ours,)})
        assert addressed(here, local, "Thank you.") == "@ada Thank you.", "on the same server"


async def test_nobody_on_the_list_is_told_by_being_named_in_a_reply_to_somebody_else(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        incident = (await crisis_with(here, DECLINED)).id
        text = await proposed(here, incident, (DECLINED[0], f"{SAID[0]} So do @Eve@social.example and @acme_help."))
        await bar(here, "mastodon:@eve@social.example", mark="legal", reason="in court", actor=IDA)
        with pytest.raises(NotAllowed, match=r"it names @Eve@social\.example, who is on the do-not-engage list: legal"):
            await approved(here, text)
        async with here.store.reading() as tx:
            assert await tx.statements.status(text.id, 1) is StatementStatus.VOIDED


@pytest.mark.slow
async def test_a_name_on_bluesky_is_listed_by_what_its_owner_keeps_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRELINE_NEWSROOM_BLUESKY_PASSWORD", "right")
    with BlueskyReceiver() as receiver:
        settings = f'settings = {{ base_url = "{receiver.url}", identifier = "acme.test" }}'
        line = 'kind = "sandbox"\nlooks_like = "bluesky"'
        bluesky = (line, f'kind = "bluesky"\nreplies = true\n{settings}')
        async with acme(tmp_path, bluesky) as here:
            why: Any = {"mark": "asked", "reason": "asked us to stop", "actor": IDA}
            for who in ("bluesky:@Eve.test", "*:eve.test"):
                await bar(here, who, **why)
            async with here.store.reading() as tx:
                listed = {(one.network, one.author) for one in await tx.engagement.list()}
            assert listed == {("bluesky", "did:plc:zyxwvutsrqponmlkjihgfedc"), ("*", "eve.test")}
            with pytest.raises(NotAllowed, match=r"nobody on Bluesky is called 'eve\.example' now"):
                await bar(here, "bluesky:eve.example", **why)


async def test_a_drill_answers_and_looks_up_nobody_outside(tmp_path: Path) -> None:
    nowhere = 'replies = true\nsettings = { base_url = "http://127.0.0.1:9", identifier = "acme.test" }'
    real = tuple((f'kind = "sandbox"\nlooks_like = "{kind}"', f'kind = "{kind}"\n{nowhere}') for kind in ("bluesky",))
    drill = '\n[drill]\nscenario = "A leaked customer database"\nposts = "posts.jsonl"\nreaches_people = false\n'
    async with acme(tmp_path, *real, more=drill) as here:
        theirs = post(
            1, "acme again", source="bluesky", author="did:plc:ada", id="at://did:plc:ada/app.bsky.feed.post/1"
        )
        incident = (await crisis_with(here, [theirs])).id
        await approved(here, await proposed(here, incident, (theirs, SAID[0])))
        [reply] = [p for p in sandbox(here) if p.purpose is Purpose.STATEMENT]
        assert reply.rendering.reply_to == theirs.id
        with pytest.raises(NotAllowed, match="write bluesky:did:plc"):
            await bar(here, "bluesky:eve.test", mark="asked", reason="asked", actor=IDA)


@pytest.mark.slow
async def test_care_gets_somebody_by_a_real_mail_once_and_an_unclear_end_is_put_before_a_human(tmp_path: Path) -> None:
    hostile = post(
        1,
        "declined\r\nBcc: eve@evil.example\r\n\r\n<script>x</script>\u202e",
        author="p1\nBcc: eve@evil.example",
        url="javascript:alert(1)",
    )
    with SmtpReceiver() as receiver:
        care = (
            f'[[notifiers]]\nname = "mailroom"\nkind = "smtp"\n[notifiers.settings]\nbase_url = "{receiver.url}"\n'
            'sender = "fireline@acme.example"\ntimeout = 5\n'
            '[[helpdesks]]\nname = "care"\nnotifier = "mailroom"\naddress = "care@acme.example"\n'
        )
        async with replying(tmp_path, more=care) as here:
            incident = (await crisis_with(here, [hostile, *DECLINED[1:]])).id
            who = f"mastodon:{hostile.author}"
            first = await hand_over_person(here, incident, who, "care", actor=ANA)
            again = await hand_over_person(here, incident, who, "care", actor=IDA)
            assert (first.state, again.id) == (DeliveryState.ACCEPTED, first.id)
            [(recipients, mail)] = receiver.mails
            assert (recipients, mail["To"], mail["Bcc"]) == (("care@acme.example",), "care@acme.example", None)
            assert mail["Subject"].startswith(f"{incident}: somebody on mastodon needs help")
            body = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
            assert ("javascript:" in body, "\u202e" in body, "no address is known" in body) == (False, False, True)
            receiver.data_answers.append("451 4.7.1 Greylisted")
            later = await hand_over_person(here, incident, f"mastodon:{DECLINED[1].author}", "care", actor=ANA)
            assert (later.state, len(receiver.mails)) == (DeliveryState.PENDING, 1)
            receiver.data_answers.append("554 5.7.1 Refused as spam")
            refused = await hand_over_person(here, incident, f"mastodon:{DECLINED[2].author}", "care", actor=ANA)
            assert (refused.state, "554" in refused.problem) == (DeliveryState.REFUSED, True)
            async with here.store.transaction() as tx:
                past = later.created_at - timedelta(days=9999)
                await tx.outbox.put_off(later.id, past, problem="", actor="test")
            await hand_over_person(here, incident, f"mastodon:{DECLINED[1].author}", "care", actor=ANA)
            assert len(receiver.mails) == 2
