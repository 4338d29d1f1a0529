"""Only pages that ask for it run scripts, and then only the desk's own files."""

import re

from starlette.requests import Request
from test_desk_access import OWN_SCRIPTS

from crisis.clock import SystemClock
from desk.page import FOLDER, Pages, static_address


def page(live: bool):
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""})
    context = {"title": "t", "says": "s", "advice": ""}
    return Pages("Acme", SystemClock()).show(request, "notice.html", context, live=live)


def test_a_page_runs_no_scripts_by_itself():
    plain = page(live=False)
    assert "<script" not in plain.body.decode()
    assert "content-security-policy" not in plain.headers  # the middleware's, which allows none


def test_a_live_page_may_run_the_desks_own_files_only():
    live = page(live=True)
    policy = live.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src 'self'; connect-src 'self'" in policy
    assert "unsafe" not in policy
    assert set(re.findall(r"<script[^>]*>", live.body.decode())) == OWN_SCRIPTS


async def test_the_scripts_are_served_to_everybody(scene):
    async with scene.browser() as visitor:
        for name in ("htmx-2.min.js", "ext/hx-sse-2.min.js"):
            answer = await visitor.get(f"/static/htmx/{name}")
            assert answer.status_code == 200
            assert "htmx" in answer.text


async def test_files_whose_address_names_their_version_are_kept_for_good(scene):
    async with scene.browser() as visitor:
        named = await visitor.get(static_address("live.js"))
        assert "immutable" in named.headers["cache-control"]
        plain = await visitor.get("/static/live.js")
        assert plain.headers["cache-control"] == "no-cache"
        again = await visitor.get("/static/live.js", headers={"if-none-match": plain.headers["etag"]})
        assert again.status_code == 304


def test_no_script_of_ours_is_inline_or_makes_code_of_text():
    folder = FOLDER / "static"
    for name in ("live.js", "clocks.js"):
        text = (folder / name).read_text()
        assert not re.search(r"innerHTML\s*=|insertAdjacentHTML|eval\(|new Function|document\.write", text)
