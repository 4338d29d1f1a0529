"""SMS by Twilio's Messages API: statements and notices to phones.

Promises: Twilio knows no idempotency key, so whatever was not clearly answered is for a human. A notice is cut to one or
two segments, a statement never. API: https://www.twilio.com/docs/messaging/api/message-resource.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, Self

from pydantic import Field, SecretStr, model_validator

from crisis.counting import Limits, Unit
from crisis.delivery import DeliveryClass, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations.http import Answer, Connection, Http, redact
from integrations.outcomes import IntegrationError, Misconfigured, Refused, Unknown, before_sending
from integrations.protocols import Health, Message, hold_to
from integrations.sms import short

LONGEST = 1600
"""Characters that Twilio takes at once, counted here as bytes to stay below it."""
SEGMENTS = 10
"""Segments that networks make of as much; each is paid for."""
_E164 = re.compile(r"\+[1-9]\d{6,14}")


class TwilioSettings(Connection):
    """Settings of an account."""

    base_url: str = Field(default="https://api.twilio.com", description="The API")
    account_sid: str = Field(
        examples=["AC" + "0" * 32], pattern=r"^AC[0-9a-fA-F]{32}$", description="The account's SID"
    )
    auth_token: SecretStr = Field(description="The account's auth token, or the secret of an API key")
    api_key_sid: str = Field(
        default="", pattern=r"^(SK[0-9a-fA-F]{32})?$", description="SID of the API key, if one is used"
    )
    sender: str = Field(default="", description="A number of yours, or an alphanumeric sender id")
    messaging_service_sid: str = Field(
        default="", pattern=r"^(MG[0-9a-fA-F]{32})?$", description="Or a messaging service that chooses the sender"
    )

    @model_validator(mode="after")
    def _one_sender(self) -> Self:
        if self.sender and self.messaging_service_sid:
            raise ValueError("name a sender or a messaging_service_sid, not both")
        return self


class Twilio:
    """A ``Publisher`` and a ``Notifier``; the address is a phone number in E.164 form, such as +4915112345678."""

    kind: ClassVar[str] = "twilio"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.AT_MOST_ONCE
    settings_model: ClassVar[type[TwilioSettings]] = TwilioSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=SEGMENTS,
        unit=Unit.SEGMENTS,
        octets=LONGEST,
        source="https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource",
    )

    def __init__(self, settings: TwilioSettings) -> None:
        self._settings = settings
        user = settings.api_key_sid or settings.account_sid
        self._http = Http("Twilio", settings, auth=(user, settings.auth_token.get_secret_value()))
        self._account = f"/2010-04-01/Accounts/{settings.account_sid}"

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        return await self._send(rendering.target.address, rendering.text)

    async def notify(self, message: Message, route: Route) -> Receipt:
        return await self._send(route.address, short(message))

    async def _send(self, number: str, text: str) -> Receipt:
        if not _E164.fullmatch(number):
            raise Misconfigured(f"{redact(number, ())!r} is no phone number: write it like +4915112345678")
        chosen = self._settings
        form = {"To": number, "Body": text}
        if chosen.messaging_service_sid:
            form["MessagingServiceSid"] = chosen.messaging_service_sid
        elif chosen.sender:
            form["From"] = chosen.sender
        else:
            raise Misconfigured("Twilio needs a sender or a messaging_service_sid in its settings")
        answer = await self._http.write("POST", f"{self._account}/Messages.json", data=form)
        return _receipt(answer)

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        raise Unknown("Twilio keeps no key of ours; look at the message log in its console")

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        raise Refused("a text message cannot be changed once sent; send a correction")

    async def withdraw(self, receipt: Receipt) -> None:
        raise Refused("a text message cannot be taken back; send a correction")

    async def check(self) -> Health:
        try:
            with before_sending():
                body = (await self._http.read(f"{self._account}.json")).body()
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        usable = body.get("status") == "active"
        return Health(ok=usable, says=f"account {body.get('friendly_name')!r} is {body.get('status')}")

    async def close(self) -> None:
        await self._http.close()


def _receipt(answer: Answer) -> Receipt:
    body: dict[str, Any] = answer.value if isinstance(answer.value, dict) else {}
    sid = answer.text("sid")
    if not isinstance(body.get("status", ""), str | None):
        raise Unknown(f"Twilio answered with a status that is none: {answer.says}")
    if body.get("status") in {"failed", "undelivered"}:
        raise Refused(f"Twilio could not send it: {body.get('error_message') or body.get('error_code')}")
    made = body.get("date_created")
    try:
        at = parsedate_to_datetime(made) if isinstance(made, str) else datetime.now(UTC)
    except ValueError:
        at = datetime.now(UTC)
    return Receipt(id=sid, accepted_at=at, raw={"status": body.get("status"), "parts": [sid]})
