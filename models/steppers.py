"""Ways to run the shipped recogniser's step on this machine, with one face, and the choice among them by measurement.

eager: torch, state as a value. lean: numpy, in place. Both have the same answers; the quicker one is taken, and lean
only where it agrees with the network here and now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray

from .base import State
from .baseline import Usual
from .graph import FRAME_SIZE, JOINTS
from .lean import SEATS, Float32, LeanRecogniser, Seat, agrees
from .recogniser import FusedRecogniser

Memory = object  # what a stepper remembers of one performer; only it knows what that is
Answers = NDArray[np.float32]

TOGETHER: Final = 64  # streams that one product takes: more of them fall out of the processor's cache
WORTH_A_GPU: Final = 16  # performers at once, below which the way to a GPU and back costs more than it saves
_TRIES: Final = 15
_J: Final = len(JOINTS)


class Stepper(Protocol):
    """Run the step for any of its performers together; a memory is used once and given back for the next frame."""

    name: str

    def enter(self, usual: Usual | None = None) -> Memory:
        """Return the memory of having seen nothing of a performer, of whom a baseline may be known."""
        ...

    def step(self, frames: Float32, memories: Sequence[Memory]) -> tuple[Answers, list[Memory]]:
        """Map one frame (n, 90) of n performers to answers (n, K + 1) and their memories."""
        ...

    def usual_of(self, memory: Memory) -> Usual:
        """Return what is usual for the performer."""
        ...

    def frozen(self, memory: Memory, *, frozen: bool) -> Memory:
        """Return the memory with the baseline to be left as it is, or to be followed again."""
        ...

    def describe(self, memory: Memory) -> Float32:
        """Return the last frame (2 D + 1,), as `FusedRecogniser.describe` does."""
        ...


class EagerStepper:
    """Step with torch, as `FusedRecogniser.step` stands; memories are values and are never altered."""

    name = "eager"

    def __init__(self, network: FusedRecogniser) -> None:
        self._network = network

    def enter(self, usual: Usual | None = None) -> Memory:
        """Return a state of one stream."""
        return self._network.start(1, usual)

    def step(self, frames: Float32, memories: Sequence[Memory]) -> tuple[Answers, list[Memory]]:
        """Join the states, step, and part them again."""
        states = cast("Sequence[State]", memories)
        together = states[0] if len(states) == 1 else tuple(torch.cat(each) for each in zip(*states, strict=True))
        with torch.inference_mode():
            answers, after = self._network.step(torch.as_tensor(np.ascontiguousarray(frames)), together)
        if len(states) == 1:
            return answers.numpy(), [after]
        return answers.numpy(), [tuple(each[i : i + 1] for each in after) for i in range(len(states))]

    def usual_of(self, memory: Memory) -> Usual:
        """Return the last tensors of the state."""
        return self._network.usual_of(cast("State", memory))

    def frozen(self, memory: Memory, *, frozen: bool) -> Memory:
        """Return another state."""
        return self._network.frozen(cast("State", memory), frozen=frozen)

    def describe(self, memory: Memory) -> Float32:
        """Return the last frame."""
        return self._network.describe(cast("State", memory))[0].numpy()


class LeanStepper:
    """Step in place with numpy; a memory is a seat, and is altered where it stands."""

    name = "lean"

    def __init__(self, network: FusedRecogniser, lean: LeanRecogniser) -> None:
        self._network = network
        self.lean = lean

    def enter(self, usual: Usual | None = None) -> Memory:
        """Return a seat."""
        return self.lean.enter(usual)

    def step(self, frames: Float32, memories: Sequence[Memory]) -> tuple[Answers, list[Memory]]:
        """Step at most TOGETHER at a time."""
        seats = cast("Sequence[Seat]", memories)
        parts = [slice(i, i + TOGETHER) for i in range(0, len(seats), TOGETHER)]
        answers = [self.lean.step(frames[part], seats[part]) for part in parts]
        return np.concatenate(answers).astype(np.float32), list(memories)

    def usual_of(self, memory: Memory) -> Usual:
        """Return a copy of what stands at the seat."""
        return self.lean.usual_of(cast("Seat", memory))

    def frozen(self, memory: Memory, *, frozen: bool) -> Memory:
        """Mark the seat."""
        self.lean.freeze(cast("Seat", memory), frozen=frozen)
        return memory

    def describe(self, memory: Memory) -> Float32:
        """Return the last frame."""
        return self.lean.describe(cast("Seat", memory))


@dataclass(frozen=True, slots=True)
class Choice:
    """Tell which way of stepping was taken and why: milliseconds of a step each way, the best of a few."""

    name: str
    measured_ms: dict[str, float]
    why: str
    threads: int = 1
    precision: str = "float32 network, float64 features"


def choose(network: FusedRecogniser, prefer: str | None = None, *, streams: int = 1) -> tuple[Stepper, Choice]:
    """Return the quickest stepper that agrees with the network on this machine, and what was measured.

    streams: how many performers are expected at once; a GPU is worth its way only for many. prefer: take this one
    without measuring: "eager", "lean" or "device"; ValueError for another, or where there is no such device.
    """
    ways = _ways(network, streams)
    if prefer is not None:
        if prefer not in ways:
            raise ValueError(f"no way to step: {prefer!r} (here there are {', '.join(ways)})")
        return ways[prefer](), Choice(prefer, {}, "asked for")
    made = {name: make() for name, make in ways.items()}
    lean = made["lean"]
    if isinstance(lean, LeanStepper) and not agrees(network, lean.lean):
        return made["eager"], Choice("eager", {}, "the lean step does not agree with the network on this machine")
    measured = {name: _milliseconds(each, streams) for name, each in made.items()}
    best = min(measured, key=lambda name: measured[name])
    return made[best], Choice(best, measured, "the quickest here of those that agree to 1e-5")


def _ways(network: FusedRecogniser, streams: int) -> dict[str, Callable[[], Stepper]]:
    """Return the ways there are on this machine."""
    ways: dict[str, Callable[[], Stepper]] = {
        "eager": lambda: EagerStepper(network),
        "lean": lambda: LeanStepper(network, LeanRecogniser(network, max(SEATS, streams))),
    }
    if torch.cuda.is_available() and streams >= WORTH_A_GPU:
        from .fallback import on_device

        ways["device"] = lambda: on_device(network, "cuda", streams)
    return ways


def _milliseconds(stepper: Stepper, streams: int, clock: Callable[[], int] = time.perf_counter_ns) -> float:
    """Return the shortest of a few steps of so many: what the machine can do, whatever else it is doing."""
    frames = np.zeros((streams, FRAME_SIZE), np.float32)
    frames[:, 3 * _J : 4 * _J] = 1.0
    memories, shortest = [stepper.enter() for _ in frames], 1 << 62
    for _ in range(_TRIES):
        began = clock()
        _, memories = stepper.step(frames, memories)
        shortest = min(shortest, clock() - began)
    return shortest / 1e6
