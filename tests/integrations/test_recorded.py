"""Recorded posts: every row that can be read is given out once, in event time, and the rest is named."""

import asyncio
import gzip
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import integrations
from crisis.watch import Mention
from integrations import Misconfigured
from integrations.recorded import read_posts
from integrations.times import parse_time

AIRLINE = Path(__file__).parents[2] / "../shared/data/airline/us_airways.csv"
COLUMNS = {
    "text": "text", "created_at": "tweet_created", "author": "name", "id": "tweet_id", "reposts": "retweet_count"
}  # fmt: skip
ROWS = [
    {"id": "2", "text": "second, with a comma", "created_at": "2026-03-01 10:01:00 +0000", "author": "bo"},
    {"id": "1", "text": 'first "quoted"\nand broken', "created_at": "2026-03-01T10:00:00Z", "author": "al"},
    {"id": "3", "text": "third ☕", "created_at": "1772359320", "author": "cy"},
]


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    kind = path.name.removesuffix(".gz").rpartition(".")[2]
    if kind == "parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
        return path
    if kind == "jsonl":
        content = "".join(json.dumps(row) + "\n" for row in rows)
    else:
        quoted = [",".join('"' + value.replace('"', '""') + '"' for value in row.values()) for row in rows]
        content = "\n".join([",".join(rows[0]), *quoted]) + "\n"
    raw = content.encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


async def listen(path: Path, cursor: str | None = None, **settings: object) -> list[tuple[str, Mention]]:
    source = integrations.connect("recorded", path=path, **settings)
    return [item async for item in source.listen(cursor)]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl", "a.jsonl.gz", "a.parquet"])
async def test_every_format_gives_the_same_posts_in_event_time(tmp_path: Path, name: str) -> None:
    posts = [post for _, post in await listen(write(tmp_path / name, ROWS))]
    assert [post.id for post in posts] == ["1", "2", "3"]
    assert [post.text for post in posts] == [ROWS[1]["text"], ROWS[0]["text"], ROWS[2]["text"]]
    assert posts[2].created_at == datetime(2026, 3, 1, 10, 2, tzinfo=UTC)
    assert [post.author for post in posts] == ["al", "bo", "cy"]


