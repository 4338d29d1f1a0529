"""``POST /hooks/{notifier}``: what notifiers tell: buttons pressed in Slack, acknowledgements in PagerDuty and Opsgenie.

Nothing is done before the request is proven to come from there (each by its own secret, see the notifier's settings).
The platforms want an answer within seconds and send again without one: what takes longer goes on by itself, and the same
request again does nothing more.
"""

import asyncio
import hashlib
import logging
import time
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import config
import integrations
from crisis.oncall import calls
from crisis.visible import visible
from desk.guard import TokenBucket, caller, read_body
from desk.state import desk_of
from integrations.protocols import TakenOn
from integrations.slack_actions import WINDOW_SECONDS, Click, Submission, answer_view
from records import NotFound
from tasks import by_slack
from tasks.acknowledge import acknowledge
from tasks.installation import Installation

MAX_BODY = 1024 * 1024
ANSWER_SECONDS = 2.0
"""Slack takes an answer for up to three seconds after somebody pressed."""
_unproven = TokenBucket(burst=20, seconds=3.0)
"""Requests that were not proven, by caller."""
_under_way: set[asyncio.Task[Any]] = set()
"""Work that goes on after its answer; asyncio itself keeps only weak references."""
_seen: dict[str, float] = {}
"""Requests of the last minutes by what they are, to the second of their arrival."""

logger = logging.getLogger(__name__)


async def hook(request: Request) -> Response:
    """Take one request of a platform.

    Answers 200 when it is taken or needs nothing, 401 not proven, 404 no such notifier or one that tells nothing, 413
    too large, 429 too many that were not proven.
    """
    here, name = desk_of(request).here, request.path_params["notifier"]
    try:
        notifier: Any = await here.notifier(name)
        heard_by = notifier.heard
    except (config.ConfigError, integrations.IntegrationError, AttributeError):
        return JSONResponse({"error": "nothing is expected here"}, status_code=404)
    body = await read_body(request, MAX_BODY)
    try:
        heard = heard_by(request.headers, body, time.time())
    except (integrations.Refused, integrations.Misconfigured) as refusal:
        if not _unproven.take(caller(request)):
            return JSONResponse({"error": "too many requests that were not proven"}, status_code=429)
        return JSONResponse({"error": str(refusal)}, status_code=401)
    what = hashlib.sha256(f"{name}\n".encode() + body).hexdigest()
    if heard is None or _is_repeated(what):
        return Response(status_code=200)
    return await _answer(here, notifier, name, heard, what)


async def _answer(here: Installation, notifier: Any, name: str, heard: Any, what: str) -> Response:
    work = asyncio.create_task(_do(here, notifier, name, heard))
    _under_way.add(work)
    work.add_done_callback(lambda done: _ended(done, what))
    done, _ = await asyncio.wait({work}, timeout=ANSWER_SECONDS)
    if not isinstance(heard, Submission):
        broke = bool(done) and work.exception() is not None
        return Response(status_code=503 if broke else 200)
    if not done:
        later = asyncio.create_task(_tell_later(notifier, heard, work))
        _under_way.add(later)
        later.add_done_callback(_under_way.discard)
        return JSONResponse(
            answer_view("Under way", "It takes a moment longer; what came of it follows in the channel.")
        )
    if work.exception() is not None:
        return JSONResponse(answer_view("Something broke", "Open the link in the message to see whether it counted."))
    return JSONResponse(answer_view(*work.result()))


async def _do(here: Installation, notifier: Any, name: str, heard: Any) -> Any:
    if isinstance(heard, Click):
        return await by_slack.pressed(here, notifier, name, heard)
    if isinstance(heard, Submission):
        return await by_slack.sent_off(here, notifier, name, heard)
    return await _taken_on(here, notifier, heard)


async def _taken_on(here: Installation, notifier: Any, taken: TakenOn) -> None:
    """Somebody acknowledged an alert of ours in their pager, whether or not they are a stakeholder here."""
    incident, _, matter = taken.alert.partition("/")
    if matter and not calls(matter):
        return  # it asked for something else, such as an approval
    email = taken.email
    if not email and taken.user and hasattr(notifier, "address_of"):
        with suppress(integrations.IntegrationError):  # the name has to do then
            email = await notifier.address_of(taken.user)
    people = here.settings.stakeholders
    named = [p for p in people if email and p.email.casefold() == email.casefold()]
    named = named or [p for p in people if taken.name and p.name.casefold() == taken.name.casefold()]
    who = named[0].email if len(named) == 1 else visible((email or taken.name)[:100])
    try:
        await acknowledge(here, incident, actor=who, via=notifier.kind)
    except NotFound:
        logger.info("%s acknowledged an alert that is no incident here", notifier.kind)


def _is_repeated(what: str) -> bool:
    now = time.monotonic()
    for old in [one for one, at in _seen.items() if now - at > 2 * WINDOW_SECONDS]:
        del _seen[old]
    repeated = what in _seen
    _seen.setdefault(what, now)
    return repeated


def _ended(work: asyncio.Task[Any], what: str) -> None:
    _under_way.discard(work)
    if not work.cancelled() and (error := work.exception()) is not None:
        _seen.pop(what, None)  # what broke may be sent again
        logger.error("what a platform told was not done", exc_info=error)


async def _tell_later(notifier: Any, heard: Submission, work: asyncio.Task[Any]) -> None:
    await asyncio.wait({work})
    broke = work.cancelled() or work.exception() is not None
    says = "Something broke. Open the link in the message to see whether it counted." if broke else work.result()[1]
    await by_slack.tell_them(notifier, heard, says)


ROUTES = [Route("/hooks/{notifier}", hook, methods=["POST"])]
