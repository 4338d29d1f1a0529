"""Whether a draft keeps to what is known and to what was already said.

An unconfirmed or refuted fact must not be stated as true; a denial cannot be followed by an apology for the same thing
as if nothing had been said; the same thing cannot be counted differently without saying that the count has changed.
Compared are the content words and numbers of single sentences, so a claim in entirely other words is not found: this
catches slips, it does not replace the fact owner's eyes.
"""

from collections.abc import Iterable, Iterator, Sequence

import regex  # type: ignore[import-untyped]

from crisis.cutting import sentences
from crisis.fact import Fact, FactStatus
from crisis.finding import Finding, Level
from crisis.phrases import phrases
from crisis.statement import Statement
from crisis.triage import Strategy
from crisis.values import StatementKind

_SAME = 0.6
"""Share of a claim's content words that a sentence must hold to be taken for the claim."""

_WORD = regex.compile(r"\p{L}[\p{L}'’-]*|\d[\d.,:]*")
_STOP = frozenset(
    """
    a an the and or but of to in on at by for from with as is are was were be been being it its this that these those
    we our us you your they their them he she his her i my who which what when where why how has have had do does did
    will would can could may might shall should not no nor so than then there here also about after before into over
    under up out all any some more most other such only own same too very just
    """.split()  # noqa: SIM905
)
_FALSE = r"(?:not true|untrue|false|wrong|incorrect|fake|inaccurate|baseless|unfounded|a lie|a hoax|fabricated)"
_UNKNOWN = phrases(
    r"""
    (do not|don't|does not|did not|cannot|can't|could not|have not|haven't|has not|hasn't|not) (\w+ ){0,3}?<known>
    (un|not yet |not been |never )confirmed
    (whether|if)
    <finding>\w* (\w+ )?(into |out )?(what|how|reports|claims|this)
    (reports?|claims?|rumou?rs?|allegations?|posts?) (\w+ )?(that|of|about|say|saying|claiming|on)
    (suggestions?|questions?) (\w+ )?(that|of|about|say|saying|claiming|on)
    (too early|still (unclear|open|investigating|checking)|unclear|unknown|remains open|no evidence)
    (may|might|could) (have|be)
    (allegedly|reportedly|according to)
    """,
    known=r"(?:know|say|confirm|tell|comment|established|determined|verified|found|ruled)",
    finding=r"(?:investigat|check|verif|examin|establish|look|find|clarif|assess)",
)
_REFUTED = phrases(
    r"""
    (is|are|was|were) (\w+ )?<false>
    <false> (claim|report|story|post|rumou?r|image|video|letter|statement)s?
    (misleading|doctored) (claim|report|story|post|rumou?r|image|video|letter|statement)s?
    (did|does|do|has|have|had|was|were|is|are|will|can|could) (not|never)
    (didn't|doesn't|don't|hasn't|haven't|hadn't|wasn't|weren't|isn't|aren't|won't|never)
    (no|none|not|neither|nobody)
    (no truth|deny|denies|denied|contrary to|myth|hoax|we (wrongly|incorrectly|mistakenly))
    """,
    false=_FALSE,
)
_DENIAL = phrases(
    r"""
    (we|I) (\w+ )?(deny|reject|refute|dispute)
    (claims?|allegations?|rumou?rs?|accusations?|reports?|stories|posts?|this|that|it) (is|are|was|were) (\w+ )?<false>
    (there is|there's) no truth
    (did not|didn't|never) (happen|happened|occur|take place)
    <false> (claims?|allegations?|rumou?rs?|accusations?|reports?)
    nothing (wrong|to apologi[sz]e for)
    (we|I) (did|have done) nothing wrong
    no (data|information|accounts?|customer data) (was|were|has been|have been) (\w+ )?<stolen>
    """,
    false=_FALSE,
    stolen=r"(?:lost|leaked|accessed|stolen|taken|breached)",
)
_ADMISSION = phrases(r"""
    (we|I) (\w+ )?(apologi[sz]e|were wrong|made a mistake|got (this|it) wrong|failed|let (you|them|people|\w+ )down)
    (we|I) (should (not )?have|take (\w+ )?responsibility|accept (\w+ )?responsibility|regret)
    (we are|we're|I am|I'm) (\w+ )?sorry (that we|for (what|our|the|this|letting|failing|not)|we)
    (was|were|is) (our (fault|mistake)|wrong of us)
""")
_RETRACTION = phrases(r"""
    (earlier|previous|first|initial|original|yesterday's|last) (\w+ )?(statement|post|message|answer|response)
    (earlier|previous|first|initial|original|yesterday's|last) (\w+ )?(denial|reply|words)
    (we|I) (said|told you|wrote|stated|claimed|denied)…(wrong|not true|not correct|incorrect|untrue|mistaken|false)
    (we|I) (were|was) wrong to (say|deny|claim|tell)
    (correct|withdraw|retract|take back|correction)\w*
""")
_CHANGED = phrases(r"""
    (now|so far|rose|risen|grown|increased|decreased|fallen|updated|corrected|up from|down from|at least|as of)
    (more than|earlier|previously|until now|to date|the number|another|further|additional|remaining|still|already)
    first
    of (the|these|those|them)
""")
_COUNT = regex.compile(r"(?<![\w.,:/-])(\d[\d.,]*\d|\d)\s+(\p{Ll}{3,})(?!\w)")
_NOT_THINGS = regex.compile(
    r"(?:minute|hour|day|week|month|year|second|time|percent|per|euro|dollar|pound|cent|am|pm|utc|january|february|march"
    r"|april|may|june|july|august|september|october|november|december|part|step|and|or|of|to|in|on|at|by|for|from)s?$"
)
_ITEM = regex.compile(r"[-•*–]|\d+[.)]")
"""The start of a list's item: what leads into the list is said of each."""
_FACTS = "CDC CERC manual 2018 (be right); DESIGN §5, §6"
_SCCT = "Coombs 2007 (SCCT: deny does not mix with diminish or rebuild)"


