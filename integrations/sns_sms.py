"""Text messages by Amazon SNS: notices to a person's phone, statements to a number or to a topic of numbers.

Promises: at most once. SNS keeps no key of ours, so once a message is on its way, silence is ``Unknown`` and a human
decides. A statement to many goes to an SNS topic in one request: SNS holds the list and who has opted out, and spreads
it, so that no crash of ours leaves half a list unserved or served twice.
API: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html.
"""

import re
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from crisis.counting import Limits, Unit, measure
from crisis.delivery import DeliveryClass, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations.aws import Aws, AwsSettings
from integrations.http import redact
from integrations.outcomes import IntegrationError, Refused, Unknown
from integrations.protocols import Health, Message, hold_to
from integrations.sms import short

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_TOPIC = re.compile(r"arn:aws[\w-]*:sns:[\w-]+:\d+:[\w-]+")
_SMS = "AWS.SNS.SMS."


class SnsSmsSettings(AwsSettings):
    """Settings of an SMS channel or notifier on Amazon SNS."""

    sender_id: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9]{1,11})?$",
        description="Name shown as the sender, up to 11 letters and digits, where the recipient's country allows it",
    )
    origination_number: str = Field(
        default="", pattern=r"^(\+?[0-9]{4,15})?$", description="One of your numbers to send from, such as +15550100"
    )
    sms_type: Literal["Transactional", "Promotional"] = Field(
        default="Transactional", description="Transactional arrives more reliably, Promotional is cheaper"
    )


class SnsSms:
    """A ``Publisher`` and a ``Notifier``; an address is a phone number like +15550100 or the ARN of a topic.

    The IAM policy needs ``sns:Publish``, and ``sns:GetSMS*`` for the check.
    """

    kind: ClassVar[str] = "sns_sms"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.AT_MOST_ONCE
    settings_model: ClassVar[type[SnsSmsSettings]] = SnsSmsSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=10,
        unit=Unit.SEGMENTS,
        octets=1_600,
        source="https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html",
    )

    def __init__(self, settings: SnsSmsSettings) -> None:
        self._settings = settings
        self._aws = Aws("sns", "Amazon SNS", settings)

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        return await self._send(rendering.text, _place(rendering.target.address))

    async def notify(self, message: Message, route: Route) -> Receipt:
        return await self._send(short(message), _place(route.address))

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        raise Unknown("a text message cannot be looked up: see SNS's delivery log in CloudWatch, or ask the recipient")

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        raise Refused("a text message cannot be changed once sent; send a correction")

    async def withdraw(self, receipt: Receipt) -> None:
        raise Refused("a text message cannot be taken back; send a correction")

    async def check(self) -> Health:
        """Asks whether the account is in SNS's SMS sandbox, and for its monthly limit."""
        try:
            sandbox = await self._aws.read("get_sms_sandbox_account_status")
            attributes = (await self._aws.read("get_sms_attributes")).get("attributes") or {}
            where = await self._aws.region()
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        if sandbox.get("IsInSandbox"):
            says = (
                f"the account is in SNS's SMS sandbox in {where} and reaches verified numbers only: ask AWS to move it"
            )
            return Health(ok=False, says=says)
        limit = redact(str(attributes.get("MonthlySpendLimit") or "the default"), ())
        return Health(ok=True, says=f"sends SMS from {where}; monthly spend limit in USD: {limit}")

    async def close(self) -> None:
        await self._aws.close()

    async def _send(self, text: str, place: dict[str, str]) -> Receipt:
        given = {
            "SMSType": self._settings.sms_type,
            "SenderID": self._settings.sender_id,
        }
        attributes = {_SMS + name: _string(value) for name, value in given.items() if value}
        if self._settings.origination_number:
            attributes["AWS.MM.SMS.OriginationNumber"] = _string(self._settings.origination_number)
        answer = await self._aws.write("publish", Message=text, MessageAttributes=attributes, **place)
        message_id = self._aws.text(answer, "MessageId")
        raw = {"parts": [message_id], "segments": measure(Unit.SEGMENTS, text)}
        return Receipt(id=message_id, accepted_at=datetime.now(UTC), raw=raw)


def _place(address: str) -> dict[str, str]:
    if _NUMBER.fullmatch(address):
        return {"PhoneNumber": address}
    if _TOPIC.fullmatch(address):
        return {"TopicArn": address}
    says = redact(address, ()) or "an empty address"
    raise Refused(f"{says!r} is no phone number like +15550100 and no ARN of an SNS topic; nothing was sent")


def _string(value: str) -> dict[str, Any]:
    return {"DataType": "String", "StringValue": value}
