"""Words' vectors: paraphrases are near, strangers are not, and what is unknown adds nothing."""

from pathlib import Path

import pytest

from crisis import word_vectors as module
from crisis.small import NoModel
from crisis.topic_words import words
from crisis.word_vectors import word_vectors


def near(one: str, other: str) -> float:
    held = word_vectors()
    return float(held.post(words(one)) @ held.post(words(other)))


def test_a_paraphrase_without_a_common_word_is_nearer_than_another_matter() -> None:
    claim = "the kettle caught fire in our kitchen"
    assert near(claim, "my boiler burst into flames") > near(claim, "refund refused by customer service") + 0.1


def test_words_that_nobody_knows_add_nothing_and_alone_mean_nothing() -> None:
    assert near("smoke everywhere", "smoke everywhere qzxvw") == pytest.approx(1.0, abs=1e-5)
    assert not word_vectors().post(["qzxvw", "\x00", "ケトル"]).any()
    assert not word_vectors().post([]).any()


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "word_vectors.npz"
    broken.write_bytes(b"PK nonsense")
    monkeypatch.setattr(module, "FILE", broken)
    with pytest.raises(NoModel, match="install fireline again"):
        word_vectors.__wrapped__()
