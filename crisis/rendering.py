"""From a statement's text to the exact parts that go to one target.

Promises: every part is within the platform's limit by the platform's own count; of the text nothing is lost but
whitespace at cuts; no grapheme, link, mention or hashtag is broken. Where the platform threads, the first part carries
the key message, the action and the time of the next update, if they fit together, because most people read no further.
A text that cannot be made to fit is an error that says by how much, never a silent cut.
"""

import html
import textwrap
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

import regex  # type: ignore[import-untyped]

from crisis.counting import Limits, measure, refused_characters
from crisis.cutting import Sentence, atoms, breakable, sentences, strip
from crisis.links import links
from crisis.parts import ACTION, NEXT_UPDATE, says
from crisis.pictures import Picture
from crisis.statement import Part, Rendering, Target

MAX_PARTS = 25
"""Longer threads are a web page's job."""

_TOO_MANY = f"more than a thread of {MAX_PARTS} parts: shorten it or link to a page that has it all"

_LINK = regex.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]'’”]|(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++")


class DoesNotFit(ValueError):
    """The text cannot be shown on the target; the message says why, by how much, and what to do."""


def render(
    *,
    headline: str,
    body: str,
    target: Target,
    limits: Limits,
    language: str = "en",
    subject: str = "",
    html_body: str = "",
    options: Mapping[str, str] | None = None,
    reply_to: str = "",
    media: Iterable[Picture] = (),
) -> Rendering:
    """The rendering of one statement for one target.

    ``limits`` are the integration's, or the server's own where they differ. ``subject`` (default: the headline, or the
    first sentence) and ``html_body`` (default: made from the text) are used where the platform has them. Where the
    platform takes pictures, ``media`` go along; elsewhere the text goes alone.

    Raises:
        DoesNotFit: the text is empty, too long for a platform without threads, or holds something unbreakable or
            refused; or a picture is not what the platform takes.
    """
    headline, body = strip(headline), strip(body)
    apart = limits.subject is not None and bool(body)
    text = body if apart else "\n\n".join(t for t in (headline, body) if t)
    where = f"{target.channel} ({target.kind})" if target.channel not in ("", target.kind) else target.kind
    if not text:
        raise DoesNotFit(f"{where}: there is no text to publish: write the statement first")
    if refused := refused_characters(limits.unit, text):
        names = ", ".join(f"U+{ord(c):04X}" for c in refused)
        raise DoesNotFit(f"{where} refuses the characters {names}: take them out")
    parts = _parts(text, limits, where)
    pictures = _pictures(tuple(media), limits, where, answers=bool(reply_to))
    figures = _figures(pictures, limits.pictures.address) if limits.pictures else ""
    card = _card(headline, text) if limits.cards and not pictures else {}
    return Rendering(
        target=target,
        parts=tuple(Part(text=p, length=measure(limits.unit, p), limit=limits.length) for p in parts),
        subject=_subject(subject or headline, text, limits.subject, where) if limits.subject else "",
        html=(html_body or mail_html(headline, text, language, figures)) if limits.html else "",
        language=language,
        options={**card, **(options or {})},
        reply_to=reply_to,
        media=pictures,
    )


def _pictures(media: tuple[Picture, ...], limits: Limits, where: str, *, answers: bool) -> tuple[Picture, ...]:
    if limits.pictures is None or (answers and not media):
        return ()
    if answers and limits.pictures.in_answers is not None:
        media = media[: limits.pictures.in_answers]
    for problem in limits.pictures.problems(media):
        if problem.rule != "no-alt-text":  # a draft may still lack it; lint lets nobody propose it so
            raise DoesNotFit(f"{where}: {problem.says}: {problem.fix}")
    return media


def _card(headline: str, text: str) -> dict[str, str]:
    """The first link of the text, to be shown as a card with the headline for its title."""
    link = next((text[start:end] for start, end in links(text)), "")
    if not link:
        return {}
    return {"card_link": link, "card_title": " ".join(headline.split()) or urlsplit(link).hostname or link}


