"""Wording that makes a crisis worse: each rule with its phrases, its reason, its fix and the source it comes from.

These are warnings: a writer may know better. The phrases are English and are tuned on the statements under
``tests/crisis/statements`` so that no rule fires on more than a tenth of the good ones.
"""

from typing import Any

from crisis.parts import TIME
from crisis.phrases import alternatives, phrases
from crisis.values import Frozen, StatementKind

_LISTS = {
    "time": TIME,
    "sorry": r"(?:sorry|apologi[sz]e|apolog(?:y|ies)|regret|regrettable)",
    "people": alternatives(r"""
        (you|anyone|anybody|someone|some|people|customers|users|they|others|those|some of you|any of you)
        (any |some |our )(\w+ )?(people|customers|users|viewers|readers|guests|fans|passengers|community|communities)
    """),
    "others": alternatives(r"""
        (third[- ]part(y|ies)|suppliers?|vendors?|contractors?|partners?|providers?|subcontractors?)
        (agency|agencies|franchisees?|dealers?|resellers?)
        (user|customer|human|operator|individual) error
        (the )?(media|press|weather|regulators?|hackers|activists|competitors?|trolls|critics)
    """),
    "should": r"(?:should|could|ought\s+to)\s+have\s+(?!been|had|heard)",
    "because": r"(?:due to|because of|caused by|the fault of|result of|blame\w*|lies? with|originated with)",
    "few": r"(?:few|small|tiny|handful|limited|minority|very small|relatively small)",
}


class Wording(Frozen):
    """One rule about phrases."""

    rule: str
    phrases: Any
    says: str
    fix: str
    reference: str
    excused_by: Any = None
    """A sentence that also says this is let off."""
    only: tuple[StatementKind, ...] = ()
    """Kinds it applies to; empty means all."""


def _lexicon(text: str) -> Any:
    return phrases(text, **_LISTS)


