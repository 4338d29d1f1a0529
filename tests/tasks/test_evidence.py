"""An evidence bundle proves itself offline, and names what does not hold, whatever is done to it."""

import asyncio
import hashlib
import json
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from staged import CORRECTION, HOLDING, stage

from crisis.bundle import MANIFEST, SIGNATURE, NotABundle, check_bundle, read_bundle
from crisis.delivery import Delivery
from crisis.record import Record
from crisis.story import Story, published_files
from tasks.evidence import _write, _zipped, seal_evidence

Files = dict[str, bytes]
HISTORY = {"runs": [{"run": {"name": "INC-1 · SEV1 · respond"}, "states": []}]}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Files, Ed25519PrivateKey]:
    """The files of a bundle, and the installation's key: what a dishonest insider would have."""
    tmp_path = tmp_path_factory.mktemp("sealed")

    async def seal() -> Path:
        here, incident = await stage(tmp_path)
        path = await seal_evidence(here, incident, tmp_path / "out", prefect_history=HISTORY)
        await here.close()
        return path

    path = asyncio.run(seal())
    key = load_pem_private_key((tmp_path / "keys" / "ledger.key").read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    return read_bundle(path), key


def resealed(files: Files, key: Ed25519PrivateKey) -> Files:
    """``files`` with a manifest that fits them and a good signature: only what the files say can give it away."""
    manifest = json.loads(files[MANIFEST])
    content = {name: data for name, data in files.items() if name not in (MANIFEST, SIGNATURE)}
    manifest["files"] = [
        {"path": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in content.items()
    ]
    written = json.dumps(manifest).encode()
    return content | {MANIFEST: written, SIGNATURE: key.sign(written).hex().encode()}


def edited(files: Files, name: str, change: Callable[[Any], Any]) -> Files:
    """``files`` with the JSON of one of them changed in place."""
    value = json.loads(files[name])
    change(value)
    return files | {name: json.dumps(value).encode()}


def published(files: Files, word: str) -> str:
    return next(name for name in files if name.startswith("published/") and word in name)


def test_a_bundle_holds_and_holds_all(sealed: tuple[Files, Ed25519PrivateKey]) -> None:
    files, _ = sealed
    proof = check_bundle(files)
    assert proof.ok, proof.problem
    assert proof.incident == "INC-1"
    assert proof.records == len(files["ledger/records.jsonl"].splitlines()) > 90
    assert files[published(files, "INC-1-S1-v1/mastodon")].decode() == HOLDING
    assert json.loads(files["prefect_history.json"]) == HISTORY
    assert len(json.loads(files["mentions.json"])) == 60
    assert b"After-action report" in files["report.html"]
    assert proof.key in files["README.txt"].decode()


def test_what_did_not_arrive_is_not_among_what_was_published(sealed: tuple[Files, Ed25519PrivateKey]) -> None:
    files, _ = sealed
    assert CORRECTION.encode() in [data for name, data in files.items() if "INC-1-S4-v1/mastodon" in name]
    assert not [name for name in files if "INC-1-S4-v1/status-page" in name or "INC-1-S4-v1/newsletter" in name]


def test_any_altered_file_is_named(sealed: tuple[Files, Ed25519PrivateKey]) -> None:
    files, _ = sealed
    for name in sorted(set(files) - {MANIFEST, SIGNATURE, "public_key.pem"}):
        proof = check_bundle(files | {name: files[name] + b" "})
        assert not proof.ok
        assert proof.problem.startswith(f"{name}: the file was altered"), name


def test_any_missing_or_added_file_is_named(sealed: tuple[Files, Ed25519PrivateKey]) -> None:
    files, _ = sealed
    for name in sorted(set(files) - {MANIFEST, SIGNATURE, "public_key.pem"}):
        without = {other: data for other, data in files.items() if other != name}
        assert check_bundle(without).problem == f"{name}: the file is missing"
    assert check_bundle(files | {"extra.txt": b""}).problem.startswith("extra.txt: the file was added")


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURE, "public_key.pem"])
def test_an_altered_manifest_signature_or_key_is_named(name: str, sealed: tuple[Files, Ed25519PrivateKey]) -> None:
    files, _ = sealed
    changed = {
        MANIFEST: files[MANIFEST].replace(b"Acme Rail", b"Bcme Rail"),
        SIGNATURE: b"00" * 64,
        "public_key.pem": b"no key",
    }
    proof = check_bundle(files | {name: changed[name]})
    assert proof.problems[0].where in (SIGNATURE, "public_key.pem")
    assert not proof.ok


