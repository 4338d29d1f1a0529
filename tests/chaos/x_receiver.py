"""X's API v2 as far as an account that posts needs it: OAuth 1.0a checked, links replaced, duplicates refused.

After https://docs.x.com/x-api/posts/create-post, .../delete-post and https://docs.x.com/x-api/users/get-posts.
"""

import html
from datetime import UTC, datetime
from typing import Any

from counting_http import HttpReceiver
from oauthlib.oauth1 import RequestValidator, ResourceEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from twitter_text import extract_urls

KEYS = {"api_key": "app1", "api_key_secret": "app-secret", "access_token": "acme1", "access_token_secret": "right"}
USER = "2244994945"


class _Validator(RequestValidator):  # type: ignore[misc]
    """Knows one app and one account."""

    enforce_ssl = False
    client_key_length = access_token_length = nonce_length = (1, 99)
    dummy_client = dummy_access_token = "nobody"

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return KEYS["api_key_secret"]

    def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
        return KEYS["access_token_secret"]

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == KEYS["api_key"]

    def validate_access_token(self, client_key: str, token: str, request: Any) -> bool:
        return token == KEYS["access_token"]

    def validate_timestamp_and_nonce(self, *_: Any, **__: Any) -> bool:
        return True

    def validate_realms(self, *_: Any, **__: Any) -> bool:
        return True


class XReceiver(HttpReceiver):
    """Reconcile by marker: no key, so the timeline tells. ``refuses_doubles`` off: it takes the same text twice."""

    def __init__(self, *, refuses_doubles: bool = True) -> None:
        super().__init__()
        self.refuses_doubles = refuses_doubles
        self.tweets: dict[str, dict[str, Any]] = {}
        self._endpoint = ResourceEndpoint(_Validator())

    def routes(self) -> list[Route]:
        return [
            Route("/2/users/me", self._signed(self._me)),
            Route("/2/users/{id}/tweets", self._signed(self._timeline)),
            Route("/2/tweets", self._signed(self._post), methods=["POST"]),
            Route("/2/tweets/{id}", self._signed(self._remove), methods=["DELETE"]),
        ]

    def _signed(self, answer: Any) -> Any:
        async def checked(request: Request) -> Response:
            valid, _ = self._endpoint.validate_protected_resource_request(
                str(request.url), request.method, None, dict(request.headers), []
            )
            if not valid:
                return _problem(401, "Unauthorized", "Unauthorized")
            response: Response = await answer(request)
            return response

        return checked

    async def _me(self, request: Request) -> Response:
        return JSONResponse({"data": {"id": USER, "name": "Acme", "username": "acme"}})

    async def _timeline(self, request: Request) -> Response:
        newest = sorted(self.tweets.values(), key=lambda t: int(t["id"]), reverse=True)
        since = request.query_params["start_time"]
        start = int(request.query_params.get("pagination_token", "0"))
        size = int(request.query_params["max_results"])
        found = [t for t in newest if t["created_at"] >= since]
        page, more = found[start : start + size], start + size < len(found)
        meta = {"result_count": len(page)} | ({"next_token": str(start + size)} if more else {})
        return JSONResponse({"data": page, "meta": meta} if page else {"meta": meta})

    async def _post(self, request: Request) -> Response:
        asked = await request.json()
        text = asked["text"]
        answered = (asked.get("reply") or {}).get("in_reply_to_tweet_id")
        if answered and answered not in self.tweets:
            return _problem(
                403, "Forbidden", "You attempted to reply to a Tweet that is deleted or not visible to you."
            )
        if self.refuses_doubles and any(t["_said"] == (text, answered) for t in self.tweets.values()):
            return _problem(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.")
        self.created.append(text)
        post_id = str(10**18 + next(self._ids))
        urls = [{"url": f"https://t.co/{n}{post_id[-6:]}", "expanded_url": u} for n, u in enumerate(extract_urls(text))]
        shown = text
        for url in urls:
            shown = shown.replace(url["expanded_url"], url["url"], 1)
        self.tweets[post_id] = {
            "id": post_id,
            "text": html.escape(shown, quote=False),
            "created_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "entities": {"urls": urls},
            "_said": (text, answered),
        } | ({"referenced_tweets": [{"type": "replied_to", "id": answered}]} if answered else {})
        return JSONResponse({"data": {"id": post_id, "text": shown, "edit_history_tweet_ids": [post_id]}}, 201)

    async def _remove(self, request: Request) -> Response:
        self.tweets.pop(request.path_params["id"], None)
        return JSONResponse({"data": {"deleted": True}})


def _problem(status: int, title: str, detail: str) -> Response:
    return JSONResponse({"title": title, "detail": detail, "type": "about:blank", "status": status}, status)
