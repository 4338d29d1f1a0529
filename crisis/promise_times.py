"""By when: what a sentence in one of the templates' languages says about time, resolved against a clock, honestly.

Promises: a time is only resolved where one moment is meant (``15:00 UTC``, ``within 24 hours``, ``28 November``); what
was assumed is said beside it (``assumes``), and what can mean two moments, or none, becomes a question (``asks``) and no
time. Relative times count from the moment of writing, which is the stricter side: readers count from publication.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from zoneinfo import ZoneInfo

from crisis.values import Frozen, UtcDatetime

_ZONES: dict[str, str] = {
    "UTC": "UTC", "GMT": "UTC", "Z": "UTC", "WELTZEIT": "UTC",
    "CET": "Europe/Paris", "CEST": "Europe/Paris", "MEZ": "Europe/Berlin", "MESZ": "Europe/Berlin",
    "EST": "America/New_York", "EDT": "America/New_York", "ET": "America/New_York",
    "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "PT": "America/Los_Angeles",
    "JST": "Asia/Tokyo", "日本時間": "Asia/Tokyo", "協定世界時": "UTC",
    "UK TIME": "Europe/London", "LONDON TIME": "Europe/London", "PARIS TIME": "Europe/Paris",
    "HEURE DE PARIS": "Europe/Paris", "HORA PENINSULAR": "Europe/Madrid", "HORA DE MADRID": "Europe/Madrid",
}  # fmt: skip
"""Names of zones that mean one thing. ``CET`` is taken for the local time of that place on that day, as people mean it."""
_DOUBTFUL = ("IST", "CST", "BST", "AST", "MST", "ECT")
"""Abbreviations that more than one zone has."""

_NUMBERS: dict[str, int] = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10,
    "twelve": 12, "twenty-four": 24, "einer": 1, "eines": 1, "einem": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5,
    "sechs": 6, "sieben": 7, "zehn": 10, "zwölf": 12, "une": 1, "un": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5,
    "sept": 7, "dix": 10, "douze": 12, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7,
    "diez": 10, "doce": 12, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "十": 10,
}  # fmt: skip
_MONTHS = (
    "january|januar|janvier|enero|يناير", "february|februar|février|febrero|فبراير", "march|märz|mars|marzo|مارس",
    "april|avril|abril|أبريل|ابريل", "may|mai|mayo|مايو", "june|juni|juin|junio|يونيو", "july|juli|juillet|julio|يوليو",
    "august|août|agosto|أغسطس", "september|septembre|septiembre|سبتمبر", "october|oktober|octobre|octubre|أكتوبر",
    "november|novembre|noviembre|نوفمبر", "december|dezember|décembre|diciembre|ديسمبر",
)  # fmt: skip
_DAYS = (
    "monday|montag|lundi|lunes|月曜日?|الاثنين|الإثنين", "tuesday|dienstag|mardi|martes|火曜日?|الثلاثاء",
    "wednesday|mittwoch|mercredi|miércoles|水曜日?|الأربعاء", "thursday|donnerstag|jeudi|jueves|木曜日?|الخميس",
    "friday|freitag|vendredi|viernes|金曜日?|الجمعة", "saturday|samstag|sonnabend|samedi|sábado|土曜日?|السبت",
    "sunday|sonntag|dimanche|domingo|日曜日?|الأحد",
)  # fmt: skip
_MINUTE = "minutes?|minuten?|minutos?|分|دقيقة|دقائق"
_HOUR = "hours?|stunden?|heures?|horas?|時間|ساعة|ساعات"
_DAY = "days?|tage?n?|jours?|días?|日|يوما?|أيام"
_WEEK = "weeks?|wochen?|semaines?|semanas?|週間|أسبوع|أسابيع"

_N = r"(\d{1,3}|" + "|".join(sorted(map(re.escape, _NUMBERS), key=len, reverse=True)) + ")"
_WITHIN = (
    r"(?:within|in|inside|over|innerhalb|binnen|in den|dans|sous|d'ici|en un plazo (?:máximo )?de|dans un délai de|en|"
    r"dentro de|antes de|خلال|في غضون)"
)
_SPAN = re.compile(
    rf"(?<!\w){_WITHIN}(?:\s+(?:the|the next|next|von|der|den|nächsten|les|prochaines|"
    rf"prochains|las|los|próxim[ao]s|de|about|around|at most))*"
    rf"\s+{_N}\s*(?P<working>working |business )?(?:(?P<day>{_DAY})|(?P<hour>{_HOUR})|(?P<minute>{_MINUTE})|(?P<week>{_WEEK})"
    r"|(?P<werk>werktage?n?|arbeitstage?n?))(?!\w)(?P<after> ouvr| hábil| laborab)?",
    re.IGNORECASE,
)
_SPAN_JA = re.compile(rf"{_N}\s*(?P<werk>営業日)?(?P<day>日)?(?P<hour>時間)?(?P<minute>分)?(?P<week>週間)?(?:以内|後)")
_DUAL_AR = re.compile(r"(?:خلال|في غضون) (?:(ساعتين)|(يومين)|(ساعة)|(يوم)|(أسبوع))")
_ISO = re.compile(r"(?<![\d-])(\d{4})-(\d{2})-(\d{2})(?![\d-])")
_MONTH_NAMES = "|".join(f"(?P<m{n}>{names})" for n, names in enumerate(_MONTHS, 1))
_DATE = re.compile(
    rf"(?<!\w)(?:(?P<d1>\d{{1,2}})(?:st|nd|rd|th|er|\.)?(?:\s+(?:of|de))?\s*(?:{_MONTH_NAMES})"
    rf"|(?P<eng>{'|'.join(m.split('|')[0] for m in _MONTHS)})\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?)"
    r"(?!\w)(?:,?\s+(?:de\s+)?(?P<year>20\d\d))?",
    re.IGNORECASE,
)
_DATE_JA = re.compile(r"(?:(20\d\d)年)?(\d{1,2})月(\d{1,2})日")
_DOTTED = re.compile(r"(?<![\d.])(\d{1,2})\.(\d{1,2})\.(20\d\d)?(?!\d)")
_SLASHED = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})(?:/(20\d\d))?(?![\d/])")
_WEEKDAY = re.compile(
    r"(?<!\w)(?P<next>next |nächsten |kommenden |prochain |próximo |来週の)?(?:"
    + "|".join(f"(?P<w{n}>{names})" for n, names in enumerate(_DAYS))
    + r")(?!\w)(?P<after> prochain| próximo| القادم| المقبل)?|(?P<nextja>来週)",
    re.IGNORECASE,
)
_TOMORROW = re.compile(r"\btomorrow\b|\bmorgen\b|\bdemain\b|\bmañana\b|明日|غدا|غدًا|غداً", re.IGNORECASE)
_MORNING = re.compile(r"\b(?:por|de|en|a) la mañana\b|\bam morgen\b", re.IGNORECASE)
_TODAY = re.compile(
    r"\btoday\b|\bheute\b|\baujourd['’]hui\b|\bhoy\b|本日|今日|اليوم|\b(?:by the )?end of (?:the )?day\b", re.IGNORECASE
)
_DAYTIME = re.compile(
    r"\b(?:tonight|this (?:evening|afternoon|morning)|heute (?:abend|nacht)|ce soir|esta (?:noche|tarde))\b|今夜|今晩|"
    r"الليلة|مساء اليوم|\btomorrow (?:morning|afternoon|evening)\b",
    re.IGNORECASE,
)
_END_OF = re.compile(
    r"\b(?:end of|(?:later )?this|during the|over the|next) (?:the |this |next )?(?:week|weekend|month|quarter|year)\b|"
    r"\b(?:ende der|diese|nächste) woche\b|\bende des monats\b|\bfin de (?:la )?semaine\b|"
    r"\bsemaine prochaine\b|\bcette semaine\b|"
    r"\b(?:finales|final|fin) de (?:la )?(?:semana|mes)\b|\besta semana\b|\bpróxima semana\b|"
    r"今週中|来週|今月中|هذا الأسبوع|نهاية الأسبوع",
    re.IGNORECASE,
)
_VAGUE = re.compile(
    r"\b(?:soon|shortly|as soon as (?:possible|we can|we know)|in due course|asap|in the coming (?:hours|days|weeks)|"
    r"in the next few (?:hours|days|weeks)|"
    r"quickly|promptly|in time|(?:so )?bald|in kürze|so schnell wie möglich|zeitnah|"
    r"bientôt|dès que possible|prochainement|rapidement|pronto|lo antes posible|"
    r"en breve|cuanto antes)\b|まもなく|できるだけ早く|"
    r"近日中|追って|قريبا|قريبًا|في أقرب وقت",
    re.IGNORECASE,
)
_EVERY = re.compile(
    rf"(?<!\w)(?:every|alle|toutes les|cada)\s+(?:{_N}\s*)?(?:(?P<day>{_DAY})|(?P<hour>{_HOUR})|(?P<minute>{_MINUTE}))(?!\w)",
    re.IGNORECASE,
)
_ZONE = "|".join(sorted(map(re.escape, (*_ZONES, *_DOUBTFUL)), key=len, reverse=True))
_OFFSET = r"(?:UTC|GMT)?\s*[+-]\d{1,2}(?::?\d{2})?"
_CLOCK = re.compile(
    r"(?<![\d:.])(?P<ja>日本時間|協定世界時)?\s*(?P<pm0>午前|午後)?(?:"
    r"(?P<h1>[01]?\d|2[0-3])[:.h](?P<m1>[0-5]\d)(?::[0-5]\d)?(?:\s*(?P<ap1>[ap])\.?m\.?(?!\w))?"
    r"|(?P<h2>1[0-2]|[1-9])\s*(?P<ap2>[ap])\.?m\.?(?!\w)"
    r"|(?P<h3>[01]?\d|2[0-3])\s*(?:uhr|heures|h)(?!\w)(?:\s*(?P<m3>[0-5]\d)(?!\d))?"
    r"|(?P<h4>[01]?\d|2[0-3])時(?!間)(?:(?P<m4>[0-5]?\d)分)?)"
    rf"(?:\s*(?:\(|Uhr\s*)?\s*(?P<zone>(?:{_OFFSET}|{_ZONE})(?![\w])))?",
    re.IGNORECASE,
)
_NOON = re.compile(
    r"\b(?:noon|midday|mittags?|midi|mediodía)\b|正午|\b(midnight|mitternacht|minuit|medianoche)\b", re.I
)

ASSUMES_DAY_END = "no time of day is named: the end of that day in UTC is taken"
ASSUMES_FROM_NOW = "counted from now, not from when it is published"


class When(Frozen):
    """What a sentence says about time."""

    due_at: UtcDatetime | None = None
    """The last moment that keeps it; None where the words do not say."""
    assumes: str = ""
    """What was assumed to find it, for the author to agree to."""
    asks: str = ""
    """The question to the author where the words leave it open; set exactly when ``due_at`` is None."""


def when(sentence: str, now: datetime) -> When:
    """By when ``sentence`` says that something will be; ``now``: when it is written (aware)."""
    text = _plain(sentence)
    now = now.astimezone(UTC)
    on, day_asks = _day(text, now.date())
    at = _clock(text)
    if at is not None:
        return _at(at, on, day_asks, now)
    if (span := _span(text, now)) is not None:
        return span
    if day_asks:
        return When(asks=day_asks)
    if _DAYTIME.search(text):
        return When(asks="part of a day is no time: until what time, in which zone?")
    if on is not None:
        return When(due_at=datetime.combine(on, clock_time(23, 59), UTC), assumes=ASSUMES_DAY_END)
    if _END_OF.search(text):
        return When(asks="that end can mean several days: which day, and what time?")
    if _VAGUE.search(text):
        return When(asks="that is no time: by when at the latest?")
    return When(asks="it names no time: by when at the latest?")


def _plain(text: str) -> str:
    """Digits of every script as ASCII, and full-width letters as their usual forms."""
    folded = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in folded)


class _Clock(Frozen):
    hour: int
    minute: int
    zone: str
    """As written; empty when none was."""


def _clock(text: str) -> _Clock | None:
    for found in _CLOCK.finditer(text):
        raw = next((found[n] for n in ("h1", "h2", "h3", "h4") if found[n]), None)
        if raw is None:
            continue
        dotted = found["h1"] and "." in found[0].split(found["h1"], 1)[1][:1]
        if dotted and not found["zone"] and not re.match(r"\s*(?:uhr|[ap]\.?m)", text[found.end() :], re.I):
            continue  # 2.30 of something, or a date
        minute = int(next((found[n] for n in ("m1", "m3", "m4") if found[n]), "0"))
        hour, half = int(raw), (found["ap1"] or found["ap2"] or "").lower()
        half = {"午前": "a", "午後": "p"}.get(found["pm0"] or "", half)
        if half and hour <= 12:
            hour = hour % 12 + (12 if half == "p" else 0)
        after = re.match(rf"\s*Uhr\s*\(?({_OFFSET}|{_ZONE})(?!\w)", text[found.end() :], re.I)
        return _Clock(
            hour=hour, minute=minute, zone=(found["zone"] or found["ja"] or (after[1] if after else "")).strip()
        )
    if noon := _NOON.search(text):
        named = re.search(rf"(?<!\w)({_OFFSET}|{_ZONE})(?!\w)", text[noon.end() :], re.I)
        return _Clock(hour=0 if noon[1] else 12, minute=0, zone=named[1].strip() if named else "")
    return None


def _at(at: _Clock, on: date | None, day_asks: str, now: datetime) -> When:
    if day_asks:
        return When(asks=day_asks)
    if not at.zone:
        return When(asks=f"{at.hour:02}:{at.minute:02} in which time zone?")
    if at.zone.upper() in _DOUBTFUL:
        return When(asks=f"{at.zone} is the name of several time zones: which one is meant?")
    zone = _ZONES.get(at.zone.upper())
    if zone is None:
        offset = _offset(at.zone)
        if offset is None:
            return When(asks=f"{at.zone} is no time zone known here: which one is meant?")
        base = on or (now + offset).date()
        due = datetime.combine(base, clock_time(at.hour, at.minute), UTC) - offset
    else:
        local = ZoneInfo(zone)
        base = on or now.astimezone(local).date()
        due = datetime.combine(base, clock_time(at.hour, at.minute), local).astimezone(UTC)
    if on is None and due <= now:
        due += timedelta(days=1)
        return When(due_at=due, assumes="that time has passed today: tomorrow is taken")
    return When(due_at=due)


def _offset(text: str) -> timedelta | None:
    found = re.search(r"([+-])(\d{1,2})(?::?(\d{2}))?$", text)
    if not found or int(found[2]) > 14:
        return None
    span = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return -span if found[1] == "-" else span


def _span(text: str, now: datetime) -> When | None:
    if dual := _DUAL_AR.search(text):
        spans = (timedelta(hours=2), timedelta(days=2), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1))
        n = next(i for i in range(5) if dual[i + 1])
        return When(due_at=now + spans[n], assumes=ASSUMES_FROM_NOW)
    found = _SPAN.search(text) or _SPAN_JA.search(text)
    if found is None:
        if every := _EVERY.search(text):
            return When(due_at=now + _length(every, _number(every[1] or "1")), assumes="the first of several, from now")
        return None
    number = _number(found[1])
    groups = found.groupdict()
    if groups.get("werk") or groups.get("working") or groups.get("after"):
        return When(
            due_at=_working_days(now, number), assumes="working days are Monday to Friday, without holidays, from now"
        )
    if not any(groups.get(n) for n in ("day", "hour", "minute", "week")):
        return None
    return When(due_at=now + _length(found, number), assumes=ASSUMES_FROM_NOW)


def _length(found: re.Match[str], number: int) -> timedelta:
    groups = found.groupdict()
    unit = next(n for n in ("minute", "hour", "week", "day") if groups.get(n))
    return timedelta(**{f"{unit}s": number})


def _number(text: str) -> int:
    return int(text) if text.isdigit() else _NUMBERS[text.lower()]


def _working_days(now: datetime, number: int) -> datetime:
    day = now
    while number > 0:
        day += timedelta(days=1)
        number -= day.weekday() < 5
    return day


def _day(text: str, today: date) -> tuple[date | None, str]:
    """The day that is named, and the question where it can be two; (None, "") where none is."""
    for found, asks in _dates(text, today):
        return found, asks
    weekday = _WEEKDAY.search(text)
    if weekday and weekday["nextja"] is None:
        number = next(n for n in range(7) if weekday[f"w{n}"])
        name = weekday[f"w{number}"]
        ahead = (number - today.weekday()) % 7
        if weekday["next"] or weekday["after"]:
            return None, f"“{weekday[0].strip()}” can be this week's or the week after's: which date?"
        if ahead == 0:
            return None, f"today is {name}: is today meant, or a week from now?"
        return today + timedelta(days=ahead), ""
    if _DAYTIME.search(text) is None and _TOMORROW.search(_MORNING.sub(" ", text)):
        return today + timedelta(days=1), ""
    if _DAYTIME.search(text) and _TOMORROW.search(text):
        return today + timedelta(days=1), "" if _clock(
            text
        ) else "part of a day is no time: until what time, in which zone?"
    if _TODAY.search(text):
        return today, ""
    return None, ""


def _dates(text: str, today: date) -> Iterator[tuple[date | None, str]]:
    if iso := _ISO.search(text):
        yield _made(int(iso[1]), int(iso[2]), int(iso[3]))
    if named := _DATE.search(text):
        day = int(named["d1"] or named["d2"])
        english = (named["eng"] or "").lower()
        month = next(
            n for n, names in enumerate(_MONTHS, 1) if named[f"m{n}"] or (english and names.split("|")[0] == english)
        )
        yield _in_year(named["year"], month, day, today)
    if japanese := _DATE_JA.search(text):
        yield _in_year(japanese[1], int(japanese[2]), int(japanese[3]), today)
    if dotted := _DOTTED.search(text):
        yield _in_year(dotted[3], int(dotted[2]), int(dotted[1]), today)
    if slashed := _SLASHED.search(text):
        first, second = int(slashed[1]), int(slashed[2])
        if first <= 12 and second <= 12 and first != second:
            yield None, f"{slashed[0]} can be read as two dates: which one is meant?"
        else:
            day, month = (first, second) if first > 12 or first == second else (second, first)
            yield _in_year(slashed[3], month, day, today)


def _in_year(year: str | None, month: int, day: int, today: date) -> tuple[date | None, str]:
    found, asks = _made(int(year) if year else today.year, month, day)
    if found and not year and found < today - timedelta(days=30):
        return _made(today.year + 1, month, day)
    return found, asks


def _made(year: int, month: int, day: int) -> tuple[date | None, str]:
    try:
        return date(year, month, day), ""
    except ValueError:
        return None, f"there is no {day}.{month}.{year}: which date is meant?"
