"""A link that treats packets badly, always in the same way: what it loses, doubles and shuffles follows a pattern."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from emotus.engine.clock import NS_PER_MS, ManualClock
from emotus.engine.events import Event
from emotus.engine.pipeline import Engine
from emotus.engine.pose import Pose

TICK_NS = 20 * NS_PER_MS  # what the runner ticks at


@dataclass(frozen=True)
class Packet:
    """Hold a pose and the moment it arrives."""

    arrival_ns: int
    pose: Pose


def as_sent(poses: Iterable[Pose], *, latency_ns: int = 0) -> list[Packet]:
    """Return every pose as it would arrive over a good link."""
    return [Packet(pose.t_ns + latency_ns, pose) for pose in poses]


@dataclass(frozen=True)
class LossyLink:
    """Lose packets by a pattern of True (lost) and False, repeated for ever."""

    pattern: Sequence[bool]

    def carry(self, packets: Iterable[Packet]) -> list[Packet]:
        """Return the packets that get through."""
        return [packet for i, packet in enumerate(packets) if not self.pattern[i % len(self.pattern)]]


def random_pattern(share: float, *, length: int = 1009, seed: int = 1) -> list[bool]:
    """Return a pattern that loses about a share of the packets, irregularly; the first one gets through."""
    lost = np.random.default_rng(seed).random(length) < share
    lost[0] = False
    return lost.tolist()


def burst_pattern(lost: int, kept: int) -> list[bool]:
    """Return a pattern that lets `kept` packets through and then loses `lost` at once."""
    return [False] * kept + [True] * lost


def doubled(packets: Iterable[Packet], share: float, *, later_ns: int, seed: int = 2) -> list[Packet]:
    """Return the packets with a share of them arriving once more, later_ns later."""
    rng = np.random.default_rng(seed)
    out: list[Packet] = []
    for packet in packets:
        out.append(packet)
        if rng.random() < share:
            out.append(Packet(packet.arrival_ns + later_ns, packet.pose))
    return sorted(out, key=lambda packet: packet.arrival_ns)


def shuffled(packets: Sequence[Packet], depth: int, *, seed: int = 3) -> list[Packet]:
    """Return the packets with each overtaken by fewer than `depth` others; the moments of arrival stay as they were."""
    rng = np.random.default_rng(seed)
    order: list[int] = []
    for start in range(0, len(packets), depth):
        block = np.arange(start, min(start + depth, len(packets)))
        order += rng.permutation(block).tolist()
    first = order.index(0)  # nobody can know what came before the first: it is where the count begins
    order[0], order[first] = order[first], order[0]
    return [Packet(at.arrival_ns, packets[i].pose) for at, i in zip(packets, order, strict=True)]


def deliver(
    engine: Engine, clock: ManualClock, packets: Iterable[Packet], *, until_ns: int | None = None
) -> list[Event]:
    """Return all events of an engine that gets these packets at their moments and ticks in between as when it runs."""
    return [event for _, event in deliver_timed(engine, clock, packets, until_ns=until_ns)]


def deliver_timed(
    engine: Engine, clock: ManualClock, packets: Iterable[Packet], *, until_ns: int | None = None
) -> Iterator[tuple[int, Event]]:
    """Yield each event with the moment it left."""
    for packet in packets:
        yield from _pass_time(engine, clock, packet.arrival_ns)
        for event in engine.step(packet.pose):
            yield clock.now_ns(), event
    if until_ns is not None:
        yield from _pass_time(engine, clock, until_ns)


def _pass_time(engine: Engine, clock: ManualClock, to_ns: int) -> Iterator[tuple[int, Event]]:
    while (tick_ns := (clock.now_ns() // TICK_NS + 1) * TICK_NS) <= to_ns:
        clock.sleep_until_ns(tick_ns)
        for event in engine.tick(tick_ns):
            yield tick_ns, event
    clock.sleep_until_ns(to_ns)
