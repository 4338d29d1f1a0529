"""SMS by Twilio: one message a notice, to a number, never sent twice by itself."""

import base64
from collections.abc import Iterator

import pytest
import specs
from counting_http import Fault, HttpReceiver
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import integrations
from crisis.counting import Unit, measure
from crisis.stakeholder import Route as To
from integrations import Message, Misconfigured, Refused, Unknown

SID = "AC" + "0" * 32
PHONE = To(notifier="sms", address="+4915112345678")
NOTICE = Message(key="k", subject="SEV1: Acme", text="It fails. " * 100, link="https://desk.example/1")


class TwilioReceiver(HttpReceiver):
    """At most once: no key."""

    def routes(self) -> list[Route]:
        account = f"/2010-04-01/Accounts/{SID}"
        return [
            Route(f"{account}.json", self._known(self._account)),
            Route(f"{account}/Messages.json", self._known(self._send), methods=["POST"]),
        ]

    def _known(self, answer):
        async def checked(request: Request) -> Response:
            expected = base64.b64encode(f"{SID}:right".encode()).decode()
            if request.headers.get("authorization") != f"Basic {expected}":
                return JSONResponse({"code": 20003, "message": "Authenticate", "status": 401}, 401)
            return await answer(request)

        return checked

    async def _account(self, request: Request) -> Response:
        return JSONResponse({"sid": SID, "friendly_name": "Acme", "status": "active"})

    async def _send(self, request: Request) -> Response:
        form = await request.form()
        if str(form["To"]).startswith("+1"):
            return JSONResponse(
                {"code": 21408, "message": "Permission to send has not been enabled", "status": 400}, 400
            )
        self.created.append(str(form["Body"]))
        sid, made = f"SM{next(self._ids):032d}", "Wed, 25 Nov 2026 16:00:00 +0000"
        return JSONResponse({"sid": sid, "status": "queued", "date_created": made, "error_code": None}, 201)


@pytest.fixture
def twilio() -> Iterator[TwilioReceiver]:
    with TwilioReceiver() as receiver:
        yield receiver


def connect(receiver: TwilioReceiver, **more: str) -> integrations.Notifier:
    settings = {"base_url": receiver.url, "account_sid": SID, "auth_token": "right", "sender": "Acme", **more}
    channel: integrations.Notifier = integrations.connect("twilio", **settings)
    return channel


async def test_a_notice_is_one_message_with_its_link_whole_and_as_the_description_asks(twilio):
    receipt = await connect(twilio).notify(NOTICE, PHONE)
    assert receipt.id.startswith("SM")
    (text,) = twilio.created
    assert text.startswith("SEV1: Acme\nIt fails.")
    assert text.endswith("...\nhttps://desk.example/1")
    assert measure(Unit.SEGMENTS, text) == 2
    assert (await connect(twilio).check()).says == "account 'Acme' is active"
    specs.hold(specs.twilio(), "https://api.twilio.com", twilio.requests)


@pytest.mark.parametrize("fault", [Fault(500, done=True), Fault(201, "{}", done=True)])
async def test_no_clear_answer_is_for_a_human(twilio, fault):
    twilio.faults.append(fault)
    with pytest.raises(Unknown):
        await connect(twilio).notify(NOTICE, PHONE)
    with pytest.raises(Unknown, match="message log"):
        await connect(twilio).find("k")
    assert len(twilio.created) == 1


async def test_what_is_wrong_is_told_before_or_by_twilio(twilio):
    with pytest.raises(Misconfigured, match="no phone number"):
        await connect(twilio).notify(NOTICE, To(notifier="sms", address="ana@example.com"))
    with pytest.raises(Misconfigured, match="sender or a messaging"):
        await connect(twilio, sender="").notify(NOTICE, PHONE)
    with pytest.raises(Refused, match="has not been enabled"):
        await connect(twilio).notify(NOTICE, To(notifier="sms", address="+12025550123"))
    with pytest.raises(Misconfigured):
        await connect(twilio, auth_token="hunter2").notify(NOTICE, PHONE)
    assert not twilio.created
