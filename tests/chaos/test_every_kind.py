"""Whatever goes wrong, on every channel and notifier there is: said once, or a human is asked; never silently not at all.

The kinds are found in the registry: one that nothing is known of fails here, and the message says what to add. Each
trouble befalls all of them at the same time; what came of it is what the table in docs/delivery.md says.
"""

import asyncio
import re
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from counting_http import Fault
from roles import Bench, Role, bench, roles, served
from troubles import NONSENSE, TROUBLES, WAITS, Stand, Trouble, broken, by_http, by_server, limited, meet, stage

import integrations
import integrations.aws
import integrations.http
import integrations.outcomes
import tasks.deliver
from crisis.delivery import DeliveryClass
from crisis.stakeholder import Route
from integrations import Message, RateLimited, Unknown
from integrations.kinds import GROUP, added

TABLE = Path(__file__).parents[2] / "docs" / "delivery.md"
FAMILY = {"statements": "channel", "notices": "notifier"}
Met = dict[Role, tuple[Stand, Stand]]


@pytest.fixture(scope="module")
def everybody() -> Iterator[Bench]:
    with bench() as made:
        yield made


@pytest.fixture(scope="module")
def planned(everybody: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("planned") / "home"
    asyncio.run(stage(home, everybody))
    return home


@pytest.fixture(scope="module", params=TROUBLES, ids=lambda trouble: trouble.name)
def met(
    request: pytest.FixtureRequest, everybody: Bench, planned: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Trouble, Met]:
    home = tmp_path_factory.mktemp("home") / "home"
    shutil.copytree(planned, home)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PREFECT_API_URL", raising=False)
        patch.setattr(tasks.deliver, "_LOOK_UP_DELAYS", (0.0, 0.05))
        patch.setattr(integrations.outcomes, "AGAIN", timedelta(seconds=1))
        for module in (integrations.http, integrations.aws):
            patch.setattr(module, "LARGEST_ANSWER", 100_000)
        return request.param, asyncio.run(meet(request.param, home, everybody))


@pytest.mark.parametrize("role", roles(), ids=lambda role: role.name)
def test_in_trouble_it_is_said_once_or_a_human_knows(met: tuple[Trouble, Met], role: Role) -> None:
    trouble, stands = met
    if role not in stands:
        assert documented()[role][trouble.column] == "–"
        return
    during, after = stands[role]
    assert not broken(role, during), broken(role, during)
    assert not broken(role, after), broken(role, after)
    assert during.says == documented()[role][trouble.column], during.delivery.problem
    if not trouble.lasts:
        assert after.says in ("once", "asks"), after.delivery.problem
    elif during.says == "waits":
        assert during.created == ()
        assert during.delivery.not_before is not None
        assert during.delivery.not_before - datetime.now(UTC) > timedelta(seconds=30)


@pytest.mark.parametrize("role", [role for role in roles() if by_http(role)], ids=lambda role: role.name)
async def test_a_rate_limit_in_every_dialect_says_when_to_come_back(role: Role, everybody: Bench) -> None:
    receiver = everybody.receivers[role]
    receiver.reset()
    for how, (headers, seconds) in WAITS.items():
        receiver.faults += limited(**headers)(role)
        channel = integrations.connect(role.kind, **everybody.connection(role))
        with pytest.raises((RateLimited, Unknown)) as caught:
            await _say(channel, role)
        await channel.close()
        if role.kind == "apprise":  # which does not tell what it was answered
            assert type(caught.value) is Unknown
        else:
            assert type(caught.value) is RateLimited, how
            assert abs((caught.value.until - datetime.now(UTC)).total_seconds() - seconds) < 5, how
        assert receiver.created == []


async def _say(channel: Any, role: Role) -> None:
    rendering = role.rendering()
    if role.family == "channel":
        await channel.publish(rendering, "k")
        return
    message = Message(key="k", subject=rendering.subject, text=rendering.text, thread="INC-1", occasion="opened")
    await channel.notify(message, Route(notifier=role.name, address=rendering.target.address))


@pytest.mark.parametrize("role", [role for role in roles() if by_server(role)], ids=lambda role: role.name)
async def test_a_taken_post_with_an_answer_that_makes_no_sense_is_unknown_unless_answers_say_nothing(
    role: Role, everybody: Bench
) -> None:
    receiver = everybody.receivers[role]
    reads_answers = documented()[role]["answer makes no sense"] == "asks" or not at_most_once(role)
    for body in NONSENSE:
        receiver.reset()
        receiver.faults.append(Fault(200, body, done=True))
        channel = integrations.connect(role.kind, **everybody.connection(role))
        with pytest.raises(Unknown) if reads_answers else nullcontext():
            await _say(channel, role)
        await channel.close()
        assert len(receiver.created) == 1, body


class Pigeon:
    """A kind of which the suite knows nothing."""

    kind = "pigeon"

    async def notify(self, message: Message, route: Route) -> None:
        """Never called."""


def test_a_new_kind_that_nobody_tries_in_trouble_is_told_with_what_to_add(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(added(), "pigeon", EntryPoint("pigeon", f"{__name__}:Pigeon", GROUP))
    found = set(roles.__wrapped__()) - set(roles())
    assert found == {Role("pigeon", "notifier")}
    with pytest.raises(AssertionError, match=r"'pigeon' publishes or notifies, and nothing tries .*/kinds_served"):
        served("pigeon")


def test_the_table_has_a_row_for_every_role_and_a_column_for_every_trouble() -> None:
    assert set(documented()) == set(roles())
    columns = {trouble.column for trouble in TROUBLES} | {"killed"}
    assert all(set(row) == columns for row in documented().values())
    for role, row in documented().items():
        assert row["killed"] == ("once, or asks" if at_most_once(role) else "once")


def at_most_once(role: Role) -> bool:
    return role.delivery_class is DeliveryClass.AT_MOST_ONCE


@cache
def documented() -> dict[Role, dict[str, str]]:
    """What docs/delivery.md says of every role in every trouble."""
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in TABLE.read_text(encoding="utf-8").splitlines()
        if re.match(r"\| (kind|`\w+`) \|", line)
    ]
    _, _, *columns = rows[0]
    return {
        Role(kind.strip("`"), FAMILY[what]): dict(zip(columns, cells, strict=True)) for kind, what, *cells in rows[1:]
    }
