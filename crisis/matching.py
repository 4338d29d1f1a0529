"""All watches at once: one automaton over what their queries need, so that a post costs one scan however many there are.

A post is folded once and scanned once for the literals that any query needs (Aho-Corasick); queries that need only a
field (``author:``, ``lang:``, ``source:``) are found by the field's value. Only those whose need is met are evaluated,
so the answer is always that of ``Query.matches``. ``may_match`` turns an undecoded JSON line away by one scan of its
bytes; it never turns away a post that matches.
"""

from collections.abc import Mapping

from ahocorasick_rs import AhoCorasick

from crisis.folding import MARK
from crisis.query import Query
from crisis.terms import Need, Post, Posted, field_of
from crisis.undecoded import Glance

_FIELDS = ("author", "lang", "source")


class _Scan:
    """Which of many literals a text holds, and whose they are."""

    def __init__(self, owners: Mapping[str, tuple[int, ...]]) -> None:
        self._owners = list(owners.values())
        self._automaton = AhoCorasick(list(owners)) if owners else None

    def of(self, text: str) -> set[int]:
        if self._automaton is None:
            return set()
        hits = {hit[0] for hit in self._automaton.find_matches_as_indexes(text, overlapping=True)}
        return {owner for hit in hits for owner in self._owners[hit]}


class Matcher:
    """Queries by name, compiled together."""

    def __init__(self, queries: Mapping[str, Query]) -> None:
        self.names = tuple(queries)
        self._roots = [query.root for query in queries.values()]
        self._always = tuple(i for i, query in enumerate(queries.values()) if not query.needs)
        owners: dict[Need, list[int]] = {}
        for index, query in enumerate(queries.values()):
            for need in query.needs:
                owners.setdefault(need, []).append(index)
        self._text = _Scan({need.what: tuple(who) for need, who in owners.items() if not need.where})
        self._exact = {(n.where, n.what): tuple(who) for n, who in owners.items() if n.where and n.whole}
        parts = {
            name: _Scan({n.what: tuple(who) for n, who in owners.items() if n.where == name and not n.whole})
            for name in _FIELDS
        }
        self._fields = tuple(
            (name, scan) for name, scan in parts.items() if scan._owners or any(w == name for w, _ in self._exact)
        )
        self._glance = Glance(owners)

    def may_match(self, line: bytes) -> bool:
        """Could a post match whose JSON, in UTF-8, is ``line``? False is certain; true asks for a closer look.

        The post's text and author must stand in the line as JSON strings, whatever else does.
        """
        return bool(self._always) or (bool(self._roots) and self._glance(line))

    def _candidates(self, mention: Posted, post: Post) -> set[int]:
        latin, native = post.views.latin, post.views.native
        if post.marked:
            latin, native = latin.replace(MARK, ""), native.replace(MARK, "")
        found = self._text.of(latin)
        if native != latin:
            found |= self._text.of(native)
        found.update(self._always)
        for name, scan in self._fields:
            value = field_of(mention, name)
            found |= scan.of(value)
            found.update(self._exact.get((name, value), ()))
            while name == "lang" and "-" in value:
                value = value.rpartition("-")[0]
                found.update(self._exact.get((name, value), ()))
        return found

    def matches(self, mention: Posted) -> list[str]:
        """Names of the queries that ``mention`` matches, in the order in which they were given."""
        post = Post(mention)
        return [self.names[i] for i in sorted(self._candidates(mention, post)) if self._roots[i].holds(post)]
