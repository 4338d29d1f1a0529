"""Narratives: claims that many make, told apart, labelled and quoted."""

import random
from datetime import UTC, datetime, timedelta

from crisis.interrogative import asked
from crisis.narratives import OTHER, Narratives, cluster
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
    assert {"smoke", "overheats", "kettle"} & set(first.label.replace(",", "").split())
    assert {"refund", "hotline", "queue"} & set(second.label.replace(",", "").split())
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


def test_a_narrative_keeps_its_id_as_it_grows() -> None:
    found = Narratives(["acme"])
    for mention in posts():
        found.add(mention.text)
    before = {n.quote: n.id for n in found.largest()}
    for number in range(300):
        found.add(f"the acme hotline queue takes {number} minutes and my refund was refused at desk {number % 7}")
        if number % 50 == 0:
            found.settle()
    after = {n.id: n for n in found.largest()}
    assert set(before.values()) <= set(after)
    assert {found.now(found.narrative(quote)) for quote in before} == set(before.values())
    assert max(after.values(), key=lambda n: n.size).label.count("refund")


def test_an_id_that_was_joined_with_another_is_still_known() -> None:
    found = Narratives()
    ids = {found.add(mention.text) for mention in posts()}
    held = {n.id for n in found.all()} | {OTHER}
    assert {found.now(id) for id in ids} <= held


def test_a_second_reader_goes_on_under_the_names_of_the_first() -> None:
    first = cluster(posts(), beside=["acme"])
    renamed = [n.model_copy(update={"id": f"n-first-{k}"}) for k, n in enumerate(first)]
    again = cluster(list(reversed(posts()))[:-3] + posts(), beside=["acme"], known=renamed)
    assert [n.id for n in again] == [n.id for n in renamed]


def test_memory_is_bounded_and_what_was_forgotten_still_counts() -> None:
    found = Narratives(keep=200)
    for number in range(1200):
        found.add(f"smoke from the kettle number {number} in kitchen {number % 13}")
    [only] = found.largest()
    assert only.size == 1200
    assert len(found._texts) == 200
    assert found.narrative("smoke from the kettle number 1 in kitchen 1") == only.id


def test_what_people_ask_is_counted_and_quoted() -> None:
    asking = [f"acme kettle overheats {end}. Is it safe to use the kettle?" for end in ENDS]
    asking += [f"acme kettle overheats {end}. is the kettle safe to use??" for end in ENDS]
    mentions = posts() + [Mention(id=f"q{n}", text=t, created_at=AT, author=str(n)) for n, t in enumerate(asking)]
    asked = [q for n in cluster(mentions, beside=["acme"]) for q in n.questions]
    assert ("Is it safe to use the kettle?", len(asking)) in [(q.text, q.count) for q in asked]


def test_questions_are_found_in_any_script_and_shouts_are_none() -> None:
    assert asked("wtf? Really?? この電気ケトルは安全ですか？") == ["この電気ケトルは安全ですか？"]
    assert asked("¿Cuándo abren la tienda? gracias") == ["Cuándo abren la tienda?"]
    assert asked("RT @ada: how do I get my money back\nI am angry.") == ["how do I get my money back"]
    assert asked("\x00\u202e" * 50_000) == []


def test_an_order_is_no_question_and_a_number_ends_no_sentence() -> None:
    assert asked("Do NOT leave your kettle plugged in tonight") == []
    assert asked("Does turning off wifi stop the 4.2 firmware? Thanks.") == [
        "Does turning off wifi stop the 4.2 firmware?"
    ]


def test_words_made_of_the_brand_tell_nothing_apart() -> None:
    texts = [f"acme kettle overheats and smoke comes out {end} #acmegate" for end in ENDS]
    [only] = cluster([Mention(id=str(n), text=t, created_at=AT) for n, t in enumerate(texts)], beside=["acme"])
    assert "acmegate" not in only.label


def test_one_claim_in_other_words_is_one_narrative() -> None:
    fire = ["caught fire", "burst into flames", "went up in flames", "is burning", "started smoking", "set on fire"]
    service = ["support never answers", "no reply from customer service", "the helpline hangs up", "nobody picks up"]
    texts = [f"{end} the thing {way} {n}" for n, (way, end) in enumerate((w, e) for w in fire for e in ENDS)]
    texts += [f"{end} {way} {n}" for n, (way, end) in enumerate((w, e) for w in service for e in ENDS)]
    found = Narratives()
    for text in texts:
        found.add(text)
    found.settle()
    placed = [found.narrative(text) for text in texts]
    first, second = placed[: len(fire) * len(ENDS)], placed[len(fire) * len(ENDS) :]
    assert not set(first) & set(second)
    assert len(set(placed)) <= 6


def test_a_narrative_that_is_most_of_the_stream_keeps_its_own_meaning() -> None:
    found = Narratives()
    for number in range(400):
        found.add(f"hotline queue takes {number} minutes and my refund was refused at desk {number % 7}")
    for number in range(40):
        found.add(f"kettle overheats and smoke comes out, number {number}")
    found.settle()
    assert found.narrative("waiting in the queue of the hotline, refund refused") == found.narrative(
        "hotline queue takes 1 minutes and my refund was refused at desk 1"
    )


def test_one_text_said_by_everybody_is_one_narrative() -> None:
    found = Narratives()
    for _ in range(1_000):
        found.add("the kettle caught fire in my kitchen")
    [only] = found.all()
    assert only.size == 1
    assert found.narrative("the kettle caught fire in my kitchen") == only.id


def test_a_label_names_pairs_of_words_and_no_two_forms_of_one() -> None:
    texts = [f"{end} customer service never answers my bag, our bags are lost {n}" for n, end in enumerate(ENDS * 3)]
    others = [f"kettle caught fire {end} {n}" for n, end in enumerate(ENDS * 3)]
    label = next(n.label for n in cluster(told(*texts, *others)) if "bag" in n.quote).split(", ")
    assert "customer service" in label
    assert not {"bag", "bags"} <= set(label)
    assert "never" not in label


def test_a_post_that_reads_by_itself_is_quoted_rather_than_a_repost_or_a_shred() -> None:
    shreds = [f"lost luggage {n}" for n in range(6)]
    full = "They lost my luggage in Porto and nobody at the desk can say where it is"
    reposts = [f"RT @somebody: {full} {n}" for n in range(4)]
    found = cluster(told(*reposts, *shreds, full, *(f"kettle caught fire {end}" for end in ENDS)))
    assert next(n.quote for n in found if "luggage" in n.quote) == full


def told(*texts: str) -> list[Mention]:
    return [Mention(id=str(n), text=text, created_at=AT + timedelta(minutes=n)) for n, text in enumerate(texts)]
