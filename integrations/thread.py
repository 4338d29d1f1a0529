"""Publishing a text in several parts, each answering the one before.

Promises: parts already there, which ``standing`` finds, are not sent again; a part that is refused takes the whole
thread back, so that no half statement is left standing, and when that fails too, the outcome is ``Unknown``.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from crisis.counting import Limits
from crisis.rendering import DoesNotFit, render
from crisis.statement import Part, Rendering, Target
from integrations.outcomes import IntegrationError, Misconfigured, Refused, Unknown

Post = TypeVar("Post")
Piece = TypeVar("Piece")


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
    answered: Callable[[dict[str, Any]], str],
    says: Callable[[dict[str, Any]], str],
    same: Callable[[str], str],
    shows: Callable[[dict[str, Any]], int] | None = None,
) -> list[dict[str, Any]]:
    """The parts of ``rendering`` that are among an account's ``recent`` posts (newest first), from the first on.

    ``answered`` tells which post one answers, ``says`` its text; texts are the same when ``same`` makes them equal.
    ``shows`` tells how many pictures one shows, where the platform says so: the same words without them are another post.
    """
    there: list[dict[str, Any]] = []
    for part in rendering.parts:
        before = str(there[-1]["id"]) if there else rendering.reply_to
        pictures = 0 if there else len(rendering.media)
        found = [p for p in recent if answered(p) == before and same(says(p)) == same(part.text)]
        found = [p for p in found if shows is None or shows(p) == pictures]
        if not found:
            break
        there.append(found[-1])
    return there
