"""Whether a writer's draft rests on its brief alone: checked, not trusted (DESIGN §5).

Every number, name, address, cause and promise in the text must stand in the brief's own grounds, and none of it may be
taken from strangers' posts. Words are compared without endings, so this is strict about what is new and lenient about
how it is said; a draft that fails is not shown to anybody. English only: other languages are refused, for what cannot
be checked is not used.
"""

from collections.abc import Iterable, Iterator

import regex  # type: ignore[import-untyped]

from crisis.brief import ROLES, Brief, Draft, Sentence
from crisis.phrases import phrases
from crisis.smuggling import foreign, smuggled

NEW_WORDS = 0.4
"""Share of a sentence's content words that a sentence stating facts or promising may add to its grounds."""
NEW_IN_FACTS = 0.3
"""The same share where a sentence states facts as known."""
COPIED = 5
"""Words in a row, the same as in a post and not in the grounds, that count as quoted from it."""

_WORD = regex.compile(r"\p{L}[\p{L}\p{M}'’-]*")
_NUMBER = regex.compile(r"\d(?:[\d.,:/]*\d)?\s?(?:%|per\s?cent|percent)?")
_ADDRESS = regex.compile(r"\w+://\S+|www\.\S+|\S+@\S+\.\S+|(?<!\w)[@#]\w+|\b[\w-]+(?:\.[\w-]+)*\.\p{L}{2,}\b(?:/\S*)?")
_COUNTED = frozenset(
    """
    zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands million millions
    billion billions trillion dozen dozens half third quarter most majority minority every all nobody none never always
    several numerous countless scores handful couple double triple twofold tenfold hundredfold innumerable plenty
    everyone's everybody's nobody's
    first second third once twice
    monday tuesday wednesday thursday friday saturday sunday january february april june july august september october
    november december today tomorrow tonight yesterday weekend
    """.split()  # noqa: SIM905
)
"""Words that count, compare or date; ``every`` and ``all`` are let off before ``one`` and in fixed phrases below."""
_COUNTS_WITHIN = regex.compile(
    r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|"
    r"ninety)?(?:hundred|thousand|million|billion)s?|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)\w+",
    regex.IGNORECASE,
)
"""Numbers written as one word."""
_LET_OFF = regex.compile(
    r"\b(?:first of all|all of (?:you|us|them)|every (?:one|report|message|post|question)|all (?:reports|messages|affected|"
    r"questions)|at once|once (?:we|more|again)|as always)\b",
    regex.IGNORECASE,
)
_STARTERS = frozenset(
    """
    a about after again all although an and any anyone are as at because before being both but by can customers could
    did do each every everyone for from get had has have he her here his how however i if in instead is it its let
    many may meanwhile members more must my need next no nobody not nothing now of on once one or our ours over
    passengers patients people please reach read right service services she should since so some someone sorry stay still
    support teams thank thanks that the their them then there these they this those to today together under until
    update updates users we what when where whether which while who why will with work would write yes yet you your
    engineers specialists colleagues families guests readers visitors anybody help contact call visit check see report
    """.split()  # noqa: SIM905
)
_ORDINARY_CAPITALS = frozenset({"I", "I'm", "I've", "I'll", "UTC", "GMT", "FAQ", "OK", "SMS"})
_STOP = frozenset(
    """
    a an the and or but of to in on at by for from with as is are was were be been being it its this that these those
    we our us you your they their them there here what which who when where how so if not no have has had do does did
    will would can could may might shall should must about into over under up out than then also very just more any some
    know knows known sorry understand
    """.split()  # noqa: SIM905
)
_SPEAKING = "next update post publish report share speak tell write hear news again here details more"
"""Words for promising the next word, where its time is the brief's."""
_ASKING = "please write contact call visit ask reach help tell us if you affected question worry check see"
"""Words for saying where people find help."""
_HEADING = "what went wrong happened happens next now update latest news about our response answer hear statement"
"""Words of any headline."""
_CAUSE = phrases(r"""
    because
    (due|owing|thanks) to
    (caused|triggered|brought about) by
    as (a|the) (result|consequence) of
    the (cause|reason|culprit) (is|was)
    (fault|responsibility) of
""")
_PROMISE = phrases(r"""
    (we|our \w+|you|it|this|they) (will|shall)
    (we|you)['’]ll
    (we|you) (are|is) going to
    (we|I) (promise|guarantee|commit|pledge|ensure|assure|undertake)\w*
    never again
    (full|partial)? ?(refund|reimburse|compensat|voucher|credit note|free of charge|replac|recall)\w*
""")
_WE_ACT = phrases(r"""
    (we|our \w+)(?! (know|knew|understand|see|hear|heard|feel|regret|apologi[sz]e|realise|realize|share|do not know|cannot))…
    (you|everyone|everybody|customers|people|nobody) (get|gets|receives?|keeps?|need not|(do|does) not (have|need) to|loses?)…
    (rest assured|be assured|guaranteed|for certain|no doubt)
""")
"""Where the company does, gives or warrants something, whatever the sentence calls itself."""
_FEELS = phrases("(we are|we're) (\\w+ )?(sorry|aware|listening|with you|thinking)")
_NEGATED = regex.compile(r"\b(?:not|never|no|none|neither|nobody|without|cannot)\b|n['’]t\b", regex.IGNORECASE)
_OFFER = regex.compile(
    r"\b(?:refund|reimburs|compensat|voucher|discount|credit|free|replac|recall|goodwill|lawsuit|liab|money|cash|resign|sack|"
    r"negligen|guilt|lawyer|prosecut|bankrup|insolven)\w*|\bpa(?:y|ys|id|ying)\b",
    regex.IGNORECASE,
)


