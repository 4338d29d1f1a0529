"""Zendesk: tickets for customer care, when somebody of an incident is handed over.

Promises: a ticket carries our key twice. The ``Idempotency-Key`` header makes Zendesk give back the first ticket for two
hours; after that, and whenever the outcome is unclear, the ticket is looked for by its ``external_id``. Its comment is
private, so nobody outside gets mail. API: https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency,
https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/.
"""

from typing import Any, ClassVar

from pydantic import Field, SecretStr

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations.http import Answer, Connection, Http, moment
from integrations.outcomes import IntegrationError, Misconfigured, Refused, Unknown, before_sending, looking_up
from integrations.protocols import Health, Message

PRIORITIES = {"SEV1": "urgent", "SEV2": "high", "SEV3": "normal", "SEV4": "low"}
LONGEST, LONGEST_TEXT = 150, 60_000


class ZendeskSettings(Connection):
    """Settings of an agent of Zendesk."""

    base_url: str = Field(examples=["https://acme.zendesk.com"], description="The account's address")
    email: str = Field(
        examples=["care@example.com"], pattern=r"^[^\s/@:]+@[^\s/@:]+$", description="The agent's address"
    )
    api_token: SecretStr = Field(description="API token (Admin Center, Apps and integrations, Zendesk API)")
    tags: tuple[str, ...] = Field(default=("fireline",), description="Tags of every ticket")


class Zendesk:
    """A ``Notifier`` that takes a person over; the address is the id of a group, or empty."""

    kind: ClassVar[str] = "zendesk"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.NATIVE_KEY
    takes_over: ClassVar[bool] = True
    settings_model: ClassVar[type[ZendeskSettings]] = ZendeskSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=LONGEST_TEXT,
        subject=LONGEST,
        source="https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/",
    )

    def __init__(self, settings: ZendeskSettings) -> None:
        self._settings = settings
        self._http = Http("Zendesk", settings, auth=(f"{settings.email}/token", settings.api_token.get_secret_value()))

    async def notify(self, message: Message, route: Route) -> Receipt:
        if (route.address and not route.address.isascii()) or (route.address and not route.address.isdigit()):
            raise Misconfigured("the address of a Zendesk helpdesk is the number of a group, or empty")
        with before_sending():
            if there := await self._there(message.key):  # the key itself is forgotten after two hours
                return self._receipt(there)
        ticket: dict[str, Any] = {
            "subject": message.subject[:LONGEST],
            "comment": {"body": message.text[:LONGEST_TEXT], "public": False},
            "external_id": message.key,
            "tags": list(self._settings.tags),
            "priority": PRIORITIES.get(message.severity, "normal"),
        }
        if route.address:
            ticket["group_id"] = int(route.address)
        answer = await self._http.write(
            "POST", "/api/v2/tickets", json={"ticket": ticket}, headers={"Idempotency-Key": message.key}
        )
        conflict = answer.status == 409  # two at once: one of them may have made it
        if conflict or (answer.status == 400 and "IdempotentRequestError" in answer.says):
            with looking_up():
                there = await self._there(message.key)
            if there is not None:
                return self._receipt(there)
            if conflict:
                raise Unknown(f"Zendesk was asked for the same at the same time: {answer.says}", answer.status)
            raise Refused(f"Zendesk knows the key from another ticket: {answer.says}")
        return self._receipt(_ticket(answer))

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        with looking_up():
            there = await self._there(key)
        return self._receipt(there) if there else None

    async def check(self) -> Health:
        try:
            with before_sending():
                user = (await self._http.read("/api/v2/users/me")).body().get("user")
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        if not isinstance(user, dict) or user.get("role") not in ("agent", "admin"):
            return Health(ok=False, says="the token is of nobody who may make tickets: use an agent's address")
        return Health(ok=True, says=f"makes tickets as {user.get('email')}")

    async def close(self) -> None:
        await self._http.close()

    async def _there(self, key: str) -> dict[str, Any] | None:
        """The ticket that has our key."""
        found = (await self._http.read("/api/v2/tickets", params={"external_id": key})).body().get("tickets")
        if not isinstance(found, list):
            raise Unknown("Zendesk answered without a list of tickets")
        return next((t for t in found if isinstance(t, dict) and t.get("external_id") == key and t.get("id")), None)

    def _receipt(self, ticket: dict[str, Any]) -> Receipt:
        number = str(ticket["id"])
        return Receipt(
            id=number,
            url=f"{self._settings.base_url}/agent/tickets/{number}",
            accepted_at=moment(ticket.get("created_at")),
            raw={"parts": [number], "external_id": str(ticket.get("external_id") or "")},
        )


def _ticket(answer: Answer) -> dict[str, Any]:
    ticket = answer.body().get("ticket")
    if not isinstance(ticket, dict) or not ticket.get("id"):
        raise Unknown(f"Zendesk answered {answer.status} without a ticket: {answer.says}")
    return ticket
