"""Sealed evidence in an S3 bucket with Object Lock, where nobody can change or remove it until its time is over.

Promises: a file is stored once, under its name, and never replaced; after the upload that very version is read back,
and its bytes, its lock and how long it holds are compared with what was asked for: a 200 proves nothing. With mode
``COMPLIANCE`` not even the account's root user can remove it earlier. Files up to 5 GB go up in one request, because
a lock is asked for with the object. API: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from integrations.outcomes import IntegrationError, Misconfigured, Refused, Unknown, before_sending
from integrations.protocols import Health, Sealed
from integrations.s3 import Bucket, BucketSettings, agreed

LARGEST = 5 * 1024**3
"""Bytes of one upload: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html."""
CHUNK = 1024 * 1024
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DIGEST = "sha256"
"""Our name in the object's metadata: its SHA-256, hexadecimal."""


class S3EvidenceSettings(BucketSettings):
    """Settings of a bucket for sealed evidence."""

    timeout: float = Field(
        default=120, gt=0, le=3600, description="Seconds one upload or read-back may take as a whole"
    )
    mode: Literal["COMPLIANCE", "GOVERNANCE"] = Field(
        default="COMPLIANCE",
        description="COMPLIANCE: nobody can shorten it. GOVERNANCE: whoever has a special right can",
    )
    retain_days: int = Field(default=365 * 3, ge=1, le=36_500, description="Days for which the evidence is locked")
    legal_hold: bool = Field(default=False, description="Lock it beyond that, until somebody lifts the hold")


