"""What is sent to Zendesk and Intercom is what their own descriptions ask for, and each of their answers has one meaning.

Checked on 26 November 2026 against Zendesk's Support API description (``Support API`` 2.0.0: operations ListTickets,
CreateTicket, ShowCurrentUser) and github.com/intercom/Intercom-OpenAPI at 8889625 (``descriptions/2.14``: createConversation,
CreateContact, showContactByExternalId, identifyAdmin). The facts, of which the schemas below hold what is used:

=========  ============================================================================================================
Zendesk    Basic authentication as ``address/token:api token``. ``POST /api/v2/tickets`` takes ``{"ticket": {...}}``, of
           which only ``comment`` is required, and answers 201; ``priority`` is one of four words; ``public: false`` makes
           the comment an internal note. ``Idempotency-Key`` holds for two hours; the same key with another body is 400,
           ``IdempotentRequestError``. ``GET /api/v2/tickets?external_id=`` lists; ids of ours need not be unique there.
           409: changed at the same time. 422, ``RecordInvalid``: a value is wrong, nothing was made. 429 and 503 tell
           ``Retry-After`` in seconds.
Intercom   ``Authorization: Bearer`` and ``Intercom-Version``. ``POST /conversations`` wants ``from`` (``type`` and an ``id``
           of 24 characters) and ``body``, which is plain text, and answers 200 with ``conversation_id``. There is no
           idempotency key. ``POST /contacts`` wants one of ``email``, ``external_id``, ``role``, and answers 409 when the
           contact is there. ``POST /contacts/search`` may not know a new contact for minutes; ``GET
           /contacts/find_by_external_id/{external_id}`` (from 2.13 on) knows it at once, and answers 410 for one that was
           merged (from 2.16 on). 429 tells ``X-RateLimit-Reset`` in seconds since 1970.
=========  ============================================================================================================
"""

import time
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from care_receivers import AGENT, TOKEN, IntercomReceiver, ZendeskReceiver
from jsonschema import Draft202012Validator
from receivers import Fault

import integrations
from crisis.stakeholder import Route
from integrations import Message, Misconfigured, RateLimited, Refused, Unknown

STRING = {"type": "string", "minLength": 1}


