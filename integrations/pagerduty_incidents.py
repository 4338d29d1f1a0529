"""PagerDuty, by its REST API: incidents with an assignee, a note of who is on them, and a resolution.

What it adds to the Events API (``pagerduty``): an incident goes to the escalation policy or the person that the route
names, shows in a note who is on it, is changed when it is rated anew, and whoever acknowledges it is known by e-mail.
Promises: an incident is one incident there (its ``incident_key``, which PagerDuty refuses a second time while it is
open), so sending again adds nothing. API: https://developer.pagerduty.com/api-reference/a7d81b0e9200f-create-an-incident.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations.http import Answer, Connection, Http
from integrations.outcomes import IntegrationError, Misconfigured, Refused, Unknown, before_sending
from integrations.pagerduty import webhook_of
from integrations.protocols import Health, Message, TakenOn

LONGEST, LONGEST_TEXT = 1024, 65_535
"""Characters of a title and of the details."""
_PLACE = re.compile(r"(policy|user)/([A-Z0-9]{6,20})")


class PagerDutyIncidentsSettings(Connection):
    """Settings of an account and a service in PagerDuty."""

    base_url: str = Field(
        default="https://api.pagerduty.com", description="The REST API; in Europe https://api.eu.pagerduty.com"
    )
    api_key: SecretStr = Field(description="REST API key that may write")
    sender: str = Field(
        examples=["fireline@acme.example"],
        description="E-mail address of a user of the account, in whose name incidents are made",
    )
    service: str = Field(
        examples=["PIJ90N7"], pattern=r"^[A-Z0-9]{6,20}$", description="Id of the service, as in its address: P..."
    )
    webhook_secret: SecretStr | None = Field(
        default=None,
        description="Secret of a V3 webhook subscription to DESK/hooks/NAME-OF-THIS for incident.acknowledged",
    )


class PagerDutyIncidents:
    """A ``Notifier``; the address is ``policy/P...`` or ``user/P...``, else a name, and the service's own policy pages."""

    kind: ClassVar[str] = "pagerduty_incidents"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.NATIVE_KEY
    shows_taken: ClassVar[bool] = True
    settings_model: ClassVar[type[PagerDutyIncidentsSettings]] = PagerDutyIncidentsSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=LONGEST_TEXT,
        subject=LONGEST,
        source="https://developer.pagerduty.com/api-reference/a7d81b0e9200f-create-an-incident",
    )

    def __init__(self, settings: PagerDutyIncidentsSettings) -> None:
        self._settings = settings
        headers = {
            "Authorization": f"Token token={settings.api_key.get_secret_value()}",
            "Accept": "application/vnd.pagerduty+json;version=2",
            "From": settings.sender,
        }
        self._http = Http("PagerDuty", settings, headers)

    async def notify(self, message: Message, route: Route) -> Receipt:
        if message.over or message.taken_by:
            return await self._settle(message)
        answer = await self._http.write("POST", "/incidents", json={"incident": self._incident(message, route)})
        if not _is_there_already(answer):
            return _receipt(_incident(answer), message.alert)
        with before_sending():
            open_one = await self._open(message.alert)
        if open_one is None:
            raise Refused(f"PagerDuty has an incident {message.alert!r} on another service, or has just closed it")
        changed = {"type": "incident_reference", "title": _title(message), "urgency": _urgency(message)}
        return await self._change(open_one, message.alert, changed)

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        """Not looked up, and it need not be: sending again under the same key adds no incident."""
        return None

    async def check(self) -> Health:
        try:
            with before_sending():
                answer = await self._http.read(f"/services/{self._settings.service}")
                service = answer.body().get("service")
                if not isinstance(service, dict):
                    raise Unknown(f"PagerDuty answered without the service: {answer.says}")
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        usable = service.get("status") not in ("disabled", "maintenance")
        return Health(ok=usable, says=f"makes incidents of {service.get('name')!r}, which is {service.get('status')}")

    async def close(self) -> None:
        await self._http.close()

    def heard(self, headers: Mapping[str, str], body: bytes, now: float) -> TakenOn | None:
        """As ``PagerDuty.heard``."""
        if self._settings.webhook_secret is None:
            raise Misconfigured("PagerDuty's webhooks need the webhook_secret of their subscription")
        return webhook_of(headers, body, self._settings.webhook_secret.get_secret_value())

    async def address_of(self, user: str) -> str:
        """The e-mail address of a user of the account; raises ``IntegrationError``."""
        if not re.fullmatch(r"[A-Z0-9]{6,20}", user):
            raise Refused("that is no id of a user in PagerDuty")
        return str(((await self._http.read(f"/users/{user}")).body().get("user") or {}).get("email") or "")

    def _incident(self, message: Message, route: Route) -> dict[str, Any]:
        links = [f"I am on it: {message.on_it}" if message.on_it else "", message.link]
        details = "\n\n".join(filter(None, (message.words, *links)))
        made: dict[str, Any] = {
            "type": "incident",
            "title": _title(message),
            "service": {"id": self._settings.service, "type": "service_reference"},
            "urgency": _urgency(message),
            "incident_key": message.alert,
            "body": {"type": "incident_body", "details": details[:LONGEST_TEXT]},
        }
        if place := _PLACE.fullmatch(route.address):
            who = {"id": place[2], "type": "user_reference"}
            policy = {"id": place[2], "type": "escalation_policy_reference"}
            made |= {"assignments": [{"assignee": who}]} if place[1] == "user" else {"escalation_policy": policy}
        return made

    async def _settle(self, message: Message) -> Receipt:
        """Resolve it, or show that somebody is on it. Where it is not open, there is nothing to do."""
        with before_sending():
            open_one = await self._open(message.alert)
        if open_one is None:
            return Receipt(id=message.alert, accepted_at=datetime.now(UTC), raw={"parts": [message.alert]})
        if message.taken_by:
            await self._note(open_one, f"{message.taken_by} is on it.")
        goes_on = message.taken_by and message.of_incident
        changed = {"type": "incident_reference", "status": "acknowledged" if goes_on else "resolved"}
        return await self._change(open_one, message.alert, changed)

    async def _open(self, key: str) -> dict[str, Any] | None:
        """The open incident of that key."""
        params = {
            "incident_key": key,
            "statuses[]": ["triggered", "acknowledged"],
            "service_ids[]": self._settings.service,
        }
        found = (await self._http.read("/incidents", params=params)).body().get("incidents")
        if not isinstance(found, list):
            raise Unknown("PagerDuty answered without a list of incidents")
        return next((i for i in found if isinstance(i, dict) and i.get("id")), None)

    async def _note(self, incident: Mapping[str, Any], content: str) -> None:
        path = f"/incidents/{incident['id']}/notes"
        with before_sending():
            notes = (await self._http.read(path)).body().get("notes") or []
        if not any(isinstance(note, dict) and note.get("content") == content for note in notes):
            (await self._http.write("POST", path, json={"note": {"content": content}})).body()

    async def _change(self, incident: Mapping[str, Any], key: str, changed: dict[str, str]) -> Receipt:
        answer = await self._http.write("PUT", f"/incidents/{incident['id']}", json={"incident": changed})
        return _receipt(_incident(answer), key)


def _title(message: Message) -> str:
    title = message.subject if len(message.subject) <= LONGEST else message.subject[: LONGEST - 1] + "…"
    return title or "Notice"


def _urgency(message: Message) -> str:
    return "high" if message.severity in {"SEV1", "SEV2"} else "low"


def _is_there_already(answer: Answer) -> bool:
    """Refused because an incident of that key is open."""
    return answer.status == 400 and "matching dedup key already exists" in answer.says.lower()


def _incident(answer: Answer) -> dict[str, Any]:
    incident = answer.body().get("incident")
    if not isinstance(incident, dict) or not incident.get("id"):
        raise Unknown(f"PagerDuty answered {answer.status} without an incident: {answer.says}")
    return incident


def _receipt(incident: dict[str, Any], key: str) -> Receipt:
    url = incident.get("html_url")
    return Receipt(
        id=str(incident["id"]),
        url=url if isinstance(url, str) else "",
        accepted_at=datetime.now(UTC),
        raw={"incident": str(incident["id"]), "incident_key": key, "parts": [key]},
    )
