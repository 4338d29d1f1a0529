"""A news feed and two app stores, on loopback."""

import base64
import json
from email.utils import format_datetime
from html import escape
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from network import Network, Post
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route


class FeedNetwork(Network):
    """RSS 2.0 (https://www.rssboard.org/rss-specification), with an ETag."""

    kind = "feed"
    every = 30.0
    more: ClassVar = {"feed": "/rss?q=acme"}

    def __init__(self) -> None:
        super().__init__()
        self.unchanged = 0

    def routes(self) -> list[BaseRoute]:
        return [Route("/rss", self._feed)]

    async def _feed(self, request: Request) -> Response:
        tag = f'"{len(self.posts)}-{len(self.gone)}-{self.spoilt}"'
        if request.headers.get("if-none-match") == tag:
            self.unchanged += 1
            return Response(status_code=304, headers={"etag": tag})
        items = "".join(self._item(p) for p in self.newest_first())
        items += "<item><pubDate>never</pubDate></item>" if self.spoilt else ""
        xml = f'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>{items}</channel></rss>'
        return Response(xml.encode("utf-8", "replace"), media_type="application/rss+xml", headers={"etag": tag})

    def _item(self, one: Post) -> str:
        text = "".join(c if c.isprintable() or c == "\n" else "?" for c in one.text)
        return (
            f"<item><title>Outage</title><description>{escape(escape(text))}</description>"
            f"<link>https://news.example/{one.number}</link><guid>https://news.example/{one.number}</guid>"
            f"<pubDate>{format_datetime(one.at)}</pubDate><author>{one.author}@news.example (Ana)</author></item>"
        )


class AppStoreNetwork(Network):
    """Customer reviews as JSON: every value in a ``label``; the newest first, 50 a page (here 2)."""

    kind = "app_store"
    every = 60.0
    more: ClassVar = {"app_id": 42, "countries": ["us"], "pages": 10}
    page = 2

    def routes(self) -> list[BaseRoute]:
        return [Route("/us/rss/customerreviews/page={page:int}/id=42/sortby=mostrecent/json", self._reviews)]

    async def _reviews(self, request: Request) -> Response:
        begin = (request.path_params["page"] - 1) * self.page
        entries: list[Any] = [self._entry(p) for p in self.newest_first()[begin : begin + self.page]]
        entries += [{"im:rating": {}}, "?"] if self.spoilt else []
        feed: dict[str, Any] = {"title": {"label": "iTunes Store: Customer Reviews"}}
        if entries:
            feed["entry"] = entries if len(entries) > 1 else entries[0]
        return JSONResponse({"feed": feed})

    def _entry(self, one: Post) -> dict[str, Any]:
        return {
            "author": {"uri": {"label": "https://itunes.apple.com/us/reviews/id1"}, "name": {"label": one.author}},
            "updated": {"label": one.at.isoformat()},
            "im:rating": {"label": "1"},
            "im:version": {"label": "4.2"},
            "id": {"label": str(one.number)},
            "title": {"label": "Broken"},
            "content": {"label": escape(one.text), "attributes": {"type": "text"}},
            "link": {"attributes": {"rel": "related", "href": "https://itunes.apple.com/us/review?id=42"}},
        }


class PlayNetwork(Network):
    """https://developers.google.com/android-publisher/api-ref/rest/v3/reviews: reviews with comments."""

    kind = "play_reviews"
    every = 30.0
    page = 2

    def __init__(self) -> None:
        super().__init__()
        self.valid = "token-1"
        self.tokens = 0
        key = rsa.generate_private_key(65537, 2048)
        self._pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def settings(self) -> dict[str, Any]:
        account = {
            "type": "service_account",
            "client_email": "fireline@example.iam.gserviceaccount.com",
            "private_key_id": "k1",
            "private_key": self._pem,
            "token_uri": f"{self.url}/oauth-token",
        }
        return {**super().settings, "package": "com.acme.app", "service_account": json.dumps(account)}

    def routes(self) -> list[BaseRoute]:
        reviews = Route("/androidpublisher/v3/applications/com.acme.app/reviews", self._reviews)
        return [Route("/oauth-token", self._token, methods=["POST"]), reviews]

    async def _token(self, request: Request) -> Response:
        assertion = (await request.form())["assertion"]
        head, claims, _ = str(assertion).split(".")
        assert json.loads(base64.urlsafe_b64decode(head + "=="))["alg"] == "RS256"
        assert json.loads(base64.urlsafe_b64decode(claims + "=="))["aud"] == f"{self.url}/oauth-token"
        self.tokens += 1
        return JSONResponse({"access_token": self.valid, "expires_in": 3599, "token_type": "Bearer"})

    async def _reviews(self, request: Request) -> Response:
        if request.headers["authorization"] != f"Bearer {self.valid}":
            return JSONResponse({"error": {"code": 401, "status": "UNAUTHENTICATED"}}, 401)
        begin = int(request.query_params.get("token", "0"))
        shown = self.newest_first()[begin : begin + self.page]
        body: dict[str, Any] = {"reviews": [self._review(p) for p in shown] + ([None, {}] if self.spoilt else [])}
        if begin + self.page < len(self.newest_first()):
            body["tokenPagination"] = {"nextPageToken": str(begin + self.page)}
        return JSONResponse(body)

    def _review(self, one: Post) -> dict[str, Any]:
        modified = {"seconds": str(int(one.at.timestamp())), "nanos": 0}
        user = {"text": f"\t{one.text}", "lastModified": modified, "starRating": 1, "reviewerLanguage": "en"}
        return {"reviewId": f"gp:{one.number}", "authorName": one.author, "comments": [{"userComment": user}]}
