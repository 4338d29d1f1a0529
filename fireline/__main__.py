"""The ``fireline`` command. Verbs are named here and imported only when they are called, so that help is instant."""

import os
import sys
from collections.abc import Coroutine, Sequence

VERBS: dict[str, tuple[str, str, str]] = {
    "demo": (
        "fireline.demo:demo",
        "Start",
        "The whole chain on a recorded firestorm, on this machine, in one to three minutes.",
    ),
    "init": ("fireline.setup:init", "Start", "Write a commented fireline.toml that works at once in the sandbox."),
    "check": (
        "fireline.setup:check",
        "Start",
        "Prove configuration, credentials, channels and routes; publish nothing.",
    ),
    "kinds": ("fireline.kinds:kinds", "Start", "List the channels, notifiers and sources, and what each needs."),
    "up": ("fireline.up:up", "Start", "Run Prefect, the flows and the desk on this machine; Ctrl-C stops all."),
    "authorize": ("fireline.authorize:authorize", "Access", "Ask a channel's account for its consent (OAuth 2.0)."),
    "enrol": ("fireline.people:enrol", "Access", "Give a stakeholder one-time codes for approving in the Prefect UI."),
    "desk-link": ("fireline.people:desk_link", "Access", "Print the address that opens the desk."),
    "sessions": ("fireline.access:sessions", "Access", "List who is signed in at the desk."),
    "sign-out": ("fireline.access:sign_out", "Access", "End a person's sessions at the desk, at once."),
    "token": (
        "fireline.access:token",
        "Access",
        "Make, list or revoke tokens with which programs read or hand in posts.",
    ),
    "restrict": ("fireline.access:restrict", "Access", "Let only named people see an incident, or open it again."),
    "ui-key": ("fireline.people:ui_key", "Access", "Print what the Prefect page asks for while Fireline runs."),
    "incidents": (
        "fireline.incidents:incidents",
        "Incidents",
        "List incidents with their state and what they wait for.",
    ),
    "open": ("fireline.incidents:open_incident", "Incidents", "Open an incident by hand and start the response."),
    "confirm": ("fireline.incidents:confirm", "Incidents", "Confirm that a candidate is real; the response starts."),
    "acknowledge": ("fireline.incidents:acknowledge", "Incidents", "Say that you are on it; nobody else is called."),
    "assess": ("fireline.incidents:assess", "Incidents", "Override severity or kind, with your reason."),
    "counsel": ("fireline.incidents:counsel", "Incidents", "What the doctrine advises, what it ruled out, and why."),
    "dismiss": ("fireline.incidents:dismiss", "Incidents", "Call it a false alarm, with your reason."),
    "merge": ("fireline.incidents:merge", "Incidents", "Two incidents are one: end the first as part of the second."),
    "split": ("fireline.incidents:split", "Incidents", "One incident is two: a narrative becomes one of its own."),
    "narrative": (
        "fireline.incidents:narrative",
        "Incidents",
        "List narratives, or tie one to the fact that answers it.",
    ),
    "resolve": ("fireline.incidents:resolve", "Incidents", "Close an incident and start its review."),
    "facts": (
        "fireline.facts:facts",
        "Facts and words",
        "Every fact with its history, evidence, owner, and who relied on it.",
    ),
    "fact": ("fireline.facts:fact", "Facts and words", "Add or change a fact: confirmed, unconfirmed or refuted."),
    "draft": ("fireline.words:draft", "Facts and words", "Draft a statement from the template, or take your own text."),
    "propose": ("fireline.words:propose", "Facts and words", "Ask for the approvals a statement needs."),
    "publish": ("fireline.words:publish", "Facts and words", "Publish an approved statement, or finish publishing it."),
    "correct": (
        "fireline.words:correct",
        "Facts and words",
        "Draft a correction for every target that carries a text.",
    ),
    "withdraw": ("fireline.words:withdraw", "Facts and words", "Take a text back from every target that carries it."),
    "effect": (
        "fireline.effect:effect",
        "Facts and words",
        "What each statement did, and why; watch an incident longer.",
    ),
    "freeze": ("fireline.freeze:freeze", "Facts and words", "Freeze scheduled posts while an incident goes on."),
    "unfreeze": ("fireline.freeze:unfreeze", "Facts and words", "Put frozen posts back at their own times."),
    "approve": ("fireline.words:approve", "Approvals", "Approve a statement, or return it with a reason."),
    "take-back": ("fireline.approvals:take_back", "Approvals", "Take your approval back before anything goes out."),
    "delegate": ("fireline.approvals:delegate", "Approvals", "Hand your turn to approve to somebody, for a time."),
    "undelegate": ("fireline.approvals:undelegate", "Approvals", "End a delegation."),
    "delegations": ("fireline.approvals:delegations", "Approvals", "List whose turn is in whose hands."),
    "break-glass": (
        "fireline.approvals:break_glass",
        "Approvals",
        "Release a text without its approvals; all are told.",
    ),
    "preclearances": ("fireline.approvals:preclearances", "Cleared beforehand", "List what is cleared beforehand."),
    "preclear": (
        "fireline.approvals:preclear",
        "Cleared beforehand",
        "Ask for a holding statement to be cleared beforehand.",
    ),
    "preclear-approve": (
        "fireline.approvals:preclear_approve",
        "Cleared beforehand",
        "Approve or return a pre-clearance.",
    ),
    "preclear-end": ("fireline.approvals:preclear_end", "Cleared beforehand", "End a pre-clearance."),
    "promises": ("fireline.promises:promises", "Promises", "What is owed to the public, by when and by whom."),
    "promise": ("fireline.promises:promise", "Promises", "What a draft promises; confirm, strike or add promises."),
    "promise-owner": ("fireline.promises:promise_owner", "Promises", "Make somebody see to a promise."),
    "kept": ("fireline.promises:kept", "Promises", "Say that a promise was kept, or is broken, with what shows it."),
    "stranded": ("fireline.promises:stranded", "Promises", "Who was told something, and not how it ended."),
    "read-back": ("fireline.promises:read_back", "Promises", "Look whether what was published still stands."),
    "questions": (
        "fireline.questions:questions",
        "Questions",
        "What people ask, by what matters, and which lack an answer.",
    ),
    "question": (
        "fireline.questions:question",
        "Questions",
        "Lead a question: words, owner, time; merge, part, set aside.",
    ),
    "answer-question": (
        "fireline.questions:answer_question",
        "Questions",
        "Draft the answer to questions from confirmed facts.",
    ),
    "answers-page": ("fireline.questions:answers_page", "Questions", "Draft the public page of questions and answers."),
    "people": (
        "fireline.engage:people",
        "People and replies",
        "Who reaches many: stance, reach, and whether they can be answered.",
    ),
    "claims": (
        "fireline.replies:claims",
        "People and replies",
        "What narratives claim: reach, growth, and who carries them.",
    ),
    "reply": (
        "fireline.replies:reply",
        "People and replies",
        "Draft replies to single people, or under the posts of a false claim.",
    ),
    "strike": ("fireline.replies:strike", "People and replies", "Take some replies out of a proposal."),
    "replies": ("fireline.replies:replies", "People and replies", "When each reply goes out; stop them all."),
    "hand-over": (
        "fireline.engage:hand_over",
        "People and replies",
        "Hand somebody over to customer care, with what care needs.",
    ),
    "do-not-engage": ("fireline.engage:do_not_engage", "People and replies", "Whom nobody replies to, and why."),
    "answer": ("fireline.words:answer", "Deliveries", "Say whether an unknown delivery arrived, or send it again."),
    "mailing": ("fireline.mailings:mailing", "Deliveries", "Show how a mailing stands, and whose mail is unknown."),
    "suppressed": ("fireline.mailings:suppressed", "Deliveries", "Show whom no mailing is sent to, and why."),
    "suppress": ("fireline.mailings:suppress", "Deliveries", "Send no mailing to an address any more."),
    "unsuppress": ("fireline.mailings:unsuppress", "Deliveries", "Let mailings reach an address again."),
    "review": ("fireline.review:review", "Review", "Show or write an incident's after-action review."),
    "review-meeting": ("fireline.review:review_meeting", "Review", "Put the review meeting on record."),
    "review-sign": ("fireline.review:review_sign", "Review", "Sign a review off for a role."),
    "task": ("fireline.review:task", "Review", "Add or change a task of a review; say that it is done."),
    "tasks": ("fireline.review:tasks", "Review", "List tasks of reviews, those that are due first."),
    "export": ("fireline.review:export", "Review", "Write an incident's report as data: JSON and CSV."),
    "report": ("fireline.proof:report", "Review", "Write the report (HTML, PDF) and the evidence bundle."),
    "verify": ("fireline.proof:verify", "Records", "Prove the ledger, or an evidence bundle, offline."),
    "events": ("fireline.events:events", "Records", "List the events that other systems are told, or what happened."),
    "holds": ("fireline.keeping:holds", "Records", "List legal holds."),
    "hold": ("fireline.keeping:hold", "Records", "Put everything of an incident under legal hold."),
    "release": ("fireline.keeping:release", "Records", "Propose the release of a legal hold, or agree to one."),
    "erase": ("fireline.keeping:erase", "Records", "Erase what is known of an author or a recipient; shown first."),
    "erasures": ("fireline.keeping:erasures", "Records", "List requests to erase, and what became of them."),
    "retention": ("fireline.keeping:retention", "Records", "Erase what is due by the rules of [retention]."),
    "drill": (
        "fireline.drill:drill",
        "Try",
        "Rehearse a firestorm on the real flows, every channel a sandbox; scored.",
    ),
    "replay": ("fireline.replay:replay", "Try", "Run detection and triage over recorded posts, in event time."),
    "backtest": ("fireline.backtest:backtest", "Try", "Run detection over a series of counts; try other thresholds."),
    "learn": (
        "fireline.learn:learn",
        "Review",
        "What your own decisions propose for detection, its effect on the past, and the labels.",
    ),
    "narratives": ("fireline.narratives:narratives", "Try", "Group posts by what they claim or complain about."),
    "understand": ("fireline.understand:understand", "Try", "Say what each post of a JSON lines file or a pipe says."),
    "bench": ("fireline.bench:bench", "Try", "Measure the figures that the docs quote, on this machine."),
    "lint": ("fireline.statements:lint", "Try", "Check a statement against the rules of crisis communication."),
    "render": ("fireline.statements:render", "Try", "Show a statement as one channel would carry it."),
}
"""Each verb: where it lives, the group it is shown in, and what it does in one line."""


