"""The signed approval link: what it shows, and that nothing but its owner's own form decides."""

import asyncio
import re
from datetime import timedelta

import httpx
import pytest
from at_the_desk import ANA, CARL, HOSTILE, LENA, TEXT, Scene, proposed, statement_for

from crisis.delivery import ARRIVED
from crisis.fact import FactStatus
from desk import approve
from tasks import links


async def opened(scene: Scene, link: str, **headers: str) -> tuple[httpx.Response, list[str]]:
    """The page behind a link, and its forms' nonces."""
    async with scene.browser(**headers) as browser:
        page = await browser.get(link)
    return page, re.findall(r'name="nonce" value="([^"]+)"', page.text)


async def answer(
    scene: Scene, link: str, verdict: str = "approve", reason: str = "", nonce: str | None = None, **headers: str
) -> httpx.Response:
    """Open the link and send its form."""
    if nonce is None:
        nonce = (await opened(scene, link))[1][0]
    form = {"verdict": verdict, "reason": reason, "nonce": nonce}
    async with scene.browser() as browser:
        return await browser.post(link, data=form, headers={"Sec-Fetch-Site": "same-origin", **headers})


async def test_the_page_shows_every_rendering_as_it_would_be_published(scene: Scene) -> None:
    page, nonces = await opened(scene, scene.link())
    assert page.status_code == 200
    assert len(nonces) == 3  # approve, return, hand the turn on
    for rendering in scene.statement.renderings:
        assert rendering.target.channel in page.text
        for part in rendering.parts:
            assert part.text in page.text
    for shown in ("Payments with the Acme app fail", "SEV2", "Lena Roth", "412 people in 15 min", "Next update"):
        assert shown in page.text


async def test_the_page_says_what_an_approval_leads_to(scene: Scene) -> None:
    page, _ = await opened(scene, scene.link())
    assert "Nothing is published yet" in page.text
    assert "1 × legal (Lena Roth)" in page.text
    await answer(scene, scene.link(LENA, "legal"))
    page, _ = await opened(scene, scene.link())
    assert "Yours is the last approval" in page.text
    assert "on 4 channels" in page.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "PROPFIND"])
async def test_no_way_of_looking_decides_or_writes_anything(scene: Scene, method: str) -> None:
    before = await scene.records()
    async with scene.browser() as scanner:
        for query in ("", "?verdict=approve", "?verdict=approve&confirm=1"):
            await scanner.request(method, scene.link() + query)
    assert await scene.decisions() == []
    assert await scene.records() == before


async def test_a_scanner_that_prefetches_every_link_and_form_action_decides_nothing(scene: Scene) -> None:
    async with scene.browser() as scanner:
        page = await scanner.get(scene.link())
        for address in re.findall(r'(?:href|src|action)="([^"]+)"', page.text):
            await scanner.get(address)
        await scanner.post(scene.link())
        await scanner.post(scene.link(), data={"verdict": "approve"})
    assert await scene.decisions() == []


async def test_an_approval_from_the_page_counts_under_the_name_in_the_link(scene: Scene) -> None:
    link = scene.link()
    done = await answer(scene, link)
    assert (done.status_code, done.headers["location"]) == (303, link)
    assert await scene.decisions() == [(ANA, "approve")]
    page, nonces = await opened(scene, scene.link())
    assert "You approved this as comms." in page.text
    assert len(nonces) == 1
    assert re.findall(r'name="verdict" value="(\w+)"', page.text) == ["take_back"]


async def test_the_last_approval_publishes_on_every_channel(scene: Scene) -> None:
    await answer(scene, scene.link(LENA, "legal"))
    await answer(scene, scene.link())
    async with scene.here.store.reading() as tx:
        deliveries = await tx.outbox.list(statement=scene.statement.id)
    assert len(deliveries) == 4
    assert {d.state for d in deliveries} <= ARRIVED
    page, _ = await opened(scene, scene.link())
    assert page.text.count("<strong>out</strong>") == 4


async def test_sending_the_form_twice_counts_once_and_shows_the_decision(scene: Scene) -> None:
    _, nonces = await opened(scene, scene.link())
    first, second = await asyncio.gather(*(answer(scene, scene.link(), nonce=nonces[0]) for _ in range(2)))
    assert (first.status_code, second.status_code) == (303, 303)
    assert (await answer(scene, scene.link(), nonce=nonces[0])).status_code == 303
    assert await scene.decisions() == [(ANA, "approve")]