def exactly(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


TICKET = exactly(
    ["ticket"],
    ticket=exactly(
        ["comment"],
        comment=exactly([], body=STRING, public={"type": "boolean"}),
        subject=STRING,
        external_id=STRING,
        tags={"type": "array", "items": STRING},
        priority={"enum": ["urgent", "high", "normal", "low"]},
        group_id={"type": "integer"},
    ),
)
CONTACT = exactly([], role=STRING, external_id=STRING, name=STRING)
FROM = exactly(["type", "id"], type={"enum": ["lead", "user", "contact"]}, id={"minLength": 24, "maxLength": 24})
CONVERSATION = exactly(["from", "body"], **{"from": FROM}, body=STRING)
CARE = Route(notifier="care", address="360")
OURS = Route(notifier="care", address="fireline/care")


def message(severity: str = "SEV2") -> Message:
    return Message(key="k1", subject="INC-7: help", text="Please help.", thread="INC-7", severity=severity)


@pytest.mark.parametrize("severity", ["SEV1", "SEV4", ""])
async def test_a_ticket_is_one_that_zendesks_description_takes(severity: str) -> None:
    with ZendeskReceiver() as receiver:
        desk = integrations.connect("zendesk", base_url=receiver.url, email=AGENT, api_token=TOKEN)
        await desk.notify(message(severity), CARE)
        asked, made = receiver.requests
        assert (asked.method, asked.path, asked.query) == ("GET", "/api/v2/tickets", {"external_id": "k1"})
        assert (made.method, made.path) == ("POST", "/api/v2/tickets")
        Draft202012Validator(TICKET).validate(made.json)
        scheme, _, credentials = made.headers["authorization"].partition(" ")
        assert (scheme, b64decode(credentials).decode()) == ("Basic", f"{AGENT}/token:{TOKEN}")
        assert made.headers["content-type"] == made.headers["accept"] == "application/json"
        assert len(made.headers["idempotency-key"]) <= 255
        await desk.close()


async def test_each_answer_of_zendesks_has_one_meaning() -> None:
    invalid = '{"error":"RecordInvalid","description":"Record validation errors","details":{"group_id":[]}}'
    reused = '{"error":"IdempotentRequestError","description":"Request parameters are different"}'
    with ZendeskReceiver() as receiver:
        desk = integrations.connect("zendesk", base_url=receiver.url, email=AGENT, api_token=TOKEN)
        receiver.faults.append(Fault(422, invalid))
        with pytest.raises(Refused, match="RecordInvalid"):
            await desk.notify(message(), CARE)
        receiver.faults.append(Fault(400, reused))
        with pytest.raises(Refused, match="from another ticket"):
            await desk.notify(message(), CARE)
        receiver.faults.append(Fault(409, '{"error":"Conflict"}'))
        with pytest.raises(Unknown, match="at the same time"):
            await desk.notify(message(), CARE)
        receiver.faults.append(Fault(429, headers={"Retry-After": "93"}))
        with pytest.raises(RateLimited) as limited:
            await desk.notify(message(), CARE)
        assert timedelta(seconds=80) < limited.value.until - datetime.now(UTC) <= timedelta(seconds=93)
        assert receiver.created == []
        receiver.faults.append(Fault(409, '{"error":"Conflict"}', done=True))
        made = await desk.notify(message(), CARE)
        assert (made.raw["external_id"], len(receiver.created)) == ("k1", 1), "the other of two made it"
        receiver.denial.append(Fault(403, '{"error":"SuspendedAccount"}'))
        with pytest.raises(Misconfigured):
            await desk.notify(message(), CARE)
        await desk.close()


async def test_a_conversation_is_one_that_intercoms_description_takes_also_right_after_its_contact_was_made() -> None:
    with IntercomReceiver() as receiver:
        desk = integrations.connect("intercom", base_url=receiver.url, access_token=TOKEN)
        for _ in range(2):
            made = await desk.notify(message(), OURS)
            assert made.id.startswith("49"), "the conversation's id, not the message's"
        assert [(r.method, r.path) for r in receiver.requests] == [
            ("GET", "/contacts/find_by_external_id/fireline/care"),
            ("POST", "/contacts"),
            ("POST", "/conversations"),
            ("GET", "/contacts/find_by_external_id/fireline/care"),
            ("POST", "/conversations"),
        ]
        for request in receiver.requests:
            assert request.headers["authorization"] == f"Bearer {TOKEN}"
            assert request.headers["intercom-version"] == "2.14"
            if request.method == "POST":
                known = CONTACT if request.path == "/contacts" else CONVERSATION
                Draft202012Validator(known).validate(request.json)
        await desk.close()


async def test_each_answer_of_intercoms_has_one_meaning() -> None:
    with IntercomReceiver() as receiver:
        desk = integrations.connect("intercom", base_url=receiver.url, access_token=TOKEN)
        receiver.faults.append(Fault(422, '{"type":"error.list","errors":[{"code":"parameter_invalid"}]}'))
        with pytest.raises(Refused, match="parameter_invalid"):
            await desk.notify(message(), OURS)
        receiver.faults.append(
            Fault(429, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{time.time() + 77:.0f}"})
        )
        with pytest.raises(RateLimited) as limited:
            await desk.notify(message(), OURS)
        assert timedelta(seconds=60) < limited.value.until - datetime.now(UTC) <= timedelta(seconds=78)
        receiver.faults.append(Fault(500, done=True))
        with pytest.raises(Unknown):
            await desk.notify(message(), OURS)
        receiver.merged.append(OURS.address)
        with pytest.raises(Misconfigured, match="was merged into another one"):
            await desk.notify(message(), OURS)
        assert len(receiver.created) == 1
        await desk.close()
