"""What crisis communication knows, as tables with references: causes, responsibility clusters, strategies.

Three questions are answered here: what kind of crisis do the posts speak of (``guess_cause``), whose responsibility
is it usually taken for (``CAUSES``), and which posture follows (``choose_strategy``). Each answer carries its why.
Coombs' Situational Crisis Communication Theory (SCCT) is followed to the letter; evidence from posts is keywords
only, and where it does not clearly speak for one cause the answer is ``unknown``.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from ahocorasick_rs import AhoCorasick
from pydantic import Field

from crisis.folding import fold
from crisis.triage import Cluster, Strategy
from crisis.values import CrisisType, Frozen, Share

REFERENCES: dict[str, str] = {
    "coombs2007": "Coombs, W. T. (2007). Protecting organization reputations during a crisis: the development and "
    "application of Situational Crisis Communication Theory. Corporate Reputation Review 10(3), 163-176.",
    "coombs2002": "Coombs, W. T. and Holladay, S. J. (2002). Helping crisis managers protect reputational assets. "
    "Management Communication Quarterly 16(2), 165-186.",
    "benoit1997": "Benoit, W. L. (1997). Image repair discourse and crisis communication. Public Relations Review "
    "23(2), 177-186.",
    "herhausen2019": "Herhausen, D. et al. (2019). Detecting, preventing, and mitigating online firestorms in brand "
    "communities. Journal of Marketing 83(3), 1-21.",
    "lewicki2016": "Lewicki, R. J., Polin, B. and Lount, R. B. (2016). An exploration of the structure of effective "
    "apologies. Negotiation and Conflict Management Research 9(2), 177-196.",
    "cerc": "Centers for Disease Control and Prevention. Crisis and Emergency Risk Communication (CERC) manual.",
    "arpan2005": "Arpan, L. M. and Roskos-Ewoldsen, D. R. (2005). Stealing thunder. Public Relations Review 31(3), "
    "425-433.",
    "distaso2015": "DiStaso, M. W., Vafeiadis, M. and Amaral, C. (2015). Managing a health crisis on Facebook. Public "
    "Relations Review 41(2), 222-231.",
}
"""What the tables rest on."""

BAD_STANDING = 0.35
"""Standing reputation below which SCCT's "unfavourable prior reputation" is taken to hold."""


class Cause(Frozen):
    """One kind of crisis."""

    title: str
    cluster: Cluster
    """Responsibility the public usually attributes, unless evidence says otherwise."""
    why: str
    """Which crisis type of SCCT it is."""
    gravity: float = Field(ge=0)
    """Points of severity for the kind of harm (see ``crisis.severity``)."""
    signs: str
    """Words that speak for it, in several languages; ``*`` stands for any ending, ``_`` for a space."""
    references: tuple[str, ...] = ("coombs2007",)


