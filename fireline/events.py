"""``fireline events``: what other systems can be told, and what has happened since some place in the ledger."""

from typing import Annotated

from cyclopts import Parameter

from fireline.incidents import Json
from fireline.session import session, show


async def events(
    *,
    after: Annotated[int | None, Parameter(help="A place in the ledger; 0 is its beginning.")] = None,
    json: Json = False,
) -> None:
    """List the events there are; with --after, those that happened, the oldest first.

    With --json each event type is {"type", "when", "fields"}, and each event that happened is as subscribers get it.
    """
    if after is None:
        _list_types(as_json=json)
        return
    from fireline.errors import Stop
    from tasks.announce import BATCH, events_after

    if after < 0:
        raise Stop(f"--after takes a place in the ledger, 0 or more; {after} is none")
    async with session() as here:
        while True:
            found, up_to = await events_after(here, after, limit=BATCH)
            for event in found:
                fields = ", ".join(f"{name} {value}" for name, value in event.data.items() if name != "incident")
                words = f"{event.time:%Y-%m-%d %H:%M:%S} UTC  {event.type:<34} {event.subject:<8} {fields}"
                show(event.model_dump(mode="json"), as_json=json, words=words)
            if up_to == after:
                return
            after = up_to


def _list_types(*, as_json: bool) -> None:
    from crisis.events import EVENTS, FIELDS, INCIDENT_FIELDS

    for event in EVENTS:
        names = dict.fromkeys((*(INCIDENT_FIELDS if event.about_incident else ()), *event.carries))
        row = {"type": event.full_name, "when": event.when, "fields": {name: FIELDS[name] for name in names}}
        show(row, as_json=as_json, words=f"{event.full_name:<34} {event.when}")
