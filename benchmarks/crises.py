"""Invented crises with the claims that are made in them, said in many ways: what a narrative is, with the truth known.

``crises.txt`` holds the claims and the ways to say each; ``storm`` draws posts of one crisis: claims of very unequal
sizes (Zipf), exclamations and ends of sentences that belong to no claim, the crisis' hashtag in half of the posts,
reposts, near copies, and chatter that is about something else. Seeded; the same seed gives the same posts.
"""

import random
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("crises.txt")
BEFORE = """omg;wtf;smh;seriously;so;just saw;breaking:;update:;ok;hey @{who};@{who};ugh;wow;can't believe it;my mum says;
    honestly;great,;people,;fyi;unreal:""".replace("\n", "")
AFTER = """!!!;...;😡;😢;smh;http://t.co/{link};https://t.co/{link} via @{who};today;this is unreal;please rt;#news;
    what a day;lol;right now;@{who};in this day and age;and counting;I can't even;you know;for real""".replace("\n", "")
CHATTER = "chatter"
"""The claim of posts that make none."""
_CHOICE = re.compile(r"\{([^{}]*\|[^{}]*)\}")

Posts = list[tuple[str, str]]


@cache
def crises(part: str) -> dict[str, tuple[str, dict[str, list[str]]]]:
    """The crises of a part (``tune`` or ``show``): hashtag, and the ways to make each claim."""
    found: dict[str, tuple[str, dict[str, list[str]]]] = {}
    claim: list[str] = []
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            name, tag = line[3:].split()
            found[name] = (tag, {})
        elif line.startswith("-- "):
            claim = found[name][1].setdefault(line[3:], [])
        elif line and not line.startswith("#"):
            claim.append(line)
    return {name.partition(":")[2]: held for name, held in found.items() if name.startswith(part + ":")}


def said(way: str, dice: random.Random) -> str:
    """One wording of ``way``, with what people put before and after."""
    text = _CHOICE.sub(lambda match: dice.choice(match[1].split("|")), way)
    if dice.random() < 0.4:
        text = f"{dice.choice(BEFORE.split(';')).strip()} {text}"
    if dice.random() < 0.5:
        text = f"{text} {dice.choice(AFTER.split(';')).strip()}"
    text = text.replace("{who}", f"user{dice.randrange(900)}").replace("{link}", f"{dice.randrange(16**6):06x}")
    return text.capitalize() if dice.random() < 0.5 else text


def storm(
    part: str,
    crisis: str,
    posts: int,
    seed: int,
    *,
    chatter: Sequence[str] = (),
    share: float = 0.1,
    even: bool = False,
) -> Posts:
    """Posts of one crisis with their claims, shuffled; ``share`` of them are lines of ``chatter``."""
    dice = random.Random(f"{crisis} {seed}")
    tag, claims = crises(part)[crisis]
    names = dice.sample(list(claims), len(claims))
    weights = [1.0 if even else 1 / rank for rank in range(1, len(names) + 1)]
    found: Posts = []
    while len(found) < posts:
        if chatter and dice.random() < share:
            text, name = dice.choice(chatter), CHATTER
        else:
            [name] = dice.choices(names, weights)
            text = said(dice.choice(claims[name]), dice)
        if dice.random() < 0.5:
            text = f"{text} {tag}"
        found.append((text, name))
        while dice.random() < 0.12:
            found.append((f"RT @user{dice.randrange(900)}: {text}", name))
    found = found[:posts]
    dice.shuffle(found)
    return found
