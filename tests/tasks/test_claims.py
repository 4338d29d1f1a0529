"""A false claim is corrected under the few posts that carry it, from a confirmed fact, and under no more, whoever tries."""

from datetime import timedelta
from pathlib import Path

import pytest
from acme import ANA, IDA
from replying import FALSE, answering_fact, approved, crisis_with, post, replying, texts

import tasks.replies
from crisis.approval import NotAllowed
from crisis.delivery import DeliveryState
from crisis.fact import FactStatus
from crisis.incident import Incident
from crisis.replies import PER_NARRATIVE
from crisis.statement import Statement
from crisis.triage import Narrative, Strategy
from records import StatementStatus
from tasks.approve import propose
from tasks.claims import claims, prepare_correction
from tasks.deliver import deliver
from tasks.incidents import tie
from tasks.installation import Installation
from tasks.linting import check_statement
from tasks.publish import delivery_of
from tasks.reply_drafts import Answer, _rendering, _statement, draft_replies

WHY = "The sentence people quote is about card networks, not about advertisers"
POSTS = (
    *(post(n, f"{FALSE}. Number {n} of my reasons", followers=90_000 - 1_000 * n) for n in range(1, 12)),
    post(50, FALSE, followers=500_000),
    *(post(n, f"RT: {FALSE}", followers=300_000, reposts=1) for n in range(51, 54)),
    *(post(n, f"Acme tills broke again, queue of {n} people and no staff", followers=2_000_000) for n in range(60, 70)),
)


async def claimed(here: Installation, *, tied: bool = True) -> tuple[Incident, Narrative]:
    incident = await crisis_with(here, POSTS)
    narrative = Narrative(id="n-1", label="sells payment data", size=15, quote=FALSE)
    other = Narrative(id="n-2", label="tills broke", size=10, quote=POSTS[-1].text)
    assessment = incident.assessment.model_copy(update={"narratives": (narrative, other)})
    async with here.store.transaction() as tx:
        incident = await tx.incidents.assess(incident.id, assessment, actor=IDA)
    if tied:
        fact = await answering_fact(here, incident)
        await tie(here, incident.id, "n-1", fact.id, actor=IDA)
    return incident, narrative


async def test_the_correction_goes_to_the_smallest_set_that_carries_most_of_the_reach_copies_folded(
    tmp_path: Path,
) -> None:
    async with replying(tmp_path) as here:
        incident, narrative = await claimed(here)
        claim = next(c for c in await claims(here, incident.id) if c.narrative.id == narrative.id)
        assert claim.spread.posts == 15
        assert claim.carriers.chosen[0].mention.author == "p50@social.example"
        assert claim.carriers.chosen[0].posts >= 4, "its three copies are folded into it"
        assert claim.carriers.enough
        text = await prepare_correction(here, incident.id, "sells payment data", why=WHY, author=IDA)
        assert len(text.renderings) == len(claim.carriers.chosen) <= PER_NARRATIVE
        assert text.strategy is Strategy.DENY
        for said, rendering in zip(texts(text), text.renderings, strict=True):
            first, last = (
                said.index("Acme has never sold payment data"),
                said.rindex("Acme has never sold payment data"),
            )
            assert first < said.index(WHY) < said.index("https://acme.example/audit") < last, "fact, why, proof, fact"
            assert "advertisers, they admitted" not in said, "the claim is not repeated"
            assert rendering.answers is not None
            assert rendering.answers.narrative == narrative.id
        assert not [f for f in await check_statement(here, text) if f.level == "block"]
        await propose(here, text, by=IDA)
        after = next(c for c in await claims(here, incident.id) if c.narrative.id == narrative.id)
        assert after.corrected == len(text.renderings)
        assert after.carriers.chosen == (), "no copy of an answered text is answered again"
        assert "carries most of its reach" in after.hinders
        async with here.store.transaction() as tx:
            await tx.statements.set_status(text.id, 1, StatementStatus.WITHDRAWN, actor=IDA)
            await tx.engagement.bar("mastodon", "p50@social.example", mark="legal", why="in court", actor=IDA)
        again = next(c for c in await claims(here, incident.id) if c.narrative.id == narrative.id)
        assert again.corrected == 0, "what was taken back binds nothing"
        assert "p50@social.example" not in [c.mention.author for c in again.carriers.chosen]
        assert again.carriers.chosen[0].mention.author in {f"p{n}@social.example" for n in (51, 52, 53)}


@pytest.mark.parametrize(
    ("status", "evidence", "says"),
    [(None, "", "no fact answers it"), ("confirmed", " ", "no evidence"), ("unconfirmed", "x", "not confirmed"),
     ("refuted", "x", "what is false")],
)  # fmt: skip
@pytest.mark.slow
async def test_without_a_confirmed_fact_and_its_evidence_nothing_is_denied(
    tmp_path: Path, status: str | None, evidence: str, says: str
) -> None:
    async with replying(tmp_path) as here:
        incident, _ = await claimed(here, tied=False)
        if status:
            fact = await answering_fact(here, incident, evidence=evidence)
            async with here.store.transaction() as tx:
                await tx.facts.put(fact.model_copy(update={"status": FactStatus(status)}), actor=IDA)
            await tie(here, incident.id, "n-1", fact.id, actor=IDA)
        with pytest.raises(NotAllowed, match=says):
            await prepare_correction(here, incident.id, "n-1", why=WHY, author=IDA)


