"""Writing a statement at the desk: what is found while it is written, what one press mends, and that nothing typed is lost."""

import re
import time
from collections.abc import AsyncIterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from at_the_desk import ANA, CARL, HOSTILE, LENA, NOON, TEXT, Scene

from crisis.fact import Fact, FactStatus
from crisis.stakeholder import Stakeholder
from crisis.statement import Statement
from crisis.values import StatementKind
from desk import statement_acts
from records import StatementStatus

IDA = "ida@example.com"
PAGE = "/statements/INC-1-S1/1"
CHANNELS = ["newsroom-mastodon", "newsroom-bluesky", "status-page", "customer-list"]
GOOD = TEXT.replace("https://acme", "Talk to us: https://acme")


@pytest.fixture(autouse=True)
def _full_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    for bucket in (statement_acts._checked, statement_acts._submitted):
        monkeypatch.setattr(bucket, "_levels", {})


@pytest.fixture
async def desk(scene: Scene) -> AsyncIterator[httpx.AsyncClient]:
    async with scene.at_the_desk() as browser:
        yield browser


async def code(scene: Scene, person: str) -> str:
    """A fresh one-time code of somebody."""
    async with scene.here.store.transaction() as tx:
        address = await tx.codes.enrol(person)
    return pyotp.TOTP(parse_qs(urlsplit(address).query)["secret"][0]).at(int(time.time()))


def field(page: str, name: str, near: str = "") -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page[page.find(near) :])
    return unescape(found[1]) if found else ""


async def write(desk: httpx.AsyncClient, where: str, **typed: object) -> httpx.Response:
    """Open the editor and hand it in, with what was typed instead of what was there."""
    page = (await desk.get(where)).text
    form = {
        "nonce": field(page, "nonce"),
        "onto": field(page, "onto"),
        "headline": "Payments by app fail just now",
        "body": TEXT,
        "language": "en",
        "channel": CHANNELS,
        "do": "check",
    }
    return await desk.post(where, data=form | typed)


