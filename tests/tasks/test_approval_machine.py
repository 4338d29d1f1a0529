"""Every interleaving that hypothesis can think of, over the real records, held against a simple model of approval.

Edits while people approve, two at once, late, revoked, forged, replayed, prefetched, handed on, taken back, the glass
broken, and the clock running out. After each act: nothing is out without a complete quorum (or a broken glass) for
exactly those bytes, each decision is one row, nobody approves their own text or is counted twice, and each version has
one outcome. The quick run takes some seconds, the slow one minutes.
"""

import asyncio
import copy
import functools
import re
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest
from acme import ANA, CARL, IDA, LENA, NOON, acme, incident_in
from approval_model import DEPUTY, ESCALATES, EXPIRES, Model, Version
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import create_async_engine

from crisis.approval import NotAllowed, Policy, Verdict, Via
from crisis.clock import FixedClock
from crisis.delivery import Purpose
from crisis.duty import Duty
from crisis.values import CrisisType, Severity, StatementKind
from desk.app import create_app
from records import StatementStatus
from tasks.approve import decide, propose
from tasks.asking import mind_approvals
from tasks.break_glass import break_glass
from tasks.delegate import delegate, take_over_again
from tasks.draft import draft
from tasks.installation import Installation
from tasks.links import LinkClaims, approval_link
from tasks.take_back import take_back

EVA, OTTO = "eva@example.com", "otto@example.com"
ROLES = {
    ANA: {"comms"},
    CARL: {"comms"},
    LENA: {"legal"},
    OTTO: {"comms", "legal"},
    EVA: {"executive"},
    IDA: {"incident_lead"},
    DEPUTY: {"support"},
}
POLICIES = (
    ({"comms": 1, "legal": 1}, (("comms", "legal"),)),
    ({"comms": 1, "legal": 1}, (("comms",), ("legal",))),
    ({"comms": 2, "legal": 1}, (("legal",), ("comms",))),
)
WORDS = ("We are working on it.", "We are working on it now.", "Our engineers are working on it.")
people = st.sampled_from(sorted(ROLES))
approvers = st.sampled_from((ANA, CARL, LENA, OTTO, EVA, DEPUTY))
roles = st.sampled_from(("comms", "legal"))
verdicts = st.sampled_from(("approve", "approve", "approve", "return"))
decisions = st.tuples(approvers, roles, verdicts)
OUT = "SELECT DISTINCT statement, version, content_hash FROM deliveries WHERE purpose = 'statement'"
MADE = (
    "SELECT d.*, t.taken_back_at AS back FROM decisions d LEFT JOIN take_backs t "
    "ON t.content_hash = d.content_hash AND t.approver = d.approver AND t.number = d.number"
)
GLASS = "SELECT statement, version, content_hash FROM releases"
REASON = "people are being hurt and nobody answers"
SILENT = (
    "tasks.asking.tell", "tasks.asking.tell_lead", "tasks.approve.tell_lead", "tasks.preclear.tell",
    "tasks.take_back.tell_lead", "tasks.publish.tell_stakeholders", "tasks.publish.tell_lead", "tasks.approve.refuse_blocked",
)  # fmt: skip
"""What is no part of approval: nobody is told, and lint looks elsewhere."""


@functools.cache
def prepared() -> Path:
    """An installation with one incident, made once."""
    home = Path(tempfile.mkdtemp(prefix="approval-"))

    async def make() -> None:
        async with acme(home) as here:
            await incident_in(here)

    asyncio.run(make())
    return home