def test_a_bundle_signed_with_another_key_is_only_found_out_by_a_trusted_fingerprint(
    sealed: tuple[Files, Ed25519PrivateKey],
) -> None:
    files, _ = sealed
    key = check_bundle(files).key
    assert check_bundle(files, trusted=key.upper()).ok
    assert "not with the key you trust" in check_bundle(files, trusted="ab" * 32).problem


def _lines(files: Files) -> list[bytes]:
    return files["ledger/records.jsonl"].splitlines(keepends=True)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda lines: [*lines[:4], lines[4].replace(b'"actor":"', b'"actor":"x'), *lines[5:]], "altered"),
        (lambda lines: [*lines[:9], *lines[10:]], "record 10 is missing"),
        (lambda lines: [*lines[:9], lines[10], lines[9], *lines[11:]], "record 10 is missing: record 11 follows"),
        (lambda lines: lines[:-3], "is missing"),
        (lambda lines: [*lines[:6], b"garbage\n", *lines[7:]], "record 7 cannot be read"),
    ],
    ids=["altered", "dropped", "swapped", "truncated", "garbled"],
)
def test_a_ledger_record_that_does_not_hold_is_named_even_under_a_good_signature(
    change: Callable[[list[bytes]], list[bytes]], names: str, sealed: tuple[Files, Ed25519PrivateKey]
) -> None:
    files, key = sealed
    proof = check_bundle(resealed(files | {"ledger/records.jsonl": b"".join(change(_lines(files)))}, key))
    assert proof.problem.startswith("ledger/records.jsonl: ")
    assert names in proof.problem


def test_a_bad_checkpoint_is_named(sealed: tuple[Files, Ed25519PrivateKey]) -> None:
    files, key = sealed
    bad = edited(files, "ledger/checkpoints.json", lambda value: value[0].update(signature="00" * 64))
    assert "checkpoint of record" in check_bundle(resealed(bad, key)).problem


INSIDER: list[tuple[str, Callable[[Any], Any], str]] = [
    ("statements.json", lambda v: v[0]["statement"].update(audience="nobody"), "does not match its content hash"),
    ("decisions.json", lambda v: v.pop(0), "without the decisions it needs: waits for 1 × comms"),
    ("decisions.json", lambda v: v[0].update(role="legal"), "is not in the ledger"),
    ("decisions.json", lambda v: v[0].update(approver="eve@example.com"), "the decision of eve@example.com"),
    ("proposals.json", lambda v: v[0]["policy"].update(roles={"comms": 1}), "is not the one on record"),
    ("proposals.json", lambda v: v[0]["policy"].update(expires_after="PT1S"), "without the decisions it needs"),
    ("proposals.json", lambda v: v.clear(), "never proposed for approval"),
    ("deliveries.json", lambda v: v[0]["rendering"]["parts"][0].update(text="We did nothing."), "is not what INC-1-S1"),
    ("deliveries.json", lambda v: v[0]["receipt"].update(id="forged"), "is not the one on record"),
    ("deliveries.json", lambda v: v[0].update(id="f" * 32), "the ledger has no such record"),
    ("deliveries.json", lambda v: v.append({}), "it cannot be read"),
    ("deliveries.json", lambda v: v.pop(0), "of INC-1-S1 arrived by record"),
    ("deliveries.json", lambda v: v[0].update(state="refused"), "and is left out"),
    ("decisions.json", lambda v: v.pop(), "the decision of"),
]


