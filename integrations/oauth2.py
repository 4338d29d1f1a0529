"""OAuth 2.0 with PKCE (RFC 6749, RFC 7636): an account's consent, and tokens that are renewed before they run out.

Renewal comes before a request, so what goes wrong with it has sent nothing. Some platforms replace the refresh token
with every renewal: the new pair is kept at once, where every process finds it. When two processes renew at the same
time, one is refused, and takes what the other has kept.
"""

import asyncio
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from oauthlib.oauth2 import WebApplicationClient
from pydantic import Field, SecretStr, ValidationError, field_serializer

from crisis.values import Frozen, UtcDatetime
from integrations.http import Answer, Connection, Http
from integrations.outcomes import IntegrationError, Misconfigured, Refused

logger = logging.getLogger(__name__)

EARLY = (120.0, 600.0)
"""Seconds before its end at which a token is renewed: each process picks its own, so that they seldom meet."""
LOOKS = 5
"""How often a refused renewal looks whether another process has kept a newer pair."""
CONSENT = "ask for consent again: fireline authorize"


@dataclass(frozen=True)
class Grant:
    """How a platform gives tokens: class data of a kind."""

    authorize_url: str
    tokens_at: str
    scopes: tuple[str, ...]
    source: str
    """The page that says so."""


class Tokens(Frozen):
    """An access token and what renews it. Written as JSON, it is a secret."""

    access_token: SecretStr
    refresh_token: SecretStr = SecretStr("")
    expires_at: UtcDatetime
    scopes: tuple[str, ...] = Field(default=())

    @field_serializer("access_token", "refresh_token", when_used="json")
    def _shown(self, value: SecretStr) -> str:
        return value.get_secret_value()


class Keeper(Protocol):
    """Where an account's tokens are kept, for every process that uses it."""

    async def load(self) -> str:
        """The newest pair as JSON; empty when there is none."""
        ...

    async def keep(self, tokens: str) -> None: ...


_keeper: ContextVar[Keeper | None] = ContextVar("keeper", default=None)


@contextmanager
def keeping(keeper: Keeper) -> Iterator[None]:
    """Connections made inside keep renewed tokens with ``keeper``."""
    token = _keeper.set(keeper)
    try:
        yield
    finally:
        _keeper.reset(token)


class Consent:
    """One account's consent, from the address to visit to the first tokens."""

    def __init__(self, grant: Grant, client_id: str, redirect_uri: str) -> None:
        self._client = WebApplicationClient(client_id)
        self._grant, self._redirect_uri = grant, redirect_uri
        self._verifier = self._client.create_code_verifier(64)
        self._state = self._client.create_code_verifier(43)

    @property
    def address(self) -> str:
        """Where the account's owner gives consent."""
        challenge = self._client.create_code_challenge(self._verifier, "S256")
        return str(
            self._client.prepare_request_uri(
                self._grant.authorize_url,
                redirect_uri=self._redirect_uri,
                scope=list(self._grant.scopes),
                state=self._state,
                code_challenge=challenge,
                code_challenge_method="S256",
            )
        )

    def code(self, redirected_to: str) -> str:
        """The code in the address to which the platform sent the browser back.

        Raises:
            Refused: consent was not given, or the address belongs to another request.
        """
        given = {name: values[0] for name, values in parse_qs(urlsplit(redirected_to).query).items()}
        if given.get("state") != self._state:
            raise Refused("that address belongs to another request: begin again with the address shown last")
        if "error" in given:
            raise Refused(f"consent was not given ({given['error'][:80]})")
        if not given.get("code"):
            raise Refused("there is no code in that address: copy it whole, from the browser's address line")
        return given["code"]

    def form(self, code: str) -> dict[str, str]:
        """What buys the tokens for the code."""
        return {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": self._verifier,
        }


