"""Evidence in S3 is stored once, locked, and believed only when it was read back."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from aws_receiver import KEYS, error
from botocore.exceptions import ClientError
from proxy import Proxy

import integrations
from integrations import Misconfigured, Refused, Unknown

BUCKET, NAME = "acme-evidence", "INC-7/INC-7-evidence.zip"
CONTENT = b"PK evidence " * 10_000


def archive(aws, **more):
    settings = {"bucket": BUCKET, "prefix": "fireline/", "retain_days": 30, **more}
    return integrations.connect("s3_evidence", **{"base_url": aws.url, **KEYS, **settings})


def versions(aws):
    return aws.client("s3").list_object_versions(Bucket=BUCKET).get("Versions", [])


@pytest.fixture
def locked(aws):
    place = {"CreateBucketConfiguration": {"LocationConstraint": KEYS["region"]}}
    aws.client("s3").create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True, **place)
    return aws


@pytest.fixture
def bundle(tmp_path):
    path = tmp_path / "INC-7-evidence.zip"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize("mode", ["COMPLIANCE", "GOVERNANCE"])
async def test_what_is_sealed_is_read_back_and_cannot_be_removed(locked, bundle, mode):
    now = datetime.now(UTC)
    sealed = await archive(locked, mode=mode, legal_hold=True).seal(NAME, bundle, now)
    assert sealed.place == f"s3://{BUCKET}/fireline/{NAME}"
    assert sealed.sha256 == sha256(CONTENT).hexdigest()
    assert (sealed.bytes, sealed.mode, sealed.legal_hold, sealed.already) == (len(CONTENT), mode, True, False)
    assert abs(sealed.retain_until - now - timedelta(days=30)) <= timedelta(seconds=1)
    with pytest.raises(ClientError, match="AccessDenied"):
        locked.client("s3").delete_object(Bucket=BUCKET, Key=f"fireline/{NAME}", VersionId=sealed.version)
    put = next(r for r in locked.requests if r.method == "PUT")
    assert put.headers["if-none-match"] == "*"
    assert put.headers["x-amz-checksum-sha256"]


async def test_sealing_twice_finds_it_there(locked, bundle):
    first = await archive(locked).seal(NAME, bundle, datetime.now(UTC))
    again = await archive(locked).seal(NAME, bundle, datetime.now(UTC) + timedelta(hours=1))
    assert again == first.model_copy(update={"already": True})
    assert len(versions(locked)) == 1


async def test_an_answer_lost_is_unknown_and_sealing_again_finds_it(locked, bundle):
    with Proxy("127.0.0.1", locked.port, after=CONTENT[-64:]) as proxy:
        proxy.lose()
        with pytest.raises(Unknown):
            await archive(locked, base_url=proxy.url).seal(NAME, bundle, datetime.now(UTC))
    assert (await archive(locked).seal(NAME, bundle, datetime.now(UTC))).already
    assert len(versions(locked)) == 1


async def test_another_file_of_that_name_is_never_replaced(locked, bundle):
    await archive(locked).seal(NAME, bundle, datetime.now(UTC))
    bundle.write_bytes(b"another")
    with pytest.raises(Refused, match="another file"):
        await archive(locked).seal(NAME, bundle, datetime.now(UTC))
    assert [v["Size"] for v in versions(locked)] == [len(CONTENT)]


@pytest.mark.parametrize(
    ("dropped", "says"), [(set(), "than their checksum says"), ({"x-amz-checksum-sha256"}, "its bytes are others")]
)
async def test_bytes_that_arrived_otherwise_are_noticed_though_s3_said_ok(locked, bundle, dropped, says):
    locked.corrupts = True
    locked.drops |= dropped
    with pytest.raises(Unknown, match=says):
        await archive(locked).seal(NAME, bundle, datetime.now(UTC))


@pytest.mark.parametrize(
    ("dropped", "says"),
    [
        ({"x-amz-object-lock-mode"}, "its lock is missing"),
        ({"x-amz-object-lock-retain-until-date"}, "it is locked until 1970"),
        ({"x-amz-object-lock-legal-hold"}, "no legal hold"),
    ],
)
async def test_a_lock_that_was_not_kept_is_noticed_though_s3_said_ok(locked, bundle, dropped, says):
    locked.drops |= dropped
    with pytest.raises(Unknown, match=says):
        await archive(locked, legal_hold=True).seal(NAME, bundle, datetime.now(UTC))


async def test_a_bucket_without_object_lock_gets_nothing(aws, bundle):
    channel = archive(aws, bucket="acme-press")
    with pytest.raises(Misconfigured, match=r"ObjectLock|Object Lock"):
        await channel.seal(NAME, bundle, datetime.now(UTC))
    assert aws.objects("acme-press") == {}
    assert not (await channel.check()).ok


async def test_refused_and_throttled_store_nothing(locked, bundle):
    for code, status, outcome in (
        ("AccessDenied", 403, Misconfigured),
        ("InvalidRequest", 400, Refused),
        ("SlowDown", 503, integrations.RateLimited),
    ):
        locked.faults.append(error("s3_evidence", status, code))
        with pytest.raises(outcome):
            await archive(locked).seal(NAME, bundle, datetime.now(UTC))
    assert versions(locked) == []


async def test_check_stores_nothing_and_says_how_long_it_locks(locked):
    health = await archive(locked).check()
    assert health.ok
    assert "COMPLIANCE for 30 days" in health.says
    assert versions(locked) == []


async def test_a_legal_hold_is_put_on_and_lifted_and_believed_only_when_it_was_asked_for(locked, bundle):
    vault = archive(locked, mode="GOVERNANCE")
    sealed = await vault.seal(NAME, bundle, datetime.now(UTC))

    def held():
        at = {"Bucket": BUCKET, "Key": f"fireline/{NAME}", "VersionId": sealed.version}
        return locked.client("s3").head_object(**at).get("ObjectLockLegalHoldStatus", "OFF")

    assert held() == "OFF"
    for _ in range(2):
        await vault.hold(NAME, sealed.version, on=True)
        assert held() == "ON"
    await vault.hold(NAME, sealed.version, on=False)
    assert held() == "OFF"
    with pytest.raises(Refused, match="is not there"):
        await vault.hold("another.zip", "", on=True)
