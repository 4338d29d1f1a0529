"""Texts for inside: what colleagues, support, whoever answers questions, and executives are given.

They are documents and no statements: they have no renderings, no targets and no approvals, so there is no way by which
one could be put on a public channel. What they may say is what a statement may say: only confirmed facts as true.
"""

from collections.abc import Iterable
from enum import StrEnum

from crisis.consistency import unsupported
from crisis.fact import Fact
from crisis.finding import Finding
from crisis.leaks import leaks
from crisis.lint import unfinished
from crisis.values import Frozen, UtcDatetime


class InternalKind(StrEnum):
    """What an internal text is for."""

    BRIEF = "brief"
    """For colleagues: what happened, what to say, what not to."""
    MACRO = "macro"
    """For support: the answer to a single person."""
    FAQ = "faq"
    """Questions and answers."""
    EXECUTIVE = "executive"
    """For executives, on one page."""


class InternalText(Frozen):
    """One internal text as it was written."""

    incident: str
    kind: InternalKind
    language: str = "en"
    headline: str
    body: str
    facts: tuple[Fact, ...] = ()
    """The facts it states, as they were."""
    written_at: UtcDatetime


def findings(text: str, facts: Iterable[Fact], *, contact: str = "") -> list[Finding]:
    """What keeps an internal text from being handed out: unproven claims, personal data, secrets, gaps."""
    return [*unfinished(text), *leaks(text, contact=contact), *unsupported(text, facts)]
