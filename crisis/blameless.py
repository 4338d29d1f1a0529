"""Blameless wording: finds words in a review that put the blame on people, and says what to write instead.

A review asks how the system let it happen, because people who fear blame stop telling what they saw, and then nothing is
learnt. What is found is a suggestion: nothing is kept from being saved or signed.

Sources: J. Allspaw, "Blameless PostMortems and a Just Culture", 2012; S. Dekker, "The Field Guide to Understanding
'Human Error'", 3rd ed. 2014 (counterfactuals, judgemental words); B. Beyer et al., "Site Reliability Engineering", 2016,
chapter 15. The table is English; names of people are found in any language.
"""

import re
from collections.abc import Iterable, Iterator

from crisis.finding import Finding, Level

ALLSPAW = "Allspaw 2012, Blameless PostMortems and a Just Culture"
DEKKER = "Dekker 2014, The Field Guide to Understanding 'Human Error'"
SRE = "Beyer et al. 2016, Site Reliability Engineering, chapter 15"

_RULES: tuple[tuple[str, str, str, str, str], ...] = (
    (
        "fault",
        r"\b(?:(?:was|is|were|are) (?:to blame|at fault|responsible for the (?:failure|mistake|error))"
        r"|(?:his|her|their|whose) (?:own )?fault|blames?d?\b|culprits?|guilty|scapegoats?)",
        "it asks whose fault it was",
        "say what made it possible: the rule, tool or hand-over that let it through",
        ALLSPAW,
    ),
    (
        "human-error",
        r"\b(?:human|operator|user|individual) (?:error|failure|mistake)s?\b",
        "“human error” ends the search where it should begin",
        "say what the person saw and had at hand, and why it made sense then",
        DEKKER,
    ),
    (
        "judgement",
        r"\b(?:careless(?:ly|ness)?|negligen(?:t|ce|tly)|incompeten(?:t|ce)|sloppy|sloppiness|laz(?:y|iness)|stupid(?:ly|ity)?"
        r"|reckless(?:ly)?|unprofessional|dumb|inexcusabl[ey]|complacen(?:t|cy)|lack of (?:care|attention|discipline))\b",
        "it judges people instead of telling what happened",
        "tell what happened and what was missing around it",
        DEKKER,
    ),
    (
        "counterfactual",
        r"\b(?:should(?:n[’']t| not)? have|could have (?:known|prevented|noticed|avoided)"
        r"|ought to have|if only|why didn[’']t)\b",
        "it tells of something that did not happen",
        "say what did happen, and what would have made the other way the easy one",
        DEKKER,
    ),
    (
        "failed-to",
        r"\b(?:failed to|forgot to|neglected to|did ?n[o’']t bother|refused to listen"
        r"|ignored (?:the )?(?:warnings?|alerts?|rules?|process))",
        "it makes an omission a person's",
        "name the step that did not happen, and what would have triggered it",
        SRE,
    ),
)
"""Rule, pattern, what is wrong, what to write instead, where it comes from."""
_FOUND = tuple(
    (rule, re.compile(pattern, re.IGNORECASE), says, fix, source) for rule, pattern, says, fix, source in _RULES
)


def blame_in(text: str, people: Iterable[str] = ()) -> tuple[Finding, ...]:
    """Everything in ``text`` that blames, in order; ``people``: names that should be roles."""
    found = [*_words(text), *_names(text, people)]
    return tuple(sorted(found, key=lambda f: (f.start, f.end)))


def _words(text: str) -> Iterator[Finding]:
    for rule, pattern, says, fix, reference in _FOUND:
        for match in pattern.finditer(text):
            yield _finding(rule, match, f"“{match.group()}”: {says}", fix, reference)


def _names(text: str, people: Iterable[str]) -> Iterator[Finding]:
    for name in dict.fromkeys(people):
        if len(name) < 3:
            continue
        for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            says = f"“{name}” is a person; the report goes to readers who do not know the circumstances"
            yield _finding("named-person", match, says, "name the role, such as “the approver on duty”", SRE)


def _finding(rule: str, match: re.Match[str], says: str, fix: str, reference: str) -> Finding:
    return Finding(
        rule=rule, level=Level.WARN, start=match.start(), end=match.end(), says=says, fix=fix, reference=reference
    )