def _parts(text: str, limits: Limits, where: str) -> list[str]:
    if limits.fits(text):
        return [text]
    length = measure(limits.unit, text)
    if not limits.threads:
        raise DoesNotFit(
            f"{where} holds {limits.length} {limits.unit} and has no threads; the text has {length}: "
            f"shorten it by {length - limits.length}"
        )
    if length > MAX_PARTS * limits.length:
        raise DoesNotFit(f"{where}: the text has {length} {limits.unit}, {_TOO_MANY}")
    return _Thread(limits, where).cut(text)


class _Thread:
    """Cuts one text into numbered parts for one platform."""

    def __init__(self, limits: Limits, where: str) -> None:
        self._limits, self._where = limits, where

    def cut(self, text: str) -> list[str]:
        whole = sentences(text)
        for digits in (1, 2):
            self._room_for = f" ({'9' * digits}/{'9' * digits})"
            parts = self._first_then_rest(whole)
            if len(parts) < 10**digits:
                break
        if len(parts) > MAX_PARTS:
            raise DoesNotFit(f"{self._where}: the text makes a thread of {len(parts)} parts, {_TOO_MANY}")
        return [f"{part} ({n}/{len(parts)})" for n, part in enumerate(parts, 1)]

    def _fits(self, text: str) -> bool:
        return self._limits.fits(strip(text) + self._room_for)

    def _first_then_rest(self, whole: tuple[Sentence, ...]) -> list[str]:
        first = self._first(whole)
        if not first:
            return self._fill(whole)
        rest = tuple(s for n, s in enumerate(whole) if n not in first)
        return [_joined([whole[n] for n in sorted(first)]), *(self._fill(rest) if rest else [])]

    def _first(self, whole: tuple[Sentence, ...]) -> set[int]:
        """Which sentences open the thread: as many from the start as fit beside the ones that must be there."""
        for must in _musts(whole):
            chosen = set(must)
            if not self._fits(_joined([whole[n] for n in sorted(chosen)])):
                continue
            for n in range(len(whole)):
                wider = chosen | {n}
                if not self._fits(_joined([whole[m] for m in sorted(wider)])):
                    break
                chosen = wider
            return chosen
        return set()

    def _fill(self, whole: tuple[Sentence, ...]) -> list[str]:
        parts: list[str] = []
        now = ""
        for sentence in whole:
            if self._fits(now + sentence.before + sentence.text):
                now += sentence.before + sentence.text
                continue
            if strip(now):
                parts.append(strip(now))
            now = sentence.text
            if not self._fits(now):
                *full, now = self._split(now)
                parts += full
        return [*parts, strip(now)]

    def _split(self, sentence: str) -> list[str]:
        """One sentence that no part can hold, at spaces if possible, else between graphemes."""
        pieces: list[str] = []
        now = ""
        for atom in atoms(sentence):
            if self._fits(now + atom):
                now += atom
            elif self._fits(atom):
                pieces.append(strip(now))
                now = atom
            else:
                *full, now = self._broken(now, atom)
                pieces += full
        return [p for p in (*pieces, strip(now)) if p]

    def _broken(self, now: str, atom: str) -> list[str]:
        """What stands already, and an over-long atom between its graphemes, as full parts and the beginning of one."""
        smaller, full, at = breakable(atom), list[str](), 0
        while at < len(smaller):
            fitting = self._most(now, smaller, at)
            if not fitting and not strip(now):
                raise DoesNotFit(
                    f"{self._where}: {strip(smaller[at])[:60]!r} is longer than the {self._limits.length} "
                    f"{self._limits.unit} a post holds and cannot be cut: use a shorter link or word"
                )
            now += "".join(smaller[at : at + fitting])
            at += fitting
            if at < len(smaller):
                full.append(strip(now))
                now = ""
        return [*full, now]

    def _most(self, now: str, smaller: list[str], at: int) -> int:
        """How many of ``smaller`` from ``at`` on fit behind ``now``: counting each one anew takes the square of them."""
        low, high = 0, 1
        while at + high <= len(smaller) and self._fits(now + "".join(smaller[at : at + high])):
            low, high = high, high * 2
        high = min(high - 1, len(smaller) - at)
        while low < high:
            middle = (low + high + 1) // 2
            if self._fits(now + "".join(smaller[at : at + middle])):
                low = middle
            else:
                high = middle - 1
        return low


