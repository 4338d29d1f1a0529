"""What Facebook's and Threads' Graph APIs share: errors by code, whatever their status; no kind by itself.

Codes: https://developers.facebook.com/docs/graph-api/guides/error-handling.
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.http import Answer
from integrations.outcomes import Misconfigured, RateLimited, Refused, Unknown
from integrations.rate_limits import DEFAULT_WAIT

LOOK_BACK = timedelta(hours=24)
"""How far back posts are looked for."""
_CREDENTIALS = frozenset({10, 102, 190, 200, 210, 230, 459, 463, 464, 467})
_LATER = frozenset({4, 17, 32, 80001, 80002, 80006, 613})
_NO_ANSWER = frozenset({1, 2})
DUPLICATE = 506


def proof(access_token: str, app_secret: str) -> dict[str, str]:
    """``appsecret_proof``, which apps may require: https://developers.facebook.com/docs/graph-api/guides/secure-requests."""
    if not app_secret:
        return {}
    return {"appsecret_proof": hmac.new(app_secret.encode(), access_token.encode(), hashlib.sha256).hexdigest()}


def code(answer: Answer) -> int:
    """The error's code; 0 when there is none."""
    error = answer.value.get("error") if isinstance(answer.value, dict) else None
    found = error.get("code") if isinstance(error, dict) else None
    return found if isinstance(found, int) else 0


def gone(answer: Answer) -> bool:
    """Whether what was to be removed is not there any more."""
    return answer.status == 404 or (code(answer) == 100 and "does not exist" in answer.says)


def body(answer: Answer) -> dict[str, Any]:
    """The JSON object of a 2xx without an error.

    Raises:
        RateLimited, Misconfigured, Refused, Unknown: as the error's code says.
    """
    number = code(answer)
    if number in _LATER:
        raise RateLimited(f"the platform asks to slow down: {answer.says}", datetime.now(UTC) + DEFAULT_WAIT * 10)
    if number in _CREDENTIALS or 200 < number < 300:
        raise Misconfigured(f"{answer.says}. Check the token and its permissions")
    if number in _NO_ANSWER:
        raise Unknown(f"no clear answer: {answer.says}")
    if number:
        raise Refused(f"it was refused: {answer.says}")
    return answer.body()


def made(answer: Answer) -> str:
    """The id of what was made."""
    found = body(answer).get("id")
    if not isinstance(found, str) or not found:
        raise Unknown(f"an answer without an id: {answer.says}")
    return found


def listed(answer: Answer) -> list[dict[str, Any]]:
    """The objects under ``data``."""
    data = body(answer).get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) and one.get("id") for one in data):
        raise Unknown(f"an answer without a list: {answer.says}")
    return data


def since() -> str:
    """The start of ``LOOK_BACK``, in seconds since 1970."""
    return str(int((datetime.now(UTC) - LOOK_BACK).timestamp()))
