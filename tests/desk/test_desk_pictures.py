"""Pictures on the desk: an approver sees and reads exactly what goes out, and nobody sees what is not theirs to see."""

from dataclasses import replace
from typing import Any

import pytest
from at_the_desk import LENA, Scene, proposed, renderings, statement_for
from drawn import ALT, picture

from crisis.pictures import Picture
from crisis.statement import Statement, content_hash
from tasks.links import reading_link

HIDDEN = "A map \u202eof the line"


async def with_picture(scene: Scene, shown: Picture | None = None) -> Scene:
    """The scene, with another statement that carries a picture on two of its four channels."""
    shown = shown or picture()
    posts = tuple(
        r.model_copy(update={"media": (shown,) if "newsroom" in r.target.channel else ()}) for r in renderings()
    )
    plain = statement_for(scene.incident, scene.statement.facts, id=f"{scene.incident.id}-S2", renderings=posts)
    covered = {"incident": plain.incident, "kind": plain.kind, "audience": plain.audience, "severity": plain.severity}
    covered |= {"facts": plain.facts, "renderings": posts, "promises": plain.promises, "media": (shown,)}
    made = Statement.model_validate(
        dict(plain) | {"media": (shown,), "content_hash": content_hash(**covered)}  # type: ignore[arg-type]
    )
    await proposed(scene.here, made)
    return replace(scene, statement=made)


async def test_the_approver_sees_the_picture_and_reads_its_alternative_text(scene: Scene) -> None:
    scene = await with_picture(scene)
    link = scene.link()
    async with scene.browser() as browser:
        page = await browser.get(link)
        address = f"{link}/pictures/{picture().sha256}"
        assert page.text.count(f'<img src="{address}" alt="{ALT}"') == 2
        assert page.text.count(f'<span dir="auto">{ALT}</span>') == 2
        assert page.text.count("Words only: no picture goes here") == 2
        shown = await browser.get(address)
    assert shown.status_code == 200
    assert shown.content == picture().content
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "img-src 'self'" in page.headers["content-security-policy"]


async def test_a_link_shows_no_other_statements_pictures(scene: Scene) -> None:
    pictured = await with_picture(scene)
    async with scene.browser() as browser:
        assert (await browser.get(f"{scene.link()}/pictures/{picture().sha256}")).status_code == 404
        assert (await browser.get(f"{pictured.link()}/pictures/{'0' * 64}")).status_code == 404
        assert (await browser.get(f"/approve/forged/pictures/{picture().sha256}")).status_code == 403
        assert (await browser.get(f"/pictures/{picture().sha256}.jpg")).status_code == 403
    async with scene.at_the_desk() as browser:
        assert (await browser.get(f"/pictures/{picture().sha256}.jpg")).content == picture().content
        assert (await browser.get(f"/pictures/{picture().sha256}.svg")).status_code == 404
        assert (await browser.get(f"/pictures/{'0' * 64}.jpg")).status_code == 404
        page = (await browser.get(f"/incidents/{scene.incident.id}")).text
        assert f'<img src="/pictures/{picture().sha256}.jpg" alt="{ALT}"' in page


async def test_an_alternative_text_that_hides_something_is_written_out_and_warned_of(scene: Scene) -> None:
    scene = await with_picture(scene, picture().model_copy(update={"alt": HIDDEN}))
    async with scene.browser() as browser:
        page = (await browser.get(scene.link())).text
    assert "\u202e" not in page
    assert 'alt="A map [U+202E]of the line"' in page
    assert "characters that a reader does not see" in page


@pytest.mark.parametrize("of", ["the text", "the incident"])
async def test_a_reading_link_shows_the_pictures_of_what_it_opens(scene: Scene, of: str) -> None:
    scene = await with_picture(scene)
    text = {"statement": scene.statement.id, "version": 1}
    opens: dict[str, Any] = text if of == "the text" else {"person": LENA}
    link = reading_link(scene.here, scene.incident.id, **opens).removeprefix(scene.here.settings.desk.url)
    async with scene.browser() as browser:
        page = await browser.get(link)
        address = f"{link}/pictures/{picture().sha256}"
        assert f'<img src="{address}"' in page.text
        assert (await browser.get(address)).content == picture().content
