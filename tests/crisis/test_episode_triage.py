"""An episode is triaged from posts that are understood once; what is dumped goes on as if nothing had happened."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from storms import WATCH, calm, posts, reader

from crisis import understanding
from crisis.coordination import SAME_TEXT
from crisis.detector import Detector
from crisis.episode_triage import EpisodeTriage, Look
from crisis.sensitivity import Sensitivity
from crisis.triage import Signal
from crisis.understanding import understood
from crisis.values import Severity
from crisis.watch import Mention

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
STORM = BEGIN + timedelta(hours=26)
TICK = timedelta(minutes=1)
CALM = (
    "The acme kettle is nice",
    "My acme order has come, thanks",
    "Which acme lamp do you use?",
    "acme shop, open late",
)
REGULARS = tuple(f"regular-{number}" for number in range(80))
ANGRY = (
    "acme is a disgrace, the app took my money twice and nobody answers. I am furious",
    "Terrible, awful service from acme: locked out of my account for hours, shameful",
    "I hate this, acme lies to us. Worst company ever, an absolute scandal",
)


def storm(hours: float = 29, *, seed: int = 5) -> list[Mention]:
    """A calm day, forty minutes of outrage, then calm again."""
    dice, found, at = random.Random(seed), [], BEGIN
    while at < BEGIN + timedelta(hours=hours):
        hot = STORM <= at < STORM + timedelta(minutes=40)
        at += timedelta(minutes=dice.expovariate(5 if hot else 1 / 6))
        words = dice.choice(ANGRY if hot and dice.random() < 0.9 else CALM)
        number = len(found)
        found.append(
            Mention(
                id=str(number),
                text=f"{words} ({dice.randrange(10**6)})",
                author=f"stranger-{number}" if hot else dice.choice(REGULARS),
                created_at=at,
            )
        )
    return found


def looks(
    triage: EpisodeTriage, mentions: list[Mention], *, at: datetime = BEGIN, broken: bool = False
) -> Iterator[Signal | Look]:
    """Every signal and every look; ``broken``: dumped and restored now and then."""
    left = list(mentions)
    until = mentions[-1].created_at + timedelta(hours=2)
    while (at := at + TICK) < until:
        while left and left[0].created_at < at:
            triage.feed(left.pop(0))
        if broken and at.minute % 7 == 0 and not triage.under_way:
            state = json.loads(json.dumps(triage.dump()))
            triage = EpisodeTriage(WATCH)
            triage.restore(state)
        signal = triage.tick(at)
        yield signal
        if triage.due(signal):
            yield triage.look(signal, [])


def test_an_episode_is_looked_at_again_and_again_and_each_post_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = understanding.read_many

    def counted(texts: Any, hints: Any) -> Any:
        read.extend(texts)
        return original(texts, hints)

    monkeypatch.setattr(understanding, "read_many", counted)
    mentions = storm()
    found = [look for look in looks(EpisodeTriage(WATCH), mentions) if isinstance(look, Look)]
    assert len(found) > 5
    assert STORM < found[0].signal.at <= STORM + timedelta(minutes=20)
    assert found[-1].assessment.authors > 20
    assert read == [mention.text for mention in mentions]


def test_it_goes_on_from_what_was_dumped() -> None:
    mentions = storm(26.5)
    straight = list(looks(EpisodeTriage(WATCH), mentions))
    assert list(looks(EpisodeTriage(WATCH), mentions, broken=True)) == straight
    assert any(isinstance(look, Look) for look in straight)


def test_what_people_set_decides_when_it_looks_and_how_grave_it_is() -> None:
    mentions = storm(26.5)
    usual = [look for look in looks(EpisodeTriage(WATCH), mentions) if isinstance(look, Look)]
    high = Sensitivity(alert_scores={WATCH.name: 0.9}, sev1=129, sev2=128, sev3=127)
    later = [look for look in looks(EpisodeTriage(WATCH, sensitivity=high), mentions) if isinstance(look, Look)]
    assert usual
    assert not later or later[0].signal.at > usual[0].signal.at
    milder = Sensitivity(sev1=129, sev2=128, sev3=127)
    looked = [look for look in looks(EpisodeTriage(WATCH, sensitivity=milder), mentions) if isinstance(look, Look)]
    assert [look.signal.at for look in looked] == [look.signal.at for look in usual]
    assert max(look.assessment.severity for look in usual) > Severity.SEV4
    assert {look.assessment.severity for look in looked} == {Severity.SEV4}


def test_those_who_raged_are_no_regulars_afterwards() -> None:
    triage = EpisodeTriage(WATCH)
    mentions = storm(30)
    for _ in looks(triage, mentions):
        pass
    raging = [m for m in mentions if m.author not in REGULARS]
    usual = [m for m in mentions if m.created_at < STORM - timedelta(hours=2)]
    assert triage._authors.novelty(usual) == 0
    assert triage._authors.novelty(raging) == 1


def test_what_was_erased_is_quoted_no_more_while_its_episode_goes_on() -> None:
    triage, mentions = EpisodeTriage(WATCH), storm(26.6)
    [*_, look] = [look for look in looks(triage, mentions) if isinstance(look, Look)]
    quote = look.assessment.narratives[0].quote
    assert quote
    triage.keep_only([mention for mention in triage.recent if mention.text != quote])
    after = triage.look(look.signal, ()).assessment
    assert after.narratives
    assert quote not in after.model_dump_json()


def test_a_post_that_comes_twice_counts_once() -> None:
    triage = EpisodeTriage(WATCH)
    [post] = storm(0.2)[:1]
    assert triage.feed(post)
    assert not triage.feed(post)
    assert triage.tick(post.created_at + TICK).mentions == 1
    assert triage.recent == [post]


def test_posts_count_alike_whether_they_are_understood_before_or_not() -> None:
    mentions = calm(2) + posts(random.Random(2), datetime(2026, 1, 7, tzinfo=UTC), 1, 300, 0.9)
    one_by_one, ahead = Detector(WATCH, reader), Detector(WATCH, reader)
    at = mentions[0].created_at
    for start in range(0, len(mentions), 50):
        some = mentions[start : start + 50]
        for post, known in zip(some, ahead.understand(some), strict=True):
            while at < post.created_at:
                at += timedelta(minutes=5)
                assert one_by_one.tick(at) == ahead.tick(at)
            one_by_one.feed(post)
            ahead.feed(known)


def test_a_copy_is_known_by_the_text_it_copies_and_a_thank_you_copies_nobody() -> None:
    long = "acme charged my card twice and then the hotline hung up on me"
    texts = [long, long.replace("twice", "thrice"), f"RT @ada: {long}", "thank you acme", "thank you acme"]
    first, near, repost, one, other = understood(
        [Mention(id=str(n), text=t, author=str(n), created_at=BEGIN) for n, t in enumerate(texts)]
    )
    assert first.text == near.text == repost.text
    assert near.mark.value != first.mark.value
    assert (repost.mark.repost, near.mark.repost) == (True, False)
    assert one.text != other.text
    assert one.original == other.original


def test_a_look_tells_how_far_an_episode_is_arranged_without_a_lower_severity() -> None:
    copied = "Everybody boycott acme now, they lied to all of us and took our money!"
    plain = storm(26.6)
    brigade = [
        Mention(id=f"b{n}", text=copied, author=f"bot{n}", created_at=STORM + timedelta(minutes=12, seconds=2 * n))
        for n in range(8 * SAME_TEXT)
    ]
    both = sorted(plain + brigade, key=lambda m: m.created_at)
    alone = [look for look in looks(EpisodeTriage(WATCH), plain) if isinstance(look, Look)]
    joined = [look for look in looks(EpisodeTriage(WATCH), both) if isinstance(look, Look)]
    signs = {sign.name: sign.value for sign in joined[-1].coordination.signs}
    assert signs["same text"] == len(brigade)
    assert signs["repeats"] >= len(brigade) - 1
    assert max(look.assessment.severity for look in joined) >= max(look.assessment.severity for look in alone)
    assert joined[-1].assessment.confidence < alone[-1].assessment.confidence
    assert joined[-1].coordination.says in joined[-1].assessment.why_confidence
