"""``/sign-in``: the ways in, and the one by mail: a link that works once, for stakeholders only.

Whoever asks for a link gets the same answer at the same time, whether their address is known or not; the mail goes out
afterwards. Looking at the link does nothing, because mail scanners follow links: a page with one button shows, and only
a POST from that page signs in.
"""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

import integrations
from crisis.access import Method
from crisis.approval import NotAllowed
from crisis.stakeholder import Stakeholder
from desk import forms
from desk.access import SIGN_IN, own_path, refused_entry, sign_in, ways_in
from desk.guard import TokenBucket, caller
from desk.signed_in import real_now
from desk.state import desk_of, whole_desk_of
from tasks.installation import Installation
from tasks.links import read_sign_in_link
from tasks.sign_in import GOOD_FOR, mail_a_way_in

LINK = "sign-in-link"
_asked = TokenBucket(burst=5, seconds=20.0)
"""Links asked for, by caller."""
_mailed = TokenBucket(burst=3, seconds=300.0)
"""Links mailed, by person: nobody's mailbox is filled by strangers."""
_under_way: set[asyncio.Task[Any]] = set()
"""Mails on their way; asyncio itself keeps only weak references."""


async def show(request: Request) -> Response:
    """The ways in."""
    desk = desk_of(request)
    context = ways_in(request, desk.here, request.query_params.get("next", "/"))
    return desk.pages.show(request, "locked.html", context)


async def ask(request: Request) -> Response:
    """Ask for a link by mail. The answer tells nothing of who is known here."""
    desk, here = desk_of(request), whole_desk_of(request).here
    if not here.settings.desk.sign_in_by_email:
        return desk.pages.notice(request, 404, "There is nothing here", "Links by mail are switched off.")
    given = await forms.fields(request, SIGN_IN, most=10)
    if not _asked.take(caller(request)):
        says = "Wait a few minutes. A link that was mailed before still works."
        return desk.pages.notice(request, 429, "Too many links were asked for", says)
    sending = asyncio.create_task(_mail(here, given.get("email", [""])[-1].strip()))
    _under_way.add(sending)
    sending.add_done_callback(_under_way.discard)
    minutes = int(GOOD_FOR.total_seconds() // 60)
    return desk.pages.notice(
        request,
        200,
        "Look into your mail",
        f"If that address is a stakeholder's, a link is on its way. It works once, for {minutes} minutes.",
        "No mail? Check the address, or ask whoever runs Fireline whether you are among the stakeholders.",
    )


async def _mail(here: Installation, address: str) -> None:
    async with here.store.reading() as tx:
        people = await tx.stakeholders.list()
    person = next((p for p in people if p.email.lower() == address.lower()), None)
    if person is not None and _mailed.take(person.email):
        try:
            await mail_a_way_in(here, person)
        except integrations.IntegrationError:
            return  # the delivery is on record, with what went wrong


async def look(request: Request) -> Response:
    """Whom the link would sign in, and the button. Reads only."""
    found = await _follow(request)
    if isinstance(found, Response):
        return found
    person, _ = found
    nonce = forms.nonce(request, LINK, [request.path_params["token"]])
    return desk_of(request).pages.show(request, "sign_in_link.html", {"person": person, "nonce": nonce})


async def enter(request: Request) -> Response:
    """Use the link up, and sign in whom it was mailed to."""
    found = await _follow(request)
    if isinstance(found, Response):
        return found
    person, asked = found
    await forms.fields(request, LINK, [request.path_params["token"]], most=10)
    async with whole_desk_of(request).here.store.transaction() as tx:
        used = await tx.sessions.use(asked, real_now())
    if not used:
        return await _over(request, "it was used a moment ago")
    answer = RedirectResponse(own_path("/"), status_code=303)
    await sign_in(request, answer, person=person.email, method=Method.LINK)
    return answer


async def _follow(request: Request) -> tuple[Stakeholder, str] | Response:
    """Whom the link signs in and which one it is, or the page that says why it does not."""
    here = whole_desk_of(request).here
    if not here.settings.desk.sign_in_by_email:
        return desk_of(request).pages.notice(request, 404, "There is nothing here", "Links by mail are switched off.")
    try:
        asked = read_sign_in_link(here, request.path_params["token"]).asked
    except NotAllowed:
        return await _over(request, "it was not made here, or it was cut off on the way")
    async with here.store.reading() as tx:
        email = await tx.sessions.asked(asked, real_now())
        person = await tx.stakeholders.get(email) if email else None
    if person is None:
        return await _over(request, "it was used already, or is too old")
    return person, asked


async def _over(request: Request, why: str) -> Response:
    """The same page for every link that does not hold, so that none tells more than another."""
    pages = desk_of(request).pages
    if not await refused_entry(request, Method.LINK, why):
        return pages.notice(request, 429, "Too many wrong links", "Wait a minute, then ask for a new one.")
    says = "It works once, and for a short while only; this one was used, is too old, or was cut off on the way."
    return pages.notice(request, 403, "This link lets nobody in", says, on=("/sign-in", "Ask for a new one"))


ROUTES = [
    Route("/sign-in", show, methods=["GET"]),
    Route("/sign-in/mail", ask, methods=["POST"]),
    Route("/sign-in/link/{token}", look, methods=["GET"]),
    Route("/sign-in/link/{token}", enter, methods=["POST"]),
]
