"""Whom a signed link names: what its page shows is what that person may see."""

from crisis.approval import NotAllowed
from crisis.stakeholder import Stakeholder
from tasks.installation import Installation
from tasks.links import read_acting_link, read_link, read_on_it_link, read_reading_link


async def person_behind(here: Installation, path: str) -> Stakeholder | None:
    """The stakeholder whom the link at ``path`` was sent to; None when it names nobody, or does not hold."""
    page, _, rest = path.lstrip("/").partition("/")
    token = rest.partition("/")[0]
    async with here.store.reading() as tx:
        people = {p.email: p for p in await tx.stakeholders.list()}
    try:
        if page == "approve":
            return people.get(read_link(here, token).approver)
        if page == "act":
            return people.get(read_acting_link(here, token).person)
        if page == "on":
            return people.get(read_on_it_link(here, token, people).person)
        if page == "read":
            return people.get(read_reading_link(here, token).person)
    except NotAllowed:
        return None  # the page says what is wrong with it
    return None
