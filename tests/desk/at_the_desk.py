"""A desk over a real store with one incident under way, reached through ASGI."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from config import ChannelSettings, NotifierSettings, Settings
from crisis.access import Method
from crisis.approval import Policy
from crisis.clock import FixedClock
from crisis.delivery import Delivery, DeliveryClass, Purpose, delivery_id
from crisis.fact import Fact, FactStatus
from crisis.incident import Incident
from crisis.stakeholder import Stakeholder
from crisis.statement import Part, Promise, Rendering, Statement, Target, content_hash
from crisis.triage import Assessment, Cluster, Factor, Narrative, Signal, Strategy
from crisis.values import CrisisType, Severity, StatementKind
from crisis.watch import Mention, Watch
from desk import access, approve, bearer, record, restrict, setup, sign_in, sign_in_oidc, who
from desk.access import COOKIE, desk_key
from desk.app import create_app
from desk.keys import hash_of
from desk.signed_in import real_now
from records import open_store
from tasks.installation import Installation
from tasks.links import LinkClaims, approval_link

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OPENED = NOON - timedelta(minutes=18)
ANA, LENA, CARL = "ana@example.com", "lena@example.com", "carl@example.com"
HOSTILE = (
    '<script>document.title="owned"</script><img src=x onerror=alert(1)> \u202egnp.exe javascript:alert(1) '
    '"><a href="javascript:alert(1)">x</a> {{ 7*7 }} ' + "A" * 300
)
TEXT = (
    "We know that many of you cannot pay with the Acme app since 11:20 UTC. We are sorry for the trouble this causes "
    "at tills and in shops. Card payments at terminals are not affected. Our engineers are working on it. "
    "Next update by 13:00 UTC: https://acme.example/status"
)
PEOPLE = (
    Stakeholder(name="Ida Okafor", email="ida@example.com", roles=("incident_lead",)),
    Stakeholder(name="Ana Almeida", email=ANA, roles=("comms",)),
    Stakeholder(name="Carl Berg", email=CARL, roles=("comms",)),
    Stakeholder(name="Lena Roth", email=LENA, roles=("legal",)),
)


def settings_in(home: Path) -> Settings:
    """Four sandboxed channels and a sandboxed notifier."""
    return Settings(
        organisation="Acme",
        home=home,
        watches=(Watch(name="acme", brand="Acme", query="acme", owner="ida@example.com"),),
        stakeholders=PEOPLE,
        notifiers=(NotifierSettings(name="email", kind="sandbox"),),
        channels=(
            ChannelSettings(name="newsroom-mastodon", kind="sandbox", looks_like="mastodon"),
            ChannelSettings(name="newsroom-bluesky", kind="sandbox", looks_like="bluesky"),
            ChannelSettings(name="status-page", kind="sandbox", looks_like="statuspage"),
            ChannelSettings(
                name="customer-list", kind="sandbox", looks_like="smtp", address="customers@lists.acme.example"
            ),
        ),
    )


@dataclass
class Scene:
    """The desk, and what is going on in it."""

    here: Installation
    clock: FixedClock
    app: Starlette
    incident: Incident
    statement: Statement

    @property
    def key(self) -> str:
        return desk_key(self.here.settings.home)

    def browser(self, **headers: str) -> httpx.AsyncClient:
        """A browser without any key."""
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        scheme = self.here.settings.desk.url.partition(":")[0]
        return httpx.AsyncClient(transport=transport, base_url=f"{scheme}://desk.test", headers=headers)

    @asynccontextmanager
    async def at_the_desk(self) -> AsyncIterator[httpx.AsyncClient]:
        """A browser with a session."""
        async with self.browser() as browser:
            assert (await browser.get("/", params={"key": self.key})).status_code == 200
            yield browser

    @asynccontextmanager
    async def signed_in(
        self, person: str, method: Method = Method.LINK, *, ago: timedelta = timedelta(), **headers: str
    ) -> AsyncIterator[httpx.AsyncClient]:
        """A browser in which a stakeholder signed in, so long ago."""
        secret, now = secrets.token_urlsafe(32), real_now() - ago
        async with self.here.store.transaction() as tx:
            await tx.sessions.begin(
                hash_of(self.here.settings.home, secret),
                person=person,
                method=method,
                agent="a test",
                address="127.0.0.1",
                now=now,
                lasts=timedelta(days=self.here.settings.desk.session_days),
                actor=person,
                via=method.value,
            )
        async with self.browser(**headers) as browser:
            browser.cookies.set(COOKIE, secret, domain="desk.test")
            yield browser

    def set_desk(self, **settings: object) -> None:
        """Change what ``[desk]`` says."""
        desk = self.here.settings.desk.model_copy(update=settings)
        self.here.settings = self.here.settings.model_copy(update={"desk": desk})

    def link(self, approver: str = ANA, role: str = "comms", **other: object) -> str:
        """The path of a genuine approval link."""
        claims = {"statement": self.statement.id, "version": self.statement.version}
        claims |= {"content_hash": self.statement.content_hash, "approver": approver, "role": role, **other}
        return approval_link(self.here, LinkClaims.model_validate(claims)).removeprefix(self.here.settings.desk.url)

    async def decisions(self) -> list[tuple[str, str]]:
        async with self.here.store.reading() as tx:
            return [(d.approver, d.verdict.value) for d in await tx.decisions.list(self.statement.content_hash)]

    async def records(self) -> int:
        async with self.here.store.reading() as tx:
            return len(await tx.ledger.list())


def assessment(**other: object) -> Assessment:
    said = {
        "severity": Severity.SEV2,
        "type": CrisisType.SERVICE_FAILURE,
        "score": 61.0,
        "factors": (
            Factor(name="volume", value=412, baseline=44, points=30, says="412 people in 15 min, 9.3× the usual 44"),
            Factor(name="negative", value=0.81, baseline=0.23, points=20, says="81 % negative, usually 23 %"),
            Factor(name="networks", value=3, points=11, says="on 3 networks: mastodon, bluesky, x"),
        ),
        "cluster": Cluster.ACCIDENTAL,
        "strategy": Strategy.DIMINISH,
        "why_strategy": "An accident without history: instruct and adjust first, then diminish (Coombs 2007).",
        "negative_share": 0.81,
        "authors": 412,
        "narratives": (
            Narrative(id="n1", label="the app does not pay", size=230, quote="Stood at the till like a fool, @acme."),
            Narrative(id="n2", label=HOSTILE, size=31, quote=HOSTILE),
        ),
        "assessed_at": OPENED,
    }
    return Assessment.model_validate({**said, **other})


def renderings(text: str = TEXT, options: dict[str, str] | None = None) -> tuple[Rendering, ...]:
    """The text for each of the four channels."""

    def part(words: str, limit: int) -> Part:
        return Part(text=words, length=len(words), limit=limit)

    def target(name: str, address: str = "") -> Target:
        return Target(channel=name, kind="sandbox", address=address)

    middle = text.find(". ", len(text) // 2) + 1
    return (
        Rendering(target=target("newsroom-mastodon"), parts=(part(text, 500),)),
        Rendering(
            target=target("newsroom-bluesky"), parts=(part(text[:middle], 300), part(text[middle:].strip() or "-", 300))
        ),
        Rendering(
            target=target("status-page"),
            parts=(part(text, 25_000),),
            subject="Payments by app fail",
            options={"status": "investigating"},
        ),
        Rendering(
            target=target("customer-list", "customers@lists.acme.example"),
            parts=(part(text, 100_000),),
            subject="Payments by app fail just now",
            html=f"<!doctype html><p>{text}</p>",
        ),
    )


def statement_for(
    incident: Incident, facts: tuple[Fact, ...], *, id: str, version: int = 1, text: str = TEXT, **other: object
) -> Statement:
    covered = {
        "incident": incident.id,
        "kind": StatementKind.HOLDING,
        "audience": "customers and the public",
        "severity": incident.severity,
        "facts": facts,
        "renderings": renderings(text),
        "promises": (Promise(text="Next update", due_at=NOON + timedelta(hours=1)),),
        **{name: value for name, value in other.items() if name in ("kind", "renderings", "promises")},
    }
    return Statement.model_validate(
        {
            **covered,
            "id": id,
            "version": version,
            "strategy": Strategy.DIMINISH,
            "author": "template",
            "created_at": NOON,
            "headline": "Payments by app fail just now",
            "body": text,
            "content_hash": content_hash(**covered),  # type: ignore[arg-type]
            **{name: value for name, value in other.items() if name in ("author", "corrects")},
        }
    )


async def opened(here: Installation) -> tuple[Incident, tuple[Fact, ...]]:
    """One incident with its signals, mentions and facts."""
    async with here.store.transaction() as tx:
        await tx.watches.put(here.settings.watches[0])
        await tx.stakeholders.put_all(PEOPLE, actor="test")
        incident = await tx.incidents.open(
            watch="acme",
            title="Acme: service failure (the app does not pay)",
            assessment=assessment(),
            opened_at=OPENED,
            started_at=OPENED - timedelta(minutes=9),
            opened_by="detector",
            lead="ida@example.com",
            actor="detector",
        )
        for minute in range(0, 90, 2):
            await tx.signals.add(_signal(OPENED - timedelta(minutes=70 - minute), max(0, minute - 55)))
        await tx.mentions.relied_on(
            incident.id,
            [
                Mention(
                    id="1",
                    text="Stood at the till like a fool, @acme.",
                    author="@mia",
                    created_at=OPENED,
                    url="https://social.example/1",
                ),
                Mention(id="2", text=HOSTILE, author=HOSTILE, created_at=OPENED, url="javascript:alert(1)"),
                Mention(id="3", text="كيف أدفع الآن؟ @acme", author="@noor", created_at=OPENED, language="ar"),
            ],
        )
        fact = Fact(
            id=await tx.facts.next_id(incident.id),
            incident=incident.id,
            text="Payments with the Acme app fail since 11:20 UTC; card terminals work.",
            status=FactStatus.CONFIRMED,
            owner="ida@example.com",
            evidence="status of gateway 3",
            updated_at=OPENED,
        )
        await tx.facts.put(fact, actor="ida@example.com")
        await tx.ledger.append(
            "stakeholder.told",
            actor="outbox",
            incident=incident.id,
            reason="is told from SEV4 on; this is SEV2",
            data={"stakeholder": ANA, "name": "Ana Almeida", "occasion": "opened", "route": f"email:{ANA}"},
        )
        await tx.ledger.append(
            "stakeholder.not_told",
            actor="outbox",
            incident=incident.id,
            reason="is told from SEV1 on; this is SEV2",
            data={"stakeholder": "eva@example.com", "name": "Eva Lind", "occasion": "opened", "route": ""},
        )
    return incident, (fact,)


def _signal(at: datetime, surge: int) -> Signal:
    authors = 30 + surge * 14
    return Signal(
        watch="acme",
        at=at,
        window=timedelta(minutes=15),
        mentions=authors + 9,
        distinct_texts=authors,
        authors=authors,
        usual_authors=32,
        negative_share=min(0.81, 0.2 + surge / 40),
        usual_negative_share=0.23,
        started_at=at,
    )


async def proposed(here: Installation, statement: Statement) -> None:
    async with here.store.transaction() as tx:
        await tx.statements.add(statement, actor="template")
        await tx.statements.propose(
            statement.id, statement.version, Policy(roles={"comms": 1, "legal": 1}), by="template", actor="template"
        )


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Incident, Statement]:
    """An installation's folder with the incident in it, made once and copied for each test."""
    home = tmp_path_factory.mktemp("prepared")

    async def prepare() -> tuple[Path, Incident, Statement]:
        settings = settings_in(home)
        store = await open_store(settings.database_url, keys=home / "keys", clock=FixedClock(NOON))
        here = Installation(settings, store, via="desk")
        incident, facts = await opened(here)
        statement = statement_for(incident, facts, id=f"{incident.id}-S1")
        await proposed(here, statement)
        await here.close()
        return home, incident, statement

    return asyncio.run(prepare())