def vet(draft: Draft, brief: Brief) -> tuple[str, ...]:
    """What is wrong with the draft, a sentence each, for a person and for the writer's next try; empty when nothing is."""
    if brief.language.split("-")[0].casefold() != "en":
        return (f"a draft in {brief.language!r} cannot be checked: only English ones can",)
    grounds = _Grounds(brief.grounds)
    found = [
        *_shape(draft, brief),
        *smuggled(draft.text, "\n".join(brief.grounds)),
        *_not_in(draft.text, grounds),
        *_quoted(draft.text, brief, grounds),
    ]
    for sentence in draft.sentences:
        found += _rests_on(sentence, brief, grounds)
    found += _headline(" ".join(draft.headline.split()), brief, grounds)
    return tuple(dict.fromkeys(found))


class _Grounds:
    """The texts that a draft may rest on, made ready to be looked things up in."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.text = "\n".join(texts)
        self.words = {word.casefold() for word in _WORD.findall(self.text)}
        self.names = set(_WORD.findall(self.text))
        self.stems = {_stem(word) for word in self.words}
        self.numbers = {_plain(number) for number in _NUMBER.findall(self.text)}
        self.addresses = {_address(found) for found in _ADDRESS.findall(self.text)}


def _shape(draft: Draft, brief: Brief) -> Iterator[str]:
    if len(draft.text) > brief.longest:
        yield f"it is {len(draft.text)} characters long; the most is {brief.longest}"
    for sentence in draft.sentences:
        if sentence.role not in ROLES:
            yield f"{sentence.role[:40]!r} is no role of a sentence"
    for what, needed in (("next_update", brief.next_update), ("contact", brief.contact)):
        if needed and needed not in draft.body:
            yield f"{what} is missing: it must say {needed!r}"


def _not_in(text: str, grounds: _Grounds) -> Iterator[str]:
    """Numbers, addresses and names that are new."""
    for found in _ADDRESS.findall(text):
        if _address(found) not in grounds.addresses:
            yield f"the address {found!r} is not in the brief"
    bare = _ADDRESS.sub(" ", text)
    for number in _NUMBER.findall(bare):
        if _plain(number) not in grounds.numbers:
            yield f"the number {number.strip()!r} is not in the brief"
    counted = _LET_OFF.sub(" ", bare)
    for word in (part for whole in _WORD.findall(counted) for part in whole.split("-") if part):
        counts = word.casefold() in _COUNTED or _COUNTS_WITHIN.fullmatch(word) is not None
        if counts and word.casefold() not in grounds.words:
            yield f"{word!r} counts or dates something that the brief does not"
    yield from _names(bare, grounds)


def _names(text: str, grounds: _Grounds) -> Iterator[str]:
    """Capitalised words that the brief does not write so, unless a common word begins a sentence."""
    for line in text.split("\n"):
        begins = True
        for token in regex.finditer(r"\p{L}[\p{L}\p{M}'’-]*|[.!?:…]", line):
            word = token.group()
            if not word[0].isalpha():
                begins = True
                continue
            root = regex.sub(r"['’]\p{L}+$", "", word)
            known = root in grounds.names or word in grounds.names or word in _ORDINARY_CAPITALS
            common = begins and (root.casefold() in _STARTERS or root.casefold() in grounds.words)
            if any(c.isupper() for c in root) and not known and not common:
                yield f"{word!r} is a name that the brief does not hold, or no common word to begin with"
            begins = False


def _quoted(text: str, brief: Brief, grounds: _Grounds) -> Iterator[str]:
    """Words in a row that come from a post."""
    own = _runs(grounds.text)
    posted = {run for post in brief.posts for run in _runs(post)} - own
    for run in _runs(text) & posted:
        yield f"{' '.join(run)!r} is quoted from a post"


def _rests_on(sentence: Sentence, brief: Brief, grounds: _Grounds) -> Iterator[str]:
    shown = sentence.text if len(sentence.text) <= 80 else f"{sentence.text[:79]}…"
    cited = {fact.id: fact.text for fact in brief.facts if fact.id in sentence.facts}
    for missing in set(sentence.facts) - cited.keys():
        yield f"there is no fact {missing[:40]!r}"
    if sentence.role == "known":
        if not cited:
            yield f"{shown!r} states something as known and names no fact"
        elif _new(sentence.text, (*cited.values(), brief.brand, brief.organisation, brief.affected)) > NEW_IN_FACTS:
            yield f"{shown!r} says more than the facts it names"
        elif bool(_NEGATED.search(sentence.text)) != any(_NEGATED.search(text) for text in cited.values()):
            yield f"{shown!r} turns what the facts it names say into its contrary"
    if _CAUSE.search(sentence.text) and _new(sentence.text, (f.text for f in brief.facts)) > NEW_WORDS:
        yield f"{shown!r} names a cause that no fact names"
    grounded = (
        (*brief.grounds, _SPEAKING) if brief.next_update and brief.next_update in sentence.text else brief.grounds
    )
    if _PROMISE.search(sentence.text) and _new(sentence.text, grounded) > NEW_WORDS:
        yield f"{shown!r} promises something that the brief does not"
    acts = _WE_ACT.search(sentence.text) and not _FEELS.search(sentence.text)
    if (acts or sentence.role == "action") and _new(sentence.text, (*grounded, _ASKING)) > NEW_WORDS:
        yield f"{shown!r} says that something is done or given of which the brief says nothing"
    if tongue := foreign(_ADDRESS.sub(" ", sentence.text)):
        yield f"{shown!r} is not in English ({tongue})"
    for offer in _OFFER.findall(sentence.text):
        if _stem(offer.casefold()) not in grounds.stems:
            yield f"{offer!r} offers or admits something that the brief does not"


def _headline(headline: str, brief: Brief, grounds: _Grounds) -> Iterator[str]:
    """What most people read of it, and nothing cites a fact for: held to the grounds more strictly than a sentence."""
    yield from _rests_on(Sentence(text=headline, role="headline"), brief, grounds)
    if _new(headline, (*brief.grounds, _HEADING)) > NEW_IN_FACTS:
        yield f"the headline {headline[:80]!r} says something that the brief does not"
    negated = any(_NEGATED.search(text) for text in brief.grounds)
    if _NEGATED.search(headline) and not negated and not regex.search(r"\bknow\b", headline, regex.IGNORECASE):
        yield f"the headline {headline[:80]!r} turns what the brief says into its contrary"


def _new(text: str, grounds: Iterable[str]) -> float:
    """The share of its content words that stand nowhere in the grounds; 0 when it has none."""
    held = {_stem(word.casefold()) for ground in grounds for word in _WORD.findall(ground)}
    content = [w for word in _WORD.findall(text) if (w := word.casefold()) not in _STOP]
    return sum(_stem(word) not in held for word in content) / len(content) if content else 0.0


def _runs(text: str) -> set[tuple[str, ...]]:
    words = [word.casefold() for word in _WORD.findall(text)]
    return {tuple(words[i : i + COPIED]) for i in range(len(words) - COPIED + 1)}


def _stem(word: str) -> str:
    """A word without its commonest endings, for comparing only."""
    word = str(regex.sub(r"['’]\p{L}+$", "", word))
    for ending in ("ations", "ation", "ating", "ing", "ied", "ies", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def _plain(number: str) -> str:
    return str(regex.sub(r"[\s,]|per\s?cent|percent", lambda m: "%" if "cent" in m.group() else "", number))


def _address(found: str) -> str:
    return found.rstrip(".,;:!?)]}'\"”’").casefold()
