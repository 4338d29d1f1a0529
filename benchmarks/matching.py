"""Decode and match: JSON events of a firehose a second and core, at 1,000 watched patterns.

    python benchmarks/matching.py [--events 40000] [--runs 7] [--patterns 1000]

Events are seeded and shaped as Bluesky's Jetstream sends them (one JSON object with ``did``, ``commit`` and ``record``); two in
five hold text that is not ASCII (Japanese, German, Portuguese, Russian, emoji), one in a hundred names a watched brand.
Each way reads the same bytes in the same process, one after the other, run by run: decoding alone (orjson, msgspec to a
typed struct, the standard library), decoding with one scan, Fireline's path (undecoded lines turned away by one scan of their
bytes; the rest decoded, folded, scanned and verified), and the naive way, each query on each post. All ways that match
must name the same posts, or the benchmark stops. Times are processor time.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import say
from crisis.matching import Matcher
from crisis.query import parse

_ENGLISH = """
the a i you we they my your this that is was are not just so very really today still again never please help
with for on in of to and but when why what how now people day work good bad love hate time phone app order late broken
waiting service coffee morning game music photo friend week thanks news weather street train ticket store update screen
""".split()  # noqa: SIM905
_OTHERS = {
    "ja": [
        "今日は",
        "コーヒー",
        "とても",
        "おいしい",
        "仕事が",
        "終わった",
        "明日も",
        "頑張ろう",
        "写真",
        "電車が遅れた",
        "🎉",
    ],
    "de": ["heute", "schön", "für", "größe", "straße", "nicht", "wieder", "über", "kaffee", "morgen", "läuft", "ist"],
    "pt": ["não", "você", "está", "hoje", "muito", "café", "amanhã", "então", "gente", "coração", "jogo", "é"],
    "ru": ["сегодня", "опять", "не", "работает", "почему", "очень", "хорошо", "кофе", "утром", "новости", "и", "с"],
    "en": ["it’s", "don’t", "—", "🔥", "😂", "❤️", "👍🏽", "today", "really", "love", "so", "this"],
}
_TAILS = "tech soft line works wave air bank mart pharm motors foods mobile cloud media labs net".split()  # noqa: SIM905


class Record(msgspec.Struct):
    text: str = ""
    langs: list[str] = []
    createdAt: str = ""


class Commit(msgspec.Struct):
    operation: str = ""
    collection: str = ""
    rkey: str = ""
    record: Record | None = None


class Event(msgspec.Struct):
    did: str
    time_us: int
    kind: str
    commit: Commit | None = None


class Seen(msgspec.Struct):
    """A decoded event as a query sees it."""

    id: str
    text: str
    author: str
    language: str
    source: str = "bluesky"


decode = msgspec.json.Decoder(Event).decode


def brands(count: int, dice: random.Random) -> list[str]:
    """``count`` made-up names of brands."""
    names: dict[str, None] = {}
    while len(names) < count:
        head = "".join(dice.choice("bcdfgklmnprstvz") + dice.choice("aeiou") for _ in range(dice.choice([2, 2, 3])))
        names[head + dice.choice([*_TAILS, "", "", ""])] = None
    return list(names)


def queries(names: Sequence[str]) -> dict[str, str]:
    """One watch a name, as people write them: alone, with context, with exclusions, as tags and phrases."""
    forms = ["{0}", "{0} -giveaway", '{0} OR "{0} support" OR #{0}', "{0} (late OR broken OR refund)", "{0}* lang:en"]
    return {name: forms[index % len(forms)].format(name) for index, name in enumerate(names)}


def events(count: int, names: Sequence[str], dice: random.Random, share: float = 0.01) -> list[bytes]:
    """``count`` events; ``share`` of them name a brand."""

    def key(length: int) -> str:
        return "".join(dice.choices("abcdefghijklmnopqrstuvwxyz234567", k=length))

    made = []
    for number in range(count):
        language = dice.choice(list(_OTHERS)) if dice.random() < 0.4 else ""
        pool = _OTHERS[language] + (_ENGLISH if language == "en" else []) if language else _ENGLISH
        words = dice.choices(pool, k=dice.randint(4, 26))
        if dice.random() < share:
            words.insert(dice.randrange(len(words)), dice.choice(names).capitalize())
        text = ("" if language == "ja" else " ").join(words)
        event = {
            "did": f"did:plc:{key(24)}",
            "time_us": 1_772_000_000_000_000 + number * 500,
            "kind": "commit",
            "commit": {
                "rev": key(13), "operation": "create", "collection": "app.bsky.feed.post", "rkey": key(13),
                "record": {"$type": "app.bsky.feed.post", "createdAt": "2026-03-02T14:05:09.123Z",
                           "langs": [language or "en"], "text": text},
                "cid": f"bafyrei{key(52)}",
            },
        }  # fmt: skip
        made.append(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode())
    return made


def seen(event: Event) -> Seen | None:
    """What a query looks at, if the event is a new post."""
    commit = event.commit
    if commit is None or commit.record is None or commit.operation != "create":
        return None
    record = commit.record
    return Seen(commit.rkey, record.text, event.did, record.langs[0] if record.langs else "")


Found = list[tuple[str, tuple[str, ...]]]


def fast(lines: Sequence[bytes], matcher: Matcher) -> Found:
    """Fireline's path."""
    found: Found = []
    for line in lines:
        if matcher.may_match(line) and (post := seen(decode(line))) is not None and (names := matcher.matches(post)):
            found.append((post.id, tuple(names)))
    return found


