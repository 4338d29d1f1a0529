"""What is peculiar to each network: its cursors and gaps, its tokens, its own words, its own rules for waiting."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
import zstandard
from atproto_networks import JetstreamNetwork, PdsNetwork, commit_of, frame, with_links
from network import SECRET, Fault
from review_networks import AppStoreNetwork, FeedNetwork, PlayNetwork
from social_networks import (
    HackerNewsNetwork,
    MastodonNetwork,
    MastodonStreamNetwork,
    RedditNetwork,
    XNetwork,
    XStreamNetwork,
)
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from test_sources import listening

import integrations
from crisis.coverage import SourceState
from crisis.matching import Matcher
from crisis.query import parse
from integrations import Misconfigured, RateLimited, Unknown, Unreachable, app_store, hackernews
from integrations.feed import Feed
from integrations.http import Answer
from integrations.listening import LiveSource, Pulse
from integrations.mastodon_posts import mastodon_mention, rewound
from integrations.reddit import _mention as reddit_mention
from integrations.x_posts import x_mention
from integrations.x_stream import SEARCHABLE, XStream, searches

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiveSource, "first_wait", 0.02)


@pytest.fixture
async def jetstream() -> AsyncIterator[JetstreamNetwork]:
    async with JetstreamNetwork().running() as network:
        assert isinstance(network, JetstreamNetwork)
        yield network


@pytest.fixture
async def pds() -> AsyncIterator[PdsNetwork]:
    async with PdsNetwork().running() as network:
        assert isinstance(network, PdsNetwork)
        yield network


async def test_jetstream_is_asked_for_posts_only_and_from_a_little_before_the_cursor(
    jetstream: JetstreamNetwork,
) -> None:
    async with listening(jetstream, "1725911162329308", wanted_dids=["did:plc:a"]) as heard:
        await heard.ready(jetstream)
    _, query, _ = jetstream.requests[-1]
    assert query["wantedCollections"] == "app.bsky.feed.post"
    assert query["wantedDids"] == "did:plc:a"
    assert query["cursor"] == str(1725911162329308 - 3_000_000)


async def test_jetstream_compressed_with_the_dictionary_of_ones_own_says_the_same(jetstream, tmp_path) -> None:
    samples = [json.dumps({"did": f"did:plc:{n}", "text": f"acme {n} {'x' * (n % 50)}"}).encode() for n in range(2000)]
    dictionary = zstandard.train_dictionary(4096, samples)
    (tmp_path / "dictionary").write_bytes(dictionary.as_bytes())
    jetstream.compress = zstandard.ZstdCompressor(dict_data=dictionary).compress
    async with listening(jetstream, dictionary=str(tmp_path / "dictionary")) as heard:
        await heard.ready(jetstream)
        jetstream.publish("compressed")
        await heard.hear("compressed")
    assert jetstream.requests[-1][1]["compress"] == "true"


async def test_a_bomb_in_zstd_is_one_message_that_cannot_be_read(jetstream, tmp_path) -> None:
    dictionary = zstandard.train_dictionary(1024, [str(n).encode() * 20 for n in range(1000)])
    (tmp_path / "dictionary").write_bytes(dictionary.as_bytes())
    compress = zstandard.ZstdCompressor(dict_data=dictionary).compress
    jetstream.compress = lambda content: compress(b"0" * 200_000_000 if content.startswith(b"{not") else content)
    async with listening(jetstream, dictionary=str(tmp_path / "dictionary")) as heard:
        await heard.ready(jetstream)
        jetstream.garbage()
        jetstream.publish("after")
        await heard.hear("after")
        assert heard.source.unreadable == 1


@pytest.mark.parametrize("content", [None, b"", b"this is no dictionary"])
async def test_without_a_dictionary_that_can_be_used_posts_come_as_json_and_check_says_where_to_get_it(
    jetstream: JetstreamNetwork, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "dictionary").write_bytes(content)
    async with listening(jetstream, dictionary=str(tmp_path / "dictionary")) as heard:
        await heard.ready(jetstream)
        jetstream.publish("as JSON")
        await heard.hear("as JSON")
        health = await heard.source.check()
    assert health.ok
    assert "uncompressed" in health.says
    assert "github.com/bluesky-social/jetstream" in health.says
    assert all("compress" not in query for _, query, _ in jetstream.requests)


async def test_a_dictionary_of_something_else_is_given_up_for_json(jetstream: JetstreamNetwork, tmp_path: Path) -> None:
    theirs, ours = (
        zstandard.train_dictionary(1024, [word + str(n).encode() * 20 for n in range(1000)]) for word in (b"a", b"b")
    )
    (tmp_path / "dictionary").write_bytes(ours.as_bytes())
    compress = zstandard.ZstdCompressor(dict_data=theirs).compress
    jetstream.compress = lambda content: compress(content) if "compress" in jetstream.requests[-1][1] else content
    async with listening(jetstream, dictionary=str(tmp_path / "dictionary")) as heard:
        await heard.until(lambda: heard.source.plain, "it gives compression up")
        await heard.until(lambda: len(jetstream.requests) > 1, "it connects again")
        await heard.ready(jetstream)
        jetstream.publish("as JSON")
        await heard.hear("as JSON")
        assert "is not the dictionary" in heard.source.plain


async def test_jetstream_out_of_order_and_twice_is_given_out_once_and_resumed_before_all_of_it(
    jetstream: JetstreamNetwork,
) -> None:
    async with listening(jetstream) as heard:
        await heard.ready(jetstream)
        first, second, third = jetstream.publish("one", "two", "three")
        await heard.hear("three")
        for again in (third, first, second, first):
            jetstream.connected[0].put_nowait(again)
        jetstream.publish("four")
        await heard.hear("four")
        assert heard.texts == ["one", "two", "three", "four"]
        cursor = heard.cursor
    jetstream.publish("five")
    async with listening(jetstream, cursor) as heard:
        await heard.hear("five")


async def test_only_what_may_be_wanted_is_read_and_one_post_a_second_whatever_it_says(
    jetstream: JetstreamNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(jetstream) as heard:
        heard.source.only = Matcher({"acme": parse("acme")}, text_key="text").may_match
        await heard.ready(jetstream)
        monkeypatch.setattr("integrations.jetstream.LOOK_EVERY", 3600.0)
        jetstream.publish("calm 1", "acme 1", "calm 2", "Аcme 2")
        await heard.hear("acme 1", "Аcme 2")
        assert "calm 2" not in heard.texts
        monkeypatch.setattr("integrations.jetstream.LOOK_EVERY", 0.0)
        jetstream.publish("calm 3")
        await heard.hear("calm 3")
        assert int(heard.cursor or 0) == jetstream.posts[-1].number * 1000


async def test_jetstream_tells_of_the_posts_that_an_instance_no_longer_keeps(jetstream: JetstreamNetwork) -> None:
    jetstream.publish("kept")
    long_ago = jetstream.posts[0].number * 1000 - 600_000_000
    async with listening(jetstream, str(long_ago)) as heard:
        await heard.hear("kept")
        assert heard.source.health.state is SourceState.DEGRADED
        assert "keeps no posts from before" in heard.source.health.says


async def test_a_server_with_a_new_numbering_is_listened_to_from_the_present(pds: PdsNetwork) -> None:
    async with listening(pds, str(pds.number() * 10)) as heard:
        await heard.until(lambda: pds.connected, "it connects without a cursor")
        assert [query.get("cursor") for path, query, _ in pds.requests] == [str(pds.number() * 10), None]
        pds.publish("new")
        await heard.hear("new")
        assert "lost" in heard.source.health.says


async def test_a_server_that_no_longer_keeps_the_past_says_so_and_goes_on(pds: PdsNetwork) -> None:
    pds.publish("old", "kept")
    pds.oldest = pds.posts[0].number
    async with listening(pds, "5") as heard:
        await heard.hear("kept")
        assert heard.source.health.state is SourceState.DEGRADED
        assert "some are lost" in heard.source.health.says
        assert "old" not in heard.texts


async def test_a_reader_that_was_too_slow_goes_on_where_it_stopped(pds: PdsNetwork, monkeypatch) -> None:
    slow = frame({"op": -1}, {"error": "ConsumerTooSlow", "message": "Stream consumer too slow"})
    monkeypatch.setattr(
        "atproto_networks._commit_frame", lambda one: slow if one is None else with_links(*commit_of([one]))
    )
    async with listening(pds) as heard:
        await heard.ready(pds)
        pds.publish("before")
        await heard.hear("before")
        pds.garbage()
        pds.publish("after")
        await heard.hear("after")
        assert pds.requests[-1][1]["cursor"] == str(pds.posts[0].number)


def test_only_the_last_post_of_a_commit_is_behind_it() -> None:
    source = integrations.connect("pds_repos", base_url="wss://pds.example")
    posts = [type("P", (), {"number": 7, "text": t, "at": NOW, "author": "ana"})() for t in ("one", "two")]
    header, body = commit_of(posts)
    body["ops"][2]["path"] += "b"
    assert [(seq, m.text) for seq, m in source._frame(with_links(header, body))] == [(6, "one"), (7, "two")]


@pytest.mark.parametrize(
    "broken",
    [b"", b"\xa0", b"\xa0\xa0", b"\xff" * 50, "text", frame({"op": 1, "t": "#commit"}, {"seq": 1}),
     frame({"op": 1, "t": "#commit"}, {"seq": "x", "repo": 1, "ops": 5, "blocks": b""}), b"\x81" * 100_000],
    ids=range(8),
)  # fmt: skip
def test_frames_that_make_no_sense_are_skipped(broken: bytes | str) -> None:
    source = integrations.connect("pds_repos", base_url="wss://pds.example")
    assert source._frame(broken) == []


async def test_mastodon_takes_the_next_page_from_its_own_server_whatever_the_link_says() -> None:
    async with MastodonNetwork().running() as network:
        first = network.publish(*"abcdefg")[0]
        async with listening(network, str(first.number)) as heard:
            await heard.hear(*"bcdefg")
        assert all(headers["host"] in network.url for _, _, headers in network.requests)


def test_a_mastodon_id_that_tells_the_time_is_rewound_and_another_is_not() -> None:
    assert int("113000000000000000") - int(rewound("113000000000000000")) == (300_000 << 16)
    assert rewound("01J9ZD4Q4D2W7M9Z6Y0G5N3K1C") == "01J9ZD4Q4D2W7M9Z6Y0G5N3K1C"
    assert rewound("12345") == "12345"


def test_a_status_is_read_as_its_reader_sees_it() -> None:
    content = (
        '<p class="quote-inline">RE: <a href="https://x.test/1">https://x.test/1</a></p>'
        '<p>Hi <span class="h-card"><a href="https://remote.test/@ana" class="u-url mention">@<span>ana</span></a></span>'
        ' &amp; all<br />see <a href="https://x.test/long/path"><span class="invisible">https://</span>'
        '<span class="ellipsis">x.test/long</span><span class="invisible">/path</span></a></p>'
        "<p>Bye&nbsp;&#128075;<script>alert(1)</script></p>"
    )
    status = {"uri": "https://m.test/1", "content": content, "created_at": "2026-03-01T12:00:00.000Z", "account": {}}
    mention = mastodon_mention(status)
    assert mention is not None
    assert mention.text == "Hi @ana & all\nsee https://x.test/long/path\n\nBye 👋"
    assert mention.created_at == NOW
    assert mastodon_mention({**status, "reblog": {"id": "2"}}) is None
    warned = mastodon_mention({**status, "spoiler_text": "Acme & co", "content": "<p>x</p>"})
    assert warned is not None
    assert warned.text == "Acme & co\nx"


async def test_a_stream_that_wants_a_token_says_so() -> None:
    async with MastodonStreamNetwork().running() as network:
        network._event = lambda one: '{"error": "Missing access token", "status": 401}'
        async with listening(network) as heard:
            await heard.ready(network)
            network.garbage()
            with pytest.raises(Misconfigured, match="read:statuses"):
                await asyncio.wait_for(asyncio.shield(heard.task), 5)


@pytest.mark.parametrize("kind", [RedditNetwork, PlayNetwork])
async def test_a_token_that_ran_out_is_renewed_within_the_request(kind: Any) -> None:
    async with kind().running() as network, listening(network) as heard:
        await heard.ready(network)
        network.valid = "token-2"
        network.publish("after renewal")
        await heard.hear("after renewal")
        assert network.tokens == 2
        assert heard.source.health.reconnects == 0


@pytest.mark.parametrize("kind", [RedditNetwork, XNetwork, HackerNewsNetwork])
async def test_when_nothing_is_left_of_a_rate_limit_the_next_request_waits(kind: Any, monkeypatch) -> None:
    async with kind().running() as network:
        source = integrations.connect(network.kind, **network.settings)
        until = datetime.now(UTC) + timedelta(seconds=0.6)
        monkeypatch.setattr("integrations.listening.come_back_at", lambda headers, now: until)
        network.faults.append(Fault(200, {"x-ratelimit-remaining": "0"}, "{}"))
        await source.ask("/anything")
        await source.ask("/anything")
        await source.close()
        assert datetime.now(UTC) >= until


def test_reddit_wants_a_user_agent_that_names_the_owner() -> None:
    settings = {"client_id": "i", "client_secret": "s", "query": "acme"}
    with pytest.raises(Misconfigured, match="user_agent"):
        integrations.connect("reddit", user_agent="python-requests/2", **settings)


async def test_a_service_account_that_is_none_is_refused_without_being_repeated() -> None:
    key = f'{{"private_key": "{SECRET}"}}'
    source = integrations.connect("play_reviews", package="com.acme.app", service_account=key)
    health = await source.check()
    await source.close()
    assert not health.ok
    assert "JSON key" in health.says
    assert SECRET not in health.says


async def test_x_counts_the_whole_text_the_author_and_who_passed_it_on() -> None:
    long = "acme " + "word " * 200 + "& <end>"
    async with XNetwork().running() as network, listening(network) as heard:
        await heard.ready(network)
        network.publish(long)
        await heard.hear(long)
        [mention] = heard.mentions
        assert (mention.author, mention.followers, mention.reposts, mention.replies) == ("ana", 900, 6, 2)
        assert mention.url.startswith("https://x.com/ana/status/")


async def test_a_stop_longer_than_x_remembers_is_told_and_the_rest_is_taken() -> None:
    async with XNetwork().running() as network:
        network.publish("old", "kept")
        network.oldest = 1000
        async with listening(network, "5") as heard:
            await heard.hear("kept")
            assert "seven days" in heard.source.health.says


async def test_x_rules_are_brought_up_to_date_and_other_programs_keep_theirs() -> None:
    async with XStreamNetwork().running() as network:
        network.rules.append({"id": "9", "value": "an old rule", "tag": "fireline:watch"})
        async with listening(network) as heard:
            await heard.ready(network)
        assert {(r["value"], r["tag"]) for r in network.rules} == {
            ("cats", "another program"),
            ("acme -is:retweet", "fireline:watch"),
        }


@pytest.mark.parametrize("kind", [XStreamNetwork, JetstreamNetwork, PdsNetwork, MastodonStreamNetwork])
async def test_a_stream_that_falls_silent_is_opened_anew(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    lost = Pulse.lost
    monkeypatch.setattr(Pulse, "lost", lambda self, says, **more: (said.append(says), lost(self, says, **more))[1])
    async with kind().running() as network, listening(network, quiet=0.2) as heard:
        await heard.until(lambda: heard.source.health.reconnects >= 2, "it connects again")
        # Without a cursor only what is said while connected is heard, so it is said until it is.
        await heard.until(lambda: network.publish("still there") and heard.texts, "it hears again")
    assert all("fell silent for 0.2 s" in says for says in said), said


async def test_a_reader_that_takes_its_time_is_not_the_networks_silence() -> None:
    async with JetstreamNetwork().running() as network:
        source = integrations.connect("jetstream", **network.settings, quiet=0.3)
        async with aclosing(source.listen(None)) as posts:
            first = asyncio.create_task(anext(posts))
            while not network.connected:
                await asyncio.sleep(0.01)
            network.publish("one", "two")
            await first
            await asyncio.sleep(0.8)
            await anext(posts)
            assert source.health.reconnects == 0
        await source.close()


def test_x_is_waited_for_by_its_own_rules() -> None:
    source = integrations.connect("x_stream", bearer_token="t", rules=["acme"])
    assert isinstance(source, XStream)
    gone, failed = Unreachable("x"), Unknown("X answered 503", 503)
    assert [source.wait(gone, n) for n in (1, 2, 4, 1000)] == [0.25, 0.5, 1.0, 16.0]
    assert [source.wait(failed, n) for n in (1, 2, 3, 1000)] == [5.0, 10.0, 20.0, 320.0]
    limited = RateLimited("x", datetime.now(UTC))
    assert [source.wait(limited, n) for n in (1, 2, 3)] == [60.0, 120.0, 240.0]
    later = RateLimited("x", datetime.now(UTC) + timedelta(seconds=500))
    assert source.wait(later, 1) > 490


def test_a_post_without_its_author_is_still_a_post() -> None:
    mention = x_mention({"id": "12", "text": "acme", "author_id": "7", "lang": "und"}, {})
    assert mention is not None
    assert (mention.author, mention.language, mention.url) == ("7", "", "https://x.com/i/status/12")
    assert x_mention({"id": "12", "text": "acme", "lang": ["en"]}, {}) is not None


async def test_a_feed_that_did_not_change_is_not_sent_again() -> None:
    async with FeedNetwork().running() as network, listening(network) as heard:
        network.publish("once")
        await heard.hear("once")
        await heard.until(lambda: network.unchanged >= 2, "it asks with the ETag")
        network.publish("twice")
        await heard.hear("twice")
        assert heard.texts == ["once", "twice"]


@pytest.fixture
async def pages(tmp_path: Path) -> AsyncIterator["Pages"]:
    """A real static web server: its own ETags, Last-Modified and 304; and addresses that lead elsewhere."""

    async with Pages(tmp_path).running() as network:
        assert isinstance(network, Pages)
        yield network


class Pages(FeedNetwork):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.statuses: list[int] = []

    def routes(self) -> list[BaseRoute]:
        def to(location: str, status: int) -> Route:
            answer = RedirectResponse(location, status)
            return Route(f"/{location.strip('./')}-{status}", lambda request: answer)

        async def counted(scope: Any, receive: Any, send: Any) -> None:
            async def noted(message: Any) -> None:
                if message["type"] == "http.response.start":
                    self.statuses.append(message["status"])
                await send(message)

            await StaticFiles(directory=self.folder)(scope, receive, noted)

        gone = Route("/gone.xml", lambda request: PlainTextResponse("gone", 410))
        circle = Route("/circle.xml", lambda request: RedirectResponse("/circle.xml", 302))
        evil = Route("/evil.xml", lambda request: RedirectResponse("file:///etc/passwd", 302))
        moved = [to("../news/atom.xml", status) for status in (301, 302, 307, 308)]
        return [gone, circle, evil, *moved, Mount("/", counted)]

    def write(self, *texts: str) -> None:
        entries = "".join(
            f"<entry><id>tag:n.test,2026:{text}</id><title>{text}</title><updated>{datetime.now(UTC).isoformat()}</updated></entry>"
            for text in texts
        )
        file = self.folder / "news" / "atom.xml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f'<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>{entries}</feed>')


async def test_a_real_web_server_tells_that_a_feed_did_not_change(pages: Pages) -> None:
    pages.write("once")
    async with listening(pages, feed="/news/atom.xml") as heard:
        await heard.hear("once")
        await heard.until(lambda: pages.statuses.count(304) >= 2, "it is told so")
        assert pages.statuses.count(200) == 1
        pages.write("once", "and again")
        await heard.hear("and again")
        assert heard.texts == ["once", "and again"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_feed_that_moved_is_followed_and_check_says_where_it_is_when_it_moved_for_good(
    pages: Pages, status: int
) -> None:
    pages.write("moved")
    async with listening(pages, feed=f"/news/atom.xml-{status}") as heard:
        await heard.hear("moved")
        says = (await heard.source.check()).says
        assert ("it has moved to" in says) is (status in {301, 308})


@pytest.mark.parametrize(
    ("feed", "says"), [("gone", "gone for good"), ("circle", "more than 5 times"), ("evil", "file:")]
)
async def test_a_feed_that_leads_nowhere_is_down_and_says_why(pages: Pages, feed: str, says: str) -> None:
    async with listening(pages, feed=f"/{feed}.xml") as heard:
        with pytest.raises(Misconfigured, match=says):
            await asyncio.wait_for(asyncio.shield(heard.task), 5)
        assert heard.source.health.state is SourceState.DOWN


def test_a_text_that_reddit_took_away_is_not_what_the_post_says() -> None:
    data = {"name": "t3_1", "title": "Acme?", "selftext": "[removed]", "author": "[deleted]", "created_utc": 1}
    mention = reddit_mention({"kind": "t3", "data": data})
    assert mention is not None
    assert mention.text == "Acme?"


ATOM = """<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title>T</title>
<entry><title>No id</title><link href="https://n.test/1"/><updated>2026-03-01T12:00:00Z</updated></entry>
<entry><id>tag:2</id><title type="html">Acme &amp;lt;b&amp;gt; &amp;amp; co</title><summary>short</summary>
<content type="html">&lt;p&gt;A much longer text&lt;/p&gt;&lt;script&gt;x&lt;/script&gt;</content>
<link href="javascript:alert(1)"/><updated>no date</updated></entry></feed>"""


def entries(content: str | bytes) -> list[Any]:
    source = integrations.connect("feed", base_url="https://n.test")
    assert isinstance(source, Feed)
    body = content.encode() if isinstance(content, str) else content
    return asyncio.run(source._entries(Answer("x", 200, {"content-type": "application/xml"}, body, set())))


def test_atom_is_read_with_what_it_has() -> None:
    bare, whole = entries(ATOM)
    assert (bare.id, bare.text, bare.created_at) == ("https://n.test/1", "No id", NOW)
    assert whole.text == "Acme <b> & co\nA much longer text"
    assert whole.url == ""
    assert abs(whole.created_at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("content", ["", "<html><body>404</body></html>", b"\xff\xfe\x00", "{}"])
def test_what_is_no_feed_is_said_to_be_none(content: str | bytes) -> None:
    with pytest.raises(Unknown, match="no feed"):
        entries(content)


async def test_a_store_without_reviews_and_one_with_a_single_review_are_read() -> None:
    async with AppStoreNetwork().running() as network, listening(network) as heard:
        await heard.ready(network)
        assert heard.mentions == []
        network.publish("the only one")
        await heard.hear("the only one")
        assert heard.mentions[0].id.startswith("us/")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("mastodon_stream", {"base_url": "https://m.test"}),
        ("mastodon_hashtag", {"base_url": "https://m.test", "hashtags": ["two words"]}),
        ("app_store", {"app_id": 1, "countries": ["usa"]}),
        ("jetstream", {"base_url": "ftp://x.test"}),
        ("feed", {"base_url": "https://u:p@n.test"}),
        ("x_recent", {"bearer_token": "t", "query": ""}),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(kind: str, settings: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match="Its settings are"):
        integrations.connect(kind, **settings)


def test_a_websocket_address_may_be_written_either_way() -> None:
    for address in ("wss://j.test", "https://j.test"):
        assert integrations.connect("jetstream", base_url=address)._settings.base_url == "https://j.test"


ENDLESS = f"acme &#{'9' * 5000}; <![x> fails"
"""A reference to no character, and a marked section of no known kind."""


@pytest.mark.parametrize("kind", ["feed", "reddit", "x", "mastodon", "hackernews", "app_store"])
def test_no_text_makes_its_post_unreadable(kind: str) -> None:
    entry = {"im:rating": {"label": "1"}, "id": {"label": "1"}, "title": {"label": ENDLESS}}
    feed = integrations.connect("feed", base_url="https://n.test")
    read = {
        "feed": lambda: feed._mention(feedparser.FeedParserDict(id="1", title=ENDLESS)),
        "reddit": lambda: reddit_mention({"data": {"name": "t3_1", "title": ENDLESS}}),
        "x": lambda: x_mention({"id": "1", "text": ENDLESS}, {}),
        "mastodon": lambda: mastodon_mention({"uri": "https://m.test/1", "content": ENDLESS, "account": {}}),
        "hackernews": lambda: hackernews._mention({"objectID": "1", "comment_text": ENDLESS}),
        "app_store": lambda: app_store._mention(entry, "us"),
    }
    mention = read[kind]()
    assert mention is not None
    assert mention.text.startswith("acme \ufffd")


@pytest.mark.parametrize("within", ["&#{};", "&amp;#{};", "<![CDATA[&#{}; <![x>]]>"], ids=["raw", "escaped", "cdata"])
async def test_a_feed_with_one_text_that_cannot_be_read_loses_no_other_entry(within: str, pages: Pages) -> None:
    item = f"<item><guid>1</guid><title>one {within.format('9' * 5000)}</title></item>"
    items = f"{item}<item><guid>2</guid><title>two</title></item>"
    (pages.folder / "rss.xml").write_text(f"<rss version='2.0'><channel>{items}</channel></rss>")
    async with listening(pages, feed="/rss.xml") as heard:
        await heard.until(lambda: len(heard.texts) == 2, "both are heard")
        assert {text[:3] for text in heard.texts} == {"one", "two"}


def test_a_bomb_in_zstd_takes_no_memory(tmp_path: Path) -> None:
    dictionary = zstandard.train_dictionary(1024, [str(n).encode() * 20 for n in range(1000)])
    (tmp_path / "dictionary").write_bytes(dictionary.as_bytes())
    source = integrations.connect("jetstream", base_url="https://j.test", dictionary=tmp_path / "dictionary")
    bomb = zstandard.ZstdCompressor(dict_data=dictionary).compress(b"0" * 50_000_000)
    assert source._line(bomb) == bomb


@pytest.mark.parametrize("status", [400, 403])
async def test_where_search_does_not_take_the_rules_the_stream_goes_on_and_the_gap_is_told(status: int) -> None:
    class Choosy(XStreamNetwork):
        async def _recent(self, request: Any) -> PlainTextResponse:
            return PlainTextResponse("There were errors processing your request: too long", status)

    async with Choosy().running() as network, listening(network, "5") as heard:
        await heard.ready(network)
        network.publish("after")
        await heard.hear("after")
        assert heard.source.health.state is SourceState.DEGRADED
        assert "too long" in heard.source.health.says


def test_many_rules_are_searched_for_in_as_few_searches_as_every_plan_takes() -> None:
    rules = [f"acme {n} " + "x" * 90 for n in range(12)]
    asked = searches(rules)
    assert all(len(query) <= SEARCHABLE for query in asked)
    assert len(asked) == 3
    assert " OR ".join(asked) == " OR ".join(f"({rule})" for rule in rules)
    assert searches(["a", "b"]) == ["(a) OR (b)"]


@pytest.mark.parametrize("kind", [MastodonNetwork, MastodonStreamNetwork], ids=["hashtag", "stream"])
async def test_a_stop_longer_than_timelines_are_read_back_is_told(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.mastodon_posts.MOST_BACKLOG", 80)
    async with kind().running() as network:
        first = network.publish(*(f"post {n}" for n in range(40)))[0]
        async with listening(network, str(first.number)) as heard:
            await heard.hear("post 1")
            await heard.until(lambda: heard.source.health.says, "it says so")
            assert "more than 80 posts of a timeline were missed" in heard.source.health.says


@pytest.mark.parametrize("shape", [[1], {"urls": "x"}, {"urls": {"streaming": 5}}, None], ids=range(4))
async def test_a_server_that_names_no_streaming_address_streams_itself(shape: Any) -> None:
    source = integrations.connect("mastodon_stream", base_url="https://m.test", hashtags=["acme"])
    source.ask = lambda *_: asyncio.sleep(
        0, Answer("Mastodon", 200, {}, json.dumps({"configuration": shape}).encode(), set())
    )
    assert (await source._where()).base_url == "https://m.test"
    await source.close()


@pytest.mark.parametrize("rule", [{"value": ["a"]}, {"id": {}}, {"value": None}], ids=range(3))
async def test_a_rule_of_x_that_cannot_be_read_is_none_of_ours(rule: dict[str, Any]) -> None:
    source = integrations.connect("x_stream", bearer_token="t", rules=["acme"])
    held = {"data": [{"id": "1", "value": "acme", "tag": "fireline:watch"} | rule]}
    source.ask = lambda *_: asyncio.sleep(0, Answer("X", 200, {}, json.dumps(held).encode(), set()))
    assert await source._rules() == []
    await source.close()
