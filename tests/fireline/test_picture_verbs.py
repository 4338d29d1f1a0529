"""Pictures from the command line: given, told about, linted, and on their way with the text."""

import asyncio
import json
from pathlib import Path

import pytest
from acme import IDA, acme, incident_in, write_starter
from drawn import ALT, file, picture
from PIL import Image

from fireline.__main__ import run

SOUND = (
    "Logins fail\n\nWe know that customers cannot log in, and we are sorry. Our engineers are working on a fix. "
    "Next update by 15:00 UTC. Help: https://help.example.com\n"
)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with INC-1, and pictures beside it."""
    monkeypatch.delenv("FIRELINE_HOME", raising=False)
    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(tmp_path)))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.chdir(tmp_path)

    async def opened() -> None:
        async with acme(tmp_path) as here:
            await incident_in(here)

    asyncio.run(opened())
    Path("map.jpg").write_bytes(file())
    told = Image.Exif()
    told[0x8825] = {1: "N", 2: (48.0, 8.0, 13.0)}
    Image.new("RGB", (64, 48), "red").save("photo.jpg", exif=told)
    Path("words.txt").write_text(f"{SOUND}\n![{ALT}](map.jpg)\n", encoding="utf-8")
    return tmp_path


def test_a_picture_goes_with_a_draft_and_what_its_file_told_is_taken_out_and_said(installed, capsys) -> None:
    given = ["--image", "map.jpg", "--alt", ALT, "--image", "photo.jpg", "--alt", "A closed station", "--as", IDA]
    assert run(["draft", "INC-1", "--kind", "holding", *given, "--json"]) == 0
    shown = capsys.readouterr()
    assert "photo.jpg: taken out of the picture before anybody sees it: where it was taken (GPS)" in shown.err
    assert "map.jpg" not in shown.err
    media = json.loads(shown.out)["media"]
    assert [m["alt"] for m in media] == [ALT, "A closed station"]
    assert media[0]["sha256"] == picture().sha256
    assert run(["propose", "INC-1-S1", "--as", IDA]) == 0


def test_a_statement_file_names_its_pictures_as_markdown_does(installed, capsys) -> None:
    assert run(["draft", "INC-1", "--kind", "holding", "--text", "words.txt", "--as", IDA]) == 0
    shown = capsys.readouterr().out
    assert "![" not in shown
    assert "Picture (JPG, 64 × 48) on" in shown
    assert ALT in shown
    assert run(["lint", "words.txt", "--kind", "holding", "--channel", "mastodon"]) == 0


def test_a_proposal_with_a_picture_is_a_new_version_of_the_same_words(installed, capsys) -> None:
    assert run(["draft", "INC-1", "--kind", "holding", "--text", "words.txt", "--as", IDA, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert run(["propose", "INC-1-S1", "--image", "photo.jpg", "--alt", "A closed station", "--as", IDA, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == 2

    async def second() -> tuple[str, list[str]]:
        async with acme(installed) as here, here.store.reading() as tx:
            text = await tx.statements.get("INC-1-S1")
            return text.body, [p.alt for p in text.media]

    assert asyncio.run(second()) == (first["body"], ["A closed station"])


def test_a_picture_without_alternative_text_blocks_and_says_how_to_mend_it(installed, capsys) -> None:
    Path("bare.txt").write_text(SOUND, encoding="utf-8")
    assert run(["lint", "bare.txt", "--kind", "holding", "--image", "map.jpg", "--json"]) == 1
    (found,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (found["rule"], found["level"]) == ("no-alt-text", "block")
    assert run(["draft", "INC-1", "--kind", "holding", "--image", "map.jpg", "--as", IDA]) == 0
    assert "lint blocks it (no-alt-text)" in capsys.readouterr().out
    assert run(["propose", "INC-1-S1", "--as", IDA]) == 1
    assert "no-alt-text" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--image", "nowhere.jpg", "--as", IDA], "nowhere.jpg: No such file"),
        (["--image", "words.txt", "--as", IDA], "words.txt: it is no JPEG, PNG, GIF or WebP picture"),
        (["--image", ".", "--as", IDA], "name a picture file"),
        (["--alt", "A map", "--as", IDA], "1 --alt for 0 --image"),
        (["--image", "map.jpg", "--alt", "hidden \u202e order", "--as", IDA], "control character"),
        (["--image", "map.jpg", "--alt", ALT], "needs your name"),
    ],
)
def test_what_is_wrong_with_a_picture_is_one_sentence(installed, capsys, given: list[str], says: str) -> None:
    assert run(["draft", "INC-1", "--kind", "holding", *given]) == 2
    shown = capsys.readouterr()
    assert says in shown.err
    assert not shown.out
