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
    "authorize": ("fireline.authorize:authorize", "Start", "Ask a channel's account for its consent (OAuth 2.0)."),
    "enrol": ("fireline.people:enrol", "Start", "Give a stakeholder one-time codes for approving in the Prefect UI."),
    "desk-link": ("fireline.people:desk_link", "Start", "Print the address that opens the desk."),
    "sessions": ("fireline.access:sessions", "Start", "List who is signed in at the desk."),
    "sign-out": ("fireline.access:sign_out", "Start", "End a person's sessions at the desk, at once."),
    "token": (
        "fireline.access:token",
        "Start",
        "Make, list or revoke tokens with which programs read or hand in posts.",
    ),
    "incidents": ("fireline.incidents:incidents", "Respond", "List incidents with their state and what they wait for."),
    "open": ("fireline.incidents:open_incident", "Respond", "Open an incident by hand and start the response."),
    "assess": ("fireline.incidents:assess", "Respond", "Override severity or kind, with your reason."),
    "counsel": ("fireline.incidents:counsel", "Respond", "What the doctrine advises, what it ruled out, and why."),
    "confirm": ("fireline.incidents:confirm", "Respond", "Confirm that a candidate is real; the response starts."),
    "acknowledge": ("fireline.incidents:acknowledge", "Respond", "Say that you are on it; nobody else is called."),
    "merge": ("fireline.incidents:merge", "Respond", "Two incidents are one: end the first as part of the second."),
    "split": ("fireline.incidents:split", "Respond", "One incident is two: a narrative becomes one of its own."),
    "narrative": (
        "fireline.incidents:narrative",
        "Respond",
        "List narratives, or tie one to the fact that answers it.",
    ),
    "effect": ("fireline.effect:effect", "Respond", "What each statement did, and why; watch an incident longer."),
    "dismiss": ("fireline.incidents:dismiss", "Respond", "Call it a false alarm, with your reason."),
    "restrict": ("fireline.access:restrict", "Respond", "Let only named people see an incident, or open it again."),
    "fact": ("fireline.facts:fact", "Respond", "Add or change a fact: confirmed, unconfirmed or refuted."),
    "facts": ("fireline.facts:facts", "Respond", "Every fact with its history, evidence, owner, and who relied on it."),
    "draft": ("fireline.words:draft", "Respond", "Draft a statement from the template, or take your own text."),
    "propose": ("fireline.words:propose", "Respond", "Ask for the approvals a statement needs."),
    "approve": ("fireline.words:approve", "Respond", "Approve a statement, or return it with a reason."),
    "take-back": ("fireline.approvals:take_back", "Respond", "Take your approval back before anything goes out."),
    "delegate": ("fireline.approvals:delegate", "Respond", "Hand your turn to approve to somebody, for a time."),
    "undelegate": ("fireline.approvals:undelegate", "Respond", "End a delegation."),
    "delegations": ("fireline.approvals:delegations", "Respond", "List whose turn is in whose hands."),
    "break-glass": ("fireline.approvals:break_glass", "Respond", "Release a text without its approvals; all are told."),
    "preclear": ("fireline.approvals:preclear", "Prepare", "Ask for a holding statement to be cleared beforehand."),
    "preclear-approve": ("fireline.approvals:preclear_approve", "Prepare", "Approve or return a pre-clearance."),
    "preclear-end": ("fireline.approvals:preclear_end", "Prepare", "End a pre-clearance."),
    "preclearances": ("fireline.approvals:preclearances", "Prepare", "List what is cleared beforehand."),
    "promise": ("fireline.promises:promise", "Respond", "What a draft promises; confirm, strike or add promises."),
    "promises": ("fireline.promises:promises", "Respond", "What is owed to the public, by when and by whom."),
    "kept": ("fireline.promises:kept", "Respond", "Say that a promise was kept, or is broken, with what shows it."),
    "promise-owner": ("fireline.promises:promise_owner", "Respond", "Make somebody see to a promise."),
    "stranded": ("fireline.promises:stranded", "Respond", "Who was told something, and not how it ended."),
    "read-back": ("fireline.promises:read_back", "Respond", "Look whether what was published still stands."),
    "publish": ("fireline.words:publish", "Respond", "Publish an approved statement, or finish publishing it."),
    "correct": ("fireline.words:correct", "Respond", "Draft a correction for every target that carries a text."),
    "withdraw": ("fireline.words:withdraw", "Respond", "Take a text back from every target that carries it."),
    "answer": ("fireline.words:answer", "Respond", "Say whether an unknown delivery arrived, or send it again."),
    "claims": ("fireline.replies:claims", "Respond", "What narratives claim: reach, growth, and who carries them."),
    "people": (
        "fireline.engage:people",
        "Respond",
        "Who reaches many: stance, reach, and whether they can be answered.",
    ),
    "reply": (
        "fireline.replies:reply",
        "Respond",
        "Draft replies to single people, or under the posts of a false claim.",
    ),
    "strike": ("fireline.replies:strike", "Respond", "Take some replies out of a proposal."),
    "replies": ("fireline.replies:replies", "Respond", "When each reply goes out; stop them all."),
    "hand-over": ("fireline.engage:hand_over", "Respond", "Hand somebody over to customer care, with what care needs."),
    "do-not-engage": ("fireline.engage:do_not_engage", "Respond", "Whom nobody replies to, and why."),
    "questions": (
        "fireline.questions:questions",
        "Respond",
        "What people ask, by what matters, and which lack an answer.",
    ),
    "question": (
        "fireline.questions:question",
        "Respond",
        "Lead a question: words, owner, time; merge, part, set aside.",
    ),
    "answer-question": (
        "fireline.questions:answer_question",
        "Respond",
        "Draft the answer to questions from confirmed facts.",
    ),
    "answers-page": ("fireline.questions:answers_page", "Respond", "Draft the public page of questions and answers."),
    "freeze": ("fireline.freeze:freeze", "Respond", "Freeze scheduled posts while an incident goes on."),
    "unfreeze": ("fireline.freeze:unfreeze", "Respond", "Put frozen posts back at their own times."),
    "mailing": ("fireline.mailings:mailing", "Respond", "Show how a mailing stands, and whose mail is unknown."),
    "suppress": ("fireline.mailings:suppress", "Respond", "Send no mailing to an address any more."),
    "unsuppress": ("fireline.mailings:unsuppress", "Respond", "Let mailings reach an address again."),
    "suppressed": ("fireline.mailings:suppressed", "Respond", "Show whom no mailing is sent to, and why."),
    "resolve": ("fireline.incidents:resolve", "Respond", "Close an incident and start its review."),
    "review": ("fireline.review:review", "Review", "Show or write an incident's after-action review."),
    "review-meeting": ("fireline.review:review_meeting", "Review", "Put the review meeting on record."),
    "review-sign": ("fireline.review:review_sign", "Review", "Sign a review off for a role."),
    "task": ("fireline.review:task", "Review", "Add or change a task of a review; say that it is done."),
    "tasks": ("fireline.review:tasks", "Review", "List tasks of reviews, those that are due first."),
    "export": ("fireline.review:export", "Review", "Write an incident's report as data: JSON and CSV."),
    "report": ("fireline.proof:report", "Prove", "Write the report (HTML, PDF) and the evidence bundle."),
    "verify": ("fireline.proof:verify", "Prove", "Prove the ledger, or an evidence bundle, offline."),
    "events": ("fireline.events:events", "Prove", "List the events that other systems are told, or what happened."),
    "hold": ("fireline.keeping:hold", "Prove", "Put everything of an incident under legal hold."),
    "release": ("fireline.keeping:release", "Prove", "Propose the release of a legal hold, or agree to one."),
    "holds": ("fireline.keeping:holds", "Prove", "List legal holds."),
    "erase": ("fireline.keeping:erase", "Prove", "Erase what is known of an author or a recipient; shown first."),
    "erasures": ("fireline.keeping:erasures", "Prove", "List requests to erase, and what became of them."),
    "retention": ("fireline.keeping:retention", "Prove", "Erase what is due by the rules of [retention]."),
    "ui-key": ("fireline.people:ui_key", "Start", "Print what the Prefect page asks for while Fireline runs."),
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
