"""Signed links: one kind names who is asked to decide on which exact content, one lets its holder read one incident or one
text and nothing else, one lets a person confirm, dismiss, merge or split one incident, and one, short enough for an SMS,
lets a person say that they are on it. Nobody else can make any, and none can be used as another.

A link is a bearer credential, so messages never store it: they keep a placeholder, and the link is made while the message
goes out. Signing: itsdangerous with this installation's own key, a salt for each kind.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeVar

from itsdangerous import BadSignature, SignatureExpired, Signer, URLSafeSerializer, URLSafeTimedSerializer
from pydantic import ValidationError

from config.token_file import token_at
from crisis.approval import NotAllowed
from crisis.values import ContentHash, Frozen, UtcDatetime
from tasks.installation import Installation

MAX_AGE_SECONDS = 7 * 24 * 3600
"""Real time after which a link is dead whatever the policy says."""
PLACEHOLDER = "{approval-link}"
"""Stands in stored messages where the signed link to an approval goes."""
READING_PLACEHOLDER = "{incident-link}"
"""Stands in stored messages where the signed link to the incident's page goes."""
ACTING_PLACEHOLDER = "{acting-link}"
"""Stands in stored messages where the signed link goes by which a lead confirms or dismisses the incident."""
ON_IT_PLACEHOLDER = "{on-it-link}"
"""Stands in stored messages where the signed link goes by which a person says that they are on it."""
SIGN_IN_PLACEHOLDER = "{sign-in-link}"
"""Stands in stored messages where the signed link goes by which a person signs in, once."""
READABLE = timedelta(days=7)
"""Real time for which a link in a message can be read by."""


class LinkClaims(Frozen):
    """What a signed link says."""

    statement: str
    version: int
    content_hash: ContentHash
    approver: str
    role: str


def prove_key(here: Installation) -> None:
    """Make this installation's link-signing key, or prove the one there is.

    Raises:
        config.ConfigError: it was emptied or cut off.
    """
    _key(here.keys)


def link_key(here: Installation) -> str:
    """This installation's link-signing key."""
    return _key(here.keys)


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


class ReadClaims(Frozen):
    """What a link for reading says: GET only, one incident's pages or one text's previews, until a day."""

    purpose: Literal["read"] = "read"
    incident: str
    person: str = ""
    """Whom it was sent to, by e-mail address; empty for a link to previews that no single person was sent."""
    statement: str = ""
    """Only the previews of this text, and nothing else of the incident."""
    version: int = 0
    expires_at: UtcDatetime
    """Real time."""


def reading_link(
    here: Installation,
    incident: str,
    *,
    person: str = "",
    statement: str = "",
    version: int = 0,
    lasts: timedelta = READABLE,
) -> str:
    """The address at which an incident, or only the previews of one of its texts, can be read without the desk's key."""
    claims = ReadClaims(
        incident=incident, person=person, statement=statement, version=version, expires_at=datetime.now(UTC) + lasts
    )
    return _signed(here, _reading(here), "read", claims)


def read_reading_link(here: Installation, token: str) -> ReadClaims:
    """What the token of a link for reading says.

    Raises:
        LinkExpired: its time is over.
        NotAllowed: it was not made here, or was altered.
    """
    claims = _checked(_reading(here), token, ReadClaims)
    if claims.expires_at <= datetime.now(UTC):
        raise LinkExpired("this link was for reading for a while, and that time is over")
    return claims


class ActClaims(Frozen):
    """What a link for acting says: who may confirm, dismiss, merge or split which incident, until a day."""

    purpose: Literal["act"] = "act"
    incident: str
    person: str
    """By e-mail address."""
    expires_at: UtcDatetime
    """Real time."""


def acting_link(here: Installation, incident: str, person: str, *, lasts: timedelta = READABLE) -> str:
    """The address at which exactly this person acts on exactly this incident."""
    claims = ActClaims(incident=incident, person=person, expires_at=datetime.now(UTC) + lasts)
    return _signed(here, _acting(here), "act", claims)


def read_acting_link(here: Installation, token: str) -> ActClaims:
    """What the token of a link for acting says.

    Raises:
        LinkExpired: its time is over.
        NotAllowed: it was not made here, or was altered.
    """
    claims = _checked(_acting(here), token, ActClaims)
    if claims.expires_at <= datetime.now(UTC):
        raise LinkExpired("this link was good for a while, and that time is over")
    return claims


class OnItClaims(Frozen):
    """What a link for taking an incident on says: who may say that they are on which one."""

    incident: str
    person: str
    """By e-mail address."""


