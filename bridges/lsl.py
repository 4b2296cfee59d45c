"""LSL out: the body, what it appears to express, how it moves, and markers, as streams of the Lab Streaming Layer.

`lsl:NAME` gives NAME (type MoCap), NAME-emotion (type Emotion), NAME-qualities and NAME-markers (type Markers); those
of further performers are called NAME-STREAM, NAME-STREAM-emotion and so on. liblsl serves streams on every address of
the machine and cannot be kept to loopback, so that --expose is needed; unless `?scope=link` says so, they are not
announced beyond this machine. Samples are stamped with the time at which the pose was taken, on LSL's own clock; a
receiver on another machine corrects for the difference of the clocks as it always does (time_correction).
"""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import MissingPackageError, UriError
from ..engine.events import EmotionEvent, Event, MotionEvent, PoseEvent, QualitiesEvent, StatusEvent
from ..engine.options import check_keys, choice, read_options
from .base import BridgeStats
from .courier import Courier
from .lsl_streams import Layout, body_layout, body_sample, emotion_layout, markers_layout, qualities_layout
from .outbox import Outbox

if TYPE_CHECKING:
    from .uri import Wish

MAX_PERFORMERS: Final = 16
MAX_NAME: Final = 64
BUFFER_S: Final = 5  # kept for a receiver that does not keep up; then its oldest fall out
CLOCK_NS: Final = 5 * NS_PER_S  # how often the two clocks are compared
ASKED: Final = 5  # times, of which the quickest counts
LINGER_S: Final = 0.001
SCOPES: Final = ("machine", "link", "site")
_CONFIG: Final = "[ports]\nIPv6 = {ipv6}\n[multicast]\nResolveScope = {scope}\n[log]\nlevel = -3\n"


