"""The trail of events tells each thing once, names its incident, and never stops a response."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import prefect.events
import pytest

from tasks import runs

PAYLOAD = {"incident": "INC-7", "watch": "acme"}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setattr(prefect.events, "emit_event", lambda **given: found.append(given))
    return found


def test_an_event_names_its_incident_as_the_triggers_expect_and_carries_its_payload(sent: list[dict[str, Any]]) -> None:
    runs.emit("incident.opened", incident="INC-7", reference="a", payload=PAYLOAD)
    [event] = sent
    assert event["event"] == "fireline.incident.opened"
    named = {"prefect.resource.id": "fireline.incident.INC-7", "prefect.resource.name": "INC-7"}
    assert event["resource"] == named | {f"fireline.{k}": v for k, v in PAYLOAD.items() if k in runs.LABELS}
    assert event["payload"] == PAYLOAD


def test_what_is_told_again_has_the_same_id_and_what_is_new_another(sent: list[dict[str, Any]]) -> None:
    for event, incident, reference in (
        ("incident.opened", "INC-7", "a"),
        ("incident.opened", "INC-7", "a"),
        ("incident.opened", "INC-7", "b"),
        ("incident.opened", "INC-8", "a"),
        ("incident.claimed", "INC-7", "a"),
    ):
        runs.emit(event, incident=incident, reference=reference, payload={})
    ids = [event["id"] for event in sent]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


def test_a_trail_that_cannot_be_left_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("no events today")

    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setattr(prefect.events, "emit_event", broken)
    runs.emit("incident.opened", incident="INC-7", reference="a", payload=PAYLOAD)


def test_lost_coverage_is_an_event_of_its_watch_that_names_the_source_and_the_open_incident(
    sent: list[dict[str, Any]],
) -> None:
    since = datetime(2026, 3, 2, 14, 2, tzinfo=UTC)
    for incident in ("INC-7", ""):
        told = {"watch": "acme", "source": "reddit", "since": since, "incident": incident, "says": "it answered 503"}
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
    runs.emit("incident.opened", incident="INC-7", reference="a", payload=PAYLOAD)
    started = await runs.start_run("respond/respond", key="k", name="n", parameters={})
    assert started.run_id == ""
    assert "no Prefect server is running here" in started.says
    assert not await runs.wake("0a7de1f4-52f0-5a4b-8a52-77f6f4a4f0f9", {})
    assert not await runs.is_over("0a7de1f4-52f0-5a4b-8a52-77f6f4a4f0f9"), "nobody takes over on hope"
