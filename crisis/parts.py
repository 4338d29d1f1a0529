"""The parts that a crisis statement owes its readers, and how to tell that English text has them.

After the CDC's CERC manual (be first, be right, be credible, express empathy, promote action, show respect) and the
five steps of DESIGN §5: acknowledge; name who is affected; say what is being done; say when you speak next; say how to
be reached. Shared by lint, which demands the parts, and rendering, which puts the most wanted ones first.
"""

import regex  # type: ignore[import-untyped]

from crisis.values import StatementKind

_WE = r"(?:we|our (?:\w+ ){0,2}?(?:team|teams|engineers|specialists|staff|people|crews?|colleagues|experts|company))"
_ADVERB = r"(?:(?:now|already|also|all|currently|immediately|urgently|today|just|since|still|personally|both|and) )*"
_DOING = (
    r"(?:investigat|look(?:ing|ed) (?:into|at)|work(?:ing|ed)|fix|restor|remov|withdr[ae]w|recall|contact|stopp|paus|suspend"
    r"|refund|rebook|replac|sen[dt]|open|start|beg[aiu]n|roll|disabl|reset|tak(?:e|ing)|took|launch|ask|hir|report"
    r"|notif|inform|clos|chang|end(?:ing|ed)|cancel|deploy|review|cooperat|help|support|check|shut|pull|delet|apolog"
    r"|isolat|patch|secur|pay|cover|offer|bring|brought|set up|put|add(?:ing|ed)|appoint|commission|interview|meet|met"
    r"|find(?:ing)? out|writ(?:e|ing|ten)|call(?:ing|ed)|creat|train|updat|mov(?:e|ing|ed)|switch|block|monitor|test"
    r"|examin|return|reach|provid|rewrit|correct|publish|arrang|giv(?:e|ing|en)|mak(?:e|ing)|made|let |answer|correct"
    r"|audit|invit|repair|trac(?:e|ing|ed)|collect|hand(?:ing|ed)|limit|turn(?:ing|ed)|cut|lock|freez|froz|revok|rais"
    r"|talk|speak|listen|grounded|halt|dismiss|part(?:ed|ing) ways|retir|ban(?:n|s)|donat|match(?:ing|ed) )"
)
_TIME = (
    r"(?:\d{1,2}[:.h]\d{2}\b|\b\d{1,2} ?[ap]\.?m\b|\bnoon\b|\bmidnight\b|\btomorrow\b|\btonight\b|\bthis (?:morning|afternoon|evening)\b"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\bend of (?:the )?(?:day|week)\b"
    r"|\b(?:within|in|every|after)\b (?:the )?(?:next )?(?:an?|one|two|three|four|six|twelve|\d+)?(?:[- ])?(?:half[- ])?(?:an )?"
    r"(?:minute|hour|day|morning|evening)s?\b|\b(?:hourly|daily)\b"
    r"|\b\d{1,2} (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|\b\d{4}-\d{2}-\d{2})"
)

ACKNOWLEDGEMENT = regex.compile(
    r"\bwe(?:'re|’re| are| have been| were)? (?:\w+ )?(?:aware|sorry|know|see|saw|hear|heard|understand|acknowledge"
    r"|recogni[sz]e|regret|apologi[sz]e|confirm|made a mistake|failed|investigating|learned|learnt)\b"
    r"|\bwe(?:'ve|’ve| have) (?:all )?(?:seen|heard|read|learned|learnt|found|identified|confirmed|received|let|made"
    r"|failed|got)\b"
    r"|\b(?:we|I) (?:let|got (?:this|it|that)|were wrong|fell short|should (?:not )?have)\b"
    r"|\b(?:I am|I'm|I’m|we are|we're|we’re) (?:\w+ )?(?:sorry|heartbroken|saddened|appalled|ashamed)\b"
    r"|\b(?:was|were|is) (?:wrong|our mistake|our fault|not acceptable|unacceptable|not good enough|hurtful|offensive)\b"
    r"|\b(?:our )?(?:sincere )?apolog(?:y|ies)\b|\bI apologi[sz]e\b|\b(?:you have|you've|you’ve|you) told us\b"
    r"|\bour (?:thoughts|hearts|condolences|deepest sympath)|\b(?:is|are|were|was) (?:currently |still |again )?"
    r"(?:unavailable|down|not working|failing|delayed|cancelled|interrupted|unable)\b|\bcannot (?:log|sign|pay|reach|use)\b"
    r"|\bexperiencing\b|\ban? (?:\w+ )?(?:outage|incident|fire|accident|breach|error|fault|mistake)\b"
    r"|\bfalse (?:claim|report|story|post|rumou?r)s?\b|\b(?:is|are) (?:false|not true|untrue)\b",
    regex.IGNORECASE,
)
"""The company says that something has happened and that it knows."""

