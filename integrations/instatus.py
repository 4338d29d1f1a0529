"""Instatus: incidents on a hosted status page, and updates to them.

Promises: Instatus keeps no key of ours, so the page's incidents are read and compared: an opening by its title and first
text, an update by its text and status, both of the last day. API: https://instatus.com/help/api/incidents and
https://instatus.com/help/api/incident-updates.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.read_back import OnPlatform
from crisis.statement import Rendering
from integrations.http import Answer, Connection, Http, moment
from integrations.outcomes import IntegrationError, Refused, Unknown, before_sending, looking_up
from integrations.protocols import Health, hold_to
from integrations.shapes import objects
from integrations.thread import since_planned

STATUSES = frozenset({"investigating", "identified", "monitoring", "resolved"})
"""In capitals there."""
COMPONENT_STATES = {
    "operational": "OPERATIONAL", "under_maintenance": "UNDERMAINTENANCE", "major_outage": "MAJOROUTAGE",
    "degraded_performance": "DEGRADEDPERFORMANCE", "partial_outage": "PARTIALOUTAGE",
}  # fmt: skip
LOOK_BACK = timedelta(hours=24)
PAGE, PAGES = 50, 5


class InstatusSettings(Connection):
    """Settings of a page."""

    base_url: str = Field(default="https://api.instatus.com", description="The API")
    page_id: str = Field(
        examples=["ckf01fonve9i40a32oas5b0uw"],
        pattern=r"^[0-9A-Za-z_-]+$",
        description="Id of the page, from its dashboard",
    )
    api_key: SecretStr = Field(description="API key, from User settings > Developer settings")
    notify: bool = Field(default=True, description="Let Instatus tell the page's subscribers")


class Instatus:
    """A ``Publisher``; a rendering that answers an incident becomes an update of it, any other opens one."""

    kind: ClassVar[str] = "instatus"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.RECONCILE_BY_MARKER
    settings_model: ClassVar[type[InstatusSettings]] = InstatusSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=16_000, subject=255, status=True, source="https://instatus.com/help/api/incidents (sets none)"
    )

    def __init__(self, settings: InstatusSettings) -> None:
        self._settings = settings
        self._path = f"/v1/{settings.page_id}"
        key = settings.api_key.get_secret_value()
        self._http = Http("Instatus", settings, {"Authorization": f"Bearer {key}"})

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        body = self._body(rendering)
        if rendering.reply_to:
            incident = rendering.reply_to.partition("/")[0]
            answer = await self._http.write("POST", f"{self._path}/incidents/{incident}/incident-updates", json=body)
            return _receipt(_made(answer), incident)
        if not rendering.subject.strip():
            raise Refused("an incident on a status page needs a title; nothing was sent")
        answer = await self._http.write("POST", f"{self._path}/incidents", json={"name": rendering.subject, **body})
        return _receipt(_made(answer))

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        if rendering is None:
            raise Unknown("Instatus keeps no key of ours; the rendering is needed to look for its text")
        status = _status(rendering)
        with looking_up():
            if rendering.reply_to:
                incident = rendering.reply_to.partition("/")[0]
                there = _made(await self._http.read(f"{self._path}/incidents/{incident}"))
                updates = since_planned(_recent(there), _at)[::-1]
                found = [u for u in updates if (u.get("message"), u.get("status")) == (rendering.text, status)]
                return _receipt(found[0], incident) if found else None
            for incident_there in since_planned(await self._incidents(), _at):
                first = next(iter(_recent(incident_there)), {})
                if (incident_there.get("name"), first.get("message")) == (rendering.subject, rendering.text):
                    return _receipt(incident_there)
        return None

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        """Changes the text of the update, and the title when the receipt is of an opening."""
        hold_to(self.limits, rendering)
        incident, _, _ = receipt.id.partition("/")
        update = str(receipt.raw.get("update") or "")
        if not update:
            raise Refused("the receipt names no update to change; publish a correction as an update instead")
        path = f"{self._path}/incidents/{incident}"
        _made(await self._http.write("PUT", f"{path}/incident-updates/{update}", json={"message": rendering.text}))
        if receipt.id == incident and rendering.subject and rendering.subject != receipt.raw.get("name"):
            _made(await self._http.write("PUT", path, json={"name": rendering.subject, "notify": False}))
        return receipt.model_copy(update={"accepted_at": datetime.now(UTC)})

    async def read(self, receipt: Receipt) -> OnPlatform:
        incident, _, _ = receipt.id.partition("/")
        update = str(receipt.raw.get("update") or "")
        if not update:
            raise Unknown("the receipt names no update to look for")
        with looking_up():
            answer = await self._http.read(f"{self._path}/incidents/{incident}")
            if answer.status == 404:
                return OnPlatform(parts=(None,))
            updates = objects(_made(answer).get("updates"), "updates")
        ours = [u for u in updates if u.get("id") == update]
        return OnPlatform(parts=(str(ours[0].get("message", "")) if ours else None,))

    async def withdraw(self, receipt: Receipt) -> None:
        incident, _, update = receipt.id.partition("/")
        path = f"{self._path}/incidents/{incident}" + (f"/incident-updates/{update}" if update else "")
        (await self._http.write("DELETE", path)).removed()

    async def check(self) -> Health:
        try:
            with before_sending():
                components = (await self._http.read(f"{self._path}/components")).items()
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says=f"manages incidents on a page with {len(components)} components")

    async def close(self) -> None:
        await self._http.close()

    async def _incidents(self) -> list[dict[str, Any]]:
        """The page's incidents, newest first; a server that does not page gives all at once."""
        found: dict[str, dict[str, Any]] = {}
        for page in range(1, PAGES + 1):
            params = {"page": str(page), "per_page": str(PAGE)}
            more = (await self._http.read(f"{self._path}/incidents", params=params)).items()
            if not all(isinstance(i.get("id"), str) and i["id"] for i in more):
                raise Unknown("Instatus gives an incident without an id")
            fresh = {i["id"]: i for i in more if i["id"] not in found}
            found |= fresh
            if len(more) < PAGE or not fresh:
                break
        return sorted(found.values(), key=lambda i: str(i.get("started") or ""), reverse=True)

    def _body(self, rendering: Rendering) -> dict[str, Any]:
        states = dict(_components(rendering.options.get("components", "")))
        return {
            "message": rendering.text,
            "status": _status(rendering),
            "started": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "notify": self._settings.notify,
            "components": list(states),
            "statuses": [{"id": component, "status": state} for component, state in states.items()],
        }


