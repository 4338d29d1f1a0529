"""Incidents and what belongs to them: facts, mentions, signals, commitments, people, observations."""

import asyncio
from datetime import timedelta

import pytest
from record_samples import ANA, AT, answer, assessment, fact, kinds, mention, opened, process
from sqlalchemy.exc import IntegrityError

from crisis.clock import FixedClock
from crisis.commitment import Commitment, CommitmentState
from crisis.fact import FactStatus
from crisis.incident import IllegalStep, IncidentState
from crisis.reaction import Observation, Reaction
from crisis.stakeholder import Stakeholder
from crisis.triage import Signal
from crisis.values import Severity
from crisis.watch import Mention, Watch
from records import NotFound, Store


async def test_incidents_are_numbered_and_read_back_as_opened(store: Store) -> None:
    async with store.transaction() as tx:
        first, second = await opened(tx), await opened(tx, "other")
        assert (first.id, second.id) == ("INC-1", "INC-2")
        assert await tx.incidents.get("INC-2") == second
        assert await tx.incidents.list() == [first, second]
        assert await tx.incidents.list(watch="other") == [second]
        assert await tx.incidents.live("acme") == [first]
        with pytest.raises(NotFound, match="INC-3"):
            await tx.incidents.get("INC-3")


async def test_many_openers_at_once_get_numbers_of_their_own(store: Store) -> None:
    async def one() -> str:
        async with store.transaction() as tx:
            return (await opened(tx)).id

    assert sorted(await asyncio.gather(*(one() for _ in range(8)))) == [f"INC-{n}" for n in range(1, 9)]


async def test_an_incident_makes_legal_steps_only_each_with_its_record(store: Store, clock: FixedClock) -> None:
    async with store.transaction() as tx:
        await opened(tx)
        await tx.incidents.step("INC-1", IncidentState.RESPONDING, reason="go", **ANA)
        await tx.incidents.step("INC-1", IncidentState.MONITORING, **ANA)
        clock.move(timedelta(hours=1))
        done = await tx.incidents.step("INC-1", IncidentState.RESOLVED, **ANA)
        assert done.closed_at == clock.now()
        assert await tx.incidents.get("INC-1") == done
        with pytest.raises(IllegalStep):
            await tx.incidents.step("INC-1", IncidentState.OPEN, **ANA)
        assert await tx.incidents.live("acme") == []
        assert await tx.incidents.list(states=[IncidentState.RESOLVED]) == [done]
    assert await kinds(store) == ["incident.opened", "incident.responding", "incident.monitoring", "incident.resolved"]


async def test_one_run_claims_an_incident_and_another_only_takes_over_from_it_by_name(store: Store) -> None:
    async with store.transaction() as tx:
        await opened(tx)
        assert await tx.incidents.claim("INC-1", "run-1")
        assert await tx.incidents.claim("INC-1", "run-1")
        assert not await tx.incidents.claim("INC-1", "run-2")
        assert not await tx.incidents.claim("INC-1", "run-2", takeover_from="run-0")
        assert await tx.incidents.claim("INC-1", "run-3", takeover_from="run-1")
        assert (await tx.incidents.get("INC-1")).flow_run_id == "run-3"
    assert (await kinds(store)).count("incident.claimed") == 2


@pytest.mark.slow
async def test_of_several_processes_one_claims(store: Store, url: str, keys) -> None:
    async with store.transaction() as tx:
        await opened(tx)
    workers = [await process("claim", url, str(keys), f"run-{n}") for n in range(3)]
    for worker in workers:
        assert await worker.stdout.readline() == b"ready\n"
    for worker in workers:
        worker.stdin.write(b"go\n")
    answers = await asyncio.gather(*(answer(worker) for worker in workers))
    assert sorted(answers) == ["claimed", "not mine", "not mine"]


async def test_every_assessment_is_kept_and_the_last_one_holds(store: Store) -> None:
    worse = assessment(Severity.SEV1, "ana@example.com")
    async with store.transaction() as tx:
        await opened(tx)
        for _ in range(2):
            incident = await tx.incidents.assess("INC-1", worse, reason="it is worse", **ANA)
        assert incident.severity is Severity.SEV1
        assert await tx.incidents.get("INC-1") == incident
        assert await tx.incidents.assessments("INC-1") == [assessment(), worse]
    assert (await kinds(store)).count("incident.assessed") == 1


async def test_a_fact_keeps_its_history(store: Store) -> None:
    async with store.transaction() as tx:
        await opened(tx)
        ids = [await tx.facts.next_id("INC-1") for _ in range(2)]
        assert ids == ["INC-1-F1", "INC-1-F2"]
        first = fact(ids[0], "INC-1")
        confirmed = fact(ids[0], "INC-1", FactStatus.CONFIRMED)
        other = fact(ids[1], "INC-1")
        for one in (first, first, other, confirmed):
            await tx.facts.put(one, **ANA)
        assert await tx.facts.get(ids[0]) == confirmed
        assert await tx.facts.history(ids[0]) == [first, confirmed]
        assert await tx.facts.list("INC-1") == [confirmed, other]
        with pytest.raises(NotFound):
            await tx.facts.get("INC-1-F9")
    assert (await kinds(store)).count("fact.saved") == 3


