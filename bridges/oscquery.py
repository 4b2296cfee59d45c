"""OSCQuery (github.com/Vidvox/OSCQueryProposal): tools find out by themselves which addresses there are.

`oscquery:9100` is an HTTP server of this machine only: it has no token, and what it tells is personal. It announces
itself to nobody: zeroconf would call out on the network, which emotus never does by itself; a tool is given the URL.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
from collections import OrderedDict
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote, urlsplit

from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import UriError
from ..engine.events import Event
from ..engine.options import check_keys, read_options, whole
from .address import is_loopback, join_host_port, parse_host_port, resolve
from .base import BridgeStats
from .oscquery_space import Node, build, find, latest_messages

if TYPE_CHECKING:
    from .uri import Wish

CONTROL_PORT: Final = 9001
MAX_AT_ONCE: Final = 8  # requests; more are hung up on
REQUEST_S: Final = 3.0  # a request that takes longer is hung up on, however slowly it drips
MAX_PATH: Final = 1024
MAX_EVENTS: Final = 256  # of streams and types, the latest each
FRESH_NS: Final = 10 * NS_PER_S  # what was said longer ago is no longer told
ATTRIBUTES: Final = ("VALUE", "TYPE", "RANGE", "ACCESS", "DESCRIPTION", "CONTENTS", "FULL_PATH")


class OscQueryBridge:
    """Answer what there is: addresses, types, ranges and the latest values.

    control_port: where commands by OSC are heard (`--control osc:...`).
    """

    def __init__(self, host: str, port: int, *, clock: Clock, control_port: int = CONTROL_PORT) -> None:
        self._host = host
        self._port = port
        self._uri = f"oscquery:{join_host_port(host, port)}"
        self._clock = clock
        self._control_port = control_port
        self._lock = threading.Lock()
        self._latest: OrderedDict[tuple[str, str], tuple[Event, int]] = OrderedDict()
        self._received = self._sent = 0
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """Return the URL, with the port that was found where 0 was asked for."""
        return f"http://{join_host_port(self._host, self._port)}/"

    def start(self) -> None:
        """Listen; raise UriError where the port is taken or other machines could reach it."""
        if self._server is not None:
            return
        found = resolve(self._uri, self._host, self._port, socket.SOCK_STREAM)
        if not is_loopback(found):
            mend = "use 127.0.0.1; ws: with --expose and its token tells other machines"
            raise UriError(self._uri, "other machines could read what is personal", mend=mend)
        family, address = found[0]
        try:
            self._server = _Server(family, address[:2], self.answer)
        except OSError as error:
            problem = error.strerror or str(error)
            raise UriError(self._uri, f"port {self._port}: {problem}", mend="choose another port") from error
        self._port = self._server.server_address[1]
        run = self._server.serve_forever
        self._thread = threading.Thread(target=run, args=(0.1,), name=self._uri, daemon=True)
        self._thread.start()

    def send(self, event: Event) -> None:
        """Keep an event as the latest of its stream and type; nothing is encoded before somebody asks."""
        with self._lock:
            self._received += 1
            if self._server is None:
                return
            self._sent += 1
            self._latest[event.stream, event.type] = (event, self._clock.now_ns())
            self._latest.move_to_end((event.stream, event.type))
            if len(self._latest) > MAX_EVENTS:
                self._latest.popitem(last=False)

    def forget(self, stream: str | None) -> None:
        """Forget what was last said of a stream, or of all for None."""
        with self._lock:
            for key in [key for key in self._latest if stream in (None, key[0])]:
                del self._latest[key]

    def close(self) -> None:
        """Stop listening."""
        server, self._server = self._server, None
        thread, self._thread = self._thread, None
        if server is not None and thread is not None:
            server.shutdown()
            thread.join(1.0)
            server.server_close()
        self.forget(None)

    def stats(self) -> BridgeStats:
        """Return the counts: an event is passed on when it can be asked for."""
        with self._lock:
            return BridgeStats(self._received, self._sent, self._received - self._sent)

    def answer(self, path: str, query: str) -> tuple[int, Node | None]:
        """Return the HTTP status and the JSON of a request, as the proposal has them."""
        if query == "HOST_INFO":
            return 200, self.host_info()
        if query and query not in ATTRIBUTES:
            return 400, None
        node = find(build(latest_messages(self._fresh())), path)
        if node is None:
            return 404, None
        if not query:
            return 200, node
        return (200, {query: node[query]}) if query in node else (204, None)

    def host_info(self) -> Node:
        """Return who answers here, and where commands are heard."""
        told = dict.fromkeys(("ACCESS", "VALUE", "RANGE", "DESCRIPTION"), True)
        return {
            "NAME": "emotus",
            "EXTENSIONS": told | {"LISTEN": False, "PATH_CHANGED": False},
            "OSC_IP": "127.0.0.1",
            "OSC_PORT": self._control_port,
            "OSC_TRANSPORT": "UDP",
        }

    def _fresh(self) -> list[Event]:
        now_ns = self._clock.now_ns()
        with self._lock:
            return [event for event, since_ns in self._latest.values() if now_ns - since_ns < FRESH_NS]


class _Server(ThreadingMixIn, TCPServer):
    """Answer a few requests at once, each within REQUEST_S, and hang up on the rest."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 16

    def __init__(self, family: socket.AddressFamily, address: tuple[Any, ...], answer: Any) -> None:
        self.address_family = family
        self.answer = answer
        self._places = threading.BoundedSemaphore(MAX_AT_ONCE)
        super().__init__((str(address[0]), int(address[1])), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a request where there is a place for it."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a request, and hang up when its time is over."""
        end = threading.Timer(REQUEST_S, _hang_up, (request,))
        end.daemon = True
        end.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            end.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""


def _hang_up(request: socket.socket) -> None:
    try:
        request.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


class _Handler(BaseHTTPRequestHandler):
    """Answer GET, for this machine's own names only (a page that rebinds its name to 127.0.0.1 hears nothing)."""

    timeout = REQUEST_S
    server_version = "emotus"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer one request."""
        if len(self.path) > MAX_PATH or not _is_own_name(self.headers.get("Host", "")):
            self._reply(403, None)
            return
        parts = urlsplit(self.path)
        self._reply(*cast(_Server, self.server).answer(unquote(parts.path), parts.query))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Say nothing: requests are not news."""

    def _reply(self, status: int, told: Mapping[str, Any] | None) -> None:
        body = b"" if told is None else json.dumps(told, allow_nan=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


def _is_own_name(host: str) -> bool:
    """Tell whether a Host header names this machine."""
    name = urlsplit(f"//{host}").hostname or "" if host.isprintable() and "[" not in host[1:] else ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def make_oscquery(wish: Wish) -> OscQueryBridge:
    """Make the bridge of `oscquery:PORT` or `oscquery:HOST:PORT`, ?control=9001; raises UriError."""
    where, _, query = wish.rest.partition("?")
    options = read_options(wish.uri, query)
    check_keys(wish.uri, options, ("control",))
    host, port = parse_host_port(wish.uri, where if ":" in where else f"127.0.0.1:{where}")
    control = whole(wish.uri, options, "control", CONTROL_PORT, 1, 65535)
    return OscQueryBridge(host, port, clock=wish.clock, control_port=control)
