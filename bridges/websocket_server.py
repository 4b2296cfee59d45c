"""The asyncio half of the WebSocket bridge: it lives in one thread and never waits for a single client."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.protocol import State

from ..engine.clock import Clock
from ..engine.control import Command, ControlInbox
from ..engine.errors import WireError
from ..engine.events import Event
from ..engine.notices import Notices
from . import wire
from .outbox import Outbox, fresh
from .websocket_client import Client, Parcel
from .websocket_connection import SmallConnection, connection_type, counting_logger
from .websocket_door import Door
from .websocket_history import History
from .websocket_lag import Allowance
from .websocket_reception import Reception

MAX_MESSAGE_BYTES: Final = 64 * 1024
PING_S: Final = 5.0
PONG_S: Final = 10.0
HANDSHAKE_S: Final = 10.0
SUBSCRIBE_S: Final = 10.0
RETRY_S: Final = 0.01
WATCH_S: Final = 0.5
GOODBYE_S: Final = 0.4
BACKLOG: Final = 1024  # a whole audience reconnects within a second
HALF_OPEN: Final = 128  # connections beyond max_clients that may be shaking hands or being told that it is full

POLICY: Final = 1008
TRY_LATER: Final = 1013
GOING_AWAY: Final = 1001
EXAMPLE: Final = 'send {"type": "subscribe"}'


@dataclass(frozen=True, slots=True)
class Limits:
    """Bound what clients may take of this machine."""

    max_clients: int = 1000
    subscribe_s: float = SUBSCRIBE_S
    handshake_s: float = HANDSHAKE_S


class EventServer:
    """Greet clients, hear what they ask for and pass events on to them."""

    def __init__(
        self,
        outbox: Outbox,
        door: Door,
        hello: dict[str, Any],
        clock: Clock,
        limits: Limits,
        control: ControlInbox | None = None,
    ) -> None:
        self._outbox = outbox
        self._reception = Reception(door, clock, lambda: outbox.settle(errors=1))
        self._control = control
        self._hello = msgspec.json.encode(hello)
        self._clock = clock
        self._limits = limits
        self._clients: dict[SmallConnection, Client] = {}
        self._behind: set[Client] = set()
        self._sockets: set[SmallConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._notices = Notices("websocket")
        self._pings = Allowance()
        self._history = History()
        self._batch: deque[Event] = deque()  # what was taken from the outbox and not offered yet
        self._news = asyncio.Event()
        self._over = asyncio.Event()

    @property
    def clients(self) -> int:
        """Return how many clients are connected."""
        return len(self._clients)

    def wake(self) -> None:
        """Look into the outbox; to be called in the server's own thread."""
        self._news.set()

    def forget(self, stream: str | None) -> None:
        """Drop what waits of a stream, or of all for None; to be called in the server's own thread."""
        kept = [event for event in self._batch if stream is not None and event.stream != stream]
        self._outbox.settle(dropped=len(self._batch) - len(kept))
        self._batch = deque(kept)
        self._history.forget(stream)
        for client in self._clients.values():
            client.drop(stream)

    def greet_with(self, hello: dict[str, Any]) -> None:
        """Greet whoever comes from now on with this; to be called in the server's own thread."""
        self._hello = msgspec.json.encode(hello)

    def stop(self) -> None:
        """End `run`; to be called in the server's own thread."""
        self._over.set()

    async def run(
        self, listener: socket.socket, on_ready: Callable[[], None], tls: ssl.SSLContext | None = None
    ) -> None:
        """Serve the listening socket until `stop`, then say goodbye within a second; tls: encrypt all."""
        server = await serve(
            self._talk,
            sock=listener,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else self._limits.handshake_s,
            backlog=BACKLOG,
            process_request=self._reception.answer,
            compression=None,
            max_size=MAX_MESSAGE_BYTES,
            max_queue=4,
            # Whatever the kernel has not taken counts as waiting; with 0 asyncio's TLS is always full.
            write_limit=0 if tls is None else 1,
            open_timeout=self._limits.handshake_s,
            ping_interval=PING_S,
            ping_timeout=PONG_S,
            close_timeout=1.0,
            server_header=None,
            logger=counting_logger(lambda: self._outbox.settle(errors=1)),
            create_connection=connection_type(self._sockets, self._limits.max_clients + HALF_OPEN),
        )
        work = [asyncio.create_task(each) for each in (self._pass_on(), self._retry(), self._watch())]
        on_ready()
        await self._over.wait()
        for task in work:
            task.cancel()
        for item in self._outbox.take():
            self._offer(Parcel(item.event, self._outbox))
        server.close(code=GOING_AWAY, reason="emotus ends")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), GOODBYE_S)
        for connection in tuple(self._sockets):
            connection.transport.abort()
        await server.wait_closed()

    # Clients come and go

    async def _talk(self, opened: ServerConnection) -> None:
        connection = cast(SmallConnection, opened)  # made by connection_type
        if len(self._clients) >= self._limits.max_clients:
            self._outbox.settle(errors=1)
            await connection.close(TRY_LATER, f"already {self._limits.max_clients} clients")
            return
        session = self._history.open()
        client = self._clients[connection] = Client(connection, self._clock.now_ns(), session)
        try:
            await connection.send(_with_session(self._hello, session), text=True)
            await self._listen(client)
        except ConnectionClosedError as error:
            # Who broke the protocol was told so; who just vanishes does no wrong.
            if error.sent is not None and not client.is_cut:
                self._outbox.settle(errors=1)
        except ConnectionClosed:
            pass
        finally:
            del self._clients[connection]
            self._behind.discard(client)
            self._history.leave(session)
            client.forget()

    async def _listen(self, client: Client) -> None:
        """Obey control messages until the client leaves; the first subscription has to come soon."""
        try:
            async with asyncio.timeout(self._limits.subscribe_s) as patience:
                async for data in client.connection:
                    if not client.ask(self._clock.now_ns()):
                        self._outbox.settle(errors=1)
                        await client.connection.close(POLICY, "too many control messages")
                        return
                    self._obey(client, data)
                    if client.asked is not None or client.spoke:
                        patience.reschedule(None)
        except TimeoutError:
            await client.connection.close(POLICY, f"nothing was asked for in {self._limits.subscribe_s:g} s: {EXAMPLE}")

    def _obey(self, client: Client, data: str | bytes) -> None:
        try:
            command = wire.decode_order(data)
            if command is not None:
                self._pass_in(client, command)
                return
            asked = wire.decode_control(data)
        except WireError as error:
            self._outbox.settle(errors=1)
            self._reply(client, {"v": wire.VERSION, "type": "error", "message": str(error)})
        else:
            client.subscribe(asked)
            if isinstance(asked, wire.Resume):
                self._tell_missed(client, asked)
            else:
                self._reply(client, msgspec.to_builtins(asked) | {"type": "subscribed"})

    def _tell_missed(self, client: Client, asked: wire.Resume) -> None:
        """Answer with what was missed, counted, and tell the statuses among it again."""
        missed = self._history.missed(asked.session, asked.seen, asked.wants)
        told = {name: value for name, value in msgspec.to_builtins(asked).items() if name not in ("session", "seen")}
        for event in missed.again:
            client.hold(Parcel(event, None))
        self._reply(client, told | {"type": "resumed"} | missed.to_dict(), first=True)

    def _pass_in(self, client: Client, command: Command) -> None:
        """Put a command where the engine finds it; whoever is let in at the door may give one. Raises WireError."""
        if self._control is None:
            raise WireError("no commands are taken here")
        if not self._control.put(command):
            raise WireError("too many commands are waiting")
        client.spoke = True
        self._reply(client, {"v": wire.VERSION, "type": "accepted", "command": type(command).__name__})

    def _reply(self, client: Client, answer: dict[str, Any], *, first: bool = False) -> None:
        encoder = msgspec.json if client.form == "json" else msgspec.msgpack
        if not client.reply(encoder.encode(answer), first=first):
            self._cut(client, "it does not read its answers")
        else:
            self._flush(client)

    # Events go out

    async def _pass_on(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            waiting = self._outbox.take()
            timely = fresh(waiting, self._clock.now_ns())
            self._outbox.settle(dropped=len(waiting) - len(timely))
            self._batch.extend(timely)
            while self._batch:
                self._offer(Parcel(self._batch.popleft(), self._outbox))
                await asyncio.sleep(0)  # a thousand clients take a while: let others speak in between

    def _offer(self, parcel: Parcel) -> None:
        """Send to all who asked and can take it at once; leave it with those who cannot yet."""
        now_ns = self._clock.now_ns()
        self._history.note(parcel.event)
        try:
            for client in tuple(self._clients.values()):
                if client.wants(parcel, now_ns):
                    frame = parcel.frame(client.form)
                    if client.is_free(now_ns):
                        client.write(frame)
                        parcel.sent()
                        self._ping_when_due(client, now_ns)
                    else:
                        self._leave_with(client, parcel)
        except WireError:
            self._outbox.settle(errors=1)
        parcel.let_go()

    def _leave_with(self, client: Client, parcel: Parcel) -> None:
        self._behind.add(client)
        if not client.hold(parcel):
            self._cut(client, "it does not read, and too many statuses wait for it")

    async def _retry(self) -> None:
        while True:
            await asyncio.sleep(RETRY_S)
            for client in tuple(self._behind):
                self._flush(client)

    def _flush(self, client: Client) -> None:
        """Send a client what waits for it, as far as it can take it now."""
        now_ns = self._clock.now_ns()
        if client.flush(now_ns):
            self._ping_when_due(client, now_ns)
        (self._behind.add if client.is_behind else self._behind.discard)(client)

    def _ping_when_due(self, client: Client, now_ns: int) -> None:
        if now_ns >= client.lag.ping_from_ns and self._pings.take(now_ns):
            client.lag.asked(now_ns)
            self._start(self._ping(client))

    async def _ping(self, client: Client) -> None:
        with contextlib.suppress(ConnectionClosed):
            pong = await client.connection.ping()
            await pong
            client.lag.answered(self._clock.now_ns(), len(self._clients))

    # Clients that hold others up

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            now_ns = self._clock.now_ns()
            for client in tuple(self._clients.values()):
                if client.connection.state is not State.OPEN:
                    self._see_out(client)
                elif client.is_stalled(now_ns):
                    self._cut(client, "it does not read")

    def _see_out(self, client: Client) -> None:
        """End a connection that has been closing since the last look: it was told, and does not go."""
        if client.is_leaving:
            client.connection.transport.abort()
        client.is_leaving = True

    def _cut(self, client: Client, reason: str) -> None:
        """End a connection, with a farewell where one can still pass, and tell the others."""
        if client.is_cut:
            return
        client.is_cut = True
        self._outbox.settle(errors=1)
        client.forget()
        if client.connection.transport.get_write_buffer_size() == 0:
            self._start(client.connection.close(POLICY, reason))
        else:
            client.connection.transport.abort()
        told = self._notices.say("warning", "client-cut", f"a client was cut: {reason}", self._clock.now_ns())
        for event in told:
            self._offer(Parcel(event, None))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine beside the rest; a client has two at most."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _with_session(hello: bytes, session: str) -> bytes:
    """Return a hello, encoded for all, with the name of one client's session at its end."""
    return hello[:-1] + b',"session":' + msgspec.json.encode(session) + b"}"
