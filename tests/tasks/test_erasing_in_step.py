"""Erasing keeps its promises where it meets reviews, merges, copies that are made anew, kills and restricted incidents."""

import json
import os
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from acme import ANA, IDA, LENA, NOON, acme, incident_in

from crisis.access import Restriction
from crisis.after_action import Section
from crisis.clock import FixedClock
from crisis.erasure import ErasureState
from crisis.hold import HoldState
from crisis.incident import IncidentState
from crisis.personal import ERASED
from crisis.retention import Due
from crisis.triage import Narrative
from crisis.watch import Mention
from tasks import after_action, hold, retention, run_history
from tasks import erase as erasing
from tasks.evidence import seal_evidence
from tasks.incidents import merge, split
from tasks.installation import Installation
from tasks.review import report_folder, store_report

QUOTE = "Acme's till ate my card & nobody at the 'help' desk cares, says Kim from Brugge"
POST = Mention(id="77", text=QUOTE, author="@kim.b", created_at=NOON, source="mastodon", url="https://m/77")
GUEST = "sam@guest.example"


async def with_post(here: Installation) -> str:
    """An incident that relies on Kim's post."""
    incident = await incident_in(here)
    async with here.store.transaction() as tx:
        await tx.mentions.relied_on(incident.id, [POST])
    return incident.id


async def over(here: Installation, incident: str, *, days: int) -> None:
    """The incident ends, and so many days pass."""
    async with here.store.transaction() as tx:
        await tx.incidents.step(incident, IncidentState.DISMISSED, actor=IDA)
    assert isinstance(here.clock, FixedClock)
    here.clock.move(timedelta(days=days))


async def reviewed(here: Installation, incident: str) -> None:
    """People write a review, with a guest at its meeting, and take a task on."""
    await after_action.write(here, incident, {Section.LESSONS: "We answered too late"}, actor=IDA)
    await after_action.meet(here, incident, held_at=NOON, participants=(IDA, f"Sam, {GUEST}"), actor=IDA)
    await after_action.take_on(here, incident, "mend the till", owner=ANA, due_at=NOON + timedelta(days=2), actor=IDA)


