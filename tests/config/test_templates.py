"""Templates: the packaged ones say what a statement must say; mistakes show on loading, by their line."""

import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest

import config
from config.specimen import FACT, INCIDENT, NOTICES, WATCH, contexts, statement_context
from crisis import drafting
from crisis.fact import FactStatus
from crisis.lint import Level, lint
from crisis.playbook import Playbook
from crisis.triage import Strategy
from crisis.values import CrisisType, StatementKind

STARTER = Path(config.__file__).parent / "starter" / "fireline.toml"
NOW = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)


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


def _own(folder: Path, name: str, text: str) -> config.Settings:
    (folder / "templates").mkdir(exist_ok=True)
    (folder / "templates" / name).write_text(text, encoding="utf-8")
    toml = STARTER.read_text(encoding="utf-8").replace("#templates_dir", "templates_dir")
    (folder / "fireline.toml").write_text(toml, encoding="utf-8")
    return config.load(folder)


TO_ALL = [kind for kind in StatementKind if kind is not StatementKind.REPLY]
"""Kinds for everybody; a word to one person is held to other rules (tests/tasks/test_replies.py)."""


@pytest.mark.parametrize(("cause", "kind"), list(itertools.product(CrisisType, TO_ALL)))
def test_every_packaged_statement_passes_lint_as_it_is(
    books: dict[CrisisType, Playbook], templates: config.Templates, cause: CrisisType, kind: StatementKind
) -> None:
    book = books[cause]
    doubtful = FACT.model_copy(update={"id": "INC-7-F2", "status": FactStatus.UNCONFIRMED, "text": "A zebra was seen"})
    for strategy, facts in itertools.product(Strategy, ((), (FACT, doubtful))):
        assessment = INCIDENT.assessment.model_copy(update={"type": cause, "strategy": strategy})
        context = drafting.template_context(
            kind=kind,
            incident=INCIDENT.model_copy(update={"assessment": assessment}),
            facts=facts,
            watch=WATCH,
            playbook=book,
            now=NOW,
            organisation="Acme Air Ltd",
        )
        text = templates.render(templates.choose(book.templates[kind], strategy), **context)
        found = lint(text, kind=kind, facts=facts, strategy=strategy, crisis_type=cause, contact=WATCH.contact)
        assert [f for f in found if f.level is Level.BLOCK] == [], text
        assert {f.rule for f in found} <= {"admission-without-legal"}, text
        assert context["affected"] in text
        assert "zebra" not in text
        assert (FACT.text in text) == bool(facts)
        if kind in drafting.PROMISING:
            assert f"Our next update comes by {context['next_update_says']}" in text


def test_every_packaged_template_stands_its_specimens(templates: config.Templates) -> None:
    templates.check()


def test_a_template_gives_a_headline_a_blank_line_and_single_blank_lines_between_paragraphs(
    templates: config.Templates,
) -> None:
    for name in templates.names:
        if name.endswith(".txt.j2"):
            context = contexts(name)[0]
            headline, blank, rest = templates.render(name, **context).split("\n", 2)
            assert headline.strip()
            assert blank == ""
            assert "\n\n\n" not in rest
            assert "{" not in rest


def test_the_strategy_chooses_a_variant_where_there_is_one(tmp_path: Path, templates: config.Templates) -> None:
    own = config.templates(_own(tmp_path, "holding.rebuild.txt.j2", "H\n\nWe are sorry."))
    assert own.choose("holding.txt.j2", Strategy.REBUILD) == "holding.rebuild.txt.j2"
    assert own.choose("holding.txt.j2", Strategy.DENY) == "holding.txt.j2"
    assert templates.choose("holding.txt.j2", Strategy.REBUILD) == "holding.txt.j2"


