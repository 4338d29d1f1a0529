"""Opsgenie: alerts that page whoever is on call.

Promises: an incident is one alert (its ``alias``), which is closed when the incident is resolved; what is to be done for
it is an alert of its own. Opsgenie deduplicates open alerts by alias, so sending again adds nothing.
API: https://docs.opsgenie.com/docs/alert-api.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import Field, SecretStr

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations.http import Answer, Connection, Http
from integrations.outcomes import IntegrationError, before_sending
from integrations.protocols import Health, Message

PRIORITIES = {"SEV1": "P1", "SEV2": "P2", "SEV3": "P3", "SEV4": "P5"}
LONGEST, LONGEST_TEXT, LONGEST_ALIAS = 130, 15_000, 512


class OpsgenieSettings(Connection):
    """Settings of an API integration in Opsgenie."""

    base_url: str = Field(
        default="https://api.opsgenie.com", description="The API; in Europe https://api.eu.opsgenie.com"
    )
    api_key: SecretStr = Field(description="Key of an API integration that may create, read and update alerts")


class Opsgenie:
    """A ``Notifier``; the address is a team's name, or a person's e-mail address."""

    kind: ClassVar[str] = "opsgenie"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.NATIVE_KEY
    settings_model: ClassVar[type[OpsgenieSettings]] = OpsgenieSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=LONGEST_TEXT, subject=LONGEST, source="https://docs.opsgenie.com/docs/alert-api#create-alert"
    )

    def __init__(self, settings: OpsgenieSettings) -> None:
        key = settings.api_key.get_secret_value()
        self._http = Http("Opsgenie", settings, {"Authorization": f"GenieKey {key}"})

    async def notify(self, message: Message, route: Route) -> Receipt:
        alias = message.alert[:LONGEST_ALIAS]
        if message.over:
            return await self._act(alias, "close", {"note": message.text[:LONGEST_TEXT]})
        subject = message.subject if len(message.subject) <= LONGEST else message.subject[: LONGEST - 1] + "…"
        body: dict[str, Any] = {
            "message": subject or "Notice",
            "alias": alias,
            "description": message.full_text[:LONGEST_TEXT],
            "priority": PRIORITIES.get(message.severity, "P3"),
            "source": "Fireline",
            "entity": message.thread,
            "details": {"incident": message.thread, "link": message.link},
        }
        if route.address:
            by_mail = "@" in route.address
            who = {"type": "user", "username": route.address} if by_mail else {"type": "team", "name": route.address}
            body["responders"] = [who]
        return _receipt(await self._http.write("POST", "/v2/alerts", json=body), alias)

    async def acknowledge(self, message: Message) -> Receipt:
        """Tell Opsgenie that somebody has taken it on, so that it pages nobody further."""
        return await self._act(message.alert[:LONGEST_ALIAS], "acknowledge", {})

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        """Not looked up, and it need not be: sending again under the same alias adds no alert."""
        return None

    async def check(self) -> Health:
        try:
            with before_sending():
                (await self._http.read("/v2/alerts", params={"limit": "1"})).body()
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says="the key may read alerts")

    async def close(self) -> None:
        await self._http.close()

    async def _act(self, alias: str, act: str, body: dict[str, Any]) -> Receipt:
        path = f"/v2/alerts/{quote(alias, safe='')}/{act}"
        params = {"identifierType": "alias"}
        body = {"source": "Fireline", **body}
        return _receipt(await self._http.write("POST", path, params=params, json=body), alias)


def _receipt(answer: Answer, alias: str) -> Receipt:
    """Opsgenie takes alerts in and works on them later: 202 with the request's id."""
    request = answer.text("requestId")
    return Receipt(id=alias, accepted_at=datetime.now(UTC), raw={"request": request, "parts": [alias]})
