"""What Prefect's UI shows of an incident: assessment, timeline, chart and links, kept up to date in place."""

import logging
from base64 import b64encode
from collections.abc import Sequence
from datetime import timedelta

from prefect.artifacts import (
    acreate_image_artifact,
    acreate_link_artifact,
    acreate_markdown_artifact,
    acreate_table_artifact,
)

from crisis.charts import volume_chart
from crisis.coverage import Coverage, coverage_line
from crisis.effect import Effect, newest_of
from crisis.incident import Incident
from crisis.telling import Known
from crisis.timeline import tell
from tasks.installation import Installation
from tasks.material import Material, gather
from tasks.report import chart_marks

logger = logging.getLogger(__name__)


async def show_incident(here: Installation, incident_id: str) -> None:
    """Write or renew the incident's artifacts: ``incident-7-assessment``, ``-timeline``, ``-volume``, ``-desk``, and
    ``-effect`` once something of it is public.

    It only shows: when it fails, the response goes on, and the log says why.
    """
    try:
        await _show(here, await gather(here, incident_id))
    except Exception:
        logger.warning("the artifacts of %s could not be renewed", incident_id, exc_info=True)


async def _show(here: Installation, material: Material) -> None:
    incident = material.incident
    key = incident_key(incident.id)
    page = f"{here.settings.desk.url}/incidents/{incident.id}"
    effects = newest_of(material.records)
    ahead = list({e.forecast[0].at: e.forecast for e in effects if e.forecast}.values())
    chart = volume_chart(material.signals, chart_marks(material), standalone=True, foreseen=ahead)
    await acreate_markdown_artifact(key=f"{key}-assessment", markdown=assessment_markdown(incident), description=page)
    await acreate_table_artifact(
        key=f"{key}-timeline",
        table=timeline_table(material),
        description=f"Timeline of {incident.id}; record by record: {here.settings.desk.url}/record?incident={incident.id}",
    )
    await acreate_image_artifact(
        key=f"{key}-volume", image_url=_inline(chart), description="People who spoke, over time"
    )
    if effects:
        await acreate_markdown_artifact(key=f"{key}-effect", markdown=effect_markdown(effects), description=page)
    await acreate_link_artifact(key=f"{key}-desk", link=page, link_text=f"{incident.id} on the desk")


async def show_coverage(watch: str, coverages: list[Coverage]) -> None:
    """Write or renew the table ``coverage-<watch>``: how each source of a watch is.

    Raises:
        Exception: whatever the Prefect client raises.
    """
    table = [
        {
            "source": _plain(c.source),
            "state": c.health.state.value,
            "since (UTC)": f"{c.health.since:%d %b %H:%M:%S}",
            "last post (UTC)": f"{c.health.last_post_at:%d %b %H:%M:%S}" if c.health.last_post_at else "",
            "reconnects": c.health.reconnects,
            "says": _plain(c.health.says),
        }
        for c in coverages
    ]
    says = coverage_line(coverages) or "every source is heard"
    await acreate_table_artifact(key=f"coverage-{watch}", table=table, description=_plain(says))


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


def effect_markdown(effects: Sequence[Effect]) -> str:
    """What each statement did, the newest first, as Markdown; reasons may quote posts and are made harmless."""
    told = []
    for effect in reversed(effects):
        reasons = "\n".join(f"- {_plain(reason)}" for reason in effect.reasons)
        told.append(
            f"## {effect.statement} v{effect.version}: {effect.verdict.value}\n\n{_plain(effect.says)}. "
            f"Proposed: **{effect.proposal.value}**. Judged {effect.at:%d %b %H:%M} UTC.\n\n{reasons}\n"
        )
    return "# What our words did\n\n" + "\n".join(told)


def _due(incident: Incident, span: timedelta) -> str:
    return f"{incident.opened_at + span:%H:%M} UTC"


def _plain(text: str) -> str:
    """Text with Markdown's and HTML's signs made harmless."""
    escaped = text.replace("\\", "\\\\")
    for sign in "`*_[]<>|#!":
        escaped = escaped.replace(sign, f"\\{sign}" if sign not in "<>" else {"<": "&lt;", ">": "&gt;"}[sign])
    return " ".join(escaped.split())


def timeline_table(material: Material) -> list[dict[str, str]]:
    """The timeline without its technical details, newest last."""
    known = Known(
        deliveries={d.id: d for said in material.spoken for d in said.deliveries} | {d.id: d for d in material.notices},
        people={p.email: p.name for p in material.stakeholders},
    )
    return [
        {"when (UTC)": f"{e.at:%d %b %H:%M:%S}", "who": _plain(e.who), "what": _plain(e.what), "why": _plain(e.why)}
        for e in tell(material.incident, material.records, known)
        if not e.detail
    ]
