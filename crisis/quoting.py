"""Whose name stands under a quoted post: personal data only where the story needs it.

An account that very many follow speaks in public, and who it is matters to what happened; anybody else is quoted by a
number. The evidence bundle keeps the posts as they were read.
"""

from collections.abc import Iterable

from crisis.watch import Mention

PUBLIC_VOICE = 10_000
"""Followers from which on an account is named: the order of magnitude from which advertisers speak of influencers."""


def is_public_voice(mention: Mention) -> bool:
    """Whether the author of a post is named in reports."""
    return bool(mention.author) and mention.followers >= PUBLIC_VOICE


def bylines(mentions: Iterable[Mention]) -> dict[tuple[str, str], str]:
    """What stands under each post, by source and author: a handle, or ``author 17``, numbered as they first wrote."""
    named: dict[tuple[str, str], str] = {}
    ordered = sorted(mentions, key=lambda m: (m.created_at, m.source, m.id))
    public = {(m.source, m.author) for m in ordered if is_public_voice(m)}
    numbers = 0
    for mention in ordered:
        who = (mention.source, mention.author)
        if who in public:
            named[who] = mention.author
        elif who not in named:
            numbers += 1
            named[who] = f"author {numbers}" if mention.author else "unknown"
    return named
