"""Narratives: claims that many make, told apart, labelled and quoted."""

import random
from datetime import UTC, datetime, timedelta

from crisis.narratives import cluster
from crisis.watch import Mention

AT = datetime(2026, 3, 3, 13, tzinfo=UTC)
ENDS = ["today", "again", "this morning", "in our office", "at home", "near the window", "with my sister", "on Monday"]


def posts() -> list[Mention]:
    texts = [f"acme kettle overheats and smoke comes out {end} {n}" for n, end in enumerate(ENDS * 3)]
    texts += [f"waiting in the acme hotline queue, refund refused {end} {n}" for n, end in enumerate(ENDS * 2)]
    texts += ["my lovely acme", "acme rocks", "what is acme"]
    return [Mention(id=str(n), text=text, created_at=AT + timedelta(minutes=n)) for n, text in enumerate(texts)]


def test_two_complaints_are_two_narratives_with_label_and_quote() -> None:
    first, second, *_ = cluster(posts(), beside=["acme"])
    assert 20 <= first.size <= 24
    assert second.size == 16
    assert {"smoke", "overheats", "kettle"} & set(first.label.split(", "))
    assert {"refund", "hotline", "queue"} & set(second.label.split(", "))
    assert "overheats" in first.quote
    assert first.id != second.id


def test_the_order_of_posts_changes_nothing() -> None:
    shuffled = posts()
    random.Random(1).shuffle(shuffled)
    assert cluster(shuffled, beside=["acme"]) == cluster(posts(), beside=["acme"])


def test_copies_count_once() -> None:
    copies = [Mention(id=f"c{n}", text=f"RT @ada: {posts()[0].text}", created_at=AT, author=f"c{n}") for n in range(50)]
    assert cluster([*posts(), *copies], beside=["acme"]) == cluster(posts(), beside=["acme"])


def test_no_posts_and_hostile_posts_are_no_narrative() -> None:
    assert cluster([]) == ()
    odd = ["\x00", "", "\u202e", "a" * 100_000, "@", "&amp;"]
    assert cluster([Mention(id=str(n), text=text, created_at=AT) for n, text in enumerate(odd)]) == ()
