"""One performer: everything the engine knows of one stream, from the intake to the events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .blind import Blinder
from .clock import NS_PER_S, Clock
from .control import Command
from .courses import Course
from .events import Event, PoseEvent, QualitiesEvent
from .intake import Intake
from .lateness import Lateness
from .notices import Notices
from .pose import Arrival, Hole, Pose
from .qualities import Qualities
from .reader import EmotionReader
from .resample import Resampler
from .signature_tracker import SignatureTracker


class Performer:
    """Follow one performer: poses in as they come, events out at the model's rate.

    `step`, `tick` and `flush` also yield each question to the recogniser, and go on when the answer is sent to them:
    so the engine can ask for many performers at once.

    Nothing is computed across a hole: resampling, qualities and reading all start again after it.
    """

    def __init__(
        self,
        stream: str,
        reader: EmotionReader | None,
        clock: Clock,
        *,
        rate_hz: float,
        tracker: SignatureTracker | None = None,
        blinder: Blinder | None = None,
    ) -> None:
        self._stream = stream
        self._blinder = blinder
        self._reader = reader
        self.tracker = tracker
        self._clock = clock
        self._intake = Intake(stream)
        self._lateness = Lateness()
        self._resampler = Resampler(rate_hz)
        self._qualities = Qualities(rate_hz)
        self._notices = Notices(stream)
        self.reset()

    def reset(self) -> None:
        """Start as if nothing had been seen."""
        self._intake.reset()
        self._lateness.reset()
        self._resampler.reset()
        self._qualities.reset()
        self._notices.reset()
        if self._reader is not None:
            self._reader.reset()
        if self.tracker is not None:
            self.tracker.reset()
        if self._blinder is not None:
            self._blinder.reset()
        self._frames = 0
        self._seq = 0
        self._t_ns: int | None = None
        self._next_status_ns: int | None = None
        self.seen_ns: int | None = None

    def step(self, pose: Pose) -> Course:
        """Yield the events that one received pose gives rise to: none, or those of one or several model frames."""
        arrived_ns = self._clock.now_ns()
        self.seen_ns = arrived_ns
        yield from self._take(self._intake.push(pose), arrived_ns)
        yield from self._regular_status()

    def tick(self, now_ns: int) -> Course:
        """Yield what time alone brings about: held poses released, silence noticed."""
        yield from self._take(self._intake.poll(now_ns), now_ns)
        if self._reader is not None and self._reader.acquaintance is not None:  # a head may be ready in a silence
            yield from self._reader.acquaintance.speak(now_ns if self._t_ns is None else self._t_ns)

    def flush(self) -> Course:
        """Yield the events of whatever is still held, at the end of a stream."""
        yield from self._take(self._intake.flush(), self._clock.now_ns())

    @property
    def reader(self) -> EmotionReader | None:
        """Return who reads her, None where no emotion is inferred from her movement."""
        return self._reader

    def obey(self, command: Command) -> Iterator[Event]:
        """Carry out a command about her; yield what there is to say."""
        t_ns = self._clock.now_ns() if self._t_ns is None else self._t_ns
        if self._reader is None or self._reader.acquaintance is None:
            message = f"{type(command).__name__}: nothing is learnt of this performer"
            yield from self._notices.say("warning", "control", message, t_ns)
            return
        self._reader.obey(command, t_ns)
        yield from self._reader.acquaintance.speak(t_ns)

    @property
    def is_signed(self) -> bool:
        """Tell whether her motor signature is held to references."""
        return self.tracker is not None

    def counters(self) -> dict[str, int]:
        """Return what came in, what went on and what was dropped, by reason."""
        stats = self._intake.stats()
        counts = {"received": stats.received, "processed": stats.processed}
        counts |= {f"dropped_{reason}": n for reason, n in stats.dropped.items()}
        counts |= {"held": stats.held.used, "lost": stats.lost, "interpolated": stats.interpolated}
        counts |= {"masked_joints": stats.masked_joints, "holes": stats.holes}
        counts["frames"] = self._frames
        if self._reader is not None:
            counts |= {"recognised": self._reader.recognised, "late": self._reader.late}
        return counts

    def _take(self, arrivals: Iterable[Arrival], arrived_ns: int) -> Course:
        for arrival in arrivals:
            behind_ns = 0 if isinstance(arrival, Hole) else self._lateness.behind_ns(arrival.t_ns, arrived_ns)
            for frame in self._resampler.push(arrival):
                if isinstance(frame, Hole):
                    yield from self._fall_silent(frame)
                else:
                    yield from self._frame(frame, arrived_ns, behind_ns)

    def _frame(self, pose: Pose, arrived_ns: int, behind_ns: int) -> Course:
        """Yield pose, qualities and emotion of one frame at the model's rate."""
        self._frames += 1
        self._seq = pose.seq
        self._t_ns = pose.t_ns
        shown = pose if self._blinder is None else self._blinder.step(pose)
        yield PoseEvent(
            self._stream,
            shown.seq,
            shown.t_ns,
            shown.positions,
            shown.confidence,
            shown.rotations,
            shown.travels,
            shown.interpolated,
        )
        yield QualitiesEvent(self._stream, pose.seq, pose.t_ns, self._qualities.step(pose))
        where = None if self.tracker is None else self.tracker.step(pose)
        if where is not None:
            yield where
        if self._reader is None:
            return
        emotion = yield from self._reader.step(pose, arrived_ns, behind_ns)
        if self._reader.acquaintance is not None:
            yield from self._reader.acquaintance.speak(pose.t_ns)
        if emotion is not None:
            yield emotion
            return
        message = f"the network is too slow: {self._reader.late} frames went unread"
        yield from self._notices.say("warning", "late", message, pose.t_ns, self.counters())

    def _fall_silent(self, hole: Hole) -> Iterator[Event]:
        """Yield the end of all knowledge: emotion unknown with confidence 0, and the reason."""
        self._qualities.reset()
        self._lateness.reset()
        if self.tracker is not None:
            self.tracker.fall_silent(hole)
        if self._reader is not None:
            yield self._reader.silence(hole, self._seq)
        lost_ms = (hole.to_ns - hole.from_ns) / 1e6
        message = f"nothing usable for {lost_ms:.0f} ms ({hole.reason}); starting afresh"
        yield from self._notices.say("warning", "stale", message, hole.from_ns + 1, self.counters())

    def _regular_status(self) -> Iterator[Event]:
        """Yield the counters once a second of stream time."""
        t_ns = self._t_ns
        if t_ns is not None and (self._next_status_ns is None or t_ns >= self._next_status_ns):
            self._next_status_ns = t_ns + NS_PER_S
            yield from self._notices.say("info", "intake", "counters of the intake", t_ns, self.counters())
