"""Verbs of the after-action review: write it, record the meeting, take on tasks, sign it off, export it. As on the desk."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from crisis.after_action import SECTIONS, ReviewTask, Section, TaskState
from crisis.typed_in import moment_of
from fireline.errors import Stop
from fireline.incidents import Actor, Json
from fireline.session import session, show

Words = Annotated[
    str | None, Parameter(help="The section's new text, or @ and the name of a file with it; left out, it stays.")
]


async def review(
    incident: str,
    *,
    worked: Words = None,
    did_not_work: Words = None,
    contributing_factors: Words = None,
    lessons: Words = None,
    authority_told_at: Annotated[str, Parameter(help="When a data breach was notified (UTC).")] = "",
    actor: Annotated[str, Parameter(name="--as", help="Your e-mail address; needed to write.")] = "",
    json: Json = False,
) -> None:
    """Show the after-action review of an incident, or write its sections.

    Words that blame people are pointed out, with a better way to say it; nothing is kept from being saved.

    Args:
        incident: Such as INC-7.
    """
    from crisis.after_action import lacks, missing_roles
    from crisis.blameless import blame_in
    from tasks import after_action as acts
    from tasks.report import worked_and_not

    given = dict(zip(Section, (worked, did_not_work, contributing_factors, lessons), strict=True))
    sections = {section: _section(section.value, text) for section, text in given.items() if text is not None}
    async with session() as here:
        if sections or authority_told_at:
            here.settings.stakeholder(actor)
            told = moment(authority_told_at) if authority_told_at else None
            await acts.write(here, incident, sections, actor=actor, authority_told_at=told)
        went, did_not = await worked_and_not(here, incident)
        async with here.store.reading() as tx:
            found, tasks = await tx.reviews.get(incident), await tx.review_tasks.list(incident)
            people = [p.name for p in await tx.stakeholders.list()]
        missing = missing_roles(found, tasks, here.settings.review.signed_by)
        blame = {s.value: [f.model_dump() for f in blame_in(text, people)] for s, text in found.sections.items()}
        lines = ["By the records, as it was meant to:", *(f"  + {w}" for w in went)]
        lines += ["By the records, not:", *(f"  - {w}" for w in did_not)]
        for section, (title, _) in SECTIONS.items():
            lines += ["", f"{title}:", found.sections.get(section) or "  (nothing yet)"]
            lines += [f"  ! {f['says']}; better: {f['fix']}" for f in blame.get(section.value, ())]
        meeting = found.meeting
        lines += ["", f"Meeting: {meeting.held_at:%Y-%m-%d %H:%M} UTC" if meeting else "Meeting: none on record yet"]
        lines += [
            f"Still to sign: {', '.join(missing) or 'nobody'}",
            *(f"Before that: {what}" for what in lacks(found)),
        ]
        row = {"incident": incident, "worked_by_record": went, "did_not_by_record": did_not}
        row |= found.model_dump(mode="json") | {"missing": missing, "blame": blame}
        show(row, as_json=json, words="\n".join(lines))


def _section(name: str, given: str) -> str:
    """A section's text as given, or of the file that is named after an ``@``."""
    option = f"--{name.replace('_', '-')}"
    if not given.startswith("@"):
        if (
            not given[:1].isspace()
            and len(given.split()) == 1
            and (given[0] in "/~." or Path(given).suffix in (".md", ".txt"))
        ):
            raise Stop(f"{option} {given} looks like a file: write {option} @{given} for the text in it")
        return given
    path = Path(given[1:]).expanduser()
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Stop(f"{option}: {path}: {error.strerror or 'cannot be read'}: name a text file after the @") from None
    except UnicodeDecodeError as error:
        raise Stop(f"{option}: {path}: byte {error.start} is not UTF-8: save the file as UTF-8") from None


async def review_meeting(
    incident: str,
    *,
    held_at: Annotated[str, Parameter(help="Date and time in UTC, such as 2026-03-02T10:00.")],
    participant: Annotated[list[str], Parameter(name="--with", help="Who took part: e-mail addresses, or guests.")],
    notes: str = "",
    actor: Actor,
    json: Json = False,
) -> None:
    """Put the review meeting on record; said again, it is corrected.

    Args:
        incident: Such as INC-7.
        notes: The minutes.
    """
    from tasks import after_action as acts

    async with session() as here:
        here.settings.stakeholder(actor)
        saved = await acts.meet(
            here, incident, held_at=moment(held_at), participants=participant, notes=notes, actor=actor
        )
        row = {"incident": incident, "version": saved.version, "participants": participant}
        show(row, as_json=json, words=f"The meeting on {incident} is on record.")


