"""Every speed or quality figure that the docs quote, as a command: ``python -m benchmarks NAME`` or ``fireline bench NAME``.

Each module has ``main() -> None``, prints its figures with their spread, and says how they were measured. Ratios are
measured side by side in one run; medians over several runs.
"""

NAMES: dict[str, str] = {
    "startup": "fireline --help, against an empty Python start",
    "replay": "posts per second through detection and triage",
    "listening": "posts per second through a live source, from the websocket to the match",
    "lint": "precision and recall of lint on written statements",
    "response": "incident to draft, last decision to first and last channel, on the running stack",
    "demo": "the demo from start to end",
}
"""What there is, in one line each."""