class TokenDesk:
    """A platform's token endpoint, asked by one app."""

    def __init__(self, service: str, settings: Connection, grant: Grant, client_id: str, client_secret: str) -> None:
        self._auth = (client_id, client_secret) if client_secret else None
        self._http = Http(service, settings, auth=self._auth)
        self._grant, self._client_id = grant, client_id

    async def ask(self, form: dict[str, str]) -> Tokens:
        """Tokens for a code or a refresh token; ``form`` is the body's fields.

        Raises:
            Refused: the code or refresh token is not (or no longer) good. Misconfigured: the app's credentials are not.
            RateLimited, Unreachable, Unknown: as any write.
        """
        if self._auth is None:
            form = {**form, "client_id": self._client_id}
        return _tokens(await self._http.write("POST", self._grant.tokens_at, data=form))

    async def close(self) -> None:
        await self._http.close()


def _tokens(answer: Answer) -> Tokens:
    if answer.status == 400 and answer.error == "invalid_grant":
        raise Refused("the platform no longer takes this consent")
    body = answer.body()
    try:
        lives = timedelta(seconds=min(float(body.get("expires_in") or 7200), 1e9))
        return Tokens(
            access_token=SecretStr(answer.text("access_token")),
            refresh_token=SecretStr(str(body.get("refresh_token") or "")),
            expires_at=datetime.now(UTC) + lives,
            scopes=tuple(str(body.get("scope") or "").split()),
        )
    except (TypeError, ValueError):
        raise Misconfigured("the token endpoint answered in a form that cannot be read: check base_url") from None


class OAuth2:
    """The access token of one account, always fresh: what ``Http`` asks before each request."""

    def __init__(self, desk: TokenDesk, tokens: str) -> None:
        self._desk, self._keeper = desk, _keeper.get()
        self._tokens = read_tokens(tokens)
        self._early = timedelta(seconds=random.uniform(*EARLY))
        self._turn = asyncio.Lock()
        self._owed = False
        """The newest pair is not kept yet."""

    async def token(self, refused: str = "") -> str:
        """A token that holds; ``refused`` is one that the platform has just called invalid.

        Raises:
            Misconfigured: the consent was withdrawn or has run out; somebody has to give it again.
        """
        async with self._turn:
            current = self._tokens.access_token.get_secret_value()
            if current == refused or datetime.now(UTC) > self._tokens.expires_at - self._early:
                await self._renew()
            if self._owed:
                await self._keep()
        return self._tokens.access_token.get_secret_value()

    async def close(self) -> None:
        await self._desk.close()

    async def _renew(self) -> None:
        if not self._owed and await self._kept_by_another():
            return
        refresh = self._tokens.refresh_token.get_secret_value()
        if not refresh:
            raise Misconfigured(f"the access token ran out and there is none to renew it with; {CONSENT}")
        try:
            renewed = await self._desk.ask({"grant_type": "refresh_token", "refresh_token": refresh})
        except Refused as refusal:
            for _ in range(LOOKS):
                await asyncio.sleep(0.3)
                if await self._kept_by_another():
                    return
            raise Misconfigured(f"{refusal}; {CONSENT}") from None
        if not renewed.refresh_token.get_secret_value():
            renewed = renewed.model_copy(update={"refresh_token": self._tokens.refresh_token})
        self._tokens, self._owed = renewed, self._keeper is not None

    async def _keep(self) -> None:
        """Keep the newest pair, or try again with the next request: what is to be sent does not wait for it."""
        try:
            if self._keeper is not None:
                await self._keeper.keep(self._tokens.model_dump_json())
            self._owed = False
        except IntegrationError as error:
            logger.warning("renewed tokens could not be kept, which is tried again: %s", error)

    async def _kept_by_another(self) -> bool:
        """Whether somebody has kept a newer pair, which is then ours."""
        found = await self._keeper.load() if self._keeper is not None else ""
        if not found:
            return False
        kept = read_tokens(found)
        if kept.expires_at <= self._tokens.expires_at:
            return False
        self._tokens = kept
        return True


def read_tokens(written: str) -> Tokens:
    """Tokens from their JSON.

    Raises:
        Misconfigured: it is something else; it is not repeated.
    """
    try:
        return Tokens.model_validate_json(written)
    except ValidationError:
        raise Misconfigured(f"oauth2_tokens is not what `fireline authorize` keeps; {CONSENT}") from None
