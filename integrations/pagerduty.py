"""PagerDuty, by the Events API v2: alerts that page whoever is on call.

Promises: an incident is one alert (its ``dedup_key``), which is resolved when the incident is; what is to be done for it,
such as an approval, is an alert of its own. Sending again adds nothing, because PagerDuty deduplicates by that key.
API: https://developer.pagerduty.com/docs/send-alert-event.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations.http import Answer, Connection, Http
from integrations.outcomes import IntegrationError, Unknown, before_sending
from integrations.protocols import Health, Message

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


class PagerDuty:
    """A ``Notifier``; the address is shown as the alert's component, such as the team's name."""

    kind: ClassVar[str] = "pagerduty"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.NATIVE_KEY
    settings_model: ClassVar[type[PagerDutySettings]] = PagerDutySettings
    platform_limits: ClassVar[Limits] = Limits(
        length=LONGEST, source="https://developer.pagerduty.com/docs/send-alert-event#parameters"
    )

    def __init__(self, settings: PagerDutySettings) -> None:
        self._settings = settings
        self._http = Http("PagerDuty", settings)

    async def notify(self, message: Message, route: Route) -> Receipt:
        action: Literal["trigger", "resolve"] = "resolve" if message.over else "trigger"
        return await self._enqueue(action, message.alert, self._alert(message, route))

    async def acknowledge(self, message: Message) -> Receipt:
        """Tell PagerDuty that somebody has taken it on, so that it pages nobody further."""
        return await self._enqueue("acknowledge", message.alert, {})

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

    def _alert(self, message: Message, route: Route) -> dict[str, Any]:
        summary = message.subject if len(message.subject) <= LONGEST else message.subject[: LONGEST - 1] + "…"
        alert: dict[str, Any] = {
            "payload": {
                "summary": summary or "Notice",
                "source": self._settings.client,
                "severity": SEVERITIES.get(message.severity, "warning"),
                "component": route.address,
                "group": message.thread,
                "custom_details": {"text": message.text[:20_000], "incident": message.thread},
            },
            "client": self._settings.client,
        }
        if message.link:
            alert |= {"client_url": message.link, "links": [{"href": message.link, "text": "Open"}]}
        return alert

    async def _enqueue(self, action: str, key: str, alert: dict[str, Any]) -> Receipt:
        routing = self._settings.routing_key.get_secret_value()
        body = {"routing_key": routing, "event_action": action, "dedup_key": key, **alert}
        return _receipt(await self._http.write("POST", "/v2/enqueue", json=body), key)


def _receipt(answer: Answer, key: str) -> Receipt:
    if answer.text("status") != "success" or answer.text("dedup_key") != key:
        raise Unknown(f"PagerDuty gave no clear answer: {answer.says}")
    return Receipt(id=key, accepted_at=datetime.now(UTC), raw={"dedup_key": key, "parts": [key]})
