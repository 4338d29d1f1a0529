"""Sealed evidence is locked away in every archive, on record before and after, and what failed is told."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_receiver import KEYS, AwsReceiver
from staged import settings_in, stage

import config
from fireline.__main__ import run
from tasks.installation import installation
from tasks.kinds import refuse_unknown_kinds

ARCHIVE = """
[[archives]]
name = "{name}"
kind = "s3_evidence"
credentials = "vault"
[archives.settings]
base_url = "{url}"
region = "eu-central-1"
bucket = "{bucket}"
retain_days = 30
"""


@pytest.fixture(scope="module")
def server() -> Iterator[AwsReceiver]:
    with AwsReceiver() as server:
        yield server


@pytest.fixture
def aws(server: AwsReceiver) -> AwsReceiver:
    server.reset()
    place = {"CreateBucketConfiguration": {"LocationConstraint": KEYS["region"]}}
    server.client("s3").create_bucket(Bucket="acme-evidence", ObjectLockEnabledForBucket=True, **place)
    return server


@pytest.fixture
def home(tmp_path: Path, aws: AwsReceiver, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with one whole incident and an archive; its credentials are in the environment."""

    async def prepare() -> None:
        here, _ = await stage(tmp_path)
        await here.close()

    asyncio.run(prepare())
    monkeypatch.setenv("FIRELINE_CONFIG", str(tmp_path / "fireline.toml"))
    monkeypatch.setenv("FIRELINE_VAULT_ACCESS_KEY_ID", KEYS["access_key_id"])
    monkeypatch.setenv("FIRELINE_VAULT_SECRET_ACCESS_KEY", KEYS["secret_access_key"])
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    add(tmp_path, name="vault", url=aws.url, bucket="acme-evidence")
    return tmp_path


def add(home: Path, **archive: str) -> None:
    file = home / "fireline.toml"
    file.write_text(file.read_text() + ARCHIVE.format(**archive))


def recorded() -> list[tuple[str, dict[str, object]]]:
    """What is on record about archives, in order."""

    async def look() -> list[tuple[str, dict[str, object]]]:
        async with installation() as here, here.store.reading() as tx:
            return [(r.kind, r.data) for r in await tx.ledger.list(incident="INC-1") if "archiv" in r.kind]

    return asyncio.run(look())


def test_a_report_locks_its_evidence_away_and_says_where(
    home: Path, aws: AwsReceiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", "INC-1", "-o", str(home / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    bundle, (sealed,) = Path(told["evidence"]), told["archived"]
    assert sealed["place"] == f"s3://acme-evidence/INC-1/{bundle.name}"
    assert aws.objects("acme-evidence") == {f"INC-1/{bundle.name}": bundle.read_bytes()}
    (before, about), (after, found) = recorded()
    assert (before, after) == ("evidence.archiving", "evidence.archived")
    assert about == {"archive": "vault", "file": bundle.name}
    assert found == {**about, **sealed}
    assert run(["verify", "--store"]) == 0
    assert run(["verify", str(bundle)]) == 0
    capsys.readouterr()
    assert run(["report", "INC-1", "-o", str(home / "out")]) == 0
    assert "Locked:   s3://acme-evidence/INC-1/" in capsys.readouterr().out


def test_an_archive_that_fails_is_told_and_keeps_no_other_from_having_it(
    home: Path, aws: AwsReceiver, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.client("s3").create_bucket(Bucket="unlocked", CreateBucketConfiguration={"LocationConstraint": KEYS["region"]})
    file = home / "fireline.toml"
    file.write_text(file.read_text().replace('"acme-evidence"', '"unlocked"'))
    add(home, name="second", url=aws.url, bucket="acme-evidence")
    assert run(["report", "INC-1", "-o", str(home / "out")]) == 1
    assert "is sealed, but not in every archive: Amazon S3 answered 404" in capsys.readouterr().err
    assert aws.objects("unlocked") == {}
    assert len(aws.objects("acme-evidence")) == 1
    kinds = [(kind, data["archive"]) for kind, data in recorded()]
    assert kinds == [
        ("evidence.archiving", "vault"),
        ("evidence.not_archived", "vault"),
        ("evidence.archiving", "second"),
        ("evidence.archived", "second"),
    ]
    assert KEYS["secret_access_key"] not in str(recorded())


def test_check_proves_the_archive(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["check", "--json"])
    findings = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (archive,) = [f for f in findings if f["part"] == "archive"]
    assert archive["ok"], archive["says"]
    assert "COMPLIANCE for 30 days" in archive["says"]


def test_a_kind_that_is_no_archive_is_told_with_those_that_are(tmp_path: Path) -> None:
    settings_in(tmp_path)
    file = tmp_path / "fireline.toml"
    file.write_text(file.read_text() + '\n[[archives]]\nname = "vault"\nkind = "smtp"\n')
    with pytest.raises(config.ConfigError, match=r"no kind of archive 'smtp'.*s3_evidence"):
        refuse_unknown_kinds(config.load(file))
    file.write_text(file.read_text().replace("smtp", "s3_evidence") + '[[archives]]\nname = "vault"\nkind = "x"\n')
    with pytest.raises(config.ConfigError, match="two archives have the name 'vault'"):
        config.load(file)


def test_a_legal_hold_is_put_on_sealed_bundles_and_lifted_by_two(home: Path, aws: AwsReceiver) -> None:
    lena = ["--as", "lena@example.com", "--reason", "a suit was announced"]
    assert run(["report", "INC-1", "-o", str(home / "out")]) == 0
    assert run(["hold", "INC-1", *lena]) == 0
    [version] = aws.client("s3").list_object_versions(Bucket="acme-evidence")["Versions"]
    at = {"Bucket": "acme-evidence", "Key": version["Key"], "VersionId": version["VersionId"]}
    assert aws.client("s3").head_object(**at)["ObjectLockLegalHoldStatus"] == "ON"
    assert run(["hold", "INC-1", "--as", "ana@example.com", "--reason", "not mine"]) == 1
    assert run(["release", "INC-1", *lena]) == 0
    assert run(["release", "INC-1", *lena]) == 1
    assert aws.client("s3").head_object(**at)["ObjectLockLegalHoldStatus"] == "ON"
    toml = (home / "fireline.toml").read_text(encoding="utf-8")
    (home / "fireline.toml").write_text(toml.replace('roles = ["on_call"]', 'roles = ["on_call", "legal"]'), "utf-8")
    assert run(["release", "INC-1", "--as", "otto@example.com", "--reason", "settled"]) == 0
    assert aws.client("s3").head_object(**at)["ObjectLockLegalHoldStatus"] == "OFF"
    assert run(["retention", "--dry-run"]) == 0
    assert run(["erase", "--author", "nobody", "--dry-run"]) == 0
    assert run(["erase", "--author", "x", "--recipient", "y@z.example", "--dry-run"]) == 1
    assert run(["erase", "--author", "x"]) == 2
