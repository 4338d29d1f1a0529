"""Who gets in, what every answer carries, and that hostile text shown on the pages stays text."""

import re
import stat

import httpx
import pytest
from at_the_desk import HOSTILE, Scene

from desk.access import COOKIE, desk_key, desk_link
from desk.guard import TokenBucket
from desk.page import static_address

OWN_SCRIPTS = {
    f'<script src="{address}" defer>'
    for address in (
        "/static/htmx/htmx-2.min.js",
        "/static/htmx/ext/hx-sse-2.min.js",
        static_address("clocks.js"),
        static_address("live.js"),
    )
}
"""All that a page at the desk may run."""
PAGES = ["/", "/sandbox", "/incidents/INC-1", "/incidents/INC-1/chart.svg", "/incidents/INC-1/report", "/nothing"]


@pytest.mark.parametrize("path", PAGES)
async def test_without_the_key_a_page_only_says_how_to_get_in(scene: Scene, path: str) -> None:
    async with scene.browser() as visitor:
        page = await visitor.get(path)
    assert page.status_code == 403
    assert "fireline desk-link" in page.text
    assert "service failure" not in page.text


async def test_the_key_opens_a_session_that_other_sites_cannot_use(scene: Scene) -> None:
    async with scene.browser() as browser:
        page = await browser.get("/incidents/INC-1?key=" + scene.key + "&details=1")
        assert page.status_code == 200
        assert page.headers["refresh"] == "0; url=/incidents/INC-1?details=1"
        assert scene.key not in page.text
        cookie = page.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
        assert scene.key not in cookie
        assert (await browser.get("/incidents/INC-1")).status_code == 200


@pytest.mark.parametrize("given", ["", "guess", "\ud7ff", "é"])
async def test_a_wrong_key_opens_nothing(scene: Scene, given: str) -> None:
    async with scene.browser() as visitor:
        page = await visitor.get("/", params={"key": given})
        assert page.status_code == 403
        assert "set-cookie" not in page.headers
        assert (await visitor.get("/")).status_code == 403


async def test_guessing_keys_is_slowed_and_holds_up_no_right_key(scene: Scene) -> None:
    async with scene.browser() as guesser:
        statuses = [(await guesser.get("/", params={"key": str(n)})).status_code for n in range(12)]
        assert (statuses[0], statuses[-1]) == (403, 429)
        assert (await guesser.get("/", params={"key": scene.key})).status_code == 200


async def test_a_forged_or_foreign_session_is_none(scene: Scene) -> None:
    async with scene.at_the_desk() as browser:
        genuine = browser.cookies[COOKIE]
    for forged in ("", "x", genuine[:-1], genuine + "x", "a.b.c"):
        async with scene.browser(Cookie=f"{COOKIE}={forged}") as visitor:
            assert (await visitor.get("/")).status_code == 403


async def test_a_link_followed_from_webmail_takes_one_step_on_our_own_page(scene: Scene) -> None:
    async with scene.browser() as browser:
        page = await browser.get("/incidents/INC-1", headers={"Sec-Fetch-Site": "cross-site"})
    assert page.headers["refresh"] == "0; url=/incidents/INC-1"
    assert "service failure" not in page.text


async def test_the_way_on_never_leaves_this_desk(scene: Scene) -> None:
    for path in ("//evil.test/", "/\\evil.test", "//evil.test/%2f.."):
        async with scene.browser() as browser:
            page = await browser.send(
                httpx.Request(
                    "GET", f"http://desk.test{path}?key={scene.key}", headers={"Sec-Fetch-Site": "cross-site"}
                )
            )
        assert re.match(r"0; url=/[^/\\]", page.headers["refresh"])


async def test_the_key_is_kept_from_other_users_of_the_machine(scene: Scene) -> None:
    path = scene.here.settings.home / "desk.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(scene.key) >= 40
    assert desk_key(scene.here.settings.home) == scene.key
    assert desk_link(scene.here, "/sandbox") == f"http://127.0.0.1:8420/sandbox?key={scene.key}"


async def test_every_answer_carries_the_security_headers(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene.at_the_desk() as browser:
        answers = [await browser.get(path) for path in [*PAGES, "/healthz", "/static/desk.css", scene.link()]]
        answers += [await browser.post("/ingest"), await browser.post("/")]
        monkeypatch.setattr(scene.here.store, "reading", None)
        answers.append(await browser.get("/"))
    assert answers[-1].status_code == 500
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        live = answer.status_code == 200 and answer.url.path in ("/", "/incidents/INC-1")
        assert re.findall(r"script-src ([^;]*)", policy) == (["'self'"] if live else [])
        assert "unsafe-eval" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        kept = answer.url.path.startswith("/static/")
        assert answer.headers["cache-control"] == ("no-cache" if kept else "no-store")


async def test_a_page_that_breaks_says_so_plainly(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene.at_the_desk() as browser:
        monkeypatch.setattr(scene.here.store, "reading", None)
        page = await browser.get("/")
        health = await browser.get("/healthz")
    assert "Something broke here" in page.text
    assert "Traceback" not in page.text
    assert (health.status_code, health.json()["ok"]) == (503, False)


async def test_the_health_check_is_open_and_tells_nothing(scene: Scene) -> None:
    async with scene.browser() as visitor:
        assert (await visitor.get("/healthz")).json() == {"ok": True}


@pytest.mark.parametrize("path", ["/", "/incidents/INC-1", "/incidents/INC-1?details=1", "/incidents/INC-1/chart.svg"])
async def test_hostile_posts_are_shown_as_text(scene: Scene, path: str) -> None:
    async with scene.at_the_desk() as browser:
        page = (await browser.get(path)).text
    assert set(re.findall(r"<script[^>]*>", page)) <= OWN_SCRIPTS
    assert "<img src=x" not in page
    assert "\u202e" not in page
    assert not re.search(r"(href|src)\s*=\s*[\"']?\s*javascript:", page, re.IGNORECASE)
    assert not re.search(r"\son\w+\s*=", re.sub(r"&lt;.*?&gt;", "", page))
    assert "49" not in re.findall(r"\{\{ 7\*7 \}\}|49(?= A{300})", page)


async def test_hostile_posts_are_on_the_page_at_all(scene: Scene) -> None:
    async with scene.at_the_desk() as browser:
        page = (await browser.get("/incidents/INC-1")).text
    assert "&lt;script&gt;" in page
    assert "[U+202E]gnp.exe" in page
    assert HOSTILE[-50:] in page


def test_a_bucket_refills_with_time_and_forgets_the_quiet() -> None:
    now = [0.0]
    bucket = TokenBucket(burst=2, seconds=10, monotonic=lambda: now[0])
    assert [bucket.take("a") for _ in range(3)] == [True, True, False]
    assert bucket.take("b")
    now[0] = 10
    assert [bucket.take("a") for _ in range(2)] == [True, False]
    for n in range(20_000):
        bucket.take(str(n))
    assert len(bucket._levels) <= 10_001
