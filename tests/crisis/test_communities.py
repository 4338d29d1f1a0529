"""Communities of texts: what is tied belongs together, whatever the sizes, and ids outlive the looks at all texts."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from crisis.communities import Ties, parted, within
from crisis.narratives import OTHER, Narratives
from crisis.small import Floats

PLACES = ["in Leeds", "at my office", "on platform two", "near the harbour", "at the school", "in our street"]
WHEN = ["today", "since Monday", "this evening", "for hours", "again", "all week", "right now"]


def said(*ways: str) -> list[str]:
    return [f"{way} {place} {when}" for when in WHEN for place in PLACES for way in ways]


def clique(first: int, size: int) -> Ties:
    members = range(first, first + size)
    return [{other: 1.0 for other in members if other != member} for member in members]


def ring(*sizes: int) -> Ties:
    """Cliques in a ring, each tied to the next by one tie."""
    firsts = [sum(sizes[:place]) for place in range(len(sizes))]
    found = [row for first, size in zip(firsts, sizes, strict=True) for row in clique(first, size)]
    for one, other in zip(firsts, firsts[1:] + firsts[:1], strict=True):
        found[one][other] = found[other][one] = 1.0
    return found


def placed(texts: list[str]) -> list[str]:
    found = Narratives(keep=len(texts) + 1)
    for text in texts:
        found.add(text)
    found.settle()
    return [found.narrative(text) for text in texts]


def test_cliques_with_one_tie_between_them_are_communities() -> None:
    assert parted(ring(5, 8, 6)).tolist() == [0] * 5 + [1] * 8 + [2] * 6


def test_a_text_without_ties_is_one_by_itself() -> None:
    assert parted([{}, {}, {}]).tolist() == [0, 1, 2]
    assert parted([]).tolist() == []


def test_small_matters_beside_a_very_large_one_are_told_apart() -> None:
    """Modularity alone joins the two small cliques (its resolution limit); inside their community they are two."""
    graph = ring(4, 4, 60)
    first = parted(graph)
    assert first[0] == first[4] != first[-1]
    found = within(graph, first)
    assert len(set(found[:4])) == len(set(found[4:8])) == 1
    assert found[0] != found[4] != found[-1]
    assert np.unique(found).tolist() == [0, 1, 2]


def test_many_matters_at_once_do_not_run_together() -> None:
    matters = [
        said("the ferry left without its passengers", "passengers stranded, ferry gone"),
        said("no vaccine appointments left", "vaccine centre turned us away without appointments"),
        said("library roof leaks onto the books", "books ruined, library roof leaking"),
        said("the marathon was rerouted through a swamp", "runners waded, marathon route flooded"),
        said("school lunches were mouldy", "mouldy sandwiches in every lunch box"),
        said("my parcel was thrown over the fence", "courier threw the parcel into a hedge"),
        said("tickets sold out to bots", "scalpers' bots bought all tickets"),
        said("the bridge sways in the wind", "bridge closed, it sways"),
    ]
    texts = [text for matter in matters for text in matter]
    ids = placed(texts)
    begins = [sum(len(m) for m in matters[:n]) for n in range(len(matters))]
    most = [max(set(own), key=own.count) for own in (ids[b : b + len(m)] for b, m in zip(begins, matters, strict=True))]
    assert len(set(most)) == len(matters)
    assert OTHER not in most


def test_a_small_complaint_stays_apart_from_one_that_nearly_everybody_makes() -> None:
    small = said("the lift is stuck between floors")[:20]
    large = [f"refund refused at counter {n % 9}, ticket number {n}, refund desk shut" for n in range(300)]
    ids = placed(small + large)
    assert len(set(ids[:20])) == 1
    assert not set(ids[:20]) & set(ids[20:])


def test_ids_of_the_first_posts_stay_when_a_file_grows() -> None:
    texts = said(
        "the ferry left without its passengers", "courier threw the parcel into a hedge", "bridge closed, it sways"
    )
    assert placed(texts)[:70] == placed(texts[:70])


def test_what_add_said_leads_to_what_the_post_is_in_now() -> None:
    found = Narratives()
    texts = said("the ferry left without its passengers", "courier threw the parcel into a hedge")
    began = [found.add(text) for text in texts]
    held = {n.id for n in found.all()}
    assert {found.now(id) for id in began if id != OTHER} <= held


def test_of_very_many_texts_those_not_looked_at_are_placed_with_their_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crisis.communities.LOOKED_AT", 100)
    texts = [f"{text} {number}" for number in range(6) for text in said("the ferry left early", "mouldy bread sold")]
    ids = placed(texts)
    assert len(set(texts)) == 504
    assert not set(ids[::2]) & set(ids[1::2])
    assert OTHER not in ids


def test_where_sentences_are_read_they_tell_claims_apart_that_no_word_does_and_each_is_read_once() -> None:
    read: Counter[str] = Counter()

    def reader(texts: Sequence[str]) -> Floats:
        read.update(texts)
        return np.eye(2, 4, dtype=np.float32)[[int(text.split()[1]) % 2 for text in texts]]

    found = Narratives(sentences=reader)
    texts = [f"no {n} blorp{n} zwick{n * 7}" for n in range(80)]
    for text in texts:
        found.add(text)
    found.settle()
    ids = [found.narrative(text) for text in texts]
    assert not set(ids[::2]) & set(ids[1::2])
    assert Counter(texts) == read
