"""A rosbridge server by its protocol: it refuses what a real one refuses, and passes messages on to who subscribes."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

STAMP = {2: {"sec": int, "nanosec": int}, 1: {"secs": int, "nsecs": int}}
XYZ = {"x": float, "y": float, "z": float}
QUATERNION = {**XYZ, "w": float}


def definitions(version: int) -> dict[str, Any]:
    """Return the fields of the messages that are known, from their .msg files."""
    header: dict[str, Any] = {"stamp": STAMP[version], "frame_id": str}
    if version == 1:
        header["seq"] = int
    pose = {"position": XYZ, "orientation": QUATERNION}
    transform = {"translation": XYZ, "rotation": QUATERNION}
    known = {
        "std_msgs/String": {"data": str},
        "hri_msgs/IdsList": {"header": header, "ids": [str]},
        "hri_msgs/Expression": {
            "header": header,
            "expression": str,
            "valence": float,
            "arousal": float,
            "confidence": float,
        },
        "geometry_msgs/PoseArray": {"header": header, "poses": [pose]},
        "tf2_msgs/TFMessage": {"transforms": [{"header": header, "child_frame_id": str, "transform": transform}]},
    }
    return known if version == 1 else {name.replace("/", "/msg/"): each for name, each in known.items()}


def problem(value: Any, wanted: Any, place: str = "msg") -> str | None:
    """Return what is wrong with a message, None where it is of its type."""
    if isinstance(wanted, dict):
        if not isinstance(value, dict):
            return f"{place} is no message"
        odd = set(value) - set(wanted)
        if odd:
            return f"{place} has no field {sorted(odd)[0]}"
        return next((told for key in value if (told := problem(value[key], wanted[key], f"{place}.{key}"))), None)
    if isinstance(wanted, list):
        if not isinstance(value, list):
            return f"{place} is no array"
        return next((told for i, each in enumerate(value) if (told := problem(each, wanted[0], f"{place}[{i}]"))), None)
    allowed = (int, float) if wanted is float else (wanted,)
    return None if isinstance(value, allowed) and not isinstance(value, bool) else f"{place} is no {wanted.__name__}"


class RosbridgeServer:
    """Listen on this machine; `published` collects what was accepted, `refused` why something was not."""

    def __init__(self, *, version: int = 2, port: int = 0) -> None:
        self._definitions = definitions(version)
        self.port = port
        self.advertised: dict[str, str] = {}
        self.published: list[tuple[str, dict[str, Any]]] = []
        self.refused: list[str] = []
        self.subscribed: dict[str, set[ServerConnection]] = {}
        self.connections = 0
        self.is_deaf = False
        self._open: set[ServerConnection] = set()
        self._ready = threading.Event()

    def __enter__(self) -> RosbridgeServer:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    def of(self, topic: str) -> list[dict[str, Any]]:
        """Return the messages of a topic."""
        return [message for where, message in list(self.published) if where == topic]

    def cut(self) -> None:
        """Lose all connections, as a network does."""
        self._soon(lambda: [each.transport.abort() for each in tuple(self._open)])

    def _soon(self, work: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(work)

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        async with serve(self._talk, sock=listener, compression=None, close_timeout=0.5, max_size=10_000_000):
            self._ready.set()
            await self._over.wait()

    async def _talk(self, connection: ServerConnection) -> None:
        self.connections += 1
        self._open.add(connection)
        mine: set[str] = set()
        try:
            if self.is_deaf:
                connection.transport.pause_reading()
                await self._over.wait()
                return
            async for text in connection:
                assert isinstance(text, str)
                await self._obey(connection, json.loads(text, parse_constant=self._no_constant), mine)
        except ConnectionClosed:
            pass
        finally:
            self._open.discard(connection)
            for listeners in self.subscribed.values():
                listeners.discard(connection)

    def _no_constant(self, word: str) -> None:
        self.refused.append(f"{word} is no JSON")

    async def _obey(self, connection: ServerConnection, told: dict[str, Any], mine: set[str]) -> None:
        operation, topic = told.get("op"), told.get("topic")
        if operation == "advertise":
            if told["type"] not in self._definitions:
                await self._refuse(connection, f"unable to import {told['type']}")
                return
            self.advertised[topic] = told["type"]
            mine.add(topic)
        elif operation == "subscribe":
            self.subscribed.setdefault(topic, set()).add(connection)
        elif operation == "publish":
            wrong = "it was not advertised" if topic not in mine else None
            wrong = wrong or problem(told["msg"], self._definitions[self.advertised[topic]])
            if wrong:
                await self._refuse(connection, f"{topic}: {wrong}")
                return
            self.published.append((topic, told["msg"]))
            for listener in tuple(self.subscribed.get(topic, ())):
                await listener.send(json.dumps({"op": "publish", "topic": topic, "msg": told["msg"]}))
        elif operation not in ("unsubscribe", "unadvertise"):
            await self._refuse(connection, f"unknown operation {operation}")

    async def _refuse(self, connection: ServerConnection, message: str) -> None:
        self.refused.append(message)
        await connection.send(json.dumps({"op": "status", "level": "error", "msg": message}))
