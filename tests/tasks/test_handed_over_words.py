"""What care is told to keep to stands whole, or says that it goes on."""

from datetime import timedelta
from pathlib import Path

import pytest
from acme import NOON, acme, incident_in

from crisis.influence import Person, people
from crisis.understanding import understood
from crisis.values import StatementKind
from crisis.watch import Mention
from tasks.draft import draft
from tasks.hand_over import TOLD, context_of


@pytest.mark.parametrize("length", [900, 4_000])
async def test_a_statement_is_never_handed_over_half_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    async with acme(tmp_path) as here:
        incident = await incident_in(here)
        said = await draft(here, incident.id, StatementKind.HOLDING, author="template")
    body = ("We will refund everybody. " * 200)[:length]
    post = Mention(id="1", text="my card was charged twice", author="@mia", created_at=NOON - timedelta(hours=1))
    [person] = people(understood([post]), most=1)
    assert isinstance(person, Person)
    words = context_of(incident, "Acme", person, [], [said.model_copy(update={"body": body})], contact="", now=NOON)
    told = words.partition("keep to it):\n")[2].partition("\n\nAsk")[0]
    assert (body.strip() in told) == (length <= TOLD)
    assert told.endswith(" …") == (length > TOLD)
