"""How well and how fast posts are read: VADER, the small model, and the sentence model where the extra is installed.

    fireline bench sentiment                                   needs ../shared/data, or
    python benchmarks/sentiment.py --data FOLDER [--part test]

``FOLDER`` is TweetEval's ``sentiment`` folder, or any folder with ``<part>_text.txt`` and ``<part>_labels.txt``, or the
data folder that holds ``tweeteval`` and ``airline``. Without ``test_text.txt`` it takes ``val``, and says that this is no
result: thresholds and temperatures were chosen there. Intervals are 95 %, posts drawn again 1,000 times (seeded).
The airlines at hand were learned from; how an airline fares that was not, is told by the calibration commands with it
left out of the training (docs/understanding.md). Speed is processor time on one core, all models
on the same posts in one run, each post different; Obsei's pipeline beside them where ``--obsei`` names a Python that has it
(docs/understanding.md tells how).
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import say
from benchmarks.judging import interval, macro_f1, macro_recall
from benchmarks.tweets import Labelled, airlines, tweets
from crisis import lexicon, meaning, reading
from crisis.copies import CopyFinder
from crisis.reading import HOSTILE_FROM, SENTIMENTS, Reading, read_many
from crisis.small import SmallModel
from crisis.understanding import Post, understand

ROOT = Path(__file__).parents[1]
Reader = Callable[[Sequence[str]], list[tuple[int, float]]]


def by_vader(texts: Sequence[str]) -> list[tuple[int, float]]:
    """VADER as published: classes by its compound at ±0.05."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    scores = [analyzer.polarity_scores(text)["compound"] for text in texts]
    return [(0 if score <= -0.05 else 2 if score >= 0.05 else 1, 1.0 if score <= -0.05 else 0.0) for score in scores]


def by_fallback(texts: Sequence[str]) -> list[tuple[int, float]]:
    """VADER with words of complaint, as it stands in when the small model is missing."""
    judged = lexicon.judge(texts)
    return list(zip(judged.sentiment.argmax(axis=1).tolist(), judged.negative.tolist(), strict=True))


def _told(found: list[Reading]) -> list[tuple[int, float]]:
    return [(SENTIMENTS.index(one.sentiment), one.negative) for one in found]


def by_small(texts: Sequence[str]) -> list[tuple[int, float]]:
    """The small model as ``fireline understand`` uses it: language first, other languages neutral."""
    return _told(read_many(texts, model="small"))


def by_meaning(texts: Sequence[str]) -> list[tuple[int, float]]:
    """The sentence model and the small one together, in the same way."""
    return _told(read_many(texts, model="meaning"))


def readers() -> dict[str, Reader]:
    """What can be judged here."""
    found: dict[str, Reader] = {"VADER": by_vader, "VADER, complaints": by_fallback, "small": by_small}
    if meaning.installed():
        found["meaning"] = by_meaning
    return found


def judge(title: str, posts: Labelled, measure: Callable[..., float], name: str) -> None:
    """One table: each reader on ``posts``."""
    print(f"\n{title}: {len(posts.texts):,} posts")
    print(f"{'':18}{name:>22}{'wrongly negative':>23}{'found negative':>16}")
    true = np.array(posts.labels)
    for reader, reads in readers().items():
        both = reads(posts.texts)
        said: NDArray[np.intp] = np.array([kind for kind, _ in both])
        hostile: NDArray[np.intp] = np.array([0 if share >= HOSTILE_FROM else 1 for _, share in both])
        columns = [_with(measure, said, posts.labels), _with(_false_alarms, hostile, posts.labels)]
        print(f"{reader:18}{columns[0]:>22}{columns[1]:>23}{np.mean(hostile[true == 0] == 0):>16.3f}")


def _false_alarms(said: NDArray[np.intp], true: NDArray[np.intp]) -> float:
    rest = true != 0
    return float((said[rest] == 0).mean()) if rest.any() else 0.0


def _with(measure: Callable[..., float], said: NDArray[np.intp], true: list[int]) -> str:
    low, high = interval(measure, said, true)
    return f"{measure(said, np.array(true)):.3f} ({low:.3f}-{high:.3f})"


