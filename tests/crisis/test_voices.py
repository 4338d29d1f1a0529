"""Who speaks: the press by its links and accounts, and people a watch had not heard before."""

from datetime import UTC, datetime

from config.lexicons import newsrooms
from crisis.acquaintance import FEWEST, MOST, Acquaintance
from crisis.media import NOBODY, Newsrooms, picked_up_by
from crisis.watch import Mention

AT = datetime(2026, 3, 3, 13, tzinfo=UTC)
ROOMS = Newsrooms(sources=frozenset({"rss"}), domains=frozenset({"bbc.co.uk", "reuters.com"}))


def post(text: str = "acme", *, author: str = "", source: str = "x", url: str = "") -> Mention:
    return Mention(id="1", text=text, created_at=AT, author=author, source=source, url=url)


def test_newsrooms_are_known_by_link_account_and_network() -> None:
    posts = [
        post("look: https://www.BBC.co.uk/news/1 and https://bbc.co.uk/2"),
        post(author="reuters.com", source="bluesky"),
        post(source="rss", url="https://local-paper.example/a"),
        post("https://notbbc.co.uk/x https://bbc.co.uk.evil.example/ https://[broken"),
    ]
    assert picked_up_by(posts, ROOMS) == ("bbc.co.uk", "local-paper.example", "reuters.com")
    assert picked_up_by(posts, NOBODY) == ()


def test_the_packaged_list_is_domains_in_lower_case() -> None:
    packaged = newsrooms()
    assert packaged.named("edition.cnn.com") == "cnn.com"
    assert all(domain == domain.lower() and "/" not in domain for domain in packaged.domains)


def test_new_voices_are_told_from_regulars_and_a_young_watch_says_nothing() -> None:
    known = Acquaintance()
    for number in range(FEWEST - 1):
        known.meet(post(author=f"regular{number}"))
    storm = [post(author="regular1"), post(author="regular2"), post(author="new1"), post(author="new1")]
    assert known.novelty(storm) is None
    known.meet(post(author="one more"))
    assert known.novelty(storm) == 1 / 3
    assert Acquaintance.load(known.dump()).novelty(storm) == 1 / 3
    assert known.novelty([]) is None


def test_the_memory_of_authors_is_bounded_and_keeps_those_seen_last() -> None:
    known = Acquaintance()
    known.meet(post(author="first"))
    for number in range(MOST):
        known.meet(post(author=f"a{number}"))
    assert known.novelty([post(author="first")]) == 1
    assert known.novelty([post(author=f"a{MOST - 1}")]) == 0
    assert len(known.dump()) < 30_000
