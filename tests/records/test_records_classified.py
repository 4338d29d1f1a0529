"""Nothing that the public said is forgotten when somebody is erased: every table and every kind of record says what it holds.

Whoever adds a column or a kind of record fails here until they have said whether it carries words, names or addresses of
the public; if it does, ``records/erasing*.py`` or ``crisis/personal.py`` must take them out. docs/evidence.md tells why
the rest stays.
"""

import ast
import importlib
from pathlib import Path

from crisis.personal import OF_KINDS, OWN, PLAIN, REASONS, WRITTEN
from records import erasing
from records.tables import Words, metadata

ROOT = Path(erasing.__file__).parents[1]
ERASED = {
    "askings": "incident post question author text url",
    "assessments": "incident body",
    "deliveries": "id incident purpose statement content_hash rendering delivery_class state receipt problem withdraws "
    "lease_owner",
    "disclosures": "incident body",
    "do_not_engage": "network fingerprint author mark reason by",
    "erasures": "id state body",
    "inbox": "key body",
    "incidents": "id watch title state narrative opened_by lead flow_run_id assessment merged_into",
    "mentions": "incident key body source language",
    "public_questions": "id incident merged_into body",
    "recipients": "delivery address fingerprint state problem",
    "review_tasks": "id incident state body",
    "reviews": "incident body",
    "run_copies": "run part incident body",
    "shared_mentions": "source watch key body",
    "suppressions": "list fingerprint address reason detail",
    "watch_progress": "watch cursor state",
}
"""Tables whose words of the public are erased, with their columns of text."""
OURS = {
    "commitments": "id incident statement text state kept_by kind owner evidence",
    "decisions": "content_hash approver statement role verdict via reason on_behalf_of",
    "facts": "id body incident",
    "frozen_posts": "incident scheduler post state body",
    "ledger": "kind incident actor via reason flow_run_id data previous hash",
    "promise_marks": "statement key body",
    "read_backs": "delivery incident body",
    "releases": "statement content_hash means by reason via clearance",
    "renderings": "statement channel kind address body",
    "statements": "id incident content_hash body",
    "take_backs": "content_hash approver via reason",
}
"""What the organisation said or did: it stays."""
NONE = {
    "api_tokens": "id name token_hash scopes made_by used_from",
    "budgets": "account endpoint body",
    "checkpoints": "hash key signature",
    "checks": "part name body",
    "clearances": "id state body",
    "codes": "email secret",
    "counters": "name",
    "coverage": "watch source body",
    "delegations": "id delegate body",
    "erased_posts": "mark erasure",
    "holds": "incident state body",
    "ledger_head": "hash key signature",
    "narrative_facts": "incident narrative fact",
    "observations": "incident body",
    "pictures": "sha256",
    "progress": "work body",
    "proposals": "statement content_hash policy proposed_by",
    "question_progress": "incident",
    "restrictions": "incident body",
    "sessions": "id token_hash person method agent address",
    "shared_sources": "source body",
    "sign_ins": "id person method",
    "signals": "watch body",
    "stakeholders": "email body",
    "statement_status": "statement status",
    "subscriptions": "name body",
    "watches": "name body",
}
"""Numbers, settings, hashes and the organisation's own people: no word of the public."""
SALTED = {
    "incident.*",
    "incident.acknowledged",
    "incident.assessed",
    "incident.claimed",
    "incident.closing_proposed",
    "incident.forgotten",
    "incident.merged",
    "incident.opened",
    "incident.restricted",
    "incident.retold",
    "incident.split",
    "incident.took_up",
    "incident.unacknowledged",
    "incident.unrestricted",
    "narrative.tied",
    "session.begun",
    "session.ended",
    "session.refused",
    "person.allowed",
    "person.barred",
    "person.handed_over",
    "question.changed",
    "question.merged",
    "question.parted",
    "questions.found",
    "effect.judged",
    "review.*",
    "review_task.*",
    "review_task.reminded",
    "audience.excused",
    "erasure.asked",
    "erasure.ended",
}
"""Kinds of records whose words of the public are withheld by name (``OF_KINDS``, ``REASONS``)."""
OWN_KINDS = {
    "clearance.*",
    "clearance.proposed",
    "clearance.refused",
    "code.enrolled",
    "commitment.*",
    "commitment.made",
    "commitment.overdue",
    "commitment.reminded",
    "decision.made",
    "decision.refused",
    "decision.taken_back",
    "delegation.given",
    "delegation.refused",
    "delegation.revoked",
    "delivery.*",
    "delivery.read_back",
    "fact.saved",
    "hold.*",
    "internal.written",
    "ledger.verified",
    "post.*",
    "promise.*",
    "scheduler.*",
    "stakeholder.*",
    "stakeholder.saved",
    "statement.*",
    "statement.drafted",
    "statement.proposed",
    "statement.reasoned",
    "statement.released",
    "statement.in_doubt",
    "statement.holds",
    "token.made",
    "token.refused",
    "token.revoked",
    "token.used",
    "watch.saved",
}
"""About the organisation's own people, texts and accounts (``OWN``)."""
BARE = {
    "address.erased",
    "address.suppressed",
    "address.unsuppressed",
    "approval.escalated",
    "approval.form",
    "coverage.*",
    "drill.began",
    "drill.scored",
    "evidence.*",
    "evidence.sealed",
    "freeze.begun",
    "freeze.lifted",
    "incident.labelled",
    "learning.proposed",
    "mailing.answered",
    "mailing.armed",
    "mailing.came_back",
    "mailing.erased",
    "mailing.planned",
    "mailing.settled",
    "mailing.stopped",
    "monitoring.ended",
    "monitoring.extended",
    "personal.erased",
    "reaction.observed",
    "replies.resumed",
    "replies.stopped",
    "report.written",
    "retention.*",
    "retention.announced",
    "retention.looked",
    "sign_in.asked",
    "slack.refused",
    "subscriber.*",
}
"""No field of theirs is meant for words of the public; handles and addresses in them are withheld all the same."""
INDIRECT = {
    ("records/frozen.py", "f'{noun}.{verb}'"): ("post.*", "scheduler.*"),
    ("records/incidents.py", "kind"): ("incident.assessed", "incident.retold"),
    ("records/holds.py", "_KINDS[hold.state]"): ("hold.*",),
    ("records/reviews.py", "kind"): ("review.*",),
    ("records/statements.py", "kind"): ("statement.*",),
    ("tasks/announce.py", "kind"): ("subscriber.*",),
    ("tasks/archive.py", "kind"): ("evidence.*",),
    ("tasks/coverage.py", "kind"): ("coverage.*",),
    ("tasks/hold.py", "kind"): ("evidence.*",),
    ("tasks/notify.py", "kind"): ("stakeholder.*",),
    ("tasks/retention.py", "kind"): ("retention.*",),
}
"""Kinds that the code does not name where it appends them."""