def unsupported(text: str, facts: Iterable[Fact]) -> Iterator[Finding]:
    """Sentences that state an unconfirmed or refuted fact as true."""
    facts = tuple(facts)
    known = set().union(*(words(f.text) for f in facts if f.status is FactStatus.CONFIRMED), set())
    doubtful = [(f, words(f.text)) for f in facts if f.status is not FactStatus.CONFIRMED]
    lead = ""
    for start, end, sentence in spans(text):
        lead = sentence if sentence.endswith(":") else lead if _ITEM.match(sentence) else ""
        whole, said = f"{lead} {sentence}", words(sentence)
        for fact, claim in doubtful:
            if not _says_claim(said, claim, known) or _UNKNOWN.search(whole):
                continue
            if fact.status is FactStatus.REFUTED and _REFUTED.search(whole):
                continue
            yield _unsupported(fact, start, end)


def _says_claim(said: set[str], claim: set[str], known: set[str]) -> bool:
    if not claim or len(claim & said) / len(claim) < _SAME:
        return False
    numbers = {w for w in claim if w[0].isdigit()}
    if numbers and not numbers & said and any(w[0].isdigit() for w in said):
        return False
    return bool((claim & said) - known) or not known & claim


def _unsupported(fact: Fact, start: int, end: int) -> Finding:
    refuted = fact.status is FactStatus.REFUTED
    return Finding(
        rule="refuted-fact" if refuted else "unconfirmed-fact",
        level=Level.BLOCK,
        start=start,
        end=end,
        says=f"This states {fact.id} as true, which is {fact.status}: “{fact.text}”",
        fix="Say that it is not true, or leave it out."
        if refuted
        else f"Say that you do not know it yet and are finding out, or have {fact.owner} confirm it first.",
        reference=_FACTS,
    )


def contradictions(
    text: str,
    *,
    kind: StatementKind,
    strategy: Strategy | None,
    earlier: Iterable[Statement],
    facts: Iterable[Fact] = (),
) -> Iterator[Finding]:
    """Where ``text`` contradicts an earlier statement without saying so. A correction says so by its kind.

    A confirmed fact in its own words (“no data were lost”) denies only what the other text claims in the same words: it is
    no denial of what was apologised for.

    A reply that corrects a narrative's claim denies that claim and not what was apologised for, whatever the company's
    posture is; nor is it that posture for what is said after it. No other reply may deny.
    """
    if kind is StatementKind.CORRECTION or _RETRACTION.search(text):
        return
    facts = tuple(facts)
    corrects_claim = kind is StatementKind.REPLY and strategy is Strategy.DENY
    for before in earlier:
        if not corrects_claim and before.kind is not StatementKind.REPLY:
            yield from _turned(text, before, strategy, facts)
        yield from _recounted(text, before)


