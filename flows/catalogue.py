"""Every deployment, declared once: what ``fireline up`` serves, and what a test holds ``prefect.yaml`` against."""

from datetime import timedelta
from typing import Any

from prefect import Flow
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.events import DeploymentEventTrigger
from prefect.events.schemas.automations import Posture
from prefect.types.entrypoint import EntrypointType

from crisis.values import Frozen
from flows.follow_up import follow_up
from flows.freeze import freeze
from flows.publish import publish
from flows.respond import respond
from flows.review import review
from flows.sweep import sweep
from flows.tell import tell
from flows.watch import watch


class Trigger(Frozen):
    """An event on which a deployment runs; the run gets ``{{ event.payload }}`` as its one ``event`` parameter."""

    name: str
    expect: tuple[str, ...]
    """Any of these."""
    after: str = ""
    """For a proactive trigger: the event after which ``expect`` is missed."""
    within: timedelta = timedelta(0)
    about: str = "fireline.incident.*"
    """The resources whose events count, each for itself."""

    def as_prefect(self) -> DeploymentEventTrigger:
        """The trigger as Prefect takes it."""
        return DeploymentEventTrigger(
            name=self.name,
            enabled=True,
            match={"prefect.resource.id": self.about},
            for_each={"prefect.resource.id"},
            after={self.after} if self.after else set(),
            expect=set(self.expect),
            posture=Posture.Proactive if self.after else Posture.Reactive,
            within=self.within,
            threshold=1,
            parameters={
                "event": {"__prefect_kind": "json", "value": {"__prefect_kind": "jinja", "template": EVENT_TEMPLATE}}
            },
        )


EVENT_TEMPLATE = "{{ event.payload | tojson }}"
"""The event's payload as JSON: one parameter, so that a missing key cannot lose the trigger."""


class Entry(Frozen):
    """One deployment. Its name is its flow's name."""

    flow: str
    entrypoint: str
    """``module.function``: the code is installed, not copied."""
    description: str
    tags: tuple[str, ...] = ("fireline",)
    every: timedelta | None = None
    triggers: tuple[Trigger, ...] = ()

    @property
    def deployment(self) -> str:
        """``flow/name``, as ``run_deployment`` wants it."""
        return f"{self.flow}/{self.flow}"


SIGNS_OF_LIFE = (
    "heartbeat", "Completed", "Failed", "Cancelled", "Cancelling", "Crashed", "Suspended", "Paused", "AwaitingRetry",
)  # fmt: skip
"""What a run says of itself after a heartbeat, unless its process was killed. The sweep that this starts marks as crashed
what the server's own state shows to be silent: under load the event of a suspension can be lost."""

CATALOGUE: tuple[Entry, ...] = (
    Entry(
        flow="watch",
        entrypoint="flows.watch.watch",
        description="Listen to the sources of one watch; a surge opens an incident and starts the response.",
    ),
    Entry(
        flow="respond",
        entrypoint="flows.respond.respond",
        description="Respond to an incident: tell people, draft, take through approval, publish. "
        "Run it by hand to report something that Fireline has not seen.",
    ),
    Entry(
        flow="publish",
        entrypoint="flows.publish.publish",
        description="Publish one approved statement on every target. Safe to repeat: nothing is sent twice.",
    ),
    Entry(
        flow="follow_up",
        entrypoint="flows.follow_up.follow_up",
        description="Measure the reaction once, mind promises, and schedule the next measurement.",
    ),
    Entry(
        flow="review",
        entrypoint="flows.review.review",
        description="Write the after-action report and seal the evidence of a resolved incident.",
    ),
    Entry(
        flow="tell",
        entrypoint="flows.tell.tell",
        description="Tell people or roles of an event, by their own routes or by one. Made for your own automations.",
    ),
    Entry(
        flow="freeze",
        entrypoint="flows.freeze.freeze",
        description="Pause scheduled marketing for an incident's watch. Made for your own automations.",
    ),
    Entry(
        flow="sweep",
        entrypoint="flows.sweep.sweep",
        description="Take up whatever got lost. Every minute, and at once when the trail says that something stuck.",
        # No concurrency limit: a killed run would keep its slot for ever, and sweep would never run again.
        every=timedelta(minutes=1),
        triggers=(
            Trigger(
                name="Fireline: an opened incident that nobody takes up",
                after="fireline.incident.opened",
                expect=("fireline.incident.claimed",),
                within=timedelta(seconds=60),
            ),
            Trigger(name="Fireline: a delivery without a clear outcome", expect=("fireline.delivery.unknown",)),
            Trigger(
                name="Fireline: a run that fell silent",
                about="prefect.flow-run.*",
                after="prefect.flow-run.heartbeat",
                expect=tuple(f"prefect.flow-run.{state}" for state in SIGNS_OF_LIFE),
                within=timedelta(seconds=90),
            ),
        ),
    ),
)
"""All of them, in the order of an incident's life."""

_FLOWS: dict[str, Flow[Any, Any]] = {
    "watch": watch,
    "respond": respond,
    "publish": publish,
    "follow_up": follow_up,
    "review": review,
    "tell": tell,
    "freeze": freeze,
    "sweep": sweep,
}


async def deployments() -> list[RunnerDeployment]:
    """The catalogue as deployments that a runner serves."""
    return [
        await _FLOWS[entry.flow].ato_deployment(
            name=entry.flow,
            description=entry.description,
            tags=list(entry.tags),
            schedule=IntervalSchedule(interval=entry.every) if entry.every else None,  # type: ignore[arg-type]
            triggers=[t.as_prefect() for t in entry.triggers],
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        for entry in CATALOGUE
    ]
