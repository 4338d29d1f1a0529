"""What approval must do, said once more, simply and by itself: the state machine holds the real records against this.

It shares no code with ``crisis.approval``: times are minutes, people and roles plain strings.
"""

from dataclasses import dataclass, field

EXPIRES, ESCALATES = 120, 40
"""Minutes."""
LEAD, DEPUTY = "ana@example.com", "sam@example.com"
"""Who leads the incident; who stands in for legal once its holders have not answered for ``ESCALATES``."""


@dataclass
class Made:
    """One decision."""

    approver: str
    whose: str
    """For whom; the approver themselves when it is their own turn."""
    role: str
    verdict: str
    at: int
    counts: bool = True

    @property
    def people(self) -> set[str]:
        return {self.approver, self.whose}


@dataclass
class Version:
    """One version of a statement."""

    name: tuple[str, int]
    content_hash: str
    author: str
    severity: str
    proposed_at: int
    status: str = "proposed"
    made: list[Made] = field(default_factory=list)
    glass: bool = False

    @property
    def live(self) -> list[Made]:
        return [d for d in self.made if d.counts]


@dataclass
class Handed:
    """A turn in another's hands."""

    giver: str
    to: str
    statement: str
    since: int
    until: int
    revoked: bool = False


@dataclass
class Model:
    """People, policy and versions, and what each act may do to them."""

    needs: dict[str, int]
    stages: tuple[tuple[str, ...], ...]
    roles: dict[str, set[str]]
    now: int = 0
    severity: str = "SEV2"
    versions: list[Version] = field(default_factory=list)
    handed: list[Handed] = field(default_factory=list)

    def stands(self, version: Version) -> str:
        if version.status == "proposed" and self.now > version.proposed_at + EXPIRES:
            return "expired"
        return version.status

    def _count(self, version: Version, role: str) -> int:
        return sum(d.role == role and d.verdict == "approve" for d in version.live)

    def _open_stages(self, version: Version) -> tuple[set[str], int]:
        """The roles that may decide, and since when the last stage is asked."""
        asked: set[str] = set()
        since = version.proposed_at
        for stage in self.stages:
            asked |= set(stage)
            if any(self._count(version, role) < self.needs[role] for role in stage):
                break
            done = []
            for role in stage:
                times = sorted(d.at for d in version.live if d.role == role and d.verdict == "approve")
                done.append(times[self.needs[role] - 1])
            since = max(since, *done)
        return asked, since

    def _turn(self, version: Version, who: str, role: str) -> str:
        """Whose turn it would be; empty: nobody's."""
        if role in self.roles[who]:
            return who
        asked, since = self._open_stages(version)
        if role == "legal" and who == DEPUTY and role in asked and self._deputy_is_asked(since):
            return who
        used = {email for d in version.live for email in d.people}
        for given in self.handed:
            valid = not given.revoked and given.since <= self.now < given.until
            about = given.statement in ("", version.name[0])
            free = given.giver != version.author and given.giver not in used
            if valid and about and free and given.to == who and role in self.roles[given.giver]:
                return given.giver
        return ""

    def _deputy_is_asked(self, since: int) -> bool:
        """Lena is asked first, as long as she holds the role; then the deputy."""
        return "legal" not in self.roles["lena@example.com"] or self.now - since >= ESCALATES

    def decide(self, version: Version, who: str, role: str, verdict: str, *, forged: bool = False) -> bool:
        if self.stands(version) != "proposed" or forged or role not in self.needs:
            return False
        whose = self._turn(version, who, role)
        used = {email for d in version.live for email in d.people}
        own_text = verdict == "approve" and version.author in (who, whose)
        if not whose or own_text or {who, whose} & used or role not in self._open_stages(version)[0]:
            return False
        if version.severity != self.severity:
            version.status = "voided"
            return False
        version.made.append(Made(who, whose, role, verdict, self.now))
        if verdict == "return":
            version.status = "returned"
        elif all(self._count(version, r) >= n for r, n in self.needs.items()):
            version.status = "published"
        return True

    def take_back(self, version: Version, who: str) -> bool:
        if self.stands(version) != "proposed":
            return False
        own = [d for d in version.live if who in d.people and d.verdict == "approve"]
        for decision in own[:1]:
            decision.counts = False
        return bool(own)

    def break_glass(self, version: Version, who: str, *, well_said: bool) -> bool:
        leads = who == LEAD or "incident_lead" in self.roles[who]
        if not leads or who == version.author or not well_said or self.stands(version) != "proposed":
            return False
        if version.severity != self.severity:
            version.status = "voided"
            return False
        version.status, version.glass = "published", True
        return True

    def hand(self, giver: str, to: str, statement: str, minutes: int, author: str) -> bool:
        if giver == to or not self.roles[giver] or (statement and author in (giver, to)):
            return False
        self.handed.append(Handed(giver, to, statement, self.now, self.now + minutes))
        return True

    def edit(self, name: tuple[str, int], content_hash: str, author: str) -> Version:
        """A new version; the last one, if it waits, is replaced."""
        if self.versions and self.stands(self.versions[-1]) in ("proposed", "draft"):
            self.versions[-1].status = "voided"
        returned = any(v.content_hash == content_hash and v.status == "returned" for v in self.versions)
        new = Version(name, content_hash, author, self.severity, self.now, "draft" if returned else "proposed")
        self.versions.append(new)
        return new
