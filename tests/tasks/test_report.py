"""The after-action report stands alone, tells all of it, and shows hostile text without running it."""

import asyncio
import re
import sqlite3
from html.parser import HTMLParser
from pathlib import Path

import pytest
from staged import CORRECTION, HOLDING, HOSTILE, SUBSTANTIVE, at, stage

from crisis.freeze import FreezeState, FrozenPost, ScheduledPost
from crisis.watch import Mention
from records import NotFound
from tasks.documents import HTML, told_of, write_documents
from tasks.installation import Installation
from tasks.report import context


async def report_of(here: Installation, incident: str) -> str:
    """The page alone."""
    shown = context(await told_of(here, incident), here.store.public_key_pem)
    return here.templates.render("report.html.j2", **shown)


VOID = {"meta", "br", "line", "circle", "polyline", "path"}


class Page(HTMLParser):
    """What a browser would make of a page: its elements, its attributes, its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.misplaced: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.misplaced.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    async def write() -> str:
        here, incident = await stage(tmp_path_factory.mktemp("report"))
        try:
            return await report_of(here, incident)
        finally:
            await here.close()

    return Page(asyncio.run(write()))


def test_it_is_well_formed_and_loads_and_runs_nothing(page: Page) -> None:
    assert page.misplaced == []
    assert page.open == []
    assert not {"script", "iframe", "img", "link", "object", "embed", "form", "base"} & set(page.tags)
    assert not [
        a for a in page.attributes if a[1].startswith("on") or a[1] in ("src", "srcset", "action", "formaction")
    ]
    policy = next(v for t, n, v in page.attributes if t == "meta" and n == "content" and "default-src" in v)
    assert policy.startswith("default-src 'none'")


def test_hostile_posts_are_shown_and_do_nothing(page: Page) -> None:
    assert "<script>alert('x')</script><img src=x onerror=alert(1)>" in page.text
    assert "{{ 7*7 }}" in page.text
    assert "49 }}" not in page.text
    assert "\u202e" not in page.text
    assert "\x00" not in page.text
    assert "[U+202E]gnp.exe" in page.text


def test_only_web_addresses_are_links(page: Page) -> None:
    links = [v for t, n, v in page.attributes if t == "a" and n == "href"]
    assert any(link.startswith("https://mastodon.example/") for link in links)
    assert all(link.startswith(("https://", "#")) for link in links)


def test_every_part_of_the_story_is_told(page: Page) -> None:
    text = " ".join(page.text.split())
    for words in (
        # summary and what needs attention
        "On 1 March 2026 at 13:31 UTC an incident about Acme Rail was opened 9 min after the first posts",
        "The first word was public 14 min after the incident opened. 3 statements were published",
        "approved by 2 people, and reached 10 of 12 targets",
        "Update after INC-1-S4 v1: did not come; the target was 1 h",
        "INC-1-S4 v1 was refused by status-page (page-1): 422",
        "INC-1-S4 v1 is not known to have reached newsletter (riders@example.com)",
        "INC-1-S3 v1 relied on INC-1-F3 as confirmed; it has been refuted since",
        "A promise was broken: “Next update by 14:30 UTC”",
        # clocks and norms
        "Crisp 2019, n = 2,000",
        "Freshfields",
        # timeline
        "Ida Okafor, Ana Almeida and Lena Roth told by email",
        "Otto Haas not told",
        "INC-1-S2 v1 returned to its author",
        "nobody approves their own text",
        # decisions, facts, triage, promises
        "This belittles people who have waited for hours",
        "Log of substation 7",
        "passengers are walking on the tracks",
        "412 authors in 15 min, 9.3× the usual 44",
        # proof
        "the ledger holds",
    ):
        assert words in text, words


def test_statements_are_shown_exactly_as_published(page: Page) -> None:
    for published in (HOLDING, SUBSTANTIVE, CORRECTION):
        assert published in page.text
    assert "reconciled" in page.text
    assert "296 + 185 of 300" in page.text
    assert "Only a small number of passengers" not in page.text


def test_the_charts_are_drawn_for_wide_and_narrow_pages_and_for_paper_with_what_we_did(page: Page) -> None:
    assert page.tags.count("svg") == 6  # and for paper
    for mark in ("Detected", "Told", "Holding", "Statement", "Corrected", "Resolved"):
        assert page.words.count(f"{mark} ") == 6, mark


def test_it_fits_a_phone_and_follows_the_reader_s_light(page: Page) -> None:
    assert ("meta", "content", "width=device-width, initial-scale=1") in page.attributes
    assert ("meta", "content", "light dark") in page.attributes


async def test_writing_it_goes_on_record_with_its_hash(tmp_path: Path) -> None:
    here, incident = await stage(tmp_path)
    written = (await write_documents(here, incident, actor="ida@example.com"))[HTML].decode()
    async with here.store.reading() as tx:
        [record] = await tx.ledger.list(kind="report.written", incident=incident)
    await here.close()
    assert record.actor == "ida@example.com"
    assert record.data["bytes"] == len(written.encode())


async def test_an_incident_in_which_nothing_was_said_or_measured_has_a_report_too(tmp_path: Path) -> None:
    here, first = await stage(tmp_path)
    async with here.store.transaction() as tx:
        known = await tx.incidents.get(first)
        bare = await tx.incidents.open(
            watch="acme",
            title="\x00<b>\u202e",
            assessment=known.assessment.model_copy(update={"factors": (), "narratives": ()}),
            opened_at=at(400),
            started_at=at(400),
            actor="unattributed",
        )
        await tx.mentions.relied_on(bare.id, [Mention(id="1", text=HOSTILE * 200, created_at=at(400))])
    told = Page(await report_of(here, bare.id))
    await here.close()
    assert told.misplaced == []
    for words in ("Nothing was said to the public", "Nothing was measured", "Nobody was told", "No promise was made"):
        assert words in told.text


async def test_an_altered_ledger_is_the_report_s_news(tmp_path: Path) -> None:
    here, incident = await stage(tmp_path)
    with sqlite3.connect(tmp_path / "fireline.db") as database:
        for (name,) in database.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            database.execute(f"drop trigger {name}")
        database.execute("update ledger set actor = 'nobody' where seq = 5")
    told = Page(await report_of(here, incident))
    await here.close()
    assert "the ledger does not hold" in told.text
    assert re.search(r"The ledger does not hold: record 5 was altered", told.text)


async def test_an_unknown_incident_is_named(tmp_path: Path) -> None:
    here, _ = await stage(tmp_path)
    with pytest.raises(NotFound, match="INC-99"):
        await report_of(here, "INC-99")
    await here.close()


async def test_scheduled_posts_that_were_held_back_are_told_with_what_became_of_them(tmp_path: Path) -> None:
    here, incident = await stage(tmp_path)
    scheduled = ScheduledPost(id="p1", at=at(600), text=HOSTILE, where="x Acme")
    loose = FrozenPost(
        incident=incident,
        scheduler="marketing",
        post=scheduled,
        state=FreezeState.NOT_FROZEN,
        problem="no API can do it",
        changed_at=at(40),
    )
    try:
        assert "held back" not in Page(await report_of(here, incident)).text
        async with here.store.transaction() as tx:
            await tx.frozen.put(loose, actor="freeze")
        written = Page(await report_of(here, incident))
    finally:
        await here.close()
    assert "Scheduled posts that were held back" in written.text
    assert "no API can do it" in written.text
    assert "script" not in written.tags
    assert "Scheduled post not frozen: x Acme" in written.text