@pytest.mark.parametrize(("name", "change", "names"), INSIDER, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(INSIDER)])
def test_a_story_that_the_ledger_does_not_bear_out_is_named_even_under_a_good_signature(
    name: str, change: Callable[[Any], Any], names: str, sealed: tuple[Files, Ed25519PrivateKey]
) -> None:
    files, key = sealed
    proof = check_bundle(resealed(edited(files, name, change), key))
    assert not proof.ok
    assert names in " ".join(p.says for p in proof.problems)


def test_a_published_text_that_is_not_what_was_delivered_is_named(
    sealed: tuple[Files, Ed25519PrivateKey],
) -> None:
    files, key = sealed
    name = published(files, "INC-1-S3-v1/bluesky")
    proof = check_bundle(resealed(files | {name: b"We did nothing wrong."}, key))
    assert proof.problem.startswith(f"{name}: it is not the text")


def test_a_decision_made_after_sending_does_not_count(sealed: tuple[Files, Ed25519PrivateKey]) -> None:
    """The outbox armed a delivery, and only then was it approved: the dates in the files look right."""
    files, _ = sealed
    first = json.loads(files["deliveries.json"])[0]["id"]
    records = [Record.model_validate_json(line) for line in _lines(files)]
    armed = next(r for r in records if r.kind == "delivery.armed" and r.data["delivery"] == first)
    early = [armed.model_copy(update={"seq": 1}) if r.seq == armed.seq else r for r in records]
    assert not list(Story(files, records, "INC-1").problems())
    assert "without the decisions it needs" in next(Story(files, early, "INC-1").problems()).says


async def test_the_same_evidence_gives_the_same_bytes_and_nothing_is_overwritten(tmp_path: Path) -> None:
    assert _zipped({"b": b"2", "a": b"1"}) == _zipped({"a": b"1", "b": b"2"})
    first = _write(tmp_path, "INC-1.zip", b"one")
    assert _write(tmp_path, "INC-1.zip", b"one") == first
    second = _write(tmp_path, "INC-1.zip", b"two")
    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["INC-1-2.zip", "INC-1.zip"]


async def test_sealing_goes_on_record_with_the_hash_of_the_bundle(tmp_path: Path) -> None:
    here, incident = await stage(tmp_path)
    path = await seal_evidence(here, incident, tmp_path / "out", documents={"report.html": b"<p>the report"})
    async with here.store.reading() as tx:
        [record] = await tx.ledger.list(kind="evidence.sealed")
        written = await tx.ledger.list(kind="report.written")
    await here.close()
    assert record.data["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_bundle(path)["report.html"] == b"<p>the report"
    assert written == []


async def test_a_store_that_does_not_hold_seals_nothing(tmp_path: Path) -> None:
    here, incident = await stage(tmp_path)
    with sqlite3.connect(tmp_path / "fireline.db") as database:
        for (name,) in database.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            database.execute(f"drop trigger {name}")
        database.execute("delete from ledger where seq = 7")
    with pytest.raises(ValueError, match="record 7"):
        await seal_evidence(here, incident, tmp_path / "out")
    await here.close()
    assert not (tmp_path / "out").exists()


async def test_what_is_no_bundle_is_refused_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"not a zip")
    with pytest.raises(NotABundle, match=r"x\.zip cannot be read"):
        read_bundle(tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as bundle:
        bundle.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            bundle.writestr("a", b"2")
    with pytest.raises(NotABundle, match="two files of one name"):
        read_bundle(tmp_path / "y.zip")
    with pytest.raises(NotABundle, match="no manifest"):
        check_bundle({})
    with pytest.raises(NotABundle, match="cannot be read"):
        check_bundle({MANIFEST: b"{}"})


def test_a_channel_s_name_cannot_lead_out_of_the_bundle(sealed: tuple[Files, Ed25519PrivateKey]) -> None:
    files, _ = sealed
    delivery = Delivery.model_validate(json.loads(files["deliveries.json"])[0])
    target = delivery.rendering.target.model_copy(update={"channel": "../../etc\x00"})
    evil = delivery.model_copy(
        update={"statement": "/../x", "rendering": delivery.rendering.model_copy(update={"target": target})}
    )
    assert all(".." not in path and "\x00" not in path and not path.startswith("/") for path in published_files(evil))
