"""What the doctrine advises for one incident: the posture, what was ruled out and why, and how to say it.

Every line names its evidence and its source, so that a person can follow it or say why not. Nothing here acts: drafts
and lint keep to the posture, people decide. Thresholds are our own where the source gives none, and say so.
"""

from collections.abc import Iterable

from crisis.doctrine import BAD_STANDING, GRAVE, REFERENCES, choose_strategy
from crisis.image_repair import Repair, used
from crisis.statement import Statement
from crisis.triage import Assessment, Cluster, Strategy
from crisis.values import CrisisType, Frozen, StatementKind

AROUSED = 0.3
"""Share of angry authors from which a crowd counts as highly aroused. Ours: Herhausen et al. compare, they set no limit."""
EARLY = frozenset({StatementKind.HOLDING, StatementKind.SUBSTANTIVE})
"""Kinds that come first, when compensation in public still feeds the fire."""


class RuledOut(Frozen):
    """A posture that was not chosen."""

    strategy: Strategy
    why: str


class Advice(Frozen):
    """One thing to do or to leave."""

    do: str
    why: str
    """The evidence of this incident, and the finding behind it."""
    reference: str
    """Key of ``crisis.doctrine.REFERENCES``."""


class Counsel(Frozen):
    """Everything the doctrine says about one incident, at one moment."""

    strategy: Strategy
    why: str
    references: tuple[str, ...]
    evidence: tuple[str, ...]
    """What it rests on, in words."""
    ruled_out: tuple[RuledOut, ...]
    advice: tuple[Advice, ...]


def counsel(
    assessment: Assessment,
    *,
    past_crises: int = 0,
    standing: float = 0.5,
    anger_share: float | None = None,
    said: Iterable[Statement] = (),
) -> Counsel:
    """What to do about an incident as it was assessed.

    ``anger_share`` is the share of angry authors among those who could be read, None while nobody was; ``said`` what was
    already published, oldest first.
    """
    a, said = assessment, tuple(said)
    choice = choose_strategy(a.cluster, a.type, past_crises=past_crises, standing=standing)
    burdened = past_crises > 0 or standing < BAD_STANDING
    chosen = a.strategy
    why = choice.why if chosen is choice.strategy else a.why_strategy or "chosen by a person"
    return Counsel(
        strategy=chosen,
        why=why,
        references=choice.references,
        evidence=_evidence(a, past_crises, standing, anger_share),
        ruled_out=tuple(
            RuledOut(strategy=other, why=_why_not(other, a.cluster, a.type, burdened=burdened))
            for other in Strategy
            if other is not chosen
        ),
        advice=(
            *_first_things(a.type),
            *_by_posture(chosen, said),
            *_by_arousal(a, anger_share),
            *_by_what_was_said(said),
        ),
    )


def _evidence(a: Assessment, past_crises: int, standing: float, anger_share: float | None) -> tuple[str, ...]:
    told = [f"it is taken for {a.type.value.replace('_', ' ')}", f"responsibility is {a.cluster.value}"]
    if a.why_cluster:
        told[-1] += f": {a.why_cluster}"
    told.append(f"{past_crises} similar crises before, standing {standing:.2f} (bad below {BAD_STANDING})")
    if anger_share is not None:
        told.append(f"{anger_share:.0%} of the authors are angry")
    return tuple(told)


def _why_not(other: Strategy, cluster: Cluster, kind: CrisisType, *, burdened: bool) -> str:
    if other is Strategy.DENY:
        return (
            "denying is for rumours and unfounded challenges only; when it turns out wrong, everything else is doubted"
        )
    if other is Strategy.INSTRUCT:
        return (
            "information alone is enough only where the company is a victim and has no history; here people hold it responsible"
            if cluster is not Cluster.VICTIM
            else "information alone is not enough: a rumour needs its answer, and a history adds blame"
        )
    if other is Strategy.DIMINISH:
        if kind is CrisisType.MISINFORMATION and cluster is Cluster.VICTIM:
            return "making a false claim smaller admits that there is something in it"
        if cluster is Cluster.VICTIM:
            return "excuses are not called for: nobody blames the company, and it has no history"
        if cluster is Cluster.PREVENTABLE:
            return "excuses and justifications read as evasion when people hold the company responsible"
        return "with a history or a bad standing an accident is taken for something preventable, and excuses with it"
    if cluster is Cluster.VICTIM:
        return "apologising for what others did takes on blame that nobody gives, and makes people suspicious"
    return "full apology and amends go further than an accident without history asks for; they stay possible later"


