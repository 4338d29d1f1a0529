"""Mails are written by the rules, whichever service carries them."""

from email import message_from_bytes, policy

from drawn import ALT, picture

from crisis.rendering import render as rendered
from crisis.statement import Target
from integrations import Message, mail

HEAD = mail.Letterhead(sender="status@a-rather-long-name.of-a-company.example")
LONG = f"<{'0100019a' * 8}@eu-central-1.amazonses.com>"


def statement(render, **more):
    return mail.statement(
        render("We are sorry.", kind="smtp", subject="Outage", address="a@b.example", **more), "k", HEAD
    )


def test_the_ids_that_make_a_thread_go_out_as_they_are_however_long(render):
    first = mail.notice(Message(key="n", subject="SEV1", text="Look", thread="INC-1"), "ana@example.com", HEAD)
    root = str(first["References"])
    raw = statement(render, options={"thread": "INC-1"}, reply_to=LONG).as_bytes()
    assert len(root) > 78
    assert f"References: {root}\r\n {LONG}\r\n".encode() in raw
    assert f"In-Reply-To: {LONG}\r\n".encode() in raw
    assert f"In-Reply-To: {root}\r\n".encode() in first.as_bytes()


def test_what_is_no_message_id_is_not_answered(render):
    for odd in ("<a b@c.example>", "<a@c.example>\r\nBcc: <v@example.com>", "<ä@c.example>", "108374", "<x>", ""):
        assert statement(render, reply_to=odd)["In-Reply-To"] is None


def test_every_line_of_a_mail_keeps_to_what_mail_servers_take(render):
    raw = statement(render, options={"thread": "INC-1"}, reply_to=LONG, html="<p>" + "ä" * 9_000).as_bytes()
    assert max(len(line) for line in raw.split(b"\r\n")) < 998
    assert raw.isascii()


def test_a_picture_is_in_the_mail_where_its_html_shows_it_and_the_plain_text_says_what_it_shows():
    shown = (picture(), picture("red", alt='Buses run from "Brugge" <north>'))
    target = Target(channel="m", kind="smtp", address="a@b.example")
    whole = rendered(headline="Outage", body="We know.", target=target, limits=mail.LIMITS, media=shown)
    raw = mail.statement(whole, "k", HEAD).as_bytes()
    read = message_from_bytes(raw, policy=policy.default)
    plain, html = read.get_body(("plain",)), read.get_body(("html",))
    assert f"[{ALT}]" in plain.get_content()
    images = [part for part in read.walk() if part.get_content_maintype() == "image"]
    for one, image in zip(shown, images, strict=True):
        assert image.get_content() == one.content
        assert image["Content-Disposition"].startswith("inline")
        assert f'src="cid:{image["Content-ID"][1:-1]}"' in html.get_content()
    assert 'alt="Buses run from &quot;Brugge&quot; &lt;north&gt;"' in html.get_content()
    assert max(len(line) for line in raw.split(b"\r\n")) < 998
