"""One delivery through its states: what each outcome of a send or a look-up makes of it, and who is asked."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, SecretStr
from staged import POLICY, assessment

from config import ChannelSettings, NotifierSettings, Settings
from crisis.clock import FixedClock
from crisis.delivery import Delivery, DeliveryClass, DeliveryState, Purpose, Receipt, delivery_id
from crisis.statement import Part, Rendering, Statement, Target, content_hash
from crisis.triage import Strategy
from crisis.values import Severity, StatementKind
from crisis.watch import Watch
from integrations import Misconfigured, RateLimited, Refused, Unknown
from integrations.kinds import GROUP, added
from integrations.sandbox import posts
from integrations.thread import since_planned
from records import StatementStatus, open_store
from tasks import deliver as delivering
from tasks.deliver import STOPPED, answer_unknown, deliver
from tasks.installation import Installation
from tasks.publish import MAX_ATTEMPTS, ask_about_open
from tasks.recover import recover_deliveries
from tasks.withdraw import NothingToWithdraw, withdraw

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
S = DeliveryState
OUT = Receipt(id="p1", accepted_at=NOON)
SENDS: list[Receipt | Exception] = []
"""What the next sends come to; then every one is accepted."""
FINDS: list[Receipt | Exception | None] = []
"""What the next look-ups come to; then nothing is found."""
CALLS: list[str] = []


class _Settings(BaseModel):
    token: SecretStr = SecretStr("")


class Platform:
    """A platform that answers as it is told."""

    kind: ClassVar[str] = "platform"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.RECONCILE_BY_MARKER
    settings_model: ClassVar[type[BaseModel]] = _Settings

    def __init__(self, settings: _Settings) -> None:
        pass

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        return _answer("publish", SENDS.pop(0) if SENDS else OUT)

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        return _answer("find", FINDS.pop(0) if FINDS else None)

    async def withdraw(self, receipt: Receipt) -> None:
        _answer("withdraw", None)

    async def close(self) -> None:
        pass


def _answer(call: str, answer: Any) -> Any:
    CALLS.append(call)
    if isinstance(answer, Exception):
        raise answer
    return answer


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installation]:
    for memory in (SENDS, FINDS, CALLS):
        memory.clear()
    monkeypatch.setitem(added(), "platform", EntryPoint("platform", f"{__name__}:Platform", GROUP))
    monkeypatch.setattr(delivering, "_LOOK_UP_DELAYS", (0.0, 0.0))
    monkeypatch.setattr(delivering, "PATIENCE_SECONDS", 0.5)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    settings = Settings(
        organisation="Acme",
        home=tmp_path,
        watches=(Watch(name="acme", brand="Acme", query="acme", owner="ida@example.com"),),
        stakeholders=({"name": "Ida", "email": "ida@example.com", "roles": ["incident_lead"]},),  # type: ignore[arg-type]
        notifiers=(NotifierSettings(name="email", kind="sandbox"),),
        channels=(ChannelSettings(name="feed", kind="platform"),),
    )
    store = await open_store(settings.database_url, keys=tmp_path / "keys", clock=FixedClock(NOON))
    installed = Installation(settings, store)
    async with store.transaction() as tx:
        await tx.watches.put(settings.watches[0])
        await tx.stakeholders.put_all(settings.stakeholders, actor="configuration")
        await tx.incidents.open(
            watch="acme",
            title="Acme: outage",
            assessment=assessment(Severity.SEV2, minutes=0),
            opened_at=NOON,
            started_at=NOON,
            lead="ida@example.com",
            actor="detector",
        )
        text = _statement()
        await tx.statements.add(text, actor="template")
        await tx.statements.propose(text.id, 1, POLICY, by="template")
        await tx.statements.set_status(text.id, 1, StatementStatus.PUBLISHED, actor="outbox")
        await tx.outbox.enqueue(_delivery(text), actor="outbox")
    yield installed
    await installed.close()


def _statement() -> Statement:
    part = Part(text="We know.", length=8, limit=500)
    renderings = (Rendering(target=Target(channel="feed", kind="platform"), parts=(part,)),)
    covered: dict[str, Any] = {"incident": "INC-1", "kind": StatementKind.HOLDING, "audience": "all", "facts": ()}
    covered |= {"severity": Severity.SEV2, "renderings": renderings}
    return Statement(
        **covered,
        id="INC-1-S1",
        version=1,
        strategy=Strategy.DIMINISH,
        author="template",
        created_at=NOON,
        headline="We know",
        body="We know.",
        content_hash=content_hash(**covered),
    )


def _delivery(text: Statement, delivery_class: DeliveryClass = DeliveryClass.RECONCILE_BY_MARKER) -> Delivery:
    target = text.renderings[0].target
    return Delivery(
        id=ID,
        incident="INC-1",
        purpose=Purpose.STATEMENT,
        statement=text.id,
        version=1,
        content_hash=text.content_hash,
        rendering=text.renderings[0],
        delivery_class=delivery_class,
        created_at=NOON,
        updated_at=NOON,
    ).model_copy(update={"id": delivery_id(Purpose.STATEMENT, "x", target)})


ID = delivery_id(Purpose.STATEMENT, "x", Target(channel="feed", kind="platform"))


async def told(here: Installation) -> list[str]:
    async with here.store.reading() as tx:
        (incident,) = await tx.incidents.list()
        await ask_about_open(here, incident, await tx.outbox.list(incident="INC-1"))
    return [p.rendering.subject for p in posts(here.settings.home / "sandbox")]


async def now(here: Installation) -> Delivery:
    async with here.store.reading() as tx:
        return await tx.outbox.get(ID)


async def force(here: Installation, sql: str) -> None:
    """Change a row behind the outbox's back, as the passing of time would."""
    async with here.store._engine.begin() as connection:
        await connection.exec_driver_sql(sql)


