"""Verbs on a text that is not yet anybody's statement: what lint finds in it, and how a channel would show it."""

import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from crisis.values import StatementKind
from fireline.errors import Stop
from fireline.pictures import Alts, Images, read_pictures

if TYPE_CHECKING:
    from crisis.counting import Limits
    from crisis.finding import Finding
    from crisis.statement import Rendering, Target

_INDENT = (0, 0, 0, 6)

LARGEST = 200_000
"""Bytes of a file that may be a statement."""

File = Annotated[str, Parameter(allow_leading_hyphen=True, help="A text file in UTF-8; - is standard input.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object a line on stdout.")]
Channel = Annotated[
    str, Parameter(help="A channel of your configuration, or a kind such as bluesky, mastodon, statuspage, smtp.")
]
Language = Annotated[str, Parameter(help="ISO 639-1 code of the text's language.")]


async def lint(
    file: File,
    *,
    kind: StatementKind,
    channel: Channel = "",
    incident: str = "",
    language: Language = "en",
    legal_signed_off: Annotated[bool, Parameter(negative="", help="Legal has agreed to what it admits.")] = False,
    image: Images = None,
    alt: Alts = None,
    json: Json = False,
) -> int:
    """Check a statement against the rules of crisis communication. Exit status 1 when a finding blocks it.

    Args:
        kind: What the statement is for.
        incident: Such as INC-7: check it against this incident's facts, strategy and earlier statements.
    """
    from crisis.lint import blocks
    from crisis.lint import lint as check

    text, pictures = read_pictures(read_statement(file), file, image, alt)
    known = await _known(incident) if incident else {}
    outlets = [_outlet(channel)] if channel else []
    known |= {"outlets": outlets, "pictures": [read.picture for read in pictures]}
    found = check(text, kind=kind, language=language, legal_signed_off=legal_signed_off, **known)
    if json:
        _print_lines(f.model_dump(mode="json") for f in found)
    else:
        _show_findings(text, found)
    return 1 if blocks(found) else 0


def render(file: File, *, channel: Channel, language: Language = "en", json: Json = False) -> int:
    """Show a statement as one channel would carry it, counted as that platform counts.

    A first line with a blank line after it is the headline.
    """
    from crisis.rendering import DoesNotFit, headline_and_text
    from crisis.rendering import render as rendered

    text, pictures = read_pictures(read_statement(file), file, (), ())
    headline, body = headline_and_text(text)
    target, limits = _outlet(channel)
    media = [read.picture for read in pictures]
    try:
        found = rendered(headline=headline, body=body, target=target, limits=limits, language=language, media=media)
    except DoesNotFit as error:
        raise Stop(str(error), 1) from None
    if json:
        _print_lines([{"parts": [part.model_dump() for part in found.parts]}])
    else:
        _show_rendering(found)
    return 0


def read_statement(file: str) -> str:
    """The text of a statement file, ``-`` for standard input.

    Raises:
        Stop: it cannot be read, is too large, is not UTF-8, or is empty.
    """
    name = "standard input" if file == "-" else file
    try:
        if file == "-":
            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Stop(f"{name}: {why}: name a text file, or - for standard input") from None
    if len(data) > LARGEST:
        raise Stop(f"{name}: it is larger than {LARGEST:,} bytes, which is no statement: name the right file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Stop(f"{name}: byte {error.start} is not UTF-8: save the file as UTF-8") from None
    if not text.strip():
        raise Stop(f"{name}: it is empty: write the statement first")
    return text


def _outlet(channel: str) -> "tuple[Target, Limits]":
    """A configured channel, or a kind where nothing of that name is configured; and what it may hold."""
    import config
    import integrations
    from crisis.statement import Target
    from tasks.kinds import limits_of, refuse_unknown_kinds

    try:
        settings = config.load()
        refuse_unknown_kinds(settings)
        found = settings.channel(channel)
        return Target(channel=found.name, kind=found.kind, address=found.address), limits_of(found)
    except config.ConfigError as error:
        with suppress(integrations.Misconfigured):
            limits = getattr(integrations.integration(channel), "platform_limits", None)
            if limits is not None:
                return Target(channel=channel, kind=channel), limits
        raise Stop(f"{error} (or name a kind: {', '.join(integrations.kinds('channel'))})") from None


async def _known(incident: str) -> dict[str, Any]:
    """What the records know that a statement must keep to."""
    from fireline.session import session
    from tasks.linting import known_of

    async with session() as here, here.store.reading() as tx:
        return await known_of(here, tx, incident)


def _print_lines(rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        print(json.dumps(row, ensure_ascii=False))


def _show_findings(text: str, found: "list[Finding]") -> None:
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    from crisis.finding import Level
    from crisis.visible import visible

    console = Console(highlight=False)
    for finding in found:
        colour = "red" if finding.level is Level.BLOCK else "yellow"
        line = text.count("\n", 0, finding.start) + 1
        where = "missing" if finding.start == finding.end else f"line {line}"
        console.print(Text.assemble((f"{finding.level:<5} ", f"bold {colour}"), (finding.rule, "bold"), f"  {where}"))
        if finding.start < finding.end:
            console.print(Padding(_quoted(text, finding.start, finding.end, colour), _INDENT))
        console.print(Padding(Text(visible(finding.says)), _INDENT))
        console.print(Padding(Text(f"→ {finding.fix}"), _INDENT))
        console.print(Padding(Text(f"{finding.reference}\n", style="dim"), _INDENT))
    blocking = sum(f.level is Level.BLOCK for f in found)
    summary = f"{blocking} to mend before it can be proposed, {len(found) - blocking} to look at again."
    console.print(summary if found else "Nothing found.")


def _quoted(text: str, start: int, end: int, colour: str) -> Any:
    from rich.text import Text

    from crisis.visible import visible

    before = text[max(text.rfind("\n", 0, start) + 1, start - 60) : start]
    after = text[end : end + 60].split("\n", maxsplit=1)[0]
    shown = text[start:end] if end - start <= 300 else f"{text[start : start + 300]}…"
    return Text.assemble("“", visible(before), (visible(shown), f"bold {colour}"), visible(after), "”")


def _show_rendering(found: "Rendering") -> None:
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    from crisis.visible import visible

    console = Console(highlight=False)
    for part in found.parts:
        title = Text(visible(found.subject)) if found.subject else None
        console.print(Panel(Text(visible(part.text)), title=title, subtitle=f"{part.length} / {part.limit}"))
