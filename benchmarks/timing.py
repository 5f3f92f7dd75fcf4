"""Measuring several calls in turns, so that a busy moment of the machine meets all of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of one call over all rounds."""

    median: float
    p95: float

    def __str__(self) -> str:
        return f"{self.median:8.1f} ms median {self.p95:8.1f} ms p95"


def measure(calls: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, Times]:
    """The times of each call; two rounds before the first counted one warm everything up."""
    seen: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 2):
        for name, call in calls.items():
            start = perf_counter()
            call()
            if number >= 2:
                seen[name].append((perf_counter() - start) * 1000)
    return {name: Times(statistics.median(all_), _p95(all_)) for name, all_ in seen.items()}


def _p95(all_: list[float]) -> float:
    return sorted(all_)[max(0, -(-len(all_) * 95 // 100) - 1)]
