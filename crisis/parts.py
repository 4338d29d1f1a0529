"""The parts that a crisis statement owes its readers, and how to tell that English text has them.

After the CDC's CERC manual (be first, be right, be credible, express empathy, promote action, show respect) and the
five steps of DESIGN §5: acknowledge; name who is affected; say what is being done; say when you speak next; say how to
be reached. Shared by lint, which demands the parts, and rendering, which puts the most wanted ones first.
"""

from typing import Any

import regex  # type: ignore[import-untyped]

from crisis.cutting import sentences
from crisis.phrases import alternatives, phrases
from crisis.values import StatementKind

TIME = alternatives(
    r"""
    \d{1,2}[:.h]\d{2}
    \d{1,2} ?[ap]\.?m
    noon
    midnight
    (tomorrow|tonight|today)
    this (morning|afternoon|evening)
    (mon|tues|wednes|thurs|fri|satur|sun)day
    (the )?end of (the )?(day|week)
    (within|in|every|after) (the )?(next )?<number>?(minute|hour|day|week)s?
    (within|in|every|after) half an hour
    (every|each) (\w+day )?(morning|afternoon|evening|night|day|hour|week|month|quarter)
    (every|each) (mon|tues|wednes|thurs|fri|satur|sun)day
    (hourly|daily|weekly|nightly)
    next (week|month)
    \d{1,2} (jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*
    \d{4}-\d{2}-\d{2}
""",
    number=r"(?:(?:an?|one|two|three|four|six|twelve|\d+)\s+)",
)
"""A time of day, a date or a span, in English."""