async def test_what_is_accepted_is_settled_and_never_sent_again(here: Installation) -> None:
    assert (await deliver(here, ID)).state is S.ACCEPTED
    assert (await deliver(here, ID)).receipt == OUT
    assert CALLS == ["publish"]


async def test_a_short_rate_limit_is_waited_for(here: Installation) -> None:
    SENDS.append(RateLimited("slowly", datetime.now(UTC) + timedelta(seconds=0.2)))
    assert (await deliver(here, ID)).state is S.ACCEPTED
    assert CALLS == ["publish", "publish"]


async def test_a_long_rate_limit_leaves_it_pending_and_is_kept_to_by_everyone(here: Installation) -> None:
    until = datetime.now(UTC) + timedelta(minutes=5)
    SENDS.append(RateLimited("slowly", until))
    after = await deliver(here, ID)
    assert (after.state, after.not_before, after.problem) == (S.PENDING, until, "slowly")
    assert (await deliver(here, ID)).state is S.PENDING
    await recover_deliveries(here)
    assert CALLS == ["publish"]
    assert await told(here) == []


async def test_the_lead_is_told_once_of_what_is_held_up_for_long(here: Installation) -> None:
    SENDS.extend(RateLimited("slowly", datetime.now(UTC)) for _ in range(MAX_ATTEMPTS - 1))
    SENDS.append(RateLimited("slowly", datetime.now(UTC) + timedelta(minutes=5)))
    assert (await deliver(here, ID)).attempts == MAX_ATTEMPTS
    assert await told(here) == await told(here) == ["[INC-1] Still not on feed: INC-1-S1"]


@pytest.mark.parametrize("no", [Refused("422: too long"), Misconfigured("401: token revoked")])
async def test_a_clear_no_is_final_and_the_lead_is_told_once(here: Installation, no: Exception) -> None:
    SENDS.append(no)
    after = await deliver(here, ID)
    assert (after.state, after.problem) == (S.REFUSED, str(no))
    await recover_deliveries(here)
    assert await told(here) == ["[INC-1] Not published on feed: INC-1-S1"]
    assert CALLS == ["publish"]


