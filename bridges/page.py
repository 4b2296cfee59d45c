"""Where the browser page stands: its address, its port, and whether there is a browser to show it."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Sequence

from ..engine.clock import Clock
from ..engine.control import ControlInbox
from ..engine.errors import UriError
from ..engine.signature_references import References
from .base import Bridge

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
VIEW_HOST, VIEW_PORT = "127.0.0.1", 8080


def make_viewer(
    at: str,
    clock: Clock,
    *,
    expose: bool,
    control: ControlInbox | None = None,
    labels: Sequence[str] = (),
    references: References | None = None,
) -> Bridge:
    """Return the page at HOST:PORT, not yet started; raises UriError for no address, or one that exposes it unasked.

    control: where what its buttons tell the show goes, None for a page without buttons. labels: those to be taught.
    references: those of the signature map.
    """
    from .viewer import ViewerBridge

    host, colon, port = at.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise UriError(f"--view {at}", "not HOST:PORT", mend=f"such as {VIEW_HOST}:{VIEW_PORT}")
    if host not in LOOPBACK and not expose:
        raise UriError(f"--view {at}", "would show the page beyond this machine", mend="add --expose to allow that")
    if expose and host not in LOOPBACK:
        control = None  # the page knows no token: whoever can see it from elsewhere may only look
    return ViewerBridge(host, int(port), clock=clock, control=control, labels=labels, references=references)


def page_lines(at: str) -> list[str]:
    """Return what a person is told of the page at HOST:PORT: an address that a browser can open, and who may look."""
    host, _, port = at.rpartition(":")
    everywhere = host in ("0.0.0.0", "[::]", "::")  # noqa: S104 - compared, not bound
    lines = [f"the page: http://{socket.gethostname() if everywhere else host}:{port} (?stage=1 for a projector)"]
    if host not in LOOPBACK:
        lines.append("whoever reaches this machine may look at the page, which therefore has no buttons")
    return lines


def free_port(port: int) -> int:
    """Return the port, or any free one where something else already listens there."""
    for candidate in (port, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((VIEW_HOST, candidate))
            return int(probe.getsockname()[1])
    raise UriError(f"{VIEW_HOST}:{port}", "no free port", mend="close other programs")


def open_browser(page: str) -> bool:
    """Open the page where there is a display; a text browser on a server would only take the terminal away."""
    import webbrowser

    has_display = sys.platform in ("darwin", "win32") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    return has_display and webbrowser.open(page)
