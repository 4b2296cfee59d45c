"""The OSC bridge: events as bundles over UDP, to game engines, TouchDesigner, Max and whatever listens.

OSC knows no connection: a receiver may come and go. Where the operating system tells that nobody listens (ICMP), that
is counted and sending goes on, so that a receiver that starts late hears the next frame.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Sequence

from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import OscError, UriError
from ..engine.events import EmotionEvent, Event, StatusEvent
from ..engine.osc_codec import encode_message
from .address import join_host_port, resolve
from .base import BridgeStats
from .courier import Courier
from .osc_frame import ROOT, FrameEncoder, frames, pack, safe_text
from .outbox import Outbox

NOTICE_NS = 10 * NS_PER_S
LINGER_S = 0.001  # the events of one frame are given one after another; so long one waits for the rest of them
INFERRED = (
    "apparent expression, inferred from movement: it resembles acted emotion and does not tell what a person feels"
)
NOT_INFERRED = "movement qualities only: no emotion is inferred"


class OscBridge:
    """Send events to one UDP address, a notice of what they are at the start and every ten seconds.

    labels: those of the model, none where no emotion is inferred. expose: allow broadcast and multicast addresses,
    which reach everybody on the network.
    """

    def __init__(self, host: str, port: int, *, labels: Sequence[str] = (), clock: Clock, expose: bool = False) -> None:
        self._host = host
        self._port = port
        self._uri = f"osc:{join_host_port(host, port)}"
        self._infers = bool(labels)
        self._clock = clock
        self._expose = expose
        self._outbox = Outbox(clock)
        self._courier: Courier | None = None
        self._socket: socket.socket | None = None
        self._encoder = FrameEncoder()
        self._model = ("", "")
        self._notice_due_ns = 0

    def start(self) -> None:
        """Find the host and begin; raise UriError where it is unknown or cannot be reached."""
        if self._courier is not None:
            return
        self._socket = self._connect()
        self._encoder.reset()
        self._say_notice()
        self._courier = Courier(
            self._outbox, self._deliver, name=self._uri, linger_s=LINGER_S, on_beat=self._say_notice_when_due
        )
        self._courier.start()

    def send(self, event: Event) -> None:
        """Take one event; it leaves with the others of its frame within milliseconds."""
        self._outbox.put(event)

    def forget(self, stream: str | None) -> None:
        """Drop what waits of a stream, or of all for None."""
        if self._courier is not None:
            self._courier.forget(stream)

    def close(self) -> None:
        """Send what is left and stop."""
        courier, self._courier = self._courier, None
        if courier is not None:
            courier.stop()
        opened, self._socket = self._socket, None
        if opened is not None:
            opened.close()

    def stats(self) -> BridgeStats:
        """Return the counts; errors are datagrams that the network refused and events that could not be encoded."""
        return self._outbox.stats()

    def _connect(self) -> socket.socket:
        """Return a socket that sends to the first address of the host to which there is a way."""
        problem = "no address"
        for family, address in resolve(self._uri, self._host, self._port, socket.SOCK_DGRAM):
            self._refuse_crowds(str(address[0]))
            sender = socket.socket(family, socket.SOCK_DGRAM)
            try:
                sender.settimeout(0.0)
                if self._expose:
                    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                sender.connect(address)
            except OSError as error:
                sender.close()
                problem = _why(error)
            else:
                return sender
        raise UriError(self._uri, f"cannot be reached: {problem}", mend="is the network up, and the address right?")

    def _refuse_crowds(self, address: str) -> None:
        ip = ipaddress.ip_address(address.partition("%")[0])
        if ip.is_unspecified:
            raise UriError(self._uri, "no address to send to", mend="127.0.0.1 is this machine")
        if ip.is_multicast and not self._expose:
            raise UriError(self._uri, "would reach everybody who listens", mend="add --expose to allow that")

    def _deliver(self, events: Sequence[Event]) -> tuple[int, int]:
        """Send the events of each frame together; return how many went out and how many errors were met."""
        sent = errors = 0
        for group in frames(events):
            elements: list[bytes] = []
            encoded = 0
            for event in group:
                self._learn(event)
                try:
                    elements += self._encoder.elements(event)
                    encoded += 1
                except OscError:
                    errors += 1
            refused = self._send_all(pack(self._frame(group), elements))
            sent += 0 if refused else encoded
            errors += refused
        return sent, errors

    def _frame(self, group: Sequence[Event]) -> bytes:
        """Return the element that opens a frame's bundles; a status stands alone and counts by itself."""
        in_frame = [event for event in group if not isinstance(event, StatusEvent)]
        return self._encoder.frame(in_frame[0]) if in_frame else b""

    def _send_all(self, datagrams: Sequence[bytes]) -> int:
        return sum(not self._send_one(datagram) for datagram in datagrams)

    def _send_one(self, datagram: bytes) -> bool:
        """Send; return whether the network took it.

        That an earlier datagram found nobody is reported by the next call, which then sends nothing: hence the
        second try.
        """
        for _ in range(2):
            try:
                return self._socket is not None and self._socket.send(datagram) == len(datagram)
            except ConnectionError:
                self._outbox.settle(errors=1)
            except OSError:  # no way there at the moment, or the kernel's buffer is full
                return False
        return False

    def _learn(self, event: Event) -> None:
        """Tell which model speaks before its first answer leaves."""
        if isinstance(event, EmotionEvent):
            model = (event.disclosure.model, event.disclosure.sha256)
            if model != self._model:
                self._model = model
                self._infers = True
                self._say_notice()

    def _say_notice_when_due(self) -> None:
        if self._clock.now_ns() >= self._notice_due_ns:
            self._say_notice()

    def _say_notice(self) -> None:
        """Send /emotus/notice: what the numbers are, the model and its hash (empty before its first answer)."""
        self._notice_due_ns = self._clock.now_ns() + NOTICE_NS
        text = INFERRED if self._infers else NOT_INFERRED
        self._send_one(encode_message(f"{ROOT}/notice", text, *map(safe_text, self._model)))


def _why(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "a broadcast address needs --expose"
    return error.strerror or str(error)
