"""Recipients keep the states they may have, on both databases, and a vanished sender's journal never lets one be doubled."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis.mailing import (
    OPEN,
    STEPS,
    IllegalRecipientStep,
    NoList,
    RecipientState,
    check_step,
    fingerprint,
    may_become,
    read_list,
    recipient_list,
)
from integrations.mail import mailbox
from records.journal import JournalWriter, read_journal
from records.mailings import Settled

R = RecipientState
LIST = recipient_list(enumerate([f"p{n}@x.example" for n in range(30)]), mailbox)
ACT = {"actor": "outbox"}


async def planned(tx):
    return await tx.mailings.plan("d1", LIST, incident="INC-1", given="readers", **ACT)


async def armed(tx, attempt=1, most=30):
    batch = await tx.mailings.list("d1", R.PENDING, limit=most)
    return await tx.mailings.arm("d1", batch, attempt=attempt, incident="INC-1", given="readers", **ACT)


async def test_a_batch_is_armed_settled_and_counted(store):
    async with store.transaction() as tx:
        assert await planned(tx) == {R.PENDING: 30}
        assert await planned(tx) == {R.PENDING: 30}
        assert len(await armed(tx, most=10)) == 10
        outcomes = [Settled(n, R.ACCEPTED) for n in range(7)] + [
            Settled(7, R.REFUSED, "550"),
            Settled(8, R.UNKNOWN, "?"),
        ]
        await tx.mailings.settle("d1", outcomes, attempt=1, incident="INC-1", **ACT)
        assert await tx.mailings.counts("d1") == {
            R.PENDING: 20,
            R.ARMED: 1,
            R.ACCEPTED: 7,
            R.REFUSED: 1,
            R.UNKNOWN: 1,
        }
        assert (await tx.mailings.at("d1", 7)).problem == "550"
    assert (await store.verify()).ok


async def test_outcomes_of_an_earlier_attempt_change_nothing_but_a_late_acceptance(store):
    async with store.transaction() as tx:
        await planned(tx)
        await armed(tx, attempt=1, most=2)
        await tx.mailings.settle("d1", [Settled(0, R.UNKNOWN), Settled(1, R.PENDING)], attempt=1, incident="", **ACT)
        await armed(tx, attempt=2, most=1)
        await tx.mailings.settle("d1", [Settled(0, R.ACCEPTED), Settled(1, R.REFUSED)], attempt=1, incident="", **ACT)
        assert (await tx.mailings.at("d1", 0)).state is R.ACCEPTED
        assert (await tx.mailings.at("d1", 1)).state is R.ARMED


async def test_a_bounce_finds_its_recipient_after_the_address_was_erased(store):
    async with store.transaction() as tx:
        await planned(tx)
        await armed(tx, most=1)
        await tx.mailings.settle("d1", [Settled(0, R.ACCEPTED)], attempt=1, incident="", **ACT)
        assert await tx.mailings.erase("d1", incident="", **ACT) == 30
        mark = fingerprint("P0@X.example")
        assert await tx.mailings.came_back("d1", mark, R.BOUNCED, "5.1.1", **ACT)
        assert not await tx.mailings.came_back("d1", mark, R.BOUNCED, "5.1.1", **ACT)
        assert not await tx.mailings.came_back("d1", fingerprint("p1@x.example"), R.BOUNCED, "5.1.1", **ACT)
        assert (await tx.mailings.at("d1", 0)).state is R.BOUNCED
        assert (await tx.mailings.at("d1", 0)).address == ""


async def test_suppression_is_by_list_or_for_all_and_can_be_taken_back(store):
    async with store.transaction() as tx:
        assert await tx.suppressions.add("Ana@x.example", why="bounced", **ACT)
        assert not await tx.suppressions.add("ana@X.example", why="complained", **ACT)
        assert await tx.suppressions.add("bo@x.example", why="unsubscribed", list="readers", **ACT)
        marks = {fingerprint(f"{name}@x.example") for name in ("ana", "bo", "cy")}
        assert len(await tx.suppressions.among(marks, "readers")) == 2
        assert len(await tx.suppressions.among(marks, "others")) == 1
        assert await tx.suppressions.erase("ana@x.example", **ACT)
        assert [s.address for s in await tx.suppressions.of("ana@x.example")] == [""]
        assert await tx.suppressions.remove("ANA@x.example", **ACT)
        assert not await tx.suppressions.remove("ana@x.example", **ACT)
        assert await tx.suppressions.among(marks, "others") == set()


def test_nobody_is_written_to_again_without_a_humans_word_or_the_servers():
    assert set(STEPS) == set(R)
    assert set(may_become(R.ARMED)) == {R.PENDING}
    assert set(may_become(R.PENDING)) == {R.ARMED, R.UNKNOWN}
    assert set(may_become(R.UNKNOWN)) == {R.ARMED}
    assert not OPEN & set(STEPS[R.ACCEPTED])
    with pytest.raises(IllegalRecipientStep, match="final"):
        check_step(R.COMPLAINED, R.PENDING)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from([R.ACCEPTED, R.REFUSED, R.PENDING, None])), max_size=30),
    st.floats(0, 1),
    st.booleans(),
)
def test_wherever_a_sender_is_killed_its_journal_lets_nobody_be_written_to_twice(sends, cut, rebooted):
    """Lines are cut off anywhere after they were written; a message may be there from its first line on."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "j"
        writer = JournalWriter(file)
        done = set()
        for position, outcome in sends:
            if position in done:
                continue  # a sender goes on with a recipient only after "later" or when nothing was sent
            writer.going(position)
            if outcome is None:
                done.add(position)
                continue
            writer.came(position, outcome)
            if outcome is not R.PENDING:
                done.add(position)
        writer.close()
        lines = file.read_bytes().splitlines(keepends=True)
        kept = lines[: 1 + round(cut * (len(lines) - 1))]
        if rebooted:
            kept[0] = b"boot another\n"
        file.write_bytes(b"".join(kept))
        begun, answered = set(), {}
        for line in kept[1:]:
            text = line.decode().strip()
            if text.startswith(">"):
                begun.add(int(text[1:]))
                answered.pop(int(text[1:]), None)
            else:
                position, _, state = text[1:].partition(" ")
                answered[int(position)] = R(state)
        journal = read_journal(file)
        for position in range(10):
            fate = journal.fate(position)
            if position in answered:
                assert fate is answered[position]
            elif position in begun or rebooted:
                assert fate is R.UNKNOWN
            else:
                assert fate is R.PENDING


