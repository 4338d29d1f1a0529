"""The coordination panel: what looks arranged is told and lowers confidence; passing on is no coordination."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from crisis.coordination import assess
from crisis.copies import CopyFinder, Originals
from crisis.detector import Detector
from crisis.watch import Mention, Watch

BEGIN = datetime(2026, 3, 2, 14, tzinfo=UTC)
TEXT = "Acme burns down homes and pays off the newspapers, share this before they delete it"
OWN_WORDS = [
    "my kettle caught fire this morning and the shop will not take it back",
    "is anybody else's toaster smoking since the update of last week?",
    "third day without an answer from acme, I want my money back now",
    "smoke in the kitchen, the children are fine, never again this brand",
    "the hotline says wait, how can I wait with a burning plug",
    "they should recall every single one of them before somebody dies",
    "I like my acme machine, never had any trouble in five years",
    "reading about all those fires, unplugged mine to be safe tonight",
    "how do I find out whether my model is one of the bad ones",
    "the fire brigade came twice to our street because of these things",
]


def posts(texts: list[str], gap: float = 90, **fields: object) -> list[Mention]:
    return [
        Mention(id=str(n), text=text, author=f"a{n}", created_at=BEGIN + timedelta(seconds=gap * n), **fields)  # type: ignore[arg-type]
        for n, text in enumerate(texts)
    ]


def test_people_in_their_own_words_are_not_coordinated() -> None:
    found = assess(posts(OWN_WORDS))
    assert (found.confidence_discount, found.signs) == (0, ())
    assert found.says == "no sign of coordination"


def test_one_text_from_five_authors_is_a_sign_also_when_it_is_changed_a_little() -> None:
    changed = [TEXT, TEXT.replace("homes", "houses"), TEXT.replace("a", "а"), TEXT.upper(), TEXT + " 🔥"]
    found = assess(posts(OWN_WORDS[:5] + changed))
    (sign,) = found.signs
    assert (sign.name, sign.value) == ("same text", 5)
    assert found.confidence_discount == pytest.approx(0.3)
    assert "5 of 10 authors" in found.says
    assert "Acme burns down homes" in found.says
    assert not assess(posts(OWN_WORDS[:6] + changed[:4])).signs


def test_repeats_within_seconds_and_young_accounts_add_to_it() -> None:
    slow = assess(posts([TEXT] * 10))
    fast = assess(posts([TEXT] * 10, gap=2))
    young = assess(posts([TEXT] * 10, gap=2, author_since=BEGIN - timedelta(days=3)))
    assert [sign.name for sign in young.signs] == ["same text", "repeats", "young accounts"]
    assert 0 < slow.confidence_discount < fast.confidence_discount < young.confidence_discount < 1
    assert not assess(posts(OWN_WORDS, gap=2, author_since=BEGIN - timedelta(days=900))).signs


@pytest.mark.parametrize("form", ["RT @ada: {}", "“@ada: {}”", "so true RT @ada: {}"])
def test_passing_on_is_no_coordination(form: str) -> None:
    assert not assess(posts([TEXT] + [form.format(TEXT)] * 30, gap=3)).signs


def test_people_who_quote_one_post_of_the_brand_or_a_popular_one_are_no_brigade() -> None:
    first, *others = posts([TEXT] * 20, gap=30)
    assert assess([first, *others]).signs
    assert not assess([first.model_copy(update={"author": "@Acme"}), *others], own=["acme"]).signs
    assert not assess([first.model_copy(update={"reposts": 500}), *others]).signs


HEADLINE = "Acme recalls 20,000 kettles after fires in three countries"
ANSWER = "We are aware of reports about the X200 kettle and are investigating. Please unplug it and write to us."
COMMENTS = ("lol", "really now", "too late", "is that all", "ok", "thanks for nothing", "wow", "shame", "hm", "finally")


@pytest.mark.parametrize(
    ("many", "gap"),
    [
        ([f"{HEADLINE} https://news.example/{n}" for n in range(30)], 60),
        ([f"{HEADLINE} via @newsroom" for _ in range(30)], 60),
        (["WIN an Acme X200! RT + follow @acme to enter, winner picked on Friday"] * 30, 5),
        ([f"“{ANSWER}” {comment} Acme" for comment in COMMENTS * 3], 5),
        (["I have exactly the same problem", "same problem here with mine"] * 15, 5),
        (["same here", "me too", "Same here!"] * 10, 5),
    ],
    ids=["page", "via", "giveaway", "quoted", "agreed", "short"],
)
def test_people_who_share_a_page_quote_take_part_or_agree_are_no_brigade(many: list[str], gap: float) -> None:
    assert not assess(posts(OWN_WORDS + many, gap)).signs


@pytest.mark.parametrize(
    ("many", "gap"),
    [
        ([f"{TEXT} https://spam.example/{n}" for n in range(30)], 4),
        ([f"{TEXT} {'https://spam.example' if n % 2 else ''}" for n in range(30)], 60),
        (["Boycott Acme for good, they are liars"] * 30, 60),
        ([f'Acme says "sorry" {TEXT}'] * 30, 60),
    ],
    ids=["page at once", "page by half", "short", "quoting a word"],
)
def test_a_brigade_is_not_hidden_by_a_link_a_quotation_or_few_words(many: list[str], gap: float) -> None:
    assert assess(posts(OWN_WORDS + many, gap)).signs[0].name == "same text"


def test_the_order_of_the_posts_does_not_matter_and_no_posts_are_no_sign() -> None:
    mentions = posts(OWN_WORDS + [TEXT] * 6)
    assert assess(mentions[::-1]) == assess(mentions)
    assert assess([]).confidence_discount == 0


def test_one_text_again_within_seconds_is_a_sign_however_few_the_authors() -> None:
    loud = [post.model_copy(update={"author": f"a{n % 2}"}) for n, post in enumerate(posts([TEXT] * 12, gap=4))]
    (sign,) = assess([*posts(OWN_WORDS), *loud]).signs
    assert (sign.name, sign.value) == ("repeats", 11)
    calm = [post.model_copy(update={"author": f"a{n % 2}"}) for n, post in enumerate(posts([TEXT] * 12, gap=40))]
    assert not assess([*posts(OWN_WORDS), *calm]).signs


def test_people_who_agree_in_a_few_common_words_are_no_brigade() -> None:
    assert not assess(posts(["@acme thank you so much!"] * 30 + ["Boycott Acme!"] * 30, gap=60)).signs


def test_copies_that_the_detector_found_are_not_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = [TEXT, TEXT.replace("homes", "houses"), TEXT.replace("a", "а"), TEXT.upper(), TEXT + " 🔥"]
    mentions = posts(OWN_WORDS[:5] + changed + [f"RT @ada: {TEXT}"], gap=3)
    detector = Detector(Watch(name="acme", brand="Acme", query="acme"))
    marks = [post.mark._replace(value=post.original) for post in detector.understand(mentions)]
    expected = assess(mentions)
    assert {sign.name for sign in expected.signs} == {"same text", "repeats"}
    monkeypatch.setattr(CopyFinder, "add_many", None)
    assert assess(mentions, marks=marks) == expected
    with pytest.raises(ValueError, match="zip"):
        assess(mentions, marks=marks[1:])


def test_a_brigade_whose_authors_each_change_three_words_is_seen() -> None:
    text = "acme left my grandmother alone at the gate for nine hours and the staff laughed about it share this"
    dice = random.Random(1)
    posts = []
    for _ in range(40):
        words = text.split()
        for at in dice.sample(range(len(words)), 3):
            words[at] = dice.choice(["because", "really", "people", "their", "never", "some", "why", "here"])
        posts.append(" ".join(words))
    found = Originals().fingerprints(posts)
    sizes = Counter(original for _, original in found)
    assert sum(count for count in sizes.values() if count >= 5) >= 36


def test_texts_do_not_drift_away_from_the_original_by_way_of_their_copies() -> None:
    said = "acme left my grandmother alone at the gate for nine hours and the staff laughed about it"
    words = said.split()
    unlike = "globex sold our neighbour two kettles in the shop with six lids but no handles came along"
    other = unlike.split()
    finder = CopyFinder()
    answers = [finder.add(f"{step}", " ".join(other[:step] + words[step:])) for step in range(len(words) + 1)]
    assert answers[1] == "0"
    assert answers.count("0") >= 3
    assert "0" not in answers[12:]
