"""A third, independent simulation of brands and what befalls them: thin ones above all, in counts of five minutes.

Neither rates that wander (``benchmarks.outrage``) nor cascades (``benchmarks.second_world``): here a brand is in one of
three states, sleepy, usual or busy, for some hours at a time, which its rate *and* its share of negative mentions follow
together; on top counts are negative binomial, and the mood of every hour errs as a whole. From half a mention to 300 an
hour. Days have opening hours, a dip at noon and nights that are silent or not; weekends are thin or thick; some brands have
one loud evening every week. Now and then something harmless is loud for some hours. An outrage is a step, a logistic, a
slow linear rise, two waves, or one that grows in jerks; most of its mentions are negative, and at least .2 more than usual.
Praise lies below the usual share. News is neutral (at the usual share), the launch of a product that is grumbled at
(.02 to .08 above it), or bad news told soberly (.08 to .14 above it, for an hour or two). Everything comes from the seed.
"""

import numpy as np

from benchmarks.outrage import DAY, HOUR, STEP, Counts, Floats, Kind, Stream

SHAPES = ("step", "logistic", "slow linear", "two waves", "jerks")
MINUTES = STEP / 60


def _rates(dice: np.random.Generator, rows: int, per_hour: float) -> Floats:
    """The rate by row: opening hours, noon, weekend, a loud evening a week."""
    place = np.arange(rows) / DAY + float(dice.integers(7)) + float(dice.uniform())
    hour, day = 24 * (place % 1.0), place.astype(int) % 7
    opens, closes, edge = dice.uniform(5, 10), dice.uniform(17, 24), dice.uniform(0.3, 1.5)
    night = float(np.exp(dice.uniform(np.log(0.03), np.log(0.8))))
    inside = 1 / (1 + np.exp(-(hour - opens) / edge)) / (1 + np.exp((hour - closes) / edge))
    noon = 1 - dice.uniform(0, 0.3) * np.exp(-(((hour - 13) / 0.8) ** 2))
    shape = (night + (1 - night) * inside) * noon * np.where(day >= 5, dice.uniform(0.3, 1.4), 1.0)
    if dice.random() < 0.2:
        evening, loud = int(dice.integers(7)), dice.uniform(1, 4)
        shape = shape * (1 + loud * (day == evening) * np.exp(-(((hour - dice.uniform(19, 21)) / 0.7) ** 2)))
    return np.asarray(per_hour / HOUR * shape / shape.mean(), dtype=np.float64)


def _states(dice: np.random.Generator, rows: int) -> tuple[Floats, Floats]:
    """What the state does to the log of the rate, and to the logit of the share, by row."""
    heights = np.array([-dice.uniform(0.1, 0.5), 0.0, dice.uniform(0.2, 0.8)])
    moods = np.array([0.0, 0.0, dice.uniform(-0.3, 0.3)])
    stay, found, at = dice.uniform(2, 8) * HOUR, np.zeros(rows, dtype=int), 0
    while at < rows:
        length = 1 + int(dice.exponential(stay))
        found[at : at + length] = dice.choice(3, p=(0.25, 0.55, 0.2))
        at += length
    return heights[found], moods[found]


def _loud(dice: np.random.Generator, rate: Floats, share: Floats) -> None:
    """Something harmless, one to three times a week, loud for an hour or some: a campaign, a match, a joke."""
    rows = len(rate)
    for _ in range(dice.poisson(dice.uniform(1, 3) * rows / DAY / 7)):
        start, length = int(dice.integers(rows)), int(dice.uniform(0.3, 4) * HOUR) + 1
        rate[start : start + length] *= 1 + min(9.0, dice.exponential(2.0))
        share[start : start + length] = np.clip(share[start : start + length] + dice.uniform(-0.12, 0.06), 0.02, 0.9)


