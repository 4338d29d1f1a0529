"""How well posts are grouped into narratives: B³ against simpler ways, with intervals, and posts a second.

    python -m benchmarks narratives

No crisis corpus with labels is at hand, so what is measured stands in for one:

- **claims** of three invented crises, each said in many ways, of very unequal sizes, among chatter, reposts and noise
  (``benchmarks.crises``; three other crises chose the constants);
- **events**: those three crises in one stream, to be told apart;
- **complaints to one airline** by the reason that annotators gave (``../shared/data/airline``, chosen on United,
  measured on US Airways);
- **topics**: posts of TweetEval's sentiment set (``train``: nobody has labelled them by topic) that speak of one of 52
  names or hashtags, as posted, and with the topic's name taken out of half or of all of them. The first 26 topics
  chose the constants; the table is of the other 26.

None of this is CrisisLex: expect it to differ there. B³ (Bagga and Baldwin 1998): precision, recall and their harmonic
mean, averaged over posts. Intervals: 95 % of a bootstrap over mixtures, or for the airline over posts.
"""

import csv
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks import say
from benchmarks.crises import crises, storm
from crisis.narratives import Narratives
from crisis.sentences import installed, sentence_model
from crisis.topic_words import terms

DATA = Path(__file__).resolve().parents[1] / "../shared/data"
TUNING = """foo fighters;black friday;dustin johnson;red sox;seth rollins;ed sheeran;tom brady;real madrid;paper towns;
    frank gifford;kris bryant;hulk hogan;prince george;amazon prime;charlie hebdo;scott walker;boko haram;
    caitlyn jenner;iron maiden;floyd mayweather;rahul gandhi;ice cream;bad blood;david bowie;dark souls;labor day"""
"""The topics on which the constants were chosen; none of them is in the table."""
TOPICS = """ice cube;star wars;brock lesnar;kanye west;big brother;david price;white sox;david wright;jason aldean;
    sam smith;john kasich;frank ocean;justin bieber;kendrick lamar;super eagles;carly fiorina;chris evans;saudi arabia;
    lady gaga;zac brown;george osborne;dog day;katy perry;tony blair;rick perry;planned parenthood"""
"""The topics that are measured."""
DRAWS = 5

Posts = list[tuple[str, str]]
Way = Callable[[Sequence[str], int], list[str]]


def b_cubed(predicted: Sequence[object], truth: Sequence[object]) -> tuple[float, float, float]:
    """B³ precision, recall and F of a grouping."""
    groups, labels = Counter(predicted), Counter(truth)
    both = Counter(zip(predicted, truth, strict=True))
    precision = sum(n * n / groups[g] for (g, _), n in both.items()) / len(truth)
    recall = sum(n * n / labels[t] for (_, t), n in both.items()) / len(truth)
    return precision, recall, 2 * precision * recall / (precision + recall)


def ours(texts: Sequence[str], number: int) -> list[str]:
    """Fireline's narratives; it is not told how many there are."""
    return _found(Narratives(keep=len(texts) + 1), texts)


def with_sentences(texts: Sequence[str], number: int) -> list[str]:
    """Fireline's narratives with the extra ``fireline[meaning]``."""
    return _found(Narratives(keep=len(texts) + 1, sentences=sentence_model().read), texts)


def _found(narratives: Narratives, texts: Sequence[str]) -> list[str]:
    for text in texts:
        narratives.add(text)
    narratives.settle()
    return [narratives.narrative(text) for text in texts]


def one(texts: Sequence[str], number: int) -> list[str]:
    """All posts in one group."""
    return ["0"] * len(texts)


def alone(texts: Sequence[str], number: int) -> list[str]:
    """Every post for itself."""
    return [str(n) for n in range(len(texts))]


def k_means(texts: Sequence[str], number: int) -> list[str]:
    """Spherical k-means on TF-IDF vectors, told the true number of groups; the best of five starts by its own cost."""
    words = [terms(text) for text in texts]
    often = Counter(word for held in words for word in set(held))
    column = {word: n for n, word in enumerate(w for w, count in often.items() if count > 1)}
    vectors = np.zeros((len(texts), max(1, len(column))), np.float32)
    for row, held in enumerate(words):
        for word in held:
            if word in column:
                vectors[row, column[word]] += np.log(len(texts) / often[word])
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    best, answer = -1.0, np.zeros(len(texts), int)
    for start in range(5):
        centres = vectors[np.random.default_rng(start).choice(len(texts), number, replace=False)]
        for _ in range(25):
            near = vectors @ centres.T
            mine = near.argmax(axis=1)
            centres = np.stack([vectors[mine == n].sum(axis=0) for n in range(number)])
            centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
        if (cost := float(near.max(axis=1).sum())) > best:
            best, answer = cost, mine
    return [str(n) for n in answer]


WAYS: dict[str, Way] = {"all in one": one, "each alone": alone, "TF-IDF k-means, told k": k_means, "fireline": ours}
if installed():
    WAYS["fireline[meaning]"] = with_sentences


def pools(topics: str, lines: Sequence[str]) -> dict[str, tuple[re.Pattern[str], list[str]]]:
    """The posts of each topic, and how its name is written."""
    found = {}
    for topic in (" ".join(t.split()) for t in topics.split(";")):
        spaced, joined = r"\W*".join(topic.split()), topic.replace(" ", "")
        name = re.compile(rf"#?\b{spaced}\b|#{joined}\b", re.IGNORECASE)
        found[topic] = (name, [line for line in lines if name.search(line)])
    return found


