"""People review an incident: they write, meet, take on tasks and sign; its documents tell it, and nothing is forgotten."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pypdf
import pytest
from sqlalchemy import text as sql
from staged import at, settings_in, stage

from config.settings import DrillSettings, Settings
from crisis.after_action import Section, TaskState
from crisis.approval import NotAllowed
from crisis.bundle import check_bundle, read_bundle
from crisis.clock import FixedClock
from crisis.delivery import Purpose
from crisis.effect import Effect, Proposal, Verdict
from crisis.incident import IncidentState
from crisis.read_back import ReadBack, Stand
from crisis.report_tables import ReportDocument
from crisis.values import StatementKind
from records import open_store
from records.reviews import Changed
from tasks import after_action as acts
from tasks.close import mark_reviewed
from tasks.documents import DATA, HTML, PDF, told_of, write_documents
from tasks.installation import Installation
from tasks.recover import recover_reviews
from tasks.report import context
from tasks.review import report_folder, seal_incident, store_report
from tasks.typeset import typeset

IDA, ANA, LENA, OTTO = "ida@example.com", "ana@example.com", "lena@example.com", "otto@example.com"
SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"
ODD = '漢字 😡 سلام \U00013000 e\u0301 #import "x" $ *'
"""Scripts from right to left, ideographs, an emoji, an Egyptian hieroglyph that no font has, and Typst's own signs."""


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a staged installation, made once."""
    folder = tmp_path_factory.mktemp("staged")

    async def make() -> None:
        here, _ = await stage(folder)
        await here.close()

    asyncio.run(make())
    return folder


@pytest.fixture
async def here(staged: Path, tmp_path: Path) -> AsyncIterator[Installation]:
    """A copy of it, when everything is over."""
    folder = tmp_path / "home"
    shutil.copytree(staged, folder)
    settings = settings_in(folder)
    store = await open_store(settings.database_url, keys=settings.home / "keys", clock=FixedClock(at(230)))
    copy = Installation(settings, store)
    yield copy
    await copy.close()


def asking(here: Installation, *roles: str) -> None:
    signed = here.settings.review.model_copy(update={"signed_by": roles})
    here.settings = here.settings.model_copy(update={"review": signed})


def later(here: Installation, **span: float) -> None:
    assert isinstance(here.clock, FixedClock)
    here.clock.move(timedelta(**span))


async def written(here: Installation, incident: str) -> None:
    await acts.write(here, incident, {Section.LESSONS: f"Ask the dispatcher. {ODD}"}, actor=IDA)
    await acts.meet(here, incident, held_at=here.clock.now(), participants=[IDA, LENA, "A guest"], actor=ANA)


async def test_it_is_reviewed_with_the_last_signature_and_then_closed_while_tasks_go_on(here: Installation) -> None:
    incident = "INC-1"
    asking(here, "incident_lead", "legal")
    with pytest.raises(NotAllowed, match="nothing to sign yet"):
        await acts.sign(here, incident, role="legal", actor=LENA)
    await written(here, incident)
    task = await acts.take_on(here, incident, "Second route", owner=OTTO, due_at=at(9000), actor=IDA)
    assert (await acts.sign(here, incident, role="legal", actor=LENA))[1] == ("incident_lead",)
    await acts.write(here, incident, {Section.WORKED: "The template."}, actor=ANA)
    with pytest.raises(NotAllowed, match="changed since you looked"):
        await acts.sign(here, incident, role="incident_lead", actor=IDA, covers="0" * 64)
    assert (await acts.sign(here, incident, role="incident_lead", actor=IDA))[1] == ("legal",)  # void by the change
    assert (await acts.sign(here, incident, role="legal", actor=LENA))[1] == ()
    async with here.store.reading() as tx:
        assert (await tx.incidents.get(incident)).state is IncidentState.REVIEWED
    with pytest.raises(NotAllowed, match="closed"):
        await acts.write(here, incident, {Section.WORKED: "x"}, actor=IDA)
    done = await acts.change(here, task.id, actor=OTTO, state=TaskState.DONE, note="route is there")
    assert (done.state, done.closed_at) == (TaskState.DONE, here.clock.now())
    assert (await here.store.verify()).ok


async def test_of_two_who_write_at_once_the_second_is_told_and_overwrites_nothing(here: Installation) -> None:
    incident = "INC-1"
    first = await acts.write(here, incident, {Section.LESSONS: "one"}, actor=IDA, version=0)
    with pytest.raises(Changed, match=IDA):
        await acts.write(here, incident, {Section.LESSONS: "two"}, actor=ANA, version=0)
    async with here.store.reading() as tx:
        assert await tx.reviews.get(incident) == first
    for refused in ("viewer@example.com", "nobody@example.com"):
        with pytest.raises(NotAllowed, match="not among the stakeholders"):
            await acts.write(here, incident, {Section.LESSONS: "x"}, actor=refused)
    with pytest.raises(NotAllowed, match="too long"):
        await acts.write(here, incident, {Section.LESSONS: "x" * 9000}, actor=IDA)
    with pytest.raises(NotAllowed, match="choose a stakeholder"):
        await acts.take_on(here, incident, "x", owner="eve@example.com", due_at=at(999), actor=IDA)
    async with here.store.transaction() as tx:  # a signature put in behind the ledger's back is named
        await tx.reviews._work.connection.execute(sql("UPDATE reviews SET body = replace(body, 'one', 'two')"))
    found = await here.store.verify()
    assert not found.ok
    assert "the review of INC-1 was altered" in found.problem


async def test_owners_of_overdue_tasks_and_leads_of_unsigned_reviews_are_reminded_once_a_day(
    here: Installation,
) -> None:
    incident = "INC-1"
    task = await acts.take_on(here, incident, "Second route", owner=ANA, due_at=at(600), actor=IDA)
    assert await acts.remind(here) == ""
    later(here, days=1)
    assert await acts.remind(here) == f"tasks overdue: {task.id}"
    assert await acts.remind(here) == ""
    later(here, days=14)
    assert await acts.remind(here)
    await acts.remind(here)
    async with here.store.reading() as tx:
        told = [r.data["occasion"].partition("/")[0] for r in await tx.ledger.list(kind="stakeholder.told")]
    assert told.count("task") == 1
    assert told.count("task overdue") == 2
    assert told.count("review due") == 1
    with pytest.raises(NotAllowed, match="why the task is dropped"):
        await acts.change(here, task.id, actor=ANA, state=TaskState.DROPPED)
    await acts.change(here, task.id, actor=ANA, state=TaskState.DROPPED, note="bought instead")
    later(here, days=2)
    assert await acts.remind(here) == ""


@pytest.mark.slow  # about 5 s: it reads what the fonts cover, and sets three PDFs
async def test_the_documents_tell_it_and_the_pdf_draws_every_script_or_says_so(
    here: Installation, tmp_path: Path
) -> None:
    incident = "INC-1"
    await written(here, incident)
    async with here.store.transaction() as tx:  # as other stages leave them
        for verdict in (Verdict.NOT_YET, Verdict.WORSE):
            judged = Effect(
                incident=incident,
                statement="INC-1-S3",
                version=1,
                kind=StatementKind.UPDATE,
                published_at=at(60),
                at=at(90),
                verdict=verdict,
                proposal=Proposal.CORRECT,
                says="above",
                reasons=(),
            )
            data = judged.model_dump(mode="json")
            await tx.ledger.append("effect.judged", actor="follow_up", incident=incident, data=data)
        sent = next(d for d in await tx.outbox.list(incident=incident) if d.purpose is Purpose.STATEMENT)
        await tx.read_backs.put(
            ReadBack(delivery=sent.id, incident=incident, stand=Stand.GONE, at=at(90), since=at(90))
        )
    files = await write_documents(here, incident)
    again = await write_documents(here, incident)
    assert files[PDF][:5] == b"%PDF-"
    page = files[HTML].decode()
    assert "DRAFT" in page
    assert "Where the time went before the first word" in page
    assert "nobody approves their own text" in page  # what was refused, and why
    assert page.count("is not there any more") == 1
    assert "Proposed last: correct" in page
    document = (await told_of(here, incident)).document
    assert [e.verdict for e in document.effects] == ["made it worse"]
    assert [r.stand for r in document.read_back] == ["gone"]
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert len(headings) == len(set(headings))  # nothing is told twice
    assert {row.cell for row in document.felt} <= {"says", "thinks", "feels", "does"}
    assert not re.search(r"\brider\d", page)  # whom hardly anybody follows is not named
    told = await told_of(here, incident)
    shown = context(told, here.store.public_key_pem)
    assert typeset(shown, at(1)) == typeset(shown, at(1))
    (tmp_path / "report.pdf").write_bytes(files[PDF])
    paper = pypdf.PdfReader(tmp_path / "report.pdf")
    root = paper.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert "Review" in [o.title for o in paper.outline if not isinstance(o, list)]
    chapters = [str(o.title) for o in paper.outline if not isinstance(o, list)]
    assert chapters == [re.sub("&#39;", "'", h) for h in headings]  # the same things in the same order
    words = "".join(p.extract_text() for p in paper.pages)
    assert "漢字" in words
    assert "[U+13000]" in words
    assert '#import "x" $ *' in words
    data = ReportDocument.model_validate_json(files[DATA])
    assert data.review.sections["lessons"].endswith('#import "x" $ *')
    assert {d.verdict for d in data.decisions} == {"approved", "returned", "refused"}
    assert all(not m.id for m in data.mentions if m.followers < 10_000)
    changed = {name for name in files if name != PDF and files[name] != again[name]}
    assert changed <= {HTML, DATA, "tables/timeline.csv"}  # that it was written is on record, and told the next time


async def test_the_bundle_carries_the_documents_as_they_were_stored_and_a_review_is_asked_for_once(
    tmp_path: Path,
) -> None:
    here, incident = await stage(tmp_path)
    assert await recover_reviews(here) == f"reviews asked for: {incident}"
    await store_report(here, incident)
    bundle = read_bundle(Path(await seal_incident(here, incident, {})))
    for name in (HTML, PDF, DATA, "tables/tasks.csv", "tables/decisions.csv"):
        assert bundle[name] == (report_folder(here, incident) / name).read_bytes()
    assert check_bundle(bundle).ok
    assert await recover_reviews(here) == ""  # it waits for people now
    assert (await mark_reviewed(here, incident)).state is IncidentState.RESOLVED
    asking(here)  # nobody: then the report is the end of it
    assert (await mark_reviewed(here, incident)).state is IncidentState.REVIEWED


def test_a_drill_is_signed_by_nobody(tmp_path: Path) -> None:
    drill = DrillSettings(scenario="x", posts=tmp_path / "posts.jsonl")
    rehearsed = Settings(organisation="Acme", home=tmp_path, drill=drill)
    assert rehearsed.review.signed_by == ()
    assert Settings(organisation="Acme", home=tmp_path).review.signed_by == ("incident_lead",)


def test_the_schema_that_is_documented_is_the_one_that_is_written() -> None:
    made = json.dumps(ReportDocument.model_json_schema(), indent=1, ensure_ascii=False) + "\n"
    assert SCHEMA.read_text(encoding="utf-8") == made, "write it anew: see docs/review.md"
