"""Posts of X's API v2 as mentions, and recent search read forward. https://docs.x.com/x-api/posts/search-recent-posts

Authors and their followers come by expansion. Texts arrive with ``&``, ``<`` and ``>`` escaped; long posts carry their
whole text in ``note_tweet``. Recent search reaches back seven days, newest first, 100 a page.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from crisis.entities import unescaped
from crisis.watch import Mention
from integrations.http import Answer
from integrations.listening import MOST_BACKLOG, Pulse
from integrations.outcomes import Misconfigured
from integrations.posts import post

NETWORK = "x"
PAGE = 100
SEARCH = "/2/tweets/search/recent"
FIELDS = {
    "tweet.fields": "created_at,lang,public_metrics,note_tweet,referenced_tweets",
    "expansions": "author_id",
    "user.fields": "username,public_metrics",
}
"""What is asked for beside id and text."""
_NO_LANGUAGE = ("und", "zxx", "qme", "qst", "qht")
FIRST = timedelta(minutes=15)
"""How far back a first search looks."""

Ask = Callable[..., Awaitable[Answer]]


def x_mention(tweet: Any, users: dict[str, dict[str, Any]]) -> Mention | None:
    """The mention of a post, given its answer's users by id."""
    if not isinstance(tweet, dict):
        return None
    author, metrics = users.get(str(tweet.get("author_id")), {}), _object(tweet.get("public_metrics"))
    name, number = author.get("username"), tweet.get("id")
    note, text = _object(tweet.get("note_tweet")).get("text"), tweet.get("text")
    words = note if isinstance(note, str) else text
    return post(
        source=NETWORK,
        id=number,
        text=unescaped(words) if isinstance(words, str) else "",
        created_at=tweet.get("created_at"),
        author=name or tweet.get("author_id", ""),
        url=f"https://x.com/{name or 'i'}/status/{number}",
        language=tweet.get("lang") if tweet.get("lang") not in _NO_LANGUAGE else "",
        reposts=_count(metrics, "retweet_count") + _count(metrics, "quote_count"),
        replies=metrics.get("reply_count"),
        followers=_object(author.get("public_metrics")).get("followers_count"),
        in_reply_to=_referenced(tweet, "replied_to"),
        quotes=_referenced(tweet, "quoted"),
    )


def _referenced(tweet: dict[str, Any], how: str) -> Any:
    """The id of the post that this one answers (``replied_to``) or quotes (``quoted``)."""
    named = tweet.get("referenced_tweets")
    of = (_object(one) for one in named) if isinstance(named, list) else ()
    return next((one.get("id") for one in of if one.get("type") == how), "")


def users_of(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The expanded users of an answer, by id."""
    users = _object(body.get("includes")).get("users")
    return {str(u.get("id")): u for u in users if isinstance(u, dict)} if isinstance(users, list) else {}


def since(cursor: str) -> int:
    """The number of the last post. Raises ``Misconfigured`` when the cursor is none."""
    if not re.fullmatch(r"[0-9]{1,19}", cursor):
        raise Misconfigured(f"{cursor[:40]!r} is no cursor of X; start it without one")
    return int(cursor)


async def recent(ask: Ask, pulse: Pulse, query: str, cursor: str, *, page: int = PAGE) -> list[tuple[str, Mention]]:
    """Everything after ``cursor`` (or of the last minutes), oldest first, each with its number.

    Raises:
        as ``Http.read`` and ``Answer.body``.
    """
    params = {"query": query, "max_results": str(page), "sort_order": "recency", **FIELDS}
    params |= {"since_id": str(since(cursor))} if cursor else {"start_time": _ago(FIRST)}
    found: dict[int, Mention] = {}
    for _ in range(MOST_BACKLOG // page):
        answer = await ask(SEARCH, params=params)
        if answer.status == 400 and "since_id" in params and "since_id" in answer.says:
            # The post is older than search reaches: take all that there is.
            del params["since_id"]
            params["start_time"] = _ago(timedelta(days=7) - timedelta(minutes=1))
            pulse.gap("X's search reaches back seven days: older posts are lost")
            continue
        body = answer.body()
        users, tweets = users_of(body), body.get("data")
        for tweet in tweets if isinstance(tweets, list) else []:
            mention = x_mention(tweet, users)
            if mention is not None and mention.id.isdigit():
                found[int(mention.id)] = mention
        token = _object(body.get("meta")).get("next_token")
        if not isinstance(token, str) or not token:
            break
        params["next_token"] = token
    else:
        pulse.gap(f"more than {MOST_BACKLOG:,} posts were missed at once: the oldest of them are lost")
    return [(str(number), found[number]) for number in sorted(found)]


def _ago(span: timedelta) -> str:
    return f"{datetime.now(UTC) - span:%Y-%m-%dT%H:%M:%SZ}"


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(metrics: dict[str, Any], name: str) -> int:
    value = metrics.get(name)
    return value if isinstance(value, int) else 0
