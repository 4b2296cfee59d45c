"""The engine: poses in, events out. Read this first.

    sensor --Pose--> intake --Arrival--> resampler --Pose at 30 Hz--+--> PoseEvent
                     order, duplicates,  any rate to                +--> qualities --> QualitiesEvent
                                                                    +--> signature --> SignatureEvent, where asked
                     gaps, masks         the model's                +--> reader -----> EmotionEvent
                                                                         features -> network -> calibrated reading

Pure and synchronous: no thread, no socket, no file, no clock but the one given. `runner.py` drives it live, the
command line drives it over whole files, the tests drive it with a clock turned by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from .acquaintance import Acquaintances
from .blind import Blinder
from .clock import NS_PER_S, Clock
from .control import Command
from .courses import Begin, drive, drive_together
from .events import Event, PoseEvent
from .group import Group
from .notices import Notices
from .performer import Performer
from .pose import Pose
from .reader import EmotionReader
from .recognise import Recogniser
from .signature_references import References
from .signature_tracker import SignatureTracker
from .streams import MODEL_RATE_HZ

NAMES_KEPT = 256  # streams whose counters are kept after they have gone
IDLE_NS = 60 * NS_PER_S  # a performer silent for so long has left; her place is freed


class Engine:
    """Turn the poses of several performers into events.

    recogniser: None to tell of movement only (no emotion is inferred). live: False for recordings read as fast as
    possible. explain: tell with each emotion which joints carried it. max_performers: streams followed at once; poses
    of further ones are counted in `refused` and reported, so that memory stays bounded whatever arrives. may_read:
    tells of which streams an emotion may be inferred, asked when a performer enters; of all where it is None.
    acquaintances: tell what is known of a performer who enters, her baseline and what she taught; without them nothing
    is learnt.
    signature: the references that every performer's motor signature is held to, none unless asked for; may_sign: of
    which streams one may be made, asked likewise. group: compares those who may be signed with one another, for a
    room that asked for it. blind: show every one with the same standard body; what is read is read of her own.
    """

    def __init__(
        self,
        recogniser: Recogniser | None,
        clock: Clock,
        *,
        live: bool = True,
        explain: bool = False,
        max_performers: int = 16,
        rate_hz: float = MODEL_RATE_HZ,
        may_read: Callable[[str], bool] | None = None,
        acquaintances: Acquaintances | None = None,
        signature: References | None = None,
        may_sign: Callable[[str], bool] | None = None,
        group: Group | None = None,
        blind: bool = False,
    ) -> None:
        self._recogniser = recogniser
        self._clock = clock
        self._live = live
        self._explain = explain
        self._max_performers = max_performers
        self._rate_hz = rate_hz
        self._may_read = may_read
        self._acquaintances = acquaintances
        self._signature = signature
        self._may_sign = may_sign
        self._group = group
        self._blind = blind
        self.reset()

    def reset(self) -> None:
        """Forget every performer."""
        self._performers: dict[str, Performer] = {}
        self._past: dict[str, dict[str, int]] = {}
        self._notices = Notices("engine")
        self.refused = 0
        if self._group is not None:
            self._group.reset()

    def step(self, pose: Pose) -> tuple[Event, ...]:
        """Take one received pose; return the events it gives rise to, in the order of their frames."""
        performer = self._performer(pose.stream)
        if performer is None:
            return self._refuse(pose)
        return self._together(drive(performer.step(pose), self._recogniser))

    def step_many(self, poses: Sequence[Pose], fail: Callable[[str, Exception], None]) -> tuple[Event, ...]:
        """Take the poses of several performers, in the order received, and ask the recogniser for all of them at once.

        Returns the events of each pose together, as soon as a performer is through with it; one performer's stay in
        order. What is said is what `step` would say of one pose after another. fail: hears of the stream that could not
        be gone through, and why; the others are told of all the same.
        """
        events: list[Event] = []
        lines: dict[str, list[Begin]] = {}
        for pose in poses:
            performer = self._performer(pose.stream)
            if performer is None:
                events += self._refuse(pose)
            else:
                lines.setdefault(pose.stream, []).append(partial(performer.step, pose))
        for said in drive_together(lines, self._recogniser, fail):
            events += self._together(said)
        return tuple(events)

    def _performer(self, stream: str) -> Performer | None:
        """Return the performer of a stream, who enters where there is room; None where there is none."""
        performer = self._performers.get(stream)
        if performer is None and len(self._performers) < self._max_performers:
            performer = self._performers[stream] = self._enter(stream)
        return performer

    def _together(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """Return the events, with what there is to say of the room behind the pose that gave rise to it."""
        if self._group is None:
            return events
        out: list[Event] = []
        for event in events:
            out.append(event)
            if isinstance(event, PoseEvent) and (self._may_sign is None or self._may_sign(event.stream)):
                room = self._group.step(event)
                out += [] if room is None else [room]
        return tuple(out)

    def tick(self, now_ns: int) -> tuple[Event, ...]:
        """Let time pass: release held poses, notice silence, see out those long gone. Call it every 50 ms or less."""
        events: list[Event] = []
        for stream, performer in tuple(self._performers.items()):
            events.extend(drive(performer.tick(now_ns), self._recogniser))
            if performer.seen_ns is not None and now_ns - performer.seen_ns > IDLE_NS:
                self.send_off(stream)
        return tuple(events)

    def flush(self) -> tuple[Event, ...]:
        """Return the events of everything still held back, at the end of all streams."""
        return tuple(
            event for performer in self._performers.values() for event in drive(performer.flush(), self._recogniser)
        )

    def obey(self, command: Command) -> tuple[Event, ...]:
        """Carry out a command about one performer, the only one there unless it names her; return what to say of it."""
        named: str | None = getattr(command, "stream", None)
        there = [stream for stream in self._performers if named in (None, stream)]
        if len(there) == 1:
            return tuple(self._performers[there[0]].obey(command))
        word = type(command).__name__
        problem = f"{word}: nobody is there" if named is None else f"{word}: {named} is not there"
        if there:
            problem = f"{word}: say for whom, of {', '.join(sorted(there)[:4])}"
        return self._notices.say("warning", "control", problem, self._clock.now_ns())

    def forget(self, stream: str) -> None:
        """Drop a performer with everything held of her but how many poses came; comes she again, she is new."""
        self.send_off(stream)
        if self._acquaintances is not None:
            self._acquaintances.forget(stream)

    def send_off(self, stream: str) -> None:
        """Let a performer leave the stage; what is known of her waits for her return."""
        gone = self._performers.pop(stream, None)
        if gone is not None and (stream in self._past or len(self._past) < NAMES_KEPT):
            self._past[stream] = _added(self._past.get(stream, {}), _ended(gone.counters()))
        if self._group is not None:
            self._group.forget(stream)

    @property
    def max_performers(self) -> int:
        """Return how many are followed at once."""
        return self._max_performers

    @property
    def present(self) -> int:
        """Return how many there are."""
        return len(self._performers)

    @property
    def signs(self) -> bool:
        """Tell whether motor signatures are held to references here."""
        return self._signature is not None

    def performers(self) -> dict[str, Performer]:
        """Return the performers who are there, by stream."""
        return dict(self._performers)

    def counters(self) -> dict[str, dict[str, int]]:
        """Return the counters of each stream; received == processed + held + everything dropped.

        Those of a performer who left and came again go on.
        """
        counters = {stream: dict(counts) for stream, counts in self._past.items()}
        for stream, performer in self._performers.items():
            counters[stream] = _added(counters.get(stream, {}), performer.counters())
        return counters

    def _enter(self, stream: str) -> Performer:
        reader = None
        if self._recogniser is not None and (self._may_read is None or self._may_read(stream)):
            reader = EmotionReader(
                self._recogniser,
                self._clock,
                rate_hz=self._rate_hz,
                live=self._live,
                explain=self._explain,
                acquaintance=None if self._acquaintances is None else self._acquaintances.meet(stream),
            )
        tracker = None
        if self._signature is not None and (self._may_sign is None or self._may_sign(stream)):
            tracker = SignatureTracker(self._signature)
        blinder = Blinder() if self._blind else None
        return Performer(stream, reader, self._clock, rate_hz=self._rate_hz, tracker=tracker, blinder=blinder)

    def _refuse(self, pose: Pose) -> tuple[Event, ...]:
        self.refused += 1
        message = f"{pose.stream} is not followed: already {self._max_performers} performers"
        return self._notices.say("warning", "too-many-performers", message, pose.t_ns, {"refused": self.refused})


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Return the sums of two sets of counters."""
    return dict(one) | {name: one.get(name, 0) + count for name, count in other.items()}


def _ended(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counters of a performer who leaves: what was still held for her is dropped."""
    settled = counts["processed"] + sum(n for name, n in counts.items() if name.startswith("dropped_"))
    return dict(counts) | {"held": 0, "dropped_left": counts["received"] - settled}
