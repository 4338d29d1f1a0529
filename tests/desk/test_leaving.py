"""Leaving a list by one click, and bounces that SNS posts: no login, and nothing without its own proof."""

import base64
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from at_the_desk import Scene
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.x509.oid import NameOID

from config import DeskSettings
from crisis.delivery import Delivery, DeliveryClass, Purpose
from crisis.mailing import RecipientState, fingerprint, recipient_list
from crisis.statement import Part, Rendering, Target
from integrations.mail import mailbox
from integrations.sns_message import SnsDoor, to_sign
from records.mailings import Settled
from tasks.leaving import LeavingLinks

R = RecipientState
TOPIC = "arn:aws:sns:eu-central-1:123456789012:bounces"
CERTIFICATE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem"
CONFIRM = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


async def mailed(scene: Scene) -> str:
    """A mailing to three people, all of whom have it."""
    here = scene.here
    desk = DeskSettings(public_url="https://desk.acme.example")
    here.settings = here.settings.model_copy(update={"desk": desk})
    part = Part(text="We know.", length=8, limit=500)
    rendering = Rendering(target=Target(channel="readers", kind="smtp"), parts=(part,), subject="Outage")
    text = scene.statement
    delivery = Delivery(
        id="ab" * 16,
        incident=scene.incident.id,
        purpose=Purpose.STATEMENT,
        statement=text.id,
        version=text.version,
        content_hash=text.content_hash,
        rendering=rendering,
        delivery_class=DeliveryClass.AT_MOST_ONCE,
        created_at=scene.clock.now(),
        updated_at=scene.clock.now(),
    )
    to = recipient_list(enumerate(["ann@x.example", "bo@x.example", "cy@x.example"]), mailbox)
    about: dict[str, Any] = {"incident": scene.incident.id, "actor": "outbox"}
    async with here.store.transaction() as tx:
        await tx.outbox.enqueue(delivery, actor="outbox")
        await tx.mailings.plan(delivery.id, to, given="readers", **about)
        batch = await tx.mailings.list(delivery.id, R.PENDING)
        await tx.mailings.arm(delivery.id, batch, attempt=1, given="readers", **about)
        outcomes = [Settled(0, R.ACCEPTED), Settled(1, R.ACCEPTED), Settled(2, R.UNKNOWN, "no answer")]
        await tx.mailings.settle(delivery.id, outcomes, attempt=1, **about)
    return delivery.id


async def suppressed(scene: Scene) -> list[tuple[str, str, str]]:
    async with scene.here.store.reading() as tx:
        return [(s.list, s.address, s.reason) for s in await tx.suppressions.list()]


async def test_looking_at_the_link_decides_nothing_and_a_post_without_login_leaves_the_list(scene: Scene) -> None:
    delivery = await mailed(scene)
    link = httpx.URL(LeavingLinks(scene.here).to(delivery, 1)).path
    async with scene.browser() as reader:
        for _ in range(2):
            shown = await reader.get(link)
            assert shown.status_code == 200
            assert "Do not mail me on this list again" in shown.text
            assert "bo@x.example" not in shown.text
        assert await suppressed(scene) == []
        for _ in range(2):
            done = await reader.post(link, content=b"List-Unsubscribe=One-Click")
            assert done.status_code == 200
    assert await suppressed(scene) == [("readers", "bo@x.example", "unsubscribed")]


@pytest.mark.parametrize("harm", ["x", "cut", "position", "delivery"])
async def test_a_link_that_was_altered_takes_nobody_off_any_list(scene: Scene, harm: str) -> None:
    delivery = await mailed(scene)
    link = httpx.URL(LeavingLinks(scene.here).to(delivery, 1)).path
    name, _, mac = link.rpartition(".")
    forged = {
        "x": f"{link}x",
        "cut": link[:-4],
        "position": f"{name[:-1]}2.{mac}",
        "delivery": link.replace("ab", "ac", 1),
    }[harm]
    async with scene.browser() as reader:
        assert (await reader.get(forged)).status_code == 403
        assert (await reader.post(forged)).status_code == 403
    assert await suppressed(scene) == []


def test_a_desk_without_https_makes_no_link(scene: Scene) -> None:
    assert LeavingLinks(scene.here).to("ab", 1) == ""


async def test_the_desk_shows_how_a_mailing_stands_and_who_is_unknown(scene: Scene) -> None:
    await mailed(scene)
    async with scene.at_the_desk() as member:
        page = (await member.get(f"/incidents/{scene.incident.id}")).text
    assert "2 of 3 accepted, 1 unknown" in page
    assert "cy@x.example" in page
    assert "--recipient ADDRESS" in page


def certificate(name: str = "sns.amazonaws.com") -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    return made.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def message(text: str = "", kind: str = "Notification", version: str = "2", **more: str) -> dict[str, str]:
    told = {
        "Type": kind,
        "MessageId": "m1",
        "TopicArn": TOPIC,
        "Message": text,
        "Timestamp": "2026-03-01T12:00:00.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
        **more,
    }
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
    told["Signature"] = base64.b64encode(KEY.sign(to_sign(told, kind), PKCS1v15(), algorithm)).decode()
    return told


