"""Words of the public can be erased from a ledger that goes on proving itself; whatever else is done to them is named."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis.personal import ERASED, ERASURE, MARK, Disclosed, Openness, digests, disclosed, withheld
from crisis.record import GENESIS, Record, record_hash

AT = datetime(2026, 3, 1, 13, tzinfo=UTC)
_salts = count(1)
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
data = st.dictionaries(
    st.sampled_from(["quote", "note", "a/b~c", "author", "n"]),
    st.recursive(texts | st.integers(0, 9), lambda inner: st.lists(inner, max_size=3), max_leaves=4),
    max_size=4,
)


def written(
    seq: int, value: Any, *, kind: str = "drill.step", previous: str = GENESIS, incident: str = "INC-1"
) -> tuple[Record, dict[str, Disclosed]]:
    kept, marks = withheld(kind, "", value, lambda: f"{next(_salts):032x}")
    record = Record(
        seq=seq, at=AT, kind=kind, incident=incident, actor="ana", data=value, previous=previous, hash=GENESIS
    )
    record = record.model_copy(update={"committed": marks}).written
    return record.model_copy(update={"hash": record_hash(record)}), kept


@settings(max_examples=50)
@given(value=data)
def test_a_record_reads_as_it_was_told_and_hashes_as_it_was_written(value: dict[str, Any]) -> None:
    record, kept = written(1, value)
    shown = disclosed(record, kept)
    assert shown.data == value
    assert record_hash(shown) == record_hash(record) == record.hash
    assert shown.written == record
    again = Record.model_validate_json(record.model_dump_json())
    assert digests(again) == digests(record) == digests(shown)
    assert all(mark.startswith(MARK) for mark in digests(record).values())
    assert digests(record).keys() == kept.keys()


@settings(max_examples=50)
@given(values=st.lists(data, min_size=1, max_size=4), chosen=st.integers(0, 99), act=st.integers(0, 3))
def test_an_erasure_on_record_holds_and_anything_else_is_named(
    values: list[dict[str, Any]], chosen: int, act: int
) -> None:
    records = [written(n, value) for n, value in enumerate(values, start=1)]
    every = [(record.seq, pointer) for record, kept in records for pointer in kept]
    if not every:
        return
    seq, pointer = every[chosen % len(every)]
    beside = {record.seq: dict(kept) for record, kept in records}
    if act in (1, 3):  # taken out
        del beside[seq][pointer]
    if act == 2:  # changed
        beside[seq][pointer] = Disclosed(salt=beside[seq][pointer].salt, value="another")
        if values[seq - 1] and records[seq - 1][1][pointer].value == "another":
            return
    told = [record for record, _ in records]
    if act == 3:  # on record
        told.append(written(len(told) + 1, {"values": {str(seq): [pointer]}}, kind=ERASURE)[0])
    openness = Openness()
    problem = next((p for r in told if (p := openness.take(r, beside.get(r.seq, {})))), None) or openness.end()
    if act in (0, 3):
        assert problem is None
        if act == 3:
            assert ERASED in str(disclosed(told[seq - 1], beside[seq]).data)
    else:
        assert problem is not None
        assert problem.seq == seq


def test_a_value_that_was_erased_and_is_back_is_named() -> None:
    record, kept = written(1, {"quote": "my words"})
    openness = Openness()
    assert openness.take(record, kept) is None
    problem = openness.take(written(2, {"values": {"1": ["/data/quote"]}}, kind=ERASURE)[0], {})
    assert problem is not None
    assert (problem.seq, "it was erased" in problem.says) == (1, True)


def test_of_other_incidents_values_may_be_withheld() -> None:
    openness = Openness(of="INC-2")
    assert openness.take(written(1, {"quote": "my words"})[0], {}) is None
    assert openness.end() is None


@pytest.mark.parametrize(
    ("kind", "value", "hidden"),
    [
        ("incident.noted", {"says": "@sam with 9,000 followers speaks of it"}, ["/data/says"]),
        ("mailing.came_back", {"problem": "550 no such user sam@example.org"}, ["/data/problem"]),
        ("session.begun", {"person": "ana@example.com", "address": "192.0.2.7"}, ["/data/address"]),
        ("decision.made", {"approver": "ana@example.com"}, []),
        ("statement.drafted", {"author": "ana@example.com"}, []),
        ("delivery.planned", {"address": "@acme@social.example"}, []),
        ("incident.labelled", {"label": "false alarm"}, []),
        ("drill.step", {"note": MARK + "0" * 64}, ["/data/note"]),
    ],
)
def test_what_is_personal_in_a_record(kind: str, value: dict[str, str], hidden: list[str]) -> None:
    assert list(withheld(kind, "", value, lambda: "00")[0]) == hidden
