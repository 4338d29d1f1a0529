"""Sliding counts of one watch over the last hour, in slices of ten seconds.

``Windows`` counts unique authors and distinct texts, not posts: an author or a text that is seen again moves to its
last sighting instead of counting twice, and an author who only repeats others' words is counted apart (``COPYING``).
Memory is bounded: from ``KEEP`` authors or texts in an hour on, only those whose hash falls into a sample are kept
and each stands for 2, 4, 8 … (distinct sampling, Gibbons 2001), which is exact below that and within about 1 % above.
Nothing here reads a clock. ``dump`` and ``load`` restore it exactly.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

SLICE = 10
"""Seconds in a slice. Slice ``n`` holds the posts of (10 n, 10 n + 10] seconds since the epoch."""
SPAN = 360
"""Slices in the longest window: one hour."""
WINDOWS = (60, 300, 900, 3600)
"""Lengths of the windows, in seconds."""
KEEP = 200_000
"""Authors, and texts, of one hour kept one by one."""
NAMES = 24
"""Networks, and languages, told apart; further ones count as ``other``."""

# Posts by row: all, copies, audience; authors by row: all with words of their own, those who only copy, and of the former
# those whose latest text could be read, is negative, is angry; texts by row: distinct, those that cannot be read.
MENTIONS, COPIES, REACH, AUTHORS, COPYING, TEXTS, UNREAD, READ, NEGATIVE, ANGRY = range(10)
_FIRST_NAMED = 10
_COLUMNS = 4 * SPAN
_STARTS = [0, *(SPAN - seconds // SLICE for seconds in WINDOWS[-2::-1])]

Counts = npt.NDArray[np.int64]


class Sighting(NamedTuple):
    """One post, reduced to what is counted."""

    slice: int
    moment: float
    """When it was posted, seconds since the epoch."""
    author: int
    text: int
    copy: bool
    """It says of itself that it repeats another post, or is long enough for an equal text to be a copy."""
    repost: bool
    read: bool
    negative: bool
    angry: bool
    source: str
    language: str
    reach: int
    weight: int
    """Posts it stands for: itself, and the reposts the source reports."""


class _Seen:
    """Keys with their last sighting, each in one or more rows of the counts; a sample of them when there are many."""

    def __init__(self) -> None:
        self.last: dict[int, tuple[int, ...]] = {}
        self.level = 0

    def admits(self, key: int) -> bool:
        return not key & ((1 << self.level) - 1)


class Windows:
    """Counts of one watch. ``now`` is the newest slice."""

    def __init__(self, now: int) -> None:
        self.now = now
        self._column = SPAN - 1
        self._counts: Counts = np.zeros((_FIRST_NAMED + 8, _COLUMNS), dtype=np.int64)
        self._rows: dict[str, int] = {}
        self._authors, self._copying, self._texts = _Seen(), _Seen(), _Seen()

    def advance(self, now: int) -> None:
        """Move on to slice ``now``; going back is no move."""
        gap = now - self.now
        if gap <= 0:
            return
        if gap >= SPAN:
            self._counts[:] = 0
            self._column = SPAN - 1
        elif self._column + gap >= _COLUMNS:
            kept = self._counts[:, self._column - SPAN + 1 : self._column + 1].copy()
            self._counts[:] = 0
            self._counts[:, :SPAN] = kept
            self._column = SPAN - 1 + gap
        else:
            self._column += gap
        self.now = now
        for seen in (self._authors, self._copying, self._texts):
            self._forget(seen)

    def _forget(self, seen: _Seen) -> None:
        oldest = self.now - SPAN
        while seen.last:
            key = next(iter(seen.last))
            if seen.last[key][0] > oldest:
                break
            del seen.last[key]
        if seen.level and len(seen.last) < KEEP // 256:
            seen.level -= 1

    def _row(self, kind: str, name: str) -> int:
        label = f"{kind}:{name[:40]}"
        row = self._rows.get(label)
        if row is None:
            if sum(known.startswith(kind) for known in self._rows) >= NAMES and name != "other":
                return self._row(kind, "other")
            row = self._rows[label] = _FIRST_NAMED + len(self._rows)
            if row >= len(self._counts):
                self._counts = np.concatenate([self._counts, np.zeros((8, _COLUMNS), dtype=np.int64)])
        return row

    def _see(self, seen: _Seen, key: int, at: int, rows: tuple[int, ...], *, renew: bool = False) -> bool:
        """Count ``key`` in ``rows`` at slice ``at``; true when it was seen before in this hour.

        A key that was counted keeps its rows, unless they are to be renewed.
        """
        before = seen.last.get(key)
        column = self._column - self.now
        if before is not None and before[0] > self.now - SPAN:
            if before[0] > at or (before[0] == at and not renew):
                return True
            for row in before[1:]:
                self._counts[row, column + before[0]] -= 1 << seen.level
            rows = rows if renew else before[1:]
        if before is not None:
            del seen.last[key]
        seen.last[key] = (at, *rows)
        for row in rows:
            self._counts[row, column + at] += 1 << seen.level
        if len(seen.last) > KEEP:
            self._thin(seen)
        return before is not None

    def _thin(self, seen: _Seen) -> None:
        column = self._column - self.now
        affected = {row for entry in seen.last.values() for row in entry[1:]}
        for row in affected:
            self._counts[row] = 0
        seen.level += 1
        seen.last = {key: entry for key, entry in seen.last.items() if seen.admits(key)}
        for entry in seen.last.values():
            if entry[0] > self.now - SPAN:
                for row in entry[1:]:
                    self._counts[row, column + entry[0]] += 1 << seen.level

    def knows(self, text: int) -> bool:
        """Was a text seen within the hour, or is it outside the sample, so that it need not be read?"""
        return text in self._texts.last or not self._texts.admits(text)

    def add(self, post: Sighting) -> None:
        """Count one post. A post older than the hour is left out."""
        if post.slice <= self.now - SPAN:
            return
        at = min(post.slice, self.now)
        column = self._column - self.now + at
        counts = self._counts
        counts[MENTIONS, column] += post.weight
        counts[REACH, column] += post.reach
        copied = post.repost
        if self._texts.admits(post.text):
            labels: tuple[int, ...] = (
                TEXTS,
                self._row("source", post.source),
                self._row("language", post.language or "unknown"),
            )
            again = self._see(self._texts, post.text, at, labels if post.read else (*labels, UNREAD))
            copied = copied or (again and post.copy)
        counts[COPIES, column] += post.weight - (not copied)
        if not copied:
            if self._authors.admits(post.author):
                moods = ((READ, post.read), (NEGATIVE, post.negative), (ANGRY, post.angry))
                rows = (AUTHORS, *(row for row, holds in moods if holds))
                self._see(self._authors, post.author, at, rows, renew=post.read)
        elif self._copying.admits(post.author) and post.author not in self._authors.last:
            self._see(self._copying, post.author, at, (COPYING,))

    def totals(self) -> Counts:
        """Counts by row and window: shape (rows, 4), shortest window first."""
        live = self._counts[:, self._column - SPAN + 1 : self._column + 1]
        parts = np.add.reduceat(live, _STARTS, axis=1)
        return np.cumsum(parts[:, ::-1], axis=1)

    def lately(self, slices: int) -> Counts:
        """Counts by row of the last so many slices, at most an hour: shape (rows,)."""
        lately: Counts = self._counts[:, self._column - slices + 1 : self._column + 1].sum(axis=1)
        return lately

    def named(self, kind: str, totals: Counts, window: int) -> dict[str, int]:
        """Distinct texts by ``source`` or ``language`` in one of the windows of ``totals``."""
        return {
            label.partition(":")[2]: int(totals[row, window])
            for label, row in self._rows.items()
            if label.startswith(kind + ":") and totals[row, window]
        }

    def broke(self, at: float) -> float:
        """The time, seconds since the epoch, at which the rate of posts of the last hour changed most.

        The split into two Poisson rates with the greatest likelihood, by minute; the first slice with a post after it.
        """
        posts = self._counts[MENTIONS, self._column - SPAN + 1 : self._column + 1]
        before = np.concatenate([[0], np.cumsum(posts)])
        cuts = np.arange(0, SPAN, 6)
        early, late = before[cuts].astype(float), float(before[-1]) - before[cuts]
        early_rate = early / np.maximum(cuts, 1)
        late_rate = late / (SPAN - cuts)
        gain = early * np.log(np.maximum(early_rate, 1e-9)) + late * np.log(np.maximum(late_rate, 1e-9))
        gain[late_rate <= early_rate] = -np.inf
        cut = int(cuts[int(np.argmax(gain))]) if np.isfinite(gain).any() else 0
        after = np.flatnonzero(posts[cut:])
        start = self.now - SPAN + 1 + cut + (int(after[0]) if after.size else 0)
        return min(at, float(start * SLICE))

    def dump(self) -> dict[str, Any]:
        """Everything, as plain JSON values."""
        live = self._counts[:, self._column - SPAN + 1 : self._column + 1]
        where = np.argwhere(live)
        return {
            "now": self.now,
            "rows": self._rows,
            "counts": [[int(r), int(c), int(live[r, c])] for r, c in where],
            "seen": [
                [seen.level, [[k, *v] for k, v in seen.last.items()]]
                for seen in (self._authors, self._copying, self._texts)
            ],
        }

    @classmethod
    def load(cls, state: dict[str, Any]) -> "Windows":
        """The windows that ``dump`` described."""
        new = cls(state["now"])
        new._rows = dict(state["rows"])
        height = max(len(new._counts), _FIRST_NAMED + len(new._rows))
        new._counts = np.zeros((height, _COLUMNS), dtype=np.int64)
        for row, column, value in state["counts"]:
            new._counts[row, column] = value
        for seen, (level, entries) in zip((new._authors, new._copying, new._texts), state["seen"], strict=True):
            seen.level = level
            seen.last = {entry[0]: tuple(entry[1:]) for entry in entries}
        return new
