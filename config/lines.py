"""Reading TOML and YAML with the line of every value, so that a mistake found later can be pointed at.

``tomllib`` tells no positions of a valid document; the scanner here walks a document that ``tomllib`` has already
accepted, so it need not judge, only count. YAML is built from its node tree, without
anchors, dates and other surprises.
"""

import tomllib
from bisect import bisect_right
from pathlib import Path
from typing import Any

import yaml

from config.errors import ConfigError, Location, sentence, spell


def read_text(file: Path) -> str:
    """The file as text.

    Raises:
        ConfigError: it cannot be read, or is not UTF-8.
    """
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = file.read_bytes()[: error.start].count(b"\n") + 1
        raise ConfigError(sentence(file, line, "is not UTF-8 text: save the file as UTF-8")) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(sentence(file, None, f"cannot be read ({reason}): check the path and its rights")) from None


def read_toml(file: Path) -> tuple[dict[str, Any], dict[Location, int]]:
    """The document and the line of every key.

    Raises:
        ConfigError: it is not TOML; the message has the line.
    """
    text = read_text(file).replace("\r\n", "\n")
    try:
        data = tomllib.loads(text)
        return data, _Scanner(text).scan()
    except tomllib.TOMLDecodeError as error:
        line, says = _toml_place(str(error), text)
        raise ConfigError(sentence(file, line, f"is not valid TOML: {says}")) from None
    except (ValueError, RecursionError) as error:
        says = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ConfigError(sentence(file, None, f"is not valid TOML: {says}")) from None


def _toml_place(message: str, text: str) -> tuple[int, str]:
    """Line and words of a ``tomllib`` message such as ``Expected '=' (at line 3, column 4)``."""
    says, _, place = message.partition(" (at ")
    says = says[:1].lower() + says[1:]
    number = place.removeprefix("line ").split(",")[0]
    line = int(number) if number.isdigit() else len(text.rstrip().splitlines()) or 1
    if "invalid value" in says:
        says += " (text needs quotes)"
    if "cannot declare" in says or "cannot overwrite" in says:
        says += " (it is there twice: keep one)"
    return line, says


class _Scanner:
    """Walks a valid TOML document and notes the line of each key."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.newlines = [i for i, c in enumerate(text) if c == "\n"]
        self.lines: dict[Location, int] = {}
        self.lengths: dict[Location, int] = {}
        """How many tables each array of tables has so far."""

    def scan(self) -> dict[Location, int]:
        table: Location = ()
        while self._skip(newlines=True):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
        return self.lines

    def _note(self, location: Location, at: int) -> None:
        line = bisect_right(self.newlines, at - 1) + 1
        for length in range(1, len(location) + 1):
            self.lines.setdefault(location[:length], line)

    def _skip(self, *, newlines: bool) -> bool:
        """Pass over space and comments; false at the end of the document."""
        blank = " \t\n" if newlines else " \t"
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif self.text[self.at] in blank:
                self.at += 1
            else:
                return True
        return False

    def _header(self) -> Location:
        start = self.at
        double = self.text.startswith("[[", start)
        self.at += 2 if double else 1
        keys = self._keys()
        self.at += 2 if double else 1
        table: Location = ()
        for key in keys[:-1]:
            table = self._last((*table, key))
        table = (*table, keys[-1])
        if double:
            index = self.lengths.get(table, 0)
            self.lengths[table] = index + 1
            table = (*table, index)
        else:
            table = self._last(table)
        self._note(table, start)
        return table

    def _last(self, table: Location) -> Location:
        """The table itself, or the latest of an array of tables."""
        return (*table, self.lengths[table] - 1) if table in self.lengths else table

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(newlines=False)
            start = self.at
            if self.text[start] in "\"'":
                self._string()
            else:
                while self.at < len(self.text) and (self.text[self.at].isalnum() or self.text[self.at] in "-_"):
                    self.at += 1
            keys.append(next(iter(tomllib.loads(self.text[start : self.at] + " = 0"))))
            self._skip(newlines=False)
            if self.at >= len(self.text) or self.text[self.at] != ".":
                return keys
            self.at += 1

    def _pair(self, table: Location) -> None:
        start = self.at
        location = (*table, *self._keys())
        self._note(location, start)
        self.at += 1  # the equals sign
        self._value(location)

    def _value(self, location: Location) -> None:
        self._skip(newlines=False)
        first = self.text[self.at]
        if first in "\"'":
            self._string()
        elif first == "[":
            self._array(location)
        elif first == "{":
            self._inline_table(location)
        else:
            while self.at < len(self.text) and self.text[self.at] not in ",]}#\n":
                self.at += 1

    def _string(self) -> None:
        quote = self.text[self.at]
        mark = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self.at += len(mark)
        while not self.text.startswith(mark, self.at):
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        self.at += len(mark)
        while len(mark) == 3 and self.text.startswith(quote, self.at):
            self.at += 1  # up to two quotes may stand before the closing three

    def _array(self, location: Location) -> None:
        self.at += 1
        index = 0
        while True:
            self._skip(newlines=True)
            if self.text[self.at] == "]":
                self.at += 1
                return
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self._note((*location, index), self.at)
            self._value((*location, index))
            index += 1

    def _inline_table(self, location: Location) -> None:
        self.at += 1
        while True:
            self._skip(newlines=True)
            if self.text[self.at] == "}":
                self.at += 1
                return
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self._pair(location)


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Plain(_Loader):  # type: ignore[misc] # one of two classes, whichever PyYAML was built with
    """YAML without dates (``2026-03-01`` stays text)."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the shape PyYAML asks for
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_yaml(file: Path) -> tuple[dict[str, Any], dict[Location, int]]:
    """The document, which must be a mapping, and the line of every key.

    Raises:
        ConfigError: it is not YAML, a key is there twice, or a name is not text; the message has the line.
    """
    text = read_text(file)
    lines: dict[Location, int] = {}
    try:
        loader = _Plain(text)
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError(sentence(file, 1, "must be a list of `name: value` lines"))
        data = _Builder(loader, lines, file).build(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise ConfigError(sentence(file, line, f"is not valid YAML: {error.problem or error.context}")) from None
    except (yaml.YAMLError, RecursionError) as error:
        says = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ConfigError(sentence(file, None, f"is not valid YAML: {says}")) from None
    return data, lines


class _Builder:
    """Makes plain data of a node tree, noting lines. A node that comes twice was written as an alias, and refused."""

    def __init__(self, loader: Any, lines: dict[Location, int], file: Path) -> None:
        self.loader, self.lines, self.file = loader, lines, file
        self.seen: set[int] = set()

    def build(self, node: yaml.Node, location: Location) -> Any:
        line = self.lines.setdefault(location, node.start_mark.line + 1)
        if id(node) in self.seen:
            raise self._mistake(line, f"{spell(location)}: anchors and aliases are not used here: write it out")
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*location, i)) for i, child in enumerate(node.value)]
        try:
            return self.loader.construct_object(node)
        except (ValueError, OverflowError, KeyError, AttributeError, TypeError):
            raise self._mistake(line, f"{spell(location)}: cannot be read: put it in quotes") from None

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._mistake(line, "a name on the left of a colon must be plain text")
            key = key_node.value
            if key in mapping:
                raise self._mistake(line, f"{spell((*location, key))} is there twice: keep one")
            self.lines[(*location, key)] = line
            mapping[key] = self.build(value_node, (*location, key))
        return mapping

    def _mistake(self, line: int, says: str) -> ConfigError:
        return ConfigError(sentence(self.file, line, says))
