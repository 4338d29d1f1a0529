"""How many promises ``crisis.promising`` finds in sentences it was not tuned on, and how often it is right about the time.

The sentences (``benchmarks/promises.txt``) are our own. Those marked ``tuned`` shaped the rules and measure nothing; those
marked ``unseen`` were written afterwards, by the same hand, and measured without changing anything for them: no independent
sample, and kinder than statements of strangers would be. What is missed is why the editor lets an author add a promise.
"""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from crisis.promising import FoundPromise, find_promises

NOW = datetime(2026, 11, 26, 14, 20, tzinfo=UTC)
FILE = Path(__file__).with_name("promises.txt")


def cases(which: str = "unseen") -> list[tuple[str, str, str, str]]:
    """(language, kind or ``-``, due or ``?``, sentence) of each line of one set."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    rows = [line.split("|", 4) for line in lines if line and not line.startswith("#")]
    return [(language, kind, due, text) for found, language, kind, due, text in rows if found == which]


def main(words: tuple[str, ...] = ()) -> None:
    """Print precision, recall and times by language; with ``--wrong``, each sentence that was taken wrongly.

    ``--tuned``: of the sentences that the rules were made on, which is no result.
    """
    tally: dict[str, Counter[str]] = {}
    for language, kind, due, text in cases("tuned" if "--tuned" in words else "unseen"):
        found = find_promises(text, language, NOW)
        for name in (language, "all"):
            tally.setdefault(name, Counter()).update(_judged(kind, due, found))
        if "--wrong" in words and (bool(found) != (kind != "-")):
            print(f"{language}  {'missed' if not found else 'no promise'}: {text}")
    for name, counts in tally.items():
        print(_line(name, counts))
    print("Our own sentences, written by the hand that wrote the rules: an upper bound, not a sample of the world.")


def _judged(kind: str, due: str, found: tuple[FoundPromise, ...]) -> Counter[str]:
    is_one = kind != "-"
    counts = Counter(sentences=1, promises=int(is_one), found=int(bool(found)), right=int(is_one and bool(found)))
    if is_one and found:
        counts["kind"] = int(any(one.kind.value == kind for one in found))
        told = {"?" if one.when.due_at is None else f"{one.when.due_at:%Y-%m-%d %H:%M}" for one in found}
        counts["time"] = int(due in told)
        counts["made up"] = int(due == "?" and told != {"?"})
    return counts


def _line(name: str, counts: Counter[str]) -> str:
    precision = counts["right"] / max(1, counts["found"])
    recall = counts["right"] / max(1, counts["promises"])
    return (
        f"{name:<4} {counts['sentences']:>4} sentences, {counts['promises']:>3} promises: precision {precision:.2f}, "
        f"recall {recall:.2f}; of those found: kind right {counts['kind']}/{counts['right']}, "
        f"time right (or rightly asked) {counts['time']}/{counts['right']}, time made up {counts['made up']}"
    )