class LslBridge:
    """Give streams to whoever records or listens. An outlet is opened when its performer is first heard.

    labels: those of the model. scope: how far the streams are announced (machine, link: this network, site); it holds
    for the whole process, and what asked LSL first counts. library: what is imported as pylsl.
    """

    def __init__(
        self,
        name: str,
        *,
        labels: Sequence[str] = (),
        clock: Clock,
        expose: bool = False,
        scope: str = "machine",
        library: Any = None,
    ) -> None:
        self._name = name
        self._uri = f"lsl:{name}"
        self._labels = tuple(labels)
        self._scope = scope
        self._clock = clock
        self._expose = expose
        self._lsl: Any = library
        self._outbox = Outbox(clock)
        self._courier: Courier | None = None
        self._lock = threading.Lock()
        self._outlets: dict[str, Any] = {}
        self._people: dict[str, str] = {}
        self._said: dict[str, str] = {}
        self._offset_ns = self._clock_due_ns = 0

    def start(self) -> None:
        """Load the library and open the markers; raises UriError without leave, MissingPackageError without pylsl."""
        if self._courier is not None:
            return
        if not self._expose:
            mend = "add --expose: LSL serves its streams on every address of this machine"
            raise UriError(self._uri, "would be reached by other machines", mend=mend)
        if self._lsl is None:
            self._lsl = load_library(self._scope)
        self._compare_clocks()
        self._outlet(f"{self._name}-markers", markers_layout())
        self._courier = Courier(
            self._outbox, self._deliver, name=self._uri, linger_s=LINGER_S, on_beat=self._compare_clocks_when_due
        )
        self._courier.start()

    def send(self, event: Event) -> None:
        """Take one event."""
        self._outbox.put(event)

    def forget(self, stream: str | None) -> None:
        """Drop what waits of a stream, or of all for None, and close her streams: receivers' buffers go with them."""
        if self._courier is not None:
            self._courier.forget(stream)
        with self._lock:
            for person in [each for each in self._people if stream in (None, each)]:
                base = self._people.pop(person)
                self._said.pop(person, None)
                for name in (base, f"{base}-emotion", f"{base}-qualities"):
                    self._outlets.pop(name, None)

    def close(self) -> None:
        """Give what is left and close the streams."""
        courier, self._courier = self._courier, None
        if courier is not None:
            courier.stop()
        with self._lock:
            self._outlets.clear()  # an outlet closes with the last mention of it
            self._people.clear()
            self._said.clear()

    def stats(self) -> BridgeStats:
        """Return the counts; errors are samples that the library refused. Clients are not counted."""
        return self._outbox.stats()

    def _deliver(self, events: Sequence[Event]) -> tuple[int, int]:
        sent = errors = 0
        for event in events:
            try:
                with self._lock:
                    sent += self._give(event)
            except (ValueError, RuntimeError, OSError):  # a sample of another length, a library that broke
                errors += 1
        return sent, errors

    def _give(self, event: Event) -> bool:
        """Push one event's sample; return whether it has a stream."""
        if isinstance(event, StatusEvent):
            return self._mark({"status": event.code, "stream": event.stream, "message": event.message[:200]}, event)
        base = self._base(event.stream)
        if base is None:
            return False
        if isinstance(event, PoseEvent | MotionEvent):
            return self._push(base, lambda: body_layout(event), body_sample(event), event)
        if isinstance(event, QualitiesEvent):
            return self._push(f"{base}-qualities", lambda: qualities_layout(event), list(event.values.values()), event)
        return isinstance(event, EmotionEvent) and self._give_emotion(base, event)

    def _give_emotion(self, base: str, event: EmotionEvent) -> bool:
        if self._said.get(event.stream) != event.label:
            self._said[event.stream] = event.label
            self._mark({"label": event.label, "stream": event.stream}, event)
        sample = [event.valence, event.arousal, event.confidence, float(event.abstain), *event.probs.values()]
        return self._push(f"{base}-emotion", lambda: emotion_layout(event), sample, event)

    def _base(self, stream: str) -> str | None:
        """Return the name that a performer's streams begin with; None where there are too many performers."""
        if stream not in self._people and len(self._people) < MAX_PERFORMERS:
            self._people[stream] = self._name if not self._people else f"{self._name}-{stream[:MAX_NAME]}"
        return self._people.get(stream)

    def _mark(self, told: dict[str, str], event: Event) -> bool:
        outlet = self._outlets.get(f"{self._name}-markers")
        if outlet is None:
            return False
        outlet.push_sample([json.dumps(told)], self._stamp_s(event))
        return True

    def _push(self, name: str, layout: Callable[[], Layout], sample: list[float], event: Event) -> bool:
        outlet = self._outlets.get(name)
        if outlet is None:
            outlet = self._outlet(name, layout())
        if not all(map(math.isfinite, sample)):
            raise ValueError("a number is not finite")
        outlet.push_sample(sample, self._stamp_s(event))
        return True

    def _outlet(self, name: str, layout: Layout) -> Any:
        """Open a stream with its description."""
        info = self._lsl.StreamInfo(
            name, layout.type, len(layout.channels), layout.rate_hz, layout.format, f"emotus-{self._name}-{name}"
        )
        layout.describe(info.desc())
        self._outlets[name] = self._lsl.StreamOutlet(info, 0, BUFFER_S)
        return self._outlets[name]

    def _stamp_s(self, event: Event) -> float:
        """Return when the event's pose was taken, on LSL's clock."""
        return (event.t_ns + self._offset_ns) / NS_PER_S

    def _compare_clocks_when_due(self) -> None:
        if self._clock.now_ns() >= self._clock_due_ns:
            self._compare_clocks()

    def _compare_clocks(self) -> None:
        """Measure how far LSL's clock is ahead of ours; of a few attempts the quickest counts."""
        found: list[tuple[int, int]] = []
        for _ in range(ASKED):
            before_ns = self._clock.now_ns()
            theirs_ns = round(self._lsl.local_clock() * NS_PER_S)
            after_ns = self._clock.now_ns()
            found.append((after_ns - before_ns, theirs_ns - (before_ns + after_ns) // 2))
        self._offset_ns = min(found)[1]
        self._clock_due_ns = self._clock.now_ns() + CLOCK_NS


def load_library(scope: str) -> Any:
    """Import pylsl and announce streams in the given scope; raises MissingPackageError where it is not there whole."""
    try:
        import pylsl
    except (ImportError, RuntimeError) as error:  # RuntimeError: pylsl is there, its library is not
        raise MissingPackageError("pylsl", "lsl") from error
    if not os.environ.get("LSLAPICFG") and hasattr(pylsl, "set_config_content"):
        ipv6 = "disable" if scope == "machine" else "allow"
        pylsl.set_config_content(_CONFIG.format(scope=scope, ipv6=ipv6))
    return pylsl


def make_lsl(wish: Wish) -> LslBridge:
    """Make the bridge of `lsl:NAME?scope=link`; raises UriError."""
    name, _, query = wish.rest.partition("?")
    options = read_options(wish.uri, query)
    check_keys(wish.uri, options, ("scope",))
    scope = choice(wish.uri, options, "scope", "machine", SCOPES)
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise UriError(wish.uri, "no stream is named", mend=f"lsl:NAME, 1 to {MAX_NAME} characters")
    return LslBridge(name, labels=wish.labels, clock=wish.clock, expose=wish.expose, scope=scope)
