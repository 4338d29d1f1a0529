"""What is wrong with a draft before anybody approves it: missing parts, untrue or leaked content, harmful wording.

Blocking findings stop a proposal; warnings ask somebody to look again. Every finding has an exact span, a reason, a
source and a fix. The rules about wording and parts are English; for other languages lint says so once and runs only
what does not depend on the language (limits, template markers, personal data, secrets, a time, a contact, and the
facts' own words).
"""

from collections.abc import Iterable, Iterator

import regex  # type: ignore[import-untyped]

from crisis.consistency import contradictions, spans, unsupported
from crisis.counting import Limits
from crisis.fact import Fact
from crisis.finding import Finding, Level
from crisis.grade import grade
from crisis.leaks import leaks
from crisis.parts import (
    ACKNOWLEDGEMENT,
    ACTION,
    AFFECTED,
    CLOCK_TIME,
    CONTACT,
    INSTRUCTION,
    NEXT_UPDATE,
    REQUIRED,
    says,
)
from crisis.pictures import Picture, without_alt
from crisis.rendering import DoesNotFit, headline_and_text, render
from crisis.statement import Statement, Target
from crisis.triage import Strategy
from crisis.values import CrisisType, StatementKind
from crisis.voice import Voice, off_voice
from crisis.wording import HOLLOW, WORDINGS, Wording

__all__ = ["MAX_GRADE", "Finding", "Level", "blocks", "lint", "unfinished"]

MAX_GRADE = 10.0
"""Reading grade above which a text is too hard for people under stress."""

_CERC = "CDC CERC manual 2018"
_PARTS = {
    "acknowledgement": (
        ACKNOWLEDGEMENT,
        "no-acknowledgement",
        "Nothing says that you know what has happened.",
        "Begin with it: “We know that … and we are sorry.”",
    ),
    "affected": (
        AFFECTED,
        "nobody-affected",
        "Nobody who is affected is named.",
        "Say who they are, as people: customers, passengers, patients, families …",
    ),
    "action": (
        ACTION,
        "no-action",
        "Nothing says what you are doing, or what people should do.",
        "Add what is happening now: “We are …”, or what to do: “Please stop using …”",
    ),
    "next_update": (
        NEXT_UPDATE,
        "no-next-update",
        "Nothing says when you speak next.",
        "Add a time: “Next update by 15:00 UTC.”",
    ),
    "contact": (
        CONTACT,
        "no-contact",
        "Nothing says how to reach you.",
        "Add an address, a number or a link where somebody answers.",
    ),
}
_DANGEROUS = frozenset({CrisisType.SAFETY_HARM, CrisisType.DATA_BREACH})
_EARLY = frozenset({StatementKind.HOLDING, StatementKind.SUBSTANTIVE, StatementKind.UPDATE})
_ANY_LANGUAGE = {"next_update": CLOCK_TIME, "contact": CONTACT}

_MARKER = regex.compile(
    r"\{\{(?:(?!\{\{|\}\}).)*+\}\}|\{%(?:(?!\{%|%\}).)*+%\}|\{#(?:(?!\{#|#\}).)*+#\}|\$\{\w++\}|%\(\w++\)s"
    r"|<<(?:(?!<<|>>).)++>>|<(?i:insert|your|name|date|time|brand|company)\b[^>]{0,300}+>"
    r"|\[(?:[A-Z][A-Z0-9 _/'-]{2,}|(?i:insert|your|company|brand|name|date|time|product|link|contact|number|tbd|tbc|x+|"
    r"…|\.{3}|url|phone|city|add|fill)\b[^\]\n]{0,300}+|…|\.{3}|_+)\]"
    r"|(?<!\w)(?:TBD|TBC|TODO|FIXME|XXX+|XX:XX|HH:MM|Lorem ipsum|lorem ipsum)(?!\w)|_{4,}"
)
"""Nothing in it looks for its end past its next beginning, or further than 300 characters: thousands of openings cost no more
than their number."""


