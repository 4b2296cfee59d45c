"""What a worker process says to its sensor: small framed messages through one pipe, never a picture."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal, cast

from ..engine.errors import PacketError

# Four people of 33 landmarks take 3.2 KB. A picture does not fit, and that is meant: frames stay where they were taken.
MOST_BYTES: Final = 4096
Kind = Literal["ready", "beat", "data", "told", "failed", "ended"]
_KINDS: Final[tuple[Kind, ...]] = ("ready", "beat", "data", "told", "failed", "ended")
_HEAD: Final = struct.Struct("<BH")  # kind, length of the body


@dataclass(frozen=True, slots=True)
class Message:
    """Hold one message: its kind and up to 4096 bytes."""

    kind: Kind
    body: bytes = b""

    def facts(self) -> dict[str, object]:
        """Return the body as a JSON object; raises PacketError for anything else."""
        try:
            read = json.loads(self.body)
        except ValueError:
            read = None
        if not isinstance(read, dict):
            raise PacketError(f"a {self.kind} message of {len(self.body)} bytes is no JSON object")
        return cast("dict[str, object]", read)


def pack(kind: Kind, body: bytes = b"") -> bytes:
    """Return a message as bytes; raises ValueError for a body beyond 4096 bytes."""
    if len(body) > MOST_BYTES:
        raise ValueError(f"a message of {len(body)} bytes, the most is {MOST_BYTES}")
    return _HEAD.pack(_KINDS.index(kind), len(body)) + body


def pack_facts(kind: Kind, facts: Mapping[str, object]) -> bytes:
    """Return a JSON message as bytes, its texts cut to what fits."""
    short = {name: value[:1000] if isinstance(value, str) else value for name, value in facts.items()}
    return pack(kind, json.dumps(short).encode())


def read_message(pipe: BinaryIO) -> Message | None:
    """Return the next message, waiting for it; None where the pipe has ended; raises PacketError for anything else."""
    head = pipe.read(_HEAD.size)
    if not head:
        return None
    if len(head) < _HEAD.size:
        raise PacketError(f"the worker stopped after {len(head)} of {_HEAD.size} bytes of a message's head")
    number, length = _HEAD.unpack(head)
    if number >= len(_KINDS) or length > MOST_BYTES:
        raise PacketError(f"no message is of kind {number} and {length} bytes")
    body = pipe.read(length)
    if len(body) < length:
        raise PacketError(f"the worker stopped after {len(body)} of {length} bytes of a message")
    return Message(_KINDS[number], body)
