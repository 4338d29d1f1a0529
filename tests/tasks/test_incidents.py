"""Candidates wait for a person, dismissals become labels, and what is wrongly one or two is put right by hand."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from acme import ANA, CARL, IDA, LENA, NOON, acme, incident_in

from crisis import severity
from crisis.commitment import Commitment
from crisis.fact import Fact, FactStatus
from crisis.incident import Dismissal, IllegalStep, Incident, IncidentState
from crisis.triage import Narrative, Signal
from crisis.values import CrisisType, Severity
from crisis.watch import Mention
from records import NotFound
from tasks import incidents, triage
from tasks.installation import Installation
from tasks.restrict import restrict

OVERHEATS = [f"acme kettle number {n} overheats and burns, smoke everywhere" for n in range(30)]
REFUND = [f"the acme hotline refused my refund, case {n} is lost" for n in range(20)]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Installation]:
    async with acme(tmp_path) as installation:
        yield installation


def posts(texts: list[str], prefix: str) -> list[Mention]:
    return [
        Mention(
            id=f"{prefix}{n}", text=text, created_at=NOON - timedelta(minutes=len(texts) - n), author=f"{prefix}{n}"
        )
        for n, text in enumerate(texts)
    ]


def signal(**changes: object) -> Signal:
    plain: dict[str, object] = {
        "watch": "acme",
        "at": NOON,
        "window": timedelta(minutes=15),
        "mentions": 50,
        "distinct_texts": 50,
        "authors": 50,
        "usual_authors": 5.0,
        "negative_share": 0.9,
        "usual_negative_share": 0.2,
        "started_at": NOON - timedelta(minutes=30),
        "alert": "outrage",
    }
    return Signal.model_validate(plain | changes)


async def detected(here: Installation, *, at: int = 0, **changes: object) -> tuple[Incident, bool]:
    """One look of triage at a signal ``at`` minutes after noon."""
    watch = here.settings.watch("acme")
    now = signal(at=NOON + timedelta(minutes=at), **changes)
    mentions = posts(OVERHEATS, "o") + posts(REFUND, "r")
    kind = CrisisType.SERVICE_FAILURE
    assessment = severity.assess(now, watch, mentions, playbooks=here.playbooks, crisis_type=kind)
    return await triage.open_detected(here, watch, now, assessment, mentions)


def asks_first(here: Installation, up_to: Severity) -> None:
    book = here.playbooks[CrisisType.SERVICE_FAILURE]
    here.playbooks[CrisisType.SERVICE_FAILURE] = book.model_copy(update={"confirm_up_to": up_to})


async def kinds(here: Installation, incident: str) -> list[str]:
    async with here.store.reading() as tx:
        return [record.kind for record in await tx.ledger.list(incident=incident)]


async def test_a_candidate_waits_until_a_person_confirms_it(here: Installation) -> None:
    asks_first(here, Severity.SEV2)
    found, new = await detected(here)
    assert new
    assert found.state is IncidentState.CANDIDATE
    assert await incidents.ask_to_confirm(here, found)
    told = [kind for kind in await kinds(here, found.id) if kind == "stakeholder.told"]
    assert len(told) == 1
    opened = await incidents.confirm(here, found.id, actor=IDA, reason="our phones ring")
    assert opened.state is IncidentState.OPEN
    async with here.store.reading() as tx:
        assert await tx.statements.list(found.id), "the holding statement lies before its approvers"
    with pytest.raises(IllegalStep):
        await incidents.confirm(here, found.id, actor=IDA, reason="again")


async def test_a_candidate_that_grows_beyond_its_limit_opens_by_itself(here: Installation) -> None:
    asks_first(here, Severity.SEV2)
    found, _ = await detected(here)
    same, new = await detected(here, at=2)
    assert (same.state, new) == (IncidentState.CANDIDATE, False)
    worse, new = await detected(
        here, at=4, authors=9000, acceleration=9.0, anger_share=0.9, reach=10**8, sources={"x": 1, "y": 1, "z": 1}
    )
    assert (worse.id, worse.severity) == (found.id, Severity.SEV1)
    assert (worse.state, new) == (IncidentState.OPEN, True)


async def test_a_storm_that_calms_is_lowered_slowly_and_not_under_a_text_before_its_approvers(
    here: Installation,
) -> None:
    found, _ = await detected(here, authors=3000)
    high = found.severity
    calm = {"authors": 5, "negative_share": 0.1}
    looks = [await detected(here, at=minute, **calm) for minute in range(2, 34, 2)]
    levels = [incident.severity for incident, _ in looks]
    assert levels[:-1] == [high] * (len(levels) - 1)
    assert levels[-1].weight == high.weight - 1
    again, _ = await detected(here, at=36, authors=3000)
    assert again.severity is high
    assert again.lower_since is None


async def test_why_an_alarm_was_dismissed_is_a_label(here: Installation) -> None:
    one, _ = await detected(here)
    await incidents.dismiss(here, one.id, actor=IDA, reason="they love us", label=Dismissal.PRAISE)
    two = await incident_in(here)
    await triage.override(
        here, two.id, severity=Severity.SEV1, crisis_type=CrisisType.SAFETY_HARM, actor=ANA, reason="people are hurt"
    )
    praise, crisis = await incidents.labels(here)
    assert (praise.label, praise.by, praise.reason, praise.incident) == ("praise", IDA, "they love us", one.id)
    assert praise.start == one.started_at
    assert (crisis.label, crisis.severity, crisis.by, crisis.reason) == ("crisis", "SEV1", ANA, "people are hurt")


async def test_two_that_are_one_are_merged_and_say_so(here: Installation) -> None:
    one, _ = await detected(here)
    two = await incident_in(here)
    async with here.store.transaction() as tx:
        await tx.mentions.relied_on(two.id, [*posts(REFUND, "r")[:5], *posts(["another one"], "x")])
    merged = await incidents.merge(here, two.id, one.id, actor=IDA, reason="the same")
    assert (merged.state, merged.merged_into) == (IncidentState.DISMISSED, one.id)
    async with here.store.reading() as tx:
        assert await tx.incidents.get(two.id) == merged
        assert await tx.mentions.count(one.id) == len(OVERHEATS) + len(REFUND) + 1
        assert await tx.mentions.count(two.id) == 0
    assert "incident.merged" in await kinds(here, two.id)
    assert "incident.took_up" in await kinds(here, one.id)
    assert [label.incident for label in await incidents.labels(here)] == [one.id]


async def test_an_incident_that_owes_the_public_a_word_is_not_merged_away(here: Installation) -> None:
    one, _ = await detected(here)
    two = await incident_in(here)
    async with here.store.transaction() as tx:
        promise = Commitment(id="c1", incident=two.id, statement="S", text="Next update at 15:00 UTC", due_at=NOON)
        await tx.commitments.add(promise, actor=IDA)
    with pytest.raises(IllegalStep, match="still owes the public: Next update"):
        await incidents.merge(here, two.id, one.id, actor=IDA, reason="the same")


@pytest.mark.parametrize(("one", "other"), [("SEV3", "SEV1"), ("SEV1", "SEV3")])
async def test_what_is_merged_is_as_grave_as_the_graver_of_both(one: str, other: str, here: Installation) -> None:
    whole, part = await incident_in(here), await incident_in(here)
    async with here.store.transaction() as tx:
        for incident, grave in ((whole, one), (part, other)):
            seen = incident.assessment.model_copy(
                update={"severity": Severity(grave), "score": 90 - 20 * int(grave[3])}
            )
            await tx.incidents.assess(incident.id, seen, actor="triage")
    await incidents.merge(here, part.id, whole.id, actor=IDA, reason="the same")
    async with here.store.reading() as tx:
        now = (await tx.incidents.get(whole.id)).assessment
    assert (now.severity, now.score) == (Severity.SEV1, 70)
    assert now.type is whole.assessment.type


async def test_one_that_is_two_is_split_by_narrative(here: Installation) -> None:
    old, _ = await detected(here)
    async with here.store.transaction() as tx:
        await tx.signals.add(signal())
    chosen = next(n for n in old.assessment.narratives if "refund" in n.quote)
    new = await incidents.split(here, old.id, chosen.id, actor=IDA, reason="another trouble")
    assert new.narrative == chosen.id
    assert new.state is IncidentState.OPEN
    async with here.store.reading() as tx:
        assert {m.text for m in await tx.mentions.list(new.id)} == set(REFUND)
        assert {m.text for m in await tx.mentions.list(old.id)} == set(OVERHEATS)
        assert await tx.statements.list(new.id)
    assert new.assessment.authors == len(REFUND)
    assert "incident.split" in await kinds(here, old.id)
    with pytest.raises(NotFound, match="has no narrative 'weather'; it has: n-"):
        await incidents.split(here, old.id, "weather", actor=IDA, reason="?")


async def test_what_was_merged_can_be_split_off_again_and_merged_again(here: Installation) -> None:
    """Before, what the merged one was about was no narrative of the other's: it could not be told apart any more."""
    one, two = await incident_in(here), await incident_in(here)
    async with here.store.transaction() as tx:
        for incident, found in ((one, posts(OVERHEATS, "o")), (two, posts(REFUND, "r"))):
            await tx.mentions.relied_on(incident.id, found)
            seen = severity.assess(signal(), here.settings.watch("acme"), found, playbooks=here.playbooks)
            await tx.incidents.assess(incident.id, seen, actor="triage")
        about = (await tx.incidents.get(two.id)).assessment.narratives[0]
    for _ in range(2):
        await incidents.merge(here, two.id, one.id, actor=IDA, reason="the same")
        async with here.store.reading() as tx:
            whole = await tx.incidents.get(one.id)
            [rated] = await tx.ledger.list(kind="incident.assessed", incident=one.id)  # nobody rated it anew
        assert rated.actor == "triage"
        assert about.id in {narrative.id for narrative in whole.assessment.narratives}
        two = await incidents.split(here, one.id, about.id, actor=IDA, reason="another trouble after all")
        async with here.store.reading() as tx:
            assert {m.text for m in await tx.mentions.list(two.id)} == set(REFUND)
            assert {m.text for m in await tx.mentions.list(one.id)} == set(OVERHEATS)
            assert (await tx.incidents.get(one.id)).severity is whole.severity


