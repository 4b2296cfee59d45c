"""Start and stop the page's web server (viser): quietly, on exactly the port asked for, and for nobody else's pages."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import socket
import sys
import types
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from websockets.asyncio import server as websockets_server

from ..engine.errors import EmotusError, MissingPackageError, UriError
from .viewer_furniture import furnish, furnish_zipped

if TYPE_CHECKING:
    import viser
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

_LOOPBACK: Final = frozenset(("127.0.0.1", "localhost", "::1"))
_LOG: Final = logging.getLogger(__name__)


class PageServer:
    """Serve a viser page at host:port until closed; raises MissingPackageError or UriError (the port is taken)."""

    def __init__(self, host: str, port: int) -> None:
        if importlib.util.find_spec("viser") is None:
            raise MissingPackageError("viser", "viewer")
        _check_free(host, port)
        import viser

        self._tally = _Tally()
        with _speechless(), _guarded(host, self._tally) as made:
            self.viser = viser.ViserServer(host=host, port=port, label="emotus", verbose=False)
        self._made = made
        self._check(host, port)
        _refuse_sharing(self.viser)

    @property
    def failures(self) -> int:
        """Return how many connections broke off, spoke nonsense or came from other sites' pages."""
        return self._tally.count

    def close(self) -> None:
        """Stop within a second: connections are cut, not asked to close, since a stalled page would never answer."""
        loop = self.viser.get_event_loop()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing is left to cut
            loop.call_soon_threadsafe(self._cut)
        self.viser.stop()

    def _cut(self) -> None:
        for each in self._made:
            for connection in tuple(each.server.handlers):
                connection.transport.abort()

    def _check(self, host: str, port: int) -> None:
        """Raise, with nothing left running, unless the page is where and as it should be."""
        if not self._made:
            self.viser.stop()
            raise EmotusError("this version of viser would serve the page to any web site (pip install 'viser==1.1.1')")
        if port and self.viser.get_port() != port:  # somebody took it since we looked, and viser went on to the next
            self.close()
            raise _taken(host, port, "the port was taken just now")


def may_connect(origin: str | None, wanted_host: str | None, host: str) -> bool:
    """Tell whether a page from origin may look in; host is where we listen, wanted_host what it asked for.

    A browser lets any page on the web open a WebSocket to this machine and sends the page's origin along; only our
    own page may (and, on loopback, only under a loopback name, so that a rebound DNS name gains nothing). Programs
    that are no browsers send no origin and may connect.
    """
    if origin is None:
        return True
    parts = urlsplit(origin)
    if host in _LOOPBACK:
        return parts.hostname in _LOOPBACK
    return parts.netloc == (wanted_host or "")


def _check_free(host: str, port: int) -> None:
    """Raise UriError when nothing can listen at host:port; viser would silently take the next port."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise UriError(f"{host}:{port}", f"no such address ({error.strerror})", mend="such as 127.0.0.1:8080") from None
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            raise _taken(host, port, f"cannot listen there ({error.strerror})") from None


def _taken(host: str, port: int, problem: str) -> UriError:
    return UriError(f"{host}:{port}", problem, mend=f"close what uses port {port}, or --view {host}:{port + 1}")


def _refuse_sharing(server: viser.ViserServer) -> None:
    """Make a page's request for a public tunnel do nothing: viser would open one to its own host."""

    def request_share_url(*, verbose: bool = True) -> None:
        _LOG.warning("a page asked for a public share tunnel; refused%s", "" if verbose else " quietly")

    setattr(server, "request_share_url", request_share_url)  # noqa: B010 (a method, which a type checker guards)


class _Tally(logging.Logger):
    """Count the failures of connections instead of printing a traceback for every port scan."""

    def __init__(self) -> None:
        super().__init__("emotus.viewer", logging.ERROR)
        self.count = 0

    def handle(self, record: logging.LogRecord) -> None:  # noqa: ARG002 (that there is one is all we need)
        """Count one failure."""
        self.count += 1


@contextlib.contextmanager
def _guarded(host: str, tally: _Tally) -> Iterator[list[Any]]:
    """Let viser's server, while it starts, take our guard and our log; yield what it serves with.

    viser looks at no origin, and takes no such options; it finds `serve` in its module at the moment of starting.
    """
    serve, made = websockets_server.serve, []

    def serve_guarded(handler: Any, at: str, port: int, **options: Any) -> Any:
        if at == host and "process_request" in options:
            options |= {"process_request": _only_ours(options["process_request"], host, tally), "logger": tally}
            made.append(serve(handler, at, port, **options))
            return made[-1]
        return serve(handler, at, port, **options)  # somebody else's, started in the same moment

    setattr(websockets_server, "serve", serve_guarded)  # noqa: B010 (a class, which a type checker guards)
    try:
        yield made
    finally:
        setattr(websockets_server, "serve", serve)  # noqa: B010


def _only_ours(answer: Callable[..., Response | None], host: str, tally: _Tally) -> Callable[..., Response | None]:
    """Return viser's answer to requests, but for pages of other sites, which are refused."""

    def process_request(connection: ServerConnection, request: Request) -> Response | None:
        origin = request.headers.get("Origin")
        if may_connect(origin, request.headers.get("Host"), host):
            return _furnished(answer(connection, request))
        tally.count += 1
        _LOG.warning("refused a page from %s", origin)
        return connection.respond(403, "this page is not allowed here\n")

    return process_request


def _furnished(response: Response | None) -> Response | None:
    """Put our notice, lamp and stage view into a page of viser's, and let no other site show it in a frame of its own.

    A page in a frame is our own page to the server; whoever presses there what the site lets her see would consent.
    """
    if response is None or response.status_code != 200 or "html" not in response.headers.get("Content-Type", ""):
        return response
    zipped = response.headers.get("Content-Encoding") == "gzip"
    page = bytes(response.body)
    response.body = furnish_zipped(page) if zipped else furnish(page)
    del response.headers["Content-Length"]
    response.headers["Content-Length"] = str(len(response.body))
    response.headers["Content-Security-Policy"] = "frame-ancestors 'none'"
    return response


@contextlib.contextmanager
def _speechless() -> Iterator[None]:
    """Give viser, and nobody else, a rich that prints nothing: standard output may be carrying our own JSON.

    viser's server thread takes its `rich` when it starts and greets, reports and says farewell through it.
    """
    import rich

    mute = types.ModuleType("rich")
    mute.__dict__.update(vars(rich), print=lambda *_words, **_options: None)
    sys.modules["rich"] = mute
    try:
        yield
    finally:
        sys.modules["rich"] = rich
