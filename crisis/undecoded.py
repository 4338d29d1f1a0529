"""Turning posts away before they are decoded: one scan over the bytes of a JSON line.

A post can match only if its line holds what some query needs, or bytes that folding could turn into it: an escape, a
fullwidth or look-alike letter, something invisible. ``ODD`` lists those characters (a test holds it against the
folding, code point by code point), so most lines, Japanese ones and those with emoji too, are done with after one scan.
Cyrillic is a second look's work: it can read as Latin only where a word mixes both, or is made of lookalikes alone. False
positives cost a closer look; there are no false negatives.
"""

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from ahocorasick_rs import BytesAhoCorasick, Implementation

from crisis.folding import LETTERS, LOOKALIKES, parted
from crisis.terms import Need

# Ranges of code points that folding drops, or may turn into another letter or digit.
_RANGES = """aa ad b2-b3 b5 b9-ba bc-be 130-133 13f-140 149 17f-1bf 1c0-1cc 1f1-1f3 250-58f 61c 675-678 958-95f
9dc-9df a33-a36 a59-a5e b5c-b5d e33 eb3 edc-edd f43 f4d f52 f57 f5c f69 1080-11ff 1380-16ff 17b4-17b5 180b-180f
1ab0-1aff 1c80-1c8f 1d00-1dff 1e9a-1e9b 1e9d-1e9e 1efe-1fff 200b-200f 202a-202e 2060-2089 2090-209c 20a8 20c0-217f
2189 2440-24ff 2c6d 2c7c-2dff 2e9f 2ef3 2f00-2fff 3038-303a 3099-309a 309f 30ff 3131-319f 3200-33ff a4c0-a4ff a640-a6bf
a731 a770 a798-a799 a79e-a79f a7ac a7ae a7f2-a7f9 a960-a97f ab30-abbf d7b0-d7ff f900-fe3f fe4d-fe4f fe5f fe6b fe70-feff
ff03 ff10-ff19 ff20-ff3a ff3f ff41-ff5a ff66-ffff 10780-107bf 1d400-1d7ff 1ee00-1eeff 1f100-1f18a 1f190 1f200-1f27f
1f3fb-1f3ff 1fbf0-1fbf9 2f800-2fa3f e0000-e0fff"""
ODD = tuple((int(first, 16), int(last or first, 16)) for first, _, last in (r.partition("-") for r in _RANGES.split()))
"""First and last code point of each range."""

LARGEST = 200_000
"""Characters of literals up to which the faster and larger kind of automaton is built."""

_CYRILLIC = (0xD0, 0xD1)
"""Leading bytes of U+0400 to U+047F, which is Cyrillic as it is written today."""
_JOINING = ("\ufe0f", "\u200d", *map(chr, range(0x1F3FB, 0x1F400)))
"""What stands in most emoji and is not seen: odd only right behind a sign that a query needs."""
_STRANGE = (b"\\\\", *{sign.encode()[:3] for sign in _JOINING}, *(bytes((lead,)) for lead in range(0xC3, 0xCA)))
"""Beside Cyrillic they need a closer look: escaped backslashes, what is not seen, Latin with accents."""
_PLAIN = bytes(sorted(set(range(256)) - {sign[0] for sign in _STRANGE}))
_MIXED = r"[a-zA-Z\u00c0-\u024f](?:(?=[\u0400-\u047f])|(?<=[\u0400-\u047f].))"
_MOST_ALIKE = 40
"""A word of lookalikes that is longer needs a closer look."""
_RUN = re.compile("[a-z0-9_#@]+")
_AS_IT_IS = re.compile(
    "[a-z0-9_#@\u2190-\u2bff\u3041-\u3098\u30a0-\u30fe\u3400-\u9fff\uac00-\ud7a3\U0001f000-\U0001faff]+"
)
"""Signs that come from nothing but themselves and what is odd."""


def _is_odd(code: int) -> bool:
    return any(first <= code <= last for first, last in ODD)


def _odd_bytes() -> set[bytes]:
    """UTF-8 of what is odd wherever it stands; a whole block of 64 code points by its leading bytes."""
    found, joining = set(), {ord(sign) for sign in _JOINING}
    for first, last in ODD:
        code = first
        while code <= last:
            block = range(code, code + 64)
            if code % 64 == 0 and code + 63 <= last and joining.isdisjoint(block):
                found.add(chr(code).encode("utf-8", "surrogatepass")[:-1])
                code += 64
            else:
                if code not in joining:
                    found.add(chr(code).encode("utf-8", "surrogatepass"))
                code += 1
    return {sign for sign in found if sign[0] not in _CYRILLIC}


def _with_sharp_s(literal: str) -> set[str] | None:
    """``literal`` with "ß" for any "ss", also for one whose other half lies beyond it; None if there are too many."""
    forms = {literal}
    if literal.startswith("s"):
        forms.add("ß" + literal[1:])
    if literal.endswith("s"):
        forms |= {form[:-1] + "ß" for form in forms if form.endswith("s")}
    fresh = forms
    while fresh and len(forms) < 100:
        fresh = {f[:i] + "ß" + f[i + 2 :] for f in fresh for i in range(len(f) - 1) if f[i : i + 2] == "ss"} - forms
        forms |= fresh
    return forms if len(forms) < 100 else None


