"""Shorter forms of a template's text, for a channel that cannot hold all of it in one piece, such as a text message.

Left out is what the reader can look up: the signature, then paragraphs from the end. What stays is the beginning, what must
be done, where more is, and when we speak next. Each form is a rendering like any other: people see and approve it as it is.
"""

from collections.abc import Collection, Iterator


def shorter(body: str, *, keep: Collection[str], first: int = 1) -> Iterator[str]:
    """``body`` with one more paragraph left out each time.

    Args:
        keep: texts whose paragraphs always stay: the contact, the time of the next update.
        first: so many paragraphs at the beginning stay.
    """
    paragraphs = body.split("\n\n")
    wanted = [k for k in keep if k]
    while True:
        spare = [n for n, p in enumerate(paragraphs) if n >= first and not any(k in p for k in wanted)]
        if not spare:
            return
        del paragraphs[spare[-1]]
        yield "\n\n".join(paragraphs)
