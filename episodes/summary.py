"""What reading a folder came to: what was read, used, repaired, and skipped for which reason. Not here: printing it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Summary:
    """Filled while files are read.

    files, episodes, states: what was found readable. used: episodes with a decision, states in them.
    skipped: (file or place, reason). repaired: how often each kind of repair was made.
    excluded: sessions that the person leaves out of learning, which were not read.
    """

    files: int = 0
    episodes: int = 0
    states: int = 0
    used_episodes: int = 0
    used_states: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    repaired: Counter[str] = field(default_factory=Counter)
    excluded: int = 0

    def as_dict(self) -> dict[str, object]:
        """The same in plain JSON types."""
        return {
            "files": self.files,
            "episodes": self.episodes,
            "states": self.states,
            "used": {"episodes": self.used_episodes, "states": self.used_states},
            "skipped": [{"where": where, "reason": reason} for where, reason in self.skipped],
            "repaired": dict(sorted(self.repaired.items())),
            "excluded": self.excluded,
        }