async def forged(here: Installation, incident: Incident, posts: range, number: int) -> Statement:
    """A statement that skips every check of drafting, written straight into the records."""
    async with here.store.transaction() as tx:
        drafts = [Answer(POSTS[n], f"Acme has never sold payment data. Reply {n}.", "en", "n-1") for n in posts]
        text = _statement(
            here,
            incident,
            tuple(_rendering(here, d) for d in drafts),
            id=f"{incident.id}-S{90 + number}",
            version=1,
            author=IDA,
            facts=tuple(await tx.facts.list(incident.id)),
            strategy=Strategy.DENY,
        )
        await tx.statements.add(text, actor=IDA)
    return text


async def test_no_way_round_leads_to_more_than_the_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with replying(tmp_path) as here:
        incident, _ = await claimed(here)
        six = [Answer(m, f"Acme has never sold payment data. Reply {m.author}.", "en", "n-1") for m in POSTS[:6]]
        with pytest.raises(NotAllowed, match="never a mass reply"):  # drafting
            await draft_replies(here, incident.id, six, author=IDA)
        whole = await forged(here, incident, range(6), 1)
        with pytest.raises(NotAllowed, match="never a mass reply"):  # proposing
            await propose(here, whole, by=IDA)
        three, more = await forged(here, incident, range(3), 2), await forged(here, incident, range(3, 7), 3)
        await propose(here, three, by=IDA)
        await propose(here, more, by=IDA)
        await approved(here, three, (ANA, "comms"))
        with pytest.raises(NotAllowed, match="never a mass reply"):  # the last decision
            await approved(here, more, (ANA, "comms"))
        async with here.store.transaction() as tx:  # and straight into the outbox, past every decision
            assert await tx.statements.status(more.id, 1) is StatementStatus.VOIDED
            planned = [delivery_of(here, more, rendering) for rendering in more.renderings]
            for delivery in planned:
                await tx.outbox.enqueue(delivery, actor="intruder")
            waiting = [d for d in await tx.outbox.list(statement=three.id) if d.state is DeliveryState.PENDING]
        assert len(waiting) == 2
        last = await deliver(here, planned[-1].id)
        assert (last.state, "not approved" in last.problem) == (DeliveryState.REFUSED, True)
        async with here.store.transaction() as tx:
            await tx.statements.set_status(more.id, 1, StatementStatus.APPROVED, actor="intruder")
        monkeypatch.setattr(tasks.replies, "GAP", timedelta())
        for delivery in [*waiting, *planned[:3]]:
            async with here.store.transaction() as tx:
                await tx.outbox.put_off(
                    delivery.id, delivery.created_at - timedelta(days=99), problem="", actor="intruder"
                )
        went = [await deliver(here, d.id) for d in [*planned[:3], *waiting]]
        async with here.store.reading() as tx:
            arrived = [d for d in await tx.outbox.replies(incident=incident.id) if d.arrived]
        assert len(arrived) == PER_NARRATIVE, [d.problem for d in went]
        assert ["never a mass reply" in d.problem for d in went if not d.arrived] == [True]


@pytest.mark.slow
async def test_a_fact_that_falls_takes_its_correction_with_it(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        incident, _ = await claimed(here)
        text = await prepare_correction(here, incident.id, "n-1", why=WHY, author=IDA)
        await propose(here, text, by=IDA)
        await tie(here, incident.id, "n-1", "", actor=IDA)
        with pytest.raises(NotAllowed, match="not tied to a fact"):
            await approved(here, text, (ANA, "comms"))


@pytest.mark.slow
async def test_only_a_reply_that_corrects_a_claim_may_deny(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        incident, _ = await claimed(here)
        denial = "We deny that anything went wrong with your card."
        async with here.store.transaction() as tx:
            sorry = await forged_apology(here, incident)
            await tx.statements.add(sorry, actor=IDA)
            await tx.statements.set_status(sorry.id, 1, StatementStatus.PUBLISHED, actor=IDA)
        personal = await draft_replies(here, incident.id, [Answer(POSTS[0], denial, "en")], author=IDA)
        assert "contradiction" in {f.rule for f in await check_statement(here, personal) if f.level == "block"}
        text = await prepare_correction(here, incident.id, "n-1", why=WHY, author=IDA)
        assert "contradiction" not in {f.rule for f in await check_statement(here, text)}


async def forged_apology(here: Installation, incident: Incident) -> Statement:
    from crisis.drafting import propose_statement
    from crisis.values import StatementKind

    assessment = incident.assessment.model_copy(update={"strategy": Strategy.REBUILD})
    return propose_statement(
        id=f"{incident.id}-S80",
        version=1,
        kind=StatementKind.SUBSTANTIVE,
        incident=incident.model_copy(update={"assessment": assessment}),
        facts=(),
        headline="We apologise",
        body="We apologise: our tills declined your cards, and that was our mistake.",
        outlets=(),
        audience="all",
        now=here.clock.now(),
        author=IDA,
    )


async def test_narratives_that_have_become_one_are_one_claim(tmp_path: Path) -> None:
    async with replying(tmp_path) as here:
        incident, _ = await claimed(here)
        twin = Narrative(id="n-3", label="payment sold", size=4, quote=POSTS[2].text)
        assessment = incident.assessment.model_copy(update={"narratives": (twin, *incident.assessment.narratives)})
        async with here.store.transaction() as tx:
            await tx.incidents.assess(incident.id, assessment, actor=IDA)
        found = await claims(here, incident.id)
    assert {c.narrative.id: c.also for c in found} == {"n-1": ("payment sold",), "n-2": ()}
