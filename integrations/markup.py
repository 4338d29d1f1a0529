"""The text of a post that came as HTML: what a reader sees, with links in full and no markup.

Paragraphs and line breaks become line ends, entities their characters. Networks shorten links for the eye by hiding
their ends (Mastodon's ``invisible`` spans); here they are whole. What readers do not see (scripts, styles, the quoted
address that Mastodon adds for servers without quotes) is left out. Broken markup is read as far as it goes.
"""

import re
from html.parser import HTMLParser

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


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0
        """Elements that are open from an unseen one on."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if self._unseen or tag in _UNSEEN or "quote-inline" in classes:
            self._unseen += tag not in _VOID
        elif tag == "br":
            self.pieces.append("\n")
        elif tag in _BLOCKS:
            self.pieces.append("\n\n" if tag == "p" else "\n")

    def handle_endtag(self, tag: str) -> None:
        if self._unseen:
            self._unseen -= 1
        elif tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)


def plain(content: str) -> str:
    """The text of an HTML fragment."""
    parser = _Text()
    parser.feed(content)
    parser.close()
    lines = (_SPACES.sub(" ", line).strip() for line in "".join(parser.pieces).split("\n"))
    return _LINES.sub("\n\n", "\n".join(lines)).strip()
