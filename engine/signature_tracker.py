"""The live signature of one performer: where it is among the references, how sure that is, and whether it changes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from .errors import InputError
from .events import SignatureEvent
from .pose import Hole, Pose
from .signature import Signature, by_chance
from .signature_references import References
from .signature_samples import Sampler
from .signature_tally import WIDTHS, spread
from .signature_windows import Windows
from .skeleton import Float64
from .swap import SwapGuard

WINDOWS_S: Final = (2.0, 10.0, 60.0)
_WORTH_EVERY: Final = 15  # frames between two looks at how independent samples are
_SAME_PERFORMER_NS: Final = 1_000_000_000  # after a longer hole somebody else may stand there
_MOST_DRIFT: Final = 1000.0


@dataclass(slots=True)
class _Reading:
    """Hold what a window showed when it was last read."""

    quantiles: Float64
    distances: Float64
    worth: float


class SignatureTracker:
    """Follow the signature of one performer against fixed references; these never learn from what they are held to.

    windows_s: lengths of the windows in seconds; the middle one is told in full, of the others the distances alone.
    The longest keeps each sample for its length and no longer, so nobody can shift it by more than her share of it:
    at 60 s, a second of poison weighs a sixtieth and is gone after a minute; the references cannot be shifted at all.
    After a hole of a second, after a leap to another place, and when the bones have been those of another body for a
    second, everything is forgotten: another person stands there. While they are in doubt nothing is taken.
    """

    def __init__(self, references: References, *, windows_s: tuple[float, ...] = WINDOWS_S) -> None:
        if not windows_s or not all(math.isfinite(s) and 0.5 <= s <= 600.0 for s in windows_s):
            raise InputError("signature windows", f"{windows_s} seconds", mend="each from 0.5 to 600")
        self.references = references
        self._sampler = Sampler(references.definition)
        self._guard = SwapGuard()
        self.windows = Windows(references.definition, windows_s)
        self._telling = len(self.windows.seconds) // 2
        self.reset()

    def reset(self) -> None:
        """Forget the performer; the references stay."""
        self._sampler.reset()
        self._guard.reset()
        self.windows.reset()
        self._readings: list[_Reading | None] = [None] * len(self.windows.seconds)
        self._frames = 0
        self._last_ns: int | None = None

    def fall_silent(self, hole: Hole) -> None:
        """Compute nothing across a hole, and forget the performer after a leap: another one may stand there."""
        if hole.reason == "teleport":
            self.reset()
        else:
            self._sampler.gap()
            self._guard.interrupt()

    def step(self, pose: Pose) -> SignatureEvent | None:
        """Take the next pose at the definition's rate; return where the signature is, None while it is unknown."""
        if self._last_ns is not None and pose.t_ns - self._last_ns > _SAME_PERFORMER_NS:
            self.reset()
        self._last_ns = pose.t_ns
        verdict = self._guard.step(pose)
        if verdict == "stranger":
            self.reset()
        row = self._sampler.step(pose)
        self.windows.push(np.full_like(row, np.nan) if verdict == "suspect" else row)
        self._frames += 1
        last = len(self._readings) - 1
        for window in range(len(self._readings)):
            if window == self._telling or self._frames % 4 == (0 if window == last else 2):
                self._readings[window] = self._read(window)
        return self._event(pose)

    def signature(self, name: str, window: int = -1, label: str = "") -> Signature | None:
        """Return what a window (the longest) holds as a signature of its own; None while it is unknown."""
        window %= len(self._readings)
        quantiles, counts = self.windows.quantiles(window)
        if np.isnan(quantiles).all():
            return None
        seconds = float((~np.isnan(self.windows.rows(window))).any(axis=1).sum()) / self._sampler.definition.rate_hz
        worth = self.windows.effective(window)
        return Signature(name, self._sampler.definition, quantiles, tuple(counts.tolist()), worth, seconds, label)

    @property
    def nbytes(self) -> int:
        """Return the bytes that one performer takes, the references shared by all not counted."""
        return self.windows.nbytes

    def _read(self, window: int) -> _Reading | None:
        """Return what a window shows; how independent its samples are is looked at now and then."""
        quantiles, _ = self.windows.quantiles(window)
        distances = self.references.distances(quantiles)
        if np.isnan(distances).all():
            return None
        before = self._readings[window]
        if before is None or (self._frames + 5 * window) % _WORTH_EVERY == 0:
            return _Reading(quantiles, distances, self.windows.effective(window))
        return _Reading(quantiles, distances, before.worth)

    def _event(self, pose: Pose) -> SignatureEvent | None:
        reading = self._readings[self._telling]
        if reading is None:
            return None
        distances = reading.distances
        known = ~np.isnan(distances)
        nearest = int(np.where(known, distances, np.inf).argmin())
        place = distances if known.all() else np.where(known, distances, self.references.matrix[nearest])
        return SignatureEvent(
            stream=pose.stream,
            seq=pose.seq,
            t_ns=pose.t_ns,
            distances=self._named(distances),
            nearest=self.references.names[nearest],
            label=self.references.labels[nearest],
            cluster=int(self.references.clusters[nearest]),
            xy=self.references.plane.place(place),
            drift=self._drift(),
            confidence=_confidence(distances[known], _noise(reading)),
            effective=reading.worth,
            window_s=self.windows.seconds[self._telling],
            windows=self._others(),
        )

    def _others(self) -> Mapping[str, Mapping[str, float]]:
        """Return the distances of the windows that are not told in full, by their length in seconds."""
        found = zip(self.windows.seconds, self._readings, strict=True)
        return {
            f"{seconds:g}": self._named(reading.distances)
            for i, (seconds, reading) in enumerate(found)
            if i != self._telling and reading is not None
        }

    def _named(self, distances: Float64) -> dict[str, float]:
        named = zip(self.references.names, distances.tolist(), strict=True)
        return {name: d for name, d in named if d == d}

    def _drift(self) -> float:
        """Return how far the shortest window is from the longest, as a multiple of what chance puts between them."""
        short, long = self._readings[0], self._readings[-1]
        if short is None or long is None:
            return 0.0
        apart = np.abs(short.quantiles - long.quantiles) @ WIDTHS
        apart = apart[~np.isnan(apart)]
        if not apart.size or not apart.any():
            return 0.0
        return min(float(apart.mean()) / max(_noise(short), 1e-9), _MOST_DRIFT)


def _noise(reading: _Reading) -> float:
    """Return the distance that chance puts between what a window shows and what it would show for ever."""
    wide = spread(reading.quantiles)
    wide = wide[~np.isnan(wide)]
    return by_chance(float(wide.mean()), reading.worth)


def _confidence(distances: Float64, noise: float) -> float:
    """Return how sure the nearest is the nearest: its share of exp(-d / noise) over all references."""
    if noise <= 0:
        return float((distances <= distances.min()).sum()) ** -1
    away = (distances - distances.min()) / noise
    return 1.0 / float(np.exp(-away).sum())
