"""Reviews of your own app in Google Play, from the Play Developer API. https://developers.google.com/android-publisher/api-ref/rest/v3/reviews/list

Only reviews with a text, of the last week, of production versions; 200 requests an hour and app. A service account with
the permission "View app information" reads them: its JSON key is the credential, from which a one-hour token is bought
(https://developers.google.com/identity/protocols/oauth2/service-account#httprest). A review that was changed counts again.
"""

import json
import time
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import Field, SecretStr

from crisis.watch import Mention
from integrations.http import Connection, Http
from integrations.listening import Known, Posts, TokenSource
from integrations.outcomes import Misconfigured
from integrations.posts import post

OVERLAP = timedelta(days=7)
MOST_PAGES = 20
NETWORK = "google_play"
SCOPE = "https://www.googleapis.com/auth/androidpublisher"


class PlayReviewsSettings(Connection):
    """Settings of an app's reviews."""

    base_url: str = Field(default="https://androidpublisher.googleapis.com", description="The API")
    token_url: str = Field(default="", description="Where tokens are given out; empty: as the key says")
    package: str = Field(
        examples=["com.example.app"], pattern=r"^[A-Za-z][\w.]*$", description="The app, such as com.acme.app"
    )
    service_account: SecretStr = Field(description="The service account's JSON key, the whole file's content")
    every: float = Field(default=300.0, ge=30, description="Seconds between two rounds")


class PlayReviews(TokenSource):
    """A ``Source``."""

    kind: ClassVar[str] = "play_reviews"
    settings_model: ClassVar[type[PlayReviewsSettings]] = PlayReviewsSettings

    def __init__(self, settings: PlayReviewsSettings) -> None:
        super().__init__(Http("Google Play", settings), every=settings.every)
        self._settings = settings
        self._door: Http | None = None

    async def session(self, cursor: str) -> Posts:
        known, found, token = Known(OVERLAP, cursor), list[Mention | None](), ""
        for _ in range(MOST_PAGES):
            reviews, token = await self._page(token)
            found += [_mention(review, self._settings.package) for review in reviews]
            if not token:
                break
        else:
            self.pulse.gap("there were more reviews than are read at once: the oldest of them are missing")
        for mention in known.fresh(found):
            yield known.passed(mention), mention

    async def prove(self) -> str:
        reviews, _ = await self._page("")
        return f"reads reviews of {self._settings.package}, {len(reviews)} on the first page"

    async def close(self) -> None:
        if self._door is not None:
            await self._door.close()
        await super().close()

    async def _page(self, token: str) -> tuple[list[Any], str]:
        path = f"/androidpublisher/v3/applications/{self._settings.package}/reviews"
        body = (await self._authorised(path, {"maxResults": "100"} | ({"token": token} if token else {}))).body()
        reviews, pages = body.get("reviews"), body.get("tokenPagination")
        later = pages.get("nextPageToken") if isinstance(pages, dict) else ""
        return (reviews if isinstance(reviews, list) else []), (later if isinstance(later, str) else "")

    async def _log_in(self) -> None:
        account, key = _read_key(self._settings.service_account)
        address = self._settings.token_url or str(account.get("token_uri", ""))
        place = urlsplit(address)
        if place.scheme not in {"http", "https"} or not place.hostname:
            raise Misconfigured("the service account's key names no token_uri: download it anew, or set token_url")
        origin = f"{place.scheme}://{place.netloc}"
        self._door = self._door or Http("Google", self._settings.model_copy(update={"base_url": origin}))
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": _assertion(account, key, address),
        }
        answer = await self._door.read(place.path, method="POST", data=form)
        if answer.error:
            raise Misconfigured(f"Google gives out no token: {answer.says}. Check the service account's key and clock")
        self._token = answer.text("access_token")
        self.http.secrets.add(self._token)


def _read_key(secret: SecretStr) -> tuple[dict[str, Any], RSAPrivateKey]:
    try:
        account = json.loads(secret.get_secret_value())
        key = load_pem_private_key(account["private_key"].encode(), None)
    except (ValueError, KeyError, TypeError, AttributeError, UnsupportedAlgorithm):
        raise Misconfigured(
            "service_account is no service account's JSON key: paste the whole downloaded file"
        ) from None
    if not isinstance(key, RSAPrivateKey):
        raise Misconfigured("the service account's private key is not RSA: download the key anew")
    return account, key


def _assertion(account: dict[str, Any], key: RSAPrivateKey, audience: str) -> str:
    """The signed claim that buys a token: a JWT by RS256."""
    now = int(time.time())
    head = {"alg": "RS256", "typ": "JWT", "kid": account.get("private_key_id")}
    claims = {"iss": account.get("client_email"), "scope": SCOPE, "aud": audience, "iat": now, "exp": now + 3600}
    unsigned = b".".join(map(_encoded, (head, claims)))
    signature = urlsafe_b64encode(key.sign(unsigned, PKCS1v15(), hashes.SHA256())).rstrip(b"=")
    return (unsigned + b"." + signature).decode()


def _encoded(value: dict[str, Any]) -> bytes:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def _mention(review: Any, package: str) -> Mention | None:
    comments = review.get("comments") if isinstance(review, dict) else None
    users = [c.get("userComment") for c in comments if isinstance(c, dict)] if isinstance(comments, list) else []
    comment = next((c for c in users if isinstance(c, dict)), None)
    if comment is None:
        return None
    modified, text = comment.get("lastModified"), comment.get("text")
    seconds = modified.get("seconds") if isinstance(modified, dict) else None
    number = review.get("reviewId")
    return post(
        source=NETWORK,
        id=f"{number}/{seconds}" if number else "",
        text=text.replace("\t", "\n").strip() if isinstance(text, str) else "",
        created_at=seconds,
        author=review.get("authorName") or f"reviewer of {number}",
        url=f"https://play.google.com/store/apps/details?id={package}&reviewId={number}",
        language=comment.get("reviewerLanguage"),
    )
