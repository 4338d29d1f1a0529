"""Playbooks: YAML files, one for each cause, packaged here and replaceable by files of the same name.

Durations are written as people say them (``30 min``, ``4 h``). Each playbook says for every kind of statement who
approves and which template speaks; roles, channels and templates that do not exist are mistakes with their line.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.errors import ConfigError, Lines, Location, by_line, did_you_mean, line_of, mistakes, sentence
from config.lines import read_yaml
from config.settings import Settings
from crisis.playbook import Playbook
from crisis.values import CrisisType, StatementKind

PACKAGED = Path(__file__).parent / "playbooks"
ROLES = ("incident_lead", "comms", "legal", "support", "executive", "on_call")
"""Roles the packaged playbooks speak of; stakeholders may hold others."""

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"\s*(?:\d{1,6}\s*(?:s|min|h|d)\s*)+")


def playbooks(settings: Settings, *, templates: Iterable[str]) -> dict[CrisisType, Playbook]:
    """The playbook of every cause.

    Args:
        templates: names of the templates there are.

    Raises:
        ConfigError: one line for each mistake, in whichever files they are.
    """
    files = {file.stem: file for file in sorted(PACKAGED.glob("*.yaml"))}
    wrong: list[str] = []
    if settings.playbooks_dir is not None:
        wrong += _own_files(settings, files)
    books: dict[CrisisType, Playbook] = {}
    names = frozenset(templates)
    for cause in CrisisType:
        try:
            books[cause] = read_playbook(files[cause.value], settings, names)
        except ConfigError as error:
            wrong.append(str(error))
    if wrong:
        raise ConfigError("\n".join(wrong))
    return books


def _own_files(settings: Settings, files: dict[str, Path]) -> list[str]:
    """Let the user's files replace packaged ones; tells of files that replace nothing."""
    folder = settings.playbooks_dir
    if folder is None or not folder.is_dir():
        line = line_of(settings.lines, ("playbooks_dir",))
        return [sentence(settings.file or "settings", line, f"playbooks_dir: there is no folder {folder}")]
    wrong = []
    for file in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        if file.suffix == ".yml":
            wrong.append(sentence(file, None, f"would not be read: call it {file.stem}.yaml"))
        elif file.stem not in list(CrisisType):
            says = f"is named after no cause{did_you_mean(file.stem, CrisisType)}"
            wrong.append(sentence(file, None, says))
        else:
            files[file.stem] = file
    return wrong


def read_playbook(file: Path, settings: Settings, templates: frozenset[str]) -> Playbook:
    """One playbook, checked against what it names.

    Raises:
        ConfigError: one line for each mistake.
    """
    data, lines = read_yaml(file)
    wrong: list[tuple[Location, str]] = []
    _read_durations(data, wrong)
    try:
        book = Playbook.model_validate(data)
    except ValidationError as error:
        known = {where for where, _ in wrong}
        wrong += [(where, says) for where, says in mistakes(error, Playbook) if where not in known]
    else:
        wrong += _reference_mistakes(book, file.stem, settings, templates)
    if wrong:
        raise ConfigError("\n".join(_told(file, lines, wrong)))
    return book


def _told(file: Path, lines: Lines, wrong: list[tuple[Location, str]]) -> list[str]:
    return [sentence(file, line_of(lines, where), says) for where, says in by_line(lines, wrong)]


def _read_durations(data: dict[str, Any], wrong: list[tuple[Location, str]]) -> None:
    """Turn written durations into timedeltas, in place."""
    places: list[tuple[dict[str, Any], Location]] = []
    clocks = data.get("clocks")
    if isinstance(clocks, dict):
        places += [(clocks, ("clocks", key)) for key in clocks]
    approval = data.get("approval")
    if isinstance(approval, dict):
        for kind, policy in approval.items():
            for key in ("expires_after", "escalate_after"):
                if isinstance(policy, dict) and key in policy:
                    places.append((policy, ("approval", kind, key)))
    for table, where in places:
        key = str(where[-1])
        try:
            table[key] = duration(table[key])
        except ValueError as error:
            wrong.append((where, f"{'.'.join(map(str, where))}: {error}"))
            table[key] = timedelta(minutes=1)


def duration(written: object) -> timedelta:
    """``1 h 30 min`` as a timedelta.

    Raises:
        ValueError: it is not written so, or is no time at all.
    """
    if not isinstance(written, str) or not _DURATION.fullmatch(written):
        raise ValueError('must be a length of time with its unit: "90 s", "30 min", "4 h", "1 h 30 min" or "2 d"')
    seconds = sum(int(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+)\s*(s|min|h|d)", written))
    if not 0 < seconds <= 365 * 86400:
        raise ValueError("must be longer than nothing and at most 365 d")
    return timedelta(seconds=seconds)


def _reference_mistakes(
    book: Playbook, stem: str, settings: Settings, templates: frozenset[str]
) -> Iterator[tuple[Location, str]]:
    if book.type != stem:
        yield ("type",), f"the file is called {stem}.yaml but its type is {book.type}: make them the same"
    roles = {*ROLES, *(role for person in settings.stakeholders for role in person.roles)}
    for kind in StatementKind:
        if kind not in book.approval:
            yield ("approval",), f"approval says nothing of {kind}: write whose approval it needs"
        if kind not in book.templates:
            yield ("templates",), f"templates names none for {kind}: add one"
    yield from _approval_mistakes(book, roles)
    channels = [channel.name for channel in settings.channels]
    for kind, names in book.channels.items():
        for name in names:
            if name not in channels:
                yield ("channels", kind.value), f"there is no channel {name!r}{did_you_mean(name, channels)}"
    for kind, name in book.templates.items():
        if name not in templates:
            yield ("templates", kind.value), f"there is no template {name!r}{did_you_mean(name, templates)}"


def _approval_mistakes(book: Playbook, roles: set[str]) -> Iterator[tuple[Location, str]]:
    for kind, policy in book.approval.items():
        for role, count in policy.roles.items():
            where: Location = ("approval", kind.value, "roles", role)
            if role not in roles:
                yield where, f"role {role!r} is held by nobody{did_you_mean(role, roles)}"
            if count < 1:
                yield where, f"{role}: must be 1 or more; leave the role out if it need not approve"
