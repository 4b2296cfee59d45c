"""The partner: a generated performer beside the real ones, in time with the clock, steered while the show goes on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from .clock import NS_PER_MS, NS_PER_S
from .errors import InputError
from .events import EmotionEvent, Event, MotionEvent
from .generator import Generator, GeneratorModel
from .mirror import Mirror
from .notices import Notices
from .steering import MODES, OFF, SAME, Direction, Generate, Intensity, MirrorAs, Speed, Steering
from .streams import GENERATED_RATE_HZ
from .wish import NEUTRAL, Wish, checked, moods_of, place_of

STREAM: Final = "generated"
SUFFIX: Final = ".partner"
STAGE_M: Final = 2.5
MIRROR: Final = "mirror"
_LATEST_NS: Final = 100 * NS_PER_MS  # what is due for longer is not shown any more
_AT_ONCE: Final = 4  # frames a tick makes at most: bounds how long anyone waits for it


class Partner:
    """Make MotionEvents at a fixed rate while it is shown, of what it was asked for or of what it reads in a performer.

    mirror: how it answers the performer it follows, the first who is read, or None. Frames that nobody came for in
    time are not made up for: they are counted in `dropped`, and the motion goes on from where it was.
    """

    def __init__(
        self,
        model: GeneratorModel,
        *,
        wish: Wish | None = None,
        mirror: str | None = None,
        seed: int = 0,
        rate_hz: float = GENERATED_RATE_HZ,
        stage_m: float = STAGE_M,
    ) -> None:
        self._info = model.info
        self._generator = Generator(model, seed=seed, rate_hz=rate_hz, stage_m=stage_m)
        self._generator.step()  # the first is the slowest: not on stage
        self._period_ns = round(NS_PER_S / rate_hz)
        self._asked = checked(wish or Wish(), model.info.emotions)
        self._as_asked = mirror
        self.reset()

    def reset(self) -> None:
        """Begin again as it was asked for at first."""
        self._generator.reset()
        self._notices = Notices(STREAM)
        self._mirror = None if self._as_asked is None else Mirror(self._info, self._as_asked)
        self._followed: str | None = None
        self._is_shown = self._mirror is None
        self._next_ns: int | None = None
        self._seq = 0
        self.dropped = 0
        self._take(self._asked)

    @property
    def stream(self) -> str:
        """Return the name of its stream: that of whom it follows, with a suffix."""
        return STREAM if self._followed is None else f"{self._followed}{SUFFIX}"

    @property
    def wish(self) -> Wish:
        """Return what it shows."""
        return self._generator.wishes[0]

    @property
    def due_ns(self) -> int | None:
        """Return when it is to be ticked next: when a frame is due, half a frame earlier where it has yet to be made.

        A piece takes two milliseconds: made when its first frame is due it made every eighth late, and right behind the
        one before it held up the thread that sends that. None while nothing is shown.
        """
        if not self._is_shown or self._next_ns is None:
            return None
        return self._next_ns if self._generator.is_ready else self._next_ns - self._period_ns // 2

    def listen(self, events: Iterable[Event]) -> Iterator[Event]:
        """Pass events on, and hear what is read of the performer who is followed."""
        for event in events:
            if isinstance(event, EmotionEvent) and self._mirror is not None:
                self._hear(event, self._mirror)
            yield event

    def tick(self, now_ns: int) -> tuple[MotionEvent, ...]:
        """Return the frames that are due by now: none, one, or a few after a delay."""
        if not self._is_shown:
            return ()
        if self._next_ns is None:
            self._next_ns = now_ns
        late_ns = now_ns - self._next_ns
        if late_ns > _LATEST_NS:
            missed = late_ns // self._period_ns
            self.dropped += missed
            self._next_ns += missed * self._period_ns
        made: list[MotionEvent] = []
        while self._next_ns <= now_ns and len(made) < _AT_ONCE:
            made.append(self._frame(self._next_ns))
            self._next_ns += self._period_ns
        if self._next_ns - now_ns <= self._period_ns // 2:
            self._generator.prepare()
        return tuple(made)

    def obey(self, command: Steering, t_ns: int) -> tuple[Event, ...]:
        """Carry out what it is told from outside; return what there is to say of it."""
        try:
            message = self._obey(command)
        except InputError as error:
            return self._notices.say("warning", "generate", str(error), t_ns)
        return self._notices.say("info", "generate", message, t_ns)

    def forget(self, stream: str) -> str | None:
        """Forget whom it followed, if it was this one; shown as her answer, it leaves the stage.

        Return the name of the stream in which it answered. It may follow somebody else from then on.
        """
        if stream != self._followed:
            return None
        answered, self._followed = self.stream, None
        if self._mirror is not None:
            self._mirror.reset()
            self._is_shown, self._next_ns = False, None
            self._take(replace(self._asked, emotion=NEUTRAL, valence=None, arousal=None))
        return answered

    def _hear(self, event: EmotionEvent, mirror: Mirror) -> None:
        if self._followed is None:
            self._followed = event.stream
            self._is_shown = True
        if event.stream == self._followed:
            wish = mirror.hear(event)
            if wish is not None:
                now = self.wish
                self._take(replace(wish, travels=now.travels, speed_m_s=now.speed_m_s, direction_deg=now.direction_deg))

    def _obey(self, command: Steering) -> str:
        now = self.wish
        match command:
            case Generate(emotion=emotion) if emotion == OFF:
                self._is_shown, self._next_ns, self._mirror, self._followed = False, None, None, None
                return "nothing is generated"
            case Generate(emotion=emotion):
                self._take(replace(now, emotion=emotion, valence=None, arousal=None))
                self._mirror, self._followed, self._is_shown = None, None, True
                return f"shows {emotion}"
            case Intensity(value=value):
                self._take(replace(now, intensity=value))
                return f"intensity {value:g}"
            case Direction(degrees=degrees):
                self._take(replace(now, direction_deg=degrees))
                return f"direction {degrees:g} degrees"
            case Speed(metres_a_second=speed):
                self._take(replace(now, travels=speed != 0.0, speed_m_s=speed))
                return f"speed {speed:g} m/s" if speed else "stays in place"
            case MirrorAs(mode=mode):
                self._mirror = None if mode == OFF else Mirror(self._info, mode)
                self._followed = self._followed if self._mirror is not None else None
                return "mirrors nobody" if mode == OFF else f"mirrors the performer: {mode}"

    def _take(self, wish: Wish) -> None:
        self._generator.ask(wish)
        moods = moods_of(self.wish, self._info)
        self._emotion = self._info.emotions[int(moods.argmax())] if self.wish.valence is not None else self.wish.emotion
        self._place = place_of(self.wish, self._info)

    def _frame(self, t_ns: int) -> MotionEvent:
        frame = self._generator.step()
        self._seq = (self._seq + 1) % 2**32
        return MotionEvent(
            self.stream,
            self._seq,
            t_ns,
            frame.joints[0],
            frame.rotations[0],
            frame.root[0],
            self._emotion,
            self.wish.intensity,
            *self._place,
            self._generator.seed,
            self._info.name,
            self._info.sha256,
        )


def read_generate(text: str) -> tuple[str, str | None]:
    """Read `EMOTION` or `mirror[:MODE]` of the command line: an emotion and how to mirror, None for not at all.

    Raises InputError for a mirror there is not; emotions are for the generator to know.
    """
    word, _, mode = text.strip().lower().partition(":")
    if word != MIRROR:
        return text.strip().lower(), None
    if mode and mode not in MODES:
        raise InputError(f"--generate {text}", f"no such mirror: {mode!r}", mend=f"mirror:{'|'.join(MODES)}")
    return "neutral", mode or SAME
