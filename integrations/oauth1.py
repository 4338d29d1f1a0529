"""OAuth 1.0a (RFC 5849): every request is signed with the app's and the account's secrets."""

import logging
from collections.abc import Generator

import httpx
from oauthlib.oauth1 import Client

logging.getLogger("oauthlib").setLevel(logging.WARNING)  # it logs keys and tokens


class OAuth1(httpx.Auth):
    """Signs requests by HMAC-SHA1. Bodies that are no forms are not part of the signature (RFC 5849, 3.4.1.3)."""

    def __init__(self, key: str, key_secret: str, token: str, token_secret: str) -> None:
        self._client = Client(key, key_secret, token, token_secret)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        _, headers, _ = self._client.sign(str(request.url), http_method=request.method)
        request.headers["Authorization"] = headers["Authorization"]
        yield request
