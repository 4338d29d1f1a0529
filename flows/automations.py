"""Automations on the Prefect server: those that recover runs, and examples for people's own, switched off.

How runs are recovered (DESIGN §9): silence makes a run crashed, and a crashed run is tried again.

The first half is an automation that starts ``sweep`` (the trigger stands in the catalogue), which marks what the server
itself shows to be silent (see ``tasks.silence`` for why the automation does not); the second lives on the Prefect server,
because hooks of a killed process never run.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from pydantic import Field

from crisis.values import Frozen
from flows.catalogue import EVENT_TEMPLATE

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


class Example(Frozen):
    """An automation that users may switch on in the Prefect UI as it is, or copy."""

    name: str
    description: str
    expect: str
    """The event's full name."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels that the event's resource must have, such as ``fireline.severity``."""
    deployment: str
    """``flow/name`` of what it runs; the event's payload becomes its parameter ``event``."""
    parameters: dict[str, Any] = Field(default_factory=dict)

    def automation(self, deployment_id: UUID) -> AutomationCore:
        """As Prefect takes it, switched off."""
        template = {"__prefect_kind": "jinja", "template": EVENT_TEMPLATE}
        return AutomationCore(
            name=self.name,
            description=self.description,
            enabled=False,
            trigger=EventTrigger(
                match=ResourceSpecification.model_validate(
                    {"prefect.resource.id": "fireline.incident.*", **self.labels}
                ),
                expect={self.expect},
                posture=Posture.Reactive,
                threshold=1,
                within=timedelta(0),
            ),
            actions=[
                RunDeployment(
                    source="selected",
                    deployment_id=deployment_id,
                    parameters={"event": {"__prefect_kind": "json", "value": template}, **self.parameters},
                )
            ],
        )


EXAMPLES: tuple[Example, ...] = (
    Example(
        name="Fireline example: page on SEV1",
        description="An incident was opened as SEV1: its leads are told once more, by their own routes.",
        expect="fireline.incident.opened",
        labels={"fireline.severity": "SEV1"},
        deployment="tell/tell",
        parameters={"to": ["incident_lead"], "says": "A SEV1 incident is open", "by": ""},
    ),
    Example(
        name="Fireline example: freeze on open",
        description="An incident was opened, however small: scheduled marketing of its watch is paused.",
        expect="fireline.incident.opened",
        deployment="freeze/freeze",
    ),
    Example(
        name="Fireline example: mail on overdue",
        description="A promise was not kept in time: incident leads and communications get a mail.",
        expect="fireline.commitment.overdue",
        deployment="tell/tell",
        parameters={"to": ["incident_lead", "comms"], "says": "A promise to the public is overdue", "by": "email"},
    ),
)
"""What ``ensure_examples`` puts on the server, switched off."""


async def ensure_examples() -> None:
    """Create the examples that are not on the server yet; those that are there stay as people left them."""
    async with get_client() as client:
        there = {a.name for a in await client.read_automations()}
        for example in EXAMPLES:
            if example.name not in there:
                deployment = await client.read_deployment_by_name(example.deployment)
                await client.create_automation(example.automation(deployment.id))
