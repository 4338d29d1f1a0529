"""Atlassian Statuspage: incidents, and updates to them.

Promises: every write carries its key in the incident's ``metadata``, in the same request, so a look-up tells for
certain whether it got there. A rendering with ``reply_to`` becomes an update of that incident, any other opens a new
one; a resolution of an incident that is resolved already becomes its postmortem, which is looked for by its text.
API: https://developer.statuspage.io (60 requests a minute; answers 420 or 429 beyond that).
"""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.read_back import OnPlatform
from crisis.statement import Rendering
from integrations.http import Answer, Connection, Http, moment, scrub
from integrations.outcomes import IntegrationError, Refused, Unknown, before_sending, looking_up
from integrations.protocols import Health, hold_to
from integrations.shapes import objects

STATUSES = frozenset({"investigating", "identified", "monitoring", "resolved"})
IMPACTS = frozenset({"none", "minor", "major", "critical"})
COMPONENT_STATES = frozenset(
    {"operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage"}
)
MARK = "fireline"
"""Our name space in an incident's metadata: operation key to ``opening`` or ``update`` and a digest of the text."""
POSTMORTEM = "postmortem"
PAGES = 3
_KEEP = ("id", "name", "status", "impact", "shortlink", "created_at", "updated_at")


class StatuspageSettings(Connection):
    """Settings of a status page."""

    base_url: str = Field(default="https://api.statuspage.io/v1", description="The Statuspage API")
    page_id: str = Field(
        examples=["abcdefghijkl"], pattern=r"^[0-9A-Za-z_-]+$", description="Id of the page, from its API settings"
    )
    api_key: SecretStr = Field(description="API key of a user who may manage incidents")
    notify: bool = Field(default=True, description="Let Statuspage tell the page's subscribers")


