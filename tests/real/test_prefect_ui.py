"""A communications person, a real browser and the real Prefect: a response started and approved by hand in its pages.

Takes about two minutes. Set ``FIRELINE_SCREENSHOTS`` to a folder to keep pictures of the pages.
"""

import json
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pyotp
import pytest
from acme import ANA, IDA
from playwright.sync_api import Locator, Page, expect, sync_playwright
from stack import Stack, running, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CHROMIUM = "/usr/bin/chromium"
expect.set_options(timeout=60_000)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * 127.0.0.1",
]
CHANNELS = ["customer-list", "newsroom-bluesky", "newsroom-mastodon", "status-page"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = tmp_path_factory.mktemp("fireline")
    with running(home) as started:
        yield started


@pytest.fixture
def page(stack: Stack) -> Iterator[Page]:
    """A browser that is logged in to the Prefect UI."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        fresh = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
        fresh.set_default_timeout(60_000)
        log_in(fresh, stack)
        yield fresh
        picture(fresh, "last")
        browser.close()


def log_in(page: Page, stack: Stack) -> None:
    page.goto(stack.ui)
    page.get_by_placeholder("admin:pass").fill(stack.auth)
    page.get_by_role("button", name="Login").click()
    expect(page.get_by_role("link", name="Deployments").first).to_be_visible()


def picture(page: Page | Locator, name: str) -> None:
    if folder := os.environ.get("FIRELINE_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def choose(page: Page | Locator, what: str, wanted: str) -> None:
    """Pick one of the choices of a question, and wait until they are gone from over the form."""
    page.get_by_label(f"Select {what}").click()
    options = (page if isinstance(page, Page) else page.page).get_by_role("option")
    options.filter(has_text=re.compile(f"^{wanted}$")).click()
    expect(options).to_have_count(0)


def open_resume(page: Page, stack: Stack, run_id: str) -> Locator:
    """The form of a suspended run, as people reach it: the run's page, its menu, Resume."""
    page.goto(f"{stack.ui}/runs/flow-run/{run_id}")
    expect(page.get_by_text("Suspended").first).to_be_visible()
    page.get_by_role("button", name="Open menu").first.click()
    page.get_by_role("menuitem", name="Resume").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Your decision")).to_be_visible()
    return dialog


def fill(dialog: Locator, decision: str, code: str, *, reason: str = "-") -> None:
    choose(dialog, "Your decision", decision)
    dialog.get_by_label("Your e-mail address").fill(ANA)
    dialog.get_by_label("The role in which you decide").fill("comms")
    dialog.get_by_label("Your one-time code").fill(code)
    dialog.get_by_label("Your reason").fill(reason)


def suspended_again(stack: Stack, run_id: str, than: dict[str, Any]) -> dict[str, Any]:
    """The run once it waits with another form than before."""
    return wait_for(
        lambda: (
            (found := stack.run(run_id))["state"]["name"] == "Suspended"
            and found["state"]["id"] != than["state"]["id"]
            and found
        ),
        "the run asks again",
    )


def published(stack: Stack, incident: str) -> list[str]:
    """Channels that carry a statement of an incident, one entry a post."""
    with sqlite3.connect(f"file:{stack.home}/fireline.db?mode=ro", uri=True) as records:
        rows = records.execute("select id from deliveries where incident = ? and purpose = 'statement'", (incident,))
        keys = {row[0] for row in rows}
    return sorted(p.rendering.target.channel for p in stack.posts() if p.key in keys)


def ledger(stack: Stack, kind: str, incident: str) -> list[dict[str, Any]]:
    with sqlite3.connect(f"file:{stack.home}/fireline.db?mode=ro", uri=True) as records:
        rows = records.execute(
            "select actor, via, reason, data from ledger where kind = ? and incident = ? order by seq", (kind, incident)
        )
        return [{"actor": a, "via": v, "reason": r, "data": json.loads(d)} for a, v, r, d in rows]


def test_a_response_is_started_and_approved_by_hand_in_the_prefect_ui(stack: Stack, page: Page) -> None:
    code = pyotp.TOTP(parse_qs(urlparse(stack.cli("enrol", ANA)[0]["otpauth"]).query)["secret"][0])

    # The form asks in words, every question explained, choices to choose from.
    page.goto(f"{stack.ui}/deployments")
    page.get_by_role("link", name="respond", exact=True).first.click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Custom run").click()
    for question in (
        "What has happened",
        "What is affected",
        "What kind of crisis it is",
        "How bad it is",
        "Your e-mail address",
        "Incident",
    ):
        expect(page.get_by_text(f"{question} (Optional)", exact=True)).to_be_visible()
    expect(page.get_by_text("SEV1: people may come to harm")).to_be_visible()
    assert "DESIGN" not in page.inner_text("body")
    page.get_by_label("What has happened").fill("Card payments fail in all shops")
    choose(page, "What kind of crisis it is", "service_failure")
    choose(page, "How bad it is", "SEV2")
    page.get_by_label("Your e-mail address").fill(IDA)
    picture(page, "prefect-start-a-response")
    page.get_by_role("button", name="Submit").click()
    expect(page).not_to_have_url(re.compile("/run\\b"))

    # It runs up to its question, and is named after what it opened.
    run = wait_for(
        lambda: next((r for r in stack.runs("respond") if r["state"]["name"] == "Suspended"), None), "it waits"
    )
    assert run["name"] == "INC-1 · SEV2 · respond"
    assert "incident:INC-1" in run["tags"]
    [opened] = ledger(stack, "incident.opened", "INC-1")
    assert opened["actor"] == f"unattributed (says {IDA})", "nobody is taken at their word"

    # An empty form is not taken, nor an empty resume that passes by the form.
    dialog = open_resume(page, stack, run["id"])
    expect(dialog).to_contain_text("We know that Acme is not working as it should")
    expect(dialog).to_contain_text("It goes to newsroom-mastodon, newsroom-bluesky, status-page, customer-list")
    picture(page, "prefect-approve-a-statement")
    dialog.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("'decision' is a required property")).to_be_visible()
    for answer in ({}, {"run_input": {}}, {"run_input": {"decision": "approve"}}):
        assert stack.ask("POST", f"flow_runs/{run['id']}/resume", answer)["status"] == "REJECT"
    assert stack.run(run["id"])["state"]["name"] == "Suspended"
    assert ledger(stack, "approval.form", "INC-1") == []

    # A wrong code decides nothing, and the next form says so.
    dialog = open_resume(page, stack, run["id"])
    fill(dialog, "approve", f"{(int(code.now()) + 1) % 1_000_000:06}")
    dialog.get_by_role("button", name="Resume").click()
    run = suspended_again(stack, run["id"], run)
    [refused] = ledger(stack, "approval.form", "INC-1")
    assert "the one-time code is wrong" in refused["reason"]
    assert published(stack, "INC-1") == []
    dialog = open_resume(page, stack, run["id"])
    expect(dialog).to_contain_text("What came of the last form (ana@example.com): the one-time code is wrong")

    # The right one approves: published once on every channel, decided on record by this route, and the run ends.
    fill(dialog, "approve", code.now())
    dialog.get_by_text("Your decision").scroll_into_view_if_needed()
    dialog.get_by_role("button", name="Resume").click()
    wait_for(lambda: stack.run(run["id"])["state"]["type"] == "COMPLETED", "the run ends")
    assert published(stack, "INC-1") == CHANNELS
    [decision] = ledger(stack, "decision.made", "INC-1")
    assert (decision["actor"], decision["via"]) == (ANA, "prefect_ui")
    assert len(ledger(stack, "statement.published", "INC-1")) == 1
    assert len([r for r in stack.runs("respond") if "incident:INC-1" in r["tags"]]) == 1
    [incident] = [i for i in stack.cli("incidents") if i["id"] == "INC-1"]
    assert incident["state"] == "monitoring"


