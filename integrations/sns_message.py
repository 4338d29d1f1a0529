"""A message that Amazon SNS posts to a web address, held against SNS's signature before anything in it counts.

The certificate is fetched from SNS itself (``sns.<region>.amazonaws.com``, over TLS) and from nowhere else, only topics
that are configured are heard, and a subscription is confirmed for those alone. Rules:
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html.
"""

import base64
import json
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from integrations.http import Connection, Http
from integrations.outcomes import IntegrationError

NOTIFICATION, CONFIRMATION, FAREWELL = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    FAREWELL: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_HOST = re.compile(r"sns\.[a-z0-9-]{3,40}\.amazonaws\.com(\.cn)?")
_CERTIFICATES = 8
"""Certificates that are kept; SNS changes its own a few times a year."""
Fetch = Callable[[str], Awaitable[bytes]]


class NotFromSns(ValueError):
    """The message is not proven to come from SNS and a configured topic; the text says what is wrong."""


class SnsMessage(NamedTuple):
    """A message whose signature holds."""

    type: str
    topic: str
    text: str
    subscribe_url: str
    """Where a subscription is confirmed; empty for a notification."""


async def fetch(url: str) -> bytes:
    """What SNS keeps at one of its own addresses. Raises ``IntegrationError``."""
    place = urlsplit(url)
    http = Http("Amazon SNS", Connection(base_url=f"{place.scheme}://{place.netloc}"))
    try:
        path = f"{place.path}?{place.query}" if place.query else place.path
        return (await http.read(path)).accepted().content
    finally:
        await http.close()


class SnsDoor:
    """Checks messages, and confirms subscriptions of the configured topics."""

    def __init__(self, topics: Collection[str], get: Fetch = fetch) -> None:
        self._topics, self._get = frozenset(topics), get
        self._certificates: dict[str, x509.Certificate] = {}

    async def take(self, body: bytes) -> SnsMessage:
        """The message in ``body``.

        Raises:
            NotFromSns: it is no SNS message, of another topic, or its signature does not hold.
        """
        told = _read(body)
        topic, kind = told.get("TopicArn", ""), told.get("Type", "")
        if topic not in self._topics:
            raise NotFromSns("the topic is not configured here: set events_topic of the ses channel")
        if kind not in _SIGNED:
            raise NotFromSns("the message is of no type that SNS signs")
        certificate = await self._certificate(told.get("SigningCertURL", ""))
        _check(told, kind, certificate)
        return SnsMessage(kind, topic, told.get("Message", ""), told.get("SubscribeURL", ""))

    async def confirm(self, message: SnsMessage) -> None:
        """Confirm a subscription at SNS. Raises ``NotFromSns`` where the address is not SNS's, or ``IntegrationError``."""
        await self._get(_of_sns(message.subscribe_url, "the address for confirming"))

    async def _certificate(self, url: str) -> x509.Certificate:
        if url not in self._certificates:
            try:
                pem = await self._get(_of_sns(url, "the certificate's address"))
                found = x509.load_pem_x509_certificate(pem)
            except (IntegrationError, ValueError) as error:
                if isinstance(error, NotFromSns):
                    raise
                raise NotFromSns("the certificate cannot be read") from None
            if len(self._certificates) >= _CERTIFICATES:
                self._certificates.clear()
            self._certificates[url] = found
        return self._certificates[url]


def _of_sns(url: str, what: str) -> str:
    try:
        place = urlsplit(url)
        port = place.port
    except ValueError:
        raise NotFromSns(f"{what} cannot be read") from None
    own = (
        place.scheme == "https" and _HOST.fullmatch(place.hostname or "") and port in (None, 443) and not place.username
    )
    if not own:
        raise NotFromSns(f"{what} is not one of SNS's own")
    return url


def _read(body: bytes) -> dict[str, str]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise NotFromSns("the message is no JSON") from None
    if not isinstance(told, dict):
        raise NotFromSns("the message is no JSON object")
    return {str(name): value for name, value in told.items() if isinstance(value, str)}


def to_sign(told: Mapping[str, str], kind: str) -> bytes:
    """What SNS signs: the names and values that belong to the type and are there, a line each."""
    return "".join(f"{name}\n{told[name]}\n" for name in _SIGNED[kind] if name in told).encode()


def _check(told: Mapping[str, str], kind: str, certificate: x509.Certificate) -> None:
    key = certificate.public_key()
    algorithms: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 - version 1 is SNS's default
    algorithm = algorithms.get(told.get("SignatureVersion", ""))
    if not isinstance(key, RSAPublicKey) or algorithm is None:
        raise NotFromSns("the signature is of no version that SNS has")
    try:
        given = base64.b64decode(told.get("Signature", ""), validate=True)
        key.verify(given, to_sign(told, kind), PKCS1v15(), algorithm)
    except (InvalidSignature, ValueError):
        raise NotFromSns("the signature does not hold") from None