async def test_changing_ones_mind_is_refused_with_the_reason(scene: Scene) -> None:
    _, nonces = await opened(scene, scene.link())
    await answer(scene, scene.link(), nonce=nonces[0])
    page = await answer(scene, scene.link(), "return", "no", nonce=nonces[1])
    assert page.status_code == 409
    assert "did not count" in page.text
    assert await scene.decisions() == [(ANA, "approve")]


async def test_a_return_needs_a_reason_and_stops_it_for_everybody(scene: Scene) -> None:
    assert (await answer(scene, scene.link(), "return", "  ")).status_code == 409
    assert await scene.decisions() == []
    assert (await answer(scene, scene.link(), "return", "name the shops")).status_code == 303
    page, nonces = await opened(scene, scene.link(LENA, "legal"))
    assert "name the shops" in page.text
    assert nonces == []


async def test_what_was_typed_is_kept_when_it_did_not_count(scene: Scene) -> None:
    async with scene.here.store.transaction() as tx:
        await tx.stakeholders.put_all((), actor="test")
    page = await answer(scene, scene.link(), "return", "<b>please</b> shorter")
    assert page.status_code == 409
    assert "&lt;b&gt;please&lt;/b&gt; shorter</textarea>" in page.text


@pytest.mark.parametrize("spoil", [lambda t: t[:-1], lambda t: t[:-1] + "!", lambda t: "x" + t, lambda t: "a.b.c"])
async def test_a_forged_or_cut_link_opens_nothing(scene: Scene, spoil: object) -> None:
    token = scene.link().removeprefix("/approve/")
    forged = f"/approve/{spoil(token)}"  # type: ignore[operator]
    _, nonces = await opened(scene, scene.link())
    for page in (await opened(scene, forged))[0], await answer(scene, forged, nonce=nonces[0]):
        assert page.status_code == 403
        assert "does not open anything" in page.text
        assert "Traceback" not in page.text
    assert await scene.decisions() == []


async def test_a_link_of_another_installation_opens_nothing(scene: Scene) -> None:
    link = scene.link()
    (scene.here.keys / "links.key").write_text("another key " * 8)
    assert (await opened(scene, link))[0].status_code == 403


async def test_an_expired_link_says_so_and_decides_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    _, nonces = await opened(scene, scene.link())
    monkeypatch.setattr(links, "MAX_AGE_SECONDS", -1)
    for page in (await opened(scene, scene.link()))[0], await answer(scene, scene.link(), nonce=nonces[0]):
        assert page.status_code == 410
        assert "expired" in page.text
    assert await scene.decisions() == []


async def test_an_expired_request_says_so_and_decides_nothing(scene: Scene) -> None:
    _, nonces = await opened(scene, scene.link())
    scene.clock.move(timedelta(hours=4, seconds=1))
    page, none = await opened(scene, scene.link())
    assert "The time to decide has passed." in page.text
    assert none == []
    assert (await answer(scene, scene.link(), nonce=nonces[0])).status_code == 409
    assert await scene.decisions() == []


async def test_a_link_to_an_older_version_points_on_and_decides_nothing(scene: Scene) -> None:
    link = scene.link()
    _, nonces = await opened(scene, link)
    newer = statement_for(
        scene.incident, scene.statement.facts, id=scene.statement.id, version=2, text=TEXT + " Sorry."
    )
    await proposed(scene.here, newer)
    page, none = await opened(scene, link)
    assert "There is a newer version" in page.text
    assert none == []
    await answer(scene, link, nonce=nonces[0])
    async with scene.here.store.reading() as tx:
        assert await tx.decisions.list(newer.content_hash) == []


async def test_a_changed_fact_closes_the_page_and_an_open_form_is_refused(scene: Scene) -> None:
    _, nonces = await opened(scene, scene.link())
    fact = scene.statement.facts[0]
    async with scene.here.store.transaction() as tx:
        await tx.facts.put(fact.model_copy(update={"status": FactStatus.REFUTED}), actor="ida@example.com")
    page, none = await opened(scene, scene.link())
    assert "may no longer be approved" in page.text
    assert none == []
    assert (await answer(scene, scene.link(), nonce=nonces[0])).status_code == 409
    assert await scene.decisions() == []