def on_it_link(here: Installation, incident: str, person: str, *, lasts: timedelta = READABLE) -> str:
    """The address at which exactly this person says that they are on exactly this incident.

    It is short, for text messages: it holds the incident, the minute until which it is good, and a signature that
    covers the person as well, who is found again by trying each of the stakeholders.
    """
    minute = f"{int((datetime.now(UTC) + lasts).timestamp()) // 60:x}"
    signature = _on_it(here).get_signature(f"{incident}.{minute}.{person}").decode()
    return f"{here.settings.desk.url}/on/{incident}.{minute}.{signature}"


def read_on_it_link(here: Installation, token: str, people: Iterable[str]) -> OnItClaims:
    """What the token of such a link says.

    Args:
        people: e-mail addresses of those who may still use one.

    Raises:
        LinkExpired: its time is over.
        NotAllowed: it was not made here, was altered, or was made for somebody who is not among ``people``.
    """
    incident, minute, signature = (*token.split("."), "", "")[:3]
    signer = _on_it(here)
    person = next((p for p in people if signer.verify_signature(f"{incident}.{minute}.{p}", signature.encode())), None)
    if person is None or token.count(".") != 2:
        raise NotAllowed("this link was not made by this installation, or it was cut off on the way")
    if datetime.fromtimestamp(int(minute, 16) * 60, UTC) <= datetime.now(UTC):
        raise LinkExpired("this link was good for a while, and that time is over")
    return OnItClaims(incident=incident, person=person)


class SignInClaims(Frozen):
    """What a link for signing in says: which of the ways in that were asked for it is."""

    purpose: Literal["sign_in"] = "sign_in"
    asked: str


def sign_in_link(here: Installation, asked: str) -> str:
    """The address at which the person who asked for it signs in; whether it is still good, the records say."""
    return _signed(here, _signing_in(here), "sign-in/link", SignInClaims(asked=asked))


def read_sign_in_link(here: Installation, token: str) -> SignInClaims:
    """What the token of a link for signing in says.

    Raises:
        NotAllowed: it was not made here, or was altered.
    """
    return _checked(_signing_in(here), token, SignInClaims)


class LinkExpired(NotAllowed):
    """A link that was good once."""


C = TypeVar("C", bound=Frozen)


def _signed(here: Installation, signer: URLSafeSerializer, page: str, claims: Frozen) -> str:
    token = signer.dumps(claims.model_dump(mode="json"))
    return f"{here.settings.desk.url}/{page}/{token if isinstance(token, str) else token.decode()}"


def _checked(signer: URLSafeSerializer, token: str, kind: type[C]) -> C:
    """The claims of a token that was made here, as it was made; raises ``NotAllowed`` otherwise."""
    try:
        return kind.model_validate(signer.loads(token))
    except (BadSignature, ValidationError):
        raise NotAllowed("this link was not made by this installation, or it was cut off on the way") from None


def _reading(here: Installation) -> URLSafeSerializer:
    return URLSafeSerializer(_key(here.keys), salt="fireline.reading")


def _acting(here: Installation) -> URLSafeSerializer:
    return URLSafeSerializer(_key(here.keys), salt="fireline.acting")


def _signing_in(here: Installation) -> URLSafeSerializer:
    return URLSafeSerializer(_key(here.keys), salt="fireline.signing-in")


def _on_it(here: Installation) -> Signer:
    return Signer(_key(here.keys), salt="fireline.on-it", key_derivation="hmac")


def links_of(here: Installation, options: dict[str, str]) -> dict[str, str]:
    """The signed links of one message by the placeholders they take the place of."""
    links = {}
    if "claims" in options:
        links[PLACEHOLDER] = approval_link(here, LinkClaims.model_validate_json(options["claims"]))
    if "reader" in options:
        links[READING_PLACEHOLDER] = reading_link(here, options["incident"], person=options["reader"])
    if "handler" in options:
        links[ACTING_PLACEHOLDER] = acting_link(here, options["incident"], options["handler"])
    if "taker" in options:
        links[ON_IT_PLACEHOLDER] = on_it_link(here, options["incident"], options["taker"])
    if "sign_in" in options:
        links[SIGN_IN_PLACEHOLDER] = sign_in_link(here, options["sign_in"])
    return links


def decides(options: dict[str, str]) -> str:
    """What a message asks its reader to decide on: ``statement/version/content hash``; empty when nothing."""
    if "claims" not in options:
        return ""
    claims = LinkClaims.model_validate_json(options["claims"])
    return f"{claims.statement}/{claims.version}/{claims.content_hash}"


def fill_links(text: str, links: dict[str, str]) -> str:
    """Put the signed links where a stored text has their placeholders."""
    for placeholder, link in links.items():
        text = text.replace(placeholder, link)
    return text
