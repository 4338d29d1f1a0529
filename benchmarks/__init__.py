"""Every speed or quality figure that the docs quote, as a command: ``python -m benchmarks NAME`` or ``fireline bench NAME``.

Each module has ``main() -> None``, prints its figures with their spread, and says how they were measured. Ratios are
measured side by side in one run; medians over several runs. What is printed fits a terminal of ``COLUMNS`` columns.
"""

import textwrap

COLUMNS = 80

NAMES: dict[str, str] = {
    "startup": "fireline --help, against an empty Python start",
    "detection": "outrages found, how early, and how quiet it is otherwise, beside other detectors",
    "ideal": "what an ideal detector finds: brands too thin for a threefold outrage, and how early at all",
    "replay": "posts per second through detection and triage",
    "matching": "posts decoded and matched a second at 1,000 watches, beside decoding alone",
    "copies": "near copies found and distinct posts mistaken for copies, by kind of edit; posts a second",
    "sentiment": "macro recall, false alarms and posts a second of VADER, the small and the sentence model",
    "listening": "posts per second through a live source, from the websocket to the match",
    "watching": "share of a core on a 2,000-events-a-second stream, and memory over a simulated week",
    "lint": "precision and recall of lint on written statements",
    "promises": "promises found in written sentences, and by when, in six languages",
    "narratives": "how well posts are grouped by what they speak of (B³), against simpler ways, and how fast",
    "questions": "questions found in posts (precision, recall) and merged (B³), on posts of our own",
    "response": "incident to draft, last decision to first and last channel, on the running stack",
    "desk": "server time of the desk's pages at a million mentions; live updates to 200 pages",
    "mailing": "mails a second with a state for each recipient, against the bare SMTP client",
    "record": "pages of a ledger of a million records, by filter",
    "effect": "how honest the forecast behind a statement's verdict is, on simulated storms",
    "demo": "the demo from start to end",
}
"""What there is, in one line each."""


def say(text: str) -> None:
    """Print a sentence, wrapped; further lines are indented as the first one, and a little more."""
    text = text.rstrip()
    before = text[: len(text) - len(text.lstrip("\n"))]
    line = text[len(before) :]
    inside = line[: len(line) - len(line.lstrip())] + "  "
    print(before + textwrap.fill(line, COLUMNS, subsequent_indent=inside), flush=True)
