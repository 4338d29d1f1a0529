"""Receivers and renderings for the integrations' tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from crisis.statement import Part, Rendering, Target

type_of_rendering = Callable[..., Rendering]


@pytest.fixture
def render() -> type_of_rendering:
    """Build a rendering of the given part texts."""

    def build(*texts: str, kind: str = "sandbox", address: str = "", limit: int = 10_000, **more: object) -> Rendering:
        parts = tuple(Part(text=text, length=len(text), limit=limit) for text in texts)
        return Rendering(target=Target(channel="test", kind=kind, address=address), parts=parts, **more)  # type: ignore[arg-type]

    return build


@pytest.fixture(scope="session")
def aws_server() -> Iterator[Any]:
    """AWS, started once; ask for ``aws``, which is empty at the start of each test."""
    from aws_receiver import AwsReceiver

    with AwsReceiver() as server:
        yield server


@pytest.fixture
def aws(aws_server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """AWS with a verified domain and a bucket, and no credentials of this machine's."""
    from aws_receiver import KEYS

    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    aws_server.reset()
    aws_server.client("sesv2").create_email_identity(EmailIdentity="acme.example")
    place = {"CreateBucketConfiguration": {"LocationConstraint": KEYS["region"]}}
    aws_server.client("s3").create_bucket(Bucket="acme-press", **place)
    return aws_server
