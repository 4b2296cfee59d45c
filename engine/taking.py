"""Recording a take: the features of one performer while she shows one label, boiled down to a few rows as they come."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

from .errors import TeachError
from .skeleton import Float32
from .streams import MODEL_RATE_HZ
from .taught import MOST_ROWS, TaughtTake

LEAST_S: Final = 1.5  # of movement: less tells nothing that holds for the next take
WARM_FRAMES: Final = 15  # half a second: before that the features tell of the prior, not of her
MAX_LABEL: Final = 48  # characters, as on the wire
_FIRST_STRIDE: Final = 3  # frames between rows, until there are too many
_STILL: Final = 1e-3  # body lengths by which some joint moves from frame to frame where there is any movement
_LEAST_KNOWN: Final = 0.5  # share of the frames in which something must be seen


class TakeRecorder:
    """Gather one take, frame by frame; memory is bounded by 2 * MOST_ROWS rows however long it lasts.

    Raises TeachError for a label that is none. State is everything since `reset`.
    """

    def __init__(self, label: str, features: str, name: str = "") -> None:
        self.label = check_label(label)
        self.features = features
        self.name = name
        self.reset()

    def reset(self) -> None:
        """Forget what was recorded and begin again."""
        self._rows: list[Float32] = []
        self._stride = _FIRST_STRIDE
        self._frames = 0
        self._warm = 0  # frames since the evidence was warm
        self._streams: set[str] = set()
        self._hash = hashlib.sha256()
        self._before: Float32 | None = None
        self._moved = 0
        self._seen = 0

    @property
    def seconds(self) -> float:
        """Return how much movement has been recorded."""
        return self._frames / MODEL_RATE_HZ

    def add(self, stream: str, frame: Float32, described: Float32, seen: int) -> None:
        """Take in one frame.

        frame: (90,) network frame. described: (2 D + 1,) or (D,), what `Recogniser.describe` says after it. seen:
        frames in the evidence, which begins anew after a hole.
        """
        if len(self._streams) < 2:  # two are as wrong as twenty
            self._streams.add(stream)
        self._frames += 1
        self._hash.update(np.round(np.nan_to_num(frame[:63]) * 512).astype("<i2").tobytes())  # 2 mm of a body length
        self._watch(frame)
        if seen >= WARM_FRAMES:
            if self._warm % self._stride == 0:
                self._keep(described)
            self._warm += 1

    def finish(self) -> TaughtTake:
        """Return the take; raises TeachError, one line, where nothing can be learnt from it."""
        place = self.name or f"take of {self.label!r}"
        if len(self._streams) > 1:
            raise TeachError(place, "shows two people", mend="a take is of one performer alone")
        if self._frames == 0 or self._seen < _LEAST_KNOWN * self._frames:
            raise TeachError(place, "shows nobody", mend="see with `emotus doctor` that the sensor sees the performer")
        if self.seconds < LEAST_S or not self._rows:
            raise TeachError(place, f"lasts {self.seconds:.1f} s", mend=f"at least {LEAST_S} s; 20 s are good")
        if self._moved < LEAST_S / 2 * MODEL_RATE_HZ:
            raise TeachError(place, "shows no movement", mend="move as you want to be recognised")
        kept = np.linspace(0, len(self._rows) - 1, min(len(self._rows), MOST_ROWS)).round().astype(int)
        rows = np.stack(self._rows)[kept]  # (S, D)
        return TaughtTake(self.label, rows, self.features, self._hash.hexdigest()[:32], self.name, self.seconds)

    def _watch(self, frame: Float32) -> None:
        """Count frames in which somebody is seen, and in which some joint that stays seen moves."""
        known = frame[63:84] > 0
        self._seen += bool(known.any())
        if self._before is not None:
            both = known & (self._before[63:84] > 0)
            steps = np.abs(frame[:63] - self._before[:63]).reshape(21, 3)[both]
            self._moved += bool(steps.size) and float(steps.max()) > _STILL
        self._before = frame.copy()

    def _keep(self, described: Float32) -> None:
        size = len(described) // 2 if len(described) % 2 else len(described)
        self._rows.append(np.array(described[:size], dtype=np.float32))
        if len(self._rows) == 2 * MOST_ROWS:
            self._rows = self._rows[::2]
            self._stride *= 2


def check_label(label: str) -> str:
    """Return the label without blanks around it; raises TeachError where it is none."""
    words = " ".join(label.split())
    if not words or words == "unknown" or not words.isprintable():
        raise TeachError(f"label {label!r}", "is no label", mend="any word or words but `unknown`")
    if len(words) > MAX_LABEL:
        raise TeachError(f"label {label[:MAX_LABEL]!r}...", f"is longer than {MAX_LABEL} characters")
    return words
