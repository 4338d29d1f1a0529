"""What each affected group says, thinks, feels and does, from quoted posts; and what a text leaves unanswered."""

from datetime import UTC, datetime

import pytest

from crisis.affected import ADVOCATES, AFFECTED, CRITICS, ELSEWHERE, EMPLOYEES, PRESS, UNKNOWN, group_of
from crisis.empathy import Need, NeedKind, answers, empathy_map, needs, of_the_matter
from crisis.reading import Reading
from crisis.triage import Narrative
from crisis.watch import Mention
from tasks.empathy import left_open

AT = datetime(2026, 3, 1, tzinfo=UTC)
ANGRY = Reading(
    language="en", supported=True, sentiment="negative", negative=0.9, anger=0.8, emotion="anger", outrage=0.9
)
CALM = Reading(language="en", supported=True)
GLAD = Reading(language="en", supported=True, sentiment="positive")
FOREIGN = Reading(language="ar", supported=False)


def post(text: str, author: str = "", url: str = "") -> Mention:
    return Mention(id=text, text=text, created_at=AT, author=author, url=url)


@pytest.mark.parametrize(
    ("text", "reading", "group"),
    [
        ("I stood at the till and my app failed", ANGRY, AFFECTED),
        ("My card was declined twice", CALM, AFFECTED),
        ("Is my money safe with them?", CALM, ELSEWHERE),
        ("Works for me here in Leeds", CALM, ELSEWHERE),
        ("I work for Acme and nobody told us anything", ANGRY, EMPLOYEES),
        ("I work at a hospital and could not pay", ANGRY, AFFECTED),
        ("BREAKING: Acme payments are down", CALM, PRESS),
        ("They fixed it in an hour, well handled", GLAD, ADVOCATES),
        ("Acme is a disgrace", ANGRY, CRITICS),
        ("Acme is down again", CALM, UNKNOWN),
        ("أنا غاضب", FOREIGN, UNKNOWN),
    ],
)
def test_a_post_speaks_for_the_group_whose_signs_it_shows(text: str, reading: Reading, group: str) -> None:
    assert group_of(post(text), reading, "Acme") == group


def test_a_newsroom_is_told_by_its_handle() -> None:
    assert group_of(post("Acme is down", author="@leeds_times"), CALM) == PRESS


def test_every_feeling_has_its_count_and_a_quote_with_its_link() -> None:
    posts = [post(f"I am furious about the app {n}", url=f"https://x.example/{n}") for n in range(3)]
    [group] = empathy_map(posts, [ANGRY] * 3).groups
    [feeling] = group.feels
    assert (feeling.what, feeling.count, feeling.quotes[0].link) == ("anger", 3, "https://x.example/0")
    assert group.rule


def test_the_map_is_made_from_posts_of_the_matter_over_all_its_time_and_not_from_later_chatter() -> None:
    charged = Narrative(id="n-1", label="charged twice", size=90, quote="charged twice")
    storm = [(post(f"acme charged me twice {n}"), ANGRY if n % 2 else CALM) for n in range(90)]
    rude = [(post(f"acme is a disgrace {n}"), ANGRY) for n in range(10)]
    chatter = [(post(f"the acme kettle is nice {n}"), CALM) for n in range(300)]
    everything = [*storm, *rude, *chatter]

    def taken(pairs: list[tuple[Mention, Reading]], most: int) -> list[str]:
        chosen, own = of_the_matter([p for p, _ in pairs], [r for _, r in pairs], [charged], most=most)
        assert len(chosen) == len(own)
        return [one.text for one in chosen]

    assert taken(everything, 200) == [p.text for p, _ in [*storm, *rude]], "no chatter while there is the matter"
    few = taken(everything, 5)
    assert few == [f"acme charged me twice {n}" for n in (1, 19, 37, 55, 73)], "the hostile ones, over its time"
    assert len(taken(everything, 60)) == 60
    assert taken(chatter, 3) == [chatter[n][0].text for n in (0, 100, 200)], "there is nothing else"
    foreign = [(post(f"مرحبا {n}"), FOREIGN) for n in range(4)]
    assert taken([*foreign, *chatter], 200) == [p.text for p, _ in foreign], "what cannot be read may be of it"


def test_a_link_that_is_no_web_address_is_none() -> None:
    [group] = empathy_map([post("Acme is a disgrace", url="javascript:alert(1)")], [ANGRY]).groups
    assert group.says[0].link == ""


def test_what_cannot_be_read_is_counted_as_not_read_and_has_no_feeling() -> None:
    told = empathy_map([post("أنا غاضب")], [FOREIGN])
    assert (told.posts, told.read, told.groups[0].read) == (1, 0, 0)
    assert told.groups[0].feels == ()


def test_what_they_do_and_think_is_found_by_their_own_words() -> None:
    posts = [post("we want a refund, payments failed"), post("I will cancel my account")]
    [group] = empathy_map(posts, [ANGRY, ANGRY], [Narrative(id="n", label="payments failed", size=9)]).groups
    assert {cell.what for cell in group.does} == {"want their money back", "say they leave"}
    assert (group.thinks[0].what, group.thinks[0].count, group.thinks[0].quotes[0].text) == (
        "payments failed",
        1,
        posts[0].text,
    )


def test_an_incident_without_posts_has_an_empty_map() -> None:
    assert empathy_map([], []).groups == ()
    assert needs(empathy_map([], [])) == ()


def test_a_text_answers_what_it_speaks_of_and_leaves_the_rest_open() -> None:
    posts = [post(f"I want a refund now {n}. When will my app work again?") for n in range(3)]
    found = empathy_map(posts, [ANGRY] * 3)
    wanted = {(n.kind.value, n.what): n for n in needs(found)}
    refund = wanted["demand", "want their money back"]
    assert wanted["feeling", "anger"].count == 3
    assert any(kind == "question" for kind, _ in wanted)
    assert answers("Every double charge will be refunded by Friday.", refund)
    assert not answers("We are sorry.", refund)
    text = "We know that payments fail. We found that a gateway failed, and our engineers are replacing it."
    open_now = {n.what for n in left_open(found, text)}
    assert "want their money back" in open_now
    assert "anger" not in open_now
    told = needs(found, [("INC-1-S1 v1", "We are refunding every double charge.")])
    assert {n.what: n.answered_by for n in told}["want their money back"] == "INC-1-S1 v1"
    assert told[0].answered_by == ""  # what is open stands first


def test_a_question_is_not_answered_by_repeating_it() -> None:
    need = Need(kind=NeedKind.QUESTION, group=AFFECTED, what="When will the app work again?", count=2)
    assert not answers("You ask when the app will work again? Thank you.", need)
    assert answers("The app will work again at 15:00 UTC.", need)
