"""Tables changed behind Fireline's back: ``verify`` names what no longer says what the ledger recorded."""

from datetime import timedelta

import pytest
from record_samples import (
    ANA,
    AT,
    POLICY,
    assessment,
    behind_its_back,
    clearance,
    decision,
    delivery,
    fact,
    opened,
    release,
    statement,
)

from crisis.clearance import ClearanceState
from crisis.delegation import Delegation
from crisis.delivery import DeliveryState, Receipt
from crisis.fact import FactStatus
from crisis.incident import IncidentState
from crisis.values import Severity
from records import Store
from records.tables import IMMUTABLE

TRIGGERED = [table.name for table in IMMUTABLE]


async def lived(store: Store) -> None:
    """Two incidents, one of them merged into the other, with a fact, a statement, a decision and a delivery."""
    async with store.transaction() as tx:
        first, second = await opened(tx), await opened(tx)
        await tx.facts.put(fact("INC-1-F1", first.id), **ANA)
        await tx.facts.put(fact("INC-1-F1", first.id, FactStatus.CONFIRMED), **ANA)
        await tx.incidents.assess(first.id, assessment(Severity.SEV1, by="ana@example.com"), **ANA)
        await tx.incidents.step(first.id, IncidentState.RESPONDING, **ANA)
        text = statement("INC-1-S1", first.id)
        await tx.statements.add(text, **ANA)
        await tx.statements.propose(text.id, 1, POLICY, by="ana@example.com")
        made = await tx.decisions.add(decision(text))
        await tx.decisions.take_back(made, actor=made.approver, via="desk", reason="a number is wrong")
        await tx.decisions.add(decision(text))
        given = Delegation(
            id=await tx.delegations.next_id(),
            delegator="lea@example.com",
            delegate="eva@example.com",
            given_at=AT,
            until=AT + timedelta(hours=1),
            reason="away",
        )
        await tx.delegations.add(given, **ANA)
        await tx.delegations.revoke(given.id, **ANA)
        await tx.releases.add(release(text), **ANA)
        await tx.clearances.propose(clearance(await tx.clearances.next_id()), **ANA)
        await tx.clearances.set_state("PC-1", ClearanceState.APPROVED, **ANA)
        planned = delivery()
        await tx.outbox.enqueue(planned, **ANA)
        await tx.outbox.arm(planned.id, owner="test", lease_seconds=60, **ANA)
        receipt = Receipt(id="7", url="https://social.example/7", accepted_at=AT, raw={"size": 1.0, "big": 1e20})
        await tx.outbox.settle(planned.id, DeliveryState.ACCEPTED, receipt=receipt, **ANA)
        await tx.incidents.merge(second.id, first.id, **ANA)


async def without_any_trigger(url: str, *statements: str) -> None:
    drops = []
    for table in TRIGGERED:
        if url.startswith("sqlite"):
            drops += [f"DROP TRIGGER {table}_no_{act}" for act in ("update", "delete", "replace")]
        else:
            drops += [f"DROP TRIGGER {table}_no_{act} ON {table}" for act in ("change", "truncate")]
    await behind_its_back(url, *drops, *statements)


