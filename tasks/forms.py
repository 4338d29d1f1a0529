"""The form of a suspended run in the Prefect UI: one route to ``decide``, with no answer filled in beforehand.

Open-source Prefect knows no users, so whoever answers proves who they are by a one-time code.
"""

from datetime import timedelta
from enum import StrEnum

from prefect.input import RunInput
from pydantic import Field

from crisis.approval import NotAllowed, Standing, Verdict, Via
from crisis.incident import Incident, IncidentState
from crisis.statement import Statement
from crisis.values import StatementKind
from tasks.approve import check_code, decide, standing_of
from tasks.break_glass import break_glass
from tasks.installation import Installation
from tasks.links import READABLE, reading_link
from tasks.take_back import take_back


class Answer(StrEnum):
    """What the form can say."""

    APPROVE = "approve"
    RETURN = "return"
    TAKE_BACK = "take my approval back"
    BREAK_GLASS = "break the glass"
    CHECK_AGAIN = "check again"


class ApprovalForm(RunInput):
    """Decide on the statement shown above. Nothing is filled in beforehand, so nothing is decided by accident."""

    decision: Answer = Field(
        title="Your decision",
        description="approve: publish it exactly as shown, once everybody needed has approved. return: send it back "
        "with your reason. take my approval back: as long as nothing has gone out. break the glass: an incident lead "
        "publishes it now without its approvals, and everybody with a role is told. check again: decide nothing, just "
        "look whether others have decided elsewhere.",
    )
    approver: str = Field(title="Your e-mail address", description="As it stands among the stakeholders.")
    role: str = Field(title="The role in which you decide", description="For example comms, legal, incident_lead.")
    one_time_code: str = Field(
        title="Your one-time code", description="Six digits from your authenticator app; they work once."
    )
    reason: str = Field(
        title="Your reason",
        description="Needed unless you approve, when a dash is fine; 20 characters at least to break the glass.",
    )


class NotAReport(ValueError):
    """A form that was handed in by hand and says too little; the message says what to add."""


def reported_watch(here: Installation, *, watch: str, title: str) -> str:
    """The watch that a report by hand is about: the one named, or the only one there is.

    Raises:
        NotAReport: it says nothing of what has happened, or not what is affected.
        config.ConfigError: no such watch.
    """
    if not title.strip():
        raise NotAReport('say in one line what has happened, under "What has happened", and start it again')
    if watch.strip():
        return here.settings.watch(watch.strip().casefold()).name
    if len(here.settings.watches) != 1:
        known = ", ".join(w.name for w in here.settings.watches) or "none: add [[watches]] to fireline.toml"
        raise NotAReport(f'say what is affected, under "What is affected", and start it again; there are: {known}')
    return here.settings.watches[0].name


def unproven(reporter: str) -> str:
    """How a reporter goes on record whom nobody has proven: open-source Prefect knows no users."""
    return f"unattributed (says {reporter.strip()})" if reporter.strip() else "unattributed"


async def forms_used(here: Installation, incident_id: str) -> int:
    """How many forms were handed in for an incident: the next one's key."""
    async with here.store.reading() as tx:
        return len(await tx.ledger.list(kind="approval.form", incident=incident_id))


async def awaited_statement(here: Installation, incident_id: str, kind: StatementKind) -> tuple[Incident, Statement]:
    """The incident and the latest version of its first statement of that kind."""
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        statements = [s for s in await tx.statements.list(incident_id) if s.kind is kind]
    return incident, statements[0]


async def answer_form(
    here: Installation, statement: Statement, used: int, form: ApprovalForm | None, problem: str = ""
) -> str:
    """Take one form's answer, and say what came of it. A form that proves nothing decides nothing.

    The form's number is recorded together with the outcome, so that a repeat of the flow asks with a fresh form.
    """
    says = problem or "decided nothing"
    if form is not None and form.decision is not Answer.CHECK_AGAIN:
        try:
            says = (await _act(here, statement, form)).says
        except NotAllowed as refusal:
            says = str(refusal)
    async with here.store.transaction() as tx:
        if len(await tx.ledger.list(kind="approval.form", incident=statement.incident)) == used:
            await tx.ledger.append(
                "approval.form",
                actor=form.approver if form and form.approver != "-" else "unattributed",
                incident=statement.incident,
                via=Via.PREFECT_UI.value,
                reason=says,
                flow_run_id=here.flow_run_id,
                data={
                    "statement": statement.id,
                    "version": statement.version,
                    "answer": form.decision.value if form else "unreadable",
                    "number": used,
                },
            )
    return says


async def _act(here: Installation, statement: Statement, form: ApprovalForm) -> Standing:
    """Do what a form asks for, once whoever handed it in has proven who they are. Raises ``NotAllowed``."""
    if form.decision is Answer.BREAK_GLASS:
        return await break_glass(
            here,
            statement=statement.id,
            version=statement.version,
            content_hash=statement.content_hash,
            person=form.approver,
            code=form.one_time_code,
            reason=form.reason,
            via=Via.PREFECT_UI,
        )
    await check_code(here, form.approver, form.one_time_code)
    if form.decision is Answer.TAKE_BACK:
        return await take_back(
            here,
            statement=statement.id,
            version=statement.version,
            approver=form.approver,
            via=Via.PREFECT_UI,
            reason=form.reason,
        )
    return await decide(
        here,
        statement=statement.id,
        version=statement.version,
        content_hash=statement.content_hash,
        approver=form.approver,
        role=form.role,
        verdict=Verdict(form.decision.value),
        via=Via.PREFECT_UI,
        reason=form.reason,
    )


async def describe_form(here: Installation, statement: Statement, *, lasts: timedelta = READABLE) -> str:
    """What the form shows above its fields, in Markdown: where to read the text on a phone, on whose screen Prefect leaves
    the text no room; what came of the last form, the text, the targets, who decides.

    Args:
        lasts: how long the form waits, and so how long the link in it opens the exact previews (of this text only).
    """
    previews = reading_link(here, statement.incident, statement=statement.id, version=statement.version, lasts=lasts)
    stands = await standing_of(here, statement.id, statement.version)
    async with here.store.reading() as tx:
        handed_in = [
            r
            for r in await tx.ledger.list(kind="approval.form", incident=statement.incident)
            if (r.data.get("statement"), r.data.get("version")) == (statement.id, statement.version)
        ]
    last = f"**What came of the last form ({handed_in[-1].actor}):** {handed_in[-1].reason}\n\n" if handed_in else ""
    targets = ", ".join(r.target.channel for r in statement.renderings)
    quoted = "\n".join(f"> {line}" for line in statement.body.splitlines())
    return (
        f"[**Read exactly what would be published**]({previews})\n\n"
        f"{last}**{statement.incident}: {statement.kind.value} statement {statement.label}**\n\n"
        f"> **{statement.headline}**\n>\n{quoted}\n\n"
        f"It goes to {targets}. It {stands.says}.\n\n"
        f"Content `{statement.content_hash[:12]}`."
    )


ENDED = frozenset({IncidentState.DISMISSED, IncidentState.RESOLVED, IncidentState.REVIEWED})
"""States in which a response waits for nothing any more."""
