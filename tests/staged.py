"""A whole incident staged straight into a store, from the first posts to its resolution, with its usual troubles.

It has hostile posts, a refused and a reconciled delivery, a mail that nobody knows arrived, a fact refuted after it was
published and the correction of it, a returned draft, a refused decision, and a promise kept late.
"""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import config
from crisis.approval import Decision, Policy, Verdict, Via
from crisis.clock import FixedClock
from crisis.commitment import Commitment, CommitmentState
from crisis.delivery import Delivery, DeliveryClass, DeliveryState, Purpose, Receipt, delivery_id
from crisis.fact import Fact, FactStatus
from crisis.incident import IncidentState
from crisis.reaction import compare
from crisis.statement import Part, Promise, Rendering, Statement, Target, content_hash
from crisis.triage import Assessment, Cluster, Factor, Narrative, Signal, Strategy
from crisis.values import CrisisType, Severity, StatementKind
from crisis.watch import Mention, Watch
from records import StatementStatus, Transaction, open_store
from tasks.installation import Installation

START = datetime(2026, 3, 1, 13, 0, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>\u202egnp.exe {{ 7*7 }} \x00\x1b[31m"
POLICY = Policy(roles={"comms": 1, "legal": 1})
TOML = """\
organisation = "Acme Rail"
home = "{home}"

[[watches]]
name = "acme"
brand = "Acme Rail"
query = "acme"
owner = "ida@example.com"

[[stakeholders]]
name = "Ida Okafor"
email = "ida@example.com"
roles = ["incident_lead"]

[[stakeholders]]
name = "Ana Almeida"
email = "ana@example.com"
roles = ["comms"]

[[stakeholders]]
name = "Lena Roth"
email = "lena@example.com"
roles = ["legal"]

[[stakeholders]]
name = "Otto Haas"
email = "otto@example.com"
roles = ["on_call"]
told_types = ["data_breach"]

[[channels]]
name = "mastodon"
kind = "sandbox"
looks_like = "mastodon"

[[notifiers]]
name = "email"
kind = "sandbox"
"""
TARGETS = (
    (Target(channel="mastodon", kind="mastodon", address="@acmerail@social.example"), 500),
    (Target(channel="bluesky", kind="bluesky", address="acmerail.example"), 300),
    (Target(channel="status-page", kind="statuspage", address="page-1"), 5000),
    (Target(channel="newsletter", kind="smtp", address="riders@example.com"), 100_000),
)
HOLDING = (
    "We know that many of you are standing on platforms right now without news, and we are sorry. Trains between "
    "Ostend and Brugge have stopped since 13:20 because signals failed. Our crews are on site. We write again here "
    "by 14:30 UTC. If you need help: acmerail.example/help"
)
SUBSTANTIVE = (
    "We are sorry: you were stranded, some of you for three hours, and we told you too little. What we know: a power "
    "unit at Jabbeke failed at 13:18 and took the signals with it. What we do not know yet is why the reserve unit did "
    "not start; our engineers and the maker are examining it tonight. Buses run from every station now.\n\n"
    "Everyone who was on a stopped train is refunded in full without asking. Call 0800 12 34 or write to "
    "acmerail.example/help. We will write again by 16:30 UTC."
)
CORRECTION = (
    "Correction: at 14:38 we said that buses ran from every station. They did not run from Aalter until 15:10. We are "
    "sorry to everyone who waited there for a bus that did not come. Buses run from Aalter now, every 10 minutes."
)


def settings_in(folder: Path) -> config.Settings:
    """The settings of the staged installation, written to ``folder/fireline.toml``."""
    file = folder / "fireline.toml"
    file.write_text(TOML.format(home=folder))
    return config.load(file)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


async def stage(folder: Path) -> tuple[Installation, str]:
    """Stage the incident in a new installation in ``folder``; the caller closes it."""
    settings = settings_in(folder)
    clock = FixedClock(START)
    store = await open_store(settings.database_url, keys=settings.home / "keys", clock=clock)
    here = Installation(settings, store)
    stager = _Stager(here, clock)
    await stager.run()
    return here, stager.incident


class _Stager:
    def __init__(self, here: Installation, clock: FixedClock) -> None:
        self.here, self.clock, self.incident = here, clock, ""

    def to(self, minutes: float) -> None:
        self.clock.move(at(minutes) - self.clock.now())

    async def run(self) -> None:
        async with self.here.store.transaction() as tx:
            await self.detect(tx)
            await self.tell(tx)
            facts = await self.facts(tx)
            await self.say(tx, StatementKind.HOLDING, HOLDING, "We know trains have stopped", 45, (), promise=90)
        async with self.here.store.transaction() as tx:
            await self.returned(tx)
            self.to(70)
            await tx.incidents.assess(
                self.incident,
                assessment(Severity.SEV1, by="ida@example.com", minutes=70, why="passengers are walking on the tracks"),
                actor="ida@example.com",
                via="desk",
                reason="passengers are walking on the tracks",
            )
            await self.say(
                tx, StatementKind.SUBSTANTIVE, SUBSTANTIVE, "What happened, and what we do", 98, facts, promise=210
            )
            await self.refute(tx, facts[-1])
            await self.say(tx, StatementKind.CORRECTION, CORRECTION, "Correction about buses", 136, (), promise=None)
            await self.follow(tx)
        await self.here.store.checkpoint()

    async def detect(self, tx: Transaction) -> None:
        for watch in self.here.settings.watches:
            await tx.watches.put(watch)
        await tx.stakeholders.put_all(self.here.settings.stakeholders, actor="configuration")
        for signal in signals():
            await tx.signals.add(signal)
        self.to(31)
        incident = await tx.incidents.open(
            watch="acme",
            title="Acme Rail: service failure (stranded between Ostend and Brugge)",
            assessment=assessment(Severity.SEV2, minutes=31),
            opened_at=at(31),
            started_at=at(22),
            lead="ida@example.com",
            actor="detector",
            via="flow",
        )
        self.incident = incident.id
        await tx.mentions.relied_on(incident.id, mentions())

    async def tell(self, tx: Transaction) -> None:
        for name, why in (
            ("ida", ""),
            ("ana", ""),
            ("lena", ""),
            ("otto", "is told of data_breach; this is service_failure"),
        ):
            self.to(31.2)
            email = f"{name}@example.com"
            route = f"email:{email}"
            data = {"stakeholder": email, "occasion": "opened", "route": "" if why else route}
            kind = "stakeholder.not_told" if why else "stakeholder.told"
            reason = why or "is told from SEV4 on; this is SEV2"
            await tx.ledger.append(kind, incident=self.incident, actor="outbox", via="flow", reason=reason, data=data)
            if not why:
                target = Target(channel="email", kind="smtp", address=email)
                await self.deliver(tx, rendering(target, "SEV2: Acme Rail", 2000, "INC-1"), purpose=Purpose.NOTICE)
        self.to(32)
        await tx.incidents.step(
            self.incident, IncidentState.RESPONDING, actor="respond", via="flow", reason="a response is started"
        )

    async def facts(self, tx: Transaction) -> tuple[Fact, ...]:
        saved = []
        for minutes, text, status, owner in (
            (40, "Signals between Ostend and Brugge have failed since 13:20", FactStatus.CONFIRMED, "otto@example.com"),
            (75, "A power unit at Jabbeke failed", FactStatus.UNCONFIRMED, "otto@example.com"),
            (90, "Buses run from every station", FactStatus.CONFIRMED, "ida@example.com"),
        ):
            fact = Fact(
                id=await tx.facts.next_id(self.incident),
                incident=self.incident,
                text=text,
                status=status,
                owner=owner,
                updated_at=at(minutes),
            )
            saved.append(fact)
        self.to(40)
        await tx.facts.put(saved[0], actor="otto@example.com", via="desk")
        for fact in saved[1:]:
            await tx.facts.put(fact, actor=fact.owner, via="desk")
        update = {"status": FactStatus.CONFIRMED, "evidence": "Log of substation 7", "updated_at": at(88)}
        saved[1] = saved[1].model_copy(update=update)
        await tx.facts.put(saved[1], actor="otto@example.com", via="desk")
        return tuple(saved)

    async def say(
        self,
        tx: Transaction,
        kind: StatementKind,
        body: str,
        headline: str,
        minutes: float,
        facts: tuple[Fact, ...],
        *,
        promise: float | None,
    ) -> None:
        self.to(minutes - 8)
        incident = await tx.incidents.get(self.incident)
        text = statement(
            await tx.statements.next_id(self.incident),
            incident.severity,
            kind,
            headline,
            body,
            facts,
            at(minutes - 8),
            promise,
        )
        await tx.statements.add(text, actor=text.author, via="flow")
        await tx.statements.propose(text.id, text.version, POLICY, by=text.author)
        for wait, name, role, via in ((-3, "ana", "comms", Via.DESK), (-0.2, "lena", "legal", Via.EMAIL_LINK)):
            self.to(minutes + wait)
            await tx.decisions.add(
                Decision(
                    content_hash=text.content_hash,
                    statement=text.id,
                    version=1,
                    approver=f"{name}@example.com",
                    role=role,
                    verdict=Verdict.APPROVE,
                    via=via,
                    decided_at=self.clock.now(),
                )
            )
        await tx.statements.set_status(
            text.id, 1, StatementStatus.APPROVED, actor="approval", reason="all approvals given"
        )
        await self.publish(tx, text, minutes)

    async def publish(self, tx: Transaction, text: Statement, minutes: float) -> None:
        self.to(minutes)
        for r in text.renderings:
            trouble = {
                ("status-page", StatementKind.CORRECTION): DeliveryState.REFUSED,
                ("bluesky", StatementKind.SUBSTANTIVE): DeliveryState.RECONCILED,
                ("newsletter", StatementKind.CORRECTION): DeliveryState.UNKNOWN,
            }.get((r.target.channel, text.kind), DeliveryState.ACCEPTED)
            await self.deliver(tx, r, trouble, text=text)
        await tx.statements.set_status(
            text.id, 1, StatementStatus.PUBLISHED, actor="outbox", reason="4 targets carry it"
        )
        incident = await tx.incidents.get(self.incident)
        if incident.state is IncidentState.RESPONDING:
            await tx.incidents.step(
                self.incident, IncidentState.MONITORING, actor="outbox", via="flow", reason=f"{text.label} is out"
            )
        for c in await tx.commitments.list(incident=self.incident, state=CommitmentState.OPEN):
            late = self.clock.now() > c.due_at
            settled = CommitmentState.BROKEN if late else CommitmentState.KEPT
            await tx.commitments.settle(c.id, settled, text.id, self.clock.now(), actor="outbox")
        for p in text.promises:
            made = Commitment(
                id=f"{text.id}-C1", incident=self.incident, statement=text.id, text=p.text, due_at=p.due_at
            )
            await tx.commitments.add(made, actor=text.author)

    async def deliver(
        self,
        tx: Transaction,
        r: Rendering,
        to: DeliveryState = DeliveryState.ACCEPTED,
        *,
        text: Statement | None = None,
        purpose: Purpose = Purpose.STATEMENT,
    ) -> None:
        made = Delivery(
            id=delivery_id(purpose, text.content_hash if text else self.incident, r.target),
            incident=self.incident,
            purpose=purpose,
            statement=text.id if text else "",
            version=text.version if text else 0,
            content_hash=text.content_hash if text else "",
            rendering=r,
            delivery_class=DeliveryClass.AT_MOST_ONCE if r.target.kind == "smtp" else DeliveryClass.NATIVE_KEY,
            created_at=self.clock.now(),
            updated_at=self.clock.now(),
        )
        await tx.outbox.enqueue(made, actor="outbox")
        await tx.outbox.arm(made.id, owner="test", lease_seconds=60, actor="outbox")
        self.clock.move(timedelta(seconds=2))
        number = made.id[:10]
        receipt = Receipt(id=number, url=f"https://{r.target.channel}.example/{number}", accepted_at=self.clock.now())
        if to is DeliveryState.ACCEPTED:
            await tx.outbox.settle(made.id, to, receipt=receipt, actor="outbox")
        elif to is DeliveryState.REFUSED:
            await tx.outbox.settle(made.id, to, problem="422: the page is read-only during maintenance", actor="outbox")
        else:
            await tx.outbox.settle(made.id, DeliveryState.UNKNOWN, problem="no answer in time", actor="outbox")
        if to is DeliveryState.RECONCILED:
            self.clock.move(timedelta(seconds=5))
            await tx.outbox.settle(made.id, to, receipt=receipt, actor="outbox", reason="found by look-up")
        if to is DeliveryState.UNKNOWN:
            await tx.outbox.ask_human(made.id, problem="no answer in time; mail cannot be looked up", actor="outbox")

    async def returned(self, tx: Transaction) -> None:
        self.to(60)
        text = statement(
            await tx.statements.next_id(self.incident),
            Severity.SEV2,
            StatementKind.UPDATE,
            "Only a few trains are late",
            "Only a small number of passengers are affected.",
            (),
            at(60),
            None,
        )
        await tx.statements.add(text, actor=text.author)
        await tx.statements.propose(text.id, 1, POLICY, by=text.author)
        self.to(63)
        reason = "This belittles people who have waited for hours"
        await tx.decisions.add(
            Decision(
                content_hash=text.content_hash,
                statement=text.id,
                version=1,
                approver="lena@example.com",
                role="legal",
                verdict=Verdict.RETURN,
                via=Via.DESK,
                reason=reason,
                decided_at=self.clock.now(),
            )
        )
        await tx.statements.set_status(text.id, 1, StatementStatus.RETURNED, actor="approval", reason=reason)
        await tx.ledger.append(
            "decision.refused",
            actor="ida@example.com",
            incident=self.incident,
            via="desk",
            reason="nobody approves their own text: ask another approver",
            data={"statement": text.id, "version": 1, "role": "comms"},
        )

    async def refute(self, tx: Transaction, fact: Fact) -> None:
        self.to(120)
        update = {"status": FactStatus.REFUTED, "evidence": "No bus at Aalter until 15:10", "updated_at": at(120)}
        await tx.facts.put(fact.model_copy(update=update), actor="ida@example.com", via="desk")

    async def follow(self, tx: Transaction) -> None:
        every = signals()
        before = next(s for s in every if s.at >= at(98))
        for minutes in (130, 150, 170, 190, 205):
            self.to(minutes)
            seen = compare(
                before, next(s for s in every if s.at >= at(minutes)), incident=self.incident, statement="INC-1-S3"
            )
            await tx.observations.add(seen)
            await tx.ledger.append(
                "reaction.observed",
                actor="follow_up",
                incident=self.incident,
                reason=seen.says,
                data=seen.model_dump(mode="json"),
            )
        self.to(225)
        for c in await tx.commitments.list(incident=self.incident, state=CommitmentState.OPEN):
            await tx.commitments.settle(c.id, CommitmentState.KEPT, "ida@example.com", at(225), actor="ida@example.com")
        self.to(230)
        await tx.incidents.step(
            self.incident,
            IncidentState.RESOLVED,
            actor="ida@example.com",
            via="desk",
            reason="trains run again and the reaction is calm",
        )


def statement(
    name: str,
    severity: Severity,
    kind: StatementKind,
    headline: str,
    body: str,
    facts: tuple[Fact, ...],
    created: datetime,
    promise: float | None,
) -> Statement:
    incident = name.rpartition("-")[0]
    promises = (Promise(text=f"Next update by {at(promise):%H:%M} UTC", due_at=at(promise)),) if promise else ()
    renderings = tuple(rendering(t, body, limit, headline if limit > 1000 else "") for t, limit in TARGETS)
    audience = "passengers and the public"
    return Statement(
        id=name,
        version=1,
        incident=incident,
        kind=kind,
        strategy=Strategy.DIMINISH,
        author="ida@example.com",
        created_at=created,
        audience=audience,
        headline=headline,
        body=body,
        facts=facts,
        severity=severity,
        promises=promises,
        renderings=renderings,
        content_hash=content_hash(
            incident=incident,
            kind=kind,
            audience=audience,
            severity=severity,
            facts=facts,
            renderings=renderings,
            promises=promises,
        ),
    )


def rendering(target: Target, body: str, limit: int, subject: str) -> Rendering:
    """``body`` cut at spaces into parts of at most ``limit`` letters."""
    parts, rest = [], body
    while len(rest) > limit:
        cut = rest.rindex(" ", 0, limit)
        parts.append(rest[:cut])
        rest = rest[cut + 1 :]
    parts.append(rest)
    html = f"<p>{body}</p>" if target.kind == "smtp" else ""
    return Rendering(
        target=target,
        parts=tuple(Part(text=p, length=len(p), limit=limit) for p in parts),
        subject=subject,
        html=html,
    )


def assessment(severity: Severity, *, minutes: float, by: str = "triage", why: str = "") -> Assessment:
    return Assessment(
        severity=severity,
        type=CrisisType.SERVICE_FAILURE,
        score=68,
        factors=(
            Factor(name="volume", value=412, baseline=44, points=30, says="412 authors in 15 min, 9.3× the usual 44"),
            Factor(name="negativity", value=0.81, baseline=0.23, points=22, says="81 % negative, usually 23 %"),
            Factor(name="spread", value=3, points=10, says="on 3 networks"),
            Factor(name="coordination", value=0.2, points=-4, says="1 in 5 posts is a copy of another"),
        ),
        cluster=Cluster.ACCIDENTAL,
        strategy=Strategy.DIMINISH,
        why_strategy="accidental, without a history of similar crises (Coombs 2007)",
        negative_share=0.81,
        authors=412,
        narratives=(
            Narrative(
                id="n1", label="stranded without news", size=231, quote="3 hours on a dark platform, not one word"
            ),
            Narrative(id="n2", label=HOSTILE, size=44, quote=HOSTILE),
        ),
        assessed_at=at(minutes),
        assessed_by=by,
        override_reason=why,
    )


def signals() -> list[Signal]:
    found = []
    for number in range(480):
        minutes = number / 2
        wave = 390 / (1 + math.exp(-(minutes - 45) / 7)) * (1 if minutes < 100 else math.exp(-(minutes - 100) / 30))
        noise = 6 * math.sin(number * 1.7) + 4 * math.sin(number * 0.61)
        authors = max(0, round(40 + wave + noise))
        negative = 0.23 + 0.58 * min(1.0, wave / 300)
        found.append(
            Signal(
                watch="acme",
                at=at(minutes),
                window=timedelta(minutes=15),
                mentions=authors * 2,
                distinct_texts=authors,
                authors=authors,
                usual_authors=44 + 4 * math.sin(minutes / 60),
                negative_share=min(1.0, negative),
                usual_negative_share=0.23,
                copies=authors // 5,
                started_at=at(22),
            )
        )
    return found


def mentions() -> list[Mention]:
    texts = [
        "Three hours on a dark platform in Brugge and not one word from @acmerail. My kid is freezing.",
        HOSTILE,
        "Encore en panne ! Aucun bus à Aalter, personne ne répond. #acmerail",
        "السكك الحديدية متوقفة منذ ساعات ولا أحد يتكلم",
        "People are walking along the tracks near Jabbeke. Somebody will get hurt, @acmerail!",
    ]
    return [
        Mention(
            id=f"p{number}",
            text=text if number < 5 else f"{text} ({number})",
            created_at=at(22 + number / 10),
            author=f"rider{number}",
            source=("mastodon", "bluesky", "x")[number % 3],
            url="javascript:alert(1)" if number == 1 else f"https://social.example/p/{number}",
            reposts=number % 7,
            followers=9000 - number * 100 if number < 5 else 50,
        )
        for number in range(60)
        for text in [texts[number % 5]]
    ]


WATCH = Watch(name="acme", brand="Acme Rail", query="acme")
