"""Writes ``firestorm.jsonl.gz``, the firestorm of ``fireline demo``: invented, seeded, and the same byte for byte
each time.

python -m config.scenarios.generate_firestorm [FILE]

Fifty-four hours of calm around the fictional Brewline, then a storm: a firmware update makes machines overheat. The rate
climbs from a few posts a minute, peaks 25 minutes later and decays; six narratives in five languages on four
networks, an influencer, reposts, two newsrooms, and a brigade of young accounts that post the same three texts. Texts
come from ``firestorm.yaml``. It is a recording: nothing in it answers what a company might say.
"""

import gzip
import io
import json
import math
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

SEED = 20260303
BEGINS = datetime(2026, 3, 1, 7, 0, tzinfo=UTC)
STORM = datetime(2026, 3, 3, 13, 0, tzinfo=UTC)
"""When the first machines overheat."""
STORM_ENDS = STORM + timedelta(hours=3, minutes=15)
ENDS = STORM + timedelta(hours=12)
"""Long enough for people to see that it is over."""
PEAK = 25.0
"""Minutes from the start of the storm to its peak."""
PER_MINUTE = 56.0
"""Posts a minute at the peak."""
HALVES = 9.0
"""Minutes in which the rate halves after the peak."""
LANGUAGES = {"en": 62, "es": 12, "de": 10, "fr": 9, "ja": 7}
NETWORKS = {"bluesky": 32, "x": 34, "mastodon": 16, "reddit": 18}
HOURS = [2, 1, 1, 1, 2, 4, 8, 14, 18, 20, 20, 18, 19, 20, 20, 19, 18, 19, 20, 18, 15, 11, 7, 4]
"""Calm posts an hour, by hour of the day (UTC)."""

HANDLES = (
    """amber aster birch brook cedar clover cobalt coral dusk ember fern flint frost hazel indigo iris juniper kestrel
    lark linden lotus maple marlow mica misty moss nova oak olive onyx opal pepper pine plum quill raven river robin
    rowan sable sage sienna sky sorrel sparrow storm sunny tansy teal thistle velvet violet willow winter wren
    yarrow""",
    """anders bakes beans biker brews builds cooks dad draws drives farms fixes games gardens hikes knits learns maker
    mum nights notes paints plays reads rides rows runs sails sews sings skates sleeps studio surfs swims teaches
    travels walks weaves works writes""",
)
"""First and second parts of invented handles."""
_FIRST, _LAST = (parts.split() for parts in HANDLES)


@dataclass
class Recording:
    """What is written so far, and how."""

    texts: dict[str, Any]
    dice: random.Random
    posts: list[dict[str, Any]] = field(default_factory=list)
    regulars: list[str] = field(default_factory=list)
    moods: Callable[[float], dict[str, int]] = field(default_factory=lambda: moods)
    """What the storm talks about, by minutes since it began."""

    def write(
        self, at: datetime, text: str, language: str, *, author: str = "", network: str = "", followers: int = -1
    ) -> None:
        """One post."""
        dice = self.dice
        reach = int(dice.lognormvariate(5.2, 1.5)) if followers < 0 else followers
        self.posts.append(
            {
                "text": text,
                "created_at": at.isoformat(timespec="seconds"),
                "author": author or self.stranger(),
                "source": network or _pick(dice, NETWORKS),
                "language": language,
                "followers": min(reach, 60_000) if followers < 0 else reach,
                "replies": min(40, int(dice.expovariate(0.8))),
                "reposts": 0,
            }
        )

    def stranger(self) -> str:
        """A handle that was most likely not seen before."""
        dice = self.dice
        number = dice.choice(["", str(dice.randrange(2, 99))])
        return dice.choice(_FIRST) + dice.choice([".", "_", "", "-"]) + dice.choice(_LAST) + number

    def text(self, part: str, kind: str, language: str) -> tuple[str, str]:
        """A text of a kind, in the language if there is one, and the language it is in."""
        choices: dict[str, list[str]] = self.texts[part][kind]
        spoken = language if language in choices else "en"
        text = self.dice.choice(choices[spoken])
        while "{" in text:
            name = text[text.index("{") + 1 : text.index("}")]
            text = text.replace("{" + name + "}", self.dice.choice(self.texts["slots"][name]), 1)
        return text[0].upper() + text[1:], spoken

    def colour(self, text: str, language: str) -> str:
        """The same said a little differently, as people do."""
        dice, draw = self.dice, self.dice.random()
        if language == "ja":
            return text + str(dice.choice(["", "", "。", "…", "！", " #brewline"]))
        if language == "en":
            opening = dice.choice(self.texts["openings"])
            text = opening + (text if not opening or opening.endswith(". ") else text[0].lower() + text[1:])
            if draw < 0.12:
                text = text.lower()
            elif draw < 0.16:
                text = text.upper()
            elif draw < 0.24:
                text = text.rstrip(".") + dice.choice(["!", "!!", "...", " smh"])
        endings: dict[str, list[str]] = self.texts["endings"]
        if language == "en" and dice.random() < 0.25:
            return text + ("" if text[-1] in ".!?" else ".") + " " + dice.choice(endings["en"])
        return text + dice.choice(endings["any"])


