"""Where a text may be cut: into sentences, and where one sentence is too long, into pieces that break nothing.

Promises: the pieces put together again are the text, byte for byte (each sentence keeps the whitespace before it);
no cut falls inside a grapheme, a link, an e-mail address, a mention or a hashtag. Works on any script: sentence ends of
Latin, Arabic, Devanagari and CJK are known, and CJK needs no space after them.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import regex  # type: ignore[import-untyped]

from crisis.values import Frozen

_PROTECTED = regex.compile(
    r"(?:https?://|www\.)[^\s<>\"\u3000\u3001\u3002\uff01\uff0c\uff1f]+"  # a link
    r"|(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++"  # an e-mail address
    r"|(?<![\w.-])(?:[\w-]++\.)++[A-Za-z]{2,}+(?:/[^\s<>\"\u3000\u3001\u3002\uff01\uff0c\uff1f]*)?"  # a bare domain
    r"|[@#]\w[\w.-]*+(?:@[\w-]++(?:\.[\w-]++)++)?",  # a mention or a hashtag
    regex.IGNORECASE,
)
_CLOSING = r"[\"'”’»)\]」』】）]*"
_SENTENCE_END = regex.compile(
    rf"(?:[.!?…]+{_CLOSING}(?=\s)|[؟۔।]+{_CLOSING}(?=\s)|[。！？｡]+{_CLOSING})|(?=\n)",
)
_NO_END = regex.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|Nos|vs|approx|Inc|Ltd|Co|Corp|Jr|Sr|Fig|e\.g|i\.e|cf|etc|[ap]\.m|U\.S|U\.K|E\.U)"
    r"|\b\p{Lu})\.$"
)
_SPACE = regex.compile(r"\s+")
_UNSPACED_SCRIPT = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")


class Sentence(Frozen):
    """A sentence with the whitespace that stood before it."""

    before: str
    text: str


def protected(text: str) -> list[tuple[int, int]]:
    """Spans that no cut may fall into: links, addresses, mentions, hashtags."""
    return [match.span() for match in _PROTECTED.finditer(text)]


def cut_points(text: str) -> set[int]:
    """Offsets at which ``text`` may be cut: grapheme boundaries outside protected spans."""
    points = {match.start() for match in regex.finditer(r"\X", text)}
    for start, end in protected(text):
        points.difference_update(range(start + 1, end))
    return points


@lru_cache(maxsize=64)
def sentences(text: str) -> tuple[Sentence, ...]:
    """``text`` as sentences; a line break ends one, too. Whitespace after the last one is dropped.

    A line that ends in a colon stays with what it announces: the next line, or the whole list under it.
    """
    allowed = cut_points(text)
    found: list[Sentence] = []
    start = 0
    for end in _ends(text, allowed):
        piece = text[start:end]
        body = _lstrip(piece)
        if body:
            found.append(Sentence(before=piece[: len(piece) - len(body)], text=body))
            start = end
    return tuple(_announced(found))


def _announced(found: list[Sentence]) -> Iterator[Sentence]:
    """The sentences, each announcing line in one piece with the lines that belong to it."""
    at = 0
    while at < len(found):
        whole, at = found[at], at + 1
        if whole.text.rstrip().endswith(":"):
            first = at
            while at < len(found) and _belongs(found[at], first=at == first):
                whole = whole.model_copy(update={"text": whole.text + found[at].before + found[at].text})
                at += 1
        yield whole


def _belongs(line: Sentence, *, first: bool) -> bool:
    """Whether a line belongs to the announcing line above: the first in any case, then the items of a list."""
    return line.before.count("\n") == 1 and (first or line.text.startswith(("- ", "• ", "* ")))


def _ends(text: str, allowed: set[int]) -> Iterator[int]:
    for match in _SENTENCE_END.finditer(text):
        end = match.end()
        if end not in allowed:
            continue
        follows = text[end : end + 40].lstrip()[:1]
        if _NO_END.search(text, max(0, end - 12), end) and "\n" not in text[end : end + 1]:
            at_end_of_day = regex.search(r"[ap]\.m\.$", text[max(0, end - 5) : end]) is not None
            if not (at_end_of_day and follows.isupper()):
                continue
        yield end
    yield len(text)


def _lstrip(text: str) -> str:
    """Without leading whitespace graphemes; a space that carries a combining mark is not whitespace."""
    at = 0
    for match in regex.finditer(r"\X", text):
        if not match.group().isspace():
            break
        at = match.end()
    return text[at:]


def strip(text: str) -> str:
    """Without whitespace graphemes at both ends."""
    text = _lstrip(text)
    end = len(text)
    for grapheme in reversed(regex.findall(r"\X", text)):
        if not grapheme.isspace():
            break
        end -= len(grapheme)
    return text[:end]


def atoms(sentence: str) -> list[str]:
    """``sentence`` in the smallest pieces that are better not broken: words with the space before them, or, in scripts
    that write no spaces, single graphemes. Joined they are the sentence."""
    allowed = cut_points(sentence)
    cuts = {0, len(sentence)}
    for match in _SPACE.finditer(sentence):
        if match.start() in allowed:
            cuts.add(match.start())
    for match in _UNSPACED_SCRIPT.finditer(sentence):
        cuts.update({match.start(), match.end()} & allowed)
    ordered = sorted(cuts)
    return [sentence[a:b] for a, b in pairwise(ordered)]


def breakable(atom: str) -> list[str]:
    """An over-long atom as graphemes; links and mentions in it stay whole."""
    ordered = [*sorted(cut_points(atom)), len(atom)]
    return [atom[a:b] for a, b in pairwise(ordered)]
