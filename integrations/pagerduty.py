"""PagerDuty, by the Events API v2: alerts that page whoever is on call.

Promises: an incident is one alert (its ``dedup_key``), which is acknowledged when somebody is on it and resolved when
the incident is; what is to be done for it, such as an approval or one more call, is an alert of its own. Sending
again adds nothing, because PagerDuty deduplicates by that key.
API: https://developer.pagerduty.com/docs/send-alert-event.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations.http import Answer, Connection, Http
from integrations.outcomes import IntegrationError, Misconfigured, Refused, Unknown, before_sending
from integrations.protocols import Health, Message, TakenOn

SEVERITIES = {"SEV1": "critical", "SEV2": "error", "SEV3": "warning", "SEV4": "info"}
LONGEST = 1024
"""Characters of a summary."""


class PagerDutySettings(Connection):
    """Settings of a service in PagerDuty."""

    base_url: str = Field(
        default="https://events.pagerduty.com", description="The Events API; in Europe https://events.eu.pagerduty.com"
    )
    routing_key: SecretStr = Field(description="Integration key of an Events API v2 integration on the service")
    client: str = Field(default="Fireline", description="Who sends, as PagerDuty shows it")
    webhook_secret: SecretStr | None = Field(
        default=None,
        description="Secret of a V3 webhook subscription to DESK/hooks/NAME-OF-THIS for incident.acknowledged",
    )


class PagerDuty:
    """A ``Notifier``; the address is shown as the alert's component, such as the team's name."""

    kind: ClassVar[str] = "pagerduty"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.NATIVE_KEY
    shows_taken: ClassVar[bool] = True
    settings_model: ClassVar[type[PagerDutySettings]] = PagerDutySettings
    platform_limits: ClassVar[Limits] = Limits(
        length=LONGEST, source="https://developer.pagerduty.com/docs/send-alert-event#parameters"
    )

    def __init__(self, settings: PagerDutySettings) -> None:
        self._settings = settings
        self._http = Http("PagerDuty", settings)

    async def notify(self, message: Message, route: Route) -> Receipt:
        if message.taken_by:  # a call for somebody is over then; the incident itself is not
            return await self._enqueue("acknowledge" if message.of_incident else "resolve", message.alert, {})
        action: Literal["trigger", "resolve"] = "resolve" if message.over else "trigger"
        return await self._enqueue(action, message.alert, self._alert(message, route))

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        """The Events API shows nothing, and need not: sending again under the same key adds no alert."""
        return None

    async def check(self) -> Health:
        """Events can only be sent, so only that the service answers is proven: an empty event is refused."""
        try:
            with before_sending():
                answer = await self._http.write("POST", "/v2/enqueue", json={})
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        if answer.status != 400:
            return Health(ok=False, says=f"it answered {answer.status} where PagerDuty refuses: check base_url")
        return Health(ok=True, says="it answers; whether it knows the routing key shows with the first alert")

    async def close(self) -> None:
        await self._http.close()

    def heard(self, headers: Mapping[str, str], body: bytes, now: float) -> TakenOn | None:
        """Who acknowledged which alert in PagerDuty; None for whatever else it tells. A replay can only repeat that.

        See https://developer.pagerduty.com/docs/webhooks-overview and .../verifying-webhook-signatures.

        Raises:
            Misconfigured: there is no secret. Refused: it is not proven to come from PagerDuty, or cannot be read.
        """
        if self._settings.webhook_secret is None:
            raise Misconfigured("PagerDuty's webhooks need the webhook_secret of their subscription")
        return webhook_of(headers, body, self._settings.webhook_secret.get_secret_value())

    def _alert(self, message: Message, route: Route) -> dict[str, Any]:
        summary = message.subject if len(message.subject) <= LONGEST else message.subject[: LONGEST - 1] + "…"
        alert: dict[str, Any] = {
            "payload": {
                "summary": summary or "Notice",
                "source": self._settings.client,
                "severity": SEVERITIES.get(message.severity, "warning"),
                "component": route.address,
                "group": message.thread,
                "custom_details": {"text": message.words[:20_000], "incident": message.thread},
            },
            "client": self._settings.client,
        }
        if message.link:
            alert |= {"client_url": message.link, "links": [{"href": message.link, "text": "Open"}]}
        if message.on_it:
            alert["links"] = [{"href": message.on_it, "text": "I am on it"}, *alert.get("links", [])]
        return alert

    async def _enqueue(self, action: str, key: str, alert: dict[str, Any]) -> Receipt:
        routing = self._settings.routing_key.get_secret_value()
        body = {"routing_key": routing, "event_action": action, "dedup_key": key, **alert}
        return _receipt(await self._http.write("POST", "/v2/enqueue", json=body), key)


def webhook_of(headers: Mapping[str, str], body: bytes, secret: str) -> TakenOn | None:
    """What a V3 webhook says, once its signature fits; raises ``Refused``. Several signatures may be given."""
    mac = "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    given = headers.get("x-pagerduty-signature", "").split(",")
    if not any(hmac.compare_digest(mac.encode(), one.strip().encode()) for one in given):
        raise Refused("the signature does not fit: check the webhook's secret")
    try:
        event = json.loads(body)["event"]
        agent, incident = event.get("agent") or {}, event.get("data") or {}
        acknowledged = event["event_type"] == "incident.acknowledged" and agent.get("type") == "user_reference"
        key = incident.get("incident_key") if acknowledged else None
        who = {"name": str(agent.get("summary") or "somebody in PagerDuty"), "user": str(agent.get("id") or "")}
        return TakenOn(alert=str(key), **who) if key else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Refused("the request is none of PagerDuty's V3 webhooks") from None


def _receipt(answer: Answer, key: str) -> Receipt:
    if answer.text("status") != "success" or answer.text("dedup_key") != key:
        raise Unknown(f"PagerDuty gave no clear answer: {answer.says}")
    return Receipt(id=key, accepted_at=datetime.now(UTC), raw={"dedup_key": key, "parts": [key]})
