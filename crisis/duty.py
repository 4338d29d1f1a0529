"""Who is asked first in a role, who stands in, and who is asked next when nobody answers.

A duty names people in the order in which they are asked: always, only in some hours, or taking turns (on call). Nobody
answers: the next of the list is asked; the list is through: everybody who holds the role, and whoever is named for it.
Where no duty holds, everybody with the role is asked at once. Pure: the same times give the same people, so that what
was allowed at a moment can be worked out again afterwards.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from crisis.stakeholder import Stakeholder
from crisis.values import Frozen, Names, UtcDatetime

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?"
    r"(?: (?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d))? (?P<zone>[A-Za-z0-9_+/-]+)"
)


class Hours(Frozen):
    """A weekly window on the clocks of one place."""

    days: frozenset[int]
    """0 is Monday."""
    start: time
    end: time
    """Not later than ``start``: on the next day; then the window belongs to the day on which it begins."""
    zone: str

    @classmethod
    def parse(cls, text: str) -> "Hours":
        """Read ``mon-fri 18:00-08:00 Europe/Berlin`` or ``sat-sun Europe/Berlin``.

        Raises:
            ValueError: it is not written so, or there is no such day, time or time zone.
        """
        found = _HOURS.fullmatch(text.strip())
        wrong = f'hours are written "mon-fri 08:00-18:00 Europe/Berlin" or "sat-sun Europe/Berlin", not {text!r}'
        if not found or not {found["first"], found["last"] or "mon"} <= set(DAYS):
            raise ValueError(wrong)
        first, last = DAYS.index(found["first"]), DAYS.index(found["last"] or found["first"])
        try:
            ZoneInfo(found["zone"])
            start, end = (time.fromisoformat(found[name] or "00:00") for name in ("start", "end"))
        except (ValueError, ZoneInfoNotFoundError, OSError):
            raise ValueError(f"{wrong}: no such time or time zone") from None
        days = frozenset((first + n) % 7 for n in range((last - first) % 7 + 1))
        return cls(days=days, start=start, end=end, zone=found["zone"])

    def hold(self, at: datetime) -> bool:
        """Whether ``at`` (aware) is within the window; its end is not."""
        there = at.astimezone(ZoneInfo(self.zone))
        day, clock = there.weekday(), there.time().replace(tzinfo=None)
        if self.start < self.end:
            return day in self.days and self.start <= clock < self.end
        return (day in self.days and clock >= self.start) or ((day - 1) % 7 in self.days and clock < self.end)


class Duty(Frozen):
    """Who is asked in a role, in order, and when."""

    role: str = Field(min_length=1)
    people: Names = ()
    """E-mail addresses of those who hold the role; whoever does not hold it any more is passed over."""
    deputies: Names = ()
    """Those who do not hold it, and may decide in it once they are asked: after the people, or when none is named."""
    hours: Names = ()
    """When this list holds, such as ``mon-fri 08:00-18:00 Europe/Berlin``; empty: always."""
    turn_days: int = Field(default=0, ge=0, le=366)
    """On call: after so many days (of 24 h) the next of the list is the first to be asked; 0: the order stays."""
    turns_from: UtcDatetime | None = None
    """When the first person's first turn begins."""

    @field_validator("hours", mode="after")
    @classmethod
    def _written_well(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for hours in value:
            Hours.parse(hours)
        return value

    @model_validator(mode="after")
    def _somebody_is_named(self) -> "Duty":
        if not (self.people or self.deputies):
            raise ValueError("a duty names people, or deputies, or both")
        return self

    @model_validator(mode="after")
    def _turns_begin(self) -> "Duty":
        if self.turn_days and self.turns_from is None:
            raise ValueError("turn_days needs turns_from: when the first person's first turn begins")
        return self

    def holds(self, at: datetime) -> bool:
        return not self.hours or any(Hours.parse(hours).hold(at) for hours in self.hours)

    def line(self, at: datetime, holders: Collection[str]) -> tuple[str, ...]:
        """Those of ``holders`` and of the deputies who are asked at that time, in order."""
        people = self.people
        if people and self.turn_days and self.turns_from is not None:
            turn = (at - self.turns_from) // timedelta(days=self.turn_days) % len(people)
            people = people[turn:] + people[:turn]
        return tuple(email for email in people if email in holders) + self.deputies


class Asked(Frozen):
    """Who has been asked in a role by now."""

    people: tuple[str, ...]
    """In the order in which they were asked."""
    step: int = 0
    """How often it was escalated because nobody answered."""
    in_vain: bool = False
    """Everybody there is was asked, and another wait is over."""


def line_at(duties: Iterable[Duty], role: str, at: datetime, holders: Collection[str]) -> tuple[str, ...]:
    """The people of the first duty for ``role`` that holds at that time; none when none does."""
    return next((duty.line(at, holders) for duty in duties if duty.role == role and duty.holds(at)), ())


def asked(
    role: str,
    *,
    people: Sequence[Stakeholder],
    duties: Sequence[Duty],
    but: Collection[str],
    since: datetime,
    now: datetime,
    every: timedelta,
) -> Asked:
    """Who has been asked to decide in ``role``.

    Args:
        people: all stakeholders; a name in a duty that is not among them is passed over.
        but: whom nobody asks: the author, and those whose turn is used already.
        since: when the role was first asked.
        every: how long an answer is waited for before the next one is asked.
    """
    known = {p.email for p in people} - set(but)
    holders = tuple(p.email for p in people if role in p.roles and p.email in known)
    step = max(0, (now - since) // every)
    line = tuple(email for email in line_at(duties, role, since, holders) if email in known)
    if line and step < len(line):
        on_duty = tuple(email for email in line_at(duties, role, now, holders) if email in known)[:1]
        return Asked(people=tuple(dict.fromkeys(line[: step + 1] + on_duty)), step=step)
    deputies = tuple(e for duty in duties if duty.role == role for e in duty.deputies if e in known)
    people_now = dict.fromkeys((*line, *holders, *(deputies if step else ())))
    return Asked(people=tuple(people_now), step=step, in_vain=step > (len(line) or bool(deputies)))
