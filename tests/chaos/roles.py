"""Every kind of channel and notifier, each in front of a counting receiver of its own.

The kinds come from the registry. What stands for a platform, and how one connects to it, is told by ``kinds_served`` for
kinds over HTTP whose posts can be found again, and by ``OTHERS`` below for the rest; a kind without an entry is an error
that says what to add. A kind that both publishes and notifies has two roles, and two receivers.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope, Session
from aws_receiver import KEYS as AWS_KEYS
from aws_receiver import AwsReceiver
from care_receivers import AGENT, TOKEN, IntercomReceiver, ZendeskReceiver
from chat_receivers import TelegramReceiver
from counting_http import Fault, HttpReceiver
from hook_receivers import SECRET as HOOK_SECRET
from hook_receivers import AppriseReceiver, HookReceiver
from kinds_served import ADDRESSES, KINDS, SECRET, media_of
from paging_receivers import (
    KEY,
    SID,
    OpsgenieReceiver,
    PagerDutyReceiver,
    PagerDutyRestReceiver,
    TeamsReceiver,
    TwilioReceiver,
)
from receivers import SmtpReceiver

import integrations
from config import ChannelSettings, NotifierSettings
from crisis.delivery import Delivery, DeliveryClass, Purpose, delivery_id
from crisis.rendering import render
from crisis.statement import Part, Rendering, Target
from integrations.feed_file import FEED
from integrations.kinds import can
from integrations.press import read_json_feed
from integrations.sandbox import posts

TEXTS = (
    "We know that trains have stopped, and we are sorry.",
    "We write again by 14:30 UTC.",
    "Buses run from gate 4.",
)
NOTICE = "Passengers are stranded. Look at the incident."


class Folder:
    """Stands for the sandbox: a folder, in which each post is a file."""

    port = 9
    url = "http://127.0.0.1:9"

    def __init__(self) -> None:
        self.faults: list[Any] = []

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()
        self.directory = Path(self._folder.name) / "posts"
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def reset(self) -> None:
        for file in self.directory.glob("*"):
            file.unlink()

    @property
    def created(self) -> list[str]:
        return [post.rendering.text for post in posts(self.directory)]


class Feeds(Folder):
    """Stands for a web server's folder: each entry of its feed is a post."""

    @property
    def created(self) -> list[str]:
        feed = self.directory / FEED
        return [item.content_text for item in read_json_feed(feed.read_bytes())] if feed.exists() else []


class Mails(SmtpReceiver):
    """Counts mails as the other receivers count posts, and fails as they do, in SMTP's words."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[Fault | None] = []

    def reset(self) -> None:
        for said in (self.mails, self.faults):
            said.clear()

    @property
    def created(self) -> list[str]:
        return [str(mail["Message-ID"]) for _, mail in self.mails]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.faults and (fault := self.faults[0]) and fault.status == 401:
            self.faults.pop(0)
            return "530 5.7.0 Authentication required"
        return await super().handle_MAIL(server, session, envelope, address, options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        fault = self.faults.pop(0) if self.faults else None
        if fault is None or fault.done:
            answer = await super().handle_DATA(server, session, envelope)
            return f"2xx {fault.body[:500]}" if fault else answer
        return "451 4.7.1 Greylisted, try again later"


class Aws(AwsReceiver):
    """AWS with a verified sender; all that run at the same time share what moto keeps."""

    def __enter__(self) -> Self:
        super().__enter__()
        self.client("sesv2").create_email_identity(EmailIdentity="acme.example")
        return self

    def reset(self) -> None:
        HttpReceiver.reset(self)


class Pages(Aws):
    """S3 with a bucket; whoever runs at the same time has the same."""

    def __enter__(self) -> Self:
        super().__enter__()
        place = {"LocationConstraint": AWS_KEYS["region"]}
        with suppress(self.client("s3").exceptions.BucketAlreadyOwnedByYou):
            self.client("s3").create_bucket(Bucket="acme-press", CreateBucketConfiguration=place)
        return self

    def reset(self) -> None:
        super().reset()
        for name in self.objects("acme-press"):
            self.client("s3").delete_object(Bucket="acme-press", Key=name)


@dataclass(frozen=True)
class Served:
    """How a kind is tried."""

    receiver: Callable[[], Any]
    settings: dict[str, Any]
    """As ``connect`` takes them; ``{url}``, ``{port}`` and ``{directory}`` are the receiver's."""
    write: bytes
    """What is under way when the answer to the post gets lost: the start of the request, or the end of a mail."""
    address: str = ""
    whole: bool = False
    """The receiver counts a text of several parts as one."""


