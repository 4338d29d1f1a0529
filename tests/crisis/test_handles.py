"""Whoever must not be written to is found under every name by which they are put on the list, or the name is refused."""

import pytest

from crisis.handles import NamesNobody, identified, names_of, unmatched
from crisis.replies import name_of

POST = "https://social.example/@p1/1"


@pytest.mark.parametrize(
    "who",
    [
        "mastodon:@p1@social.example",
        "mastodon:@p1",
        "Mastodon:@P1@Social.Example",
        " MASTODON : p1@social.example ",
        "mastodon:https://social.example/@p1",
        "https://social.example/@p1/115",
        "https://social.example/users/p1",
        "https://elsewhere.example/@p1@social.example",
        "//social.example/@p1",
    ],
)
@pytest.mark.parametrize("author", ["p1@social.example", "@P1@social.example", "p1"])
def test_a_person_on_mastodon_is_known_under_each_name_they_are_listed_by(who: str, author: str) -> None:
    network, listed = identified(who)
    assert network == "mastodon"
    assert name_of(listed) in names_of("mastodon", author, POST)


@pytest.mark.parametrize(
    ("who", "found"),
    [
        ("twitter:@ada", ("x", "@ada")),
        ("https://www.x.com/ada/status/1", ("x", "ada")),
        ("https://twitter.com/ada", ("x", "ada")),
        ("https://bsky.app/profile/did:plc:abc", ("bluesky", "did:plc:abc")),
        ("bluesky:did:plc:abc", ("bluesky", "did:plc:abc")),
        ("https://old.reddit.com/user/ada/", ("reddit", "ada")),
        ("reddit:u/ada", ("reddit", "u/ada")),
        ("*:ada", ("*", "ada")),
        ("app_store:A. B. Mirza", ("app_store", "A. B. Mirza")),
    ],
)
def test_profiles_and_old_names_of_networks_are_read(who: str, found: tuple[str, str]) -> None:
    assert identified(who) == found


@pytest.mark.parametrize(
    "who",
    [
        "",
        "ada",
        "mastodon:",
        "mastodon:@",
        "mastodon:a da",
        "x:https://social.example/@p1",
        "https://social.example/about",
        "https://x.com/",
        "https://[",
        "mastodon:@ada@",
    ],
)
def test_what_names_nobody_is_refused_in_one_sentence(who: str) -> None:
    with pytest.raises(NamesNobody, match="write network:author"):
        identified(who)


def test_what_would_match_no_post_is_said() -> None:
    assert "no post is from 'mastadon'" in unmatched("mastadon", "ada", ())
    assert "by DID" in unmatched("bluesky", "ada.bsky.social", ())
    assert [unmatched(*who, ["care"]) for who in (("x", "a"), ("*", "a"), ("care", "a"), ("bluesky", "did:plc:a"))] == [
        ""
    ] * 4


def test_somebody_of_another_server_or_network_is_another() -> None:
    assert "ada@one.example" not in names_of("mastodon", "ada@two.example", "https://two.example/@ada/1")
    assert names_of("x", "ada", "https://x.com/ada/status/1") == ("ada",)
    assert names_of("mastodon", "", POST) == ("",)