AFFECTED = regex.compile(
    r"\b(?:customers?|users?|passengers?|guests?|people|famil(?:y|ies)|patients?|members?|subscribers?|employees?"
    r"|colleagues?|residents?|neighbou?rs?|readers?|listeners?|viewers?|parents?|children|communit(?:y|ies)"
    r"|travell?ers?|drivers?|owners?|everyone|everybody|workers?|students?|players?|shoppers?|diners?|crew|fans?"
    r"|account holders?|households?|women|men|girls|boys|merchants?|businesses|developers?|administrators?|survivors?"
    r"|victims?|volunteers?|riders?|buyers?|visitors?|donors?|teams using|farmers?|the injured|the person|those (?:\w+ )?"
    r"(?:affected|hurt|involved|who))\b"
    r"|\b(?:if|when|all of|those of|many of|some of|any of|each of|let|failed|hurt|offended|affect(?:s|ed|ing)?"
    r"|inconvenienced?|sorry to|apologi[sz]e to|cost|caused) you\b|\byour (?:\w+ )?(?:account|order|flight|data|trip|money"
    r"|card|booking|password|information|delivery|trust|payment|service)s?\b|\byou (?:cannot|can't|can’t|could not|may|are"
    r" affected|were affected|are still waiting|deserve|told us)\b",
    regex.IGNORECASE,
)
"""Who it happened to is named, as people."""

ACTION = regex.compile(
    rf"\b{_WE}(?:'re|’re|'ve|’ve|'ll|’ll| are| is| have| has| will)? {_ADVERB}(?:be |been )?{_ADVERB}{_DOING}"
    rf"|\bI (?:have|am|will) {_ADVERB}{_DOING}"
    r"|\b(?:fix|update|patch|replacement|recall|review|investigation|inquiry|refund)s? (?:is|are|has|have|will) "
    r"(?:\w+ )?(?:being|been|be|started|begun|under ?way|rolling|out|live|on)\b"
    r"|\b(?:has|have) been (?:\w+ )?(?:removed|withdrawn|recalled|restored|stopped|suspended|paused|disabled|taken down"
    r"|deleted|refunded|fixed|isolated|reset|closed|cancelled)\b"
    r"|(?:^|[.!?:]\s+|\n)\s*(?:please )?(?:(?:do not|don't|don’t|stop|never) (?:use|using|eat|eating|drink|drive|open"
    r"|click|charge|charging|plug|share)|change your|reset your|return (?:it|the|any)|unplug|avoid|throw)\b|\bplease "
    r"(?:stop|do not|don't|don’t|change|return|check|avoid|use|unplug|restart|update|switch|wait|keep|bring)\b",
    regex.IGNORECASE,
)
"""What is being done, or what people should do."""

NEXT_UPDATE = regex.compile(
    rf"\b(?:next|another|further|new|our|an) (?:\w+ ){{0,2}}?(?:update|statement|report|news|briefing)s?\b[^.!?\n]{{0,80}}?{_TIME}"
    rf"|\b(?:we(?:'ll|’ll| will| shall)?|I(?:'ll|’ll| will)) (?:\w+ ){{0,3}}?(?:update|post|share|report|speak|be back|"
    rf"say more|tell you|write|publish|give|inform|let you know|return|answer|hear from us)\b[^!?\n]{{0,100}}?{_TIME}"
    rf"|\b(?:update|hear from us|more information|more from us|more)\b[^.!?\n]{{0,60}}?{_TIME}"
    rf"|{_TIME}[^.!?\n]{{0,40}}\b(?:next update|we (?:will|'ll) (?:update|post|share|tell|report|publish))",
    regex.IGNORECASE,
)
"""When the company speaks next, with a time."""

CONTACT = regex.compile(
    r"https?://\S+|\b[\w.+-]+@[\w-]+\.[\w.-]+|\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|eu|uk|de|fr|us|co|gov|edu|info|app|dev"
    r"|help|support|example|test|status)\b(?:/\S*)?|(?<![\w.])\+?\d[\d ().-]{6,}\d|(?<![\w@])@\w{2,}"
    r"|\b(?:DM|direct message|message us|reply (?:here|to this|below)|reply to)\b",
    regex.IGNORECASE,
)
"""A concrete way to reach the company; the same in every language but for the last line."""

CLOCK_TIME = regex.compile(
    r"\b\d{1,2}[:.h時点]\d{2}|\b\d{1,2} ?(?:Uhr|heures?|horas?|ore|[ap]\.?m)\b|\d{4}-\d{2}-\d{2}|[０-９\d]{1,2}時",
    regex.IGNORECASE,
)
"""A time of day or a date, in any language."""

K = StatementKind
REQUIRED: dict[StatementKind, frozenset[str]] = {
    K.HOLDING: frozenset({"acknowledgement", "affected", "action", "next_update", "contact"}),
    K.SUBSTANTIVE: frozenset({"acknowledgement", "affected", "action", "next_update", "contact"}),
    K.UPDATE: frozenset({"acknowledgement", "affected", "action", "next_update", "contact"}),
    K.CORRECTION: frozenset({"acknowledgement", "contact"}),
    K.RESOLUTION: frozenset({"acknowledgement", "affected", "action", "contact"}),
    K.ANSWER: frozenset({"acknowledgement", "contact"}),
}
"""What each kind owes: a resolution promises no further update, a correction and an answer are short."""


def says(part: "regex.Pattern[str]", text: str) -> tuple[int, int] | None:
    """Where ``text`` has the part, or None."""
    found = part.search(text)
    return found.span() if found else None
