"""How a verb ends early: one clear sentence on stderr and an exit status, never a traceback."""


class Stop(Exception):
    """End the command with one sentence. Status 1: refused or found wanting; 2: bad usage or configuration."""

    def __init__(self, says: str, status: int = 2) -> None:
        super().__init__(says)
        self.status = status
