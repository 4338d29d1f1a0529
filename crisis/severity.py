"""Severity: a documented score over a signal, each point of it explained, and the assessment that triage hands on.

The score is the sum of the factors' points, 0 to about 130, and every factor is monotone: more authors, more
negative, angrier, further, longer, newer, graver never scores less. ``SEV1`` from 70, ``SEV2`` from 50, ``SEV3`` from
30, else ``SEV4``. People at risk and personal data exposed are at least ``SEV2``, however few speak of them. Authors
who only repeat others are not among the authors that score; how many there are lowers the confidence
(``crisis.confidence``), never the severity. The weights are set by hand; ``docs/triage.md`` has the table.
"""

import re
from collections.abc import Mapping, Sequence
from math import log2, log10

from crisis import coordination
from crisis.confidence import Doubt, confidence, doubts
from crisis.coordination import Coordination
from crisis.doctrine import BAD_STANDING, CAUSES, choose_strategy, guess_cause
from crisis.media import NOBODY, Newsrooms, picked_up_by
from crisis.narratives import Narratives
from crisis.narratives import cluster as narratives_of
from crisis.playbook import Playbook
from crisis.responsibility import attribute
from crisis.sensitivity import USUAL, Sensitivity
from crisis.triage import Assessment, Clocks, Factor, Signal
from crisis.understanding import Understood, understood
from crisis.values import CrisisType, Severity
from crisis.watch import Mention, Watch

FLOORS = {CrisisType.SAFETY_HARM: Severity.SEV2, CrisisType.DATA_BREACH: Severity.SEV2}
"""Least severity by cause."""
ARRANGED = 2_000
"""Newest posts at which the coordination panel looks."""
FEW = 5
"""Voices whose mood counts half of what it would if many felt so: the share of three people is chance."""
HOSTILE = 400
"""Distinct hostile texts that are enough to tell the cause."""
_HANDLE = re.compile(r"(?<![-\w])@([\w.\-]+)")


def _scale(value: float, low: float, high: float, points: float) -> float:
    """0 at ``low`` and below, ``points`` at ``high`` and above, straight between."""
    return round(points * max(0.0, min(1.0, (value - low) / (high - low))), 2)


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.3g} h"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def factors(
    signal: Signal, watch: Watch, loudest: Mention | None = None, newsrooms: Sequence[str] = ()
) -> tuple[Factor, ...]:
    """Everything about the signal itself that scores, with its points and its words."""
    told = (*_crowd(signal), *_mood(signal), *_carry(signal), *_voices(signal, loudest, newsrooms), *_record(watch))
    return tuple(told)


def _crowd(signal: Signal) -> list[Factor]:
    span, authors = _span(signal.window.total_seconds()), signal.authors
    usual = max(signal.usual_authors, 0.0)
    times = authors / max(usual, 1.0)
    known = f"{times:.1f}× the usual {_number(usual)}" if usual >= 1 else "where next to nobody is usual"
    young = "; the baseline is young, so this is a wide guess" if signal.cold else ""
    fast = signal.acceleration
    return [
        Factor(
            name="volume",
            value=authors,
            baseline=round(usual, 1),
            points=_scale(log2(max(times, 1.0)), 0, 4, 25),
            says=f"{authors:,} authors in {span}, {known}{young}",
        ),
        Factor(
            name="size",
            value=authors,
            points=_scale(log10(max(authors, 1)), 1, 4, 15),
            says=f"{authors:,} people speak in their own words",
        ),
        Factor(
            name="acceleration",
            value=fast,
            baseline=1.0,
            points=_scale(log2(max(fast, 1.0)), 0, 3, 5),
            says=f"the last 5 min run at {fast:.1f}× the hour's rate" if fast > 1 else "it is not speeding up",
        ),
    ]


