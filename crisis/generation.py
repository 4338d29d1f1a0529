"""Originals in the order in which they came, and how those are found that a post may be a changed copy of.

Each original is remembered by its sketch and by its beginning. A post looks all of these keys up and leaves its number under those
that nobody held, in one pass; what the others' holders share most with it is compared with it letter by letter. Then the
post either stays, as an original or a variant of one, or its keys are taken back. What many originals share tells
nothing and is forgotten.
"""

from collections.abc import Sequence
from itertools import pairwise, repeat
from typing import NamedTuple

from crisis.likeness import Compared, long_enough
from crisis.rarity import Stream

Name = str | int
"""What a post is called by whoever asks."""
Key = int | str
Held = int | list[int]
"""Numbers of texts: a single one, which is the usual case, by itself; none of what too many share."""

_SHARED = 16
"""Originals remembered by one key; what more of them share tells nothing and is forgotten."""
_BEGINNING, _LONGER_BEGINNING = 8, 20
"""Letters at the beginning that are remembered as they are: what is left of a text that was cut off begins like it."""
_SHORT = 60
"""Letters below which a text is compared with an original that alone holds one of its keys: few are left of it."""
_VARIANTS = 8
"""Changed copies of an original that are remembered beside it: each author of a brigade changes other words."""
_COMPARED = 4
"""Originals that a post is compared with, those that share most first."""


class Remembered(NamedTuple):
    """A text, as an original or as a variant of one."""

    name: Name
    """The original's."""
    text: str
    """Plain."""
    written: str
    """The beginning of what was posted, for the names in it."""


class Generation:
    """Texts numbered from 1."""

    def __init__(self) -> None:
        self.originals: list[Remembered] = []
        self.stream = Stream()
        self.by_text: dict[str, int] = {}
        self._said_by: dict[Name, list[int]] = {}
        """Numbers of the texts under one name: the original's, then those of its variants."""
        self._by_key: dict[Key, Held] = {}

    def __getitem__(self, number: int) -> Remembered:
        return self.originals[number - 1]

    def add(self, original: Remembered, drawn: Sequence[int]) -> None:
        """Remember a text whose sketch is ``drawn``, whatever it may copy."""
        keys = _keys(original.text, drawn)
        self._stay(original, keys, self._look(keys))

    def take(self, post: Compared, original: Remembered, drawn: Sequence[int], older: "Generation") -> Remembered | None:
        """The text that ``post`` is a changed copy of, here or else in the ``older`` one; None if it is nobody's.

        Then it stays as ``original``. If it copies a text here it may stay as a variant of that; not of a variant, lest texts
        drift away from the original.
        """
        keys = _keys(original.text, drawn)
        held, free = self._look(keys), len(self.originals) + 1
        number = self._copied(post, held, free)
        if number is None:
            found = older.find(post, keys)
            if found is None:
                self._stay(original, keys, held)
                return None
        else:
            found = self.originals[number - 1]
            said_by = self._said_by[found.name]
            if long_enough(post.text) and said_by[0] == number and len(said_by) <= _VARIANTS:
                self._stay(original._replace(name=found.name), keys, held)
                return found
        for key, holder in zip(keys, held, strict=True):
            if holder == free:
                self._by_key.pop(key, None)
        return found

    def find(self, post: Compared, keys: Sequence[Key]) -> Remembered | None:
        """The text that ``post`` is a changed copy of."""
        if not self.originals:
            return None
        number = self._copied(post, [*map(self._by_key.get, keys, repeat(0))], 0)
        return None if number is None else self.originals[number - 1]

    def _look(self, keys: Sequence[Key]) -> list[Held]:
        """Who held each of the keys; those that nobody held are the next number's."""
        return [*map(self._by_key.setdefault, keys, repeat(len(self.originals) + 1))]

    def _stay(self, original: Remembered, keys: Sequence[Key], held: Sequence[Held]) -> None:
        self.originals.append(original)
        number = self.by_text[original.text] = len(self.originals)
        said_by = self._said_by.setdefault(original.name, [])
        said_by.append(number)
        if len(said_by) == 1:
            self.stream.meet(original.text)
        for key, holder in zip(keys, held, strict=True):
            if holder == number:
                continue
            if isinstance(holder, int):
                self._by_key[key] = [holder, number]
            elif holder:
                holder.append(number)
                if len(holder) > _SHARED:
                    holder.clear()

    def _copied(self, post: Compared, held: Sequence[Held], nobody: int) -> int | None:
        """The number of the text that ``post`` is a changed copy of, by who holds its keys; ``nobody`` holds the others."""
        if not held:
            return None
        begins = held[0]
        if begins and begins != nobody:
            begun = begins if isinstance(begins, list) else [begins]
            only = post.cut_from([self.originals[number - 1].text for number in begun])
            if only is not None:
                return begun[only]
        alone = 2 if len(post.text) < _SHORT else 1
        shared: list[int] = []
        for holder in (*held, *held[:2]):
            if isinstance(holder, list):
                shared += holder
            elif holder != nobody:
                shared += (holder,) * alone
        if len(set(shared)) == len(shared):
            return None
        shared.sort()
        times: dict[int, int] = {}
        for one, next_one in pairwise(shared):
            if one == next_one:
                times[one] = times.get(one, 0) + 1
        likely = sorted(times, key=times.__getitem__, reverse=True)[:_COMPARED] if len(times) > 1 else times
        for number in likely:
            original = self.originals[number - 1]
            if post.copies(original.text, original.written):
                return number
        return None


def _keys(text: str, drawn: Sequence[int]) -> list[Key]:
    return [text[:_BEGINNING], text[:_LONGER_BEGINNING], *drawn] if drawn else []
