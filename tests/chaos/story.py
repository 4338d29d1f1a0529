"""An installation that speaks to the counting receivers, with approved statements in it, and how its end is judged.

``Story`` makes it once for a set of channels and copies it for every kill. ``wrong`` holds a finished copy against the
promise of DESIGN §7: every target carries the text exactly once, or a human has been told; and says what is not so.
"""

import asyncio
import shutil
from collections import Counter
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from acts import TOLD, Act
from counting_http import HttpReceiver
from receivers import BlueskyReceiver, MastodonReceiver, SlackReceiver, SmtpReceiver, StatuspageReceiver
from staged import POLICY, assessment

import config
from crisis.approval import Decision, Verdict, Via
from crisis.delivery import ARRIVED, Delivery, DeliveryState, Purpose
from crisis.incident import IncidentState
from crisis.statement import Part, Rendering, Statement, Target, content_hash
from crisis.triage import Strategy
from crisis.values import Severity, StatementKind
from integrations.mastodon import comparable
from integrations.sandbox import posts
from records import StatementStatus, Transaction
from tasks.installation import installation

SECRETS = {
    "FIRELINE_MASTODON_ACCESS_TOKEN": "t",
    "FIRELINE_BLUESKY_PASSWORD": "right",
    "FIRELINE_STATUSPAGE_API_KEY": "k",
    "FIRELINE_WAR_ROOM_TOKEN": "xoxb-1",
}
KINDS = ("mastodon", "bluesky", "statuspage", "smtp", "sandbox")
LIMIT = {"mastodon": 500, "bluesky": 300, "statuspage": 25_000, "smtp": 100_000, "sandbox": 5000}
TEXT = "We know that trains have stopped, and we are sorry. Crews are on site. We write again by 14:30 UTC."
SECOND = "If you are stranded: acmerail.example/help has the buses, and 0800 12 34 answers now."
HEAD = """\
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
routes = ["{route}"]

[[stakeholders]]
name = "Ana Almeida"
email = "ana@example.com"
roles = ["comms"]
told_types = ["data_breach"]

[[stakeholders]]
name = "Lena Roth"
email = "lena@example.com"
roles = ["legal"]
told_types = ["data_breach"]

[[notifiers]]
name = "email"
kind = "sandbox"
settings = {{ directory = "told" }}
"""


@dataclass
class Receivers:
    """One receiver for each kind."""

    mastodon: MastodonReceiver
    bluesky: BlueskyReceiver
    statuspage: StatuspageReceiver
    smtp: SmtpReceiver
    slack: SlackReceiver

    def reset(self) -> None:
        for receiver in self._over_http():
            receiver.reset()
        self.smtp.mails.clear()

    def memory(self) -> list[dict[str, Any]]:
        """What they know now, to be given back by ``remember``."""
        return [{k: deepcopy(v) for k, v in vars(r).items() if isinstance(v, dict | list)} for r in self._over_http()]

    def remember(self, memory: list[dict[str, Any]]) -> None:
        """Know again what they knew, and nothing since."""
        self.reset()
        for receiver, known in zip(self._over_http(), memory, strict=True):
            vars(receiver).update(deepcopy(known))

    def _over_http(self) -> tuple[HttpReceiver, ...]:
        return self.mastodon, self.bluesky, self.statuspage, self.slack

    def carried(self, kind: str, home: Path) -> Counter[str]:
        """How often each text was taken by the receiver of ``kind``, ever."""
        if kind == "smtp":
            return Counter(_text_of(mail.get_content()) for _, mail in self.smtp.mails)
        if kind == "sandbox":
            statements = [p for p in posts(home / "sandbox") if p.purpose is Purpose.STATEMENT]
            return Counter(part.text for post in statements for part in post.rendering.parts)
        receiver: MastodonReceiver | BlueskyReceiver | StatuspageReceiver = getattr(self, kind)
        return receiver.accepted

    def still_there(self, kind: str, home: Path) -> int:
        """How many posts can be seen now, after what was taken back."""
        return {
            "mastodon": lambda: len(self.mastodon.statuses),
            "bluesky": lambda: len(self.bluesky.records),
            "statuspage": lambda: len(self.statuspage.incidents),
            "smtp": lambda: len(self.smtp.mails),
            "sandbox": lambda: sum(
                p.withdrawn_at is None for p in posts(home / "sandbox") if p.purpose is Purpose.STATEMENT
            ),
        }[kind]()


def _text_of(content: object) -> str:
    return str(content).replace("\r\n", "\n").rstrip("\n")