def test_only_rebuild_takes_responsibility_and_only_deny_denies(templates: config.Templates) -> None:
    texts = {s: templates.render("substantive.txt.j2", **statement_context(s)) for s in Strategy}
    assert [s for s in Strategy if "our responsibility" in texts[s]] == [Strategy.REBUILD]
    assert [s for s in Strategy if "is not true" in texts[s]] == [Strategy.DENY]
    assert "sorry" not in texts[Strategy.DENY].casefold()
    assert "apologise" not in texts[Strategy.DENY]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("H\n\n{{ brand }\n", 3, "is not a valid template"),
        ("H\n\n{% if brand %}\nx", 4, "is not a valid template"),
        ("H\n\n{{ brnad }}", 3, "no variable 'brnad'; did you mean 'brand'?"),
        ("H\n\n{% if strategy == 'none' %}\n{{ nothing_like_it }}\n{% endif %}x", 4, "no variable 'nothing_like_it'"),
        ("H\n\nx\n{{ watch.brnd }}", 4, "has no attribute 'brnd'"),
        ("H\n\n{{ facts | bogus }}", 3, "No filter named 'bogus'"),
        ("H\n\n{% include '_knwon.txt.j2' %}", 3, "includes '_knwon.txt.j2', which does not exist; did you mean"),
        ("H\n\n\n{{ 1 / 0 }}", 4, "division by zero"),
        ("H\n\n{{ brand.__class__.__mro__ }}", 3, "unsafe"),
        ("H\n\n{% include 'holding.txt.j2' %}", 3, "nested too deeply"),
        ("{{ brand }}", 1, "must give a headline on the first line"),
        ("", 1, "must give a headline on the first line"),
    ],
)
def test_a_mistake_in_a_template_is_told_on_loading_by_its_line(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    with pytest.raises(config.ConfigError) as caught:
        config.templates(_own(tmp_path, "holding.txt.j2", text))
    told = str(caught.value)
    assert told.startswith(f"{tmp_path / 'templates' / 'holding.txt.j2'}:{line}: "), told
    assert says in told


def test_a_mistake_in_a_part_is_told_where_it_is_and_not_where_it_is_included(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError) as caught:
        config.templates(_own(tmp_path, "_known.txt.j2", "\n{{ facts[0].id.nope }}"))
    assert all("_known.txt.j2:2: " in line for line in str(caught.value).splitlines())


def test_a_template_that_is_not_text_is_told(tmp_path: Path) -> None:
    settings = _own(tmp_path, "holding.txt.j2", "")
    (tmp_path / "templates" / "holding.txt.j2").write_bytes(b"H\n\n\xff")
    with pytest.raises(config.ConfigError, match=r"holding\.txt\.j2:3: is not UTF-8"):
        config.templates(settings)


def test_a_missing_variable_is_an_error_and_never_a_gap(templates: config.Templates) -> None:
    context = statement_context()
    del context["affected"]
    with pytest.raises(config.ConfigError, match="'affected' is undefined"):
        templates.render("holding.txt.j2", **context)
    with pytest.raises(config.ConfigError, match=r"no template 'holdin\.txt\.j2'; did you mean 'holding\.txt\.j2'"):
        templates.render("holdin.txt.j2")


def test_facts_are_text_and_never_run(templates: config.Templates) -> None:
    fact = FACT.model_copy(update={"text": "{{ 7 * 7 }} <b>{% raw %}"})
    text = templates.render("holding.txt.j2", **statement_context() | {"facts": (fact,)})
    assert "{{ 7 * 7 }} <b>{% raw %}" in text


def test_the_html_of_a_notice_escapes_everything_it_shows(templates: config.Templates) -> None:
    evil = "<script>alert('x')</script>\" onload=\"x"
    html = templates.render(
        "notice.html.j2",
        title=evil,
        lines=[evil, f"- {evil}"],
        button_label=evil,
        button_link=evil,
        first_label=evil,
        first_link=evil,
        footer=evil,
    )
    assert "<script" not in html
    assert 'onload="' not in html
    assert html.count("&lt;script&gt;") == 10


def test_a_notice_has_a_subject_with_the_incident_and_ends_with_its_link(templates: config.Templates) -> None:
    for name, every in NOTICES.items():
        for context in every if name.endswith(".txt.j2") else ():
            text = templates.render(name, **context)
            assert text.startswith("[INC-7] ") or "incident" not in context
            assert text.strip().splitlines()[-1] == context["link"]
