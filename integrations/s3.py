"""One folder of an S3 bucket, and writes to it that never replace what was not read before."""

import asyncio
import random
from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, BinaryIO

from pydantic import Field

from integrations.aws import Aws, AwsSettings, Rejected
from integrations.outcomes import RateLimited

TRIES = 12
"""How often something is read and changed again when others change it at the same time."""
CONFLICTS = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})
"""A condition did not hold: nothing was written.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html."""


class BucketSettings(AwsSettings):
    """Settings that every kind on S3 takes."""

    bucket: str = Field(
        examples=["acme-crisis"], pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="Name of the bucket"
    )
    prefix: str = Field(
        default="", pattern=r"^([A-Za-z0-9._-]+/)*$", description="Folder in the bucket, such as news/; empty: its top"
    )


class Bucket:
    """The folder that the settings name; ``name`` is always within it."""

    def __init__(self, settings: BucketSettings) -> None:
        self.aws = Aws("s3", "Amazon S3", settings)
        self.name, self._prefix = settings.bucket, settings.prefix

    def place(self, name: str) -> dict[str, Any]:
        """Bucket and key of an object, as boto3 wants them."""
        return {"Bucket": self.name, "Key": self._prefix + name}

    def address(self, name: str = "") -> str:
        """``s3://bucket/folder/name``."""
        return f"s3://{self.name}/{self._prefix}{name}"

    async def head(self, name: str, **more: Any) -> dict[str, Any] | None:
        """What S3 says about an object, as ``HeadObject`` answers; ``None`` when there is none.

        Raises:
            Misconfigured: also when it is not there and the credentials lack ``s3:ListBucket``.
        """
        try:
            found: dict[str, Any] = await self.aws.read("head_object", **self.place(name), **more)
        except Rejected as error:
            if error.status == 404:
                return None
            raise
        return {"Metadata": {}, **found}

    async def get(self, name: str) -> tuple[str, bytes] | None:
        """ETag and content of a small object; ``None`` when there is none."""
        try:
            answer = await self.aws.read("get_object", **self.place(name))
        except Rejected as error:
            if error.status == 404:
                return None
            raise
        return self.aws.text(answer, "ETag"), answer["Body"]

    async def put(
        self,
        name: str,
        content: bytes | BinaryIO,
        content_type: str,
        *,
        replaces: str = "",
        digest: str = "",
        **more: Any,
    ) -> dict[str, Any]:
        """Write an object whole: where none is, or in place of the one whose ETag is ``replaces``.

        ``digest`` is the content's SHA-256, hexadecimal, which a file must come with. S3 refuses what does not fit it.

        Raises:
            Rejected: with a code of ``CONFLICTS`` when the condition does not hold.
        """
        known = bytes.fromhex(digest) if digest or not isinstance(content, bytes) else sha256(content).digest()
        condition = {"IfMatch": replaces} if replaces else {"IfNoneMatch": "*"}
        answer = await self.aws.write(
            "put_object",
            **self.place(name),
            Body=content,
            ContentType=content_type,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=b64encode(known).decode(),
            **condition,
            **more,
        )
        self.aws.text(answer, "ETag")
        return answer

    async def delete(self, name: str) -> None:
        """Remove an object; one that is not there is no error."""
        await self.aws.write("delete_object", **self.place(name))


async def agreed(step: Callable[[], Awaitable[None]]) -> None:
    """Read and change again until nobody else has changed it in between.

    Raises:
        RateLimited: others change it all the time.
    """
    for number in range(1, TRIES + 1):
        try:
            await step()
        except Rejected as error:
            if error.code not in CONFLICTS:
                raise
            await asyncio.sleep(random.uniform(0, 0.05 * number))
        else:
            return
    raise RateLimited("others change the same object all the time", datetime.now(UTC) + timedelta(seconds=5))
