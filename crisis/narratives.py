"""Narratives: what the posts of an episode claim or complain about, grouped by distinctive terms.

A first, simple grouping: terms that many posts share (and not nearly all of them) are seeds; seeds that occur
together are one narrative; each distinct text joins the narrative whose terms it holds. Copies count once. A
narrative is labelled by its most distinctive terms and quoted by the post that holds most of them. Pure and
deterministic: the same mentions give the same narratives, whatever their order.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import log

from crisis.copies import fingerprint, normalise
from crisis.folding import fold
from crisis.triage import Narrative
from crisis.watch import Mention

MOST = 2_000
"""Distinct texts looked at; of more, an even sample in time."""
NARRATIVES = 8
"""Narratives returned at the most, largest first."""
EVERYWHERE = 0.8
"""Share of texts from which on a term tells nothing apart (unless all say the same)."""
TOGETHER = 0.4
"""How far a term's texts must hold a seed beyond chance, 0 to 1, for both to be one narrative."""

_TERM = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+|[^\W\d_](?:[\w'’-]*[^\W_])?")
_SKIP = re.compile(r"@[\w.\-]+|&\w+;")
_STOPWORDS = """
    the and for with that this was are you your from they have has had not but all can will just what when who how why
    our out get got been were their there them then than now she her his him its it's i'm i've i'll don't didn't can't
    won't doesn't isn't you're we're they're that's because about after again any some more most over only own same
    too very would could should did does doing being into off here which while where let us one two still even also
    please thanks thank yes really going know need want like make made see say said tell told time day today way back
    new good great lol omg amp via people anyone everyone ever never my me we is it in on of to at as an or be by so
    if do no up he am go el la los las un una unos que por para con del al se lo le su mi es está son muy más como
    pero ya esto esta der die das den dem des ein eine einen und ist nicht mit für auf von zu im ich wir sie er hat
    haben wird wie auch noch nur schon bei aus nach mein meine sind war les une du de et est pas pour dans avec sur
    qui ne ce cette je il elle nous vous ils mon ma mes sont plus au aux très fait être avoir comme mais です ます
    した して
    から まで この その ない する いる ある
    """
_STOP = frozenset(_STOPWORDS.split())


def terms(text: str) -> list[str]:
    """The words of ``text`` that may tell a narrative; scripts without spaces give pairs of characters."""
    found: list[str] = []
    for word in _TERM.findall(_SKIP.sub(" ", normalise(fold(text[:1000])))):
        if "\u3040" <= word[0] <= "\u9fff":
            found += [word[i : i + 2] for i in range(len(word) - 1)]
        elif len(word) > 2:
            found.append(word.replace("’", "'"))
    return [term for term in found if term not in _STOP]


def cluster(mentions: Sequence[Mention], *, beside: Iterable[str] = ()) -> tuple[Narrative, ...]:
    """The narratives in ``mentions``, largest first. ``beside``: words to leave out: the brand, the query."""
    texts: dict[int, Mention] = {}
    for mention in sorted(mentions, key=lambda m: (m.created_at, m.source, m.id)):
        texts.setdefault(fingerprint(mention.text).value, mention)
    distinct = list(texts.values())
    if len(distinct) > MOST:
        distinct = [distinct[i * len(distinct) // MOST] for i in range(MOST)]
    out = {term for word in beside for term in terms(word)}
    held = [frozenset(terms(mention.text)) - out for mention in distinct]
    seen = Counter(term for document in held for term in document)
    least = max(3, len(held) // 60)
    often = {term: n for term, n in seen.items() if n >= least}
    useful = {term: n for term, n in often.items() if n <= EVERYWHERE * len(held)} or often
    groups = _groups(useful, held)
    members: list[list[int]] = [[] for _ in groups]
    for index, document in enumerate(held):
        scores = [sum(log(len(held) / useful[t]) + 0.1 for t in group & document) for group in groups]
        if scores and max(scores) > 0:
            members[scores.index(max(scores))].append(index)
    found = [
        _narrative(group, indexes, held, distinct, useful)
        for group, indexes in zip(groups, members, strict=True)
        if len(indexes) >= 3
    ]
    return tuple(sorted(found, key=lambda n: (-n.size, n.id))[:NARRATIVES])


def _groups(useful: dict[str, int], held: list[frozenset[str]]) -> list[frozenset[str]]:
    """Seeds joined by occurring together: greedily, the most frequent term first."""
    where: dict[str, set[int]] = {term: set() for term in useful}
    for index, document in enumerate(held):
        for term in document:
            if term in where:
                where[term].add(index)
    free = sorted(useful, key=lambda term: (-useful[term], term))[:400]
    groups: list[frozenset[str]] = []
    while free and len(groups) < 3 * NARRATIVES:
        seed, *rest = free
        core = where[seed]
        chance = len(core) / len(held)
        close = [t for t in rest if len(where[t] & core) >= (chance + TOGETHER * (1 - chance)) * len(where[t])]
        groups.append(frozenset([seed, *close]))
        taken = {seed, *close}
        free = [t for t in rest if t not in taken]
    return groups


def _narrative(
    group: frozenset[str],
    indexes: list[int],
    held: list[frozenset[str]],
    distinct: list[Mention],
    useful: dict[str, int],
) -> Narrative:
    inside = Counter(term for index in indexes for term in held[index] & group)
    weight = {t: n * (log(len(held) / useful[t]) + 0.1) * (n / useful[t]) for t, n in inside.items()}
    best = sorted(weight, key=lambda t: (-weight[t], t))
    lead = best[:3]
    quote = max(
        indexes,
        key=lambda i: (sum(weight.get(t, 0.0) for t in held[i]) / (4 + len(held[i])), distinct[i].reposts, -i),
    )
    seed = max(inside, key=lambda t: (useful[t], t))
    return Narrative(id=seed[:60], label=", ".join(lead), size=len(indexes), quote=distinct[quote].text[:500])