def bounce(address: str, key: str, kind: str = "Permanent") -> str:
    """As https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html has it."""
    return json.dumps(
        {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": kind,
                "bounceSubType": "General",
                "bouncedRecipients": [
                    {
                        "emailAddress": address,
                        "action": "failed",
                        "status": "5.1.1",
                        "diagnosticCode": "smtp; 550 5.1.1",
                    }
                ],
                "timestamp": "2026-03-01T12:00:00.000Z",
                "feedbackId": "f",
                "reportingMTA": "dsn; mta.example.com",
            },
            "mail": {"messageId": "m", "destination": [address], "tags": {"fireline": [key]}},
        }
    )


@pytest.fixture
def post(scene: Scene) -> Callable[[dict[str, str]], Awaitable[httpx.Response]]:
    """Posts a message to the desk, behind which SNS's own addresses are answered."""
    scene.fetched = []  # type: ignore[attr-defined]

    async def get(url: str) -> bytes:
        scene.fetched.append(url)  # type: ignore[attr-defined]
        return certificate()

    scene.app.state.sns_door = SnsDoor({TOPIC}, get)

    async def send(told: dict[str, str]) -> httpx.Response:
        async with scene.browser() as sns:
            return await sns.post("/ses/events", json=told, headers={"content-type": "text/plain; charset=UTF-8"})

    return send


async def test_a_signed_bounce_marks_the_recipient_and_suppresses_the_address_everywhere(
    scene: Scene, post: Any
) -> None:
    delivery = await mailed(scene)
    for version in ("1", "2"):
        answer = await post(message(bounce("Ann@x.example", delivery), version=version))
        assert answer.status_code == 200, answer.text
    assert await suppressed(scene) == [("", "Ann@x.example", "bounced")]
    async with scene.here.store.reading() as tx:
        assert (await tx.mailings.at(delivery, 0)).state is R.BOUNCED  # type: ignore[union-attr]
        assert await tx.mailings.reached([delivery]) == ["bo@x.example", "cy@x.example"]


async def test_a_passing_bounce_changes_nothing(scene: Scene, post: Any) -> None:
    delivery = await mailed(scene)
    assert (await post(message(bounce("ann@x.example", delivery, "Transient")))).status_code == 200
    assert await suppressed(scene) == []


@pytest.mark.parametrize(
    "harm",
    [
        {"Message": "{}"},
        {"TopicArn": "arn:aws:sns:eu-central-1:666:theirs"},
        {"Signature": ""},
        {"SignatureVersion": "3"},
        {"SigningCertURL": "https://sns.evil.example/c.pem"},
        {"SigningCertURL": "https://sns.eu-central-1.amazonaws.com.evil.example/c.pem"},
        {"SigningCertURL": "https://sns.eu-central-1.amazonaws.com@evil.example/c.pem"},
        {"SigningCertURL": "http://sns.eu-central-1.amazonaws.com/c.pem"},
        {"SigningCertURL": "https://sns.eu-central-1.amazonaws.com:8443/c.pem"},
        {"Type": "Nonsense"},
    ],
    ids=str,
)
async def test_what_sns_did_not_sign_for_our_topic_is_not_heard(scene: Scene, post: Any, harm: dict[str, str]) -> None:
    delivery = await mailed(scene)
    answer = await post(message(bounce("ann@x.example", delivery)) | harm)
    assert answer.status_code == 403
    assert await suppressed(scene) == []
    assert set(scene.fetched) <= {CERTIFICATE}  # type: ignore[attr-defined]


async def test_a_subscription_is_confirmed_for_our_topic_alone_and_at_sns_alone(scene: Scene, post: Any) -> None:
    asked = {"kind": "SubscriptionConfirmation", "Token": "t"}
    assert (await post(message("Confirm", **asked, SubscribeURL=CONFIRM))).status_code == 200
    assert scene.fetched == [CERTIFICATE, CONFIRM]  # type: ignore[attr-defined]
    assert (await post(message("Confirm", **asked, SubscribeURL="https://evil.example/"))).status_code == 403
    theirs = message("Confirm", **asked, SubscribeURL=CONFIRM, TopicArn="arn:aws:sns:eu-central-1:666:theirs")
    assert (await post(theirs)).status_code == 403
    assert scene.fetched == [CERTIFICATE, CONFIRM]  # type: ignore[attr-defined]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000, b'{"Type": 1}', b"\xff"])
async def test_what_is_no_message_is_refused_in_a_sentence(scene: Scene, post: Any, body: bytes) -> None:
    async with scene.browser() as sender:
        answer = await sender.post("/ses/events", content=body)
    assert (answer.status_code, list(answer.json())) == (403, ["error"])


def test_a_fingerprint_does_not_depend_on_letter_case() -> None:
    assert fingerprint("Ann@X.example") == fingerprint("ann@x.example")
