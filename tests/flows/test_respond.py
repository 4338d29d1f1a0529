"""The response flow, run again from the top as often as Prefect likes: nothing is told, asked or published twice.

Prefect's tasks run here without a server, and its suspension is played: a queue of what people hand in.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pyotp
import pytest
from acme import ANA, IDA, NOON, acme, incident_in, sandbox
from pydantic import ValidationError

import config
from config import ConfigError
from crisis.approval import Policy, Verdict, Via
from crisis.clock import FixedClock
from crisis.delivery import Purpose
from crisis.incident import IncidentState
from crisis.values import CrisisType, Severity, StatementKind
from flows import publish as publishing
from flows import respond as responding
from records import NotFound
from tasks import approve, forms, incidents, steps
from tasks.installation import Installation


class Suspended(Exception):
    """The run stops here until somebody hands in a form."""

    def __init__(self, key: str, description: str) -> None:
        super().__init__(key)
        self.key, self.description = key, description


class Prefect:
    """Plays the server: forms by key; a form that is not there yet suspends the run."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []

    async def suspend(self, *, wait_for_input: Any, timeout: int, key: str) -> forms.ApprovalForm:
        assert timeout >= 14 * 24 * 3600, "expiry of a suspension fails the run"
        self.asked.append(key)
        assert self.asked.count(key) < 9, "the run asks for ever what has been answered"
        if key not in self.answers:
            raise Suspended(key, str(wait_for_input._description))
        return forms.ApprovalForm.model_validate(self.answers[key])


class Steps:
    """The stages themselves, without Prefect's shells around them."""

    def __getattr__(self, name: str) -> Any:
        return getattr(steps, name).fn

    @staticmethod
    async def show_incident(here: Installation, incident: str) -> None:
        """Artifacts need a server; the browser test sees them."""


class Played:
    """An installation, the flow on it, and Prefect around it."""

    def __init__(self, here: Installation, prefect: Prefect, code: pyotp.TOTP) -> None:
        self.here, self.prefect, self.code = here, prefect, code

    async def run(self, **given: Any) -> str:
        """The flow once, from the top; where it would be suspended, it raises ``Suspended``."""
        found: str = await responding.respond.fn(**given)
        return found

    async def until_suspended(self, **given: Any) -> Suspended:
        with pytest.raises(Suspended) as stopped:
            await self.run(**given)
        return stopped.value

    async def count(self, kind: str) -> int:
        async with self.here.store.reading() as tx:
            return len(await tx.ledger.list(kind=kind))

    def form(self, decision: str = "approve", code: str = "", **given: str) -> dict[str, Any]:
        filled = {"decision": decision, "approver": ANA, "role": "comms", "reason": "-"}
        return filled | {"one_time_code": code or self.code.now()} | given

    def said(self) -> list[str]:
        return sorted(p.rendering.target.channel for p in sandbox(self.here) if p.purpose is Purpose.STATEMENT)


@pytest.fixture
async def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Played]:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    async with acme(tmp_path, clock=FixedClock(NOON), flow_run_id=str(uuid.uuid4())) as here:
        prefect = Prefect()

        @asynccontextmanager
        async def opened(**_: Any) -> AsyncIterator[Installation]:
            yield here

        async def publish_alike(statement: str, version: int) -> str:
            said: str = await publishing.publish.fn(statement, version)
            return said

        async def nothing_suspended(run_id: str) -> bool:
            return False

        for module in (responding, publishing):
            monkeypatch.setattr(module, "installation", opened)
            monkeypatch.setattr(module, "steps", Steps())
        monkeypatch.setattr(responding, "publish", publish_alike)
        monkeypatch.setattr(responding, "asuspend_flow_run", prefect.suspend)
        monkeypatch.setattr(responding, "is_paused", nothing_suspended)
        async with here.store.transaction() as tx:
            uri = await tx.codes.enrol(ANA)
        yield Played(here, prefect, pyotp.TOTP(parse_qs(urlparse(uri).query)["secret"][0]))


CHANNELS = ["customer-list", "newsroom-bluesky", "newsroom-mastodon", "status-page"]


