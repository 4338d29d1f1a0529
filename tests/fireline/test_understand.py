"""``fireline understand``: the contract of its lines, order, bad input, and pipes."""

import codecs
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fireline.understand import LONGEST_LINE, lines

ROOT = Path(__file__).parents[2]
KEYS = {"id", "lang", "sentiment", "negative", "emotion", "outrage", "type", "copy_of"}


def understand(given: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "fireline", "understand", "--json", "--model", "small", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=False, cwd=ROOT)


def test_each_post_has_one_line_in_the_order_of_the_input() -> None:
    posts = [
        {"id": "a", "text": "my flight was cancelled again, this is the worst airline, I am furious", "author": "x"},
        {"id": 7, "text": "I love this, it is wonderful", "created_at": "2026-01-01T00:00:00Z"},
        {"id": "c", "text": "Das Gerät ist kaputt und niemand antwortet, furchtbar"},
        {"id": "d", "text": "RT @x: my flight was cancelled again, this is the worst airline, I am furious"},
        {"id": "e", "text": ""},
    ]
    done = understand("\n".join(map(json.dumps, posts)).encode())
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["id"] for one in found] == ["a", 7, "c", "d", "e"]
    assert all(set(one) == KEYS for one in found)
    assert [one["sentiment"] for one in found] == ["negative", "positive", "neutral", "negative", "neutral"]
    assert [one["lang"] for one in found] == ["en", "en", "de", "en", "und"]
    assert (found[2]["negative"], found[2]["emotion"], found[2]["type"]) == (0.0, "none", "unknown")
    assert found[0]["type"] == "service_failure"
    assert [one["copy_of"] for one in found] == [None, None, None, "a", None]


def test_a_bad_line_is_named_and_nothing_else_is_lost() -> None:
    given = b"\n".join(
        [
            b'{"id": "1", "text": "this is fine"}',
            b'{"id": "2", "text": ',
            b"[1, 2]",
            b'{"text": "who wrote this"}',
            b'{"id": "5", "text": null}',
            b"[" * 5000,
            b"",
            b'{"id": "8", "text": "caf\xe9 is \\ud800 closed\\u0000"}',
        ]
    )
    done = understand(given)
    assert done.returncode == 2
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["1", "8"]
    said = done.stderr.decode()
    assert "Traceback" not in said
    assert [f"line {number}:" in said for number in range(1, 9)] == [False, True, True, True, True, True, False, False]


def test_a_byte_order_mark_costs_no_line() -> None:
    marked = b"\xef\xbb\xbf" + json.dumps({"id": "1", "text": "it works"}).encode() + b"\n"
    assert [line for batch in lines(io.BytesIO(marked)) for line in batch] == [marked[3:-1]]


def test_a_post_of_a_megabyte_is_answered() -> None:
    text = "this is terrible and broken " * 40_000
    done = understand(json.dumps({"id": "big", "text": text}).encode())
    assert done.returncode == 0
    assert json.loads(done.stdout)["sentiment"] == "negative"


def test_a_file_that_is_not_there_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    done = understand(b"", str(tmp_path / "none.jsonl"))
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert "none.jsonl" in done.stderr.decode()


def test_a_pipe_is_answered_while_it_is_still_open() -> None:
    command = [sys.executable, "-m", "fireline", "understand", "--json", "--model", "small"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as running:
        assert running.stdin
        assert running.stdout
        running.stdin.write(b'{"id": 1, "text": "this is the first"}\n')
        running.stdin.flush()
        assert json.loads(running.stdout.readline())["id"] == 1
        running.stdin.close()


@example([b"\xef\xbb\xbf"], 3)
@example([b"\xef\xbb\xbf{}"], 2)
@given(st.lists(st.binary(max_size=50).filter(lambda held: b"\n" not in held), min_size=1), st.integers(1, 40))
def test_lines_come_whole_however_they_are_cut(held: list[bytes], size: int) -> None:
    whole = b"\n".join(held)

    class Slow(io.BytesIO):
        def read1(self, count: int | None = -1, /) -> bytes:
            return self.read(size)

    found = [line for batch in lines(Slow(whole)) for line in batch]
    held[0] = held[0].removeprefix(codecs.BOM_UTF8)
    assert [line for line in found if line] == [line for line in held if line]


def test_a_line_without_end_takes_no_memory_and_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fireline.understand.LONGEST_LINE", 100)
    monkeypatch.setattr("fireline.understand.PIECE", 60)
    assert LONGEST_LINE > 100
    found = [line for batch in lines(io.BytesIO(b"a\n" + b"x" * 1000 + b"\nb\n")) for line in batch]
    assert found == [b"a", None, b"b"]