class Story:
    """An incident with an approved statement ``INC-1-S1`` for some kinds of channel."""

    def __init__(
        self,
        home: Path,
        receivers: Receivers,
        kinds: Iterable[str],
        *,
        addresses: dict[str, str] | None = None,
        parts: int = 1,
        lead_route: str = "email:ida@example.com",
    ) -> None:
        self.kinds, self.receivers, self._first = tuple(kinds), receivers, home
        self._addresses, self._parts, self._lead_route = addresses or {}, parts, lead_route
        self._copies = 0
        self._memory: list[dict[str, Any]] | None = None
        self.statement = "INC-1-S1"
        home.mkdir(parents=True, exist_ok=True)
        asyncio.run(self._write(self._settings(home)))

    def copy(self) -> Path:
        """A copy of the installation as it was at the start; the receivers have forgotten everything since."""
        self._copies += 1
        home = self._first.parent / f"copy-{self._copies}"
        shutil.copytree(self._first, home)
        self._settings(home)
        self.receivers.reset()
        if self._memory:
            self.receivers.remember(self._memory)
            self.receivers.smtp.mails.extend(self._mails)
        return home

    def begin_with(self, home: Path) -> None:
        """Make copies of this one from now on, with what the receivers know by now."""
        self._first, self._memory, self._mails = home, self.receivers.memory(), list(self.receivers.smtp.mails)

    def act(self, name: str, statement: str = "") -> Act:
        return Act(name, statement=statement or self.statement, incident="INC-1")

    def _settings(self, home: Path) -> config.Settings:
        text = HEAD.format(home=home, route=self._lead_route)
        address = {"slack": self.receivers.slack.url} | {
            kind: getattr(self.receivers, kind).url for kind in KINDS if kind != "sandbox"
        }
        address |= self._addresses
        text += (
            f'\n[[notifiers]]\nname = "war-room"\nkind = "slack"\nsettings = {{ base_url = "{address["slack"]}" }}\n'
        )
        more = {
            "bluesky": ', identifier = "acme.test"',
            "statuspage": ', page_id = "p1"',
            "smtp": ', sender = "news@acme.example", timeout = 2',
        }
        for kind in self.kinds:
            where = (
                'directory = "sandbox"' if kind == "sandbox" else f'base_url = "{address[kind]}"{more.get(kind, "")}'
            )
            if kind in ("mastodon", "bluesky", "statuspage"):
                where += ", timeout = 2"
            text += f'\n[[channels]]\nname = "{kind}"\nkind = "{kind}"\naddress = "{_address(kind)}"\n'
            text += f"settings = {{ {where} }}\n"
        file = home / "fireline.toml"
        file.write_text(text)
        return config.load(file)

    async def _write(self, settings: config.Settings) -> None:
        async with installation(settings, via="test") as here:
            now = here.clock.now()
            async with here.store.transaction() as tx:
                await tx.watches.put(settings.watches[0])
                await tx.stakeholders.put_all(settings.stakeholders, actor="configuration")
                await tx.incidents.open(
                    watch="acme",
                    title="Acme Rail: service failure",
                    assessment=assessment(Severity.SEV2, minutes=0),
                    opened_at=now,
                    started_at=now - timedelta(minutes=9),
                    lead=TOLD,
                    actor="detector",
                )
                await tx.incidents.step("INC-1", IncidentState.RESPONDING, actor="respond", reason="it is real")
                if self.kinds:
                    await approved(tx, self.text("INC-1-S1", StatementKind.HOLDING, now))

    async def approve_correction(self, home: Path) -> None:
        """Put an approved correction ``INC-1-S2`` on record, which answers every post of the first statement."""
        settings = config.load(home / "fireline.toml")
        async with installation(settings, via="test") as here, here.store.transaction() as tx:
            out = await tx.outbox.list(statement=self.statement, purpose=Purpose.STATEMENT)
            posts = {d.rendering.target.kind: d.receipt.id for d in out if d.receipt}
            now = here.clock.now()
            kind = StatementKind.CORRECTION
            await approved(tx, self.text("INC-1-S2", kind, now, corrects=self.statement, reply_to=posts))

    def text(
        self,
        id: str,
        kind: StatementKind,
        now: datetime,
        *,
        corrects: str = "",
        reply_to: dict[str, str] | None = None,
    ) -> Statement:
        """A statement of ``parts`` parts for every channel."""
        words = [f"{id}: {TEXT}", f"{id}: {SECOND}"]
        words += [f"{id}: part {n}" for n in range(3, self._parts + 1)]
        renderings = tuple(self._rendering(k, words[: self._parts], (reply_to or {}).get(k, "")) for k in self.kinds)
        audience = "passengers and the public"
        covered = {"incident": "INC-1", "kind": kind, "audience": audience, "severity": Severity.SEV2, "facts": ()}
        return Statement(
            id=id,
            version=1,
            incident="INC-1",
            kind=kind,
            strategy=Strategy.DIMINISH,
            author="template",
            created_at=now,
            audience=audience,
            headline="Trains have stopped",
            body=TEXT,
            severity=Severity.SEV2,
            renderings=renderings,
            corrects=corrects,
            content_hash=content_hash(**covered, renderings=renderings),  # type: ignore[arg-type]
        )

    def _rendering(self, kind: str, words: list[str], reply_to: str) -> Rendering:
        threads = kind in ("mastodon", "bluesky", "sandbox")
        texts = words if threads else ["\n\n".join(words)]
        return Rendering(
            target=Target(channel=kind, kind=kind, address=_address(kind)),
            parts=tuple(Part(text=t, length=len(t), limit=LIMIT[kind]) for t in texts),
            subject="Trains have stopped" if kind in ("smtp", "statuspage") else "",
            reply_to=reply_to,
        )


