"""Which of Benoit's image repair strategies each sentence of a statement uses.

Benoit (1997), Image repair discourse and crisis communication: five families, fourteen strategies. Told by phrases,
English only, so that a writer sees what a text does; a sentence may use none, or several. The tags decide nothing by
themselves: ``crisis.consistency`` finds what contradicts, ``crisis.counsel`` what a posture asks for.
"""

from enum import StrEnum
from typing import Any

from crisis.consistency import spans
from crisis.phrases import phrases
from crisis.values import Frozen


class Repair(StrEnum):
    """A strategy of image repair, as Benoit names it."""

    SIMPLE_DENIAL = "simple denial"
    SHIFTING_BLAME = "shifting the blame"
    PROVOCATION = "provocation"
    DEFEASIBILITY = "defeasibility"
    ACCIDENT = "accident"
    GOOD_INTENTIONS = "good intentions"
    BOLSTERING = "bolstering"
    MINIMIZATION = "minimization"
    DIFFERENTIATION = "differentiation"
    TRANSCENDENCE = "transcendence"
    ATTACKING_ACCUSER = "attacking the accuser"
    COMPENSATION = "compensation"
    CORRECTIVE_ACTION = "corrective action"
    MORTIFICATION = "mortification"


FAMILIES: dict[str, tuple[Repair, ...]] = {
    "denial": (Repair.SIMPLE_DENIAL, Repair.SHIFTING_BLAME),
    "evading responsibility": (
        Repair.PROVOCATION,
        Repair.DEFEASIBILITY,
        Repair.ACCIDENT,
        Repair.GOOD_INTENTIONS,
    ),
    "reducing offensiveness": (
        Repair.BOLSTERING,
        Repair.MINIMIZATION,
        Repair.DIFFERENTIATION,
        Repair.TRANSCENDENCE,
        Repair.ATTACKING_ACCUSER,
        Repair.COMPENSATION,
    ),
    "corrective action": (Repair.CORRECTIVE_ACTION,),
    "mortification": (Repair.MORTIFICATION,),
}
"""Benoit's five families."""

_WE = {
    "we": r"(?:we|I|our (?:\w+ ){0,2}(?:teams?|engineers|staff|people|specialists|company))",
    "are": r"(?:(?:\s+(?:are|is|am|have been|were))|['’](?:re|m))",
    "now": r"(?:\s+(?:now|already|also|currently|immediately|urgently|working|both|all|still))*",
    "others": r"(?:suppliers?|vendors?|contractors?|partners?|providers?|third part(?:y|ies)|(?:the )?media|hackers|"
    r"criminals|attackers|competitors?|activists|former employees?)",
    "false": r"(?:not true|untrue|false|fabricated|baseless|unfounded|a lie|a hoax|fake)",
}


def _lexicon(text: str) -> Any:
    return phrases(text, **_WE)


