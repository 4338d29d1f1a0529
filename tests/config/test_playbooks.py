"""Playbooks: the packaged ones are whole and sensible; a mistake is told by its line; own files replace them."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

import config
from config.playbook_files import PACKAGED, duration
from crisis.triage import Cluster
from crisis.values import CrisisType, StatementKind

STARTER = Path(config.__file__).parent / "starter" / "fireline.toml"


def _settings(folder: Path, *, own: bool = True) -> config.Settings:
    text = STARTER.read_text(encoding="utf-8")
    if own:
        (folder / "playbooks").mkdir(exist_ok=True)
        text = text.replace("#playbooks_dir", "playbooks_dir")
    (folder / "fireline.toml").write_text(text, encoding="utf-8")
    return config.load(folder)


def _mistakes(folder: Path, wrong: str, right: str, name: str = "data_breach.yaml") -> list[str]:
    settings = _settings(folder)
    text = (PACKAGED / "data_breach.yaml").read_text(encoding="utf-8")
    assert wrong in text
    (folder / "playbooks" / name).write_text(text.replace(wrong, right, 1), encoding="utf-8")
    with pytest.raises(config.ConfigError) as caught:
        config.playbooks(settings)
    return str(caught.value).splitlines()


def test_every_cause_has_a_playbook_that_answers_for_every_kind(tmp_path: Path) -> None:
    books = config.playbooks(_settings(tmp_path, own=False))
    assert set(books) == set(CrisisType)
    for book in books.values():
        assert set(book.approval) == set(book.templates) == set(StatementKind)
        assert book.title
        assert len(book.guidance) > 80
        assert book.clocks.triage < book.clocks.holding < book.clocks.substantive


def test_a_substantive_statement_always_needs_legal_and_the_gravest_need_an_executive(tmp_path: Path) -> None:
    books = config.playbooks(_settings(tmp_path, own=False))
    for cause, book in books.items():
        roles = book.approval[StatementKind.SUBSTANTIVE].roles
        assert {"comms", "legal"} <= set(roles)
        assert ("executive" in roles) == (cause in {CrisisType.DATA_BREACH, CrisisType.SAFETY_HARM, CrisisType.CONDUCT})
        assert "legal" in book.approval[StatementKind.CORRECTION].roles


def test_where_people_are_harmed_the_clocks_are_the_shortest(tmp_path: Path) -> None:
    books = config.playbooks(_settings(tmp_path, own=False))
    safety = books[CrisisType.SAFETY_HARM].clocks
    assert all(safety.holding <= book.clocks.holding for book in books.values())
    assert safety.holding == timedelta(minutes=15)
    assert books[CrisisType.UNKNOWN].clocks == config.playbooks(_settings(tmp_path, own=False))["unknown"].clocks
    assert books[CrisisType.MISINFORMATION].cluster is Cluster.VICTIM


@pytest.mark.parametrize(
    ("wrong", "right", "says"),
    [
        ("type: data_breach", "type: safety_harm", "the file is called data_breach.yaml but its type is safety_harm"),
        ("type: data_breach", "type: data_breech", "type: must be one of"),
        ("title: Data breach", "titel: Data breach", "no key 'titel'; did you mean 'title'?"),
        ("cluster: accidental", "cluster: accident", "did you mean 'accidental'?"),
        ("holding: 30 min", "holding: 30", 'must be a length of time with its unit: "90 s", "30 min"'),
        ("holding: 30 min", "holdng: 30 min", "no key 'holdng'; did you mean 'holding'?"),
        ("expires_after: 4 h", "expires_after: 0 h", "must be longer than nothing"),
        ("roles: {comms: 1, legal: 1, executive: 1}", "roles: {comms: 1, leagl: 1}", "did you mean 'legal'?"),
        ("roles: {comms: 1, legal: 1, executive: 1}", "roles: {comms: 0}", "must be 1 or more"),
        ("roles: {comms: 1, legal: 1, executive: 1}", "roles: {comms: many}", "must be a whole number"),
        ("channels: {}", "channels: {holding: [newsrom-mastodon]}", "did you mean 'newsroom-mastodon'?"),
        ("holding: holding.data_breach.txt.j2", "holding: holding.data.txt.j2", "there is no template"),
        ("observe_minutes: 10", "observe_minutes: 0", "observe_minutes: input should be greater than 0"),
        ("observe_minutes: 10", "observe_minutes: 10\nobserve_minutes: 5", "is there twice: keep one"),
        ("observe_minutes: 10", "observe_minutes: &a 10\nquiet: *a", "anchors and aliases are not used here"),
        ("title: Data breach", "title: Data: breach", "is not valid YAML: mapping values are not allowed"),
        ("title: Data breach", "title: !!python/object:os.system x", "is not valid YAML"),
    ],
)
def test_a_mistake_in_a_playbook_is_told_by_its_line_and_its_fix(
    tmp_path: Path, wrong: str, right: str, says: str
) -> None:
    text = (PACKAGED / "data_breach.yaml").read_text(encoding="utf-8").replace(wrong, right, 1)
    changed = [i for i, line in enumerate(text.splitlines(), 1) if right.splitlines()[-1] in line]
    told = _mistakes(tmp_path, wrong, right)
    assert told[0].startswith(f"{tmp_path / 'playbooks' / 'data_breach.yaml'}:{changed[0]}: "), told
    assert says in told[0], told


def test_a_kind_that_nobody_approves_is_told(tmp_path: Path) -> None:
    told = _mistakes(tmp_path, "  answer: {roles: {comms: 1}, expires_after: 4 h}\n", "")
    assert "approval says nothing of answer" in told[0]


def test_a_file_named_after_no_cause_is_told(tmp_path: Path) -> None:
    told = _mistakes(tmp_path, "title: Data breach", "title: Breach", name="data_breech.yaml")
    assert "is named after no cause; did you mean 'data_breach'?" in told[0]


def test_an_own_playbook_replaces_the_packaged_one_of_its_name(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    text = (PACKAGED / "unknown.yaml").read_text(encoding="utf-8").replace("holding: 30 min", "holding: 1 h 5 min")
    (tmp_path / "playbooks" / "unknown.yaml").write_text(text, encoding="utf-8")
    books = config.playbooks(settings)
    assert books[CrisisType.UNKNOWN].clocks.holding == timedelta(minutes=65)
    assert books[CrisisType.DATA_BREACH].clocks.holding == timedelta(minutes=30)


def test_a_folder_of_playbooks_that_is_not_there_is_told_by_the_line_that_names_it(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    shutil.rmtree(tmp_path / "playbooks")
    with pytest.raises(config.ConfigError, match=r"fireline\.toml:\d+: playbooks_dir: there is no folder"):
        config.playbooks(settings)


@pytest.mark.parametrize(
    ("written", "seconds"), [("90 s", 90), ("30 min", 1800), ("1 h 30 min", 5400), ("2d", 172800), ("4h", 14400)]
)
def test_durations_are_written_as_people_say_them(written: str, seconds: int) -> None:
    assert duration(written).total_seconds() == seconds


@pytest.mark.parametrize("written", ["", "30", 30, "1.5 h", "-1 h", "h", "30 minutes", "9999 d", None, ["1 h"], True])
def test_what_is_no_duration_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        duration(written)
