"""What people ask: the questions of posts, those that ask the same merged and counted.

What is found and left out is ``crisis.interrogative``'s, what counts as the same ``crisis.merging``'s. Pure; the same
posts in the same order give the same questions.
"""

from collections.abc import Iterable
from functools import lru_cache

from pydantic import Field

from crisis.interrogative import READ, asked
from crisis.merging import Merging
from crisis.paraphrases import wording
from crisis.values import Frozen

MOST_READ = 2_000
"""Questions that are compared; later ones are left out."""


class Question(Frozen):
    """One thing that people ask."""

    text: str
    """As one of them asked it: the wording that says most of what all say."""
    count: int = Field(ge=1)
    """Distinct posts that ask it."""


def questions(texts: Iterable[str], *, most: int = 5, least: int = 1) -> tuple[Question, ...]:
    """What ``texts`` (of distinct posts) ask, the most frequent first; ``least``: posts that must ask it."""
    found = [(number, question) for number, text in enumerate(texts) for question in _asked(text[:READ])][:MOST_READ]
    merging = Merging()
    groups = merging.place([question for _, question in found], lambda: str(len(merging.groups)))
    heads: dict[str, str] = {}
    posts: dict[str, set[int]] = {}
    for group, (number, question) in zip(groups, found, strict=True):
        head = heads.setdefault(group, question)
        if question != head and _tells(merging, group, question) > _tells(merging, group, head):
            heads[group] = question
        posts.setdefault(group, set()).add(number)
    ranked = sorted(posts, key=lambda group: -len(posts[group]))
    return tuple(Question(text=heads[g], count=len(posts[g])) for g in ranked[:most] if len(posts[g]) >= least)


def _tells(merging: Merging, group: str, question: str) -> float:
    """How well a wording stands for its question: by the words that most wordings have."""
    return round(merging.groups[group].shares(wording(question)), 2)


@lru_cache(maxsize=8192)
def _asked(text: str) -> tuple[str, ...]:
    """The questions in one post: the same posts are looked at again and again."""
    return tuple(asked(text))
