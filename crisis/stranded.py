"""Nobody stranded: whoever was told something about an incident is told how it ended, or it is on record why not.

An audience is a target, the readers of a mailing, one person who was answered, or a colleague who was notified. What each
has heard, and which last word reached them, follows from deliveries and records alone; this page of rules says what that
makes of them. The same rules say who carried an error and has not got its correction.
"""

from collections.abc import Iterable
from enum import StrEnum

from crisis.delivery import ARRIVED, Delivery, DeliveryState, Purpose
from crisis.statement import Statement
from crisis.values import Frozen, StatementKind


class AudienceKind(StrEnum):
    """What an audience is."""

    TARGET = "target"
    MAILING = "mailing"
    REPLY = "reply"
    """One person, who was answered under their own post."""
    COLLEAGUE = "colleague"


class End(StrEnum):
    """How an audience stands."""

    TOLD = "told"
    ON_ITS_WAY = "on its way"
    """The last word is planned and nobody has refused it: it is sent, or a human is asked."""
    TAKEN_BACK = "taken back"
    """Nothing that was said there stands any more."""
    EXCUSED = "excused"
    """It is on record why they are not told."""
    STRANDED = "stranded"


class Audience(Frozen):
    """One audience of an incident."""

    key: str
    """By which it is named on the record: ``mastodon``, ``newsletter:list@example.com``, ``ida@example.com``."""
    kind: AudienceKind
    heard: tuple[str, ...]
    """The statements they were told earlier, or ``opened`` for a colleague."""
    wants: str
    """What they are owed: ``the resolution``, or ``the correction of INC-7-S1``."""
    end: End
    says: str
    missing: int = 0
    """Of a mailing: recipients who had an earlier mail, and not the last."""
    suppressed: int = 0
    """Of those: who may not be written to any more, because they bounced, complained or left."""

    @property
    def open(self) -> bool:
        """Somebody has to do something about it."""
        return self.end is End.STRANDED


class Excuse(Frozen):
    """Why an audience is not told, in a person's words."""

    key: str
    wants: str
    reason: str
    by: str


def key_of(delivery: Delivery, own: frozenset[str], under: dict[str, str]) -> tuple[str, AudienceKind]:
    """The audience of a delivery; ``own``: platform ids of our own posts, which answers to nobody else are; ``under``: of
    those that are replies, the post that they answer: what goes under them is for whom they were for."""
    target = delivery.rendering.target
    name = f"{target.channel}:{target.address}" if target.address else target.channel
    answered = delivery.rendering.reply_to
    answered = under.get(answered, answered)
    if answered and answered not in own and answered.partition("/")[0] not in own:
        return f"{name}>{answered}", AudienceKind.REPLY
    return name, AudienceKind.TARGET


def own_posts(deliveries: Iterable[Delivery]) -> frozenset[str]:
    """The platform ids of everything that we published."""
    ids: set[str] = set()
    for delivery in deliveries:
        if delivery.receipt is not None:
            ids |= {delivery.receipt.id, *map(str, delivery.receipt.raw.get("parts") or ())}
    return frozenset(ids)


def by_audience(deliveries: Iterable[Delivery]) -> dict[tuple[str, AudienceKind], list[Delivery]]:
    """Deliveries of statements, by the audience they went to."""
    known = [d for d in deliveries if d.purpose is Purpose.STATEMENT]
    own = own_posts(known)
    replies = [d for d in known if d.rendering.answers is not None]
    under = {id: d.rendering.reply_to for d in replies for id in own_posts([d])}
    found: dict[tuple[str, AudienceKind], list[Delivery]] = {}
    for delivery in known:
        found.setdefault(key_of(delivery, own, under), []).append(delivery)
    return found


def end_of(
    earlier: Iterable[Delivery], last: Iterable[Delivery], taken_back: frozenset[str], wants: str
) -> tuple[End, str]:
    """How one target stands: ``earlier`` deliveries there, and those of the ``last`` word that is owed."""
    last = list(last)
    if arrived := [d for d in last if d.state in ARRIVED and d.id not in taken_back]:
        return End.TOLD, f"has {wants}: {arrived[-1].statement}"
    if all(d.id in taken_back for d in earlier):
        return End.TAKEN_BACK, "what was said there was taken back"
    if under_way := [d for d in last if d.state is not DeliveryState.REFUSED and d.id not in taken_back]:
        delivery = under_way[-1]
        return End.ON_ITS_WAY, f"{delivery.statement} is {delivery.state} there"
    if last:
        return End.STRANDED, f"{wants} was refused there: {last[-1].problem or 'no reason was given'}"
    return End.STRANDED, f"{wants} has not been sent there"


def excused(audience: Audience, excuses: Iterable[Excuse]) -> Audience:
    """The audience as the record has it: stranded for a reason that somebody gave."""
    mine = [e for e in excuses if (e.key, e.wants) == (audience.key, audience.wants)]
    if not audience.open or not mine:
        return audience
    return audience.model_copy(update={"end": End.EXCUSED, "says": f"{mine[-1].reason} ({mine[-1].by})"})


def is_last_word(statement: Statement) -> bool:
    """Whether it tells how the incident ended."""
    return statement.kind is StatementKind.RESOLUTION
