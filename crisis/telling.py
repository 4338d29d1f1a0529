"""What each kind of record says, as a sentence in plain words for whoever reads a timeline.

A kind that is not known here is told by its own name. Sentences may quote foreign text; whoever shows them makes it inert.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field

from crisis.delivery import Delivery, Purpose
from crisis.record import Record
from crisis.values import Frozen


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


def place_of(delivery: Delivery) -> str:
    """A channel, and the address on it where it has several."""
    target = delivery.rendering.target
    return f"{target.channel} ({target.address})" if target.address else target.channel


def first_of(data: Mapping[str, Any], *names: str) -> Any:
    """The first of these that says something; empty when none does."""
    return next((data[name] for name in names if data.get(name) not in (None, "")), "")


def _as_named(record: Record, known: Known) -> str:
    noun, _, verb = record.kind.partition(".")
    subject = first_of(record.data, noun, "statement", "fact", "id", "name")
    return (
        f"{noun.capitalize()}{f' {subject}' if isinstance(subject, str) and subject else ''}: {verb.replace('_', ' ')}"
    )


def _statement(record: Record) -> str:
    name, version = first_of(record.data, "statement", "id"), first_of(record.data, "version")
    return f"{name} v{version}" if version else str(name or "a statement")


def _opened(record: Record, known: Known) -> str:
    severity = _deep(record.data, "severity")
    return f"Incident opened{f' as {severity}' if severity else ''}"


def _tied(record: Record, known: Known) -> str:
    narrative, fact = first_of(record.data, "label", "narrative"), first_of(record.data, "fact")
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
    person = known.person(str(first_of(record.data, "stakeholder")))
    route = first_of(record.data, "route")
    occasion = str(first_of(record.data, "occasion"))
    about = {"": "", "opened": "", "approval": " that an approval is wanted", "promise": " of a promise"}
    about |= {"closing": " that closing is proposed", "published": " that it is out", "resolved": " that it is over"}
    about |= {"returned": " that a statement was returned", "blocked": " that a draft must be mended"}
    about |= {"stuck": " of a delivery that needs a human", "voided": " that what they were asked to approve is void"}
    about |= {"correction": " that a correction is wanted"}
    about |= {"stuck": " of a delivery that needs a human", "taken back": " that an approval was taken back"}
    about |= {"released": " that a text went out without its approvals"}
    about |= {"worse": " that a statement made it worse", "watched": " that watching has ended"}
    about |= {"unanswered": " that nobody has answered a request for approval"}
    about |= {"read_back": " that a published text does not stand as it did"}
    about |= {"forgotten": " that nobody acts on it", "unacknowledged": " once more, for nobody was on it"}
    about |= {"candidate": " of a candidate", "held up": " of a delivery that is held up"}
    about |= {"withdrawn": " that a statement was withdrawn", "void": " that a statement became void"}
    about |= {"frozen": " of scheduled posts", "unfreeze": " that scheduled posts may go out again"}
    about |= {
        "task": " of a task",
        "task overdue": " of a task that is overdue",
        "review due": " that the review is due",
    }
    about |= {"event": " of what happened"}
    kind = occasion.partition("/")[0]
    tail = about.get(kind, f" ({kind})")
    return f"{person} told{tail}" + (f" by {str(route).partition(':')[0]}" if route else "")


def _reached(record: Record, known: Known) -> str:
    person, route = known.person(str(first_of(record.data, "stakeholder"))), str(first_of(record.data, "route"))
    return f"{person} reached by {route.partition(':')[0]}"


def _not_reached(record: Record, known: Known) -> str:
    return f"{known.person(str(first_of(record.data, 'stakeholder')))} not reached by any route yet"


def _not_told(record: Record, known: Known) -> str:
    return f"{known.person(str(first_of(record.data, 'stakeholder')))} not told"


def _signed_off(record: Record, known: Known) -> str:
    signed = record.data.get("sign_offs") or [{}]
    role = str(signed[-1].get("role", "")).replace("_", " ")
    return f"{known.person(record.actor)} signed the after-action review off for {role}"


def _task(what: str) -> Callable[[Record, Known], str]:
    def says(record: Record, known: Known) -> str:
        owner = known.person(str(first_of(record.data, "owner")))
        return f"{what} {owner}: {first_of(record.data, 'text')}"

    return says


def _fact(record: Record, known: Known) -> str:
    text, status = first_of(record.data, "text"), first_of(record.data, "status")
    fact = record.data.get("fact")
    if isinstance(fact, Mapping):
        text, status, name = fact.get("text", ""), fact.get("status", ""), fact.get("id", "")
    else:
        name = first_of(record.data, "fact", "id")
    return f"Fact {name} {status}: {text}"


def _decided(record: Record, known: Known) -> str:
    verdict, role = first_of(record.data, "verdict"), first_of(record.data, "role")
    word = {"approve": "Approved", "return": "Returned"}.get(str(verdict), str(verdict).capitalize() or "Decided on")
    for_whom, deputy = first_of(record.data, "on_behalf_of"), record.data.get("as_deputy") is True
    how = f", in the place of {known.person(str(for_whom))}" if for_whom else ", as a deputy" if deputy else ""
    return f"{word} {_statement(record)}" + (f" for {role}" if role else "") + how


def _released(record: Record, known: Known) -> str:
    if first_of(record.data, "means") == "precleared":
        by = record.data.get("cleared_by")
        names = ", ".join(known.person(str(email)) for email in by) if isinstance(by, list) else ""
        return f"{_statement(record)} released by the pre-clearance {first_of(record.data, 'clearance')} of {names}"
    return f"GLASS BROKEN: {_statement(record)} released without its approvals by {known.person(record.actor)}"


def _taken_back(record: Record, known: Known) -> str:
    whose = str(first_of(record.data, "approver"))
    of = "" if whose == record.actor else f" of {known.person(whose)}"
    return f"Approval{of} of {_statement(record)} for {first_of(record.data, 'role')} taken back"


def _delegated(word: str) -> Callable[[Record, Known], str]:
    def say(record: Record, known: Known) -> str:
        giver, to = (known.person(str(first_of(record.data, name))) for name in ("delegator", "delegate"))
        about = first_of(record.data, "statement")
        until = str(first_of(record.data, "until"))[:16].replace("T", " ")
        return f"{giver}'s turn to approve{f' {about}' if about else ''} {word} {to}" + (
            f" until {until} UTC" if until and word == "handed to" else ""
        )

    return say


def _escalated(record: Record, known: Known) -> str:
    asked = record.data.get("asked")
    names = ", ".join(known.person(str(email)) for email in asked) if isinstance(asked, list) else ""
    return f"Nobody has answered as {first_of(record.data, 'role')} on {_statement(record)}; asked by now: {names}"


def _delivered(word: str) -> Callable[[Record, Known], str]:
    def say(record: Record, known: Known) -> str:
        delivery = known.delivery(str(first_of(record.data, "delivery", "id")))
        if delivery is None:
            return f"{word}: delivery {first_of(record.data, 'delivery', 'id')}"
        what = {
            Purpose.NOTICE: "notice",
            Purpose.WITHDRAWAL: f"withdrawal of {delivery.statement} v{delivery.version}",
            Purpose.STATEMENT: f"{delivery.statement} v{delivery.version}",
        }[delivery.purpose]
        return f"{what[0].upper()}{what[1:]} {word} {place_of(delivery)}"

    return say


def _read_back(record: Record, known: Known) -> str:
    words = {"matched": "stands as it was approved on", "edited": "WAS CHANGED on", "gone": "IS GONE from"}
    return _delivered(words.get(str(first_of(record.data, "stand")), "was looked at on"))(record, known)


def _promised(word: str) -> Callable[[Record, Known], str]:
    def say(record: Record, known: Known) -> str:
        inner = record.data.get("commitment")
        text = first_of(inner if isinstance(inner, Mapping) else record.data, "text")
        name = first_of(record.data, "id", "commitment")
        return f"{word}: {text or (name if isinstance(name, str) else '')}"

    return say


def _about_statement(words: str) -> Callable[[Record, Known], str]:
    return lambda record, known: words.format(_statement(record))


def _in_doubt(record: Record, known: Known) -> str:
    return f"{_statement(record)} no longer holds: {record.reason}"


def _says(record: Record, known: Known) -> str:
    return f"Reaction measured: {first_of(record.data, 'says') or record.reason}"


def _judged(record: Record, known: Known) -> str:
    verdict, proposal = first_of(record.data, "verdict"), first_of(record.data, "proposal")
    return f"Effect of {_statement(record)}: {verdict}; proposed: {proposal}"


def _post(words: str) -> Callable[[Record, Known], str]:
    def say(record: Record, known: Known) -> str:
        post = record.data.get("post")
        post = post if isinstance(post, Mapping) else {}
        text = " ".join(str(post.get("text") or "").split())[:80]
        where = first_of(post, "where") or first_of(record.data, "scheduler")
        problem = first_of(record.data, "problem")
        return f"{words}: {where}{f', “{text}”' if text else ''}{f' ({problem})' if problem else ''}"

    return say


SENTENCES: dict[str, Callable[[Record, Known], str]] = {
    "mailing.planned": lambda r, k: f"Mailing to {r.data.get('recipients', 0):,} recipients planned",
    "mailing.armed": lambda r, k: f"{r.data.get('recipients', 0):,} recipients of a mailing armed",
    "mailing.settled": lambda r, k: f"{r.data.get('accepted', 0):,} recipients of a mailing accepted it",
    "mailing.stopped": lambda r, k: f"Mailing stopped before {r.data.get('recipients', 0):,} recipients had it",
    "mailing.answered": lambda r, k: (
        f"{r.data.get('recipients', 0):,} unknown recipients: {'it is there' if r.data.get('arrived') else 'send it again'}"
    ),
    "mailing.erased": lambda r, k: f"The addresses of {r.data.get('recipients', 0):,} recipients were erased",
    "incident.candidate": lambda r, k: "Noticed as a candidate",
    "incident.opened": _opened,
    "incident.open": lambda r, k: "Confirmed as real",
    "incident.responding": lambda r, k: "Response started",
    "incident.monitoring": lambda r, k: "A statement is out; watching the reaction",
    "incident.resolved": lambda r, k: "Incident resolved",
    "incident.reviewed": lambda r, k: "Review completed",
    "incident.dismissed": lambda r, k: "Dismissed as a false alarm",
    "incident.merged": lambda r, k: f"Merged into {first_of(r.data, 'into')}",
    "incident.took_up": lambda r, k: f"{first_of(r.data, 'merged')} was merged into this one",
    "incident.split": lambda r, k: f"Split: {first_of(r.data, 'label')} goes on as {first_of(r.data, 'into')}",
    "incident.labelled": lambda r, k: f"Labelled as {str(first_of(r.data, 'label')).replace('_', ' ')}",
    "narrative.tied": _tied,
    "incident.claimed": lambda r, k: "Response claimed by a run",
    "incident.closing_proposed": lambda r, k: "Closing proposed",
    "incident.assessed": _assessed,
    "incident.retold": lambda r, k: "What people say has changed",
    "incident.acknowledged": lambda r, k: f"{k.person(r.actor)} is on it",
    "incident.forgotten": lambda r, k: "Reminded that nobody has acted on it",
    "incident.unacknowledged": lambda r, k: "Nobody is on it, and every way to reach somebody was tried",
    "incident.restricted": lambda r, k: "Restricted: only named people see it",
    "incident.unrestricted": lambda r, k: "Open to everybody at the desk again",
    "session.begun": lambda r, k: (
        f"{k.person(str(first_of(r.data, 'person'))) or 'Somebody with the key'} came to the desk"
    ),
    "session.ended": lambda r, k: f"A session of {k.person(str(first_of(r.data, 'person'))) or 'the desk key'} ended",
    "session.refused": lambda r, k: "Somebody was not let into the desk",
    "sign_in.asked": lambda r, k: f"A way into the desk was mailed to {k.person(str(first_of(r.data, 'person')))}",
    "token.made": lambda r, k: f"A token for a program made: {first_of(r.data, 'name')}",
    "token.used": lambda r, k: f"The token {first_of(r.data, 'name')} was used from a new address",
    "token.refused": lambda r, k: "A program was not let in",
    "token.revoked": lambda r, k: f"The token {first_of(r.data, 'name')} lets nobody in any more",
    "stakeholder.told": _told,
    "stakeholder.reached": _reached,
    "stakeholder.not_reached": _not_reached,
    "stakeholder.not_told": _not_told,
    "fact.saved": _fact,
    "statement.drafted": _about_statement("Draft {} written"),
    "statement.proposed": _about_statement("{} proposed for approval"),
    "statement.approved": _about_statement("{} approved"),
    "statement.returned": _about_statement("{} returned to its author"),
    "statement.voided": _about_statement("{} voided"),
    "statement.expired": _about_statement("{} expired without the approvals it needed"),
    "statement.published": _about_statement("{} published"),
    "statement.reasoned": _about_statement("Why {} takes its posture"),
    "statement.in_doubt": _in_doubt,
    "statement.holds": _about_statement("{} holds again"),
    "statement.withdrawn": _about_statement("{} withdrawn"),
    "internal.written": lambda r, k: f"Written for inside: {first_of(r.data, 'kind')}",
    "questions.found": lambda r, k: f"Questions of the public found: {len(r.data.get('new') or ())}",
    "question.changed": lambda r, k: f"Question {first_of(r.data, 'id')} led: {first_of(r.data, 'text')}",
    "question.merged": lambda r, k: f"Question {first_of(r.data, 'question')} merged into {first_of(r.data, 'into')}",
    "question.parted": lambda r, k: f"Question {first_of(r.data, 'new')} parted from {first_of(r.data, 'question')}",
    "decision.made": _decided,
    "decision.refused": lambda r, k: f"A decision on {_statement(r)} did not count",
    "decision.taken_back": _taken_back,
    "statement.released": _released,
    "approval.escalated": _escalated,
    "learning.proposed": lambda r, k: f"Other numbers for detection proposed: {first_of(r.data, 'says')}",
    "delegation.given": _delegated("handed to"),
    "delegation.revoked": _delegated("no longer in the hands of"),
    "delegation.refused": _delegated("was not handed to"),
    "clearance.proposed": lambda r, k: f"Pre-clearance {first_of(r.data, 'id')} asked for",
    "clearance.approved": lambda r, k: f"Pre-clearance {first_of(r.data, 'id')} approved",
    "clearance.returned": lambda r, k: f"Pre-clearance {first_of(r.data, 'id')} returned",
    "clearance.voided": lambda r, k: f"Pre-clearance {first_of(r.data, 'id')} ended",
    "clearance.refused": lambda r, k: (
        f"Pre-clearance {first_of(r.data, 'clearance')} did not serve for {_statement(r)}"
    ),
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
    "commitment.overdue": _promised("PROMISE OVERDUE"),
    "commitment.moved": lambda r, k: (
        f"Promise moved to {str(first_of(r.data, 'due_at'))[:16].replace('T', ' ')} UTC, as {first_of(r.data, 'statement')} "
        f"says: {first_of(r.data, 'text')}"
    ),
    "commitment.handed": lambda r, k: (
        f"{k.person(str(first_of(r.data, 'owner')))} sees to a promise: {first_of(r.data, 'text')}"
    ),
    "promise.confirmed": lambda r, k: f"Promise in {_statement(r)} confirmed: {first_of(r.data, 'sentence')}",
    "promise.struck": lambda r, k: f"Found no promise in {_statement(r)}: {first_of(r.data, 'sentence')}",
    "delivery.read_back": _read_back,
    "audience.excused": lambda r, k: (
        f"{k.person(str(first_of(r.data, 'key')))} does not get {first_of(r.data, 'wants')}"
    ),
    "review.saved": lambda r, k: "Worked on the after-action review",
    "review.signed": _signed_off,
    "review_task.made": _task("Task for"),
    "review_task.changed": _task("Task changed, for"),
    "review_task.done": _task("Task done, of"),
    "review_task.dropped": _task("Task dropped, of"),
    "review_task.reminded": _task("Reminded of an overdue task:"),
    "freeze.begun": lambda r, k: "Freezing what is scheduled",
    "freeze.lifted": lambda r, k: "Freeze of scheduled posts lifted",
    "scheduler.not_frozen": lambda r, k: f"Scheduled posts on {first_of(r.data, 'scheduler')} could not be read",
    "post.freezing": _post("Scheduled post about to be frozen"),
    "post.frozen": _post("Scheduled post frozen"),
    "post.not_frozen": _post("Scheduled post not frozen"),
    "post.restoring": _post("Frozen post about to be scheduled again"),
    "post.restored": _post("Frozen post scheduled again"),
    "post.not_restored": _post("Frozen post not scheduled again"),
    "post.missed": _post("Frozen post came due and is not published late"),
    "reaction.observed": _says,
    "effect.judged": _judged,
    "monitoring.ended": lambda r, k: "Watching ended by rule",
    "monitoring.extended": lambda r, k: (
        f"Watched until {str(first_of(r.data, 'until'))[:16].replace('T', ' ')} UTC at least"
    ),
    "coverage.lost": lambda r, k: f"Coverage lost: {first_of(r.data, 'source')} is silent",
    "coverage.returned": lambda r, k: f"Coverage returned: {first_of(r.data, 'source')} is heard again",
    "ledger.verified": lambda r, k: (
        "The whole ledger was proven" if r.data.get("ok") else "The ledger was found not to hold"
    ),
    "report.written": lambda r, k: "After-action report written",
    "evidence.sealed": lambda r, k: "Evidence sealed",
    "evidence.archiving": lambda r, k: f"Evidence on its way to the archive {first_of(r.data, 'archive')}",
    "evidence.archived": lambda r, k: f"Evidence locked in the archive {first_of(r.data, 'archive')}",
    "evidence.not_archived": lambda r, k: f"Evidence not in the archive {first_of(r.data, 'archive')}",
}
"""By kind of record."""


def sentence(record: Record, known: Known) -> str:
    """What a record says."""
    return SENTENCES.get(record.kind, _as_named)(record, known)