def speed(texts: Sequence[str], distinct: Sequence[str], obsei: str = "") -> None:
    """Posts a second and core of each reader, median of three; near copies are looked for among ``distinct`` ones.

    ``obsei``: a Python that has Obsei; empty: without it.
    """
    say("\nposts a second and core (median of 3; processor time; small and meaning with language and all outputs)")
    for reader, reads in readers().items():
        some = texts[:1_000] if reader == "meaning" else texts[: 4_000 if "VADER" in reader else 20_000]
        reads(some[:50])
        taken = []
        for _ in range(3):
            reading._remembered.clear()
            begin = time.process_time()
            reads(some)
            taken.append(time.process_time() - begin)
        print(f"{reader:20}{len(some) / sorted(taken)[1]:>12,.0f}")
    if obsei:
        print(f"{'Obsei (VADER)':20}{_obsei(obsei, texts[:4_000]):>12,.0f}   decoded and judged")
    _all_of_it(distinct)
    model, begin = SmallModel(), time.process_time()
    for at in range(0, len(texts), 512):
        model.judge(texts[at : at + 512])
    print(f"{'small, model alone':20}{len(texts) / (time.process_time() - begin):>12,.0f}")


def _obsei(python: str, texts: Sequence[str]) -> float:
    """Posts a second of Obsei's pipeline (``benchmarks/obsei_side.py``), in a process of its own Python."""
    posts = "\n".join(json.dumps({"text": text}) for text in texts)
    asked = [python, str(ROOT / "benchmarks/obsei_side.py")]
    done = subprocess.run(asked, input=posts, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        print(f"{python} cannot run Obsei: {last}", file=sys.stderr)
        raise SystemExit(2)
    return float(done.stdout.split()[-1])


def _all_of_it(distinct: Sequence[str]) -> None:
    """Posts a second from the line to all that is understood of it, beside decoding alone; median of three, in turn."""
    import orjson

    lines = [orjson.dumps({"id": str(number), "text": text}) for number, text in enumerate(distinct)]
    whole, decoded = [], []
    for _ in range(3):
        reading._remembered.clear()
        copies = CopyFinder()
        begin = time.process_time()
        for at in range(0, len(lines), 512):
            understand([Post(**orjson.loads(line)) for line in lines[at : at + 512]], copies)
        whole.append(time.process_time() - begin)
        begin = time.process_time()
        for line in lines:
            orjson.loads(line)
        decoded.append(time.process_time() - begin)
    rate, alone = (len(lines) / sorted(took)[1] for took in (whole, decoded))
    print(f"{'small, all of it':20}{rate:>12,.0f}   decoded, with kind of crisis and copies, of distinct posts")
    print(f"{'orjson, alone':20}{alone:>12,.0f}   decoding the same posts, in turn with it")


def main(words: Sequence[str] = ()) -> None:
    """Print the tables; ``words`` are the command's arguments."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--data", type=Path, default=ROOT / "../shared/data")
    arguments.add_argument("--part", default="", help="test, val or train; default: test where there is one, else val")
    arguments.add_argument("--obsei", default="", help="a Python that has obsei 0.0.15: its speed beside ours")
    given = arguments.parse_args(list(words))
    folder = given.data / "tweeteval/sentiment" if (given.data / "tweeteval").exists() else given.data
    part = given.part or ("test" if (folder / "test_text.txt").exists() else "val")
    posts = tweets(folder, part)
    if part != "test":
        say(f"{part} was used for training or choosing: a check that all is well, not a result")
    judge(f"tweets, {part}", posts, macro_recall, "macro recall")
    flights = airlines(given.data / "airline")
    if flights:
        print("\nBoth models have learned from these airlines, VADER has not. Not a result.")
    for name, held in flights.items():
        judge(name, held, macro_f1, "macro F1")
    several = (posts.texts * (20_000 // len(posts.texts) + 1))[:20_000]
    every = tweets(folder, "train").texts if (folder / "train_text.txt").exists() else posts.texts
    speed([f"{text} {number}" for number, text in enumerate(several)], list(dict.fromkeys(every))[:20_000], given.obsei)


if __name__ == "__main__":
    main(sys.argv[1:])
