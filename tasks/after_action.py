"""The after-action review, by people: they write its sections, record the meeting, take on tasks, and sign it off.

Whoever sees an incident and is not merely a viewer may write; whoever holds a role that signs may sign for it. With the
last signature the incident is reviewed, and its final report and evidence are asked for. ``remind`` nags about tasks
that are overdue and reviews that nobody has finished; it is cheap when there are none.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from crisis.access import VIEWER
from crisis.after_action import (
    LONGEST,
    LONGEST_TASK,
    Meeting,
    Review,
    ReviewTask,
    Section,
    SignOff,
    TaskState,
    content_hash,
    may_sign,
    missing_roles,
)
from crisis.approval import NotAllowed
from crisis.clocks import span_in_words
from crisis.incident import IllegalStep, Incident, IncidentState
from crisis.stakeholder import Stakeholder
from records import Transaction
from tasks.close import start_review
from tasks.installation import Installation
from tasks.notify import Notice, tell, tell_lead
from tasks.people import circle_of, sees

OVER = (IncidentState.REVIEWED, IncidentState.DISMISSED)


async def write(
    here: Installation,
    incident_id: str,
    sections: Mapping[Section, str],
    *,
    actor: str,
    version: int | None = None,
    authority_told_at: datetime | None = None,
) -> Review:
    """Save the sections given; others stay as they are.

    Args:
        version: the version that the writer had before them; None takes the present one.
        authority_told_at: when a data breach was notified; None leaves what is on record.

    Raises:
        NotAllowed: they may not write, a text is too long, or the review is closed.
        records.reviews.Changed: somebody saved meanwhile.
        records.NotFound: there is no such incident.
    """
    written = {section: _clean(text) for section, text in sections.items()}
    for section, text in written.items():
        if len(text) > LONGEST:
            raise NotAllowed(f"{section.value.replace('_', ' ')} is too long: keep it under {LONGEST:,} characters")
    async with here.store.transaction() as tx:
        incident = await _open(tx, incident_id, actor)
        before = await tx.reviews.get(incident.id)
        changed = {
            "sections": {**before.sections, **written},
            "authority_told_at": authority_told_at or before.authority_told_at,
        }
        return await _save(here, tx, before, changed, actor, version)


async def meet(
    here: Installation,
    incident_id: str,
    *,
    held_at: datetime,
    participants: Sequence[str],
    notes: str = "",
    actor: str,
    version: int | None = None,
) -> Review:
    """Put the review meeting on record: when, who took part, what was said. Saved again, it is corrected.

    Raises:
        NotAllowed: they may not write, nobody took part, the meeting lies ahead or before the incident, or the review
            is closed.
        records.reviews.Changed: somebody saved meanwhile.
    """
    people = tuple(dict.fromkeys(name for given in participants if (name := _clean(given)[:120])))
    if not people:
        raise NotAllowed("say who took part in the meeting")
    if len(notes) > LONGEST:
        raise NotAllowed(f"the minutes are too long: keep them under {LONGEST:,} characters")
    async with here.store.transaction() as tx:
        incident = await _open(tx, incident_id, actor)
        if not incident.opened_at <= held_at <= here.clock.now() + timedelta(minutes=5):
            raise NotAllowed("the meeting cannot have been before the incident or after now: times are UTC")
        before = await tx.reviews.get(incident.id)
        meeting = Meeting(held_at=held_at, participants=people, notes=_clean(notes))
        return await _save(here, tx, before, {"meeting": meeting}, actor, version)


async def take_on(
    here: Installation, incident_id: str, text: str, *, owner: str, due_at: datetime, actor: str
) -> ReviewTask:
    """Add a task with its owner and due time; the owner is told.

    Raises:
        NotAllowed: they may not write, the text is empty or too long, or the owner is no stakeholder who sees it.
    """
    async with here.store.transaction() as tx:
        incident = await _writable(tx, incident_id, actor)
        task = ReviewTask(
            id=await tx.review_tasks.next_id(incident.id),
            incident=incident.id,
            text=_task_text(text),
            owner=(await _owner(tx, incident, owner)).email,
            due_at=due_at,
            made_by=actor,
            made_at=here.clock.now(),
        )
        await tx.review_tasks.put(task, "made", actor=actor, via=here.via, flow_run_id=here.flow_run_id)
    await _tell_owner(here, incident, task, "task", why="a task of the review is theirs")
    return task


async def change(
    here: Installation,
    task_id: str,
    *,
    actor: str,
    text: str | None = None,
    owner: str | None = None,
    due_at: datetime | None = None,
    state: TaskState | None = None,
    note: str = "",
    seen: str = "",
) -> ReviewTask:
    """Change a task: its words, owner or due time, or say that it is done, dropped or open again.

    Args:
        seen: ``ReviewTask.seen_as`` of what they had before them; empty takes what there is.

    Raises:
        NotAllowed: they may not write, it was changed since they looked, or it is dropped without a reason.
        records.NotFound: there is no such task.
    """
    async with here.store.transaction() as tx:
        before = await tx.review_tasks.get(task_id)
        incident = await _writable(tx, before.incident, actor)
        if seen and seen != before.seen_as:
            raise NotAllowed(
                f"somebody changed {task_id} while you had it open: look at it above, then change it again"
            )
        wanted = state or before.state
        if wanted is TaskState.DROPPED and not (note.strip() or before.note):
            raise NotAllowed("say why the task is dropped: it goes on record")
        new_owner = before.owner if owner is None else (await _owner(tx, incident, owner)).email
        closed = None if wanted is TaskState.OPEN else before.closed_at or here.clock.now()
        after = before.model_copy(
            update={
                "text": before.text if text is None else _task_text(text),
                "owner": new_owner,
                "due_at": due_at or before.due_at,
                "state": wanted,
                "note": _clean(note)[:LONGEST_TASK] or before.note,
                "closed_at": closed,
                "reminded_at": before.reminded_at if (due_at or before.due_at) == before.due_at else None,
            }
        )
        if after == before:
            return before
        kind = wanted.value if wanted is not before.state and wanted is not TaskState.OPEN else "changed"
        act = {"actor": actor, "via": here.via, "reason": _clean(note), "flow_run_id": here.flow_run_id}
        await tx.review_tasks.put(after, kind, **act)
    if after.owner != before.owner:
        await _tell_owner(here, incident, after, "task", why="a task of the review is theirs")
    return after


async def sign(
    here: Installation, incident_id: str, *, role: str, actor: str, covers: str = ""
) -> tuple[Review, tuple[str, ...]]:
    """Sign the review off for a role; with the last one the incident is reviewed. Returns the roles still to sign.

    Args:
        covers: the hash of what the signer had before them; empty takes what there is.

    Raises:
        NotAllowed: see ``crisis.after_action.may_sign``; or it was changed since they looked.
    """
    roles = here.settings.review.signed_by
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(incident_id)
        person = await _seen_by(tx, incident, actor)
        review, tasks = await tx.reviews.get(incident.id), await tx.review_tasks.list(incident.id)
        may_sign(review, tasks, person, role, watch=incident.watch, state=incident.state, roles=roles)
        now_covers = content_hash(review, tasks)
        if covers and covers != now_covers:
            raise NotAllowed("it was changed since you looked: read it again, then sign")
        signed = SignOff(role=role, by=person.email, at=here.clock.now(), via=here.via, covers=now_covers)
        missing = tuple(r for r in missing_roles(review, tasks, roles) if r != role)
        act = {"actor": actor, "via": here.via, "flow_run_id": here.flow_run_id}
        review = await tx.reviews.sign(review, signed, final="" if missing else now_covers, **act)
        if not missing:
            incident = await tx.incidents.step(
                incident.id,
                IncidentState.REVIEWED,
                reason="the review is signed off",
                **act,
            )
    if not missing:
        await start_review(incident)
    return review, missing


async def remind(here: Installation) -> str:
    """Remind owners of overdue tasks, and leads of reviews that are overdue, once a day each."""
    now = here.clock.now()
    late = timedelta(days=here.settings.review.within_days)
    async with here.store.reading() as tx:
        due = [(t, await tx.incidents.get(t.incident)) for t in await tx.review_tasks.due(now) if t.to_remind(now)]
        resolved = await tx.incidents.list(states=(IncidentState.RESOLVED,))
    for task, incident in due:
        overdue = span_in_words(now - task.due_at)
        await _tell_owner(here, incident, task, f"task overdue/{now:%Y%m%d}", why=f"it is {overdue} overdue")
        async with here.store.transaction() as tx:
            await tx.review_tasks.reminded(task, now, via=here.via, flow_run_id=here.flow_run_id)
    waiting = [i for i in resolved if i.closed_at is not None and now - i.closed_at >= late]
    for incident in waiting if here.settings.review.signed_by else ():
        days = (now - (incident.closed_at or now)).days
        notice = Notice(f"review due/{days}", "review_due", {"days": days, "roles": _roles(here)})
        await tell_lead(here, incident, notice, why=f"the review is not signed {days} days after closing")
    return f"tasks overdue: {', '.join(t.id for t, _ in due)}" if due else ""


def _roles(here: Installation) -> str:
    return ", ".join(role.replace("_", " ") for role in here.settings.review.signed_by)


async def _tell_owner(here: Installation, incident: Incident, task: ReviewTask, occasion: str, *, why: str) -> None:
    async with here.store.reading() as tx:
        owner = next((p for p in await circle_of(tx, incident) if p.email == task.owner), None)
    if owner is None:
        return
    context: dict[str, object] = {"task": task.text, "task_id": task.id, "due": f"{task.due_at:%Y-%m-%d %H:%M}"}
    late = occasion.startswith("task overdue")
    notice = Notice(f"{occasion}/{task.id}", "task_overdue" if late else "task", context)
    await tell(here, incident, owner, notice, why=why)


async def _save(
    here: Installation,
    tx: Transaction,
    before: Review,
    changed: Mapping[str, object],
    actor: str,
    version: int | None,
) -> Review:
    edited = {"edited_by": actor, "edited_at": here.clock.now()}
    seen = before.version if version is None else version
    after = before.model_copy(update={**changed, "version": seen})
    if after.model_copy(update={"version": before.version}) == before:
        return before
    after = after.model_copy(update=edited)
    return await tx.reviews.save(after, actor=actor, via=here.via, flow_run_id=here.flow_run_id)


async def _open(tx: Transaction, incident_id: str, actor: str) -> Incident:
    """The incident whose review somebody may still write."""
    incident = await _writable(tx, incident_id, actor)
    if incident.state in OVER:
        raise NotAllowed(f"{incident.id} is {incident.state.value}: what was written is closed; its tasks go on")
    return incident


async def _writable(tx: Transaction, incident_id: str, actor: str) -> Incident:
    incident = await tx.incidents.get(incident_id)
    await _seen_by(tx, incident, actor)
    if incident.state is IncidentState.DISMISSED:
        raise IllegalStep(f"{incident.id} was dismissed: there is nothing to review")
    return incident


async def _seen_by(tx: Transaction, incident: Incident, email: str) -> Stakeholder:
    """The stakeholder, who sees the incident and may act. Raises ``NotAllowed``."""
    person = await tx.stakeholders.get(email)
    if person is None:
        raise NotAllowed(f"{email} is not among the stakeholders")
    if not await sees(tx, incident, person):
        raise NotAllowed(f"{incident.id} is restricted, and {person.name} is not among those who may see it")
    if set(person.roles_on(incident.watch)) <= {VIEWER}:
        raise NotAllowed(f"{person.name} may look at {incident.id}, but not act on it")
    return person


async def _owner(tx: Transaction, incident: Incident, email: str) -> Stakeholder:
    for person in await circle_of(tx, incident):
        if person.email.casefold() == email.strip().casefold():
            return person
    raise NotAllowed(f"{email or 'nobody'} cannot own the task: choose a stakeholder who sees {incident.id}")


def _task_text(text: str) -> str:
    words = " ".join(_clean(text).split())
    if not words or len(words) > LONGEST_TASK:
        raise NotAllowed(f"say what is to be done, in at most {LONGEST_TASK} characters")
    return words


def _clean(text: str) -> str:
    """Text as records can keep it, with plain line ends."""
    return text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\x00", "").strip()
