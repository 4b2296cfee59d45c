"""The mirror: what is read of a performer becomes what her partner is asked for, without ever flickering.

Three things keep it calm, whatever is read: probabilities are smoothed over a second, another emotion must lead by a
margin for half a second (hysteresis), and after a change the next one waits (a dead time). So what never changes
settles, and what is noise changes the partner at most once in HOLD_S.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from ..models.primitive_store import PrimitiveInfo
from .clock import NS_PER_S
from .events import EmotionEvent
from .steering import MODES, SAME
from .wish import MAX_INTENSITY, NEUTRAL, Wish

HOLD_S: Final = 2.0  # between two changes
LEAD: Final = 0.12  # of probability, by which another emotion must be ahead
LEADING_S: Final = 0.5  # for so long
SMOOTH_S: Final = 1.0
DELAY_S: Final = 4.0
_PENDING: Final = 16  # changes that wait to be shown late: one every HOLD_S, so never more than a few
_LONGEST_S: Final = 0.5  # between two readings that still belong together


@dataclass(frozen=True, slots=True)
class Change:
    """Say from when on the partner is to show what."""

    t_ns: int
    wish: Wish


class Mirror:
    """Follow one performer's readings; `hear` returns a wish when the partner is to change, None otherwise."""

    def __init__(self, info: PrimitiveInfo, mode: str = SAME) -> None:
        if mode not in MODES:
            raise ValueError(f"mode {mode!r}, wanted one of {', '.join(MODES)}")
        self._info = info
        self.mode = mode
        self.reset()

    def reset(self) -> None:
        """Start as if nobody had been read."""
        self._smooth: dict[str, float] = {}
        self._t_ns: int | None = None
        self._shown = NEUTRAL
        self._changed_ns: int | None = None
        self._leads_since: tuple[str, int] | None = None
        self._pending: deque[Change] = deque(maxlen=_PENDING)

    def hear(self, event: EmotionEvent) -> Wish | None:
        """Take what is read of the performer; return what the partner is to show from now on, None for no change."""
        if all(math.isfinite(p) for p in event.probs.values()) and not event.abstain:
            self._follow(event.probs, event.t_ns)
            self._consider(event.t_ns)
        return self._due(event.t_ns)

    def _follow(self, probs: Mapping[str, float], t_ns: int) -> None:
        known = {label: max(p, 0.0) for label, p in probs.items() if label in self._info.emotions}
        if self._t_ns is None or not self._smooth:
            self._smooth = dict(known)
        else:
            elapsed_s = min(max((t_ns - self._t_ns) / NS_PER_S, 0.0), _LONGEST_S)
            share = 1.0 - math.exp(-elapsed_s / SMOOTH_S)
            for label, p in known.items():
                before = self._smooth.get(label, 0.0)
                self._smooth[label] = before + share * (p - before)
        self._t_ns = t_ns

    def _consider(self, t_ns: int) -> None:
        """Change what is shown where another emotion has led by the margin for long enough."""
        best = max(self._smooth, key=lambda label: self._smooth[label], default=self._shown)
        ahead = self._smooth.get(best, 0.0) - self._smooth.get(self._shown, 0.0)
        if best == self._shown or ahead < LEAD:
            self._leads_since = None
            return
        if self._leads_since is None or self._leads_since[0] != best or t_ns < self._leads_since[1]:
            self._leads_since = (best, t_ns)
        waited = self._changed_ns is None or t_ns - self._changed_ns >= HOLD_S * NS_PER_S
        if waited and t_ns - self._leads_since[1] >= LEADING_S * NS_PER_S:
            self._shown, self._changed_ns, self._leads_since = best, t_ns, None
            late_ns = round(DELAY_S * NS_PER_S) if self.mode == "delayed" else 0
            self._pending.append(Change(t_ns + late_ns, self._answer(best)))

    def _due(self, t_ns: int) -> Wish | None:
        wish: Wish | None = None
        while self._pending and self._pending[0].t_ns <= t_ns:
            wish = self._pending.popleft().wish
        return wish

    def _answer(self, emotion: str) -> Wish:
        """Return what the partner shows to an emotion."""
        same = Wish(emotion)
        if self.mode == "amplified":
            return replace(same, intensity=MAX_INTENSITY)
        if self.mode == "opposite":
            valence, arousal = self._info.valence[emotion], self._info.arousal[emotion]
            return same if emotion == NEUTRAL else Wish(emotion, valence=-valence, arousal=-arousal)
        return same
