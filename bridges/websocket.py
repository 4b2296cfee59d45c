"""The WebSocket bridge: events to browsers, games and robots, as JSON or MessagePack.

A client hears a `hello` (version, body, units, labels, rates), sends `{"type": "subscribe"}` and gets events. Nobody
is waited for: of each stream and type the newest waits for a client that is behind, and a client that takes nothing in
for five seconds is cut. Who comes back says `resume` and is told what it missed. It listens on this machine only,
unless it is exposed; then everybody has to show a token, and with a certificate all is encrypted.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ..engine.body import BODY
from ..engine.clock import Clock
from ..engine.control import WORDS, ControlInbox
from ..engine.errors import UriError
from ..engine.events import EmotionEvent, Event
from ..engine.options import check_keys, read_options
from ..engine.streams import STREAMS
from . import wire
from .address import is_loopback, join_host_port, parse_host_port, resolve
from .base import BridgeStats
from .outbox import Outbox
from .websocket_door import Door
from .websocket_secrets import Token, find_token, make_tls
from .websocket_server import BACKLOG, EventServer, Limits

START_S = 5.0
CLOSE_S = 0.95
FORGET_S = 0.04
OPTIONS = ("cert", "key", "token_file")


class WebSocketBridge:
    """Serve events to WebSocket clients on host:port.

    expose: allow a host that other machines can reach. token: what their clients have to show; that of token_file, of
    the environment's EMOTUS_TOKEN or a new one where none is given; a new one is printed once, at the start, and no
    other ever. cert, key: PEM files with which all is encrypted. control: where what clients tell the show
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
        token_file: str | None = None,
        cert: str | None = None,
        key: str | None = None,
        limits: Limits | None = None,
        control: ControlInbox | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._scheme = "ws" if cert is None else "wss"
        self._uri = f"{self._scheme}:{join_host_port(host, port)}"
        self._labels = tuple(labels)
        self._known = frozenset(self._labels)
        self._control = control
        self._clock = clock
        self._expose = expose
        self._given = token, token_file
        self._files = cert, key
        self._token: Token | None = None
        self._tls: ssl.SSLContext | None = None
        self._limits = limits or Limits()
        self._outbox = Outbox(clock)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: EventServer | None = None

    @property
    def address(self) -> str:
        """Return where clients connect, token included, with the port that was found where 0 was asked for."""
        query = f"?token={self._token.text}" if self._token else ""
        return f"{self._place}{query}"

    @property
    def _place(self) -> str:
        return f"{self._scheme}://{join_host_port(self._host, self._port)}/"

    def start(self) -> None:
        """Listen; raise UriError where the port is taken or the host may not be listened on."""
        if self._thread is not None:
            return
        found = resolve(self._uri, self._host, self._port, socket.SOCK_STREAM)
        self._admit(local_only=is_loopback(found))
        cert, key = self._files
        self._tls = None if cert is None else make_tls(self._uri, cert, key)
        listener = self._listen(found[0][0], found[0][1])
        self._port = listener.getsockname()[1]
        self._say_token()
        self._server = EventServer(
            self._outbox, self._door(), hello(self._labels), self._clock, self._limits, self._control
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
        thread = self._thread
        if thread is not None and self._loop is not None and not thread.is_alive():
            self._outbox.problem = f"{self._uri}: its thread has died; no client hears anything"
        return self._outbox.stats(0 if self._server is None or thread is None else self._server.clients)

    def _admit(self, *, local_only: bool) -> None:
        """Refuse to be heard beyond this machine without leave; with it, see to the token."""
        if not local_only and not self._expose:
            raise UriError(
                self._uri, "other machines could connect", mend="add --expose to allow that, or use 127.0.0.1"
            )
        self._token = find_token(self._uri, *self._given) if not local_only or any(self._given) else None

    def _door(self) -> Door:
        return Door(None if self._token is None else self._token.text)

    def _say_token(self) -> None:
        """Tell who may connect, once; a token that somebody gave us is not repeated."""
        if self._token is None:
            return
        source = self._token.source
        where = f"{self._place} with the token of {source}" if source else self.address
        danger = "" if self._tls else ", and nothing is encrypted: use networks you trust, or cert=FILE&key=FILE"
        sys.stderr.write(
            f"emotus: other machines may connect to {where}\nemotus: whoever knows the token sees everything{danger}\n"
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
            await self._server.run(listener, is_ready.set, self._tls)

    def _call(self, verb: str) -> None:
        if self._server is not None:
            self._soon(getattr(self._server, verb))

    def _soon(self, work: Callable[[], object]) -> None:
        """Have the server's thread do something."""
        with contextlib.suppress(RuntimeError):  # the loop has just ended
            if self._loop is not None:
                self._loop.call_soon_threadsafe(work)


def bridge_of(
    uri: str, *, labels: Sequence[str], clock: Clock, expose: bool, control: ControlInbox | None
) -> WebSocketBridge:
    """Return the bridge of ws:HOST:PORT?cert=FILE&key=FILE&token_file=FILE, or of wss: with the same; UriError."""
    scheme, _, rest = uri.partition(":")
    place, _, query = rest.partition("?")
    bare = f"{scheme}:{place}"
    options = read_options(bare, query)
    if "token" in options:
        raise UriError(bare, "a token in a command line is read by others", mend="token_file=FILE, or EMOTUS_TOKEN")
    check_keys(bare, options, OPTIONS)
    if "cert" not in options and (scheme == "wss" or "key" in options):
        raise UriError(bare, "no certificate to encrypt with", mend="cert=FILE&key=FILE; mkcert HOST makes them")
    host, port = parse_host_port(bare, place)
    cert, key, token_file = (options.get(name) for name in OPTIONS)
    return WebSocketBridge(
        host,
        port,
        labels=labels,
        clock=clock,
        expose=expose,
        control=control,
        cert=cert,
        key=key,
        token_file=token_file,
    )


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
        "precisions": list(wire.PRECISIONS),
        "control": list(WORDS),
        "next": {"type": "subscribe", "streams": None, "types": None, "format": "json", "max_hz": None},
    }