def lint(
    text: str,
    *,
    kind: StatementKind,
    facts: Iterable[Fact] = (),
    earlier: Iterable[Statement] = (),
    outlets: Iterable[tuple[Target, Limits]] = (),
    strategy: Strategy | None = None,
    crisis_type: CrisisType = CrisisType.UNKNOWN,
    legal_signed_off: bool = False,
    contact: str = "",
    language: str = "en",
    pictures: Iterable[Picture] = (),
    voice: Voice | None = None,
) -> list[Finding]:
    """Every finding on ``text``, blocking ones first, then by place.

    ``facts`` are the incident's, of any status; ``earlier`` what was already said; ``outlets`` the targets
    that it must fit, each with what it may hold; ``contact`` the company's own address, which is no personal data;
    ``pictures`` go with it; ``voice``: the brand's.
    """
    facts, pictures, outlets = tuple(facts), tuple(pictures), tuple(outlets)
    english = language.casefold().split("-")[0] == "en"
    found = [
        *_missing_parts(text, kind, english),
        *unfinished(text),
        *leaks(text, contact=contact),
        *unsupported(text, facts),
        *(finding for outlet in outlets for finding in _over_limit(text, *outlet)),
        *_pictures(text, pictures, outlets),
        *(off_voice(text, voice) if voice is not None else ()),
    ]
    if english:
        found += contradictions(text, kind=kind, strategy=strategy, earlier=earlier, facts=facts)
        found += _no_instruction(text, kind, crisis_type)
        found += _wording(text, kind, legal_signed_off)
        found += _hollow(text)
        found += _too_hard(text)
    else:
        found.append(_only_partly_checked(text, language))
    return sorted(found, key=lambda f: (f.level is not Level.BLOCK, f.start, f.end, f.rule))


def blocks(findings: Iterable[Finding]) -> bool:
    """Whether any finding stops a proposal."""
    return any(f.level is Level.BLOCK for f in findings)


def _missing_parts(text: str, kind: StatementKind, english: bool) -> Iterator[Finding]:
    for part in REQUIRED[kind]:
        pattern, rule, reason, fix = _PARTS[part]
        if not english:
            if part not in _ANY_LANGUAGE:
                continue
            pattern = _ANY_LANGUAGE[part]
        if not says(pattern, text):
            yield Finding(
                rule=rule, level=Level.BLOCK, start=len(text), end=len(text), says=reason, fix=fix, reference=_CERC
            )


def unfinished(text: str) -> Iterator[Finding]:
    """Places left to be filled in."""
    for match in _MARKER.finditer(text):
        yield Finding(
            rule="template-marker",
            level=Level.BLOCK,
            start=match.start(),
            end=match.end(),
            says=f"“{match.group()[:40]}” is a place left to be filled in.",
            fix="Fill it in, or take it out.",
            reference="CDC CERC manual 2018 (say only what is confirmed; be accountable)",
        )


def _over_limit(text: str, target: Target, limits: Limits) -> Iterator[Finding]:
    headline, body = headline_and_text(text)
    try:
        render(headline=headline, body=body, target=target, limits=limits.model_copy(update={"pictures": None}))
    except DoesNotFit as error:
        yield Finding(
            rule="over-limit",
            level=Level.BLOCK,
            start=0 if limits.threads else _first_beyond(text, limits),
            end=len(text),
            says=f"{error}.",
            fix="Shorten it, or send people to a page that has it all.",
            reference=limits.source,
        )