def test_a_journal_that_is_not_there_vouches_for_nobody(tmp_path):
    assert read_journal(tmp_path / "none").fate(0) is R.UNKNOWN


def test_a_list_is_read_from_lines_or_a_column_and_says_what_it_could_not_read():
    lines = ["\ufeffname;E-Mail", "Ana;ana@x.example", "Bo;", "Cy;ANA@X.example", "# comment", "Di;di@@x.example"]
    found = read_list("\n".join([*lines, "E;e@bücher.example", ""]).encode(), mailbox)
    assert found.addresses == ("ana@x.example", "e@xn--bcher-kva.example")
    assert (found.folded, found.bad_count) == (1, 2)
    assert [bad.line for bad in found.bad] == [3, 6]
    assert "line 6: 'di@@x.example' is no e-mail address" in found.says
    plain = read_list(b"e@xn--bcher-kva.example\r\nana@x.example\r\n", mailbox)
    assert plain.sha256 == found.sha256


@pytest.mark.parametrize(
    ("content", "says"), [(b"\xff\xfe", "not UTF-8"), (b"name\nAna\n", "no address"), (b"", "no address")]
)
def test_what_is_no_list_says_why(content, says):
    with pytest.raises(NoList, match=says):
        read_list(content, mailbox)


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_list_or_a_sentence_and_never_a_control_character(content):
    try:
        found = read_list(content, mailbox)
    except NoList:
        return
    assert found.says.isprintable()
    assert all(a.isascii() and a.isprintable() and " " not in a for a in found.addresses)
