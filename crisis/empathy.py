"""The empathy map of an incident: what each affected group says, thinks, feels and does, each cell with quotes and counts;
and used in reverse: which feelings, questions and demands a text answers, and which it leaves unanswered.

Groups are told by ``crisis.affected``. The map is made from a sample of posts, says how many, and quotes them as posted,
with their addresses; feelings are read from posts whose language can be read, and the map says how many those were. A cell
without posts says nothing. Pure; after Gray, Brown & Macanufo 2010 (*Gamestorming*: says, thinks, feels, does).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

from pydantic import Field

from crisis.affected import GROUPS, group_of
from crisis.cutting import sentences
from crisis.paraphrases import about
from crisis.parts import ACKNOWLEDGEMENT, ACTION, AFFECTED, INSTRUCTION, says
from crisis.questions import Question, questions
from crisis.reading import Emotion, Reading
from crisis.triage import Narrative
from crisis.values import Frozen
from crisis.visible import web_address
from crisis.watch import Mention

SAMPLE = 200
"""Posts that the map is made from."""
QUOTES = 2
"""Posts quoted in a cell."""
LONGEST = 280
"""Characters of a quote."""
LEAST = 2
"""Posts that must show a feeling or demand before a text is held to answer it; a question likewise."""

_I = re.IGNORECASE
DOES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "say they leave",
        re.compile(r"\b(?:cancel\w*|switch(?:ed|ing)? to|leaving|unsubscrib\w+|delet(?:e|ed|ing) (?:my|the))\b", _I),
    ),
    ("call for a boycott", re.compile(r"\b(?:boycott\w*|never (?:buy|use|fly|shop)\b|stop buying|don'?t buy)", _I)),
    ("want their money back", re.compile(r"\b(?:refund\w*|money back|compensat\w+|chargeback\w*)\b", _I)),
    ("want an apology", re.compile(r"\b(?:apologi[sz]e\w*|apology|say sorry|no sorry)\b", _I)),
    (
        "want an explanation",
        re.compile(
            r"\b(?:explain|explanation|no (?:information|communication|word|answers?)|transparen\w+|tell us)\b", _I
        ),
    ),
    (
        "want somebody to answer for it",
        re.compile(r"\b(?:resign\w*|step down|fired?|sack(?:ed)?|held (?:to account|accountable)|accountab\w+)\b", _I),
    ),
    (
        "go to others about it",
        re.compile(r"\b(?:lawyers?|sue|suing|class action|regulator|police|press|journalist)\b", _I),
    ),
)
"""Acts and demands that posts announce, in English, by their words; other languages are quoted but not counted here."""

Answers = Callable[[str], bool]


def _any(*patterns: str) -> Answers:
    found = re.compile("|".join(patterns), _I)
    return lambda text: bool(found.search(text))


_SORRY = _any(r"\b(?:sorry|apologi[sz]e|apology|apologies|regret)\b")
_FEELS_WITH = _any(
    r"\b(?:sorry|understand|hear you|upset\w*|frustrat\w+|angry|worr(?:y|ied|ying)|hurt|painful|thoughts|hearts|condolences"
    r"|feel (?:for|with)|let (?:you|people) down|deserve\w*)\b"
)
_EXPLAINS = _any(
    r"\b(?:because|caused?|reason|due to|what happened|turned out|was (?:that|a|an)|happened when|came from|found that"
    r"|investigat\w+|finding out|what we know)\b"
)
_FEELING_ANSWERED: dict[str, tuple[str, Answers]] = {
    "anger": (
        "explain what happened and say what you do about it (Herhausen et al. 2019)",
        lambda text: _EXPLAINS(text) and (says(ACTION, text) or says(INSTRUCTION, text)) is not None,
    ),
    "sadness": (
        "show that you feel with them, and name whom it hit (Herhausen et al. 2019)",
        lambda text: _FEELS_WITH(text) and says(AFFECTED, text) is not None,
    ),
}
_DEMAND_ANSWERED: dict[str, tuple[str, Answers]] = {
    "say they leave": ("say what you do so that it does not happen again", lambda text: says(ACTION, text) is not None),
    "call for a boycott": (
        "say that you know, and what you do about it",
        lambda text: says(ACKNOWLEDGEMENT, text) is not None and says(ACTION, text) is not None,
    ),
    "want their money back": (
        "say what becomes of their money, or when you will say it",
        _any(r"\b(?:refund\w*|money back|reimburs\w+|compensat\w+|fees?|credit(?:ed)?|pay for|charged?)\b"),
    ),
    "want an apology": ("say that you are sorry, for what", _SORRY),
    "want an explanation": ("say what happened, or that you are finding out", _EXPLAINS),
    "want somebody to answer for it": (
        "say who looks into it, and when they report",
        _any(r"\b(?:investigat\w+|independent|review|responsib\w+|accountab\w+|suspended|stepped (?:down|back))\b"),
    ),
    "go to others about it": (
        "say how they reach you and who is informed",
        _any(r"\b(?:authorit\w+|regulator|police|contact (?:us|me)|reach (?:us|out)|https?://)\b"),
    ),
}
"""How each is answered, and whether a text does, by its English words."""


class Quote(Frozen):
    """A post as posted, cut, and where it is."""

    text: str
    link: str = ""
    """Empty where the source told none, or none that is a web address."""


class Cell(Frozen):
    """One finding of a cell: what, how many posts show it, and some of them."""

    what: str
    count: int = Field(ge=1)
    quotes: tuple[Quote, ...] = ()


class Group(Frozen):
    """One affected group."""

    name: str
    posts: int
    rule: str = ""
    """How its posts are told."""
    says: tuple[Quote, ...] = ()
    """Posts of theirs, the angriest first."""
    thinks: tuple[Cell, ...] = ()
    """Claims that they make: narratives they speak of."""
    feels: tuple[Cell, ...] = ()
    read: int = 0
    """Posts of theirs whose feeling could be read; the map says nothing of the others."""
    does: tuple[Cell, ...] = ()
    asks: tuple[Question, ...] = ()


class EmpathyMap(Frozen):
    """Who is affected and how, from a sample."""

    posts: int
    """Posts that were looked at."""
    read: int
    """Those among them whose feeling could be read."""
    groups: tuple[Group, ...] = ()


class NeedKind(StrEnum):
    """What people need an answer to."""

    FEELING = "feeling"
    QUESTION = "question"
    DEMAND = "demand"


class Need(Frozen):
    """Something that a group feels, asks or demands."""

    kind: NeedKind
    group: str
    what: str
    count: int
    quotes: tuple[Quote, ...] = ()
    how: str = ""
    """How it is answered."""
    answered_by: str = ""
    """The statement that does; empty while none does."""


def empathy_map(
    posts: Sequence[Mention], readings: Sequence[Reading], narratives: Sequence[Narrative] = (), *, brand: str = ""
) -> EmpathyMap:
    """The map of ``posts``; ``readings`` are one a post, in the same order. Groups without posts are left out."""
    members: dict[str, list[tuple[Mention, Reading]]] = {name: [] for name in GROUPS}
    for pair in zip(posts, readings, strict=True):
        members[group_of(*pair, brand)].append(pair)
    groups = tuple(_group(name, own, narratives) for name, own in members.items() if own)
    groups = tuple(sorted(groups, key=lambda group: -group.posts))
    return EmpathyMap(posts=len(posts), read=sum(r.supported for r in readings), groups=groups)


def of_the_matter(
    posts: Sequence[Mention], readings: Sequence[Reading], narratives: Sequence[Narrative], *, most: int = SAMPLE
) -> tuple[list[Mention], list[Reading]]:
    """Up to ``most`` of an incident's posts that are about its matter, spread evenly over ``posts`` as they are ordered.

    First those that speak of a narrative and are hostile, then other hostile ones, then others that speak of one, then
    those that cannot be read; what remains is the brand's everyday talk, and is taken only where there is nothing else.
    """
    speaks = [_speaks_of(narrative) for narrative in narratives if _telling(narrative)]
    ranks: list[list[int]] = [[], [], [], [], []]
    for place, (post, reading) in enumerate(zip(posts, readings, strict=True)):
        told = any(speak(post) for speak in speaks)
        rank = (0 if told else 1) if reading.hostile else 2 if told else 4 if reading.supported else 3
        ranks[rank].append(place)
    if any(ranks[:4]):
        ranks.pop()
    chosen: list[int] = []
    for places in ranks:
        room = min(most - len(chosen), len(places))
        chosen += [places[number * len(places) // room] for number in range(room)]
    chosen.sort()
    return [posts[place] for place in chosen], [readings[place] for place in chosen]


def needs(found: EmpathyMap, statements: Iterable[tuple[str, str]] = (), *, least: int = LEAST) -> tuple[Need, ...]:
    """What the groups feel, ask and demand, each with the first statement (label, text) that answers it; those without an
    answer first, the most frequent first. ``least``: posts that must show it."""
    said = tuple(statements)
    wanted = [need for group in found.groups for need in _needs_of(group) if need.count >= least]
    held = [
        need.model_copy(update={"answered_by": next((label for label, text in said if answers(text, need)), "")})
        for need in wanted
    ]
    return tuple(sorted(held, key=lambda need: (bool(need.answered_by), -need.count)))


def answers(text: str, need: Need) -> bool:
    """Whether a text answers a need, by its words: a hint for people, not a verdict."""
    if need.kind is NeedKind.QUESTION:
        return any(about(need.what, sentence.text) for sentence in sentences(text) if not sentence.text.endswith("?"))
    ways = _FEELING_ANSWERED if need.kind is NeedKind.FEELING else _DEMAND_ANSWERED
    return ways[need.what][1](text)


def _needs_of(group: Group) -> list[Need]:
    feelings = [
        Need(
            kind=NeedKind.FEELING,
            group=group.name,
            what=cell.what,
            count=cell.count,
            quotes=cell.quotes,
            how=_FEELING_ANSWERED[cell.what][0],
        )
        for cell in group.feels
        if cell.what in _FEELING_ANSWERED
    ]
    demands = [
        Need(
            kind=NeedKind.DEMAND,
            group=group.name,
            what=cell.what,
            count=cell.count,
            quotes=cell.quotes,
            how=_DEMAND_ANSWERED[cell.what][0],
        )
        for cell in group.does
    ]
    asked = [
        Need(
            kind=NeedKind.QUESTION,
            group=group.name,
            what=question.text,
            count=question.count,
            how="answer it, or say that you do not know yet and when you will",
        )
        for question in group.asks
    ]
    return [*feelings, *demands, *asked]


def _group(name: str, own: Sequence[tuple[Mention, Reading]], narratives: Sequence[Narrative]) -> Group:
    posts = [post for post, _ in own]
    worst = sorted(own, key=lambda pair: (-pair[1].outrage, -pair[0].reposts))
    return Group(
        name=name,
        posts=len(own),
        rule=GROUPS[name],
        says=_quotes([post for post, _ in worst]),
        thinks=_thinks(posts, narratives),
        feels=_feels(worst),
        read=sum(reading.supported for _, reading in own),
        does=_does(posts),
        asks=questions([post.text for post in posts], most=3),
    )


def _thinks(posts: Sequence[Mention], narratives: Sequence[Narrative]) -> tuple[Cell, ...]:
    """Narratives of which a post of the group has at least half of the label's longer words."""
    found = []
    for narrative in narratives:
        speaks = _speaks_of(narrative)
        speak = [post for post in posts if speaks(post)] if _telling(narrative) else []
        if speak:
            found.append(Cell(what=narrative.label, count=len(speak), quotes=_quotes(speak)[:1]))
    return tuple(sorted(found, key=lambda cell: -cell.count)[:3])


