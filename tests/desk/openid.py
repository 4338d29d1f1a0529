"""A small provider of OpenID Connect, strict about what OpenID Connect Core 1.0 and RFC 7636 ask of a client, whose
answers can be falsified one by one."""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from desk.server import _Embedded, listen

CLIENT, SECRET = "fireline-desk", "s3cret/with+signs"
KEY = RSAKey.generate_key(2048, {"kid": "one"})


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@dataclass
class Provider:
    """What it knows, and what the next answers are to be instead of the right ones."""

    url: str = ""
    email: str = "ana@example.com"
    claims: dict[str, Any] = field(default_factory=dict)
    """Over the right claims of the next id_token; None leaves one out."""
    metadata: dict[str, Any] = field(default_factory=dict)
    sign: str = ""
    """How the next id_token is signed: ``none``, ``HS256``, ``other`` (a foreign key); empty: rightly."""
    asked: list[dict[str, str]] = field(default_factory=list)
    """Authorization requests, with what each was asked for."""
    wrong: list[str] = field(default_factory=list)
    """What clients did wrong."""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/keys", self._keys),
                Route("/me", self._me),
            ]
        )

    async def _metadata(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/me",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
                "authorization_response_iss_parameter_supported": True,
                **self.metadata,
            }
        )

    async def _authorize(self, request: Request) -> Response:
        """The person is signed in here already, and agrees."""
        asked = dict(request.query_params)
        needed = {"response_type": "code", "client_id": CLIENT, "code_challenge_method": "S256"}
        if not needed.items() <= asked.items() or "openid" not in asked.get("scope", "").split():
            self.wrong.append(f"asked {asked}")
        self.asked.append(asked)
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        back = {"code": code, "state": asked.get("state", ""), "iss": self.url}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", status_code=302)

    async def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        given = base64.b64decode(request.headers.get("authorization", "Basic Og==").partition(" ")[2]).decode()
        client, _, secret = given.partition(":")
        if (unquote_plus(client), unquote_plus(secret)) != (CLIENT, SECRET):
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        asked = self._codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        right = asked is not None and asked["redirect_uri"] == form.get("redirect_uri")
        if not right or asked is None or challenge.rstrip(b"=").decode() != asked["code_challenge"]:
            self.wrong.append("a code that does not fit")
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        token = {"access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": self._id(asked)}
        return JSONResponse(token)

    def _id(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url,
            "sub": "person-1",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 60,
            "nonce": asked.get("nonce"),
            "email": self.email,
            "email_verified": True,
        }
        claims = {name: value for name, value in (claims | self.claims).items() if value is not None}
        if self.sign == "none":
            return f"{_part({'alg': 'none'})}.{_part(claims)}."
        if self.sign == "HS256":  # the public key as the shared one (CVE-2015-9235)
            head = _part({"alg": "HS256", "kid": "one"}) + "." + _part(claims)
            mac = hmac.new(KEY.as_pem(private=False), head.encode(), "sha256").digest()
            return f"{head}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        if self.sign == "other":
            return jwt.encode({"alg": "RS256", "kid": "one"}, claims, RSAKey.generate_key(2048))
        if self.sign == "curve":
            return jwt.encode({"alg": "ES256", "kid": "one"}, claims, ECKey.generate_key("P-256"))
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, KEY)

    async def _keys(self, request: Request) -> Response:
        return JSONResponse({"keys": [KEY.as_dict(private=False) | {"use": "sig", "alg": "RS256"}]})

    async def _me(self, request: Request) -> Response:
        if request.headers.get("authorization") != "Bearer access":
            return JSONResponse({"error": "invalid_token"}, status_code=401)
        return JSONResponse({"sub": "person-1", "email": self.email, "email_verified": True})


@asynccontextmanager
async def serving() -> AsyncIterator[Provider]:
    """The provider on loopback."""
    provider, listener, started = Provider(), listen("127.0.0.1", 0), asyncio.Event()
    provider.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = _Embedded(uvicorn.Config(provider.app(), log_level="error", lifespan="off", ws="none"), started)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await started.wait()
    try:
        yield provider
    finally:
        server.should_exit = True
        await task
