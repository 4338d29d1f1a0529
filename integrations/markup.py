"""The text of a post that came as HTML: what a reader sees, with links in full and no markup.

Paragraphs and line breaks become line ends, entities their characters. Networks shorten links for the eye by hiding
their ends (Mastodon's ``invisible`` spans); here they are whole. What readers do not see (scripts, styles, the quoted
address that Mastodon adds for servers without quotes) is left out. Broken markup is read as far as it goes, at no more
than its length (the standard library's reader takes minutes for a few thousand tags that never end, and raises for
``<![x>``). Tags: https://html.spec.whatwg.org/multipage/parsing.html#tokenization
"""

import re

from crisis.entities import unescaped

LONGEST = 1_000_000
"""Characters of HTML that are read."""
LONGEST_TAG = 5_000
"""Characters in which a quotation mark within a tag finds its other half; beyond, a tag ends at the next ``>``."""
_BLOCKS = {
    "p",
    "div",
    "li",
    "ul",
    "ol",
    "blockquote",
    "pre",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "tr",
    "table",
    "section",
}
_UNSEEN = {"script", "style", "template", "head", "noscript"}
_VOID = {"br", "img", "hr", "wbr", "input", "meta", "link", "area", "col", "embed", "source", "track"}
_SPACES = re.compile(r"[ \t\xa0]+")
_LINES = re.compile(r"\n{3,}")
_OPENS = re.compile(r"<(?:!--|[!?]|/(?=[^<])|(?=[a-zA-Z]))")
_NAME = re.compile(r"[a-zA-Z][^\s/>]{0,50}")
_REST = re.compile(r"""(?>[^>"']+|"[^"]*"|'[^']*')*+>""")
_CLASSES = re.compile(r"""\sclass\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_RAW = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}
"""What is text for a program until its end."""


class _Text:
    """The pieces of text that are seen so far."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._unseen = 0
        """Elements that are open from an unseen one on."""

    def opens(self, name: str, tag: str) -> None:
        if self._unseen or name in _UNSEEN or "quote-inline" in _classes(tag):
            self._unseen += name not in _VOID and not tag.endswith("/>")
        elif name == "br":
            self.pieces.append("\n")
        elif name in _BLOCKS:
            self.pieces.append("\n\n" if name == "p" else "\n")

    def closes(self, name: str) -> None:
        if self._unseen:
            self._unseen -= name not in _VOID
        elif name in _BLOCKS:
            self.pieces.append("\n")

    def says(self, words: str) -> None:
        if not self._unseen and words:
            self.pieces.append(unescaped(words))


def _classes(tag: str) -> list[str]:
    found = _CLASSES.search(tag)
    return (found[1] or found[2] or found[3] or "").split() if found else []


def _ends(content: str, at: int) -> int:
    """Behind the tag that begins before ``at``; -1 where none ends any more."""
    whole = _REST.match(content, at, at + LONGEST_TAG)
    return whole.end() if whole else content.find(">", at) + 1 or -1


def _read(content: str) -> list[str]:
    text, at, told = _Text(), 0, 0
    remarks = True
    """A comment may still end; looked for in vain once, never again."""
    while opened := _OPENS.search(content, at):
        begins, kind, end = opened.start(), opened[0], -1
        if kind == "<!--" and remarks:
            end = content.find("-->", begins + 2) + 3
            remarks = end > 2
        if kind == "<!--" and not remarks:
            at = begins + 4
            continue
        name = _NAME.match(content, opened.end())
        if end < 3:
            end = _ends(content, opened.end()) if name and kind in "</" else content.find(">", opened.end()) + 1 or -1
        if end < 0:
            break
        text.says(content[told:begins])
        if name and kind == "<":
            text.opens(name[0].lower(), content[begins:end])
            if raw := _RAW.get(name[0].lower()):
                closing = raw.search(content, end)
                end = closing.start() if closing else len(content)
        elif name and kind == "</":
            text.closes(name[0].lower())
        at = told = end
    text.says(content[told:])
    return text.pieces


def plain(content: str) -> str:
    """The text of an HTML fragment."""
    lines = (_SPACES.sub(" ", line).strip() for line in "".join(_read(content[:LONGEST])).split("\n"))
    return _LINES.sub("\n\n", "\n".join(lines)).strip()
