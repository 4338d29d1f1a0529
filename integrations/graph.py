"""What Meta's Graph APIs share: errors by code, whatever their status, pages of lists, removal; no kind by itself.

Promises: a list is read to its end or to what is too old, never to the first empty page alone; what Meta says of things
that are gone and of things it will not show alike is taken for neither.
Codes: https://developers.facebook.com/docs/graph-api/guides/error-handling; pages: .../docs/graph-api/results.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from integrations.http import Answer, Http
from integrations.outcomes import Misconfigured, RateLimited, Refused, Unknown, looking_up
from integrations.rate_limits import DEFAULT_WAIT, regained
from integrations.shapes import an_object

LOOK_BACK = timedelta(hours=24)
"""How far back posts are looked for."""
_CREDENTIALS = frozenset({10, 102, 190, 200, 210, 230, 459, 463, 464, 467})
_LATER = frozenset({4, 17, 32, 613, *range(80000, 80010), 80014})
_NO_ANSWER = frozenset({1, 2})
_NOT_LOADED = 33
"""The subcode of 100 for an object that is gone, or that the token may not see: Meta tells no difference."""
DUPLICATE = 506
PAGES = 20
"""How many pages of a list are read at most."""
_ONWARDS = frozenset({"after", "until", "__paging_token"})
"""What of a next page's address is taken over; never its host, nor a token in it."""


def proof(access_token: str, app_secret: str) -> dict[str, str]:
    """``appsecret_proof``, which apps may require: https://developers.facebook.com/docs/graph-api/guides/secure-requests."""
    if not app_secret:
        return {}
    return {"appsecret_proof": hmac.new(app_secret.encode(), access_token.encode(), hashlib.sha256).hexdigest()}


def code(answer: Answer) -> int:
    """The error's code; 0 when there is none."""
    error = answer.value.get("error") if isinstance(answer.value, dict) else None
    found = error.get("code") if isinstance(error, dict) else None
    return found if isinstance(found, int) else 0


def not_loaded(answer: Answer) -> bool:
    """Whether it says that there is no such object, or that this token may not see or change it."""
    error = answer.value.get("error") if isinstance(answer.value, dict) else None
    subcode = error.get("error_subcode") if isinstance(error, dict) else None
    return answer.status == 404 or (code(answer) == 100 and (subcode == _NOT_LOADED or "does not exist" in answer.says))


def body(answer: Answer) -> dict[str, Any]:
    """The JSON object of a 2xx without an error.

    Raises:
        RateLimited, Misconfigured, Refused, Unknown: as the error's code says.
    """
    number = code(answer)
    if number in _LATER:
        wait = regained(answer.headers) or DEFAULT_WAIT * 10
        raise RateLimited(f"the platform asks to slow down: {answer.says}", datetime.now(UTC) + wait)
    if number in _CREDENTIALS or 200 < number < 300:
        raise Misconfigured(f"{answer.says}. Check the token and its permissions")
    if number in _NO_ANSWER:
        raise Unknown(f"no clear answer: {answer.says}")
    if number:
        raise Refused(f"it was refused: {answer.says}")
    return answer.body()


def made(answer: Answer) -> str:
    """The id of what was made."""
    found = body(answer).get("id")
    if not isinstance(found, str) or not found:
        raise Unknown(f"an answer without an id: {answer.says}")
    return found


def listed(answer: Answer) -> list[dict[str, Any]]:
    """The objects under ``data``, each with an id."""
    data = body(answer).get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) and _is_id(one.get("id")) for one in data):
        raise Unknown(f"an answer without a list: {answer.says}")
    return data


def _is_id(value: Any) -> bool:
    return bool(value) and isinstance(value, str | int) and not isinstance(value, bool)


