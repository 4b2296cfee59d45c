"""What encoding costs: one frame of a performer as OSC, JSON and MessagePack, beside the peers; and reading OSC.

A frame is what the engine says at 30 Hz: a pose with rotations, six qualities and an emotion of six labels. Ours and
the peer take turns of a few hundred frames within one run; both produce the same messages. bridge_rows.py adds VMC, and
what only real sockets tell: EMOTUS_BENCH_SECONDS says how long these rows watch. The last are those of
`bench websocket`: a thousand clients, and the bytes of a pose.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import bench_websocket
import bridge_rows
import msgpack
import numpy as np
from pythonosc.osc_bundle import OscBundle

from emotus.bridges import wire
from emotus.bridges.osc_frame import FrameEncoder, pack
from emotus.engine.body import BODY, JOINT_COUNT
from emotus.engine.events import Disclosure, EmotionEvent, Event, PoseEvent, QualitiesEvent
from emotus.engine.osc_codec import decode

TURNS, TURN_FRAMES = 12, 200
LABELS = ("angry", "happy", "neutral", "proud", "sad", "unsure")
QUALITIES = ("energy", "smoothness", "fluidity", "contraction", "symmetry", "impulsiveness")
TOLD = Disclosure("bench", "0" * 64)


def a_frame(seq: int) -> tuple[Event, ...]:
    """Return what the engine says of one frame."""
    t_ns = seq * 33_333_333
    sway = np.float32(0.1 * np.sin(seq / 10))
    joints = (BODY.rest_positions + sway).astype(np.float32)  # (21, 3)
    rotations = np.tile(np.array([0.8, 0.6 * sway, 0.1, 0.2], np.float32), (JOINT_COUNT, 1))  # (21, 4)
    probs = dict.fromkeys(LABELS, 1 / 6)
    return (
        PoseEvent("p1", seq, t_ns, joints, np.ones(JOINT_COUNT, np.float32), rotations),
        QualitiesEvent("p1", seq, t_ns, dict.fromkeys(QUALITIES, 0.123456)),
        EmotionEvent(
            "p1", seq, t_ns, "happy", probs, 0.1, -0.2, 0.5, abstain=False, latency_ms=3.2, disclosure=TOLD
        ),
    )  # fmt: skip


ENCODER = FrameEncoder()


def our_osc(events: Sequence[Event]) -> list[bytes]:
    """Encode a frame as our bundles."""
    elements = [element for event in events for element in ENCODER.elements(event)]
    return pack(ENCODER.frame(events[0]), elements)


def their_decode(datagrams: Sequence[bytes]) -> list[Any]:
    """Read bundles with python-osc."""
    return [message.params for datagram in datagrams for message in OscBundle(datagram)]


def plain(event: Event) -> dict[str, Any]:
    """Return an event as plain lists, rounded number by number: what one writes without thinking of speed."""
    fields = {"v": 1, "type": event.type, "stream": event.stream, "seq": event.seq, "t_ns": event.t_ns}
    if isinstance(event, PoseEvent):
        joints = [[round(float(x), 4) for x in joint] for joint in event.joints]
        return fields | {"joints": joints, "confidence": [round(float(c), 5) for c in event.confidence]}
    if isinstance(event, QualitiesEvent):
        return fields | {name: round(value, 5) for name, value in event.values.items()}
    told = wire.to_dict(event)
    return fields | {name: told[name] for name in told if name not in fields}


def their_json(events: Sequence[Event]) -> list[bytes]:
    """Encode a frame with the standard library."""
    return [json.dumps(plain(event), separators=(",", ":")).encode() for event in events]


def their_msgpack(events: Sequence[Event]) -> list[bytes]:
    """Encode a frame with the msgpack package, lists and all."""
    return [msgpack.packb(plain(event)) for event in events]


def compare(
    name: str, ours: Callable[[Any], Any], peer: str, theirs: Callable[[Any], Any], goal: float,
    inputs: Sequence[tuple[Any, Any]],
) -> dict[str, Any]:  # fmt: skip
    """Return the row of two functions that take turns; goal: how many times faster ours has to be."""
    mine, other = [], []
    for turn in range(TURNS + 1):
        fresh = timed(ours, [each for each, _ in inputs]), timed(theirs, [each for _, each in inputs])
        if turn:  # the first turn warms up
            mine.append(fresh[0])
            other.append(fresh[1])
    p50, p99 = percentiles_ms(mine)
    peer_p50, peer_p99 = percentiles_ms(other)
    return {
        "name": name,
        "ours_ms": p50,
        "ours_p99_ms": p99,
        "peer": peer,
        "peer_ms": peer_p50,
        "peer_p99_ms": peer_p99,
        "ratio": peer_p50 / p50,
        "goal": f">= {goal:g}x",
        "met": peer_p50 / p50 >= goal,
    }


def timed(work: Callable[[Any], Any], inputs: Sequence[Any]) -> list[int]:
    """Return the nanoseconds that each input took."""
    spent = []
    for each in inputs:
        start = time.perf_counter_ns()
        work(each)
        spent.append(time.perf_counter_ns() - start)
    return spent


def percentiles_ms(turns: list[list[int]]) -> tuple[float, float]:
    """Return p50 and p99 in milliseconds: each turn's own, and their medians."""
    p50, p99 = np.median(np.percentile(turns, (50, 99), axis=1), axis=1) / 1e6  # (2, turns) -> (2,)
    return float(p50), float(p99)


def run() -> list[dict[str, Any]]:
    """Return the rows of the encoders."""
    events = [a_frame(seq) for seq in range(TURN_FRAMES)]
    datagrams = [our_osc(frame) for frame in events]
    contents = [[decode(datagram) for datagram in each] for each in datagrams]
    if [bridge_rows.build(each) for each in contents] != datagrams:
        raise ValueError("python-osc builds other bytes: there is nothing to compare")
    with_contents = list(zip(events, contents, strict=True))
    same = [(frame, frame) for frame in events]
    return [
        compare(
            "OSC, encode a frame", our_osc, "python-osc builder", bridge_rows.build, 10, with_contents,
        ),
        compare(
            "OSC, decode a frame", lambda each: [decode(datagram) for datagram in each], "python-osc parser",
            their_decode, 1.5, [(each, each) for each in datagrams],
        ),
        compare(
            "JSON, encode a frame", lambda each: [wire.to_json(event) for event in each], "json, number by number",
            their_json, 3, same,
        ),
        compare(
            "MessagePack, encode a frame", lambda each: [wire.to_msgpack(event) for event in each],
            "msgpack, lists", their_msgpack, 3, same,
        ),
        *bridge_rows.rows(),
        *bench_websocket.run(),
    ]  # fmt: skip
