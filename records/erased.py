"""Marks of what was erased: they tell that a post was erased before, so that it does not come in again, and nothing else."""

import hashlib
import hmac
from collections.abc import Collection, Iterable

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import func, select

from crisis.copies import HELD
from crisis.watch import Mention
from records.tables import erased_posts
from records.work import Work

BLOTTED = '{"id": "erased-%'
"""What the row of an erased post is like."""
_IN = 500


def mark_of(work: Work, *what: str) -> str:
    """A hash that only this installation can compute: what it stands for cannot be guessed from it."""
    raw = work.keys.ledger.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    secret = hashlib.sha256(b"fireline marks of what was erased\n" + raw).digest()
    return hmac.new(secret, "\n".join(what).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


async def come_back(work: Work, posts: Iterable[Mention], *, naming: bool = False) -> list[Mention]:
    """Those of ``posts`` that were not erased before; the others may not come in again. ``naming``: nor those of others
    that name somebody who was."""
    found = list(posts)
    if not found or await work.first(select(erased_posts.c.mark).limit(1)) is None:
        return found
    marks = {id(p): {*marks_of(work, p), *((naming_mark(work, p),) if naming else ())} for p in found}
    gone = await _kept(work, set().union(*marks.values()))
    return [p for p in found if not marks[id(p)] & gone]


async def count(work: Work) -> int:
    """How many marks there are: none is ever taken away, so nothing was erased while it is the same."""
    return int((await work.all(select(func.count()).select_from(erased_posts)))[0][0])


async def words_gone(work: Work, texts: Iterable[str]) -> set[str]:
    """Those of these texts that stood in a post which was erased, or which named somebody who was."""
    marks: dict[str, list[str]] = {}
    if await work.first(select(erased_posts.c.mark).limit(1)) is not None:
        for text in texts:
            marks.setdefault(words_mark(work, text), []).append(text)
    return {text for mark in await _kept(work, marks) for text in marks[mark]}


async def _kept(work: Work, marks: Collection[str]) -> set[str]:
    """Those of these marks that are marks of what was erased."""
    every, found = sorted(marks), set[str]()
    for start in range(0, len(every), _IN):
        query = select(erased_posts.c.mark).where(erased_posts.c.mark.in_(every[start : start + _IN]))
        found |= {row.mark for row in await work.all(query)}
    return found


def words_mark(work: Work, text: str) -> str:
    """The mark of words alone, whoever wrote them: by it a watch forgets what it finds copies by."""
    return mark_of(work, "words", " ".join(text[:HELD].split()))


def naming_mark(work: Work, post: Mention) -> str:
    """The mark of somebody else's post that names whoever was erased: it stays, without the name."""
    return mark_of(work, "naming", post.source, post.id)


async def was_erased(work: Work, source: str, id: str) -> bool:
    """Whether a post is among those that were erased."""
    query = select(erased_posts.c.mark).where(erased_posts.c.mark == mark_of(work, "post", source, id))
    return await work.first(query) is not None


def marks_of(work: Work, post: Mention) -> tuple[str, str]:
    """By its id, and by its author and words: another recording may number it otherwise."""
    by_words = mark_of(work, "post", post.author.casefold(), " ".join(post.text.split()))
    return mark_of(work, "post", post.source, post.id), by_words
