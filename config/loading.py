"""Finding and loading ``fireline.toml``: every mistake as a sentence with its line, all of them at once."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource
from pydantic_settings.exceptions import SettingsError

from config.errors import ConfigError, Lines, Location, by_line, did_you_mean, line_of, mistakes, sentence
from config.lines import read_toml
from config.settings import MAIL, Settings, at_home, toml_document
from crisis.duty import Duty
from crisis.query import QueryError, parse
from crisis.watch import Watch

FILE = "fireline.toml"
_PATHS = ("home", "playbooks_dir", "templates_dir")


def find_file() -> Path:
    """``$FIRELINE_CONFIG``, ``./fireline.toml`` or ``$FIRELINE_HOME/fireline.toml``, whichever comes first.

    Raises:
        ConfigError: there is none; the message says how to make one.
    """
    named = os.environ.get("FIRELINE_CONFIG")
    if named:
        return _given(Path(named), "FIRELINE_CONFIG names it")
    home = at_home(os.environ.get("FIRELINE_HOME") or "~/.fireline")
    for file in (Path.cwd() / FILE, home / FILE):
        if file.is_file():
            return file
    raise ConfigError(f"there is no {FILE} here nor in {home}: run `fireline init` to write one")


def _given(path: Path, why: str) -> Path:
    file = at_home(path)
    file = file / FILE if file.is_dir() else file
    if not file.is_file():
        raise ConfigError(f"{file}: there is no such file ({why}): run `fireline init` to write one")
    return file


def load(path: Path | None = None) -> Settings:
    """Load and check the settings.

    Raises:
        ConfigError: one line for each mistake: file, line, what is wrong and what to write.
    """
    file = _given(Path(path), "it was asked for") if path is not None else find_file()
    data, lines = read_toml(file)
    _whole_paths(data, file.absolute().parent)
    token = toml_document.set(data)
    try:
        settings = Settings()
    except ValidationError as error:
        found = [_placed(file, lines, where, says) for where, says in by_line(lines, mistakes(error, Settings))]
        raise ConfigError("\n".join(dict.fromkeys(found))) from None
    except SettingsError as error:
        raise ConfigError(f"environment: {error}: it must be JSON, or better be written in {file}") from None
    finally:
        toml_document.reset(token)
    settings._file, settings._lines = file, lines
    refuse(settings, references(settings))
    return settings


def refuse(settings: Settings, found: Iterable[tuple[Location, str]]) -> None:
    """Raise ``ConfigError`` with a line for each mistake found in ``settings``, at its place; nothing when there is none."""
    file, lines = settings.file, settings.lines
    wrong = [_placed(file, lines, where, says) if file else says for where, says in by_line(lines, found)]
    if wrong:
        raise ConfigError("\n".join(wrong))


def _whole_paths(data: dict[str, Any], folder: Path) -> None:
    """Relative paths are meant from where the file is, whichever process reads it."""
    sources = data.get("sources")
    tables: list[Any] = [s.get("settings") for s in sources if isinstance(s, dict)] if isinstance(sources, list) else []
    for table, keys in ((data, _PATHS), *((table, ("path", "dictionary")) for table in tables)):
        for key in keys:
            if isinstance(table, dict) and isinstance(table.get(key), str) and table[key]:
                table[key] = str(folder / at_home(table[key]))


def _placed(file: Path, lines: Lines, where: Location, says: str) -> str:
    variable = _environment_variable(where)
    if variable:
        return f"environment variable {variable}: {says}"
    return sentence(file, line_of(lines, where), says)


def _environment_variable(where: Location) -> str | None:
    """The environment variable that a value came from, if it did."""
    try:
        value: Any = EnvSettingsSource(Settings, env_prefix="FIRELINE_", env_nested_delimiter="__")()
    except SettingsError:
        return None
    names: list[str] = []
    for part in where:
        if not isinstance(value, dict) or part not in value:
            break
        names.append(str(part).upper())
        value = value[part]
    return "FIRELINE_" + "__".join(names) if names and not isinstance(value, dict) else None


def _alert_scores(settings: Settings, watches: list[str]) -> Iterator[tuple[Location, str]]:
    for name in settings.detection.alert_scores:
        if name not in watches:
            says = f"an alert score is set for an unknown watch {name!r}{did_you_mean(name, watches)}"
            yield ("detection", "alert_scores", name), says


def references(settings: Settings) -> Iterator[tuple[Location, str]]:
    """Every name that is there twice or names nothing, with its place."""
    yield from _duplicates(settings)
    yield from _ways_in(settings)
    watches = [watch.name for watch in settings.watches]
    people = [person.email.casefold() for person in settings.stakeholders]
    notifiers = [notifier.name for notifier in settings.notifiers]
    for i, watch in enumerate(settings.watches):
        if watch.owner and watch.owner.casefold() not in people:
            says = f"the owner {watch.owner!r} is not among the stakeholders{did_you_mean(watch.owner, people)}"
            yield ("watches", i, "owner"), says
        yield from ((("watches", i, key), says) for key, says in _query_mistakes(watch))
    yield from _alert_scores(settings, watches)
    for i, source in enumerate(settings.sources):
        for name in source.watch:
            if name not in watches:
                says = f"source {source.name!r} feeds an unknown watch {name!r}{did_you_mean(name, watches)}"
                yield ("sources", i, "watch"), says
    for i, scheduler in enumerate(settings.schedulers):
        for name in scheduler.watch:
            if name not in watches:
                says = f"scheduler {scheduler.name!r} belongs to an unknown watch {name!r}{did_you_mean(name, watches)}"
                yield ("schedulers", i, "watch"), says
    for i, person in enumerate(settings.stakeholders):
        for name in person.watches:
            if name not in watches:
                says = f"{person.email} follows an unknown watch {name!r}{did_you_mean(name, watches)}"
                yield ("stakeholders", i, "watches"), says
        for name in person.watch_roles:
            if name not in watches:
                says = f"{person.email} has roles on an unknown watch {name!r}{did_you_mean(name, watches)}"
                yield ("stakeholders", i, "watch_roles"), says
        yield from _routes(settings, i, notifiers)
    for i, duty in enumerate(settings.duties):
        yield from _duty_mistakes(settings, i, duty, people)


def _duty_mistakes(settings: Settings, index: int, duty: Duty, people: list[str]) -> Iterator[tuple[Location, str]]:
    holders = {person.email for person in settings.stakeholders if duty.role in person.roles}
    for key, named in (("people", duty.people), ("deputies", duty.deputies)):
        for email in named:
            where: Location = ("duties", index, key)
            if email.casefold() not in people:
                yield where, f"{email!r}, on duty as {duty.role}, is no stakeholder{did_you_mean(email, people)}"
            elif key == "people" and email not in holders:
                yield where, f"{email} does not hold the role {duty.role!r}: give it to them, or name them in deputies"


def _ways_in(settings: Settings) -> Iterator[tuple[Location, str]]:
    """Nobody is locked out, and no way in leads nowhere."""
    desk = settings.desk
    if not (desk.sign_in_by_key or desk.sign_in_by_email or desk.oidc):
        says = "nobody could come in: set sign_in_by_email, or fill in [desk.oidc], before you switch the key off"
        yield ("desk", "sign_in_by_key"), says
    if desk.sign_in_by_email and not any(notifier.kind in MAIL for notifier in settings.notifiers):
        yield ("desk", "sign_in_by_email"), f"no notifier can send mail: add one of the kinds {' or '.join(MAIL[:2])}"


def _query_mistakes(watch: Watch) -> Iterator[tuple[str, str]]:
    for key, query in (("query", watch.query), *((("wider", watch.wider),) if watch.wider else ())):
        try:
            parse(query)
        except QueryError as error:
            yield key, f"{key}: {error}"


def _routes(settings: Settings, index: int, notifiers: list[str]) -> Iterator[tuple[Location, str]]:
    person = settings.stakeholders[index]
    where: Location = ("stakeholders", index, "routes")
    if "@" not in person.email:
        yield ("stakeholders", index, "email"), f"{person.email!r} is not an e-mail address"
    try:
        routes = person.contact_routes()
    except ValueError as error:
        yield where, str(error)
        return
    for route in routes:
        if route.notifier in notifiers:
            continue
        hint = did_you_mean(route.notifier, notifiers)
        if person.routes:
            yield where, f"route {str(route)!r} names an unknown notifier {route.notifier!r}{hint}"
        else:
            says = f"{person.email} has no routes, so mail is used, but no notifier is called 'email': add one"
            yield ("stakeholders", index), says


def _duplicates(settings: Settings) -> Iterator[tuple[Location, str]]:
    for table in (
        "watches", "sources", "channels", "notifiers", "monitors", "archives", "schedulers", "writers", "helpdesks",
        "subscribers", "stakeholders",
    ):  # fmt: skip
        field = "email" if table == "stakeholders" else "name"
        seen: dict[str, int] = {}
        for i, part in enumerate(getattr(settings, table)):
            name = getattr(part, field)
            first = seen.setdefault(name.casefold(), i)
            if first != i:
                line = line_of(settings.lines, (table, first, field))
                says = f"two {table} have the {field} {name!r} (the other is on line {line}): rename or remove one"
                yield (table, i, field), says
