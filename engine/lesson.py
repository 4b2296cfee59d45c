"""What a fit tells its teacher: the head, what it confuses, and which take would help most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .taught import TaughtHead


@dataclass(frozen=True, eq=False)
class Lesson:
    """Hold a head that has passed its own check, and what was found when each take was left out in turn.

    confusion: (K, K) takes of label i that were taken for label j, in the order of head.labels; takes that are the only
    one of their label cannot be left out and are not in it. takes: of each label. calibration_error: how far the
    probabilities of takes left out are off, NaN where none could be. advice: one sentence, what to do next. problems:
    sentences, none where all is well.
    """

    head: TaughtHead
    confusion: NDArray[np.intp]
    takes: dict[str, int]
    calibration_error: float
    advice: str
    problems: tuple[str, ...]

    @property
    def accuracies(self) -> dict[str, float]:
        """Return the share of each label's takes that were known again; NaN where it has but one."""
        rows = dict(zip(self.head.labels, self.confusion, strict=True))
        return {
            label: float(row[i] / row.sum()) if row.sum() else float("nan")
            for i, (label, row) in enumerate(rows.items())
        }

    @property
    def confused(self) -> tuple[tuple[str, str, int], ...]:
        """Return (shown, taken for, takes) of labels that are confused, the most frequent first."""
        labels = self.head.labels
        pairs = [
            (labels[i], labels[j], int(self.confusion[i, j]))
            for i in range(len(labels))
            for j in range(len(labels))
            if i != j and self.confusion[i, j]
        ]
        return tuple(sorted(pairs, key=lambda pair: (-pair[2], pair)))

    def to_text(self) -> str:
        """Return the confusion picture and the advice as plain lines."""
        labels = self.head.labels
        width = max(len(label) for label in labels)
        head = " " * (width + 2) + "  ".join(f"{label:>{max(len(label), 3)}}" for label in labels)
        lines = [f"  {'shown as':<{width}}  taken for, when the take was left out", "  " + head]
        for label, row in zip(labels, self.confusion.tolist(), strict=True):
            cells = (f"{n or '.':>{max(len(other), 3)}}" for n, other in zip(row, labels, strict=True))
            lines.append(f"  {label:<{width}}    " + "  ".join(cells))
        return "\n".join([*lines, *(f"  {problem}" for problem in self.problems), f"  {self.advice}"])