def _pictures(
    text: str, pictures: tuple[Picture, ...], outlets: tuple[tuple[Target, Limits], ...]
) -> Iterator[Finding]:
    """What is wrong with the pictures by themselves, and with their way to each outlet."""
    numbered = [(p, "The picture" if len(pictures) == 1 else f"Picture {n}") for n, p in enumerate(pictures, 1)]
    found = [(p, "") for picture, which in numbered for p in without_alt(picture, which)]
    for target, limits in outlets:
        name = target.channel or target.kind
        if limits.pictures is not None:
            found += [(p, f"{name}: ") for p in limits.pictures.problems(pictures) if p.rule != "no-alt-text"]
    for problem, where in found:
        yield Finding(
            rule=problem.rule,
            level=Level.BLOCK,
            start=len(text),
            end=len(text),
            says=f"{where}{problem.says}.",
            fix=f"{problem.fix[0].upper()}{problem.fix[1:]}.",
            reference=problem.reference,
        )


def _first_beyond(text: str, limits: Limits) -> int:
    """Offset of the first character that no longer fits."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if limits.fits(text[:middle]) else (low, middle - 1)
    return low if low < len(text) else 0


def _no_instruction(text: str, kind: StatementKind, crisis_type: CrisisType) -> Iterator[Finding]:
    if crisis_type in _DANGEROUS and kind in _EARLY and not says(INSTRUCTION, text):
        yield Finding(
            rule="no-instruction",
            level=Level.WARN,
            start=len(text),
            end=len(text),
            says="People may be in danger, and nothing tells them how to protect themselves.",
            fix="Say it before anything else: “Please stop using …”, “Change your password …”, “Call …”",
            reference="Coombs 2007 (SCCT: instructing information comes first)",
        )


def _wording(text: str, kind: StatementKind, legal_signed_off: bool) -> Iterator[Finding]:
    for rule in WORDINGS:
        if rule.only and kind not in rule.only:
            continue
        if rule.rule == "admission-without-legal" and legal_signed_off:
            continue
        yield from _phrases(text, rule)


def _phrases(text: str, rule: Wording) -> Iterator[Finding]:
    for start, _, sentence in spans(text):
        match = rule.phrases.search(sentence)
        if match is None or (rule.excused_by is not None and rule.excused_by.search(sentence)):
            continue
        yield Finding(
            rule=rule.rule,
            level=Level.WARN,
            start=start + match.start(),
            end=start + match.end(),
            says=rule.says,
            fix=rule.fix,
            reference=rule.reference,
        )


def _hollow(text: str) -> Iterator[Finding]:
    """“We take X seriously” with no action in its sentence nor the next two."""
    whole = list(spans(text))
    for n, (start, _, sentence) in enumerate(whole):
        match = HOLLOW.search(sentence)
        if match is None:
            continue
        around = sentence[: match.start()] + sentence[match.end() :]
        if any(says(ACTION, said) for said in (around, *(s for _, _, s in whole[n + 1 : n + 3]))):
            continue
        yield Finding(
            rule="hollow-assurance",
            level=Level.WARN,
            start=start + match.start(),
            end=start + match.end(),
            says="This assures people of something without showing it.",
            fix="Replace it by what you are doing: who, what, since when.",
            reference="CERC 2018 (be credible: show, do not assert)",
        )


def _too_hard(text: str) -> Iterator[Finding]:
    found = grade(text)
    if found is not None and found.level > MAX_GRADE:
        start, end = found.hardest
        yield Finding(
            rule="reading-grade",
            level=Level.WARN,
            start=start,
            end=end,
            says=f"The text reads at grade {found.level:g}, people under stress at 6 to 8. This sentence weighs most.",
            fix="Cut it in two, and take shorter words.",
            reference="Kincaid et al. 1975; CERC 2018 (plain language)",
        )


def _only_partly_checked(text: str, language: str) -> Finding:
    return Finding(
        rule="language-not-checked",
        level=Level.WARN,
        start=0,
        end=len(text),
        says=f"Wording and parts are checked in English only; of this text in {language!r} only limits, markers, "
        "personal data, secrets, facts, a time and a contact were checked.",
        fix="Have somebody who speaks the language read it against the list of parts.",
        reference="CDC CERC manual 2018 (say only what is confirmed; be accountable)",
    )
