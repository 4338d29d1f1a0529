"""Events to any other system: CloudEvents 1.0 as JSON over HTTP, signed in the manner of Standard Webhooks.

One POST for each event, in structured mode. The receiver answers with any 2xx; whatever else, it is sent again later with
the same ``id``, so a receiver keeps the ids it has seen. Specifications: https://github.com/cloudevents/spec/blob/v1.0.2
(``cloudevents/spec.md``, ``formats/json-format.md``, ``bindings/http-protocol-binding.md``, extension ``sequence``) and
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md (``webhook-id``,
``webhook-timestamp``, ``webhook-signature: v1,<base64 of HMAC-SHA256(secret, "<id>.<timestamp>.<body>")>``).
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from crisis.events import PREFIX, Event
from integrations.http import Http, ReceiverConnection
from integrations.outcomes import IntegrationError
from integrations.protocols import Health

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
_WRITTEN_WITH = "whsec_"
_LEAST, _MOST = 24, 64
"""Bytes that a secret of Standard Webhooks has."""


class CloudeventsSettings(ReceiverConnection):
    """Settings of a subscriber."""

    base_url: str = Field(
        examples=["https://example.com/hooks/fireline"],
        description="Where events are posted, exactly as the receiver gives it; a query is a secret",
    )
    secret: SecretStr = Field(
        examples=["whsec_bm90IGEgc2VjcmV0IHRoYXQgYW55Ym9keSB1c2Vz"],
        description="What both sides know, as Standard Webhooks write it: whsec_ and 24 to 64 random bytes in base64",
    )
    source: str = Field(
        default="https://fireline.invalid/",
        description="What the events call this installation (CloudEvents source); the desk's address, unless set",
    )

    @field_validator("secret")
    @classmethod
    def _standard(cls, value: SecretStr) -> SecretStr:
        if not _LEAST <= len(_key(value.get_secret_value())) <= _MOST:
            raise ValueError("must be whsec_ and 24 to 64 random bytes in base64: whsec_$(openssl rand -base64 32)")
        return value


class Cloudevents:
    """A ``Subscriber``."""

    kind: ClassVar[str] = "cloudevents"
    settings_model: ClassVar[type[CloudeventsSettings]] = CloudeventsSettings

    def __init__(self, settings: CloudeventsSettings) -> None:
        self._http = Http("The subscriber", settings, {"Content-Type": CONTENT_TYPE})
        self._key, self._url, self._source = (
            _key(settings.secret.get_secret_value()),
            settings.base_url,
            settings.source,
        )
        if query := urlsplit(self._url).query:
            self._http.secrets.add(query)

    async def inform(self, event: Event) -> None:
        """Send one event. Twice does no harm: its id is the same.

        Raises:
            integrations.IntegrationError: it was not taken, or that is not known.
        """
        body = json.dumps(_as_cloudevent(event, self._source), ensure_ascii=False).encode()
        at = str(int(time.time()))
        signature = hmac.new(self._key, f"{event.id}.{at}.".encode() + body, hashlib.sha256).digest()
        headers = {
            "webhook-id": event.id,
            "webhook-timestamp": at,
            "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
        }
        (await self._http.write("POST", self._url, content=body, headers=headers)).accepted()

    async def check(self) -> Health:
        """Sends an event ``fireline.ping``, which means nothing."""
        now = datetime.now(UTC)
        ping = Event(id=f"ping-{now.timestamp():.0f}", type=f"{PREFIX}ping", subject="ping", time=now, data={})
        try:
            await self.inform(ping)
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says="took an event that means nothing (fireline.ping)")

    async def close(self) -> None:
        await self._http.close()


def _as_cloudevent(event: Event, source: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "sequence": event.id.rpartition("-")[2],
        "data": event.data,
    }


def _key(secret: str) -> bytes:
    """The bytes behind a secret; none where it is not written as one."""
    if not secret.startswith(_WRITTEN_WITH):
        return b""
    try:
        return base64.b64decode(secret.removeprefix(_WRITTEN_WITH), validate=True)
    except (binascii.Error, ValueError):
        return b""