def decoded_first(lines: Sequence[bytes], matcher: Matcher) -> Found:
    """Every event decoded, then one scan."""
    found: Found = []
    for line in lines:
        if (post := seen(decode(line))) is not None and (names := matcher.matches(post)):
            found.append((post.id, tuple(names)))
    return found


def naive(lines: Sequence[bytes], wanted: dict[str, str]) -> Found:
    """Every query on every post."""
    parsed = {name: parse(query) for name, query in wanted.items()}
    found: Found = []
    for line in lines:
        post = seen(decode(line))
        if post is not None and (names := tuple(name for name, query in parsed.items() if query.matches(post))):
            found.append((post.id, names))
    return found


def _each(decoder: Callable[[bytes], object]) -> Callable[[Sequence[bytes]], None]:
    def run(lines: Sequence[bytes]) -> None:
        for line in lines:
            decoder(line)

    return run


def main(words: Sequence[str] = ()) -> None:
    """Measure and print; ``words`` are the command's arguments."""
    import orjson

    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--events", type=int, default=40_000)
    arguments.add_argument("--runs", type=int, default=7)
    arguments.add_argument("--patterns", type=int, default=1000)
    given = arguments.parse_args(list(words))
    dice = random.Random(11)
    names = brands(given.patterns, dice)
    wanted, lines = queries(names), events(given.events, names, dice)
    matcher, one = (
        Matcher({n: parse(q) for n, q in some.items()}, text_key="text") for some in (wanted, {names[0]: names[0]})
    )
    few = lines[: max(1, len(lines) // 200)]
    expected = decoded_first(lines, matcher)
    if fast(lines, matcher) != expected or naive(few, wanted) != decoded_first(few, matcher):
        raise SystemExit("the fast path and the slow one name different posts")
    ways: dict[str, tuple[Callable[[Sequence[bytes]], object], Sequence[bytes]]] = {
        "decode alone, standard library": (_each(json.loads), lines),
        "decode alone, orjson": (_each(orjson.loads), lines),
        "decode alone, msgspec struct": (_each(decode), lines),
        f"Fireline, {given.patterns:,} watches": (lambda some: fast(some, matcher), lines),
        "Fireline, 1 watch": (lambda some: fast(some, one), lines),
        "decode all, then one scan": (lambda some: decoded_first(some, matcher), lines),
        "naive, each query on each post": (lambda some: naive(some, wanted), few),
    }
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(given.runs):
        for way, (run, some) in ways.items():
            started = time.process_time()
            run(some)
            rates[way].append(len(some) / (time.process_time() - started))
    size = statistics.mean(map(len, lines))
    plain = sum(map(bytes.isascii, lines)) / len(lines)
    passed = sum(map(matcher.may_match, lines)) / len(lines)
    say(
        f"{len(lines):,} events of {size:.0f} bytes on average, {plain:.0%} ASCII; {given.patterns:,} watches; "
        f"{len(expected) / len(lines):.1%} match, {passed:.0%} decoded"
    )
    print(f"{'posts/s a core':<33}{'of orjson':>9}{'median':>11}   (least to most of {given.runs} runs)")
    base = statistics.median(rates["decode alone, orjson"])
    for way, measured in rates.items():
        middle = statistics.median(measured)
        spread = f"({min(measured):,.0f} to {max(measured):,.0f})"
        print(f"{way:<33}{middle / base:>9.2f}{middle:>11,.0f}   {spread}")


if __name__ == "__main__":
    main(sys.argv[1:])
