"""Choose the temperatures and the threshold of the small model; writes them into its file.

    python -m benchmarks.calibrate_small --data ../shared/data --model crisis/models/small.npz \\
        --unseen united small-united.npz --unseen us_airways small-us_airways.npz

Chosen on TweetEval's ``val`` and the one tweet in twenty that training left out. ``--unseen`` names an airline and the
model that was trained without it: the false alarms there bound the threshold too.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.calibration import platt, temperature
from benchmarks.judging import macro_f1, macro_recall, wrongly_negative
from benchmarks.tweets import Labelled, airlines, hold_out, tweets
from crisis.grams import grams
from crisis.small import Floats, Judgement, SmallModel, calibrated


def judged(model: SmallModel, texts: Sequence[str]) -> Judgement:
    """The model's judgement of many texts."""
    parts = [model.judge(texts[at : at + 512]) for at in range(0, len(texts), 512)]
    return Judgement(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def ordered(scores: Floats, columns: list[int]) -> Floats:
    """The scores of one task, a column a class."""
    chosen, none = scores[:, columns], np.zeros((len(scores), 1), np.float32)
    return np.hstack({2: (chosen[:, :1], none, chosen[:, 1:]), 1: (none, chosen), 3: (chosen, none)}[len(columns)])


def scored(model: SmallModel, texts: Sequence[str]) -> Floats:
    """Six scores a post."""
    return np.vstack([model.scores(grams(texts[at : at + 512])) for at in range(0, len(texts), 512)])


def chosen_on(data: Path, seed: int) -> dict[str, Labelled]:
    """The tweets that nothing is learned from."""
    folder = data / "tweeteval/sentiment"
    return {"val": tweets(folder, "val"), "held out": hold_out(tweets(folder, "train"), 0.05, seed)[1]}


def settle(out: Path, data: Path, seed: int, elsewhere: Sequence[tuple[Floats, list[int]]] = ()) -> None:
    """Write temperatures, and the line that ``negative`` is read from (see ``platt``)."""
    parts = chosen_on(data, seed).values()
    check = Labelled([text for part in parts for text in part.texts], [kind for part in parts for kind in part.labels])
    with np.load(out) as file:
        kept = {name: file[name] for name in file.files}
    kept["heat"], kept["negative"] = np.ones(6, np.float32), np.array([1.0, 0.0], np.float32)
    np.savez_compressed(out, allow_pickle=False, **kept)
    model = SmallModel(out)
    for columns, part in (
        ([0, 1], check),
        ([2], tweets(data / "tweeteval/offensive", "val")),
        ([3, 4, 5], tweets(data / "tweeteval/emotion", "val")),
    ):
        kept["heat"][columns] = temperature(ordered(scored(model, part.texts), columns), part.labels)
    np.savez_compressed(out, allow_pickle=False, **kept)
    kept["negative"] = np.array(
        platt(judged(SmallModel(out), check.texts).sentiment, check.labels, elsewhere), np.float32
    )
    np.savez_compressed(out, allow_pickle=False, **kept)
    print(f"{out}: {out.stat().st_size:,} bytes, temperatures {kept['heat'].round(2).tolist()}")


def stand(name: str, sentiment: Floats, negative: Floats, labels: list[int]) -> None:
    """Say how good the labels and the threshold are."""
    said, hostile = sentiment.argmax(axis=1), np.where(negative >= 0.5, 0, 1)
    right = float((hostile[np.array(labels) == 0] == 0).mean())
    told = f"macro recall {macro_recall(said, labels):.4f}, macro F1 {macro_f1(said, labels):.4f}"
    print(
        f"{name}: {told}; from 0.5 wrong on {wrongly_negative(hostile, labels):.3f}, right on {right:.3f}", flush=True
    )


def main() -> None:
    """Choose and write."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--model", type=Path, required=True)
    arguments.add_argument("--unseen", nargs=2, action="append", default=[], metavar=("AIRLINE", "MODEL"))
    arguments.add_argument("--seed", type=int, default=3)
    given = arguments.parse_args()
    flights = airlines(given.data / "airline")
    unseen = [(name, judged(SmallModel(Path(path)), flights[name].texts)) for name, path in given.unseen]
    settle(given.model, given.data, given.seed, [(found.sentiment, flights[name].labels) for name, found in unseen])
    model = SmallModel(given.model)
    for name, part in chosen_on(given.data, given.seed).items():
        found = judged(model, part.texts)
        stand(name, found.sentiment, found.negative, part.labels)
    with np.load(given.model) as file:
        slope, shift = (float(value) for value in file["negative"])
    for name, found in unseen:
        negative = calibrated(found.sentiment, slope, shift)
        stand(f"{name}, never seen", found.sentiment, negative, flights[name].labels)


if __name__ == "__main__":
    main()
