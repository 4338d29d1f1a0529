"""What Prefect's UI shows of an incident: assessment, timeline, chart and links, kept up to date in place."""

from base64 import b64encode
from datetime import timedelta

from prefect.artifacts import acreate_image_artifact, acreate_link_artifact, acreate_markdown_artifact, acreate_table_artifact

from crisis.charts import Mark, volume_chart
from crisis.incident import Incident
from crisis.record import Record
from crisis.timeline import Known, tell
from tasks.installation import Installation

BEFORE = timedelta(hours=3)
"""How much of the time before the first posts a chart shows."""


async def show_incident(here: Installation, incident_id: str) -> None:
    """Write or renew the incident's artifacts: ``incident-7-assessment``, ``-timeline``, ``-volume`` and ``-desk``."""
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        records = await tx.ledger.list(incident=incident_id)
        known = Known(
            statements=tuple(await tx.statements.list(incident_id)),
            deliveries=tuple(await tx.outbox.list(incident=incident_id)),
            people={p.email: p.name for p in await tx.stakeholders.list()},
        )
        signals = await tx.signals.list(incident.watch, since=incident.started_at - BEFORE)
    chart = volume_chart(signals, marks(records), standalone=True)
    key = incident_key(incident_id)
    page = f"{here.settings.desk.url}/incidents/{incident_id}"
    await acreate_markdown_artifact(key=f"{key}-assessment", markdown=assessment_markdown(incident), description=page)
    await acreate_table_artifact(
        key=f"{key}-timeline", table=timeline_table(incident, records, known), description=f"Timeline of {incident_id}"
    )
    await acreate_image_artifact(
        key=f"{key}-volume", image_url=_inline(chart), description="People who spoke, over time"
    )
    await acreate_link_artifact(key=f"{key}-desk", link=page, link_text=f"{incident_id} on the desk")


def marks(records: list[Record]) -> list[Mark]:
    """What the chart marks: detection, the first word inside, and every statement."""
    words = {"incident.opened": "detected", "statement.published": "published", "incident.resolved": "resolved"}
    return [Mark(at=r.at, label=words[r.kind]) for r in records if r.kind in words]


def _inline(svg: str) -> str:
    """A picture as an address that carries it, so that it needs no server and no session."""
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def incident_key(incident_id: str) -> str:
    """``incident-7`` for ``INC-7``: artifact keys are lower-case letters, digits and dashes."""
    return f"incident-{incident_id.rpartition('-')[2].lower()}"


def assessment_markdown(incident: Incident) -> str:
    """The assessment as Markdown. Words that came from outside stand in code spans, where nothing is markup."""
    a = incident.assessment
    rows = "\n".join(f"| {_plain(f.name)} | {f.points:+.0f} | {_plain(f.says)} |" for f in a.factors)
    clocks = a.clocks
    return (
        f"# {incident.id}: {a.severity}\n\n{_plain(incident.title)}\n\n"
        f"**{a.type.value.replace('_', ' ')}**, responsibility cluster *{a.cluster.value}*, "
        f"strategy *{a.strategy.value}*. {_plain(a.why_strategy)}\n\n"
        f"| factor | points | in words |\n|---|---|---|\n{rows}\n\n"
        f"Due: holding statement {_due(incident, clocks.holding)}, substantive statement "
        f"{_due(incident, clocks.substantive)}, updates every {clocks.update_every // timedelta(minutes=1)} min.\n"
    )


def _due(incident: Incident, span: timedelta) -> str:
    return f"{incident.opened_at + span:%H:%M} UTC"


def _plain(text: str) -> str:
    """Text with Markdown's and HTML's signs made harmless."""
    escaped = text.replace("\\", "\\\\")
    for sign in "`*_[]<>|#!":
        escaped = escaped.replace(sign, f"\\{sign}" if sign not in "<>" else {"<": "&lt;", ">": "&gt;"}[sign])
    return " ".join(escaped.split())


def timeline_table(incident: Incident, records: list[Record], known: Known) -> list[dict[str, str]]:
    """The timeline without its technical details, newest last."""
    return [
        {"when (UTC)": f"{e.at:%d %b %H:%M:%S}", "who": _plain(e.who), "what": _plain(e.what), "why": _plain(e.why)}
        for e in tell(incident, records, known)
        if not e.detail
    ]