class Approval(RuleBasedStateMachine):
    """One incident's holding statement, its people, and everything that can come between them."""

    @initialize(chosen=st.sampled_from(POLICIES), author=st.sampled_from((IDA, ANA)))
    def open(self, chosen: tuple[dict[str, int], tuple[tuple[str, ...], ...]], author: str) -> None:
        needs, stages = chosen
        self.loop, self.open_things = asyncio.new_event_loop(), AsyncExitStack()
        self.clock = FixedClock(NOON)
        self.model = Model(needs, stages, {email: set(held) for email, held in ROLES.items()})
        self.patches = [mock.patch(name, mock.AsyncMock(return_value=True)) for name in SILENT]
        self.patches.append(mock.patch("tasks.break_glass.check_code", _check_code))
        self.patches += [mock.patch(f"desk.approve.{b}.take", return_value=True) for b in ("_forged", "_submitted")]
        for patch in self.patches:
            patch.start()
        self.home = Path(tempfile.mkdtemp(prefix="approval-"))
        shutil.copytree(prepared(), self.home, dirs_exist_ok=True)
        policy = Policy(
            roles=needs,
            order=stages,
            expires_after=timedelta(minutes=EXPIRES),
            escalate_after=timedelta(minutes=ESCALATES),
        )
        self.do(self._opened(policy))
        self.edited(author, WORDS[0])

    async def _opened(self, policy: Policy) -> None:
        self.here: Installation = await self.open_things.enter_async_context(acme(self.home, clock=self.clock))
        self.here.settings = self.here.settings.model_copy(
            update={
                "channels": self.here.settings.channels[:1],
                "duties": (Duty(role="legal", people=(LENA,), deputies=(DEPUTY,)),),
            }
        )
        book = self.here.playbooks[CrisisType.SERVICE_FAILURE]
        self.here.playbooks[CrisisType.SERVICE_FAILURE] = book.model_copy(
            update={"approval": dict.fromkeys(StatementKind, policy)}
        )
        self.app = create_app(self.here)
        await self._save_roles()

    async def _save_roles(self) -> None:
        async with self.here.store.transaction() as tx:
            saved = [
                p.model_copy(update={"roles": tuple(sorted(self.model.roles.get(p.email, ())))})
                for p in self.here.settings.stakeholders
            ]
            await tx.stakeholders.put_all(saved, actor="configuration")

    def do(self, act: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(act)

    @property
    def last(self) -> Version:
        return self.model.versions[-1]

    # the acts as they really are: each says whether it counted

    async def _counted(self, act: Coroutine[Any, Any, Any]) -> bool:
        try:
            await act
        except NotAllowed:
            return False
        return True

    def _decide(
        self, version: Version, who: str, role: str, verdict: str, *, forged: bool = False
    ) -> Coroutine[Any, Any, bool]:
        return self._counted(
            decide(
                self.here,
                statement=version.name[0],
                version=version.name[1],
                content_hash="f" * 64 if forged else version.content_hash,
                approver=who,
                role=role,
                verdict=Verdict(verdict),
                via=Via.DESK,
                reason="because",
            )
        )

    def _take_back(self, version: Version, who: str) -> Coroutine[Any, Any, bool]:
        name, number = version.name
        return self._counted(
            take_back(self.here, statement=name, version=number, approver=who, via=Via.DESK, reason="a number is wrong")
        )

    def _glass(self, version: Version, who: str, *, well_said: bool = True) -> Coroutine[Any, Any, bool]:
        return self._counted(
            break_glass(
                self.here,
                statement=version.name[0],
                version=version.name[1],
                content_hash=version.content_hash,
                person=who,
                code="right",
                reason=REASON if well_said else "hurry",
                via=Via.DESK,
            )
        )

    async def _edit(self, author: str, words: str) -> tuple[tuple[str, int], str]:
        text = await draft(
            self.here,
            "INC-1",
            StatementKind.HOLDING,
            author=author,
            text=f"We know that payments fail\n\nWe are sorry. {words}",
        )
        await self._counted(propose(self.here, text, by=author))
        return (text.id, text.version), text.content_hash

    # the rules

    @rule(author=st.sampled_from((IDA, ANA)), words=st.sampled_from(WORDS))
    def edited(self, author: str, words: str) -> None:
        name, content_hash = self.do(self._edit(author, words))
        self.model.edit(name, content_hash, author)

    @rule(made=decisions, forged=st.sampled_from((False, False, True)))
    def decided(self, made: tuple[str, str, str], forged: bool) -> None:
        counted = self.do(self._decide(self.last, *made, forged=forged))
        assert counted == self.model.decide(self.last, *made, forged=forged)

    @rule(made=decisions, which=st.integers(min_value=0))
    def decided_late_on_an_older_version(self, made: tuple[str, str, str], which: int) -> None:
        version = self.model.versions[which % len(self.model.versions)]
        assert self.do(self._decide(version, *made)) == self.model.decide(version, *made)

    @rule(one=decisions, other=decisions)
    def two_decided_at_once(self, one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
        acts = [self._decide(self.last, *one), self._decide(self.last, *other)]
        self._at_once(acts, [lambda m: m.decide(m.versions[-1], *one), lambda m: m.decide(m.versions[-1], *other)])

    @rule(made=decisions, who=approvers)
    def decided_while_somebody_takes_back(self, made: tuple[str, str, str], who: str) -> None:
        acts = [self._decide(self.last, *made), self._take_back(self.last, who)]
        self._at_once(acts, [lambda m: m.decide(m.versions[-1], *made), lambda m: m.take_back(m.versions[-1], who)])

    def _last_ones(self) -> list[tuple[str, str, str]]:
        """Decisions that would be the last one needed."""
        found = []
        for who in sorted(ROLES):
            for role in self.model.needs:
                model = copy.deepcopy(self.model)
                if model.decide(model.versions[-1], who, role, "approve") and model.versions[-1].status == "published":
                    found.append((who, role, "approve"))
        return found

    def _waiting_anew(self) -> None:
        """Go on from a text of Ida's that waits and that nobody has decided on."""
        if self.model.stands(self.last) != "proposed" or self.last.live or self.last.author != IDA:
            self.edited(IDA, WORDS[len(self.model.versions) % len(WORDS)])

    @rule(which=st.integers(min_value=0), turned=st.booleans())
    def the_last_one_decided_while_somebody_takes_back(self, which: int, turned: bool) -> None:
        self._waiting_anew()
        for who, role in ((LENA, "legal"), (ANA, "comms"), (CARL, "comms"), (LENA, "legal")):
            if not self._last_ones():
                self.decided((who, role, "approve"), False)
        if not (self.last.live and self._last_ones()):
            return
        made = self._last_ones()[which % len(self._last_ones())]
        who = self.last.live[which % len(self.last.live)].approver
        acts = [self._decide(self.last, *made), self._take_back(self.last, who)]
        models = [lambda m: m.decide(m.versions[-1], *made), lambda m: m.take_back(m.versions[-1], who)]
        self._at_once(acts[::-1] if turned else acts, models[::-1] if turned else models)

    @rule(made=decisions, who=st.sampled_from((IDA, ANA)))
    def decided_while_the_glass_is_broken(self, made: tuple[str, str, str], who: str) -> None:
        acts = [self._decide(self.last, *made), self._glass(self.last, who)]
        models = [
            lambda m: m.decide(m.versions[-1], *made),
            lambda m: m.break_glass(m.versions[-1], who, well_said=True),
        ]
        self._at_once(acts, models)

    @rule(made=decisions, author=st.sampled_from((IDA, ANA)), words=st.sampled_from(WORDS))
    def edited_while_somebody_decides(self, made: tuple[str, str, str], author: str, words: str) -> None:
        before = len(self.model.versions) - 1

        async def both() -> tuple[tuple[tuple[str, int], str], bool]:
            return await asyncio.gather(self._edit(author, words), self._decide(self.last, *made))

        edited, counted = self.do(both())
        first, later = copy.deepcopy(self.model), copy.deepcopy(self.model)
        first_counts = first.decide(first.versions[before], *made)
        first.edit(*edited, author)
        later.edit(*edited, author)
        later_counts = later.decide(later.versions[before], *made)
        self._adopt([(first, [first_counts]), (later, [later_counts])], [counted])

    @rule(who=approvers)
    def taken_back(self, who: str) -> None:
        assert self.do(self._take_back(self.last, who)) == self.model.take_back(self.last, who)

    @rule(who=people, well_said=st.booleans())
    def glass_broken(self, who: str, well_said: bool) -> None:
        counted = self.do(self._glass(self.last, who, well_said=well_said))
        assert counted == self.model.break_glass(self.last, who, well_said=well_said)

    @rule(giver=approvers, to=people, one=st.booleans(), minutes=st.sampled_from((30, 300)))
    def handed_on(self, giver: str, to: str, one: bool, minutes: int) -> None:
        statement = self.last.name[0] if one else ""
        act = delegate(
            self.here, delegator=giver, to=to, lasts=timedelta(minutes=minutes), reason="away", statement=statement
        )
        assert self.do(self._counted(act)) == self.model.hand(giver, to, statement, minutes, self.last.author)

    @rule(giver=st.sampled_from((ANA, CARL, LENA)), to=st.sampled_from((EVA, IDA, DEPUTY)), role=roles)
    def handed_on_and_both_decided(self, giver: str, to: str, role: str) -> None:
        self._waiting_anew()
        self.handed_on(giver, to, True, 300)
        self.decided((to, role, "approve"), False)
        self.decided((giver, role, "approve"), False)

    @rule(giver=st.sampled_from((ANA, CARL, LENA)), to=st.sampled_from((EVA, IDA)), role=roles)
    def handed_on_taken_again_and_then_decided(self, giver: str, to: str, role: str) -> None:
        self._waiting_anew()
        self.handed_on(giver, to, False, 300)
        if self.model.handed:
            self.handed_back(len(self.model.handed) - 1)
        self.decided((to, role, "approve"), False)

    @precondition(lambda self: self.model.handed)
    @rule(which=st.integers(min_value=0))
    def handed_back(self, which: int) -> None:
        number = which % len(self.model.handed)
        given = self.model.handed[number]

        async def end() -> None:
            async with self.here.store.reading() as tx:
                held = await tx.delegations.list(delegate=given.to)
            mine = [d for d in held if (d.delegator, d.statement) == (given.giver, given.statement)]
            for one in mine:
                await take_over_again(self.here, one.id, actor=given.giver, reason="back")

        self.do(end())
        for other in self.model.handed:
            if (other.giver, other.to, other.statement) == (given.giver, given.to, given.statement):
                other.revoked = True

    @rule(who=approvers, role=roles, holds=st.booleans())
    def role_given_or_revoked(self, who: str, role: str, holds: bool) -> None:
        held = self.model.roles[who]
        self.model.roles[who] = (held | {role} if role in ROLES[who] else held) if holds else held - {role}
        self.do(self._save_roles())

    @rule(worse=st.booleans())
    def rated_otherwise(self, worse: bool) -> None:
        severity = Severity.SEV1 if worse else Severity.SEV2

        async def rate() -> None:
            async with self.here.store.transaction() as tx:
                now = (await tx.incidents.get("INC-1")).assessment
                if now.severity != severity:
                    changed = now.model_copy(update={"severity": severity, "assessed_at": self.clock.now()})
                    await tx.incidents.assess("INC-1", changed, actor=IDA)

        self.do(rate())
        self.model.severity = severity.value

    @rule(minutes=st.sampled_from((1, 45, 130)))
    def time_passed(self, minutes: int) -> None:
        self.clock.move(timedelta(minutes=minutes))
        self.model.now += minutes

    @rule()
    def swept(self) -> None:
        self.do(mind_approvals(self.here))

    @rule(who=approvers, role=roles)
    def prefetched_then_forged_then_sent_twice(self, who: str, role: str) -> None:
        """The link of a mail: looking decides nothing, a forged one opens nothing, and sending it twice counts once."""
        version = self.last
        claims = LinkClaims(
            statement=version.name[0],
            version=version.name[1],
            content_hash=version.content_hash,
            approver=who,
            role=role,
        )
        path = approval_link(self.here, claims).removeprefix(self.here.settings.desk.url)

        async def act() -> list[int]:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as browser:
                before = await self._records()
                page = await browser.get(path)
                await browser.head(path)
                assert await self._records() == before, "looking has written something"
                nonce = re.search(r'name="nonce" value="([^"]+)"', page.text)
                sent = {"nonce": nonce[1] if nonce else "x", "verdict": "approve"}
                forged = await browser.post(path[:-3] + "AAA", data=sent)
                assert forged.status_code in (403, 429)
                assert await self._records() == before, "a forged link has written something"
                if nonce is None:
                    return []
                return [(await browser.post(path, data=sent)).status_code for _ in range(2)]

        answers = self.do(act())
        if answers:
            done = any(d.approver == who and d.verdict == "approve" for d in version.live)  # sent once more, then
            counted = self.model.decide(version, who, role, "approve")
            assert answers == ([303, 303] if counted or done else [409, 409])

    async def _records(self) -> int:
        async with self.here.store.reading() as tx:
            return len(await tx.ledger.list())

    # at once

    def _at_once(self, acts: list[Coroutine[Any, Any, bool]], models: list[Callable[[Model], bool]]) -> None:
        """Whatever really came of two acts at once is what one of the two orders would have made of them."""

        async def both() -> list[bool]:
            return list(await asyncio.gather(*acts))

        really = self.do(both())
        orders = []
        for order in ((0, 1), (1, 0)):
            model, counts = copy.deepcopy(self.model), [False, False]
            for n in order:
                counts[n] = models[n](model)
            orders.append((model, counts))
        self._adopt(orders, really)

    def _adopt(self, orders: list[tuple[Model, list[bool]]], really: list[bool]) -> None:
        seen = self.do(self._seen())
        for model, counts in orders:
            if counts == really and self._agrees(model, seen):
                self.model = model
                return
        raise AssertionError(f"no order makes {really} and {seen}: {[(c, self._expected(m)) for m, c in orders]}")

    # what must hold

    def _agrees(self, model: Model, seen: dict[Any, Any]) -> bool:
        """A version that had expired before it was replaced may be called either: nothing can come of it."""
        expected = self._expected(model)
        dead = {name for name, (stands, _) in expected.items() if stands == "expired" and seen[name][0] == "voided"}
        return {n: ("expired", s[1]) if n in dead else s for n, s in seen.items()} == expected

    def _expected(self, model: Model) -> dict[Any, Any]:
        return {
            v.name: (
                model.stands(v),
                sorted((d.approver, "" if d.whose == d.approver else d.whose, d.role, d.verdict) for d in v.live),
            )
            for v in model.versions
        }

    async def _seen(self) -> dict[Any, Any]:
        found = {}
        async with self.here.store.reading() as tx:
            for version in self.model.versions if self.model.versions else ():
                found[version.name] = await self._version(tx, *version.name)
            for statement in await tx.statements.list("INC-1"):
                for text in await tx.statements.versions(statement.id):
                    found[text.id, text.version] = await self._version(tx, text.id, text.version)
        return found

    async def _version(self, tx: Any, name: str, number: int) -> tuple[str, list[tuple[str, str, str, str]]]:
        text, status = await tx.statements.get(name, number), await tx.statements.status(name, number)
        proposal = await tx.statements.proposal(name, number)
        stands = status.value
        if status is StatementStatus.PROPOSED and self.clock.now() > proposal.proposed_at + timedelta(minutes=EXPIRES):
            stands = "expired"
        rows = [
            (d.approver, d.on_behalf_of, d.role, d.verdict.value)
            for d in await tx.decisions.list(text.content_hash)
            if d.version == number and d.statement == name and d.taken_back_at is None
        ]
        return stands, sorted(rows)

    @invariant()
    def the_records_say_what_the_model_says(self) -> None:
        seen = self.do(self._seen())
        assert self._agrees(self.model, seen), (seen, self._expected(self.model))

    @invariant()
    def nothing_is_out_without_a_quorum_for_exactly_those_bytes(self) -> None:
        self.do(self._outgoing())

    async def _outgoing(self) -> None:
        """Read from the tables themselves, with rules of its own."""
        engine = create_async_engine(self.here.settings.database_url)
        async with engine.connect() as db:
            out = (await db.execute(sql(OUT))).all()
            made = (await db.execute(sql(MADE))).all()
            glass = {tuple(row) for row in (await db.execute(sql(GLASS))).all()}
        await engine.dispose()
        assert len({(d.content_hash, d.approver, d.number) for d in made}) == len(made)
        for version in self.model.versions:
            live = [d for d in made if (d.statement, d.version) == version.name and d.back is None]
            turns = [email for d in live for email in {d.approver, d.on_behalf_of} - {""}]
            assert len(turns) == len(set(turns)), "somebody is counted twice"
            approvals = [d for d in live if d.verdict == "approve"]
            assert all(version.author not in (d.approver, d.on_behalf_of) for d in approvals), "self-approval"
            assert all(d.content_hash == version.content_hash for d in live)
            full = all(sum(d.role == role for d in approvals) >= n for role, n in self.model.needs.items())
            is_out = (*version.name, version.content_hash) in {tuple(row) for row in out}
            broken = (*version.name, version.content_hash) in glass
            returned = any(d.verdict == "return" for d in live)
            assert is_out == ((full or broken) and not returned), f"{version.name} is out: {is_out}"
        assert {(row.statement, row.version) for row in out} <= {v.name for v in self.model.versions}

    def teardown(self) -> None:
        if not hasattr(self, "here"):
            return
        try:
            self.do(self._one_outcome())
        finally:
            self.do(self.open_things.aclose())
            self.loop.close()
            for patch in self.patches:
                patch.stop()
            shutil.rmtree(self.home)

    async def _one_outcome(self) -> None:
        assert (await self.here.store.verify()).ok
        async with self.here.store.reading() as tx:
            ends = [
                (r.data["statement"], r.data["version"])
                for kind in ("published", "returned")
                for r in await tx.ledger.list(kind=f"statement.{kind}")
            ]
            sent = await tx.outbox.list(purpose=Purpose.STATEMENT)
        assert len(ends) == len(set(ends)), "a version has two outcomes"
        assert len({(d.statement, d.version) for d in sent}) == len(sent), (
            "one channel, and two deliveries of a version"
        )


async def _check_code(here: Installation, who: str, code: str) -> None:
    if code != "right":
        raise NotAllowed("the one-time code is wrong")


SLOW_IS_NO_FAULT = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
SEARCHED = (Phase.explicit, Phase.reuse, Phase.generate)
"""A failure is not shortened: each step is a real database, and that takes longer than reading it."""
quick = settings(
    max_examples=10,
    stateful_step_count=14,
    deadline=None,
    phases=SEARCHED,
    derandomize=True,
    suppress_health_check=SLOW_IS_NO_FAULT,
)
deep = settings(
    max_examples=40, stateful_step_count=30, deadline=None, phases=SEARCHED, suppress_health_check=SLOW_IS_NO_FAULT
)


def test_no_interleaving_lets_anything_out_without_its_approvals() -> None:
    run_state_machine_as_test(Approval, settings=quick)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_no_interleaving_lets_anything_out_however_long_one_looks() -> None:
    """A minute or two."""
    run_state_machine_as_test(Approval, settings=deep)