@pytest.fixture
async def scene(prepared: tuple[Path, Incident, Statement], tmp_path: Path) -> AsyncIterator[Scene]:
    """An incident of severity 2 whose holding statement waits for comms and legal."""
    folder, incident, statement = prepared
    home = tmp_path / "home"
    shutil.copytree(folder, home)
    settings, clock = settings_in(home), FixedClock(NOON)
    store = await open_store(settings.database_url, keys=home / "keys", clock=clock)
    here = Installation(settings, store, via="desk")
    try:
        yield Scene(here, clock, create_app(here), incident, statement)
    finally:
        await here.close()


@pytest.fixture(autouse=True)
def _full_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rate limits belong to the process; each test starts with full ones."""
    for bucket in (
        *(approve._forged, approve._submitted, record._proofs, record._exports, setup._checked),
        *(access._attempts, restrict._submitted, who._codes),
        *(bearer._requests, bearer._unknown, sign_in._asked, sign_in._mailed, sign_in_oidc._begun),
    ):
        monkeypatch.setattr(bucket, "_levels", {})


Outgoing = Callable[[Statement, str], Delivery]


@pytest.fixture
def outgoing() -> Outgoing:
    """A delivery of a statement to one of its channels."""

    def build(statement: Statement, channel: str) -> Delivery:
        rendering = next(r for r in statement.renderings if r.target.channel == channel)
        return Delivery(
            id=delivery_id(Purpose.STATEMENT, statement.content_hash, rendering.target),
            incident=statement.incident,
            purpose=Purpose.STATEMENT,
            statement=statement.id,
            version=statement.version,
            content_hash=statement.content_hash,
            rendering=rendering,
            delivery_class=DeliveryClass.CREATE_IF_ABSENT,
            created_at=NOON,
            updated_at=NOON,
        )

    return build