V, A, P = Cluster.VICTIM, Cluster.ACCIDENTAL, Cluster.PREVENTABLE
T = CrisisType
CAUSES: dict[CrisisType, Cause] = {
    T.SAFETY_HARM: Cause(
        title="People harmed or at risk",
        cluster=P,
        why="people placed at risk or injured: SCCT's organizational misdeed or human-error accident",
        gravity=20,
        signs="fire fires flames burn burns burned burnt burning smoke smoking overheat* injur* hospital ambulance "
        "explod* explosion died death dead killed poison* toxic choking electrocut* shock_hazard hazard unsafe "
        "dangerous dangerously contaminated allergic bleeding safety scald* melted melting "
        "incendio quem* humo herid* peligr* explot* brand brannte rauch* überhitz* verletzt* gefährlich* verbrannt "
        "feu fumée brûl* surchauff* bless* dangereu* incendie 火事 発火 過熱 煙 やけど 危険 火傷",
        references=("coombs2007", "cerc"),
    ),
    T.DATA_BREACH: Cause(
        title="Personal data exposed or stolen",
        cluster=A,
        why="technical-error accident, or victim of a crime; preventable once neglect is shown",
        gravity=18,
        signs="breach breached hacked hackers leak leaked leaks leaking data_leak personal_data my_data privacy "
        "passwords identity_theft stolen_data credit_card_numbers phishing ransomware gdpr spying spied eavesdrop* "
        "tracking_me recordings filtración filtrad* datos_personales privacidad datenleck datenschutz gehackt "
        "fuite_de_données données_personnelles piraté* vie_privée 個人情報 漏洩 情報漏れ",
    ),
    T.SERVICE_FAILURE: Cause(
        title="A product or service fails",
        cluster=A,
        why="technical-error accident or technical-error product harm",
        gravity=6,
        signs="cancelled canceled cancellation* delay delays delayed outage down offline broken broke stopped_working "
        "not_working doesn't_work won't_work bricked crash crashes crashing error errors stuck stranded on_hold "
        "waiting refund refunds lost missing late firmware update_broke defective faulty malfunction* unusable recall "
        "waited wait_time rebook* missed_my lost_my hung_up disconnected no_answer get_through no_response glitch* frozen "
        "overcharged charged_twice double_charged never_arrived not_delivered wrong_order locked_out can't_log_in "
        "no_funciona averiad* roto avería retras* reembolso kaputt funktioniert_nicht ausfall defekt verspät* "
        "ne_marche_plus en_panne panne retard remboursement 壊れた 故障 動かない 返金",
    ),
    T.NEGATIVE_FEEDBACK: Cause(
        title="Complaints and bad reviews",
        cluster=A,
        why="challenge: stakeholders find fault with how things are done",
        gravity=2,
        signs="rude worst terrible awful horrible customer_service disappointed disappointing overpriced rip_off "
        "never_again poor_service bad_service unhelpful attitude complaint pathetic joke pésimo decepción "
        "enttäuscht schlecht* déçu* nul 最悪 がっかり",
    ),
    T.MISINFORMATION: Cause(
        title="A false claim spreads",
        cluster=V,
        why="rumour: SCCT's victim cluster",
        gravity=8,
        signs="rumor rumors rumour rumours hoax fake_news conspiracy cover-up cover_up covering_up covered_up "
        "apparently they_are_hiding hiding_it i_heard heard_that not_true debunked misinformation disinformation "
        "bulo gerücht* rumeur* デマ 噂",
    ),
    T.POORLY_WORDED_STATEMENT: Cause(
        title="A statement of ours that offends or misleads",
        cluster=P,
        why="human error that we alone control",
        gravity=5,
        signs="non-apology fake_apology statement apology tone_deaf press_release insult insulting wording "
        "their_response pr_speak disculpa comunicado entschuldigung stellungnahme excuses communiqué 謝罪 声明",
    ),
    T.INSENSITIVE_CAMPAIGN: Cause(
        title="An insensitive post or offensive campaign",
        cluster=P,
        why="organizational misdeed without injuries",
        gravity=10,
        signs="racist racism sexist sexism offensive offended insensitive homophobic transphobic commercial ad advert "
        "campaign advertisement stereotype* cultural_appropriation racista sexista ofensivo rassistisch sexistisch "
        "werbung raciste sexiste publicité 差別 炎上 広告",
    ),
    T.CONDUCT: Cause(
        title="Conduct of an executive or employee",
        cluster=P,
        why="organizational misdeed: management or staff misconduct",
        gravity=10,
        signs="ceo ceos cfo chairman chairwoman chief_executive executive executives founder fire_the_ceo fire_your_ceo "
        "fired resign resigns resignation harassment harassed bully bullying fraud bribe bribery "
        "corrupt* misconduct assault assaulted discriminat* arrested dragged acoso dimisión fraude belästigung "
        "rücktritt betrug harcèlement démission セクハラ パワハラ 社長 辞任",
    ),
    T.OUTSIDE_EVENT: Cause(
        title="An outside event",
        cluster=V,
        why="natural disaster or attack from outside: SCCT's victim cluster",
        gravity=6,
        signs="earthquake flood flooding hurricane tornado storm snowstorm blizzard snow ice weather wildfire tsunami "
        "pandemic war terror* attack terremoto inundación tormenta nieve erdbeben hochwasser sturm schnee séisme "
        "inondation tempête neige 地震 台風 津波 洪水 大雪",
    ),
    T.UNKNOWN: Cause(
        title="Not clear yet",
        cluster=A,
        why="no evidence yet; accidental until there is some, so that neither blame nor innocence is presumed",
        gravity=3,
        signs="",
    ),
}
"""Every kind of crisis, most harmful first."""