class Statuspage:
    """A ``Publisher``."""

    kind: ClassVar[str] = "statuspage"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.RECONCILE_BY_MARKER
    settings_model: ClassVar[type[StatuspageSettings]] = StatuspageSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=25_000,
        subject=255,
        status=True,
        source="https://developer.statuspage.io/#operation/postPagesPageIdIncidents",
    )

    def __init__(self, settings: StatuspageSettings) -> None:
        self._settings = settings
        self._path = f"/pages/{settings.page_id}"
        key = settings.api_key.get_secret_value()
        self._http = Http("Statuspage", settings, {"Authorization": f"OAuth {key}"})

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        incident = self._incident(rendering)
        mark = {key: f"{'update' if rendering.reply_to else 'opening'} {digest(rendering.text)}"}
        if not rendering.reply_to:
            if not rendering.subject.strip():
                raise Refused("an incident on a status page needs a title; nothing was sent")
            incident |= {"name": rendering.subject, "metadata": {MARK: mark}}
            answer = await self._http.write("POST", f"{self._path}/incidents", json={"incident": incident})
            return self._receipt(_incident(answer), key)
        path = f"{self._path}/incidents/{rendering.reply_to.partition('/')[0]}"
        with before_sending():
            there = _incident(await self._http.read(path))
        if key in _marks(there):
            return self._receipt(there, key)
        if _is_postmortem(rendering, there):
            return await self._write_postmortem(there, rendering)
        metadata = there.get("metadata") if isinstance(there.get("metadata"), dict) else {}
        incident["metadata"] = {**(metadata or {}), MARK: {**_marks(there), **mark}}
        return self._receipt(_incident(await self._http.write("PATCH", path, json={"incident": incident})), key)

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        """Looks at the incident answered, or else at the page's 300 newest incidents."""
        with looking_up():
            if rendering and rendering.reply_to:
                path = f"{self._path}/incidents/{rendering.reply_to.partition('/')[0]}"
                there = _incident(await self._http.read(path))
                if key not in _marks(there) and _is_postmortem(rendering, there):
                    written = await self._postmortem(str(there["id"]))
                    public = written.get("published_at") and written.get("body") == rendering.text
                    return _of_postmortem(there, written) if public else None
                return self._receipt(there, key) if key in _marks(there) else None
            for page in range(1, PAGES + 1):
                params = {"limit": "100", "page": str(page)}
                incidents = (await self._http.read(f"{self._path}/incidents", params=params)).items()
                for incident in incidents:
                    if key in _marks(incident):
                        return self._receipt(incident, key)
                if len(incidents) < 100:
                    break
        return None

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        """Changes the text of the update, and the title when the receipt is of an opening."""
        hold_to(self.limits, rendering)
        incident_id, _, part = receipt.id.partition("/")
        if part == POSTMORTEM:
            await self._put_postmortem(incident_id, rendering.text)
            return receipt.model_copy(update={"accepted_at": datetime.now(UTC)})
        update_id = receipt.raw.get("update")
        if not update_id:
            raise Refused("the receipt names no update to change; publish a correction as an update instead")
        path = f"{self._path}/incidents/{incident_id}"
        body = {"incident_update": {"body": rendering.text, "deliver_notifications": self._settings.notify}}
        (await self._http.write("PATCH", f"{path}/incident_updates/{update_id}", json=body)).body()
        if receipt.id == incident_id and rendering.subject and rendering.subject != receipt.raw.get("name"):
            renamed = {"incident": {"name": rendering.subject, "deliver_notifications": False}}
            _incident(await self._http.write("PATCH", path, json=renamed))
        raw = receipt.raw | ({"name": rendering.subject} if rendering.subject else {})
        return receipt.model_copy(update={"accepted_at": datetime.now(UTC), "raw": raw})

    async def read(self, receipt: Receipt) -> OnPlatform:
        incident_id, _, part = receipt.id.partition("/")
        with looking_up():
            if part == POSTMORTEM:
                written = await self._postmortem(incident_id)
                return OnPlatform(parts=(str(written.get("body")) if written.get("published_at") else None,))
            answer = await self._http.read(f"{self._path}/incidents/{incident_id}")
            if answer.status == 404:
                return OnPlatform(parts=(None,))
            updates = objects(_incident(answer).get("incident_updates"), "incident_updates")
        ours = [u for u in updates if u.get("id") == receipt.raw.get("update")]
        return OnPlatform(parts=(str(ours[0].get("body", "")) if ours else None,))

    async def withdraw(self, receipt: Receipt) -> None:
        incident_id, _, part = receipt.id.partition("/")
        if part == POSTMORTEM:
            (await self._http.write("DELETE", f"{self._path}/incidents/{incident_id}/{POSTMORTEM}")).removed()
            return
        if part:
            raise Refused("Statuspage cannot remove a single update; amend it, or publish a correction")
        (await self._http.write("DELETE", f"{self._path}/incidents/{receipt.id}")).removed()

    async def check(self) -> Health:
        try:
            with before_sending():
                name = (await self._http.read(self._path)).text("name")
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says=f"manages incidents on the page {name!r}")

    async def close(self) -> None:
        await self._http.close()

    async def _postmortem(self, incident_id: str) -> dict[str, Any]:
        """The incident's postmortem; empty where there is none."""
        answer = await self._http.read(f"{self._path}/incidents/{incident_id}/{POSTMORTEM}")
        return {} if answer.status == 404 else answer.body()

    async def _write_postmortem(self, incident: dict[str, Any], rendering: Rendering) -> Receipt:
        incident_id = str(incident["id"])
        with before_sending():
            there = await self._postmortem(incident_id)
        if there.get("published_at") and there.get("body") not in (None, "", rendering.text):
            raise Refused("the incident has another postmortem already: change it there, or publish an update")
        return _of_postmortem(incident, await self._put_postmortem(incident_id, rendering.text))

    async def _put_postmortem(self, incident_id: str, text: str) -> dict[str, Any]:
        """Write it as a draft, then make that public; doing both again changes nothing."""
        path = f"{self._path}/incidents/{incident_id}/{POSTMORTEM}"
        draft = {"postmortem": {"body_draft": text}}
        (await self._http.write("PUT", path, json=draft)).body()
        public = {"postmortem": {"notify_subscribers": self._settings.notify, "notify_twitter": False}}
        answer = await self._http.write("PUT", f"{path}/publish", json=public)
        answer.text("published_at")
        return answer.body()

    def _incident(self, rendering: Rendering) -> dict[str, Any]:
        options = rendering.options
        incident: dict[str, Any] = {
            "status": _one_of("status", options.get("status", "investigating"), STATUSES),
            "body": rendering.text,
            "deliver_notifications": self._settings.notify,
        }
        if impact := options.get("impact"):
            incident["impact_override"] = _one_of("impact", impact, IMPACTS)
        if options.get("components"):
            pairs = (pair.partition("=") for pair in options["components"].split(","))
            states = {c.strip(): _one_of("components", state.strip(), COMPONENT_STATES) for c, _, state in pairs}
            incident |= {"components": states, "component_ids": list(states)}
        return incident

    def _receipt(self, incident: dict[str, Any], key: str) -> Receipt:
        updates = incident.get("incident_updates") or []
        if not isinstance(updates, list) or not all(isinstance(update, dict) for update in updates):
            raise Unknown("Statuspage answered with updates of the incident that are no list of objects")
        updates = sorted(updates, key=lambda u: str(u.get("created_at", "")))
        what, _, text = _marks(incident).get(key, "opening").partition(" ")
        opening = what == "opening"
        ours = [u for u in updates if digest(str(u.get("body", ""))) == text]
        update = ours[-1] if ours else (updates[0 if opening else -1] if updates else {})
        update_id = str(update.get("id", ""))
        raw = scrub({name: incident[name] for name in _KEEP if name in incident}, self._http.secrets)
        incident_id = str(incident["id"])
        own_id = incident_id if opening or not update_id else f"{incident_id}/{update_id}"
        return Receipt(
            id=own_id,
            url=str(incident.get("shortlink") or ""),
            accepted_at=moment(update.get("created_at") or incident.get("created_at")),
            raw={**raw, "parts": [own_id], "update": update_id},
        )


def digest(text: str) -> str:
    """What the metadata keeps of a text, to tell its update among others: 16 hexadecimal digits of its SHA-256."""
    return sha256(text.encode()).hexdigest()[:16]


def _incident(answer: Answer) -> dict[str, Any]:
    answer.text("id")
    return answer.body()


def _is_postmortem(rendering: Rendering, incident: dict[str, Any]) -> bool:
    """Whether a rendering answers an incident as resolved that is resolved already."""
    return rendering.options.get("status") == "resolved" and incident.get("status") in {"resolved", POSTMORTEM}


def _of_postmortem(incident: dict[str, Any], postmortem: dict[str, Any]) -> Receipt:
    own = f"{incident['id']}/{POSTMORTEM}"
    return Receipt(
        id=own,
        url=str(incident.get("shortlink") or ""),
        accepted_at=moment(postmortem.get("published_at")),
        raw={"parts": [own], "name": str(incident.get("name") or "")},
    )


def _marks(incident: dict[str, Any]) -> dict[str, str]:
    metadata = incident.get("metadata")
    marks = metadata.get(MARK) if isinstance(metadata, dict) else None
    return {str(k): str(v) for k, v in marks.items()} if isinstance(marks, dict) else {}


def _one_of(name: str, value: str, known: frozenset[str]) -> str:
    if value not in known:
        raise Refused(f"{name} {value!r} is not known to Statuspage; it is one of {', '.join(sorted(known))}")
    return value
