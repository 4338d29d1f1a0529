"""An outside monitor in the manner of healthchecks.io: it raises the alarm when our sign of life does not come.

Also understood by self-hosted Healthchecks, Uptime Kuma (push monitors), Better Stack, Cronitor and Dead Man's Snitch: a
GET of an address that only we know. With ``authorization``, also by Opsgenie's heartbeats
(https://api.opsgenie.com/v2/heartbeats/NAME/ping). API: https://healthchecks.io/docs/http_api/,
https://deadmanssnitch.com/docs, https://docs.opsgenie.com/docs/heartbeat-api#ping-heartbeat-request.
"""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from integrations.http import Connection, Http
from integrations.outcomes import IntegrationError
from integrations.protocols import Health


class HealthchecksSettings(BaseModel):
    """Settings of a check."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(default="https://hc-ping.com", description="Not used: the check has its own address")
    timeout: float = Field(default=10.0, gt=0, le=60, description="Seconds one sign of life may take")
    ping_url: SecretStr = Field(description="The check's address, which is as good as a password")
    authorization: SecretStr | None = Field(
        default=None,
        description="What the header Authorization holds, such as 'GenieKey ...' for Opsgenie's heartbeats",
    )

    @field_validator("ping_url")
    @classmethod
    def _address(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("must be the whole address of the check, https://...")
        return value


class Healthchecks:
    """A monitor."""

    kind: ClassVar[str] = "healthchecks"
    settings_model: ClassVar[type[HealthchecksSettings]] = HealthchecksSettings

    def __init__(self, settings: HealthchecksSettings) -> None:
        self._url = settings.ping_url.get_secret_value()
        given = settings.authorization.get_secret_value() if settings.authorization else ""
        headers = {"Authorization": given} if given else {}
        self._http = Http("The monitor", Connection(base_url=settings.base_url, timeout=settings.timeout), headers)
        self._http.secrets |= {self._url, given} - {""}

    async def beat(self) -> None:
        """Say that all is well.

        Raises:
            integrations.IntegrationError: it was not taken.
        """
        (await self._http.read(self._url)).accepted()

    async def check(self) -> Health:
        """Sends a sign of life, which is what the monitor is for."""
        try:
            await self.beat()
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says="took a sign of life")

    async def close(self) -> None:
        await self._http.close()
