"""Doubled ring buffers: the same step without moving a history, for many streams in lockstep.

Every frame is written twice, at slot p and p + 9, so that the last nine always lie side by side: the window of each
joint is one row of a matrix that is already there, and a temporal convolution is one matrix product on a view. What
`FoldedStgcn.step` says with values that are passed in and out, this says in place, to the same last digits.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .base import State
from .folded import TAPS, FoldedBlock, FoldedStgcn


class BlockRings:
    """Hold the histories of one block: `distance` rings, taken in turn, each (V, N, 2 * 9, C_out); the last few x.

    Joints come first, so that gathering over the bones is one matrix product for all streams together.
    """

    def __init__(self, block: FoldedBlock, n: int) -> None:
        self.block, self.n = block, n
        self.taps = [block.zeros(block.joints, n, 2 * TAPS, block.channels_out) for _ in range(block.distance)]
        self.lagged = [block.zeros(block.joints, n, block.channels_in) for _ in range(block.lag)]
        self._place = block.place.repeat_interleave(n, dim=0)  # (V * N, C_out)
        kinds = block.gather.shape[0] // block.joints
        by_kind = block.gather.view(block.joints, kinds, -1).transpose(0, 1)  # (K, V, V)
        self._gather = by_kind.reshape(-1, block.joints).contiguous()  # (K, V, V) -> (K * V, V)
        self._mixers = block.mix.view(kinds, block.channels_in, -1).unbind()  # K of (C_in, C_out)
        # Views are made once: on so small matrices making one costs as much as a tenth of a product.
        self._slots = [[(r[:, :, i], r[:, :, i + TAPS]) for i in range(TAPS)] for r in self.taps]
        self._windows = [[self._view(ring, slot) for slot in range(TAPS)] for ring in self.taps]

    def _view(self, ring: Tensor, newest: int) -> Tensor:
        """Return the windows (V * N, 9 * C_out) that end at a slot: rows of the ring as it lies, nothing is copied."""
        rows, width = self.n * self.block.joints, self.block.channels_out
        step = 2 * TAPS * width
        return ring.as_strided((rows, TAPS * width), (step, 1), ring.storage_offset() + (newest + 1) * width)

    def step(self, x: Tensor, t: int) -> Tensor:
        """Map frame t (V, N, C_in) to (V, N, C_out)."""
        block = self.block
        phase, slot = t % block.distance, t // block.distance % TAPS
        first, second = self._slots[phase][slot]
        if self.n == 1:
            block.spatial_into(x[:, 0], self._place, first[:, 0])
        else:
            self._spatial_into(x, first)
        second.copy_(first)
        before = self.lagged[t % block.lag].view(-1, block.channels_in) if block.lag else None
        out = block.temporal(self._windows[phase][slot], before).view(block.joints, self.n, -1)
        if block.lag:
            self.lagged[t % block.lag] = x  # kept as it is: every frame is a tensor of its own
        return out

    def _spatial_into(self, x: Tensor, out: Tensor) -> None:
        """Mix over the bones, all streams in one product for each kind of neighbour: (V, N, C_in) -> (V, N, C_out)."""
        block, rows = self.block, len(self._place)
        gathered = torch.mm(self._gather, x.reshape(block.joints, -1)).view(len(self._mixers), rows, -1)
        mixed = torch.addmm(self._place, gathered[0], self._mixers[0])
        for each, mixer in zip(gathered[1:], self._mixers[1:], strict=True):
            mixed.addmm_(each, mixer)
        block.pass_around(mixed, x.reshape(rows, -1))
        torch.clamp_min(mixed.view(out.shape), 0.0, out=out)

    def read(self, streams: Tensor, t: int) -> State:
        """Return the histories of some streams before frame t, oldest first, as `FoldedBlock.start` lays them out."""
        block = self.block
        frames = [self._slot(u)[0][:, streams].transpose(0, 1) for u in range(t - block.history, t)]
        lagged = [self.lagged[u % block.lag][:, streams].transpose(0, 1) for u in range(t, t + block.lag)]
        past = torch.stack(frames, dim=2)  # (n, V, history, C_out)
        none = past.new_zeros(len(streams), block.joints, 0, block.channels_in)
        return past, torch.stack(lagged, dim=2) if lagged else none

    def write(self, streams: Tensor, t: int, state: State) -> None:
        """Set the histories of some streams before frame t."""
        block, (past, lagged) = self.block, state
        for back, u in enumerate(range(t - block.history, t)):
            for slot in self._slot(u):
                slot[:, streams] = past[:, :, back].transpose(0, 1)
        for ahead, u in enumerate(range(t, t + block.lag)):
            self.lagged[u % block.lag][:, streams] = lagged[:, :, ahead].transpose(0, 1)

    def _slot(self, u: int) -> tuple[Tensor, Tensor]:
        return self._slots[u % self.block.distance][u // self.block.distance % TAPS]


class StepRings:
    """Step N streams in place, together where all are there and one by one where some are late, joined or left.

    All share one clock, so that every window is a view. A stream that sits a frame out keeps its history: it is moved
    on by one frame, which costs about as much as its share of a step. `reset` starts streams anew at any time.
    """

    def __init__(self, model: FoldedStgcn, n: int) -> None:
        self.model, self.n = model, n
        self.blocks = [BlockRings(block, n) for block in model.chain]
        channels = model.head.shape[0]
        self._pooled = torch.zeros(model.distance, n, model.pool, channels, device=model.head.device)
        self._sums = torch.zeros(model.distance, n, channels, dtype=torch.float64, device=model.head.device)
        self._seen = torch.zeros(n, dtype=torch.long, device=model.head.device)
        self._t = max(block.history for block in model.chain)

    def nbytes(self) -> int:
        """Return the bytes that the histories of all streams take."""
        kept = [ring for each in self.blocks for ring in (*each.taps, *each.lagged)]
        return sum(t.numel() * t.element_size() for t in (*kept, self._pooled, self._sums, self._seen))

    def reset(self, streams: Tensor) -> None:
        """Let some streams (n,) start as if they had seen nothing."""
        state = self.model.start(len(streams))
        self.write(streams, state)

    def step(self, x: Tensor) -> Tensor:
        """Map one frame (N, V, C) of every stream to logits (N, K)."""
        y = self.model.enter(x).transpose(0, 1).contiguous()  # (V, N, C)
        for rings in self.blocks:
            y = rings.step(y, self._t)
        return self.model.leave(self._mean(y.mean(dim=0).float()))

    def step_some(self, x: Tensor, streams: Tensor) -> Tensor:
        """Map one frame (n, V, C) of some streams (n,), each named once, to logits (n, K); the others stand still."""
        others = torch.ones(self.n, dtype=torch.bool, device=streams.device)
        others[streams] = False
        if 2 * len(streams) < self.n:  # few: cheaper to take them out, step them, and put them back
            logits, after = self.model.step(x, self.read(streams))
            self.write(streams, after)
            return logits
        idle = others.nonzero()[:, 0]
        kept = self.read(idle)
        whole = x.new_zeros(self.n, *x.shape[1:])
        whole[streams] = x
        logits = self.step(whole)[streams]
        self.write(idle, kept)
        return logits

    def _mean(self, y: Tensor) -> Tensor:
        """Put the newest (N, C) in the place of the oldest; return the mean (N, C) of those there are."""
        model = self.model
        phase, slot = self._t % model.distance, self._t // model.distance % model.pool
        place = self._pooled[phase][:, slot]
        self._sums[phase] += y.double() - place.double()
        self._pooled[phase][:, slot] = y
        if slot == 0:  # once a round the sum is made anew, so that rounding never adds up
            self._sums[phase] = self._pooled[phase].double().sum(dim=1)
        there = self._seen.div(model.distance, rounding_mode="floor").add_(1).clamp_(max=model.pool)
        self._t += 1
        self._seen += 1
        return self._sums[phase] / there[:, None]

    def read(self, streams: Tensor) -> State:
        """Return the state of some streams (n,), as `FoldedStgcn.step` takes it."""
        model, t = self.model, self._t
        span = range(t - model.pool * model.distance, t)
        frames = [self._pooled[u % model.distance][streams, u // model.distance % model.pool] for u in span]
        blocks = [tensor for rings in self.blocks for tensor in rings.read(streams, t)]
        return self._seen[streams], torch.stack(frames, dim=1), *blocks

    def write(self, streams: Tensor, state: State) -> None:
        """Set the state of some streams (n,), as `FoldedStgcn.step` gives it."""
        model, t = self.model, self._t
        seen, pooled, *rest = state
        self._seen[streams] = seen
        for back, u in enumerate(range(t - model.pool * model.distance, t)):
            self._pooled[u % model.distance][streams, u // model.distance % model.pool] = pooled[:, back]
        for phase in range(model.distance):
            self._sums[phase][streams] = self._pooled[phase][streams].double().sum(dim=1)
        for rings, past, lagged in zip(self.blocks, rest[::2], rest[1::2], strict=True):
            rings.write(streams, t, (past, lagged))
