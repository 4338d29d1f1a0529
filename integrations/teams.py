"""Microsoft Teams: notices as Adaptive Cards, by the address that a workflow in Teams gives out.

Promises: text is shown as it is, never as markup. Nothing can be looked up afterwards, so whatever was not clearly
answered is for a human. The address holds a signature and is a secret. Cards: https://adaptivecards.io/explorer/ (1.5);
workflows: https://support.microsoft.com/office/8ae491c7-0394-4861-ba59-055e33f75498.
"""

import re
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import Field, SecretStr, field_validator

from crisis.counting import Limits, Unit
from crisis.delivery import DeliveryClass, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations.http import Connection, Http
from integrations.outcomes import Refused, Unknown
from integrations.protocols import Health, Message

LARGEST = 20_000
"""Bytes of text: a message to Teams holds about 28 KB as JSON."""
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!~|>])")


class TeamsSettings(Connection):
    """Settings of a workflow that posts to a channel or chat."""

    base_url: str = Field(
        default="https://teams.microsoft.com", description="Not used: the workflow has its own address"
    )
    webhook_url: SecretStr = Field(
        description="The workflow's address (template: Post to a channel when a webhook request is received)"
    )

    @field_validator("webhook_url")
    @classmethod
    def _address(cls, value: SecretStr) -> SecretStr:
        if not re.match(r"https?://[^/\s]+/", value.get_secret_value()):
            raise ValueError("must be the whole address that Teams gave, https://...")
        return value


class Teams:
    """A ``Notifier``; the address is a name for people, because the workflow knows its channel."""

    kind: ClassVar[str] = "teams"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.AT_MOST_ONCE
    settings_model: ClassVar[type[TeamsSettings]] = TeamsSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=LARGEST,
        unit=Unit.BYTES,
        subject=255,
        source="https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using",
    )

    def __init__(self, settings: TeamsSettings) -> None:
        self._http = Http("Teams", settings)
        self._url = settings.webhook_url.get_secret_value()

    async def notify(self, message: Message, route: Route) -> Receipt:
        if len(message.full_text.encode()) > LARGEST:
            raise Refused(f"a notice in Teams holds {LARGEST} bytes; shorten it and link to the rest")
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card(message)}
        body = {"type": "message", "attachments": [attachment]}
        answer = (await self._http.write("POST", self._url, json=body)).accepted()
        return Receipt(
            id=message.key, accepted_at=datetime.now(UTC), raw={"status": answer.status, "parts": [message.key]}
        )

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        raise Unknown("a workflow in Teams cannot be asked what it has posted; look at the channel")

    async def check(self) -> Health:
        """A workflow can only be run, which would post; so nothing is sent."""
        return Health(ok=True, says="has an address; whether the workflow behind it works shows with the first notice")

    async def close(self) -> None:
        await self._http.close()


def card(message: Message) -> dict[str, Any]:
    """The notice as an Adaptive Card: subject, text, and buttons that lead to the desk."""
    paragraphs = [p for p in re.split(r"\n\s*\n", message.words) if p.strip()]
    body: list[dict[str, Any]] = [
        {"type": "TextBlock", "text": plain(message.subject), "weight": "Bolder", "size": "Medium", "wrap": True}
    ]
    body += [{"type": "TextBlock", "text": plain(paragraph), "wrap": True} for paragraph in paragraphs]
    made: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": body,
    }
    buttons = [("I am on it", message.on_it), ("Open", message.link)]
    if actions := [{"type": "Action.OpenUrl", "title": title, "url": url} for title, url in buttons if url]:
        made["actions"] = actions
    return made


def plain(text: str) -> str:
    """``text`` with what a card would read as Markdown escaped; lines stay lines."""
    return _MARKUP.sub(r"\\\1", text.strip()).replace("\n", "\n\n")
