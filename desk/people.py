"""``/incidents/{id}/people``: false claims and who carries them, the people of an incident, replies and their times, and
whom nobody writes to.

What is done here are the acts of ``tasks.claims``, ``tasks.engage``, ``tasks.replies`` and ``tasks.reply_drafts``, the
same as the command's: drafting sends nothing, a proposal is approved like any statement, and the stop button is one press.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crisis.access import VIEWER
from crisis.approval import NotAllowed
from crisis.fact import Fact
from crisis.incident import Incident
from crisis.record import Record
from crisis.rendering import DoesNotFit
from crisis.replies import GAP, MARKS, PER_BATCH, PER_DAY, PER_NARRATIVE
from crisis.statement import Statement
from crisis.typed_in import NotOneLine
from crisis.values import StatementKind
from desk import forms
from desk.approve import MAX_REASON, sentence
from desk.guard import TokenBucket, caller
from desk.signed_in import person_of
from desk.state import Desk, desk_of
from desk.who import asks_code, who_acts
from records import NotFound, StatementStatus, Transaction
from tasks import claims, engage, replies, reply_drafts
from tasks.approve import propose
from tasks.hand_over import hand_over_person, helpdesks
from tasks.incidents import tie

PAGE = "people"
_submitted = TokenBucket(burst=20, seconds=3.0)
"""Forms by incident and caller: one-time codes must not be guessed."""
REFUSALS = (NotAllowed, NotFound, NotOneLine, DoesNotFit)


@dataclass(frozen=True)
class Batch:
    """One statement that holds replies, and where it stands."""

    statement: Statement
    status: StatementStatus


async def show(request: Request) -> Response:
    """The page. Reads only."""
    return await _page(request, await _incident(request))


async def submit(request: Request) -> Response:
    """One act, for whoever proves who they are."""
    here, incident = desk_of(request).here, await _incident(request)
    given = await forms.fields(request, PAGE, [incident.id])
    last = {name: values[-1].strip() for name, values in given.items()}
    try:
        if not _submitted.take(f"{incident.id}/{caller(request)}"):
            raise NotAllowed("too many tries: wait a minute")
        actor = await who_acts(request, here, last)
        async with here.store.reading() as tx:
            await engage.acting_on(tx, incident.id, actor)
        after = await _act(desk_of(request), incident, actor, given, last)
    except REFUSALS as why:
        return await _page(request, incident, problem=sentence(str(why)), given=last, status=409)
    return RedirectResponse(f"{request.url.path}{after}", status_code=303)


async def _act(
    desk: Desk, incident: Incident, actor: str, given: Mapping[str, list[str]], last: Mapping[str, str]
) -> str:
    """Do what was chosen; the part of the page where it shows."""
    here, name = desk.here, incident.id
    reason = last.get("reason", "")
    match last.get("act"):
        case "tie":
            await tie(here, name, last.get("narrative", ""), last.get("fact", ""), actor=actor)
            return "#claims"
        case "correct":
            await claims.prepare_correction(
                here, name, last.get("narrative", ""), why=last.get("why", ""), author=actor
            )
        case "reply":
            said = {who: last.get(f"text {who}", "") for who in given.get("who", [])}
            await engage.reply_to(here, name, said, author=actor)
        case "strike" | "propose":
            text = await _own(desk, name, last.get("statement", ""))
            if last["act"] == "propose":
                await propose(here, text, by=actor)
            else:
                numbers = [int(n) for n in given.get("number", []) if n.isascii() and n.isdigit()]
                await reply_drafts.strike(here, text.id, numbers, actor=actor, reason=_given(reason))
        case "stop":
            await replies.stop_replies(here, name, actor=actor, reason=_given(reason))
            return "#schedule"
        case "resume":
            await replies.resume_replies(here, name, actor=actor, reason=_given(reason))
            return "#schedule"
        case "bar":
            await engage.bar(here, last.get("who", ""), mark=last.get("mark", ""), reason=reason, actor=actor)
            return "#list"
        case "allow":
            await engage.allow(here, last.get("who", ""), reason=reason, actor=actor)
            return "#list"
        case "hand over":
            ticket = await hand_over_person(here, name, last.get("who", ""), last.get("helpdesk", ""), actor=actor)
            async with here.store.reading() as tx:
                handed = [r for r in (await _in_care(tx, name)).values() if r.data["delivery"] == ticket.id]
            if by := [r for r in handed if r.actor != actor]:
                raise NotAllowed(
                    f"{by[0].actor} has handed them over already, at {by[0].at:%H:%M} UTC: nothing goes to care twice"
                )
            return "#people"
        case _:
            raise NotAllowed("nothing was chosen")
    return "#proposals"


def _given(reason: str) -> str:
    if not reason or len(reason) > MAX_REASON:
        raise NotAllowed("say why, in your own words: it goes on record")
    return reason


async def _own(desk: Desk, incident: str, statement: str) -> Statement:
    """A statement of this incident that holds replies."""
    async with desk.here.store.reading() as tx:
        text = await tx.statements.get(statement)
    if text.incident != incident or text.kind is not StatementKind.REPLY:
        raise NotFound(f"{statement} holds no replies of {incident}")
    return text


async def _incident(request: Request) -> Incident:
    try:
        async with desk_of(request).here.store.reading() as tx:
            return await tx.incidents.get(request.path_params["id"])
    except NotFound:
        raise HTTPException(404, "there is no such incident") from None


async def _batches(tx: Transaction, incident: str) -> list[Batch]:
    found = [s for s in await tx.statements.list(incident) if s.kind is StatementKind.REPLY]
    return [Batch(s, await tx.statements.status(s.id, s.version)) for s in reversed(found)]


async def _suggested(desk: Desk, incident: Incident, able: list[engage.Reachable]) -> dict[str, str]:
    """What the template would say to each, by name."""
    async with desk.here.store.reading() as tx:
        made = await reply_drafts.suggestions(desk.here, tx, incident, [r.person for r in able])
    return {r.name: answer.text for r, answer in zip(able, made, strict=True)}


async def _in_care(tx: Transaction, incident: str) -> dict[tuple[str, str], Record]:
    """Who was handed over to care, by the network and the id of the post that went there."""
    handed = await tx.ledger.list(incident=incident, kind="person.handed_over")
    return {(str(r.data["network"]), str(r.data["post"])): r for r in handed}


async def _page(
    request: Request,
    incident: Incident,
    *,
    problem: str = "",
    given: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    desk, person = desk_of(request), person_of(request)
    here = desk.here
    told = await claims.claims(here, incident.id)
    people, sample = await engage.people_of(here, incident.id)
    over = incident.closed_at is not None
    able = [] if over else [r for r in people if not r.hinders][:PER_BATCH]
    async with here.store.reading() as tx:
        facts: list[Fact] = await tx.facts.list(incident.id)
        everybody = [p for p in await tx.stakeholders.list() if set(p.roles_on(incident.watch)) - {VIEWER}]
        context: dict[str, Any] = {
            "batches": await _batches(tx, incident.id),
            "planned": list(reversed(await tx.outbox.replies(incident=incident.id))),
            "stopped": await replies.are_stopped(tx, incident.id),
            "barred": await tx.engagement.list(),
            "in_care": await _in_care(tx, incident.id),
        }
    context |= {
        "incident": incident,
        "claims": told,
        "facts": facts,
        "people": people,
        "able": able,
        "suggested": await _suggested(desk, incident, able),
        "sample": sample or any(c.sample for c in told),
        "over": over,
        "helpdesks": helpdesks(here),
        "person": person,
        "stakeholders": everybody,
        "may": person is None or person.email in {p.email for p in everybody},
        "asks_code": asks_code(request, grave=False),
        "nonce": forms.nonce(request, PAGE, [incident.id]),
        "problem": problem,
        "given": given or {},
        "max_reason": MAX_REASON,
        "marks": MARKS,
        "per_narrative": PER_NARRATIVE,
        "per_day": PER_DAY,
        "per_batch": PER_BATCH,
        "gap": GAP.total_seconds() / 60,
    }
    return desk.pages.show(request, "people.html", context, status=status)


ROUTES = [
    Route("/incidents/{id}/people", show, methods=["GET"]),
    Route("/incidents/{id}/people", submit, methods=["POST"]),
]
