"""The demo firestorm: generated, the same byte for byte, and holding what its README says."""

from collections import Counter
from datetime import timedelta

from config.scenarios import FIRESTORM, FIRESTORM_BEGINS, FIRESTORM_STRIKES
from config.scenarios.generate_firestorm import BEGINS, STORM, generate, pack


def test_the_shipped_file_is_what_the_generator_writes() -> None:
    assert pack(generate()) == FIRESTORM.read_bytes()
    assert FIRESTORM.stat().st_size < 1_000_000
    assert (FIRESTORM_BEGINS, FIRESTORM_STRIKES) == (BEGINS, STORM)


def test_it_holds_calm_storm_languages_networks_copies_and_loud_voices() -> None:
    posts = generate()
    strikes = STORM.isoformat()
    before = [post for post in posts if post["created_at"] < strikes]
    after = [post for post in posts if post["created_at"] >= strikes]
    assert timedelta(hours=54) == STORM - BEGINS
    assert len(before) / 54 < len(after) / 150, "an hour of calm is little beside the storm"
    assert {post["language"] for post in after} == {"en", "es", "de", "fr", "ja"}
    assert {post["source"] for post in after} == {"bluesky", "mastodon", "x", "reddit"}
    assert max(post["followers"] for post in posts) > 1_000_000
    assert sum(post["text"].startswith("RT @") for post in after) > 300
    brigade = Counter(post["author"] for post in after if "#boycottbrewline" in post["text"])
    assert len(brigade) >= 30
    assert len({post["text"] for post in posts}) > 0.5 * len(posts)
    assert not any("{" in post["text"] for post in posts)


def test_the_storm_decays_after_its_peak() -> None:
    minutes = Counter(
        int((when - STORM).total_seconds() // 1800)
        for when in map(type(STORM).fromisoformat, (str(post["created_at"]) for post in generate()))
        if when >= STORM
    )
    assert minutes[1] < minutes[0] * 2
    assert minutes[0] > minutes[2] > minutes[3] > minutes[5]