def ramp(dice: np.random.Generator, shape: str, rows: int) -> Floats:
    """Height by row, 0 to 1: half of the (first) peak about 30 minutes after it begins; the slow one after 45."""
    minutes = (np.arange(rows) + 0.5) * MINUTES
    hold = dice.uniform(90, 300)
    if shape == "step":
        height = np.where(minutes < 30, dice.uniform(0, 0.4), 1.0)
    elif shape == "logistic":
        height = 1 / (1 + np.exp(-(minutes - 30) / dice.uniform(4, 11)))
    elif shape == "slow linear":
        height = np.clip(minutes / 90, 0, 1)
    elif shape == "two waves":
        first = np.exp(-(((minutes - 55) / 31) ** 2)) * dice.uniform(0.6, 1.0)
        return np.asarray(
            np.maximum(first, np.exp(-(((minutes - dice.uniform(130, 200)) / 45) ** 2))), dtype=np.float64
        )
    else:
        steps = np.sort(dice.uniform(5, 60, 4))
        height = (minutes[:, None] >= steps).mean(axis=1)
    return np.asarray(height * np.exp(-np.clip(minutes - 60 - hold, 0, None) / dice.uniform(60, 200)), dtype=np.float64)


def _mood(dice: np.random.Generator, kind: Kind, share: float) -> tuple[float, str]:
    """The share of negative ones among those that come, and what it is called."""
    if kind == "outrage":
        return float(dice.uniform(max(0.5, share + 0.2), 0.9)), ""
    if kind == "praise":
        return share * float(dice.uniform(0.05, 0.8)), ""
    low, high, name = ((0.0, 0.0, "neutral"), (0.02, 0.08, "launch"), (0.08, 0.14, "bad news"))[int(dice.integers(3))]
    return share + float(dice.uniform(low, high)), name


def simulate(seed: int, kind: Kind, times: float = 1.0, *, days: float = 0.0, real: Counts | None = None) -> Stream:
    """One brand over ``days`` of history (3 to 14 when not told) and half a day more, in which it happens."""
    dice = np.random.default_rng([seed, 3])
    days = days or float(dice.uniform(3, 14))
    rows = int((days + 0.5) * DAY)
    share = float(dice.uniform(0.08, 0.4))
    height, mood = _states(dice, rows)
    logit = (
        np.log(share / (1 - share))
        + mood
        + np.repeat(dice.normal(0, dice.uniform(0.1, 0.4), rows // HOUR + 1), HOUR)[:rows]
    )
    shares = 1 / (1 + np.exp(-logit))
    if real is None:
        usual = _rates(dice, rows, float(np.exp(dice.uniform(np.log(0.5), np.log(300))))) * np.exp(height)
        rate = usual.copy()
        _loud(dice, rate, shares)
        wild = dice.uniform(2, 20)
        values = dice.poisson(rate * dice.gamma(wild, 1 / wild, rows)).astype(np.int64)
    else:
        start = int(dice.integers(0, len(real) - rows + 1))
        values = real[start : start + rows].copy()
        lately = np.sort(values[-2 * DAY :])
        usual = np.full(rows, lately[: int(0.97 * len(lately))].mean() + 0.2)
    negative = dice.binomial(values, shares)
    if kind == "nothing":
        return Stream(kind, values, negative, rows)
    begins = rows - DAY // 2 + int(dice.integers(DAY // 5))
    shape = SHAPES[int(dice.integers(len(SHAPES)))]
    lasts = min(6 * HOUR, rows - begins)
    usual_now = float(usual[begins : begins + lasts].mean())
    added = dice.poisson(usual_now * (times - 1) * ramp(dice, shape, lasts) * dice.gamma(15, 1 / 15, lasts))
    seen, name = _mood(dice, kind, share)
    moods = dice.beta(30 * seen, 30 * (1 - seen), lasts)
    values[begins : begins + lasts] += added
    negative[begins : begins + lasts] += dice.binomial(added, moods)
    return Stream(kind, values, negative, begins, name or shape)
