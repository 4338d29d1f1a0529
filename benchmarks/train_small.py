"""Train the small model: ``crisis/models/small.npz``.

    python -m benchmarks.train_small --data ../shared/data --out crisis/models/small.npz

Needs SciPy, which Fireline does not. Sentiment is learned from TweetEval's tweets and, at a tenth of the weight, the
airlines'; emotion and offence from TweetEval's own sets. Every class of a source counts the same. VADER's lexicon
comes in as four columns (good and bad words, plain and negated). One tweet in twenty (seeded) and ``val`` are never
learned from: they choose the temperature and the threshold. ``--folds`` also tells how an airline fares that was left
out.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize

from benchmarks.calibration import balance, platt, temperature
from benchmarks.judging import macro_f1, macro_recall, wrongly_negative
from benchmarks.tweets import Labelled, airlines, hold_out, tweets
from crisis.grams import BITS, Places, grams, turned_hash, word_hash
from crisis.small import SmallModel

SIZE = 1 << BITS
STRENGTH = {"sentiment": 3e-5, "emotion": 1e-4, "offensive": 3e-5}
"""Weight of the squared weights, chosen on ``val``."""
AIRLINES = 0.1
"""Share of the airlines' tweets in what sentiment is learned from."""
Row = NDArray[np.float64]


class Fitted(NamedTuple):
    """Weights of pieces and lexicon columns, a bias each, and the raw vector to go on from."""

    weights: NDArray[np.float32]
    bias: Row
    raw: Row


def lexicon() -> dict[int, tuple[int, float]]:
    """Hash of each word that VADER knows (plain and negated) → column and strength."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    found: dict[int, tuple[int, float]] = {}
    for word, strength in SentimentIntensityAnalyzer().lexicon.items():
        column = 0 if strength > 0 else 1
        found.setdefault(word_hash(word), (column, abs(strength) / 4))
        found.setdefault(turned_hash(word), (column + 2, abs(strength) / 4))
    return found


def matrix(texts: list[str], words: dict[int, tuple[int, float]]) -> sparse.csr_matrix:
    """One row a post: spelling, words, then the four columns of the lexicon."""
    known = np.array(sorted(words), np.uint64)
    columns = np.array([words[int(key)][0] for key in known])
    strengths = np.array([words[int(key)][1] for key in known], np.float32)
    rows: list[Places] = []
    places: list[Places] = []
    values: list[NDArray[np.float32]] = []
    for at in range(0, len(texts), 512):
        seen = grams(texts[at : at + 512])
        size = len(seen.first) - 1
        for blocks, offset in ((seen.spelling, 0), (seen.words, SIZE)):
            count = sum(np.maximum(last - first, 0) for _, first, last in blocks)
            share = (1 / np.sqrt(np.maximum(count, 1))).astype(np.float32)
            for held, first, last in blocks:
                many = np.maximum(last - first, 0)
                row = np.repeat(np.arange(size), many)
                place = np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many) + np.repeat(first, many)
                rows.append(row + at)
                places.append(held[place] + offset)
                values.append(share[row])
        owner = np.repeat(np.arange(size), np.diff(seen.first))
        near = np.minimum(np.searchsorted(known, seen.senses), len(known) - 1)
        hit = known[near] == seen.senses
        rows.append(owner[hit] + at)
        places.append(columns[near[hit]] + 2 * SIZE)
        values.append(strengths[near[hit]] * share[owner[hit]])
    held_in = (np.concatenate(values), (np.concatenate(rows).astype(np.int32), np.concatenate(places).astype(np.int32)))
    return sparse.csr_matrix(held_in, shape=(len(texts), 2 * SIZE + 4))


def fit(
    posts: sparse.csr_matrix, labels: list[int], weight: Row, strength: float, begin: Row | None = None, steps: int = 45
) -> Fitted:
    """Multinomial logistic regression with L-BFGS."""
    size, classes = posts.shape[1], max(labels) + 1
    true, turned = np.eye(classes)[labels], posts.T.tocsr()
    toll = np.full((size, 1), strength, np.float32)
    toll[-4:] = strength / 100

    def loss(raw: Row) -> tuple[float, Row]:
        weights = raw[: size * classes].reshape(size, classes).astype(np.float32)
        scores = posts @ weights + raw[size * classes :]
        scores -= scores.max(axis=1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        slope = ((np.exp(logs) - true) * weight[:, None]).astype(np.float32)
        value = -float((weight[:, None] * true * logs).sum()) + 0.5 * float((toll * weights * weights).sum())
        return value, np.concatenate([(turned @ slope + toll * weights).ravel().astype(float), slope.sum(axis=0)])

    start = np.zeros(size * classes + classes) if begin is None else begin
    raw = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": steps, "maxcor": 6}).x
    return Fitted(raw[: size * classes].reshape(size, classes).astype(np.float32), raw[size * classes :], raw)


def squeeze(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Signed roots as bytes, and what one of their squares is worth in each column."""
    scale = np.maximum(np.abs(table).max(axis=0) / 127**2, 1e-12)
    roots = np.round(np.sqrt(np.abs(table) / scale)) * np.sign(table)
    return roots.astype(np.int8), scale.astype(np.float32)


def mixed(sources: list[tuple[sparse.csr_matrix, list[int], float]]) -> tuple[sparse.csr_matrix, list[int], Row]:
    """Several sources as one, each balanced in itself and counting by its share."""
    weight = np.concatenate([share * balance(labels) for _, labels, share in sources])
    labels = [label for _, held, _ in sources for label in held]
    return sparse.vstack([posts for posts, *_ in sources]).tocsr(), labels, weight / weight.sum()


