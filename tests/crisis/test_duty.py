"""Hours on the clocks of a place, turns on call, and who is asked next."""

from datetime import UTC, datetime, timedelta

import pytest

from crisis.approval import Policy
from crisis.duty import Duty, Hours, asked
from crisis.stakeholder import Stakeholder

MONDAY = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PEOPLE = [
    Stakeholder(name=name, email=name, roles=roles)
    for name, roles in (("ana", ("comms",)), ("carl", ("comms",)), ("dora", ("support",)))
]


@pytest.mark.parametrize(
    ("hours", "at", "holds"),
    [
        ("mon-fri 08:00-18:00 Europe/Berlin", datetime(2026, 3, 2, 7, 0, tzinfo=UTC), True),  # 08:00 in winter
        ("mon-fri 08:00-18:00 Europe/Berlin", datetime(2026, 3, 2, 6, 59, tzinfo=UTC), False),
        ("mon-fri 08:00-18:00 Europe/Berlin", datetime(2026, 3, 2, 17, 0, tzinfo=UTC), False),
        ("mon-fri 08:00-18:00 Europe/Berlin", datetime(2026, 7, 6, 6, 0, tzinfo=UTC), True),  # 08:00 in summer
        ("mon-fri 08:00-18:00 Europe/Berlin", datetime(2026, 3, 7, 12, 0, tzinfo=UTC), False),  # Saturday
        ("fri 18:00-08:00 UTC", datetime(2026, 3, 7, 7, 59, tzinfo=UTC), True),  # the night of Friday
        ("fri 18:00-08:00 UTC", datetime(2026, 3, 6, 7, 0, tzinfo=UTC), False),  # the night of Thursday
        ("sat-sun Europe/Berlin", datetime(2026, 3, 8, 22, 59, tzinfo=UTC), True),
        ("sat-sun Europe/Berlin", datetime(2026, 3, 8, 23, 0, tzinfo=UTC), False),
        ("sun-mon UTC", MONDAY, True),
        ("sun-mon UTC", MONDAY + timedelta(days=1), False),
    ],
)
def test_hours_hold_on_the_clocks_of_their_place(hours: str, at: datetime, holds: bool) -> None:
    assert Hours.parse(hours).hold(at) is holds


@pytest.mark.parametrize(
    "wrong",
    ["always", "mon-fry 08:00-18:00 UTC", "mon 8-18 UTC", "mon 08:00-25:00 UTC", "mon 08:00-18:00 Mars/Olympus", ""],
)
def test_hours_that_cannot_be_read_say_how_they_are_written(wrong: str) -> None:
    with pytest.raises(ValueError, match="hours are written"):
        Hours.parse(wrong)


def who(minutes: int, *duties: Duty, but: tuple[str, ...] = ()) -> tuple[str, ...]:
    now = MONDAY + timedelta(minutes=minutes)
    every = timedelta(minutes=10)
    return asked("comms", people=PEOPLE, duties=duties, but=but, since=MONDAY, now=now, every=every).people


def test_without_a_duty_everybody_with_the_role_is_asked_at_once() -> None:
    assert who(0) == ("ana", "carl")


def test_the_next_is_asked_when_nobody_answers_and_in_the_end_everybody() -> None:
    duty = Duty(role="comms", people=("carl",), deputies=("dora",))
    assert [who(minutes, duty) for minutes in (0, 9, 10, 20)] == [
        ("carl",),
        ("carl",),
        ("carl", "dora"),
        ("carl", "dora", "ana"),
    ]


def test_those_on_call_take_turns() -> None:
    duty = Duty(role="comms", people=("ana", "carl"), turn_days=7, turns_from=MONDAY - timedelta(days=8))
    assert who(0, duty) == ("carl",)
    assert who(10, duty) == ("carl", "ana")


def test_outside_its_hours_a_duty_asks_nobody_first_and_its_deputies_late() -> None:
    duty = Duty(role="comms", deputies=("dora",), hours=("tue UTC",))
    assert who(0, duty) == ("ana", "carl")
    assert who(10, duty) == ("ana", "carl", "dora")


def test_in_hours_that_are_a_deputys_alone_the_deputy_is_asked_first() -> None:
    duty = Duty(role="comms", deputies=("dora",), hours=("mon UTC",))
    assert who(0, duty) == ("dora",)


def test_whoever_lost_the_role_or_is_not_to_be_asked_is_passed_over() -> None:
    duty = Duty(role="comms", people=("dora", "ghost", "ana", "carl"))
    assert who(0, duty) == ("ana",)
    assert who(0, duty, but=("ana",)) == ("carl",)


@pytest.mark.parametrize(
    "order", [(("comms",),), (("comms",), ("comms", "legal")), (("comms", "legal"), ()), (("x",),)]
)
def test_an_order_names_each_role_once(order: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(ValueError, match="order must name each of the roles once"):
        Policy(roles={"comms": 1, "legal": 1}, order=order)


@pytest.mark.parametrize("wrong", [{}, {"people": ("ana",), "turn_days": 7}])
def test_a_duty_that_says_too_little_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"names people|needs turns_from"):
        Duty(role="comms", **wrong)  # type: ignore[arg-type]
