"""Long work in the terminal: a bar where somebody looks, a line now and then elsewhere, and stdout left alone."""

import io
import sys

import pytest

from fireline import progress_bar
from fireline.progress_bar import shown, waited_for
from tasks import progress as seam
from tasks.progress import counted


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seam, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(progress_bar, "BAR_SECONDS", 0.0)
    monkeypatch.setattr(progress_bar, "LINE_SECONDS", 0.0)
    monkeypatch.setenv("TERM", "xterm")


def count(says: str = "") -> None:
    with shown(), counted("sheep", "Counting \x1b[31msheep", total=3, unit="sheep") as progress:
        for _ in range(3):
            progress.more(says=says)
            print('{"answer": 1}')


def test_without_a_terminal_it_is_lines_on_stderr_that_move_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    count(says="\u202ehidden")
    out, err = capsys.readouterr()
    assert out == '{"answer": 1}\n' * 3
    assert "1 of 3 sheep (33%)" in err
    assert "\x1b" not in err
    assert "\u202e" not in err


def test_short_work_says_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_bar, "LINE_SECONDS", 5.0)
    count()
    assert capsys.readouterr().err == ""


def test_in_a_terminal_it_is_a_bar_that_goes_away_and_answers_still_go_to_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    count()
    assert "Counting" in terminal.getvalue()
    assert "\x1b[31m" not in terminal.getvalue()
    assert capsys.readouterr().out == '{"answer": 1}\n' * 3


def test_work_that_breaks_leaves_the_terminal_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with pytest.raises(KeyboardInterrupt), waited_for("bench x"):
        raise KeyboardInterrupt
    assert "\x1b[?25h" in terminal.getvalue(), "the cursor is shown again"
