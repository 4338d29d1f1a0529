"""Outside services put to the proof, for ``fireline check`` and the desk: credentials, what they may do, their limits.

Nothing is published and no secret is shown; whatever goes wrong is one sentence that says what to mend.
"""

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from config import ChannelSettings, NotifierSettings, Settings, SourceSettings
    from integrations.rate_limits import Allowance
    from records.checks import Checked
    from tasks.installation import Installation


@dataclass(frozen=True)
class Finding:
    """One thing that ``check`` looked at."""

    part: str
    """``channel``, ``notifier``, ``stakeholder`` ..."""
    name: str
    ok: bool
    says: str


def parts_of(settings: "Settings") -> list[tuple[str, "ChannelSettings | NotifierSettings | SourceSettings"]]:
    """Every outside service that is configured, and what it is for."""
    return [
        *(("notifier", part) for part in settings.notifiers),
        *(("channel", part) for part in settings.channels),
        *(("archive", part) for part in settings.archives),
        *(("monitor", part) for part in settings.monitors),
        *(("scheduler", part) for part in settings.schedulers),
        *(("writer", part) for part in settings.writers),
        *(("subscriber", part) for part in settings.subscribers),
        *(("source", part) for part in settings.sources),
    ]


async def check_services(here: "Installation", *, timeout: float = 10.0) -> "list[Checked]":
    """Ask every service at once to prove itself, and note what was found, for the desk to show. Publishes nothing."""
    from records.checks import Checked
    from tasks.progress import under_way

    parts = parts_of(here.settings)
    found = []
    async with under_way(
        here, "check", "Check of every service", total=len(parts), unit="services", at_once=True
    ) as progress:
        for asked in asyncio.as_completed([proven(what, part, timeout) for what, part in parts]):
            finding = await asked
            progress.more(says=f"{finding.part} {finding.name}")
            now = datetime.now(UTC)
            found.append(Checked(part=finding.part, name=finding.name, ok=finding.ok, says=finding.says, at=now))
        async with here.store.transaction() as tx:
            for checked in found:
                await tx.checks.note(checked)
        wanting = sum(not checked.ok for checked in found)
        progress.ended("done", f"{wanting} found wanting" if wanting else "all is well")
    return found


class _Watched:
    """A rate budget that spends nothing and remembers the tightest that the platform told."""

    def __init__(self) -> None:
        self._tightest: Allowance | None = None

    async def take(self, endpoint: str) -> datetime | None:
        return None

    async def left(self, endpoint: str, allowance: "Allowance") -> None:
        if self._tightest is None or allowance.left < self._tightest.left:
            self._tightest = allowance

    @property
    def says(self) -> str:
        return f"; {self._tightest}" if self._tightest is not None else ""


async def proven(what: str, part: Any, timeout: float) -> Finding:
    """Connect to one outside service and have it prove itself; what is left of its rate limit is told beside."""
    import integrations
    from config import secret_from_environment
    from tasks.connections import opened
    from tasks.credentials import secret_fields
    from tasks.kinds import INBOX

    if what == "source" and part.kind == INBOX:
        switched_on = secret_from_environment("ingest", "secret") is not None
        says = (
            "takes signed posts at the desk's /ingest" if switched_on else "is off until FIRELINE_INGEST_SECRET is set"
        )
        return Finding(what, part.name, True, says)

    hidden: list[str] = []
    connection = None
    budget = _Watched()
    try:
        async with asyncio.timeout(timeout):
            fields = secret_fields(integrations.integration(part.kind).settings_model)
            exposed = [field for field in fields if field in part.settings]
            secrets = await _secrets(part, fields)
            hidden = [*secrets.values(), *(str(part.settings[field]) for field in exposed)]
            name = getattr(part, "credentials_name", part.name)
            connection = opened(part.kind, name, part.settings, secrets, budget)
            health = await connection.check()
        finding = Finding(what, part.name, health.ok, _without(health.says, hidden) + budget.says)
        return _exposed(finding, part, exposed) if exposed and health.ok else finding
    except TimeoutError:
        return Finding(what, part.name, False, f"no answer within {timeout:g} s: check base_url and the network")
    except integrations.IntegrationError as error:
        return Finding(what, part.name, False, _without(str(error), hidden) + _where_secrets_go(part))
    except Exception as error:  # one broken integration must not hide the findings of the others
        says = f"its check failed in a way it should not ({type(error).__name__}): please report this"
        return Finding(what, part.name, False, says)
    finally:
        if connection is not None:
            with suppress(Exception):
                await connection.close()


async def _secrets(part: Any, fields: tuple[str, ...]) -> dict[str, str]:
    """As a delivery gets them; a Prefect server that is down leaves the environment."""
    from config import secret_from_environment
    from tasks.credentials import secrets_for

    name = getattr(part, "credentials_name", part.name)
    try:
        return await secrets_for(name, part.kind, part.settings)
    except Exception:  # whatever the Prefect client raises while no server answers
        found = {field: secret_from_environment(name, field) for field in fields}
        return {field: value for field, value in found.items() if value is not None}


def _exposed(finding: Finding, part: Any, fields: list[str]) -> Finding:
    from config.secrets import variable

    where = " and ".join(variable(getattr(part, "credentials_name", part.name), field) for field in fields)
    says = f"{finding.says}; but {', '.join(fields)} stands in the file: move it to {where}"
    return Finding(finding.part, finding.name, False, says)


def _where_secrets_go(part: Any) -> str:
    """The names of the environment variables that are missing, for whoever has to set them."""
    import integrations
    from config.secrets import variable
    from tasks.credentials import secret_fields

    try:
        fields = secret_fields(integrations.integration(part.kind).settings_model)
    except integrations.Misconfigured:
        return ""
    name = getattr(part, "credentials_name", part.name)
    unset = [variable(name, field) for field in fields if not os.environ.get(variable(name, field))]
    return f" (secrets come from a Prefect block or {', '.join(unset)})" if unset else ""


def _without(says: str, hidden: list[str]) -> str:
    """The sentence with every secret blotted out; services sometimes repeat what they were sent."""
    for secret in sorted(filter(None, hidden), key=len, reverse=True):
        says = says.replace(secret, "[hidden]")
    return " ".join(says.split())