async def test_a_fact_of_no_incident_is_refused(store: Store) -> None:
    with pytest.raises(IntegrityError):
        async with store.transaction() as tx:
            await tx.facts.put(fact("INC-9-F1", "INC-9"), **ANA)
    assert await kinds(store) == []


HOSTILE = Mention(
    id="nul\u0000 and \u202ebidi " + "x" * 10_000,
    text="\u0000\ud83d broken <script>" + "🔥" * 100_000,
    created_at="0001-01-01T00:00:00+00:00",
    reposts=10**30,
    source="web\u0000hook",
)


async def test_mentions_are_kept_once_in_order_of_time(store: Store) -> None:
    later, earlier = mention("1", minutes=5), mention("2", minutes=1)
    async with store.transaction() as tx:
        await opened(tx)
        assert await tx.mentions.relied_on("INC-1", [later, earlier, later]) == 2
        assert await tx.mentions.relied_on("INC-1", iter([earlier])) == 0
        assert await tx.mentions.relied_on("INC-1", []) == 0
        assert await tx.mentions.list("INC-1") == [earlier, later]
        assert await tx.mentions.list("INC-1", limit=1) == [earlier]
        assert await tx.mentions.count("INC-1") == 2


async def test_thousands_of_mentions_are_kept_in_one_go(store: Store) -> None:
    async with store.transaction() as tx:
        await opened(tx)
        assert await tx.mentions.relied_on("INC-1", [mention(str(n)) for n in range(2500)]) == 2500
        assert await tx.mentions.count("INC-1") == 2500


async def test_a_hostile_post_is_kept_and_mended_where_it_cannot_be_stored(store: Store) -> None:
    async with store.transaction() as tx:
        await opened(tx)
        assert await tx.inbox.add([HOSTILE]) == 1
        assert await tx.inbox.add([HOSTILE]) == 0
        await tx.mentions.relied_on("INC-1", [HOSTILE])
        (kept,) = await tx.mentions.list("INC-1")
    assert kept.text.startswith("\u0000\ufffd broken <script>🔥")
    assert kept.id == HOSTILE.id
    assert kept.reposts == 10**30


async def test_the_inbox_gives_each_post_once_in_the_order_of_arrival(store: Store) -> None:
    async with store.transaction() as tx:
        assert await tx.inbox.add([mention("9"), mention("3")]) == 2
        assert await tx.inbox.add([mention("3"), mention("1")]) == 1
    async with store.reading() as tx:
        first = await tx.inbox.after(0, 2)
        assert [post.id for _, post in first] == ["9", "3"]
        rest = await tx.inbox.after(first[-1][0], 10)
        assert [post.id for _, post in rest] == ["1"]
        assert await tx.inbox.after(rest[-1][0], 10) == []


def signal(minutes: int, authors: int = 3) -> Signal:
    return Signal(
        watch="acme",
        at=AT + timedelta(minutes=minutes),
        window=timedelta(minutes=15),
        mentions=4,
        distinct_texts=4,
        authors=authors,
        usual_authors=1.5,
        negative_share=0.5,
        usual_negative_share=0.2,
        started_at=AT,
    )


async def test_signals_are_one_a_moment_and_found_by_time(store: Store) -> None:
    async with store.transaction() as tx:
        assert await tx.signals.latest("acme") is None
        for one in (signal(2), signal(0), signal(1), signal(1, authors=9)):
            await tx.signals.add(one)
        assert [s.authors for s in await tx.signals.list("acme")] == [3, 9, 3]
        since, until = AT + timedelta(minutes=1), AT + timedelta(minutes=1)
        assert await tx.signals.list("acme", since=since, until=until) == [signal(1, authors=9)]
        assert await tx.signals.latest("acme") == signal(2)


async def test_a_watch_is_recorded_when_it_changes_and_its_progress_is_kept(store: Store) -> None:
    watch = Watch(name="acme", brand="Acme", query="acme")
    async with store.transaction() as tx:
        for one in (watch, watch, watch.model_copy(update={"query": "acme OR #acme"})):
            await tx.watches.put(one)
        assert (await tx.watches.get("acme")).query == "acme OR #acme"
        assert len(await tx.watches.list()) == 1
        assert await tx.watches.progress("acme") is None
        await tx.watches.save_progress("acme", "17", "{}")
        await tx.watches.save_progress("acme", "18", '{"seen": 1}')
        assert await tx.watches.progress("acme") == ("18", '{"seen": 1}')
        with pytest.raises(NotFound):
            await tx.watches.get("nobody")
    assert await kinds(store) == ["watch.saved", "watch.saved"]


