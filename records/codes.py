"""Time-based one-time codes (RFC 6238): the proof of identity where the route itself knows no users.

Secrets are encrypted at rest. A code works once: the time step it belongs to is used up together with every earlier
one, in the transaction that relies on it.
"""

import hmac
from urllib.parse import quote

import pyotp
from sqlalchemy import select, update

from records.ledger import Ledger
from records.tables import codes
from records.work import Work

STEP_SECONDS = 30
"""RFC 6238's default time step."""
DRIFT_STEPS = 1
"""A code of one step earlier or later is accepted: RFC 6238 §5.2 allows at most one for network delay."""
ISSUER = "Fireline"


class Codes:
    """Who has enrolled for one-time codes, and which codes are used up."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def enrol(self, email: str, *, actor: str = "", via: str = "") -> str:
        """Give ``email`` a new secret, which ends the old one; the ``otpauth:`` address for their authenticator."""
        secret = pyotp.random_base32()
        row = {
            "email": email,
            "secret": self._work.keys.codes.encrypt(secret.encode()).decode(),
            "last_step": -1,
            "enrolled_at": self._work.clock.now(),
        }
        await self._work.upsert(codes, row)
        await self._ledger.append("code.enrolled", data={"email": email}, actor=actor or email, via=via)
        return f"otpauth://totp/{ISSUER}:{quote(email)}?secret={secret}&issuer={ISSUER}&period={STEP_SECONDS}"

    async def verify(self, email: str, code: str, *, at: float) -> bool:
        """Whether ``code`` is good for ``email`` at ``at`` (seconds since the epoch, real time), and use it up.

        If the transaction is rolled back, the code was not used.
        """
        row = await self._work.first(select(codes).where(codes.c.email == email))
        if row is None:
            return False
        totp = pyotp.TOTP(self._work.keys.codes.decrypt(row.secret.encode()).decode(), interval=STEP_SECONDS)
        given = "".join(code.split()).encode(errors="replace")
        now = int(at) // STEP_SECONDS
        for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
            if hmac.compare_digest(totp.generate_otp(step).encode(), given):
                use = update(codes).where(codes.c.email == email, codes.c.last_step < step)
                return (await self._work.write(use.values(last_step=step))).rowcount == 1
        return False

    async def enrolled(self, email: str) -> bool:
        """Whether ``email`` has a secret."""
        return await self._work.first(select(codes.c.email).where(codes.c.email == email)) is not None
