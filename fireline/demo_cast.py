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
        origin = link.split("/approve/")[0]
        async with httpx.AsyncClient(timeout=60) as browser:
            page = await browser.get(link)
            nonce = _NONCE.search(page.text)
            if nonce is None:
                return True  # the page says why nothing is wanted any more
            form = {"nonce": unescape(nonce.group(1)), "verdict": "approve", "reason": ""}
            answer = await browser.post(link, data=form, headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"})
        return answer.status_code in (200, 303)
