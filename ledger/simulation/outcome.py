"""What a suite tried and what it found."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(kw_only=True, slots=True)
class Outcome:
    """``tried`` counts ``unit``, ``distinct`` those that differed. A finding names how to see it again,
    ``trace`` stands for everything that happened."""

    suite: str
    unit: str
    tried: int = 0
    distinct: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    trace: str = ""

    def count(self, what: str, number: int = 1) -> None:
        """One more of something worth a line."""
        self.counts[what] = self.counts.get(what, 0) + number

    def add(self, other: Outcome) -> None:
        """Take over what another part of the same suite tried."""
        self.tried += other.tried
        self.distinct += other.distinct
        self.findings += other.findings
        for what, number in other.counts.items():
            self.count(what, number)