def _first_things(kind: CrisisType) -> tuple[Advice, ...]:
    first = (
        Advice(
            do="Say first how people protect themselves.",
            why=f"{kind.value.replace('_', ' ')}: instructing information comes before everything else",
            reference="coombs2007",
        ),
        Advice(
            do="Disclose it yourselves, before others do.",
            why="whoever tells of their own crisis first is believed more",
            reference="arpan2005",
        ),
    )
    always = Advice(
        do="Empathy and information, both, in every statement.",
        why="sympathy alone made things worse where it was tried",
        reference="distaso2015",
    )
    return (*first, always) if kind in GRAVE else (always,)


def _by_posture(chosen: Strategy, said: tuple[Statement, ...]) -> tuple[Advice, ...]:
    early = not any(s.kind is StatementKind.SUBSTANTIVE for s in said)
    told = []
    if chosen is Strategy.REBUILD:
        told.append(
            Advice(
                do="Accept responsibility and offer repair; asking for forgiveness can be left out.",
                why="of six parts of an apology, acknowledging responsibility weighs most and repair second",
                reference="lewicki2016",
            )
        )
    if chosen in (Strategy.REBUILD, Strategy.DIMINISH) and early:
        told.append(
            Advice(
                do="Apologise now or not at all; no compensation in public yet.",
                why="an apology works when it is immediate; early public compensation feeds the fire",
                reference="herhausen2019",
            )
        )
    if chosen is Strategy.DENY:
        told.append(
            Advice(
                do="Answer the claim with evidence, once, where it spreads; no excuse beside it.",
                why="deny does not mix with diminish or rebuild",
                reference="coombs2007",
            )
        )
    return tuple(told)


def _by_arousal(a: Assessment, anger_share: float | None) -> tuple[Advice, ...]:
    if anger_share is None or a.negative_share <= 0:
        return ()
    if anger_share >= AROUSED:
        return (
            Advice(
                do="Explain: what happened, why, and what follows from it.",
                why=f"{anger_share:.0%} of the authors are angry, and high arousal is met by explanation",
                reference="herhausen2019",
            ),
        )
    return (
        Advice(
            do="Empathise: name what people went through before you explain.",
            why=f"few are angry ({anger_share:.0%}); disappointment and sadness are met by empathy",
            reference="herhausen2019",
        ),
    )


def _by_what_was_said(said: tuple[Statement, ...]) -> tuple[Advice, ...]:
    if not said:
        return (
            Advice(
                do="Speak now, even without answers: what you know, what you do not, when you speak next.",
                why="nothing was said yet; being first and credible, and saying when, is what people ask for",
                reference="cerc",
            ),
        )
    told = []
    repairs = [used(s.body) for s in said if s.language.startswith("en")]
    if len(repairs) > 1 and repairs[-1] and repairs[-1] == repairs[-2]:
        told.append(
            Advice(
                do="Say something new, or say it otherwise.",
                why=f"the last two statements do the same ({', '.join(repairs[-1])}); repeated answers lose their effect",
                reference="herhausen2019",
            )
        )
    if any(Repair.BOLSTERING in one and Repair.MORTIFICATION not in one for one in repairs):
        told.append(
            Advice(
                do="Leave out past merits, or put them after what you do now.",
                why="bolstering is a supplement only; alone it reads as self-praise",
                reference="coombs2007",
            )
        )
    return tuple(told)


def sources(found: Counsel) -> dict[str, str]:
    """The works that a counsel rests on, by key."""
    keys = dict.fromkeys((*found.references, *(advice.reference for advice in found.advice)))
    return {key: REFERENCES[key] for key in keys}
