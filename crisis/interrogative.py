"""The sentences of a post that ask something which could be answered.

Found by their question mark in any script; without one, in English, by how they begin: a question word before a verb, a
verb before its subject, or words of asking ("any idea when", "I want to know whether"). Left out are what is shouted as
a question and asks nothing ("are you kidding me?", "how dare you?"), and whatever has fewer than three words. English
rules only know English: a rhetorical question in another language is taken for one that is meant. A handle that is only
called ("@acme, when ...?", "hey @acme: why ...?") is left out with the mark behind it; one that the sentence needs stays. Pure.
"""

import re

LONGEST = 240
"""Characters of a question that are kept."""
READ = 2_000
"""Characters of a post that are read."""
UNMARKED = 160
"""Characters of a sentence without a question mark that may still be one."""

_SENTENCE = re.compile(r"(?:[^.!?？！。؟;\n]|[.;](?=\w))+[?？؟]*")
_NOISE = re.compile(
    r"(?:https?://|www\.)\S+"
    r"|[¿\x00-\x09\x0b-\x1f\u200b-\u200f\u202a-\u202e\u2066-\u2069]",
    re.IGNORECASE,
)
_HANDLE = r"(?<![\w/@])@\w(?:[\w.\-]{0,250}\w)?"
_NAMED = re.compile(_HANDLE)
_CALLED_FIRST = re.compile(
    rf"(?:^|(?<=[.!?？！。؟;\n]))[\s(\"'“‘.]*(?:rt\s+)?{_HANDLE}(?:[\s,:.!)–—-]+{_HANDLE})*[ \t,:.!)–—-]*",
    re.IGNORECASE,
)
"""Handles before a sentence."""
_CALLED_WITHIN = re.compile(rf"[\s,]*\s{_HANDLE}\s*([,:])(?!\s*@)")
"""A handle behind a greeting or a clause, with the mark that shuts it off."""
_CALLED_LAST = re.compile(rf"\s*,\s*{_HANDLE}(?=\s*(?:[?？؟!.]|$))")
_EDGES = re.compile(
    r"^(?:#\w+\s+|#|[^\w\"'“‘(#]++|(?:omg|smh|wtf|lol|ok|ugh|wow|fyi|psa|update|breaking)\b[\s:,.!]*+)++(?=\w)"
    r"|(?:\s+#\w++)++(?=\W*$)",
    re.IGNORECASE,
)
"""Marks, hashtags and exclamations before a question, and hashtags behind it. Never taken back: a row of dashes would cost
twice as much with each."""
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w+(?:['’]\w+)?")
_MARKS = ("?", "？", "؟")

_VERB = (
    r"(?:is|are|was|were|am|will|would|can|could|should|shall|do|does|did|has|have|had|may|might|must"
    r"|[’']s|[’']re|[’']ll)"
)
_SUBJECT = (
    r"(?:i|we|you|he|she|they|it|this|that|these|those|there|the|my|our|your|his|her|their|any|anyone|anybody"
    r"|somebody|someone|everyone|nobody|all|some|people|customers?|passengers?)"
)
_BEGINS = re.compile(
    rf"(?:(?:and|but|so|ok|okay|hey|hi|hello|please|well|also|now|then|sorry)\b[\s,.]*)*(?:"
    rf"(?:how|why|when|where|who|whom|whose|what|which)\b(?:\s+[\w’'-]+){{0,3}}?\s*\b{_VERB}\b"
    rf"|how (?:long|much|many|soon|often|far)\b|what about\b|how about\b|since when\b|who\s+(?:pays?|helps?|refunds?)\b"
    rf"|{_VERB}(?:n[’']t)?\s+{_SUBJECT}\b"
    rf"|(?:has|have|was|is|are|were|will)\s+[\w’'-]+\s+(?:been|being)\b"
    r")",
    re.IGNORECASE,
)
_NOT_BEGINS = re.compile(
    r"(?:when|where|what|which|who|how|why)\s+(?:i|we|you|he|she|they|it|my|our|the|a|an|this|that|there)\b"
    r"|do (?:the|your|my|a|yourself|it|what|as|better|something)\b|what are the odds\b|what would (?:we|i|you) do without\b"
    r"|how about some\b|why did i ever\b"
    r"|(?:that|this|which|who|what|how|why)\s+(?:is|was)\s+(?:why|how|what|where|when)\b"
    r"|which\s+(?:is|was|tells|means|makes)\b",
    re.IGNORECASE,
)
"""Clauses that begin like questions: "when I got to the till", "which is why"."""
_INDIRECT = re.compile(
    r"\b(?:any(?:one|body)?\s+(?:idea|clue|word|news|info(?:rmation)?|update|eta|estimate)\b"
    r"|(?:does|do|did)\s+any(?:one|body)\s+(?:at \w+ )?know"
    r"|(?:i(?:['’]d| would)?|we(?:['’]d| would)?)\s+(?:just\s+|really\s+|only\s+)?(?:want|like|love|need)s?\s+to\s+know"
    r"|wonder(?:ing)?\s+(?:if|whether|when|why|how|what|where|who)"
    r"|(?:tell|let)\s+(?:me|us)\s+(?:know\s+)?(?:if|whether|when|why|how|what|where|who)"
    r"|(?:explain|confirm|clarify|say)\s+(?:to (?:me|us)\s+)?(?:if|whether|when|why|how|what|where|who)"
    r"|(?:asking|ask)\s+(?:for\s+.{0,30}?)?(?:if|whether|when|why|how|what|where))\b"
    r"|^eta\b",
    re.IGNORECASE,
)
_RHETORICAL = re.compile(
    r"\b(?:kidding|joking)\s+(?:me|us)\b|\bis (?:this|that|it) (?:a|some kind of|your idea of a) (?:joke|prank)\b"
    r"|\bare (?:you|they|these people) (?:all |even |actually |seriously |people |guys )*"
    r"(?:serious|insane|crazy|mad|stupid|blind|trying|human|for real|real|out of (?:your|their) minds?)\b"
    r"|\bare these (?:people|guys|clowns) \w+|\bhow dare\b|\bwh?at? the (?:f|h|actual)|\bwtf\b|\bwhat is this\W*$"
    r"|\b(?:can|would|could) you (?:even )?(?:believe|imagine) (?:this|it|that)\b"
    r"|\bwho (?:even )?(?:cares?|needs?|knew|does (?:that|this)|would(?:[’']ve| have) thought"
    r"|could have (?:seen|known|guessed)"
    r"|saw (?:that|this) coming|runs this|raised you|hired)\b"
    r"|\bhow hard (?:can|could|is)\b|\bis (?:it|that) (?:so|too|really (?:so )?)\s*(?:hard|difficult|much)\b"
    r"|\bwhy (?:do|would|should) (?:i|we) (?:even |still )*(?:bother|care|try|trust)\b"
    r"|\bwhy (?:am|are) (?:i|we) (?:even|not|still|paying)\b"
    r"|\bwhy would (?:anyone|anybody|you ever)\b|\bwhy so \w+\W*$|\bjust why\W*$|\bwhy\W+why\b"
    r"|\bhow (?:is|are|can) .{0,40}?\b(?:still|even) (?:allowed|legal|in business|exist\w*|a thing|possible)\b"
    r"|\bhow (?:do|can|could) (?:you|they) (?:people )?(?:even )?(?:sleep|live with"
    r"|look (?:at )?(?:yourself|yourselves|us))\b"
    r"|\b(?:have|has|had) (?:you|they) (?:no|any|lost) (?:shame|decency|heart|honou?r|conscience|your mind)\b"
    r"|\b(?:no|any) (?:shame|decency|conscience)\W*$"
    r"|\bwhere(?: is|[’']s) (?:the|your) (?:shame|decency|heart|honou?r)\b"
    r"|\bwhat(?: is|[’']s) (?:the point|wrong with (?:you|them|this company|these people|people))\b"
    r"|\bwhat (?:did|do) (?:you|we|i|they) (?:expect|do to deserve)\b"
    r"|\bwhat (?:kind|sort) of (?:a )?(?:company|people|person|monsters?)\b"
    r"|\bcan (?:it|this) get (?:any )?(?:worse|better)\b|\bhow many (?:more )?times\b"
    r"|\bis (?:anyone|anybody|nothing|no one|nobody|there no)\b.{0,24}\b(?:surprised|sacred|shame|end|left|shocked)\b"
    r"|\bwho(?: is|[’']s)? (?:surprised|shocked|with me|else is (?:done|angry))\b|\bis it (?:just )?me\b"
    r"|\bwhere do i (?:even )?(?:start|begin)\b"
    r"|\bdo (?:you|they|we) (?:even|really|people) (?:have|care|know|test|think|read)\b"
    r"|\b(?:do|does) .{1,30} mean (?:nothing|anything) to\b"
    r"|\bremember(?: when)?\b.{0,60}\?|\bguess (?:who|what|where)\b|\byou (?:call|know what)\b|\byou had one job\b"
    r"|\bisn[’']t (?:that|this|it) (?:great|nice|lovely|wonderful|funny)\b|\bwho do (?:you|they) think\b"
    r"|\bwould you (?:feed|give|do|want) (?:this|that|it) (?:to|for) your\b|\bare we (?:living|back) in\b"
    r"|\bwhat else is new\b"
    r"|[,\s](?:right|huh|eh|lol|lmao|innit|amirite|yeah|no)\s*[?？]+$"
    r"|,\s*(?:did|do|does|is|are|was|were|ca|wo)n[’']t \w+\s*[?？]+$"
    r"|^(?:no )?(?:\w+[,\s]+){0,1}(?:really|seriously|how about no)\b\W*\w*\W*$|\bhow nice\b|\bas if\b"
    r"|\bdoes (?:this|that) (?:look|sound|seem) like\b|\bwhen will (?:they|you|people) (?:ever )?learn\b",
    re.IGNORECASE,
)
_SCORN = re.compile(
    # said of people, not to anybody
    r"\b(?:you|such) (?:people|clowns|idiots|morons|jokers)\b|\bthese (?:guys|clowns|idiots|morons|jokers|geniuses)\b"
    r"|\b(?:do|protects?) these people\b|\b(?:genius|moron|idiot|clown)\b|\bproud of (?:your|them)sel|\bashamed\b"
    r"|\bsleep (?:well|at night)\b|\blook .{0,24}\bin the (?:eye|mirror)\b|\bworth (?:it|so little)\b"
    r"|,\s*(?:your|a|the) (?:cat|dog|gran|grandma|monkey|hamster|intern)\W*$"
    # an answer is taken for granted: nobody, everybody, always
    r"|^\W*(?:have|has|does|do|did|will|can) (?:(?:we|you|they|he|she|it) )?(?:\w+ )?(?:nothing|nobody|no one)\b"
    r"|\b(?:anyone|anybody|they|people) even\b|\b(?:anyone|anybody) (?:actually|really|seriously|honestly)\b"
    r"|\b(?:does|do|did) any(?:one|body) (?:\w+ )?(?:believe|expect|trust|care|buy)\b|\bdoes anything .{0,24}\bstill work\b"
    r"|\bis any(?:one|body) in charge\b|\bis there anything (?:you|they) (?:\w+ )?(?:can|could) (?:do|get) right\b"
    r"|\bwhy is (?:it|this|that) always\b|\bwhy (?:do|did|am) (?:we|people|men|companies|i)\b.{0,24}\b(?:always|ever|keep)\b"
    r"|\bwhy does everything\b|\bwhy even\b|\bwhy (?:does|did) (?:this|that|it) not (?:surprise|shock)\b|\bam i the only\b"
    r"|\bwho else (?:is|finds|thinks|hates)\b|\bwhere does all (?:our|my|the|that)\b|\b(?:fees|taxes) (?:go|for)\W*$"
    r"|\bwhat (?:am|are) (?:i|we) (?:even )?paying\b.{0,24}\bfor\b|\bis (?:this|that|it) what (?:i|we) pay\b"
    # mock surprise and mock offers
    r"|\bcan (?:you|we|anyone) (?:actually |please )?(?:believe|talk about|imagine)\b"
    r"|\bwhat (?:was|were) (?:they|you|he|she) (?:even )?thinking\b|\bwhat did (?:you|they|he|she) think\b"
    r"|\bshall (?:i|we) just\b|\bshould (?:i|we) (?:laugh|cry|clap|be (?:grateful|thankful|impressed))\b"
    r"|\bwould it (?:kill|hurt) (?:you|them)\b|\bhaving a laugh\b|\bring a bell\b|\bwhat next\b|\b(?:who|which \w+) is next\b"
    r"|\bever heard of\b|^\W*ha(?:s|ve)(?:n[’']t)? .{1,30}\bheard of\b|\bdo i look like\b|\bdid i miss\b"
    r"|\bdid some(?:body|one) say \w+\W*$|\b(?:do|would) you call (?:that|this|it)\b"
    r"|\bsupposed to (?:be (?:an? )?(?:impressed|apology|your|funny|help|sorry|grateful|joke)|trust|believe|laugh)\b"
    r"|\bwould (?:he|she|they|the \w+|your \w+) (?:talk|drink|eat|treat)\b.{0,24}\b(?:this|like that)\b"
    r"|\b(?:you|they) (?:want|expect|really think) (?:us|me) to\b|\bare we (?:just|really|all) (?:going|supposed)\b"
    # how bad it is, as a question
    r"|\bhow (?:low|naive|stupid|dumb|rude|blind|greedy|cynical|much worse) (?:can|could|do|does|must|is)\b|\bhow on earth\b"
    r"|\bhow (?:is|are|was) (?:he|she|they|that|this) (?:not|even)\b|\bcould you be (?:any|more)\b"
    r"|\bhow many (?:more )?(?:\w+ ){1,3}(?:does|do|did|will|must|has to|have to) (?:it take|die|suffer)\b"
    r"|\b(?:is|can) (?:it|that) (?:be )?(?:that|this|so) (?:hard|difficult|complicated)\b"
    r"|\b(?:is|are) (?:this|it|we) (?:back )?(?:in )?(?:the )?(?:nineties|eighties|stone age|middle ages|\d{4}s?"
    r"|a third world\b.*)(?: now| again)?\W*$"
    r"|\bwhich (?:century|year|decade|planet) (?:is|are) (?:it|this|we)\b|\bsince when is\b|\bis it friday\b"
    r"|\b(?:isn|aren|wasn)[’']t (?:it|that|this) (?:ironic|funny|fun|time|obvious|enough|convenient|sad|pathetic|your job)\W*$"
    r"|\b(?:isn|aren)[’']t \w+ supposed to be\b|\bhaven[’']t (?:we|you|they) (?:seen|learned|had enough)\b"
    r"|\bwho (?:could|would|can)(?: possibly| even| ever)? (?:have )?(?:predicted|guessed|known|do such)\b"
    r"|\bwho (?:signs off|puts|writes|tests|makes|attacks) (?:on |up )?(?:a|this|these|that|such|sick)\b"
    r"|\bwhat (?:does|is) (?:a |one )?(?:human )?(?:life|lives|human being)\b.{0,12}\b(?:cost|worth)\b"
    r"|^\W*do (?:they|managers|bosses|politicians) .{0,24}\bever\b|\bgood old days\b|\bgive me back my\b"
    r"|\bwhen will (?:someone|somebody|anyone) (?:finally|ever)\b|\b(?:is|are) (?:\w+ ){1,4}(?:finished|doomed|dead) as an?\b"
    r"|[,\s](?:apparently|honestly|yes|obviously)\s*[?？]+$"
    r"|,\s*(?:is|are|do|does|did|was|were|have|has|ca|wo)n[’']t (?:it|they|we|you|he|she|i)\s*[?？]+$"
    r"|^\W*(?:and |so )+we (?:are supposed|just)\b",
    re.IGNORECASE,
)
"""Contempt, mock surprise and complaint in the form of a question: nobody waits for its answer."""
_TOLD = re.compile(r"(?:is|was|has|will|does|should)\s+(?:my|the|a|an|your|their|this|that|all|some)\b", re.IGNORECASE)
_HEADLINE = re.compile(
    r"^\W*(?:opinion|analysis|comment|editorial|explainer|explained|op-?ed|column|poll|podcast|watch|video|interview|debate"
    r"|live|exclusive|breaking|revealed)\s*[:|–—]",
    re.IGNORECASE,
)


def asked(text: str) -> list[str]:
    """What one post asks, each question as written."""
    found = []
    for sentence in _SENTENCE.findall(_addressed_to_nobody(_NOISE.sub(" ", text[:READ]))):
        shown = _EDGES.sub("", " ".join(sentence.split()))
        plain = _EDGES.sub("", " ".join(_NAMED.sub(" ", sentence).split()))
        words = WORD.findall(plain)
        if len(words) < 3 or _RHETORICAL.search(plain) or _SCORN.search(plain) or _is_headline(plain, words):
            continue
        if plain[-1:] in _MARKS or (_asks_unmarked(plain) and not _says_of(plain, text)):
            found.append(shown[:LONGEST])
    return found


def _addressed_to_nobody(text: str) -> str:
    """The text without handles that are only called."""
    return _CALLED_LAST.sub("", _CALLED_WITHIN.sub(r"\1", _CALLED_FIRST.sub(" ", text)))


def _says_of(sentence: str, text: str) -> bool:
    """The handle before it is its subject: "@acme is the biggest joke"."""
    told = _TOLD.match(sentence)
    return bool(told) and bool(re.search(rf"@[\w.\-]+\s+{re.escape(sentence.split(maxsplit=1)[0])}\b", text[:READ]))


def _is_headline(sentence: str, words: list[str]) -> bool:
    """It is a newsroom's question to its readers: announced as such, or With Most Words in Capitals."""
    long = [word for word in words[1:] if len(word) > 3]
    titled = sum(word[0].isupper() and not word.isupper() for word in long)
    return bool(_HEADLINE.match(sentence)) or (len(words) >= 5 and len(long) >= 3 and 5 * titled >= 4 * len(long))


def _asks_unmarked(sentence: str) -> bool:
    if len(sentence) > UNMARKED:
        return False
    if _INDIRECT.search(sentence):
        return True
    return bool(_BEGINS.match(sentence)) and not _NOT_BEGINS.match(sentence)