async def test_a_cursor_resumes_behind_the_post_it_came_with(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", ROWS)
    whole = await listen(path)
    for cursor, post in whole:
        rest = await listen(path, cursor)
        assert rest == whole[whole.index((cursor, post)) + 1 :]
    with pytest.raises(Misconfigured, match="no cursor"):
        await listen(path, "yesterday")


async def test_speed_stretches_event_time(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", ROWS)
    started = time.monotonic()
    await listen(path, speed=600.0)
    assert 0.19 <= time.monotonic() - started < 2
    started = time.monotonic()
    await listen(path)
    assert time.monotonic() - started < 0.15


def test_the_real_surge_is_read_whole() -> None:
    recording = read_posts(AIRLINE, COLUMNS)
    assert recording.bad_rows == 0
    assert len(recording.posts) + recording.repeated == 2913
    assert recording.posts[0].created_at.tzinfo is UTC
    assert recording.posts == sorted(recording.posts, key=lambda post: post.created_at)


def test_bad_rows_are_named_with_file_line_and_reason_and_lose_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    path.write_bytes(
        b"id,text,created_at,reposts\n"
        b"1,fine,2026-03-01T10:00:00Z,3\n"
        b"2,no time,,\n"
        b"3,no such time,tomorrow at noon,\n"
        b"4,long ago,-99999999999,\n"
        b"5,far ahead,2999-01-01,\n"
        b"6,too,many,fields,2026-03-01\n"
        b"7,,2026-03-01T10:00:00Z,\n"
        b"\n"
        b'8,"two\nlines",2026-03-01T10:01:00Z,many\n'
        b"9,caf\xe9 \xff\x00 \x07,2026-03-01T10:02:00Z,\n"
        b"10,fine too,2026-03-01T10:03:00Z,2.0\n"
        b"1,again,2026-03-01T10:04:00Z,\n"
    )
    recording = read_posts(path)
    assert [post.id for post in recording.posts] == ["1", "8", "9", "10"]
    assert [post.reposts for post in recording.posts] == [3, 0, 0, 2]
    assert recording.posts[2].text == "caf\ufffd \ufffd\ufffd \ufffd"
    assert (recording.bad_rows, recording.repeated, recording.mended) == (6, 1, 2)
    assert [line.split(":")[1] for line in recording.bad] == ["3", "4", "5", "6", "7"]
    remarks = "\n".join(recording.remarks(path))
    for says in (
        "posts.csv:3: there is no time",
        "'tomorrow at noon'",
        "before 1990",
        "in the future",
        "5 fields where",
    ):
        assert says in remarks
    assert "1 further rows could not be read" in remarks
    assert "6 rows skipped, 4 posts read" in remarks


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    path.write_text('text,created_at\n"one\ntwo\nthree",2026-03-01T10:00:00Z\n\nno time,\n')
    assert read_posts(path).bad == ["posts.csv:6: there is no time"]


def test_broken_json_lines_are_skipped_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    good = b'{"text": "hi", "created_at": 1772359320, "id": "%d", "user": {"name": "al"}}\n'
    path.write_bytes(
        good % 1
        + b"{broken\n[1]\nnull\n\n"
        + b"[" * 100_000
        + b"\n"
        + good % 2
        + b'{"text": "\\ud800 lone", "created_at": 1772359320}\n'
    )
    recording = read_posts(path, {"author": "user.name"})
    assert [(post.id, post.author) for post in recording.posts] == [("1", "al"), ("2", "al"), ("row-8", "")]
    assert recording.bad_rows == 4
    assert recording.posts[2].text == "\ufffd lone"


def test_a_megabyte_of_text_and_an_endless_quotation_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    path.write_text("text,created_at\n" + "long " * 250_000 + ",2026-03-01T10:00:00Z\nshort,2026-03-01T10:01:00Z\n")
    assert [len(post.text) for post in read_posts(path).posts] == [1_250_000, 5]
    path.write_text('text,created_at\nfine,2026-03-01T10:00:00Z\n"never closed,2026-03-01T10:01:00Z\n')
    recording = read_posts(path)
    assert len(recording.posts) == 1
    assert recording.bad_rows == 1


@pytest.mark.parametrize(
    "value",
    [
        "2015-02-17 03:14:32 -0800", "2015-02-17T11:14:32Z", "2015-02-17T12:14:32+01:00", "2015-02-17 11:14:32 UTC",
        "2015-02-17 11:14:32", "Tue Feb 17 11:14:32 +0000 2015", "Tue Feb 17 03:14:32 PST 2015",
        "Tue, 17 Feb 2015 11:14:32 GMT", "1424171672", 1424171672, 1424171672.0, "1424171672000", 1424171672000000,
        "17/02/2015 11:14:32", "2/17/2015 11:14:32 AM", datetime(2015, 2, 17, 11, 14, 32),
        datetime(2015, 2, 17, 11, 14, 32, tzinfo=UTC),
    ],
)  # fmt: skip
def test_times_are_read_as_exports_write_them(value: object) -> None:
    assert parse_time(value)[0] == datetime(2015, 2, 17, 11, 14, 32, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", ["", None, True, "soon", "03/04/2015", "0", -5, "1e400", "9" * 17, "2015-13-40", "-1424171672"]
)
def test_what_is_no_certain_time_is_refused_with_a_reason(value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_time(value)


def test_a_time_far_ahead_is_refused_and_next_week_is_not() -> None:
    assert parse_time((datetime.now(UTC) + timedelta(days=7)).isoformat())[1]
    with pytest.raises(ValueError, match="in the future"):
        parse_time((datetime.now(UTC) + timedelta(days=400)).isoformat())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(st.binary(max_size=80), st.sampled_from([b"ok,2026-03-01T10:00:00Z", b'"', b",", b"\x00,\xff"])),
        max_size=12,
    )
)
def test_any_bytes_are_read_or_named(tmp_path: Path, lines: list[bytes]) -> None:
    for name in ("fuzz.csv", "fuzz.jsonl"):
        path = tmp_path / name
        path.write_bytes(b"text,created_at\n" * (name == "fuzz.csv") + b"\n".join(lines))
        recording = read_posts(path)
        assert recording.bad_rows >= len(recording.bad)
        assert len(recording.posts) + recording.bad_rows + recording.repeated <= 40 * (len(lines) + 1) + 1


@pytest.mark.parametrize(
    ("name", "content", "columns", "says"),
    [
        ("a.txt", b"x", {}, "only .csv"),
        ("a.csv", "id,text,created_at\n".encode("utf-16"), {}, "UTF-16 text; save it as UTF-8"),
        ("a.jsonl", b"\xfe\xff\x00{\x00}", {}, "UTF-16 text; save it as UTF-8"),
        ("a.csv", b"", {}, "is empty"),
        ("a.csv", b"a,b\n1,2\n", {}, "no column is known to hold text"),
        ("a.csv", b"a,b\n", {}, "no column is known to hold text"),
        ("a.csv", b"a,b\n1,2\n", {"text": "body"}, "no column 'body' for text; it has: a, b"),
        ("a.csv", b"a,b\n1,2\n", {"tet": "a"}, "no field 'tet'"),
        ("a.jsonl.gz", b"no gzip", {}, "cannot be read"),
        ("a.parquet", b"no parquet", {}, "is no Parquet file"),
    ],
    ids=["kind", "utf-16-le", "utf-16-be", "empty", "no-text", "no-rows", "column", "field", "gzip", "parquet"],
)
def test_a_file_that_cannot_serve_says_why(
    tmp_path: Path, name: str, content: bytes, columns: dict[str, str], says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Misconfigured, match=says):
        read_posts(path, columns)


def test_check_reads_the_file_and_tells_what_it_holds(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", ROWS)
    health = asyncio.run(integrations.connect("recorded", path=path).check())
    assert health.ok
    assert health.says.startswith("3 posts, 2026-03-01 10:00 to 2026-03-01 10:02 UTC")
    missing = asyncio.run(integrations.connect("recorded", path=tmp_path / "none.csv").check())
    assert not missing.ok
    assert "no such file" in missing.says


def test_an_export_of_tweets_is_read_without_a_map(tmp_path: Path) -> None:
    file = tmp_path / "tweets.csv"
    file.write_text(
        "tweet_id,tweet_created,name,text,retweet_count,user_timezone\n"
        "5703,2015-02-24 11:35:52 -0800,cairdin,What a day,4,Eastern Time\n",
        encoding="utf-8",
    )
    (post,) = read_posts(file).posts
    assert (post.id, post.author, post.text, post.reposts) == ("5703", "cairdin", "What a day", 4)
    assert post.created_at == datetime(2015, 2, 24, 19, 35, 52, tzinfo=UTC)


def test_a_better_column_for_the_author_comes_before_a_name(tmp_path: Path) -> None:
    file = tmp_path / "posts.csv"
    file.write_text("name,username,text,time\nAna Almeida,ana,Hello,2026-03-01T12:00:00Z\n", encoding="utf-8")
    assert [p.author for p in read_posts(file).posts] == ["ana"]


def test_columns_that_tell_nothing_are_answered_with_the_way_to_name_them(tmp_path: Path) -> None:
    file = tmp_path / "posts.csv"
    file.write_text("col1,text\n2026-03-01T12:00:00Z,Hello\n", encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"hold created_at; name it: `--map created_at=COLUMN`.*it has: col1, text"):
        read_posts(file)


def test_a_folder_is_told_from_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "posts.csv").mkdir()
    with pytest.raises(Misconfigured, match="is a folder"):
        read_posts(tmp_path / "posts.csv")
