"""The cases of the Autobahn suite, categories 1 to 10, as bytes for a server that answers messages and echoes none.

Each is what a client sends after the handshake and what has to follow: a pong for each of `pongs`, an answer of a type,
and how the connection then ends. `make autobahn` runs the suite itself; these run with every test.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from support.raw_websocket import frame

LIVES = (0,)  # and is closed by the client, with 1000
SUBSCRIBE = b'{"type": "subscribe"}'
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
GREEK = "κόσμε"


@dataclass(frozen=True)
class Case:
    """Hold one case; chop: bytes a write, 0 for all at once. answer: the type of the reply that is due."""

    name: str
    sends: bytes
    ends: tuple[int, ...] = LIVES
    pongs: tuple[bytes, ...] = ()
    answer: str = ""
    chop: int = 0


def close(code: int, reason: bytes = b"") -> bytes:
    """Return a closing frame."""
    return frame(struct.pack(">H", code) + reason, CLOSE)


def fragments(payload: bytes, size: int, opcode: int = TEXT, between: bytes = b"") -> bytes:
    """Return a message in fragments of so many bytes, with other frames between them."""
    parts = [payload[i : i + size] for i in range(0, len(payload), size)] or [b""]
    frames = [frame(part, opcode if i == 0 else 0, final=i == len(parts) - 1) for i, part in enumerate(parts)]
    return between.join(frames)


def framing() -> Iterator[Case]:
    """1: sizes at which the length field changes."""
    for sub, opcode in ((1, TEXT), (2, BINARY)):
        for i, size in enumerate((0, 125, 126, 127, 128, 65535, 65536), 1):
            yield Case(f"1.{sub}.{i}", frame(b"*" * size, opcode), answer="error")
        yield Case(f"1.{sub}.8", frame(b"*" * 65536, opcode), answer="error", chop=997)


def pings() -> Iterator[Case]:
    """2: pings are answered with what they held, in order; pongs that nobody asked for are not."""
    for i, payload in enumerate((b"", b"Hello, world!", b"\0\xff\xfe\xfd\xfc\xfb\0\xff", b"\xfe" * 125), 1):
        yield Case(f"2.{i}", frame(payload, PING), pongs=(payload,))
    yield Case("2.5", frame(b"\xfe" * 126, PING), ends=(1002,))
    yield Case("2.6", frame(b"\xfe" * 125, PING), pongs=(b"\xfe" * 125,), chop=1)
    yield Case("2.7", frame(b"", PONG))
    yield Case("2.8", frame(b"unsolicited", PONG))
    yield Case("2.9", frame(b"unsolicited", PONG) + frame(b"ping", PING), pongs=(b"ping",))
    ten = tuple(b"payload-%d" % i for i in range(10))
    yield Case("2.10", b"".join(frame(each, PING) for each in ten), pongs=ten)
    yield Case("2.11", b"".join(frame(each, PING) for each in ten), pongs=ten, chop=1)


def reserved() -> Iterator[Case]:
    """3 and 4: reserved bits and opcodes."""
    for bits in range(1, 8):
        opcode = {5: BINARY, 6: PING, 7: CLOSE}.get(bits, TEXT)
        yield Case(f"3.{bits}", frame(b"x" if bits < 7 else b"", opcode, reserved=bits), ends=(1002,))
    for i, opcode in enumerate((3, 4, 5, 6, 7, 11, 12, 13, 14, 15)):
        payload = b"" if i % 5 == 0 else b"reserved opcode payload"
        before = frame(SUBSCRIBE) if i % 5 > 1 else b""
        yield Case(f"4.{1 + i // 5}.{1 + i % 5}", before + frame(payload, opcode), ends=(1002,))


def fragmentation() -> Iterator[Case]:
    """5: messages in parts, with pings between them, and parts that belong to nothing."""
    yield Case("5.1", frame(b"x", PING, final=False) + frame(b"y", 0), ends=(1002,))
    yield Case("5.2", frame(b"x", PONG, final=False) + frame(b"y", 0), ends=(1002,))
    for i, (ping, chop) in enumerate(((b"", 0), (b"", 7), (b"", 1), (b"ping", 0), (b"ping", 7), (b"ping", 1)), 3):
        between = frame(ping, PING) if ping else b""
        sends = fragments(SUBSCRIBE, 11, between=between)
        yield Case(f"5.{i}", sends, pongs=(ping,) if ping else (), answer="subscribed", chop=chop)
    for i, (final, chop) in enumerate(((True, 0), (True, 7), (True, 1), (False, 0), (False, 7), (False, 1)), 9):
        yield Case(f"5.{i}", frame(b"orphan", 0, final=final) + frame(SUBSCRIBE), ends=(1002,), chop=chop)
    yield Case("5.15", fragments(SUBSCRIBE, 11) + frame(b"x", 0, final=False) + frame(b"y"), ends=(1002,))
    yield Case("5.16", (frame(b"x", 0, final=False) + fragments(SUBSCRIBE, 11)) * 2, ends=(1002,))
    yield Case("5.17", (frame(b"x", 0) + fragments(SUBSCRIBE, 11)) * 2, ends=(1002,))
    yield Case("5.18", frame(b"one", final=False) + frame(b"two"), ends=(1002,))
    for i, chop in ((19, 0), (20, 3)):
        sends = fragments(SUBSCRIBE, 5, between=frame(b"pongme", PING))
        yield Case(f"5.{i}", sends, pongs=(b"pongme",) * 4, answer="subscribed", chop=chop)


GOOD_TEXT = (
    "", "Hello-µ@ßöäüàá-UTF-8!!", GREEK, "\0", "\x7f", "\x80", "\u07ff", "\u0800", "\uffff", "\U00010000", "\ud7ff",
    "\ue000", "\ufffd", "\U0010ffff", "\ufffe", "\ufdd0", *(chr((plane << 16) + 0xFFFE) for plane in range(1, 17)),
    *(chr((plane << 16) + 0xFFFF) for plane in range(1, 17)),
)  # fmt: skip
BAD_TEXT = (
    "f8 88 80 80 80", "fc 84 80 80 80 80", "f7 bf bf bf", "fb bf bf bf bf", "fd bf bf bf bf bf", "f4 90 80 80",
    "80", "bf", "80 bf", "80 bf 80", "80 bf 80 bf", "80 bf 80 bf 80", "80 bf 80 bf 80 bf",
    *(f"{each:02x}" for each in range(0x80, 0xC0, 9)), *(f"{each:02x} 20" for each in range(0xC0, 0x100, 3)),
    "c0", "e0 80", "f0 80 80", "f8 80 80 80", "fc 80 80 80 80", "df", "ef bf", "f7 bf bf", "fb bf bf bf",
    "fd bf bf bf bf", "fe", "ff", "fe fe ff ff", "c0 af", "e0 80 af", "f0 80 80 af", "f8 80 80 80 af",
    "fc 80 80 80 80 af", "c1 bf", "e0 9f bf", "f0 8f bf bf", "f8 87 bf bf bf", "fc 83 bf bf bf bf", "c0 80", "e0 80 80",
    "f0 80 80 80", "ed a0 80", "ed ad bf", "ed ae 80", "ed af bf", "ed b0 80", "ed be 80", "ed bf bf",
    "ed a0 80 ed b0 80", "ed a0 80 ed bf bf", "ed ad bf ed b0 80", "ed ad bf ed bf bf", "ed ae 80 ed b0 80",
    "ed ae 80 ed bf bf", "ed af bf ed b0 80", "ed af bf ed bf bf", "ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65",
    "ce ba e1 bd b9 cf 83 ce bc ce b5 f4 90 80 80 65",
)  # fmt: skip


def texts() -> Iterator[Case]:
    """6: text is UTF-8, wherever it is cut, and nothing else is."""
    for i, good in enumerate(GOOD_TEXT):
        yield Case(f"6.good.{i}", frame(good.encode()), answer="error")
        yield Case(f"6.good.{i} byte by byte", fragments(good.encode(), 1), answer="error")
    for i, bad in enumerate(BAD_TEXT):
        yield Case(f"6.bad.{i}", frame(bytes.fromhex(bad)), ends=(1007,))
        yield Case(f"6.bad.{i} byte by byte", fragments(b"ok" + bytes.fromhex(bad), 1), ends=(1007,))
    whole = GREEK.encode()
    for size in range(1, len(whole)):
        is_whole = not len(whole[:size].decode("utf-8", "ignore").encode()) - size
        yield Case(f"6.cut.{size}", frame(whole[:size]), ends=LIVES if is_whole else (1007,), answer="error" * is_whole)


def closing() -> Iterator[Case]:
    """7: how connections are closed, with which codes and reasons."""
    yield Case("7.1.1", frame(SUBSCRIBE) + close(1000), ends=(1000,), answer="subscribed")
    yield Case("7.1.2", close(1000) * 2, ends=(1000,))
    yield Case("7.1.3", close(1000) + frame(b"late", PING), ends=(1000,))
    yield Case("7.1.4", close(1000) + frame(b"late"), ends=(1000,))
    yield Case("7.1.5", frame(b"part", final=False) + close(1000) + frame(b"rest", 0), ends=(1000, 1002))
    yield Case("7.1.6", frame(b"*" * 60_000) + close(1000) + frame(b"late", PING), ends=(1000,), answer="error")
    yield Case("7.3.1", frame(b"", CLOSE), ends=(1005, 1000))
    yield Case("7.3.2", frame(b"a", CLOSE), ends=(1002,))
    yield Case("7.3.3", close(1000), ends=(1000,))
    yield Case("7.3.4", close(1000, b"Hello World!"), ends=(1000,))
    yield Case("7.3.5", close(1000, b"*" * 123), ends=(1000,))
    yield Case("7.3.6", close(1000, b"*" * 124), ends=(1002,))
    yield Case("7.5.1", close(1000, bytes.fromhex("ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80")), ends=(1007, 1002))
    for i, code in enumerate((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999), 1):
        yield Case(f"7.7.{i}", close(code), ends=(code,))
    for i, code in enumerate((0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999), 1):
        yield Case(f"7.9.{i}", close(code), ends=(1002,))
    for i, code in enumerate((5000, 65535), 1):
        yield Case(f"7.13.{i}", close(code), ends=(1002,))


def limits() -> Iterator[Case]:
    """9 and 10: what is larger than we take is refused, what is not is taken however it is cut."""
    for i, size in enumerate((65537, 262_144, 1_048_576, 4_194_304), 1):
        yield Case(f"9.1.{i}", frame(b"*" * size), ends=(1009,))
        yield Case(f"9.2.{i}", frame(b"*" * size, BINARY), ends=(1009,))
    for i, size in enumerate((64, 256, 1024, 4096, 16_384), 1):
        yield Case(f"9.3.{i}", fragments(b"*" * 65_536, size), answer="error")
        yield Case(f"9.4.{i}", fragments(b"*" * 65_537, size, BINARY), ends=(1009,))
        yield Case(f"9.5.{i}", frame(b"*" * 65_536), answer="error", chop=size)
    yield Case("10.1.1", fragments(b"*" * 65_536, 1300), answer="error")


CASES = (*framing(), *pings(), *reserved(), *fragmentation(), *texts(), *closing(), *limits())
