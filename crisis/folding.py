"""How words are compared: one folding for posts and queries, so that what looks the same to a reader is the same.

NFKC and case folding first. Characters that nobody sees (zero-width, soft hyphens, direction marks, variation
selectors), marks that make no letter (struck out, stressed) and skin tones are dropped; a joiner stays only between two
emoji, which it makes into one. So are the points and the stretching of Arabic and Hebrew, and Greek accents, which
capitals do not carry; variants of one Arabic letter are one. Letters that imitate Latin ones are folded to them, with
care for those who really write in Greek or Cyrillic: in a word that mixes scripts every lookalike is folded to the
script the word is in; a word made of lookalikes alone ("сор", "АСМЕ") reads both ways, so a ``Folded`` text has two views:
``native`` as written, ``latin`` as it looks. Camel-case parts of hashtags are told apart by ``MARK`` (#AcmeFails holds
``acme`` and ``fails``).

The lookalikes are facts from Unicode Technical Standard #39 (confusables), those that NFKC does not fold already and
that stand for one ASCII letter, without scripts that nobody has fonts for; a few small-capital imitations are added.
"""

import re
import unicodedata
from typing import NamedTuple

MARK = "\x1f"
"""Stands between the camel-case parts of a hashtag."""

# ASCII letter: what is taken for it at sight, in the case in which it looks so.
_LOOKS: dict[str, str] = {
    "a": "ɑαа⍺ΑАᎪᗅꓮᴀ",
    "b": "ƄЬᏏᑲΒВᏴᗷꓐꞴʙ",
    "c": "ᴄϲⲥсꮯϹⲤСᏟꓚ",
    "d": "ԁᏧᑯꓒᎠᗞᗪꓓᴅ",
    "e": "℮ꬲеҽΕЕⴹᎬꓰᴇ",
    "f": "ꬵꞙẝքꞘϜᖴꓝ",
    "g": "ɡᶃƍցԌᏀᏳꓖɢ",
    "h": "һհᏂΗⲎНᎻᕼꓧʜ",
    "i": "ıɪɩιіꙇꭵᎥ",
    "j": "ϳјᎫͿЈᒍꓙᴊ",
    "k": "ΚⲔКᏦᛕꓗᴋ",
    "l": "ƖǀΙІӀӏⲒⵏᛁꓲⳐᏞᒪꓡʟ",
    "m": "ΜϺⲘМᎷᗰᛖꓟᴍ",
    "n": "ոռΝⲚꓠɴ",
    "o": "ᴏᴑꬽοσⲟоჿօΟⲞОՕⵔꓳ",
    "p": "ρϱⲣрΡⲢРᏢᑭꓑᴘ",
    "q": "ԛգզⵕ",
    "r": "ꭇꭈᴦⲅгꮁƦᎡᏒᖇꓣʀ",
    "s": "ꜱƽѕꮪЅՏᏕᏚꓢ",
    "t": "ΤⲦТᎢꓔᴛ",
    "u": "ꞟᴜꭎꭒʋυսՍᑌꓴ",
    "v": "ᴠνѵꮩѴⴸᏙᐯꓦ",
    "w": "ɯᴡѡԝաꮃԜᎳᏔꓪ",
    "x": "хΧⲬХᎵⵝᚷꓫ",
    "y": "ɣᶌʏỿꭚγуүყΥⲨУҮᎩᎽꓬ",
    "z": "ᴢꮓΖᏃꓜ",
}
# Imitations that are believed only inside a word that also holds Latin letters ("тhе", "вrewlinе").
_AMONG_LATIN: dict[str, str] = {
    "a": "λ", "b": "вьβ", "e": "εєэ", "h": "н", "k": "кκ", "m": "м", "n": "ηпи", "r": "я",
    "t": "тτ", "u": "μц", "w": "ωшщ", "x": "χж", "z": "ζ", "o": "θфө",
}  # fmt: skip
_TO_CYRILLIC = str.maketrans("aceopxykmtbhiACEOPXYKMTBHI", "асеорхукмтвніАСЕОРХУКМТВНІ")

_ALONE = {ord(sign): letter for letter, signs in _LOOKS.items() for sign in signs if not sign.isascii()}
_MIXED = _ALONE | {
    ord(sign): letter
    for letter, signs in _AMONG_LATIN.items()
    for sign in signs + signs.upper()
    if ord(sign) not in _ALONE
}
_FLAT = {
    code: letter
    for sign, letter in ((chr(code), letter) for code, letter in reversed(_MIXED.items()))
    for code in {ord(form) for form in (sign.lower(), sign.upper(), sign) if len(form) == 1}
    if code > 0x7F
}
_UNMARKED = {
    code: base
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))
    if (base := unicodedata.normalize("NFD", chr(code))[0].lower()).isascii() and base.isalpha()
}
_UNMARKED |= {ord(sign): base for sign, base in zip("øØđĐłŁħĦŧŦ", "ooddllhhtt", strict=True)}
"""Latin letters with a mark: what they are without it."""
_FLAT |= _UNMARKED
_SEEN = _FLAT | _MIXED
"""The same by the case that is written: a capital eta is an H, a small one an n."""
_LATIN_LIKE = {code: letter for code, letter in _ALONE.items() if unicodedata.name(chr(code), "").startswith("LATIN")}
"""Latin letters themselves (dotless i, small capitals, phonetic signs): folded in every word."""
_LIKE_LATIN = re.compile(f"[{''.join(map(chr, _LATIN_LIKE))}]")

