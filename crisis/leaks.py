"""What must never leave the house in a statement: personal data and secrets, found without a model, in any language.

Card numbers count only if their Luhn digit is right, IBANs only if their remainder is 1, telephone numbers only where
the sentence does not offer them as a way to call. Random-looking tokens are judged by their entropy.
"""

import math
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import regex  # type: ignore[import-untyped]

from crisis.finding import Finding, Level
from crisis.phrases import phrases

_EMAIL = regex.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++")
_FREE_MAIL = frozenset(
    {"gmail", "googlemail", "outlook", "hotmail", "live", "yahoo", "icloud", "gmx", "proton", "aol", "web"}
)
_OFFICES = regex.compile(
    r"(?:help|support|care|press|media|news|info|contact|hello|privacy|dpo|security|safety|feedback|service|customer"
    r"|complaints?|claims?|legal|office|team|desk|recall|refunds?|bookings?|status|updates?|jobs|sales|admin|incident"
    r"|response|kontakt|hilfe|presse|datenschutz|soporte|ayuda|aide|prensa|atencion|noreply|no-reply|relations|hotline"
    r"|stampa|assistenza|answers?|investors?|community|medical|welfare|people|accessib|abuse|ombuds|guest|member)",
    regex.IGNORECASE,
)
_NAME = regex.compile(r"\p{L}+[._]\p{L}{2,}\d*", regex.IGNORECASE)
_PHONE = regex.compile(
    r"(?<![\w./:-])(?:\+\d[\d ()./-]{7,17}\d"  # international
    r"|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}"  # North American
    r"|\(?0\d{2,4}\)?[ /-]\d{3,4}[ -]?\d{3,5})(?![\w-])"  # national, with its leading 0
)
_OFFERED = phrases(r"""
    (call|phone|ring|text|dial|telephone|contact|reach|hotline|helpline|freephone|toll[- ]free|tel|whatsapp|sms|questions?)\w*
    (service|press|media|journalists|office|desk|families|relatives|patients|parents|customers|residents|support|help)\w*
    (number is|line is|(reserve|book|reachable|available|answers?|here) (on|at)|on|at) (\+|\d)…
    (anrufen|rufen|telefon|llame|llamar|tel[ée]fono|appelez|t[ée]l[ée]phone|chiamate|ligue|電話|电话)\w*
""")
_OFFERS_ITSELF = phrases(r"""
    (write|talk|speak|reach|tell|answer|mail|e-mail|ask) (to )?me…
    (I am|I'm) (at|on|reachable)
    my (\w+ )?(address|mailbox|inbox|e-?mail|desk)
""")
"""Whoever signs may give their own address."""
_PRIVATE = phrases(r"""
    (mobile|cell|private|home|personal) (number|phone|telephone|address)?
    (mobile|cell|his|her|mr|mrs|ms)
""")
_TOLL_FREE = (
    *("0800", "0808", "00800", "0120", "1300"),
    *("0300", "0303", "0330", "0333", "0343", "0344", "0345", "0843", "0844", "0845", "0870", "0871", "0872", "0873"),
    *(prefix + code for prefix in ("", "1") for code in ("800", "833", "844", "855", "866", "877", "888")),
)
"""Numbers that begin so belong to firms: free ones, and those of Ofcom's ranges 03, 084 and 087."""
_CARD = regex.compile(r"(?<![\d.+-])[3-6]\d{3}(?:[ -]?\d{2,6}){2,4}(?![\d-])")
_IBAN = regex.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
_SSN = regex.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")

_SECRETS = {
    "an AWS access key": r"(?<!\w)(?:AKIA|ASIA)[A-Z0-9]{16}(?!\w)",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a GitHub token": r"(?<!\w)(?:gh[pousr]_\w{20,}|github_pat_\w{20,})",
    "a Slack token": r"(?<!\w)xox[abeoprs]-[\w-]{10,}|hooks\.slack\.com/services/\w+/\w+/\w+",
    "a payment key": r"(?<!\w)(?:sk|rk|pk)_(?:live|test)_\w{10,}",
    "a Google key": r"(?<!\w)AIza[\w-]{30,}",
    "a model provider's key": r"(?<!\w)sk-[\w-]{20,}",
    "a signed token": r"(?<!\w)eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",
    "a bearer token": r"(?i:\bbearer\s+)[\w.~+/=-]{16,}",
    "a password": r"(?i:\b(?:password|passwd|pwd|passphrase|secret|api[ _-]?key|access[ _-]?key|token)\s*[:=]\s*)"
    r"[^\s\"'<>]{6,}",
    "a login in a link": r"https?://[^\s/:@]+:[^\s/@]+@\S+",
    "a key in a link": r"https?://\S+[?&](?:token|key|api_key|apikey|secret|sig|signature|password|access_token)=\S{6,}",
}
_COMPILED = {what: regex.compile(pattern) for what, pattern in _SECRETS.items()}
_TOKEN = regex.compile(r"(?<![\w/.@#-])[A-Za-z0-9+/_=-]{24,}(?![\w@.])")
_LINK = regex.compile(r"https?://\S+")

