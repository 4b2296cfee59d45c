"""A device that may fail, and the processor that takes over: nothing is stepped twice and nobody starts anew.

States on a device are lost with it, or are half-way through a step when its memory runs out. So they are copied to the
host now and then, and the frames since then are kept; after a failure the processor goes on from that copy, through
those frames, to the frame that failed. Memory that ran out is tried again later, each time after twice as long; a
device that is lost is not tried again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

import numpy as np
import torch

from .base import State
from .baseline import Usual
from .device import DeviceRecogniser
from .lean import Float32, LeanRecogniser, Seat
from .recogniser import FusedRecogniser
from .steppers import TOGETHER, Answers, Memory

COPY_EVERY: Final = 30  # steps: what must be gone through again after a failure, a second at 30 Hz
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0


class Device(Protocol):
    """What holds the states and may fail: `DeviceRecogniser`, or what a test puts in its place."""

    def enter(self, state: State | None = None) -> Seat:
        """Seat a performer."""
        ...

    def put(self, seat: Seat, state: State) -> None:
        """Set a performer's state."""
        ...

    def snapshot(self, seats: Sequence[Seat]) -> list[State]:
        """Return states, on the host."""
        ...

    def step(self, frames: Float32, seats: Sequence[Seat]) -> Answers:
        """Step some performers."""
        ...


@dataclass(slots=True, eq=False)
class Held:
    """Hold one performer: her seat on the device or on the processor, and the state of the last copy."""

    seat: Seat | None
    lean: Seat | None
    copy: State
    frames: deque[Float32]  # since the copy; at most COPY_EVERY