def test_the_prefect_ui_shows_what_is_known_of_an_incident(page: Page, stack: Stack) -> None:
    run = wait_for(
        lambda: next((r for r in stack.runs("respond") if "incident:INC-1" in r["tags"]), None), "a response"
    )
    shown = {
        a["key"]: a
        for a in stack.ask("POST", "artifacts/latest/filter", {"artifacts": {"key": {"like_": "incident-1-"}}})
    }
    assert sorted(shown) == ["incident-1-assessment", "incident-1-desk", "incident-1-timeline", "incident-1-volume"]
    page.goto(f"{stack.ui}/runs/flow-run/{run['id']}?tab=Artifacts")
    expect(page.get_by_text("incident-1-timeline").first).to_be_visible()
    page.goto(f"{stack.ui}/artifacts/artifact/{shown['incident-1-timeline']['latest_id']}")
    expect(page.get_by_test_id("table-display").get_by_text("Incident opened as SEV2")).to_be_visible()
    page.goto(f"{stack.ui}/artifacts/artifact/{shown['incident-1-assessment']['latest_id']}")
    expect(page.get_by_text("INC-1: SEV2").first).to_be_visible()
    page.goto(f"{stack.ui}/artifacts/artifact/{shown['incident-1-volume']['latest_id']}")
    chart = page.locator("img[src^='data:image/svg+xml']")
    expect(chart).to_be_visible()
    assert chart.evaluate("image => image.complete && image.naturalWidth") > 300


def test_a_report_that_says_too_little_is_refused_at_once_and_says_what_to_add(stack: Stack) -> None:
    deployment = stack.ask("GET", "deployments/name/respond/respond")["id"]
    run = stack.ask("POST", f"deployments/{deployment}/create_flow_run", {"parameters": {"severity": "SEV1"}})
    ended = wait_for(lambda: (r := stack.run(run["id"]))["state"]["type"] == "FAILED" and r, "it fails")
    assert "say in one line what has happened" in ended["state"]["message"]
