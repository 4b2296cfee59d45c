"""The WebSocket bridge: events to browsers, games and robots, as JSON or MessagePack.

A client hears a `hello` (version, body, units, labels, rates), sends `{"type": "subscribe"}` and gets events. Nobody
is waited for: of each stream and type the newest waits for a client that is behind, and a client that takes nothing in
for five seconds is cut. It listens on this machine only, unless it is exposed; then everybody has to show a token.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ..engine.body import BODY
from ..engine.clock import Clock
from ..engine.control import WORDS, ControlInbox
from ..engine.errors import UriError
from ..engine.events import EmotionEvent, Event
from ..engine.streams import STREAMS
from . import wire
from .address import is_loopback, join_host_port, resolve
from .base import BridgeStats
from .outbox import Outbox
from .websocket_door import Door
from .websocket_server import BACKLOG, EventServer, Limits

START_S = 5.0
CLOSE_S = 0.95
FORGET_S = 0.04
TOKEN_BYTES = 24
MIN_TOKEN = 16


class WebSocketBridge:
    """Serve events to WebSocket clients on host:port.

    expose: allow a host that other machines can reach. token: what their clients have to show; the environment's
    EMOTUS_TOKEN or a new one where none is given. It is printed at the start. control: where what clients tell the show
    goes; with None none of them is obeyed. labels: those there are; those that
    answers bring along are named to later clients too.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        labels: Sequence[str] = (),
        clock: Clock,
        expose: bool = False,
        token: str | None = None,
        limits: Limits | None = None,
        control: ControlInbox | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._uri = f"ws:{join_host_port(host, port)}"
        self._labels = tuple(labels)
        self._known = frozenset(self._labels)
        self._control = control
        self._clock = clock
        self._expose = expose
        self._token = token
        self._limits = limits or Limits()
        self._outbox = Outbox(clock)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: EventServer | None = None

    @property
    def address(self) -> str:
        """Return where clients connect, token included, with the port that was found where 0 was asked for."""
        query = f"?token={self._token}" if self._token else ""
        return f"ws://{join_host_port(self._host, self._port)}/{query}"

    def start(self) -> None:
        """Listen; raise UriError where the port is taken or the host may not be listened on."""
        if self._thread is not None:
            return
        found = resolve(self._uri, self._host, self._port, socket.SOCK_STREAM)
        self._admit(local_only=is_loopback(found))
        listener = self._listen(found[0][0], found[0][1])
        self._port = listener.getsockname()[1]
        self._say_token()
        self._server = EventServer(
            self._outbox, Door(self._token), hello(self._labels), self._clock, self._limits, self._control
        )
        is_ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(listener, is_ready)), name=self._uri, daemon=True
        )
        self._thread.start()
        if not is_ready.wait(START_S):
            self.close()
            raise UriError(self._uri, f"did not start within {START_S:g} s", mend="is this machine very busy?")
        self._outbox.open()

    def send(self, event: Event) -> None:
        """Take one event; clients get it within milliseconds."""
        if isinstance(event, EmotionEvent) and not self._known.issuperset(event.probs):
            self._learn(event)
        if self._outbox.put(event):
            self._call("wake")

    def _learn(self, event: EmotionEvent) -> None:
        """Name the labels that were taught meanwhile to whoever comes from now on."""
        self._labels = (*self._labels, *(label for label in event.probs if label not in self._known))
        self._known = frozenset(self._labels)
        server, greeting = self._server, hello(self._labels)
        if server is not None:
            self._soon(lambda: server.greet_with(greeting))

    def forget(self, stream: str | None) -> None:
        """Drop what waits of a stream, or of all for None, for whichever client."""
        self._outbox.forget(stream)
        server, done = self._server, threading.Event()
        if server is not None and self._thread is not None:
            self._soon(lambda: (server.forget(stream), done.set()))
            done.wait(FORGET_S)

    def close(self) -> None:
        """Say goodbye to the clients and stop."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._outbox.shut()
        self._call("stop")
        thread.join(CLOSE_S)
        self._outbox.abandon()

    def stats(self) -> BridgeStats:
        """Return the counts; errors are refused and failed connections, clients cut and messages not understood."""
        return self._outbox.stats(0 if self._server is None or self._thread is None else self._server.clients)

    def _admit(self, *, local_only: bool) -> None:
        """Refuse to be heard beyond this machine without leave; with it, see to the token."""
        if local_only:
            self._token = None
            return
        if not self._expose:
            raise UriError(
                self._uri, "other machines could connect", mend="add --expose to allow that, or use 127.0.0.1"
            )
        self._token = self._token or os.environ.get("EMOTUS_TOKEN") or secrets.token_urlsafe(TOKEN_BYTES)
        if len(self._token) < MIN_TOKEN:
            raise UriError(self._uri, "EMOTUS_TOKEN is too short", mend=f"{MIN_TOKEN} characters or more")

    def _say_token(self) -> None:
        if self._token is not None:
            sys.stderr.write(
                f"emotus: other machines may connect to {self.address}\n"
                "emotus: whoever knows the token sees everything, and nothing is encrypted: use networks you trust\n"
            )

    def _listen(self, family: socket.AddressFamily, address: tuple[Any, ...]) -> socket.socket:
        try:
            return socket.create_server(address, family=family, backlog=BACKLOG)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                problem, mend = f"port {self._port} is in use", "choose another port, or end the program that uses it"
            else:
                problem, mend = error.strerror or str(error), "an address of this machine and a port above 1023"
            raise UriError(self._uri, problem, mend=mend) from error

    async def _run(self, listener: socket.socket, is_ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        if self._server is not None:
            await self._server.run(listener, is_ready.set)

    def _call(self, verb: str) -> None:
        if self._server is not None:
            self._soon(getattr(self._server, verb))

    def _soon(self, work: Callable[[], object]) -> None:
        """Have the server's thread do something."""
        with contextlib.suppress(RuntimeError):  # the loop has just ended
            if self._loop is not None:
                self._loop.call_soon_threadsafe(work)


def hello(labels: Sequence[str]) -> dict[str, Any]:
    """Return what every client is told first."""
    return {
        "v": wire.VERSION,
        "type": "hello",
        "name": "emotus",
        "notice": "apparent expression, inferred from movement; it does not tell what a person feels",
        "labels": list(labels),
        "types": list(STREAMS),
        "rates": {stream.type: stream.rate_hz for stream in STREAMS.values()},
        "formats": list(wire.FORMATS),
        "body": {"joints": list(BODY.names), "parents": list(BODY.parents)},
        "frame": "right-handed, +Y up, +Z forward, +X to the person's left",
        "units": {"joints": "m", "t_ns": "monotonic ns", "latency_ms": "ms", "valence": "-1..1", "arousal": "-1..1"},
        "msgpack": "arrays are bin: little-endian float32, row by row",
        "control": list(WORDS),
        "next": {"type": "subscribe", "streams": None, "types": None, "format": "json", "max_hz": None},
    }
