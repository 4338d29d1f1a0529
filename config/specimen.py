"""Specimen contexts: what templates may use, as values, so that every template is tried on the day it is written.

This is the contract between whoever renders and whoever writes templates. Statement templates get
``statement_context``; each notice gets its own few values. Report templates (``report.*``) are filled by the
report and only parsed here.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from crisis.commitment import Commitment
from crisis.fact import Fact, FactStatus
from crisis.incident import Incident, IncidentState
from crisis.statement import Promise, Statement
from crisis.triage import Assessment, Cluster, Factor, Narrative, Strategy
from crisis.values import CrisisType, Severity, StatementKind
from crisis.watch import Watch

_AT = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)

WATCH = Watch(name="acme-air", brand="Acme Air", query="acme", contact="https://acme.example/help")
FACT = Fact(
    id="INC-7-F1",
    incident="INC-7",
    text="Flights from Hamburg are delayed since 12:40 UTC",
    status=FactStatus.CONFIRMED,
    owner="otto@example.com",
    updated_at=_AT,
)
ASSESSMENT = Assessment(
    severity=Severity.SEV2,
    type=CrisisType.SERVICE_FAILURE,
    score=61,
    factors=(Factor(name="volume", value=412, baseline=44, says="412 authors in 15 min, 9.3 times the usual 44"),),
    cluster=Cluster.ACCIDENTAL,
    strategy=Strategy.REBUILD,
    why_strategy="accidental, with crises in the past",
    narratives=(Narrative(id="N1", label="stranded without information", size=180),),
    assessed_at=_AT,
)
INCIDENT = Incident(
    id="INC-7",
    watch="acme-air",
    title="Acme Air: stranded without information",
    state=IncidentState.OPEN,
    opened_at=_AT,
    started_at=_AT - timedelta(minutes=12),
    assessment=ASSESSMENT,
)
STATEMENT = Statement(
    id="INC-7-S1",
    version=1,
    incident="INC-7",
    kind=StatementKind.HOLDING,
    strategy=Strategy.INSTRUCT,
    author="ana@example.com",
    created_at=_AT,
    audience="passengers and the public",
    headline="We know that flights are late",
    body="We are sorry.\n\nOur next update comes by 15:00 UTC.",
    facts=(FACT,),
    severity=Severity.SEV2,
    promises=(Promise(text="next update", due_at=_AT + timedelta(hours=1)),),
    content_hash="0" * 64,
)
COMMITMENT = Commitment(
    id="INC-7-S1-v1-0", incident="INC-7", statement="INC-7-S1", text="next update", due_at=_AT + timedelta(hours=1)
)


def statement_context(strategy: Strategy = Strategy.INSTRUCT, *, sparse: bool = False) -> dict[str, Any]:
    """What statement templates are filled from.

    Args:
        sparse: nothing is known yet, no action is listed, there is no contact and no next update.
    """
    return {
        "organisation": "Acme Air Ltd",
        "brand": "Acme Air",
        "watch": WATCH,
        "incident": INCIDENT,
        "affected": "passengers booked for today",
        "facts": [] if sparse else [FACT],
        "unknowns": [] if sparse else ["we are establishing whether tomorrow's flights are affected"],
        "actions": [] if sparse else ["we have doubled the staff at our help desks"],
        "contact": "" if sparse else "https://acme.example/help",
        "next_update": None if sparse else _AT + timedelta(minutes=55),
        "next_update_says": "" if sparse else "15:00 UTC",
        "sign_off": "" if sparse else "The Acme Air team",
        "corrected": {"wrong": "All flights leave on time.", "right": "flights from Hamburg are late"},
        "question": "" if sparse else "Will I get my luggage today?",
        "severity": Severity.SEV2,
        "strategy": strategy,
    }


def _notice(**more: Any) -> dict[str, Any]:
    return {
        "name": "Ana",
        "organisation": "Acme Air Ltd",
        "watch": WATCH,
        "incident": INCIDENT,
        "assessment": ASSESSMENT,
        "link": "http://127.0.0.1:8420/incidents/INC-7",
        **more,
    }


_BARE = ASSESSMENT.model_copy(update={"factors": (), "narratives": (), "why_strategy": ""})

NOTICES: dict[str, tuple[dict[str, Any], ...]] = {
    "notice.incident_opened.txt.j2": (_notice(), _notice(assessment=_BARE)),
    "notice.approval_requested.txt.j2": (_notice(statement=STATEMENT, role="legal", due=_AT),),
    "notice.statement_returned.txt.j2": (_notice(statement=STATEMENT, approver="lena@example.com", reason="Why?"),),
    "notice.statement_published.txt.j2": (
        _notice(statement=STATEMENT, published=["status-page: https://status.example/1"], problems=[]),
        _notice(statement=STATEMENT, published=[], problems=["newsroom-bluesky: refused"]),
    ),
    "notice.commitment_due.txt.j2": (_notice(commitment=COMMITMENT),),
    "notice.delivery_unknown.txt.j2": (
        _notice(statement=STATEMENT, target="customer-list", problem="the server closed the connection"),
    ),
    "notice.incident_resolved.txt.j2": (
        _notice(reason="the reaction has calmed"),
        _notice(reason="calm", incident=INCIDENT.model_copy(update={"closed_at": _AT + timedelta(hours=5)})),
    ),
    "notice.html.j2": (
        {"title": "T", "lines": ["One.", "- two"], "button": "Open", "link": "https://x.example", "footer": "F"},
        {"title": "T", "lines": [], "button": "", "link": "", "footer": ""},
    ),
}
"""Every notice with the contexts it must stand."""


def contexts(name: str) -> tuple[dict[str, Any], ...]:
    """The contexts a template must render with; none for a template that only its owner can fill."""
    if name in NOTICES:
        return NOTICES[name]
    if name.startswith("_") or name.split(".", maxsplit=1)[0] in list(StatementKind):
        full = tuple(statement_context(strategy) for strategy in Strategy)
        return (*full, *(statement_context(strategy, sparse=True) for strategy in Strategy))
    return ()
