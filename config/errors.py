"""Mistakes in what people edit, told so that they can be mended: the file, the line, what is wrong and what to write.

Whatever is in a configuration file, the reader gets sentences, never a traceback. All mistakes of one file are told
together, one a line.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

Location = tuple[str | int, ...]
"""The way to a value: ``("watches", 0, "query")``."""
Lines = Mapping[Location, int]
"""Where each value is written, counted from 1."""


class ConfigError(Exception):
    """The configuration cannot be used. Each line of the message is one mistake: ``file:line: what, and the fix``."""


def did_you_mean(word: object, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """``; did you mean 'query'?`` when one known word is close, else the words that exist.

    ``cutoff``: how alike they must be, 0..1; higher for words that share much anyhow, such as addresses.
    """
    names = sorted({str(k) for k in known})
    close = get_close_matches(str(word).lower(), names, n=1, cutoff=cutoff)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there is {', '.join(names)}" if names else "; there is none yet"


def line_of(lines: Lines, location: Location) -> int:
    """The line of a value, or of the nearest thing around it that is written down."""
    for length in range(len(location), 0, -1):
        if location[:length] in lines:
            return lines[location[:length]]
    return 1


def sentence(file: Path | str, line: int | None, says: str) -> str:
    """One mistake as people read it."""
    where = f"{file}:{line}" if line else f"{file}"
    return f"{where}: {' '.join(says.split())}"


def mistakes(error: ValidationError, model: type[BaseModel]) -> list[tuple[Location, str]]:
    """What pydantic found, in plain words, with the place of each. Values are not repeated: they may be secrets."""
    items = [item for item in error.errors(include_url=False) if item["type"] != "default_factory_not_called"]
    meant = {
        (*item["loc"][:-1], *get_close_matches(str(item["loc"][-1]), _keys_at(model, item["loc"][:-1]), n=1))
        for item in items
        if item["type"] == "extra_forbidden"
    }
    found = []
    for item in items:
        if item["type"] == "missing" and item["loc"] in meant:
            continue  # it is there, misspelt, which is told
        location = tuple(part for part in item["loc"] if part != "[key]")
        found.append((location, _plain(location, dict(item), model)))
    return found


def _plain(location: Location, item: dict[str, Any], model: type[BaseModel]) -> str:
    name = spell(location)
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        return f"there is no key {location[-1]!r}{did_you_mean(location[-1], _keys_at(model, location[:-1]))}"
    if kind == "missing":
        return f"{location[-1]!r} is missing: add it"
    if kind == "value_error":
        return f"{name}: {context.get('error', item['msg'])}"
    if kind in ("enum", "literal_error"):
        return f"{name}: must be one of {context.get('expected', '')}{_closest_choice(item)}"
    if kind in ("tuple_type", "list_type") and isinstance(item.get("input"), dict):
        return f"{name}: must be a list: write [[{name}]] with two brackets for each one"
    plain = _PLAIN.get(kind)
    return f"{name}: {plain or _lower(item['msg'])}"


_PLAIN = {
    "string_type": 'must be text in quotes, such as "text"',
    "int_type": "must be a whole number without quotes",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number without quotes",
    "float_parsing": "must be a number",
    "finite_number": "must be an ordinary number",
    "bool_type": "must be true or false, without quotes",
    "bool_parsing": "must be true or false",
    "tuple_type": 'must be a list, such as ["one", "two"]',
    "list_type": 'must be a list, such as ["one", "two"]',
    "dict_type": "must be a table of names and values",
    "model_type": "must be a table of names and values",
    "model_attributes_type": "must be a table of names and values",
    "path_type": "must be a path in quotes",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must be lower-case letters, digits and hyphens, up to 63 of them, such as 'acme-air'",
}


def _closest_choice(item: dict[str, Any]) -> str:
    given = item.get("input")
    expected = str(item.get("ctx", {}).get("expected", ""))
    choices = [c.strip().strip("'") for c in expected.replace(" or ", ", ").split(",")]
    close = get_close_matches(given.lower(), [c.lower() for c in choices], n=1) if isinstance(given, str) else []
    return f"; did you mean {next(c for c in choices if c.lower() == close[0])!r}?" if close else ""


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def by_line(lines: Lines, found: Iterable[tuple[Location, str]]) -> list[tuple[Location, str]]:
    """The same mistakes in the order of the file."""
    return sorted(found, key=lambda one: line_of(lines, one[0]))


def spell(location: Location) -> str:
    """``("watches", 0, "query")`` as people say it: ``watches[1].query``."""
    text = ""
    for part in location:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the file"


def _keys_at(model: type[BaseModel], location: Location) -> list[str]:
    """The keys that the table at ``location`` may have."""
    current: Any = model
    for part in location:
        if isinstance(part, int):
            continue
        if isinstance(current, type) and issubclass(current, BaseModel):
            field: FieldInfo | None = current.model_fields.get(part)
            current = _inner_model(field.annotation) if field else None
    if isinstance(current, type) and issubclass(current, BaseModel):
        return list(current.model_fields)
    return []


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if isinstance(argument, type) and issubclass(argument, Enum):
            continue
        found = _inner_model(argument)
        if found is not None:
            return found
    return None