def _listing() -> str:
    width = max(map(len, VERBS)) + 2
    lines = [
        "Fireline: from the first hostile post to the proof of what was said.",
        "",
        "Usage: fireline VERB [OPTIONS]",
    ]
    for group in dict.fromkeys(group for _, group, _ in VERBS.values()):
        lines += ["", f"{group}:"]
        lines += [f"  {verb:<{width}}{says}" for verb, (_, g, says) in VERBS.items() if g == group]
    lines += ["", "fireline VERB --help explains one verb."]
    lines += ["Exit status: 0 done, 1 refused or found wanting, 2 bad usage or configuration."]
    return "\n".join(lines)


def run(arguments: Sequence[str]) -> int:
    """Run one verb, and return its exit status. Errors are one sentence on stderr."""
    try:
        status = _run(arguments)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return _say("stopped", 130)
    except BrokenPipeError:
        return 0
    except Exception as error:
        found = _refusal(error)
        if found is None:
            raise
        says, status = found
        return _say(says, status)


def _run(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        print(_listing())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from importlib.metadata import version

        print(f"fireline {version('fireline')}")
        return 0
    verb = arguments[0]
    if verb not in VERBS:
        from difflib import get_close_matches

        close = get_close_matches(verb, VERBS, n=1)
        hint = f": did you mean {close[0]!r}?" if close else "; `fireline --help` lists them"
        return _say(f"there is no verb {verb!r}{hint}", 2)

    from cyclopts import App, CycloptsError

    app = App(name="fireline", version_flags=[], help_flags=["--help", "-h"], result_action="return_value")
    app.command(VERBS[verb][0], name=verb)
    try:
        answer = app(list(arguments), exit_on_error=False, print_error=False)
        if isinstance(answer, Coroutine):
            import asyncio

            answer = asyncio.run(answer)
    except CycloptsError as error:
        return _say(f"{' '.join(str(error).split())} (`fireline {verb} --help` explains)", 2)
    return answer if isinstance(answer, int) and not isinstance(answer, bool) else 0


def _refusal(error: Exception) -> tuple[str, int] | None:
    """What to say and the exit status, of an error that is a clear answer to a person; None for a defect."""
    from fireline.errors import Stop

    if isinstance(error, Stop):
        return str(error), error.status
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        where = error.filename if isinstance(error.filename, str) else "standard output"
        says = f"{where}: {error.strerror or error}: see that it exists, that it is yours, and that there is room"
        return says, 2
    import config
    from crisis.approval import NotAllowed
    from crisis.delivery import IllegalDeliveryStep
    from crisis.drafting import NotADraft, NoTemplate
    from crisis.incident import IllegalStep
    from crisis.rendering import DoesNotFit
    from crisis.typed_in import NotOneLine
    from integrations.outcomes import IntegrationError, Misconfigured
    from records import NotFound, TooNew, Unusable

    if isinstance(error, config.ConfigError | NotADraft | NoTemplate | NotOneLine | Unusable | TooNew | Misconfigured):
        return str(error), 2
    if isinstance(error, NotAllowed | IllegalStep | IllegalDeliveryStep | DoesNotFit | NotFound | IntegrationError):
        return str(error), 1
    from sqlalchemy.exc import DatabaseError, IntegrityError, ProgrammingError

    if isinstance(error, DatabaseError) and not isinstance(error, IntegrityError | ProgrammingError):
        return f"the database cannot be used ({error.orig}): `fireline check` says more", 2
    from tasks.outlets import NothingToCorrect
    from tasks.withdraw import NothingToWithdraw

    return (str(error), 1) if isinstance(error, NothingToCorrect | NothingToWithdraw) else None


def _say(says: str, status: int) -> int:
    from crisis.visible import visible

    print(f"fireline: {visible(says)}", file=sys.stderr)
    return status


def main() -> None:
    """Entry point of the ``fireline`` command."""
    status = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:  # what could not be written was told, or nobody reads on: Python need not try once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


if __name__ == "__main__":
    main()
