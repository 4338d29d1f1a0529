"""What a statement relied on, and whether it still holds.

A statement carries the facts it relied on as they were. Once it is public, a material change of one of them makes it
doubtful until every place that carries it has a correction that speaks of the facts as they are now. Nothing of this is
stored: it follows from the statement, the facts and the corrections, so it cannot be forgotten or be out of date.
"""

from collections.abc import Iterable

from crisis.fact import Fact, FactStatus
from crisis.statement import Statement, Target
from crisis.values import Frozen


class Broken(Frozen):
    """A fact that a statement relied on and that is not any more as it was."""

    was: Fact
    now: Fact

    @property
    def says(self) -> str:
        """``INC-7-F2 was confirmed, “Trains run”, and is refuted now``."""
        became = f"{self.now.status} now"
        if self.now.text != self.was.text:
            became += f", “{self.now.text}”"
        return f"{self.was.id} was {self.was.status}, “{self.was.text}”, and is {became}"


def broken(statement: Statement, facts: Iterable[Fact]) -> tuple[Broken, ...]:
    """What ``statement`` relied on and no longer holds as it was, by the facts as they are now.

    What it called unconfirmed may turn out either way without making it untrue. New words that its owner marked as
    immaterial (a spelling) break nothing; another status always does.
    """
    current = {fact.id: fact for fact in facts}
    found = []
    for was in statement.facts:
        now = current.get(was.id)
        if now is None or was.status is FactStatus.UNCONFIRMED:
            continue
        if now.status is not was.status or (now.material and now.text != was.text):
            found.append(Broken(was=was, now=now))
    return tuple(found)


def speaks_of(correction: Statement, changed: Iterable[Broken]) -> bool:
    """Whether ``correction`` was written with every one of these facts as it is now."""
    known = {(fact.id, fact.text, fact.status) for fact in correction.facts}
    return all((one.now.id, one.now.text, one.now.status) in known for one in changed)


def uncorrected(
    carriers: Iterable[Target], changed: tuple[Broken, ...], corrections: Iterable[Statement]
) -> frozenset[Target]:
    """The targets that carry a doubtful text, and have and will get no correction of it by ``corrections``."""
    reached = {r.target for one in corrections if speaks_of(one, changed) for r in one.renderings}
    return frozenset(carriers) - reached
