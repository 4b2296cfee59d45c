"""What is said of one performer: a label is held until another has led for long enough, so that none is stuttered.

Probabilities are left as they are; only the label, and the confidence that goes with it, wait. The lead of every other
label over the one that was said is added up over time, as in the cumulative sum test (Page, Biometrika 1954): a great
lead is believed after a moment, a narrow one after seconds. `unknown` never waits; what follows it does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from .events import UNKNOWN
from .recognise import Reading

SLACK: Final = 0.05  # lead that counts as none
ENOUGH_S: Final = 0.1  # of lead times seconds: a lead of 0.35 is believed after a third of a second
FRESH_S: Final = 1.0  # for so long after the first label, or after a hole, nothing is held: evidence is still gathering
BACK_S: Final = 1.0  # for so long the answer must be known again before a label is said after an `unknown`


class Steadiness:
    """Hold the label said of one performer, at a rate of rate_hz readings a second.

    The first label is said at once and corrected at once for a second; `unknown` is said at once too, with the
    recogniser's confidence. A label that the readings do not know any more, as after a change of what is taught, is
    dropped at once.
    """

    def __init__(self, rate_hz: float) -> None:
        self._period_s = 1.0 / rate_hz
        self.reset()

    def reset(self) -> None:
        """Start as if nothing had been said."""
        self._said: str | None = None
        self._age_s = 0.0  # seconds since the first reading
        self._leads: dict[str, float] = {}
        self._back_s: float | None = None  # seconds known again since an `unknown` that followed a label

    def step(self, reading: Reading) -> Reading:
        """Return the next reading with the label that is to be said."""
        self._age_s += self._period_s
        if reading.abstain:
            self._leads = {}
            self._back_s = None if self._said is None else 0.0
            return reading
        if self._back_s is not None:
            return self._return(reading, self._back_s + self._period_s)
        said = self._said
        if said is None or said not in reading.probs or self._age_s < FRESH_S:
            return self._say(reading, reading.label)
        self._add(reading, reading.probs[said])
        if reading.label != said and self._leads[reading.label] >= ENOUGH_S:
            return self._say(reading, reading.label)
        return _with(reading, said)

    def _add(self, reading: Reading, own: float) -> None:
        """Add up by how much every label leads the one that was said, whose probability is own."""
        before = self._leads
        self._leads = {
            label: max(0.0, before.get(label, 0.0) + (p - own - SLACK) * self._period_s)
            for label, p in reading.probs.items()
        }

    def _return(self, reading: Reading, back_s: float) -> Reading:
        """Say `unknown` until the answer has been known for long enough."""
        if back_s < BACK_S:
            self._back_s = back_s
            return replace(reading, label=UNKNOWN, abstain=True)
        return self._say(reading, reading.label)

    def _say(self, reading: Reading, label: str) -> Reading:
        self._said, self._leads, self._back_s = label, {}, None
        return _with(reading, label)


def _with(reading: Reading, label: str) -> Reading:
    """Return the reading with another label, and what is known of that one for its confidence."""
    return reading if label == reading.label else replace(reading, label=label, confidence=reading.probs[label])
