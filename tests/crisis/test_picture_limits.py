"""Pictures: what a channel takes of them, that text alone goes where none are taken, and that the hash covers them."""

import pytest
from drawn import picture

from crisis.counting import Limits
from crisis.lint import blocks, lint
from crisis.pictures import MediaType, PictureLimits
from crisis.rendering import DoesNotFit, render
from crisis.statement import Part, Rendering, Target
from crisis.values import StatementKind

TEXT = "We know that trains do not run, and we are sorry."
PICTURES = PictureLimits(
    most=2,
    size=2_000,
    types=frozenset({MediaType.JPEG, MediaType.PNG}),
    alt=80,
    pixels=100 * 100,
    narrowest=0.8,
    widest=1.91,
    source="https://pictures.test",
)
LIMITS = Limits(length=500, pictures=PICTURES, source="https://text.test")
WORDS_ONLY = Limits(length=500, source="https://text.test")
HERE = Target(channel="news", kind="pictures")


def shown(*media: object, limits: Limits = LIMITS, **more: object) -> Rendering:
    return render(headline="", body=TEXT, target=HERE, limits=limits, media=media, **more)  # type: ignore[arg-type]


def test_pictures_go_where_they_are_taken_and_the_words_go_everywhere() -> None:
    assert shown(picture()).media == (picture(),)
    assert shown(picture(), limits=WORDS_ONLY).media == ()
    assert shown(picture(), limits=WORDS_ONLY).text == TEXT


@pytest.mark.parametrize(
    ("media", "rule", "says"),
    [
        ((picture(), picture("red"), picture("blue")), "too-many-pictures", "it takes 2 pictures in a post, not 3"),
        ((picture(kind="GIF"),), "picture-type", "the picture is a GIF, which it does not take"),
        ((picture(size=(99, 101)), picture(size=(120, 90))), "picture-too-large", "picture 2 is 120 × 90"),
        ((picture().model_copy(update={"size": 2_001}),), "picture-too-large", "2,001 bytes, the limit is 2,000"),
        ((picture(alt="x" * 81),), "alt-text-too-long", "has 81 characters, the limit is 80"),
        ((picture(size=(90, 40)),), "picture-shape", "too wide"),
        ((picture(size=(40, 90)),), "picture-shape", "too tall"),
        ((picture(alt=""),), "no-alt-text", "has no alternative text"),
    ],
)
def test_what_a_channel_does_not_take_blocks_the_proposal_and_says_what_to_do(media, rule, says) -> None:
    (problem,) = PICTURES.problems(media)
    assert problem.rule == rule
    assert says in problem.says
    assert problem.fix
    found = lint(TEXT, kind=StatementKind.ANSWER, pictures=media, outlets=[(HERE, LIMITS)])
    assert [f.rule for f in found if f.rule == rule] == [rule]
    assert blocks(found)
    assert LIMITS.problem(shown(picture()).model_copy(update={"media": media}))
    if rule != "no-alt-text":
        with pytest.raises(DoesNotFit, match=r"news \(pictures\): "):
            shown(*media)


def test_a_picture_nobody_can_hear_of_blocks_wherever_it_goes() -> None:
    found = lint(TEXT, kind=StatementKind.ANSWER, pictures=[picture(alt="  ")])
    assert "no-alt-text" in [f.rule for f in found if blocks([f])]


def test_a_channel_that_needs_a_picture_takes_no_text_alone_but_an_answer() -> None:
    needs = LIMITS.model_copy(update={"pictures": PICTURES.model_copy(update={"needed": True})})
    with pytest.raises(DoesNotFit, match="no post without a picture"):
        shown(limits=needs)
    assert shown(limits=needs, reply_to="17").media == ()
    assert needs.problem(shown(limits=needs, reply_to="17")) == ""
    assert "without a picture" in needs.problem(shown(limits=WORDS_ONLY))


def test_bytes_that_are_not_the_pictures_own_are_never_fit_to_send() -> None:
    assert LIMITS.problem(shown(picture())) == ""
    for content in (b"", picture("red").content, picture().content[:-1] + b"\0"):
        altered = picture().model_copy(update={"content": content})
        assert "bytes at hand" in LIMITS.problem(shown(altered))
    assert "takes no pictures" in WORDS_ONLY.problem(shown(picture()))


def test_a_rendering_without_pictures_reads_as_it_did_before_there_were_any() -> None:
    part = Part(text="We know.", length=8, limit=500)
    plain = Rendering(target=HERE, parts=(part,))
    assert "media" not in plain.model_dump(mode="json")
    assert Rendering.model_validate_json(plain.model_dump_json()) == plain
    with_one = plain.model_copy(update={"media": (picture(),)})
    (stored,) = with_one.model_dump(mode="json")["media"]
    assert "content" not in stored
    assert "content" not in repr(with_one)
    assert Rendering.model_validate_json(with_one.model_dump_json()).media[0].sha256 == picture().sha256


def test_a_link_becomes_a_card_where_there_are_cards_and_no_pictures() -> None:
    cards = LIMITS.model_copy(update={"cards": True})
    text = "See https://a.test/status. Or write to help@a.test, or https://b.test"
    carded = render(headline="Trains stand", body=text, target=HERE, limits=cards)
    assert carded.options == {"card_link": "https://a.test/status", "card_title": "Trains stand"}
    assert render(headline="", body=text, target=HERE, limits=cards).options["card_title"] == "a.test"
    assert render(headline="", body=text, target=HERE, limits=cards, media=[picture()]).options == {}
    assert render(headline="", body="Write to help@a.test", target=HERE, limits=cards).options == {}
    assert render(headline="", body=text, target=HERE, limits=LIMITS).options == {}