async def test_run_again_from_the_top_it_repeats_nothing(played: Played) -> None:
    incident = (await incident_in(played.here)).id
    first = await played.until_suspended(incident=incident)
    kinds = ("incident.claimed", "stakeholder.told", "statement.drafted", "statement.proposed", "delivery.accepted")
    before, posts = [await played.count(kind) for kind in kinds], len(sandbox(played.here))
    for _ in range(3):
        assert (await played.until_suspended(incident=incident)).key == first.key
    assert [await played.count(kind) for kind in kinds] == before
    assert len(sandbox(played.here)) == posts
    played.prefect.answers[first.key] = played.form()
    for _ in range(3):
        assert await played.run(incident=incident) == f"{incident}: {incident}-S1 v1 is out"
        assert played.said() == CHANNELS
    assert await played.count("decision.made") == 1
    assert await played.count("statement.published") == 1
    assert await played.count("commitment.made") == 1


async def test_a_wrong_code_asks_again_under_a_new_key_and_says_why(played: Played) -> None:
    incident = (await incident_in(played.here)).id
    first = await played.until_suspended(incident=incident)
    assert "What came of the last form" not in first.description
    played.prefect.answers[first.key] = played.form(code="000000")
    second = await played.until_suspended(incident=incident)
    assert second.key != first.key
    assert "the one-time code is wrong" in second.description
    assert played.said() == []
    played.prefect.answers[second.key] = played.form()
    await played.run(incident=incident)
    assert played.said() == CHANNELS


async def test_the_glass_is_broken_by_the_form_and_the_run_finds_it_done(played: Played) -> None:
    incident = (await incident_in(played.here)).id
    first = await played.until_suspended(incident=incident)
    hurry = played.form("break the glass", reason="nobody answers and people are being hurt")
    played.prefect.answers[first.key] = hurry
    assert await played.run(incident=incident) == f"{incident}: {incident}-S1 v1 is out"
    assert played.said() == CHANNELS
    async with played.here.store.reading() as tx:
        [released] = await tx.ledger.list(kind="statement.released")
    assert (released.actor, released.via) == (ANA, "prefect_ui")


async def test_an_approval_is_taken_back_by_the_form_and_the_run_goes_on_waiting(played: Played) -> None:
    book = played.here.playbooks[CrisisType.SERVICE_FAILURE]
    both = dict.fromkeys(StatementKind, Policy(roles={"comms": 1, "legal": 1}))
    played.here.playbooks[CrisisType.SERVICE_FAILURE] = book.model_copy(update={"approval": both})
    incident = (await incident_in(played.here)).id
    first = await played.until_suspended(incident=incident)
    async with played.here.store.reading() as tx:
        [text] = await tx.statements.list(incident)
    await approve.decide(
        played.here, statement=text.id, version=1, content_hash=text.content_hash, approver=ANA, role="comms",
        verdict=Verdict.APPROVE, via=Via.DESK,
    )  # fmt: skip
    played.prefect.answers[first.key] = played.form("take my approval back", reason="a number is wrong")
    second = await played.until_suspended(incident=incident)
    assert "waits for 1 × comms, 1 × legal" in second.description
    assert played.said() == []


@pytest.mark.parametrize(
    "answer",
    [{}, {"decision": "approve"}, {"decision": "yes", "approver": ANA}, {"decision": "", "approver": "", "role": ""}],
)
async def test_a_form_that_cannot_be_read_decides_nothing_and_asks_again(
    played: Played, answer: dict[str, str]
) -> None:
    incident = (await incident_in(played.here)).id
    first = await played.until_suspended(incident=incident)
    played.prefect.answers[first.key] = answer
    second = await played.until_suspended(incident=incident)
    assert second.key != first.key
    assert "could not be read" in second.description
    assert await played.count("decision.made") == await played.count("decision.refused") == 0
    assert played.said() == []


