"""Signing in by mail: a link that works once, goes to a stakeholder only, and is stored nowhere.

What is kept is that somebody asked, until when, and whether it was used. The link itself is made while the mail goes out,
and signed; whoever reads the records cannot make one.
"""

import secrets
from datetime import UTC, datetime, timedelta

from crisis.access import Method
from crisis.delivery import Delivery, DeliveryState, Purpose, delivery_id
from crisis.stakeholder import Stakeholder
from crisis.statement import Part, Rendering, Target
from integrations import integration
from tasks.deliver import deliver
from tasks.installation import Installation
from tasks.links import SIGN_IN_PLACEHOLDER

GOOD_FOR = timedelta(minutes=15)
"""How long a link lets somebody in, in real time."""


async def mail_a_way_in(here: Installation, person: Stakeholder) -> bool:
    """Mail somebody a link that lets them in once. False when it did not get there; that is on record."""
    mailer = here.settings.mailer(person)
    if mailer is None:
        return False
    asked, now = secrets.token_urlsafe(18), datetime.now(UTC)
    delivery = _planned(here, person, asked, mailer.name, mailer.kind)
    async with here.store.transaction() as tx:
        await tx.sessions.ask(asked, person=person.email, method=Method.LINK, good_until=now + GOOD_FOR, now=now)
        await tx.ledger.append(
            "sign_in.asked", actor="desk", via="desk", data={"person": person.email, "method": Method.LINK.value}
        )
        await tx.outbox.enqueue(delivery, actor="outbox", via=here.via)
    return (await deliver(here, delivery.id, hurry=30.0)).arrived


def _planned(here: Installation, person: Stakeholder, asked: str, notifier: str, kind: str) -> Delivery:
    context = {"person": person, "organisation": here.settings.organisation, "link": SIGN_IN_PLACEHOLDER}
    minutes = int(GOOD_FOR.total_seconds() // 60)
    subject, _, text = here.templates.render("notice.sign_in.txt.j2", **context, minutes=minutes).partition("\n")
    body = text.strip()
    html = here.templates.render(
        "notice.html.j2",
        title=subject.strip(),
        lines=[line for line in body.splitlines() if line.strip() and SIGN_IN_PLACEHOLDER not in line],
        first_label="",
        first_link="",
        button_label="Go to the desk",
        button_link=SIGN_IN_PLACEHOLDER,
        footer=f"Fireline · {here.settings.organisation}",
    )
    target = Target(channel=notifier, kind=kind, address=person.email)
    now = here.clock.now()
    return Delivery(
        id=delivery_id(Purpose.NOTICE, f"sign-in/{asked}", target),
        incident="",
        purpose=Purpose.NOTICE,
        rendering=Rendering(
            target=target,
            parts=(Part(text=body, length=len(body), limit=max(1, len(body))),),
            subject=subject.strip(),
            html=html,
            options={
                "to": person.email,
                "link": SIGN_IN_PLACEHOLDER,
                "occasion": f"sign-in/{delivery_id(Purpose.NOTICE, asked, target)[:12]}",
                "sign_in": asked,
            },
        ),
        delivery_class=integration(kind).delivery_class,
        state=DeliveryState.PENDING,
        created_at=now,
        updated_at=now,
    )
