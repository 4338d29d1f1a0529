"""Publishing a text in several parts, each answering the one before.

Promises: parts already there are not sent again; a part that is refused takes the whole thread back, so that no half
statement is left standing, and when that fails too, the outcome is ``Unknown``.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from crisis.statement import Part
from integrations.outcomes import IntegrationError, Misconfigured, Refused, Unknown

Post = TypeVar("Post")


async def publish_parts(
    parts: Sequence[Part],
    there: Sequence[Post],
    send: Callable[[int, Part, Sequence[Post]], Awaitable[Post]],
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
