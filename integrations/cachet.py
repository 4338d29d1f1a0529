"""Cachet, version 3: incidents on a status page of one's own, and updates to them.

Promises: an incident carries its key among its metadata where the server keeps any; elsewhere, and for updates, which
have none, the page's newest incidents are read and compared by their text. API: https://docs.cachethq.io/api-reference.
"""

import re
from collections.abc import Iterable
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
from integrations.shapes import an_object
from integrations.thread import SKEW, since_planned

STATUSES = {"investigating": 1, "identified": 2, "monitoring": 3, "resolved": 4}
"""Cachet's numbers for what Fireline calls an incident's status; 3 is ``watching`` there, 4 ``fixed``."""
COMPONENT_STATES = {
    "operational": 1, "degraded_performance": 2, "partial_outage": 3, "major_outage": 4, "under_maintenance": 6,
}  # fmt: skip
META = "fireline"
_AGO = re.compile(r"(\d{1,4}) (second|minute|hour|day|week)s? ago")


class CachetSettings(Connection):
    """Settings of a Cachet server."""

    base_url: str = Field(examples=["https://status.example.com"], description="The server, without /api")
    token: SecretStr = Field(description="API key that may manage and delete incidents (incidents.manage, .delete)")
    notify: bool = Field(default=True, description="Let Cachet tell the page's subscribers")


class Cachet:
    """A ``Publisher``; a rendering that answers an incident becomes an update of it, any other opens one."""

    kind: ClassVar[str] = "cachet"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.RECONCILE_BY_MARKER
    settings_model: ClassVar[type[CachetSettings]] = CachetSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=16_000,
        subject=255,
        status=True,
        source="https://docs.cachethq.io/api-reference/incidents/create-incident",
    )

    def __init__(self, settings: CachetSettings) -> None:
        self._settings = settings
        token = settings.token.get_secret_value()
        self._http = Http("Cachet", settings, {"Authorization": f"Bearer {token}"})

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        status = _status(rendering)
        if rendering.reply_to:
            with before_sending():
                there = await self._update(rendering)
            if there is not None:
                return there
            body: dict[str, Any] = {"status": status, "message": rendering.text}
            incident = rendering.reply_to.partition("/")[0]
            made = _resource(await self._http.write("POST", f"/api/incidents/{incident}/updates", json=body))
            return self._receipt(made, incident)
        if not rendering.subject.strip():
            raise Refused("an incident on a status page needs a title; nothing was sent")
        body = {"name": rendering.subject, "status": status, "message": rendering.text, "visible": True}
        body |= {"notifications": self._settings.notify, "meta": {META: key}}
        if rendering.options.get("components"):
            body["components"] = list(_components(rendering.options["components"]))
        return self._receipt(_resource(await self._http.write("POST", "/api/incidents", json=body)))

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        """Looks at the incident answered, or else at the page's 100 newest incidents."""
        if rendering is None:
            raise Unknown("the rendering is needed to look for its text in Cachet")
        with looking_up():
            if rendering.reply_to:
                return await self._update(rendering)
            newest = await self._newest()
            fresh = since_planned(newest, _made)
            for incident in newest:
                attributes = incident["attributes"]
                meta = attributes.get("meta")
                marked = meta.get(META) if isinstance(meta, dict) else None
                same = (attributes.get("name"), attributes.get("message")) == (rendering.subject, rendering.text)
                if marked == key or (marked is None and same and incident in fresh):
                    return self._receipt(incident)
        return None

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        hold_to(self.limits, rendering)
        incident, _, update = receipt.id.partition("/")
        path = f"/api/incidents/{incident}" + (f"/updates/{update}" if update else "")
        body = {"message": rendering.text} | ({"name": rendering.subject} if rendering.subject and not update else {})
        _resource(await self._http.write("PUT", path, json=body))
        return receipt.model_copy(update={"accepted_at": datetime.now(UTC)})

    async def read(self, receipt: Receipt) -> OnPlatform:
        incident, _, update = receipt.id.partition("/")
        path = f"/api/incidents/{incident}" + (f"/updates/{update}" if update else "")
        with looking_up():
            answer = await self._http.read(path)
            text = None if answer.status == 404 else str(_resource(answer)["attributes"].get("message") or "")
        return OnPlatform(parts=(text,))

    async def withdraw(self, receipt: Receipt) -> None:
        incident, _, update = receipt.id.partition("/")
        path = f"/api/incidents/{incident}" + (f"/updates/{update}" if update else "")
        (await self._http.write("DELETE", path)).removed()

    async def check(self) -> Health:
        """Reads the version, and asks for subscribers, which only a valid key may see."""
        try:
            with before_sending():
                version = an_object((await self._http.read("/api/version")).body().get("data"), "data")
                (await self._http.read("/api/subscribers", params={"per_page": "1"})).body()
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says=f"speaks to Cachet {version.get('version', '')}".strip())

    async def close(self) -> None:
        await self._http.close()

    async def _newest(self) -> list[dict[str, Any]]:
        params = {"per_page": "100", "sort": "-created_at", "include": "meta"}
        answer = await self._http.read("/api/incidents", params=params)
        if answer.status == 400:  # versions without metadata know no such include
            answer = await self._http.read("/api/incidents", params={"per_page": "100", "sort": "-created_at"})
        return _resources(answer)

    async def _update(self, rendering: Rendering) -> Receipt | None:
        incident = rendering.reply_to.partition("/")[0]
        answer = await self._http.read(f"/api/incidents/{incident}/updates", params={"per_page": "100"})
        for update in since_planned(_resources(answer), _made):
            attributes = update["attributes"]
            if attributes.get("message") == rendering.text and _value(attributes.get("status")) == _status(rendering):
                return self._receipt(update, incident)
        return None

    def _receipt(self, resource: dict[str, Any], incident: str = "") -> Receipt:
        number, attributes = str(resource["id"]), resource["attributes"]
        own = f"{incident}/{number}" if incident else number
        guid = attributes.get("guid")
        return Receipt(
            id=own,
            url=f"{self._settings.base_url}/incidents/{guid}" if guid else "",
            accepted_at=_made(resource),
            raw={"parts": [own], "name": str(attributes.get("name") or "")},
        )