def body_of(page: str) -> str:
    """What is in the editor."""
    found = re.search(r'<textarea id="body"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert found
    return unescape(found[1])


async def statement(scene: Scene, version: int | None = None, id: str = "INC-1-S1") -> Statement:
    async with scene.here.store.reading() as tx:
        return await tx.statements.get(id, version)


async def status(scene: Scene, version: int) -> StatementStatus:
    async with scene.here.store.reading() as tx:
        return await tx.statements.status("INC-1-S1", version)


async def test_the_page_of_a_version_shows_what_bears_on_it(desk: httpx.AsyncClient) -> None:
    page = (await desk.get(PAGE)).text
    assert body_of(page) == TEXT
    assert "Who must approve" in page
    assert "Posture: diminish" in page
    assert "gateway 3" in page  # the evidence of a fact
    assert "Post 1 of 2" in page
    assert "of 3,000 bytes" in page  # Bluesky's second cap
    assert "graphemes, links as 23" in page  # Mastodon's own count


async def test_looking_at_a_text_or_starting_one_stores_nothing(scene: Scene, desk: httpx.AsyncClient) -> None:
    before = await scene.records()
    for where in (PAGE, "/statements/INC-1-S1", "/incidents/INC-1/statements", "/incidents/INC-1/draft?kind=update"):
        assert (await desk.get(where)).status_code in (200, 303)
    assert (await write(desk, PAGE)).status_code == 200
    assert await scene.records() == before


async def test_a_finding_stands_in_the_margin_and_one_press_mends_it(desk: httpx.AsyncClient) -> None:
    bad = f"{GOOD} This only affects a few of you."
    page = (await write(desk, PAGE, body=bad)).text
    assert "makes the harm small" in page
    [span] = re.findall(r'data-field="body" data-start="(\d+)" data-end="(\d+)"><span dir="auto">“only affects', page)
    assert bad[int(span[0]) : int(span[1])] == "only affects"
    [press] = re.findall(r'name="do" value="(mend:minimising:\d+)"', page)
    mended = (await write(desk, PAGE, body=bad, do=press)).text
    assert body_of(mended) == f"{GOOD} This affects a few of you."
    assert "only affects" not in body_of(mended)


async def test_a_missing_sentence_is_put_in_with_what_is_on_record(desk: httpx.AsyncClient) -> None:
    body = "We know it, and we are sorry. Talk to us: help@acme.example"
    page = (await write(desk, PAGE, body=body)).text
    [press] = re.findall(r'name="do" value="(mend:no-next-update:\d+)"', page)
    mended = body_of((await write(desk, PAGE, body=body, do=press)).text)
    assert mended == f"{body}\n\nNext update by 13:00 UTC."


async def test_confirmed_facts_can_be_put_in_and_others_say_that_they_may_not(
    scene: Scene, desk: httpx.AsyncClient
) -> None:
    async with scene.here.store.transaction() as tx:
        doubt = Fact(
            id=await tx.facts.next_id("INC-1"),
            incident="INC-1",
            text="A supplier caused it.",
            status=FactStatus.UNCONFIRMED,
            owner=IDA,
            updated_at=NOON,
        )
        await tx.facts.put(doubt, actor=IDA)
    page = (await desk.get(PAGE)).text
    assert "May not be stated as true." in page
    assert f"insert:{doubt.id}" not in page
    put = await write(desk, PAGE, body="Now:", do="insert:INC-1-F1")
    assert body_of(put.text) == "Now: Payments with the Acme app fail since 11:20 UTC; card terminals work."
    refused = await write(desk, PAGE, body="Now:", do=f"insert:{doubt.id}")
    assert (refused.status_code, body_of(refused.text)) == (409, "Now:")


async def test_each_channel_shows_what_it_would_carry_and_says_when_it_cannot(desk: httpx.AsyncClient) -> None:
    page = (await write(desk, PAGE, channel=["newsroom-bluesky", "status-page"], body="x" * 26_000)).text
    assert "Post 1 of" not in page
    assert "It does not fit here" in page
    assert "25000 characters" in page
    short = (await write(desk, PAGE, channel=["newsroom-bluesky"], body="We know.")).text
    assert "newsroom-mastodon</p>" not in short
    assert "of 300 graphemes" in short


async def test_a_save_is_a_new_version_by_its_author_and_voids_the_pending_approval(
    scene: Scene, desk: httpx.AsyncClient
) -> None:
    assert "waits for approval" in (await desk.get(PAGE)).text, "said before saving"
    answer = await write(
        desk,
        PAGE,
        body=GOOD,
        channel=CHANNELS[:2],
        language="en-GB",
        do="save",
        person=CARL,
        code=await code(scene, CARL),
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/statements/INC-1-S1/2")
    saved = await statement(scene)
    assert (saved.author, saved.body, saved.language) == (CARL, GOOD, "en-GB")
    assert [r.target.channel for r in saved.renderings] == CHANNELS[:2]
    assert await status(scene, 1) is StatementStatus.VOIDED
    page = (await desk.get("/statements/INC-1-S1/2")).text
    assert "What changed since INC-1-S1 v1" in page
    assert "<ins>" in page
    assert "Version 2 has replaced this text." in (await desk.get(PAGE)).text


async def test_save_and_ask_for_approval_is_one_press_and_one_code(scene: Scene, desk: httpx.AsyncClient) -> None:
    given = {"person": CARL, "code": await code(scene, CARL)}
    answer = await write(desk, PAGE, body=GOOD, do="propose", **given)
    assert answer.status_code == 303, answer.text
    assert await status(scene, 2) is StatementStatus.PROPOSED


async def test_what_lint_blocks_is_not_proposed_and_costs_no_code(scene: Scene, desk: httpx.AsyncClient) -> None:
    given = {"person": CARL, "code": await code(scene, CARL)}
    refused = await write(desk, PAGE, body="Nothing happened.", do="propose", **given)
    assert refused.status_code == 409
    assert "no-next-update" in refused.text
    assert body_of(refused.text) == "Nothing happened."
    assert (await statement(scene)).version == 1
    assert (await write(desk, PAGE, body=GOOD, do="propose", **given)).status_code == 303


@pytest.mark.parametrize(
    ("typed", "status_code", "says"),
    [
        ({"nonce": "forged"}, 403, "open for too long"),
        ({"person": ""}, 409, "Choose who you are"),
        ({"code": "000000"}, 409, "one-time code"),
        ({"channel": []}, 400, "at least one channel"),
        ({"channel": ["nowhere"]}, 400, "There is no channel"),
        ({"language": "<b>"}, 400, "language"),
        ({"headline": ""}, 400, "a title and a text"),
        ({"do": "nonsense"}, 400, "Nothing was chosen"),
    ],
    ids=["old form", "nobody", "wrong code", "no channel", "unknown channel", "no language", "no title", "no act"],
)
async def test_whatever_is_refused_what_was_typed_is_still_there(
    scene: Scene, desk: httpx.AsyncClient, typed: dict[str, object], status_code: int, says: str
) -> None:
    mine = f"My own words.\n\n{HOSTILE}"
    given = {"do": "save", "body": mine, "person": CARL, "code": await code(scene, CARL)} | typed
    answer = await write(desk, PAGE, **given)
    assert (answer.status_code, body_of(answer.text)) == (status_code, mine)
    assert says in unescape(answer.text)
    assert "<script>document" not in answer.text
    assert (await statement(scene)).version == 1


async def test_another_site_can_neither_save_nor_put_words_into_the_editor(
    scene: Scene, desk: httpx.AsyncClient
) -> None:
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        answer = await desk.post(PAGE, data={"body": "evil words", "do": "check"}, headers=headers)
        assert answer.status_code == 403
        assert "evil words" not in answer.text


async def test_the_second_of_two_who_write_is_told_and_loses_nothing(scene: Scene, desk: httpx.AsyncClient) -> None:
    page = (await desk.get(PAGE)).text
    mine = {
        "nonce": field(page, "nonce"),
        "onto": field(page, "onto"),
        "headline": "Mine",
        "body": GOOD.replace("Our engineers", "Bo and our engineers"),
        "language": "en",
        "channel": CHANNELS,
        "person": LENA,
        "code": await code(scene, LENA),
    }
    first = await write(desk, PAGE, body=GOOD, do="save", person=CARL, code=await code(scene, CARL))
    assert first.status_code == 303
    told = await desk.post(PAGE, data=mine | {"do": "check"})
    assert "Somebody else has saved a version meanwhile." in told.text, "told while still writing"
    answer = await desk.post(PAGE, data=mine | {"do": "save"})
    assert answer.status_code == 409
    assert "INC-1-S1 v2 was saved by carl@example.com" in unescape(answer.text)
    assert body_of(answer.text) == mine["body"]
    assert "What changed since INC-1-S1 v2" in answer.text
    assert (await statement(scene)).version == 2
    again = mine | {"onto": field(answer.text, "onto"), "nonce": field(answer.text, "nonce"), "do": "save"}
    assert (await desk.post("/statements/INC-1-S1/2", data=again)).status_code == 303, "the same code: it was not used"
    saved = await statement(scene)
    assert (saved.version, saved.author, saved.body) == (3, LENA, mine["body"])


async def test_a_text_is_started_from_the_template_and_saved_as_its_first_version(
    scene: Scene, desk: httpx.AsyncClient
) -> None:
    async with scene.here.store.transaction() as tx:
        assert await tx.statements.next_id("INC-1") == "INC-1-S1", "the scene's own"
    where = "/incidents/INC-1/draft?kind=update"
    started = body_of((await desk.get(where)).text)
    assert "UTC" in started
    answer = await write(desk, where, body=started, do="save", person=CARL, code=await code(scene, CARL))
    assert answer.status_code == 303
    assert answer.headers["location"] == "/statements/INC-1-S2/1"
    saved = await statement(scene, id="INC-1-S2")
    assert (saved.kind, saved.author) == (StatementKind.UPDATE, CARL)
    assert (await desk.get(where)).headers["location"] == "/statements/INC-1-S2/1", "it is on its way"
    assert (await desk.get("/incidents/INC-1/draft?kind=nonsense")).status_code == 400
    assert (await desk.get("/incidents/INC-9/draft?kind=update")).status_code == 404


async def decide(desk: httpx.AsyncClient, decision: str, **given: str) -> httpx.Response:
    page = (await desk.get(PAGE)).text
    nonce = field(page, "nonce", near='id="decide"')
    return await desk.post(PAGE, data={"nonce": nonce, "decision": decision} | given)


async def test_two_people_approve_at_the_desk_by_their_codes_and_it_is_out(
    scene: Scene, desk: httpx.AsyncClient
) -> None:
    wrong = await decide(desk, "approve", person=ANA, code="000000")
    assert (wrong.status_code, await scene.decisions()) == (409, [])
    assert (await decide(desk, "approve", person=ANA, code=await code(scene, ANA))).status_code == 303
    assert (await decide(desk, "approve", person=LENA, code=await code(scene, LENA))).status_code == 303
    assert sorted(await scene.decisions()) == [(ANA, "approve"), (LENA, "approve")]
    assert await status(scene, 1) is StatementStatus.PUBLISHED
    page = (await desk.get(PAGE)).text
    assert "As it was published" in page
    assert "<textarea" not in page, "what is out is not edited"


async def test_a_return_needs_its_reason_and_keeps_what_was_typed(scene: Scene, desk: httpx.AsyncClient) -> None:
    short = await decide(desk, "return", person=ANA, code=await code(scene, ANA), reason=" ")
    assert short.status_code == 400
    wrong = await decide(desk, "return", person=ANA, code="000000", reason="Say since when")
    assert "Say since when" in wrong.text
    done = await decide(desk, "return", person=ANA, code=await code(scene, ANA), reason="Say since when")
    assert done.status_code == 303
    assert await scene.decisions() == [(ANA, "return")]
    assert "Say since when" in (await desk.get(PAGE)).text


async def test_only_the_author_or_a_lead_takes_a_text_back_from_its_approvers(
    scene: Scene, desk: httpx.AsyncClient
) -> None:
    refused = await decide(desk, "void", person=ANA, code=await code(scene, ANA), reason="no")
    assert (refused.status_code, await status(scene, 1)) == (409, StatementStatus.PROPOSED)
    done = await decide(desk, "void", person=IDA, code=await code(scene, IDA), reason="The facts are moving")
    assert (done.status_code, await status(scene, 1)) == (303, StatementStatus.VOIDED)
    late = await desk.post(scene.link(), data={"nonce": "x", "verdict": "approve"})
    assert late.status_code == 403


async def test_a_decision_made_for_one_text_fits_no_other(scene: Scene, desk: httpx.AsyncClient) -> None:
    nonce = field((await desk.get(PAGE)).text, "nonce", near='id="decide"')
    await write(desk, PAGE, body=GOOD, do="propose", person=CARL, code=await code(scene, CARL))
    form = {"nonce": nonce, "decision": "approve", "person": ANA, "code": await code(scene, ANA)}
    assert (await desk.post("/statements/INC-1-S1/2", data=form)).status_code == 403
    assert await scene.decisions() == []


async def test_no_page_of_statements_opens_without_the_key(scene: Scene) -> None:
    async with scene.browser() as visitor:
        for where in (PAGE, "/incidents/INC-1/statements", "/incidents/INC-1/draft?kind=update", "/deliveries"):
            assert (await visitor.get(where)).status_code == 403
            assert (await visitor.post(where, data={"do": "save"})).status_code == 403


async def test_hostile_words_in_a_stored_text_stay_words(scene: Scene, desk: httpx.AsyncClient) -> None:
    given = {"person": CARL, "code": await code(scene, CARL)}
    hostile = f"</textarea>{HOSTILE} @ana@social.example #tag https://acme.example/?a=1&b=2"
    answer = await write(
        desk, PAGE, headline=f"{HOSTILE[:80]}", body=hostile, channel=CHANNELS[2:3], do="save", **given
    )
    assert answer.status_code == 303, answer.text
    page = (await desk.get("/statements/INC-1-S1/2")).text
    assert "<script>document" not in page
    assert "<img src=x" not in page
    assert body_of(page) == hostile
    assert "\u202e" not in page.replace(hostile, "").split("<textarea")[0]
    assert "[U+202E]" in page
    assert (await desk.get("/incidents/INC-1/statements")).status_code == 200


async def test_whoever_only_looks_writes_nothing(scene: Scene) -> None:
    vera = Stakeholder(name="Vera", email="vera@example.com", roles=("viewer",))
    async with scene.here.store.transaction() as tx:
        await tx.stakeholders.put_all((*await tx.stakeholders.list(), vera), actor="test")
    async with scene.signed_in(vera.email) as browser:
        answer = await write(browser, PAGE, body=GOOD, do="propose")
    assert answer.status_code == 409
    assert (await statement(scene)).version == 1
    assert await status(scene, 1) is StatementStatus.PROPOSED


async def test_a_correction_is_begun_only_where_the_wrong_text_is(scene: Scene, desk: httpx.AsyncClient) -> None:
    assert (await desk.get("/incidents/INC-1/draft?kind=correction&corrects=INC-7-S1")).status_code == 404
