"""What a post says: which language, how negative, which emotion, how much outrage.

English is read by the small trained model (``crisis.small``); where ``fireline[meaning]`` is installed and asked for,
by the sentence model (``crisis.meaning``) together with it. If the small model's file is missing or damaged, VADER
stands in (``crisis.lexicon``) and a warning says so. No other language is guessed at: its reading is neutral and says
``supported=False``, and whoever counts leaves it out of the count. Language comes from the source when it tells,
otherwise from ``crisis.language``. Models are loaded on the first reading, not on import. Reading is pure: the same
text always reads the same.
"""

import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Literal, NamedTuple

from crisis.spelling import LONGEST
from crisis.values import Share

if TYPE_CHECKING:
    from crisis.grams import Grams
    from crisis.small import Judgement, SmallModel

Sentiment = Literal["negative", "neutral", "positive"]
Emotion = Literal["anger", "joy", "optimism", "sadness", "none"]
Choice = Literal["auto", "small", "meaning"]
"""Which model reads: ``auto`` is ``meaning`` where the extra is installed, else ``small``."""

SENTIMENTS: tuple[Sentiment, ...] = ("negative", "neutral", "positive")
EMOTIONS: tuple[Emotion, ...] = ("anger", "joy", "optimism", "sadness")
HOSTILE_FROM = 0.5
"""``negative`` from which detection counts a post as negative. Stricter than ``sentiment``: the label is set for equal
recall of all three classes, this for few false alarms (at most .12 of the posts that are not negative)."""
SURE_EMOTION = 0.5
"""Least probability of an emotion in a post whose sentiment is neutral; below, its emotion is ``none``."""
AT_ONCE = 512
"""Posts that are read in one go."""
REMEMBERED = 8_192
"""Latest readings that are kept, so that a post which is looked at again is not read again."""


class Reading(NamedTuple):
    """What one text says. A plain tuple: there is one for every post, and what makes it is trusted."""

    language: str
    """ISO 639-1, empty when it cannot be told."""
    supported: bool
    """Sentiment was read; when false it is neutral for want of knowledge, not by finding."""
    sentiment: Sentiment = "neutral"
    """The likeliest, all three taken to be equally common."""
    negative: Share = 0.0
    """Calibrated probability that the post is negative."""
    anger: Share = 0.0
    """0.5 and above: high-arousal negative."""
    emotion: Emotion = "none"
    """The likeliest, where there is one to be read."""
    outrage: Share = 0.0
    """How sure it is that the post is negative, and angry or offensive."""

    @property
    def hostile(self) -> bool:
        """Detection counts it as negative."""
        return self.negative >= HOSTILE_FROM


_remembered: dict[tuple[str, str, Choice], Reading] = {}
_remembering = Lock()


@lru_cache(maxsize=1)
def _small() -> "SmallModel | None":
    from crisis.small import NoModel, SmallModel

    try:
        return SmallModel()
    except NoModel as error:
        warnings.warn(f"{error}; until then VADER reads, which knows less", RuntimeWarning, stacklevel=3)
        return None


def _judged(choice: Choice, texts: Sequence[str], seen: "Grams") -> "Judgement":
    """What the chosen model says of ``texts``, whose pieces are ``seen``.

    Raises:
        crisis.small.NoModel: ``meaning`` is asked for and cannot be had.
    """
    small = _small()
    if small is None:
        from crisis import lexicon

        judgement = lexicon.judge(texts)
    else:
        judgement = small.judgement(seen)
    if choice != "small":
        from crisis import meaning

        if choice == "meaning" or meaning.installed():
            return meaning.model().refine(texts, judgement)
    return judgement


def read(text: str, hint: str = "") -> Reading:
    """Read ``text``; ``hint`` is the language the source states, ISO 639-1, trusted when given.

    Whoever has many posts at hand calls ``read_many`` with them first: reading in batches is ten times as fast, and
    the latest readings are remembered.
    """
    return read_many([text], [hint])[0]


def read_many(texts: Sequence[str], hints: Sequence[str] = (), model: Choice = "small") -> list[Reading]:
    """Read ``texts`` in order. ``hints``, if any, are one a text.

    Raises:
        crisis.small.NoModel: ``meaning`` is asked for and cannot be had.
    """
    found: list[Reading] = []
    for at in range(0, len(texts), AT_ONCE):
        cut = [text[:LONGEST] for text in texts[at : at + AT_ONCE]]
        asked = list(zip(cut, hints[at : at + AT_ONCE] or [""] * len(cut), [model] * len(cut), strict=True))
        known = {key: kept for key in asked if (kept := _remembered.get(key)) is not None}
        new = [key for key in dict.fromkeys(asked) if key not in known]
        if new:
            known.update(zip(new, _batch([key[0] for key in new], [key[1] for key in new], model), strict=True))
            _remember({key: known[key] for key in new})
        found += [known[key] for key in asked]
    return found


def _remember(new: dict[tuple[str, str, Choice], Reading]) -> None:
    with _remembering:
        _remembered.update(new)
        for key in list(islice(_remembered, max(0, len(_remembered) - REMEMBERED))):
            del _remembered[key]


def _batch(texts: Sequence[str], hints: Sequence[str], model: Choice) -> Iterator[Reading]:
    from crisis.grams import grams
    from crisis.language import languages

    seen = grams(texts)
    told = [hint.lower().replace("_", "-").partition("-")[0] for hint in hints]
    spoken = languages(texts, seen) if not all(told) else told
    spoken = [hint or found for hint, found in zip(told, spoken, strict=True)]
    if "en" not in spoken:
        yield from (Reading(language=language, supported=False) for language in spoken)
        return
    judgement = _judged(model, texts, seen)
    rows = zip(
        spoken,
        judgement.sentiment.argmax(axis=1).tolist(),
        judgement.negative.tolist(),
        judgement.emotion.argmax(axis=1).tolist(),
        judgement.emotion.max(axis=1).tolist(),
        judgement.emotion[:, 0].tolist(),
        judgement.offence.tolist(),
        strict=True,
    )
    for language, sentiment, negative, emotion, sure, anger, offence in rows:
        if language != "en":
            yield Reading(language=language, supported=False)
            continue
        felt = SENTIMENTS[sentiment] != "neutral" or sure >= SURE_EMOTION
        yield Reading(
            language=language,
            supported=True,
            sentiment=SENTIMENTS[sentiment],
            negative=negative,
            anger=negative * anger,
            emotion=EMOTIONS[emotion] if felt else "none",
            outrage=negative * (1 - (1 - anger) * (1 - offence)),
        )
