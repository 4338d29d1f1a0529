"""Everything else that can be told something, by Apprise: more than a hundred services, each by an address of its own.

Promises: the address holds the credentials and is a secret; it shows up in no message and no log. Apprise says only
whether it worked, so whatever did not is for a human. Addresses: https://appriseit.com/services/.
"""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations.outcomes import Misconfigured, Unknown
from integrations.protocols import Health, Message

logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it logs addresses when something goes wrong,
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)  # and what it sends with logs them always


class AppriseSettings(BaseModel):
    """Settings of one Apprise address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(default="", description="Not used: the address says where")
    timeout: float = Field(default=20.0, gt=0, le=300, description="Seconds that a notice may take")
    url: SecretStr = Field(description="The Apprise address, such as pover://user@token, signal://... or msteams://...")


class AppriseAny:
    """A ``Notifier``; the address of a route is a name for people, because the Apprise address knows where."""

    kind: ClassVar[str] = "apprise"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.AT_MOST_ONCE
    settings_model: ClassVar[type[AppriseSettings]] = AppriseSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=25_000, source="each service has its own; Apprise cuts or splits what is longer"
    )

    def __init__(self, settings: AppriseSettings) -> None:
        self._settings = settings

    async def notify(self, message: Message, route: Route) -> Receipt:
        service = self._service()
        try:
            async with asyncio.timeout(self._settings.timeout):
                done = await service.async_notify(title=message.subject, body=message.full_text)
        except TimeoutError:
            raise Unknown(f"no answer within {self._settings.timeout:g} s by Apprise") from None
        except Exception as error:  # plug-ins raise as they like, and may repeat the address
            raise Unknown(f"Apprise failed ({type(error).__name__})") from None
        if not done:
            raise Unknown("Apprise says that it did not work, not how far it got; look at the service")
        return Receipt(id=message.key, accepted_at=datetime.now(UTC), raw={"parts": [message.key]})

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        raise Unknown("Apprise cannot be asked what arrived; look at the service")

    async def check(self) -> Health:
        """Nothing can be proven without telling somebody; only that the address is understood."""
        try:
            service = self._service()
        except Misconfigured as error:
            return Health(ok=False, says=str(error))
        name = getattr(service[0], "service_name", "") or "a service"
        return Health(ok=True, says=f"an address of {name}; whether it works shows with the first notice")

    async def close(self) -> None:
        """Nothing is held open."""

    def _service(self) -> Any:
        from apprise import Apprise  # a second to import

        service = Apprise()
        if not service.add(self._settings.url.get_secret_value()):
            raise Misconfigured("url is no address that Apprise understands: see https://appriseit.com/services/")
        return service
