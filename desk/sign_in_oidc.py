"""``/sign-in/oidc``: signing in with the organisation's own accounts, at any provider of OpenID Connect.

The browser that comes back must be the one that was sent: what it was sent with is in a signed cookie of ten minutes,
good for one return. Who they are is what the provider signed (``integrations.oidc``); whether they may come in is decided
here: a verified address, of an allowed domain, of a stakeholder.
"""

import hmac
import secrets

from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

import config
from crisis.access import Method
from crisis.values import Frozen
from desk.access import entered, is_secure, own_path, refused_entry, sign_in
from desk.guard import TokenBucket, caller
from desk.keys import desk_key
from desk.signed_in import real_now
from desk.state import desk_of, whole_desk_of
from integrations.oidc import Identity, OpenIdProvider
from integrations.outcomes import IntegrationError, Refused
from tasks.installation import Installation

BACK = "/sign-in/oidc/back"
COOKIE = "fireline_signing_in"
SECONDS = 600
"""How long somebody may take at the provider."""
LONGEST = 4000
"""Characters of what a provider sends back with the browser."""
_begun = TokenBucket(burst=10, seconds=6.0)
"""Sign-ins begun and returned from, by caller."""


class Sent(Frozen):
    """What a browser was sent to the provider with."""

    id: str
    state: str
    nonce: str
    verifier: str
    going_to: str


async def begin(request: Request) -> Response:
    """Send the browser to the provider."""
    here = whole_desk_of(request).here
    if here.settings.desk.oidc is None:
        return _switched_off(request)
    if not _begun.take(caller(request)):
        return _too_often(request)
    sent = Sent(
        id=secrets.token_urlsafe(18),
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        going_to=own_path(request.query_params.get("next", "/")),
    )
    provider = _provider(here, here.settings.desk.oidc)
    try:
        address = await provider.address(state=sent.state, nonce=sent.nonce, verifier=sent.verifier)
    except IntegrationError as error:
        return await _not_in(request, f"the provider cannot be used just now: {error}", status=502)
    finally:
        await provider.close()
    answer = RedirectResponse(address, status_code=303)
    secure = is_secure(here)
    answer.set_cookie(
        _cookie(secure),
        str(_signer(here).dumps(sent.model_dump())),
        max_age=SECONDS,
        path="/",
        httponly=True,
        samesite="lax",  # the provider's redirect is a navigation from another site
        secure=secure,
    )
    return answer


async def back(request: Request) -> Response:
    """Take the provider's answer: sign in, or say why not."""
    here = whole_desk_of(request).here
    if here.settings.desk.oidc is None:
        return _switched_off(request)
    if not _begun.take(caller(request)):
        return _too_often(request)
    sent = _sent(here, request)
    given = {name: request.query_params.get(name, "") for name in ("state", "code", "iss", "error")}
    if sent is None or not hmac.compare_digest(given["state"].encode(), sent.state.encode()):
        return await _not_in(request, "this browser did not begin this sign-in, or took too long over it")
    async with here.store.transaction() as tx:
        first = await tx.sessions.once(sent.id, method=Method.OIDC, now=real_now())
    if not first:
        return await _not_in(request, "this answer was used already")
    if given["error"] or not given["code"] or max(map(len, given.values())) > LONGEST:
        return await _not_in(request, "the provider did not let you in, or you went back")
    provider = _provider(here, here.settings.desk.oidc)
    try:
        who = await provider.identity(code=given["code"], issuer=given["iss"], nonce=sent.nonce, verifier=sent.verifier)
    except Refused as refusal:
        return await _not_in(request, str(refusal))
    except IntegrationError as error:
        return await _not_in(request, f"the provider cannot be used just now: {error}", status=502)
    finally:
        await provider.close()
    return await _enter(request, here, who, sent.going_to)


async def _enter(request: Request, here: Installation, who: Identity, going_to: str) -> Response:
    oidc = here.settings.desk.oidc
    domains = {domain.lower() for domain in oidc.allowed_domains} if oidc else set()
    email = who.email.lower()
    async with here.store.reading() as tx:
        person = next((p for p in await tx.stakeholders.list() if p.email.lower() == email), None)
    if domains and email.rpartition("@")[2] not in domains:
        return await _not_in(request, "addresses of that domain do not sign in here", person=email)
    if person is None:
        return await _not_in(request, f"{email} is not among the stakeholders", person=email)
    answer = entered(desk_of(request).pages, request, going_to)
    answer.delete_cookie(_cookie(is_secure(here)), path="/", httponly=True, secure=is_secure(here))
    await sign_in(request, answer, person=person.email, method=Method.OIDC)
    return answer


def _provider(here: Installation, oidc: config.OidcSettings) -> OpenIdProvider:
    return OpenIdProvider(
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        client_secret=config.secret_from_environment("oidc", "client_secret") or "",
        redirect_uri=f"{here.settings.desk.url.rstrip('/')}{BACK}",
    )


def _cookie(secure: bool) -> str:
    return f"__Host-{COOKIE}" if secure else COOKIE


def _signer(here: Installation) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(desk_key(here.settings.home), salt="fireline.desk.oidc")


def _sent(here: Installation, request: Request) -> Sent | None:
    try:
        cookie = request.cookies.get(_cookie(is_secure(here)), "")
        return Sent.model_validate(_signer(here).loads(cookie, max_age=SECONDS))
    except (BadSignature, ValidationError):
        return None


def _switched_off(request: Request) -> Response:
    says = "Signing in with such an account is not set up here."
    return desk_of(request).pages.notice(request, 404, "There is nothing here", says)


def _too_often(request: Request) -> Response:
    return desk_of(request).pages.notice(request, 429, "Too many sign-ins", "Wait a minute, then try again.")


async def _not_in(request: Request, why: str, *, status: int = 403, person: str = "") -> Response:
    await refused_entry(request, Method.OIDC, why, person=person)
    says = f"{why[:1].upper()}{why[1:]}."
    return desk_of(request).pages.notice(request, status, "You are not signed in", says, on=("/sign-in", "Try again"))


ROUTES = [
    Route("/sign-in/oidc", begin, methods=["GET"]),
    Route(BACK, back, methods=["GET"]),
]
