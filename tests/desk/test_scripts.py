"""Only pages that ask for it run scripts, and then only the desk's own files."""

from starlette.requests import Request

from crisis.clock import SystemClock
from desk.page import Pages


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
    assert live.body.decode().count("<script src=") == live.body.decode().count("<script") == 2


async def test_the_scripts_are_served_to_everybody(scene):
    async with scene.browser() as visitor:
        for name in ("htmx-2.min.js", "ext/hx-sse-2.min.js"):
            answer = await visitor.get(f"/static/htmx/{name}")
            assert answer.status_code == 200
            assert "htmx" in answer.text
