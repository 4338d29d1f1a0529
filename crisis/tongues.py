"""The languages that templates speak, by ISO 639-1 code: their names, how a signature is written, and what is said where a
text has to stand in English because no template of the language has it. Nobody gets English in silence.
"""

from datetime import datetime

ENGLISH = "en"

NAMES: dict[str, str] = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "ja": "Japanese",
    "ar": "Arabic",
}
"""Languages of the packaged templates; own templates may add others."""

SIGN_OFF: dict[str, str] = {
    "en": "The {organisation} team",
    "de": "Das Team von {organisation}",
    "fr": "L'équipe {organisation}",
    "es": "El equipo de {organisation}",
    "ja": "{organisation} 一同",
    "ar": "فريق {organisation}",
}

_ONLY_IN_ENGLISH: dict[str, str] = {
    "de": "Diese Mitteilung gibt es vorerst nur auf Englisch.",
    "fr": "Ce message n'est disponible qu'en anglais pour l'instant.",
    "es": "Por ahora, este mensaje solo está disponible en inglés.",
    "ja": "このお知らせは、現在英語のみでご案内しています。",
    "ar": "هذه الرسالة متاحة بالإنجليزية فقط في الوقت الحالي.",
}


def name_of(language: str) -> str:
    """``German`` for ``de``; a code that is not known here as it is."""
    return NAMES.get(language, language)


def sign_off(language: str, organisation: str) -> str:
    """The last line of a longer statement, unless the voice has its own."""
    return SIGN_OFF.get(language, SIGN_OFF[ENGLISH]).format(organisation=organisation)


def only_in_english(language: str) -> str:
    """The line that tells readers of ``language`` that the text below is in English."""
    return _ONLY_IN_ENGLISH.get(language, f"[{language}] This message is available in English only for now.")


def says_when(due: datetime, now: datetime, language: str = ENGLISH) -> str:
    """``15:05 UTC``, with the date when it is another day: in words in English, else as ``2026-03-02``."""
    clock = f"{due:%H:%M} UTC"
    if due.date() == now.date():
        return clock
    return f"{clock} on {due.day} {due:%B}" if language == ENGLISH else f"{clock} ({due:%Y-%m-%d})"