PHRASES: dict[Repair, Any] = {
    Repair.SIMPLE_DENIAL: _lexicon(r"""
        (claims?|allegations?|rumou?rs?|reports?|posts?|this|that|it|video|letter)…(is|are|was|were) (\w+ )?<false>
        <we> (\w+ )?(deny|denies|reject|refute|dispute)
        (there is|there's) no truth
        (did not|didn't|never) (happen|happened|occur|take place|do this)
        <we> did nothing wrong
    """),
    Repair.SHIFTING_BLAME: _lexicon(r"""
        (caused|made|done|sent|introduced|leaked) by (a|an|one of our|our)? ?<others>
        (fault|responsibility|mistake|error) of (a|an|our|the)? ?<others>
        <others>(['’]s)? (\w+ )?(failed|caused|made|is|was|are|were) (\w+ )?(responsible|to blame|a mistake|an error|this)
        (user|customer) error
    """),
    Repair.PROVOCATION: _lexicon(r"""
        (in response to|after|because of) (\w+ ){0,3}(provocation|attacks?|threats?|abuse)
        (were|was) (provoked|pushed|threatened|forced to)
    """),
    Repair.DEFEASIBILITY: _lexicon(r"""
        (could not|couldn't|had no way to|no way of) (\w+ )?(have )?(know|known|knowing|foresee|foreseen|prevent|prevented)
        (beyond|outside|out of) (our|anyone's|anybody's) control
        (were|was) not (aware|told|informed)
        (unforeseeable|unforeseen|unprecedented)
    """),
    Repair.ACCIDENT: _lexicon(r"""
        (by|an?|was an|tragic|terrible) (accident|mistake|oversight|technical (error|fault|failure))
        (accidentally|unintentionally|inadvertently|by mistake)
        human error
    """),
    Repair.GOOD_INTENTIONS: _lexicon(r"""
        (intention|intent|aim|goal) (was|has always been|is) (\w+ ){0,3}to
        <we> (only )?(meant|intended|wanted|hoped|set out) to
        (never|not) (our intention|intended|meant) to
        with the best (of )?intentions
    """),
    Repair.BOLSTERING: _lexicon(r"""
        (for|over) (\w+ )?(years|decades)…<we>
        (proud|long) (history|record|tradition) of
        (has|have) always (been|stood|cared|put|worked|believed)
        (award-winning|industry-leading|market leader|trusted by)
        (proud (of|to))
        our (values|commitment to|track record)
    """),
    Repair.MINIMIZATION: _lexicon(r"""
        (only|just|merely) (an? )?(few|small|handful|minority|some|\d[\d.,]*)
        an? (very |relatively )?(small|tiny|limited) (number|group|fraction|share|part)
        isolated (incident|case|event)s?
        minor (issue|glitch|problem|inconvenience|error|delay)s?
        not as (bad|serious|severe|widespread) as
        vast majority
    """),
    Repair.DIFFERENTIATION: _lexicon(r"""
        (this|that|it) (is|was) not (a|an) (\w+ )?(breach|hack|attack|recall|cover-up|lie)…(but|it is|it was)
        (unlike|different from|in contrast to|not comparable)
    """),
    Repair.TRANSCENDENCE: _lexicon(r"""
        (the )?(bigger|larger|wider|broader) (picture|issue|question|context)
        (more|most) important(ly)? (is|than|for)
        (for the|in the) (greater|common|public) (good|interest)
    """),
    Repair.ATTACKING_ACCUSER: _lexicon(r"""
        (our )?(critics|accusers|detractors|trolls|the author|the journalist|the reporter)…(agenda|lie|lying|mislead\w*|wrong)
        (smear|malicious|defamatory|slander\w*|libel\w*|bad faith|witch hunt)
        (has|have) an (agenda|axe)
    """),
    Repair.COMPENSATION: _lexicon(r"""
        (refund|reimburse|compensate|voucher|credit|goodwill)\w*
        free (of charge|for \w+)
        (replace|cover|pay for|pay back)…(cost|costs|free|loss|losses|charges?|expenses)
        (at no cost|cost-free)
    """),
    Repair.CORRECTIVE_ACTION: _lexicon(r"""
        <we><are><now> (?!hoping|feeling|thinking|denying|being|asking|waiting|facing)\w+ing
        <we>(( have| has)|['’]ve) (now |already |also )?(?!always|been|never|heard|seen|received|learned|failed)\w+(ed|en|ut|t)
        <we> (will|shall|['’]ll) (\w+ )?(fix|repair|restore|replace|remove|change|review|improve|make sure|ensure|introduce)
        <we> (will|shall|['’]ll) (\w+ )?(add|train|prevent|check|test|recall|rebuild|publish what)
        <we> (fixed|repaired|restored|replaced|removed|stopped|withdrew|suspended|deleted|switched|recalled|closed|took down)
        (is|are) being (fixed|repaired|restored|replaced|removed|recalled|reviewed|checked|investigated)
        (so that|to make sure)…(not|never) happen
    """),
    Repair.MORTIFICATION: _lexicon(r"""
        <we><are> (\w+ )?sorry
        <we> (\w+ )?apologi[sz]e
        (our|my|an?|sincere|deepest) (\w+ )?apolog(y|ies)
        <we> (\w+ )?(regret|were wrong|was wrong|made a mistake|got (this|it) wrong|failed|let (you|them|\w+) down)
        <we> (take|accept|bear) (\w+ )?responsibility
    """),
}
"""How each strategy sounds."""


class Tagged(Frozen):
    """One sentence and what it does."""

    start: int
    end: int
    repairs: tuple[Repair, ...]

    @property
    def families(self) -> tuple[str, ...]:
        """The families of its strategies, each once."""
        return tuple(family for family, held in FAMILIES.items() if any(r in held for r in self.repairs))


def tag(text: str) -> tuple[Tagged, ...]:
    """Every sentence of an English ``text`` that uses a strategy, with its offsets, in order."""
    found = []
    for start, end, sentence in spans(text):
        repairs = tuple(repair for repair, sounds in PHRASES.items() if sounds.search(sentence))
        if repairs:
            found.append(Tagged(start=start, end=end, repairs=repairs))
    return tuple(found)


def used(text: str) -> tuple[Repair, ...]:
    """The strategies that a text uses, each once, in Benoit's order."""
    held = {repair for tagged in tag(text) for repair in tagged.repairs}
    return tuple(repair for repair in Repair if repair in held)