def _signs_of(literal: str) -> set[bytes] | None:
    """Bytes of which a line without oddities holds one, if its text holds ``literal``; None when there are none."""
    if literal.isascii():
        run = max(_RUN.findall(literal), key=len, default="")
        forms = _with_sharp_s(run)
        return {form.encode() for form in forms} if run and forms else None
    if _AS_IT_IS.fullmatch(literal):
        return {literal.encode()}
    sign = next((sign for sign in reversed(literal) if sign.isalnum() and not sign.isascii()), "")
    if not sign:  # punctuation and marks: too many characters fold to them
        return None
    written = {sign, *sign.upper(), *sign.title(), *unicodedata.normalize("NFKD", sign)}
    written |= {chr(form) for form, letter in LETTERS.items() if letter == sign}
    blocks = {form.encode("utf-8", "surrogatepass")[:-1] for form in written if not form.isascii()}
    return set() if _is_odd(ord(sign)) else blocks


def glance(needs: Iterable[Need], text_key: str = "") -> Callable[[bytes], bool]:
    """Whether a line that has not been decoded deserves a look, for queries that need one of ``needs`` each.

    Only what follows ``text_key`` is looked at, if that is given, in the line, and no query needs anything but text.
    """
    needs = list(needs)
    wanted = [None if need.where in ("lang", "source") else _signs_of(need.what) for need in needs]
    signs = {sign for some in wanted if some is not None for sign in some}
    if None in wanted:
        return lambda line: True
    if not needs:
        return lambda line: False
    kind = Implementation.DFA if sum(map(len, signs)) <= LARGEST else Implementation.ContiguousNFA
    odd = _odd_bytes() | _joined(needs)
    scan = BytesAhoCorasick(sorted(signs | odd | {b"\\u"}), implementation=kind).find_matches_as_indexes
    key = b'"' if not text_key or any(need.where for need in needs) else f'"{text_key}"'.encode()
    reads_latin = _cyrillic(needs)

    def looks(line: bytes) -> bool:
        text = line.partition(key)[2] or line
        if not text.isascii() and (b"\xd0" in text or b"\xd1" in text) and reads_latin(text):
            return True
        return bool(scan(text.lower()))

    return looks


def _joined(needs: Iterable[Need]) -> set[bytes]:
    """What is not seen in an emoji, behind each sign that may stand within something that is needed."""
    before = {*"abcdefghijklmnopqrstuvwxyz0123456789_#@ß", *(s for need in needs for s in need.what)}
    return {(sign + unseen).lower().encode("utf-8", "surrogatepass") for sign in before for unseen in _JOINING}


def _one_byte_each() -> tuple[Any, bytes]:
    """ASCII and today's Cyrillic in one byte a sign, and what each is: (l)atin, (c)yrillic, a lookalike (a), a (d)igit."""
    signs = "".join(map(chr, [*range(0x80), *range(0x400, 0x480)]))
    kinds = [
        "d" if s in "0123456789_" else "l" if s.isascii() and s.isalpha() else "a" if s in LOOKALIKES else "c"
        for s in signs
    ]
    kinds = [kind if sign.isalnum() or sign == "_" else " " for sign, kind in zip(signs, kinds, strict=True)]
    return codecs.charmap_build(signs), "".join(kinds).encode()


_BYTES, _KINDS = _one_byte_each()


def _cyrillic(needs: Iterable[Need]) -> Callable[[bytes], bool]:
    """Could a line with Cyrillic in it hold one of ``needs`` by that?"""
    if any("\u0370" <= sign <= "\u058f" for need in needs for sign in need.what):
        return lambda text: True
    looked_for = (need.what if not need.what.isascii() else max(_RUN.findall(need.what), key=len) for need in needs)
    shortest = max(2, min(min(map(len, re.findall("[a-z0-9_]+", what)), default=0) for what in looked_for))
    alike = frozenset(b"a" * length for length in range(shortest, _MOST_ALIKE + 1))
    closer = _closer(shortest)

    def reads_latin(text: bytes) -> bool:
        rest = text.translate(None, _PLAIN)
        if rest:
            if any(sign in text for sign in _STRANGE):
                return True
            text = text.replace(b"\\n", b"\n")
        try:
            words = text.decode()
        except UnicodeDecodeError:
            return True
        if "#" in words:
            return closer(words)
        kinds = codecs.charmap_encode(words, "replace", _BYTES)[0].translate(_KINDS)
        if b"la" in kinds or b"lc" in kinds or b"al" in kinds or b"cl" in kinds:
            return True
        kinds = kinds.replace(b"d", b"a")
        return not (alike.isdisjoint(kinds.split()) and _LONG_ALIKE not in kinds) and closer(words)

    return reads_latin


_LONG_ALIKE = b"a" * (_MOST_ALIKE + 1)


def _closer(shortest: int) -> Callable[[str], bool]:
    """Has a text a word that mixes Latin and Cyrillic, or one of at least ``shortest`` signs, lookalikes alone?"""
    mixed = re.compile(_MIXED, re.DOTALL).search

    def alike(at_least: int) -> Callable[[str], bool]:
        pattern = rf"[{LOOKALIKES}](?<!\w.)[{LOOKALIKES}]{{{at_least - 1},}}(?!\w)"
        words = re.compile(pattern, re.DOTALL).finditer
        return lambda text: any(not word[0].isascii() for word in words(text))

    whole, part = alike(shortest), alike(2)
    return lambda text: mixed(text) is not None or (part(parted(text)) if "#" in text else whole(text))
