"""A picture's file: what it must be, what it must not tell, and that what was approved is what is sent and sealed."""

import io
import struct
import zlib
from pathlib import Path

import pytest
from acme import IDA, acme, incident_in, sandbox
from drawn import ALT, file, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from crisis.approval import NotAllowed, Verdict, Via
from crisis.bundle import check_bundle, read_bundle
from crisis.delivery import DeliveryState
from crisis.rendering import DoesNotFit
from crisis.story import picture_path
from crisis.typed_in import NotOneLine
from crisis.values import StatementKind
from records import NotFound
from records.tables import pictures
from tasks.approve import decide, propose
from tasks.deliver import deliver
from tasks.draft import draft, with_pictures
from tasks.evidence import seal_evidence
from tasks.linting import Blocked
from tasks.pictures import MAX_PIXELS, NotAPicture, read_picture
from tasks.publish import plan

PLACE = "48.137"


def saved(kind: str = "JPEG", size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 50).convert("RGB").save(out, kind, **options)
    return out.getvalue()


def exif(orientation: int = 1) -> Image.Exif:
    """Of a telephone that knows where it is."""
    told = Image.Exif()
    told[0x010F], told[0x0112], told[0x8825] = "Acmephone", orientation, {1: "N", 2: (48.0, 8.0, 13.0)}
    return told


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_plain_picture_is_taken_byte_for_byte(kind: str) -> None:
    data = file(kind=kind)
    read = read_picture(data, f" {ALT}\n")
    assert read.picture.content == data
    assert (read.picture.width, read.picture.height, read.picture.alt) == (64, 48, ALT)
    assert read.picture.is_intact
    assert read.says == ""


def test_where_and_with_what_a_photo_was_taken_is_taken_out_and_said() -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        data = saved(kind, exif=exif(orientation=6))
        assert b"Acmephone" in data
        read = read_picture(data)
        assert "where it was taken (GPS)" in read.says
        assert b"Acmephone" not in read.picture.content
        assert (read.picture.width, read.picture.height) == (48, 64), "turned as its file said"
        with Image.open(io.BytesIO(read.picture.content)) as image:
            assert not image.getexif()


def test_a_photo_without_its_data_looks_as_it_did() -> None:
    data = saved(quality=83, exif=exif())
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(read_picture(data).picture.content)) as after:
        assert before.quantization == after.quantization  # type: ignore[attr-defined]
        worst = max(abs(a - b) for a, b in zip(before.tobytes(), after.tobytes(), strict=True))
    assert worst <= 8


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (saved(comment=b"from Ana's desk"), "a comment"),
        (saved("GIF", comment=b"from Ana's desk"), "a comment"),
        (saved(xmp=b"<x:xmpmeta>Ana</x:xmpmeta>"), "editing data (XMP)"),
        (saved() + b"PK\3\4 a film of the minute before", "data behind the picture"),
        (saved("PNG") + b"more", "data behind the picture"),
        (saved("GIF") + b"more", "data behind the picture"),
        (saved("WEBP") + b"more", "data behind the picture"),
    ],
)
def test_whatever_else_a_file_tells_is_taken_out_and_said(data: bytes, says: str) -> None:
    read = read_picture(data)
    assert says in read.taken_out
    for secret in (b"Ana", b"film", b"more"):
        assert secret not in read.picture.content


def test_texts_in_a_png_are_taken_out_and_transparency_is_kept() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Ana")
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (255, 0, 0, 90)).save(out, "PNG", pnginfo=info)
    read = read_picture(out.getvalue())
    assert read.taken_out == ("texts",)
    with Image.open(io.BytesIO(read.picture.content)) as image:
        assert image.getpixel((3, 3)) == (255, 0, 0, 90)


def test_a_moving_picture_is_refused() -> None:
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "WEBP", "PNG"):
        out = io.BytesIO()
        frames[0].save(out, kind, save_all=True, append_images=frames[1:])
        with pytest.raises(NotAPicture, match="it moves"):
            read_picture(out.getvalue())