def _turned(text: str, before: Statement, strategy: Strategy | None, facts: Sequence[Fact]) -> Iterator[Finding]:
    said = before.body
    admits, denies = _ADMISSION.search(text), _DENIAL.search(_without(text, facts, said))
    denied = _DENIAL.search(_without(said, before.facts, text))
    if admits and denied:
        span, what = admits.span(), "apologises for what"
    elif denies and _ADMISSION.search(said) and not denied:
        span, what = denies.span(), "denies what"
    elif strategy in (Strategy.DIMINISH, Strategy.REBUILD) and before.strategy is Strategy.DENY:
        span, what = (0, len(text)), f"takes the strategy {strategy.value} on what"
    elif strategy is Strategy.DENY and before.strategy in (Strategy.DIMINISH, Strategy.REBUILD):
        span, what = (0, len(text)), "denies what"
    else:
        return
    yield _contradiction(
        *span,
        says=f"This {what} {before.label} {'denied' if what.startswith(('apol', 'takes')) else 'apologised for'}.",
        fix=f"Make it a correction that names {before.label} and says what was wrong in it, or keep to the same line.",
        reference=_SCCT,
    )


def _without(text: str, facts: Iterable[Fact], other: str) -> str:
    """``text`` with its confirmed facts blanked out, offsets kept, but for those of whose claim ``other`` speaks in words of
    its own."""
    for fact in facts:
        said = fact.text.rstrip(".!?…")[1:]  # a list begins it with a capital letter
        if fact.status is not FactStatus.CONFIRMED or not said or said not in text:
            continue
        claim = words(fact.text)
        own = (words(sentence) for _, _, sentence in spans(other) if said not in sentence)
        if not any(claim and len(claim & theirs) / len(claim) >= _SAME for theirs in own):
            text = text.replace(said, " " * len(said))
    return text


def _recounted(text: str, before: Statement) -> Iterator[Finding]:
    said = dict(_counts(f"{before.headline}\n{before.body}"))
    for start, _, sentence in spans(text):
        for match in _COUNT.finditer(sentence):
            thing, number = _thing(match), _number(match)
            then = said.get(thing)
            if thing and then is not None and then != number and not _CHANGED.search(sentence):
                yield _contradiction(
                    start + match.start(),
                    start + match.end(),
                    says=f"{before.label} said {then} {match.group(2)}; this says {number}.",
                    fix=f"Say that it has changed, “now {number} {match.group(2)}, up from {then}”, or mend it.",
                    reference=_FACTS,
                )


def _contradiction(start: int, end: int, *, says: str, fix: str, reference: str) -> Finding:
    return Finding(
        rule="contradiction", level=Level.BLOCK, start=start, end=end, says=says, fix=fix, reference=reference
    )


def _counts(text: str) -> Iterator[tuple[str, str]]:
    """Things that are counted exactly once, with their number."""
    seen: dict[str, set[str]] = {}
    for match in _COUNT.finditer(text):
        seen.setdefault(_thing(match), set()).add(_number(match))
    for thing, numbers in seen.items():
        if thing and len(numbers) == 1:
            yield thing, numbers.pop()


def _thing(match: "regex.Match[str]") -> str:
    noun = str(match.group(2))
    return "" if _NOT_THINGS.match(noun) else _stem(noun)


def _number(match: "regex.Match[str]") -> str:
    return str(match.group(1)).rstrip(".,").replace(",", "")


def spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Every sentence with its offsets."""
    at = 0
    for sentence in sentences(text):
        at += len(sentence.before)
        yield at, at + len(sentence.text), sentence.text
        at += len(sentence.text)


def words(text: str) -> set[str]:
    """The content words of ``text``, without their endings, and its numbers, without separators."""
    found = (w.casefold().replace("’", "'") for w in _WORD.findall(text))
    return {w.rstrip(".,:").replace(",", "") if w[0].isdigit() else _stem(w) for w in found if w not in _STOP}


def _stem(word: str) -> str:
    word = word.removesuffix("'s")
    for ending in ("ations", "ation", "ings", "ing", "ies", "ed", "es", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
