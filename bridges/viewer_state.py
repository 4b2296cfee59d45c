"""What the viewer knows of one performer: the latest of each event, her last twenty seconds, her way on the map."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

import numpy as np

from ..engine.clock import NS_PER_MS, NS_PER_S
from ..engine.events import EmotionEvent, Event, PoseEvent, QualitiesEvent, SignatureEvent, StatusEvent
from ..engine.skeleton import Float64

HISTORY_S: Final = 20.0
HISTORY_STEP_NS: Final = NS_PER_S // 10
TAIL_S: Final = 8.0  # of the way on the signature map
NOTICE_NS: Final = 6 * NS_PER_S  # a warning is shown for so long
SILENT_NS: Final = NS_PER_S // 2  # from then on a performer is called silent
GONE_NS: Final = 60 * NS_PER_S  # from then on she has left the stage


class PerformerState:
    """Keep what one stream last said. Bounded: one event a type, 200 moments of feeling, 80 places on the map."""

    def __init__(self, stream: str, now_ns: int) -> None:
        self.stream = stream
        self._born_ns = now_ns
        self.reset()

    def reset(self) -> None:
        """Forget everything said."""
        self.pose: PoseEvent | None = None
        self.emotion: EmotionEvent | None = None
        self.qualities: QualitiesEvent | None = None
        self.signature: SignatureEvent | None = None
        self.counters: dict[str, int] = {}
        self.rate_hz: float | None = None  # of the poses received by the intake
        self.teaching: StatusEvent | None = None  # what was last said of her takes
        self._notice: StatusEvent | None = None
        self._notice_ns = 0
        self._counted: tuple[int, int] | None = None
        self._pose_ns: int | None = None
        self._history: deque[tuple[int, float, float]] = deque(maxlen=round(HISTORY_S * NS_PER_S / HISTORY_STEP_NS))
        self._trail: deque[tuple[int, float, float]] = deque(maxlen=round(TAIL_S * NS_PER_S / HISTORY_STEP_NS))

    def take(self, event: Event, now_ns: int) -> None:
        """Remember one event that arrived at now_ns."""
        match event:
            case PoseEvent():
                self.pose = event
                self._pose_ns = now_ns
            case EmotionEvent():
                self.emotion = event
                _append(self._history, event.t_ns, event.valence, event.arousal)
            case QualitiesEvent():
                self.qualities = event
            case SignatureEvent():
                self.signature = event
                _append(self._trail, event.t_ns, *event.xy)
            case StatusEvent():
                self._hear(event, now_ns)

    def silent_ns(self, now_ns: int) -> int:
        """Return for how long no pose has come."""
        return now_ns - (self._born_ns if self._pose_ns is None else self._pose_ns)

    def notice(self, now_ns: int) -> str:
        """Return the last warning while it is fresh, else nothing."""
        fresh = self._notice is not None and now_ns - self._notice_ns < NOTICE_NS
        return self._notice.message if fresh and self._notice is not None else ""

    def history(self) -> tuple[Float64, Float64, Float64]:
        """Return the last twenty seconds, oldest first: seconds before the newest moment, valence and arousal."""
        return _columns(self._history)

    def trail(self) -> tuple[Float64, Float64]:
        """Return the way on the signature map, oldest first: seconds before the newest (N,), and places (N, 2)."""
        ages, x, y = _columns(self._trail)
        return ages, np.stack((x, y), axis=1)

    def _hear(self, event: StatusEvent, now_ns: int) -> None:
        if event.code == "teach":
            self.teaching = event
        elif event.counters:
            self.counters = dict(event.counters)
            self._measure(event)
        if event.level != "info":
            self._notice, self._notice_ns = event, now_ns

    def _measure(self, event: StatusEvent) -> None:
        """Take the rate of received poses from two countings at least half a second apart."""
        received = event.counters.get("received")
        if received is None:
            return
        if self._counted is None or received < self._counted[0]:
            self._counted = (received, event.t_ns)
            return
        since_ns = event.t_ns - self._counted[1]
        if since_ns >= NS_PER_S // 2:
            self.rate_hz = (received - self._counted[0]) * NS_PER_S / since_ns
            self._counted = (received, event.t_ns)


def _append(kept: deque[tuple[int, float, float]], t_ns: int, one: float, other: float) -> None:
    """Keep two numbers ten times a second; a stream that began again begins anew."""
    if kept and t_ns < kept[-1][0]:
        kept.clear()
    if not kept or t_ns - kept[-1][0] >= HISTORY_STEP_NS - NS_PER_MS:
        kept.append((t_ns, one, other))


def _columns(kept: deque[tuple[int, float, float]]) -> tuple[Float64, Float64, Float64]:
    """Return what was kept, oldest first: seconds before the newest, and both numbers."""
    t_ns, one, other = zip(*kept, strict=True) if kept else ((), (), ())
    ages = (np.array(t_ns, dtype=np.int64) - (t_ns[-1] if t_ns else 0)) / NS_PER_S
    return ages.astype(np.float64), np.array(one, dtype=np.float64), np.array(other, dtype=np.float64)


def dropped(counters: dict[str, int]) -> dict[str, int]:
    """Return the non-zero counts of what was dropped, by reason."""
    return {name.removeprefix("dropped_"): n for name, n in counters.items() if name.startswith("dropped_") and n}


def stage_order(states: Iterable[PerformerState]) -> list[PerformerState]:
    """Return the performers as they stand side by side: by name, so that nobody changes place."""
    return sorted(states, key=lambda state: state.stream)
