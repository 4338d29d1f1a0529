"""Signed links: they name who is asked to decide on which exact content, and nobody else can make one.

A link is a bearer credential, so it is never stored: messages keep a placeholder, and the link is made while the message
goes out. Signing: itsdangerous' timed serializer with this installation's own key.
"""

from pathlib import Path

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer
from pydantic import ValidationError

from config.token_file import token_at
from crisis.approval import NotAllowed
from crisis.values import ContentHash, Frozen
from tasks.installation import Installation

MAX_AGE_SECONDS = 7 * 24 * 3600
"""Real time after which a link is dead whatever the policy says."""
PLACEHOLDER = "{approval-link}"
"""Stands in stored messages where the signed link goes."""


class LinkClaims(Frozen):
    """What a signed link says."""

    statement: str
    version: int
    content_hash: ContentHash
    approver: str
    role: str


def _key(folder: Path) -> str:
    """This installation's link-signing key, made at first use, readable by its owner only."""
    return token_at(folder / "links.key", 48)


def _serializer(here: Installation) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(_key(here.keys), salt="fireline.approval")


def approval_link(here: Installation, claims: LinkClaims) -> str:
    """The address at which exactly this person decides on exactly this content."""
    token = _serializer(here).dumps(claims.model_dump(mode="json"))
    return f"{here.settings.desk.url}/approve/{token}"


def read_link(here: Installation, token: str) -> LinkClaims:
    """What a link's token says.

    Raises:
        NotAllowed: it was not made here, was altered, or is too old.
    """
    try:
        return LinkClaims.model_validate(_serializer(here).loads(token, max_age=MAX_AGE_SECONDS))
    except SignatureExpired:
        raise NotAllowed("this link has expired: ask for the statement to be proposed again") from None
    except (BadSignature, ValidationError):
        raise NotAllowed("this link was not made by this installation, or it was cut off on the way") from None


def fill_links(here: Installation, text: str, options: dict[str, str]) -> str:
    """Put the signed link where a stored message has its placeholder."""
    if PLACEHOLDER not in text or "claims" not in options:
        return text
    return text.replace(PLACEHOLDER, approval_link(here, LinkClaims.model_validate_json(options["claims"])))
