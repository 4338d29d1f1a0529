"""``/approve/{token}``: the signed link by which somebody outside the desk reads a statement and decides on it.

Looking never decides: mail scanners and previews fetch links, so GET and HEAD only read. A POST decides, and only from
a form that this desk made for this link a short while ago. Sending it twice counts once. The checks that matter are
those of ``tasks.approve.decide``, the same on every route; this page says in plain words what they found.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crisis.approval import Decision, NotAllowed, Verdict, Via
from crisis.incident import Incident
from crisis.statement import Rendering
from desk.access import desk_key
from desk.guard import TokenBucket, caller, is_same_origin, read_body
from desk.page import hides
from desk.picture import Version, load_version
from desk.pictures import picture_of
from desk.preview import preview
from desk.state import desk_of
from desk.waiting import people, word_due
from records import NotFound, StatementStatus
from tasks.advise import Reasoning, reason_in
from tasks.approve import decide
from tasks.binding import what_changed
from tasks.delegate import delegate
from tasks.installation import Installation
from tasks.links import LinkClaims, read_link
from tasks.take_back import take_back

MAX_FORM = 64 * 1024
"""Bytes of a decision form."""
MAX_REASON = 4_000
"""Characters of a reason."""
FORM_SECONDS = 12 * 3600
"""How long an open form stays good."""

TAKE_BACK, DELEGATE = "take_back", "delegate"
"""Answers besides a verdict."""
HANDED_FOR = timedelta(days=2)
"""For how long a turn is handed on from this page, for its one statement."""

_forged = TokenBucket(burst=20, seconds=3.0)
"""Wrong links by caller; right links are never held up by other people's wrong ones."""
_submitted = TokenBucket(burst=10, seconds=6.0)
"""Answers by person and content."""


@dataclass(frozen=True)
class Asked:
    """What a link asks about, as the records have it now."""

    claims: LinkClaims
    incident: Incident
    version: Version
    newest: int
    """The latest version of the statement."""
    changed: str
    """What an approval would no longer match; empty when all is as it was proposed."""
    reasoning: Reasoning
    """Why it says what it says."""

    @property
    def own(self) -> Decision | None:
        """The decision this person has made already, or that was made in their place."""
        return next((d for d in self.version.counted if self.claims.approver in d.people), None)

    @property
    def takes_back(self) -> bool:
        """Whether this person's approval can still be taken back."""
        own = self.own
        return own is not None and own.verdict is Verdict.APPROVE and self.version.may_be_taken_back

    @property
    def is_last(self) -> bool:
        """Whether this person's approval is the last one needed."""
        standing = self.version.standing
        return standing is not None and standing.missing == {self.claims.role: 1}

    @property
    def others(self) -> dict[str, int]:
        """Approvals still owed after this person's, by role."""
        missing = dict(self.version.standing.missing) if self.version.standing else {}
        missing[self.claims.role] = missing.get(self.claims.role, 1) - 1
        return {role: count for role, count in missing.items() if count > 0}


async def _asked(here: Installation, claims: LinkClaims) -> Asked | None:
    """What the link is about; none when the records know no such statement with that content."""
    try:
        async with here.store.reading() as tx:
            statement = await tx.statements.get(claims.statement, claims.version)
            newest = (await tx.statements.get(claims.statement)).version
            incident = await tx.incidents.get(statement.incident)
            version = await load_version(tx, statement, here.clock.now())
            changed = await what_changed(tx, statement)
            reasoning = await reason_in(tx, statement)
    except NotFound:
        return None
    if statement.content_hash != claims.content_hash:
        return None
    return Asked(claims, incident, version, newest, changed, reasoning)


def _closed(asked: Asked) -> tuple[str, str] | None:
    """Why no decision is wanted any more, and what to do; none while one is."""
    if asked.own is not None:
        done = "approved" if asked.own.verdict is Verdict.APPROVE else "returned"
        who = "You" if asked.own.approver == asked.claims.approver else asked.own.approver
        whose = "Your decision is" if who == "You" else "What was decided in your place is"
        return f"{who} {done} this as {asked.own.role}.", f"{whose} on record. There is nothing more to do here."
    if asked.newest > asked.version.statement.version:
        return (
            "There is a newer version of this text.",
            f"Version {asked.newest} has replaced it. If your approval is needed, it comes in a new message.",
        )
    if asked.version.status is StatementStatus.VOIDED or asked.changed:
        return (
            "This text may no longer be approved.",
            f"{sentence(asked.changed or 'what it relied on has changed')} "
            "A new version must be drafted; you will be asked again.",
        )
    return _settled(asked)