async def test_a_narrative_is_tied_to_the_fact_that_answers_it(here: Installation) -> None:
    found, _ = await detected(here)
    chosen: Narrative = found.assessment.narratives[0]
    fact = Fact(
        id=f"{found.id}-F1", incident=found.id, text="It burns.", status=FactStatus.REFUTED, owner=IDA, updated_at=NOON
    )
    async with here.store.transaction() as tx:
        await tx.facts.put(fact, actor=IDA)
    await incidents.tie(here, found.id, chosen.label, fact.id, actor=IDA)
    async with here.store.reading() as tx:
        assert await incidents.answers(tx, found.id) == {chosen.id: fact}
    await incidents.tie(here, found.id, chosen.id, "", actor=IDA)
    async with here.store.reading() as tx:
        assert await incidents.answers(tx, found.id) == {}
    assert (await kinds(here, found.id)).count("narrative.tied") == 2
    with pytest.raises(NotFound):
        await incidents.tie(here, found.id, chosen.id, "INC-9-F9", actor=IDA)


async def test_what_is_split_off_a_restricted_incident_stays_hidden(here: Installation) -> None:
    old, _ = await detected(here)
    async with here.store.transaction() as tx:
        await tx.signals.add(signal())
    await restrict(here, old.id, (LENA,), actor=IDA, reason="a person is named")
    chosen = next(n for n in old.assessment.narratives if "refund" in n.quote)
    new = await incidents.split(here, old.id, chosen.id, actor=IDA, reason="another trouble")
    async with here.store.reading() as tx:
        assert (await tx.restrictions.get(new.id)).people == (IDA, LENA)
        carl = await tx.stakeholders.get(CARL)
        told = await tx.ledger.list(kind="stakeholder.told", incident=new.id)
    assert {r.data["stakeholder"] for r in told} <= {IDA, LENA, new.lead}
    async with here.store.seen_by(carl).reading() as tx:
        assert await tx.incidents.list() == []
