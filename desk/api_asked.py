"""``/api/incidents/{id}/questions`` and ``/empathy``: what the public asks and feels about one incident."""

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crisis.empathy import EmpathyMap, Need
from crisis.values import UtcDatetime
from desk.api_shapes import Answer, Reason, answered, problem
from desk.state import desk_of
from records import NotFound
from tasks.empathy import felt
from tasks.questions import asked_about


class AskedQuestion(Answer):
    """One question of the public."""

    id: str = Field(examples=["INC-7-Q2"])
    text: str
    """Words of posts: text from outside."""
    authors: int
    posts: int
    score: float
    factors: tuple[Reason, ...]
    standing: str
    """``open``, ``drafted``, ``waits for approval``, ``approved``, ``answered``, ``in doubt`` or ``set aside``."""
    unanswered: bool
    owner: str
    first_asked_at: UtcDatetime
    say_by: UtcDatetime | None
    answer: str
    """The statement version that answers it, as far as it has come."""


class Questions(Answer):
    """What the public asks, what matters most first."""

    questions: tuple[AskedQuestion, ...]


class Empathy(Answer):
    """What each affected group says, thinks, feels and does, and what the statements answer. Holds text from outside."""

    map: EmpathyMap
    needs: tuple[Need, ...]


async def asked(request: Request) -> Response:
    """What the public asks about one incident."""
    here = desk_of(request).here
    try:
        async with here.store.reading() as tx:
            found = await tx.incidents.get(request.path_params["id"])
            rows = await asked_about(tx, found, here.clock.now())
    except NotFound:
        return problem(404, "there is no such incident")
    listed = [
        row.question.model_dump(include={"id", "text", "owner", "first_asked_at", "say_by"})
        | {
            "authors": row.tally.authors,
            "posts": row.tally.posts,
            "score": row.score,
            "factors": [f.model_dump(include=set(Reason.model_fields)) for f in row.factors],
            "standing": row.standing.value,
            "unanswered": row.standing.unanswered,
            "answer": row.answer.statement.label if row.answer else "",
        }
        for row in rows
    ]
    return answered(Questions(questions=tuple(AskedQuestion.model_validate(row) for row in listed)))


async def empathy(request: Request) -> Response:
    """The empathy map of one incident's newest posts."""
    try:
        async with desk_of(request).here.store.reading() as tx:
            told = await felt(tx, await tx.incidents.get(request.path_params["id"]))
    except NotFound:
        return problem(404, "there is no such incident")
    return answered(Empathy(map=told.map, needs=told.needs))


ROUTES = [
    Route("/api/incidents/{id}/questions", asked, methods=["GET"]),
    Route("/api/incidents/{id}/empathy", empathy, methods=["GET"]),
]
