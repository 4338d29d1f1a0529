"""Whose responsibility the public takes a crisis for: SCCT's cluster, with the evidence for it.

The playbook (or the doctrine) names the cluster a cause usually belongs to. Posts are read for what they attribute:
intent or neglect, an accident, harm done *to* the company. Clear blame moves an accidental crisis to the preventable
cluster, because SCCT follows what the public believes; a rumour is not moved by those who believe it. Signs are words
only, English first: they are shown as quotes, so that a person can disagree.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from crisis.doctrine import BAD_STANDING, CAUSES
from crisis.folding import fold
from crisis.triage import Cluster
from crisis.values import CrisisType, Frozen

SIGNS: dict[Cluster, str] = {
    Cluster.PREVENTABLE: "they knew|you knew|knew about|ignored|were warned|was warned|warned you|warned them|negligen|"
    "reckless|on purpose|deliberate|knowingly|cover up|cover-up|covered up|covering up|greed|cut corners|cutting corners|"
    "profit over|profits over|didn't care|don't care|doesn't care|lied|lying|hid it|hiding|should have|could have been|"
    "how could you|your fault|their fault|untested|without testing|criminal|scam|"
    "lo sabían|mintieron|negligencia|wussten|gelogen|fahrlässig|savaient|menti|négligence|隠蔽|嘘",
    Cluster.ACCIDENTAL: "glitch|bug|mistake|accident|by accident|technical|malfunction|human error|outage|unintended|"
    "fallo técnico|versehen|technisch|panne|故障|不具合",
    Cluster.VICTIM: "hacked by|were hacked|cyberattack|cyber attack|sabotage|vandal|tampered|fake account|hoax|not true|"
    "fake news|not their fault|not your fault|weather|storm|snow|earthquake|flood|power cut|supplier|"
    "ciberataque|bulo|gerücht|unwetter|cyberattaque|rumeur|デマ|地震|台風",
}
"""Beginnings of words and phrases by the cluster they speak for, parted by ``|``."""
MOVES, MOVES_SHARE = 8, 0.15
"""Distinct hostile texts, and their share, from which blame moves an accidental crisis to the preventable cluster."""
QUOTES = 3
"""Posts quoted for the cluster."""


class Attribution(Frozen):
    """A cluster, why, and who says so."""

    cluster: Cluster
    why: str
    quotes: tuple[str, ...] = ()
    """Posts that attribute responsibility so, as posted."""


@lru_cache(maxsize=1)
def _patterns() -> dict[Cluster, re.Pattern[str]]:
    return {c: re.compile("|".join(_begins(sign) for sign in fold(signs).split("|"))) for c, signs in SIGNS.items()}


def _begins(sign: str) -> str:
    return re.escape(sign) if "\u3040" <= sign[0] <= "\u9fff" else rf"\b{re.escape(sign)}"


@lru_cache(maxsize=8192)
def _speaks_for(text: str) -> tuple[Cluster, ...]:
    plain = fold(text)
    return tuple(cluster for cluster, pattern in _patterns().items() if pattern.search(plain))


def attribute(
    texts: Sequence[str], crisis_type: CrisisType, usual: Cluster, *, past_crises: int = 0, standing: float = 0.5
) -> Attribution:
    """The cluster of a crisis whose hostile posts are ``texts`` (distinct); ``usual``: where its cause belongs."""
    speaking: dict[Cluster, list[str]] = {cluster: [] for cluster in SIGNS}
    for text in texts:
        for cluster in _speaks_for(text[:1000]):
            speaking[cluster].append(text)
    blame = len(speaking[Cluster.PREVENTABLE])
    moved = usual is Cluster.ACCIDENTAL and blame >= MOVES and blame >= MOVES_SHARE * len(texts)
    cluster = Cluster.PREVENTABLE if moved else usual
    title = crisis_type.value.replace("_", " ")
    why = f"{title} usually counts as {usual.value} ({CAUSES[crisis_type].why})"
    if moved:
        why += f"; {blame} of {len(texts)} hostile posts see intent or neglect, so it counts as preventable"
    told = [f"{len(found)} of {len(texts)} hostile posts speak for {c.value}" for c, found in speaking.items() if found]
    why += "".join(f"; {says}" for says in told if not moved)
    if past_crises:
        why += f"; {past_crises} similar {'crisis' if past_crises == 1 else 'crises'} before, so blame comes sooner"
    if standing < BAD_STANDING:
        why += f"; a standing of {standing:.2f} is bad, so blame comes sooner"
    quotes = sorted(speaking[cluster], key=lambda text: (abs(len(text) - 100), text))[:QUOTES]
    return Attribution(cluster=cluster, why=why, quotes=tuple(quote[:500] for quote in quotes))