def _settled(asked: Asked) -> tuple[str, str] | None:
    status, standing = asked.version.status, asked.version.standing
    if status is StatementStatus.EXPIRED or (standing is not None and standing.expired):
        label = asked.version.statement.label
        return "The time to decide has passed.", f"Ask for {label} to be proposed again: a new link comes with it."
    if status is not StatementStatus.PROPOSED or standing is None:
        return f"This text is {status.value}.", "It waits for no decision."
    if not standing.settled and asked.claims.role not in standing.asked:
        return "It is not your turn yet.", f"It {standing.says}. You will be asked when it is your turn."
    if standing.settled or asked.claims.role not in standing.missing:
        return "Your role has already decided.", f"Now it is so: {standing.says}."
    return None


class _Forms:
    """Nonces of decision forms: made for one person and one content, signed, and good for a while."""

    def __init__(self, here: Installation) -> None:
        self._serializer = URLSafeTimedSerializer(desk_key(here.settings.home), salt="fireline.desk.approve")

    def nonce(self, claims: LinkClaims) -> str:
        return str(self._serializer.dumps([*_asking(claims), secrets.token_urlsafe(9)]))

    def fits(self, nonce: str, claims: LinkClaims) -> bool:
        try:
            made_for = self._serializer.loads(nonce, max_age=FORM_SECONDS)
        except BadSignature:
            return False
        return isinstance(made_for, list) and made_for[:-1] == _asking(claims)


def _asking(claims: LinkClaims) -> list[str]:
    """Whom a link asks, and about what."""
    return [claims.approver, claims.role, claims.content_hash]


async def show(request: Request) -> Response:
    """The statement, exactly as it would be published, and the two answers. Reads only."""
    found = await _follow(request)
    return found if isinstance(found, Response) else _page(request, found)


async def picture(request: Request) -> Response:
    """A picture of the statement that the link names."""
    found = await _follow(request)
    return found if isinstance(found, Response) else await picture_of(request, found.version.statement)


async def submit(request: Request) -> Response:
    """Record a decision made on the form, then show the page again."""
    found = await _follow(request)
    if isinstance(found, Response):
        return found
    try:
        given = await _answer(request, found)
    except _NotTaken as why:
        context = {"title": why.title, "says": why.says, "link": request.url.path}
        return desk_of(request).pages.show(request, "again.html", context, status=why.status)
    try:
        await _do(desk_of(request).here, found.claims, given)
    except (NotAllowed, NotFound) as refusal:
        return await _refused(request, found, given, str(refusal))
    return RedirectResponse(request.url.path, status_code=303)


async def _do(here: Installation, claims: LinkClaims, given: "_Given") -> None:
    """Decide, take a decision back, or hand the turn on. Raises ``NotAllowed`` and ``NotFound``."""
    if given.act == TAKE_BACK:
        await take_back(
            here,
            statement=claims.statement,
            version=claims.version,
            approver=claims.approver,
            via=Via.EMAIL_LINK,
            reason=given.reason,
        )
    elif given.act == DELEGATE:
        await delegate(
            here,
            delegator=claims.approver,
            to=given.to,
            lasts=HANDED_FOR,
            reason=given.reason,
            statement=claims.statement,
            via=Via.EMAIL_LINK.value,
        )
    else:
        await decide(
            here,
            statement=claims.statement,
            version=claims.version,
            content_hash=claims.content_hash,
            approver=claims.approver,
            role=claims.role,
            verdict=Verdict(given.act),
            via=Via.EMAIL_LINK,
            reason=given.reason,
        )


@dataclass(frozen=True)
class _Given:
    """What a form asks for."""

    act: str
    reason: str
    to: str = ""


class _NotTaken(Exception):
    """The form was not taken, and nothing was decided."""

    def __init__(self, status: int, title: str, says: str = "Nothing was decided.") -> None:
        super().__init__(title)
        self.status, self.title, self.says = status, title, says


