"""Acting from Slack: taking an incident on by a button, and deciding on a statement in a view that shows every text.

Who pressed is a stakeholder with that Slack user among their routes, or with the e-mail address that Slack has of them;
nobody else can do anything. A decision ends in the same ``decide`` as on every other route, with the same checks.
"""

import logging
from dataclasses import replace
from typing import Any

import integrations
from crisis.approval import NotAllowed, Verdict, Via
from crisis.stakeholder import Stakeholder
from integrations.slack import Slack
from integrations.slack_actions import APPROVE, ON_IT, RETURN, TAKE_BACK, Click, Submission, decision_view
from records import NotFound
from tasks.acknowledge import acknowledge
from tasks.approve import decide, role_of, standing_of
from tasks.installation import Installation
from tasks.notify import name_of
from tasks.standing import own_decision
from tasks.take_back import take_back

logger = logging.getLogger(__name__)


async def pressed(here: Installation, slack: Slack, name: str, click: Click) -> None:
    """Do what a button of a message means, and tell whoever pressed it what came of it, so that only they see it."""
    try:
        person = await person_behind(here, slack, name, click)
        if click.action == ON_IT:
            first = await acknowledge(here, click.value, actor=person.email, via=Via.SLACK.value)
            whose = "You are" if first == person.email else f"{name_of(here, first)} is"
            says = f"{whose} on {click.value}."
        else:
            await slack.ask(click.trigger, await _view(here, person, click))
            return
    except (NotAllowed, NotFound, integrations.Refused) as refusal:
        says = f"Nothing was done: {refusal}."
    except integrations.IntegrationError as error:
        logger.warning("a button in Slack could not be answered: %s", error)
        says = "Nothing was done, because Slack did not answer. Use the link instead."
    await tell_them(slack, click, says)


async def sent_off(here: Installation, slack: Slack, name: str, sent: Submission) -> tuple[str, str]:
    """Record the decision of a view; a title and a sentence say what came of it. Sent twice, it counts once."""
    try:
        person = await person_behind(here, slack, name, sent)
        statement, version, content_hash = _decides(sent.value)
        if sent.action == TAKE_BACK:
            after = await take_back(
                here,
                statement=statement,
                version=version,
                approver=person.email,
                via=Via.SLACK,
                reason=sent.reason,
            )
            return "On record", f"Your approval is taken back. The text now stands so: {after.says}."
        verdict = Verdict.APPROVE if sent.action == APPROVE else Verdict.RETURN
        role = await role_of(here, statement, version, person)
        after = await decide(
            here,
            statement=statement,
            version=version,
            content_hash=content_hash,
            approver=person.email,
            role=role,
            verdict=verdict,
            via=Via.SLACK,
            reason=sent.reason,
        )
    except (NotAllowed, NotFound) as refusal:
        return "It did not count", f"{str(refusal)[:1].upper()}{str(refusal)[1:]}."
    except integrations.IntegrationError as error:
        logger.warning("a decision in Slack was not taken: %s", error)
        return "It did not count", "Slack did not say who you are. Use the link in the message instead."
    return "On record", f"You decided as {role}: {verdict.value}. The text now stands so: {after.says}."


async def person_behind(here: Installation, slack: Slack, name: str, said: Click | Submission) -> Stakeholder:
    """Which stakeholder a Slack user is.

    Raises:
        NotAllowed: none; that somebody tried is on record.
        integrations.IntegrationError: Slack did not say who they are.
    """
    async with here.store.reading() as tx:
        people = await tx.stakeholders.list()
    known = next((p for p in people if f"{name}:{said.user}" in p.routes), None)
    if known is None and (email := await slack.email_of(said.user, said.home)):
        known = next((p for p in people if p.email.casefold() == email.casefold()), None)
    if known is not None:
        return known
    async with here.store.transaction() as tx:
        why = "this Slack user is no stakeholder"
        data = {"user": said.user, "workspace": said.team, "action": said.action}
        await tx.ledger.append("slack.refused", actor="slack", via=Via.SLACK.value, reason=why, data=data)
    raise NotAllowed("you are not among the stakeholders here, by your Slack user or its e-mail address")


async def tell_them(slack: Slack, said: Click | Submission, says: str) -> None:
    """Say something that only whoever pressed sees; that it fails is no harm."""
    try:
        await slack.whisper(said.channel, said.user, says)
    except integrations.IntegrationError as error:
        logger.warning("nothing could be said in Slack: %s", error)


async def _view(here: Installation, person: Stakeholder, click: Click) -> dict[str, Any]:
    statement, version, content_hash = _decides(click.value)
    role = await role_of(here, statement, version, person)
    stands = await standing_of(here, statement, version)
    async with here.store.reading() as tx:
        text = await tx.statements.get(statement, version)
        proposal = await tx.statements.proposal(statement, version)
        own = await own_decision(tx, text, proposal, person.email) if proposal else None
    if text.content_hash != content_hash:
        raise NotAllowed("the text has changed since you were asked")
    if own and own.verdict is Verdict.APPROVE and click.action == RETURN and not stands.settled:
        click, role = replace(click, action=TAKE_BACK), own.role
    elif own:
        more = "; Return takes your approval back" if own.verdict is Verdict.APPROVE and not stands.settled else ""
        raise NotAllowed(f"you have decided already: {own.verdict.value} as {own.role}{more}")
    if stands.settled:
        raise NotAllowed(f"{text.label} waits for no decision: {stands.says}")
    posts = []
    for rendering in text.renderings:
        target = rendering.target
        place = f"{target.channel}: {target.address}" if target.address else target.channel
        subject = f"{rendering.subject}\n\n" if rendering.subject else ""
        posts.append((place, subject + "\n\n⁂\n\n".join(part.text for part in rendering.parts)))
    says = f"{text.label}, a {text.kind.value} statement to {text.audience}. You decide as {role}."
    return decision_view(click, text.label, says, posts)


def _decides(value: str) -> tuple[str, int, str]:
    """Statement, version and content hash of what a button decides on. Raises ``NotAllowed``."""
    statement, _, rest = value.partition("/")
    version, _, content_hash = rest.partition("/")
    if not (statement and version.isascii() and version.isdigit() and content_hash):
        raise NotAllowed("the button does not say what it decides on")
    return statement, int(version), content_hash
