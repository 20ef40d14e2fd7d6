"""How long to wait before a worker that has ended is replaced. Pure."""

from dataclasses import dataclass
from typing import Final

#: Seconds to wait after the second end in a row; doubled with each further one. The first is replaced at once.
SHORTEST: Final = 0.25
#: The longest wait (systemd's RestartMaxDelaySec has no default; Kubernetes waits up to 300 s).
LONGEST: Final = 10.0
#: Seconds after which a worker has run well: its end is the first in a row.
STEADY: Final = 10.0


@dataclass
class Backoff:
    """Of one place. :ivar ends: how many ends in a row there were."""

    ends: int = 0

    def delay(self, ran_for: float) -> float:
        """Seconds to wait, now that a worker has ended which ran for *ran_for* seconds."""
        if ran_for >= STEADY:
            self.ends = 0
        self.ends += 1
        return 0.0 if self.ends == 1 else min(SHORTEST * 2.0 ** min(self.ends - 2, 20), LONGEST)
