"""Which post a mention answers or quotes is taken from what each source tells, and tied to our receipts by it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crisis.delivery import Delivery, DeliveryClass, DeliveryState, Purpose, Receipt
from crisis.statement import Part, Rendering, Target
from crisis.tied import answering, count, posts_of
from crisis.watch import Mention
from integrations.bluesky_posts import bluesky_mention
from integrations.mastodon_posts import mastodon_mention
from integrations.x_posts import x_mention

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OURS = "at://did:plc:acme/app.bsky.feed.post/3k"


def bluesky(**more: Any) -> Mention | None:
    record = {"text": "acme?", "createdAt": "2026-03-01T12:00:00Z", **more}
    return bluesky_mention("did:plc:bob", "3x", record, AT)


@pytest.mark.parametrize(
    ("more", "answers", "quotes"),
    [
        ({"reply": {"root": {"uri": "at://root"}, "parent": {"uri": OURS}}}, OURS, ""),
        ({"embed": {"$type": "app.bsky.embed.record", "record": {"uri": OURS}}}, "", OURS),
        ({"embed": {"$type": "app.bsky.embed.recordWithMedia", "record": {"record": {"uri": OURS}}}}, "", OURS),
        ({"embed": {"$type": "app.bsky.embed.images", "images": []}, "reply": "nonsense"}, "", ""),
        ({"reply": {"parent": {"uri": 7}}, "embed": {"record": ["x"]}}, "", ""),
    ],
)
def test_bluesky_tells_both(more: dict[str, Any], answers: str, quotes: str) -> None:
    found = bluesky(**more)
    assert found is not None
    assert (found.in_reply_to, found.quotes) == (answers, quotes)


def test_mastodon_tells_the_answered_one_by_its_servers_id_and_the_quoted_one_by_address() -> None:
    status = {"uri": "https://m.example/1", "content": "<p>acme?</p>", "created_at": "2026-03-01T12:00:00Z"}
    answer = mastodon_mention(status | {"in_reply_to_id": "1093"})
    quote = mastodon_mention(status | {"quote": {"state": "accepted", "quoted_status": {"uri": "https://m.example/9"}}})
    shallow = mastodon_mention(status | {"quote": {"state": "accepted", "quoted_status_id": "1093"}})
    neither = mastodon_mention(status | {"in_reply_to_id": None, "quote": "odd"})
    assert answer is not None
    assert quote is not None
    assert shallow is not None
    assert neither is not None
    assert (answer.in_reply_to, answer.quotes) == ("1093", "")
    assert (quote.quotes, shallow.quotes) == ("https://m.example/9", "1093")
    assert (neither.in_reply_to, neither.quotes) == ("", "")


def test_x_tells_both_by_number() -> None:
    referenced = [{"type": "quoted", "id": "5"}, {"type": "replied_to", "id": "6"}, "odd"]
    found = x_mention({"id": "9", "text": "acme", "referenced_tweets": referenced}, {})
    assert found is not None
    assert (found.in_reply_to, found.quotes) == ("6", "5")


def delivered(kind: str, receipt: Receipt | None) -> Delivery:
    return Delivery(
        id="d",
        incident="INC-1",
        purpose=Purpose.STATEMENT,
        rendering=Rendering(target=Target(channel="c", kind=kind), parts=(Part(text="x", length=1, limit=9),)),
        delivery_class=DeliveryClass.NATIVE_KEY,
        state=DeliveryState.ACCEPTED,
        receipt=receipt,
        created_at=AT,
        updated_at=AT,
    )


def test_any_part_of_a_thread_counts_ids_count_on_their_network_only_and_each_mention_once() -> None:
    posts = posts_of(
        [
            delivered("x", Receipt(id="6", accepted_at=AT, raw={"parts": ["6", "7"]})),
            delivered("bluesky", Receipt(id=OURS, accepted_at=AT, raw={"parts": [OURS, 3]})),
            delivered("smtp", None),
        ]
    )

    def mention(id: str, source: str = "x", **more: Any) -> Mention:
        return Mention(id=id, text="acme", source=source, created_at=AT, **more)

    mentions = [
        mention("1", in_reply_to="7"),
        mention("1", in_reply_to="7"),
        mention("1", quotes="6"),
        mention("2", quotes="6"),
        mention("3", "mastodon", in_reply_to="7"),
        mention("4", "bluesky", in_reply_to=OURS, quotes=OURS),
        mention("5", in_reply_to="999"),
    ]
    window = {"since": AT, "until": AT + timedelta(hours=1)}
    replies, quotes = answering(posts, mentions, **window)
    assert (sorted(m.id for m in replies), [m.id for m in quotes]) == (["1", "4"], ["2"])
    assert answering(posts, reversed(mentions), **window)[1] == quotes
    assert answering(posts, mentions, since=AT + timedelta(seconds=1), until=AT + timedelta(hours=1)) == ((), ())
    assert count(replies, quotes, []).says == "2 replies and 1 quote"
    assert "no source has told" in count((), (), []).says
