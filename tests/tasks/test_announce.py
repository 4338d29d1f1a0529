"""Other systems are told of what is on record: all of it, in order, signed, and of nothing that is not for them."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from acme import ANA, IDA, acme, incident_in, proposed_in
from counting_http import HttpReceiver
from standardwebhooks import Webhook
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import config
from crisis.approval import Verdict, Via
from crisis.events import EVENTS, FIELDS, INCIDENT_FIELDS
from integrations import Misconfigured, connect
from tasks.announce import announce, events_after
from tasks.approve import decide
from tasks.installation import Installation
from tasks.restrict import restrict

SECRET = "whsec_" + "c2VjcmV0" * 5
BOARD = (
    '[[subscribers]]\nname = "board"\nkind = "cloudevents"\n{more}[subscribers.settings]\nbase_url = "{url}/events"\n'
)
ROOT = Path(__file__).parents[2]


class Board(HttpReceiver):
    """A receiver that verifies with the standard's own library and answers as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 204
        self.taken: list[dict[str, Any]] = []

    def routes(self) -> list[Route]:
        return [Route("/events", self._take, methods=["POST"])]

    async def _take(self, request: Request) -> Response:
        event = Webhook(SECRET).verify(await request.body(), dict(request.headers))
        assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
        assert request.headers["webhook-id"] == event["id"]
        if self.status < 300:
            self.taken.append(event)
        return Response(status_code=self.status)

    @property
    def types(self) -> list[str]:
        return [str(event["type"]).removeprefix("fireline.") for event in self.taken]


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FIRELINE_BOARD_SECRET", SECRET)
    with Board() as receiver:
        yield receiver


def subscribed(board: Board, more: str = "") -> str:
    return BOARD.format(url=board.url, more=more)


async def rested(here: Installation) -> None:
    """As if the time to try again had come."""
    async with here.store.transaction() as tx:
        place = await tx.subscriptions.get("board")
        assert place is not None
        await tx.subscriptions.put(place.model_copy(update={"again_at": datetime.now(UTC) - timedelta(seconds=1)}))


async def test_what_happens_is_told_in_order_once_and_carries_no_words_of_statements(tmp_path, board):
    async with acme(tmp_path, more=subscribed(board)) as here:
        assert await announce(here) == "", "it hears of what happens from now on"
        incident = await incident_in(here)
        statement = await proposed_in(here, incident)
        await decide(
            here, statement=statement.id, version=1, content_hash=statement.content_hash, approver=ANA, role="comms",
            verdict=Verdict.APPROVE, via=Via.CLI,
        )  # fmt: skip
        assert await announce(here) == ""
        assert await announce(here) == ""
        ended = await events_after(here, 0, limit=3)
        asked = [e for after in (0, ended[1]) for e in (await events_after(here, after, limit=100 if after else 3))[0]]
    assert board.types[0] == "incident.opened"
    assert [t for t in board.types if t in ("statement.proposed", "decision.approve")] == [
        "statement.proposed", "decision.approve",
    ]  # fmt: skip
    assert [e["id"] for e in board.taken] == [e.id for e in asked], "the read API says the same"
    assert len({e["id"] for e in board.taken}) == len(board.taken)
    opened = board.taken[0]
    assert (opened["specversion"], opened["subject"], opened["source"]) == ("1.0", "INC-1", "http://127.0.0.1:8420/")
    assert opened["data"]["severity"] == "SEV2"
    assert statement.body[:40] not in json.dumps(board.taken)
    assert "@example.com" not in json.dumps(board.taken)


