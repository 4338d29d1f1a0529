"""X's API v2 as far as an account that posts needs it: OAuth 1.0a checked, links replaced, duplicates refused.

After https://docs.x.com/x-api/posts/create-post, .../delete-post and https://docs.x.com/x-api/users/get-posts.
"""

import base64
import hashlib
import html
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

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


CLIENT = {"client_id": "acme-app"}


class XReceiver(HttpReceiver):
    """Reconcile by marker: no key, so the timeline tells. ``refuses_doubles`` off: it takes the same text twice.

    By OAuth 2.0 a refresh token works once, and a code only with the verifier whose challenge the address carried.
    """

    unharmed = ("/2/oauth2/token", "/media/upload", "/media/metadata")

    def __init__(self, *, refuses_doubles: bool = True) -> None:
        super().__init__()
        self.refuses_doubles = refuses_doubles
        self.tweets: dict[str, dict[str, Any]] = {}
        self.challenges: dict[str, str] = {}
        """Codes that were given out, and the challenge that came with each consent."""
        self.good: dict[str, list[str]] = {"access": [], "refresh": []}
        self.lives = 7200
        self._endpoint = ResourceEndpoint(_Validator())

    def routes(self) -> list[Route]:
        return [
            Route("/2/oauth2/token", self._token, methods=["POST"]),
            Route("/2/users/me", self._signed(self._me)),
            Route("/2/users/{id}/tweets", self._signed(self._timeline)),
            Route("/2/media/upload", self._signed(self._upload), methods=["POST"]),
            Route("/2/media/metadata", self._signed(self._describe), methods=["POST"]),
            Route("/2/tweets", self._signed(self._several), methods=["GET"]),
            Route("/2/tweets", self._signed(self._post), methods=["POST"]),
            Route("/2/tweets/{id}", self._signed(self._remove), methods=["DELETE"]),
        ]

    def _signed(self, answer: Any) -> Any:
        async def checked(request: Request) -> Response:
            given = request.headers.get("authorization", "")
            if given.startswith("Bearer "):
                if given.removeprefix("Bearer ") not in self.good["access"]:
                    return _problem(401, "Unauthorized", "Unauthorized")
                by_token: Response = await answer(request)
                return by_token
            valid, _ = self._endpoint.validate_protected_resource_request(
                str(request.url), request.method, None, dict(request.headers), []
            )
            if not valid:
                return _problem(401, "Unauthorized", "Unauthorized")
            response: Response = await answer(request)
            return response

        return checked

    def consent(self, address: str) -> str:
        """What a browser does at the address to visit: the address to which it is sent back."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert query["client_id"] == CLIENT["client_id"]
        assert {"tweet.write", "offline.access"} <= set(query["scope"].split())
        code = f"code-{next(self._ids)}"
        self.challenges[code] = query["code_challenge"]
        return f"{query['redirect_uri']}?{urlencode({'state': query['state'], 'code': code})}"

    def tokens(self) -> dict[str, Any]:
        """A new pair; the old access token still works, the old refresh token does not."""
        access, refresh = (f"{kind}-{next(self._ids)}" for kind in ("access", "refresh"))
        self.good["access"].append(access)
        self.good["refresh"][:] = [refresh]
        return {
            "token_type": "bearer",
            "expires_in": self.lives,
            "access_token": access,
            "refresh_token": refresh,
            "scope": "tweet.read tweet.write users.read offline.access",
        }

    async def _token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        invalid = JSONResponse(
            {"error": "invalid_grant", "error_description": "Value passed for the token was invalid."}, 400
        )
        if form.get("client_id") != CLIENT["client_id"]:
            return JSONResponse({"error": "unauthorized_client"}, 401)
        if form["grant_type"] == "refresh_token":
            return JSONResponse(self.tokens()) if form["refresh_token"] in self.good["refresh"] else invalid
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return JSONResponse(self.tokens()) if self.challenges.pop(form["code"], "") == challenge else invalid

    async def _upload(self, request: Request) -> Response:
        async with request.form() as form:
            if form["media_category"] != "tweet_image":
                return _problem(400, "Invalid Request", "One or more parameters to your request was invalid.")
            content = await form["media"].read()  # type: ignore[union-attr]
        media_id = str(1146654567674912000 + next(self._ids))
        self.uploaded[media_id] = (content, "")
        told = {"id": media_id, "media_key": f"3_{media_id}", "size": len(content), "expires_after_secs": 86400}
        return JSONResponse({"data": told})

    async def _describe(self, request: Request) -> Response:
        asked = await request.json()
        text = asked["metadata"]["alt_text"]["text"]
        self.uploaded[asked["id"]] = (self.uploaded[asked["id"]][0], text)
        return JSONResponse({"data": {"id": asked["id"], "associated_metadata": {"alt_text": {"text": text}}}})

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

    async def _several(self, request: Request) -> Response:
        ids = request.query_params["ids"].split(",")
        data = [{n: v for n, v in self.tweets[i].items() if n != "_said"} for i in ids if i in self.tweets]
        kind = "https://api.twitter.com/2/problems/resource-not-found"
        errors = [{"value": i, "title": "Not Found Error", "type": kind} for i in ids if i not in self.tweets]
        return JSONResponse(({"data": data} if data else {}) | ({"errors": errors} if errors else {}))

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
        media_ids = (asked.get("media") or {}).get("media_ids") or []
        if not self.show(media_ids):
            return _problem(400, "Invalid Request", "Your media IDs are invalid.")
        self.created.append(text)
        post_id = str(10**18 + next(self._ids))
        urls = [{"url": f"https://t.co/{n}{post_id[-6:]}", "expanded_url": u} for n, u in enumerate(extract_urls(text))]
        shown = text
        for url in urls:
            shown = shown.replace(url["expanded_url"], url["url"], 1)
        if media_ids:
            urls.append({"url": f"https://t.co/m{post_id[-6:]}", "expanded_url": "https://x.com/acme/status/1/photo/1"})
            shown += f" {urls[-1]['url']}"
        self.tweets[post_id] = {
            "id": post_id,
            "text": html.escape(shown, quote=False),
            "created_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "entities": {"urls": urls},
            "_said": (text, answered),
            "attachments": {"media_keys": [f"3_{i}" for i in media_ids]},
        } | ({"referenced_tweets": [{"type": "replied_to", "id": answered}]} if answered else {})
        return JSONResponse({"data": {"id": post_id, "text": shown, "edit_history_tweet_ids": [post_id]}}, 201)

    async def _remove(self, request: Request) -> Response:
        self.tweets.pop(request.path_params["id"], None)
        return JSONResponse({"data": {"deleted": True}})


def _problem(status: int, title: str, detail: str) -> Response:
    return JSONResponse({"title": title, "detail": detail, "type": "about:blank", "status": status}, status)
