"""The ROS bridge: events as standard messages to a rosbridge server, which speaks JSON over WebSocket.

It connects by itself, waits longer each time nobody answers (up to eight seconds) and begins anew when the server comes
back. Of each stream and type the newest is told: while a server is slow or away, older events are dropped and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from ..engine.clock import Clock
from ..engine.errors import UriError, WireError
from ..engine.events import Event
from ..engine.options import check_keys, choice, number, read_options
from .address import resolve
from .base import BridgeStats
from .outbox import Outbox, is_droppable
from .ros_messages import Dialect, Said, Translator, advertise, publish
from .websocket_connection import counting_logger, keep_little

PORT: Final = 9090
FIRST_WAIT_S: Final = 0.25
LONGEST_WAIT_S: Final = 8.0
CONNECT_S: Final = 5.0
STALL_S: Final = 8.0  # a server that takes nothing in for so long is left
LATE_S: Final = 0.5  # while a pong is overdue for so long nothing more is sent
BEAT_S: Final = 0.2
CLOSE_S: Final = 0.9
FORGET_S: Final = 0.04
MAX_HEARD_BYTES: Final = 64 * 1024
MAX_TOPICS: Final = 1024
OPTIONS: Final = ("ros", "frame", "hz", "pose_hz")
START: Final = "is rosbridge running? ros2 launch rosbridge_server rosbridge_websocket_launch.xml"

# What a program behind a proxy means for the web is not meant for its robot; older versions knew no proxies.
DIRECT: Final[dict[str, Any]] = {"proxy": None} if "proxy" in inspect.signature(connect.__init__).parameters else {}


class Status(msgspec.Struct):
    """What a rosbridge server says of itself; all else that it says is not for us."""

    op: str = ""
    level: str = ""
    msg: str = ""


class RosbridgeBridge:
    """Publish events to the rosbridge server at url; translator: how they become messages."""

    def __init__(self, url: str, translator: Translator, *, clock: Clock) -> None:
        self._url = url
        self._uri = f"rosbridge:{url}"
        self._translator = translator
        self._clock = clock
        self._outbox = Outbox(clock)
        self._topics: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._over = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None
        self._is_connected = False
        self._problem = ""

    def start(self) -> None:
        """Find the host and begin to connect; raise UriError where it is unknown. A server may come later."""
        if self._thread is not None:
            return
        parts = urlsplit(self._url)
        resolve(self._uri, parts.hostname or "", parts.port or PORT, socket.SOCK_STREAM)
        self._over.clear()
        self._translator.reset()
        self._outbox.open()
        self._thread = threading.Thread(target=self._live, name=self._uri, daemon=True)
        self._thread.start()

    def send(self, event: Event) -> None:
        """Take one event; the server gets it within milliseconds if it is there and keeps up."""
        if self._outbox.put(event):
            self._soon(self._news.set)

    def forget(self, stream: str | None) -> None:
        """Drop what waits of a stream, or of all for None, and speak of its body no more."""
        self._outbox.forget(stream)
        done = threading.Event()
        if self._thread is not None and self._soon(lambda: (self._translator.forget(stream), done.set())):
            done.wait(FORGET_S)

    def close(self) -> None:
        """Take the topics back and stop."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._outbox.shut()
        self._over.set()
        self._soon(self._news.set)
        thread.join(CLOSE_S / 2)
        if thread.is_alive():  # the server takes nothing in
            self._soon(self._cancel)
            thread.join(CLOSE_S / 2)
        self._outbox.abandon()

    def stats(self) -> BridgeStats:
        """Return the counts; clients is 1 while connected, errors are failed connections and refused messages."""
        return replace(self._outbox.stats(int(self._is_connected)), problem=self._problem)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _soon(self, work: Callable[[], object]) -> bool:
        """Have the bridge's thread do something; return whether it will."""
        loop = self._loop
        if loop is None:
            return False
        try:
            loop.call_soon_threadsafe(work)
        except RuntimeError:  # the loop has just ended
            return False
        return True

    def _live(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._run())
        self._loop = None

    async def _run(self) -> None:
        self._task = asyncio.current_task()
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        wait_s = FIRST_WAIT_S
        while not self._over.is_set():
            began_s = time.monotonic()
            try:
                await self._visit()
            except (OSError, TimeoutError, WebSocketException) as error:
                self._outbox.settle(errors=1)
                self._problem = f"{self._uri}: {_why(error)} ({START})"
            self._is_connected = False
            if time.monotonic() - began_s > LONGEST_WAIT_S:
                wait_s = FIRST_WAIT_S
            await self._rest(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _rest(self, seconds: float) -> None:
        """Wait before the next try; what comes meanwhile is dropped, as it would be old by then."""
        until_s = time.monotonic() + seconds
        while not self._over.is_set() and (left_s := until_s - time.monotonic()) > 0:
            self._outbox.settle(dropped=len(self._outbox.take()))
            await self._wait_for_news(min(left_s, BEAT_S))
        self._outbox.settle(dropped=len(self._outbox.take()))

    async def _visit(self) -> None:
        """Connect, and publish until the end; raise what ended the connection."""
        options = {"compression": None, "max_size": MAX_HEARD_BYTES, "open_timeout": CONNECT_S, "close_timeout": 0.3}
        keep = {"ping_interval": None, "write_limit": 4096, "logger": counting_logger(lambda: None)}
        connection = await self._unless_over(asyncio.ensure_future(_connected(self._url, options | keep | DIRECT)))
        if connection is None:
            return
        listener = asyncio.create_task(self._listen(connection))
        try:
            self._topics.clear()
            self._translator.reset()
            self._is_connected, self._problem = True, ""
            await self._publish(connection)
        finally:
            listener.cancel()
            await connection.close()
            with contextlib.suppress(asyncio.CancelledError, WebSocketException):
                await listener

    async def _unless_over(self, opening: asyncio.Future[ClientConnection]) -> ClientConnection | None:
        """Wait for a connection, but not longer than the bridge is wanted; drop what comes meanwhile."""
        while not opening.done():
            await asyncio.wait((opening,), timeout=BEAT_S / 2)
            self._outbox.settle(dropped=len(self._outbox.take()))
            if self._over.is_set():
                opening.cancel()
                await asyncio.wait((opening,))
                return None
        return opening.result()

    async def _publish(self, connection: ClientConnection) -> None:
        pong: asyncio.Future[float] | None = None
        asked_s = 0.0
        while True:
            is_last = self._over.is_set()
            if pong is None or pong.done():
                pong, asked_s = asyncio.ensure_future(await connection.ping()), time.monotonic()
            elif time.monotonic() - asked_s > LATE_S and not is_last:
                await asyncio.wait_for(asyncio.shield(pong), STALL_S)
            for event in self._newest():
                await self._pass_on(connection, event)
            for said in self._translator.tracked(self._clock.now_ns()):
                await self._send(connection, said)
            if is_last:
                return
            await self._wait_for_news(BEAT_S)

    def _newest(self) -> list[Event]:
        """Return what waits, of each stream and type the newest where older ones are worthless then."""
        waiting = [item.event for item in self._outbox.take()]
        last = {(event.stream, event.type): i for i, event in enumerate(waiting)}
        kept = [e for i, e in enumerate(waiting) if not is_droppable(e) or last[e.stream, e.type] == i]
        self._outbox.settle(dropped=len(waiting) - len(kept))
        return kept

    async def _pass_on(self, connection: ClientConnection, event: Event) -> None:
        try:
            all_said = self._translator.say(event, self._clock.now_ns())
        except WireError:
            self._outbox.settle(dropped=1, errors=1)
            return
        for said in all_said:
            await self._send(connection, said)
        self._outbox.settle(**{"sent" if all_said else "dropped": 1})

    async def _send(self, connection: ClientConnection, said: Said) -> None:
        """Send a message, and before the first of a topic what it is."""
        async with asyncio.timeout(STALL_S):
            if said.topic not in self._topics:
                if len(self._topics) >= MAX_TOPICS:
                    return
                self._topics.add(said.topic)
                await connection.send(advertise(said), text=True)
            await connection.send(publish(said), text=True)

    async def _listen(self, connection: ClientConnection) -> None:
        """Take in what the server says, so that it never waits for us; its complaints are counted."""
        async for data in connection:
            with contextlib.suppress(msgspec.DecodeError, UnicodeError, RecursionError):
                told = msgspec.json.decode(data, type=Status)
                if told.op == "status" and told.level == "error":
                    self._outbox.settle(errors=1)
                    self._problem = f"{self._uri}: {' '.join(told.msg.split())[:200]}"

    async def _wait_for_news(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)
        self._news.clear()


async def _connected(url: str, options: dict[str, Any]) -> ClientConnection:
    connection = await connect(url, **options)
    keep_little(connection.transport.get_extra_info("socket"))
    return connection


def _why(error: Exception) -> str:
    """Return in a few words what went wrong with a connection."""
    if isinstance(error, ssl.SSLError):
        return f"not encrypted as it should be: {error.reason or error}"
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, OSError) and error.errno:
        return (error.strerror or str(error)).lower()
    return " ".join(str(error).split())[:120] or type(error).__name__