class S3Evidence:
    """An ``Archive``.

    The IAM policy needs ``s3:ListBucket``, ``GetBucketObjectLockConfiguration``, ``PutObject``, ``PutObjectRetention``,
    ``PutObjectLegalHold``, ``GetObject``, ``GetObjectVersion``, ``GetObjectRetention`` and ``GetObjectLegalHold``; it
    should not have ``s3:BypassGovernanceRetention``.
    """

    kind: ClassVar[str] = "s3_evidence"
    settings_model: ClassVar[type[S3EvidenceSettings]] = S3EvidenceSettings

    def __init__(self, settings: S3EvidenceSettings) -> None:
        self._settings = settings
        self._bucket = Bucket(settings)

    async def seal(self, name: str, file: Path, now: datetime) -> Sealed:
        """Store ``file`` under ``name``, locked from ``now`` on, and prove that it is there as asked for.

        Sealing the same again finds it there.

        Raises:
            Misconfigured: the bucket has no Object Lock; nothing was stored.
            Refused: another file has that name there, or the file is too large.
            RateLimited: not taken now. Unknown: no clear answer, or what is there is not what was asked for.
        """
        digest, size = await asyncio.to_thread(_digest, file)
        if size > LARGEST:
            raise Refused(f"{file.name} has {size} bytes, and S3 takes {LARGEST} in one piece; nothing was stored")
        with before_sending():
            await self._lock()
            before = await self._bucket.head(name)
        until = (now + timedelta(days=self._settings.retain_days)).astimezone(UTC).replace(microsecond=0)
        if before is None:
            await agreed(lambda: self._store(name, file, digest, until))
        there = await self._bucket.head(name)
        if there is None:
            raise Unknown(f"{self._bucket.address(name)} was taken, but is not shown; seal it again")
        if there["Metadata"].get(DIGEST) != digest:
            raise Refused(f"another file is at {self._bucket.address(name)}; it was left as it is")
        wanted = now if before else until  # sealed earlier, it is locked for less long from now on
        return await self._proven(
            name, digest, size, wanted, str(there.get("VersionId", "")), already=before is not None
        )

    async def hold(self, name: str, version: str, *, on: bool) -> None:
        """Put a legal hold on that version, or lift it, and ask the object itself whether it is so.

        Raises:
            Refused: there is no such version. Unknown: it is not as it was asked for.
        """
        status = "ON" if on else "OFF"
        of_version = {"VersionId": version} if version else {}
        if await self._bucket.head(name, **of_version) is None:
            raise Refused(f"{self._bucket.address(name)} is not there, so no legal hold can be put on it")
        await self._bucket.aws.write(
            "put_object_legal_hold", **self._bucket.place(name), **of_version, LegalHold={"Status": status}
        )
        there = await self._bucket.head(name, **of_version)
        found = str((there or {}).get("ObjectLockLegalHoldStatus", "OFF"))
        if found != status:
            raise Unknown(f"the legal hold of {self._bucket.address(name)} is {found}, not {status}; do it again")

    async def check(self) -> Health:
        """Asks for the bucket's Object Lock; nothing is stored."""
        try:
            with before_sending():
                await self._lock()
                await self._bucket.head(".fireline-check")
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        held = f"{self._settings.mode} for {self._settings.retain_days} days"
        return Health(
            ok=True, says=f"seals evidence in {self._bucket.address()}, {held}; whether it may write is not known"
        )

    async def close(self) -> None:
        await self._bucket.aws.close()

    async def _lock(self) -> None:
        """Raises ``Misconfigured`` when the bucket has no Object Lock."""
        answer = await self._bucket.aws.read("get_object_lock_configuration", Bucket=self._bucket.name)
        if (answer.get("ObjectLockConfiguration") or {}).get("ObjectLockEnabled") != "Enabled":
            raise Misconfigured(
                f"the bucket {self._bucket.name} has no Object Lock: switch it on, or make one that has"
            )

    async def _store(self, name: str, file: Path, digest: str, until: datetime) -> None:
        if await self._bucket.head(name) is not None:
            return
        with await asyncio.to_thread(file.open, "rb") as content:
            await self._bucket.put(
                name,
                content,
                "application/zip" if name.endswith(".zip") else "application/octet-stream",
                digest=digest,
                ObjectLockMode=self._settings.mode,
                ObjectLockRetainUntilDate=until,
                ObjectLockLegalHoldStatus="ON" if self._settings.legal_hold else "OFF",
                Metadata={DIGEST: digest},
            )

    async def _proven(
        self, name: str, digest: str, size: int, until: datetime, version: str, *, already: bool
    ) -> Sealed:
        """Read that version back, all of it, and compare."""
        place = self._bucket.address(name)
        if not version:
            raise Unknown(f"{place} has no version, so nothing locks it: versioning of the bucket is off")
        content, there = await self._bucket.aws.read_through(
            "get_object", _read_back, **self._bucket.place(name), VersionId=version
        )
        mode, kept = str(there.get("ObjectLockMode", "")), there.get("ObjectLockRetainUntilDate", EPOCH)
        hold = there.get("ObjectLockLegalHoldStatus") == "ON"
        wrong = [
            f"its bytes are others (SHA-256 {content})" if content != digest else "",
            f"its lock is {mode or 'missing'}, not {self._settings.mode}" if mode != self._settings.mode else "",
            f"it is locked until {kept:%Y-%m-%d %H:%M}, not {until:%Y-%m-%d %H:%M}" if kept < until else "",
            "it has no legal hold" if self._settings.legal_hold and not hold else "",
        ]
        if found := "; ".join(w for w in wrong if w):
            raise Unknown(f"{place} is stored, but not as it was asked for: {found}. See who else writes to the bucket")
        return Sealed(
            place=place,
            version=version,
            sha256=digest,
            bytes=size,
            mode=mode,
            retain_until=kept.astimezone(UTC),
            legal_hold=hold,
            already=already,
        )


def _digest(file: Path) -> tuple[str, int]:
    """SHA-256, hexadecimal, and length of a file."""
    found = sha256()
    size = 0
    with file.open("rb") as content:
        while chunk := content.read(CHUNK):
            found.update(chunk)
            size += len(chunk)
    return found.hexdigest(), size


def _read_back(answer: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """SHA-256 of what S3 holds, and what it says beside that."""
    found = sha256()
    for chunk in answer["Body"].iter_chunks(CHUNK):
        found.update(chunk)
    return found.hexdigest(), {name: value for name, value in answer.items() if name != "Body"}
