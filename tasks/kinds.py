"""Whether every kind that the configuration names exists and can do what it is named for."""

from collections.abc import Iterator
from difflib import get_close_matches

import config
import integrations
from config.errors import Location
from config.settings import MAIL
from crisis.counting import Limits
from crisis.replies import EVERYWHERE
from integrations.kinds import FAMILIES, is_kind

INBOX = "webhook"
"""The kind of source that the desk itself is: whoever signs may post to it."""


def refuse_unknown_kinds(settings: config.Settings) -> None:
    """Raise ``config.ConfigError`` with a sentence for each unfit kind: its place, what is wrong, what there is."""
    config.refuse(settings, _mistakes(settings))


def limits_of(chosen: config.ChannelSettings) -> Limits:
    """What a configured channel may hold: a sandbox, what the kind it looks like may. Pictures only where what they
    need is set.

    Raises:
        integrations.Misconfigured: there is no such kind.
    """
    limits: Limits = integrations.integration(chosen.looks_like or chosen.kind).platform_limits
    wants = limits.pictures.wants if limits.pictures else ""
    if wants and not chosen.looks_like and not chosen.settings.get(wants):
        return limits.model_copy(update={"pictures": None})
    return limits


def _mistakes(settings: config.Settings) -> Iterator[tuple[Location, str]]:
    for family in FAMILIES:
        for i, part in enumerate(getattr(settings, f"{family}s")):
            if not _fits(part.kind, family):
                yield (f"{family}s", i, "kind"), _unknown(part.kind, f"kind of {family}", _family(family))
    for i, channel in enumerate(settings.channels):
        where: Location = ("channels", i, "looks_like")
        if channel.looks_like and channel.kind != "sandbox":
            says = f"looks_like is for sandbox channels; {channel.name!r} is {channel.kind!r}: take it out"
            yield where, says
        elif channel.looks_like and (channel.looks_like == "sandbox" or not _fits(channel.looks_like, "channel")):
            outlets = [kind for kind in _family("channel") if kind != "sandbox"]
            yield where, _unknown(channel.looks_like, "kind that a sandbox can look like", outlets)
    yield from _componentless(settings)
    yield from _speechless(settings)
    yield from _careless(settings)


def _careless(settings: config.Settings) -> Iterator[tuple[Location, str]]:
    """Helpdesks whose notifier is not there, or takes nobody over."""
    kinds = {n.name: n.kind for n in settings.notifiers}
    for i, desk in enumerate(settings.helpdesks):
        kind = kinds.get(desk.notifier)
        where: Location = ("helpdesks", i, "notifier")
        if kind is None:
            yield where, f"there is no notifier {desk.notifier!r} (there are: {', '.join(kinds) or 'none'})"
        elif kind not in MAIL and _fits(kind, "notifier") and not _takes_over(kind):
            able = [k for k in _family("notifier") if _takes_over(k)]
            says = f"{desk.notifier!r} is {kind!r}, which takes nobody over (these do: {', '.join([*able, *MAIL])})"
            yield where, says


def _takes_over(kind: str) -> bool:
    return bool(getattr(integrations.integration(kind), "takes_over", False))


def networks_of(chosen: config.ChannelSettings) -> frozenset[str]:
    """The networks on which a channel may answer single posts; none unless it is set to (``replies = true``). A sandbox
    answers where what it looks like does, and everywhere when it looks like nothing."""
    if not chosen.replies:
        return frozenset()
    kind = chosen.looks_like or chosen.kind
    if kind == "sandbox":
        return frozenset({EVERYWHERE})
    return _answers(kind)


def _answers(kind: str) -> frozenset[str]:
    found: frozenset[str] = getattr(integrations.integration(kind), "answers", frozenset())
    return found


def _speechless(settings: config.Settings) -> Iterator[tuple[Location, str]]:
    """Channels that are to answer single posts, and cannot."""
    for i, channel in enumerate(settings.channels):
        kind = channel.looks_like or channel.kind
        if channel.replies and kind != "sandbox" and _fits(kind, "channel") and not _answers(kind):
            able = [k for k in _family("channel") if k == "sandbox" or _answers(k)]
            says = f"{channel.name!r} is {kind!r}, which cannot answer single posts: take replies out (these can: "
            yield ("channels", i, "replies"), f"{says}{', '.join(able)})"


def _componentless(settings: config.Settings) -> Iterator[tuple[Location, str]]:
    """Components where there is no status page to show them."""
    for i, channel in enumerate(settings.channels):
        kind = channel.looks_like or channel.kind
        if channel.components and _fits(kind, "channel") and not limits_of(channel).status:
            says = f"components are for status pages; {channel.name!r} is {kind!r}: take them out"
            yield ("channels", i, "components"), says


def _fits(kind: str, family: str) -> bool:
    if family == "source" and kind == INBOX:
        return True
    return is_kind(kind, family)


def _family(family: str) -> list[str]:
    return sorted({*integrations.kinds(family), *([INBOX] if family == "source" else [])})


def _unknown(given: str, what: str, family: list[str]) -> str:
    meant = get_close_matches(given.lower(), family, n=1)
    guess = f"; did you mean {meant[0]!r}?" if meant else ""
    return f"there is no {what} {given!r}{guess} (there are: {', '.join(family)})"