class FallbackStepper:
    """Step on a device while it works, on the processor while it does not; a `Stepper`.

    failures: how often the device failed, by kind. took_over_s: how long the last take-over took.
    """

    def __init__(
        self, network: FusedRecogniser, device: Device, *, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = "device"
        self._network = network
        self._device = device
        self._lean = LeanRecogniser(network)
        self._blank = tuple(network.start(1))
        self._seconds = seconds
        self.failures = {"memory": 0, "lost": 0}
        self.took_over_s = 0.0
        self._wait_s = FIRST_WAIT_S
        self._again_s: float | None = 0.0  # when the device may be used; None: never again

    @property
    def is_on_device(self) -> bool:
        """Tell whether the device is used just now."""
        return self.name == "device"

    def enter(self, usual: Usual | None = None) -> Memory:
        """Return the memory of a performer of whom nothing was seen; on the processor where the device is full."""
        state = self._blank if usual is None else self._network.start(1, usual)
        held = Held(None, None, state, deque(maxlen=COPY_EVERY))
        if self.is_on_device:
            try:
                held.seat = self._device.enter(state)
                return held
            except MemoryError:
                pass
            except RuntimeError as error:
                self._fail(error)
        held.lean = self._lean.adopt(state)
        return held

    def step(self, frames: Float32, memories: Sequence[Memory]) -> tuple[Answers, list[Memory]]:
        """Step those who are seated on the device there, and the others here."""
        everyone = cast("Sequence[Held]", memories)
        self._try_again(everyone)
        answers = np.empty((len(frames), self._network.shape.labels + 1), np.float32)
        there = [row for row, held in enumerate(everyone) if held.seat is not None]
        if there:
            told = self._on_device(frames[there], [everyone[row] for row in there])
            if told is not None:
                answers[there] = told
        here = [row for row, held in enumerate(everyone) if held.seat is None]
        for first in range(0, len(here), TOGETHER):
            rows = here[first : first + TOGETHER]
            answers[rows] = self._lean.step(frames[rows], [self._lean_seat(everyone[row]) for row in rows])
        return answers, list(memories)

    def _on_device(self, frames: Float32, held: list[Held]) -> Answers | None:
        """Step on the device; None where it failed, and then these performers have been taken over."""
        seats = [cast("Seat", each.seat) for each in held]
        try:
            answers = self._device.step(frames, seats)
            for each, frame in zip(held, frames, strict=True):
                each.frames.append(frame.copy())
            self._copy([each for each in held if len(each.frames) == COPY_EVERY])
        except RuntimeError as error:
            began = self._seconds()
            self._fail(error)
            self._take_over(held)
            self.took_over_s = self._seconds() - began
            return None
        self._wait_s = FIRST_WAIT_S  # it works again: another failure is a new one
        return answers

    def _copy(self, held: list[Held]) -> None:
        if not held:
            return
        for each, state in zip(held, self._device.snapshot([cast("Seat", h.seat) for h in held]), strict=True):
            each.copy = state
            each.frames.clear()

    def _fail(self, error: RuntimeError) -> None:
        """Leave the device: for a while where memory ran out, for ever where it was lost."""
        out_of_memory = isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error).lower()
        self.failures["memory" if out_of_memory else "lost"] += 1
        self.name = "processor"
        self._again_s = self._seconds() + self._wait_s if out_of_memory else None
        self._wait_s = min(2.0 * self._wait_s, LONGEST_WAIT_S)

    def _take_over(self, held: Sequence[Held]) -> None:
        """Seat performers here with the states of the last copy, and go through the frames since, together."""
        for each in held:
            each.seat, each.lean = None, self._lean.adopt(each.copy)
        for at in range(max((len(each.frames) for each in held), default=0)):
            behind = [each for each in held if at < len(each.frames)]
            for first in range(0, len(behind), TOGETHER):
                part = behind[first : first + TOGETHER]
                self._lean.step(np.stack([each.frames[at] for each in part]), [self._lean_seat(each) for each in part])
        for each in held:
            each.frames.clear()

    def _lean_seat(self, held: Held) -> Seat:
        if held.lean is None:  # she sat on a device that failed while somebody else was stepped
            self._take_over([held])
        return cast("Seat", held.lean)

    def _try_again(self, everyone: Sequence[Held]) -> None:
        """Bring performers back to the device once it may be used again."""
        if not self.is_on_device:
            for each in everyone:
                if each.seat is not None:
                    self._take_over([each])
            if self._again_s is None or self._seconds() < self._again_s:
                return
            self.name = "device"
        waiting = [each for each in everyone if each.seat is None and each.lean is not None]
        try:
            for each in waiting:
                state = self._lean.state_of(cast("Seat", each.lean))
                each.seat, each.lean, each.copy = self._device.enter(state), None, state
        except MemoryError:
            pass  # no seat is free there: she stays here
        except RuntimeError as error:
            self._fail(error)

    def _state_of(self, memory: Memory) -> State:
        held = cast("Held", memory)
        if held.seat is not None:
            try:
                return self._device.snapshot([held.seat])[0]
            except RuntimeError as error:
                self._fail(error)
        return self._lean.state_of(self._lean_seat(held))

    def usual_of(self, memory: Memory) -> Usual:
        """Return what is usual for the performer."""
        return self._network.usual_of(self._state_of(memory))

    def frozen(self, memory: Memory, *, frozen: bool) -> Memory:
        """Mark the performer, and her copy is made anew."""
        held = cast("Held", memory)
        state = self._network.frozen(self._state_of(held), frozen=frozen)
        if held.seat is not None:
            try:
                self._device.put(held.seat, state)
                held.copy = state
                held.frames.clear()
                return held
            except RuntimeError as error:
                self._fail(error)
                held.copy = state
                held.frames.clear()
                self._take_over([held])
                return held
        self._lean.freeze(self._lean_seat(held), frozen=frozen)
        return held

    def describe(self, memory: Memory) -> Float32:
        """Return the last frame."""
        return self._network.describe(self._state_of(memory))[0].numpy()


def on_device(network: FusedRecogniser, device: str, seats: int) -> FallbackStepper:
    """Return a stepper on a torch device with the processor behind it; raises RuntimeError where there is no such."""
    return FallbackStepper(network, cast("Device", DeviceRecogniser(network, device, seats)))
