"""Every kind of text can be drafted for every playbook, in every language that has a template for it, for every channel."""

import itertools
from pathlib import Path

import pytest

import config
import integrations
from config.specimen import FACT, INCIDENT, STATEMENT, WATCH
from crisis import drafting
from crisis.fact import Fact, FactStatus
from crisis.internal import InternalKind, findings
from crisis.lint import Level, lint
from crisis.playbook import Playbook
from crisis.statement import Target
from crisis.tongues import NAMES, only_in_english, says_when, sign_off
from crisis.triage import Strategy
from crisis.values import CrisisType, StatementKind
from crisis.voice import Voice, in_voice, off_voice

STARTER = Path(config.__file__).parent / "starter" / "fireline.toml"
SPOKEN = (StatementKind.HOLDING, StatementKind.UPDATE, StatementKind.CORRECTION, StatementKind.RESOLUTION)
"""Kinds that have a template in every language of ``NAMES``."""
OTHERS = tuple(language for language in NAMES if language != "en")
LONG = "Passengers on flights to Lagos, Lima and Osaka were told at 14:10 UTC that they leave two hours late"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> config.Settings:
    folder = tmp_path_factory.mktemp("packaged")
    (folder / "fireline.toml").write_text(STARTER.read_text(encoding="utf-8"), encoding="utf-8")
    return config.load(folder)


@pytest.fixture(scope="module")
def templates(settings: config.Settings) -> config.Templates:
    return config.templates(settings)


@pytest.fixture(scope="module")
def books(settings: config.Settings) -> dict[CrisisType, Playbook]:
    return config.playbooks(settings)


def drafted(
    templates: config.Templates,
    book: Playbook,
    kind: StatementKind,
    language: str,
    strategy: Strategy = Strategy.REBUILD,
    facts: tuple[Fact, ...] = (FACT,),
    formal: bool = True,
) -> str:
    assessment = INCIDENT.assessment.model_copy(update={"type": book.type, "strategy": strategy})
    wrong = STATEMENT.model_copy(update={"facts": (FACT.model_copy(update={"text": "All flights leave on time"}),)})
    context = drafting.template_context(
        kind=kind,
        incident=INCIDENT.model_copy(update={"assessment": assessment}),
        facts=facts,
        watch=WATCH,
        playbook=book,
        now=INCIDENT.opened_at,
        organisation="Acme Air Ltd",
        corrected=wrong if kind is StatementKind.CORRECTION else None,
        language=language,
        formal=formal,
    )
    name = drafting.template_name(book, kind, templates.names, language)
    return templates.render(templates.choose(name, strategy), **context)


@pytest.mark.parametrize(("language", "kind"), list(itertools.product(OTHERS, SPOKEN)))
def test_every_language_speaks_for_every_playbook_and_passes_lint(
    books: dict[CrisisType, Playbook], templates: config.Templates, language: str, kind: StatementKind
) -> None:
    doubtful = FACT.model_copy(update={"id": "INC-7-F2", "status": FactStatus.UNCONFIRMED, "text": "A zebra was seen"})
    for cause, strategy, facts in itertools.product(CrisisType, Strategy, ((), (FACT, doubtful))):
        text = drafted(templates, books[cause], kind, language, strategy, facts)
        found = lint(text, kind=kind, facts=facts, crisis_type=cause, contact=WATCH.contact, language=language)
        assert [f for f in found if f.level is Level.BLOCK] == [], text
        assert {f.rule for f in found} == {"language-not-checked"}
        assert "zebra" not in text
        assert WATCH.brand in text
        assert WATCH.contact in text
        assert (FACT.text in text) == bool(facts)
        assert "The Acme" not in text, "nothing of it is left in English"
        if kind in drafting.PROMISING:
            due = drafting.next_update(INCIDENT, INCIDENT.opened_at)
            said = says_when(due, INCIDENT.opened_at, language)
            assert drafting.promises_in(text, due, said)


def test_those_who_are_addressed_by_first_name_get_another_text(
    books: dict[CrisisType, Playbook], templates: config.Templates
) -> None:
    book = books[CrisisType.UNKNOWN]
    for language, kind in itertools.product(("de", "fr", "es"), SPOKEN):
        formal, informal = (drafted(templates, book, kind, language, formal=f) for f in (True, False))
        assert formal != informal, (language, kind)
    for language, kind in itertools.product(("ja", "ar"), SPOKEN):
        formal, informal = (drafted(templates, book, kind, language, formal=f) for f in (True, False))
        assert formal == informal, "these have one polite form for the public"


