"""Posts, people and an installation whose channels may reply, for the tests of replies, claims and people."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from acme import ANA, IDA, NOON, acme, incident_in

from crisis.approval import Verdict, Via
from crisis.fact import Fact, FactStatus
from crisis.incident import Incident
from crisis.statement import Statement
from crisis.values import CrisisType
from crisis.watch import Mention
from tasks.approve import decide
from tasks.installation import Installation

REPLYING = tuple(
    (f'looks_like = "{kind}"', f'looks_like = "{kind}"\nreplies = true') for kind in ("mastodon", "bluesky")
)
FALSE = "Acme sells your payment data to advertisers, they admitted it in their own terms of service"


def post(number: int, text: str, **more: Any) -> Mention:
    """A post on Mastodon by the person of that number."""
    fields = {
        "id": f"https://social.example/users/p{number}/statuses/{number}",
        "text": text,
        "created_at": NOON,
        "author": f"p{number}@social.example",
        "source": "mastodon",
        "url": f"https://social.example/@p{number}/{number}",
        "language": "en",
        **more,
    }
    return Mention.model_validate(fields)


def replying(folder: Path, **more: Any) -> Any:
    """The starter installation with two channels that may reply."""
    return acme(folder, *REPLYING, **more)


async def crisis_with(here: Installation, posts: Iterable[Mention]) -> Incident:
    incident = await incident_in(here, kind=CrisisType.SERVICE_FAILURE)
    async with here.store.transaction() as tx:
        await tx.mentions.relied_on(incident.id, posts)
    return incident


async def answering_fact(
    here: Installation, incident: Incident, *, evidence: str = "https://acme.example/audit"
) -> Fact:
    """The truth that answers ``FALSE``, confirmed."""
    async with here.store.transaction() as tx:
        fact = Fact(
            id=await tx.facts.next_id(incident.id),
            incident=incident.id,
            text="Acme has never sold payment data",
            status=FactStatus.CONFIRMED,
            owner=IDA,
            evidence=evidence,
            updated_at=here.clock.now(),
        )
        await tx.facts.put(fact, actor=IDA)
    return fact


async def approved(here: Installation, statement: Statement, *by: tuple[str, str]) -> None:
    """Everybody named approves."""
    for person, role in by or ((ANA, "comms"),):
        await decide(
            here,
            statement=statement.id,
            version=statement.version,
            content_hash=statement.content_hash,
            approver=person,
            role=role,
            verdict=Verdict.APPROVE,
            via=Via.CLI,
        )


def texts(statement: Statement) -> Sequence[str]:
    return [r.text for r in statement.renderings]
