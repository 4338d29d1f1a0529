"""The timeline of an incident, told from the ledger in words that anyone can follow.

Every record of the incident becomes one entry: when, who, what happened. Entries that only matter to engineers (a
sender arming a delivery) are marked as detail, so that a reader can leave them out and an auditor can leave them in.
A kind of record that is not known here is still told, by its own name: nothing is dropped.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from pydantic import Field

from crisis.delivery import Delivery, Purpose
from crisis.incident import Incident
from crisis.record import Record
from crisis.values import Frozen, UtcDatetime

NEIGHBOURS = timedelta(minutes=5)
"""Entries of one kind this close to each other may be told as one."""
MOST_NAMES = 6
"""Names in an entry that tells several."""

HERE = "\ufffc"
"""Stands for a name (Unicode's object replacement character, which foreign text has no use for)."""


class Side(StrEnum):
    """Whose move an entry is, for colour and for reading along one side of the story."""

    PUBLIC = "public"
    """What people outside did."""
    INSIDE = "inside"
    """What we did among ourselves."""
    WORD = "word"
    """What we said to the public."""
    TROUBLE = "trouble"
    """What went wrong or needs a human."""


class Entry(Frozen):
    """One line of the timeline."""

    at: UtcDatetime
    who: str
    what: str
    """A sentence in plain words; may quote foreign text."""
    why: str = ""
    link: str = ""
    """Where to see it: a post's address."""
    side: Side = Side.INSIDE
    detail: bool = False
    """Of interest to engineers and auditors only."""
    seq: int | None = None
    """The ledger record that tells it; none for what was observed outside."""
    together: str = ""
    """``what`` with ``HERE`` for the one name that sets it apart from its like; empty when it stands alone."""
    name: str = ""


class Known(Frozen):
    """What the records only name by id, for telling it in words."""

    deliveries: dict[str, Delivery] = Field(default_factory=dict)
    """By id."""
    people: dict[str, str] = Field(default_factory=dict)
    """Names by e-mail address."""

    def person(self, email: str) -> str:
        return self.people.get(email, email)

    def delivery(self, delivery_id: str) -> Delivery | None:
        return self.deliveries.get(delivery_id)


DETAILS = frozenset(
    {
        "approval.form",
        "delivery.armed",
        "delivery.pending",
        "delivery.planned",
        "incident.claimed",
        "ledger.checkpoint",
        "statement.rendered",
        "mentions.relied_on",
        "commitment.reminded",
        "watch.saved",
    }
)
"""Kinds that are details however they end."""

TROUBLES = frozenset(
    {
        "commitment.broken",
        "coverage.lost",
        "decision.refused",
        "delivery.human_asked",
        "delivery.needs_human",
        "delivery.refused",
        "delivery.unknown",
        "statement.expired",
        "statement.voided",
        "statement.withdrawn",
    }
)
WORDS = frozenset({"delivery.accepted", "delivery.reconciled", "statement.published"})

_ACTORS = {
    "detector": "Detector",
    "triage": "Triage",
    "outbox": "Outbox",
    "respond": "Response flow",
    "review": "Review flow",
    "follow_up": "Follow-up flow",
    "approval": "Approval",
    "template": "Template",
    "fireline": "Fireline",
}


def tell(incident: Incident, records: Iterable[Record], known: Known) -> tuple[Entry, ...]:
    """The whole timeline of ``incident``, details included, in the order in which it happened."""
    entries = []
    if incident.started_at < incident.opened_at:
        first = "The first posts of the episode appeared"
        entries.append(Entry(at=incident.started_at, who="The public", what=first, side=Side.PUBLIC))
    entries += [_entry(record, known) for record in records if record.incident == incident.id]
    return tuple(sorted(entries, key=lambda e: (e.at, e.seq or 0)))


def tell_one(record: Record, known: Known) -> Entry:
    """One record as an entry of a timeline, whatever incident it belongs to."""
    return _entry(record, known)


def in_short(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The timeline for reading: without details, and with neighbours told as one.

    "Mastodon", "Bluesky" and 41,233 mail addresses that accepted one statement in a row become one entry that names
    the first few; its time is the first one's.
    """
    runs: list[list[Entry]] = []
    for entry in entries:
        if entry.detail:
            continue
        last = runs[-1][-1] if runs else None
        alike = last is not None and entry.together and (last.together, last.who) == (entry.together, entry.who)
        if alike and last is not None and entry.at - last.at <= NEIGHBOURS:
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return tuple(_run(run) for run in runs)


def _run(run: list[Entry]) -> Entry:
    first = run[0]
    if len(run) == 1:
        return first
    names = list(dict.fromkeys(entry.name for entry in run))
    if len(names) > MOST_NAMES:
        names = [*names[: MOST_NAMES - 1], f"{len(names) - MOST_NAMES + 1:,} others"]
    listed = " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
    why = first.why if all(entry.why == first.why for entry in run) else ""
    what = first.together.replace(HERE, listed, 1)
    return first.model_copy(update={"what": what, "why": why, "link": "", "name": listed})


def _entry(record: Record, known: Known) -> Entry:
    delivery = (
        known.delivery(str(_first(record.data, "delivery", "id"))) if record.kind.startswith("delivery.") else None
    )
    side = Side.TROUBLE if record.kind in TROUBLES else Side.WORD if record.kind in WORDS else Side.INSIDE
    detail = record.kind in DETAILS
    if delivery is not None and delivery.purpose is Purpose.NOTICE:
        detail, side = detail or side is Side.WORD, Side.INSIDE if side is Side.WORD else side
    if record.kind == "reaction.observed":
        side = Side.PUBLIC
    tell_it = _SENTENCES.get(record.kind, _as_named)
    what = tell_it(record, known)
    together, name = "", _name_in(record, known, delivery)
    if name and name in what:
        before, _, after = ("", "", what[len(name) :]) if what.startswith(name) else what.rpartition(name)
        together = f"{before}{HERE}{after}"
    return Entry(
        at=record.at,
        who=_ACTORS.get(record.actor, known.person(record.actor)),
        what=what,
        why="" if record.reason and record.reason in what else _why(record),
        link=delivery.receipt.url if delivery is not None and delivery.receipt is not None else "",
        side=side,
        detail=detail,
        seq=record.seq,
        together=together,
        name=name,
    )


def _why(record: Record) -> str:
    """The reason on record; those that Fireline itself words name roles and kinds as people write them."""
    return record.reason.replace("_", " ") if record.kind.startswith("stakeholder.") else record.reason


def _name_in(record: Record, known: Known, delivery: Delivery | None) -> str:
    """What sets an entry apart from its like: the person told, or the target of a delivery."""
    if record.kind.startswith("stakeholder."):
        return known.person(str(_first(record.data, "stakeholder")))
    return _place(delivery) if delivery is not None else ""


def _place(delivery: Delivery) -> str:
    target = delivery.rendering.target
    return f"{target.channel} ({target.address})" if target.address else target.channel


def _first(data: Mapping[str, Any], *names: str) -> Any:
    return next((data[name] for name in names if data.get(name) not in (None, "")), "")


def _as_named(record: Record, known: Known) -> str:
    noun, _, verb = record.kind.partition(".")
    subject = _first(record.data, noun, "statement", "fact", "id", "name")
    return (
        f"{noun.capitalize()}{f' {subject}' if isinstance(subject, str) and subject else ''}: {verb.replace('_', ' ')}"
    )


def _statement(record: Record) -> str:
    name, version = _first(record.data, "statement", "id"), _first(record.data, "version")
    return f"{name} v{version}" if version else str(name or "a statement")


def _opened(record: Record, known: Known) -> str:
    severity = _deep(record.data, "severity")
    return f"Incident opened{f' as {severity}' if severity else ''}"


def _tied(record: Record, known: Known) -> str:
    narrative, fact = _first(record.data, "label", "narrative"), _first(record.data, "fact")
    return f"“{narrative}” is answered by {fact}" if fact else f"“{narrative}” is answered by no fact any more"


def _assessed(record: Record, known: Known) -> str:
    severity, kind = _deep(record.data, "severity"), str(_deep(record.data, "type")).replace("_", " ")
    return f"Assessed as {severity}, {kind}" if severity else "Assessed anew"


def _deep(data: Mapping[str, Any], name: str) -> Any:
    """``name`` in ``data`` or in the assessment or incident inside it."""
    for part in (data, data.get("assessment"), data.get("incident")):
        if isinstance(part, Mapping):
            if part.get(name):
                return part[name]
            inner = part.get("assessment")
            if isinstance(inner, Mapping) and inner.get(name):
                return inner[name]
    return ""


def _told(record: Record, known: Known) -> str:
    person = known.person(str(_first(record.data, "stakeholder")))
    route = _first(record.data, "route")
    occasion = str(_first(record.data, "occasion"))
    about = {"": "", "opened": "", "approval": " that an approval is wanted", "promise": " of a promise"}
    about |= {"closing": " that closing is proposed", "published": " that it is out", "resolved": " that it is over"}
    about |= {"returned": " that a statement was returned", "blocked": " that a draft must be mended"}
    about |= {"stuck": " of a delivery that needs a human"}
    tail = about.get(occasion.partition("/")[0], f" ({occasion})")
    return f"{person} told{tail}" + (f" by {str(route).partition(':')[0]}" if route else "")


def _not_told(record: Record, known: Known) -> str:
    return f"{known.person(str(_first(record.data, 'stakeholder')))} not told"


def _fact(record: Record, known: Known) -> str:
    text, status = _first(record.data, "text"), _first(record.data, "status")
    fact = record.data.get("fact")
    if isinstance(fact, Mapping):
        text, status, name = fact.get("text", ""), fact.get("status", ""), fact.get("id", "")
    else:
        name = _first(record.data, "fact", "id")
    return f"Fact {name} {status}: {text}"


def _decided(record: Record, known: Known) -> str:
    verdict, role = _first(record.data, "verdict"), _first(record.data, "role")
    word = {"approve": "Approved", "return": "Returned"}.get(str(verdict), str(verdict).capitalize() or "Decided on")
    return f"{word} {_statement(record)}" + (f" for {role}" if role else "")


def _delivered(word: str) -> Callable[[Record, Known], str]:
    def say(record: Record, known: Known) -> str:
        delivery = known.delivery(str(_first(record.data, "delivery", "id")))
        if delivery is None:
            return f"{word}: delivery {_first(record.data, 'delivery', 'id')}"
        what = {
            Purpose.NOTICE: "notice",
            Purpose.WITHDRAWAL: f"withdrawal of {delivery.statement} v{delivery.version}",
            Purpose.STATEMENT: f"{delivery.statement} v{delivery.version}",
        }[delivery.purpose]
        return f"{what[0].upper()}{what[1:]} {word} {_place(delivery)}"

    return say


def _promised(word: str) -> Callable[[Record, Known], str]:
    def say(record: Record, known: Known) -> str:
        inner = record.data.get("commitment")
        text = _first(inner if isinstance(inner, Mapping) else record.data, "text")
        name = _first(record.data, "id", "commitment")
        return f"{word}: {text or (name if isinstance(name, str) else '')}"

    return say


def _about_statement(words: str) -> Callable[[Record, Known], str]:
    return lambda record, known: words.format(_statement(record))


def _says(record: Record, known: Known) -> str:
    return f"Reaction measured: {_first(record.data, 'says') or record.reason}"


_SENTENCES: dict[str, Callable[[Record, Known], str]] = {
    "incident.candidate": lambda r, k: "Noticed as a candidate",
    "incident.opened": _opened,
    "incident.open": lambda r, k: "Confirmed as real",
    "incident.responding": lambda r, k: "Response started",
    "incident.monitoring": lambda r, k: "A statement is out; watching the reaction",
    "incident.resolved": lambda r, k: "Incident resolved",
    "incident.reviewed": lambda r, k: "Review completed",
    "incident.dismissed": lambda r, k: "Dismissed as a false alarm",
    "incident.merged": lambda r, k: f"Merged into {_first(r.data, 'into')}",
    "incident.took_up": lambda r, k: f"{_first(r.data, 'merged')} was merged into this one",
    "incident.split": lambda r, k: f"Split: {_first(r.data, 'label')} goes on as {_first(r.data, 'into')}",
    "incident.labelled": lambda r, k: f"Labelled as {str(_first(r.data, 'label')).replace('_', ' ')}",
    "narrative.tied": _tied,
    "incident.claimed": lambda r, k: "Response claimed by a run",
    "incident.closing_proposed": lambda r, k: "Closing proposed",
    "incident.assessed": _assessed,
    "stakeholder.told": _told,
    "stakeholder.not_told": _not_told,
    "fact.saved": _fact,
    "statement.drafted": _about_statement("Draft {} written"),
    "statement.proposed": _about_statement("{} proposed for approval"),
    "statement.approved": _about_statement("{} approved"),
    "statement.returned": _about_statement("{} returned to its author"),
    "statement.voided": _about_statement("{} voided"),
    "statement.expired": _about_statement("{} expired without the approvals it needed"),
    "statement.published": _about_statement("{} published"),
    "statement.withdrawn": _about_statement("{} withdrawn"),
    "decision.made": _decided,
    "decision.refused": lambda r, k: f"A decision on {_statement(r)} did not count",
    "approval.form": _about_statement("Approval form for {} answered in Prefect"),
    "delivery.planned": _delivered("planned for"),
    "delivery.armed": _delivered("on its way to"),
    "delivery.accepted": _delivered("accepted by"),
    "delivery.refused": _delivered("refused by"),
    "delivery.unknown": _delivered("without a clear answer from"),
    "delivery.reconciled": _delivered("found arrived at"),
    "delivery.pending": _delivered("to be sent later to"),
    "delivery.human_asked": _delivered("needs a human's word:"),
    "delivery.needs_human": _delivered("needs a human's word:"),
    "commitment.made": _promised("Promised"),
    "commitment.kept": _promised("Promise kept"),
    "commitment.broken": _promised("Promise broken"),
    "commitment.withdrawn": _promised("Promise withdrawn with its statement"),
    "commitment.reminded": _promised("Reminded of a promise"),
    "reaction.observed": _says,
    "coverage.lost": lambda r, k: f"Coverage lost: {_first(r.data, 'source')} is silent",
    "coverage.returned": lambda r, k: f"Coverage returned: {_first(r.data, 'source')} is heard again",
    "report.written": lambda r, k: "After-action report written",
    "evidence.sealed": lambda r, k: "Evidence sealed",
    "evidence.archiving": lambda r, k: f"Evidence on its way to the archive {_first(r.data, 'archive')}",
    "evidence.archived": lambda r, k: f"Evidence locked in the archive {_first(r.data, 'archive')}",
    "evidence.not_archived": lambda r, k: f"Evidence not in the archive {_first(r.data, 'archive')}",
}
