"""Pictures at a public address, for platforms that fetch them instead of taking them: a folder of an S3 bucket.

Promises: a picture lies under its own SHA-256, is written only where none is, and its address is handed out only after
the public address itself has given back the very bytes: a platform is never sent to fetch another picture. Whoever
guesses a SHA-256 could read a picture before its post is out; nobody can.
"""

import hashlib
from typing import Any

from pydantic import Field, SecretStr, field_validator

from crisis.pictures import Picture
from integrations.aws import Rejected
from integrations.http import Connection, Http
from integrations.outcomes import Misconfigured
from integrations.s3 import CONFLICTS, Bucket, BucketSettings


class PublicPictures(Connection):
    """Settings of a kind whose platform fetches pictures."""

    picture_bucket: str = Field(
        default="",
        examples=["acme-press"],
        pattern=r"^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$",
        description="S3 bucket for pictures, such as the press page's; empty: posts are words only",
    )
    picture_prefix: str = Field(
        default="pictures/", pattern=r"^([A-Za-z0-9._-]+/)*$", description="Folder of the bucket for pictures"
    )
    picture_url: str = Field(
        default="",
        examples=["https://press.example.com/pictures"],
        description="Where everybody can read that folder, https://...",
    )
    picture_region: str = Field(default="", pattern=r"^[a-z0-9-]*$", description="Region of the bucket")
    picture_endpoint: str = Field(default="", description="Endpoint of S3, when it is not AWS's own")
    picture_access_key_id: SecretStr = Field(
        default=SecretStr(""), description="Access key for the bucket; leave out to use AWS's standard chain"
    )
    picture_secret_access_key: SecretStr = Field(default=SecretStr(""), description="Secret of that access key")

    @field_validator("picture_url")
    @classmethod
    def _public(cls, value: str) -> str:
        return value and cls._http(value)

    def _as_ours(self) -> dict[str, Any]:
        """How the platform itself is reached is how pictures are."""
        return {name: getattr(self, name) for name in Connection.model_fields if name != "base_url"}

    def public(self) -> Connection:
        """How the public address is reached."""
        return Connection(base_url=self.picture_url, **self._as_ours())

    def bucket(self) -> BucketSettings:
        """The bucket's own settings."""
        keys = {"access_key_id": self.picture_access_key_id, "secret_access_key": self.picture_secret_access_key}
        where = {"base_url": self.picture_endpoint} if self.picture_endpoint else {}
        return BucketSettings(
            **where,
            **self._as_ours(),
            region=self.picture_region,
            bucket=self.picture_bucket,
            prefix=self.picture_prefix,
            **(keys if self.picture_access_key_id.get_secret_value() else {}),
        )


class PictureShelf:
    """Where one channel's pictures lie in public; nothing is asked before the first picture."""

    def __init__(self, settings: PublicPictures) -> None:
        self._bucket = Bucket(settings.bucket())
        self._base = settings.picture_url
        self._public = Http("The pictures' public address", settings.public())

    async def address_of(self, picture: Picture) -> str:
        """The public address of a picture, which lies there now.

        Raises:
            Misconfigured: the address does not give the picture to everybody.
            RateLimited, Unknown, Refused: as the bucket answers.
        """
        name = f"{picture.sha256}.{picture.media_type.suffix}"
        if await self._bucket.head(name) is None:
            try:
                await self._bucket.put(name, picture.content, picture.media_type.value)
            except Rejected as error:
                if error.code not in CONFLICTS:  # else somebody else has put the same bytes there meanwhile
                    raise
        answer = await self._public.read(f"/{name}", headers={"Accept": "*/*"})
        if answer.status != 200 or hashlib.sha256(answer.content).hexdigest() != picture.sha256:
            raise Misconfigured(
                f"{self._base}/{name} does not show everybody the picture that lies at {self._bucket.address(name)} "
                f"(it answered {answer.status}): mend picture_url, or let the public read that folder"
            )
        return f"{self._base}/{name}"

    async def check(self) -> str:
        """One line on where pictures lie. Raises when the bucket cannot be reached."""
        await self._bucket.aws.read("head_bucket", Bucket=self._bucket.name)
        return f"pictures at {self._base}"

    async def close(self) -> None:
        await self._bucket.aws.close()
        await self._public.close()


def shelf(settings: PublicPictures) -> PictureShelf | None:
    """The place for pictures; None where none is set.

    Raises:
        Misconfigured: only one of bucket and address is set.
    """
    if bool(settings.picture_bucket) != bool(settings.picture_url):
        raise Misconfigured(
            "set both picture_bucket and picture_url, or neither: pictures are put in one and read by the other"
        )
    return PictureShelf(settings) if settings.picture_bucket else None