async def test_retention_leaves_who_reviewed_and_who_was_excused(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        incident = await with_post(here)
        await reviewed(here, incident)
        async with here.store.transaction() as tx:
            data = {"key": "newsletter:list@example.com", "wants": "the resolution"}
            await tx.ledger.append("audience.excused", incident=incident, data=data, actor=IDA, reason="it is closed")
        await over(here, incident, days=4000)
        assert await retention.carry_out(here)
        async with here.store.reading() as tx:
            told = {r.kind: r.data for r in await tx.ledger.list(incident=incident)}
        assert told["review.saved"]["edited_by"] == IDA
        assert told["review.saved"]["meeting"]["participants"] == [IDA, f"Sam, {GUEST}"]
        assert told["review_task.made"]["made_by"] == IDA
        assert told["audience.excused"]["key"] == "newsletter:list@example.com"
        verified = await here.store.verify()
        assert verified.ok, verified.problem
        other = await incident_in(here)
        await seal_evidence(here, other.id, tmp_path / "out")


async def test_a_guest_who_asks_is_taken_out_of_the_review_and_its_record_together(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        incident = await with_post(here)
        await reviewed(here, incident)
        await erasing.erase(here, recipient=GUEST, actor=LENA, reason="request 13")
        async with here.store.reading() as tx:
            review = await tx.reviews.get(incident)
            told = (await tx.ledger.list(incident=incident, kind="review.saved"))[-1].data
        assert review.meeting is not None
        assert review.meeting.participants == (IDA, ERASED)
        assert told["meeting"]["participants"] == [IDA, ERASED]
        assert review.edited_by == told["edited_by"] == IDA
        verified = await here.store.verify()
        assert verified.ok, verified.problem


async def test_what_is_held_stays_held_when_its_incident_is_merged_or_split(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        into, incident = (await incident_in(here)).id, await with_post(here)
        await hold.place(here, incident, actor=LENA, reason="court order: keep all posts")
        await merge(here, incident, into, actor=IDA, reason="they are one")
        part = await part_of(here, into)
        async with here.store.reading() as tx:
            assert await tx.holds.held() == {into, incident, part}
        done = await erasing.erase(here, author="@kim.b", actor=LENA, reason="request 12")
        assert done.state is ErasureState.HELD
        async with here.store.reading() as tx:
            assert [m.text for m in await tx.mentions.list(part)] == [QUOTE]
        verified = await here.store.verify()
        assert verified.ok, verified.problem


async def part_of(here: Installation, incident: str) -> str:
    """A narrative of the incident, Kim's post, becomes an incident of its own."""
    other = POST.model_copy(update={"id": "78", "text": "acme trains stand still at Ghent station", "author": "@lou"})
    narrative = Narrative(id="n-1", label="cards", size=1, quote=QUOTE)
    async with here.store.transaction() as tx:
        await tx.mentions.relied_on(incident, [other])
        before = await tx.incidents.get(incident)
        told = before.assessment.model_copy(update={"narratives": (narrative,)})
        await tx.incidents.assess(incident, told, actor="triage")
        if before.state is IncidentState.CANDIDATE:
            await tx.incidents.step(incident, IncidentState.OPEN, actor=IDA)
    return (await split(here, incident, "n-1", actor=IDA, reason="they are two")).id


async def test_a_hold_on_an_incident_that_was_merged_holds_the_one_that_has_its_posts(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        into, incident = (await incident_in(here)).id, await with_post(here)
        await merge(here, incident, into, actor=IDA, reason="they are one")
        await hold.place(here, incident, actor=LENA, reason="court order")
        async with here.store.reading() as tx:
            assert await tx.holds.held() == {into, incident}


async def test_a_hold_that_comes_after_the_look_keeps_bundles_posts_and_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with acme(tmp_path) as here:
        incident = await with_post(here)
        bundle = report_folder(here, incident) / f"{incident}-evidence-2010.zip"
        bundle.parent.mkdir(parents=True)
        bundle.write_bytes(b"sealed")
        os.utime(bundle, (1, 1))
        await over(here, incident, days=8000)
        look = retention.due

        async def due_and_held(there: Installation) -> tuple[Due, ...]:
            found = await look(there)
            await hold.place(there, incident, actor=LENA, reason="court order")
            return found

        monkeypatch.setattr(retention, "due", due_and_held)
        assert await retention.carry_out(here) == ()
        assert bundle.exists()
        async with here.store.reading() as tx:
            assert [m.text for m in await tx.mentions.list(incident)] == [QUOTE]


async def test_a_hold_that_comes_in_the_middle_of_an_erasure_is_kept_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with acme(tmp_path) as here:
        incident = await with_post(here)
        look = erasing._files

        async def held_meanwhile(*about: Any, **how: Any) -> Any:
            await hold.place(here, incident, actor=LENA, reason="court order")
            return await look(*about, **how)

        monkeypatch.setattr(erasing, "_files", held_meanwhile)
        done = await erasing.erase(here, author="@kim.b", actor=LENA, reason="request 12")
        assert done.state is ErasureState.HELD
        async with here.store.reading() as tx:
            assert [m.text for m in await tx.mentions.list(incident)] == [QUOTE]


class Run:
    """A run that Prefect still has, and that goes on."""

    id, state = "r1", SimpleNamespace(is_final=lambda: False)

    def model_dump(self, mode: str) -> dict[str, Any]:
        return {"id": "r1", "updated": "t1", "parameters": {"why": f"somebody wrote: {QUOTE}"}}


async def test_the_next_copy_of_a_run_does_not_bring_back_what_was_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def parts(*about: Any) -> dict[str, Any]:
        told = {"id": "a1", "data": f"| n1 | {QUOTE} |", "seen": [QUOTE], "version": copies}
        return {part: {"entries": [told] if part == "artifacts" else [], "cut": False} for part in run_history.PARTS}

    monkeypatch.setattr(run_history, "_parts", parts)
    async with acme(tmp_path) as here:
        incident = await with_post(here)
        for copies in (1, 2):
            await run_history._copy(here, cast(Any, None), incident, Run())
            async with here.store.reading() as tx:
                kept = (await tx.run_copies.list(incident))["r1"]
            assert (QUOTE in json.dumps(kept)) is (copies == 1)
            if copies == 1:
                await erasing.erase(here, author="@kim.b", actor=LENA, reason="request 12")
        assert kept["artifacts"]["entries"] == [{"id": "a1", "data": ERASED, "seen": [ERASED], "version": 2}]
        assert kept["run"]["parameters"] == {"why": ERASED}


async def quoted(here: Installation, incident: str) -> Path:
    """The incident's assessment quotes the post, and so do its stored documents; their folder."""
    narrative = Narrative(id="n-1", label="cards", size=9, quote=QUOTE)
    async with here.store.transaction() as tx:
        before = await tx.incidents.get(incident)
        told = before.assessment.model_copy(update={"narratives": (narrative,)})
        await tx.incidents.assess(incident, told, actor="triage")
    await store_report(here, incident)
    return report_folder(here, incident)


def quoting(folder: Path) -> set[str]:
    """The documents in which the post is."""
    return {file.name for file in folder.rglob("*.*") if file.is_file() and b"from Brugge" in file.read_bytes()}


async def killed(*about: object) -> None:
    raise RuntimeError("killed")


async def test_a_kill_between_rows_and_documents_loses_neither_the_words_nor_the_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with acme(tmp_path) as here:
        incident, other = await with_post(here), (await incident_in(here)).id
        folder, elsewhere = await quoted(here, incident), await quoted(here, other)
        assert {"report.html", "report.json", "mentions.csv"} <= quoting(folder)
        assert "report.html" in quoting(elsewhere)
        real = erasing.erase_places

        async def first_alone(*about: Any, **how: Any) -> bool:
            monkeypatch.setattr(erasing, "erase_places", killed_places)
            return await real(*about, **how)

        async def killed_places(*about: Any, **how: Any) -> bool:
            raise RuntimeError("killed")

        monkeypatch.setattr(erasing, "erase_places", first_alone)
        with pytest.raises(RuntimeError, match="killed"):
            await erasing.erase(here, author="@kim.b", actor=LENA, reason="request 12")
        monkeypatch.setattr(erasing, "erase_places", real)
        monkeypatch.setattr(erasing, "_reports", killed)
        with pytest.raises(RuntimeError, match="killed"):
            await erasing.mind_erasures(here)
        monkeypatch.undo()
        assert quoting(folder)
        assert "E-1" in await erasing.mind_erasures(here)
        assert quoting(folder) | quoting(elsewhere) == set()
        async with here.store.reading() as tx:
            assert [(e.state, e.texts, e.documents) for e in await tx.erasing.list()] == [(ErasureState.DONE, (), ())]
            assert [n.quote for n in (await tx.incidents.get(other)).assessment.narratives] == [ERASED]


async def test_documents_of_a_held_incident_wait_for_its_release(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        incident, other = await with_post(here), (await incident_in(here)).id
        elsewhere = await quoted(here, other)
        await hold.place(here, other, actor=LENA, reason="court order")
        done = await erasing.erase(here, author="@kim.b", actor=LENA, reason="request 12")
        assert done.state is ErasureState.HELD
        assert quoting(elsewhere)
        async with here.store.transaction() as tx:
            before = await tx.holds.get(other)
            assert before is not None
            await tx.holds.put(before.model_copy(update={"state": HoldState.RELEASED}), actor=LENA)
        assert "E-1" in await erasing.mind_erasures(here)
        assert quoting(elsewhere) == set()
        async with here.store.reading() as tx:
            assert [m.text for m in await tx.mentions.list(incident)] == [ERASED]
            assert [e.state for e in await tx.erasing.list()] == [ErasureState.DONE]


async def test_what_is_told_of_erasing_names_a_restricted_incident_to_nobody_else(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        incident = await with_post(here)
        async with here.store.transaction() as tx:
            await tx.restrictions.put(Restriction(incident=incident, people=(IDA,), by=IDA, at=NOON), actor=IDA)
            await tx.mentions.relied_on(
                incident, [POST.model_copy(update={"id": "78", "author": "@zed", "text": "x y"})]
            )
        await erasing.erase(here, author="@kim.b", actor=LENA, reason="request 12")
        await over(here, incident, days=4000)
        assert "begins on" in await retention.mind_retention(here)
        assert isinstance(here.clock, FixedClock)
        here.clock.move(timedelta(days=7))
        assert "erased" in await retention.mind_retention(here)
        assert await retention.mind_retention(here) == ""
        async with here.store.seen_by(None).reading() as tx:
            seen = await tx.ledger.list()
        async with here.store.reading() as tx:
            told = {r.kind for r in await tx.ledger.list(incident=incident)}
        assert [r.kind for r in seen if incident in r.model_dump_json()] == []
        assert told >= {"erasure.ended", "retention.announced", "retention.looked"}