async def test_a_thread_that_was_begun_before_and_is_refused_now_is_for_a_human_since_parts_may_stand(
    here: Installation,
) -> None:
    part = Part(text="We know.", length=8, limit=500)
    async with here.store.transaction() as tx:
        text = await tx.statements.get("INC-1-S1")
        planned = _delivery(text)
        two = planned.rendering.model_copy(update={"parts": (part, part)})
        thread = planned.model_copy(update={"id": "thread", "rendering": two})
        await tx.outbox.enqueue(thread, actor="outbox")
    SENDS.append(Unknown("the first part is there, the second perhaps"))
    SENDS.extend(Misconfigured("401: token revoked") for _ in range(MAX_ATTEMPTS))
    after = await deliver(here, "thread")
    assert (after.state, after.needs_human, after.attempts) == (S.UNKNOWN, True, MAX_ATTEMPTS)
    assert "401: token revoked; parts that an earlier attempt sent may still be there" in after.problem


async def test_a_channel_that_is_no_longer_configured_refuses_and_stops_nothing_else(here: Installation) -> None:
    here.settings = here.settings.model_copy(update={"channels": ()})
    after = await deliver(here, ID)
    assert after.state is S.REFUSED
    assert "there is no channel 'feed'" in after.problem
    await recover_deliveries(here)


