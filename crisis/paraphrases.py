"""Questions that ask the same, told by their words, what those mean, and what kind of answer they want.

A group of wordings has a centre (the mean of its wordings' vectors, ``crisis.word_vectors``), its words, and the kinds of
answer asked for; a new wording joins the nearest group that is near enough, or begins one. Taken in order, so a group
keeps its identity while it grows. Pure: the same wordings in the same order give the same groups. English only knows
English synonyms; questions in other languages meet by shared words.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from crisis.copies import normalise
from crisis.folding import fold
from crisis.interrogative import WORD
from crisis.small import Floats
from crisis.word_vectors import word_vectors

JOINS = 0.44
"""Likeness from which on a wording joins a group; chosen on the parts `tune` and `val` of benchmarks/questions.txt."""
LOOKED_AT = 12
"""Groups of the nearest meaning that a wording is compared with."""
MAYBE = 0.33
"""Likeness from which on a person is asked whether two groups are one."""
SPEAKS_OF = 0.5
"""Share of a question's words, or nearness, from which on a claim is about it."""
MEANING, WORDS, KIND = 0.45, 0.55, 0.2
"""What the vectors, the shared words and the kind of answer weigh."""

_SMALL_WORDS = """
    a an the is are was were do does did it this that of to in on for my your i you we they and or be been with at us our
    me there here so just any can could will would should shall have has had am what when where why who which how if
    whether know tell anyone anybody somebody someone please now still again even really also today out up by from as
    not no all some get got going about because want wondering idea news long much many until till being these those
    their his her she he them one s t re ll d m ve don doesn isn didn explain confirm way
    """
_SMALL = frozenset(_SMALL_WORDS.split())
_SAME = {
    "money-back": "refund refunds refunded refunding refundable reimburse reimbursed reimbursement moneyback repaid repay",
    "compensate": "compensation compensated compensate damages",
    "safe": "safe secure protected safety secured dangerous danger harmful risk okay",
    "money": "money savings balance funds deposit deposits cash",
    "data": "data details information info records",
    "card": "card cards creditcard",
    "leak": "leak leaked leaks stolen breached breach exposed taken",
    "hack": "hack hacked hackers attack attackers cyberattack cyber intruders",
    "fix": "fix fixed repaired resolved solved work working works back up resume resumes running restored",
    "cause": "cause caused reason why went happened wrong happen explanation",
    "outage": "outage down downtime failure crash crashed",
    "twice": "twice double duplicate duplicated doubled",
    "pay": "pay pays paying payment payments paid",
    "cover": "cover covers covered cost costs",
    "luggage": "luggage bag bags baggage suitcase suitcases",
    "cancel": "cancel cancelled canceled cancellation cancellations grounded",
    "flight": "flight flights plane planes fly flying",
    "rebook": "rebook rebooked rebooking rebookings booking",
    "medicine": "medicine medication insulin pills meds drugs",
    "batch": "batch batches lot lots jars jar recalled numbers",
    "affected": "affected concerned included hit part contaminated involved",
    "ill": "sick ill hurt injured poisoned hospital doctor ate eaten eat",
    "return": "return returns returned send bring take exchange",
    "delete": "delete deleted erase erased remove removed removal close",
    "password": "password passwords passcode login",
    "tell": "tell told inform informed notify notified announce hearing hear report reported",
    "police": "police regulator authorities authority ico",
    "child": "child children baby babies kids kid son daughter",
    "phone": "phone call number hotline reach contact support",
    "staff": "staff desk counter counters nobody agents crew",
    "scam": "scam phishing fake",
    "fraud": "fraud identity theft",
    "hotel": "hotel hotels sleep accommodation",
    "fee": "fee fees charges penalty",
    "charge": "charge charged charging billed",
    "prevent": "prevent preventing steps protect protecting measures",
    "shop": "shop shops store stores supermarket supermarkets shelves selling",
}
_CLASS = {word: name for name, words in _SAME.items() for word in words.split()}
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(rf"\b(?:{words})", re.IGNORECASE))
    for kind, words in (
        ("since when", r"since when|how long (?:have|has|did|had)|when did|why .{0,30}(?:wait|only|until)"),
        ("when", r"(?:when|how long|how soon|until when|eta|by what time|estimate)\b"),
        (
            "why",
            r"(?:why|reason|cause[ds]?|what (?:happened|went wrong)|how (?:did|could|come)|what[’']?s going on)\b",
        ),
        ("how many", r"how (?:many|much)\b"),
        (
            "what to do",
            r"(?:what (?:should|can|do|shall|must) (?:i|we)|how (?:do|can|should|to|could) ?(?:i|we)?|should (?:i|we)"
            r"|where (?:can|do|should) (?:i|we)|do (?:i|we) (?:need|have) to|can (?:i|we)|any(?:other)? way|another way)\b",
        ),
        ("where", r"where\b"),
        ("who", r"(?:who|whom|whose)\b"),
        ("what", r"(?:what|which)\b"),
    )
)


_PLAIN_KINDS = frozenset({"since when", "when", "why", "how many", "where", "who"})
"""Kinds that tell by themselves that two questions want different answers."""