def _pick(dice: random.Random, weights: dict[str, int]) -> str:
    return dice.choices(list(weights), list(weights.values()))[0]


def calm(recording: Recording) -> None:
    """The background: it goes on under the storm as well."""
    dice, at = recording.dice, BEGINS
    recording.regulars = [recording.stranger() for _ in range(220)]
    while at < ENDS:
        at += timedelta(hours=dice.expovariate(HOURS[at.hour]))
        kind = _pick(dice, {"praise": 38, "neutral": 44, "gripe": 18})
        text, language = recording.text("background", kind, _pick(dice, LANGUAGES))
        author = dice.choice(recording.regulars) if dice.random() < 0.5 else ""
        recording.write(at, text, language, author=author)


def rate(minute: float) -> float:
    """Posts a minute, ``minute`` after the storm began."""
    if minute < PEAK:
        return PER_MINUTE / (1 + math.exp(-(minute - 13) / 3.2))
    return 0.05 + PER_MINUTE * math.pow(0.5, (minute - PEAK) / HALVES)


def moods(minute: float) -> dict[str, int]:
    """What the storm talks about, as it goes on."""
    return {
        "overheating": 50 if minute < 60 else 38,
        "broken": 22,
        "rumour": 0 if minute < 11 else 12 if minute < 80 else 6,
        "privacy": 0 if minute < 32 else 14,
        "question": 14,
        "calm": 5 if minute < 25 else 12 if minute < 90 else 22,
    }


def storm(recording: Recording) -> None:
    """People, each in their own words."""
    dice, minute, end = recording.dice, 0.0, (STORM_ENDS - STORM).total_seconds() / 60
    while True:
        minute += dice.expovariate(rate(minute))
        if minute >= end:
            return
        text, language = recording.text("storm", _pick(dice, recording.moods(minute)), _pick(dice, LANGUAGES))
        at = STORM + timedelta(minutes=minute)
        recording.write(at, recording.colour(text, language), language)
        if dice.random() < 0.04:
            recording.posts[-1]["author"] = dice.choice(recording.regulars)


def loud(recording: Recording) -> None:
    """The influencer, the newsrooms, and those who repeat them."""
    dice, texts = recording.dice, recording.texts
    voices = [
        (8.0, "x", texts["influencer"], 260),
        (19.0, "bluesky", texts["news"][0], 60),
        (31.0, "x", texts["news"][1], 110),
    ]
    for minute, network, voice, reposts in voices:
        author, text = voice["author"], voice["text"]
        recording.write(
            STORM + timedelta(minutes=minute), text, "en", author=author, network=network, followers=voice["followers"]
        )
        for _ in range(reposts):
            at = STORM + timedelta(minutes=minute + 0.3 + dice.expovariate(1 / 26))
            if at < ENDS:
                recording.write(at, f"RT @{author}: {text}", "en", network=network)
    originals = [
        p for p in recording.posts if p["created_at"] >= STORM.isoformat() and not p["text"].startswith("RT @")
    ]
    for post in dice.sample(originals, 60):
        for _ in range(dice.randrange(1, 7)):
            at = datetime.fromisoformat(post["created_at"]) + timedelta(minutes=0.5 + dice.expovariate(1 / 15))
            if at < ENDS:
                recording.write(at, f"RT @{post['author']}: {post['text']}", post["language"], network=post["source"])


def brigade(recording: Recording) -> None:
    """Forty young accounts that post the same three texts within twenty minutes."""
    dice = recording.dice
    accounts = [f"truth{dice.choice(_FIRST)}{dice.randrange(1000, 99999)}" for _ in range(40)]
    for _ in range(170):
        at = STORM + timedelta(minutes=dice.uniform(15, 36))
        text = dice.choice(recording.texts["brigade"])
        recording.write(at, text, "en", author=dice.choice(accounts), network="x", followers=dice.randrange(0, 9))


def generate() -> list[dict[str, Any]]:
    """All posts, in order, with their ids."""
    texts = yaml.safe_load(Path(__file__).with_name("firestorm.yaml").read_text(encoding="utf-8"))
    recording = Recording(texts, random.Random(SEED))
    for part in (calm, storm, loud, brigade):
        part(recording)
    posts = sorted(recording.posts, key=lambda post: str(post["created_at"]))
    return [
        {"id": f"demo-{number:05d}", **post}
        for number, post in enumerate(posts, 1)
        if post["created_at"] < ENDS.isoformat()
    ]


def pack(posts: list[dict[str, Any]]) -> bytes:
    """The posts as gzipped JSON lines, without anything that changes from run to run."""
    lines = "".join(json.dumps(post, ensure_ascii=False, separators=(",", ":")) + "\n" for post in posts)
    target = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=target, mtime=0, compresslevel=9) as packed:
        packed.write(lines.encode())
    return target.getvalue()


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("firestorm.jsonl.gz")
    posts = generate()
    path.write_bytes(pack(posts))
    print(f"{path}: {len(posts)} posts, {path.stat().st_size} bytes")
