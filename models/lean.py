"""The shipped recogniser's step for the show: numpy, in place, one performer or hundreds, each at her own pace.

`recogniser.py` is what to read: there state is a value that goes in and comes out. Here it stands in arrays with a seat
for every performer, because moving it would cost more than all the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from .base import State
from .baseline import CONTEXTS, LIMIT, STRIDE, Usual
from .features import HISTORY
from .graph import FRAME_SIZE, JOINTS
from .lean_features import BODY, RING, Float64, Index, LeanFeatures, Slot, doubles, more
from .lean_foreign import LeanForeign
from .lean_graph import LeanGraph
from .lean_usual import Held, LeanUsual, contexts_of
from .recogniser import GATE_LIMIT, SEEN, WARM_FRAMES, FusedRecogniser
from .stgcn import STRIDE as STEPS_BACK

Float32 = NDArray[np.float32]

SEATS: Final = 4  # to begin with; doubled whenever they do not suffice
MOST_SEATS: Final = 16384  # 3.5 GB; whoever needs more has more than one process
_J: Final = len(JOINTS)


class Seat:
    """Hold one performer's place; it is free again as soon as nobody holds it."""

    __slots__ = ("_free", "index")

    def __init__(self, index: int, free: list[int]) -> None:
        self.index, self._free = index, free

    def __del__(self) -> None:
        self._free.append(self.index)

    def is_of(self, free: list[int]) -> bool:
        """Tell whether the place is one of those."""
        return self._free is free