def _mood(signal: Signal) -> list[Factor]:
    share, usual = signal.negative_share, signal.usual_negative_share
    sure = signal.authors / (signal.authors + FEW)
    unread = ""
    if signal.unread:
        unread = f" ({signal.unread:,} of {signal.distinct_texts:,} texts are in languages it cannot read)"
    return [
        Factor(
            name="negativity",
            value=round(share, 3),
            baseline=round(usual, 3),
            points=round(15 * share * sure, 2),
            says=f"{share:.0%} negative, usually {usual:.0%}{unread}",
        ),
        Factor(
            name="anger",
            value=round(signal.anger_share, 3),
            points=round(_scale(signal.anger_share, 0, 0.5, 8) * sure, 2),
            says=f"{signal.anger_share:.0%} angry" if signal.anger_share else "no anger to be read",
        ),
    ]


def _carry(signal: Signal) -> list[Factor]:
    networks = sorted(signal.sources, key=lambda name: (-signal.sources[name], name))
    hours = max(0.0, (signal.at - signal.started_at).total_seconds() / 3600)
    return [
        Factor(
            name="reach",
            value=signal.reach,
            points=_scale(log10(signal.reach + 1), 2, 7, 10),
            says=f"up to {signal.reach:,} people may have seen it",
        ),
        Factor(
            name="spread",
            value=len(networks),
            points=_scale(len(networks), 1, 4, 6),
            says=f"on {len(networks)} network{'s' if len(networks) != 1 else ''}: {', '.join(networks) or 'none'}",
        ),
        Factor(
            name="persistence",
            value=round(hours, 2),
            points=_scale(hours, 0, 6, 8),
            says=f"under way for {_span(hours * 3600)}",
        ),
    ]


def _voices(signal: Signal, loudest: Mention | None, newsrooms: Sequence[str]) -> list[Factor]:
    """Who speaks: the loudest, the press, people not heard before, and those who only repeat."""
    found = []
    audience = loudest.followers if loudest else 0
    if loudest is not None and audience >= 1000:
        who = f"@{loudest.author.lstrip('@')}" if loudest.author else "one author"
        found.append(
            Factor(
                name="influencer",
                value=audience,
                points=_scale(log10(audience), 3, 6, 8),
                says=f"{who} with {audience:,} followers speaks of it",
            )
        )
    if newsrooms:
        names = ", ".join(newsrooms[:3]) + (f" and {len(newsrooms) - 3} more" if len(newsrooms) > 3 else "")
        found.append(
            Factor(
                name="media",
                value=len(newsrooms),
                points=_scale(log2(1 + len(newsrooms)), 0, 3, 6),
                says=f"picked up by {len(newsrooms)} newsroom{'s' if len(newsrooms) != 1 else ''}: {names}",
            )
        )
    if signal.novelty is not None:
        found.append(
            Factor(
                name="novelty",
                value=round(signal.novelty, 3),
                points=_scale(signal.novelty, 0.5, 1, 4),
                says=f"{signal.novelty:.0%} of the authors had not spoken of it before",
            )
        )
    if signal.copying_authors:
        copying = signal.copying_authors / max(1, signal.copying_authors + signal.authors)
        says = f"{signal.copying_authors:,} further authors only repeat others' words ({copying:.0%} of all)"
        found.append(Factor(name="coordination", value=round(copying, 3), points=0.0, says=says))
    return found


def _record(watch: Watch) -> list[Factor]:
    if not watch.past_crises and watch.standing >= BAD_STANDING:
        return []
    says = f"{watch.past_crises} similar crises before, standing {watch.standing:.2f}: blame comes sooner"
    return [Factor(name="history", value=watch.past_crises, points=3.0, says=says)]


