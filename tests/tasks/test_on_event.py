"""Automations have people told and marketing frozen: once for an event, and never beyond the incident's circle."""

import pytest
from acme import ANA, CARL, IDA, acme, incident_in, sandbox

from tasks.installation import Installation
from tasks.on_event import NoSuchEvent, freeze_on_event, tell_of_event
from tasks.restrict import restrict

EVENT = {"incident": "INC-1", "severity": "SEV2"}


def notices(here: Installation) -> list[str]:
    return [p.rendering.target.address for p in sandbox(here) if "overdue" in p.rendering.subject]


async def test_people_and_roles_are_told_once_for_an_event(tmp_path):
    async with acme(tmp_path) as here:
        await incident_in(here)
        for _ in range(2):
            says = await tell_of_event(here, EVENT, ["incident_lead", ANA.upper()], "A promise is\n overdue")
            assert says.startswith("told ")
        told = notices(here)
        assert ANA in told
        assert len(told) == len(set(told)) >= 2
        await tell_of_event(here, {**EVENT, "commitment": "C2"}, [ANA], "A promise is overdue", by="email")
        assert len(notices(here)) == len(told) + 1, "another event is told anew"


async def test_whoever_may_not_see_the_incident_is_not_told(tmp_path):
    async with acme(tmp_path) as here:
        incident = await incident_in(here)
        await restrict(here, incident.id, (), actor=IDA, reason="personal data")
        assert await tell_of_event(here, EVENT, [CARL], "A promise is overdue") == "told nobody"
        assert notices(here) == []


@pytest.mark.parametrize(
    ("event", "to", "says", "mends"),
    [
        ({}, [IDA], "It burns", "names no incident"),
        ({"incident": "INC-9"}, [IDA], "It burns", "there is no incident 'INC-9'"),
        ({"incident": ["INC-1"]}, [IDA], "It burns", "names no incident"),
        (EVENT, [], "It burns", "nobody is to be told"),
        (EVENT, ["nobody@example.org"], "It burns", "nobody is called 'nobody@example.org'"),
        (EVENT, [IDA], " \n", "1 to 300 characters"),
        (EVENT, [IDA], "x" * 301, "1 to 300 characters"),
    ],
)
async def test_an_automation_that_is_set_up_wrongly_is_told_what_to_mend(tmp_path, event, to, says, mends):
    async with acme(tmp_path) as here:
        await incident_in(here)
        with pytest.raises(NoSuchEvent, match=mends):
            await tell_of_event(here, event, to, says)


async def test_freezing_on_an_event_can_be_repeated_and_ends_with_the_incident(tmp_path):
    async with acme(tmp_path) as here:
        await incident_in(here)
        assert await freeze_on_event(here, EVENT) == await freeze_on_event(here, EVENT)
        async with here.store.reading() as tx:
            assert await tx.ledger.list(kind="freeze.begun", incident="INC-1")
