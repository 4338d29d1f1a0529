"""Signed requests between programs, in both directions: what Fireline takes in and what it sends out.

    Fireline-Signature: t=<seconds since 1970>,v1=<hex of HMAC-SHA256(secret, "<t>.<body>")>

``t`` is the real time of sending. Several ``v1`` may be given while a secret is being changed.
"""

import hashlib
import hmac
import re

HEADER = "Fireline-Signature"
WINDOW_SECONDS = 300
"""A signature older or further ahead than this is refused: the replay window."""
MAX_SIGNATURES = 5


class Unsigned(ValueError):
    """The request is not proven to come from a sender who knows the secret, now."""


def sign(body: bytes, secret: str, at: int) -> str:
    """The header's value for ``body`` sent at ``at`` (seconds since the epoch)."""
    return f"t={at},v1={_mac(body, secret, str(at))}"


def _mac(body: bytes, secret: str, at: str) -> str:
    return hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()


def verify(header: str, body: bytes, secret: str, now: float) -> None:
    """Check a request's signature at ``now`` (real seconds since the epoch).

    Raises:
        Unsigned: no or an unreadable header, a wrong signature, or one outside the replay window.
    """
    if not header:
        raise Unsigned(
            f"the request is not signed: send the header {HEADER}: t=<seconds since 1970>,v1=<hex HMAC-SHA256>"
        )
    fields = [part.strip().partition("=") for part in header.split(",", MAX_SIGNATURES + 1)]
    at = next((value for name, _, value in fields if name == "t"), "")
    given = [value.lower() for name, _, value in fields if name == "v1"][:MAX_SIGNATURES]
    if not re.fullmatch(r"[0-9]{1,12}", at) or not given:
        raise Unsigned(f"the header {HEADER} cannot be read: write it as t=<seconds since 1970>,v1=<hex HMAC-SHA256>")
    expected = _mac(body, secret, at).encode()
    if not any(hmac.compare_digest(expected, value.encode()) for value in given):
        raise Unsigned("the signature does not fit: sign '<t>.<body>' with the shared secret, byte for byte as sent")
    if abs(now - int(at)) > WINDOW_SECONDS:
        raise Unsigned(
            "the signature is older than five minutes or ahead of time: sign anew, and check the sender's clock"
        )