def _telling(narrative: Narrative) -> set[str]:
    return set(re.findall(r"\w{4,}", narrative.label.lower()))


def _speaks_of(narrative: Narrative) -> Callable[[Mention], bool]:
    words = _telling(narrative)
    return lambda post: 2 * len(words & set(re.findall(r"\w{4,}", post.text[:2000].lower()))) >= len(words)


def _feels(own: Sequence[tuple[Mention, Reading]]) -> tuple[Cell, ...]:
    by_feeling: dict[Emotion, list[Mention]] = {}
    for post, reading in own:
        if reading.supported and reading.emotion != "none":
            by_feeling.setdefault(reading.emotion, []).append(post)
    order = Counter({feeling: len(posts) for feeling, posts in by_feeling.items()})
    return tuple(
        Cell(what=feeling, count=count, quotes=_quotes(by_feeling[feeling])[:1])
        for feeling, count in order.most_common(3)
    )


def _does(posts: Sequence[Mention]) -> tuple[Cell, ...]:
    found = []
    for what, pattern in DOES:
        some = [post for post in posts if pattern.search(post.text[:2000])]
        if some:
            found.append(Cell(what=what, count=len(some), quotes=_quotes(some)[:1]))
    return tuple(found)


def _quotes(posts: Sequence[Mention]) -> tuple[Quote, ...]:
    """The first distinct ones, each cut."""
    found: dict[str, Quote] = {}
    for post in posts:
        text = post.text[:LONGEST]
        if text.strip() and text not in found:
            found[text] = Quote(text=text, link=web_address(post.url))
        if len(found) == QUOTES:
            break
    return tuple(found.values())
