"""``/setup``: what this installation is set up with, as people read it: playbooks, people, channels and their health.

Nothing is changed here: config is code, kept in files under the owner's version control, and every page says which file
says what it shows. What can be done here is asking every service to prove itself (``POST /setup/check``). No secret is
shown: the settings of a service are never, and of a route only what is no address of a web service.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

import config
from config.secrets import variable
from crisis.freeze import FreezeState
from crisis.learning import FEWEST
from crisis.long_work import LongWork
from crisis.stakeholder import Stakeholder
from crisis.values import CrisisType
from desk import forms
from desk.guard import TokenBucket, caller
from desk.state import Desk, desk_of
from records.budgets import Left
from records.checks import Checked
from records.ledger_search import Wanted
from records.store import Transaction
from tasks.connections import account_of
from tasks.learning import newest_proposal
from tasks.proving import check_services, parts_of

LATELY = timedelta(hours=24)
"""How long ended work is shown."""
SILENT = timedelta(minutes=1)
"""Work that has said nothing for so long, and did not say that it ended, was interrupted."""
LAST_DELIVERIES = 300
"""Records of deliveries, of each outcome, among which the last one of each channel is looked for."""
_OUTCOMES = {
    "delivery.accepted": "accepted",
    "delivery.refused": "refused",
    "delivery.unknown": "unknown",
    "delivery.reconciled": "found there",
}
_checked = TokenBucket(burst=3, seconds=20.0)
"""Checks by caller: each asks every service."""


@dataclass(frozen=True)
class Last:
    """The last delivery by a channel that came to something."""

    at: datetime
    outcome: str
    incident: str


@dataclass(frozen=True)
class Service:
    """One configured service, and how it is."""

    part: str
    name: str
    kind: str
    address: str
    checked: Checked | None
    left: tuple[tuple[str, Left], ...]
    """What is scarce of its rate limits, by endpoint."""
    last: Last | None
    frozen: int
    """Of a scheduler: posts that are frozen."""
    secrets: tuple[str, ...]
    """Environment variables in which its secrets may be; never what is in them."""


@dataclass(frozen=True)
class Person:
    """One stakeholder as the page of people has them."""

    who: Stakeholder
    routes: tuple[str, ...]
    enrolled: bool
    """Has a one-time code."""
    approves: tuple[str, ...]
    """Kinds of statement, by playbook, that ask for one of their roles."""


async def index(request: Request) -> Response:
    """``GET /setup``: what there is, and what goes on."""
    desk = desk_of(request)
    settings = desk.here.settings
    async with desk.here.store.reading() as tx:
        checks = await tx.checks.list()
        works = await tx.progress.list(since=datetime.now(UTC) - LATELY)
    context = {
        "file": settings.file,
        "settings": settings,
        "books": desk.here.playbooks,
        "services": len(parts_of(settings)),
        "checks": checks,
        "works": [shown_work(work) for work in works],
        "nonce": forms.nonce(request, "check"),
        "places": {name: str(folder) for name, folder in _folders(settings).items()},
    }
    return desk.pages.show(request, "setup.html", context, live=True)


def _folders(settings: config.Settings) -> dict[str, object]:
    return {
        "playbooks": settings.playbooks_dir or "packaged (fireline init --playbooks copies them, to be edited)",
        "templates": settings.templates_dir or "packaged (the same command copies them)",
    }


def shown_work(work: LongWork) -> dict[str, Any]:
    """A piece of long work as the pages show it; what fell silent did not end well."""
    silent = not work.ended and datetime.now(UTC) - work.updated_at > SILENT
    return {"work": work, "silent": silent, "goes_on": not work.ended and not silent}


async def works(request: Request) -> Response:
    """``GET /setup/work``: long work that goes on or ended lately; the part that pages keep up to date, or a page."""
    desk = desk_of(request)
    name = request.query_params.get("of", "")
    async with desk.here.store.reading() as tx:
        known = await tx.progress.get(name) if name else None
        found = [known] if known else [] if name else await tx.progress.list(since=datetime.now(UTC) - LATELY)
    template = "setup_work_part.html" if request.headers.get("hx-request") else "setup_work.html"
    return desk.pages.show(request, template, {"works": [shown_work(work) for work in found], "of": name}, live=True)


async def playbooks(request: Request) -> Response:
    """``GET /setup/playbooks``: every cause and its policy."""
    desk = desk_of(request)
    settings = desk.here.settings
    context = {"books": desk.here.playbooks, "folder": settings.playbooks_dir, "channels": settings.channels}
    return desk.pages.show(request, "setup_playbooks.html", context)


async def people(request: Request) -> Response:
    """``GET /setup/people``: roles, routes, and who may approve what."""
    desk = desk_of(request)
    settings = desk.here.settings
    async with desk.here.store.reading() as tx:
        enrolled = {p.email for p in settings.stakeholders if await tx.codes.enrolled(p.email)}
    shown = [
        Person(p, tuple(map(_route, p.routes)) or (f"email:{p.email}",), p.email in enrolled, _approves(desk, p))
        for p in settings.stakeholders
    ]
    roles = sorted({role for p in settings.stakeholders for role in p.roles})
    on_call = [p for p in settings.stakeholders if "on_call" in p.roles]
    context = {"people": shown, "roles": roles, "on_call": on_call, "file": settings.file}
    return desk.pages.show(request, "setup_people.html", context)


def _route(route: str) -> str:
    """A route as it may be shown: the address of a web service may hold its secret."""
    notifier, _, address = route.partition(":")
    hidden = "://" in address or len(address) > 80
    return f"{notifier}: (an address that is not shown)" if hidden else f"{notifier}: {address}"


def _approves(desk: Desk, person: Stakeholder) -> tuple[str, ...]:
    kinds: dict[str, set[CrisisType]] = {}
    for cause, book in desk.here.playbooks.items():
        for kind, policy in book.approval.items():
            if set(policy.roles) & set(person.roles):
                kinds.setdefault(kind.value, set()).add(cause)
    every = len(desk.here.playbooks)
    return tuple(
        f"{kind} ({'every playbook' if len(causes) == every else f'{len(causes)} of {every} playbooks'})"
        for kind, causes in kinds.items()
    )


async def channels(request: Request) -> Response:
    """``GET /setup/channels``: every service, its health, and what is left of its limits."""
    desk = desk_of(request)
    async with desk.here.store.reading() as tx:
        services = await _services(tx, desk.here.settings)
        checking = await tx.progress.get("check")
    context = {
        "services": services,
        "works": [shown_work(checking)] if checking else [],
        "nonce": forms.nonce(request, "check"),
        "file": desk.here.settings.file,
    }
    return desk.pages.show(request, "setup_channels.html", context, live=True)


async def _services(tx: Transaction, settings: config.Settings) -> list[Service]:
    checks = {(checked.part, checked.name): checked for checked in await tx.checks.list()}
    last = await _last_deliveries(tx)
    budgets: dict[str, list[tuple[str, Left]]] = {}
    for account, endpoint, left in await tx.budgets.list():
        if left.until > datetime.now(UTC):
            budgets.setdefault(account, []).append((endpoint, left))
    frozen: dict[str, int] = {}
    for post in await tx.frozen.list(states=[FreezeState.FROZEN]):
        if not post.whole:
            frozen[post.scheduler] = frozen.get(post.scheduler, 0) + 1
    found = []
    for part, chosen in parts_of(settings):
        credentials = getattr(chosen, "credentials_name", chosen.name)
        found.append(
            Service(
                part=part,
                name=chosen.name,
                kind=chosen.kind,
                address=str(getattr(chosen, "address", "")),
                checked=checks.get((part, chosen.name)),
                left=tuple(budgets.get(account_of(chosen.kind, credentials), ())),
                last=last.get(chosen.name) if part == "channel" else None,
                frozen=frozen.get(chosen.name, 0) if part == "scheduler" else 0,
                secrets=_secrets(chosen.kind, credentials),
            )
        )
    return found


def _secrets(kind: str, credentials: str) -> tuple[str, ...]:
    import integrations
    from tasks.credentials import secret_fields

    try:
        fields: Iterable[str] = secret_fields(integrations.integration(kind).settings_model)
    except integrations.Misconfigured:  # signed posts at the desk's own door
        return ()
    return tuple(variable(credentials, field) for field in fields)


async def _last_deliveries(tx: Transaction) -> dict[str, Last]:
    found: dict[str, Last] = {}
    for kind, outcome in _OUTCOMES.items():
        records = (await tx.ledger_search.find(Wanted(kind=kind), limit=LAST_DELIVERIES)).records
        for record in records:
            channel = str(record.data.get("channel", ""))
            if channel not in found or found[channel].at < record.at:
                found[channel] = Last(record.at, outcome, record.incident)
    return found


async def check(request: Request) -> Response:
    """``POST /setup/check``: ask every service to prove itself. Publishes nothing; the page shows how far it is."""
    desk = desk_of(request)
    await forms.fields(request, "check")
    if not desk.background.goes_on("check"):
        if not _checked.take(caller(request)):
            raise HTTPException(429, "each check asks every service: wait a minute, then check again")
        desk.background.begin("check", check_services(desk.here))
    return RedirectResponse("/setup/channels", status_code=303)


async def learning(request: Request) -> Response:
    """``GET /setup/learning``: the proposal that was put on record last, and how to take it. Applies nothing."""
    desk = desk_of(request)
    async with desk.here.store.reading() as tx:
        newest = await newest_proposal(tx)
    settings = desk.here.settings
    context = {"newest": newest, "detection": settings.detection, "file": settings.file, "fewest": FEWEST}
    return desk.pages.show(request, "setup_learning.html", context)


ROUTES = [
    Route("/setup", index, methods=["GET"]),
    Route("/setup/work", works, methods=["GET"]),
    Route("/setup/playbooks", playbooks, methods=["GET"]),
    Route("/setup/people", people, methods=["GET"]),
    Route("/setup/channels", channels, methods=["GET"]),
    Route("/setup/learning", learning, methods=["GET"]),
    Route("/setup/check", check, methods=["POST"]),
]