async def _answer(request: Request, asked: Asked) -> _Given:
    """What is asked for in a form that this desk made for this link. Raises ``_NotTaken``."""
    here = desk_of(request).here
    if not is_same_origin(request, here.settings.desk.url):
        raise _NotTaken(403, "This did not come from the approval page")
    if not _submitted.take("/".join(_asking(asked.claims))):
        raise _NotTaken(429, "Too many tries", "Nothing more was decided. Wait a minute.")
    try:
        form = parse_qs((await read_body(request, MAX_FORM)).decode(), max_num_fields=10)
    except ValueError:
        raise _NotTaken(400, "The form cannot be read") from None
    if not _Forms(here).fits(form.get("nonce", [""])[-1], asked.claims):
        raise _NotTaken(403, "This page was open for too long")
    answer, reason = form.get("verdict", [""])[-1], form.get("reason", [""])[-1].strip()
    if answer not in (Verdict.APPROVE.value, Verdict.RETURN.value, TAKE_BACK, DELEGATE):
        raise _NotTaken(400, "Neither answer was chosen")
    if len(reason) > MAX_REASON:
        raise _NotTaken(400, "The reason is too long", f"Nothing was decided. Keep it under {MAX_REASON:,} characters.")
    return _Given(answer, reason, form.get("to", [""])[-1])


async def _refused(request: Request, before: Asked, given: _Given, why: str) -> Response:
    """What the check said, over the page as it stands now."""
    asked = await _asked(desk_of(request).here, before.claims) or before
    own = asked.own
    if own is not None and (own.approver, own.verdict.value) == (before.claims.approver, given.act):
        return RedirectResponse(request.url.path, status_code=303)  # sent twice: the first one counts
    return _page(request, asked, problem=why, reason=given.reason, status=409)


async def _follow(request: Request) -> Asked | Response:
    """What the link asks, or the page that says what is wrong with the link."""
    desk, token = desk_of(request), request.path_params["token"]
    try:
        claims = read_link(desk.here, token)
    except NotAllowed as refusal:
        if not _forged.take(caller(request)):
            return desk.pages.notice(
                request, 429, "Too many wrong links", "Wait a minute, then use the link from your message."
            )
        # an expired link was once good, and its owner needs other words than somebody with half a link
        expired = isinstance(refusal.__context__, SignatureExpired)
        return desk.pages.notice(
            request,
            410 if expired else 403,
            "This link has expired" if expired else "This link does not open anything",
            sentence(str(refusal)),
            "Nothing was decided. Ask whoever sent you the message for a new one."
            if expired
            else "Nothing was decided. Open the link from the message itself, whole and unchanged.",
        )
    asked = await _asked(desk.here, claims)
    if asked is None:
        return desk.pages.notice(
            request,
            410,
            "This text is gone",
            "The link is genuine, but the text it was made for is not in these records any more.",
            "Nothing was decided. Ask for the statement to be proposed again.",
        )
    return asked


def _page(request: Request, asked: Asked, *, problem: str = "", reason: str = "", status: int = 200) -> Response:
    desk = desk_of(request)
    now = desk.here.clock.now()
    statement, proposal = asked.version.statement, asked.version.proposal
    closed = _closed(asked)
    forms = _Forms(desk.here)
    posts = [preview(r, looks_like(desk.here, r)) for r in statement.renderings]
    return desk.pages.show(
        request,
        "approve.html",
        {
            "asked": asked,
            "claims": asked.claims,
            "incident": asked.incident,
            "statement": statement,
            "version": asked.version,
            "closed": closed,
            "expires_at": proposal.proposed_at + proposal.policy.expires_after if proposal else now,
            "word_due": word_due(asked.incident, statement.kind),
            "posts": posts,
            "hidden": any(hides(post.read) for post in posts),
            "roles": {
                role: people(desk.here.settings, role, but=statement.author)
                for role in (proposal.policy.roles if proposal else {})
            },
            "nonces": [forms.nonce(asked.claims) for _ in range(4)],
            "others": [
                p
                for p in desk.here.settings.stakeholders
                if p.email
                not in (asked.claims.approver, statement.author, *(e for d in asked.version.counted for e in d.people))
            ],
            "handed_for": HANDED_FOR,
            "problem": sentence(problem),
            "reason": reason,
            "max_reason": MAX_REASON,
            "reasoning": asked.reasoning,
            "does": asked.reasoning.said_by(statement),
        },
        status=410 if closed and not asked.own and status == 200 and asked.version.status in GONE else status,
    )


def looks_like(here: Installation, rendering: Rendering) -> str:
    """Which platform's look a sandboxed rendering has."""
    return next((c.looks_like for c in here.settings.channels if c.name == rendering.target.channel), "")


GONE = frozenset({StatementStatus.VOIDED, StatementStatus.EXPIRED})
"""Standings in which a link is good for nothing any more."""


def sentence(text: str) -> str:
    """A clause as a sentence of its own."""
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith((".", "!", "?")) else ".")


ROUTES = [
    Route("/approve/{token}", show, methods=["GET"]),
    Route("/approve/{token}", submit, methods=["POST"]),
    Route("/approve/{token}/pictures/{sha256}", picture, methods=["GET"]),
]
