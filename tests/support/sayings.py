"""Events of every type, receivers to send them to, and ways to wait for what a thread does."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from emotus.engine.body import JOINT_COUNT
from emotus.engine.events import (
    Disclosure,
    EmotionEvent,
    Event,
    MotionEvent,
    PoseEvent,
    QualitiesEvent,
    SignatureEvent,
    StatusEvent,
)

LABELS = ("angry", "happy", "sad", "proud", "unsure", "neutral")
TOLD = Disclosure("bandai-stgcn", "a1" * 32)
_RNG = np.random.default_rng(7)
JOINTS = _RNG.normal(size=(JOINT_COUNT, 3)).astype(np.float32)
CONFIDENCE = _RNG.random(JOINT_COUNT).astype(np.float32)
ROTATIONS = _RNG.normal(size=(JOINT_COUNT, 4)).astype(np.float32)


def emotion(seq: int = 0, *, stream: str = "p1", t_ns: int | None = None, valence: float = 0.123456789) -> EmotionEvent:
    """Return an answer."""
    probs = dict(zip(LABELS, (0.1, 0.5, 0.05, 0.15, 0.123456, 0.076544), strict=True))
    return EmotionEvent(
        stream,
        seq,
        seq * 33_333_333 if t_ns is None else t_ns,
        "happy",
        probs,
        valence,
        -0.25,
        0.5,
        abstain=False,
        latency_ms=3.14159,
        disclosure=TOLD,
    )


def qualities(seq: int = 0, *, stream: str = "p1") -> QualitiesEvent:
    """Return movement qualities."""
    return QualitiesEvent(stream, seq, seq * 33_333_333, {"energy": 0.3333333, "smoothness": 1.0})


def signature(seq: int = 0, *, stream: str = "p1") -> SignatureEvent:
    """Return where the movement lies among two references."""
    return SignatureEvent(
        stream,
        seq,
        seq * 33_333_333,
        distances={"anna": 0.1234567, "bo b": 1.5},
        nearest="anna",
        label="dancer",
        cluster=1,
        xy=(0.25, -0.1234567),
        drift=1.1,
        confidence=0.875,
        effective=20.04,
        window_s=10.0,
        windows={"2": {"anna": 0.2, "bo b": 1.25}},
    )


def pose(seq: int = 0, *, stream: str = "p1", rotations: bool = False) -> PoseEvent:
    """Return a pose."""
    turned = ROTATIONS if rotations else None
    return PoseEvent(stream, seq, seq * 33_333_333, JOINTS, CONFIDENCE, turned)


def motion(seq: int = 0, *, stream: str = "p1.partner") -> MotionEvent:
    """Return a generated frame."""
    return MotionEvent(
        stream,
        seq,
        seq * 16_666_667,
        JOINTS,
        ROTATIONS,
        JOINTS[0],
        emotion="happy",
        intensity=0.75,
        valence=0.8,
        arousal=0.5,
        seed=1,
        model="bandai-partner",
        sha256="b2" * 32,
    )


def status(seq: int = 0, *, stream: str = "engine", message: str = "no frame for 0.2 s") -> StatusEvent:
    """Return a status."""
    return StatusEvent(stream, seq, seq * 33_333_333, "warning", "stale", message, {"lost": 3})


def frame(seq: int, *, stream: str = "p1") -> list[Event]:
    """Return what the engine says of one frame."""
    return [pose(seq, stream=stream), qualities(seq, stream=stream), emotion(seq, stream=stream)]


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait until a condition holds; return whether it came to hold."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


@contextmanager
def udp_receiver(seconds: float = 10.0) -> Iterator[socket.socket]:
    """Offer a bound UDP socket on this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(seconds)
        yield receiver


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port where nobody listens."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
