"""Any other system, by a signed webhook: one POST of JSON for each statement or notice.

    {"key", "kind": "statement" | "notice", "subject", "parts": [...], "text", "language", "address", "link", "on_it",
     "reply_to"}

Signed as ``crisis.signature`` says; the key is in ``Idempotency-Key`` too, for receivers that know what was done. We
cannot look into the receiver, so whatever was not clearly answered with 2xx is for a human.
"""

import json
import time
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.signature import HEADER, sign
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations.http import Http, ReceiverConnection
from integrations.outcomes import IntegrationError, Refused, Unknown, before_sending
from integrations.protocols import Health, Message, hold_to


class WebhookSettings(ReceiverConnection):
    """Settings of a receiver."""

    base_url: str = Field(
        examples=["https://example.com/hooks/fireline"],
        description="Where to post, exactly as the receiver gives it, such as https://example.com/hooks/fireline; "
        "a query is taken as a secret and shown nowhere",
    )
    secret: SecretStr = Field(description="The secret that both sides know, 32 random bytes or more")


class Webhook:
    """A ``Publisher`` and a ``Notifier``; the address is passed on as it is."""

    kind: ClassVar[str] = "webhook"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.AT_MOST_ONCE
    settings_model: ClassVar[type[WebhookSettings]] = WebhookSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=25_000, subject=255, source="no limit of its own; this is what the longest of the other channels takes"
    )

    def __init__(self, settings: WebhookSettings) -> None:
        self._http = Http("The webhook", settings, {"Content-Type": "application/json"})
        self._secret, self._url = settings.secret.get_secret_value(), settings.base_url
        if query := urlsplit(self._url).query:
            self._http.secrets.add(query)

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        return await self._post(
            key,
            kind="statement",
            subject=rendering.subject,
            parts=[part.text for part in rendering.parts],
            text=rendering.text,
            language=rendering.language,
            address=rendering.target.address,
            reply_to=rendering.reply_to,
        )

    async def notify(self, message: Message, route: Route) -> Receipt:
        return await self._post(
            message.key,
            kind="notice",
            subject=message.subject,
            text=message.full_text,
            address=route.address,
            link=message.link,
            on_it=message.on_it,
            incident=message.thread,
        )

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        raise Unknown("a webhook's receiver cannot be asked; look there")

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        raise Refused("what a webhook has sent cannot be changed; publish a correction")

    async def withdraw(self, receipt: Receipt) -> None:
        raise Refused("what a webhook has sent cannot be taken back; publish a correction")

    async def check(self) -> Health:
        """A signed GET, which a receiver may answer as it likes: only that it answers is looked at."""
        try:
            with before_sending():
                answer = await self._http.read(self._url, headers={HEADER: self._signature(b"")})
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says=f"it answers ({answer.status}); whether it knows the secret shows when posting")

    async def close(self) -> None:
        await self._http.close()

    async def _post(self, key: str, **fields: Any) -> Receipt:
        body = json.dumps({"key": key, **fields}, ensure_ascii=False).encode()
        headers = {HEADER: self._signature(body), "Idempotency-Key": key}
        answer = (await self._http.write("POST", self._url, content=body, headers=headers)).accepted()
        return Receipt(id=key, accepted_at=datetime.now(UTC), raw={"status": answer.status, "parts": [key]})

    def _signature(self, body: bytes) -> str:
        return sign(body, self._secret, int(time.time()))