GRAVE = (T.SAFETY_HARM, T.DATA_BREACH)
"""Causes that lead from half the evidence of the most frequent one on: missing them costs most."""
LEAST_TEXTS, LEAST_SHARE, MARGIN = 5, 0.08, 1.25
"""Evidence below which a cause stays unknown: texts for it, their share, the lead over the next."""


_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_POSSESSIVE = re.compile(r"['’]s$")
_UNSPACED = re.compile(r"[\u3040-\u9fff]")


class Guess(Frozen):
    """Which cause the posts speak of."""

    type: CrisisType
    share: Share
    """Share of the texts that speak for it."""
    says: str
    """The evidence in words."""
    evidence: dict[CrisisType, int] = Field(default_factory=dict)
    """Texts that speak for each cause."""


class _Signs:
    """The signs of all causes, made ready: whole words in one table, beginnings and phrases in one automaton beside it."""

    def __init__(self) -> None:
        self.words: dict[str, set[CrisisType]] = {}
        self._parts: list[tuple[str, CrisisType]] = []
        """What is looked for in the words of a text, one space before each and one behind the last."""
        for kind, cause in CAUSES.items():
            for sign in fold(cause.signs).split():
                if sign.endswith("*"):
                    self._parts.append((f" {sign[:-1]}", kind))
                elif "_" in sign or not _WORD.fullmatch(sign) or _UNSPACED.match(sign):
                    spaced = "_" in sign
                    self._parts.append((f" {sign.replace('_', ' ')} " if spaced else sign, kind))
                else:
                    self.words.setdefault(sign, set()).add(kind)
        self._scan = AhoCorasick([part for part, _ in self._parts]).find_matches_as_indexes

    def weigh(self, text: str) -> dict[CrisisType, int]:
        """The causes that ``text`` (folded) speaks for, with how many different signs."""
        words = _WORD.findall(text)
        if "'s" in text or "’s" in text:
            words = [_POSSESSIVE.sub("", word) for word in words]
        line = f" {' '.join(words)} "
        hits = [kind for word in self.words.keys() & words for kind in self.words[word]]
        if parts := self._scan(line, overlapping=True):
            hits += [self._parts[part][1] for part in {part for part, _, _ in parts}]
        return {kind: hits.count(kind) for kind in hits}


_signs = lru_cache(maxsize=1)(_Signs)


@lru_cache(maxsize=8192)
def _spoken_of(text: str) -> tuple[CrisisType, ...]:
    """The causes that one text speaks for: an episode is looked at again and again."""
    return tuple(_signs().weigh(fold(text)))