@pytest.mark.parametrize("language", list(NAMES))
def test_every_draft_can_be_shown_on_every_kind_of_channel(
    books: dict[CrisisType, Playbook], templates: config.Templates, language: str
) -> None:
    long = FACT.model_copy(update={"text": LONG})
    kinds = (
        SPOKEN if language != "en" else tuple(k for k in StatementKind if k is not StatementKind.REPLY)
    )  # has its own
    facts = (long, long.model_copy(update={"id": "INC-7-F3"}))
    texts = {
        (kind, drafted(templates, book, kind, language, Strategy.REBUILD, facts))
        for book in books.values()
        for kind in kinds
        if kind is StatementKind.HOLDING or book.type in (CrisisType.SAFETY_HARM, CrisisType.UNKNOWN)
    }
    due = drafting.next_update(INCIDENT, INCIDENT.opened_at)
    when = says_when(due, INCIDENT.opened_at, language)
    for name in integrations.kinds("channel"):
        limits = getattr(integrations.integration(name), "platform_limits", None)
        if limits is None:
            continue
        words = limits.model_copy(update={"pictures": None})
        outlet = drafting.Outlet(target=Target(channel=name, kind=name), limits=words)
        for kind, text in texts:
            headline, body = drafting.headline_and_body(text)
            [shown] = drafting.renderings_for(
                [outlet],
                kind=kind,
                severity=INCIDENT.severity,
                headline=headline,
                body=body,
                language=language,
                keep=(WATCH.contact, when),
            )
            assert WATCH.contact in shown.text
            assert when in shown.text or kind not in drafting.PROMISING
            assert all(part.length <= part.limit for part in shown.parts)


@pytest.mark.parametrize(("cause", "kind"), list(itertools.product(CrisisType, InternalKind)))
def test_what_stays_inside_states_nothing_that_is_not_confirmed(
    books: dict[CrisisType, Playbook], templates: config.Templates, cause: CrisisType, kind: InternalKind
) -> None:
    doubtful = FACT.model_copy(update={"id": "INC-7-F2", "status": FactStatus.UNCONFIRMED, "text": "A zebra was seen"})
    for facts in ((), (FACT, doubtful)):
        assessment = INCIDENT.assessment.model_copy(update={"type": cause})
        context = drafting.template_context(
            kind=StatementKind.UPDATE,
            incident=INCIDENT.model_copy(update={"assessment": assessment}),
            facts=facts,
            watch=WATCH,
            playbook=books[cause],
            now=INCIDENT.opened_at,
            organisation="Acme Air Ltd",
        )
        text = templates.render(f"{kind}.txt.j2", **context, guidance=books[cause].guidance, said=())
        assert findings(text, facts, contact=WATCH.contact) == []
        assert "zebra" not in text
        assert (FACT.text in text) == bool(facts)
        assert context["next_update_says"] in text


def test_no_kind_for_inside_is_a_kind_of_statement() -> None:
    assert not {k.value for k in InternalKind} & {k.value for k in StatementKind}


def test_a_language_without_a_template_is_named_in_that_language() -> None:
    lines = {only_in_english(language) for language in OTHERS}
    assert len(lines) == len(OTHERS)
    assert "[sw]" in only_in_english("sw")
    assert sign_off("sw", "Acme") == "The Acme team"


def test_preferred_words_are_said_and_quoted_facts_stand_as_they_are() -> None:
    voice = Voice(organisation="Acme Air", speaks_as="name", prefer={"customers": "guests"}, avoid=("unfortunately",))
    fact = "Customers of Lagos wait"
    text = f"Flights\n\nWe know that customers wait. Customers can call.\n- {fact}.\nWe are sorry."
    spoken = in_voice(text, voice, keep=[fact])
    assert spoken == (f"Flights\n\nAt Acme Air, we know that guests wait. Guests can call.\n- {fact}.\nWe are sorry.")
    assert in_voice(text, Voice()) == text


def test_words_off_the_voice_are_warned_of_with_what_to_say_instead() -> None:
    voice = Voice(prefer={"customers": "guests"}, avoid=("unfortunately",))
    found = list(off_voice("Unfortunately, our customers wait. Customerspace is another word.", voice))
    assert [(f.rule, f.level, f.start) for f in found] == [
        ("brand-voice", Level.WARN, 19),
        ("brand-voice", Level.WARN, 0),
    ]
    assert "guests" in found[0].fix
