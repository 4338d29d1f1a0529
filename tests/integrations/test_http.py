"""The shared home of HTTP: when to come back, what is hidden, and what is no answer."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from integrations.http import LARGEST_ANSWER, Connection, Http, moment, redact, scrub
from integrations.outcomes import Unknown, Unreachable, before_sending, looking_up
from integrations.rate_limits import LONGEST_WAIT, come_back_at

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": "0"}, 1),
        ({"retry-after": "-5"}, 1),
        ({"retry-after": "Sun, 01 Mar 2026 12:02:00 GMT"}, 120),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:00 GMT"}, 1),
        ({"x-ratelimit-reset": "2026-03-01T12:02:00.000Z"}, 120),
        ({"x-ratelimit-reset": "2026-03-01T13:02:00+01:00"}, 120),
        ({"x-rate-limit-reset": str(int(NOW.timestamp()) + 120)}, 120),
        ({"ratelimit-reset": str(int(NOW.timestamp() * 1000) + 120_000)}, 120),
        ({"ratelimit-reset": "120"}, 120),
        ({"x-ratelimit-reset-after": "1.5"}, 1.5),
        ({"retry-after": "junk", "ratelimit-reset": "90"}, 90),
        ({"retry-after": "9" * 40}, 30),
        ({"retry-after": "nan"}, 30),
        ({"retry-after": "999999"}, LONGEST_WAIT.total_seconds()),
        ({}, 30),
    ],
)
def test_every_dialect_of_rate_limits_is_read(headers, seconds):
    assert come_back_at(headers, NOW) == NOW + timedelta(seconds=seconds)


def test_a_clock_that_goes_wrong_on_either_side_does_no_harm():
    headers = {"date": "Sun, 01 Mar 2026 08:00:00 GMT", "retry-after": "Sun, 01 Mar 2026 08:02:00 GMT"}
    assert come_back_at(headers, NOW) == NOW + timedelta(seconds=120)


@given(st.dictionaries(st.sampled_from(["retry-after", "ratelimit-reset", "date", "x-ratelimit-reset"]), st.text()))
def test_no_header_breaks_the_reading(headers):
    assert NOW < come_back_at(headers, NOW) <= NOW + LONGEST_WAIT


def test_secrets_are_hidden_wherever_they_stand():
    token = "s3cr3t-token"
    text = f"you sent {token}\r\nAuthorization: Bearer abcdefghijkl eyJhbGciOi.eyJzdWIi.c2ln\x00"
    shown = redact(text, {token})
    assert token not in shown
    assert "abcdefghijkl" not in shown
    assert "eyJ" not in shown
    assert "\n" not in shown
    assert len(redact("x" * 5000, ())) == 300
    raw = scrub({"accessJwt": "a", "deep": [{"password": "b", "text": f"has {token}"}], "id": "7", "n": 1}, {token})
    assert raw == {
        "accessJwt": "[hidden]",
        "deep": [{"password": "[hidden]", "text": "has [hidden]"}],
        "id": "7",
        "n": 1,
    }


@pytest.mark.parametrize(
    "url", ["", "example.com", "ftp://x.test", "https://", "https://u:p@x.test", "https://x.test/?a=1", "http://[x"]
)
def test_a_base_url_that_is_none_is_named(url):
    with pytest.raises(ValidationError, match="base_url"):
        Connection(base_url=url)


def test_an_unreadable_time_is_now():
    assert moment("2026-03-01T12:00:00Z") == NOW
    for value in (None, 7, "yesterday"):
        assert abs(moment(value) - datetime.now(UTC)) < timedelta(seconds=5)


class Token(Connection):
    token: SecretStr = SecretStr("t0ken-value")


async def served(answer, timeout=5.0, **write):
    """What a write comes to when the server answers with these bytes, given in pieces a tenth of a second apart."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        for piece in answer:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.1)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    http = Http("Test", Token(base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=timeout))
    try:
        return await http.write("POST", "/", **write)
    finally:
        await http.close()
        server.close()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        [b""],
        [b"nonsense\r\n\r\n"],
        [HEAD % 100, b'{"id":'],
        [HEAD % (LARGEST_ANSWER + 1), b"x" * (LARGEST_ANSWER + 1)],
        [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"],
    ],
    ids=["nothing", "no http", "half", "too large", "wrong encoding"],
)
async def test_what_is_no_answer_is_unknown(answer):
    with pytest.raises(Unknown):
        await served(answer)


async def test_an_answer_that_drips_ends_at_the_timeout():
    with pytest.raises(Unknown, match=r"within 0\.5 s"):
        await served([HEAD % 100, *[b"x"] * 100], timeout=0.5)


async def test_an_answer_that_echoes_the_secret_does_not_pass_it_on():
    body = json.dumps({"id": "1", "you": "t0ken-value"}).encode()
    answer = await served([HEAD % len(body) + body])
    assert answer.raw("id", "you", parts=["1"]) == {"id": "1", "you": "[hidden]", "parts": ["1"]}
    assert "t0ken-value" not in answer.says


def test_no_clear_answer_before_a_write_means_not_sent_and_a_failed_look_up_means_unknown():
    with pytest.raises(Unreachable, match="nothing was sent"), before_sending():
        raise Unknown("no answer")
    with pytest.raises(Unknown, match="could not be looked up"), looking_up():
        raise Unreachable("no connection")
