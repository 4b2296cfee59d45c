"""What the WebSocket bridge holds for one client: what it asked for, and what could not be sent to it yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ..engine.clock import NS_PER_S
from ..engine.events import Event
from . import wire, wire_small
from .outbox import Outbox, is_droppable
from .websocket_connection import SmallConnection, to_frame
from .websocket_lag import Lag

MAX_SLOTS: Final = 256  # streams x types of which the newest waits for one client
MAX_KEPT: Final = 64  # statuses and replies that wait; a client with more is cut
STALL_NS: Final = 5 * NS_PER_S
ANSWER_NS: Final = 8 * NS_PER_S  # a program may be busy for longer than its kernel
MAX_BUFFER_BYTES: Final = 64 * 1024
MAX_CONTROLS_PER_S: Final = 20

ENCODERS: Final[dict[str, Callable[[Event], bytes]]] = {
    "json": wire.to_json,
    "msgpack": wire.to_msgpack,
    "msgpack-mm": wire_small.to_small_msgpack,
}

Key = tuple[str, str]


class Parcel:
    """Carry one event to all clients, encoded once for each format, and settle it once in the outbox.

    An event counts as sent when the first client got it, as dropped when it was offered to all, nobody got it, and
    nobody holds it any more.
    """

    __slots__ = ("_frames", "_holders", "_is_sent", "_outbox", "event", "key")

    def __init__(self, event: Event, outbox: Outbox | None) -> None:
        self.event = event
        self.key: Key = (event.stream, event.type)
        self._outbox = outbox  # None: a notice of the bridge itself, which nobody counts
        self._frames: dict[str, bytes] = {}
        self._holders = 1  # whoever offers it, until `let_go`
        self._is_sent = False

    def frame(self, form: str) -> bytes:
        """Return the event as a frame in a format of the wire; raise WireError where it cannot be encoded."""
        frame = self._frames.get(form)
        if frame is None:
            frame = self._frames[form] = to_frame(ENCODERS[form](self.event), form)
        return frame

    def hold(self) -> None:
        """Count one more who may still send it."""
        self._holders += 1

    def sent(self) -> None:
        """Note that a client got it."""
        if not self._is_sent:
            self._is_sent = True
            if self._outbox is not None:
                self._outbox.settle(sent=1)

    def let_go(self) -> None:
        """Count one less who may still send it."""
        self._holders -= 1
        if self._holders == 0 and not self._is_sent and self._outbox is not None:
            self._outbox.settle(dropped=1)


@dataclass(slots=True)
class Pulse:
    """Remember when a client last took something in: since when its buffer has only grown."""

    since_ns: int
    size: int = 0
    writes: int = 0


class Client:
    """Send to one client what it asked for; hold the newest of each stream and type while it cannot take more.

    Nothing is written before the kernel has taken all that was written before, nor while the client's pong is overdue:
    what waits here is the newest, what waits elsewhere grows old.
    """

    def __init__(self, connection: SmallConnection, now_ns: int, session: str = "") -> None:
        self.connection = connection
        self.session = session
        self.asked: wire.Subscribe | None = None
        self.spoke = False  # it told the show something: it may stay without asking for anything
        self.form = "json"
        self._streams: frozenset[str] | None = None
        self._types: frozenset[str] | None = None
        self._gap_ns = 0
        self._due_ns: dict[Key, int] = {}
        self._slots: dict[Key, Parcel] = {}
        self._kept: deque[Parcel | bytes] = deque()
        self.lag = Lag()
        self.is_cut = self.is_leaving = False
        self._pulse = Pulse(now_ns)
        self._writes = 0
        self._controls = 0
        self._controls_since_ns = now_ns

    def subscribe(self, asked: wire.Subscribe) -> None:
        """Send from now on what is asked for here."""
        self.asked = asked
        self.form = asked.form
        self._streams = None if asked.streams is None else frozenset(asked.streams)
        self._types = None if asked.types is None else frozenset(asked.types)
        self._gap_ns = 0 if asked.max_hz is None else round(NS_PER_S / asked.max_hz)
        self._due_ns.clear()

    def wants(self, parcel: Parcel, now_ns: int) -> bool:
        """Tell whether the client asked for this event and is due for it."""
        if self.asked is None:
            return False
        stream, kind = parcel.key
        if self._types is not None and kind not in self._types:
            return False
        if self._streams is not None and stream not in self._streams:
            return False
        return self._gap_ns == 0 or not is_droppable(parcel.event) or self._is_due(parcel.key, now_ns)

    def _is_due(self, key: Key, now_ns: int) -> bool:
        """Let through max_hz events a second of each stream and type, evenly."""
        due_ns = self._due_ns.get(key, now_ns)
        if now_ns < due_ns:
            return False
        if len(self._due_ns) >= MAX_SLOTS:
            self._due_ns.clear()
        # The rhythm is kept where the event is a little late, and begun anew where it is a whole gap late.
        self._due_ns[key] = (due_ns if now_ns - due_ns < self._gap_ns else now_ns) + self._gap_ns
        return True

    def is_free(self, now_ns: int) -> bool:
        """Tell whether nothing waits and more can be written at once."""
        is_behind = self._slots or self._kept or self.connection.is_full
        return not is_behind and now_ns < self.lag.hold_from_ns

    def write(self, frame: bytes) -> None:
        """Write a frame at once."""
        self._writes += 1
        self.connection.write(frame)

    def hold(self, parcel: Parcel) -> bool:
        """Keep a parcel until the client can take it; return False where there is no room for what must be kept."""
        parcel.hold()
        if not is_droppable(parcel.event):
            self._kept.append(parcel)
            return len(self._kept) <= MAX_KEPT
        older = self._slots.pop(parcel.key, None)
        if older is None and len(self._slots) >= MAX_SLOTS:
            older = self._slots.pop(next(iter(self._slots)))
        if older is not None:
            older.let_go()
        self._slots[parcel.key] = parcel
        return True

    def reply(self, payload: bytes, *, first: bool = False) -> bool:
        """Queue an encoded answer, before all that waits where it is to be first; return False where too many wait."""
        (self._kept.appendleft if first else self._kept.append)(to_frame(payload, self.form))
        return len(self._kept) <= MAX_KEPT

    @property
    def is_behind(self) -> bool:
        """Tell whether something waits."""
        return bool(self._slots or self._kept)

    def flush(self, now_ns: int) -> bool:
        """Send what waits while the kernel takes it at once, if the client keeps up; return whether any was sent."""
        if now_ns >= self.lag.hold_from_ns:
            return False
        writes = self._writes
        for waiting in self._take():
            if isinstance(waiting, Parcel):
                self.write(waiting.frame(self.form))
                waiting.sent()
                waiting.let_go()
            else:
                self.write(waiting)
        return self._writes > writes

    def _take(self) -> Iterator[Parcel | bytes]:
        while self.is_behind and not self.connection.is_full:
            yield self._kept.popleft() if self._kept else self._slots.pop(next(iter(self._slots)))

    def forget(self) -> None:
        """Let go of all that waits: the client is gone."""
        for waiting in (*self._kept, *self._slots.values()):
            if isinstance(waiting, Parcel):
                waiting.let_go()
        self._kept.clear()
        self._slots.clear()
        self.asked = None

    def drop(self, stream: str | None) -> None:
        """Let go of what waits of a stream, or of all events for None; answers stay."""
        for key in tuple(self._slots):
            if stream in (None, key[0]):
                self._slots.pop(key).let_go()
        for waiting in tuple(self._kept):
            if isinstance(waiting, Parcel) and stream in (None, waiting.key[0]):
                self._kept.remove(waiting)
                waiting.let_go()

    def ask(self, now_ns: int) -> bool:
        """Count one control message; return False where there are too many a second."""
        if now_ns - self._controls_since_ns >= NS_PER_S:
            self._controls, self._controls_since_ns = 0, now_ns
        self._controls += 1
        return self._controls <= MAX_CONTROLS_PER_S

    def is_stalled(self, now_ns: int) -> bool:
        """Tell whether the client has taken nothing in for STALL_NS, has not answered for ANSWER_NS, or lets more wait
        than MAX_BUFFER_BYTES.

        The library's own keepalive takes longer, and with a full buffer it never notices: its ping waits behind all
        the rest (FAULTS.md 2.3).
        """
        size = self.connection.transport.get_write_buffer_size()
        pulse = self._pulse
        if size == 0 or size < pulse.size or self._writes != pulse.writes:
            self._pulse = pulse = Pulse(now_ns, size, self._writes)
        pulse.size = size
        is_silent = now_ns - pulse.since_ns >= STALL_NS or self.lag.overdue_ns(now_ns) >= ANSWER_NS
        return is_silent or size > MAX_BUFFER_BYTES
