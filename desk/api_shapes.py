"""What the answers of ``/api`` share: their base, how one is given, and how one is refused."""

from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse, Response

MOST = 200
"""Entries of one answer."""


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Reason(Answer):
    """One factor of the severity, in words and numbers."""

    name: str
    value: float
    baseline: float | None
    points: float
    says: str


class Problem(Answer):
    """Why there is no answer, in one sentence."""

    error: str


def answered(model: BaseModel) -> Response:
    return JSONResponse(model.model_dump(mode="json"))


def problem(status: int, says: str) -> Response:
    return JSONResponse(Problem(error=says).model_dump(), status_code=status)
