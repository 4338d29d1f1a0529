"""Programs at the desk: ``Authorization: Bearer`` with a token of ``fireline token new``, for what its scopes allow.

A token reads, or hands in posts; it opens no page of the desk, belongs to no person, and decides nothing.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from crisis.access import Scope, Token
from desk.guard import TokenBucket, caller
from desk.signed_in import real_now
from tasks.installation import Installation
from tasks.tokens import PREFIX, token_hash

BEARER = "fireline.bearer"
"""Where a request's scope keeps the token it came with."""
LONGEST = 200
_requests = TokenBucket(burst=60, seconds=1.0)
"""Requests by token."""
_unknown = TokenBucket(burst=20, seconds=6.0)
"""Requests without a token that holds, by caller."""


def has_bearer(request: Request) -> bool:
    """Whether a request tries to come in with a token."""
    return request.headers.get("authorization", "").lower().startswith("bearer ")


async def admitted(request: Request, here: Installation, scope: Scope = Scope.READ) -> Token | Response:
    """The token that a request came with, if it holds and may do this; else the answer.

    Answers 401 without a token that holds, 403 without the scope, 429 too often. Use from a new address is on record.
    """
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    given = secret.strip() if scheme.lower() == "bearer" else ""
    token, now = None, real_now()
    if given.startswith(PREFIX) and len(given) <= LONGEST:
        async with here.store.reading() as tx:
            token = await tx.tokens.find(token_hash(given))
    if token is None or not token.lives(now):
        return await _refused(request, here, given, token)
    if not _requests.take(token.id):
        return _says(429, "too many requests with this token: at most one a second, and sixty at once")
    if scope not in token.scopes:
        return _says(403, f"this token may not do that: it lacks the scope {scope.value!r}")
    address = caller(request)
    if token.used_at is None or address not in token.used_from.split() or (now - token.used_at).total_seconds() >= 60:
        async with here.store.transaction() as tx:
            await tx.tokens.used(token, now, address)
    return token


async def _refused(request: Request, here: Installation, given: str, token: Token | None) -> Response:
    if not _unknown.take(caller(request)):
        return _says(429, "too many requests without a token that holds: wait a minute")
    if given:
        why = "no such token" if token is None else "revoked" if token.revoked_at else "expired"
        data = {"token": token.id if token else "", "address": caller(request)}
        async with here.store.transaction() as tx:
            await tx.ledger.append("token.refused", actor="unknown", via="api", reason=why, data=data)
    answer = _says(401, "a token that holds is needed: Authorization: Bearer fireline_..., see `fireline token new`")
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _says(status: int, says: str) -> JSONResponse:
    return JSONResponse({"error": says}, status_code=status)