def _musts(whole: tuple[Sentence, ...]) -> list[set[int]]:
    """Sets of sentences for the first part, the most wanted first; sentence 0 is the key message."""
    update = next((n for n, s in enumerate(whole) if says(NEXT_UPDATE, s.text)), None)
    action = next((n for n, s in enumerate(whole) if n != update and says(ACTION, s.text)), None)
    wanted = [{n for n in choice if n is not None} for choice in ((0, action, update), (0, update), (0, action), (0,))]
    return [set(w) for w in wanted]


def _joined(chosen: list[Sentence]) -> str:
    return strip("".join(s.before + s.text for s in chosen))


def _subject(wanted: str, text: str, longest: int, where: str) -> str:
    """The headline; where there is none, as much of the first sentence as fits (the text itself has it all)."""
    subject = " ".join(wanted.split())
    if len(subject) > longest:
        raise DoesNotFit(f"{where}: the headline has {len(subject)} characters of {longest}: shorten it")
    first = " ".join(sentences(text)[0].text.split())
    return subject or (first if len(first) <= longest else textwrap.shorten(first, longest, placeholder="…"))


def headline_and_text(text: str) -> tuple[str, str]:
    """A text as people write it: the first line is a headline if a blank line follows it, else there is none."""
    headline, _, rest = text.strip().partition("\n")
    return (headline.strip(), rest.strip()) if rest.split("\n", maxsplit=1)[0].strip() == "" and rest else ("", text)


def _figures(pictures: tuple[Picture, ...], address: str) -> str:
    """The pictures as HTML, each under the address by which the channel carries it."""
    return "".join(
        f'\n<p><img src="{html.escape(address.format(sha256=p.sha256, suffix=p.media_type.suffix, name=p.name))}" '
        f'alt="{html.escape(p.alt)}" width="{p.width}" height="{p.height}" style="max-width:100%;height:auto"></p>'
        for p in pictures
    )


def mail_html(headline: str, text: str, language: str, figures: str = "") -> str:
    """A plain, escaped HTML alternative of a mail, readable in light and dark; links and addresses are links.

    ``figures`` is HTML that stands below the text.
    """
    paragraphs = [p for p in regex.split(r"\n\s*\n", text) if p.strip()]
    inner = "\n".join(f'<p dir="auto">{_linked(p)}</p>' for p in paragraphs)
    title = html.escape(headline)
    head = f'<h1 dir="auto" style="font-size:20px;line-height:1.3">{title}</h1>\n' if headline else ""
    return (
        f'<!doctype html>\n<html lang="{html.escape(language)}">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<meta name="color-scheme" content="light dark"><title>{title}</title></head>\n'
        '<body style="font-family:system-ui,sans-serif;font-size:16px;line-height:1.5;max-width:40em;margin:1em auto;'
        f'padding:0 1em">\n{head}{inner}{figures}\n</body>\n</html>\n'
    )


def _linked(paragraph: str) -> str:
    pieces, at = [], 0
    for match in _LINK.finditer(paragraph):
        found = match.group()
        address = html.escape(found if "://" in found else f"mailto:{found}")
        pieces += [html.escape(paragraph[at : match.start()]), f'<a href="{address}">{html.escape(found)}</a>']
        at = match.end()
    pieces.append(html.escape(paragraph[at:]))
    return "".join(pieces).replace("\n", "<br>\n")
