"""Publishing a text in several parts, each answering the one before, and finding them again among an account's posts.

Promises: parts already there, which ``standing`` finds, are not sent again; a part that is refused takes the whole
thread back, so that no half statement is left standing, and when that fails too, the outcome is ``Unknown``. Posts that
are older than what is looked for are never taken for it, whatever they say.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, TypeVar

from crisis.counting import Limits
from crisis.rendering import DoesNotFit, render
from crisis.statement import Part, Rendering, Target
from integrations.outcomes import IntegrationError, Misconfigured, Refused, Unknown

Post = TypeVar("Post")
Piece = TypeVar("Piece")
SKEW = timedelta(minutes=5)
"""How far the clocks of a platform and of this machine may be apart."""
_planned: ContextVar[datetime | None] = ContextVar("planned", default=None)


@contextmanager
def planned(at: datetime) -> Iterator[None]:
    """What is sent or looked for inside was planned ``at`` (UTC, real time): no older post can be it."""
    token = _planned.set(at)
    try:
        yield
    finally:
        _planned.reset(token)


def earliest() -> datetime | None:
    """No post older than this (UTC) can be what is looked for; None, while nobody says when that was planned."""
    at = _planned.get()
    return None if at is None else at - SKEW


def since_planned(posts: Sequence[Post], made: Callable[[Post], datetime]) -> list[Post]:
    """Those of ``posts`` that were ``made`` after what is looked for was planned; all, while nobody says when that was."""
    oldest = earliest()
    return list(posts) if oldest is None else [post for post in posts if made(post) >= oldest]


async def publish_parts(
    parts: Sequence[Piece],
    there: Sequence[Post],
    send: Callable[[int, Piece, Sequence[Post]], Awaitable[Post]],
    take_back: Callable[[Post], Awaitable[None]],
) -> list[Post]:
    """Send what is missing of ``parts`` after those ``there`` already; all posts, in order.

    ``send`` gets the part's number from 0, the part and the posts before it. Raises like ``Publisher.publish``.
    """
    posts = list(there)
    for number in range(len(posts), len(parts)):
        try:
            posts.append(await send(number, parts[number], posts))
        except (Refused, Misconfigured) as error:
            await _undo(posts, take_back, f"part {number + 1} of {len(parts)} was refused: {error}")
            raise
    return posts


async def _undo(posts: Sequence[Post], take_back: Callable[[Post], Awaitable[None]], why: str) -> None:
    try:
        for post in reversed(posts):
            await take_back(post)
    except IntegrationError as error:
        raise Unknown(
            f"{why}; the parts before it are still there, for they could not be taken back: {error}"
        ) from error


def cut(text: str, limits: Limits) -> tuple[Part, ...]:
    """A notice in as many parts as it takes. Raises ``Refused`` when it cannot be cut."""
    try:
        return render(headline="", body=text, target=Target(channel="", kind=""), limits=limits).parts
    except DoesNotFit as error:
        raise Refused(f"the notice does not fit: {error}") from None


def standing(
    rendering: Rendering,
    recent: Sequence[dict[str, Any]],
    *,
    made: Callable[[dict[str, Any]], datetime],
    answered: Callable[[dict[str, Any]], str],
    says: Callable[[dict[str, Any]], str],
    same: Callable[[str], str],
    shows: Callable[[dict[str, Any]], int] | None = None,
) -> list[dict[str, Any]]:
    """The parts of ``rendering`` that are among an account's ``recent`` posts (newest first), from the first on.

    ``made`` tells when a post was, ``answered`` which one it answers, ``says`` its text; texts are the same when ``same``
    makes them equal.
    ``shows`` tells how many pictures one shows, where the platform says so: the same words without them are another post.
    """
    there: list[dict[str, Any]] = []
    recent = since_planned(recent, made)
    for part in rendering.parts:
        before = str(there[-1]["id"]) if there else rendering.reply_to
        pictures = 0 if there else len(rendering.media)
        found = [p for p in recent if answered(p) == before and same(says(p)) == same(part.text)]
        found = [p for p in found if shows is None or shows(p) == pictures]
        if not found:
            break
        there.append(found[-1])
    return there
