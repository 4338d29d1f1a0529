"""What can go wrong between Fireline and a platform, made to happen to every kind at the same time.

``meet`` lets all roles run into one trouble, and then, with the trouble over, lets a fresh installation on the same
records go on. It tells how each delivery stood both times, and what its receiver had counted by then.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aws_receiver import error
from counting_http import Fault
from proxy import Proxy
from roles import Bench, Role, served
from staged import POLICY, assessment

import tasks.deliver
from config import NotifierSettings, Settings
from crisis.delivery import ARRIVED, Delivery, DeliveryClass, DeliveryState, Purpose
from crisis.statement import Statement, content_hash
from crisis.triage import Strategy
from crisis.values import Severity, StatementKind
from crisis.watch import Watch
from tasks.deliver import answer_unknown, deliver
from tasks.installation import Installation, installation

AWS = ("ses", "sns_sms", "s3_page")
NO_SERVER = ("sandbox", "feed_file")
"""Kinds that speak to nobody."""
ALWAYS = 40
"""Faults, where there is no end of them."""


def _in(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def by_server(role: Role) -> bool:
    return role.kind not in NO_SERVER


def by_http(role: Role) -> bool:
    return role.kind not in (*NO_SERVER, "smtp")


def in_parts(role: Role) -> bool:
    return role.threads


@dataclass(frozen=True)
class Trouble:
    """One thing that goes wrong."""

    name: str
    column: str
    """Of the table in docs/delivery.md."""
    faults: Callable[[Role], list[Fault | None]] = lambda role: []
    """What the receiver does with the next writes."""
    through: str = ""
    """What stands between: ``reset`` and ``silence`` lose the answer of a post, ``closed`` takes no connection."""
    befalls: Callable[[Role], bool] = by_server
    lasts: bool = False
    """It is not over for a while."""
    patience: float = 0.0
    """Seconds that a sender waits for it to be over."""


def _fault(
    status: int, body: str = "{}", *, done: bool = False, before: int = 0, times: int = 1
) -> Callable[[Role], Any]:
    """A fault as the platform of the role would word it, after ``before`` writes that go well."""

    def made(role: Role) -> list[Fault | None]:
        aws = role.kind in AWS and status >= 400
        fault = error(role.kind, status, "InternalFailure", done=done) if aws else Fault(status, body, done=done)
        return [*[None] * before, *[fault] * times]

    return made


def limited(**headers: Callable[[], str]) -> Callable[[Role], list[Fault | None]]:
    def made(role: Role) -> list[Fault | None]:
        given = {name: value() for name, value in headers.items()}
        if role.kind in AWS:
            return [error(role.kind, 429, "TooManyRequestsException", **given)]
        return [Fault(429, headers={name.replace("_", "-"): value for name, value in given.items()})]

    return made


def _expired(before: int = 0, times: int = 1) -> Callable[[Role], list[Fault | None]]:
    """A token that ran out, as each platform says it."""

    def made(role: Role) -> list[Fault | None]:
        said = {"slack": Fault(200, '{"ok": false, "error": "token_expired"}')}
        if role.kind == "bluesky":
            fault = Fault(400, '{"error": "ExpiredToken", "message": "Token has expired"}')
        elif role.kind in AWS:
            fault = error(role.kind, 403, "ExpiredToken")
        else:
            fault = said.get(role.kind, Fault(401))
        return [*[None] * before, *[fault] * times]

    return made


NONSENSE = (
    '{"id": "11',
    '{"id": 7, "uri": null, "data": [], "result": "x", "ok": 1, "status": 3, "sid": [], "ts": 4}',
    "[]",
    "{}",
    "",
)
"""Answers to a post that was taken: cut off, of other types, empty."""
WAITS: dict[str, tuple[dict[str, Callable[[], str]], float]] = {
    "in seconds": ({"Retry_After": lambda: "90"}, 90),
    "as an HTTP date": ({"Retry_After": lambda: format_datetime(_in(90), usegmt=True)}, 90),
    "as an epoch in ratelimit-reset": ({"ratelimit_reset": lambda: str(int(_in(90).timestamp()))}, 90),
    "in seconds in ratelimit-reset": ({"RateLimit_Reset": lambda: "90"}, 90),
    "as ISO-8601 in x-ratelimit-reset": ({"X_RateLimit_Reset": lambda: _in(90).isoformat()}, 90),
    "as an epoch in x-rate-limit-reset": ({"x_rate_limit_reset": lambda: str(int(_in(90).timestamp()))}, 90),
    "in fractions of a second": ({"X_RateLimit_Reset_After": lambda: "90.5"}, 90.5),
    "not at all": ({}, 30),
    "in words": ({"Retry_After": lambda: "soon"}, 30),
}
"""How platforms say when to come back, and how many seconds that is."""
TROUBLES = (
    Trouble("none", "nothing wrong", befalls=lambda role: True),
    Trouble("the answer is lost", "answer lost", through="reset"),
    Trouble("the answer does not come in time", "too slow", through="silence"),
    Trouble("500 after it was taken", "500, but taken", _fault(500, done=True), befalls=by_http),
    Trouble("503 before it was taken", "503, not taken", _fault(503), befalls=by_http),
    Trouble(
        "an answer of the hotel's network", "answer makes no sense", _fault(200, "<html>Welcome!</html>", done=True)
    ),
    Trouble("an answer without end", "answer without end", _fault(200, "x" * 200_000, done=True), befalls=by_http),
    Trouble("a limit of a minute and a half", "429, long", limited(Retry_After=lambda: "90"), lasts=True),
    Trouble("a limit of a second", "429, short", limited(Retry_After=lambda: "1"), befalls=by_http, patience=30),
    Trouble("no connection", "no connection", through="closed"),
    Trouble("the token ran out", "token ran out", _expired()),
    Trouble("an error between two parts", "thread broken off", _fault(500, before=1), befalls=in_parts),
    Trouble(
        "a part taken, and its answer lost", "thread broken off", _fault(500, before=1, done=True), befalls=in_parts
    ),
    Trouble("the token ran out between two parts", "token ran out inside", _expired(1, ALWAYS), befalls=in_parts),
)


@dataclass(frozen=True)
class Stand:
    """How a delivery stands, and what its receiver has."""

    delivery: Delivery
    created: tuple[str, ...]

    @property
    def says(self) -> str:
        """In the words of the table."""
        d = self.delivery
        if d.state in ARRIVED:
            return "once"
        if d.needs_human:
            return "asks"
        return {DeliveryState.REFUSED: "told", DeliveryState.PENDING: "waits"}.get(d.state, d.state.value)


def broken(role: Role, stand: Stand) -> str:
    """What breaks the promise of one delivery; empty when nothing does."""
    counts = Counter(stand.created)
    if len(stand.created) > role.posts or max(counts.values(), default=0) > 1:
        return f"{role.name} was given it {dict(counts)}"
    if stand.delivery.state in ARRIVED and len(stand.created) != role.posts:
        return f"{role.name} is {stand.delivery.state}, and {len(stand.created)} of {role.posts} posts are there"
    if stand.says == "told" and (stand.created or not stand.delivery.problem):
        return f"{role.name} was refused ({stand.delivery.problem}), and {len(stand.created)} posts stand"
    return ""


async def stage(home: Path, bench: Bench) -> None:
    """Records in ``home`` in which everything is planned for every role of ``bench``."""
    async with installation(settings(home, bench)) as here:
        now = here.clock.now()
        async with here.store.transaction() as tx:
            await tx.watches.put(here.settings.watches[0])
            await tx.stakeholders.put_all(here.settings.stakeholders, actor="configuration")
            await tx.incidents.open(
                watch="acme",
                title="Acme Rail: service failure",
                assessment=assessment(Severity.SEV2, minutes=0),
                opened_at=now,
                started_at=now,
                lead="ida@example.com",
                actor="detector",
            )
            text = _statement(bench.receivers, now)
            await tx.statements.add(text, actor="template")
            await tx.statements.propose(text.id, 1, POLICY, by="template")
            for role in bench.receivers:
                await tx.outbox.enqueue(role.delivery(text.id, text.content_hash), actor="outbox")


def settings(home: Path, bench: Bench, **given: dict[str, Any]) -> Settings:
    """A configuration with every role; ``given`` are other settings for some, by name."""
    return Settings(
        organisation="Acme Rail",
        home=home,
        watches=(Watch(name="acme", brand="Acme Rail", query="acme", owner="ida@example.com"),),
        stakeholders=({"name": "Ida", "email": "ida@example.com", "roles": ["incident_lead"]},),  # type: ignore[arg-type]
        channels=bench.channels(**given),
        notifiers=(
            *bench.notifiers(**given),
            NotifierSettings(name="email", kind="sandbox", settings={"directory": home / "told"}),
        ),
    )


def _statement(roles: Iterable[Role], now: datetime) -> Statement:
    renderings = tuple(role.rendering() for role in roles if role.family == "channel")
    covered: dict[str, Any] = {
        "incident": "INC-1",
        "kind": StatementKind.HOLDING,
        "audience": "passengers",
        "facts": (),
    }
    media = tuple({picture.sha256: picture for said in renderings for picture in said.media}.values())
    covered |= {"severity": Severity.SEV2, "renderings": renderings, "media": media}
    return Statement(
        **covered,
        id="INC-1-S1",
        version=1,
        strategy=Strategy.DIMINISH,
        author="template",
        created_at=now,
        headline="Trains have stopped",
        body="We know.",
        content_hash=content_hash(**covered),
    )


async def meet(trouble: Trouble, home: Path, bench: Bench) -> dict[Role, tuple[Stand, Stand]]:
    """Let everybody whom it befalls run into ``trouble``; how each stood in it, and after it was over."""
    bench.reset()
    befallen = [role for role in bench.receivers if trouble.befalls(role)]
    with ExitStack() as stack:
        given = _between(trouble, befallen, bench, stack)
        for role in befallen:
            bench.receivers[role].faults += trouble.faults(role)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tasks.deliver, "PATIENCE_SECONDS", trouble.patience)
            async with installation(settings(home, bench, **given)) as here:
                during = await _deliver(here, befallen, bench)
    for role in befallen:
        bench.receivers[role].faults.clear()
    if trouble.lasts:
        return {role: (during[role], during[role]) for role in befallen}
    async with installation(settings(home, bench)) as here:
        for role in befallen:
            if during[role].says == "told" or (during[role].says == "asks" and _may_be_sent_again(role)):
                await _send_again(here, during[role].delivery)
        after = await _deliver(here, befallen, bench)
    return {role: (during[role], after[role]) for role in befallen}


def _may_be_sent_again(role: Role) -> bool:
    """A human may say so without looking: what is there is found first."""
    return role.delivery_class is not DeliveryClass.AT_MOST_ONCE


async def _send_again(here: Installation, delivery: Delivery) -> None:
    await answer_unknown(here, delivery.id, arrived=False, actor="ida@example.com", reason="the token is renewed")


def _between(trouble: Trouble, befallen: list[Role], bench: Bench, stack: ExitStack) -> dict[str, dict[str, Any]]:
    """Other settings for those before whom something stands."""
    given = {}
    for role in befallen if trouble.through else ():
        if trouble.through == "closed":
            port = stack.enter_context(socket.socket())
            port.bind(("127.0.0.1", 0))
            given[role.name] = bench.connection(role, port=port.getsockname()[1])
            continue
        proxy = stack.enter_context(Proxy("127.0.0.1", bench.receivers[role].port, after=served(role.kind).write))
        proxy.silent = trouble.through == "silence"
        proxy.lose(1)
        given[role.name] = bench.connection(role, port=proxy.port, **({"timeout": 3} if proxy.silent else {}))
    return given


async def deliveries(here: Installation, *, withdrawals: bool = False) -> dict[str, Delivery]:
    """Of every role, by its name; or what takes them back."""
    async with here.store.reading() as tx:
        found = [d for d in await tx.outbox.list(incident="INC-1") if d.rendering.target.channel != "email"]
    return {d.rendering.target.channel: d for d in found if (d.purpose is Purpose.WITHDRAWAL) == withdrawals}


async def _deliver(here: Installation, befallen: list[Role], bench: Bench) -> dict[Role, Stand]:
    planned = await deliveries(here)
    stands = await asyncio.gather(*(deliver(here, planned[role.name].id) for role in befallen))
    return {
        role: Stand(delivery, tuple(bench.receivers[role].created))
        for role, delivery in zip(befallen, stands, strict=True)
    }