def _png(width: int, height: int) -> bytes:
    """A few bytes that unpack to a picture of that size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(60_000, 60_000), (9_000, 9_000), (MAX_PIXELS, 2)])
def test_a_picture_that_would_unpack_to_too_much_is_refused_before_it_does(size: tuple[int, int]) -> None:
    with pytest.raises(NotAPicture, match="pixels"):
        read_picture(_png(*size))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"\xff\xd8\xff",
        saved()[:400],
        b"RIFF",
    ],
)
def test_what_is_no_whole_picture_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(NotAPicture, match=r"^map\.jpg: it is no JPEG, PNG, GIF or WebP picture, or a broken one"):
        read_picture(data, name="map.jpg")


@given(st.integers(0, 700), st.binary(min_size=1, max_size=4))
@settings(max_examples=150)
def test_a_damaged_file_is_a_picture_or_refused_and_nothing_else(place: int, damage: bytes) -> None:
    data = file()
    try:
        read = read_picture(data[:place] + damage + data[place + len(damage) :])
    except NotAPicture:
        return
    assert read.picture.is_intact


def test_an_alternative_text_is_one_line_of_bounded_length() -> None:
    assert read_picture(file(), "two\nlines  of it").picture.alt == "two lines of it"
    for wrong in ("x" * 2001, "hidden \u202e order"):
        with pytest.raises(NotOneLine):
            read_picture(file(), wrong)


async def test_a_statement_carries_its_pictures_to_the_channels_that_take_them(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        incident = await incident_in(here)
        read = read_picture(saved(exif=exif()), ALT)
        statement = await draft(here, incident.id, StatementKind.HOLDING, author=IDA, pictures=[read])
        media = {r.target.channel: [p.alt for p in r.media] for r in statement.renderings}
        assert sorted(media.values()) == [[], [ALT], [ALT], [ALT]]
        async with here.store.reading() as tx:
            assert await tx.pictures.content(read.picture.sha256) == read.picture.content
            (drafted,) = [r for r in await tx.ledger.list() if r.kind == "statement.drafted"]
        assert "GPS" in drafted.reason
        assert (await here.store.verify()).ok
        await _approved(here, statement)
        pictured = [p.rendering.media for p in sandbox(here) if p.rendering.media]
        assert [m[0].sha256 for m in pictured] == [read.picture.sha256] * 3


async def _approved(here, statement) -> None:
    await propose(here, statement, by=IDA)
    for approver, role in (("ana@example.com", "comms"), ("lena@example.com", "legal")):
        async with here.store.reading() as tx:
            if role not in (await tx.statements.proposal(statement.id, statement.version)).policy.roles:
                continue
        await decide(
            here,
            statement=statement.id,
            version=statement.version,
            content_hash=statement.content_hash,
            approver=approver,
            role=role,
            verdict=Verdict.APPROVE,
            via=Via.CLI,
        )


async def test_a_picture_without_alternative_text_is_not_proposed(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        incident = await incident_in(here)
        bare = read_picture(file())
        statement = await draft(here, incident.id, StatementKind.HOLDING, author=IDA, pictures=[bare])
        with pytest.raises(Blocked, match="no-alt-text"):
            await propose(here, statement, by=IDA)
        better = await with_pictures(here, statement, [read_picture(file(), ALT)], author=IDA)
        assert (better.id, better.version, better.body) == (statement.id, 2, statement.body)
        await propose(here, better, by=IDA)
        with pytest.raises(NotAllowed, match="there is INC-1-S1 v2 since"):
            await with_pictures(here, statement, [bare], author=IDA)


async def test_a_picture_that_a_channel_does_not_take_is_refused_when_it_is_drafted(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        incident = await incident_in(here)
        heavy = read_picture(saved("PNG", (900, 900)), ALT)
        assert heavy.picture.size > 1_000_000
        with pytest.raises(DoesNotFit, match="the limit is 1,000,000"):
            await draft(here, incident.id, StatementKind.HOLDING, author=IDA, pictures=[heavy])
        async with here.store.reading() as tx:
            assert await tx.statements.list(incident.id) == []
            with pytest.raises(NotFound):
                await tx.pictures.content(heavy.picture.sha256)


async def test_a_picture_altered_between_planning_and_sending_is_not_sent(tmp_path: Path, monkeypatch) -> None:
    async with acme(tmp_path) as here:
        incident = await incident_in(here)
        statement = await draft(
            here, incident.id, StatementKind.HOLDING, author=IDA, pictures=[read_picture(file(), ALT)]
        )
        sent = []
        monkeypatch.setattr("tasks.approve.publish_statement", lambda *a, **k: _nothing(sent))
        await _approved(here, statement)
        planned = await plan(here, statement.id, statement.version)
        await _alter(here)
        after = [await deliver(here, d.id) for d in planned]
        for delivery in after:
            pictured = bool(delivery.rendering.media)
            assert (delivery.state is DeliveryState.REFUSED) == pictured
            assert ("altered in the database" in delivery.problem) == pictured
        assert not [post for post in sandbox(here) if post.rendering.media]
        verified = await here.store.verify()
        assert not verified.ok
        assert "picture" in verified.fault


async def _nothing(sent: list[None]) -> None:
    sent.append(None)


async def _alter(here) -> None:
    """Change the picture behind the store's back."""
    async with here.store._engine.begin() as connection:
        for name in ("no_update",):
            await connection.exec_driver_sql(f"DROP TRIGGER pictures_{name}")
        await connection.execute(pictures.update().values(content=file("red")))


async def test_the_evidence_holds_the_pictures_and_names_one_that_is_not_the_approved(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        incident = await incident_in(here)
        statement = await draft(
            here, incident.id, StatementKind.HOLDING, author=IDA, pictures=[read_picture(file(), ALT)]
        )
        await _approved(here, statement)
        bundle = read_bundle(await seal_evidence(here, incident.id, tmp_path / "out"))
    path = picture_path(picture())
    assert bundle[path] == file()
    assert check_bundle(bundle).ok, check_bundle(bundle).problem
    report = bundle["report.html"].decode()
    assert ALT in report
    assert 'src="data:image/jpeg;base64,' in report
    assert "img-src data:" in report
    says = [p.says for p in check_bundle(bundle | {path: file("red")}).problems]
    assert any("it is not the picture of INC-1-S1 v1" in s for s in says)
