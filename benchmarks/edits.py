"""Edits that people make to a text before they post it as their own, seeded: for the benchmark of copies.

The alphabets are written down here apart from the product's own table, so that it is not judged by itself.
"""

import random
from collections.abc import Callable, Sequence

_CYRILLIC = dict(zip("aceopxyisjhABCEHKMOPTXY", "асеорхуіѕјһАВСЕНКМОРТХУ", strict=True))
_GREEK = dict(zip("aovniupABEZHIKMNOPTYX", "αονηιυρΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", strict=True))
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

Edit = Callable[[str, random.Random, Sequence[str]], str]


def words(count: int) -> Edit:
    """``count`` words replaced (three in five), left out or put in (one in five each)."""

    def edit(text: str, dice: random.Random, vocabulary: Sequence[str]) -> str:
        found = text.split()
        for _ in range(count):
            chance, at = dice.random(), dice.randrange(max(1, len(found)))
            if chance < 0.6 and found:
                found[at] = dice.choice(vocabulary)
            elif chance < 0.8 and len(found) > 1:
                del found[at]
            else:
                found.insert(at, dice.choice(vocabulary))
        return " ".join(found)

    return edit


def three_replaced(text: str, dice: random.Random, vocabulary: Sequence[str]) -> str:
    """Three different words replaced."""
    found = text.split()
    for at in dice.sample(range(len(found)), min(3, len(found))):
        found[at] = dice.choice(vocabulary)
    return " ".join(found)


def typos(text: str, dice: random.Random, vocabulary: Sequence[str]) -> str:
    """One sign in twenty: another one, left out, one put in, or two swapped."""
    found, at = [], 0
    while at < len(text):
        if dice.random() < 0.05:
            kind = dice.randrange(4)
            if kind in (0, 2):
                found.append(dice.choice(_LETTERS))
            if kind == 2:
                found.append(text[at])
            if kind == 3:
                found.extend(reversed(text[at : at + 2]))
                at += 1
        else:
            found.append(text[at])
        at += 1
    return "".join(found)


def lookalikes(share: float) -> Edit:
    """That share of the letters that have a Cyrillic or Greek lookalike."""

    def edit(text: str, dice: random.Random, vocabulary: Sequence[str]) -> str:
        def turned(sign: str) -> str:
            forms = [alphabet[sign] for alphabet in (_CYRILLIC, _GREEK) if sign in alphabet]
            return dice.choice(forms) if forms and dice.random() < share else sign

        return "".join(map(turned, text))

    return edit


def cut(least: float, most: float) -> Edit:
    """Cut off somewhere between the two shares of its length, in two of three cases with an ellipsis."""

    def edit(text: str, dice: random.Random, vocabulary: Sequence[str]) -> str:
        return text[: int(len(text) * dice.uniform(least, most))].rstrip() + dice.choice(["", "…", "..."])

    return edit


EDITS: dict[str, Edit] = {
    "none, reposted": lambda text, dice, vocabulary: f"RT @somebody: {text} https://example.org/a",
    "one word": words(1),
    "three words": words(3),
    "three words replaced": three_replaced,
    "typing errors, 5 %": typos,
    "lookalikes, 3 in 10": lookalikes(0.3),
    "lookalikes, all": lookalikes(1.0),
    "cut to 60-90 %": cut(0.6, 0.9),
    "cut to 40-60 %": cut(0.4, 0.6),
}