# Before NFKC: trade marks are signs, not letters; letters in black squares and circles are letters; ours are nobody's.
_SIGNS: dict[int, str] = {0x2122: " ", 0x2120: " ", 0x1E: " ", 0x1F: " "}
_SIGNS |= {start + i: chr(97 + i) for start in (0x1F150, 0x1F170) for i in range(26)}
_UNSEEN = re.compile(
    "[\u00ad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
_SIGN = re.compile("[\x1e\x1f\u2120\u2122\U0001f150-\U0001f189]")
_RARE = re.compile(f"[{_UNSEEN.pattern[1:-1]}\u200d{_SIGN.pattern[1:-1]}]")
# What is written or left out as one likes: Arabic and Hebrew points, the Arabic stretching stroke; Greek accents.
_POINTED = re.compile("[\u0386-\u03ce\u0590-\u06ff\u1f00-\u1fff]")
_POINTS = re.compile(
    "(?<=[\u0591-\u06ff])[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc"
    "\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]+"
)
LETTERS: dict[int, str] = {
    ord(form): letter for letter, forms in {"ا": "أإآٱ", "ي": "یى", "ك": "ک"}.items() for form in forms
}
"""Forms of one letter that keyboards and habits tell apart and readers do not, and what each is compared as."""
LETTERS |= {
    code: bare
    for code in (*range(0x386, 0x3CF), *range(0x1F00, 0x2000))
    if unicodedata.category(chr(code)) in ("Lu", "Ll", "Lt")
    and (bare := unicodedata.normalize("NFD", chr(code))[0]) != chr(code)
    and "\u0370" <= bare <= "\u03ff"
}
_EMOJI = "\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
_JOINER = re.compile(f"(?<![{_EMOJI}])\u200d|\u200d(?![{_EMOJI}])")
PICTURE = re.compile(f"[{_EMOJI}]")
"""A sign that may be part of a joined emoji."""

_WORD = re.compile(r"\w+")
_TAG = re.compile(r"#\w+")
_HAS_LATIN = re.compile(r"[a-zA-Z\u00c0-\u024f]")
_OTHER_SCRIPT = re.compile(
    "[\u0370-\u058f\u10a0-\u10ff\u13a0-\u16ff\u1c80-\u1c8f\u2c80-\u2dff\ua4d0-\ua4ff\ua640-\ua69f\uab70-\uabbf]"
)
_CYRILLIC = re.compile(r"[\u0400-\u052f]")
_SCRIPTS_MEET = re.compile(f"{_HAS_LATIN.pattern}(?:(?={_OTHER_SCRIPT.pattern})|(?<={_OTHER_SCRIPT.pattern}.))")
_OTHER_ALIKE = f"[{''.join(chr(code) for code in _ALONE if _OTHER_SCRIPT.match(chr(code)))}]"
_IMITATED = re.compile(f"[a-zA-Z]{_OTHER_ALIKE}|{_OTHER_ALIKE}[a-zA-Z]")
LOOKALIKES = "0-9_" + "".join(map(chr, _ALONE))
"""What a word may be made of that reads as a Latin one, for a class of a regular expression."""
_ALL_ALIKE = re.compile(rf"[{LOOKALIKES}](?<!\w.)[{LOOKALIKES}]+(?!\w)")
"""A word of two or more signs, all of them lookalikes; a letter by itself ("с", "о") is what it is."""
_MARKED_LATIN = re.compile("[\u00c0-\u024f\u1e00-\u1eff]")
_DIGITS = re.compile(r"(?<=[^\W\d_])[01345$7]++(?=[^\W\d_])")
_DIGIT_LETTERS = str.maketrans("01345$7", "oieasst")


class Folded(NamedTuple):
    """A text as it is compared, camel-case parts of hashtags told apart by ``MARK``."""

    native: str
    latin: str
    """Words made of lookalikes alone are Latin here; otherwise the same as ``native``."""

    @property
    def marked(self) -> bool:
        """Is any hashtag told apart?"""
        return MARK in self.native

    @property
    def only_latin(self) -> bool:
        """Has it no letter of a script that holds lookalikes of Latin ones?"""
        return _OTHER_SCRIPT.search(self.native) is None


def _bare(text: str) -> str:
    """NFKC, and nothing that nobody sees."""
    if _RARE.search(text) is None:
        text = unicodedata.normalize("NFKC", text)
    else:
        if _SIGN.search(text):
            text = text.translate(_SIGNS)
        text = _UNSEEN.sub("", unicodedata.normalize("NFKC", text))
        text = _JOINER.sub("", text) if "\u200d" in text else text
    if _POINTED.search(text):
        text = _POINTS.sub("", text).translate(LETTERS)
    return text


def _lower(text: str) -> str:
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text.casefold()).replace("i\u0307", "i")
    return text.translate(_LATIN_LIKE) if _LIKE_LATIN.search(text) else text