async def test_what_was_only_changed_with_records_agrees(store: Store) -> None:
    await lived(store)
    found = await store.verify()
    assert (found.ok, found.problem, found.of) == (True, "", "ledger")


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        ("UPDATE facts SET body = replace(body, 'lost', 'kept') WHERE number = 2", "fact INC-1-F1 (version 2) was"),
        ("UPDATE facts SET body = replace(body, 'unconfirmed', 'refuted') WHERE number = 1", "its status is not what"),
        ("UPDATE facts SET incident = 'INC-2'", "its incident is not what record"),
        ("UPDATE facts SET body = '{'", "fact INC-1-F1 (version 1) was altered: it cannot be read"),
        ("DELETE FROM facts WHERE number = 2", "fact INC-1-F1 (version 2) is missing, of which record"),
        ("UPDATE incidents SET title = 'All is well' WHERE id = 'INC-1'", "incident INC-1 was altered: its title"),
        ("UPDATE incidents SET state = 'reviewed' WHERE id = 'INC-1'", "incident INC-1 was altered: its state"),
        ("UPDATE incidents SET merged_into = '' WHERE id = 'INC-2'", "incident INC-2 was altered: its merged into"),
        ("UPDATE incidents SET lead = 'eve@example.com' WHERE id = 'INC-1'", "incident INC-1 was altered: its lead"),
        (
            "UPDATE incidents SET assessment = replace(assessment, 'SEV1', 'SEV4') WHERE id = 'INC-1'",
            "incident INC-1 was altered: its assessment",
        ),
        ("UPDATE assessments SET body = replace(body, 'SEV1', 'SEV4')", "assessment of INC-1 (2) was altered"),
        ("UPDATE statements SET body = replace(body, 'We see it.', 'Never.')", "INC-1-S1 v1 was altered: its body"),
        ("UPDATE statements SET content_hash = 'abc'", "statement INC-1-S1 v1 was altered: its content hash"),
        ("UPDATE renderings SET body = replace(body, 'We', 'They') WHERE position = 0", "its content hash, renderings"),
        ("DELETE FROM decisions", "the decision of lea@example.com on"),
        ("UPDATE decisions SET verdict = 'return'", "its verdict is not what record"),
        ("UPDATE decisions SET role = 'comms'", "its role is not what record"),
        ("UPDATE decisions SET on_behalf_of = 'eve@example.com'", "its on behalf of is not what record"),
        ("DELETE FROM take_backs", "the take-back of the decision of lea@example.com on"),
        ("UPDATE take_backs SET reason = 'none'", "its reason is not what record"),
        ("UPDATE releases SET reason = 'none'", "release of statement INC-1-S1 v1 was altered: its reason"),
        ("UPDATE delegations SET body = replace(body, 'eva@', 'eve@')", "delegation D-1 was altered: its delegate"),
        ("UPDATE clearances SET state = 'voided'", "pre-clearance PC-1 was altered: its state"),
        ("UPDATE clearances SET body = replace(body, 'SEV3', 'SEV4')", "pre-clearance PC-1 was altered: its mildest"),
        ("UPDATE deliveries SET state = 'refused'", "its state is not what record"),
        ("UPDATE deliveries SET receipt = replace(receipt, 'example/7', 'example/8')", "its receipt is not what"),
        ("UPDATE deliveries SET rendering = replace(rendering, 'We', 'They')", "its rendering is not what record"),
        ("DELETE FROM deliveries", "is missing, of which record"),
        (
            "INSERT INTO assessments (incident, number, body) SELECT incident, 9, body FROM assessments WHERE number = 2",
            "assessment of INC-1 (9) was put in behind Fireline's back",
        ),
    ],
)
async def test_a_changed_removed_or_slipped_in_row_is_named(store: Store, url: str, attack: str, says: str) -> None:
    await lived(store)
    await without_any_trigger(url, attack)
    found = await store.verify()
    assert (found.ok, found.of) == (False, "tables")
    assert says in found.problem


async def test_the_first_record_that_a_table_contradicts_is_named(store: Store, url: str) -> None:
    await lived(store)
    await without_any_trigger(url, "DELETE FROM decisions", "DELETE FROM facts", "UPDATE incidents SET state = 'open'")
    found = await store.verify()
    async with store.reading() as tx:
        first = (await tx.ledger.list(kind="fact.saved"))[0]
    assert found.seq == first.seq
    assert found.problem == f"fact INC-1-F1 (version 1) is missing, of which record {first.seq} tells"


async def test_hostile_text_agrees_with_its_record(store: Store) -> None:
    hostile = "a\x00b \ud800 \u202e \U0001f600 {{ 7*7 }}"
    async with store.transaction() as tx:
        incident = await tx.incidents.open(
            watch="acme", title=hostile, assessment=assessment(), opened_at=AT, started_at=AT, **ANA
        )
        await tx.facts.put(fact("INC-1-F1", incident.id).model_copy(update={"text": hostile}), **ANA)
    found = await store.verify()
    assert (found.ok, found.problem) == (True, "")


async def test_a_record_that_tells_nothing_whole_is_named_instead_of_breaking_the_proof(store: Store) -> None:
    await lived(store)
    async with store.transaction() as tx:
        await tx.ledger.append("fact.saved", actor="ana@example.com", incident="INC-1", data={"id": "INC-1-F9"})
    found = await store.verify()
    assert not found.ok
    assert "(fact.saved) is malformed" in found.problem