def guess_cause(texts: Iterable[str]) -> Guess:
    """The cause that ``texts`` (distinct, of hostile posts) speak of, or ``unknown`` where the evidence is thin."""
    found: dict[CrisisType, int] = {}
    total = 0
    for text in texts:
        total += 1
        for kind in _spoken_of(text[:1000]):
            found[kind] = found.get(kind, 0) + 1
    ranked = sorted(found, key=lambda kind: (-found[kind], list(CAUSES).index(kind)))
    for kind in GRAVE:
        if kind in found and found[kind] >= 0.5 * found[ranked[0]] and _clear(found[kind], total):
            return _guess(kind, found, total)
    if not ranked or not _clear(found[ranked[0]], total):
        says = f"too few of {total} texts speak for any one cause"
        return Guess(type=T.UNKNOWN, share=0.0, says=says, evidence=found)
    if len(ranked) > 1 and found[ranked[0]] < MARGIN * found[ranked[1]]:
        says = f"{found[ranked[0]]} texts speak for {_plain(ranked[0])}, {found[ranked[1]]} for {_plain(ranked[1])}"
        return Guess(type=T.UNKNOWN, share=0.0, says=says + ": too close to call", evidence=found)
    return _guess(ranked[0], found, total)


def cause_of(text: str) -> CrisisType:
    """The cause that one hostile post speaks of; ``unknown`` where it names none, or two alike.

    Finding fault in general gives way to anything more specific. What is decided about a crisis rests on many posts:
    ``guess_cause``.
    """
    found = _signs().weigh(fold(text[:1000]))
    if len(found) > 1:
        found.pop(T.NEGATIVE_FEEDBACK, None)
    ranked = sorted(found, key=lambda kind: -found[kind])
    if not ranked or (len(ranked) > 1 and found[ranked[0]] == found[ranked[1]]):
        return T.UNKNOWN
    return ranked[0]


def _clear(count: int, total: int) -> bool:
    return count >= LEAST_TEXTS and count >= LEAST_SHARE * total


def _plain(kind: CrisisType) -> str:
    return kind.value.replace("_", " ")


def _guess(kind: CrisisType, found: dict[CrisisType, int], total: int) -> Guess:
    says = f"{found[kind]} of {total} texts speak of {_plain(kind)}"
    return Guess(type=kind, share=found[kind] / total, says=says, evidence=found)


class Choice(Frozen):
    """A posture, and why."""

    strategy: Strategy
    why: str
    references: tuple[str, ...] = ("coombs2007",)


def choose_strategy(
    cluster: Cluster, crisis_type: CrisisType, *, past_crises: int = 0, standing: float = 0.5
) -> Choice:
    """SCCT's posture for a cluster, cause, crisis history and standing reputation.

    Instructing and adjusting information come first under every strategy; ``INSTRUCT`` means that they are enough.
    Bolstering (reminding of past good works) may be added to any of them and is never one of its own.
    """
    history = past_crises > 0
    burden = (
        f"{past_crises} similar {'crisis' if past_crises == 1 else 'crises'} before"
        if history
        else f"a standing of {standing:.2f}, below {BAD_STANDING}"
    )
    bad = history or standing < BAD_STANDING
    if cluster is V and crisis_type is T.MISINFORMATION:
        return Choice(strategy=Strategy.DENY, why="a rumour without ground is denied, with evidence (SCCT rule 6)")
    if cluster is V and bad:
        why = f"victim cluster, but {burden}: blame grows, so diminish (SCCT rule 3)"
        return Choice(strategy=Strategy.DIMINISH, why=why, references=("coombs2007", "coombs2002"))
    if cluster is V:
        why = "victim cluster without a history: instructing and adjusting information are enough (SCCT rules 1 and 2)"
        return Choice(strategy=Strategy.INSTRUCT, why=why, references=("coombs2007", "coombs2002"))
    if cluster is A and bad:
        why = f"accidental cluster with {burden}: treated as preventable, so rebuild (SCCT rule 5)"
        return Choice(strategy=Strategy.REBUILD, why=why, references=("coombs2007", "coombs2002", "lewicki2016"))
    if cluster is A:
        why = "accidental cluster, no crisis history and no bad standing: diminish (SCCT rule 4)"
        return Choice(strategy=Strategy.DIMINISH, why=why)
    why = "preventable cluster: rebuild, whatever the history (SCCT rule 5)"
    return Choice(strategy=Strategy.REBUILD, why=why, references=("coombs2007", "lewicki2016"))