def main() -> None:
    """Train, say how it stands on what was held out, and write the file."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=3)
    arguments.add_argument("--folds", action="store_true", help="judge each airline on a model that never saw it")
    given = arguments.parse_args()
    folder, words, started = given.data / "tweeteval", lexicon(), time.time()

    def say(text: str) -> None:
        print(f"{time.time() - started:5.0f} s  {text}", flush=True)

    learned, held = hold_out(tweets(folder / "sentiment", "train"), 0.05, given.seed)
    val = tweets(folder / "sentiment", "val")
    posts, held_posts, val_posts = (matrix(part.texts, words) for part in (learned, held, val))
    flights = {name: (matrix(part.texts, words), part) for name, part in airlines(given.data / "airline").items()}

    def stand(name: str, found: Fitted) -> None:
        for part, rows, labels in (("val", val_posts, val.labels), ("held out", held_posts, held.labels)):
            said = (rows @ found.weights + found.bias).argmax(axis=1)
            wrong = wrongly_negative(said, labels)
            say(f"{name}, {part}: macro recall {macro_recall(said, labels):.4f}, wrongly negative {wrong:.3f}")

    def flown(name: str, airline: str, found: Fitted) -> None:
        rows, part = flights[airline]
        say(
            f"{name}, {airline}: macro F1 {macro_f1((rows @ found.weights + found.bias).argmax(axis=1), part.labels):.4f}"
        )

    own = (posts, learned.labels, 1 - AIRLINES)
    base = fit(posts, learned.labels, balance(learned.labels), STRENGTH["sentiment"])
    stand("tweets alone", base)
    for airline in flights:
        flown("tweets alone", airline, base)
        if given.folds:
            others = [(rows, part.labels, AIRLINES / 2) for name, (rows, part) in flights.items() if name != airline]
            flown("never seen", airline, fit(*mixed([own, *others]), STRENGTH["sentiment"], base.raw, 15))
    every = [(rows, part.labels, AIRLINES / 3) for rows, part in flights.values()]
    sentiment = fit(*mixed([own, *every]), STRENGTH["sentiment"], base.raw, 20)
    stand("with airlines", sentiment)
    heads = {}
    for task in ("emotion", "offensive"):
        part, check = tweets(folder / task, "train"), tweets(folder / task, "val")
        heads[task] = fit(matrix(part.texts, words), part.labels, balance(part.labels), STRENGTH[task])
        said = (matrix(check.texts, words) @ heads[task].weights + heads[task].bias).argmax(axis=1)
        say(f"{task}, val: macro F1 {macro_f1(said, check.labels):.4f}")
    write(given.out, words, sentiment, heads, Labelled(val.texts + held.texts, val.labels + held.labels), folder)
    said, true = SmallModel(given.out).judge(val.texts), np.array(val.labels)
    say(f"as written, val: macro recall {macro_recall(said.sentiment.argmax(axis=1), true):.4f}")
    wrong, right = (float((said.negative[chosen] >= 0.5).mean()) for chosen in (true != 0, true == 0))
    say(f"negative from 0.5, val: wrong on {wrong:.3f}, right on {right:.3f}")


def write(
    out: Path,
    words: dict[int, tuple[int, float]],
    sentiment: Fitted,
    heads: dict[str, Fitted],
    check: Labelled,
    folder: Path,
) -> None:
    """The file: bytes, scales, and temperatures and threshold chosen on posts that were not learned from."""
    emotion, offence = heads["emotion"], heads["offensive"]

    def lanes(part: str) -> NDArray[np.float32]:
        s, e, o = (getattr(found, part) for found in (sentiment, emotion, offence))
        columns = [s[..., 0] - s[..., 1], s[..., 2] - s[..., 1], o[..., 1] - o[..., 0]]
        return np.stack([*columns, *(e[..., kind] - e[..., 3] for kind in range(3))], axis=-1).astype(np.float32)

    told, keys = lanes("weights"), sorted(words)
    strengths = np.array([words[key][1] for key in keys], np.float32)[:, None]
    known = told[[2 * SIZE + words[key][0] for key in keys]] * strengths
    kept: dict[str, NDArray[np.generic]] = {"bias": lanes("bias"), "keys": np.array(keys, np.uint64)}
    for part, table in (("spelling", told[:SIZE]), ("words", told[SIZE : 2 * SIZE]), ("known", known)):
        kept[part], kept[f"{part}_scale"] = squeeze(table)
    kept["heat"], kept["negative"] = np.ones(6, np.float32), np.array([1.0, 0.0], np.float32)
    np.savez_compressed(out, **kept)
    model = SmallModel(out)
    heat = np.ones(6, np.float32)
    for columns, part in (
        ([0, 1], check),
        ([2], tweets(folder / "offensive", "val")),
        ([3, 4, 5], tweets(folder / "emotion", "val")),
    ):
        heat[columns] = temperature(ordered(scored(model, part.texts), columns), part.labels)
    kept["heat"] = heat
    np.savez_compressed(out, **kept)
    kept["negative"] = np.array(platt(SmallModel(out).judge(check.texts).sentiment, check.labels), np.float32)
    np.savez_compressed(out, **kept)
    print(f"{out}: {out.stat().st_size:,} bytes, temperatures {heat.round(2).tolist()}")


def ordered(scores: NDArray[np.float32], columns: list[int]) -> NDArray[np.float32]:
    """The scores of one task, a column a class."""
    chosen, none = scores[:, columns], np.zeros((len(scores), 1), np.float32)
    return np.hstack({2: (chosen[:, :1], none, chosen[:, 1:]), 1: (none, chosen), 3: (chosen, none)}[len(columns)])


def scored(model: SmallModel, texts: list[str]) -> NDArray[np.float32]:
    """Six scores a post."""
    return np.vstack([model.scores(grams(texts[at : at + 512])) for at in range(0, len(texts), 512)])


if __name__ == "__main__":
    main()
