"""Retention: what is due to be erased because its time is over. Pure."""

from enum import StrEnum

from pydantic import Field

from crisis.values import Frozen, UtcDatetime


class Kept(StrEnum):
    """Kinds of data that are kept for a time."""

    POSTS = "posts"
    RECIPIENTS = "recipients"
    SUPPRESSIONS = "suppressions"
    INBOX = "inbox"
    SIGN_INS = "sign-ins"
    BUNDLES = "bundles"


SAYS = {
    Kept.POSTS: "words and names of the public",
    Kept.RECIPIENTS: "addresses of mailings",
    Kept.SUPPRESSIONS: "addresses that are not written to",
    Kept.INBOX: "posts handed in that no incident relies on",
    Kept.SIGN_INS: "addresses that people signed in from",
    Kept.BUNDLES: "sealed evidence on this machine",
}


class Due(Frozen):
    """What is to be erased of one kind, of one incident where it is an incident's."""

    kind: Kept
    incident: str = ""
    what: str = ""
    """The mailing or the file, where it is one."""
    count: int = Field(ge=1)
    before: UtcDatetime
    """What is older than this is due."""

    @property
    def says(self) -> str:
        of = " of ".join(filter(None, ("", self.incident)))
        named = f" ({self.what})" if self.what else ""
        return f"{self.count:,} × {SAYS[self.kind]}{of}{named}, from before {self.before:%Y-%m-%d}"