async def test_what_was_not_taken_is_sent_again_and_what_is_behind_it_waits(tmp_path, board):
    async with acme(tmp_path, more=subscribed(board)) as here:
        await announce(here)
        incident = await incident_in(here)
        board.status = 503
        assert "board did not take an event" in await announce(here)
        assert await announce(here) == "", "it rests"
        await proposed_in(here, incident)
        board.status = 204
        await rested(here)
        assert await announce(here) == ""
        async with here.store.reading() as tx:
            told = [r.kind for r in await tx.ledger.list(kinds=["subscriber.lost", "subscriber.returned"])]
            checked = [c for c in await tx.checks.list() if c.part == "subscriber"]
    assert told == ["subscriber.lost", "subscriber.returned"]
    assert [c.ok for c in checked] == [True]
    assert board.types[0] == "incident.opened"
    assert "statement.proposed" in board.types
    sequence = [int(e["sequence"]) for e in board.taken]
    assert sequence == sorted(set(sequence))


async def test_only_what_was_asked_for_is_told_and_nothing_of_restricted_incidents(tmp_path, board):
    more = subscribed(board, 'events = ["fireline.incident.*"]\n')
    async with acme(tmp_path, more=more) as here:
        await announce(here)
        incident = await incident_in(here)
        await restrict(here, incident.id, (), actor=IDA, reason="personal data")
        await proposed_in(here, incident)
        await announce(here)
        assert board.taken == []
        assert [e for e in (await events_after(here.seen_by(None), 0, limit=100))[0] if e.subject == "INC-1"] == []
        await incident_in(here)
        await announce(here)
    assert {(e["subject"], e["type"]) for e in board.taken} == {("INC-2", "fireline.incident.opened")}


async def test_a_subscriber_that_is_meant_to_hears_of_restricted_incidents(tmp_path, board):
    async with acme(tmp_path, more=subscribed(board, "restricted = true\n")) as here:
        await announce(here)
        incident = await incident_in(here)
        await restrict(here, incident.id, (), actor=IDA, reason="personal data")
        await announce(here)
    assert board.types[0] == "incident.opened"


def test_a_pattern_that_fits_no_event_and_a_weak_secret_are_refused(tmp_path, board):
    from acme import write_starter

    with pytest.raises(config.ConfigError, match=r"no event is called 'fireline.incidents.\*'"):
        config.load(write_starter(tmp_path, more=subscribed(board, 'events = ["fireline.incidents.*"]\n')))
    for weak in ("hunter2", "whsec_", "whsec_c2hvcnQ=", "whsec_%%%"):
        with pytest.raises(Misconfigured, match="24 to 64 random bytes") as caught:
            connect("cloudevents", base_url=board.url, secret=weak)
        assert weak not in str(caught.value).replace("whsec_ and", "") or weak == "whsec_"


def test_every_event_is_documented_and_every_field_explained():
    shown = (ROOT / "docs/events.md").read_text(encoding="utf-8")
    for event in EVENTS:
        assert f"| `{event.full_name}` | {event.when} |" in shown
        assert {*INCIDENT_FIELDS, *event.carries} <= set(FIELDS)


def test_every_event_left_with_prefect_at_once_is_in_the_catalogue():
    code = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "tasks").glob("*.py"))
    left = set(re.findall(r'emit\(\s*f?"([a-z_]+\.[a-z_]+)"', code)) | {"decision.approve", "decision.return"}
    assert left - {"coverage.lost"} <= {e.name for e in EVENTS if e.at_once}
    kinds = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', code + (ROOT / "records").joinpath("incidents.py").read_text()))
    made = kinds | {f"{noun}.{verb}" for noun, verbs in _STATES.items() for verb in verbs}
    assert {e.kind for e in EVENTS} <= made | _in_records()


_STATES = {
    "incident": ("dismissed", "monitoring", "resolved", "reviewed"),
    "delivery": ("accepted", "refused", "unknown"),
    "statement": ("approved", "published", "withdrawn"),
    "commitment": ("kept", "broken", "moved"),
}


def _in_records() -> set[str]:
    rooms = (
        *(ROOT / "records").glob("*.py"),
        *(file for file in (ROOT / "crisis").glob("*.py") if file.stem != "events"),
    )
    code = "\n".join(file.read_text(encoding="utf-8") for file in rooms)
    return set(re.findall(r'"([a-z_]+\.[a-z_]+)"', code))