def _status(rendering: Rendering) -> str:
    given = rendering.options.get("status", "investigating")
    if given not in STATUSES:
        raise Refused(f"status {given!r} is none of {', '.join(sorted(STATUSES))}")
    return given.upper()


def _components(given: str) -> list[tuple[str, str]]:
    pairs = [pair.partition("=") for pair in given.split(",") if pair.strip()]
    for name, _, state in pairs:
        if not name.strip() or state.strip() not in COMPONENT_STATES:
            raise Refused(f"components: {name.strip()}={state.strip()} has no state of {', '.join(COMPONENT_STATES)}")
    return [(name.strip(), COMPONENT_STATES[state.strip()]) for name, _, state in pairs]


def _recent(incident: dict[str, Any]) -> list[dict[str, Any]]:
    """The incident's updates of the last day, oldest first."""
    updates = objects(incident.get("updates"), "updates")
    since = datetime.now(UTC) - LOOK_BACK
    return sorted((u for u in updates if _at(u) > since), key=_at)


def _at(thing: dict[str, Any]) -> datetime:
    return moment(thing.get("createdAt") or thing.get("started"))


def _made(answer: Answer) -> dict[str, Any]:
    answer.text("id")
    return answer.body()


def _receipt(thing: dict[str, Any], incident: str = "") -> Receipt:
    """Of an incident, or of an update of ``incident``."""
    number = thing.get("id")
    if not isinstance(number, str) or not number:
        raise Unknown("Instatus gives an update without an id")
    first = next(iter(_recent(thing)), {})
    own = f"{incident}/{number}" if incident else number
    raw = {
        "parts": [own],
        "name": str(thing.get("name") or ""),
        "update": number if incident else str(first.get("id") or ""),
    }
    return Receipt(id=own, accepted_at=_at(thing), raw=raw)
