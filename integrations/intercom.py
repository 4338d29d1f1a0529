"""Intercom: conversations for customer care, when somebody of an incident is handed over.

Promises: a conversation begins from one contact of the company's own (``external_id``), never from a profile of the person
who posted, so no personal data is stored about them. The contact is asked for by that id, for Intercom's search does not know
new contacts for minutes. Intercom keeps no key of ours for conversations: an outcome that is unclear is put before a human,
and nothing is sent twice. API:
https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations/createconversation.
"""

from typing import ClassVar
from urllib.parse import quote

from pydantic import Field, SecretStr

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations.http import Connection, Http
from integrations.outcomes import IntegrationError, Misconfigured, Unknown, before_sending
from integrations.protocols import Health, Message
from integrations.shapes import at_second

VERSION = "2.14"
"""The first that tells a contact by its ``external_id`` is 2.13."""
LONGEST = 30_000


class IntercomSettings(Connection):
    """Settings of a workspace of Intercom."""

    base_url: str = Field(
        default="https://api.intercom.io", description="The API; in Europe https://api.eu.intercom.io"
    )
    access_token: SecretStr = Field(
        description="Access token of an app that may read and write users, and read and write conversations"
    )


class Intercom:
    """A ``Notifier`` that takes a person over; the address is the ``external_id`` of the contact that it comes from."""

    kind: ClassVar[str] = "intercom"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.AT_MOST_ONCE
    takes_over: ClassVar[bool] = True
    settings_model: ClassVar[type[IntercomSettings]] = IntercomSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=LONGEST,
        source="https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations/",
    )

    def __init__(self, settings: IntercomSettings) -> None:
        headers = {"Authorization": f"Bearer {settings.access_token.get_secret_value()}", "Intercom-Version": VERSION}
        self._http = Http("Intercom", settings, headers)
        self._base = settings.base_url

    async def notify(self, message: Message, route: Route) -> Receipt:
        if not route.address:
            raise Misconfigured("an Intercom helpdesk needs an address: the external_id of the contact it comes from")
        with before_sending():
            contact = await self._contact(route.address)
        body = f"{message.subject}\n\n{message.text}"[:LONGEST]
        made = await self._http.write(
            "POST", "/conversations", json={"from": {"type": "user", "id": contact}, "body": body}
        )
        number = made.body().get("conversation_id") or made.body().get("id")
        if not isinstance(number, str) or not number:
            raise Unknown(f"Intercom answered {made.status} without a conversation: {made.says}")
        return Receipt(
            id=number,
            accepted_at=at_second(made.body().get("created_at"), "created_at"),
            raw={"parts": [number], "key": message.key},
        )

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        raise Unknown("Intercom keeps no key of ours: look in the inbox whether the conversation is there")

    async def check(self) -> Health:
        try:
            with before_sending():
                me = (await self._http.read("/me")).body()
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        app = me.get("app")
        name = app.get("name") if isinstance(app, dict) else None
        return Health(ok=True, says=f"begins conversations in {name or 'the workspace'}")

    async def close(self) -> None:
        await self._http.close()

    async def _contact(self, external_id: str) -> str:
        """The id of the contact with that ``external_id``; it is made the first time. Making it twice makes it once:
        Intercom answers 409 when it is there."""
        if found := await self._known(external_id):
            return found
        body = {"role": "user", "external_id": external_id, "name": "Fireline"}
        made = await self._http.write("POST", "/contacts", json=body)
        if made.status == 409 and (found := await self._known(external_id)):
            return found
        return made.text("id")

    async def _known(self, external_id: str) -> str:
        answer = await self._http.read(f"/contacts/find_by_external_id/{quote(external_id, safe='')}")
        if answer.status == 410:
            raise Misconfigured(
                f"the contact {external_id!r} was merged into another one: give the helpdesk that one's external_id"
            )
        return "" if answer.status == 404 else answer.text("id")