def test_every_column_of_text_is_erased_or_said_to_stay() -> None:
    classified = {name: set(columns.split()) for name, columns in (ERASED | OURS | NONE).items()}
    assert len(classified) == len(ERASED) + len(OURS) + len(NONE)
    there = {t.name: {c.name for c in t.columns if isinstance(c.type, Words)} for t in metadata.sorted_tables}
    assert classified == there


def test_what_is_said_to_be_erased_is() -> None:
    follow_the_ledger = {"assessments", "incidents", "reviews", "review_tasks"}
    requests = {"erasures"}  # whose names go when they are done
    messages = {"deliveries"}  # those that are no statements
    reached = (
        {table.name for table, _ in erasing._BODIES} | (erasing.PUBLIC - {"notices"}) | {"recipients", "suppressions"}
    )
    assert reached | follow_the_ledger | requests | messages == set(ERASED)


def test_every_kind_of_record_says_whether_it_carries_words_of_the_public() -> None:
    assert appended() == SALTED | OWN_KINDS | BARE
    assert {kind.partition(".")[0] for kind in SALTED} <= {*OF_KINDS, *REASONS, *WRITTEN}
    assert {kind.partition(".")[0] for kind in OWN_KINDS} <= OWN
    assert not {kind.partition(".")[0] for kind in BARE - PLAIN} & {*OF_KINDS, *OWN}


def appended() -> set[str]:
    """Every kind of record that the code appends; ``delivery.*`` where the rest is computed."""
    kinds: set[str] = set()
    for folder in ("records", "tasks", "desk", "flows", "fireline"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            text = file.read_text("utf-8")
            if "ledger.append(" in text:
                kinds |= _appended(file.relative_to(ROOT), ast.parse(text))
    return kinds


def _appended(file: Path, tree: ast.AST) -> set[str]:
    kinds: set[str] = set()
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "append"):
            continue
        if getattr(call.func.value, "attr", "") not in ("ledger", "_ledger"):
            continue
        kind = call.args[0]
        if isinstance(kind, ast.Constant):
            kinds.add(str(kind.value))
        elif (file.as_posix(), ast.unparse(kind)) in INDIRECT:
            kinds.update(INDIRECT[file.as_posix(), ast.unparse(kind)])
        elif isinstance(kind, ast.JoinedStr) and isinstance(kind.values[0], ast.Constant):
            kinds.add(f"{str(kind.values[0].value).partition('.')[0]}.*")
        else:
            module = importlib.import_module(".".join(file.with_suffix("").parts))
            assert isinstance(kind, ast.Name), f"{file}: say in INDIRECT which kinds {ast.unparse(kind)!r} may be"
            assert hasattr(module, kind.id), f"{file}: say in INDIRECT which kinds {kind.id!r} may be"
            kinds.add(getattr(module, kind.id))
    return kinds