async def test_a_person_who_lost_the_role_is_refused_with_the_reason(scene: Scene) -> None:
    async with scene.here.store.transaction() as tx:
        await tx.stakeholders.put_all((), actor="test")
    page = await answer(scene, scene.link())
    assert page.status_code == 409
    assert "does not hold the role" in page.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://desk.test"},
    ],
)
async def test_a_form_sent_from_another_site_is_refused(scene: Scene, headers: dict[str, str]) -> None:
    page = await answer(scene, scene.link(), **headers)
    assert page.status_code == 403
    assert await scene.decisions() == []


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://evil.test", 403),
        ("http://desk.test.evil.test", 403),
        ("http://[", 403),
        ("null", 303),  # our own pages send no referrer, and then browsers send this
        ("http://desk.test", 303),
    ],
)
async def test_browsers_that_name_only_the_origin_are_judged_by_it(scene: Scene, origin: str, status: int) -> None:
    _, nonces = await opened(scene, scene.link())
    async with scene.browser() as browser:
        page = await browser.post(
            scene.link(), data={"verdict": "approve", "nonce": nonces[0]}, headers={"Origin": origin}
        )
    assert page.status_code == status


async def test_a_form_without_our_own_nonce_is_refused(scene: Scene) -> None:
    _, others = await opened(scene, scene.link(CARL, "comms"))
    for nonce in ("", "guess", others[0]):
        page = await answer(scene, scene.link(), nonce=nonce)
        assert page.status_code == 403
        assert "Open the approval page again" in page.text
    assert await scene.decisions() == []


async def test_a_form_left_open_for_long_is_refused(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approve, "FORM_SECONDS", -1)
    assert (await answer(scene, scene.link())).status_code == 403
    assert await scene.decisions() == []


@pytest.mark.parametrize("verdict", ["", "APPROVE", "yes", "check again"])
async def test_an_answer_that_is_none_decides_nothing(scene: Scene, verdict: str) -> None:
    assert (await answer(scene, scene.link(), verdict)).status_code == 400
    assert await scene.decisions() == []


async def test_a_huge_form_or_reason_is_refused(scene: Scene) -> None:
    assert (await answer(scene, scene.link(), "return", "x" * 5000)).status_code == 400
    assert (await answer(scene, scene.link(), "return", "x" * 100_000)).status_code == 413
    assert await scene.decisions() == []


async def test_guessing_links_is_slowed_and_holds_up_no_genuine_link(scene: Scene) -> None:
    async with scene.browser() as guesser:
        statuses = [(await guesser.get(f"/approve/guess{n}")).status_code for n in range(25)]
        assert statuses[0] == 403
        assert statuses[-1] == 429
        assert (await guesser.get(scene.link())).status_code == 200


async def test_hammering_one_link_is_slowed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approve._submitted, "_monotonic", lambda: 0.0)
    statuses = [(await answer(scene, scene.link(), "return", " ")).status_code for _ in range(12)]
    assert statuses[-1] == 429


async def test_hidden_characters_in_a_statement_are_pointed_out(scene: Scene) -> None:
    text = "Pay here: \u202emoc.emca\u202c and here"
    tricky = statement_for(scene.incident, scene.statement.facts, id=f"{scene.incident.id}-S2", text=text)
    await proposed(scene.here, tricky)
    page, _ = await opened(
        scene, scene.link(statement=tricky.id, version=tricky.version, content_hash=tricky.content_hash)
    )
    assert "characters that a reader does not see" in page.text
    assert "\u202e" not in page.text
    assert "[U+202E]" in page.text


async def test_hostile_text_in_a_statement_is_inert(scene: Scene) -> None:
    tricky = statement_for(scene.incident, scene.statement.facts, id=f"{scene.incident.id}-S2", text=HOSTILE)
    await proposed(scene.here, tricky)
    page, _ = await opened(
        scene, scene.link(statement=tricky.id, version=tricky.version, content_hash=tricky.content_hash)
    )
    assert "<script" not in page.text
    assert "onerror" not in re.sub(r"&lt;img src=x onerror=alert\(1\)&gt;", "", page.text)
    assert 'href="javascript' not in page.text.lower()


async def test_the_address_with_its_token_never_leaves_the_page(scene: Scene) -> None:
    link = scene.link()
    page, _ = await opened(scene, link)
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert link.removeprefix("/approve/") not in page.text