_LISTS = {
    "time": TIME,
    "we": alternatives(r"""
        we
        our (\w+ ){0,3}?(teams?|engineers|specialists|staff|people|crews?|colleagues|experts|company)
        I
    """),
    "ours": alternatives(
        r"""
        we
        I
        (our|the|several|many|all|more|two|three|four|his|her) (?!hearts?|thoughts|customers)(\w+ ){0,3}?<crew>
        our (?!hearts?|thoughts|customers|community|condolences)\w+( and \w+)?
        management
        (\w+ )?(specialists|experts|doctors|crews|engineers|rescuers|teams)
    """,
        crew=r"(?:teams?|engineers|specialists|staff|people|crews?|colleagues|experts|technicians|company|board|plants?)",
    ),
    "are": r"(?:\s+(?:are|is|am|were)|['’](?:re|m))",
    "have": r"(?:\s+(?:have|has|had)|['’]ve)",
    "will": r"(?:\s+(?:will|shall)|['’]ll)",
    "now": r"(?:\s+(?:now|already|also|all|both|currently|immediately|urgently|today|just|since|still|personally|and|"
    r"therefore|at\s+once|so|deeply|truly|very|so))*",
    "happened": alternatives(r"""
        (was|were|has been|have been|is being|are being) (attacked|hacked|deleted|lost|stolen|copied|exposed|poisoned|burned)
        (an?|the|this|our|his|her) (\w+ )?(attack|failure|crash|spill|leak|recall|derailment|explosion|collapse|death)
        (the police|investigators|inspectors|the inquiry|the laboratory) (has|have) (found|confirmed|shown)
        (somebody|someone|one of us|one of our \w+) (\w+ )?(copied|deleted|took|stole|broke|posted|sent|wrote|treated|hurt)
    """),
    "done": alternatives(
        r"""
        (?!experienced|received|learned|learnt|failed|missed|hoped|wanted|tried|loved|believed|noticed|remained)<ended>
        (built|begun|bought|brought|cut|dealt|drawn|flown|found a|frozen|given|gone there|held|hired|kept|left|made sure|met)
        (paid|put|rebuilt|rewritten|run|sent|set|shown|shut|spoken|taken|told|undone|withdrawn|written|rung|thrown)
    """,
        ended=r"(?!apologi[sz]ed|regretted|promised|committed|disappointed|happened|stayed|waited|relied|lived|needed)"
        r"\w+ed\b",
    ),
    "remedy": alternatives(r"""
        (a |the |our )?(fix|update|patch|replacement|recall|review|investigation|inquiry|refund)s?
    """),
    "present": alternatives(r"""
        (come back|add|write|say|tell|report|post|speak|brief|return|share|list|show|publish|answer|announce|give)
        (explain|renew|inform|update|talk|present|go through|let you know|take (your )?questions)
    """),
    "said": alternatives(r"""
        (posted|published|added|renewed|updated|shared|announced)
    """),
    "speak": alternatives(r"""
        (update|post|share|report|speak|say|tell|write|list|show|talk|publish|give|inform|return|answer|explain|announce)
        (brief|stream|let you know|come back|be in touch|be back with|hear|know|learn|find out|be on|follow|be here)
        (reporting|speaking|answering|posting|sharing|updating|writing|talking|publishing)
    """),
    "comes": r"(?:comes?|coming|follows?|due|is|are|will|at|on|by|in|appears?|expected|ready)",
    "news": alternatives(r"""
        (messages?|words?|calls?|announcements?|counts?|lists?|figures|results|bulletins?|post|updates?|statements?)
        (reports?|news|briefings?|findings)
    """),
    "doing": alternatives(r"""
        (investigat|fix|restor|remov|recall|contact|paus|suspend|refund|rebook|replac|disabl|reset|launch|report|notif)\w*
        (inform|clos|chang|cancel|deploy|review|cooperat|help|support|check|isolat|patch|secur|cover|offer|appoint)\w*
        (commission|interview|creat|train|updat|switch|block|monitor|test|examin|return|provid|rewrit|publish|arrang)\w*
        (answer|correct|audit|invit|repair|trac|collect|limit|revok|rais|listen|ground|dismiss|donat)\w*
        (ask|add|hand|call|turn|end|talk|treat|inspect|consult|recover|extend|destroy|protect|share|explor|withhold)\w*
        (work|read|look|stopp|start|open|reach|mov|roll|pull|delet|retir|lock|freez|shut|halt|hir|ban|match|swap|waiv)\w*
        (send|sending|sent|begun|began|beginning|pay|paying|paid|bring|bringing|brought|put|putting)
        (set|setting|meet|meeting|met|write|writing|wrote|written|give|giving|gave|given|make|making|made|let|letting)
        (withdrawn|withdrew|withdrawing|cut|cutting|froze|frozen|find out|finding out|speak|speaking|tell|telling|told)
        (part|parted|parting) ways
        (take|taking|taken|took) (down|away|it|them|the|steps|action|over|off|back|out|care|samples|every)
    """),
}


def _lexicon(text: str) -> Any:
    return phrases(text, **_LISTS)


class Part:
    """One owed part: patterns that one and the same sentence must all show."""

    def __init__(self, *patterns: Any) -> None:
        self._patterns = patterns

    def find(self, text: str) -> tuple[int, int] | None:
        """Where ``text`` has the part, or None."""
        if len(self._patterns) == 1:
            found = self._patterns[0].search(text)
            return found.span() if found else None
        at = 0
        for sentence in sentences(text):
            at += len(sentence.before)
            if all(pattern.search(sentence.text) for pattern in self._patterns):
                return at, at + len(sentence.text)
            at += len(sentence.text)
        return None


