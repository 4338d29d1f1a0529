"""What is left of a rate limit: read in every dialect, and shared by all who use one account."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from integrations.http import Connection, Http
from integrations.outcomes import RateLimited
from integrations.rate_limits import (
    LONGEST_WAIT,
    Allowance,
    allowance_of,
    come_back_at,
    endpoint_of,
    sharing,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("headers", "left", "limit", "seconds"),
    [
        (
            {
                "x-ratelimit-limit": "300",
                "x-ratelimit-remaining": "7",
                "x-ratelimit-reset": "2026-03-01T12:05:00.123Z",
            },
            7,
            300,
            300.123,
        ),
        (
            {
                "x-rate-limit-limit": "100",
                "x-rate-limit-remaining": "0",
                "x-rate-limit-reset": str(EPOCH + 900),
            },
            0,
            100,
            900,
        ),
        (
            {"ratelimit-limit": "3000", "ratelimit-remaining": "2999", "ratelimit-reset": str(EPOCH + 60)},
            2999,
            3000,
            60,
        ),
        ({"ratelimit": "limit=100, remaining=50, reset=5"}, 50, 100, 5),
        ({"ratelimit": '"default";r=4;t=30'}, 4, None, 30),
        ({"x-ratelimit-remaining": "98.0", "x-ratelimit-reset": "120"}, 98, None, 120),
        ({"x-ratelimit-limit": "5", "x-ratelimit-remaining": "4", "x-ratelimit-reset-after": "0.6"}, 4, 5, 1),
        ({"x-app-usage": '{"call_count":28,"total_time":97.2,"total_cputime":3}'}, 2, 100, None),
        ({"x-ratelimit-remaining": "12"}, 12, None, None),
    ],
)
def test_every_dialect_of_what_is_left_is_read(headers, left, limit, seconds):
    until = NOW + timedelta(seconds=seconds) if seconds is not None else None
    assert allowance_of(headers, NOW) == Allowance(left, limit, until)


@pytest.mark.parametrize("headers", [{}, {"x-ratelimit-remaining": "many"}, {"x-app-usage": "[1]"}, {"ratelimit": "?"}])
def test_headers_that_say_nothing_are_no_allowance(headers):
    assert allowance_of(headers, NOW) is None


NAMES = ["ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-app-usage", "ratelimit-limit", "date"]


@given(st.dictionaries(st.sampled_from(NAMES), st.text() | st.integers().map(str) | st.floats().map(str)))
def test_no_header_breaks_the_reading(headers):
    allowance = allowance_of(headers, NOW)
    assert allowance is None or (allowance.left >= 0 and (allowance.until or NOW) <= NOW + LONGEST_WAIT)


def test_the_ietf_header_alone_says_when_to_come_back():
    assert come_back_at({"ratelimit": '"day";r=0;t=45'}, NOW) == NOW + timedelta(seconds=45)
    assert come_back_at({"ratelimit": "limit=9, remaining=0, reset=45"}, NOW) == NOW + timedelta(seconds=45)


def test_an_endpoint_names_neither_things_nor_secrets():
    assert endpoint_of("get", "/2/users/1234/tweets?max=3") == "GET /2/users/:/tweets"
    assert endpoint_of("POST", "https://api.test/bot12:AbC/sendMessage") == "POST api.test/:/sendMessage"
    assert endpoint_of("POST", "/v21.0/4711/feed") == "POST /v21.0/:/feed"
    assert "hook" * 8 not in endpoint_of("POST", f"/services/{'hook' * 8}")


class Shared:
    """A budget in memory, as two processes would share it."""

    def __init__(self) -> None:
        self.noted: dict[str, Allowance] = {}

    async def take(self, endpoint):
        known = self.noted.get(endpoint)
        if known is None or known.until is None:
            return None
        if known.left <= 0:
            return known.until
        self.noted[endpoint] = Allowance(known.left - 1, known.limit, known.until)
        return None

    async def left(self, endpoint, allowance):
        self.noted[endpoint] = allowance


class Key(Connection):
    token: SecretStr = SecretStr("t0ken-value")


async def asked(answers, requests):
    """Requests of two connections to one account in turn; how many the server saw, and what came of each."""
    seen = 0

    async def serve(reader, writer):
        nonlocal seen
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                head = answers[min(seen, len(answers) - 1)]
                seen += 1
                writer.write(head + b"Content-Length: 2\r\n\r\n{}")
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with sharing(Shared()):
        both = [Http("Test", Key(base_url=address)) for _ in range(2)]
    outcomes = []
    for i, (method, path) in enumerate(requests):
        try:
            outcomes.append((await both[i % 2].write(method, path)).status)
        except RateLimited as limited:
            outcomes.append(limited)
    for http in both:
        await http.close()
    server.close()
    return seen, outcomes


async def test_what_one_was_refused_no_other_asks_for_and_other_endpoints_go_on():
    answers = [b"HTTP/1.1 429 Slow down\r\nRetry-After: 60\r\n", b"HTTP/1.1 200 OK\r\n"]
    requests = [("POST", "/posts"), ("POST", "/posts"), ("DELETE", "/posts/7")]
    seen, (first, second, third) = await asked(answers, requests)
    assert seen == 2
    assert isinstance(first, RateLimited)
    assert isinstance(second, RateLimited)
    assert second.until == first.until
    assert "nothing was sent" in str(second)
    assert third == 200


async def test_the_last_request_of_a_period_is_spent_once():
    scarce = b"HTTP/1.1 200 OK\r\nX-RateLimit-Remaining: 1\r\nX-RateLimit-Reset: 60\r\n"
    spent = b"HTTP/1.1 200 OK\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 60\r\n"
    seen, outcomes = await asked([scarce, spent], [("POST", "/posts")] * 4)
    assert seen == 2
    assert outcomes[:2] == [200, 200]
    assert all(isinstance(outcome, RateLimited) for outcome in outcomes[2:])


def test_a_429_of_metas_is_over_when_its_usage_says_so() -> None:
    usage = '{"17841": [{"type": "instagram", "call_count": 100, "estimated_time_to_regain_access": 12}]}'
    assert come_back_at({"x-business-use-case-usage": usage}, NOW) == NOW + timedelta(minutes=12)
