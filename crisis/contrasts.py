"""What makes two questions different however alike they sound: another number, day, place, thing, or the negation.

"Are you open on Monday" and "are you open on Tuesday" are near in every vector, and so are "is my money safe" and "is my data
safe"; whoever merges them answers one and hides the other. Two wordings contrast where each names something of a kind
that the other does not: a wording that names none fits all. Lower-case places are known from a list, others by their
capital letter. English only, but for numbers. Pure.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_FAMILIES: dict[str, str] = {
    "day": "monday|tuesday|wednesday|thursday|friday|saturday|sunday|weekend|tomorrow|yesterday|today=tonight"
    "|christmas|easter|january|february|april|june|july|august|september|october|november|december",
    "thing": "money=savings,balance,balances,funds,cash,deposit,deposits|data=details,information,info|card=cards"
    "|password=passwords,passcode,pin|address=addresses|photos=pictures,photo,picture|passport=passports",
    "role": "ceo|cfo|cto|coo|chairman=chairwoman,chair|founder=founders|minister|mayor",
    "device": "android|iphone=ios,ipad|windows|mac|desktop=laptop,pc",
    "compass": "north=northern|south=southern|east=eastern|west=western",
    "before": "before|after",
    "way": "arrival=arrivals,arriving,arrive|departure=departures,departing,depart",
    "flow": "deposit|withdraw=withdrawal,withdrawals,withdrawing",
    "trade": "buy=buying,bought|sell=selling,sold",
    "age": "child=children,kid,kids,son,daughter,baby,babies,newborn,infant|adult=adults",
    "pet": "dog=dogs,puppy|cat=cats,kitten",
    "drink": "drink=drinking|shower=showering,bath,bathe,bathing,wash,washing",
    "hour": "morning=mornings|afternoon=afternoons|evening=evenings|night=nights",
    "number": "2=two|3=three|4=four|5=five|6=six|7=seven|8=eight|9=nine|10=ten|11=eleven|12=twelve|20=twenty|100=hundred"
    "|1000=thousand",
}
"""Words of one kind that exclude each other, each with those that mean the same."""
_PLACES = """
    afghanistan albania algeria argentina australia austria bangladesh belgium bolivia brazil bulgaria canada chile china
    colombia croatia cuba cyprus czechia denmark ecuador egypt england estonia ethiopia europe finland france germany ghana
    greece hungary iceland india indonesia iran iraq ireland israel italy jamaica japan kenya latvia lebanon lithuania
    luxembourg malaysia malta mexico morocco netherlands nigeria norway pakistan peru philippines poland portugal romania
    russia scotland serbia singapore slovakia slovenia spain sweden switzerland taiwan thailand tunisia turkey uk ukraine usa
    uruguay venezuela vietnam wales alabama alaska arizona arkansas california colorado connecticut delaware florida hawaii
    idaho illinois indiana iowa kansas kentucky louisiana maine maryland massachusetts michigan minnesota mississippi
    missouri montana nebraska nevada ohio oklahoma oregon pennsylvania tennessee texas utah vermont virginia wisconsin
    wyoming aberdeen amsterdam antwerp athens atlanta auckland austin baltimore bangkok barcelona belfast berlin birmingham
    bordeaux boston brighton brisbane bristol brussels bucharest budapest cairo calgary cambridge cardiff charlotte chicago
    cleveland cologne copenhagen coventry dallas delhi denver derby detroit dubai dublin edinburgh exeter frankfurt geneva
    glasgow hamburg helsinki houston hull istanbul jakarta johannesburg karachi lagos leeds leicester lisbon liverpool london
    lyon madrid manchester marseille melbourne memphis miami milan milwaukee minneapolis montreal moscow mumbai munich
    nairobi naples nashville newcastle norwich nottingham orlando osaka oslo ottawa oxford paris perth philadelphia phoenix
    pittsburgh plymouth porto portland prague rome rotterdam sacramento seattle seoul shanghai sheffield southampton
    stockholm stuttgart swansea sydney tampa tokyo toronto turin valencia vancouver venice vienna warsaw york zurich
    """
_MEANT_FOR_ALL = """
    i ok okay god jesus christ please sorry thanks thank hello hi hey dear sir madam mr mrs ms dr team support faq eta asap
    app internet twitter facebook instagram tiktok x january may march
    """
_ORDINARY = frozenset(_MEANT_FOR_ALL.split())
"""Words with a capital letter that name nothing."""
_KIND: dict[str, tuple[str, str]] = {word: ("name", word) for word in _PLACES.split()}
for _kind, _members in _FAMILIES.items():
    for _member in _members.split("|"):
        _head, _, _others = _member.partition("=")
        _KIND |= dict.fromkeys([_head, *filter(None, _others.split(","))], (_kind, _head))

_WORD = re.compile(r"[^\W_]+(?:[’'.,:][^\W_]+)*")
_NUMBER = re.compile(r"\d")
_NOT = re.compile(r"\b(?:not|never|cannot|cant|wont|dont|isnt|arent|doesnt|didnt|no longer|\w+n['’]t)\b", re.IGNORECASE)
_NO_NEGATION = re.compile(
    r"\b(?:or|if|why) not\b"
    r"|^\W*(?:(?:so|and|but|ok|hey|hi|please|sorry)\W+)*(?:is|are|was|were|do|does|did|ca|could|wo|would|should|have|has)n['’]?t\b"
    r"|(?<=\w)\W+(?:if|because|since|while|whose|who|that|when|so)\b.*|^[^?]*:\s|,\s+(?:i|we|you|he|she|they|it)\b.*",
    re.IGNORECASE | re.DOTALL,
)
"""What is left out of account: "or not", "isn't there a refund", and what stands in a clause behind."""
_WITH = re.compile(r"\b(with|without)\s+(\w+)", re.IGNORECASE)
_BACK = re.compile(r"\bmoney(?= (?:back|returned|refunded)\b)", re.IGNORECASE)
"""Asked back, it is a refund and not a thing at risk."""


class Named(NamedTuple):
    """What a wording names that another may contrast with."""

    things: frozenset[tuple[str, str]]
    """Kind and what: ``("day", "monday")``."""
    negated: bool

    def of(self, kind: str) -> frozenset[str]:
        """What it names of one kind."""
        return frozenset(what for held, what in self.things if held == kind)


def named_in(text: str) -> Named:
    """The numbers, days, places, names and things of ``text``, and whether it is negated."""
    found = set(_things(_BACK.sub(" ", text)))
    found |= {(f"with {thing.lower()}", word.lower()) for word, thing in _WITH.findall(text)}
    return Named(frozenset(found), bool(_NOT.search(_NO_NEGATION.sub(" ", text))))


def _things(text: str) -> Iterator[tuple[str, str]]:
    words = [(match.start(), match[0]) for match in _WORD.finditer(text)]
    capital = sum(word[0].isupper() for _, word in words[1:]) * 2 < len(words)  # else it is a headline, or shouted
    for at, word in words:
        low = word.lower().replace("’", "'").removesuffix("'s")
        if low in _KIND or low.removesuffix("s") in _KIND:
            yield _KIND.get(low) or _KIND[low.removesuffix("s")]
        elif _NUMBER.search(low):
            yield "number", low.replace(",", "")
        elif (
            capital
            and at
            and word[0].isupper()
            and word[1:].isalpha()
            and word[1:].islower()
            and low not in _ORDINARY
            and _inside(text, at)
        ):
            yield "name", low


def _inside(text: str, at: int) -> bool:
    """The word does not begin a sentence."""
    before = text[:at].rstrip(" \"'“”‘’([")
    return bool(before) and before[-1] not in ".!?:;…-–—"


def contrast(one: Named, other: Named, beside: frozenset[str] = frozenset()) -> bool:
    """The two ask different things: each names what the other does not, or one is negated. ``beside``: names that tell
    nothing apart, such as the brand's."""
    if one.negated != other.negated:
        return True
    if not one.things or not other.things:
        return False
    mine, theirs = one.things - other.things, other.things - one.things
    mine_kinds = {kind for kind, what in mine if what not in beside}
    return any(kind in mine_kinds and what not in beside for kind, what in theirs)