async def test_a_form_that_could_not_be_put_up_is_no_answer(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    async def still_suspended(run_id: str) -> bool:
        return True

    monkeypatch.setattr(responding, "is_paused", still_suspended)
    incident = (await incident_in(played.here)).id
    first = await played.until_suspended(incident=incident)
    played.prefect.answers[first.key] = {}
    with pytest.raises(ValidationError):
        await played.run(incident=incident)
    assert await played.count("approval.form") == 0


async def test_what_others_decided_elsewhere_ends_the_waiting(played: Played) -> None:
    incident = (await incident_in(played.here)).id
    first = await played.until_suspended(incident=incident)
    async with played.here.store.reading() as tx:
        [text] = await tx.statements.list(incident)
    await approve.decide(
        played.here,
        statement=text.id,
        version=1,
        content_hash=text.content_hash,
        approver=ANA,
        role="comms",
        verdict=Verdict.APPROVE,
        via=Via.DESK,
    )
    assert played.said() == CHANNELS, "at once, whatever the run does"
    played.prefect.answers[first.key] = dict(approve.CHECK_AGAIN)
    assert await played.run(incident=incident) == f"{incident}: {text.id} v1 is out"
    assert played.said() == CHANNELS


async def test_a_text_returned_by_the_form_waits_for_a_new_version_by_a_person(played: Played) -> None:
    incident = (await incident_in(played.here)).id
    first = await played.until_suspended(incident=incident)
    played.prefect.answers[first.key] = played.form("return", reason="too cold")
    second = await played.until_suspended(incident=incident)
    assert "too cold" in second.description
    async with played.here.store.reading() as tx:
        assert len(await tx.statements.versions(f"{incident}-S1")) == 1, "the template's words do not come back"


async def test_a_false_alarm_ends_the_response(played: Played) -> None:
    incident = (await incident_in(played.here)).id
    first = await played.until_suspended(incident=incident)
    await incidents.dismiss(played.here, incident, actor=IDA, reason="a drill")
    played.prefect.answers[first.key] = dict(approve.CHECK_AGAIN)
    says = await played.run(incident=incident)
    assert "not waiting for a response" in says or "ended before anything was published" in says
    assert played.said() == []


async def test_of_two_runs_of_one_incident_one_claims_it(played: Played) -> None:
    incident = (await incident_in(played.here)).id
    await played.until_suspended(incident=incident)
    ours, posts = played.here.flow_run_id, len(sandbox(played.here))
    played.here.flow_run_id = str(uuid.uuid4())
    assert "it has another run" in await played.run(incident=incident)
    assert len(sandbox(played.here)) == posts
    async with played.here.store.reading() as tx:
        assert (await tx.incidents.get(incident)).flow_run_id == ours


async def test_a_report_by_hand_opens_one_incident_however_often_it_runs(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responding, "flow_run", type("Run", (), {"id": played.here.flow_run_id}))
    report = {"title": " Payments fail ", "crisis_type": CrisisType.SERVICE_FAILURE, "severity": Severity.SEV2}
    for _ in range(2):
        await played.until_suspended(**report, reported_by=IDA)
    async with played.here.store.reading() as tx:
        [incident] = await tx.incidents.list()
        [opened] = await tx.ledger.list(kind="incident.opened")
    assert (incident.title, incident.state) == ("Payments fail", IncidentState.RESPONDING)
    assert opened.actor == f"unattributed (says {IDA})"


@pytest.mark.parametrize(
    ("given", "says"), [({}, "say in one line what has happened"), ({"title": "x", "watch": "nix"}, "no watch 'nix'")]
)
async def test_a_report_that_says_too_little_opens_nothing(played: Played, given: dict[str, str], says: str) -> None:
    with pytest.raises((forms.NotAReport, ConfigError), match=says):
        await played.run(**given)
    assert await played.count("incident.opened") == 0


async def test_an_incident_that_is_not_known_is_not_found(played: Played) -> None:
    with pytest.raises(NotFound):
        await played.run(incident="INC-404")


def test_the_form_has_no_answer_filled_in() -> None:
    assert all(field.is_required() for field in forms.ApprovalForm.model_fields.values())
    for field in forms.ApprovalForm.model_fields.values():
        assert field.title
        assert field.description


def test_what_wakes_a_run_fits_the_form_and_decides_nothing() -> None:
    woken = forms.ApprovalForm.model_validate(approve.CHECK_AGAIN)
    assert woken.decision is forms.Answer.CHECK_AGAIN


async def test_scheduled_posts_are_frozen_between_telling_and_drafting_and_once(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hand = config.SchedulerSettings(name="x-itself", kind="by_hand", settings={"what": "posts scheduled in X"})
    settings = played.here.settings.model_copy(update={"schedulers": (by_hand,)})
    monkeypatch.setattr(played.here, "settings", settings)
    incident = (await incident_in(played.here)).id
    for _ in range(2):
        await played.until_suspended(incident=incident)
    async with played.here.store.reading() as tx:
        kinds = [r.kind for r in await tx.ledger.list(incident=incident)]
    order = [
        kinds.index(kind) for kind in ("stakeholder.told", "post.freezing", "post.not_frozen", "statement.drafted")
    ]
    assert order == sorted(order)
    assert kinds.count("freeze.begun") == 1
