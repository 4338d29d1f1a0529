"""Who may see an incident: naming more people hides it from nobody, and whoever has no name sees no restricted one."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from crisis.access import Restriction, may_see
from crisis.stakeholder import Stakeholder

AT = datetime(2026, 3, 1, tzinfo=UTC)
emails = st.sampled_from(["ana@example.com", "carl@example.com", "ida@example.com", "LENA@example.com"])
roles = st.sampled_from(["comms", "legal", "incident_lead", "viewer"])
watches = st.sampled_from(["acme", "other"])
people = st.builds(
    Stakeholder,
    name=st.just("X"),
    email=emails,
    roles=st.lists(roles, max_size=2).map(tuple),
    watches=st.lists(watches, max_size=2).map(tuple),
    watch_roles=st.dictionaries(watches, st.lists(roles, max_size=2).map(tuple), max_size=2),
)


def restricted(to: list[str], held: list[str]) -> Restriction:
    return Restriction(incident="INC-1", people=tuple(to), roles=tuple(held), by="ida@example.com", at=AT)


@given(people, st.lists(emails), st.lists(roles), emails, roles, watches)
def test_naming_more_people_or_roles_hides_it_from_nobody(person, to, held, more, role, watch):
    before = may_see(person, watch=watch, lead="", restriction=restricted(to, held))
    assert may_see(person, watch=watch, lead="", restriction=restricted([*to, more], [*held, role])) >= before


@given(people, st.lists(emails), st.lists(roles), watches)
def test_only_the_lead_the_named_and_those_with_a_named_role_there_see_it(person, to, held, watch):
    seen = may_see(person, watch=watch, lead="lead@example.com", restriction=restricted(to, held))
    named = person.email.casefold() in {email.casefold() for email in to}
    assert seen == (named or bool(set(held) & set(person.roles_on(watch))))
    assert may_see(person, watch=watch, lead=person.email.upper(), restriction=restricted([], []))
    assert not may_see(None, watch=watch, lead="", restriction=restricted(to, held))


@given(people, watches)
def test_what_is_not_restricted_is_hidden_only_from_viewers_of_other_watches(person, watch):
    other = "viewer" in person.roles and person.watches and watch not in {*person.watches, *person.watch_roles}
    assert may_see(person, watch=watch, lead="", restriction=None) is not bool(other)
    assert may_see(None, watch=watch, lead="", restriction=None)


@given(people, watches)
def test_roles_on_a_watch_are_ones_own_and_those_given_there(person, watch):
    assert set(person.on(watch).roles) == {*person.roles, *person.watch_roles.get(watch, ())}
