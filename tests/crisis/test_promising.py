"""Which sentences promise something, to what, and by when: found in every language of the templates, never made up."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisis.commitment import Commitment, PromiseKind, due_reminder
from crisis.promise_times import when
from crisis.promising import find_promises

NOW = datetime(2026, 11, 26, 14, 20, tzinfo=UTC)
"""A Thursday."""


@pytest.mark.parametrize(
    ("language", "kind", "sentence"),
    [
        ("en", "update", "Our next update comes by 15:00 UTC, even if we have nothing new to tell."),
        ("en", "refund", "We will refund every affected customer by Friday."),
        ("en", "contact", "We are writing to every customer on the list today."),
        ("en", "compensation", "Each passenger will receive a voucher worth 50 euros."),
        ("en", "review", "An independent review starts tomorrow."),
        ("en", "repair", "We'll have the lines working again by 18:00 UTC."),
        ("de", "update", "Wir melden uns wieder bis 15:00 UTC, auch wenn es bis dahin nichts Neues gibt."),
        ("de", "refund", "Alle Betroffenen erhalten ihr Geld bis Freitag zurück."),
        (
            "fr",
            "update",
            "Prochaine mise à jour au plus tard à 15:00 UTC, même si nous n'avons rien de nouveau à dire.",
        ),
        ("fr", "contact", "Nous appellerons chaque client concerné demain."),
        ("es", "update", "Volveremos a informar antes de las 15:00 UTC, aunque no haya novedades."),
        ("es", "refund", "Devolveremos el dinero a todos los afectados en un plazo de 10 días."),
        ("ja", "update", "新しい情報がない場合でも、15:00 UTC までに次のお知らせをいたします。"),
        ("ja", "refund", "対象のお客様には、11月30日までに全額を返金いたします。"),
        ("ar", "update", "موعد تحديثنا التالي في تمام 15:00 UTC على أبعد تقدير، حتى إن لم يستجدّ شيء."),
        ("ar", "refund", "سنعيد المبالغ إلى جميع العملاء المتضررين خلال خمسة أيام."),
    ],
)
def test_a_promise_is_found_and_named(language: str, kind: str, sentence: str) -> None:
    [found] = find_promises(sentence, language, NOW)
    assert found.kind == kind
    assert sentence[found.start : found.end].strip() == found.sentence


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "We will never ask you for your password."),
        ("en", "We have already refunded 300 customers."),
        ("en", "The police will decide when the road opens."),
        ("en", "Some of you ask when we will refund the tickets."),
        ("en", "Will you refund me?"),
        ("de", "Wir wissen noch nicht, ob Daten betroffen sind."),
        ("fr", "Nous ne savons pas encore quand le service reprendra."),
        ("es", "Ya hemos devuelto el dinero a 300 clientes."),
        ("ja", "ご迷惑をおかけし、深くお詫び申し上げます。"),
        ("ar", "لا نعرف بعد متى تعود الخدمة."),
    ],
)
def test_what_binds_to_nothing_is_no_promise(language: str, sentence: str) -> None:
    assert find_promises(sentence, language, NOW) == ()


@pytest.mark.parametrize(
    ("sentence", "due"),
    [
        ("by 15:00 UTC", "2026-11-26T15:00"),
        ("by 15:00 UTC on 28 November", "2026-11-28T15:00"),
        ("by 6 pm London time", "2026-11-26T18:00"),
        ("bis 16 Uhr MEZ", "2026-11-26T15:00"),
        ("avant 18h30 (heure de Paris)", "2026-11-26T17:30"),
        ("within 24 hours", "2026-11-27T14:20"),
        ("in two working days", "2026-11-30T14:20"),
        ("by Friday", "2026-11-27T23:59"),
        ("mañana a las 10:00 UTC", "2026-11-27T10:00"),
        ("日本時間18時までに", "2026-11-27T09:00"),
        ("خلال يومين", "2026-11-28T14:20"),
        ("by 14:00 UTC+02:00", "2026-11-27T12:00"),
    ],
)
def test_a_time_is_resolved_where_one_moment_is_meant(sentence: str, due: str) -> None:
    found = when(sentence, NOW)
    assert found.due_at is not None
    assert f"{found.due_at:%Y-%m-%dT%H:%M}" == due
    assert not found.asks


@pytest.mark.parametrize(
    ("sentence", "asks"),
    [
        ("by 15:00", "which time zone|in which time zone"),
        ("by 10:00 IST", "several time zones"),
        ("by Thursday", "today is Thursday"),
        ("next Friday", "which date"),
        ("on 10/12", "two dates"),
        ("tonight", "no time"),
        ("by the end of the week", "several days"),
        ("soon", "no time"),
        ("we will refund you", "names no time"),
        ("by 31 November", "there is no"),
    ],
)
def test_what_can_mean_two_moments_is_asked_and_not_guessed(sentence: str, asks: str) -> None:
    found = when(sentence, NOW)
    assert found.due_at is None
    assert re.search(asks, found.asks)


@given(st.text(max_size=200))
def test_any_text_is_read_without_a_slip(text: str) -> None:
    for language in ("en", "de", "fr", "es", "ja", "ar", "xx"):
        for found in find_promises(text, language, NOW):
            assert (found.when.due_at is None) == bool(found.when.asks)


def test_two_promises_in_one_sentence_are_two() -> None:
    found = find_promises("We will call everyone affected by Friday, and we will pay for the repair.", "en", NOW)
    assert [f.kind for f in found] == [PromiseKind.CONTACT, PromiseKind.COMPENSATION]


def test_a_promise_is_escalated_while_it_can_still_be_kept() -> None:
    promise = Commitment(
        id="C", incident="INC-1", statement="S", text="x", made_at=NOW, due_at=NOW + timedelta(hours=10)
    )
    steps = [(r.step if (r := due_reminder(promise, NOW + timedelta(minutes=m))) else "") for m in range(0, 620, 10)]
    assert list(dict.fromkeys(steps)) == ["", "half", "quarter", "urgent", "overdue"]
    urgent = due_reminder(promise, promise.due_at - timedelta(hours=1))
    assert urgent is not None
    assert (urgent.step, urgent.roles) == ("urgent", ("incident_lead", "comms"))


def test_a_short_promise_is_escalated_in_its_last_third() -> None:
    promise = Commitment(
        id="C", incident="INC-1", statement="S", text="x", made_at=NOW, due_at=NOW + timedelta(minutes=30)
    )
    assert due_reminder(promise, NOW + timedelta(minutes=19)) is None
    reminder = due_reminder(promise, NOW + timedelta(minutes=20))
    assert reminder is not None
    assert reminder.step == "urgent"