ACKNOWLEDGEMENT = Part(
    _lexicon(r"""
    <we>(<are>|<have>( been)?)<now> (aware|sorry|investigating|heartbroken|saddened|appalled|ashamed|experiencing)
    <we><have><now> (all )?(seen|heard|read|learned|learnt|found|identified|confirmed|received|let|made|failed|got)
    <we><now> (know|see|saw|hear|heard|understand|acknowledge|recogni[sz]e|regret|apologi[sz]e|confirm)
    <we><now> (failed|learned|learnt|fixed)
    <we> (let|got (this|it|that)|made a mistake|were wrong|fell short|should (not )?have|published|said|missed|wrote)
    (you have|you've|you) told us
    (was|were|is) (wrong|our mistake|our fault|not acceptable|unacceptable|not good enough|hurtful|offensive|inaccurate)
    (sincere |our )*apolog(y|ies)
    our (thoughts|hearts|condolences|deepest sympathy) \w+
    (is|are|was|were|has been|have been) (currently |still |again |now )?(unavailable|down|failing|delayed|cancelled)
    (is|are|was|were|has been|have been) (interrupted|unable|restored|fixed|resolved|withdrawn|recalled)
    (is|are|was|were|has been|have been) (injured|killed|hurt)
    (is|are|was|were) not (working|arriving|loading)
    (cannot|can't|could not|couldn't) (log in|sign in|pay|reach|use|see|open|check in|send|withdraw)
    an? (\w+ )?(outage|incident|fire|accident|breach|error|fault|mistake|problem)
    you (are|were|have every) (right|angry|worried|upset)
    thank you for (telling|your patience|speaking|pointing)
    (thinking of|feel for|feel with|grieve with|share your|with the families|it is regretted)
    (is|are) (still |now )?(going around|being shared|on fire|under attack|unreachable|stuck|open|missing)
    (will not|cannot|can't) (take place|open|run|start|fly|sail)
    (left|overran|hit|struck) (the|a|our) \w+
    false (claim|report|story|post|rumou?r)s?
    (is|are) (false|not true|untrue|fake)
    (is|are|was) over
    <happened>
    (has|have|had) (been )?(failed|crashed|stopped|died|caught fire|gone out|left|run out|fallen ill|leaked|escaped)
    (affects?|concerns?) (\w+ ){0,3}(business|customers|people|users|services?|data|of)
    """)
)
"""The company says that something has happened and that it knows."""

AFFECTED = Part(
    _lexicon(r"""
    (customers?|users?|passengers?|guests?|people|famil(y|ies)|patients?|members?|subscribers?|employees?|colleagues?)
    (residents?|neighbou?rs?|readers?|listeners?|viewers?|parents?|children|communit(y|ies)|travell?ers?|drivers?|owners?)
    (everyone|everybody|anyone|workers?|students?|players?|shoppers?|diners?|crew|fans|account holders?|households?)
    (women|men|girls|boys|merchants?|businesses|developers?|administrators?|survivors?|victims?|volunteers?|riders?|buyers?)
    (runners?|cyclists?|pedestrians?|doctors?|nurses?|teachers?|pupils?|kids|bab(y|ies)|mothers?|fathers?|tourists?)
    (athletes?|artists?|creators?|hosts?|renters?|voters?|taxpayers?|citizens?|investors?|pilots?|child|boy|girl|man|woman)
    (adults?|friends?|relatives|veterans?|refugees?|the public|pensioners?|mourners?|the (dead|injured|wounded|sick))
    (visitors?|donors?|farmers?|couriers?|sellers?|tenants?|clients?|savers?|holders?|partners?|teams|staff)
    those (\w+ )?(affected|hurt|involved|who)
    (if|when|all of|those of|many of|some of|any of|each of) you
    (let|failed|hurt|offended|sorry to|apologi[sz]e to|cost|caused) you
    (affects?|affected|affecting|inconvenienced?|reach|help) you
    your (\w+ )?(account|order|flight|data|trip|money|card|booking|password|information)s?
    your (\w+ )?(delivery|trust|payment|service)s?
    your (?!patience|understanding|feedback|questions?|support|continued|attention|local)\w+ (are|is|was|were|has|have)
    you (lost|read|saw|waited|had|asked|found|felt|trusted|relied|waited|paid|trained|chose|called|wrote)
    you (cannot|can't|could not|may|are affected|were affected|are still waiting|deserve|deserved|told us|have told us)
    """)
)
"""Who it happened to is named, as people."""

