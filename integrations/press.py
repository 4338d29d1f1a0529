"""A press page: the list of what a company has said, as a page for people, a JSON Feed, an Atom and an RSS feed.

Promises: the same statements give the same bytes; text from outside stays text. The JSON Feed holds everything, so the
others can be made from it again. Formats: https://www.jsonfeed.org/version/1.1/ RFC 4287 (Atom)
and https://www.rssboard.org/rss-specification, whose description is HTML, so text is escaped in it twice.
"""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Any

from pydantic import AwareDatetime, ValidationError

from crisis.values import Frozen

VERSION = "https://jsonfeed.org/version/1.1"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, even escaped."""


class Item(Frozen):
    """One statement on a press page."""

    id: str
    """Its address, which is also where it is read."""
    title: str
    content_text: str
    language: str = "en"
    date_published: AwareDatetime
    date_modified: AwareDatetime
    pictures: tuple[str, ...] = ()
    """Names of the objects it shows, from the folder of the page on."""

    @property
    def url(self) -> str:
        return self.id


class Page(Frozen):
    """What the page is called, and where it and its feeds are read."""

    title: str
    url: str
    json_url: str
    atom_url: str


def with_item(items: Sequence[Item], item: Item) -> tuple[Item, ...]:
    """The list with ``item`` in it, in place of one of the same address, the newest first."""
    others = (i for i in items if i.id != item.id)
    return tuple(sorted((item, *others), key=lambda i: (i.date_published, i.id), reverse=True))


def json_feed(page: Page, items: Iterable[Item]) -> bytes:
    """The JSON Feed; ASCII, because foreign text may hold what UTF-8 cannot."""
    feed = {
        "version": VERSION,
        "title": page.title,
        "home_page_url": page.url,
        "feed_url": page.json_url,
        "items": [{**_without_empty(item.model_dump(mode="json")), "url": item.url} for item in items],
    }
    return (json.dumps(feed, indent=1, ensure_ascii=True) + "\n").encode("ascii")


def _without_empty(item: dict[str, Any]) -> dict[str, Any]:
    """An extension of ours starts with an underscore, and is there only where it says something."""
    pictures = item.pop("pictures")
    return {**item, "_pictures": pictures} if pictures else item


def read_json_feed(content: bytes) -> tuple[Item, ...]:
    """The statements of a feed that ``json_feed`` wrote.

    Raises:
        ValueError: it is none.
    """
    try:
        feed = json.loads(content)
        if feed["version"] != VERSION:
            raise ValueError("it has another version")
        known = [{**item, "pictures": item.get("_pictures", ())} for item in feed["items"]]
        return tuple(Item(**{k: v for k, v in item.items() if k in Item.model_fields}) for item in known)
    except (ValidationError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"it does not hold what it should ({type(error).__name__})") from None


def atom_feed(page: Page, items: Sequence[Item]) -> bytes:
    """The Atom feed."""
    updated = max((item.date_modified for item in items), default=datetime(1970, 1, 1, tzinfo=UTC))
    entries = "".join(
        f'<entry xml:lang="{_xml(item.language)}"><id>{_xml(item.id)}</id><title>{_xml(item.title)}</title>'
        f'<link rel="alternate" type="text/html" href="{_xml(item.url)}"/>'
        f"<published>{_time(item.date_published)}</published><updated>{_time(item.date_modified)}</updated>"
        f'<content type="text">{_xml(item.content_text)}</content></entry>\n'
        for item in items
    )
    feed = (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
        f"<id>{_xml(page.atom_url)}</id><title>{_xml(page.title)}</title><updated>{_time(updated)}</updated>"
        f"<author><name>{_xml(page.title)}</name></author>"
        f'<link rel="self" href="{_xml(page.atom_url)}"/><link rel="alternate" type="text/html" href="{_xml(page.url)}"/>\n'
        f"{entries}</feed>\n"
    )
    return feed.encode()


def rss_feed(page: Page, items: Sequence[Item]) -> bytes:
    """The RSS 2.0 feed."""
    entries = "".join(
        f"<item><title>{_xml(item.title)}</title><link>{_xml(item.url)}</link>"
        f'<guid isPermaLink="false">{_xml(item.id)}</guid><pubDate>{format_datetime(item.date_published)}</pubDate>'
        f"<description>{_xml(escape(item.content_text))}</description></item>\n"
        for item in items
    )
    feed = (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel>'
        f"<title>{_xml(page.title)}</title><link>{_xml(page.url)}</link>"
        f"<description>{_xml(page.title)}</description>\n{entries}</channel></rss>\n"
    )
    return feed.encode()


def html_page(page: Page, items: Sequence[Item]) -> bytes:
    """The page for people, readable in light and dark, without scripts."""
    entries = "".join(
        f'<li lang="{_xml(item.language)}"><a dir="auto" href="{_xml(item.url)}">{_xml(item.title)}</a>'
        f'<br><time datetime="{_time(item.date_published)}">{item.date_published:%Y-%m-%d %H:%M} UTC</time></li>\n'
        for item in items
    )
    listed = f'<ul style="padding:0;list-style:none;line-height:2">\n{entries}</ul>' if items else "<p>Nothing yet.</p>"
    whole = (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f'<link rel="alternate" type="application/feed+json" href="{_xml(page.json_url)}">'
        f'<link rel="alternate" type="application/atom+xml" href="{_xml(page.atom_url)}">'
        f"<title>{_xml(page.title)}</title></head>\n"
        '<body style="font-family:system-ui,sans-serif;font-size:16px;line-height:1.5;max-width:40em;margin:1em auto;'
        f'padding:0 1em">\n<h1>{_xml(page.title)}</h1>\n{listed}\n</body>\n</html>\n'
    )
    return whole.encode()


def _xml(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
