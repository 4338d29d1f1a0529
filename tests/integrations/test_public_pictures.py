"""A platform that fetches pictures is sent only to an address that gives everybody the approved bytes."""

import json
from typing import Any

import pytest
from aws_receiver import KEYS
from drawn import picture

import integrations
from config import ChannelSettings
from integrations import Misconfigured
from integrations.instagram import InstagramSettings
from integrations.public_pictures import shelf
from tasks.kinds import limits_of


def settings(aws: Any, **more: Any) -> InstagramSettings:
    bucket = {
        "picture_bucket": "acme-press",
        "picture_endpoint": aws.url,
        "picture_url": f"{aws.moto}/acme-press/pictures",
        "picture_region": KEYS["region"],
        "picture_access_key_id": KEYS["access_key_id"],
        "picture_secret_access_key": KEYS["secret_access_key"],
    }
    return InstagramSettings.model_validate(
        {"account": "1", "access_token": "t", "base_url": aws.url, **bucket, **more}
    )


def let_everybody_read(aws: Any) -> None:
    everybody = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::acme-press/pictures/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
    aws.client("s3").put_bucket_policy(Bucket="acme-press", Policy=policy)


async def test_a_picture_is_put_there_once_and_read_back_from_the_public_address(aws):
    let_everybody_read(aws)
    place = shelf(settings(aws))
    for _ in range(2):
        address = await place.address_of(picture())
    assert address == f"{aws.moto}/acme-press/pictures/{picture().sha256}.jpg"
    assert aws.objects("acme-press") == {f"pictures/{picture().sha256}.jpg": picture().content}
    there = aws.client("s3").head_object(Bucket="acme-press", Key=f"pictures/{picture().sha256}.jpg")
    assert there["ContentType"] == "image/jpeg"
    assert "pictures at" in await place.check()
    await place.close()


async def test_an_address_that_does_not_show_the_picture_to_everybody_is_never_handed_out(aws):
    with pytest.raises(Misconfigured, match=r"answered 403.*let the public read that folder"):
        await shelf(settings(aws)).address_of(picture())
    let_everybody_read(aws)
    elsewhere = shelf(settings(aws, picture_url=f"{aws.moto}/acme-press/elsewhere"))
    with pytest.raises(Misconfigured, match="does not show everybody the picture"):
        await elsewhere.address_of(picture())
    aws.client("s3").put_object(Bucket="acme-press", Key=f"pictures/{picture('red').sha256}.jpg", Body=b"another")
    with pytest.raises(Misconfigured, match="does not show everybody the picture"):
        await shelf(settings(aws)).address_of(picture("red"))


def test_a_channel_that_needs_a_public_place_takes_words_only_without_one():
    without = ChannelSettings(name="threads", kind="threads", settings={"access_token": "t"})
    having = ChannelSettings(name="threads", kind="threads", settings={"picture_bucket": "acme-press"})
    assert limits_of(without).pictures is None
    assert limits_of(having).pictures is not None
    assert integrations.connect("threads", access_token="t").limits.pictures is None
    with pytest.raises(Misconfigured, match="both picture_bucket and picture_url"):
        integrations.connect("threads", access_token="t", picture_bucket="acme-press")
