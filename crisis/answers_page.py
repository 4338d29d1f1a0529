"""The page of questions and answers that the public reads: one HTML document that needs nothing and runs nothing.

It asks the server for itself again every minute (an HTTP refresh, no script), so whoever keeps it open reads the newest
version. Every text in it is escaped; words in either direction keep to themselves. Pure: the same content is the same
page, byte for byte, so a version can be approved.
"""

import html
from collections.abc import Sequence
from datetime import datetime

from crisis.values import Frozen, UtcDatetime
from crisis.visible import visible

REFRESH = 60
"""Seconds."""
OPEN = "We do not know this yet."
CHECKING = "We are checking our answer to this again, because something has changed."


class PageRow(Frozen):
    """One question on the page."""

    question: str
    answer: str = ""
    """The approved answer that is in force; empty while there is none."""
    answered_at: UtcDatetime | None = None
    checking: bool = False
    """It was answered, and the answer does not hold any more."""
    say_by: str = ""
    """When more is said, in words."""


def page_text(rows: Sequence[PageRow], updated: str) -> str:
    """The same as plain text: what lint reads, and what feeds carry."""
    blocks = [f"Thank you for asking. We know that you need an answer. Last updated {updated}."]
    for row in rows:
        blocks += [row.question, row.answer or _without(row)]
    return "\n\n".join(blocks)


def _without(row: PageRow) -> str:
    says = CHECKING if row.checking else OPEN
    return f"{says} We will say more by {row.say_by}." if row.say_by else f"{says} We will say so here."


_STYLE = """\
:root { color-scheme: light dark; --soft: #55606e; --line: #d5d9df; --mark: #1f5fa8; }
@media (prefers-color-scheme: dark) { :root { --soft: #a8b2c0; --line: #39414d; --mark: #8fbdf2; } }
body { font: 17px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; max-width: 40rem;
  margin: 0 auto; padding: 1.5rem 1rem 3rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .5rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 0 0 .25rem; } p { margin: 0 0 .5rem; }
article { border-top: 1px solid var(--line); padding: 1rem 0 .5rem; }
.soft { color: var(--soft); font-size: .9rem; } .answer { white-space: pre-line; } a { color: var(--mark); }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page_html(
    title: str,
    rows: Sequence[PageRow],
    *,
    updated: datetime,
    updated_says: str,
    contact: str = "",
    language: str = "en",
) -> str:
    """The whole page."""
    answered = [row for row in rows if row.answer]
    waiting = [row for row in rows if not row.answer]
    lists = _list("Answers", "answered", answered) + _list("What we do not know yet", "open", waiting)
    reach = f"<p>If this affects you, please contact us: {_link(contact)}</p>" if contact else ""
    when = f'<time datetime="{updated.isoformat()}">{html.escape(updated_says)}</time>'
    return f"""<!doctype html>
<html lang="{html.escape(language)}">
<head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{REFRESH}">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">
<title>{html.escape(title)}</title>
<style>
{_STYLE}</style></head>
<body>
<h1 dir="auto">{html.escape(title)}</h1>
<p class="soft">Last updated {when}. This page renews itself every minute.</p>
{lists}{reach}
</body>
</html>
"""


def _list(title: str, name: str, rows: Sequence[PageRow]) -> str:
    if not rows:
        return ""
    return f'<section id="{name}">\n<h2>{title}</h2>\n{"".join(map(_row, rows))}</section>\n'


def _row(row: PageRow) -> str:
    when = ""
    if row.answered_at is not None and row.answer:
        at = row.answered_at
        when = f'<p class="soft">Answered {at.day} {at:%B, %H:%M} UTC</p>\n'
    return (
        f'<article>\n<h3 dir="auto">{html.escape(visible(row.question))}</h3>\n'
        f'<p class="answer" dir="auto">{html.escape(row.answer or _without(row))}</p>\n{when}</article>\n'
    )


def _link(contact: str) -> str:
    shown = html.escape(contact)
    return f'<a href="{shown}" rel="noopener">{shown}</a>' if contact.startswith("https://") else shown
