"""An open incident that nobody acts on nags: after 3, 6, 12 and 24 hours, to more people each time, until somebody acts."""

from datetime import timedelta

from acme import ANA, CARL, IDA, NOON, acme, fact_in, incident_in, sandbox
from hypothesis import given
from hypothesis import strategies as st

from crisis.clock import FixedClock
from crisis.delivery import Purpose
from crisis.forgotten import HOURS, due_nag
from crisis.values import CrisisType
from tasks.forgotten import nag
from tasks.incidents import dismiss

EVA = "eva@example.com"


def reminded(here):
    """Who was reminded, oldest first."""
    posts = [p for p in sandbox(here) if p.purpose is Purpose.NOTICE and "Forgotten?" in p.rendering.subject]
    return [p.rendering.target.address for p in sorted(posts, key=lambda p: p.at)]


async def at(here, hours):
    here.store.clock = FixedClock(NOON + timedelta(hours=hours))
    return await nag(here)


async def test_the_circle_widens_with_the_hours_and_each_reminder_comes_once(tmp_path):
    async with acme(tmp_path) as here:
        incident = await incident_in(here)
        lead = incident.lead
        assert await at(here, 2.9) == ""
        assert reminded(here) == []
        assert await at(here, 3.1) == f"forgotten: {incident.id}"
        assert reminded(here) == [lead]
        assert await at(here, 3.2) == ""
        for hours, wider in ((6.1, {IDA}), (12.1, {IDA, ANA, CARL}), (24.1, {IDA, ANA, CARL, EVA})):
            before = len(reminded(here))
            await at(here, hours)
            await at(here, hours + 0.1)
            told = reminded(here)[before:]
            assert set(told) == wider | {lead}
            assert len(told) == len(set(told))
        before = len(reminded(here))
        await at(here, 47)
        assert len(reminded(here)) == before
        await at(here, 48.5)
        assert len(reminded(here)) > before


async def test_any_act_by_a_person_begins_the_count_anew_and_a_closed_incident_is_left_alone(tmp_path):
    async with acme(tmp_path) as here:
        incident = await incident_in(here, kind=CrisisType.UNKNOWN)
        here.store.clock = FixedClock(NOON + timedelta(hours=2))
        await fact_in(here, incident)
        assert await at(here, 4.9) == ""
        assert await at(here, 5.1) != ""
        here.store.clock = FixedClock(NOON + timedelta(hours=6))
        await dismiss(here, incident.id, actor=IDA, reason="a false alarm")
        assert await at(here, 60) == ""


@given(st.floats(min_value=0, max_value=500))
def test_a_reminder_is_due_from_its_hour_on_and_later_ones_never_tell_fewer(hours):
    due = due_nag(NOON, NOON + timedelta(hours=hours))
    if hours < HOURS[0]:
        assert due is None
        return
    assert due is not None
    assert due.hours <= hours
    earlier = due_nag(NOON, NOON + timedelta(hours=hours / 2))
    assert earlier is None or set(earlier.roles) <= set(due.roles)
