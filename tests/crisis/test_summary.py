"""The summary says what happened in recorded numbers, and leaves out nothing that went wrong."""

from datetime import UTC, datetime, timedelta

from crisis.clocks import Publication, read_clocks
from crisis.commitment import Commitment, CommitmentState
from crisis.delivery import Delivery, DeliveryClass, DeliveryState, Purpose
from crisis.effect import Effect, Proposal, Verdict
from crisis.incident import Incident, IncidentState
from crisis.reaction import Observation, Reaction
from crisis.retrospect import did_not, worked
from crisis.statement import Part, Rendering, Target
from crisis.summary import Account, attention, figures, sentences
from crisis.triage import Assessment, Cluster, Strategy
from crisis.values import CrisisType, Severity, StatementKind

OPENED = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)


def after(minutes: float) -> datetime:
    return OPENED + timedelta(minutes=minutes)


INCIDENT = Incident(
    id="INC-1",
    watch="acme",
    title="t",
    state=IncidentState.RESOLVED,
    opened_at=OPENED,
    started_at=after(-6),
    closed_at=after(50),
    assessment=Assessment(
        severity=Severity.SEV1,
        type=CrisisType.DATA_BREACH,
        score=1,
        cluster=Cluster.ACCIDENTAL,
        strategy=Strategy.DIMINISH,
        assessed_at=OPENED,
    ),
)
WORD = Publication(statement="INC-1-S1", version=1, kind=StatementKind.RESOLUTION, at=after(12))


def delivery(state: DeliveryState, number: int = 0, purpose: Purpose = Purpose.STATEMENT) -> Delivery:
    return Delivery(
        id=str(number),
        incident="INC-1",
        purpose=purpose,
        statement="INC-1-S1",
        version=1,
        rendering=Rendering(
            target=Target(channel="list", kind="smtp", address=f"{number}@example.com"),
            parts=(Part(text="x", length=1, limit=9),),
        ),
        delivery_class=DeliveryClass.AT_MOST_ONCE,
        state=state,
        problem="because" if state is not DeliveryState.ACCEPTED else "",
        created_at=OPENED,
        updated_at=OPENED,
    )


def account(**changes: object) -> Account:
    base: dict[str, object] = {
        "incident": INCIDENT,
        "brand": "Acme",
        "at": after(60),
        "clocks": read_clocks(INCIDENT, [INCIDENT.assessment], [WORD], after(60)),
        "publications": (WORD,),
        "deliveries": (delivery(DeliveryState.ACCEPTED),),
        "approvers": 2,
    }
    return Account.model_validate(base | changes)


def test_a_response_without_faults_needs_no_attention_and_every_figure_is_good() -> None:
    assert attention(account()) == ()
    assert {f.label: f.value for f in figures(account())} == {
        "Noticed": "6 min",
        "First word": "12 min",
        "Reached": "1 of 1",
        "Clocks": "3 of 3",
    }
    assert all(f.good is not False for f in figures(account()))
    told = " ".join(sentences(account()))
    assert "opened 6 min after the first posts: SEV1, data breach" in told
    assert "One statement was published, approved by 2 people, and reached 1 of 1 targets" in told
    assert "resolved 50 min after it had opened" in told


def test_silence_is_said_and_missed() -> None:
    clocks = read_clocks(INCIDENT, [INCIDENT.assessment], [], after(60))
    silent = account(publications=(), deliveries=(), clocks=clocks)
    assert "Nothing was said to the public." in sentences(silent)
    assert any("Holding statement: did not come" in point for point in attention(silent))
    assert next(f for f in figures(silent) if f.label == "First word").good is False


def test_promises_broken_overdue_and_kept_late_are_told_apart() -> None:
    def promise(name: str, state: CommitmentState, kept: datetime | None = None) -> Commitment:
        return Commitment(
            id=name, incident="INC-1", statement="S", text=name, due_at=after(30), state=state, kept_at=kept
        )

    promises = (
        promise("broken one", CommitmentState.BROKEN),
        promise("open one", CommitmentState.OPEN),
        promise("late one", CommitmentState.KEPT, after(40)),
        promise("good one", CommitmentState.KEPT, after(20)),
    )
    said = attention(account(commitments=promises))
    assert said == (
        "A promise was broken: “broken one”, due by 14:30 UTC.",
        "A promise is overdue: “open one”, due by 14:30 UTC.",
        "A promise was kept 10 min late: “late one”, due by 14:30 UTC.",
    )


def test_deliveries_that_did_not_arrive_are_named_and_many_of_them_counted() -> None:
    one = attention(account(deliveries=(delivery(DeliveryState.UNKNOWN),)))
    assert one == ("INC-1-S1 v1 is not known to have reached list (0@example.com): because.",)
    notice = delivery(DeliveryState.UNKNOWN).model_copy(
        update={"purpose": Purpose.NOTICE, "problem": "550 0@example.com is not known here"}
    )
    (told,) = attention(account(notices=(notice,)))
    assert told == "A notice is not known to have reached list: 550 their address is not known here."
    many = tuple(delivery(DeliveryState.REFUSED, n) for n in range(4000))
    assert attention(account(deliveries=many)) == (
        "4,000 deliveries (statement): each was refused by its target, on list.",
    )
    taken_back = delivery(DeliveryState.REFUSED, purpose=Purpose.WITHDRAWAL)
    assert attention(account(deliveries=(taken_back,)))[0].startswith("The withdrawal of INC-1-S1 v1 was refused")


def test_a_reaction_that_still_grows_is_told() -> None:
    seen = Observation(
        incident="INC-1",
        at=after(40),
        window=timedelta(minutes=15),
        mentions=9,
        authors=9,
        negative_share=0.9,
        before_mentions=5,
        before_authors=5,
        before_negative_share=0.5,
        verdict=Reaction.GROWING,
        calm=False,
        says="it is growing",
    )
    assert attention(account(observations=(seen,))) == (
        "The reaction was still growing when last measured: it is growing.",
    )
    assert next(f for f in figures(account(observations=(seen,))) if f.label == "Reaction").good is False


def test_a_judged_effect_is_told_where_nothing_else_was_measured() -> None:
    judged = Effect(
        incident="INC-1",
        statement="INC-1-S1",
        version=1,
        kind=StatementKind.UPDATE,
        published_at=after(12),
        at=after(40),
        verdict=Verdict.WORSE,
        proposal=Proposal.CORRECT,
        says="Made it worse: 40 negative people a window",
        reasons=(),
    )
    told = account(effects=(judged,))
    assert "The effect of INC-1-S1 v1 was judged: made it worse: 40 negative people a window." in sentences(told)
    assert "INC-1-S1 v1: made it worse: 40 negative people a window." in attention(told)
    assert "INC-1-S1 v1: made it worse: 40 negative people a window." in did_not(told)
    assert not any("made it worse" in line for line in worked(told))
    assert next(f for f in figures(told) if f.label == "Reaction").good is False