_PERSONAL_FIX = "Take it out; if people should use it, give the team's address or hotline and say that it is for them."
_ON_PERSONAL_DATA = "GDPR Art. 5(1)(c) and 6"
_ON_SECRETS = "OWASP Secrets Management Cheat Sheet"


def leaks(text: str, *, contact: str = "") -> Iterator[Finding]:
    """Personal data and secrets in ``text``, each once. ``contact`` is the company's own address and is allowed."""
    yield from _personal_data(text, contact)
    yield from _secrets(text)


def _personal_data(text: str, contact: str) -> Iterator[Finding]:
    taken: list[tuple[int, int]] = []
    found = [
        *(("a card number", m.span()) for m in _CARD.finditer(text) if is_card(m.group())),
        *(("a bank account number", m.span()) for m in _IBAN.finditer(text) if is_iban(m.group())),
        *(("a social security number", m.span()) for m in _SSN.finditer(text)),
        *(
            ("a person's e-mail address", m.span())
            for m in _EMAIL.finditer(text)
            if _is_a_person(text, m.span(), contact)
        ),
        *(
            ("a telephone number", m.span())
            for m in _PHONE.finditer(text)
            if not _is_a_hotline(text, m.span(), contact)
        ),
    ]
    for what, (start, end) in found:
        if any(start < b and a < end for a, b in taken):
            continue
        taken.append((start, end))
        yield Finding(
            rule="personal-data",
            level=Level.BLOCK,
            start=start,
            end=end,
            says=f"This is {what}, which is personal data.",
            fix=_PERSONAL_FIX,
            reference=_ON_PERSONAL_DATA,
        )


def _is_a_person(text: str, span: tuple[int, int], contact: str) -> bool:
    """A private mailbox, a name in two parts, or the name of somebody whom the text has mentioned."""
    address = text[slice(*span)]
    if contact and address.casefold() in contact.casefold():
        return False
    local, _, domain = address.partition("@")
    if domain.split(".", maxsplit=1)[0].casefold() in _FREE_MAIL:
        return True
    if _OFFICES.search(local) or _OFFERS_ITSELF.search(text, max(text.rfind("\n", 0, span[0]), 0), span[0]):
        return False
    named = regex.search(rf"\p{{Ll}} {regex.escape(local[0].upper() + local[1:])}(?!\w)", text[: span[0]])
    return _NAME.fullmatch(local) is not None or named is not None


def _is_a_hotline(text: str, span: tuple[int, int], contact: str) -> bool:
    number = _digits(text[slice(*span)])
    ours = bool(contact) and number in _digits(contact)
    if ours or number.startswith(_TOLL_FREE):
        return True
    start = max(text.rfind("\n", 0, span[0]), text.rfind(". ", 0, span[0]), 0)
    return bool(_OFFERED.search(text, start, span[1])) and not _PRIVATE.search(text, start, span[1])


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdecimal())


def is_card(number: str) -> bool:
    """13 to 19 digits with a right Luhn digit (ISO/IEC 7812-1)."""
    digits = [int(d) for d in _digits(number)]
    if not 13 <= len(digits) <= 19:
        return False
    doubled = (d if n % 2 == 0 else d * 2 - 9 * (d > 4) for n, d in enumerate(reversed(digits)))
    return sum(doubled) % 10 == 0


def is_iban(number: str) -> bool:
    """15 to 34 characters whose remainder is 1 (ISO 13616, ISO 7064 MOD 97-10)."""
    plain = number.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _secrets(text: str) -> Iterator[Finding]:
    taken = [m.span() for m in _LINK.finditer(text)]
    for what, pattern in _COMPILED.items():
        for match in pattern.finditer(text):
            taken.append(match.span())
            yield _secret(what, *match.span())
    for match in _TOKEN.finditer(text):
        if not any(a < match.end() and match.start() < b for a, b in taken) and _looks_random(match.group()):
            yield _secret("a random-looking token", *match.span())


def _secret(what: str, start: int, end: int) -> Finding:
    return Finding(
        rule="secret",
        level=Level.BLOCK,
        start=start,
        end=end,
        says=f"This looks like {what}.",
        fix="Take it out, and have it revoked: it may already have been seen.",
        reference=_ON_SECRETS,
    )


def _looks_random(token: str) -> bool:
    """Letters and digits mixed, with at least 3.5 bits a character: words and numbers have less."""
    if not (any(c.isdigit() for c in token) and any(c.isalpha() for c in token)):
        return False
    counts = Counter(token)
    entropy = -sum(n / len(token) * math.log2(n / len(token)) for n in counts.values())
    changes = sum(a.isdigit() != b.isdigit() for a, b in pairwise(token))
    return entropy >= 3.5 and changes >= 4
