"""The OSC bridge: events as bundles to game engines, TouchDesigner, Max, Pure Data, Wekinator and whatever listens."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final, Literal

from ..engine.clock import NS_PER_S, Clock
from ..engine.events import Event, StatusEvent
from ..engine.osc_codec import BUNDLE, BUNDLE_HEAD
from .address import join_host_port
from .osc_frame import HEAD, FrameEncoder, pack, unpacked
from .osc_gate import OscGate, Rules
from .osc_link import Framing, Target
from .osc_sender import OscSender, Said, sayable
from .osc_template import DEFAULT, Template

NTP_1900_S: Final = 2_208_988_800  # seconds from 1900, where NTP begins, to 1970
QUIET_NS: Final = 2 * NS_PER_S  # after so long another performer may speak where only one can


@dataclass(frozen=True)
class OscSettings:
    """Say how events are told: addresses, who is heard, how often, in bundles or not, and their time tags.

    streams: names of performers, * for anything; () for all. timetag: "immediate" (play at once), or "capture": the
    wall time at which the pose was taken, plus delay_ms, so that receivers that schedule play without jitter.
    """

    template: Template = DEFAULT
    streams: Sequence[str] = ()
    rates: Rules = ()
    changes: Rules = ()
    bundle: bool | None = None
    framing: Framing = "slip"
    timetag: Literal["immediate", "capture"] = "immediate"
    delay_ms: float = 0.0
    targets: Sequence[Target] = field(default=())


class OscBridge(OscSender):
    """Send events to receivers of OSC, a notice of what they are at the start and every ten seconds.

    A template that cannot tell performers apart speaks of one: the first, until she is silent for two seconds.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        labels: Sequence[str] = (),
        clock: Clock,
        expose: bool = False,
        settings: OscSettings | None = None,
    ) -> None:
        chosen = settings or OscSettings()
        targets = chosen.targets or (Target("udp", host, port),)
        uri = f"osc:{join_host_port(host, port)}"
        super().__init__(uri, targets, labels=labels, clock=clock, expose=expose, framing=chosen.framing)
        self._settings = chosen
        self._in_bundles = chosen.template.bundle if chosen.bundle is None else chosen.bundle
        self._encoder = FrameEncoder(chosen.template)
        self._gate = OscGate(chosen.rates, chosen.changes)
        self._choice = StreamChoice(chosen.streams, only_one=not chosen.template.tells_apart)

    def begin(self) -> None:
        """Forget the streams of an earlier show."""
        self._encoder.reset()
        self._gate.reset()
        self._choice.reset()

    def erase_memory(self, stream: str | None) -> None:
        """Forget what was said last."""
        del stream
        self._gate.reset()

    def encode(self, events: Sequence[Event]) -> Said:
        """Return the bundles of one frame; a status stands alone and counts by itself."""
        if not self._choice.takes(events[0]):
            return Said((), 0)
        elements, encoded, errors = sayable(events, self._encoder.elements)
        if not self._gate.is_open:
            elements = self._gate.admit(elements, events[0].t_ns)
        frame = b"" if isinstance(events[0], StatusEvent) else self._encoder.frame(events[0])
        if not self._in_bundles:
            return Said(unpacked(frame, elements), encoded, errors)
        return Said(pack(frame, elements, self._head(events[0])), encoded, errors)

    def _head(self, event: Event) -> bytes:
        """Return the beginning of a bundle with its time tag."""
        if self._settings.timetag == "immediate":
            return HEAD
        now_ns = self._clock.now_ns()
        if event.t_ns > now_ns:  # of a recording: the present is meant
            return HEAD
        wall_ns = time.time_ns() - (now_ns - event.t_ns) + round(self._settings.delay_ms * 1e6)
        seconds, rest_ns = divmod(wall_ns, NS_PER_S)
        return BUNDLE_HEAD.pack(BUNDLE, (seconds + NTP_1900_S) % 2**32 << 32 | (rest_ns << 32) // NS_PER_S)


class StreamChoice:
    """Choose whose events are told: those of the streams named, and of these one where only one can be told."""

    def __init__(self, streams: Sequence[str] = (), *, only_one: bool = False) -> None:
        self._patterns = tuple(streams)
        self._only_one = only_one
        self.reset()

    def reset(self) -> None:
        """Forget who spoke."""
        self._speaker: str | None = None
        self._spoke_ns = 0

    def takes(self, event: Event) -> bool:
        """Tell whether an event is told; statuses always are."""
        if isinstance(event, StatusEvent):
            return True
        if self._patterns and not any(fnmatchcase(event.stream, pattern) for pattern in self._patterns):
            return False
        if not self._only_one:
            return True
        silent = abs(event.t_ns - self._spoke_ns) >= QUIET_NS
        if event.stream == self._speaker or self._speaker is None or silent:
            self._speaker, self._spoke_ns = event.stream, event.t_ns
            return True
        return False
