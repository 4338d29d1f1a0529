"""Who carries a claim, who speaks, and when replies go: the rules by themselves."""

from datetime import UTC, datetime, timedelta

import pytest

from crisis.influence import Person, Stance, people
from crisis.reach import carriers, reach_of, spread
from crisis.replies import GAP, PER_NARRATIVE, name_of, own_words, paced
from crisis.understanding import understood
from crisis.watch import Mention

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CLAIM = "They knew about the fires for two years and kept on selling the kettles anyway"


def post(author: str, text: str, **more: object) -> Mention:
    fields = {"id": f"{author}/{text[:20]}", "text": text, "author": author, "created_at": NOW, "source": "x", **more}
    return Mention.model_validate({"language": "en", **fields})


def nobody(mention: Mention) -> str:
    return ""


def test_the_fewest_posts_that_carry_more_than_half_are_chosen_and_never_more_than_five() -> None:
    said = [
        f"{CLAIM}, says witness {word} with papers"
        for word in ("Ada", "Ben", "Cem", "Dora", "Eli", "Fay", "Gus", "Hal")
    ]
    steep = understood([post(f"p{n}", text, followers=10 ** (6 - n)) for n, text in enumerate(said[:6])])
    assert [c.mention.author for c in carriers(steep, nobody).chosen] == ["p0"]
    other = [
        "The boiler hums all night", "A dog barked at noon today", "Rent went up again here", "My train left early again",
        "Soup was cold on Tuesday", "Nobody reads the manual", "Paint peels off the door", "Seven lamps went dark",
        "Her cousin sells umbrellas", "Wind took the fence away", "Coffee costs six coins now", "We painted a wall green",
    ]  # fmt: skip
    flat = understood([post(f"p{n}", text, followers=100) for n, text in enumerate(other)])
    chosen = carriers(flat, nobody)
    assert len(chosen.chosen) == PER_NARRATIVE
    assert not chosen.enough
    assert chosen.share < 0.5


def test_copies_are_one_text_and_an_unknown_reach_is_nobodys() -> None:
    posts = understood(
        [
            post("a", CLAIM, followers=100),
            post("b", CLAIM, followers=900),
            post("c", f"RT {CLAIM}"),
            post("d", "Who is it?"),
        ]
    )
    [chosen] = carriers(posts, nobody).chosen
    assert (chosen.mention.author, chosen.reach, chosen.posts) == ("b", 1000, 3)
    told = spread(posts, NOW)
    assert (told.posts, told.reach, told.unknown, told.texts) == (4, 1000, 2, 2)
    assert reach_of(posts[2].mention) is None
    passed = carriers(posts, lambda m: "our own post" if m.author in ("a", "b", "c") else "")
    assert (passed.chosen, passed.left_out) == ((), {"our own post": 1})
    after = carriers(posts, nobody, answered=lambda m: m.author == "c")
    assert (after.chosen, after.enough) == ((), True)


def test_growth_is_told_by_the_hour() -> None:
    ages = (10, 20, 30, 70, 700, 900)
    posts = [post(f"p{n}", f"{CLAIM} {n}", created_at=NOW - timedelta(minutes=m)) for n, m in enumerate(ages)]
    told = spread(understood(posts), NOW)
    assert told.says == "growing: 3 posts in the last hour, 1 in the hour before"
    assert sum(h.posts for h in told.hours) == 5


def by_name(*posts: Mention) -> dict[str, Person]:
    return {p.author: p for p in people(understood(posts), most=10)}


def test_the_stance_rests_on_posts_that_are_shown_and_is_unread_where_none_can_be() -> None:
    found = by_name(
        post("critic", "This is awful, I hate it, the worst kettle ever", followers=5_000),
        post("friend", "I love this kettle, wonderful people, great service", followers=10),
        post("quiet", "ケトルが燃えました", language="ja"),
        post("asker", "Is the blue kettle safe to use for my kids?", reposts=3),
        post("", "nobody says this, awful"),
    )
    assert {name: p.stance for name, p in found.items() if name != "asker"} == {
        "critic": Stance.CRITIC,
        "friend": Stance.ADVOCATE,
        "quiet": Stance.UNREAD,
    }
    assert (found["critic"].influencer, found["friend"].influencer, found["asker"].asks) == (True, False, True)
    assert (found["quiet"].reach, found["asker"].reach) == (None, 3)
    assert all(p.quotes for p in found.values())


@pytest.mark.parametrize(("text", "found"), [("I'm 12 and scared", True), ("I am 15 minutes late", False),
                                             ("I want to die", True), ("12 is my lucky number", False)])  # fmt: skip
def test_words_of_minors_and_of_distress_are_pointed_out(text: str, found: bool) -> None:
    assert bool(by_name(post("p", text))["p"].care) is found


def test_replies_are_paced_by_channel_after_what_went_before() -> None:
    times = paced(["m", "m", "b", "m"], last={"b": NOW - timedelta(minutes=4)}, now=NOW)
    assert times == [NOW, NOW + GAP, NOW + timedelta(minutes=6), NOW + 2 * GAP]


def test_a_person_is_the_same_however_the_handle_is_written() -> None:
    assert {name_of(n) for n in ("@Ada@X.example", "ada@x.example ", "ＡＤＡ@x.example")} == {"ada@x.example"}
    assert name_of("/u/Ada") == name_of("u/ada") == "ada"
    assert own_words("@ada@x.example Thank YOU!") == own_words("@ben thank you")
