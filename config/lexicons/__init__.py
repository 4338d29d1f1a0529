"""Lexicons: lists of words and names that people edit. Packaged here; a file of the same name under ``<home>/lexicons``
replaces a packaged one."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.errors import ConfigError, line_of, mistakes, sentence
from config.lines import read_yaml
from crisis.media import Newsrooms

PACKAGED = Path(__file__).parent


def newsrooms(home: Path | None = None) -> Newsrooms:
    """Who counts as media.

    Raises:
        ConfigError: the file is not YAML or not of this shape; one line for each mistake.
    """
    own = home / "lexicons" / "news.yaml" if home is not None else None
    file = own if own is not None and own.is_file() else PACKAGED / "news.yaml"
    data, lines = read_yaml(file)
    try:
        return Newsrooms.model_validate({key: _lower(value) for key, value in data.items()})
    except ValidationError as error:
        wrong = [sentence(file, line_of(lines, where), says) for where, says in mistakes(error, Newsrooms)]
        raise ConfigError("\n".join(wrong)) from None


def _lower(value: Any) -> Any:
    return [v.lower() if isinstance(v, str) else v for v in value] if isinstance(value, list) else value