_LISTS["instruction"] = alternatives(r"""
    (do not|don't|stop|never) (use|using|eat|eating|drink|drinking|drive|driving|open|click|charge|charging|plug|share)
    (do not|don't) (travel|reply|answer|pay|enter|call|forward)
    (change|reset|check|return|unplug|avoid|throw|keep|bring|update) (your|it|the|any|all)
    (restart|switch off|boil|wait for) (your|it|the|any|all)
""")

ACTION = Part(
    _lexicon(r"""
    <we>(<are>|<have>|<will>)?<now>( been| be)?<now> <doing>
    <ours><are><now> (?!experiencing|having|being|going|facing|feeling|hoping|seeing|hearing|suffering|waiting|thinking)\w+ing
    <ours><have><now> (been )?<done>
    <ours><will><now> (?!be|not|never|always|do|learn|strive|remain|continue|have|stand|tell|share|report|speak|update)\w+
    <ours><will> be (?!sorry|aware|open|held|here|there|clear)\w+ing
    <ours> (have|has) (\w+ ){1,3}(on it|on the way|there|in place|on site|at work)
    (is|are) (now |already )?(on site|on the way|on their way|at work|under way|underway|in progress)
    we ask (you|everyone|customers|people) to
    <remedy> (is|are|has|have|will)<now>( been| be)? \w+
    (has|have|was|were|is|are) (been |being |now |no longer )?(removed|withdrawn|recalled|restored|stopped|suspended|sold)
    (has|have|was|were|is|are) (been |being |now )?(paused|disabled|isolated|reset|replaced|postponed|cleared)
    (has|have|was|were) (been |now )?(taken down|deleted|refunded|fixed|closed|cancelled|rebooked)
    (come|comes|came|goes|go) (down|back) (today|tonight|now|tomorrow)
    please (?!accept|note|know|be assured|rest|bear|contact|call|write|see|visit|read|follow|understand|forgive|trust)\w+
    (is|are) being (?!investigated|looked into|reviewed|addressed|dealt|handled|examined|taken|extracted|monitored|held)\w+
    (keeps?|go on|goes on) (?!offering|striving|pace)\w+ing
    (buses|vans|trucks|planes|boats|trains|helicopters|crews|doctors|nurses) (\w+ )?(leave|bring|are waiting|are on|run|go)
    (you|families|customers|guests|passengers|owners|everyone|anyone) (can|may|should) (return|call|come|bring|get|rebook|stop)
    (?:^|(?<=[.!?:,;]\s)|(?<=\n))<instruction>
    """)
)
"""What is being done, or what people should do."""

INSTRUCTION = Part(
    _lexicon(r"""
    <instruction>
    (should|must|need to) (call|see|ring|contact|stop|leave|return|avoid|go|check|change|follow|stay|keep|wait|listen)
    please \w+
    (you|families|customers|people|guests|passengers|everyone|anybody|anyone)( \w+)* can (call|come|get|return|ask|reach)
    (please|if you|if it)…(stop|do not|don't|call|change|check|return|avoid|use)
    (please|if you|if it)…(press|unplug|see|seek|keep|stay|leave|watch|be careful|throw)
    (you should|you can|to protect yourself|what (to do|you can do)|we (ask|urge|advise|recommend))
    (do not|don't|never) \w+
    (watch for|be wary of|look out for|be careful|beware|stay (away|inside|indoors)|switch (it )?off)
    """)
)
"""What people should do to protect themselves."""

