"""E-mail by Amazon SES (API v2): statements to a list or a set of recipients, and notices to stakeholders.

Promises: at most once. SES keeps no key of ours, so once a mail is on its way, silence is ``Unknown`` and a human
decides; each mail carries its key as the message tag ``fireline`` for that, which SES repeats in its events. The mails
are those of ``integrations.mail``, but SES replaces ``Message-ID`` with its own.
API: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html.
"""

from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, ClassVar

from pydantic import Field

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations import mail
from integrations.aws import Aws, AwsSettings
from integrations.outcomes import IntegrationError, Misconfigured, Refused, Unknown
from integrations.protocols import Health, Message, hold_to

RECIPIENTS = 50
"""Most recipients of one mail: https://docs.aws.amazon.com/ses/latest/dg/quotas.html."""
TAG = "fireline"
_TAG_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.@")


class SesSettings(AwsSettings, mail.Letterhead):
    """Settings of an e-mail channel or notifier on Amazon SES."""

    configuration_set: str = Field(
        default="", pattern=r"^[A-Za-z0-9_-]*$", description="Configuration set: where bounces and complaints are told"
    )
    sender_arn: str = Field(
        default="", pattern=r"^(arn:.+)?$", description="ARN of the identity, when another account lets you send"
    )


class Ses:
    """A ``Publisher`` and a ``Notifier``; the IAM policy needs ``ses:SendEmail``, and ``ses:Get*`` for the check."""

    kind: ClassVar[str] = "ses"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.AT_MOST_ONCE
    settings_model: ClassVar[type[SesSettings]] = SesSettings
    platform_limits: ClassVar[Limits] = mail.LIMITS

    def __init__(self, settings: SesSettings) -> None:
        self._settings = settings
        self._aws = Aws("sesv2", "Amazon SES", settings)

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        recipients = mail.recipients_of(rendering, self._settings)
        if len(recipients) > RECIPIENTS:
            raise Misconfigured(f"{len(recipients)} recipients, and SES takes {RECIPIENTS} a mail: write to a list")
        shown = "ToAddresses" if rendering.target.address else "BccAddresses"
        return await self._send(mail.statement(rendering, key, self._settings), {shown: list(recipients)}, key)

    async def notify(self, message: Message, route: Route) -> Receipt:
        letter = mail.notice(message, route.address, self._settings)
        return await self._send(letter, {"ToAddresses": [route.address]}, message.key)

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        raise Unknown(
            f"SES cannot look up a mail: search the events of the configuration set for the tag {TAG}={_tag(key)}, "
            "or ask a recipient"
        )

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        raise Refused("a mail cannot be changed once sent; send a correction")

    async def withdraw(self, receipt: Receipt) -> None:
        raise Refused("a mail cannot be taken back; send a correction")

    async def check(self) -> Health:
        """Asks for the account's state, the sender's identity (the address, or else its domain) and the set."""
        try:
            account = await self._aws.read("get_account")
            problem = _of_account(account) or await self._of_sender()
            if self._settings.configuration_set:
                await self._aws.read("get_configuration_set", ConfigurationSetName=self._settings.configuration_set)
            where = await self._aws.region()
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        if problem:
            return Health(ok=False, says=problem)
        quota = account.get("SendQuota") or {}
        left = float(quota.get("Max24HourSend", 0)) - float(quota.get("SentLast24Hours", 0))
        pace = f"{left:,.0f} mails left today, {float(quota.get('MaxSendRate', 0)):g} a second"
        return Health(ok=True, says=f"sends as {self._settings.sender} from {where}; {pace}")

    async def close(self) -> None:
        await self._aws.close()

    async def _of_sender(self) -> str:
        """What keeps SES from sending as the sender; empty when nothing does."""
        if self._settings.sender_arn:
            return ""
        sender = self._settings.sender
        try:
            identity = await self._aws.read("get_email_identity", EmailIdentity=sender)
        except Misconfigured:
            identity = await self._aws.read("get_email_identity", EmailIdentity=sender.partition("@")[2])
        return "" if identity.get("VerifiedForSendingStatus") else f"SES has not verified {sender} or its domain yet"

    async def _send(self, letter: EmailMessage, destination: dict[str, list[str]], key: str) -> Receipt:
        region = await self._aws.region()
        asked: dict[str, Any] = {
            "FromEmailAddress": self._settings.sender,
            "Destination": {kind: [str(mail.address(one)) for one in to] for kind, to in destination.items()},
            "Content": {"Raw": {"Data": letter.as_bytes()}},
            "EmailTags": [{"Name": TAG, "Value": _tag(key)}],
        }
        if self._settings.configuration_set:
            asked["ConfigurationSetName"] = self._settings.configuration_set
        if self._settings.sender_arn:
            asked["FromEmailAddressIdentityArn"] = self._settings.sender_arn
        answer = await self._aws.write("send_email", **asked)
        message_id = self._aws.text(answer, "MessageId")
        host = "email.amazonses.com" if region == "us-east-1" else f"{region}.amazonses.com"
        header = f"<{message_id}@{host}>"  # what the mail carries in place of our Message-ID
        return Receipt(id=header, accepted_at=datetime.now(UTC), raw={"parts": [header], "MessageId": message_id})


def _of_account(account: dict[str, Any]) -> str:
    """What keeps the account from sending; empty when nothing does."""
    if not account.get("SendingEnabled"):
        return "SES has paused sending for this account and region: see the account dashboard of its console"
    if not account.get("ProductionAccessEnabled"):
        return "the account is in the SES sandbox and reaches verified addresses only: request production access"
    return ""


def _tag(key: str) -> str:
    """The key as a message tag may hold it."""
    return "".join(c if c in _TAG_CHARACTERS else "_" for c in key)[:256]
