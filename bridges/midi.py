"""MIDI: control changes that follow the apparent expression and the movement, for synthesizers, DAWs and light desks.

`midi:NAME` opens the port whose name holds NAME, `midi:new:NAME` makes a port that others connect to (not on Windows).
The first performer speaks on the first channel, the next on the next.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Protocol

from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import EmotusError, MissingPackageError, UriError
from ..engine.events import EmotionEvent, Event, MotionEvent, QualitiesEvent
from .base import BridgeStats
from .courier import Courier
from .glide import Glide, Pace
from .midi_map import ControlMap, values_of
from .outbox import Outbox

VIRTUAL: Final = "new:"
RATE_HZ: Final = 30.0
SMOOTH_S: Final = 0.1
RETRY_NS: Final = 2 * NS_PER_S
CHANNELS: Final = 16
CONTROL_CHANGE: Final = 0xB0
LINGER_S: Final = 0.001


class MidiPort(Protocol):
    """Take messages; what python-rtmidi's MidiOut does."""

    def send_message(self, message: Sequence[int]) -> None:
        """Send the bytes of one message."""
        ...

    def close_port(self) -> None:
        """Close the port."""
        ...


OpenPort = Callable[[str, str], MidiPort]


@dataclass(frozen=True)
class MidiSettings:
    """Say which numbers become which controllers (None: ours), where the first performer speaks (from 1), how often."""

    controls: ControlMap | None = None
    channel: int = 1
    streams: tuple[str, ...] = ()
    rate_hz: float = RATE_HZ
    smooth_s: float = SMOOTH_S


class _Voice:
    """Know what one performer's channel said last."""

    def __init__(self, channel: int, settings: MidiSettings) -> None:
        self.channel = channel
        self.glides = {kind: Glide(settings.smooth_s) for kind in (EmotionEvent, QualitiesEvent, MotionEvent)}
        self.paces = {kind: Pace(settings.rate_hz) for kind in self.glides}
        self.said: dict[int, int] = {}


class MidiBridge:
    """Send control changes to one port. A port that goes away is looked for again every two seconds.

    labels: those of the model, which have controllers in their order. open_port: how a port is opened by its name.
    """

    def __init__(
        self,
        name: str,
        *,
        labels: Sequence[str] = (),
        clock: Clock,
        settings: MidiSettings | None = None,
        open_port: OpenPort | None = None,
    ) -> None:
        self._name = name
        self._uri = f"midi:{name}"
        self._labels = tuple(labels)
        self._clock = clock
        self._settings = settings or MidiSettings()
        self._open_port = open_port or open_rtmidi
        self._outbox = Outbox(clock)
        self._courier: Courier | None = None
        self._port: MidiPort | None = None
        self._retry_ns = 0
        self._voices: dict[str, _Voice] = {}

    def start(self) -> None:
        """Open the port; raise UriError where there is none of that name, MissingPackageError without the package."""
        if self._courier is not None:
            return
        self._port = self._open_port(self._uri, self._name)
        self._voices.clear()
        self._courier = Courier(self._outbox, self._deliver, name=self._uri, linger_s=LINGER_S, on_beat=self._reopen)
        self._courier.start()

    def send(self, event: Event) -> None:
        """Take one event."""
        self._outbox.put(event)

    def forget(self, stream: str | None) -> None:
        """Drop what waits of a stream, or of all for None; her controllers stay where they are."""
        if self._courier is not None:
            self._courier.forget(stream)
        for voice in [each for name, each in list(self._voices.items()) if stream in (None, name)]:
            for glide in voice.glides.values():
                glide.reset()
            voice.said.clear()

    def close(self) -> None:
        """Send what is left and close the port."""
        courier, self._courier = self._courier, None
        if courier is not None:
            courier.stop()
        self._hang_up()

    def stats(self) -> BridgeStats:
        """Return the counts; errors are messages that the port refused."""
        return self._outbox.stats()

    def _deliver(self, events: Sequence[Event]) -> tuple[int, int]:
        sent = errors = 0
        for event in events:
            messages = self._messages(event)
            if messages is not None and self._port is not None:
                refused = sum(not self._say(message) for message in messages)
                sent += not refused
                errors += refused
        return sent, errors

    def _messages(self, event: Event) -> list[tuple[int, int, int]] | None:
        """Return the control changes that an event asks for, None where MIDI has no word for it."""
        if not isinstance(event, EmotionEvent | QualitiesEvent | MotionEvent):
            return None
        voice = self._voice(event.stream)
        values = values_of(event, self._settings.controls, self._labels)
        if voice is None or values is None:
            return None
        if not voice.paces[type(event)].admits(event.t_ns):
            return []
        smooth = voice.glides[type(event)].to({str(number): value for number, value in values.items()}, event.t_ns)
        steps = {int(number): round(127 * min(max(value, 0.0), 1.0)) for number, value in smooth.items()}
        fresh = {number: step for number, step in steps.items() if voice.said.get(number) != step}
        voice.said |= fresh
        return [(CONTROL_CHANGE | voice.channel, number, step) for number, step in fresh.items()]

    def _voice(self, stream: str) -> _Voice | None:
        """Return a performer's channel, giving her the next one; None where none is left or she is not to be heard."""
        voice = self._voices.get(stream)
        wanted = not self._settings.streams or any(fnmatchcase(stream, each) for each in self._settings.streams)
        channel = self._settings.channel - 1 + len(self._voices)
        if voice is None and wanted and channel < CHANNELS:
            voice = self._voices[stream] = _Voice(channel, self._settings)
        return voice

    def _say(self, message: tuple[int, int, int]) -> bool:
        try:
            if self._port is None:
                return False
            self._port.send_message(message)
        except (OSError, ValueError, RuntimeError):  # python-rtmidi's errors are OSErrors
            self._hang_up()
            self._retry_ns = self._clock.now_ns() + RETRY_NS
            return False
        return True

    def _hang_up(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            port.close_port()

    def _reopen(self) -> None:
        """Look for a port that went away."""
        if self._port is not None or self._courier is None or self._clock.now_ns() < self._retry_ns:
            return
        self._retry_ns = self._clock.now_ns() + RETRY_NS
        try:
            self._port = self._open_port(self._uri, self._name)
        except EmotusError:
            return
        for voice in self._voices.values():
            voice.said.clear()  # whoever listens now has heard nothing yet


def open_rtmidi(uri: str, name: str) -> MidiPort:
    """Open a port by python-rtmidi; raises UriError naming the ports there are, MissingPackageError without it."""
    try:
        rtmidi: Any = importlib.import_module("rtmidi")
    except ImportError as error:
        raise MissingPackageError("python-rtmidi", "midi") from error
    try:
        out: Any = rtmidi.MidiOut(name="emotus")
    except OSError as error:
        mend = "on Linux load ALSA's sequencer: sudo modprobe snd-seq"
        raise UriError(uri, f"this machine has no MIDI: {error}", mend=mend) from error
    try:
        if name.startswith(VIRTUAL):
            out.open_virtual_port(name.removeprefix(VIRTUAL))
            return out
        ports = out.get_ports()
        numbers = [i for i, port in enumerate(ports) if name.lower() in port.lower()]
        if numbers:
            out.open_port(numbers[0])
            return out
    except (OSError, ValueError, RuntimeError) as error:
        out.delete()
        raise UriError(uri, f"the port cannot be opened: {error}", mend="is another program holding it?") from error
    out.delete()
    known = f"there are {', '.join(ports)}" if ports else "there are none"
    raise UriError(uri, f"no MIDI port has '{name}' in its name; {known}"[:300], mend="midi:new:NAME makes one")
