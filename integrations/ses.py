"""E-mail by Amazon SES (API v2): statements to one address or, recipient by recipient, to many; notices to stakeholders.

Promises: at most once. SES keeps no key of ours, so once a mail is on its way, silence is ``Unknown`` and a human
decides; each mail carries its key as the message tag ``fireline`` for that, which SES repeats in its events. The mails
are those of ``integrations.mail``, but SES replaces ``Message-ID`` with its own.
API: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any, ClassVar

from pydantic import Field

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.mailing import RecipientList, folded, recipient_list
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations import mail
from integrations.aws import THREADS, Aws, AwsSettings
from integrations.mailing import Audience, Mailing
from integrations.outcomes import IntegrationError, Misconfigured, Refused, Unknown, before_sending
from integrations.pacing import Pacer
from integrations.protocols import Health, Message, hold_to
from integrations.ses_events import SesEvents
from integrations.ses_line import SesLine

TAG = "fireline"
_TAG_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.@")


class SesSettings(AwsSettings, mail.Letterhead):
    """Settings of an e-mail channel or notifier on Amazon SES."""

    configuration_set: str = Field(
        default="", pattern=r"^[A-Za-z0-9_-]*$", description="Configuration set: where bounces and complaints are told"
    )
    contact_list: str = Field(
        default="", pattern=r"^[A-Za-z0-9_-]*$", description="SES contact list whose subscribers get a mailing"
    )
    topic: str = Field(
        default="", pattern=r"^[A-Za-z0-9_-]*$", description="Topic of the contact list; empty: all of its subscribers"
    )
    events_queue: str = Field(
        default="", description="URL of the SQS queue in which SES's bounces and complaints arrive (through SNS)"
    )
    events_topic: str = Field(
        default="",
        pattern=r"^(arn:aws[a-z-]*:sns:.+)?$",
        description="ARN of the SNS topic that may tell the desk of them",
    )
    sender_arn: str = Field(
        default="", pattern=r"^(arn:.+)?$", description="ARN of the identity, when another account lets you send"
    )


class Ses:
    """A ``Publisher``, a ``Mailer`` and a ``Notifier``.

    The IAM policy needs ``ses:SendEmail`` and ``ses:Get*``, for a contact list ``ses:ListContacts``, for a queue of
    events ``sqs:ReceiveMessage`` and ``sqs:DeleteMessage``.
    """

    kind: ClassVar[str] = "ses"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.AT_MOST_ONCE
    settings_model: ClassVar[type[SesSettings]] = SesSettings
    platform_limits: ClassVar[Limits] = mail.LIMITS

    def __init__(self, settings: SesSettings) -> None:
        self._settings = settings
        self._aws = Aws("sesv2", "Amazon SES", settings)
        self._audience = Audience(settings)
        self.events = SesEvents(settings) if settings.events_queue else None
        self.events_topic = settings.events_topic

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        to = {"ToAddresses": [mail.address_of(rendering)]}
        return await self._send(mail.statement(rendering, key, self._settings), to, key)

    async def audience(self) -> RecipientList:
        """The contact list's subscribers, or the letterhead's list. A contact who unsubscribes stays part of the hash,
        so that an approved list goes on being that list."""
        if not self._settings.contact_list:
            return await self._audience.read()
        every, out = list[tuple[int, str]](), set[str]()
        async for contact in self._contacts():
            address = str(contact.get("EmailAddress", ""))
            every.append((len(every) + 1, address))
            if _left(contact, self._settings.topic):
                out.add(folded(address))
        listed = recipient_list(every, mail.mailbox)
        if not listed.addresses:
            raise Misconfigured(f"the contact list {self._settings.contact_list} holds no contact")
        return listed._replace(addresses=tuple(a for a in listed.addresses if folded(a) not in out))

    async def mailing(self, rendering: Rendering, key: str) -> Mailing:
        """As many at once as connections and threads allow, at the account's rate, up to what is left of its day."""
        hold_to(self.limits, rendering)
        letters = mail.Letters(rendering, key, self._settings)
        with before_sending():
            quota = (await self._aws.read("get_account")).get("SendQuota") or {}
        rate, day = float(quota.get("MaxSendRate", 1)), float(quota.get("Max24HourSend", -1))
        left = None if day < 0 else max(0, int(day - float(quota.get("SentLast24Hours", 0))))
        lines = tuple(SesLine(self._send_raw, letters, key) for _ in range(min(THREADS, self._settings.connections)))
        pacer = Pacer(self._settings.pace, per_second=rate)
        again = datetime.now(UTC) + timedelta(hours=1)
        return Mailing(mail.message_id(key, self._settings), lines, pacer, left, again)

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
            listed = self._audience.named or self._settings.contact_list
            to = f"; {(await self.audience()).says}" if listed else ""
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        if problem:
            return Health(ok=False, says=problem)
        quota = account.get("SendQuota") or {}
        left = float(quota.get("Max24HourSend", 0)) - float(quota.get("SentLast24Hours", 0))
        pace = f"{left:,.0f} mails left today, {float(quota.get('MaxSendRate', 0)):g} a second"
        return Health(ok=True, says=f"sends as {self._settings.sender} from {where}; {pace}{to}")

    async def close(self) -> None:
        await self._aws.close()
        if self.events is not None:
            await self.events.close()

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
        to = [str(mail.address(one)) for one in destination["ToAddresses"]]
        message_id = await self._send_raw(letter.as_bytes(), to, key)
        host = "email.amazonses.com" if region == "us-east-1" else f"{region}.amazonses.com"
        header = f"<{message_id}@{host}>"  # what the mail carries in place of our Message-ID
        return Receipt(id=header, accepted_at=datetime.now(UTC), raw={"parts": [header], "MessageId": message_id})

    async def _send_raw(self, letter: bytes, to: list[str], key: str) -> str:
        """Send one mail; its id at SES."""
        asked: dict[str, Any] = {
            "FromEmailAddress": self._settings.sender,
            "Destination": {"ToAddresses": to},
            "Content": {"Raw": {"Data": letter}},
            "EmailTags": [{"Name": TAG, "Value": _tag(key)}],
        }
        if self._settings.configuration_set:
            asked["ConfigurationSetName"] = self._settings.configuration_set
        if self._settings.sender_arn:
            asked["FromEmailAddressIdentityArn"] = self._settings.sender_arn
        return self._aws.text(await self._aws.write("send_email", **asked), "MessageId")

    async def _contacts(self) -> AsyncIterator[dict[str, Any]]:
        asked: dict[str, Any] = {"ContactListName": self._settings.contact_list, "PageSize": 1000}
        while True:
            page = await self._aws.read("list_contacts", **asked)
            for contact in page.get("Contacts") or []:
                yield contact
            if not page.get("NextToken"):
                return
            asked["NextToken"] = page["NextToken"]


def _left(contact: Mapping[str, Any], topic: str) -> bool:
    """Whether a contact has unsubscribed, from everything or from the topic."""
    of_topics = [*(contact.get("TopicDefaultPreferences") or []), *(contact.get("TopicPreferences") or [])]
    says = {str(p.get("TopicName")): p.get("SubscriptionStatus") for p in of_topics}
    return bool(contact.get("UnsubscribeAll")) or bool(topic and says.get(topic) != "OPT_IN")


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
