"""The boolean language of watch queries: words, "phrases", ``AND OR NOT``, parentheses, ``near/5``, ``#tags``,
``@handles``, ``lang:en``, ``source:bluesky``, ``author:ada``, ``-exclusions`` and wildcards (``acme*``).

Text and query are compared as ``crisis.folding`` folds them; what a term matches says ``crisis.terms``. Terms beside
each other are joined by AND. Binding, tightest first: ``near``, ``NOT`` / ``-``, ``AND``, ``OR``. Operators are upper
case (``near/5`` in any case), so that "and" can be searched for. A query that does not parse raises ``QueryError``,
which says where and what is wrong; nothing else is ever raised.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from crisis.folding import fold
from crisis.terms import All, Any, Field, Near, Needs, Node, Not, Post, Posted, Term, Unusable, term

LONGEST = 20_000
"""Longest query in characters."""
DEEPEST = 50
"""Deepest nesting of parentheses and NOTs, and most ``near/`` in a row."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<phrase>-?"[^"]*"?)|(?P<near>near/(?P<gap>[^\s()"]*)(?=[\s()"]|$))"""
    r"""|(?P<operator>(?:AND|OR|NOT)(?=[\s()"]|$))|(?P<minus>-(?=\())|(?P<term>[^\s()"]+))""",
    re.IGNORECASE,
)
_FIELDS = ("lang", "source", "author")


class QueryError(ValueError):
    """A query that does not parse. ``position`` counts characters from 0; ``says`` is what is wrong and what to do."""

    def __init__(self, position: int, says: str) -> None:
        super().__init__(f"at character {position + 1}: {says}")
        self.position, self.says = position, says


@dataclass(frozen=True)
class Query:
    """A parsed query."""

    text: str
    root: Node
    needs: Needs
    """Every matching post holds at least one of these; empty means that nothing can be said."""

    def matches(self, mention: Posted) -> bool:
        """Does ``mention`` match? For many queries or many posts use ``crisis.matching.Matcher``."""
        return self.root.holds(Post(mention))


def _wanted(node: Node) -> bool:
    """Does a match need something to be there, rather than only things to be absent?"""
    if isinstance(node, Not):
        return False
    if isinstance(node, All):
        return any(map(_wanted, node.parts))
    return not isinstance(node, Any) or all(map(_wanted, node.parts))


_OTHERWISE = {
    "&&": "AND",
    "||": "OR",
    "|": "OR",
    "!": "NOT",
    "-": "- right before the word",
    "–": "- right before the word",
}
"""How other languages write operators, and how this one does."""


def _term(raw: str, position: int) -> Term:
    if raw in _OTHERWISE:
        raise QueryError(position, f"{raw} is no operator here: write {_OTHERWISE[raw]}, or quote it to search for it")
    if raw in ("#", "@"):
        raise QueryError(position, f"{raw} needs a name right behind it, as in {raw}acme")
    return _phrase(raw, position)


def _phrase(words: str, position: int) -> Term:
    try:
        return term(words)
    except Unusable as unusable:
        raise QueryError(position, str(unusable)) from None


def _term_or_field(raw: str, position: int) -> Node:
    name, colon, value = raw.partition(":")
    if colon and name.casefold() in _FIELDS:
        folded = fold(value).removeprefix("@")
        if not folded:
            raise QueryError(position + len(raw), f"{name}: needs a value right behind it, as in {name}:en")
        return Field(name.casefold(), folded, raw)
    if colon and re.fullmatch(r"[a-zA-Z]+", name) and value and not value.startswith("/"):
        known = "there are lang:, source: and author:; quote it to search for the text"
        raise QueryError(position, f"there is no field {name + ':'!r}; {known}")
    return _term(raw, position)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            break
        kind = str(match.lastgroup if match.lastgroup != "gap" else "near")
        kind = next(k for k in ("open", "close", "phrase", "near", "operator", "minus", "term") if match[k] is not None)
        word, position = match[kind], match.start(kind)
        if kind == "operator" and not word.isupper():
            kind = "term"
        if kind == "phrase" and (not word.endswith('"') or word in ('"', '-"')):
            raise QueryError(position, 'this quotation mark is never closed; add a " at the end of the phrase')
        if kind == "near" and not (match["gap"].isdigit() and 0 < int(match["gap"]) <= 100 and match["gap"].isascii()):
            raise QueryError(position, "near/ needs a number of words from 1 to 100 behind it, as in near/5")
        found.append(_Token(kind, word, position))
        at = match.end()
    return found


def _typed(text: str) -> str:
    """``text`` with what editors and keyboards put in place of quotation marks, parentheses and minus signs."""
    return _DASH.sub("-", text.translate(_TYPED))


_TYPED = str.maketrans("“”„‟«»＂（）", '"""""""()')
_DASH = re.compile(r"(?<![^\s(（])[–—−](?=[^\s–—−])")


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.at, self.depth = text, _tokens(_typed(text)), 0, 0

    def peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, *texts: str) -> _Token | None:
        token = self.peek()
        if token is not None and (token.text in texts if token.kind == "operator" else token.kind in texts):
            self.at += 1
            return token
        return None

    def either(self) -> Node:
        parts = [self.both()]
        while self.take("OR"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def both(self) -> Node:
        parts = [self.single()]
        while (token := self.peek()) is not None and token.kind != "close" and token.text != "OR":
            self.take("AND")
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def single(self) -> Node:
        if self.take("NOT", "minus"):
            return self.nested(lambda: Not(self.single()))
        node, joined = self.leaf(), 0
        while token := self.take("near"):
            joined += 1
            if joined > DEEPEST:
                raise QueryError(token.position, f"more than {DEEPEST} near/ in a row; split the query")
            right = self.leaf()
            for side in (node, right):
                if not _placed(side):
                    says = "near/ joins words, phrases, #tags and @handles, or a group of them with OR"
                    raise QueryError(token.position, says)
            node = Near(node, right, int(token.text[5:]))  # type: ignore[arg-type]
        return node

    def nested(self, parse: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            position = self.tokens[self.at - 1].position
            raise QueryError(position, f"nested more than {DEEPEST} deep; split the query")
        node = parse()
        self.depth -= 1
        return node

    def leaf(self) -> Node:
        token = self.peek()
        if token is None:
            before = self.tokens[self.at - 1] if self.at else None
            says = f"something must follow {before.text!r}" if before else "the query is empty; write a word"
            raise QueryError(len(self.text), says)
        self.at += 1
        if token.kind == "open":
            node = self.nested(self.either)
            if not self.take("close"):
                raise QueryError(token.position, "this parenthesis is never closed; add a ) where the group ends")
            return node
        if token.kind == "phrase":
            negated = token.text.startswith("-")
            node = _phrase(token.text.lstrip("-").strip('"'), token.position)
            return Not(node) if negated else node
        if token.kind == "term":
            if token.text.startswith("-") and len(token.text) > 1:
                return Not(_term_or_field(token.text[1:], token.position + 1))
            return _term_or_field(token.text, token.position)
        if token.kind == "close":
            raise QueryError(token.position, "this ) closes nothing, or a word is missing before it")
        raise QueryError(token.position, f"{token.text} needs something to look for before and after it")


def _placed(node: Node) -> bool:
    """Is it known where in the text the node matches?"""
    return isinstance(node, Term | Near) or (isinstance(node, Any) and all(map(_placed, node.parts)))


def parse(text: str) -> Query:
    """The query behind ``text``.

    Raises:
        QueryError: it does not parse; ``position`` and ``says`` tell where and what is wrong.
    """
    if len(text) > LONGEST:
        raise QueryError(LONGEST, f"the query is longer than {LONGEST} characters; split it over several watches")
    parser = _Parser(text)
    root = parser.either()
    if (token := parser.peek()) is not None:
        raise QueryError(token.position, f"{token.text!r} is left over; is a ( missing before it?")
    if not _wanted(root):
        raise QueryError(0, "the query only excludes; add a word that every post must hold")
    return Query(text, root, root.needs())
