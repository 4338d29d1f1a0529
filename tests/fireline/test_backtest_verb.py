"""``fireline backtest``: the contract of its output, and what it says of files that are none."""

import json
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fireline.__main__ import run

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)


def fireline(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fireline", "backtest", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said of a bad call: one sentence, status 2, nothing on stdout."""
    assert run(["backtest", *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.strip().splitlines()) == 1
    return told.err


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def counts(days: int = 5, *, storm: int = 4 * 288 + 100, mood: bool = True) -> list[str]:
    """A CSV file's lines: calm, and a storm of three hours from row ``storm`` on."""
    dice, found = random.Random(3), ["timestamp,value,negative" if mood else "timestamp,value"]
    for row in range(days * 288):
        added = round(200 * min(1.0, (row - storm + 1) / 12)) if storm <= row < storm + 36 else 0
        value = dice.randint(15, 30) + added
        negative = sum(dice.random() < 0.2 for _ in range(value - added)) + round(0.7 * added)
        moment = BEGIN + timedelta(minutes=5 * row)
        found.append(f"{moment:%Y-%m-%d %H:%M:%S},{value}" + (f",{negative}" if mood else ""))
    return found


def write(folder: Path, rows: list[str], name: str = "counts.csv") -> str:
    path = folder / name
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


def test_each_row_comes_out_as_one_object_and_the_storm_as_one_outrage(tmp_path: Path) -> None:
    rows = counts()
    found = lines(fireline(write(tmp_path, rows), "--json"))
    assert len(found) == len(rows) - 1
    assert all(set(row) == {"timestamp", "value", "score", "alert"} for row in found)
    assert [row["timestamp"] for row in found] == [row.split(",")[0] for row in rows[1:]]
    assert [row["value"] for row in found] == [int(row.split(",")[1]) for row in rows[1:]]
    assert all(0 <= row["score"] <= 1 for row in found)
    outrages = [k for k, row in enumerate(found) if row["alert"] == "outrage"]
    assert len(outrages) == 1
    assert 0 <= outrages[0] - (4 * 288 + 100) <= 6
    assert found[outrages[0]]["score"] >= 0.5


def test_a_row_never_sees_later_rows(tmp_path: Path) -> None:
    rows = counts()
    whole = lines(fireline(write(tmp_path, rows), "--json"))
    part = lines(fireline(write(tmp_path, rows[: 4 * 288 + 110]), "--json"))
    assert part == whole[: len(part)]


def test_without_negative_there_is_attention_but_never_outrage(tmp_path: Path) -> None:
    done = fireline(write(tmp_path, counts(mood=False)), "--json")
    assert [row["alert"] for row in lines(done) if row["alert"]] == ["attention"]
    assert "no outrage can be seen" in done.stderr


def test_a_share_of_negative_ones_is_read_as_one(tmp_path: Path) -> None:
    rows = counts()
    shares = [rows[0]]
    for row in rows[1:]:
        stamp, value, negative = row.split(",")
        shares.append(f"{stamp},{value},{int(negative) / int(value):.6f}")
    kinds = [row["alert"] for row in lines(fireline(write(tmp_path, shares), "--json"))]
    assert kinds.count("outrage") == 1


def test_without_json_a_person_reads_when_and_why(tmp_path: Path) -> None:
    done = fireline(write(tmp_path, counts()))
    assert done.returncode == 0
    assert "outrage" in done.stdout
    assert "the usual" in done.stdout
    assert "% negative, usually" in done.stdout
    assert "1 outrage" in done.stderr


def test_labels_show_what_other_thresholds_would_have_done(tmp_path: Path) -> None:
    begins = BEGIN + timedelta(minutes=5 * (4 * 288 + 100))
    labels = write(
        tmp_path,
        ["start,end,label", f"{begins},{begins + timedelta(hours=3)},recall", "2026-01-06,2026-01-06 05:00:00,nothing"],
        "labels.csv",
    )
    file = write(tmp_path, counts())
    found = lines(fireline(file, "--labels", labels, "--thresholds", "0.3,0.5,0.9", "--json"))
    assert [row["threshold"] for row in found] == [0.3, 0.5, 0.9]
    assert [row["today"] for row in found] == [False, True, False]
    today = found[1]
    assert (today["alerts"], today["hits"], today["misses"], today["false_alerts"]) == (1, 1, 1, 0)
    assert 0 < today["median_delay"] <= 1800
    assert today["missed"] == ["nothing"]
    table = fireline(file, "--labels", labels)
    assert "today" in table.stdout
    assert "missed today: nothing" in table.stdout


@pytest.mark.parametrize(
    ("real", "label"), [(1, "praise"), (1, "False alarm"), (0, "false_alarm")], ids=["beside", "as-typed", "alone"]
)
def test_an_alert_in_what_people_dismissed_is_a_false_one(tmp_path: Path, real: int, label: str) -> None:
    begins = BEGIN + timedelta(minutes=5 * (4 * 288 + 100))
    rows = ["start,end,label,reason", *["2026-01-06,2026-01-06 05:00:00,crisis,real"] * real]
    rows += [f"{begins},{begins + timedelta(hours=3)},{label},they love us"]
    found = lines(fireline(write(tmp_path, counts()), "--labels", write(tmp_path, rows, "labels.csv"), "--json"))
    today = next(row for row in found if row["today"])
    assert (today["hits"], today["misses"], today["false_alerts"]) == (0, real, 1)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("2026-01-05 00:05:00,nan,0", "line 3: value is nan"),
        ("2026-01-05 00:05:00,-4,0", "line 3: value is -4; a count is 0 or more"),
        ("2026-01-05 00:05:00,inf,0", "line 3: value is inf"),
        ("2026-01-05 00:05:00,many,0", "line 3: value 'many' is no number"),
        ("2026-01-05 00:05:00,,0", "line 3: value '' is no number"),
        ("2026-01-05 00:05:00,4,5", "line 3: negative is 5, more than the 4"),
        ("2026-01-05 00:05:00,4,-1", "line 3: negative is -1"),
        ("2026-01-05 00:00:00,4,1", "line 3: the time 2026-01-05 00:00:00 is there twice"),
        ("2026-01-04 23:55:00,4,1", "line 3: its time is before that of the row above"),
        ("yesterday,4,1", "line 3: 'yesterday' is no time"),
        ("2026-01-05 00:05:00,4", "line 3: 2 fields where 3 are named"),
        ("2026-01-05 00:05:00,1e300,1", "no count of mentions is that large"),
        ("2026-01-05 00:05:00,4,1\n2026-01-05 00:06:00,4,1", "line 4: it comes 60 s after"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line_and_status_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], row: str, says: str
) -> None:
    file = write(tmp_path, ["timestamp,value,negative", "2026-01-05 00:00:00,3,1", row])
    assert says in refused(capsys, file, "--json")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "no column 'timestamp'"),
        ("time,value\n1,2\n", "no column 'timestamp'"),
        ("timestamp,value\n2026-01-05,3\n", "1 rows are no series"),
        ('timestamp,value\n"2026-01-05,3\n', "cannot be read as CSV"),
    ],
)
def test_a_file_that_is_no_series_is_told_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, says: str
) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(content, encoding="utf-8")
    assert says in refused(capsys, str(path), "--json")