class LeanRecogniser:
    """Map frames (n, 90) of n seats to K logits and a strangeness (n, K + 1), in place.

    Equal to `FusedRecogniser.step` to 1e-5 in any company: a stream's numbers do not depend on who is stepped with her
    beyond the last digit. Raises MemoryError beyond MOST_SEATS.
    """

    def __init__(self, network: FusedRecogniser, seats: int = SEATS) -> None:
        self._network = network
        self._features = LeanFeatures(network.features, seats)
        self._graph = LeanGraph(network.graph, seats)
        first, other = network.feature_readout, network.graph_readout
        self._mean = np.concatenate((doubles(first.mean), doubles(other.mean)))
        self._scale = np.concatenate((doubles(first.scale), doubles(other.scale)))
        self._split = len(first.mean)
        self._squash = first.limit
        mix = float(network.mix)
        weights = (doubles(first.head.weight), mix * doubles(other.head.weight))
        self._head = np.ascontiguousarray(np.concatenate(weights, axis=1).T * self._squash)  # (D, K)
        self._head_bias = doubles(first.head.bias) + mix * doubles(other.head.bias)
        self._foreign = LeanForeign(network.foreign, self._squash)
        own = network.relative
        self._own_mean, self._own_scale = doubles(own.mean), doubles(own.scale) / own.limit
        self._own_head, self._own_bias = (
            np.ascontiguousarray(doubles(own.head.weight).T * own.limit),
            doubles(own.head.bias),
        )
        self._follow = LeanUsual(network.usual)
        self._whole = network.features.whole.numpy()
        self._gate = doubles(network.gate.weight)[0]
        self._gate_bias = float(network.gate.bias)
        self.size = 0
        self._free: list[int] = []
        self.reserve(seats)

    def reserve(self, seats: int) -> None:
        """Make room for so many performers at once, now rather than in the middle of a show."""
        if seats <= self.size:
            return
        if seats > MOST_SEATS:
            raise MemoryError(f"{seats} performers: one process holds at most {MOST_SEATS}")
        self._features.grow(seats)
        self._graph.grow(seats)
        contexts, size = len(CONTEXTS), self._network.usual.size
        shapes = [(seats, contexts, size)] * 2 + [(seats, contexts), (seats, 4), (seats, size), (seats, size)]
        old: Sequence[Float64 | None] = getattr(self, "_usual", [None] * len(shapes))
        self._usual = [more(each, shape, np.float64) for each, shape in zip(old, shapes, strict=True)]  # as Usual
        self._frames: NDArray[np.intp] = more(getattr(self, "_frames", None), (seats,), np.intp)
        self._free.extend(range(self.size, seats))
        self.size = seats

    def nbytes(self) -> int:
        """Return the bytes that one seat takes."""
        blocks = [block.ring for block in self._graph.blocks]
        held = (self._features.past, self._features.sums, self._features.weights, self._graph.sums, *blocks)
        return sum(each[0].nbytes for each in (*held, *self._usual))

    def enter(self, usual: Usual | None = None) -> Seat:
        """Seat a performer of whom nothing has been seen; usual: what is known of her, of one stream."""
        if not self._free:
            self.reserve(min(2 * self.size, MOST_SEATS) if self.size < MOST_SEATS else self.size + 1)
        seat = Seat(self._free.pop(), self._free)
        self._features.reset(seat.index)
        self._graph.reset(seat.index)
        self._frames[seat.index] = 0
        for held, given in zip(self._usual, usual or [None] * len(self._usual), strict=True):
            held[seat.index] = 0.0 if given is None else given[0].numpy()
        return seat

    def usual_of(self, seat: Seat) -> Usual:
        """Return what is usual for the performer, a copy."""
        return Usual(*(torch.as_tensor(held[seat.index : seat.index + 1].copy()) for held in self._usual))

    def state_of(self, seat: Seat) -> State:
        """Return a performer's state as `FusedRecogniser.step` would have it, a copy."""
        i, t = seat.index, int(self._frames[seat.index])
        features, graph = self._features, self._graph
        past = features.past[i][(t - HISTORY + np.arange(HISTORY)) % RING]  # oldest first
        frames = np.zeros((STEPS_BACK, FRAME_SIZE), np.float32)
        frames[:, :BODY] = past[-STEPS_BACK:]  # what else a frame says is not looked at again
        rings = [block.ring[i][(t + np.arange(block.history)) % block.history] for block in graph.blocks]
        weights = np.broadcast_to(graph.weights[i], graph.sums[i].shape)
        held = (past, features.sums[i], features.weights[i], frames, *rings, graph.sums[i][None], weights[None])
        copies = (np.array(each[None]) for each in (*held, *(each[i] for each in self._usual)))
        return tuple(torch.as_tensor(each) for each in copies)

    def adopt(self, state: State) -> Seat:
        """Seat a performer with a state of one stream, as `FusedRecogniser.step` has it."""
        seat = self.enter()
        i, features, graph = seat.index, self._features, self._graph
        past, sums, weights, _, *rest = (each[0].numpy() for each in state)
        rings, (graph_sums, graph_weights), usual = rest[:-8], rest[-8:-6], rest[-6:]
        t = self._frames[i] = math.lcm(RING, *(block.history for block in graph.blocks))  # when all rings begin anew
        features.past[i][(t - HISTORY + np.arange(HISTORY)) % RING] = past
        features.sums[i], features.weights[i] = sums, weights
        for block, ring in zip(graph.blocks, rings, strict=True):
            block.ring[i] = ring
        graph.sums[i], graph.weights[i] = graph_sums[0], graph_weights[0, 0]
        for held, given in zip(self._usual, usual, strict=True):
            held[i] = given
        return seat

    def freeze(self, seat: Seat, *, frozen: bool) -> None:
        """Leave her baseline as it is from here on, or follow her again."""
        self._usual[3][seat.index, 1] = float(frozen)

    def describe(self, seat: Seat) -> Float32:
        """Return the last frame (2 D + 1,), as `FusedRecogniser.describe` does."""
        *_, known, offset, latest = (held[seat.index] for held in self._usual)
        both = np.concatenate((latest, latest - offset))
        told = np.concatenate((np.tanh(both / self._squash) * self._squash, known[3:]))
        return told.astype(np.float32)

    def step(self, frames: Float32, seats: Sequence[Seat]) -> Float64:
        """Take one frame (n, 90) of n different performers; return logits and strangeness (n, K + 1)."""
        index, at = self._where(seats)
        wide = frames.astype(np.float64)
        features, before = self._features.step(wide, index, at)
        graph = self._graph.step(frames, before, index, at)
        standard = np.concatenate((features, graph), axis=1)
        standard -= self._mean
        standard *= self._scale
        flat = np.tanh(standard / self._squash)
        answer = flat @ self._head
        answer += self._head_bias
        self._foreign.correct(answer, flat)
        both = standard.clip(-LIMIT, LIMIT)
        _, _, _, known, offsets, latest = self._usual
        sure = known[index, 3:]
        if sure.any():
            relative = np.tanh((both - offsets[index] - self._own_mean) * self._own_scale) @ self._own_head
            relative += self._own_bias
            answer += sure * (relative - answer)
        kinetic = standard[:, self._whole].clip(-GATE_LIMIT, GATE_LIMIT)
        strange = np.concatenate((kinetic, np.square(kinetic)), axis=1) @ self._gate + self._gate_bias
        latest[index] = both
        self._frames[index] += 1
        known[index, 2] += 1.0
        self._learn(frames, features, strange, both, seats)
        return np.concatenate((answer, strange[:, None]), axis=1)

    def _where(self, seats: Sequence[Seat]) -> tuple[Index, Slot]:
        """Return the seats of a batch and how many frames each has seen; one alone as a slice, which is a view.

        Raises ValueError for a seat at another recogniser: what stands at its place here is somebody else's.
        """
        if any(not seat.is_of(self._free) for seat in seats):
            raise ValueError("a performer's evidence belongs to the recogniser that began it")
        if len(seats) == 1:
            i = seats[0].index
            return slice(i, i + 1), int(self._frames[i])
        index = np.array([seat.index for seat in seats], np.intp)
        return index, self._frames[index]

    def _learn(
        self, frames: Float32, features: Float64, strange: Float64, both: Float64, seats: Sequence[Seat]
    ) -> None:
        """Let the baselines of those follow whose tenth frame this is."""
        known = self._usual[3]
        due = [row for row, seat in enumerate(seats) if known[seat.index, 2] % STRIDE == 0]
        if not due:
            return
        index = np.array([seats[row].index for row in due], np.intp)
        seen = frames[due, 3 * _J : 4 * _J].mean(axis=1, dtype=np.float64) >= SEEN
        valid = seen & (known[index, 2] >= WARM_FRAMES) & (strange[due] < 0.0)
        contexts = contexts_of(features[due][:, self._network.features.context_columns])
        usual = Held(*(held[index] for held in self._usual[:5]))
        learned = self._follow.learn(usual, both[due], contexts, valid.astype(np.float64))
        for held, new in zip(self._usual, learned, strict=False):  # the last frame is there already
            held[index] = new


def agrees(network: FusedRecogniser, lean: LeanRecogniser, frames: int = 40, tolerance: float = 1e-5) -> bool:
    """Tell whether both answer alike over some random frames of two performers, a joint missing now and then."""
    rng = np.random.default_rng(0)
    seats, state = [lean.enter(), lean.enter()], network.start(2)
    with torch.inference_mode():
        for at in range(frames):
            x = rng.normal(0.0, 0.3, (2, FRAME_SIZE)).astype(np.float32)
            x[:, 3 * _J : 4 * _J] = 1.0
            x[1, 3 * _J + at % _J] = float(at % 3 > 0)
            wanted, state = network.step(torch.as_tensor(x), state)
            if not np.abs(lean.step(x, seats) - wanted.numpy()).max() <= tolerance * max(
                1.0, float(wanted.abs().max())
            ):
                return False
    return True
