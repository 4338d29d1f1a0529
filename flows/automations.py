"""How runs are recovered (DESIGN §9): silence makes a run crashed, and a crashed run is tried again.

The first half is an automation that starts ``sweep`` (the trigger stands in the catalogue), which marks what the server
itself shows to be silent (see ``tasks.silence`` for why the automation does not); the second lives on the Prefect server,
because hooks of a killed process never run.
"""

from datetime import timedelta

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

_TRIED_ONCE_OR_TWICE = ResourceSpecification.model_validate(
    {"prefect.resource.id": "prefect.flow-run.*", "prefect.run-count": ["1", "2"]}
)

RECOVERY: tuple[AutomationCore, ...] = (
    AutomationCore(
        name="Fireline: a crashed run is tried again",
        description="A flow run that crashed on its first or second try is scheduled again; records know what is done.",
        enabled=True,
        trigger=EventTrigger(
            match=_TRIED_ONCE_OR_TWICE,
            expect={"prefect.flow-run.Crashed"},
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[
            ChangeFlowRunState(state=StateType.SCHEDULED, name="AwaitingRetry", message="Taken up again by Fireline.")
        ],
    ),
)
"""What ``ensure_recovery`` puts on the server."""


async def ensure_recovery() -> None:
    """Create the recovery automations that are not on the server yet."""
    async with get_client() as client:
        there = {a.name for a in await client.read_automations()}
        for automation in RECOVERY:
            if automation.name not in there:
                await client.create_automation(automation)
