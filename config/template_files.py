"""Statement and notice templates: Jinja files, packaged here and replaceable by files of the same name.

They run in a sandbox, and a variable that does not exist is an error, never a silent gap in a statement. Every template
is checked when it is loaded: its syntax, its variables, and by rendering it with specimen contexts, so that a mistake
shows on the day it is made and not on the day of the crisis.

Names: ``<kind>[.<cause>][.<strategy>].txt.j2`` for statements, ``notice.<event>.txt.j2`` for mails to stakeholders
(first line: the subject), ``notice.html.j2`` for their HTML side. A name that begins with ``_`` is a part that others
include. ``.html.j2`` escapes what it shows; ``.txt.j2`` is plain text.
"""

import re
import traceback
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from config.errors import ConfigError, did_you_mean, line_of, sentence
from config.lines import read_text
from config.settings import Settings
from config.specimen import contexts
from crisis.triage import Strategy

PACKAGED = Path(__file__).parent / "templates"


class Templates:
    """The templates of an installation, all known to render."""

    def __init__(self, environment: jinja2.Environment, files: dict[str, Path]) -> None:
        self._environment, self._files = environment, files

    @property
    def names(self) -> tuple[str, ...]:
        """Every template that can be rendered, sorted."""
        return tuple(sorted(name for name in self._files if not name.startswith("_")))

    def choose(self, name: str, strategy: Strategy) -> str:
        """The variant of ``name`` for ``strategy`` when there is one, else ``name`` itself.

        ``choose("substantive.txt.j2", Strategy.REBUILD)`` is ``substantive.rebuild.txt.j2``.
        """
        variant = name.removesuffix(".txt.j2") + f".{strategy.value}.txt.j2"
        return variant if variant in self._files else name

    def file(self, name: str) -> Path:
        """Where the template is.

        Raises:
            ConfigError: there is none of that name.
        """
        if name not in self._files:
            raise ConfigError(f"there is no template {name!r}{did_you_mean(name, self.names)}")
        return self._files[name]

    def sources(self, name: str) -> dict[str, str]:
        """The sources of a template, of its variants for each strategy, and of every part that others may include."""
        stem = name.removesuffix(".txt.j2")
        variants = {name, *(f"{stem}.{strategy.value}.txt.j2" for strategy in Strategy)}
        return {n: read_text(file) for n, file in sorted(self._files.items()) if n in variants or n.startswith("_")}

    def render(self, name: str, /, **context: Any) -> str:
        """The template filled in. Plain text comes with single blank lines between paragraphs.

        Raises:
            ConfigError: there is no such template, or it uses something that ``context`` lacks.
        """
        file = self.file(name)
        try:
            text = self._environment.get_template(name).render(context)
        except Exception as error:  # a template is a program somebody edits: anything may come out of it
            raise ConfigError(_render_mistake(file, self._files, error)) from None
        return tidy(text) if name.endswith(".txt.j2") else text

    def check(self) -> None:
        """Parse every template and render it with its specimens.

        Raises:
            ConfigError: one line for each mistake.
        """
        wrong = [m for name in self._files for m in _mistakes(self, self._environment, name, self._files)]
        if wrong:
            raise ConfigError("\n".join(dict.fromkeys(wrong)))


def templates(settings: Settings) -> Templates:
    """Load the templates; where there are own ones, all are checked, since packaged ones may include them.

    The packaged ones alone are checked by the tests and not again at every start.

    Raises:
        ConfigError: one line for each mistake.
    """
    files = {file.name: file for file in sorted(PACKAGED.glob("*.j2"))}
    if settings.templates_dir is not None:
        if not settings.templates_dir.is_dir():
            line = line_of(settings.lines, ("templates_dir",))
            says = f"templates_dir: there is no folder {settings.templates_dir}"
            raise ConfigError(sentence(settings.file or "settings", line, says))
        files |= {file.name: file for file in sorted(settings.templates_dir.glob("*.j2"))}
    environment = _environment(files)
    loaded = Templates(environment, files)
    if settings.templates_dir is not None:
        loaded.check()
    return loaded


def _environment(files: dict[str, Path]) -> jinja2.Environment:
    def load(name: str) -> tuple[str, str, Any] | None:
        file = files.get(name)
        return None if file is None else (read_text(file), str(file), None)

    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FunctionLoader(load),
        undefined=jinja2.StrictUndefined,
        autoescape=lambda name: bool(name and name.endswith(".html.j2")),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"sentence": as_sentence, "listed": listed, "utc": in_utc, "words": in_words}
    return environment


def as_sentence(text: object) -> str:
    """``we sent engineers`` → ``We sent engineers.``"""
    words = str(text).strip()
    if not words:
        return ""
    end = "" if words[-1] in ".!?…" else "."
    return words[0].upper() + words[1:] + end


def listed(items: Sequence[object]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    words = [str(item).strip() for item in items]
    return " and ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} and {words[-1]}"


def in_utc(moment: datetime) -> str:
    """``15:00 UTC, 1 March``."""
    moment = moment.astimezone(UTC)
    return f"{moment:%H:%M} UTC, {moment.day} {moment:%B}"


def in_words(name: object) -> str:
    """``service_failure`` → ``service failure``."""
    return str(name).replace("_", " ")


def tidy(text: str) -> str:
    """No space at line ends, one blank line between paragraphs, one newline at the end."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"


def _mistakes(loaded: Templates, environment: jinja2.Environment, name: str, files: dict[str, Path]) -> Iterator[str]:
    file = files[name]
    try:
        tree = environment.parse(read_text(file), name, str(file))
        used = meta.find_undeclared_variables(tree)
    except ConfigError as error:
        yield str(error)
        return
    except jinja2.TemplateSyntaxError as error:
        yield sentence(file, error.lineno, f"is not a valid template: {error.message}")
        return
    except RecursionError:
        yield sentence(file, None, "is nested too deeply")
        return
    specimens = contexts(name)
    if not specimens:
        return
    undeclared = used - set(specimens[0])
    for variable in sorted(undeclared):
        line = next((n.lineno for n in tree.find_all(nodes.Name) if n.name == variable), None)
        yield sentence(file, line, f"there is no variable {variable!r}{did_you_mean(variable, specimens[0])}")
    if undeclared or name.startswith("_"):
        return
    for specimen in specimens:
        try:
            text = loaded.render(name, **specimen)
        except ConfigError as error:
            yield str(error)
            return
        yield from _shape_mistakes(file, name, text)


def _shape_mistakes(file: Path, name: str, text: str) -> Iterator[str]:
    """A plain template yields a headline (or subject), a blank line, and a body."""
    if not name.endswith(".txt.j2"):
        return
    headline, _, rest = text.partition("\n")
    if not headline.strip() or not rest.strip() or not rest.startswith("\n"):
        yield sentence(file, 1, "must give a headline on the first line, a blank line, and then the text")


def _render_mistake(file: Path, files: dict[str, Path], error: Exception) -> str:
    """The deepest line of a template in the traceback, and what went wrong there."""
    paths = {str(path) for path in files.values()}
    line = None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename in paths:
            file, line = Path(frame.filename), frame.lineno
    if isinstance(error, jinja2.TemplateSyntaxError):
        return sentence(error.filename or file, error.lineno, f"is not a valid template: {error.message}")
    if isinstance(error, jinja2.TemplateNotFound):
        return sentence(file, line, f"includes {error.name!r}, which does not exist{did_you_mean(error.name, files)}")
    if isinstance(error, ConfigError):
        return str(error)
    says = "is nested too deeply" if isinstance(error, RecursionError) else f"cannot be filled in: {error}"
    return sentence(file, line, says)
