"""Which group a post speaks for: told by documented signs in it, and honest where there are none.

Each group has its rule; the first that fits counts, in the order of ``group_of``. The rules know English words; a post that
shows no sign stays in ``UNKNOWN``, which is shown like any other group.
"""

import re

from crisis.interrogative import asked
from crisis.reading import Reading
from crisis.watch import Mention

PRESS, EMPLOYEES, AFFECTED, ELSEWHERE, ADVOCATES, CRITICS, UNKNOWN = (
    "press",
    "employees",
    "customers affected",
    "customers elsewhere",
    "advocates",
    "critics",
    "not told apart",
)
GROUPS: dict[str, str] = {
    PRESS: "a feed of news, a handle that names a newsroom, or words of reporting (“breaking”, “asked for comment”)",
    EMPLOYEES: "says of themselves that they work or worked there",
    AFFECTED: "hostile or sad, in the first person, or tells of their own loss (“my card”, “I was charged”)",
    ELSEWHERE: "a customer who was not hit: it works for them, or they ask whether it concerns them",
    ADVOCATES: "positive, or speaks up for the company",
    CRITICS: "hostile, without a sign of being hit themselves",
    UNKNOWN: "no sign of any of these",
}
"""Each group, and its rule in words. Whoever says that it works for them was not hit, whatever else they say; whoever asks
whether it concerns them is a customer elsewhere only where they show no loss of their own."""

_NEWS_SOURCES = frozenset({"rss", "feed", "news", "gdelt"})
_NEWSROOM = re.compile(
    r"(?:news|times|herald|tribune|gazette|reuters|bloomberg|guardian|post(?:en)?$|daily|press|journal|reporter|bbc|cnn|afp|dpa)",
    re.I,
)
_REPORTS = re.compile(
    r"^\W*(?:breaking|exclusive|update|live)\s*[:|–-]"
    r"|\b(?:asked|approached|contacted) (?:\w+ ){1,3}for (?:a )?comment\b|\b(?:declined|refused) to comment\b"
    r"|\bour (?:reporter|correspondent|story)\b|\bi(?:['’]m| am) (?:a |the )?(?:journalist|reporter)\b",
    re.I,
)
_WORKED = r"\b(?:i|we)(?:['’]ve| have| used to)? (?:work(?:ed|s)?|been working) (?:for|at) "
_WORKS_THERE = re.compile(
    _WORKED + r"(?:you|them|this (?:company|place|bank|airline|brand)|here)\b"
    r"|\bas an? (?:\w+ )?(?:employee|insider|staff member)\b|\b(?:former|ex)[- ](?:employee|staff)\b"
    r"|\bi(?:['’]m| am) (?:an? )?(?:\w+ )?(?:employee|insider) (?:at|of|here)\b",
    re.I,
)
_FIRST_PERSON = re.compile(r"\b(?:i|i['’]m|i['’]ve|me|my|mine|we|we['’]re|us|our|myself)\b", re.I)
_LOSS = re.compile(
    r"\b(?:my|our) (?:\w+ )?(?:card|account|money|flight|bags?|luggage|order|data|rent|payment|son|daughter|baby|kids?"
    r"|mother|father|mum|mom|dad|phone|app|booking|refund|password|parcel|package|ticket|salary|wages)\b"
    r"|\bi (?:was|got|am|have been|'ve been) (?:charged|stranded|declined|locked out|billed|hacked|stuck|hurt|refused)\b",
    re.I,
)
_FINE = re.compile(
    r"\b(?:works?|working|worked|(?:is|was|all) (?:fine|ok(?:ay)?|good|normal)) (?:\w+ )?(?:for me|here|for us|over here|in)\b"
    r"|\b(?:mine|ours) (?:works?|is (?:fine|ok(?:ay)?))\b|\bno (?:problem|issue)s? (?:at all |here|for me)|\bnot affected\b",
    re.I,
)
_CONCERNED = re.compile(
    r"\b(?:am i|are we|is my|are my|is our|will my|does it (?:concern|affect)|should (?:i|we)"
    r"|(?:is|are) \w+ (?:also )?affected|can i still|is it (?:still )?safe|what about)\b",
    re.I,
)
_SPEAKS_UP = re.compile(
    r"\b(?:leave them alone|in (?:their|your) defen[cs]e|give them (?:a break|time)|(?:well|nicely) handled"
    r"|good job|great (?:job|service)|thank(?:s| you) (?:to )?(?:the |@)|they (?:fixed|apologi[sz]ed|were honest)"
    r"|i (?:trust|love|stand (?:by|with))|not their fault)\b",
    re.I,
)


def _works_for(brand: str, text: str) -> bool:
    return bool(brand) and re.search(f"{_WORKED}@?{re.escape(brand)}", text, re.IGNORECASE) is not None


def group_of(post: Mention, reading: Reading, brand: str = "") -> str:
    """The group that a post speaks for; ``brand`` is the company's name, for those who say that they work there."""
    text = post.text[:2000]
    if post.source.split(":")[0].lower() in _NEWS_SOURCES or _NEWSROOM.search(post.author) or _REPORTS.search(text):
        return PRESS
    if _WORKS_THERE.search(text) or _works_for(brand, text):
        return EMPLOYEES
    sad = reading.supported and reading.emotion == "sadness"
    if _FINE.search(text) and not reading.hostile:
        return ELSEWHERE
    if (reading.hostile or sad) and _FIRST_PERSON.search(text):
        return AFFECTED
    if _LOSS.search(text) and not (asked(text) and _CONCERNED.search(text)):
        return AFFECTED
    if asked(text) and _CONCERNED.search(text):
        return ELSEWHERE
    if (reading.supported and reading.sentiment == "positive") or (not reading.hostile and _SPEAKS_UP.search(text)):
        return ADVOCATES
    return CRITICS if reading.hostile else UNKNOWN