def assess(
    signal: Signal,
    watch: Watch,
    mentions: Sequence[Mention | Understood] = (),
    *,
    playbooks: Mapping[CrisisType, Playbook] | None = None,
    crisis_type: CrisisType | None = None,
    newsrooms: Newsrooms = NOBODY,
    narratives: Narratives | None = None,
    panel: Coordination | None = None,
    sensitivity: Sensitivity = USUAL,
) -> Assessment:
    """Triage of one signal: severity, cause, cluster, strategy and clocks, every point explained.

    ``mentions`` are the episode's posts, as far as at hand: the cause, its attribution, the newsrooms and the loudest
    voice come from them, and the narratives too unless ``narratives`` has been fed with them already. A playbook's
    cluster and clocks go before the doctrine's. ``crisis_type`` overrides the guess. ``panel`` is what is known of their
    coordination; without it, it is looked for. ``sensitivity``: the points that each severity takes.
    """
    posts = understood(mentions)
    texts = _hostile(posts)
    guess = guess_cause(texts)
    kind = crisis_type or guess.type
    playbook = (playbooks or {}).get(kind)
    responsible = playbook.cluster if playbook else CAUSES[kind].cluster
    episode = [post.mention for post in posts]
    loudest = max(episode, key=lambda m: (m.followers, m.id), default=None)
    told = list(factors(signal, watch, loudest, picked_up_by(episode, newsrooms)))
    title = kind.value.replace("_", " ")
    says = guess.says if crisis_type is None else f"set to {title}"
    told.append(Factor(name="harm", value=round(guess.share, 3), points=CAUSES[kind].gravity, says=f"{title}: {says}"))
    score = round(max(0.0, sum(factor.points for factor in told)), 2)  # as it is told: 70.00 is SEV1
    floor = sensitivity.edge(FLOORS.get(kind, Severity.SEV4))
    if score < floor:
        says = f"{title} is never below {FLOORS[kind]}"
        told.append(Factor(name="floor", value=floor, points=round(floor - score, 2), says=says))
        score = floor
    blame = attribute(texts, kind, responsible, past_crises=watch.past_crises, standing=watch.standing)
    choice = choose_strategy(blame.cluster, kind, past_crises=watch.past_crises, standing=watch.standing)
    sure = confidence([*doubts(signal, kind), *_arranged(posts, watch, panel)])
    beside = (watch.brand, watch.query)
    found = narratives_of(episode, beside=beside) if narratives is None else narratives.largest()
    return Assessment(
        severity=sensitivity.severity_of(score),
        type=kind,
        score=round(score, 2),
        factors=tuple(told),
        cluster=blame.cluster,
        why_cluster=blame.why,
        cluster_quotes=blame.quotes,
        confidence=sure.value,
        why_confidence=sure.says,
        strategy=choice.strategy,
        why_strategy=choice.why,
        clocks=playbook.clocks if playbook else Clocks(),
        negative_share=signal.negative_share,
        authors=signal.authors,
        narratives=found,
        assessed_at=signal.at,
    )


def _arranged(posts: Sequence[Understood], watch: Watch, panel: Coordination | None) -> list[Doubt]:
    """What the coordination panel says of the posts; where there are any it knows more than a count of copies."""
    if not posts:
        return []
    panel = coordination_of(posts, watch) if panel is None else panel
    return [Doubt(name="coordination", discount=panel.confidence_discount, says=panel.says)]


def coordination_of(posts: Sequence[Understood], watch: Watch) -> Coordination:
    """How far the newest of these posts look arranged; what everybody has from the brand itself does not."""
    newest = posts[-ARRANGED:]
    marks = [post.mark._replace(value=post.original) for post in newest]
    own = (watch.brand, *_HANDLE.findall(watch.query))
    return coordination.assess([post.mention for post in newest], own, marks)


def _hostile(posts: Sequence[Understood]) -> list[str]:
    """Distinct texts that are negative or cannot be read, newest first, as many as it takes."""
    found: dict[int, str] = {}
    for post in reversed(posts):
        if post.original not in found and (post.reading.hostile or not post.reading.supported):
            found[post.original] = post.mention.text
            if len(found) >= HOSTILE:
                break
    return list(found.values())
