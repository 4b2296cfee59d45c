"""Lamps: a dancer's light follows her, by Art-Net (`artnet:HOST`) or sACN (`sacn:HOST`).

Each performer has a fixture. Answers ask for a colour, and the lamp walks there no faster than is safe
(lights_color.py), in its own time: it fades although nothing is said, and rests where nobody is seen.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from ..engine.clock import NS_PER_MS, NS_PER_S, Clock
from ..engine.events import EmotionEvent, Event, MotionEvent
from .base import BridgeStats
from .lights_color import BLACK, Lamp, color_of
from .lights_wire import CHANNELS, LampWire
from .osc_link import Link, Target, UdpLink
from .outbox import Outbox
from .viewer_colors import Rgb

TICK_S: Final = 0.025  # 40 universes a second: DMX itself carries 44
KEEP_NS: Final = 800 * NS_PER_MS  # both protocols want an unchanged universe again before a second is over
SILENT_NS: Final = 2 * NS_PER_S  # then a lamp rests
GONE_NS: Final = 10 * NS_PER_S  # then its fixture may be another's
CLOSE_S: Final = 0.8
MODES: Final = {"rgb": 3, "drgb": 4, "rgbw": 4}  # channels of a fixture; d: dimmer, w: white
Mode = Literal["rgb", "drgb", "rgbw"]


@dataclass(frozen=True)
class LightSettings:
    """Say where the fixtures stand (first channels, from 1), what they are, and whose they are, in order.

    streams: () gives the fixtures to performers as they come. colors: of labels, instead of the page's. bright: of
    everything, 0..1. hold: leave the lamps as they are at the end.
    """

    addresses: tuple[int, ...] = (1,)
    mode: Mode = "rgb"
    streams: tuple[str, ...] = ()
    colors: Mapping[str, Rgb] = field(default_factory=dict[str, Rgb])
    idle: Rgb = BLACK
    bright: float = 1.0
    hold: bool = False


@dataclass(slots=True)
class _Owner:
    stream: str
    seen_ns: int


class LightsBridge:
    """Send one universe to a node or a console. Only what is read or generated counts; other events end here."""

    def __init__(
        self,
        uri: str,
        target: Target,
        wire: LampWire,
        *,
        clock: Clock,
        expose: bool = False,
        settings: LightSettings | None = None,
    ) -> None:
        self._uri = uri
        self._wire = wire
        self._clock = clock
        self._settings = settings or LightSettings()
        self._outbox = Outbox(clock)
        self._link: Link = UdpLink(uri, target, expose=expose)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._dark()

    def start(self) -> None:
        """Find the node and begin, from black; raise UriError where there is no way to it."""
        if self._thread is not None:
            return
        self._link.open()
        self._dark()
        self._stopping.clear()
        self._outbox.open()
        self._thread = threading.Thread(target=self._run, name=self._uri, daemon=True)
        self._thread.start()

    def send(self, event: Event) -> None:
        """Take one event; the lamp begins to follow within 25 ms."""
        self._outbox.put(event)

    def forget(self, stream: str | None) -> None:
        """Drop what waits of a stream, or of all for None, and let her lamp fade."""
        self._outbox.forget(stream)
        with self._lock:
            for lamp, owner in zip(self._lamps, self._owners, strict=True):
                if stream is None or (owner is not None and owner.stream == stream):
                    lamp.rest()

    def close(self) -> None:
        """Put the lamps out, unless they are to be held, and stop."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._outbox.shut()
            self._stopping.set()
            thread.join(CLOSE_S)
            self._outbox.abandon()
        self._link.close()

    def stats(self) -> BridgeStats:
        """Return the counts; errors are datagrams that the network refused."""
        return self._outbox.stats()

    def _dark(self) -> None:
        self._lamps = [Lamp(self._settings.idle) for _ in self._settings.addresses]
        self._owners: list[_Owner | None] = [None] * len(self._lamps)
        self._last = b""
        self._said_ns = 0

    def _run(self) -> None:
        before_ns = self._clock.now_ns()
        while not self._stopping.wait(TICK_S):
            now_ns = self._clock.now_ns()
            self._take([item.event for item in self._outbox.take()], now_ns)
            with self._lock:
                self.step(now_ns, (now_ns - before_ns) / NS_PER_S)
            before_ns = now_ns
            self._say(self.universe(), now_ns)
        self._end()

    def _take(self, events: Sequence[Event], now_ns: int) -> None:
        told = 0
        for event in events:
            if isinstance(event, EmotionEvent | MotionEvent):
                told += self.follow(event, now_ns)
        self._outbox.settle(sent=told, dropped=len(events) - told)

    def follow(self, event: EmotionEvent | MotionEvent, now_ns: int) -> bool:
        """Let the performer's lamp walk towards what an event asks for; return whether she has one."""
        with self._lock:
            number = self._fixture(event.stream, now_ns)
            if number is None:
                return False
            self._lamps[number].target = color_of(event, self._settings.colors, self._settings.idle)
            return True

    def step(self, now_ns: int, seconds: float) -> None:
        """Let so much time pass for every lamp; those of whom nothing was heard for two seconds rest."""
        for lamp, owner in zip(self._lamps, self._owners, strict=True):
            if owner is not None and now_ns - owner.seen_ns >= SILENT_NS:
                lamp.rest()
            lamp.step(seconds)

    def universe(self) -> bytes:
        """Return the channels, as many as the fixtures need."""
        channels = bytearray(max(self._settings.addresses) + MODES[self._settings.mode] - 1)
        for first, lamp in zip(self._settings.addresses, self._lamps, strict=True):
            values = _channels((lamp.light * self._settings.bright).tolist(), self._settings.mode)
            channels[first - 1 : first - 1 + len(values)] = values
        return bytes(channels[:CHANNELS])

    def _fixture(self, stream: str, now_ns: int) -> int | None:
        """Return the number of a performer's fixture, giving her one that is free; None where there is none."""
        if self._settings.streams:
            named = self._settings.streams.index(stream) if stream in self._settings.streams else len(self._owners)
            numbers = [named] if named < len(self._owners) else []
        else:
            hers = [i for i, owner in enumerate(self._owners) if owner is not None and owner.stream == stream]
            numbers = hers or [i for i, owner in enumerate(self._owners) if _is_free(owner, now_ns)]
        if not numbers:
            return None
        self._owners[numbers[0]] = _Owner(stream, now_ns)
        return numbers[0]

    def _say(self, channels: bytes, now_ns: int) -> None:
        if channels == self._last and now_ns - self._said_ns < KEEP_NS:
            return
        self._last, self._said_ns = channels, now_ns
        _, errors = self._link.send(self._wire.packet(channels))
        if errors:
            self._outbox.settle(errors=errors)

    def _end(self) -> None:
        """Say black once and three times that it is over (E1.31, 6.2.6), unless the last look is held."""
        if self._settings.hold:
            return
        dark = bytes(len(self._last) or len(self.universe()))
        self._link.send(self._wire.packet(dark))
        for _ in range(3):
            self._link.send(self._wire.packet(dark, over=True))


def _is_free(owner: _Owner | None, now_ns: int) -> bool:
    return owner is None or now_ns - owner.seen_ns >= GONE_NS


def _channels(light: Sequence[float], mode: Mode) -> list[int]:
    """Return the channels of a fixture; white is what the three colours have in common."""
    red, green, blue = (min(max(float(each), 0.0), 1.0) for each in light)
    if mode == "rgbw":
        white = min(red, green, blue)
        values = [red - white, green - white, blue - white, white]
    elif mode == "drgb":
        most = max(red, green, blue)
        values = [most, *(each / most if most else 0.0 for each in (red, green, blue))]
    else:
        values = [red, green, blue]
    return [round(255 * value) for value in values]
