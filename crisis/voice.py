"""The brand's voice: how the organisation names itself, which words it prefers, and which it does not use.

What a template wrote is put into the voice; what a person wrote is only held against it, as warnings. Facts, names and
addresses are never touched: they are not wording.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import regex  # type: ignore[import-untyped]
from pydantic import Field, StringConstraints

from crisis.finding import Finding, Level
from crisis.values import Frozen

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
_WE = regex.compile(r"(?:(?<=\n)|(?<=[.!?] ))We (?=\p{Ll})")
_REFERENCE = "The brand's voice ([voice] in fireline.toml)"


class Voice(Frozen):
    """How an organisation speaks."""

    organisation: str = ""
    speaks_as: Literal["we", "name"] = "we"
    """``name``: the first "We" of an English text becomes "At <organisation>, we"."""
    formality: Literal["formal", "informal"] = "formal"
    """*Sie* or *du*, *vous* or *tu*, *usted* or *tú*, in the languages that have both."""
    prefer: dict[Word, Word] = Field(default_factory=dict)
    """Words, and what is said instead: ``{"customers" = "guests"}``."""
    avoid: tuple[Word, ...] = ()
    """Words that are not used at all."""


def in_voice(text: str, voice: Voice, *, keep: Iterable[str] = (), english: bool = True) -> str:
    """A template's text in the brand's voice; every text of ``keep`` stands as it is, wherever it is quoted."""
    headline, gap, body = text.partition("\n")
    if english and voice.speaks_as == "name" and voice.organisation:
        body = _WE.sub(f"At {voice.organisation}, we ".replace("\\", r"\\"), body, count=1)
    text = headline + gap + body
    kept = sorted({k for k in keep if k.strip()}, key=len, reverse=True)
    if not voice.prefer:
        return text
    fixed = regex.compile("|".join(map(regex.escape, kept)), regex.IGNORECASE) if kept else None
    spoken, at = [], 0
    for match in fixed.finditer(text) if fixed else ():
        spoken += [_preferred(text[at : match.start()], voice), match.group()]
        at = match.end()
    return "".join([*spoken, _preferred(text[at:], voice)])


def _preferred(text: str, voice: Voice) -> str:
    for word, instead in voice.prefer.items():
        text = _whole(word).sub(lambda m, i=instead: _cased(m.group(), i), text)
    return text


def _cased(was: str, instead: str) -> str:
    return instead[0].upper() + instead[1:] if was[0].isupper() else instead


def _whole(word: str) -> "regex.Pattern[str]":
    return regex.compile(rf"(?<!\w){regex.escape(word)}(?!\w)", regex.IGNORECASE)


def off_voice(text: str, voice: Voice) -> Iterator[Finding]:
    """Words that the brand does not use, with what it says instead."""
    wanted = [*voice.prefer.items(), *((word, "") for word in voice.avoid)]
    for word, instead in wanted:
        for match in _whole(word).finditer(text):
            yield Finding(
                rule="brand-voice",
                level=Level.WARN,
                start=match.start(),
                end=match.end(),
                says=f"“{match.group()}” is not a word of the brand's.",
                fix=f"Say “{instead}”." if instead else "Leave it out, or say it otherwise.",
                reference=_REFERENCE,
            )
