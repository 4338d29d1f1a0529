"""All watches at once: one automaton over what their queries need, so that a post costs one scan however many there are.

A post is folded once and scanned once for the literals that any query needs (Aho-Corasick); queries that need only a
field (``author:``, ``lang:``, ``source:``) are found by the field's value. Only those whose need is met are evaluated,
so the answer is always that of ``Query.matches``. ``may_match`` turns an undecoded JSON line away by one scan of its
bytes; it never turns away a post that matches.
"""

from collections.abc import Callable, Mapping

from ahocorasick_rs import AhoCorasick, Implementation

from crisis.folding import MARK, views
from crisis.query import Query
from crisis.terms import Need, Post, Posted, field_of
from crisis.undecoded import LARGEST, glance


class _Scan:
    """Which of many literals a text holds, and whose they are."""

    def __init__(self, owners: Mapping[str, tuple[int, ...]]) -> None:
        self._owners = list(owners.values())
        kind = Implementation.DFA if sum(map(len, owners)) <= LARGEST else Implementation.ContiguousNFA
        self._automaton = AhoCorasick(list(owners), implementation=kind) if owners else None

    def of(self, text: str) -> set[int]:
        if self._automaton is None:
            return set()
        found = self._automaton.find_matches_as_indexes(text, overlapping=True)
        return {owner for hit in found for owner in self._owners[hit[0]]} if found else set()


class Matcher:
    """Queries by name, compiled together.

    ``text_key`` names the JSON key under which the lines given to ``may_match`` hold a post's text: what stands before it is
    then not scanned. Without it the whole line is.
    """

    def __init__(self, queries: Mapping[str, Query], *, text_key: str = "") -> None:
        self.names = tuple(queries)
        self._roots = [query.root for query in queries.values()]
        self._always = frozenset(i for i, query in enumerate(queries.values()) if not query.needs)
        owners: dict[Need, list[int]] = {}
        for index, query in enumerate(queries.values()):
            for need in query.needs:
                owners.setdefault(need, []).append(index)
        self._text = _Scan({need.what: tuple(who) for need, who in owners.items() if not need.where})
        self._exact = {(n.where, n.what): tuple(who) for n, who in owners.items() if n.where and n.whole}
        self._parts = {
            name: _Scan({n.what: tuple(who) for n, who in owners.items() if n.where == name and not n.whole})
            for name in dict.fromkeys(need.where for need in owners)
            if name
        }
        self.may_match: Callable[[bytes], bool] = glance(owners, text_key) if not self._always else lambda line: True
        """Could a post match whose JSON, in UTF-8, is ``line``? False is certain; true asks for a closer look.

        The post's text and author must stand in the line as JSON strings, whatever else does.
        """

    def _by_fields(self, post: Posted) -> set[int]:
        found = set()
        for name, scan in self._parts.items():
            value = field_of(post, name)
            found |= scan.of(value)
            found.update(self._exact.get((name, value), ()))
            while name == "lang" and "-" in value:
                value = value.rpartition("-")[0]
                found.update(self._exact.get((name, value), ()))
        return found

    def matches(self, post: Posted) -> list[str]:
        """Names of the queries that ``post`` matches, in the order in which they were given."""
        folded = views(post.text)
        latin, native = folded if not folded.marked else (view.replace(MARK, "") for view in folded)
        found = self._text.of(latin)
        if native != latin:
            found |= self._text.of(native)
        if self._parts:
            found |= self._by_fields(post)
        found |= self._always
        if not found:
            return []
        ready = Post(post, folded)
        return [self.names[i] for i in sorted(found) if self._roots[i].holds(ready)]
