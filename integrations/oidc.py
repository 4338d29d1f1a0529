"""Signing in with OpenID Connect Core 1.0, the authorization code flow with PKCE (RFC 7636), at any provider.

What comes back counts only if the provider itself signed it, a moment ago, for us, in answer to the very request this
browser was sent with; and only with an e-mail address that the provider has verified. Authlib checks the claims.
"""

import time
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, Field, SecretStr, ValidationError

from crisis.values import Frozen
from integrations.http import Answer, Connection, Http
from integrations.outcomes import Misconfigured, Refused

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
"""Signatures that are taken: those that only the holder of a private key can make. Never ``none``, never a shared key."""
LEEWAY = 60
"""Seconds by which two clocks may differ."""
LARGEST_TOKEN = 64 * 1024
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Metadata(BaseModel):
    """What a provider says of itself (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Identity(Frozen):
    """Who somebody is, as the provider vouches for."""

    subject: str
    email: str


class _Settings(Connection):
    client_id: str
    client_secret: SecretStr = Field(default=SecretStr(""))


class OpenIdProvider:
    """One provider, for one sign-in: nothing it says is kept for the next."""

    def __init__(
        self, *, issuer: str, client_id: str, client_secret: str, redirect_uri: str, timeout: float = 10.0
    ) -> None:
        self._issuer, self._redirect_uri = issuer, redirect_uri
        try:
            self._settings = _Settings(
                base_url=issuer, client_id=client_id, client_secret=SecretStr(client_secret), timeout=timeout
            )
        except ValidationError:
            raise Misconfigured("[desk.oidc] issuer is no web address") from None
        self._http = Http("the sign-in provider", self._settings)
        self._known: Metadata | None = None

    async def close(self) -> None:
        await self._http.close()

    async def address(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes to sign in.

        Raises:
            integrations.IntegrationError: the provider does not answer, or is not the one that is configured.
        """
        found = await self._metadata()
        return str(
            prepare_grant_uri(
                found.authorization_endpoint,
                client_id=self._settings.client_id,
                response_type="code",
                redirect_uri=self._redirect_uri,
                scope="openid email",
                state=state,
                nonce=nonce,
                code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
            )
        )

    async def identity(self, *, code: str, issuer: str, nonce: str, verifier: str) -> Identity:
        """Who came back, proven.

        Args:
            issuer: the ``iss`` that came with the code (RFC 9207); empty when none did.
            nonce: what this browser was sent with, and ``verifier`` likewise.

        Raises:
            Refused: the provider did not sign that it is somebody, to us, just now; or their address is not verified.
            integrations.IntegrationError: the provider does not answer.
        """
        found = await self._metadata()
        if (issuer or found.authorization_response_iss_parameter_supported) and issuer != self._issuer:
            raise Refused("the answer came from another provider than the configured one")
        token = await self._token(found, code, verifier)
        claims = await self._claims(
            found, str(token.get("id_token") or ""), str(token.get("access_token") or ""), nonce
        )
        if not claims.get("email"):
            claims |= await self._user(found, str(token.get("access_token") or ""), str(claims["sub"]))
        email, verified = claims.get("email"), claims.get("email_verified")
        if not isinstance(email, str) or not email:
            raise Refused("the provider did not say the e-mail address: allow Fireline the scope 'email' there")
        if verified is not True:
            raise Refused("the provider has not verified the e-mail address of this account")
        return Identity(subject=str(claims["sub"]), email=email)

    async def _metadata(self) -> Metadata:
        if self._known is None:
            path = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            answer = await self._http.read(path)
            try:
                found = Metadata.model_validate(answer.body())
            except ValidationError:
                raise Misconfigured(f"{path} is not what OpenID Connect wants: check [desk.oidc] issuer") from None
            if found.issuer != self._issuer:
                raise Misconfigured(f"the provider names itself {found.issuer!r}: write exactly that as the issuer")
            self._known = _guarded(found)
        return self._known

    async def _token(self, found: Metadata, code: str, verifier: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "client_id": self._settings.client_id,
            "code_verifier": verifier,
        }
        secret, options = self._settings.client_secret.get_secret_value(), {}
        if secret and "client_secret_basic" in found.token_endpoint_auth_methods_supported:
            options = {"auth": _basic(self._settings.client_id, secret)}
        elif secret:
            form["client_secret"] = secret
        answer = await self._http.write("POST", found.token_endpoint, data=form, **options)
        if answer.status == 400 and answer.error == "invalid_grant":
            raise Refused("the provider does not take its own answer any more: it was used already, or is too old")
        return answer.body()

    async def _claims(self, found: Metadata, token: str, access_token: str, nonce: str) -> dict[str, Any]:
        taken = sorted(ALGORITHMS & set(found.id_token_signing_alg_values_supported))
        if not token or len(token) > LARGEST_TOKEN:
            raise Refused("the provider gave no id_token")
        keys = await self._http.read(found.jwks_uri)
        try:
            decoded = jwt.decode(token, _keys(keys), algorithms=taken)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self._issuer},
                    "aud": {"essential": True, "value": self._settings.client_id},
                },
                {"nonce": nonce, "client_id": self._settings.client_id, "access_token": access_token},
            )
            claims.validate(now=int(time.time()), leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise Refused(f"the provider's id_token does not hold ({type(error).__name__})") from None
        audience = claims.get("aud")
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self._settings.client_id:
            raise Refused("the provider's id_token was made for another application")
        return dict(claims)

    async def _user(self, found: Metadata, access_token: str, subject: str) -> dict[str, Any]:
        """Claims from the UserInfo endpoint, where the id_token leaves the address out (Core 1.0, section 5.3)."""
        if not found.userinfo_endpoint or not access_token:
            return {}
        answer = await self._http.read(found.userinfo_endpoint, headers={"Authorization": f"Bearer {access_token}"})
        said = answer.body()
        if said.get("sub") != subject:
            raise Refused("the provider told of somebody else than who signed in")
        return {name: said[name] for name in ("email", "email_verified") if name in said}


def _guarded(found: Metadata) -> Metadata:
    """The metadata, if no address in it would send a secret over an open line."""
    local = urlsplit(found.issuer).hostname in LOOPBACK
    for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.userinfo_endpoint):
        place = urlsplit(address)
        if address and place.scheme != "https" and not (local and place.hostname in LOOPBACK):
            raise Misconfigured("the sign-in provider names an address that is not https://: nobody is sent there")
    return found


def _keys(answer: Answer) -> KeySet:
    try:
        return KeySet.import_key_set({"keys": [key for key in answer.body()["keys"] if key.get("kty") != "oct"]})
    except (KeyError, AttributeError, TypeError, ValueError, JoseError):
        raise Refused("the sign-in provider's keys cannot be read") from None


def _basic(client_id: str, secret: str) -> tuple[str, str]:
    """Both, form-encoded, as RFC 6749, section 2.3.1, wants them in a Basic header."""
    from urllib.parse import quote_plus

    return quote_plus(client_id), quote_plus(secret)
