"""What all bridges that speak OSC have in common: an outbox, a thread, links to receivers, the notice and the lamp.

OSC knows no connection: a receiver may come and go. Where the operating system tells that nobody listens (ICMP), that
is counted and sending goes on, so that a receiver that starts late hears the next frame. One that is gone costs the
other receivers of the same bridge nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import OscError
from ..engine.events import EmotionEvent, Event, MotionEvent, StatusEvent
from ..engine.osc_codec import encode_bundle, encode_message
from .base import BridgeStats
from .courier import Courier
from .osc_frame import frames, safe_text
from .osc_link import Framing, Link, Target, TcpLink, UdpLink
from .osc_template import ROOT
from .outbox import Outbox

E = TypeVar("E", bound=Event)
NOTICE_NS: Final = 10 * NS_PER_S
LAMP_NS: Final = NS_PER_S  # the lamp is told again so often, and goes out so long after the last of a performer
LINGER_S: Final = 0.001  # the events of one frame are given one after another; so long one waits for the rest of them
INFERRED: Final = (
    "apparent expression, inferred from movement: it resembles acted emotion and does not tell what a person feels"
)
NOT_INFERRED: Final = "movement qualities only: no emotion is inferred"


@dataclass(frozen=True, slots=True)
class Said:
    """Hold what a frame's events became: datagrams, how many events are in them, how many could not be said."""

    datagrams: Sequence[bytes]
    encoded: int
    errors: int = 0


class OscSender(ABC):
    """Send what `encode` makes of each frame to every target; what an event is not said by counts as dropped.

    labels: those of the model, none where no emotion is inferred. expose: allow broadcast and multicast addresses,
    which reach everybody on the network. prefix: where notice and lamp are told.
    """

    def __init__(
        self,
        uri: str,
        targets: Sequence[Target],
        *,
        labels: Sequence[str],
        clock: Clock,
        expose: bool,
        framing: Framing = "slip",
        prefix: str = ROOT,
    ) -> None:
        self._uri = uri
        self._clock = clock
        self._infers = bool(labels)
        self._prefix = prefix
        self._outbox = Outbox(clock)
        self._courier: Courier | None = None
        self._links: list[Link] = []
        for target in targets:
            if target.transport == "tcp":
                self._links.append(TcpLink(uri, target, framing=framing, clock=clock, on_connect=self._greet))
            else:
                self._links.append(UdpLink(uri, target, expose=expose))
        self._model = ("", "")
        self._notice_due_ns = self._lamp_due_ns = 0
        self._seen_ns: int | None = None
        self._lit = False

    def start(self) -> None:
        """Find the hosts and begin; raise UriError where one is unknown or cannot be reached."""
        if self._courier is not None:
            return
        try:
            for link in self._links:
                link.open()
        except BaseException:
            self._close_links()
            raise
        self.begin()
        self._say_notice()
        self._courier = Courier(self._outbox, self._deliver, name=self._uri, linger_s=LINGER_S, on_beat=self._beat)
        self._courier.start()

    def send(self, event: Event) -> None:
        """Take one event; it leaves with the others of its frame within milliseconds."""
        self._outbox.put(event)

    def forget(self, stream: str | None) -> None:
        """Drop what waits of a stream, or of all for None, and what is remembered of it."""
        if self._courier is not None:
            self._courier.forget(stream)
        self.erase_memory(stream)

    def close(self) -> None:
        """Send what is left, put the lamp out and stop."""
        courier, self._courier = self._courier, None
        if courier is not None and courier.stop():
            if self._lit:
                self._say_lamp(lit=False)
            self._broadcast(self.farewell())
        self._close_links()

    def stats(self) -> BridgeStats:
        """Return the counts; errors are datagrams that the network refused and events that could not be encoded."""
        return self._outbox.stats()

    def begin(self) -> None:  # noqa: B027 - not every kind keeps something
        """Forget what an earlier show left; called before the first event."""

    @abstractmethod
    def encode(self, events: Sequence[Event]) -> Said:
        """Return what the events of one frame are in this protocol."""

    def idle(self, now_ns: int) -> Sequence[bytes]:
        """Return what is due at now_ns without any event; asked at least five times a second."""
        del now_ns
        return ()

    def farewell(self) -> Sequence[bytes]:
        """Return what is said at the end."""
        return ()

    def erase_memory(self, stream: str | None) -> None:  # noqa: B027 - not every kind keeps something
        """Forget what is remembered of a stream, or of all for None."""

    def _deliver(self, events: Sequence[Event]) -> tuple[int, int]:
        """Send the events of each frame together; return how many went out and how many errors were met."""
        sent = errors = 0
        for group in frames(events):
            for event in group:
                self._learn(event)
            said = self.encode(group)
            taken, refused = self._broadcast(said.datagrams)
            sent += said.encoded if taken else 0
            errors += said.errors + refused
        return sent, errors

    def _broadcast(self, datagrams: Sequence[bytes]) -> tuple[bool, int]:
        """Give datagrams to every link; return whether one of them took all, and the errors met."""
        anybody, errors = not datagrams, 0
        for link in self._links:
            taken = True
            for datagram in datagrams:
                took, met = link.send(datagram)
                taken, errors = taken and took, errors + met
            anybody = anybody or taken
        return anybody, errors

    def _learn(self, event: Event) -> None:
        """Light the lamp for who is seen, and tell which model speaks before its first answer leaves."""
        if not isinstance(event, StatusEvent | MotionEvent):  # a generated body is nobody who is seen
            self._seen_ns = self._clock.now_ns()
            if not self._lit:
                self._say_lamp(lit=True)
        if isinstance(event, EmotionEvent):
            model = (event.disclosure.model, event.disclosure.sha256)
            if model != self._model:
                self._model = model
                self._infers = True
                self._say_notice()

    def _beat(self) -> None:
        now_ns = self._clock.now_ns()
        if now_ns >= self._notice_due_ns:
            self._say_notice()
        seen = self._seen_ns is not None and now_ns - self._seen_ns < LAMP_NS
        if seen != self._lit or (seen and now_ns >= self._lamp_due_ns):
            self._say_lamp(lit=seen)
        for link in self._links:
            link.tend()
        self._broadcast(self.idle(now_ns))

    def _say_notice(self) -> None:
        """Say what the numbers are, which model speaks and its hash (empty before its first answer)."""
        self._notice_due_ns = self._clock.now_ns() + NOTICE_NS
        self._broadcast((self._notice(),))

    def _notice(self) -> bytes:
        text = INFERRED if self._infers else NOT_INFERRED
        return encode_message(f"{self._prefix}/notice", text, *map(safe_text, self._model))

    def _say_lamp(self, *, lit: bool) -> None:
        """Say whether somebody is seen: 1 lights a lamp in the room, 0 puts it out."""
        self._lit = lit
        self._lamp_due_ns = self._clock.now_ns() + LAMP_NS
        self._broadcast((encode_message(f"{self._prefix}/live", int(lit)),))

    def _greet(self, link: Link) -> None:
        """Tell a receiver that has just connected what it will hear."""
        link.send(encode_bundle((self._notice(), encode_message(f"{self._prefix}/live", int(self._lit)))))

    def _close_links(self) -> None:
        for link in self._links:
            link.close()


def sayable(events: Sequence[E], elements_of: Callable[[E], list[bytes]]) -> tuple[list[bytes], int, int]:
    """Return the elements of all events, how many events had theirs and how many could not be said."""
    elements: list[bytes] = []
    encoded = 0
    for event in events:
        try:
            elements += elements_of(event)
            encoded += 1
        except OscError:
            continue
    return elements, encoded, len(events) - encoded
