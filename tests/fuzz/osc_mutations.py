"""Good OSC packets and what can happen to them on the way to a fuzzer: deterministic for each seed."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

from emotus.engine.osc_codec import encode_bundle, encode_message

GOOD = (
    encode_message("/emotus/p1/emotion/happy", 0.5),
    encode_message("/emotus/p1/status", "stale", "no frame for 0.2 s"),
    encode_message("/a/b", 1, 2.5, "text", b"blob", None, (1, 2.0), 2**40),
    encode_message("/emotus/p1/joint/Hips", *[0.1] * 7),
    encode_bundle([encode_message("/a", 1), encode_message("/b", "x")]),
    encode_bundle([encode_bundle([encode_message("/c", 1.0)], 2**63), encode_message("/d", b"123")]),
    encode_bundle([encode_message(f"/emotus/p1/joint/{i}", *[float(i)] * 7) for i in range(18)]),
)
NASTY = (
    b"#bundle\0" + b"\0" * 7 + b"\1" + struct.pack(">i", -4),  # a negative size
    b"/" + b"*a" * 12 + b"*b\0\0,\0\0\0",
    b"/a\0\0,f\0\0\x7f\xc0\0\0",
    b"/a\0\0,s\0\0\xff\xfe\xfd\0",
    b"#bundle\0" + struct.pack(">Q", 2**64 - 1) + struct.pack(">i", 8) + b"/a\0\0,\0\0\0",
)
PIECES = (
    b"#bundle\0",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\xfc",
    b"\x7f\xff\xff\xff",
    b",",
    b"[",
    b"]",
    b"/",
)
PIECES += (b"\x7f\xc0\0\0", b"\x7f\x80\0\0", b",ifsbhdtTFNI[]\0", b"\0\0\0\4", b"\0\0\0\x14", b"*", b"\x80", b"\0")


def nested(depth: int) -> bytes:
    """Return so many bundles in each other."""
    packet = GOOD[0]
    for _ in range(depth):
        packet = encode_bundle([packet])
    return packet


def mutations(count: int, seed: int) -> Iterator[bytes]:
    """Yield so many packets: the nasty ones first, then good ones altered in one to four places."""
    rng = random.Random(seed)
    pool = GOOD + NASTY + (nested(7), nested(9), nested(40))
    yield from NASTY
    yield nested(3000)
    for _ in range(count - len(NASTY) - 1):
        packet = bytearray(rng.choice(pool) if rng.random() < 0.5 else grown(rng))
        for _ in range(rng.choice((0, 1, 1, 1, 2, 4))):
            mutate(packet, rng)
        yield bytes(packet)


def grown(rng: random.Random, depth: int = 0) -> bytes:
    """Return a packet that was well-formed once: any tags with what belongs to them, in bundles in bundles."""
    if depth < 9 and rng.random() < 0.3:
        return encode_bundle([grown(rng, depth + 1) for _ in range(rng.randrange(4))], rng.getrandbits(64))
    tags = "".join(rng.choice("ifsSbhdtTFN") for _ in range(rng.randrange(9)))
    head = encode_message(rng.choice(("/a", "/emotus/p1/valence")))[:-4]
    raw = f",{tags}\0".encode()
    return head + raw + bytes(-len(raw) % 4) + b"".join(payload(tag, rng) for tag in tags)


def payload(tag: str, rng: random.Random) -> bytes:
    """Return the bytes of one argument: sizes and padding right, what is in them at random."""
    if tag in "sS":
        raw = bytes(rng.choice(b"abc \xc3\xa9") for _ in range(rng.randrange(9))) + b"\0"
        return raw + bytes(-len(raw) % 4)
    if tag == "b":
        raw = rng.randbytes(rng.randrange(9))
        return struct.pack(">i", len(raw)) + raw + bytes(-len(raw) % 4)
    return rng.randbytes({"i": 4, "f": 4, "h": 8, "d": 8, "t": 8}.get(tag, 0))


def mutate(packet: bytearray, rng: random.Random) -> None:
    """Alter a packet in one place."""
    at = rng.randrange(len(packet) + 1)
    match rng.randrange(7):
        case 0 if packet:
            packet[at % len(packet)] = rng.randrange(256)
        case 1 if packet:
            packet[at % len(packet)] ^= 1 << rng.randrange(8)
        case 2:
            del packet[at : at + rng.choice((1, 4, 8, 1000))]
        case 3:
            packet[at:at] = rng.choice(PIECES)
        case 4:
            at &= ~3
            packet[at : at + 4] = struct.pack(">i", rng.choice((-4, -1, 0, 1, 3, 4, 8, 16, 1 << 20, 2**31 - 1)))
        case 5:
            packet += rng.choice(GOOD)[at % 16 :]
        case _:
            packet[at:at] = packet[: rng.randrange(64)]