async def test_a_promise_is_made_once_reminded_and_settled_once(store: Store) -> None:
    promise = Commitment(id="c1", incident="INC-1", statement="INC-1-S1", text="Next update", due_at=AT)
    async with store.transaction() as tx:
        await opened(tx)
        assert await tx.commitments.add(promise, **ANA)
        assert not await tx.commitments.add(promise, **ANA)
        await tx.commitments.reminded("c1", AT)
        assert (await tx.commitments.list("INC-1", CommitmentState.OPEN))[0].reminded_at == AT
        for _ in range(2):
            kept = await tx.commitments.settle("c1", CommitmentState.KEPT, "INC-1-S2", AT, **ANA)
        assert (kept.state, kept.kept_by, kept.kept_at) == (CommitmentState.KEPT, "INC-1-S2", AT)
        assert await tx.commitments.list(state=CommitmentState.KEPT) == [kept]
        assert await tx.commitments.list(state=CommitmentState.OPEN) == []
        with pytest.raises(ValueError, match="cannot become broken"):
            await tx.commitments.settle("c1", CommitmentState.BROKEN, "sweep", AT, **ANA)
    assert await kinds(store) == ["incident.opened", "commitment.made", "commitment.reminded", "commitment.kept"]


async def test_who_held_which_role_is_on_record(store: Store) -> None:
    ana = Stakeholder(name="Ana", email="ana@example.com", roles=("comms",))
    lea = Stakeholder(name="Lea", email="lea@example.com", roles=("legal",))
    async with store.transaction() as tx:
        for people in ((ana, lea), (ana, lea), (lea.model_copy(update={"roles": ("executive",)}),)):
            await tx.stakeholders.put_all(people, actor="configuration")
        assert await tx.stakeholders.get("ana@example.com") is None
        assert [p.roles for p in await tx.stakeholders.list()] == [("executive",)]
        first, second = await tx.ledger.list(kind="stakeholder.saved")
        assert [p["email"] for p in first.data["saved"]] == ["ana@example.com", "lea@example.com"]
        assert second.data["removed"] == ["ana@example.com"]
        with pytest.raises(ValueError, match="identity"):
            await tx.stakeholders.put_all((ana, ana), actor="configuration")


async def test_an_observation_is_kept_once(store: Store) -> None:
    observed = Observation(
        incident="INC-1",
        at=AT,
        window=timedelta(minutes=15),
        mentions=3,
        authors=3,
        negative_share=0.1,
        before_mentions=90,
        before_authors=80,
        before_negative_share=0.8,
        verdict=Reaction.CALMING,
        calm=True,
        says="it is calming",
    )
    async with store.transaction() as tx:
        await opened(tx)
        assert await tx.observations.add(observed)
        assert not await tx.observations.add(observed)
        assert await tx.observations.list("INC-1") == [observed]


async def test_a_merged_incident_names_where_it_went_on_and_its_mentions_move(store: Store) -> None:
    async with store.transaction() as tx:
        await opened(tx)
        await opened(tx)
        await tx.mentions.relied_on("INC-1", [mention("1"), mention("2")])
        await tx.mentions.relied_on("INC-2", [mention("2"), mention("3"), mention("4")])
        merged = await tx.incidents.merge("INC-2", "INC-1", reason="one episode", **ANA)
        assert merged == await tx.incidents.get("INC-2")
        assert (merged.state, merged.merged_into) == (IncidentState.DISMISSED, "INC-1")
        assert await tx.mentions.move("INC-2", "INC-1", [mention("2"), mention("3")]) == 2
        assert [m.id for m in await tx.mentions.list("INC-2")] == ["4"]
        assert {m.id for m in await tx.mentions.list("INC-1")} == {"1", "2", "3"}
        with pytest.raises(IllegalStep):
            await tx.incidents.merge("INC-2", "INC-1", **ANA)
    assert (await kinds(store))[-2:] == ["incident.merged", "incident.took_up"]


async def test_a_narrative_has_one_fact_at_a_time_and_every_tie_is_on_record(store: Store) -> None:
    async with store.transaction() as tx:
        await opened(tx)
        await tx.incidents.tie("INC-1", "n-1", "INC-1-F1", **ANA)
        await tx.incidents.tie("INC-1", "n-1", "INC-1-F2", **ANA)
        await tx.incidents.tie("INC-1", "n-2", "INC-1-F2", **ANA)
        assert await tx.incidents.ties("INC-1") == {"n-1": "INC-1-F2", "n-2": "INC-1-F2"}
        await tx.incidents.tie("INC-1", "n-2", "", **ANA)
        assert await tx.incidents.ties("INC-1") == {"n-1": "INC-1-F2"}
    assert (await kinds(store)).count("narrative.tied") == 4


async def test_since_when_triage_sees_less_is_remembered_without_a_record(store: Store, clock: FixedClock) -> None:
    async with store.transaction() as tx:
        before = await opened(tx)
        seen = await tx.incidents.seen_lower("INC-1", clock.now())
        assert seen == await tx.incidents.get("INC-1")
        assert seen.lower_since == clock.now()
        assert await tx.incidents.seen_lower("INC-1", None) == before
    assert await kinds(store) == ["incident.opened"]