def mixture(
    pool: dict[str, tuple[re.Pattern[str], list[str]]], topics: int, most: int, seed: int, without: float
) -> Posts:
    """Posts of a draw of topics, shuffled; ``without``: the share of posts whose topic's name is taken out."""
    dice, posts = random.Random(seed), []
    for topic in dice.sample(list(pool), topics):
        name, lines = pool[topic]
        for line in dice.sample(lines, min(most, len(lines))):
            posts.append((name.sub(" ", line) if dice.random() < without else line, topic))
    dice.shuffle(posts)
    return posts


def events(seed: int) -> Posts:
    """Posts of the three invented crises, by crisis."""
    posts = [(text, crisis) for crisis in crises("show") for text, _ in storm("show", crisis, 500, seed)]
    random.Random(seed).shuffle(posts)
    return posts


def airline(name: str) -> Posts:
    """Complaints to one airline, by reason."""
    with (DATA / "airline" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["negativereason"]) for row in csv.DictReader(file)]
    return [(text, reason) for text, reason in rows if reason and reason != "Can't Tell"]


def measure(name: str, mixtures: Sequence[Posts]) -> None:
    """One block of the table: every way on the same mixtures."""
    print(f"\n{name}: {len(mixtures)} mixtures, {sum(map(len, mixtures)):,} posts")
    for way, group in WAYS.items():
        scores = np.array(
            [b_cubed(group([t for t, _ in m], len({x for _, x in m})), [x for _, x in m]) for m in mixtures]
        )
        dice = np.random.default_rng(1)
        means = [scores[dice.integers(0, len(scores), len(scores)), 2].mean() for _ in range(1000)]
        low, high = np.quantile(means, [0.025, 0.975])
        p, r, f = scores.mean(axis=0)
        print(f"  {way:<24} precision {p:.2f}  recall {r:.2f}  F {f:.2f}  [{low:.2f}, {high:.2f}]")


def measure_airline(name: str) -> None:
    """The same for one airline; the interval is over posts."""
    posts = airline(name)
    truth = [reason for _, reason in posts]
    print(f"\ncomplaints to {name} by reason: {len(posts):,} posts")
    for way, group in WAYS.items():
        predicted = group([text for text, _ in posts], len(set(truth)))
        dice, draws = np.random.default_rng(1), []
        for _ in range(200):
            pick = dice.integers(0, len(posts), len(posts))
            draws.append(b_cubed([predicted[i] for i in pick], [truth[i] for i in pick])[2])
        low, high = np.quantile(draws, [0.025, 0.975])
        p, r, f = b_cubed(predicted, truth)
        print(f"  {way:<24} precision {p:.2f}  recall {r:.2f}  F {f:.2f}  [{low:.2f}, {high:.2f}]")


def speed(lines: Sequence[str]) -> None:
    """Posts a second on a stream of many topics, memory bounded at the default."""
    lines = lines[:20_000]
    began = time.process_time()
    found = Narratives()
    for number, line in enumerate(lines, 1):
        found.add(line)
        if number % 2_000 == 0:
            found.settle()
    took = time.process_time() - began
    say(
        f"\n{len(lines) / took:,.0f} posts/s of processor time, one core, settled every 2,000 posts ({len(lines):,} posts)"
    )


def growth(chatter: Sequence[str]) -> None:
    """How many posts keep their narrative's id when the file that they are in doubles, told by words."""
    kept: dict[int, list[float]] = {}
    for crisis in crises("show"):
        texts = [text for text, _ in storm("show", crisis, 800, 7, chatter=chatter)]
        before = ours(texts[:100], 0)
        for number in (200, 400, 800):
            after = ours(texts[:number], 0)
            kept.setdefault(number, []).append(sum(map(str.__eq__, before, after)) / len(before))
            before = after
    said = ", ".join(f"{number // 2} to {number}: {sum(v) / len(v):.2f}" for number, v in kept.items())
    say(f"\nshare of posts that keep their narrative's id when a file grows from {said}")


def main() -> None:
    """Print the tables."""
    file = DATA / "tweeteval/sentiment/train_text.txt"
    if not file.exists():
        print("the data sets of ../shared/data are not here: nothing to measure", file=sys.stderr)
        raise SystemExit(2)
    lines = file.read_text(encoding="utf-8").splitlines()
    chatter = (DATA / "tweeteval/offensive/train_text.txt").read_text(encoding="utf-8").splitlines()[:3000]
    for crisis in crises("show"):
        draws = [storm("show", crisis, 600, seed, chatter=chatter) for seed in range(DRAWS)]
        measure(f"claims in one crisis, {crisis}", draws)
    measure("events: three crises in one stream", [events(seed) for seed in range(DRAWS)])
    measure_airline("us_airways")
    speed(lines)
    growth(chatter)
    pool = pools(TOPICS, lines)
    for says, without in (("as posted", 0.0), ("half without the topic's name", 0.5), ("all without it", 1.0)):
        for topics, most in ((6, 150), (12, 80), (26, 60)):
            draws = [mixture(pool, topics, most, seed, without) for seed in range(DRAWS if topics < 26 else 2)]
            measure(f"{topics} topics, {says}", draws)


if __name__ == "__main__":
    main()
