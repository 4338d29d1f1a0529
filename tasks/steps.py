"""The thin Prefect tasks through which flows call the stages: a name for people, retries, and no cache.

Every stage is safe to repeat because records know what is done; Prefect's cache is switched off, since it keys on task
source and a deploy would do everything again. Prefect retries the step; retries inside one attempt are the
integrations' own and only for requests that are safe to repeat.
"""

from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks import (
    acknowledge,
    after_action,
    announce,
    answers,
    approve,
    archive,
    artifacts,
    asking,
    bounces,
    close,
    detect,
    draft,
    effect,
    erase,
    first_word,
    follow_up,
    forgotten,
    forms,
    freeze,
    heartbeat,
    hold,
    monitoring,
    notify,
    on_event,
    publish,
    questions,
    recover,
    retention,
    review,
    run_history,
    runs,
    silence,
    triage,
)
from tasks import (
    deliver as delivering,
)
from tasks import (
    mind_promises as mind_promises_of,
)
from tasks import (
    read_back as reading_back,
)
from tasks.installation import Installation

P = ParamSpec("P")
R = TypeVar("R")


def _step(
    name: str, stage: Callable[Concatenate[Installation, P], Awaitable[R]], *, retries: int = 3
) -> Callable[Concatenate[Installation, P], Awaitable[R]]:
    shell: Callable[Concatenate[Installation, P], Awaitable[R]] = task(
        name=name,
        retries=retries,
        retry_delay_seconds=[1.0, 5.0, 15.0][:retries],
        cache_policy=NO_CACHE,
        persist_result=False,
    )(stage)
    return shell


listen = _step("Listen and detect", detect.listen, retries=2)

open_by_hand = _step("Open the incident", triage.open_by_hand)
find_incident = _step("Find the incident", triage.find)
claim = _step("Claim the response", triage.claim)
label_run = _step("Name the run after its incident", runs.label_run)
tell_stakeholders = _step("Tell stakeholders", notify.tell_stakeholders)
freeze_scheduled = _step("Freeze scheduled posts", freeze.freeze_if_due)
show_incident = _step("Show assessment and timeline", artifacts.show_incident)
draft_statement = _step("Draft the statement", draft.draft_for_response)
awaited_statement = _step("Find the statement that waits", forms.awaited_statement)
draft_in_other_languages = _step("Draft for readers of other languages", first_word.draft_in_other_languages)
propose_draft = _step("Check the draft and ask for approval", approve.propose_draft)
standing_of = _step("See where approval stands", approve.standing_of)
forms_used = _step("Count the forms handed in", forms.forms_used)
answer_form = _step("Take the form's answer", forms.answer_form)

plan_deliveries = _step("Plan deliveries", publish.plan)
deliver = _step("Deliver", delivering.deliver)
mail_on = _step("Go on with mailings", publish.mail_on)
finish_publishing = _step("Finish publishing", publish.finish)

mine_questions = _step("Look for questions of the public", questions.mine_all)
renew_pages = _step("Renew pages of answers", answers.renew_pages)

observe = _step("Measure the reaction", follow_up.observe)
judge_effects = _step("Judge what our words did", effect.judge_effects)
mind_promises = _step("Mind promises", mind_promises_of.mind_promises)
mind_all_promises = _step("Mind all promises", mind_promises_of.mind_all_promises)
read_back = _step("Look whether texts still stand", reading_back.read_back_due)
propose_closing = _step("Propose closing", follow_up.propose_closing)
end_if_due = _step("End watching by rule", monitoring.end_if_due)
schedule_observation = _step("Schedule the next measurement", follow_up.schedule_observation)

copy_history = _step("Copy Prefect's run history", review.copy_history)
write_report = _step("Write the after-action report", review.store_report)
seal_evidence = _step("Seal the evidence", review.seal_incident)
archive_evidence = _step("Lock the evidence away", archive.archive_evidence)
mark_reviewed = _step("Mark as reviewed, unless it is signed", close.mark_reviewed)

recover_deliveries = _step("Recover deliveries", recover.recover_deliveries)
recover_responses = _step("Recover responses", recover.recover_responses)
recover_follow_ups = _step("Recover follow-ups", recover.recover_follow_ups)
recover_reviews = _step("Recover reviews", recover.recover_reviews)
recover_watches = _step("Recover watches", recover.recover_watches)
crash_silent_runs = _step("Find runs that fell silent", silence.crash_silent_runs)
sign_ledger = _step("Sign the ledger", recover.sign_ledger)
mind_freezes = _step("Take up freezes", freeze.mind_freezes)
mind_approvals = _step("Ask the next where nobody decides", asking.mind_approvals)
mind_acknowledgements = _step("Call the next where nobody is on it", acknowledge.mind_acknowledgements)
remind_of_tasks = _step("Remind of tasks and reviews", after_action.remind)
nag = _step("Remind of what was forgotten", forgotten.nag)
mind_run_history = _step("Copy Prefect's run history", run_history.mind_run_history)
mark_archives = _step("Put legal holds on archives", hold.mark_archives)
mind_erasures = _step("Go on with erasures", erase.mind_erasures)
mind_retention = _step("Erase what is due", retention.mind_retention)
collect_bounces = _step("Collect bounces and complaints", bounces.collect_bounces)
tell_of_event = _step("Tell people of an event", on_event.tell_of_event)
freeze_on_event = _step("Freeze scheduled posts on an event", on_event.freeze_on_event)
announce_events = _step("Tell other systems what happened", announce.announce)
beat = _step("Give outside monitors a sign of life", heartbeat.beat)
