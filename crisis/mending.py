"""What one press does about a finding of lint: the missing sentence put in, or the words that do harm taken out.

A mend is offered only where it needs nothing that is not on record: the time of the next update, the contact, what is
being done. It changes the text in the editor and nothing else; a person still reads it, and approvers approve it.
"""

from crisis.consistency import spans
from crisis.drafting import ACTIONS
from crisis.finding import Finding
from crisis.values import CrisisType, Frozen

_OUT = frozenset(
    {
        "template-marker",
        "unconfirmed-fact",
        "refuted-fact",
        "blame-shifting",
        "speculation",
        "early-compensation",
        "hollow-assurance",
        "minimising",
    }
)
"""Rules whose sentence can go without another in its place."""
_QUOTED = 80
"""Characters of a sentence on the button that takes it out: its beginning and its end."""
_SMALL = ("only ", "just ", "merely ")


class Known(Frozen):
    """What is on record that a mend may say."""

    affected: str = ""
    """Who is affected, such as ``customers of Acme``."""
    next_update: str = ""
    """When the company speaks next, such as ``15:05 UTC``."""
    contact: str = ""
    cause: CrisisType = CrisisType.UNKNOWN


class Mend(Frozen):
    """A text as one press makes it."""

    does: str
    """What the press does, for its button."""
    text: str


def mend(text: str, finding: Finding, known: Known, *, language: str = "en") -> Mend | None:
    """The text (headline, blank line, body) without what ``finding`` is about; None where only a person can mend it.

    Sentences are put in in English only.
    """
    if sentence := _missing(finding.rule, known) if language.casefold().split("-")[0] == "en" else "":
        return _put_in(text, sentence, first=finding.rule in ("no-acknowledgement", "nobody-affected"))
    if finding.rule in ("personal-data", "secret"):
        return _without(text, finding.start, finding.end, "Take it out")
    if finding.rule == "minimising" and (small := _small(text, finding)):
        return _without(text, finding.start, finding.start + len(small), f"Take out “{small.strip()}”")
    if finding.rule in ("conditional-apology", "promised-repair-time"):
        return _instead(text, finding, known)
    return _sentence_out(text, finding) if finding.rule in _OUT else None


def _missing(rule: str, known: Known) -> str:
    action = ACTIONS[known.cause][0]
    return {
        "no-acknowledgement": f"We know that this affects {known.affected}, and we are sorry."
        if known.affected
        else "",
        "nobody-affected": f"We are sorry for what {known.affected} are going through." if known.affected else "",
        "no-action": f"{action[:1].upper()}{action[1:]}.",
        "no-next-update": f"Next update by {known.next_update}." if known.next_update else "",
        "no-contact": f"How to reach us: {known.contact}" if known.contact else "",
    }.get(rule, "")


def _put_in(text: str, sentence: str, *, first: bool) -> Mend:
    headline, blank, body = text.partition("\n\n")
    if first:
        after = f"{headline}{blank}{sentence} {body.lstrip()}" if blank else f"{text}\n\n{sentence}"
    else:
        after = f"{text.rstrip()}\n\n{sentence}"
    return Mend(does=f"Put in “{sentence}”", text=after)


def _small(text: str, finding: Finding) -> str:
    found = text[finding.start : finding.end]
    return next((found[: len(word)] for word in _SMALL if found.casefold().startswith(word)), "")


def _instead(text: str, finding: Finding, known: Known) -> Mend | None:
    sentence = _sentence_of(text, finding)
    if sentence is None or (finding.rule == "promised-repair-time" and not known.next_update):
        return None
    better = "We are sorry." if finding.rule == "conditional-apology" else f"Next update by {known.next_update}."
    start, end = sentence
    return Mend(does=f"Say “{better}” instead", text=text[:start] + better + text[end:])


def _sentence_out(text: str, finding: Finding) -> Mend | None:
    sentence = _sentence_of(text, finding)
    if sentence is None:
        return None
    out = " ".join(text[slice(*sentence)].split())
    short = out if len(out) <= _QUOTED else f"{out[: _QUOTED // 2].rstrip()} … {out[-_QUOTED // 2 :].lstrip()}"
    return _without(text, *sentence, f"Take out “{short}”")


def _sentence_of(text: str, finding: Finding) -> tuple[int, int] | None:
    """The sentence of the body that a finding is in; the headline is never taken out."""
    body_at = text.find("\n\n") + 2
    for start, end, _ in spans(text):
        if start <= finding.start < end:
            return (start, end) if body_at > 1 and start >= body_at else None
    return None


def _without(text: str, start: int, end: int, does: str) -> Mend:
    before, after = text[:start], text[end:]
    if before.endswith((" ", "\n")) and after.startswith(" "):
        after = after[1:]
    return Mend(does=does, text=before + after)