NEXT_UPDATE = Part(
    _lexicon("<time>"),
    _lexicon(r"""
    (updates?|(next|second|third|fourth|final) (\w+ ){0,2}<news>)
    (expect|await) (\w+ ){0,3}<news>
    (you|people|everyone|families|customers)( will| can)? (read|hear|find|learn|see|get) (\w+ ){0,4}(here|from us|it|more|what)
    (you will|you'll|what we know)…(read|hear|find|learn|see)
    (new|more) (\w+ ){0,2}(dates|details|information|news|figures|results)
    (another|further|new|our|an|the|full|second|first) (\w+ ){0,2}?<news>…<comes>
    <comes>…(another|further|new|our|an|the|full|second|first) (\w+ ){0,2}?<news>
    (new |more |further |first |the )?(results|figures|numbers|details|news|information) (\w+ )?<comes>
    (more|further) (information|details|news)
    (will|shall|going to) (\w+ ){0,6}?<speak>
    <we><will> (\w+ ){0,6}?<speak>
    (who|that) <speak>
    <we> (\w+ ){0,1}?(stream|post|publish|report|update|speak|answer)
    <we> (let you know|come back to you|get back to you)
    (?<!has |have |was |were |been )(presents?|publishe?[sd]|announce[sd]?|updated|informed)
    (look|check|come back|watch|listen|read)( \w+){0,3} (here|again|news|updates|more|for)
    <ours>( \w+ly| also| then| again| both)? <present>
    (the|our|its|each) (\w+ ){1,3}?(speaks?|reports?|briefs?|answers?|announces?)
    (next|another|a new) (\w+ )?(note|word|line|post|message|bulletin|briefing|report|round)
    (more|news)( from us| on this| about this| of it)?( comes?| follows?)?,? (on|by|at|before|in|within|tomorrow|tonight)
    <said> (here |there |below |to (it|this page) )?(by|at|on|every|each|before)
    (hear from|more from) us
    (more|again)( here)? (by|at|before) <time>
    (open talk|press conference|town hall|live ?stream|question hour|webcast)
    """),
)
"""When the company speaks next, with a time: both in one sentence."""

CONTACT = Part(
    regex.compile(
        r"https?://\S+"
        r"|(?<![\w.+-])[\w.+-]++@[\w-]++\.[\w.-]+"
        r"|(?<![\w.-])(?:[a-z0-9-]++\.)+(?:com|org|net|io|eu|uk|de|fr|us|co|gov|edu|info|app|dev|help|support|example|test)\b"
        r"|(?<![\w.])\+?\d[\d ().-]{6,}\d"
        r"|(?<![\w@])@\w{2,}|(?<!\w)u/\w{3,}"
        r"|\b(?:DM us|direct message|(?:message|write to|ask|answer|reach|call) (?:us|me|you)? ?(?:here|below|in the app)"
        r"|reply (?:here|to this|below)|extension \d+|in person at|answering questions here)\b",
        regex.IGNORECASE,
    )
)
"""A concrete way to reach the company; all but the last two lines are the same in every language."""

CLOCK_TIME = Part(
    regex.compile(
        r"\b\d{1,2}[:.h時点]\d{2}|\b\d{1,2} ?(?:Uhr|heures?|horas?|ore|[ap]\.?m)\b|\d{4}-\d{2}-\d{2}|\d{1,2}時",
        regex.IGNORECASE,
    )
)
"""A time of day or a date, in any language."""

K = StatementKind
REQUIRED: dict[StatementKind, tuple[str, ...]] = {
    K.HOLDING: ("acknowledgement", "affected", "action", "next_update", "contact"),
    K.SUBSTANTIVE: ("acknowledgement", "affected", "action", "next_update", "contact"),
    K.UPDATE: ("acknowledgement", "affected", "action", "next_update", "contact"),
    K.CORRECTION: ("acknowledgement", "contact"),
    K.RESOLUTION: ("acknowledgement", "affected", "action", "contact"),
    K.ANSWER: ("acknowledgement", "contact"),
    K.REPLY: (),
}
"""What each kind owes: a resolution promises no further update, a correction and an answer are short; a reply is one short
post among others (``crisis.replies`` has its rules)."""


def says(part: Part, text: str) -> tuple[int, int] | None:
    """Where ``text`` has the part, or None."""
    return part.find(text)
