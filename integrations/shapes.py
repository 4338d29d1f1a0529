"""The shapes of what platforms answer: an object, a list of objects, a time; no kind by itself.

Promises: what has another shape than the platform documents tells nothing, so it is ``Unknown``, never a crash.
"""

from datetime import UTC, datetime
from typing import Any

from integrations.outcomes import Unknown


def an_object(value: Any, what: str) -> dict[str, Any]:
    """``value``, which the platform calls ``what``, as an object; an empty one where there is none.

    Raises:
        Unknown: it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unknown(f"the answer's {what} is no object")
    return value


def objects(value: Any, what: str) -> list[dict[str, Any]]:
    """``value`` as a list of objects; an empty one where there is none. Raises like ``an_object``."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Unknown(f"the answer's {what} is no list of objects")
    return value


def at_second(value: Any, what: str, per_second: int = 1) -> datetime:
    """A number of seconds since 1970 (or of parts of one, of which there are ``per_second``), in UTC.

    Raises:
        Unknown: it is no such number.
    """
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / per_second, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise Unknown(f"the answer's {what} is no time")
