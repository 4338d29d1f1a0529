"""What the pages tell: what is open, what it waits for and from whom, and what would have gone out."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from at_the_desk import ANA, LENA, NOON, OPENED, Outgoing, Scene, assessment, statement_for

from config import NotifierSettings, SourceSettings
from crisis.commitment import Commitment
from crisis.coverage import Coverage, SourceHealth, SourceState
from crisis.delivery import Delivery, DeliveryState
from crisis.fact import Fact, FactStatus
from crisis.freeze import FreezeState, FrozenPost, ScheduledPost
from crisis.incident import IncidentState
from crisis.questions import Question
from crisis.reaction import Observation, Reaction
from crisis.stakeholder import Stakeholder
from crisis.statement import Statement
from crisis.triage import Narrative
from crisis.values import Severity, StatementKind
from crisis.watch import Watch
from desk.page import due, moment
from records import StatementStatus
from tasks.notify import Notice, tell
from tasks.withdraw import withdraw


async def page(scene: Scene, path: str) -> str:
    """A page as its reader sees it: words only, spaces single."""
    async with scene.at_the_desk() as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))
    return re.sub(r" ([),])", r"\1", re.sub(r"\( ", "(", words))


async def on_the_way(scene: Scene, delivery: Delivery, *, to: DeliveryState, problem: str = "") -> Delivery:
    """A delivery brought to a state, its post in the sandbox when it arrived."""
    channel = await scene.here.channel(delivery.rendering.target.channel)
    async with scene.here.store.transaction() as tx:
        await tx.outbox.enqueue(delivery, actor="outbox")
        await tx.outbox.arm(delivery.id, owner="test", lease_seconds=60, actor="outbox")
    receipt = await channel.publish(delivery.rendering, delivery.id) if to is DeliveryState.ACCEPTED else None
    async with scene.here.store.transaction() as tx:
        await tx.outbox.settle(delivery.id, to, receipt=receipt, problem=problem, actor="outbox")
        if to is DeliveryState.UNKNOWN:
            await tx.outbox.ask_human(delivery.id, problem=problem, actor="outbox")
        return await tx.outbox.get(delivery.id)


async def test_the_worst_incident_comes_first(scene: Scene) -> None:
    async with scene.here.store.transaction() as tx:
        for severity in (Severity.SEV4, Severity.SEV1):
            await tx.incidents.open(
                watch="acme",
                title=f"A case of {severity}",
                assessment=assessment(severity=severity),
                opened_at=NOON,
                started_at=NOON,
                actor="detector",
            )
    text = await page(scene, "/")
    assert text.index("SEV1") < text.index("SEV2") < text.index("SEV4")


async def test_an_open_proposal_says_who_is_waited_for_and_when_the_word_is_due(scene: Scene) -> None:
    text = await page(scene, "/")
    assert "Approve the holding statement INC-1-S1 v1" in text
    assert "1 × comms (Ana Almeida, Carl Berg) and 1 × legal (Lena Roth)" in text
    assert "in 12 min (12:12 UTC)" in text
    assert "412 people, 81 % negative" in text


@pytest.mark.parametrize(
    ("status", "told", "command"),
    [
        (StatementStatus.DRAFT, "Propose the holding statement INC-1-S1 v1", "fireline propose INC-1-S1"),
        (StatementStatus.RETURNED, "Mend the holding statement INC-1-S1 v1", "fireline draft INC-1 --kind holding"),
        (StatementStatus.VOIDED, "anew: it is void", "fireline draft INC-1 --kind holding"),
        (StatementStatus.EXPIRED, "anew: it expired", "fireline draft INC-1 --kind holding"),
        (StatementStatus.APPROVED, "Publish the holding statement INC-1-S1 v1", "fireline publish INC-1-S1"),
    ],
)
async def test_every_stage_of_a_statement_says_what_is_next_and_how(
    scene: Scene, status: StatementStatus, told: str, command: str
) -> None:
    async with scene.here.store.transaction() as tx:
        await tx.statements.set_status("INC-1-S1", 1, status, actor=ANA)
    text = await page(scene, "/")
    assert told in text
    assert command in text


async def test_an_incident_without_a_statement_waits_for_its_first(scene: Scene) -> None:
    async with scene.here.store.transaction() as tx:
        await tx.incidents.open(
            watch="acme", title="New", assessment=assessment(), opened_at=NOON, started_at=NOON, actor="detector"
        )
    text = await page(scene, "/incidents/INC-2")
    assert "Draft a first statement in 30 min" in text
    assert "fireline draft INC-2 --kind holding" in text
    async with scene.at_the_desk() as browser:
        step = re.findall(r'class="button next" href="([^"]*)"', (await browser.get("/incidents/INC-2")).text)
    assert step == ["/incidents/INC-2/draft?kind=holding"]


async def test_a_calm_reaction_waits_for_a_person_to_close(scene: Scene) -> None:
    seen = Observation(
        incident="INC-1",
        at=NOON,
        window=timedelta(minutes=15),
        mentions=9,
        authors=8,
        negative_share=0.2,
        before_mentions=500,
        before_authors=412,
        before_negative_share=0.81,
        verdict=Reaction.CALMING,
        calm=True,
        says="8 authors in 15 min, back to the usual 32",
    )
    async with scene.here.store.transaction() as tx:
        for state in (IncidentState.RESPONDING, IncidentState.MONITORING):
            await tx.incidents.step("INC-1", state, actor=ANA, reason="test")
        await tx.observations.add(seen)
        await tx.ledger.append("incident.closing_proposed", actor="follow_up", incident="INC-1")
    text = await page(scene, "/incidents/INC-1")
    assert "Decide whether to close: the reaction has calmed" in text
    assert "back to the usual 32" in text


async def test_an_overdue_clock_is_called_late(scene: Scene) -> None:
    scene.clock.move(timedelta(minutes=17))
    assert "Holding statement 5 min late" in await page(scene, "/")


async def test_a_published_word_stops_its_clock(scene: Scene, outgoing: Outgoing) -> None:
    await on_the_way(scene, outgoing(scene.statement, "newsroom-mastodon"), to=DeliveryState.ACCEPTED)
    assert "Holding statement" not in (await page(scene, "/")).partition("Clocks")[2]
    assert "Holding statement kept after 18 min" in await page(scene, "/incidents/INC-1")


async def test_nothing_open_is_said_to_be_so(scene: Scene) -> None:
    async with scene.here.store.transaction() as tx:
        await tx.incidents.step("INC-1", IncidentState.DISMISSED, actor=ANA, reason="a film of that name")
    text = await page(scene, "/")
    assert "No incident is open." in text
    assert "Watching Acme" in text
    assert "Lately closed SEV2 INC-1" in text


async def test_what_is_not_heard_is_said_first_and_its_words_are_harmless(scene: Scene) -> None:
    says = "the server answered <script>alert(1)</script>"
    source = SourceSettings(name="webhook", kind="webhook")
    watch = Watch(name="acme", brand="Acme", query="acme")
    scene.here.settings = scene.here.settings.model_copy(update={"sources": (source,), "watches": (watch,)})
    down = SourceHealth(state=SourceState.DOWN, since=NOON, in_contact=False, says=says)
    heard = SourceHealth(state=SourceState.OK, since=NOON)
    async with scene.here.store.transaction() as tx:
        await tx.coverage.note(Coverage(watch="acme", source="webhook", health=down), datetime.now(UTC))
    async with scene.at_the_desk() as browser:
        page_of_trouble = (await browser.get("/")).text
    assert "acme: coverage degraded: webhook silent since 01 Mar 12:00 UTC: the server answered" in page_of_trouble
    assert "<script>alert" not in page_of_trouble
    async with scene.here.store.transaction() as tx:
        await tx.coverage.note(Coverage(watch="acme", source="webhook", health=heard), datetime.now(UTC))
    assert "coverage" not in await page(scene, "/")


async def test_without_scripts_the_page_is_a_plain_one_with_its_time_and_a_way_to_load_it_anew(scene: Scene) -> None:
    async with scene.at_the_desk() as browser:
        answer = await browser.get("/")
    assert "refresh" not in answer.headers
    assert '<a class="button quiet" href="/">Refresh</a>' in answer.text
    assert "As of 01 Mar 2026, 12:00:00 UTC" in answer.text


async def test_an_unknown_delivery_tells_what_to_look_at_and_what_to_type(scene: Scene, outgoing: Outgoing) -> None:
    delivery = await on_the_way(
        scene, outgoing(scene.statement, "customer-list"), to=DeliveryState.UNKNOWN, problem="no answer in time"
    )
    assert "Look whether INC-1-S1 reached customer-list" in await page(scene, "/")
    text = await page(scene, "/incidents/INC-1")
    assert "unknown: it may or may not be there" in text
    assert "no answer in time" in text
    for answer in ("--arrived", "--send-again"):
        assert f"fireline answer {delivery.id} {answer}" in text


async def test_a_refusal_tells_the_platforms_reason(scene: Scene, outgoing: Outgoing) -> None:
    await on_the_way(scene, outgoing(scene.statement, "status-page"), to=DeliveryState.REFUSED, problem="key is wrong")
    text = await page(scene, "/incidents/INC-1")
    assert "status-page refused" in text
    assert "key is wrong" in text


async def test_the_incident_page_tells_the_whole_story(scene: Scene) -> None:
    text = await page(scene, "/incidents/INC-1")
    for told in (
        "412 people in 15 min, 9.3× the usual 44",
        "Responsibility: accidental. Posture: diminish.",
        "Stood at the till like a fool, @acme.",
        "waits for 1 × comms, 1 × legal",
        "confirmed Payments with the Acme app fail",
        "told Ana Almeida",
        "not told Eva Lind",
        "The first posts of the episode appeared",
        "كيف أدفع الآن؟ @acme",
        "lead Ida Okafor",
    ):
        assert told in text


async def test_promises_are_listed_with_their_due_times(scene: Scene) -> None:
    promise = Commitment(
        id="c1", incident="INC-1", statement="INC-1-S1", text="Next update", due_at=NOON + timedelta(hours=1)
    )
    async with scene.here.store.transaction() as tx:
        await tx.commitments.add(promise, actor="outbox")
    assert "Keep the promise: Next update in 1 h (13:00 UTC)" in await page(scene, "/")
    assert "open Next update INC-1-S1 · due 13:00 UTC, in 1 h" in await page(scene, "/incidents/INC-1")


@pytest.mark.parametrize("name", ["INC-2", "INC-01", "inc-1", "INC-1%00", "..%2f..%2fdesk.key", "INC-1'--"])
@pytest.mark.parametrize("rest", ["", "/chart.svg", "/report"])
async def test_an_incident_that_is_not_there_is_not_found(scene: Scene, name: str, rest: str) -> None:
    async with scene.at_the_desk() as browser:
        answer = await browser.get(f"/incidents/{name}{rest}")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


@pytest.mark.parametrize("query", ["", "?wide=1", "?of=share", "?of=share&wide=1"])
async def test_charts_are_images_of_their_own(scene: Scene, query: str) -> None:
    async with scene.at_the_desk() as browser:
        answer = await browser.get(f"/incidents/INC-1/chart.svg{query}")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.text.startswith("<svg")
    assert f"{OPENED:%H:%M}" in answer.text


async def test_the_report_is_shown_once_it_is_written_and_may_run_nothing(scene: Scene) -> None:
    async with scene.at_the_desk() as browser:
        answer = await browser.get("/incidents/INC-1/report")
        assert (answer.status_code, "no report on INC-1 yet" in answer.text) == (404, True)
        folder = scene.here.settings.home / "reports" / "INC-1"
        folder.mkdir(parents=True)
        (folder / "report.html").write_text("<!doctype html><title>What happened</title>")
        answer = await browser.get("/incidents/INC-1/report")
    assert answer.status_code == 200
    assert "What happened" in answer.text
    assert "sandbox" in answer.headers["content-security-policy"].split("; ")
    assert "After-action report" in await page(scene, "/incidents/INC-1")


async def sandboxed(scene: Scene, outgoing: Outgoing, statement: Statement) -> Delivery:
    return await on_the_way(scene, outgoing(statement, "newsroom-mastodon"), to=DeliveryState.ACCEPTED)


async def test_the_sandbox_shows_what_would_have_gone_out_and_whose_it_is(scene: Scene, outgoing: Outgoing) -> None:
    assert "Nothing here yet." in await page(scene, "/sandbox")
    await sandboxed(scene, outgoing, scene.statement)
    text = await page(scene, "/sandbox")
    assert scene.statement.body in text
    assert "Mastodon Acme · newsroom-mastodon" in text
    assert "INC-1 · INC-1-S1 v1 · holding" in text


async def test_a_withdrawn_post_is_struck_in_the_sandbox(scene: Scene, outgoing: Outgoing) -> None:
    delivery = await sandboxed(scene, outgoing, scene.statement)
    assert delivery.receipt is not None
    await (await scene.here.channel("newsroom-mastodon")).withdraw(delivery.receipt)
    async with scene.at_the_desk() as browser:
        answer = await browser.get("/sandbox")
    assert 'class="post look-mastodon withdrawn"' in answer.text
    assert "Withdrawn" in answer.text


async def test_a_withdrawn_text_is_not_shown_as_public_and_its_promise_not_as_one_to_keep(
    scene: Scene, outgoing: Outgoing
) -> None:
    promise = scene.statement.promises[0]
    for channel in ("newsroom-mastodon", "newsroom-bluesky", "status-page", "customer-list"):
        await on_the_way(scene, outgoing(scene.statement, channel), to=DeliveryState.ACCEPTED)
    async with scene.here.store.transaction() as tx:
        for id, statement in (("INC-1-S1v1-C1", "INC-1-S1"), ("c2", "INC-1-S2")):
            made = Commitment(id=id, incident="INC-1", statement=statement, text=f"by {id}", due_at=promise.due_at)
            await tx.commitments.add(made, actor="outbox")
    text = await page(scene, "/incidents/INC-1")
    assert "4 of 4 channels carry it." in text
    assert text.count("See it there") == 4
    await withdraw(scene.here, "INC-1-S1", 1, actor="ida@example.com", reason="the time in it is wrong")
    text = await page(scene, "/incidents/INC-1")
    assert "1 of 4 channels still carry it: it was taken back from 3." in text
    assert text.count("was out, is taken back") == 3
    assert "customer-list customers@lists.acme.example could not be taken back" in text
    assert "a mail cannot be taken back; send a correction" in text
    assert text.count("See it there") == 1
    assert "withdrawal:" not in text
    assert "Keep the promise: by c2" in text
    assert "Keep the promise: by INC-1-S1v1-C1" not in text
    assert "withdrawn by INC-1-S1v1-C1 INC-1-S1 · made in a withdrawn statement, no longer due 13:00 UTC" in text


async def test_a_correction_and_what_it_corrects_are_linked_both_ways(scene: Scene, outgoing: Outgoing) -> None:
    wrong = await sandboxed(scene, outgoing, scene.statement)
    assert wrong.receipt is not None
    again = tuple(r.model_copy(update={"reply_to": wrong.receipt.id}) for r in scene.statement.renderings)
    correction = statement_for(
        scene.incident, (), id="INC-1-S2", kind=StatementKind.CORRECTION, renderings=again, corrects="INC-1-S1"
    )
    async with scene.here.store.transaction() as tx:
        await tx.statements.add(correction, actor=ANA)
    right = await sandboxed(scene, outgoing, correction)
    assert right.receipt is not None
    async with scene.at_the_desk() as browser:
        answer = (await browser.get("/sandbox")).text
    assert f'<a href="#{wrong.receipt.id}">Corrects this post</a>' in answer
    assert f'<a href="#{right.receipt.id}">Corrected since: see the correction</a>' in answer


async def test_sandboxed_notices_are_shown_apart(scene: Scene) -> None:
    person = scene.here.settings.stakeholder(LENA)
    notice = Notice(occasion="opened", template="opened", link="http://127.0.0.1:8420/incidents/INC-1")
    assert await tell(scene.here, scene.incident, person, notice, why="test")
    assert "Nothing here yet." in await page(scene, "/sandbox")
    text = await page(scene, "/sandbox?show=notices")
    assert f"to {LENA}" in text
    assert "Notices (1)" in text


async def test_a_file_that_is_no_post_is_named_and_the_page_still_shows(scene: Scene) -> None:
    folder = scene.here.settings.home / "sandbox"
    folder.mkdir(exist_ok=True)
    (folder / "broken.json").write_text("{")
    assert "broken.json" in await page(scene, "/sandbox")


def test_the_style_sheet_and_the_pages_ask_nothing_of_other_sites() -> None:
    for path in (Path(__file__).parents[2] / "desk").rglob("*"):
        if path.suffix in (".html", ".css"):
            text = path.read_text()
            assert "http://" not in text.replace("http://www.w3.org", "")
            assert "https://" not in text
            assert "style=" not in text
            assert text.count("<script") == len(
                re.findall(r'<script src="(?:/static/|\{\{ static_address)[^>]*></script>', text)
            )
            assert "|safe" not in text


def test_times_are_told_as_people_tell_them() -> None:
    assert due(NOON + timedelta(minutes=12), NOON) == "in 12 min"
    assert due(NOON - timedelta(hours=1, minutes=5), NOON) == "1 h 05 min late"
    assert ">12:00 UTC<" in moment(NOON, NOON)
    assert ">1 Mar 12:00 UTC<" in moment(NOON, NOON + timedelta(days=1))


async def test_responsibility_comes_with_its_evidence_and_confidence_with_its_doubts(scene: Scene) -> None:
    told = assessment(
        why_cluster="20 of 60 hostile posts see intent",
        cluster_quotes=("they knew",),
        why_confidence="unsure (50%): a brigade",
    )
    async with scene.here.store.transaction() as tx:
        await tx.incidents.assess("INC-1", told, actor="triage")
    text = await page(scene, "/incidents/INC-1")
    assert "20 of 60 hostile posts see intent" in text
    assert "they knew" in text
    assert "Confidence: unsure (50%): a brigade." in text


async def test_a_narrative_shows_what_is_asked_and_the_fact_that_answers_it(scene: Scene) -> None:
    asked = Narrative(id="n1", label="the app", size=9, questions=(Question(text="Is my money safe?", count=7),))
    fact = Fact(
        id="INC-1-F9",
        incident="INC-1",
        text="No money was lost.",
        status=FactStatus.CONFIRMED,
        owner=ANA,
        updated_at=NOON,
    )
    async with scene.here.store.transaction() as tx:
        await tx.incidents.assess("INC-1", assessment(narratives=(asked,)), actor="triage")
        await tx.facts.put(fact, actor=ANA)
        await tx.incidents.tie("INC-1", "n1", fact.id, actor=ANA)
    text = await page(scene, "/incidents/INC-1")
    assert "Asked 7×: Is my money safe?" in text
    assert "Answered by INC-1-F9 (confirmed): No money was lost." in text


async def test_scheduled_posts_under_a_freeze_are_on_the_page_with_how_to_put_them_back(scene: Scene) -> None:
    async with scene.here.store.transaction() as tx:
        incident = (await tx.incidents.list())[0].id
        for number, state in enumerate((FreezeState.FROZEN, FreezeState.NOT_FROZEN)):
            post = ScheduledPost(
                id=f"p{number}", at=NOON + timedelta(days=1), text="<b>Buy now</b>", where="x Acme", url="javascript:x"
            )
            problem = "no API can do it" if state is FreezeState.NOT_FROZEN else ""
            await tx.frozen.put(
                FrozenPost(
                    incident=incident, scheduler="marketing", post=post, state=state, problem=problem, changed_at=NOON
                ),
                actor="freeze",
            )
    shown = await page(scene, f"/incidents/{incident}")
    assert "Scheduled posts frozen x Acme marketing" in shown
    assert "&lt;b&gt;Buy now&lt;/b&gt;" in shown
    assert "no API can do it" in shown
    assert f"fireline unfreeze {incident}" in shown
    async with scene.at_the_desk() as browser:
        assert "javascript:x" not in (await browser.get(f"/incidents/{incident}")).text


async def test_who_was_told_says_which_route_reached_them_and_which_did_not(scene: Scene) -> None:
    more = NotifierSettings(name="room", kind="slack")
    notifiers = (*scene.here.settings.notifiers, more)
    scene.here.settings = scene.here.settings.model_copy(update={"notifiers": notifiers})
    carl = Stakeholder(name="Carl Berg", email="carl@example.com", routes=("room:C0000001", "email:carl@example.com"))
    assert await tell(scene.here, scene.incident, carl, Notice(occasion="opened", template="opened"), why="asked")
    text = await page(scene, f"/incidents/{scene.incident.id}")
    assert re.search(r"Carl Berg [^.]* reached by email Not by room: [^.]*token", text)
    assert "Carl Berg reached by email" in await page(scene, f"/incidents/{scene.incident.id}?details=1")
