"""Where a statement goes: the channels its playbook names, or, for a correction, every target that carries the wrong text."""

from collections.abc import Collection, Sequence

from config.settings import ChannelSettings
from crisis.delivery import ARRIVED, Delivery, Purpose
from crisis.drafting import Outlet
from crisis.incident import Incident
from crisis.mailing import LIST_HASH, LIST_OF, RECIPIENTS
from crisis.statement import PAGE, PAGE_MADE, Statement, Target
from crisis.values import CrisisType, StatementKind
from records import Transaction
from tasks.installation import Installation
from tasks.kinds import limits_of
from tasks.mailing import is_mailing


class NothingToCorrect(ValueError):
    """No target carries the statement that a correction was asked for, or nothing on record says what was wrong in it."""


async def outlets_for(
    tx: Transaction,
    here: Installation,
    incident: Incident,
    kind: StatementKind,
    lists: dict[str, dict[str, str]],
    *,
    pictures: bool,
    language: str,
    only: Collection[str] = (),
) -> list[Outlet]:
    """Every channel the playbook names for this kind, or all of them when it names none, whose readers speak
    ``language``; without ``pictures``, those that take text alone; mailings with their ``lists``. ``only`` names others
    instead, whatever their readers speak.

    Where no channel names that language, it goes to those that name none: somebody asked for it.

    A resolution goes to every channel besides on which something was said earlier: nobody is left behind.

    On a status page, what follows an incident's first word there is an update of it, not another incident.
    """
    chosen = [here.settings.channel(name) for name in only] or channels_for(here, incident, kind, language)
    opened = await _opened(tx, incident)
    if kind is StatementKind.RESOLUTION and not only:
        chosen += _told_earlier(here, opened, language, {c.name for c in chosen})
    failing = incident.assessment.type is CrisisType.SERVICE_FAILURE
    outlets = []
    for c in chosen:
        target, limits = Target(channel=c.name, kind=c.kind, address=c.address), limits_of(c)
        if not pictures and not _takes_words(c):
            continue
        joins = opened.get(target, "") if limits.status else ""
        components = c.components if failing else ()
        options = lists.get(c.name, {})
        outlets.append(Outlet(target=target, limits=limits, options=options, reply_to=joins, components=components))
    return outlets


def page_outlets(here: Installation, incident: str) -> list[Outlet]:
    """Every channel that keeps pages at one address, for the incident's page of questions and answers."""
    return [
        Outlet(
            target=Target(channel=c.name, kind=c.kind, address=c.address),
            limits=limits_of(c),
            options={PAGE: f"questions-{incident.lower()}", PAGE_MADE: f"{here.clock.now().timestamp():.0f}"},
        )
        for c in here.settings.channels
        if limits_of(c).standing_page
    ]


def channels_for(here: Installation, incident: Incident, kind: StatementKind, language: str) -> list[ChannelSettings]:
    """The playbook's channels for a kind whose readers speak ``language``; else those that name no language."""
    every, default = _chosen(here, incident, kind), here.settings.voice.language
    return [c for c in every if (c.language or default) == language] or [c for c in every if c.language is None]


def _chosen(here: Installation, incident: Incident, kind: StatementKind) -> list[ChannelSettings]:
    named = here.playbook(incident.assessment.type).channels.get(kind, ())
    return [here.settings.channel(name) for name in named] or list(here.settings.channels)


def _told_earlier(
    here: Installation, opened: Collection[Target], language: str, but: Collection[str]
) -> list[ChannelSettings]:
    """Further channels whose readers, who speak ``language``, were told earlier: they are told how it ended, too."""
    told = {target.channel for target in opened}
    default = here.settings.voice.language
    return [c for c in here.settings.channels if c.name in told - set(but) and (c.language or default) == language]


def _takes_words(channel: ChannelSettings) -> bool:
    pictures = limits_of(channel).pictures
    return pictures is None or not pictures.needed


def languages_for(here: Installation, incident: Incident, kind: StatementKind) -> tuple[str, ...]:
    """The languages that readers of this kind of statement speak, by the channels it goes to; the voice's own first."""
    default = here.settings.voice.language
    spoken = dict.fromkeys(c.language or default for c in _chosen(here, incident, kind) if _takes_words(c))
    spoken = spoken or {default: None}
    return tuple(sorted(spoken, key=lambda language: language != default))


async def _opened(tx: Transaction, incident: Incident) -> dict[Target, str]:
    """The platform's id of the first post of an incident that still stands, by target."""
    deliveries = await tx.outbox.list(incident=incident.id)
    withdrawn = {d.withdraws for d in deliveries if d.purpose is Purpose.WITHDRAWAL and d.state in ARRIVED}
    first: dict[Target, str] = {}
    for d in sorted(deliveries, key=lambda d: d.created_at):
        stands = d.purpose is Purpose.STATEMENT and d.state in ARRIVED and d.id not in withdrawn
        if stands and d.receipt is not None and d.receipt.id:
            first.setdefault(d.rendering.target, d.receipt.id)
    return first


async def outlets_again(tx: Transaction, here: Installation, wrong: Sequence[Statement]) -> list[Outlet]:
    """Every target that carries any version of a wrong text, each once, as an answer to the very (newest) post.

    A mailing's correction goes to whoever of its recipients has the text, may have it, or is about to get it.
    """
    outlets: dict[tuple[Target, str], Outlet] = {}
    configured = {channel.name for channel in here.settings.channels}
    sent = [d for one in wrong for d in await tx.outbox.list(statement=one.id, purpose=Purpose.STATEMENT)]
    for delivery in sent:
        if delivery.rendering.target.channel not in configured:
            continue  # nothing can be said there from here any more: the delivery stays on record
        mailed = is_mailing(delivery) and await tx.mailings.anybody_reached(delivery.id)
        if not delivery.arrived and not mailed:
            continue
        target = delivery.rendering.target
        answer = delivery.receipt.id if delivery.rendering.answers and delivery.receipt else ""
        place = (target, answer)  # the correction of a reply goes under that reply, however many there are
        before = outlets[place].options.get(LIST_OF, "") if place in outlets else ""
        outlets[place] = Outlet(
            target=target,
            limits=limits_of(here.settings.channel(target.channel)),
            options=_readers_of(delivery, before) if mailed else {},
            reply_to=delivery.receipt.id if delivery.receipt else "",
        )
    if not outlets:
        raise NothingToCorrect(f"no target carries {wrong[-1].id}, so there is nothing to correct")
    return list(outlets.values())


def _readers_of(mailing: Delivery, before: str) -> dict[str, str]:
    """The options of a rendering for the recipients of a mailing, and of those ``before`` it."""
    known = mailing.rendering.options
    return {
        LIST_OF: f"{before} {mailing.id}".strip(),
        **{name: known[name] for name in (RECIPIENTS, LIST_HASH) if name in known},
    }
