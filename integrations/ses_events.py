"""What Amazon SES tells after it took a mail: that it bounced, or that its reader complained.

SES tells it to an SNS topic, and that either fills an SQS queue, which is read here, or posts it to the desk, which
holds it against ``integrations.sns_message``. Format:
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html (event publishing) and
https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html (feedback notifications).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from crisis.mailing import RecipientState
from integrations.aws import Aws, AwsSettings
from integrations.http import redact
from integrations.outcomes import Misconfigured

TAG = "fireline"
"""The message tag that carries the delivery's id."""
AT_ONCE = 10
"""Messages that SQS hands out at a time."""
_QUEUE = re.compile(r"^https?://[^/]+/\d+/[\w.-]+$")


class CameBack(NamedTuple):
    """One recipient of one mail, as SES tells of it."""

    address: str
    state: RecipientState
    """``bounced`` (for good) or ``complained``."""
    says: str
    key: str
    """The key under which the mail was sent; empty where SES does not repeat it."""


class Told(NamedTuple):
    """One message of the queue."""

    handle: str
    came_back: tuple[CameBack, ...]


class SesEvents:
    """The queue in which SES's events arrive."""

    def __init__(self, settings: AwsSettings) -> None:
        queue: str = getattr(settings, "events_queue", "")
        if not _QUEUE.match(queue):
            raise Misconfigured(
                f"events_queue {queue!r} is no SQS queue: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
            )
        elsewhere = "" if (urlsplit(queue).hostname or "").endswith(".amazonaws.com") else settings.base_url
        own = AwsSettings(**{n: getattr(settings, n) for n in AwsSettings.model_fields} | {"base_url": elsewhere})
        self._aws, self._queue = Aws("sqs", "Amazon SQS", own), queue

    async def receive(self) -> list[Told]:
        """Up to ``AT_ONCE`` messages, which stay in the queue until ``forget``. Raises as ``Aws.read`` does."""
        answer = await self._aws.read(
            "receive_message", QueueUrl=self._queue, MaxNumberOfMessages=AT_ONCE, VisibilityTimeout=120
        )
        messages = answer.get("Messages") or []
        return [Told(str(m.get("ReceiptHandle", "")), tuple(came_back(str(m.get("Body", ""))))) for m in messages]

    async def forget(self, told: Iterable[Told]) -> None:
        """Take messages out of the queue: what they tell is stored."""
        entries = [{"Id": str(n), "ReceiptHandle": t.handle} for n, t in enumerate(told)]
        if entries:
            await self._aws.write("delete_message_batch", QueueUrl=self._queue, Entries=entries)

    async def close(self) -> None:
        await self._aws.close()


def came_back(body: str) -> Iterator[CameBack]:
    """What a message tells, SNS's envelope around it or not; nothing, where it is no bounce, complaint or SES message.

    A passing bounce (a full mailbox, an out-of-office reply that looks like one) changes nothing: the reader may have
    the text.
    """
    event = _object(body)
    if "Message" in event and "eventType" not in event:
        event = _object(event["Message"])
    kind = event.get("eventType") or event.get("notificationType")
    key = _key(event.get("mail"))
    if kind == "Bounce":
        bounce = _mapping(event.get("bounce"))
        if bounce.get("bounceType") != "Permanent":
            return
        for one in _mappings(bounce.get("bouncedRecipients")):
            says = redact(f"{one.get('status', '')} {one.get('diagnosticCode', 'bounced')}".strip(), ())
            yield CameBack(_address(one), RecipientState.BOUNCED, says, key)
    elif kind == "Complaint":
        complaint = _mapping(event.get("complaint"))
        says = redact(str(complaint.get("complaintFeedbackType") or "complaint"), ())
        for one in _mappings(complaint.get("complainedRecipients")):
            yield CameBack(_address(one), RecipientState.COMPLAINED, says, key)


def _address(one: Mapping[str, Any]) -> str:
    """The address without the angle brackets and the name that SES repeats where they were given."""
    text = str(one.get("emailAddress", ""))
    inner = re.search(r"<([^<>]+)>\s*$", text)
    return (inner[1] if inner else text).strip()[:320]


def _key(sent: Any) -> str:
    tags = _mapping(_mapping(sent).get("tags")).get(TAG)
    return str(tags[0]) if isinstance(tags, list) and tags else ""


def _object(text: Any) -> dict[str, Any]:
    try:
        value = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