async def test_a_connection_that_cannot_be_made_sends_nothing_and_is_tried_later(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(name: str) -> Any:
        raise ConnectionError("the Prefect server is down")

    monkeypatch.setattr(here, "channel", fails)
    after = await deliver(here, ID)
    assert (after.state, CALLS) == (S.PENDING, [])
    assert after.not_before is not None


@pytest.mark.parametrize("lost", [Unknown("502"), RuntimeError("a bug of ours")])
async def test_an_unknown_that_is_found_is_reconciled_and_not_sent_again(here: Installation, lost: Exception) -> None:
    SENDS.append(lost)
    FINDS.extend([None, OUT])
    after = await deliver(here, ID)
    assert (after.state, after.receipt) == (S.RECONCILED, OUT)
    assert CALLS == ["publish", "find", "find"]


async def test_no_post_older_than_the_delivery_can_be_it(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[datetime]] = []

    async def find(self: Platform, key: str, rendering: Rendering | None = None) -> Receipt:
        now = datetime.now(UTC)
        seen.append(since_planned([now - timedelta(days=400), now - timedelta(hours=1), now], lambda at: at))
        return OUT

    monkeypatch.setattr(Platform, "find", find)
    SENDS.append(Unknown("reset"))
    await deliver(here, ID)
    assert [len(found) for found in seen] == [1]  # planned this moment, by the installation's clock


async def test_an_unknown_that_is_proven_absent_is_sent_again(here: Installation) -> None:
    SENDS.append(Unknown("reset"))
    assert (await deliver(here, ID)).state is S.ACCEPTED
    assert CALLS == ["publish", "find", "find", "publish"]


async def test_an_unknown_that_cannot_be_looked_up_waits_and_then_a_human_is_asked(here: Installation) -> None:
    SENDS.append(Unknown("reset"))
    FINDS.extend(Unknown("still down") for _ in range(4))
    after = await deliver(here, ID)
    assert (after.state, after.needs_human) == (S.UNKNOWN, False)
    assert await told(here) == []
    assert isinstance(here.clock, FixedClock)
    here.clock.move(timedelta(minutes=11))
    after = await deliver(here, ID)
    assert (after.state, after.needs_human) == (S.UNKNOWN, True)
    await recover_deliveries(here)
    assert await told(here) == ["[INC-1] Please look: did INC-1-S1 arrive on feed?"]
    assert CALLS.count("publish") == 1


async def test_sends_that_leave_nothing_behind_again_and_again_come_before_a_human(here: Installation) -> None:
    SENDS.extend(Unknown("500") for _ in range(20))
    after = await deliver(here, ID)
    assert (after.state, after.needs_human, after.attempts) == (S.UNKNOWN, True, MAX_ATTEMPTS)
    assert CALLS.count("publish") == MAX_ATTEMPTS


async def test_a_channel_without_look_up_asks_a_human_at_once(here: Installation) -> None:
    await force(here, f"UPDATE deliveries SET delivery_class = 'at most once' WHERE id = '{ID}'")
    SENDS.append(Unknown("reset"))
    after = await deliver(here, ID)
    assert (after.needs_human, CALLS) == (True, ["publish"])
    assert (await deliver(here, ID)).needs_human
    assert CALLS == ["publish"]


@pytest.mark.parametrize(("arrived", "state", "sends"), [(True, S.RECONCILED, 1), (False, S.ACCEPTED, 2)])
async def test_a_human_settles_an_unknown(here: Installation, arrived: bool, state: DeliveryState, sends: int) -> None:
    await force(here, f"UPDATE deliveries SET delivery_class = 'at most once' WHERE id = '{ID}'")
    SENDS.append(Unknown("reset"))
    await deliver(here, ID)
    after = await answer_unknown(here, ID, arrived=arrived, actor="ida@example.com", reason="I looked")
    assert (after.state, after.needs_human, CALLS.count("publish")) == (state, False, sends)


async def test_a_sender_that_vanished_is_noticed_when_its_lease_is_over_not_before(here: Installation) -> None:
    async with here.store.transaction() as tx:
        await tx.outbox.arm(ID, owner="somebody", lease_seconds=0.3, actor="outbox")
    await recover_deliveries(here)
    assert ((await now(here)).state, CALLS) == (S.ARMED, [])
    FINDS.append(OUT)
    assert (await deliver(here, ID)).state is S.RECONCILED
    assert CALLS == ["find"]


async def test_an_answer_that_comes_after_the_lease_still_counts(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slowly(self: Platform, rendering: Rendering, key: str) -> Receipt:
        await force(here, "UPDATE deliveries SET lease_until = '2020-01-01 00:00:00'")
        await delivering.expire_leases(here)
        return OUT

    monkeypatch.setattr(Platform, "publish", slowly)
    after = await deliver(here, ID)
    assert (after.state, after.receipt) == (S.RECONCILED, OUT)


async def test_two_that_look_the_same_thing_up_do_not_disturb_each_other(here: Installation) -> None:
    async with here.store.transaction() as tx:
        await tx.outbox.arm(ID, owner="somebody", lease_seconds=0, actor="outbox")
    await delivering.expire_leases(here)
    FINDS.extend([OUT, OUT, OUT])
    both = await asyncio.gather(deliver(here, ID), deliver(here, ID), deliver(here, ID))
    assert [d.state for d in both] == [S.RECONCILED] * 3


async def test_withdrawing_stops_what_still_waits(here: Installation) -> None:
    SENDS.append(RateLimited("slowly", datetime.now(UTC) + timedelta(minutes=5)))
    await deliver(here, ID)
    assert await withdraw(here, "INC-1-S1", 1, actor="ida@example.com", reason="wrong") == []
    await force(here, "UPDATE deliveries SET not_before = NULL")
    after = await deliver(here, ID)
    assert (after.state, after.problem, CALLS) == (S.REFUSED, STOPPED, ["publish"])
    assert await told(here) == []


async def test_what_arrives_while_it_is_being_withdrawn_is_taken_back(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "PATIENCE_SECONDS", 0.0)

    async def meanwhile(self: Platform, rendering: Rendering, key: str) -> Receipt:
        await withdraw(here, "INC-1-S1", 1, actor="ida@example.com", reason="wrong")
        return OUT

    monkeypatch.setattr(Platform, "publish", meanwhile)
    assert (await deliver(here, ID)).state is S.ACCEPTED
    async with here.store.reading() as tx:
        (withdrawal,) = await tx.outbox.list(purpose=Purpose.WITHDRAWAL)
    assert (withdrawal.state, withdrawal.withdraws, CALLS) == (S.ACCEPTED, ID, ["withdraw"])


async def test_an_unknown_that_is_withdrawn_is_looked_up_and_taken_back_or_not_sent_again(here: Installation) -> None:
    SENDS.append(Unknown("reset"))
    FINDS.append(Unknown("still down"))
    await deliver(here, ID)
    await withdraw(here, "INC-1-S1", 1, actor="ida@example.com", reason="wrong")
    await recover_deliveries(here)
    assert ((await now(here)).state, (await now(here)).problem) == (S.REFUSED, STOPPED)
    assert CALLS.count("publish") == 1
    with pytest.raises(NothingToWithdraw):
        await withdraw(here, "INC-1-S1", 1, actor="ida@example.com", reason="wrong")
