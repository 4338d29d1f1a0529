"""``GET /sandbox``: what would have gone out, each post looking like its platform. Nothing on it was ever published.

Withdrawn posts are struck through, earlier wordings kept, and corrections linked both ways. Sandboxed notices are shown
with their links, as the person they were meant for would have them: a sandbox is for rehearsals.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import integrations
from config import Settings
from crisis.delivery import Delivery, Purpose
from crisis.statement import Statement
from crisis.values import StatementKind
from desk.preview import Preview, preview
from desk.signed_in import person_of
from desk.state import desk_of, whole_desk_of
from integrations.sandbox import Post, posts
from records import NotFound, Transaction

MOST = 200
"""Posts on the page, the newest."""


@dataclass(frozen=True)
class Shown:
    """A post of the sandbox and what the records know of it."""

    post: Post
    preview: Preview
    delivery: Delivery | None
    statement: Statement | None
    corrected_by: str
    """The post that corrects this one, for a link."""

    @property
    def is_notice(self) -> bool:
        return self.post.purpose is Purpose.NOTICE


def folders(settings: Settings) -> tuple[Path, ...]:
    """The folders of every sandbox that is configured."""
    configured = [(c.kind, c.settings) for c in settings.channels] + [(n.kind, n.settings) for n in settings.notifiers]
    found = [Path(str(s["directory"])).expanduser() for kind, s in configured if kind == "sandbox" and "directory" in s]
    return tuple(dict.fromkeys(found))


async def sandbox(request: Request) -> Response:
    """The feed; ``?show=notices`` or ``?show=posts`` keeps one half of it."""
    desk = desk_of(request)
    where = folders(desk.here.settings)
    problem = ""
    found: list[Post] = []
    for folder in where:
        try:
            found += await asyncio.to_thread(posts, folder)
        except (integrations.IntegrationError, OSError) as error:
            problem = str(error)
    wanted = request.query_params.get("show", "posts")
    found = await _seen(request, found)
    newest = sorted((p for p in found if _wanted(p, wanted)), key=lambda p: p.at, reverse=True)
    async with desk.here.store.reading() as tx:
        known = [await _known(tx, post) for post in newest[:MOST]]
    fixed = {
        post.rendering.reply_to: post.id
        for post, _, statement in known
        if statement and statement.kind is StatementKind.CORRECTION and post.rendering.reply_to
    }
    shown = [
        Shown(post, preview(post.rendering, post.looks_like), delivery, statement, fixed.get(post.id, ""))
        for post, delivery, statement in known
    ]
    return desk.pages.show(
        request,
        "sandbox.html",
        {
            "shown": shown,
            "more": max(0, len(newest) - MOST),
            "wanted": wanted,
            "posts": sum(p.purpose is not Purpose.NOTICE for p in found),
            "notices": sum(p.purpose is Purpose.NOTICE for p in found),
            "configured": bool(where),
            "problem": problem,
        },
    )


async def _seen(request: Request, found: list[Post]) -> list[Post]:
    """Without what belongs to incidents that are hidden from whoever asks, and without anybody's way into the desk.

    Notices hold links that decide for whom they were sent to: whoever is signed in sees their own.
    """
    you = person_of(request)
    async with whole_desk_of(request).here.store.reading() as tx:
        every = await tx.outbox.list()
    known = {d.id: d.incident for d in every}
    recipients = {d.id: d.rendering.options.get("to", "") for d in every}
    async with desk_of(request).here.store.reading() as tx:
        seen = {incident.id for incident in await tx.incidents.list()}
    found = [post for post in found if post.key not in known or known[post.key] in seen]
    if you is None:
        return found
    return [p for p in found if p.purpose is not Purpose.NOTICE or you.email == recipients.get(p.key)]


def _wanted(post: Post, wanted: str) -> bool:
    return wanted == "all" or (post.purpose is Purpose.NOTICE) == (wanted == "notices")


async def _known(tx: Transaction, post: Post) -> tuple[Post, Delivery | None, Statement | None]:
    try:
        delivery = await tx.outbox.get(post.key)
    except NotFound:
        return post, None, None
    if not delivery.statement:
        return post, delivery, None
    return post, delivery, await tx.statements.get(delivery.statement, delivery.version)


ROUTES = [Route("/sandbox", sandbox, methods=["GET"])]