WORDINGS: tuple[Wording, ...] = (
    Wording(
        rule="conditional-apology",
        phrases=_lexicon(r"""
            <sorry>…if <people>
            if <people>…(offended|hurt|upset|inconvenienced|affected|disappointed|misled)…<sorry>
            <sorry>…<people> (feel|felt|took|were offended|was offended|found it)
            <sorry>…(that|who|which) (may|might|could) have \w+
            <sorry>…any(one|body)( \w+)? who
            <sorry>…if (it|this|that|they|the \w+) (seems?|seemed|was|were|came across|caused|offended|upset|hurt)
            if (any|some) \w+…(felt|feel|was|were|found|took)…<sorry>
            any (offen[cs]e|inconvenience|confusion|upset|hurt|distress|misunderstanding)…(may|might|could|caused|taken)
            any (offen[cs]e|inconvenience|confusion|upset|hurt|distress|misunderstanding) (this|it|that|we)
            <sorry> (for|about) any (\w+ )?(offen[cs]e|inconvenience|confusion|upset|hurt|distress)
        """),
        says="An apology with an “if” doubts that anybody was hurt, and reads as no apology.",
        fix="Say what you did and to whom, without “if” or “any”: “We are sorry that we left 200 of you waiting.”",
        reference="Lazare 2004, On Apology; Benoit 1995 (mortification)",
    ),
    Wording(
        rule="minimising",
        phrases=_lexicon(r"""
            (only|just|merely) (affect\w*|impact\w*|an? <few>|a few|one of|some|about|around|\d[\d.,]*)
            an? <few> (number|fraction|percentage|proportion|group|minority|subset|part|share|handful|portion) of
            (a few|a handful of) (\w+ )?(customers|users|people|guests|passengers|accounts|cases|complaints)
            (an )?isolated (incident|case|event|issue)s?
            (a )?minor (issue|glitch|incident|problem|inconvenience|error|delay|technical \w+|disruption)s?
            (a )?(technical |slight |small |little )?(glitch|hiccup|blip|snag)(es|s)?
            blown out of (all )?proportion
            (it|this|that) (is|was|were)( only| just| merely)+
            (only|just|merely) (an? )?(\w+ )?(<few>|joke|remark|word|tweet|post|comment|moment|formality|precaution)s?
            (only|just|merely) (minor|slight|small|tiny|limited|temporary|isolated)
            an? <few> amount of
            (very|extremely|comparatively) (small|low|rare|few|limited)
            teething (problem|trouble|issue)s?
            (overreact\w*|overblown|exaggerat\w*|no big deal|not a big deal|hysteria|storm in a teacup)
            (vast|overwhelming) majority (of|were|are|was)
            (some|a little|minor|slight|temporary) inconvenience
        """),
        says="This makes the harm small. To whoever was harmed it is not, and they are the ones who read it.",
        fix="Give the number, or say that you do not know it yet; leave out “only”, “small”, “minor”, “isolated”.",
        reference="Benoit 1995 (minimisation); SCCT: diminish needs evidence (Coombs 2007)",
    ),
    Wording(
        rule="blame-shifting",
        phrases=_lexicon(r"""
            <because> (an? |our |the |one of our )?(\w+ ){0,2}?<others>
            (taken|took|quoted) (\w+ )?out of context
            (misinterpreted|misconstrued|misunderstood|misread|misrepresented|twisted)
            (you|he|she|they|(the )?(customer|user|passenger|guest|driver|owner|patient|rider|member|people)s?) <should>\w+
            (you|customers|users|people|passengers|he|she|they) (failed|refused|neglected|chose) to
            because (you|users|customers|people|passengers) (did|do|were|are|had|have|used|reused|chose|failed|ignored)
            (customers|users|people|they) who (reused|ignored|failed|misused|did not follow|refused)
            (a|one|the) (rogue|single|junior|former|disgruntled) (employee|member|individual|contractor)
            (a few )?bad apples
            not (our|the company's) (fault|responsibility|problem|doing)
            (is|are|was|were) (entirely |solely |partly |largely )?(to blame|at fault)(?! for our)
            the fault (of|lies)
            (responsible|to blame|at fault), not (us|our \w+)
            (let|failed) us( down)?
            (brought|bring) (this|it|these \w+) (up)?on (themselves|yourself|yourselves|himself|herself)
            (their|your|his|her) own (fault|doing|making)
            (careless|negligent|reckless)\w* (users?|customers?|drivers?|vendors?|suppliers?|contractors?)
            (users?|customers?|drivers?|passengers?|people|players?|vendors?) (\w+ly )?(failed|misread)
            (users?|customers?|drivers?|passengers?|people|players?|vendors?) (negligently|carelessly)
            (users?|customers?|players?|people|readers?|you) (need|have|ought) to understand
            act of god
            (nothing to do with|beyond our control|outside (of )?our control|out of our hands)
            holding (\w+ ){0,2}wrong
            (disruptive|belligerent|so-called|self-appointed)
        """),
        says="This puts the blame on somebody else, which reads as evading responsibility.",
        fix="Say what you do about it, whoever caused it; name a supplier only as a confirmed fact.",
        reference="Benoit 1995 (evading responsibility); Coombs 2007 (SCCT)",
    ),
    Wording(
        rule="speculation",
        phrases=_lexicon(r"""
            (we|I) (think|suspect|assume|guess|imagine|presume|suppose|speculate)
            (we|I) (strongly |currently |now |have reason to )?believe (that|this|the|it|they|there|no|all|our|an?)
            (it )?(seems|appears) (to|that|as|likely)
            (probably|presumably|apparently|supposedly|in all likelihood|most likely|very likely|possibly)
            likely (caused|due|the result|because|to have been|that|an?)
            (may|might|could|must) (well )?have been (caused|due|the result|triggered|an?|sabotage|hack\w*)
            (our )?(best guess|working theory|hunch|initial theory)
        """),
        excused_by=_lexicon(r"""
            (do not|don't|cannot|can't|will not|won't) (\w+ )?(know|speculate|guess|say)
            (investigating|checking|finding out|asking) (whether|if)
            not (yet )?(know|confirmed)
        """),
        says="This guesses. A guess that turns out wrong costs the credibility of everything else.",
        fix="Say what is confirmed, what is not known, and how you are finding out.",
        reference="CDC CERC manual 2018 (be right; do not speculate)",
    ),
    Wording(
        rule="promised-repair-time",
        phrases=_lexicon(
            r"""
            (will|should|shall|to|'ll) (be |have (it |this |everything )?)?(fully )?<repaired>…<time>
            (expect|anticipate|hope|aim|plan|promise|guarantee|intend)\w*…<repaired>…<time>
            <repaired> ((by|before|around|at) )?<time>
            (fix|restore|resolve|repair|solve)…(by|within|before|in) (<time>|no time)
            (back (online|up|to normal)|up and running|working again|fully operational)…(by|within|in|before) <time>
            (shortly|very soon|in no time|any minute)…<repaired>
            (be |will |have )?(fully )?<repaired> (very )?(soon|shortly|imminently|in no time|momentarily|any minute)
        """.replace(
                "<repaired>",
                r"(fixed|restored|resolved|repaired|solved|back (online|up|to normal|in service)|"
                r"up and running|working again|operational|rectified|available again)",
            )
        ),
        excused_by=_lexicon(r"""
            (cannot|can't|do not|don't|will not|won't|not yet) (\w+ ){0,3}(say|know|promise|give|estimate)
            (was|were|is|are|has been|have been) (now |fully )?(fixed|restored|resolved|repaired)
        """),
        says="This promises when it will be repaired. Missing that time hurts more than not having named it.",
        fix="Promise the time of the next update instead: “Next update by 15:00 UTC.”",
        reference="CERC 2018; DESIGN §5 (every statement promises the next one, not the repair)",
    ),
    Wording(
        rule="early-compensation",
        phrases=_lexicon(r"""
            (refund|compensat|reimburs|voucher|gift card)\w*
            (goodwill|loyalty) (gesture|payment|credit|points)
            (account |store |service |bill )credits?
            (free|complimentary) (months?|weeks?|years?|tickets?|meals?|nights?|coffees?|products?)
            (discount|money back|money-back|cash back)\w*
            \d+ ?(%|per ?cent) off
        """),
        excused_by=_lexicon(r"""
            (return|bring|take|send) (it|them|the \w+|any)
            (receipt|recall\w*|till|unused|cancelled|rebook\w*)
        """),
        only=(StatementKind.HOLDING,),
        says="Compensation offered in public this early draws more complaints, and looks like buying silence.",
        fix="Say first that you know and care; offer compensation later, and to the people concerned.",
        reference="Herhausen et al. 2019, Journal of Marketing 83(3)",
    ),
    Wording(
        rule="hidden-actor",
        phrases=_lexicon(r"""
            (mistakes|errors|failures|lapses|failings|decisions|oversights) (were|have been|had been) (made|identified)
            (a |an )(mistake|error|failure|lapse|decision|oversight) (was|has been|had been) made
            (mistakes|errors|failings|lapses) (occurred|happened)
            it (was|has been|is) (decided|felt|deemed|determined|considered|believed|agreed|regretted|acknowledged)
            (was|were|has been|have been) (mishandled|overlooked|not followed|ignored|mismanaged|not up to standard)
            (steps|measures|actions|action|precautions) (are|have|were|will|has|is) (be |been |being )?(being )?taken
            (is|are) being (investigated|looked into|reviewed|addressed|dealt with|handled|examined|rectified|taken)
            (lessons|learnings) (will be|have been|are being|must be) (learned|learnt|taken)
            (regret|apologies|regrets) (is|are) (expressed|offered|extended)
            (was|were) (published|posted|sent|released|approved) in error
        """),
        excused_by=_lexicon(
            r"by (us|our|the (company|police|authorit\w+|regulator)|an independent|independent|[A-Z]\w+)"
        ),
        says="The passive hides who did it or who is doing something about it.",
        fix="Name the actor: “We made mistakes”, “Our safety team is investigating”.",
        reference="Benoit 1995; CERC 2018 (be credible)",
    ),
    Wording(
        rule="jargon",
        phrases=_lexicon(r"""
            (leverage|leveraging|synerg\w+|bandwidth|learnings|optics|actionable|granular\w*|holistic\w*|operationali[sz]\w+)
            (going|moving) forward
            (utili[sz]e\w*|utili[sz]ing|facilitat\w+|endeavou?r\w*|remediat\w+|mitigat\w+|impactful|optimi[sz]\w+)
            (stakeholders?|deliverables?|touchpoints?|paradigm|ecosystem)
            (best[- ]in[- ]class|world[- ]class|state[- ]of[- ]the[- ]art)
            (degraded performance|elevated (error|latency|levels)\w*( \w+)?|latency|failover|throughput)
            (threat actors?|exfiltrat\w+|attack vectors?|lateral movement|indicators of compromise|TTPs)
            (sub-?optimal|non-?compliance|de-?risk\w*|right-?siz\w+|circle back|touch base|deep dive|core competenc\w+)
            (aforementioned|hereby|herewith|pursuant to|heretofore|notwithstanding)
            (without prejudice|force majeure|inter alia)
            (P0|P1|SEV-?\d|RCA|SLA|SLO|KPI|KPIs|SOP|BGP|DNS|HTTP|5xx|4xx|OTA update|CDN)
            (re-?accommodat\w+|involuntary denied boarding|rapid unscheduled|unplanned downtime|service degradation)
        """),
        says="This is a word of the trade: people under stress read it as hiding something.",
        fix="Say it as you would to a neighbour.",
        reference="CERC 2018 (plain language); plainlanguage.gov",
    ),
    Wording(
        rule="admission-without-legal",
        phrases=_lexicon(r"""
            (our|my) (own )?(fault|negligence|liability|guilt|wrongdoing|responsibility|failure|failures|failings)
            (we|I) (are|were|was|am|'re) (\w+ )?(negligent|liable|at fault|to blame|guilty|responsible for)
            (we|I) (\w+ )?(accept|take|assume|bear|admit) (\w+ )?(responsibility|liability|blame|the blame|fault|guilt)
            (we|I) (\w+ )?(caused|violated|breached|broke (the|our) (rules|law)|acted illegally|covered up)
            (we|I) admit
        """),
        says="This admits responsibility in words a court will quote, and legal has not signed it off.",
        fix="Ask legal to approve it, as it should probably stay: accepting responsibility is what works best.",
        reference="Lewicki et al. 2016; Patel & Reinsch 2003 (apologies and liability)",
    ),
)
"""Every phrase rule, in the order it is checked."""

HOLLOW = _lexicon(r"""
    (take|takes|took|taking)( \w+){1,8}? (very |extremely |incredibly |so |most )?seriously
    (is|are|remains?|has always been) (our|the) (\w+ )?(number one|first|top|highest|utmost|absolute) (priority|concern)
    of (the )?(paramount|utmost|highest|greatest) (importance|priority|concern)
    we pride ourselves
    at the (very )?heart of (everything|all|what) we do
    (core|crucial|central|key|fundamental) values? (of|to|for|at) (us|our|the)
    (is|are|remains?|was|were) (always |and always has been )?(our|the) (first|top|number one) (\w+ )?priority
    (committed to|value) (\w+ ){0,3}(customers|safety|privacy|trust|quality|excellence|community)
    (highest|strictest|rigorous) standards
""")
"""Assurances that say nothing by themselves."""