def _address(kind: str) -> str:
    return "riders@acme.example" if kind == "smtp" else ""


async def approved(tx: Transaction, text: Statement) -> None:
    """Put a statement on record with every approval it needs."""
    await tx.statements.add(text, actor=text.author)
    await tx.statements.propose(text.id, text.version, POLICY, by=text.author)
    for name, role in (("ana", "comms"), ("lena", "legal")):
        await tx.decisions.add(
            Decision(
                content_hash=text.content_hash,
                statement=text.id,
                version=text.version,
                approver=f"{name}@example.com",
                role=role,
                verdict=Verdict.APPROVE,
                via=Via.DESK,
                decided_at=datetime.now(UTC),
            )
        )
    await tx.statements.set_status(
        text.id, text.version, StatementStatus.APPROVED, actor="approval", reason="all approvals given"
    )


@dataclass(frozen=True)
class End:
    """How an installation stands at the end of a test."""

    home: Path
    deliveries: list[Delivery]
    status: StatementStatus | None
    """Of the statement asked about; None when there is none."""
    told: Counter[str]
    """Which notices reached the lead, by subject."""
    ledger: str
    """What is wrong with the ledger; empty when it holds."""


def end_of(home: Path, statement: str = "INC-1-S1") -> End:
    """Read how it stands."""

    async def read() -> End:
        async with installation(config.load(home / "fireline.toml")) as here:
            async with here.store.reading() as tx:
                deliveries = await tx.outbox.list(incident="INC-1")
                known = await tx.statements.versions(statement)
                status = await tx.statements.status(statement, 1) if known else None
            verified = await here.store.verify()
        told = Counter(p.rendering.subject for p in posts(home / "told"))
        return End(home, deliveries, status, told, "" if verified.ok else verified.problem)

    return asyncio.run(read())


def wrong(story: Story, end: End, statement: str = "INC-1-S1", *, human_may_be_asked: Iterable[str] = ()) -> list[str]:
    """What breaks the promise about the posts of ``statement``, in sentences."""
    said = [f"the ledger does not hold: {end.ledger}"] if end.ledger else []
    ours = [d for d in end.deliveries if d.statement == statement and d.purpose is Purpose.STATEMENT]
    by_kind = {d.rendering.target.kind: d for d in ours}
    if len(ours) != len(story.kinds) or set(by_kind) != set(story.kinds):
        return [*said, f"planned for {sorted(d.rendering.target.kind for d in ours)} instead of {sorted(story.kinds)}"]
    for kind, delivery in by_kind.items():
        counted = {comparable(text): n for text, n in story.receivers.carried(kind, end.home).items()}
        counts = [counted.get(comparable(part.text), 0) for part in delivery.rendering.parts]
        if max(counts) > 1:
            said.append(f"{kind} was given it {counts} times")
        if delivery.state in ARRIVED:
            if set(counts) != {1}:
                said.append(f"{kind} is {delivery.state}, but carries {counts}")
        elif delivery.needs_human or delivery.state is DeliveryState.REFUSED:
            if kind not in human_may_be_asked:
                said.append(f"{kind} is {delivery.state} and asks a human without need: {delivery.problem}")
            if not any(n == 1 and kind in subject for subject, n in end.told.items()):
                said.append(f"{kind} is {delivery.state}, and the lead was told {dict(end.told)}")
        else:
            said.append(f"{kind} is left {delivery.state}: {delivery.problem}")
    if any(d.state in ARRIVED for d in ours) and end.status is StatementStatus.APPROVED:
        said.append("it is out, but not marked as published")
    return said
