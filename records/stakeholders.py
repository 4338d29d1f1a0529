"""Stakeholders as they are configured, so that who held which role when is on record."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Unpack

from sqlalchemy import delete, select

from crisis.stakeholder import Stakeholder
from records.ledger import Ledger
from records.sessions import Sessions
from records.tables import stakeholders
from records.work import Act, Work, body, read


class Stakeholders:
    """Who is told, and who may approve in which role."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def put_all(self, people: Sequence[Stakeholder], **act: Unpack[Act]) -> None:
        """Make ``people`` the stakeholders there are; a record says who came, changed and left, if anybody did.

        Whoever left is shown out of the desk at once.

        Raises:
            ValueError: two of them share an e-mail address.
        """
        before = {person.email: person for person in await self.list()}
        after = {person.email: person for person in people}
        if len(after) != len(people):
            raise ValueError("two stakeholders share one e-mail address: it is their identity, so give each their own")
        if list(before.values()) == list(people):
            return
        await self._work.write(delete(stakeholders))
        for position, person in enumerate(people):
            row = {"email": person.email, "position": position, "body": body(person)}
            await self._work.write(stakeholders.insert().values(row))
        changed = [p.model_dump(mode="json") for p in people if before.get(p.email) != p]
        left = [email for email in before if email not in after]
        await self._ledger.append("stakeholder.saved", data={"saved": changed, "removed": left}, **act)
        shown_out: Act = {**act, "reason": "no longer among the stakeholders"}
        for email in left:
            await Sessions(self._work, self._ledger).end_all(email, datetime.now(UTC), **shown_out)

    async def list(self) -> list[Stakeholder]:
        """All stakeholders, as ordered in the configuration."""
        query = select(stakeholders.c.body).order_by(stakeholders.c.position)
        return [read(Stakeholder, row.body) for row in await self._work.all(query)]

    async def get(self, email: str) -> Stakeholder | None:
        """The stakeholder of that address; None when there is none."""
        row = await self._work.first(select(stakeholders.c.body).where(stakeholders.c.email == email))
        return None if row is None else read(Stakeholder, row.body)
