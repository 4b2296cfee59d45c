"""Answer those who knock at the WebSocket bridge: let in, turned away, or told to wait after too many wrong tokens."""

from __future__ import annotations

import math
from collections.abc import Callable
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from ..engine.clock import NS_PER_S, Clock
from .websocket_door import Door, Refusal
from .websocket_guard import Guard

WAIT = Refusal(HTTPStatus.TOO_MANY_REQUESTS, "too many wrong tokens came from here: wait")


class Reception:
    """Ask the door, and the guard before it; on_refused is called once for each who is turned away."""

    def __init__(self, door: Door, clock: Clock, on_refused: Callable[[], None]) -> None:
        self._door = door
        self._clock = clock
        self._on_refused = on_refused
        self._guard = Guard()

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Return the answer to a request that may not come in, None for one that may."""
        address, now_ns = str((connection.remote_address or ("",))[0]), self._clock.now_ns()
        wait_ns = self._guard.wait_ns(address, now_ns)
        refusal = WAIT if wait_ns else self._door.refusal(request.path, request.headers.get_all)
        if refusal is None:
            self._guard.passed(address)
            return None
        if refusal.status == HTTPStatus.UNAUTHORIZED:
            self._guard.failed(address, now_ns)
        self._on_refused()
        response = connection.respond(refusal.status, f"{refusal.reason}\n")
        if wait_ns:
            response.headers["Retry-After"] = str(math.ceil(wait_ns / NS_PER_S))
        return response
