"""All performers' states in one place on a device, stepped together: for a GPU, and for any torch device in tests.

Every seat is stepped on every call and only those who have a frame are kept, so the work has one shape and no decision
is taken on the host: on CUDA it is one graph (torch.cuda.CUDAGraph). Frames and answers travel through two sets of
pinned buffers in turn, so that the next frame can be on its way while the last answer is fetched.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from .base import State
from .graph import FRAME_SIZE
from .lean import Float32, Seat
from .recogniser import FusedRecogniser

_WARM: Final = 3  # steps before a graph is captured, as torch asks for
_SETS: Final = 2  # of buffers between host and device


class DeviceRecogniser:
    """Hold `seats` performers on a device; `step` takes a frame of some of them.

    Raises torch's own errors where the device has no memory or is lost; what its states are then is not known.
    """

    def __init__(self, network: FusedRecogniser, device: str | torch.device, seats: int) -> None:
        self.device = torch.device(device)
        self.size = seats
        self._network = copy.deepcopy(network).to(self.device).eval()
        self._state = tuple(each.to(self.device) for each in network.start(seats))
        self._empty = tuple(each.to(self.device) for each in network.start(1))
        pinned = self.device.type == "cuda"
        answers = network.shape.labels + 1
        self._frames = [torch.zeros(seats, FRAME_SIZE, pin_memory=pinned) for _ in range(_SETS)]
        self._there = [torch.zeros(seats, dtype=torch.bool, pin_memory=pinned) for _ in range(_SETS)]
        self._answers = [torch.zeros(seats, answers, pin_memory=pinned) for _ in range(_SETS)]
        self._in = torch.zeros(seats, FRAME_SIZE, device=self.device)
        self._who = torch.zeros(seats, dtype=torch.bool, device=self.device)
        self._out = torch.zeros(seats, answers, device=self.device)
        self._turn = 0
        self._free = list(range(seats))
        self._graph = self._capture() if pinned else None

    def nbytes(self) -> int:
        """Return the bytes that one performer's state takes on the device."""
        return sum(each[0].numel() * each.element_size() for each in self._state)

    def enter(self, state: State | None = None) -> Seat:
        """Seat a performer with a state of one stream, by default that of having seen nothing.

        Raises MemoryError where every seat is taken.
        """
        if not self._free:
            raise MemoryError(f"{self.size} performers are all this device was asked to hold")
        seat = Seat(self._free.pop(), self._free)
        with torch.inference_mode():
            for held, given in zip(self._state, state or self._empty, strict=True):
                held[seat.index].copy_(given[0])
        return seat

    def state_of(self, seat: Seat) -> State:
        """Return a performer's state, on the host."""
        return tuple(held[seat.index : seat.index + 1].cpu() for held in self._state)

    def put(self, seat: Seat, state: State) -> None:
        """Set a performer's state, of one stream."""
        with torch.inference_mode():
            for held, given in zip(self._state, state, strict=True):
                held[seat.index].copy_(given[0])

    def snapshot(self, seats: Sequence[Seat]) -> list[State]:
        """Return the states of some, on the host."""
        at = torch.tensor([seat.index for seat in seats], device=self.device)
        together = [held.index_select(0, at).cpu() for held in self._state]
        return [tuple(each[i : i + 1] for each in together) for i in range(len(seats))]

    def step(self, frames: Float32, seats: Sequence[Seat]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Take one frame (n, 90) of n different performers; return answers (n, K + 1)."""
        return self.collect(self.submit(frames, seats))

    def submit(self, frames: Float32, seats: Sequence[Seat]) -> tuple[int, list[int]]:
        """Send frames off without waiting; return what `collect` wants. At most two may be on their way."""
        turn, index = self._turn, [seat.index for seat in seats]
        self._turn = (turn + 1) % _SETS
        self._there[turn].zero_()
        self._there[turn][index] = True
        self._frames[turn][index] = torch.as_tensor(frames)
        with torch.inference_mode():
            self._in.copy_(self._frames[turn], non_blocking=True)
            self._who.copy_(self._there[turn], non_blocking=True)
            if self._graph is None:
                self._advance()
            else:
                self._graph.replay()
            self._answers[turn].copy_(self._out, non_blocking=True)
        return turn, index

    def collect(self, ticket: tuple[int, list[int]]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Wait for the answers (n, K + 1) to what was submitted."""
        turn, index = ticket
        if self.device.type == "cuda":
            torch.cuda.current_stream(self.device).synchronize()
        return self._answers[turn].numpy()[index]

    def _advance(self) -> None:
        """Step every seat and keep what became of those who had a frame."""
        answers, after = self._network.step_in_one(self._in, self._state)
        self._out.copy_(answers)
        for held, new in zip(self._state, after, strict=True):
            held.copy_(torch.where(_beside(self._who, held), new, held))

    def _capture(self) -> Any:
        """Return one step as a graph; the states are those of having seen nothing afterwards."""
        side = torch.cuda.Stream(self.device)
        side.wait_stream(torch.cuda.current_stream(self.device))
        with torch.inference_mode(), torch.cuda.stream(side):
            for _ in range(_WARM):
                self._advance()
        torch.cuda.current_stream(self.device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.inference_mode(), torch.cuda.graph(graph):
            self._advance()
        for held, empty in zip(self._state, self._empty, strict=True):
            held.copy_(empty.expand_as(held))
        return graph


def _beside(who: Tensor, held: Tensor) -> Tensor:
    """Lay flags (N,) out so that they stand beside a state (N, ...)."""
    return who.view(-1, *[1] * (held.dim() - 1))
