"""How well questions are found in posts, and those that ask the same put together.

    fireline bench questions        python -m benchmarks questions

On ``benchmarks/questions.txt``: posts of our own, see its head. Finding: precision and recall over posts. Merging: B³
(Bagga & Baldwin 1998), the mean over a crisis's questions, in five orders of arrival each, by whole sentences (the extra
``fireline[meaning]``) and by words, beside merging nothing and merging by half of the words in common. ``last`` is for
reporting alone: whoever tunes looks at the other parts.
"""

import random
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import say  # noqa: E402
from crisis.interrogative import asked  # noqa: E402
from crisis.merging import merged  # noqa: E402
from crisis.paraphrases import wording  # noqa: E402
from crisis.sentences import installed, read_sentences  # noqa: E402

PARTS = ("tune", "val", "held", "check", "last")
NOTHING = "-"
ORDERS = 5
Row = tuple[str, str]
"""What a post asks, and the post."""


def posts() -> dict[str, dict[str, list[Row]]]:
    """The posts of each crisis of each part."""
    found: dict[str, dict[str, list[Row]]] = {}
    rows: list[Row] = []
    for line in (ROOT / "benchmarks" / "questions.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            part, crisis = line.strip("[]").split()
            rows = found.setdefault(part, {}).setdefault(crisis, [])
        elif line and not line.startswith("#"):
            what, _, post = line.partition(" | ")
            rows.append((what, post))
    return found


def finding(crises: dict[str, list[Row]]) -> tuple[float, float, int]:
    """Precision and recall of finding posts that ask something, and of how many posts."""
    rows = [(what != NOTHING, bool(asked(post))) for own in crises.values() for what, post in own]
    right = sum(asks and found for asks, found in rows)
    return right / sum(found for _, found in rows), right / sum(asks for asks, _ in rows), len(rows)


def b3(wanted: Sequence[object], found: Sequence[object]) -> tuple[float, float]:
    """B³ precision and recall of a clustering."""
    by_wanted, by_found = defaultdict(set), defaultdict(set)
    for n, (one, other) in enumerate(zip(wanted, found, strict=True)):
        by_wanted[one].add(n)
        by_found[other].add(n)
    shared = [(len(by_wanted[w] & by_found[f]), by_found[f], by_wanted[w]) for w, f in zip(wanted, found, strict=True)]
    return mean(n / len(f) for n, f, _ in shared), mean(n / len(w) for n, _, w in shared)


def half_of_the_words(texts: Sequence[str]) -> list[int]:
    """What merging by shared words alone would do."""
    heads: list[frozenset[str]] = []
    found = []
    for text in texts:
        words = wording(text).words
        place = next((n for n, head in enumerate(heads) if 2 * len(head & words) >= len(head | words)), len(heads))
        if place == len(heads):
            heads.append(words)
        found.append(place)
    return found


def merging(crises: dict[str, list[Row]], way: Callable[[Sequence[str]], list[int]]) -> tuple[float, float, float]:
    """B³ precision, recall and F1 of one way of merging."""
    scores = []
    for own in crises.values():
        questions = [(what, (asked(post) or [post])[-1]) for what, post in own if what != NOTHING]
        for order in range(ORDERS):
            random.Random(order).shuffle(questions)
            scores.append(b3([what for what, _ in questions], way([text for _, text in questions])))
    precision, recall = mean(p for p, _ in scores), mean(r for _, r in scores)
    return precision, recall, 2 * precision * recall / (precision + recall)


def main() -> None:
    """Print the figures of each part."""
    ways: dict[str, Callable[[Sequence[str]], list[int]]] = {
        "by words": merged,
        "half of the words": half_of_the_words,
        "nothing merged": lambda texts: list(range(len(texts))),
    }
    if installed():
        ways = {"by sentences": lambda texts: merged(texts, read_sentences), **ways}
    say("Questions in posts of our own, invented; nothing was chosen on `last`.")
    for part, crises in posts().items():
        precision, recall, number = finding(crises)
        print(f"\n{part}: {', '.join(crises)}")
        print(f"  found in {number} posts     precision {precision:.2f}  recall {recall:.2f}")
        for name, way in ways.items():
            p, r, f1 = merging(crises, way)
            print(f"  merged: {name:<18} B³ precision {p:.2f}  recall {r:.2f}  F1 {f1:.2f}")


if __name__ == "__main__":
    main()