def _as_written(match: "re.Match[str]") -> str:
    """A word that mixes scripts, in the script that it is in."""
    word = match[0]
    if _SCRIPTS_MEET.search(word) is None:
        return word
    unlike = len(_OTHER_SCRIPT.findall(word.translate(_ALONE)))
    latin = word.translate(_MIXED)
    if unlike <= len(_HAS_LATIN.findall(word)) and not _OTHER_SCRIPT.search(latin):
        return latin
    return word.translate(_TO_CYRILLIC) if _CYRILLIC.search(word) else word


def _as_it_looks(match: "re.Match[str]") -> str:
    return match[0].translate(_ALONE)


def _part(before: str, sign: str, after: str) -> bool:
    """Does a part of a camel-case tag begin at ``sign``? ``before``: the two signs before it.

    Where capitals run into small letters there are two ways: #ACMEfails is ``acm efails`` or ``acme fails``. It is parted at
    both places, and a word is also found across them.
    """
    if before[1:].isupper() and sign.islower():
        return before[0].isupper()
    before = before[1:]
    if before == "_" or sign == "_":
        return True
    if sign.isupper():
        return before.islower() or before.isdigit() or (before.isupper() and after.islower())
    return before.isdigit() != sign.isdigit()


def _tag(match: "re.Match[str]") -> str:
    tag = match[0]
    parts = [tag[:2]]
    for at in range(2, len(tag)):
        if _part(tag[at - 2 : at], tag[at], tag[at + 1 : at + 2]):
            parts.append(MARK)
        parts.append(tag[at])
    return "".join(parts)


def parted(text: str) -> str:
    """``text`` with ``MARK`` between the parts of its hashtags."""
    return _TAG.sub(_tag, text) if "#" in text else text


def fold(text: str) -> str:
    """``text`` as it is compared where only one reading counts: as written, hashtags whole."""
    return text.lower() if text.isascii() else _lower(_bare(text))


def flat(text: str) -> str:
    """``text`` with every lookalike as the Latin letter that it imitates, whatever it is written in.

    For comparing whole texts with each other, not for reading: Cyrillic and Greek come out garbled, each in one way
    whatever its case. In a text with Latin letters, one in five at the least, each imitation is taken as it looks.
    Marks on Latin letters are dropped, and digits within a word are the letters that they stand for (w0rst).
    """
    if text.isascii():
        return _undigited(text.lower())
    bare = _bare(text)
    if others := len(_OTHER_SCRIPT.findall(bare)):
        bare = bare.translate(_SEEN if 4 * len(_HAS_LATIN.findall(bare)) >= others else _FLAT)
    elif _MARKED_LATIN.search(bare):
        bare = bare.translate(_UNMARKED)
    return _undigited(_lower(bare))


def _undigited(text: str) -> str:
    return _DIGITS.sub(_as_letters, text)


def _as_letters(match: "re.Match[str]") -> str:
    """Digits within a word as letters; those of "2h30m" and "b17" stay: they count something."""
    start, text = match.start(), match.string
    if not start or not text[start - 1].isalpha() or text[text.rfind(" ", 0, start) + 1].isdigit():
        return match[0]
    return match[0].translate(_DIGIT_LETTERS)


def disguised(text: str) -> bool:
    """Does a word mix Latin letters with others that imitate them? Nobody types so by chance."""
    return not text.isascii() and _IMITATED.search(text) is not None


def views(text: str) -> Folded:
    """``text`` as it is compared by a query."""
    if text.isascii():
        if "\x1e" in text or MARK in text:
            text = text.translate(_SIGNS)
        folded = parted(text).lower()
        return Folded(folded, folded)
    bare = parted(_bare(text))
    if not _OTHER_SCRIPT.search(bare):
        folded = _lower(bare)
        return Folded(folded, folded)
    if _SCRIPTS_MEET.search(bare):
        bare = _WORD.sub(_as_written, bare)
    native = _lower(bare)
    looks = _ALL_ALIKE.sub(_as_it_looks, bare)
    return Folded(native, native if looks == bare else _lower(looks))
