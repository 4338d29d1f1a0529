"""The timeline tells every record in plain words, and for reading tells neighbours as one."""

from datetime import UTC, datetime, timedelta

from crisis.delivery import Delivery, DeliveryClass, DeliveryState, Purpose, Receipt
from crisis.incident import Incident, IncidentState
from crisis.record import GENESIS, Record
from crisis.statement import Part, Rendering, Target
from crisis.telling import Known
from crisis.timeline import Side, in_short, tell
from crisis.triage import Assessment, Cluster, Strategy
from crisis.values import CrisisType, Severity

OPENED = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)
INCIDENT = Incident(
    id="INC-1",
    watch="acme",
    title="t",
    state=IncidentState.OPEN,
    opened_at=OPENED,
    started_at=OPENED - timedelta(minutes=9),
    assessment=Assessment(
        severity=Severity.SEV1,
        type=CrisisType.SERVICE_FAILURE,
        score=1,
        cluster=Cluster.ACCIDENTAL,
        strategy=Strategy.DIMINISH,
        assessed_at=OPENED,
    ),
)


def record(
    seq: int, kind: str, actor: str = "outbox", reason: str = "", incident: str = "INC-1", **data: object
) -> Record:
    at = OPENED + timedelta(seconds=seq)
    return Record(
        seq=seq,
        at=at,
        kind=kind,
        incident=incident,
        actor=actor,
        reason=reason,
        data=data,
        previous=GENESIS,
        hash=GENESIS,
    )


def delivery(name: str, purpose: Purpose = Purpose.STATEMENT, url: str = "") -> Delivery:
    return Delivery(
        id=name,
        incident="INC-1",
        purpose=purpose,
        statement="INC-1-S1",
        version=2,
        rendering=Rendering(target=Target(channel=name, kind="smtp"), parts=(Part(text="x", length=1, limit=9),)),
        delivery_class=DeliveryClass.NATIVE_KEY,
        state=DeliveryState.ACCEPTED,
        receipt=Receipt(id="1", url=url, accepted_at=OPENED),
        created_at=OPENED,
        updated_at=OPENED,
    )


def known(*deliveries: Delivery) -> Known:
    return Known(deliveries={d.id: d for d in deliveries}, people={"ana@example.com": "Ana Almeida"})


def test_records_are_told_in_plain_words_with_names_and_links() -> None:
    told = tell(
        INCIDENT,
        [
            record(1, "incident.opened", "detector", assessment={"severity": "SEV1"}),
            record(
                2, "decision.made", "ana@example.com", statement="INC-1-S1", version=2, verdict="approve", role="comms"
            ),
            record(3, "delivery.accepted", delivery="mastodon"),
            record(4, "delivery.unknown", delivery="mastodon", reason="no answer"),
        ],
        known(delivery("mastodon", url="https://social.example/1")),
    )
    assert [(e.who, e.what) for e in told] == [
        ("The public", "The first posts of the episode appeared"),
        ("Detector", "Incident opened as SEV1"),
        ("Ana Almeida", "Approved INC-1-S1 v2 for comms"),
        ("Outbox", "INC-1-S1 v2 accepted by mastodon"),
        ("Outbox", "INC-1-S1 v2 without a clear answer from mastodon"),
    ]
    assert told[3].link == "https://social.example/1"
    assert [e.side for e in told] == [Side.PUBLIC, Side.INSIDE, Side.INSIDE, Side.WORD, Side.TROUBLE]


def test_no_record_is_dropped_not_even_of_an_unknown_kind_or_with_odd_data() -> None:
    odd: list[object] = [None, 7, [], {"id": {}}, "x", {"assessment": 3}]
    records = [record(n, "weather.changed_again", weather=value) for n, value in enumerate(odd, start=1)]
    records += [record(20 + n, kind) for n, kind in enumerate(("fact.saved", "delivery.accepted", "incident.assessed"))]
    told = tell(INCIDENT, records, known())
    assert [e.seq for e in told] == [None, *(r.seq for r in records)]
    assert told[5].what == "Weather x: changed again"


def test_records_of_other_incidents_are_not_told() -> None:
    assert len(tell(INCIDENT, [record(1, "incident.opened", incident="INC-2")], known())) == 1


def test_neighbours_of_one_kind_are_told_as_one_and_details_left_out() -> None:
    names = [f"list-{n:02}" for n in range(12)]
    records = [record(2 * n + 1, "delivery.armed", delivery=name) for n, name in enumerate(names)]
    records += [record(2 * n + 2, "delivery.accepted", delivery=name) for n, name in enumerate(names)]
    told = in_short(tell(INCIDENT, records, known(*map(delivery, names))))
    assert [e.what for e in told[1:]] == [
        "INC-1-S1 v2 accepted by list-00, list-01, list-02, list-03, list-04 and 7 others"
    ]
    assert told[1].at == OPENED + timedelta(seconds=2)


def test_what_lies_far_apart_or_differs_stays_apart() -> None:
    pair = known(delivery("a"), delivery("b"))
    far = [record(1, "delivery.accepted", delivery="a"), record(900, "delivery.accepted", delivery="b")]
    assert len(in_short(tell(INCIDENT, far, pair))) == 3
    near = [record(1, "delivery.accepted", delivery="a"), record(9, "delivery.accepted", delivery="b")]
    assert in_short(tell(INCIDENT, near, pair))[1].what == "INC-1-S1 v2 accepted by a and b"
    unlike = [record(1, "delivery.accepted", delivery="a"), record(2, "delivery.refused", delivery="b")]
    assert len(in_short(tell(INCIDENT, unlike, pair))) == 3


def test_a_name_with_braces_is_a_name() -> None:
    people = Known(people={"a@x": "{0}{name}", "b@x": "Bo"})
    records = [record(n, "stakeholder.told", stakeholder=who) for n, who in ((1, "a@x"), (2, "b@x"))]
    assert in_short(tell(INCIDENT, records, people))[1].what == "{0}{name} and Bo told"


def test_notices_that_arrive_are_details_and_those_that_do_not_are_trouble() -> None:
    notice = known(delivery("email", Purpose.NOTICE))
    records = [record(1, "delivery.accepted", delivery="email"), record(2, "delivery.refused", delivery="email")]
    told = tell(INCIDENT, records, notice)
    assert (told[1].detail, told[1].side) == (True, Side.INSIDE)
    assert (told[2].detail, told[2].side, told[2].what) == (False, Side.TROUBLE, "Notice refused by email")