def _status(rendering: Rendering) -> int:
    given = rendering.options.get("status", "investigating")
    if given not in STATUSES:
        raise Refused(f"status {given!r} is none of {', '.join(STATUSES)}")
    return STATUSES[given]


def _components(given: str) -> Iterable[dict[str, int]]:
    for pair in given.split(","):
        number, _, state = (piece.strip() for piece in pair.partition("="))
        if not number.isdecimal() or state not in COMPONENT_STATES:
            raise Refused(f"components: {pair.strip()!r} is not id=state with a state of {', '.join(COMPONENT_STATES)}")
        yield {"id": int(number), "status": COMPONENT_STATES[state]}


def _made(resource: dict[str, Any]) -> datetime:
    """When it was made. Cachet tells the hour of its own time zone and, beside it, how long ago that was.

    The hour is taken as UTC, its default, unless how long ago it was says otherwise; that is in whole units, and the
    latest time that it can mean is taken.
    """
    created = an_object(resource["attributes"].get("created"), "created")
    told, now = moment(created.get("string")), datetime.now(UTC)
    ago = _AGO.fullmatch(str(created.get("human")))
    if not ago:
        return told
    unit = timedelta(**{f"{ago[2]}s": 1})
    latest = now - int(ago[1]) * unit
    return told if latest - unit - SKEW <= told <= latest + SKEW else latest


def _value(status: Any) -> Any:
    return status.get("value") if isinstance(status, dict) else status


def _is_resource(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("attributes"), dict):
        return False
    return isinstance(value.get("id"), str | int) and bool(value["id"]) and value["id"] is not True


def _resource(answer: Answer) -> dict[str, Any]:
    data = answer.body().get("data")
    if not isinstance(data, dict) or not _is_resource(data):
        raise Unknown(f"Cachet answered {answer.status} without the resource: {answer.says}")
    return data


def _resources(answer: Answer) -> list[dict[str, Any]]:
    data = answer.body().get("data")
    if not isinstance(data, list) or not all(map(_is_resource, data)):
        raise Unknown(f"Cachet answered {answer.status} without a list: {answer.says}")
    return data