def _http(address: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {"base_url": address, **settings}


OTHERS: dict[str, Served] = {
    "sandbox": Served(Folder, {"directory": "{directory}"}, b"", whole=True),
    "feed_file": Served(Feeds, _http("{url}", {"directory": "{directory}"}), b""),
    "smtp": Served(
        Mails, _http("smtp://127.0.0.1:{port}", {"sender": "a@acme.example"}), b"\r\n.\r\n", "b@acme.example"
    ),
    "telegram": Served(TelegramReceiver, _http("{url}", {"token": SECRET}), b"/sendMessage", "-100123"),
    "webhook": Served(HookReceiver, _http("{url}/hook", {"secret": HOOK_SECRET}), b"POST /hook", whole=True),
    "pagerduty": Served(PagerDutyReceiver, _http("{url}", {"routing_key": KEY}), b"POST /v2/enqueue", "platform"),
    "pagerduty_incidents": Served(
        PagerDutyRestReceiver,
        _http("{url}", {"api_key": KEY, "sender": "fireline@acme.example", "service": "PIJ90N7"}),
        b"POST /incidents",
        "platform",
    ),
    "opsgenie": Served(OpsgenieReceiver, _http("{url}", {"api_key": KEY}), b"POST /v2/alerts", "platform"),
    "zendesk": Served(ZendeskReceiver, _http("{url}", {"email": AGENT, "api_token": TOKEN}), b"POST /api/v2/tickets"),
    "intercom": Served(
        IntercomReceiver, _http("{url}", {"access_token": TOKEN}), b"POST /conversations", "fireline-care"
    ),
    "teams": Served(TeamsReceiver, {"webhook_url": "{url}/workflows/1?sig=hunter2"}, b"POST /workflows", "team"),
    "twilio": Served(
        TwilioReceiver,
        _http("{url}", {"account_sid": SID, "auth_token": KEY, "sender": "Acme"}),
        b"/Messages.json",
        "+4915112345678",
    ),
    "apprise": Served(AppriseReceiver, {"url": "json://127.0.0.1:{port}/hunter2"}, b"POST /hunter2", "ops"),
    "ses": Served(
        Aws, _http("{url}", {**AWS_KEYS, "sender": "status@acme.example"}), b"POST /v2/email/outbound", "b@example.com"
    ),
    "sns_sms": Served(Aws, _http("{url}", {**AWS_KEYS}), b"Action=Publish", "+15550100123"),
    "s3_page": Served(
        Pages,
        _http("{url}", {**AWS_KEYS, "bucket": "acme-press", "web_url": "https://press.acme.example"}),
        b"</html>",
    ),
}
"""Kinds that no look-up over HTTP settles, each with its receiver."""


def served(kind: str) -> Served:
    """The entry of a kind.

    Raises:
        AssertionError: it has none, and the message says what to add.
    """
    if kind in KINDS:
        receiver, settings, write = KINDS[kind]
        return Served(receiver, _http("{url}", settings), write, ADDRESSES.get(kind, ""))
    assert kind in OTHERS, (
        f"the kind {kind!r} publishes or notifies, and nothing tries what it does in trouble: write a counting receiver "
        f"in tests/chaos/, add a line to KINDS in tests/chaos/kinds_served.py (or to OTHERS in tests/chaos/roles.py, "
        f"where its posts cannot be found again), and a row to the table in docs/delivery.md"
    )
    return OTHERS[kind]


@dataclass(frozen=True)
class Role:
    """A kind as a channel or as a notifier."""

    kind: str
    family: str

    @property
    def name(self) -> str:
        return f"{self.kind.replace('_', '-')}-{self.family}"

    @property
    def cls(self) -> type[Any]:
        return integrations.integration(self.kind)

    @property
    def delivery_class(self) -> DeliveryClass:
        found: DeliveryClass = self.cls.delivery_class
        return found

    @property
    def threads(self) -> bool:
        """Its statements go out in several posts."""
        return self.family == "channel" and self.cls.platform_limits.threads and not served(self.kind).whole

    @property
    def posts(self) -> int:
        """How many posts its receiver counts once everything is there."""
        return len(TEXTS) if self.threads else 1

    def rendering(self) -> Rendering:
        target = Target(channel=self.name, kind=self.kind, address=served(self.kind).address)
        if self.family == "notifier":
            return Rendering(
                target=target,
                parts=(Part(text=NOTICE, length=len(NOTICE), limit=len(NOTICE)),),
                subject="SEV1: Acme Rail",
                html=f"<p>{NOTICE}</p>",
                options={"link": "https://desk.example/i/INC-1", "occasion": "opened", "severity": "SEV1"},
            )
        limits = self.cls.platform_limits
        made = render(
            headline="Trains have stopped", body=TEXTS[0], target=target, limits=limits, media=media_of(self.kind)
        )
        if self.threads:
            parts = tuple(Part(text=text, length=len(text), limit=limits.length) for text in TEXTS)
            return made.model_copy(update={"parts": parts})
        return made

    def delivery(self, statement: str, content_hash: str) -> Delivery:
        """What is planned for it: a part of the approved statement, or a notice."""
        now, said = datetime.now(UTC), self.rendering()
        purpose = Purpose.STATEMENT if self.family == "channel" else Purpose.NOTICE
        covered = {"statement": statement, "version": 1, "content_hash": content_hash}
        return Delivery(
            id=delivery_id(purpose, f"{statement}/1", said.target),
            incident="INC-1",
            purpose=purpose,
            rendering=said,
            delivery_class=self.delivery_class,
            created_at=now,
            updated_at=now,
            **(covered if purpose is Purpose.STATEMENT else {}),
        )


@cache
def roles() -> tuple[Role, ...]:
    """Every channel and every notifier there is, from the registry."""
    return tuple(
        Role(kind, family)
        for kind in integrations.kinds()
        for family in ("channel", "notifier")
        if can(integrations.integration(kind), family)
    )


@dataclass
class Bench:
    """The roles with their receivers."""

    receivers: dict[Role, Any] = field(default_factory=dict)

    def reset(self) -> None:
        for receiver in self.receivers.values():
            receiver.reset()

    def connection(self, role: Role, *, port: int = 0, **more: Any) -> dict[str, Any]:
        """The settings by which ``role`` reaches its receiver, or whatever stands before it at ``port``."""
        receiver = self.receivers[role]
        url = receiver.url.replace(str(receiver.port), str(port or receiver.port))
        place = {"url": url, "port": port or receiver.port, "directory": getattr(receiver, "directory", "")}
        given = {
            name: value.format(**place) if isinstance(value, str) else value
            for name, value in served(role.kind).settings.items()
        }
        return {**given, **more}

    def channels(self, **given: dict[str, Any]) -> tuple[ChannelSettings, ...]:
        """The channels of a configuration; ``given`` are other settings than ``connection``'s, by the role's name."""
        return tuple(
            ChannelSettings(
                name=r.name,
                kind=r.kind,
                address=served(r.kind).address,
                settings=given.get(r.name) or self.connection(r),
            )
            for r in self.receivers
            if r.family == "channel"
        )

    def notifiers(self, **given: dict[str, Any]) -> tuple[NotifierSettings, ...]:
        """Like ``channels``."""
        return tuple(
            NotifierSettings(name=r.name, kind=r.kind, settings=given.get(r.name) or self.connection(r))
            for r in self.receivers
            if r.family == "notifier"
        )


@contextmanager
def bench() -> Iterator[Bench]:
    """Every role's receiver, running."""
    with ExitStack() as stack:
        made = Bench({role: stack.enter_context(served(role.kind).receiver()) for role in roles()})
        made.reset()
        yield made
