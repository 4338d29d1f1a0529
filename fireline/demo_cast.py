"""The demo's scripted people. They have no short cuts: they read their mail, follow the signed link and submit its form."""

import re
from html import unescape

import httpx

from fireline.demo_stage import MailSink

_LINK = re.compile(r"https?://\S+/approve/\S+")
_PAST = (httpx.codes.GONE, httpx.codes.CONFLICT)
_NONCE = re.compile(r'name="nonce" value="([^"]+)"')


class Approver:
    """Somebody who decides by the link in their mail."""

    def __init__(self, name: str, email: str, sink: MailSink) -> None:
        self.name, self.email, self._sink = name, email, sink

    def link(self, label: str) -> str | None:
        """The newest approval link in this person's mail that is about ``label``; None while there is none."""
        for message in reversed(self._sink.messages()):
            if self.email not in str(message["to"]):
                continue
            body = message.get_body(("plain",))
            text = body.get_content() if body else ""
            found = _LINK.search(text)
            if found and label in " ".join(f"{message['subject']} {text}".split()):
                return found.group(0)
        return None

    async def approve(self, label: str) -> bool:
        """Open the link, and submit its approval form; False while no mail has come."""
        link = self.link(label)
        if link is None:
            return False
        async with httpx.AsyncClient(timeout=60) as browser:
            await submit_approval(browser, link)
        return True


async def submit_approval(browser: httpx.AsyncClient, link: str) -> None:
    """Open an approval link, and submit the form it shows. A page without a form, or one that says that this version is
    no longer asked about (410, 409), wants no decision any more.

    Raises:
        httpx.HTTPStatusError: the desk did not take it.
    """
    page = await browser.get(link)
    if page.status_code in _PAST:
        return
    nonce = _NONCE.search(page.raise_for_status().text)
    if nonce is None:
        return
    form = {"nonce": unescape(nonce.group(1)), "verdict": "approve", "reason": ""}
    headers = {"Origin": link.split("/approve/", maxsplit=1)[0], "Sec-Fetch-Site": "same-origin"}
    answer = await browser.post(link, data=form, headers=headers)
    if answer.status_code not in (httpx.codes.SEE_OTHER, *_PAST):
        answer.raise_for_status()
