"""``GET /sandbox``: what would have gone out, each post looking like its platform. Nothing on it was ever published.

Withdrawn posts are struck through, earlier wordings kept, and corrections linked both ways. Sandboxed notices are shown
with their links, as the person they were meant for would have them: a sandbox is for rehearsals.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import integrations
from config import Settings
from crisis.delivery import Purpose
from crisis.values import StatementKind
from desk.preview import Preview, preview
from desk.signed_in import person_of
from desk.state import desk_of, whole_desk_of
from integrations.sandbox import Heading, Post, headings, latest
from records.outbox import Place

MOST = 100
"""Posts on the page, the newest."""


@dataclass(frozen=True)
class Shown:
    """A post of the sandbox and what the records know of it."""

    post: Post
    preview: Preview
    place: Place | None
    kind: StatementKind | None
    """Of the statement that it carries."""
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
    wanted = request.query_params.get("show", "posts")
    found: list[tuple[Path, Heading]] = []
    problem = ""
    for folder in where:
        try:
            found += [(folder, heading) for heading in await asyncio.to_thread(headings, folder)]
        except (integrations.IntegrationError, OSError) as error:
            problem = str(error)
    found = await _seen(request, found)
    chosen = sorted((f for f in found if _wanted(f[1], wanted)), key=lambda f: f[1].at, reverse=True)
    try:
        newest = await asyncio.to_thread(_read, chosen[:MOST])
    except (integrations.IntegrationError, OSError) as error:
        newest, problem = [], str(error)
    async with desk.here.store.reading() as tx:
        places = await tx.outbox.places([post.key for post in newest])
        kinds = await tx.statements.kinds({place.statement for place in places.values() if place.statement})
    shown = _shown(newest, places, kinds)
    return desk.pages.show(
        request,
        "sandbox.html",
        {
            "shown": shown,
            "more": max(0, len(chosen) - MOST),
            "wanted": wanted,
            "posts": sum(heading.purpose is not Purpose.NOTICE for _, heading in found),
            "notices": sum(heading.purpose is Purpose.NOTICE for _, heading in found),
            "configured": bool(where),
            "problem": problem,
        },
    )


def _read(chosen: Sequence[tuple[Path, Heading]]) -> list[Post]:
    return [post for folder, heading in chosen if (post := latest(folder, heading.id))]


def _shown(newest: Sequence[Post], places: Mapping[str, Place], kinds: Mapping[str, StatementKind]) -> list[Shown]:
    known = [(post, places.get(post.key)) for post in newest]
    of_kind = {post.id: kinds.get(place.statement) if place else None for post, place in known}
    fixed = {
        post.rendering.reply_to: post.id
        for post in newest
        if of_kind[post.id] is StatementKind.CORRECTION and post.rendering.reply_to
    }
    return [
        Shown(post, preview(post.rendering, post.looks_like), place, of_kind[post.id], fixed.get(post.id, ""))
        for post, place in known
    ]


async def _seen(request: Request, found: list[tuple[Path, Heading]]) -> list[tuple[Path, Heading]]:
    """Without what belongs to incidents that are hidden from whoever asks, and without anybody's way into the desk.

    Notices hold links that decide for whom they were sent to: whoever is signed in sees their own.
    """
    you = person_of(request)
    async with desk_of(request).here.store.reading() as tx:
        unseen = await tx.outbox.unseen()
    found = [f for f in found if f[1].key not in unseen]
    if you is None:
        return found
    async with whole_desk_of(request).here.store.reading() as tx:
        own = await tx.outbox.noticed(you.email)
    return [f for f in found if f[1].purpose is not Purpose.NOTICE or f[1].key in own]


def _wanted(post: Heading, wanted: str) -> bool:
    return wanted == "all" or (post.purpose is Purpose.NOTICE) == (wanted == "notices")


ROUTES = [Route("/sandbox", sandbox, methods=["GET"])]
