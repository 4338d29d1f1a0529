"""The trail of events tells each thing once, names its incident, and never stops a response."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import prefect.events
import pytest
from acme import ANA, acme, incident_in, proposed_in

from crisis.approval import Verdict, Via
from crisis.events import INCIDENT_FIELDS, NAMED
from crisis.incident import Incident, IncidentState
from crisis.triage import Assessment, Cluster, Strategy
from crisis.values import CrisisType, Severity
from tasks import runs
from tasks.approve import decide
from tasks.triage import start_response

OPENED = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
STANDS = {"incident": "INC-7", "watch": "acme", "severity": "SEV2", "type": "data_breach", "state": "open"}


def incident(id: str = "INC-7") -> Incident:
    return Incident(
        id=id,
        watch="acme",
        title="Doors stay shut",
        state=IncidentState.OPEN,
        assessment=Assessment(
            severity=Severity.SEV2,
            score=50,
            type=CrisisType.DATA_BREACH,
            cluster=Cluster.ACCIDENTAL,
            strategy=Strategy.DIMINISH,
            assessed_at=OPENED,
        ),
        started_at=OPENED,
        opened_at=OPENED,
    )


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setattr(prefect.events, "emit_event", lambda **given: found.append(given))
    return found


def test_an_event_names_its_incident_as_the_triggers_expect_and_carries_its_payload(sent: list[dict[str, Any]]) -> None:
    runs.emit("incident.opened", incident=incident(), reference="a", payload={})
    [event] = sent
    assert event["event"] == "fireline.incident.opened"
    named = {"prefect.resource.id": "fireline.incident.INC-7", "prefect.resource.name": "INC-7"}
    assert event["resource"] == named | {f"fireline.{k}": v for k, v in STANDS.items() if k in runs.LABELS}
    assert event["payload"] == STANDS | {"title": "Doors stay shut"}


def test_an_event_carries_what_the_catalogue_says_and_nobodys_words_or_address(sent: list[dict[str, Any]]) -> None:
    loose = {
        "by": "ida@example.com",
        "reason": "she said so",
        "text": "We pay",
        "says": "…",
        "due_at": "2026-03-02T15:00:00Z",
    }
    runs.emit(
        "commitment.overdue", incident=incident(), reference="a", payload={"commitment": "INC-7-S1v1-C1", **loose}
    )
    runs.emit("incident.resolved", incident=incident(), reference="a", payload=loose)
    overdue, resolved = (event["payload"] for event in sent)
    assert overdue == STANDS | {"commitment": "INC-7-S1v1-C1", "due_at": "2026-03-02T15:00:00Z"}
    assert resolved == STANDS


async def test_every_event_of_a_statement_s_way_out_carries_each_field_of_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    told: dict[str, Any] = {}
    monkeypatch.setattr(
        runs, "_emit", lambda event, _about, _name, _told, payload: told.update({event: payload.keys()})
    )
    async with acme(tmp_path) as here:
        found = await incident_in(here)
        await start_response(here, found)
        text = await proposed_in(here, found)
        await decide(
            here,
            statement=text.id,
            version=1,
            content_hash=text.content_hash,
            approver=ANA,
            role="comms",
            verdict=Verdict.APPROVE,
            via=Via.CLI,
        )
    assert told.keys() >= {"incident.opened", "statement.proposed", "decision.approve", "statement.published"}
    for name, fields in told.items():
        assert fields == {*INCIDENT_FIELDS, *NAMED[name].carries}, name


def test_what_is_told_again_has_the_same_id_and_what_is_new_another(sent: list[dict[str, Any]]) -> None:
    for event, id, reference in (
        ("incident.opened", "INC-7", "a"),
        ("incident.opened", "INC-7", "a"),
        ("incident.opened", "INC-7", "b"),
        ("incident.opened", "INC-8", "a"),
        ("incident.claimed", "INC-7", "a"),
    ):
        runs.emit(event, incident=incident(id), reference=reference, payload={})
    ids = [event["id"] for event in sent]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


def test_a_trail_that_cannot_be_left_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("no events today")

    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setattr(prefect.events, "emit_event", broken)
    runs.emit("incident.opened", incident=incident(), reference="a", payload={})


def test_lost_coverage_is_an_event_of_its_watch_that_names_the_source_and_the_open_incident(
    sent: list[dict[str, Any]],
) -> None:
    since = datetime(2026, 3, 2, 14, 2, tzinfo=UTC)
    for id in ("INC-7", ""):
        told = {"watch": "acme", "source": "reddit", "since": since, "incident": id, "says": "it answered 503"}
        runs.emit_coverage("coverage.lost", **told)  # type: ignore[arg-type]
    runs.emit_coverage("coverage.returned", **{**told, "since": since + timedelta(minutes=5)})  # type: ignore[arg-type]
    lost, again, returned = sent
    assert lost["event"] == "fireline.coverage.lost"
    named = {"prefect.resource.id": "fireline.watch.acme", "prefect.resource.name": "acme"}
    assert lost["resource"] == named | {"fireline.watch": "acme"}
    assert [r["prefect.resource.id"] for r in lost["related"]] == ["fireline.source.reddit", "fireline.incident.INC-7"]
    assert lost["payload"] == {**told, "since": since.isoformat(), "incident": "INC-7"}
    assert lost["id"] == again["id"], "told again after a restart it is the same event"
    assert returned["event"] == "fireline.coverage.returned"
    assert returned["id"] != lost["id"]


def test_every_event_is_explained_in_the_catalogue_of_events() -> None:
    root = Path(runs.__file__).parents[1]
    catalogue = (root / "docs" / "events.md").read_text(encoding="utf-8")
    code = "\n".join(file.read_text(encoding="utf-8") for file in (root / "tasks").glob("*.py"))
    emitted = set(re.findall(r"""\bemit\(\s*f?"([a-z]+\.[a-z{}.]+)\"""", code)) | {"coverage.lost", "coverage.returned"}
    assert len(emitted) >= 9
    for event in emitted:
        name = event.partition("{")[0]
        assert f"`fireline.{name}" in catalogue, event


async def test_without_a_server_nothing_is_sent_started_or_woken_and_the_answer_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setattr(prefect.events, "emit_event", lambda **given: pytest.fail("sent without a server"))
    runs.emit("incident.opened", incident=incident(), reference="a", payload={})
    started = await runs.start_run("respond/respond", key="k", name="n", parameters={})
    assert started.run_id == ""
    assert "no Prefect server is running here" in started.says
    assert not await runs.wake("0a7de1f4-52f0-5a4b-8a52-77f6f4a4f0f9", {})
    assert not await runs.is_over("0a7de1f4-52f0-5a4b-8a52-77f6f4a4f0f9"), "nobody takes over on hope"