async def listing(
    http: Http, path: str, params: Mapping[str, str], made: Callable[[dict[str, Any]], datetime] | None = None
) -> list[dict[str, Any]]:
    """All objects of a list, page by page; a page may be empty and not the last.

    ``made`` is given for lists with the newest first: a page of nothing but what is older than ``LOOK_BACK`` is the last.

    Raises:
        Unknown: there are more than ``PAGES``, or no way to the next one; and like ``body``.
    """
    found: list[dict[str, Any]] = []
    oldest = datetime.now(UTC) - LOOK_BACK
    params = dict(params)
    for _ in range(PAGES):
        answer = await http.read(path, params=params)
        page = listed(answer)
        found += page
        onwards = _onwards(answer)
        if not onwards or (made is not None and page and all(made(one) < oldest for one in page)):
            return found
        params |= onwards
    raise Unknown(f"the list has more than {PAGES} pages")


def _onwards(answer: Answer) -> dict[str, str]:
    """By what the next page is asked for; empty on the last one."""
    paging = an_object(answer.body().get("paging"), "paging")
    following = paging.get("next")
    if not following:
        return {}
    after = an_object(paging.get("cursors"), "cursors").get("after")
    if isinstance(after, str) and after:
        return {"after": after}
    try:
        onwards = {n: v for n, v in parse_qsl(urlsplit(str(following)).query) if n in _ONWARDS}
    except ValueError:
        onwards = {}
    if not onwards:
        raise Unknown("the list has another page, and does not say which")
    return onwards


async def remove(
    http: Http,
    number: str,
    lists: Sequence[str],
    params: Mapping[str, str],
    *,
    since: datetime | None = None,
    under: str = "",
) -> None:
    """Delete ``number``, which is in one of the account's own ``lists`` of posts, or among the comments ``under`` one.

    It is gone when it can neither be read nor is in those lists, which reach back a day before ``since`` (UTC; now
    unless given).

    Raises:
        Refused: it is there, and is not deleted.
        Unknown: nobody can tell; and like ``body``.
    """
    answer = await http.write("DELETE", f"/{number}", params=params)
    if not not_loaded(answer):
        if body(answer).get("success") is False:
            raise Unknown(f"it was not deleted: {answer.says}")
        return
    with looking_up():
        there = await _stands(http, number, lists, params, (since or datetime.now(UTC)) - LOOK_BACK, under)
    if there:
        what = "it is still there, and this token may not delete it: mend the token's permissions, or delete it by hand"
        raise Refused(f"{what} ({answer.says})")


async def shown(
    http: Http,
    number: str,
    field: str,
    lists: Sequence[str],
    params: Mapping[str, str],
    *,
    since: datetime,
    under: str = "",
) -> str | None:
    """The text in ``field`` of a post of ours; None when it can neither be read nor is in the account's own ``lists``,
    which reach back a day before ``since`` (UTC), or among the comments ``under`` one.

    Raises:
        Unknown: it is listed and cannot be read; and like ``body``.
    """
    answer = await http.read(f"/{number}", params={"fields": f"id,{field}", **params})
    if not not_loaded(answer):
        return str(body(answer).get(field) or "")
    if await _stands(http, number, lists, params, since - LOOK_BACK, under):
        raise Unknown(f"it is listed, but this token may not read it: {answer.says}")
    return None


async def _stands(
    http: Http, number: str, lists: Sequence[str], params: Mapping[str, str], since: datetime, under: str
) -> bool:
    looked = await http.read(f"/{number}", params={"fields": "id", **params})
    if not not_loaded(looked):
        body(looked)
        return True
    asked = {"fields": "id", "limit": "100", **params}
    sought = {number}
    if under:
        if not_loaded(await http.read(f"/{under}/comments", params=asked)):
            sought.add(under)
        elif number in {str(one["id"]) for one in await listing(http, f"/{under}/comments", asked)}:
            return True
    for path in lists:
        found = await listing(http, path, {**asked, "since": str(int(since.timestamp()))})
        if sought & {str(one["id"]) for one in found}:
            return True
    return False


def since() -> str:
    """The start of ``LOOK_BACK``, in seconds since 1970."""
    return str(int((datetime.now(UTC) - LOOK_BACK).timestamp()))
