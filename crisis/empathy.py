"""The empathy map of an incident: what each affected group says, thinks, feels and does, each cell with quotes and counts.

Groups are told by what their posts show: who was *hit themselves* (a hostile post in the first person), who *asks*, and
who *looks on*. It is made from a sample of posts, says how many, and quotes them as posted; feelings are read from the
posts whose language can be read, and the map says how many those were. Pure; after Gray, Brown & Macanufo 2010
(*Gamestorming*: says, thinks, feels, does).
"""

import re
from collections import Counter
from collections.abc import Sequence

from pydantic import Field

from crisis.interrogative import asked
from crisis.questions import Question, questions
from crisis.reading import Emotion, Reading
from crisis.triage import Narrative
from crisis.values import Frozen
from crisis.watch import Mention

QUOTES = 2
"""Posts quoted in a cell."""
LONGEST = 280
"""Characters of a quote."""

_FIRST_PERSON = re.compile(r"\b(?:i|i'm|i've|me|my|mine|we|we're|us|our|myself)\b", re.IGNORECASE)
DOES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "say they leave",
        re.compile(r"\b(?:cancel\w*|switch(?:ed|ing)? to|leaving|unsubscrib\w+|delet(?:e|ed|ing) (?:my|the))\b", re.I),
    ),
    ("call for a boycott", re.compile(r"\b(?:boycott\w*|never (?:buy|use|fly|shop)\b|stop buying|don'?t buy)", re.I)),
    ("want their money back", re.compile(r"\b(?:refund\w*|money back|compensat\w+|chargeback\w*)\b", re.I)),
    (
        "go to others about it",
        re.compile(r"\b(?:lawyers?|sue|suing|class action|regulator|police|press|journalist)\b", re.I),
    ),
)
"""Acts that posts announce, in English, by their words; other languages are quoted but not counted here."""


class Cell(Frozen):
    """One finding of a cell: what, how many posts show it, and some of them as posted."""

    what: str
    count: int = Field(ge=1)
    quotes: tuple[str, ...] = ()


class Group(Frozen):
    """One affected group."""

    name: str
    posts: int
    says: tuple[str, ...] = ()
    """Posts of theirs, as posted."""
    thinks: tuple[Cell, ...] = ()
    """Claims that they make: narratives they speak of."""
    feels: tuple[Cell, ...] = ()
    does: tuple[Cell, ...] = ()
    asks: tuple[Question, ...] = ()


class EmpathyMap(Frozen):
    """Who is affected and how, from a sample."""

    posts: int
    """Posts that were looked at."""
    read: int
    """Those among them whose feeling could be read."""
    groups: tuple[Group, ...] = ()


def empathy_map(
    posts: Sequence[Mention], readings: Sequence[Reading], narratives: Sequence[Narrative] = ()
) -> EmpathyMap:
    """The map of ``posts``; ``readings`` are one a post, in the same order. Groups without posts are left out."""
    members: dict[str, list[tuple[Mention, Reading]]] = {"hit themselves": [], "asking": [], "looking on": []}
    for pair in zip(posts, readings, strict=True):
        members[_group_of(*pair)].append(pair)
    groups = tuple(_group(name, own, narratives) for name, own in members.items() if own)
    return EmpathyMap(posts=len(posts), read=sum(r.supported for r in readings), groups=groups)


def _group_of(post: Mention, reading: Reading) -> str:
    if reading.hostile and _FIRST_PERSON.search(post.text[:2000]):
        return "hit themselves"
    return "asking" if asked(post.text) else "looking on"


def _group(name: str, own: Sequence[tuple[Mention, Reading]], narratives: Sequence[Narrative]) -> Group:
    texts = [post.text for post, _ in own]
    worst = sorted(own, key=lambda pair: (-pair[1].outrage, -pair[0].reposts))
    return Group(
        name=name,
        posts=len(own),
        says=_quotes([post.text for post, _ in worst]),
        thinks=_thinks(texts, narratives),
        feels=_feels(worst),
        does=_does(texts),
        asks=questions(texts, most=3),
    )


def _thinks(texts: Sequence[str], narratives: Sequence[Narrative]) -> tuple[Cell, ...]:
    """Narratives of which a post of the group has at least half of the label's longer words."""
    found = []
    for narrative in narratives:
        words = set(re.findall(r"\w{4,}", narrative.label.lower()))
        if not words:
            continue
        speak = [t for t in texts if 2 * len(words & set(re.findall(r"\w{4,}", t[:2000].lower()))) >= len(words)]
        if speak:
            found.append(Cell(what=narrative.label, count=len(speak)))
    return tuple(sorted(found, key=lambda cell: -cell.count)[:3])


def _feels(own: Sequence[tuple[Mention, Reading]]) -> tuple[Cell, ...]:
    by_feeling: dict[Emotion, list[str]] = {}
    for post, reading in own:
        if reading.supported and reading.emotion != "none":
            by_feeling.setdefault(reading.emotion, []).append(post.text)
    order = Counter({feeling: len(texts) for feeling, texts in by_feeling.items()})
    return tuple(
        Cell(what=feeling, count=count, quotes=_quotes(by_feeling[feeling])[:1])
        for feeling, count in order.most_common(3)
    )


def _does(texts: Sequence[str]) -> tuple[Cell, ...]:
    found = []
    for what, pattern in DOES:
        some = [text for text in texts if pattern.search(text[:2000])]
        if some:
            found.append(Cell(what=what, count=len(some), quotes=_quotes(some)[:1]))
    return tuple(found)


def _quotes(texts: Sequence[str]) -> tuple[str, ...]:
    """The first distinct ones, each cut."""
    return tuple(dict.fromkeys(text[:LONGEST] for text in texts if text.strip()))[:QUOTES]
