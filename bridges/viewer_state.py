"""What the viewer knows of one performer: the latest of each event, her last twenty seconds, her way on the map."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..engine.clock import NS_PER_MS, NS_PER_S
from ..engine.events import (
    UNKNOWN,
    EmotionEvent,
    Event,
    MotionEvent,
    PoseEvent,
    QualitiesEvent,
    SignatureEvent,
    StatusEvent,
)
from ..engine.skeleton import Float64

HISTORY_S: Final = 20.0
HISTORY_STEP_NS: Final = NS_PER_S // 10
TAIL_S: Final = 8.0  # of the way on the signature map
NOTICE_NS: Final = 6 * NS_PER_S  # a warning is shown for so long
SILENT_NS: Final = NS_PER_S // 2  # from then on a performer is called silent
GONE_NS: Final = 60 * NS_PER_S  # from then on she has left the stage
LOSS_NS: Final = 3 * NS_PER_S  # so long a loss is told of on the lamp
CONDUCTED: Final = ("teach", "calibrate", "calibrated")  # codes of what is said of a take or a warm-up
LATE: Final = {"late": "unread, too late"}  # counters of what came and was not read, in words
_GRADES: Final = 8  # of confidence, told apart in the ribbon of moods


@dataclass(frozen=True, slots=True)
class Mood:
    """Hold a run of one label: from and to in seconds before now (0 the newest), and the confidence, 0 of unknown."""

    from_s: float
    to_s: float
    label: str
    confidence: float


class PerformerState:
    """Keep what one stream last said. Bounded: one event a type, 200 moments of 20 s, 80 places on the map."""

    def __init__(self, stream: str, now_ns: int) -> None:
        self.stream = stream
        self._born_ns = now_ns
        self.reset()

    def reset(self) -> None:
        """Forget everything said."""
        self.pose: PoseEvent | None = None
        self.motion: MotionEvent | None = None
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
        self._moods: deque[tuple[int, str, float]] = deque(maxlen=self._history.maxlen)
        self._losses: dict[str, int] = {}
        self._lost_ns = -LOSS_NS
        self._trail: deque[tuple[int, float, float]] = deque(maxlen=round(TAIL_S * NS_PER_S / HISTORY_STEP_NS))

    def take(self, event: Event, now_ns: int) -> None:
        """Remember one event that arrived at now_ns."""
        match event:
            case PoseEvent():
                self.pose = event
                self._pose_ns = now_ns
            case MotionEvent():
                self.motion = event
                self._pose_ns = now_ns
            case EmotionEvent():
                self.emotion = event
                if _append(self._history, event.t_ns, event.valence, event.arousal):
                    self._feel(event)
            case QualitiesEvent():
                self.qualities = event
            case SignatureEvent():
                self.signature = event
                _append(self._trail, event.t_ns, *event.xy)
            case StatusEvent():
                self._hear(event, now_ns)

    @property
    def is_generated(self) -> bool:
        """Tell whether this is no person but generated motion."""
        return self.motion is not None

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

    def moods(self) -> list[Mood]:
        """Return the runs of one label and grade of confidence in the last twenty seconds, oldest first."""
        runs: list[Mood] = []
        newest_ns = self._moods[-1][0] if self._moods else 0
        for t_ns, label, confidence in self._moods:
            at_s = (t_ns - newest_ns) / NS_PER_S
            if runs:
                last = runs[-1]
                runs[-1] = Mood(last.from_s, at_s, last.label, last.confidence)
            if not runs or (runs[-1].label, runs[-1].confidence) != (label, confidence):
                runs.append(Mood(at_s, at_s, label, confidence))
        return runs

    def losses(self, now_ns: int) -> dict[str, int]:
        """Return what was dropped or too late in the last counting, by reason, while that is news."""
        return self._losses if now_ns - self._lost_ns < LOSS_NS else {}

    def trail(self) -> tuple[Float64, Float64]:
        """Return the way on the signature map, oldest first: seconds before the newest (N,), and places (N, 2)."""
        ages, x, y = _columns(self._trail)
        return ages, np.stack((x, y), axis=1)

    def _hear(self, event: StatusEvent, now_ns: int) -> None:
        if event.code in CONDUCTED:
            self.teaching = event
        elif event.counters:
            self._lose(event, now_ns)
            self.counters = dict(event.counters)
            self._measure(event)
        if event.level != "info":
            self._notice, self._notice_ns = event, now_ns

    def _feel(self, event: EmotionEvent) -> None:
        """Keep the label of one moment, its confidence in grades, so that long runs stay one run."""
        if self._moods and event.t_ns < self._moods[-1][0]:
            self._moods.clear()
        known = not event.abstain and event.label != UNKNOWN and event.confidence == event.confidence
        grade = max(round(min(event.confidence, 1.0) * _GRADES), 1) / _GRADES if known else 0.0
        self._moods.append((event.t_ns, event.label if known else UNKNOWN, grade))

    def _lose(self, event: StatusEvent, now_ns: int) -> None:
        """Remember what was lost since the last counting; a stream that began again has lost nothing yet."""
        if not self.counters:
            return
        more = {name: count - self.counters.get(name, 0) for name, count in event.counters.items()}
        lost = dropped(more) | {word: more[name] for name, word in LATE.items() if name in more}
        lost = {word: count for word, count in lost.items() if count > 0}
        if lost:
            self._losses, self._lost_ns = lost, now_ns

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


def _append(kept: deque[tuple[int, float, float]], t_ns: int, one: float, other: float) -> bool:
    """Keep two numbers ten times a second, and tell whether; a stream that began again begins anew."""
    if kept and t_ns < kept[-1][0]:
        kept.clear()
    is_due = not kept or t_ns - kept[-1][0] >= HISTORY_STEP_NS - NS_PER_MS
    if is_due:
        kept.append((t_ns, one, other))
    return is_due


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
