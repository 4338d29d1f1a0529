"""What the company says: statements in immutable versions, their renderings, and the hash that approval binds."""

import hashlib
from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from crisis.canonical import canonical
from crisis.fact import Fact
from crisis.pictures import Picture
from crisis.triage import Strategy
from crisis.values import ContentHash, Frozen, Severity, StatementKind, UtcDatetime

PAGE, PAGE_MADE = "page", "page_made"
"""Of a rendering's options, where a channel keeps pages at one address: the name of the page that the rendering puts in the
place of the one before, and when it was made (seconds since 1970), so that a newer one is never put back."""


class Target(Frozen):
    """One address on a configured channel."""

    channel: str
    """The channel's name in ``fireline.toml``."""
    kind: str
    """The integration: ``mastodon``, ``statuspage`` ..."""
    address: str = ""
    """The list, page, room or account, where the channel has several."""


class Part(Frozen):
    """One post of a thread, or the whole of an unthreaded rendering."""

    text: str
    length: int = Field(ge=0)
    """Counted as the platform counts."""
    limit: int = Field(gt=0)


class Answered(Frozen):
    """The one post of somebody else that a reply answers; an approval covers it."""

    source: str
    """The network, as in ``Mention.source``."""
    id: str
    """The network's own id, as in ``Mention.id``."""
    author: str
    """Who wrote it, as in ``Mention.author``."""
    url: str = ""
    digest: str = ""
    """SHA-256 of the post's text as it was when the reply was drafted."""
    narrative: str = ""
    """Of a correction in reply form: the narrative whose claim it corrects."""


class Rendering(Frozen):
    """The exact bytes of one statement version for one channel target."""

    target: Target
    parts: tuple[Part, ...]
    subject: str = ""
    """Subject of a mail, title of a status page's incident."""
    html: str = ""
    """The HTML alternative of a mail."""
    language: str = "en"
    options: dict[str, str] = Field(default_factory=dict)
    """What the platform needs besides text: visibility, status, impact, thread ids of mails."""
    reply_to: str = ""
    """Platform id of the post it answers, for a correction or an update; empty starts a new post."""
    media: tuple[Picture, ...] = ()
    """The pictures that go to this target, with its first part."""
    answers: Answered | None = None
    """Of a reply: the post of somebody else that it answers."""

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without pictures or an answered post, the JSON of before there were any: what was approved then still has its
        hash."""
        plain: dict[str, Any] = handler(self)
        for name in ("media", "answers"):
            if not plain.get(name):
                plain.pop(name, None)
        return plain

    @property
    def place(self) -> tuple[Target, str]:
        """What it goes to: a target, and on it the post that it answers, if any. No statement has two of one place."""
        return self.target, f"{self.answers.source}\n{self.answers.id}" if self.answers else self.reply_to

    @property
    def text(self) -> str:
        """All parts, a blank line between."""
        return "\n\n".join(part.text for part in self.parts)


class Promise(Frozen):
    """A commitment a statement makes, before it is published."""

    text: str
    due_at: UtcDatetime


class Statement(Frozen):
    """One immutable version of a statement."""

    id: str
    """For people, too: ``INC-7-S1``."""
    version: int = Field(ge=1)
    incident: str
    kind: StatementKind
    strategy: Strategy
    author: str
    """E-mail address of whoever wrote this version, or ``template``."""
    created_at: UtcDatetime
    language: str = "en"
    audience: str
    """Who it is for, in words."""
    headline: str
    body: str
    facts: tuple[Fact, ...] = ()
    """The facts it relies on, as they were."""
    severity: Severity
    """The incident's severity it relies on."""
    promises: tuple[Promise, ...] = ()
    renderings: tuple[Rendering, ...] = ()
    media: tuple[Picture, ...] = ()
    links: tuple[str, ...] = ()
    wanted_language: str = ""
    """The language that was wanted, where no template speaks it and the text stands in another, saying so."""
    corrects: str = ""
    """For a correction: the statement id that carried the error."""
    answers: tuple[str, ...] = ()
    """For an answer: the questions that it answers, such as ``INC-7-Q2``."""
    page: bool = False
    """It is a version of the page of questions and answers, and goes to channels that keep such a page."""
    content_hash: ContentHash

    @property
    def label(self) -> str:
        return f"{self.id} v{self.version}"

    @property
    def readers_language(self) -> str:
        """The language of whom it is for, whether or not it speaks it."""
        return self.wanted_language or self.language


def content_hash(
    *,
    incident: str,
    kind: StatementKind,
    audience: str,
    severity: Severity,
    facts: tuple[Fact, ...],
    renderings: tuple[Rendering, ...],
    media: tuple[Picture, ...] = (),
    links: tuple[str, ...] = (),
    promises: tuple[Promise, ...] = (),
) -> ContentHash:
    """SHA-256 over RFC 8785 canonical JSON of everything an approver approves (DESIGN §6).

    Renderings are covered byte for byte and with their targets; facts by id, text and status; pictures by the SHA-256
    of their bytes, and with their alternative texts.
    """
    covered: dict[str, Any] = {
        "incident": incident,
        "kind": kind.value,
        "audience": audience,
        "severity": severity.value,
        "facts": [{"id": f.id, "text": f.text, "status": f.status.value} for f in facts],
        "renderings": [r.model_dump(mode="json") for r in renderings],
        "media": [p.model_dump(mode="json") for p in media],
        "links": list(links),
        "promises": [p.model_dump(mode="json") for p in promises],
    }
    return hashlib.sha256(canonical(covered)).hexdigest()


def hash_of(statement: Statement) -> ContentHash:
    """The content hash recomputed from a stored statement: equal to ``statement.content_hash`` or it was altered."""
    return content_hash(
        incident=statement.incident,
        kind=statement.kind,
        audience=statement.audience,
        severity=statement.severity,
        facts=statement.facts,
        renderings=statement.renderings,
        media=statement.media,
        links=statement.links,
        promises=statement.promises,
    )
