"""Who is left behind, from deliveries alone: targets, people who were answered, what was taken back, what is on its way."""

from datetime import UTC, datetime

import pytest

from crisis.delivery import Delivery, DeliveryClass, DeliveryState, Purpose, Receipt
from crisis.statement import Answered, Part, Rendering, Target
from crisis.stranded import Audience, AudienceKind, End, Excuse, by_audience, end_of, excused

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
D = DeliveryState


def sent(
    id: str,
    statement: str,
    state: DeliveryState = D.ACCEPTED,
    *,
    reply_to: str = "",
    problem: str = "",
    answers: Answered | None = None,
) -> Delivery:
    return Delivery(
        id=id,
        incident="INC-1",
        purpose=Purpose.STATEMENT,
        statement=statement,
        version=1,
        rendering=Rendering(
            target=Target(channel="mastodon", kind="mastodon"),
            parts=(Part(text="x", length=1, limit=9),),
            reply_to=reply_to,
            answers=answers,
        ),
        delivery_class=DeliveryClass.NATIVE_KEY,
        state=state,
        receipt=Receipt(id=f"post-{id}", accepted_at=AT) if state in (D.ACCEPTED, D.RECONCILED) else None,
        problem=problem,
        created_at=AT,
        updated_at=AT,
    )


@pytest.mark.parametrize(
    ("last", "back", "end"),
    [
        ([], frozenset(), End.STRANDED),
        ([sent("2", "S2")], frozenset(), End.TOLD),
        ([sent("2", "S2", D.RECONCILED)], frozenset(), End.TOLD),
        ([sent("2", "S2", D.PENDING)], frozenset(), End.ON_ITS_WAY),
        ([sent("2", "S2", D.UNKNOWN)], frozenset(), End.ON_ITS_WAY),
        ([sent("2", "S2", D.REFUSED, problem="account closed")], frozenset(), End.STRANDED),
        ([sent("2", "S2")], frozenset({"2"}), End.STRANDED),
        ([], frozenset({"1"}), End.TAKEN_BACK),
    ],
)
def test_how_a_target_stands_follows_from_what_arrived_there(
    last: list[Delivery], back: frozenset[str], end: End
) -> None:
    found, says = end_of([sent("1", "S1")], last, back, "the resolution")
    assert found is end
    assert says


def test_an_answer_under_somebody_elses_post_is_an_audience_of_its_own_and_one_under_ours_is_not() -> None:
    first = sent("1", "S1")
    update = sent("2", "S2", reply_to="post-1")
    reply = sent("3", "S3", reply_to="a-strangers-post")
    assert {key: len(own) for key, own in by_audience([first, update, reply]).items()} == {
        ("mastodon", AudienceKind.TARGET): 2,
        ("mastodon>a-strangers-post", AudienceKind.REPLY): 1,
    }


def test_what_goes_under_our_reply_is_for_the_person_whom_it_answered() -> None:
    stranger = Answered(source="mastodon", id="a-strangers-post", author="ada")
    reply = sent("3", "S3", reply_to="a-strangers-post", answers=stranger)
    correction = sent("4", "S4", reply_to="post-3")
    assert {key: len(own) for key, own in by_audience([reply, correction]).items()} == {
        ("mastodon>a-strangers-post", AudienceKind.REPLY): 2,
    }


def test_a_reason_excuses_just_what_it_was_given_for() -> None:
    left = Audience(
        key="mastodon", kind=AudienceKind.TARGET, heard=("S1 v1",), wants="the resolution", end=End.STRANDED, says="x"
    )
    other = Excuse(key="mastodon", wants="the correction of S1", reason="closed", by="ida")
    assert excused(left, [other]).open
    assert excused(left, [other.model_copy(update={"wants": "the resolution"})]).end is End.EXCUSED
