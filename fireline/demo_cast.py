"""The demo's scripted people. They have no short cuts: they read their mail, follow the signed link and submit its form."""

import re
from html import unescape

import httpx

from fireline.demo_stage import MailSink

_LINK = re.compile(r"https?://\S+/approve/\S+")
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
            if found and label.split(maxsplit=1)[0] in text + str(message["subject"]):
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
    """Open an approval link, and submit the form it shows; a page without a form wants no decision any more.

    Raises:
        httpx.HTTPStatusError: the desk did not take it.
    """
    page = await browser.get(link)
    nonce = _NONCE.search(page.raise_for_status().text)
    if nonce is None:
        return
    form = {"nonce": unescape(nonce.group(1)), "verdict": "approve", "reason": ""}
    headers = {"Origin": link.split("/approve/", maxsplit=1)[0], "Sec-Fetch-Site": "same-origin"}
    answer = await browser.post(link, data=form, headers=headers)
    if answer.status_code != httpx.codes.SEE_OTHER:
        answer.raise_for_status()
