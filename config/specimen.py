"""Specimen contexts: what templates may use, as values, so that every template is tried on the day it is written.

This is the contract between whoever renders and whoever writes templates. Statement templates get
``statement_context``; each notice gets its own few values. Report templates (``report.*``) are filled by the
report and only parsed here.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from crisis.approval import Policy, Via
from crisis.commitment import Commitment
from crisis.delivery import Delivery, DeliveryClass, DeliveryState, Purpose, Receipt
from crisis.drafting import AskedOf, Mended
from crisis.effect import Effect, Proposal, Verdict
from crisis.fact import Fact, FactStatus
from crisis.freeze import FOR_A_HUMAN, FreezeState, FrozenPost, ScheduledPost
from crisis.incident import Incident, IncidentState
from crisis.internal import InternalKind
from crisis.playbook import Playbook
from crisis.reaction import Observation, Reaction
from crisis.release import Means, Release
from crisis.stakeholder import Stakeholder
from crisis.statement import Part, Promise, Rendering, Statement, Target
from crisis.triage import Assessment, Cluster, Factor, Narrative, Strategy
from crisis.values import CrisisType, Severity, StatementKind
from crisis.watch import Watch

_AT = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)

WATCH = Watch(name="acme-air", brand="Acme Air", query="acme", contact="https://acme.example/help")
FACT = Fact(
    id="INC-7-F1",
    incident="INC-7",
    text="Flights from Hamburg are delayed since 12:40 UTC",
    status=FactStatus.CONFIRMED,
    owner="otto@example.com",
    updated_at=_AT,
)
ASSESSMENT = Assessment(
    severity=Severity.SEV2,
    type=CrisisType.SERVICE_FAILURE,
    score=61,
    factors=(Factor(name="volume", value=412, baseline=44, says="412 authors in 15 min, 9.3 times the usual 44"),),
    cluster=Cluster.ACCIDENTAL,
    strategy=Strategy.REBUILD,
    why_strategy="accidental, with crises in the past",
    narratives=(Narrative(id="N1", label="stranded without information", size=180),),
    assessed_at=_AT,
)
INCIDENT = Incident(
    id="INC-7",
    watch="acme-air",
    title="Acme Air: stranded without information",
    state=IncidentState.OPEN,
    opened_at=_AT,
    started_at=_AT - timedelta(minutes=12),
    assessment=ASSESSMENT,
)
STATEMENT = Statement(
    id="INC-7-S1",
    version=1,
    incident="INC-7",
    kind=StatementKind.HOLDING,
    strategy=Strategy.INSTRUCT,
    author="ana@example.com",
    created_at=_AT,
    audience="passengers and the public",
    headline="We know that flights are late",
    body="We are sorry.\n\nOur next update comes by 15:00 UTC.",
    facts=(FACT,),
    severity=Severity.SEV2,
    promises=(Promise(text="next update", due_at=_AT + timedelta(hours=1)),),
    content_hash="0" * 64,
)
COMMITMENT = Commitment(
    id="INC-7-S1-v1-0", incident="INC-7", statement="INC-7-S1", text="next update", due_at=_AT + timedelta(hours=1)
)


PERSON = Stakeholder(name="Ana", email="ana@example.com", roles=("comms",))
PLAYBOOK = Playbook(
    type=CrisisType.SERVICE_FAILURE,
    title="Product or service failure",
    cluster=Cluster.ACCIDENTAL,
    approval={StatementKind.HOLDING: Policy(roles={"comms": 1})},
    templates={StatementKind.HOLDING: "holding.txt.j2"},
)
OBSERVATION = Observation(
    incident="INC-7",
    at=_AT + timedelta(hours=1),
    window=timedelta(minutes=10),
    mentions=40,
    authors=38,
    negative_share=0.2,
    before_mentions=500,
    before_authors=412,
    before_negative_share=0.8,
    verdict=Reaction.CALMING,
    calm=True,
    says="38 people, as usual",
)


def _delivery(state: DeliveryState, *, problem: str = "", url: str = "", address: str = "") -> Delivery:
    part = Part(text="We are sorry.", length=13, limit=500)
    target = Target(channel="newsroom-mastodon", kind="mastodon", address=address)
    return Delivery(
        id="d" * 32,
        incident="INC-7",
        purpose=Purpose.STATEMENT,
        statement="INC-7-S1",
        version=1,
        content_hash="0" * 64,
        rendering=Rendering(target=target, parts=(part,)),
        delivery_class=DeliveryClass.NATIVE_KEY,
        state=state,
        receipt=Receipt(id="1", url=url, accepted_at=_AT) if url else None,
        problem=problem,
        created_at=_AT,
        updated_at=_AT,
    )


def statement_context(
    strategy: Strategy = Strategy.INSTRUCT,
    *,
    kind: StatementKind = StatementKind.HOLDING,
    sparse: bool = False,
) -> dict[str, Any]:
    """What statement templates are filled from (see ``crisis.drafting.template_context``, which fills them).

    Args:
        sparse: nothing is known yet, no action is listed, there is no contact, no next update and nothing to correct.
    """
    return {
        "organisation": "Acme Air Ltd",
        "brand": "Acme Air",
        "watch": WATCH,
        "incident": INCIDENT,
        "playbook": PLAYBOOK,
        "kind": kind.value,
        "severity": Severity.SEV2.value,
        "strategy": strategy.value,
        "affected": "passengers booked for today",
        "facts": () if sparse else (FACT,),
        "unknowns": () if sparse else ("what caused it", "whether tomorrow's flights are affected"),
        "actions": () if sparse else ("we have doubled the staff at our help desks",),
        "contact": "" if sparse else "https://acme.example/help",
        "next_update": None if sparse else _AT + timedelta(minutes=55),
        "next_update_says": "" if sparse else "15:00 UTC",
        "sign_off": "" if sparse else "The Acme Air team",
        "formal": not sparse,
        "corrected": None if sparse else STATEMENT,
        "mended": ()
        if sparse
        else (
            Mended(said="All flights leave on time", right="Flights leave two hours late"),
            Mended(said="Nobody lost a bag"),
            Mended(said="Tomorrow's flights are safe", open=True),
        ),
    }


_WORSE = Effect(
    incident="INC-7",
    statement="INC-7-S1",
    version=1,
    kind=StatementKind.HOLDING,
    published_at=_AT,
    at=_AT + timedelta(hours=1),
    verdict=Verdict.WORSE,
    proposal=Proposal.FOLLOW_UP,
    next_kind=StatementKind.SUBSTANTIVE,
    says="Made it worse: 490 negative people a window, 49 to 137 were to be expected without it",
    reasons=("Negative people: 490 on average of 3 windows", "“refund refused” is new"),
)


ANSWERS = "answers.txt.j2"
ASKED = (AskedOf(text="When do flights leave again?", say_by="15:00 UTC"), AskedOf(text="Are we late?", facts=(FACT,)))
"""Questions that a template answers, the first without a fact."""


def _notice(**more: Any) -> dict[str, Any]:
    return {
        "person": PERSON,
        "organisation": "Acme Air Ltd",
        "incident": INCIDENT,
        "assessment": ASSESSMENT,
        "link": "http://127.0.0.1:8420/incidents/INC-7",
        "on_it": "http://127.0.0.1:8420/on/INC-7.1c9a3f0.signature",
        "taken_by": "",
        **more,
    }


_BARE = ASSESSMENT.model_copy(update={"factors": (), "narratives": (), "why_strategy": ""})
_OUT = _delivery(DeliveryState.ACCEPTED, url="https://social.example/1")
_LOST = _delivery(DeliveryState.UNKNOWN, problem="the server closed the connection", address="newsroom")
_CLOSED = INCIDENT.model_copy(update={"closed_at": _AT + timedelta(hours=5)})

_SCHEDULED = ScheduledPost(id="p1", at=_AT + timedelta(hours=3), text="Fly for\nless!", where="instagram Acme Air")
_FROZEN = FrozenPost(incident="INC-7", scheduler="marketing", post=_SCHEDULED, state=FreezeState.FROZEN, changed_at=_AT)
_LOOSE = _FROZEN.model_copy(update={"state": FreezeState.NOT_FROZEN, "problem": "no API can do it"})
_MISSED = _FROZEN.model_copy(update={"state": FreezeState.MISSED})
_BACK = _FROZEN.model_copy(update={"state": FreezeState.RESTORED})


_RELEASE = Release(
    statement="INC-7-S1",
    version=1,
    content_hash="0" * 64,
    means=Means.BREAK_GLASS,
    by="ida@example.com",
    reason="people are being hurt now, and legal does not answer",
    via=Via.DESK,
    released_at=_AT,
)


def _frozen(*posts: FrozenPost, **more: Any) -> dict[str, Any]:
    states = {
        "frozen": {FreezeState.FROZEN}, "freezing": {FreezeState.FREEZING}, "restored": {FreezeState.RESTORED},
        "for_a_human": FOR_A_HUMAN,
    }  # fmt: skip
    return _notice(**{name: [p for p in posts if p.state in those] for name, those in states.items()}, **more)


NOTICES: dict[str, tuple[dict[str, Any], ...]] = {
    "notice.opened.txt.j2": (_notice(), _notice(assessment=_BARE, on_it="", taken_by="Ida")),
    "notice.candidate.txt.j2": (_notice(), _notice(assessment=_BARE)),
    "notice.unacknowledged.txt.j2": (_notice(), _notice(assessment=_BARE)),
    "notice.approval.txt.j2": (
        _notice(statement=STATEMENT, role="legal", on_behalf_of=""),
        _notice(statement=STATEMENT, role="legal", on_behalf_of="lena@example.com"),
    ),
    "notice.released.txt.j2": (
        _notice(statement=STATEMENT, release=_RELEASE),
        _notice(
            statement=STATEMENT,
            release=_RELEASE.model_copy(update={"means": Means.PRECLEARED, "by": "preclearance", "clearance": "PC-1"}),
        ),
    ),
    "notice.taken_back.txt.j2": (
        _notice(
            statement=STATEMENT, approver="Lena", role="legal", reason="a number is wrong", stands="waits for legal"
        ),
    ),
    "notice.unanswered.txt.j2": (_notice(statement=STATEMENT, role="legal", until=_AT + timedelta(hours=4)),),
    "notice.returned.txt.j2": (_notice(statement=STATEMENT, approver="lena@example.com", reason="Which flights?"),),
    "notice.voided.txt.j2": (_notice(statement=STATEMENT, reason="fact INC-7-F2 has changed: refuted: Trains run"),),
    "notice.correction.txt.j2": (
        _notice(statement=STATEMENT, doubts=[("INC-7-S1 v1", "INC-7-F2 is refuted now")], channels=["mastodon"]),
    ),
    "notice.published.txt.j2": (
        _notice(statement=STATEMENT, deliveries=(_OUT, _LOST)),
        _notice(statement=STATEMENT.model_copy(update={"promises": ()}), deliveries=()),
    ),
    "notice.withdrawn.txt.j2": (
        _notice(
            statement=STATEMENT,
            by="Ida",
            reason="the time in it is wrong",
            withdrawals=(
                _delivery(DeliveryState.ACCEPTED),
                _delivery(DeliveryState.REFUSED, problem="a mail cannot be taken back; send a correction"),
                _delivery(DeliveryState.UNKNOWN, problem="no answer in time"),
                _delivery(DeliveryState.PENDING),
            ),
        ),
        _notice(statement=STATEMENT, by="Ida", reason="the time in it is wrong", withdrawals=()),
    ),
    "notice.read_back.txt.j2": tuple(
        _notice(statement=STATEMENT, channel="mastodon", says="it is not there any more", stand=stand)
        for stand in ("gone", "edited", "matched")
    ),
    "notice.commitment.txt.j2": (
        _notice(commitment=COMMITMENT, overdue=False),
        _notice(commitment=COMMITMENT, overdue=True),
    ),
    "notice.delivery.txt.j2": (
        _notice(delivery=_LOST),
        _notice(delivery=_delivery(DeliveryState.REFUSED)),
    ),
    "notice.event.txt.j2": (_notice(says="A promise is overdue"),),
    "notice.forgotten.txt.j2": (_notice(idle="3 h", waits="somebody to confirm it"), _notice(idle="1 d", waits="")),
    "notice.task.txt.j2": (_notice(task="Try the reserve unit", task_id="INC-7-T1", due="2026-04-01 12:00"),),
    "notice.task_overdue.txt.j2": (_notice(task="Try the reserve unit", task_id="INC-7-T1", due="2026-04-01 12:00"),),
    "notice.review_due.txt.j2": (_notice(days=14, roles="incident lead, legal"),),
    "notice.closing.txt.j2": (
        _notice(says="38 people posted, which is usual", observation=OBSERVATION, owed=()),
        _notice(says="it is calm", observation=OBSERVATION, owed=("INC-7-S1v1-C1 is still promised for 15:00 UTC",)),
    ),
    "notice.worse.txt.j2": (
        _notice(effect=_WORSE, draft="http://127.0.0.1:8420/incidents/INC-7/draft?kind=substantive"),
        _notice(effect=_WORSE.model_copy(update={"proposal": Proposal.HOLD, "next_kind": None}), draft=""),
    ),
    "notice.watched.txt.j2": (_notice(says="calm for 12 h without a break, as the rule for SEV2 asks"),),
    "notice.resolved.txt.j2": (
        _notice(reason="the reaction has calmed"),
        _notice(reason="the reaction has calmed", incident=_CLOSED),
    ),
    "notice.frozen.txt.j2": (
        _frozen(_FROZEN, _LOOSE, _FROZEN.model_copy(update={"state": FreezeState.FREEZING}), lifted=False),
        _frozen(_FROZEN, lifted=False),
        _frozen(_BACK, _MISSED, lifted=True),
        _frozen(_BACK, lifted=True),
    ),
    "notice.unfreeze.txt.j2": (_frozen(_FROZEN, _LOOSE),),
    "notice.sign_in.txt.j2": (
        {"person": PERSON, "organisation": "Acme Air Ltd", "link": "http://127.0.0.1:8420/sign-in/x", "minutes": 15},
    ),
    "notice.html.j2": (
        {
            "title": "T",
            "lines": ["One.", "- two", "---"],
            "button_label": "Open",
            "button_link": "https://x.example",
            "first_label": "I am on it",
            "first_link": "https://x.example/on",
            "footer": "F",
        },
        {
            "title": "T",
            "lines": [],
            "button_label": "",
            "button_link": "",
            "first_label": "",
            "first_link": "",
            "footer": "",
        },
    ),
}
"""Every notice with the contexts it must stand."""


REPLIES: tuple[dict[str, Any], ...] = tuple(
    {
        "author": "@rider",
        "stance": stance,
        "asks": asks,
        "fact": fact,
        "why": "the picture is of another airline, and from 2019",
        "evidence": "https://acme.example/facts",
    }
    for stance in ("critic", "advocate", "mixed", "unread")
    for asks, fact in ((False, "All flights leave on time"), (True, ""))
)
"""What templates of replies get besides what those of statements do."""


def contexts(name: str) -> tuple[dict[str, Any], ...]:
    """The contexts a template must render with; none for a template that only its owner can fill."""
    if name in NOTICES:
        return NOTICES[name]
    if name == ANSWERS:
        return tuple(
            statement_context(kind=StatementKind.ANSWER, sparse=sparse) | {"asked": ASKED[: 1 if sparse else None]}
            for sparse in (False, True)
        )
    if name.split(".", maxsplit=1)[0] in list(InternalKind):
        return tuple(
            statement_context(sparse=sparse)
            | {"guidance": "" if sparse else "People first.", "said": () if sparse else ((STATEMENT.label, "H"),)}
            for sparse in (False, True)
        )
    if name.split(".", maxsplit=1)[0] == StatementKind.REPLY:
        return tuple(
            statement_context(sparse=sparse) | reply | {"variant": variant}
            for sparse in (False, True)
            for variant in (0, 7)
            for reply in REPLIES
        )
    if name.startswith("_") or name.split(".", maxsplit=1)[0] in list(StatementKind):
        full = tuple(statement_context(strategy) for strategy in Strategy)
        return (*full, *(statement_context(strategy, sparse=True) for strategy in Strategy))
    return ()