def bridge_of(uri: str, rest: str, clock: Clock) -> RosbridgeBridge:
    """Return the bridge of rosbridge:ws://HOST:9090?ros=2&frame=map&hz=10&pose_hz=30; raises UriError."""
    place, _, query = rest.partition("?")
    url = _checked(uri, place)
    options = read_options(uri, query)
    check_keys(uri, options, OPTIONS)
    offset_ns = time.time_ns() - clock.now_ns()
    translator = Translator(
        Dialect(int(choice(uri, options, "ros", "2", ("1", "2")))),
        frame=options.get("frame", "map"),
        wall_ns=lambda t_ns: t_ns + offset_ns,
        emotion_hz=number(uri, options, "hz", 10.0, 0.1, 240.0),
        pose_hz=number(uri, options, "pose_hz", 30.0, 0.1, 240.0),
    )
    return RosbridgeBridge(url, translator, clock=clock)


def _checked(uri: str, place: str) -> str:
    """Return the address of a rosbridge server with its port."""
    mend = "such as rosbridge:ws://127.0.0.1:9090"
    try:
        parts = urlsplit(place)
        port = parts.port or PORT
    except ValueError as error:
        raise UriError(uri, str(error), mend=mend) from error
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise UriError(uri, "not ws://HOST:PORT", mend=mend)
    if parts.username or parts.password:
        raise UriError(f"rosbridge:{parts.scheme}://...", "rosbridge knows no passwords", mend=mend)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}{parts.path}"
