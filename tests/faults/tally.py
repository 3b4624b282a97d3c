"""What a stage of faults comes to, added up over its tests and its workers."""

from dataclasses import dataclass


@dataclass
class Tally:
    """Faults that struck, runs that came to their right end in spite of them, values that did not survive."""

    injected: int = 0
    recovered: int = 0
    lost: int = 0

    def add(self, other: "Tally") -> None:
        self.injected += other.injected
        self.recovered += other.recovered
        self.lost += other.lost

    def __str__(self) -> str:
        return f"faults injected: {self.injected}, runs recovered: {self.recovered}, values lost: {self.lost}"
