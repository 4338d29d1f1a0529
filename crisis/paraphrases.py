"""What a question is recognised by: its telling words, what those mean, what kind of answer it wants, and what it names.

English only knows English synonyms; in other languages questions have their words alone. What puts questions together
by these is ``crisis.merging``. Pure.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from crisis.contrasts import Named, named_in
from crisis.copies import normalise
from crisis.folding import fold
from crisis.interrogative import WORD
from crisis.small import Floats
from crisis.word_vectors import word_vectors

SPEAKS_OF = 0.5
"""Share of a question's words, or nearness, from which on a claim is about it."""

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


PLAIN_KINDS = frozenset({"since when", "when", "why", "how many", "where", "who"})
"""Kinds that tell by themselves that two questions want different answers."""


@dataclass(frozen=True)
class Wording:
    """One question as somebody asked it, and what it is recognised by."""

    text: str
    words: frozenset[str]
    """What it speaks of: words that tell, synonyms as one."""
    telling: frozenset[str]
    """The same as written."""
    kind: str
    """What kind of answer it wants: ``when``, ``why``, ``what to do`` ...; ``whether`` for yes or no."""
    vector: Floats
    named: Named
    """What tells it from another however alike they sound."""


@lru_cache(maxsize=16_384)
def wording(text: str) -> Wording:
    """What ``text`` asks, ready to be compared."""
    found = [word.replace("’", "'") for word in WORD.findall(normalise(fold(text)))]
    telling = [word for word in found if word not in _SMALL]
    words = frozenset(_CLASS.get(word) or _stem(word) for word in telling)
    return Wording(
        text, words, frozenset(telling), kind_of(text), word_vectors().post(telling or found), named_in(text)
    )


def kind_of(question: str) -> str:
    """What kind of answer a question wants."""
    return next((name for name, pattern in _KINDS if pattern.search(question)), "whether")


def _stem(word: str) -> str:
    """``word`` without the commonest English endings: enough for plural and tense to meet."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word[: -len(ending)]
    return word


def about(question: str, claim: str) -> float:
    """How much a claim speaks of what a question asks: 0 for not at all, higher for more."""
    one, other = wording(question), wording(claim)
    shared = len(one.words & other.words) / max(1, len(one.words))
    meaning = float(one.vector @ other.vector)
    return shared + meaning if shared >= SPEAKS_OF or (shared > 0 and meaning >= SPEAKS_OF) else 0.0
