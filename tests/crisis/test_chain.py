"""The proof of the chain, without any database: the same that the store and an evidence bundle rely on."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from crisis.chain import CHECKPOINT, Chain, first_problem, sign_checkpoint, sign_head
from crisis.record import GENESIS, Record, record_hash

AT = datetime(2026, 3, 1, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)


def pem(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def record(seq: int, previous: str, kind: str = "drill.step", **fields) -> Record:
    at = AT + timedelta(seconds=seq)
    unsealed = Record(seq=seq, at=at, kind=kind, actor="ana", previous=previous, hash=GENESIS, **fields)
    return unsealed.model_copy(update={"hash": record_hash(unsealed)})


def chain(count: int) -> list[Record]:
    records: list[Record] = []
    for seq in range(1, count + 1):
        records.append(record(seq, records[-1].hash if records else GENESIS, data={"number": seq}))
    return records


RECORDS = chain(9)
SIGNED = [sign_checkpoint(KEY, r.seq, r.hash, AT) for r in (RECORDS[3], RECORDS[8])]
HEAD = sign_head(KEY, 9, RECORDS[-1].hash)


def problem_of(records, checkpoints=tuple(SIGNED), key=KEY, head=HEAD, whole=True) -> int | None:
    problem = first_problem(records, checkpoints, pem(key), head=head, whole=whole)
    assert problem is None or problem.says
    return problem.seq if problem else None


def test_an_untouched_chain_holds() -> None:
    assert problem_of(RECORDS) is None
    assert problem_of([], [], head=None) is None


@given(seq=st.integers(1, 9), reason=st.text(min_size=1))
def test_an_altered_record_is_named(seq: int, reason: str) -> None:
    altered = [r.model_copy(update={"reason": reason}) if r.seq == seq else r for r in RECORDS]
    assert problem_of(altered, [], head=None) == seq


@given(seq=st.integers(1, 8))
def test_a_record_replaced_together_with_its_hash_is_named(seq: int) -> None:
    forged = record(seq, RECORDS[seq - 1].previous, data={"number": -1})
    assert problem_of([forged if r.seq == seq else r for r in RECORDS], [], head=None) == seq


@given(seq=st.integers(1, 9))
def test_a_dropped_record_is_named(seq: int) -> None:
    assert problem_of([r for r in RECORDS if r.seq != seq]) == seq


@given(st.permutations(RECORDS).filter(lambda order: order != RECORDS))
def test_records_in_another_order_do_not_hold(order: list[Record]) -> None:
    assert problem_of(order, [], head=None) is not None


@given(length=st.integers(0, 8))
def test_a_cut_off_tail_is_named_by_the_checkpoint_or_by_the_end_alone(length: int) -> None:
    assert problem_of(RECORDS[:length], head=None) == length + 1
    assert problem_of(RECORDS[:length], []) == length + 1


@given(seq=st.integers(1, 9))
def test_a_chain_rewritten_from_some_record_on_does_not_match_what_was_signed(seq: int) -> None:
    forged = RECORDS[: seq - 1]
    for number in range(seq, 10):
        forged = [*forged, record(number, forged[-1].hash if forged else GENESIS, data={"number": -number})]
    assert problem_of(forged, head=None) == (4 if seq <= 4 else 9)
    assert problem_of(forged, []) == 9


def test_records_added_past_the_end_are_named() -> None:
    tenth = record(10, RECORDS[-1].hash)
    assert problem_of([*RECORDS, tenth]) == 10
    assert problem_of([*RECORDS, tenth, record(11, tenth.hash)]) == 10


def test_a_chain_with_something_before_its_first_record_does_not_hold() -> None:
    assert problem_of([record(1, "a" * 64)], [], head=None) == 1


def test_another_installations_signatures_do_not_count() -> None:
    assert problem_of(RECORDS, key=OTHER) == 4
    assert problem_of(RECORDS, [], key=OTHER) == 9
    problem = first_problem(RECORDS, SIGNED, pem(OTHER))
    assert problem is not None
    assert "another key" in problem.says
    forged = sign_checkpoint(OTHER, 4, RECORDS[3].hash, AT).model_copy(update={"key": SIGNED[0].key})
    assert problem_of(RECORDS, [forged]) == 4


@pytest.mark.parametrize("change", [{"at": AT + timedelta(seconds=1)}, {"signature": "zz"}, {"hash": "a" * 64}])
def test_an_altered_checkpoint_does_not_hold(change: dict[str, object]) -> None:
    assert problem_of(RECORDS, [SIGNED[0].model_copy(update=change)]) == 4


def test_a_part_of_the_chain_is_proven_from_its_first_record_on() -> None:
    assert problem_of(RECORDS[5:], whole=False) is None
    assert problem_of(RECORDS[5:]) == 1
    assert problem_of([RECORDS[5], *RECORDS[7:]], whole=False) == 7


def test_a_record_of_a_checkpoint_proves_what_lies_before_it() -> None:
    told = sign_checkpoint(KEY, 9, RECORDS[8].hash, AT)
    proven = Chain(pem(KEY))
    for one in [*RECORDS, record(10, RECORDS[8].hash, CHECKPOINT, data=told.model_dump(mode="json"))]:
        assert proven.take(one) is None
    assert (proven.proven_to, proven.told) == (9, {9: told})
    for wrong in (sign_checkpoint(OTHER, 9, RECORDS[8].hash, AT), SIGNED[0]):
        lie = record(10, RECORDS[8].hash, CHECKPOINT, data=wrong.model_dump(mode="json"))
        assert problem_of([*RECORDS, lie], [], head=None) == 10
    assert problem_of([*RECORDS, record(10, RECORDS[8].hash, CHECKPOINT)], [], head=None) == 10
