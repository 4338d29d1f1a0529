"""What each affected group says, thinks, feels and does, from quoted posts."""

from datetime import UTC, datetime

from crisis.empathy import empathy_map
from crisis.reading import Reading
from crisis.triage import Narrative
from crisis.watch import Mention

AT = datetime(2026, 3, 1, tzinfo=UTC)
ANGRY = Reading(
    language="en", supported=True, sentiment="negative", negative=0.9, anger=0.8, emotion="anger", outrage=0.9
)
CALM = Reading(language="en", supported=True)
FOREIGN = Reading(language="ar", supported=False)


def post(text: str) -> Mention:
    return Mention(id=text, text=text, created_at=AT)


def test_who_was_hit_who_asks_and_who_looks_on_are_told_apart():
    posts = [post("I stood at the till and my app failed"), post("Is my money safe?"), post("Acme is down again")]
    told = empathy_map(posts, [ANGRY, CALM, CALM])
    assert [(g.name, g.posts) for g in told.groups] == [("hit themselves", 1), ("asking", 1), ("looking on", 1)]
    assert told.groups[1].asks[0].text == "Is my money safe?"


def test_every_feeling_has_its_count_and_a_quote():
    posts = [post(f"I am furious about the app {n}") for n in range(3)]
    feels = empathy_map(posts, [ANGRY] * 3).groups[0].feels
    assert (feels[0].what, feels[0].count, feels[0].quotes) == ("anger", 3, (posts[0].text,))


def test_what_cannot_be_read_is_counted_as_not_read_and_has_no_feeling():
    told = empathy_map([post("أنا غاضب")], [FOREIGN])
    assert (told.posts, told.read) == (1, 0)
    assert told.groups[0].feels == ()


def test_what_they_do_and_think_is_found_by_their_own_words():
    posts = [post("we want a refund, payments failed"), post("I will cancel my account")]
    told = empathy_map(posts, [ANGRY, ANGRY], [Narrative(id="n", label="payments failed", size=9)])
    group = told.groups[0]
    assert {cell.what for cell in group.does} == {"want their money back", "say they leave"}
    assert (group.thinks[0].what, group.thinks[0].count) == ("payments failed", 1)


def test_an_incident_without_posts_has_an_empty_map():
    assert empathy_map([], []).groups == ()
