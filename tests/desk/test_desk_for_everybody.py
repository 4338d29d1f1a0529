"""Every page of the desk for everybody: axe-core finds nothing, and a keyboard alone is enough.

The pages are taken from the app's own routes: one that is not named here fails the first test. Takes about two minutes.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from at_the_desk import ANA, HOSTILE, LENA, NOON, Outgoing, Scene, assessment
from playwright.async_api import Browser, Page
from starlette.routing import Route
from test_desk_in_browser import SIZES, chromium, served
from test_leaving import mailed
from test_question_pages import asking
from test_setup_pages import proposal

from crisis.after_action import Section
from crisis.delivery import DeliveryState
from crisis.erasure import Erasure, Found
from crisis.hold import Hold
from crisis.incident import IncidentState
from crisis.long_work import LongWork
from records.checks import Checked
from tasks import after_action as review
from tasks.leaving import LeavingLinks
from tasks.links import acting_link, on_it_link, reading_link

AXE = Path(__file__).parents[1] / "real" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
NO_PAGES = {
    "/healthz": "JSON for monitors",
    "/live": "a stream of events",
    "/api/openapi.json": "JSON for programs",
    "/api/incidents": "the same",
    "/api/incidents/{id}": "the same",
    "/api/incidents/{id}/deliveries": "the same",
    "/api/incidents/{id}/commitments": "the same",
    "/api/incidents/{id}/questions": "the same",
    "/api/incidents/{id}/empathy": "the same",
    "/api/watches": "the same",
    "/api/events": "the same",
    "/api/{rest:path}": "the same",
    "/statements/{id}": "leads on to the latest version",
    "/sign-in/oidc": "leads on to the provider",
    "/sign-in/oidc/back": "leads on to the desk",
    "/record/export": "JSON lines to keep",
    "/incidents/{id}/chart.svg": "a picture",
    "/incidents/{id}/report": "a document to print, which tests/tasks/test_report.py reads",
    "/read/{token}/report": "the same",
    "/incidents/{id}/review/report": "a document in which no script runs, not even axe's: tests/tasks/test_report.py reads it",
    "/incidents/{id}/review/report.pdf": "a document to print, which tests/tasks/test_review.py reads",
    "/incidents/{id}/review/report.json": "JSON for programs",
    "/incidents/{id}/review/report-data.zip": "the JSON and the tables for programs",
    "/incidents/{id}/review/{table}.csv": "a table for programs",
    "/read/{token}/chart.svg": "a picture",
    "/pictures/{sha256:str}.{suffix:str}": "a picture",
    "/approve/{token}/pictures/{sha256}": "a picture",
    "/read/{token}/pictures/{sha256}": "a picture",
}
"""Addresses that answer GET with something that is no page."""


def pages(scene: Scene, candidate: str) -> dict[str, list[str]]:
    """Addresses to look at, by route."""
    hostile = "%3Cscript%3E%20OR%20till"
    return {
        "/": ["/", "/?live=1", "/nothing-is-here"],
        "/incidents/{id}": ["/incidents/INC-1?details=1", f"/incidents/{candidate}"],
        "/incidents/{id}/act": [f"/incidents/{candidate}/act", "/incidents/INC-1/act"],
        "/incidents/{id}/restrict": ["/incidents/INC-1/restrict"],
        "/incidents/{id}/review": ["/incidents/INC-1/review"],
        "/incidents/{id}/people": ["/incidents/INC-1/people"],
        "/incidents/{id}/questions": ["/incidents/INC-1/questions"],
        "/incidents/{id}/questions/{question}": ["/incidents/INC-1/questions/INC-1-Q1"],
        "/incidents/{id}/questions/sheet": ["/incidents/INC-1/questions/sheet"],
        "/incidents/{id}/told": ["/incidents/INC-1/told"],
        "/promises": ["/promises"],
        "/incidents/{id}/statements": ["/incidents/INC-1/statements"],
        "/incidents/{id}/draft": ["/incidents/INC-1/draft?kind=substantive"],
        "/incidents/{id}/deliveries": ["/incidents/INC-1/deliveries"],
        "/deliveries": ["/deliveries"],
        "/statements/{id}/{version:int}": ["/statements/INC-1-S1/1"],
        "/statements/{id}/decide": ["/statements/INC-1-S1/decide"],
        "/sessions": ["/sessions"],
        "/sign-in": ["/sign-in"],
        "/sign-in/link/{token}": ["/sign-in/link/nothing-of-ours"],
        "/record": ["/record", "/record?incident=INC-1&since=never", "/record?text=nothing-like-it"],
        "/keeping": ["/keeping"],
        "/record/runs": ["/record/runs?incident=INC-1"],
        "/sandbox": ["/sandbox"],
        "/setup": ["/setup"],
        "/setup/work": ["/setup/work"],
        "/setup/watches": [
            "/setup/watches",
            f"/setup/watches?in=records&query={hostile}",
            "/setup/watches?query=acme+AND+(",
        ],
        "/setup/watches/alarms": ["/setup/watches/alarms?in=records&query=till"],
        "/setup/playbooks": ["/setup/playbooks"],
        "/setup/people": ["/setup/people"],
        "/setup/channels": ["/setup/channels"],
        "/setup/learning": ["/setup/learning"],
        "/approve/{token}": [scene.link(), scene.link()[:-3]],
        "/act/{token}": [path(acting_link(scene.here, candidate, "ida@example.com"))],
        "/on/{token}": [path(on_it_link(scene.here, candidate, ANA))],
        "/read/{token}": [
            path(reading_link(scene.here, "INC-1", person=ANA)),
            path(reading_link(scene.here, "INC-1", statement="INC-1-S1", version=1)),
        ],
        "/leave/{token}": [path(LeavingLinks(scene.here).to("ab" * 16, 1))],
    }


def path(link: str) -> str:
    return urlsplit(link).path


def routes(scene: Scene) -> set[str]:
    return {r.path for r in scene.app.routes if isinstance(r, Route) and "GET" in (r.methods or ())}


def test_every_page_of_the_desk_is_looked_at(scene: Scene) -> None:
    looked_at = set(pages(scene, "INC-1")) | set(NO_PAGES)
    assert routes(scene) - looked_at == set(), "name an address of the new page in pages(), or say why it is none"
    assert looked_at - routes(scene) == set(), "this page is no more"


async def busy(scene: Scene, outgoing: Outgoing) -> str:
    """A desk on which everything happens at once, all of it hostile; the id of a candidate."""
    now = datetime.now(UTC)
    await mailed(scene)
    await asking(scene)
    await review.write(scene.here, "INC-1", {Section.LESSONS: f"It was careless. {HOSTILE}"}, actor=ANA)
    await review.meet(scene.here, "INC-1", held_at=scene.here.clock.now(), participants=[ANA, HOSTILE], actor=ANA)
    await review.take_on(scene.here, "INC-1", HOSTILE, owner=ANA, due_at=NOON, actor=ANA)
    async with scene.here.store.transaction() as tx:
        opened = {"opened_at": NOON, "started_at": NOON, "lead": "ida@example.com", "actor": "detector"}
        incident = await tx.incidents.open(
            watch="acme",
            title=f"Acme: {HOSTILE}",
            assessment=assessment(),
            state=IncidentState.CANDIDATE,
            **opened,  # type: ignore[arg-type]
        )
        delivery = outgoing(scene.statement, "newsroom-bluesky")
        await tx.outbox.enqueue(delivery, actor="outbox")
        await tx.ledger.append("source.seen", actor=HOSTILE, reason=HOSTILE, incident="INC-1", data={"text": HOSTILE})
        await tx.ledger.append(
            "ledger.verified", actor="desk", reason=HOSTILE, data={"ok": False, "seq": 3, "problem": HOSTILE}
        )
        for ok, name in ((True, "email"), (False, "status-page")):
            part = "channel" if name == "status-page" else "notifier"
            await tx.checks.note(Checked(part=part, name=name, ok=ok, says=HOSTILE, at=now))
        for number, ended in enumerate(("", "done", "failed")):
            work = {"work": f"w{number}", "title": HOSTILE, "done": 3, "total": 9, "unit": "records", "says": HOSTILE}
            await tx.progress.note(
                LongWork.model_validate({**work, "ended": ended, "began_at": now, "updated_at": now})
            )
        held = Hold(incident="INC-1", by=LENA, reason=HOSTILE, at=now, release_by=ANA, release_reason=HOSTILE)
        await tx.holds.put(held, actor=LENA)
        found = (Found(where="posts that incidents rely on", incident="INC-1", count=3),)
        asked = Erasure(id="E-1", author=HOSTILE, mark="m", by=LENA, reason=HOSTILE, asked_at=now, found=found)
        await tx.erasing.put(asked)
    await proposal(scene)
    assert delivery.state is DeliveryState.PENDING
    return incident.id


async def violations(page: Page) -> list[str]:
    """What axe-core finds, a line each."""
    assert AXE.is_file(), "axe-core is not installed; run: make real"
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate(
        "async rules => (await axe.run(document, {runOnly: {type: 'tag', values: rules}})).violations", RULES
    )
    return [
        f"{v['id']} ({v['help']}): {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for v in found
        for node in v["nodes"][:3]
    ]


async def opened(browser: Browser, scene: Scene, address: str, size: str, scheme: str) -> Page:
    width, height = SIZES[size]
    page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    await page.goto(f"{address}/?key={scene.key}")
    await page.wait_for_url(f"{address}/")
    return page


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_on_any_page(scene: Scene, outgoing: Outgoing, size: str, scheme: str) -> None:
    candidate = await busy(scene, outgoing)
    found: dict[str, list[str]] = {}
    async with served(scene) as address, chromium() as browser:
        page = await opened(browser, scene, address, size, scheme)
        for route, addresses in pages(scene, candidate).items():
            for asked in addresses:
                answer = await page.goto(address + asked)
                assert answer is not None
                assert answer.status < 500, f"{route}: {asked[:80]} answers {answer.status}"
                await page.wait_for_load_state("networkidle" if "watches?in" in asked else "load")
                assert await page.title() != "owned"
                if says := await violations(page):
                    found[asked[:80]] = says
                if folder := os.environ.get("FIRELINE_SCREENSHOTS"):
                    name = "-".join(filter(None, "".join(c if c.isalnum() else " " for c in asked[:40]).split()))
                    await page.screenshot(
                        path=Path(folder) / f"all-{name or 'now'}-{size}-{scheme}.png", full_page=True
                    )
        alone = await browser.new_page()
        await alone.goto(address)  # the locked desk
        if says := await violations(alone):
            found["locked"] = says
    assert found == {}


FOCUS = """() => {
  const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
  const ring = (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2) || s.boxShadow !== 'none';
  return {body: e === document.body || e === document.documentElement, ring, seen: r.width > 0 && r.height > 0,
          inside: r.left > -1, what: e.outerHTML.slice(0, 120), at: [...document.querySelectorAll('*')].indexOf(e)};
}"""
LAST = """() => {
  const every = [...document.querySelectorAll('*')];
  const kinds = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
  const stops = every.filter(e => e.matches(kinds) && e.checkVisibility() && !e.disabled);
  return every.indexOf(stops[stops.length - 1]);
}"""
SMALL = """() => [...document.querySelectorAll('a, button, input, select, textarea, summary')].filter(e => {
  const r = e.getBoundingClientRect();
  const inline = getComputedStyle(e).display === 'inline' && e.tagName === 'A';
  return e.type !== 'hidden' && r.width > 0 && !inline && !e.classList.contains('skip') && (r.height < 24 || r.width < 24);
}).map(e => e.outerHTML.slice(0, 120))"""


MOMENT = 7
"""Further stops inside a field for a date and time, at most."""


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
async def test_a_keyboard_alone_walks_through_every_page(scene: Scene, outgoing: Outgoing, size: str) -> None:
    candidate = await busy(scene, outgoing)
    async with served(scene) as address, chromium() as browser:
        page = await opened(browser, scene, address, size, "light")
        for addresses in pages(scene, candidate).values():
            await page.goto(address + addresses[0])
            await walked(page, addresses[0])


async def walked(page: Page, where: str) -> None:
    """Tab from the skip link to the end: each stop is in the order of the page, seen, and shows that it has the focus."""
    assert await page.evaluate(SMALL) == [], f"{where}: a control is smaller than 24 px"
    await page.keyboard.press("Tab")
    first = await page.evaluate(FOCUS)
    assert "Skip to the content" in first["what"], where
    before, inner = -1, 0
    for _ in range(400):
        stop = await page.evaluate(FOCUS)
        if (
            stop["body"] or stop["at"] < before or stop["at"] == before == first["at"]
        ):  # round the end of the page, through the browser's own controls
            break
        assert (stop["seen"], stop["inside"]) == (True, True), f"{where}: the focus is out of sight: {stop['what']}"
        assert stop["ring"], f"{where}: the focus is not shown on {stop['what']}"
        inner = inner + 1 if stop["at"] == before else 0
        within = (
            MOMENT if 'type="datetime-local"' in stop["what"] else 0
        )  # its day, month, year, hour, ... and calendar
        assert inner <= within or before == -1, f"{where}: the focus is caught at {stop['what']}"
        before = stop["at"]
        await page.keyboard.press("Tab")
    else:
        raise AssertionError(f"{where}: the focus never comes to the end")
    assert before == await page.evaluate(LAST), f"{where}: the focus does not come to the last control"
    await page.goto(page.url)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_function("location.hash === '#main'")
