"""Mails are written by the rules, whichever service carries them."""

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
