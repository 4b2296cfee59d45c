"""Which of the people in this picture is which of those in the last."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np

from ..engine.clock import NS_PER_S
from ..engine.skeleton import Float32

_KEEP_NS: Final = NS_PER_S  # a place is kept so long for someone who is not seen
_FAR: Final = 1.0  # body sizes that a person may have moved between two pictures, and is still the same


class Tracker:
    """Give each person of a picture one of `most` places (at most 4) and let her keep it.

    The pairs of old and new places are those whose moved ways add up to the least, each at most a body's size. Who
    comes new takes the first place that has been empty for a second, or was never taken; who finds none is passed over.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.reset()

    def reset(self) -> None:
        """Empty all places."""
        self._places: dict[int, tuple[Float32, float, int]] = {}  # place -> middle, size, last seen

    def step(self, people: list[tuple[Float32, float]], t_ns: int) -> list[int | None]:
        """Return the place of each person, (2,) middle and size in pixels, or None; places are 0 to most - 1."""
        self._places = {k: each for k, each in self._places.items() if t_ns - each[2] <= _KEEP_NS}
        given: list[int | None] = [None] * len(people)
        for place, i in self._pairs(people):
            given[i] = place
        for i in range(len(people)):
            free = [k for k in range(self._most) if k not in self._places and k not in given]
            if given[i] is None and free:
                given[i] = free[0]
        for place, (middle, size) in zip(given, people, strict=True):
            if place is not None:
                self._places[place] = (middle, size, t_ns)
        return given

    def _pairs(self, people: list[tuple[Float32, float]]) -> list[tuple[int, int]]:
        """Return pairs (place, person): as many as are near enough, and of those the ways that add up to the least."""
        known = list(self._places)
        ways = np.array([[self._way(k, one) for one in people] for k in known]).reshape(len(known), len(people))
        best: list[tuple[int, int]] = []
        least = (0, 0.0)
        slots = [*range(len(people)), *[-1] * len(known)]
        for chosen in set(itertools.permutations(slots, len(known))):
            pairs = [(row, i) for row, i in enumerate(chosen) if i >= 0]
            if any(ways[pair] > _FAR for pair in pairs):
                continue
            cost = (-len(pairs), float(sum(ways[pair] for pair in pairs)))
            if cost < least:
                best, least = pairs, cost
        return [(known[row], i) for row, i in best]

    def _way(self, place: int, one: tuple[Float32, float]) -> float:
        middle, size, _ = self._places[place]
        return float(np.linalg.norm(one[0] - middle)) / max(size, one[1], 1.0)