async def review_sign(incident: str, *, role: str, actor: Actor, json: Json = False) -> None:
    """Sign the review off for a role. With the last signature the incident is reviewed, and its report final.

    Args:
        incident: Such as INC-7.
        role: The role that you sign for; fireline.toml says which roles sign ([review] signed_by).
    """
    from tasks import after_action as acts

    async with session() as here:
        here.settings.stakeholder(actor)
        _, missing = await acts.sign(here, incident, role=role, actor=actor)
        words = f"Signed. Still to sign: {', '.join(missing)}." if missing else f"Signed. {incident} is reviewed."
        show({"incident": incident, "role": role, "missing": missing}, as_json=json, words=words)


async def task(
    incident: str,
    text: str = "",
    *,
    owner: str = "",
    due: Annotated[str, Parameter(help="Date, or date and time, in UTC.")] = "",
    id: Annotated[str, Parameter(help="The task to change, such as INC-7-T2; left out, a new one is added.")] = "",
    done: Annotated[bool, Parameter(negative="")] = False,
    drop: Annotated[bool, Parameter(negative="", help="It will not be done; say why with --note.")] = False,
    note: str = "",
    actor: Actor,
    json: Json = False,
) -> None:
    """Add a task of the review, or change one: its words, owner or due time, or that it is done or dropped.

    Args:
        incident: Such as INC-7.
        text: What is to be done.
        owner: The e-mail address of the stakeholder who does it; they are told.
        note: What came of it.
    """
    from records import NotFound
    from tasks import after_action as acts

    if done and drop:
        raise Stop("say either --done or --drop")
    if not id and not (text and owner and due):
        raise Stop("a new task needs its text, --owner and --due; to change one, say --id")
    async with session() as here:
        here.settings.stakeholder(actor)
        if not id:
            made = await acts.take_on(here, incident, text, owner=owner, due_at=moment(due), actor=actor)
        else:
            async with here.store.reading() as tx:
                known = {t.id for t in await tx.review_tasks.list(incident)}
            if id not in known:
                has = f"it has {', '.join(sorted(known))}" if known else "it has none yet"
                raise NotFound(f"{incident} has no task {id!r}: {has}")
            made = await acts.change(
                here,
                id,
                actor=actor,
                text=text or None,
                owner=owner or None,
                due_at=moment(due) if due else None,
                state=TaskState.DONE if done else TaskState.DROPPED if drop else None,
                note=note,
            )
        show(made.model_dump(mode="json"), as_json=json, words=_line(made, here.clock.now()))


async def tasks(incident: str = "", *, json: Json = False) -> None:
    """List tasks of reviews, those that are due first; of one incident, or of all.

    Args:
        incident: Such as INC-7.
    """
    async with session() as here:
        async with here.store.reading() as tx:
            if incident:
                await tx.incidents.get(incident)
            found = await tx.review_tasks.list(incident)
        now = here.clock.now()
        for one in sorted(found, key=lambda t: (t.state is not TaskState.OPEN, t.due_at)):
            row = {**one.model_dump(mode="json"), "overdue": one.overdue(now)}
            show(row, as_json=json, words=_line(one, now))
        if not found and not json:
            print("No tasks.")


async def export(incident: str, *, out: Annotated[Path, Parameter(name=("--out", "-o"))], json: Json = False) -> None:
    """Write an incident's report as data: one JSON file, and CSV files of its tables (docs/review.md says what is in them).

    Args:
        incident: Such as INC-7.
        out: The folder to write them into; made if it is not there.
    """
    from tasks.documents import data_files, told_of
    from tasks.review import put_files

    async with session() as here:
        files = data_files(await told_of(here, incident))
        try:
            put_files(out, files)
        except OSError as error:
            raise Stop(f"{out} cannot be written to: {error.strerror}") from None
    paths = [str(out / name) for name in files]
    show({"incident": incident, "files": paths}, as_json=json, words="\n".join(paths))


def moment(text: str) -> datetime:
    """A date, or a date and time; UTC unless it says otherwise. Raises ``Stop``."""
    found = moment_of(text)
    if found is None:
        raise Stop(f"{text!r} is no date or time: write 2026-03-02 or 2026-03-02T10:00 (UTC)")
    return found


def _line(task: ReviewTask, now: datetime) -> str:
    state = "OVERDUE" if task.overdue(now) else task.state.value
    return f"{task.id}  {state:<8} due {task.due_at:%Y-%m-%d %H:%M}  {task.owner}: {task.text}"
