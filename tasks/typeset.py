"""The after-action report as a PDF: tagged and bookmarked (PDF/UA-1), the same bytes for the same words.

Typst sets it (https://typst.app, Apache-2.0): one wheel without system libraries, it shapes every script, and it writes
accessible PDF. Foreign text goes in as data, never as markup. The fonts are those of the packages ``manimgx-fonts`` and
``manimgx-fonts-cjk`` (Google's Noto, OFL), so that every machine sets the same page, whatever it has installed.

No character becomes an empty box: what no font has is written as ``[U+13000]``, and the report lists it.
"""

import base64
import importlib.util
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from html import unescape
from pathlib import Path
from typing import Any

import typst
from fontTools.ttLib import TTCollection, TTFont

TEMPLATE = Path(__file__).parent.parent / "config" / "templates" / "report.typ"
FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
FAMILIES = ("Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans CJK SC", "Noto Emoji")
"""Typst takes them in this order, and then whatever has the character."""
_TRIES = 12
"""How often what cannot be set together, though each character can, is written out before giving up on it."""
_UNSET = re.compile(r"the text `\"(.+)\"` could not be displayed", re.DOTALL)
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
"""Characters that draw nothing, whatever the font."""
_VARIABLE = re.compile(r"var\(--chart-(\w+), [^()]*\)")
_COLOURS = {"ink": "#15191f", "volume": "#4d79a8", "negative": "#c0394b", "mark": "#15191f", "ground": "#ffffff"}


def typeset(shown: Mapping[str, Any], written: datetime) -> bytes:
    """The PDF of what ``tasks.report.context`` made.

    Raises:
        typst.TypstError: the template has a mistake.
    """
    data, unset = _prepared(shown), _Unset()
    for _ in range(_TRIES):
        try:
            return _set(_written_out(data, unset.write), unset, written)
        except typst.TypstError as error:
            found = _UNSET.search(error.message)
            if found is None:
                raise
            refused = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), found[1])
            data = _written_out(data, _without(refused, unset))
    return _set(_written_out(data, _plainly), unset, written)


class _Unset:
    """The characters that were written as their numbers."""

    def __init__(self) -> None:
        self.numbers: dict[str, None] = {}

    def add(self, character: str) -> str:
        """The number of a character, which is noted."""
        number = f"[U+{ord(character):04X}]"
        self.numbers[number] = None
        return number

    def write(self, text: str) -> str:
        """``text`` with what no font has written as numbers."""
        return text if text.isascii() else "".join(c if _has(c) else self.add(c) for c in text)


def _without(refused: str, unset: _Unset) -> Callable[[str], str]:
    """Writes out characters that each have a font, but cannot be set together."""
    numbers = "".join(unset.add(c) for c in refused)
    return lambda text: text.replace(refused, numbers)


def _plainly(text: str) -> str:
    """``text`` in printable ASCII: what can always be set."""
    return "".join(c if " " <= c <= "~" or c in "\n\t" else f"[U+{ord(c):04X}]" for c in text)


def _set(words: dict[str, Any], unset: _Unset, written: datetime) -> bytes:
    words |= {"unset": list(unset.numbers)[:40], "date": [written.year, written.month, written.day]}
    inputs = {"data": json.dumps(words), "fonts": json.dumps(FAMILIES)}
    compiler = typst.Compiler(TEMPLATE.read_bytes(), font_paths=_fonts(), sys_inputs=inputs)
    made = compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=int(written.timestamp()))
    assert isinstance(made, bytes)  # noqa: S101 - a PDF is one file
    return made


def _prepared(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The context without what only the page needs: charts for paper, pictures as bytes."""
    data = {**shown}
    data["charts"] = [
        {"title": c["title"], "note": c["note"], "svg": _paper(str(c["paper"])), "alt": _said(str(c["paper"]))}
        for c in shown["charts"]
    ]
    data["statements"] = [
        {
            **s,
            "pictures": [
                {**p, "bytes": list(base64.b64decode(str(p["shown"]).partition(",")[2]))} for p in s["pictures"]
            ],
        }
        for s in shown["statements"]
    ]
    data["ledger"] = {name: v if isinstance(v, bool) else str(v) for name, v in shown["ledger"].items()}
    plain: dict[str, Any] = json.loads(json.dumps(data, default=str))
    return plain


def _paper(svg: str) -> str:
    """A chart in the colours of a printed page: a PDF has no style sheet to take them from."""
    drawn = _VARIABLE.sub(lambda name: _COLOURS[name[1]], svg).replace("system-ui, sans-serif", "Noto Sans")
    return drawn.replace("currentColor", _COLOURS["ink"])


def _said(svg: str) -> str:
    found = re.search(r'aria-label="([^"]*)"', svg)
    return unescape(found[1]) if found else ""


def _written_out(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return value if value.startswith("<svg") else change(value)
    if isinstance(value, dict):
        return {name: _written_out(inner, change) for name, inner in value.items()}
    return [_written_out(inner, change) for inner in value] if isinstance(value, list) else value


@lru_cache(maxsize=4096)
def _has(character: str) -> bool:
    return character.isspace() or bool(_INVISIBLE.match(character)) or any(ord(character) in f for f in _coverage())


def _coverage() -> Iterator[frozenset[int]]:
    """The characters of each font file, the commonest first, read when they are needed."""
    for file in _files():
        yield _characters(file)


@lru_cache(maxsize=64)
def _characters(file: Path) -> frozenset[int]:
    if file.suffix == ".ttc":
        return frozenset(TTCollection(str(file), lazy=True).fonts[0].getBestCmap())
    return frozenset(TTFont(str(file), lazy=True).getBestCmap())


@lru_cache(maxsize=1)
def _files() -> tuple[Path, ...]:
    found = [file for folder in _folders() for file in folder.iterdir() if file.suffix in (".ttf", ".otf", ".ttc")]
    first = {"NotoSans[wght].ttf": 0, "NotoEmoji[wght].ttf": 1}
    return tuple(sorted(found, key=lambda f: (first.get(f.name, 2), f.suffix == ".ttc", f.name)))


@lru_cache(maxsize=1)
def _folders() -> tuple[Path, ...]:
    specs = (importlib.util.find_spec(name) for name in FONT_PACKAGES)
    return tuple(Path(spec.origin).parent for spec in specs if spec is not None and spec.origin)


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=list(_folders()))
