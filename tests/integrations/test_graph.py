"""Meta's Graph APIs: lists of several pages, removal that nobody can see, and waits as the platform names them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kinds_served import KINDS, media_of, settings_of
from scripted import Scripted

import integrations
from crisis.delivery import Receipt
from integrations import RateLimited, Refused, Unknown

GRAPH = ("facebook", "threads", "instagram")
SAYS = {"facebook": "message", "threads": "text", "instagram": "caption"}
WHEN = {"facebook": "created_time", "threads": "timestamp", "instagram": "timestamp"}
NOT_LOADED = {
    "message": "Unsupported delete request. Object with ID '1_9' does not exist, cannot be loaded due to missing "
    "permissions, or does not support this operation.",
    "type": "GraphMethodException",
    "code": 100,
    "error_subcode": 33,
}
MISSING = (400, {"error": NOT_LOADED})
RECEIPT = Receipt(id="1_9", accepted_at=datetime.now(UTC), raw={"parts": ["1_9"]})


@pytest.fixture(scope="module")
def meta() -> Iterator[Scripted]:
    with Scripted() as receiver:
        yield receiver


@pytest.fixture(params=GRAPH)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def channel(kind: str, meta: Scripted) -> Any:
    meta.reset()
    connected = integrations.connect(kind, base_url=meta.url, timeout=5, **settings_of(kind, meta))
    yield connected
    await connected.close()


def post(kind: str, text: str = "Recall of lot 7", ago: timedelta = timedelta(minutes=1), number: str = "1_9") -> Any:
    return {"id": number, SAYS[kind]: text, WHEN[kind]: (datetime.now(UTC) - ago).isoformat()}


def onwards(after: str | None) -> dict[str, Any]:
    """A next page by its cursor, or by its address alone."""
    cursors = {"cursors": {"after": after}} if after else {}
    return {**cursors, "next": "https://evil.example/v1/other?after=from+address&access_token=theirs"}


@pytest.mark.parametrize("after", ["second", None])
async def test_an_empty_page_is_not_the_last_while_there_is_a_next_one(channel, meta, kind, render, after):
    def tells(request):
        if request.url.path.endswith("/replies"):
            return 200, {"data": []}
        if request.query_params.get("after") in {"second", "from address"}:
            return 200, {"data": [post(kind)]}
        return 200, {"data": [], "paging": onwards(after)}

    meta.tells = tells
    found = await channel.find("k", render("Recall of lot 7", kind=kind))
    assert found.id == "1_9"
    assert all("access_token" not in r.query for r in meta.requests)


async def test_a_list_without_an_end_proves_nothing(channel, meta, kind, render):
    meta.tells = lambda request: (200, {"data": [], "paging": onwards("again")})
    with pytest.raises(Unknown, match="more than 20 pages"):
        await channel.find("k", render("Recall of lot 7", kind=kind))
    meta.tells = lambda request: (200, {"data": [], "paging": {"next": "https://graph.facebook.com/other"}})
    with pytest.raises(Unknown, match="does not say which"):
        await channel.find("k", render("Recall of lot 7", kind=kind))


async def test_a_list_is_read_until_it_is_older_than_what_is_looked_for(channel, meta, kind, render):
    old = post(kind, ago=timedelta(hours=30), text="Another")
    meta.tells = lambda request: (200, {"data": [old], "paging": onwards("on")})
    assert await channel.find("k", render("Recall of lot 7", kind=kind)) is None
    assert len(meta.requests) == 1


def answering(*, listed: Any, looked: Any) -> Any:
    """What is said to a removal: it is not loaded; then what the lists and a look at the post itself say."""

    def tells(request):
        if request.method == "DELETE":
            return MISSING
        return looked if request.url.path == "/1_9" else listed

    return tells


async def test_what_can_neither_be_read_nor_is_listed_is_gone(channel, meta):
    meta.tells = answering(listed=(200, {"data": []}), looked=MISSING)
    await channel.withdraw(RECEIPT)


@pytest.mark.parametrize("looked", [MISSING, (200, {"id": "1_9"})])
async def test_what_a_token_may_not_delete_is_not_called_gone(channel, meta, kind, looked):
    meta.tells = answering(listed=(200, {"data": [post(kind)]}), looked=looked)
    with pytest.raises(Refused, match="still there"):
        await channel.withdraw(RECEIPT)


@pytest.mark.parametrize("listed", [MISSING, (500, {}), (200, {"data": "x"}), (403, {"error": {"code": 10}})])
async def test_where_nobody_can_tell_whether_it_is_gone_a_person_is_asked(channel, meta, listed):
    meta.tells = answering(listed=listed, looked=MISSING)
    with pytest.raises(Unknown):
        await channel.withdraw(RECEIPT)
    meta.tells = answering(listed=(200, {"data": []}), looked=(400, {"error": {"code": 190}}))
    with pytest.raises(Unknown):
        await channel.withdraw(RECEIPT)


@pytest.mark.parametrize("kind", ["facebook", "instagram"])
async def test_a_comment_is_looked_for_under_its_post_and_gone_with_it(kind, render):
    with KINDS[kind][0]() as receiver:
        channel = integrations.connect(kind, base_url=receiver.url, timeout=5, **settings_of(kind, receiver))
        first = await channel.publish(render("We know.", kind=kind, media=media_of(kind)), "k")
        second = await channel.publish(render("We were wrong.", kind=kind, reply_to=first.id), "k2")
        third = await channel.publish(render("And this too.", kind=kind, reply_to=first.id), "k3")
        await channel.withdraw(second)
        await channel.withdraw(second)
        del receiver.posts[third.id]
        await channel.withdraw(first)
        await channel.withdraw(third)
        await channel.close()


@pytest.mark.parametrize("code", [4, 17, 32, 613, 80001, 80004, 80009])
@pytest.mark.parametrize(
    ("usage", "minutes"),
    [
        ('{"1": [{"type": "pages", "estimated_time_to_regain_access": 45}, {"type": "x"}], "2": []}', 45),
        ('{"1": [{"estimated_time_to_regain_access": 9}], "2": [{"estimated_time_to_regain_access": 90}]}', 90),
        ('{"1": [{"estimated_time_to_regain_access": 1e300}]}', 24 * 60),
        ('{"1": [{"estimated_time_to_regain_access": 0}]}', 5),
        ('{"1": [{"estimated_time_to_regain_access": "x"}, 7, null], "2": 3}', 5),
        ("[", 5),
        ("", 5),
    ],
)
async def test_a_throttled_account_waits_as_long_as_meta_says(meta, render, code, usage, minutes):
    headers = {"X-Business-Use-Case-Usage": usage, "X-App-Usage": '{"call_count": 100}'}
    meta.tells = lambda request: (400, {"error": {"code": code, "message": "limit reached"}}, headers)
    channel = integrations.connect("facebook", base_url=meta.url, page="1", access_token="right")
    with pytest.raises(RateLimited) as caught:
        await channel.publish(render("x", kind="facebook"), "k")
    await channel.close()
    waits = caught.value.until - datetime.now(UTC)
    assert timedelta(minutes=minutes - 1) < waits <= timedelta(minutes=minutes)
