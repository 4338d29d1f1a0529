"""What a narrative is called and quoted by: its distinctive words, the post that says most of them, what people ask.

Words that often stand side by side are named as one ("customer service"), of several forms of a word one, and words that
everybody in the stream uses (the crisis' hashtag) or that tell a reader nothing are left out. A post is quoted that can be
read by itself rather than a repost, a shred or a torrent. Pure; the same texts in the same order give the same name.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log

from crisis.questions import Question, questions
from crisis.triage import Narrative

USUAL, EVERYBODYS = 0.25, 0.01
"""How much likelier (log) than in the whole stream a word must be to tell a narrative, and what another weighs."""
SHORT = 6
"""Words that a short post is taken to have besides, or the shortest would be quoted."""
FIT = (35, 220)
"""Characters, addresses left out, of a post that reads well."""
LOOKED_AT, READ, TOGETHER = 6, 400, 0.5
"""Words a label is made of, texts in which they are looked for side by side, and the share of the rarer word's texts that
makes them one."""
_DULL_WORDS = """
    about actually again against already always another anything around away because before being both came can't come
    does doing done don't down each else enough even every everyone everything finally first found from gave get getting
    give given gets gone got had has have having here i'll i'm i've it's just keep keeps last least left let like little
    look looking lot made make makes making many maybe mine more most much must never next nothing now off once only other
    others over own part please put real right same seen seriously several since some someone something soon still stop such
    sure take taken takes than that's then there these they they're thing things think this those though thought three times
    took trying under until used using very wait want wants was way we're went were what what's while whole who will with
    without won't would yet you're your yours years year today tonight tomorrow yesterday morning day days week thank thanks
    true really ever two
    """
_DULL = frozenset(_DULL_WORDS.split())
"""Words that tell narratives apart but say nothing to a reader."""
_REPOST = re.compile(r"\W*rt\b", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://\S+|[@#][\w.\-]+")


@dataclass(slots=True)
class Told:
    """One distinct text of a narrative."""

    text: str
    terms: frozenset[str]
    reposts: int


def named(id: str, size: int, own: Sequence[Told], words: float, usual: Callable[[str], float]) -> Narrative:
    """The narrative of these texts, which have ``words`` words; ``usual``: a word's share of all words of the stream."""
    inside = Counter(term for held in own for term in held.terms)
    total = max(1.0, words)
    weight = {}
    for term, count in inside.items():
        above = log(max(count / total / usual(term), 1e-9))
        weight[term] = count * (max(above - USUAL, 0.0) + EVERYBODYS)
    quote = max(
        range(len(own)),
        key=lambda i: (
            sum(weight[t] for t in own[i].terms) / (SHORT + len(own[i].terms)) * readable(own[i].text),
            own[i].reposts,
            -i,
        ),
    )
    return Narrative(
        id=id,
        label=", ".join(_label([held.text for held in own], inside, weight)),
        size=size,
        quote=own[quote].text,
        questions=_asked(tuple(held.text for held in own)),
    )


def _label(texts: Sequence[str], inside: Counter[str], weight: dict[str, float]) -> list[str]:
    """Up to three words or pairs of words, the most distinctive first."""
    best: list[str] = []
    told = [t for t in sorted(weight, key=lambda t: (-weight[t], t)) if t not in _DULL]
    for term in told or sorted(weight, key=lambda t: (-weight[t], t)):
        if not any(_same(term, held) for held in best):
            best.append(term)
        if len(best) == LOOKED_AT:
            break
    read = [text.lower() for text in texts[:READ]]
    share = len(read) / max(1, len(texts))
    label: list[str] = []
    for term in best:
        if len(label) == 3:
            break
        if any(term in held.split() for held in label):
            continue
        pairs = (
            (sum(f"{one} {other}" in text for text in read), f"{one} {other}", {one, other} - {term})
            for held in best
            if held != term
            for one, other in ((term, held), (held, term))
        )
        many, pair, beside = max(pairs, default=(0, "", set()), key=lambda found: found[0])
        usual = min([inside[term], *(inside[word] for word in beside)])
        free = not any(word in held.split() for held in label for word in beside)
        label.append(pair if free and many >= TOGETHER * share * usual and many > 1 else term)
    return label


def _same(one: str, other: str) -> bool:
    """Two forms of one word: bag and bags, cancel and cancelled."""
    short, long = sorted((one, other), key=len)
    return len(short) >= 3 and long.startswith(short) and len(long) - len(short) <= 4


def readable(text: str) -> float:
    """How well a post can be quoted by itself, 0 to 1: no repost, no shred, no torrent, no string of addresses."""
    found = 1.0
    if _REPOST.match(text):
        found *= 0.7
    plain = " ".join(_ADDRESS.sub(" ", text).split())
    if not FIT[0] <= len(plain) <= FIT[1]:
        found *= 0.75
    if plain[-1:] in ",:-(" or len(_ADDRESS.findall(text)) > 3:
        found *= 0.8
    return found


@lru_cache(maxsize=64)
def _asked(texts: tuple[str, ...]) -> tuple[Question, ...]:
    """What a narrative's texts ask: most narratives have got no new one when they are named again."""
    return questions(texts, most=3, least=2)
