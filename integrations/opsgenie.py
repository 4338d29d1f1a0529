"""Opsgenie: alerts that page whoever is on call.

Promises: an incident is one alert (its ``alias``), which is acknowledged when somebody is on it and closed when the
incident is resolved; what is to be done for it, such as one more call, is an alert of its own. Opsgenie
deduplicates open alerts by alias, so sending again adds nothing.
API: https://docs.opsgenie.com/docs/alert-api.
"""

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import Field, SecretStr

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations.http import Answer, Connection, Http
from integrations.outcomes import IntegrationError, Misconfigured, Refused, before_sending
from integrations.protocols import Health, Message, TakenOn

PRIORITIES = {"SEV1": "P1", "SEV2": "P2", "SEV3": "P3", "SEV4": "P5"}
LONGEST, LONGEST_TEXT, LONGEST_ALIAS = 130, 15_000, 512


class OpsgenieSettings(Connection):
    """Settings of an API integration in Opsgenie."""

    base_url: str = Field(
        default="https://api.opsgenie.com", description="The API; in Europe https://api.eu.opsgenie.com"
    )
    api_key: SecretStr = Field(description="Key of an API integration that may create, read and update alerts")
    webhook_secret: SecretStr | None = Field(
        default=None,
        description="For an outgoing webhook of Opsgenie to DESK/hooks/NAME-OF-THIS: what its custom header "
        "Authorization holds after 'Bearer '",
    )


class Opsgenie:
    """A ``Notifier``; the address is a team's name, or a person's e-mail address."""

    kind: ClassVar[str] = "opsgenie"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.NATIVE_KEY
    shows_taken: ClassVar[bool] = True
    settings_model: ClassVar[type[OpsgenieSettings]] = OpsgenieSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=LONGEST_TEXT, subject=LONGEST, source="https://docs.opsgenie.com/docs/alert-api#create-alert"
    )

    def __init__(self, settings: OpsgenieSettings) -> None:
        key = settings.api_key.get_secret_value()
        self._webhook = settings.webhook_secret.get_secret_value() if settings.webhook_secret else ""
        self._http = Http("Opsgenie", settings, {"Authorization": f"GenieKey {key}"})

    async def notify(self, message: Message, route: Route) -> Receipt:
        alias = message.alert[:LONGEST_ALIAS]
        if message.taken_by:  # a call for somebody is over then; the incident itself is not
            note = {"note": f"{message.taken_by} is on it"}
            return await self._act(alias, "acknowledge" if message.of_incident else "close", note)
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

    def heard(self, headers: Mapping[str, str], body: bytes, now: float) -> TakenOn | None:
        """Who acknowledged which alert in Opsgenie; None for whatever else it tells. A replay can only repeat that.

        Opsgenie signs nothing, so the request is proven by a header of ours. See
        https://support.atlassian.com/opsgenie/docs/integrate-opsgenie-with-webhook/.

        Raises:
            Misconfigured: there is no secret. Refused: it is not proven to come from Opsgenie, or cannot be read.
        """
        if not self._webhook:
            raise Misconfigured("Opsgenie's webhooks need a webhook_secret")
        given = headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self._webhook}".encode()):
            raise Refused("the header Authorization does not hold 'Bearer ' and the webhook_secret")
        try:
            said = json.loads(body)
            alert, who = said["alert"], str(said["alert"].get("username") or "")
            # who is no e-mail address is an integration, perhaps ourselves
            acknowledged = said["action"] == "Acknowledge" and "@" in who and alert.get("alias")
            return TakenOn(alert=str(alert["alias"]), email=who) if acknowledged else None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise Refused("the request is none of Opsgenie's webhooks") from None

    async def _act(self, alias: str, act: str, body: dict[str, Any]) -> Receipt:
        path = f"/v2/alerts/{quote(alias, safe='')}/{act}"
        params = {"identifierType": "alias"}
        body = {"source": "Fireline", **body}
        return _receipt(await self._http.write("POST", path, params=params, json=body), alias)


def _receipt(answer: Answer, alias: str) -> Receipt:
    """Opsgenie takes alerts in and works on them later: 202 with the request's id."""
    request = answer.text("requestId")
    return Receipt(id=alias, accepted_at=datetime.now(UTC), raw={"request": request, "parts": [alias]})
