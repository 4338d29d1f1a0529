"""What people say of an incident is kept up to date while its severity stays: new claims are seen, and nothing else moves."""

from datetime import timedelta
from pathlib import Path

import pytest
from acme import NOON, acme, incident_in

from crisis.clock import FixedClock
from crisis.incident import Incident
from crisis.monitoring import BEGINS
from crisis.triage import Assessment, Narrative, Signal
from tasks.installation import Installation
from tasks.triage import open_detected


def says(*sizes: tuple[str, int]) -> tuple[Narrative, ...]:
    return tuple(Narrative(id=f"n-{name}", label=name, size=size, quote=f"the {name}!") for name, size in sizes)


def seen(incident: Incident, minutes: int, narratives: tuple[Narrative, ...]) -> Assessment:
    at = incident.opened_at + timedelta(minutes=minutes)
    return incident.assessment.model_copy(update={"narratives": narratives, "assessed_at": at, "assessed_by": "triage"})


async def look(here: Installation, incident: Incident, minutes: int, narratives: tuple[Narrative, ...]) -> Incident:
    assessment = seen(incident, minutes, narratives)
    signal = Signal(
        watch=incident.watch,
        at=assessment.assessed_at,
        window=timedelta(minutes=15),
        mentions=40,
        distinct_texts=40,
        authors=40,
        usual_authors=4,
        negative_share=0.8,
        usual_negative_share=0.2,
        alert="outrage",
        started_at=incident.opened_at,
    )
    found, _ = await open_detected(here, here.settings.watches[0], signal, assessment, [])
    return found


async def test_what_people_say_grows_while_the_severity_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    async with acme(tmp_path, clock=FixedClock(NOON)) as here:
        incident = await incident_in(here)
        rated = incident.assessment
        await look(here, incident, 12, says(("bill", 30), ("fire", 9)))
        soon = await look(here, incident, 15, says(("bill", 40), ("fire", 90)))
        later = await look(here, incident, 24, says(("bill", 31), ("fire", 90)))
        same = await look(here, incident, 40, says(("bill", 33), ("fire", 92)))
        async with here.store.reading() as tx:
            records = await tx.ledger.list(incident=incident.id)
        proof = await here.store.verify()
    assert [(n.label, n.size) for n in soon.assessment.narratives] == [("bill", 30), ("fire", 9)]
    assert [(n.label, n.size) for n in later.assessment.narratives] == [("bill", 31), ("fire", 90)]
    assert same.assessment == later.assessment
    bare = {"narratives": (), "narratives_at": None, "newcomers": ()}
    assert later.assessment.newcomers == ("n-bill", "n-fire"), "another matter may begin as one"
    assert later.assessment.model_copy(update=bare) == rated.model_copy(update=bare)
    retold = [r for r in records if r.kind == "incident.retold"]
    assert [r.reason for r in retold] == [
        "2 new, 0 changed in size by more than a fifth",
        "0 new, 1 changed in size by more than a fifth",
    ]
    assert "incident.retold" not in BEGINS
    assert proof.ok, proof


async def test_a_claim_that_a_fact_answers_stays_although_others_are_louder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    async with acme(tmp_path, clock=FixedClock(NOON)) as here:
        incident = await incident_in(here)
        await look(here, incident, 12, says(("fire", 9), ("rumour", 5)))
        async with here.store.transaction() as tx:
            await tx.incidents.tie(incident.id, "n-rumour", "INC-1-F1", actor="ida@example.com")
        later = await look(here, incident, 30, says(("bill", 80)))
    assert [n.label for n in later.assessment.narratives] == ["bill", "rumour"]
