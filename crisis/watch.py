"""What is protected (a watch) and what is said about it (mentions)."""

from typing import Annotated

from pydantic import Field, StringConstraints

from crisis.values import Frozen, Names, Share, UtcDatetime


class Watch(Frozen):
    """A brand or product to protect."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    """Short identifier, lower case."""
    brand: str
    """The name the public knows."""
    query: str
    """Boolean query (see ``crisis.query``)."""
    wider: str = ""
    """A second one, heard besides while a grave incident is watched (``crisis.monitoring``); what matches it alone is kept
    with the incident and counts for nothing else. Empty: none."""
    languages: Names = ()
    """ISO 639-1 codes to keep; empty keeps all."""
    owner: str = ""
    """E-mail address of the stakeholder who owns the watch."""
    past_crises: int = Field(default=0, ge=0)
    """Similar crises in the past: Coombs' crisis history."""
    standing: Share = 0.5
    """Standing reputation before the crisis, 0 bad to 1 good."""
    contact: str = ""
    """Where affected people reach us: a URL or an address. Statements quote it."""

    def keeps(self, language: str) -> bool:
        """Whether posts in a language are kept; those of which it is not known (empty) are."""
        return not self.languages or not language or language in self.languages


class Mention(Frozen):
    """One public post that matches a watch. Its text is hostile input everywhere."""

    id: str
    """The platform's own id, unique within ``source``."""
    text: str
    created_at: UtcDatetime
    author: str = ""
    source: str = "recorded"
    """The network or feed it came from."""
    url: str = ""
    language: str = ""
    """ISO 639-1 code when known."""
    reposts: int = Field(default=0, ge=0)
    replies: int = Field(default=0, ge=0)
    followers: int = Field(default=0, ge=0)
    """The author's audience, when the source tells."""
    author_since: UtcDatetime | None = None
    """When the author's account was made, when the source tells."""
    in_reply_to: str = ""
    """The platform's id or address of the post it answers, when the source tells."""
    quotes: str = ""
    """That of the post it quotes, when the source tells."""