def test_bytes_that_are_no_text_and_a_missing_file_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "counts.csv"
    path.write_bytes(b"timestamp,value\n\xff\xfe,3\n")
    assert "not UTF-8" in refused(capsys, str(path))
    assert "no such file" in refused(capsys, str(tmp_path / "nowhere.csv"))


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ("start,end\n2026-01-06,2026-01-05\n", "line 2: the episode ends before it starts"),
        ("start,end\n", "no episode in it"),
        ("from,to\n1,2\n", "no column 'start'"),
    ],
)
def test_labels_that_are_none_are_told_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], labels: str, says: str
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(labels, encoding="utf-8")
    assert says in refused(capsys, write(tmp_path, counts(1)), "--labels", str(path))


def test_thresholds_are_scores_and_need_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, counts(1))
    assert "above 0 and up to 1" in refused(capsys, file, "--labels", "x.csv", "--thresholds", "0.4,2")
    assert "needs --labels" in refused(capsys, file, "--thresholds", "0.4")


def test_a_share_of_one_among_shares_means_all_of_them_not_one(tmp_path: Path) -> None:
    rows = counts()
    shares = [rows[0]]
    for number, row in enumerate(rows[1:]):
        stamp, value, negative = row.split(",")
        at_its_height = 4 * 288 + 110 <= number < 4 * 288 + 130
        shares.append(f"{stamp},{value},{1 if at_its_height else int(negative) / int(value):.6f}")
    kinds = [row["alert"] for row in lines(fireline(write(tmp_path, shares), "--json"))]
    assert kinds.count("outrage") == 1


@pytest.mark.parametrize("missing", [slice(2, 3), slice(1, 2), slice(2, 40)], ids=["second", "first", "first hours"])
def test_rows_may_be_missing_anywhere(tmp_path: Path, missing: slice) -> None:
    rows = counts()
    del rows[missing]
    found = lines(fireline(write(tmp_path, rows), "--json"))
    assert [row["alert"] for row in found].count("outrage") == 1