@dataclass(frozen=True)
class Wording:
    """One question as somebody asked it, and what it is recognised by."""

    text: str
    words: frozenset[str]
    """What it speaks of: words that tell, synonyms as one."""
    kind: str
    """What kind of answer it wants: ``when``, ``why``, ``what to do`` ...; ``whether`` for yes or no."""
    vector: Floats


@lru_cache(maxsize=16_384)
def wording(text: str) -> Wording:
    """What ``text`` asks, ready to be compared."""
    found = [word.replace("’", "'") for word in WORD.findall(normalise(fold(text)))]
    telling = [word for word in found if word not in _SMALL]
    words = frozenset(_CLASS.get(word) or _stem(word) for word in telling)
    return Wording(text, words, kind_of(text), word_vectors().post(telling or found))


def kind_of(question: str) -> str:
    """What kind of answer a question wants."""
    return next((name for name, pattern in _KINDS if pattern.search(question)), "whether")


def _stem(word: str) -> str:
    """``word`` without the commonest English endings: enough for plural and tense to meet."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word[: -len(ending)]
    return word


@dataclass
class Group:
    """Wordings of one question."""

    id: str
    wordings: int = 0
    words: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    total: Floats = field(default_factory=lambda: np.zeros(word_vectors().width, np.float32))

    def add(self, one: Wording) -> None:
        """Take a wording in."""
        self.wordings += 1
        self.words.update(one.words)
        self.kinds[one.kind] += 1
        self.total = self.total + one.vector

    def likeness(self, one: Wording) -> float:
        """How much ``one`` asks what this group asks, about 0 to 1."""
        length = float(np.sqrt(self.total @ self.total))
        meaning = float(self.total @ one.vector) / length if length else 0.0
        shared = sum(min(1.0, self.words[word] / self.wordings * 1.5) for word in one.words)
        own = sum(min(1.0, count / self.wordings * 1.5) for count in self.words.values() if 3 * count >= self.wordings)
        lexical = shared / max(1.0, np.sqrt(len(one.words) * max(own, 1.0)))
        kind = self.kinds[one.kind] / self.wordings - 0.5
        alike = MEANING * meaning + WORDS * float(lexical) + KIND * kind
        if not self.kinds[one.kind] and {one.kind, *self.kinds} <= _PLAIN_KINDS:
            return min(alike, MAYBE)  # "when" is not answered by what answers "why"
        return alike


class Merging:
    """Groups of wordings as they come; of many groups only the ``LOOKED_AT`` of the nearest meaning are compared."""

    def __init__(self, groups: Iterable[Group] = ()) -> None:
        self.groups: dict[str, Group] = {}
        self._ids: list[str] = []
        self._centres: Floats = np.zeros((64, word_vectors().width), np.float32)
        self._exact: dict[tuple[frozenset[str], str], str] = {}
        for group in groups:
            self.take(group)

    def nearest(self, one: Wording, *, but: str = "") -> tuple[Group | None, float]:
        """The group that ``one`` is likest to, and how much; ``but``: not this one."""
        best, most = None, 0.0
        meanings = self._centres[: len(self._ids)] @ one.vector
        places = (
            np.argpartition(-meanings, LOOKED_AT)[:LOOKED_AT] if len(meanings) > LOOKED_AT else range(len(meanings))
        )
        for place in sorted(int(n) for n in places):
            group = self.groups[self._ids[place]]
            if group.id != but and (alike := group.likeness(one)) > most:
                best, most = group, alike
        return best, most

    def place(self, text: str, new_id: str) -> str:
        """The id of the group that ``text`` joins; it begins ``new_id`` where no group is near enough."""
        one = wording(text)
        known = self._exact.get((one.words, one.kind)) if one.words else None
        if known is not None:
            group: Group | None = self.groups[known]
        else:
            group, alike = self.nearest(one)
            if group is None or alike < JOINS:
                group = Group(new_id)
                self.take(group)
        assert group is not None  # noqa: S101 - begun above where there was none
        self.add(group, one)
        return group.id

    def add(self, group: Group, one: Wording) -> None:
        """Put a wording into a group."""
        group.add(one)
        length = float(np.sqrt(group.total @ group.total)) or 1.0
        self._centres[self._ids.index(group.id)] = group.total / np.float32(length)
        self._exact.setdefault((one.words, one.kind), group.id)

    def take(self, group: Group) -> None:
        """Put a whole group beside the others."""
        if len(self._ids) == len(self._centres):
            self._centres = np.concatenate([self._centres, np.zeros_like(self._centres)])
        self.groups[group.id] = group
        length = float(np.sqrt(group.total @ group.total)) or 1.0
        self._centres[len(self._ids)] = group.total / np.float32(length)
        self._ids.append(group.id)


def about(question: str, claim: str) -> float:
    """How much a claim speaks of what a question asks: 0 for not at all, higher for more."""
    one, other = wording(question), wording(claim)
    shared = len(one.words & other.words) / max(1, len(one.words))
    meaning = float(one.vector @ other.vector)
    return shared + meaning if shared >= SPEAKS_OF or (shared > 0 and meaning >= SPEAKS_OF) else 0.0


def merged(texts: Sequence[str]) -> list[int]:
    """For each text the number of the question that it asks, numbered in order of their first wording."""
    merging = Merging()
    return [int(merging.place(text, str(len(merging.groups)))) for text in texts]
