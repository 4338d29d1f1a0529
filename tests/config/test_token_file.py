"""Token files: made once, whole or not at all, and never taken when they hold less than a key."""

import os
import stat
from pathlib import Path

import pytest

from config import ConfigError
from config.token_file import token_at


def test_a_token_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "links.key"
    token = token_at(path, 48)
    assert len(token) == 64
    assert token_at(path, 48) == token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["links.key"]


@pytest.mark.parametrize("left", [b"", b" \n", b"short", b"x" * 47, b"\xff\xfe"])
def test_an_emptied_or_cut_token_is_refused_with_the_way_out(tmp_path: Path, left: bytes) -> None:
    path = tmp_path / "links.key"
    path.write_bytes(left)
    with pytest.raises(ConfigError, match="delete it and start again") as refusal:
        token_at(path, 48)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert path.read_bytes() == left


def test_a_token_is_on_the_disk_before_it_is_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, there = tmp_path / "desk.key", []
    monkeypatch.setattr(os, "fsync", lambda _: there.append(path.exists()))
    token_at(path, 32)
    assert there == [False, True]


def test_a_write_that_fails_leaves_no_key_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        token_at(tmp_path / "desk.key", 32)
    assert list(tmp_path.iterdir()) == []
