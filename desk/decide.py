"""``/statements/{id}/decide``: deciding on a statement at the desk, and what goes with it: taking an approval back, handing
one's turn on, ending that, and breaking the glass.

Whoever is signed in acts as themselves; whoever came with the shared key says who they are and proves it with a one-time
code, which approving and breaking the glass ask of everybody. GET only reads. A POST
acts, once, from a form that this desk made a short while ago for exactly these bytes. The checks that matter are those of
``tasks``, the same on every route; this page says in plain words what they found.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crisis.approval import NotAllowed, Verdict, Via
from crisis.delegation import Delegation
from crisis.incident import Incident
from crisis.release import LEAD, LEAST_REASON
from crisis.stakeholder import Stakeholder
from desk import forms
from desk.approve import DELEGATE, MAX_FORM, MAX_REASON, TAKE_BACK, looks_like, sentence
from desk.forms import NotTaken
from desk.guard import TokenBucket, caller
from desk.page import hides
from desk.picture import Version, load_version
from desk.preview import preview
from desk.signed_in import person_of
from desk.state import desk_of
from desk.waiting import people, word_due
from desk.who import asks_code, who_acts
from records import NotFound, StatementStatus
from tasks.approve import decide, role_of
from tasks.break_glass import break_glass
from tasks.delegate import delegate, take_over_again
from tasks.installation import Installation
from tasks.people import circle_of
from tasks.take_back import take_back

UNDELEGATE, GLASS = "undelegate", "break_glass"
SPANS = {"4 h": timedelta(hours=4), "1 day": timedelta(days=1), "7 days": timedelta(days=7)}
"""For how long a turn can be handed on from this page."""
FORM = "decide"
_submitted = TokenBucket(burst=10, seconds=6.0)
"""Forms by statement and caller: one-time codes must not be guessed."""


@dataclass(frozen=True)
class Place:
    """One statement on this page, as the records have it now."""

    incident: Incident
    version: Version
    everybody: tuple[Stakeholder, ...]
    delegations: tuple[Delegation, ...]
    """Those that hold for this statement now."""
    glass: bool
    """Whether the playbook allows the glass to be broken."""

    @property
    def open(self) -> bool:
        standing = self.version.standing
        return self.version.status is StatementStatus.PROPOSED and standing is not None and not standing.settled

    @property
    def acts(self) -> tuple[str, ...]:
        """What can be done with it now."""
        able = {
            "decide": self.open,
            TAKE_BACK: self.version.may_be_taken_back and any(d.approves for d in self.version.counted),
            DELEGATE: self.open,
            UNDELEGATE: self.open and bool(self.delegations),
            GLASS: self.open and self.glass,
        }
        return tuple(act for act, possible in able.items() if possible)


async def page(request: Request) -> Response:
    """The statement, exactly as it would be published, and what can be done. Reads only."""
    return _page(request, await _place(desk_of(request).here, request.path_params["id"]))


async def submit(request: Request) -> Response:
    """One act, for whoever proves who they are; then the page again."""
    here = desk_of(request).here
    place = await _place(here, request.path_params["id"])
    form: dict[str, str] = {}
    try:
        form = await _form(request, place)
        await _do(request, place, form)
    except (NotTaken, NotAllowed, NotFound) as why:
        after = await _place(here, request.path_params["id"])
        status = why.status if isinstance(why, NotTaken) else 409
        return _page(request, after, problem=sentence(str(why)), form=form, status=status)
    return RedirectResponse(request.url.path, status_code=303)


async def _place(here: Installation, statement: str) -> Place:
    now = here.clock.now()
    async with here.store.reading() as tx:
        try:
            text = await tx.statements.get(statement)
        except NotFound:
            raise HTTPException(404, f"there is no statement {statement}") from None
        incident = await tx.incidents.get(text.incident)
        version = await load_version(tx, text, now)
        everybody = tuple(await circle_of(tx, incident))
        given = tuple(d for d in await tx.delegations.list() if d.holds(now, text.id))
    return Place(incident, version, everybody, given, here.playbook(incident.assessment.type).break_glass)


async def _form(request: Request, place: Place) -> dict[str, str]:
    """The fields of a form that this desk made for these bytes. Raises ``NotTaken``."""
    if not _submitted.take(f"{place.version.statement.id}/{caller(request)}"):
        raise NotTaken(429, "too many tries: wait a minute")
    fields = await forms.read_fields(request, largest=MAX_FORM, most=10)
    form = {name: values[-1].strip() for name, values in fields.items()}
    made_for = forms.made_for(request, FORM, form.get("nonce", ""))
    if made_for is None:
        raise NotTaken(403, "this page was open for too long: look again, then act")
    if made_for != _names(place):
        raise NotTaken(409, "the text has changed since you looked: read the new version and decide on that")
    if len(form.get("reason", "")) > MAX_REASON:
        raise NotTaken(400, f"the reason is too long: keep it under {MAX_REASON:,} characters")
    return form


async def _do(request: Request, place: Place, form: Mapping[str, str]) -> None:
    """Do what is asked, as whoever proves to be themselves. Raises ``NotAllowed`` and ``NotTaken``."""
    here = desk_of(request).here
    act, reason, text = form.get("act", ""), form.get("reason", ""), place.version.statement
    you = person_of(request)
    email = you.email if you else form.get("person")
    person = next((p for p in place.everybody if p.email == email), None)
    if person is None:
        raise NotAllowed("choose who you are")
    if act == GLASS:
        await break_glass(
            here,
            statement=text.id,
            version=text.version,
            content_hash=text.content_hash,
            person=person.email,
            code=form.get("code", ""),
            reason=reason,
            via=Via.DESK,
        )
        return
    await who_acts(request, here, form, grave=act in (Verdict.APPROVE, DELEGATE))
    if act in set(Verdict):
        role = await role_of(here, text.id, text.version, person)
        await decide(
            here,
            statement=text.id,
            version=text.version,
            content_hash=text.content_hash,
            approver=person.email,
            role=role,
            verdict=Verdict(act),
            via=Via.DESK,
            reason=reason,
        )
    elif act == TAKE_BACK:
        who = person.email
        await take_back(here, statement=text.id, version=text.version, approver=who, via=Via.DESK, reason=reason)
    elif act == DELEGATE:
        if form.get("lasts") not in SPANS:
            raise NotTaken(400, "choose for how long")
        await delegate(
            here,
            delegator=person.email,
            to=form.get("to", ""),
            lasts=SPANS[form["lasts"]],
            reason=reason,
            statement=text.id if form.get("only") else "",
            via=Via.DESK.value,
        )
    elif act == UNDELEGATE:
        given, why = form.get("delegation", ""), reason or "ended at the desk"
        await take_over_again(here, given, actor=person.email, reason=why, via=Via.DESK.value)
    else:
        raise NotTaken(400, "nothing was chosen")


def _names(place: Place) -> list[str]:
    text = place.version.statement
    return [text.label, text.content_hash]


def _page(
    request: Request, place: Place, *, problem: str = "", form: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    desk = desk_of(request)
    version, statement = place.version, place.version.statement
    proposal = version.proposal
    posts = [preview(r, looks_like(desk.here, r)) for r in statement.renderings]
    roles = proposal.policy.roles if proposal else {}
    context = {
        "incident": place.incident,
        "statement": statement,
        "version": version,
        "acts": place.acts,
        "posts": posts,
        "hidden": any(hides(post.read) for post in posts),
        "stages": proposal.policy.stages if proposal else (),
        "needs": roles,
        "names": {role: people(desk.here.settings, role, but=statement.author) for role in roles},
        "expires_at": proposal.proposed_at + proposal.policy.expires_after if proposal else None,
        "word_due": word_due(place.incident, statement.kind),
        "everybody": place.everybody,
        "approvers": [p for p in place.everybody if p.email != statement.author and p.roles],
        "takers": sorted({email for d in version.counted if d.approves for email in d.people}),
        "leads": [p for p in place.everybody if p.email == place.incident.lead or LEAD in p.roles],
        "delegations": place.delegations,
        "called": {p.email: p.name for p in place.everybody},
        "spans": tuple(SPANS),
        "least_reason": LEAST_REASON,
        "nonce": forms.nonce(request, FORM, _names(place)),
        "code_asked": asks_code(request, grave=True),
        "problem": problem,
        "given": form or {},
        "max_reason": MAX_REASON,
    }
    return desk.pages.show(request, "decide.html", context, status=status)


ROUTES = [
    Route("/statements/{id}/decide", page, methods=["GET"]),
    Route("/statements/{id}/decide", submit, methods=["POST"]),
]
