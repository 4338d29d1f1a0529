"""The heartbeat: a sign of life to outside monitors, which is withheld while escalations do not complete.

It is the last thing a sweep does, so a sweep that fails or hangs is silent too; and whoever relies on Fireline hears of
it from somebody else.
"""

import logging

import integrations
from integrations.rate_limits import Unshared
from tasks.acknowledge import all_called_in_vain
from tasks.connections import connected
from tasks.installation import Installation

logger = logging.getLogger(__name__)


async def beat(here: Installation) -> str:
    """Give every configured monitor its sign of life, unless somebody should be alarmed; what was withheld, in words."""
    if not here.settings.monitors:
        return ""
    if in_vain := await all_called_in_vain(here):
        return f"no sign of life to the outside monitor: nobody has taken {', '.join(in_vain)} on"
    missed = []
    for chosen in here.settings.monitors:
        try:
            monitor = await connected(chosen.kind, chosen.credentials_name, chosen.settings, Unshared())
            try:
                await monitor.beat()
            finally:
                await monitor.close()
        except integrations.IntegrationError as error:
            logger.warning("no sign of life to %s: %s", chosen.name, error)
            missed.append(chosen.name)
    return f"no sign of life to {', '.join(missed)}" if missed else ""
