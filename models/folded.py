"""The classic ST-GCN of ten blocks as an exact step: what a window of frames would say, said anew every frame.

Yan, Xiong and Lin, Spatial Temporal Graph Convolutional Networks, 2018; made continual after Hedegaard, Heidari and
Iosifidis, Continual Spatio-Temporal Graph Convolutional Networks, 2023: temporal convolutions without padding, whose
last nine inputs are kept. Normalisations are folded into the weights. A network that halves its frame rate is run at
every phase: behind a stride of two the temporal taps lie two frames apart, so that every frame has its exact answer.

Before a history is full it is zeros, and the mean over time is that of the frames there are: an answer from frame 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .base import State

TAPS = 9


@dataclass(frozen=True, slots=True)
class BlockWeights:
    """Hold one block with its normalisations folded in.

    gather (V * K, V): row (w, k) sums what joint w has as its k-th kind of neighbours. mix (K * C_in, C_out) and
    place (V, C_out): the graph convolution. around: "none", "same" or "map": how x passes the graph convolution by;
    then with around_mix (C_in, C_out), its bias being in place. taps (9 * C_out, C_out), oldest first, and bias
    (C_out,): the temporal convolution. past: how x passes the whole block by, with past_mix (C_in, C_out), past_bias.
    stride: frames that the block skips.
    """

    gather: Tensor
    mix: Tensor
    place: Tensor
    taps: Tensor
    bias: Tensor
    around: str = "none"
    around_mix: Tensor | None = None
    past: str = "none"
    past_mix: Tensor | None = None
    past_bias: Tensor | None = None
    stride: int = 1


class FoldedBlock(nn.Module):
    """One block: graph convolution, nine taps over time `distance` frames apart, x of the middle tap beside."""

    gather: Tensor
    mix: Tensor
    place: Tensor
    taps: Tensor
    bias: Tensor
    around_mix: Tensor | None
    past_mix: Tensor | None
    past_bias: Tensor | None

    def __init__(self, weights: BlockWeights, distance: int) -> None:
        super().__init__()
        self.distance = distance
        self.around, self.past, self.stride = weights.around, weights.past, weights.stride
        for name in ("gather", "mix", "place", "taps", "bias", "around_mix", "past_mix", "past_bias"):
            self.register_buffer(name, getattr(weights, name))
        self._packed: dict[str, Tensor] = {}
        self.joints, self.channels_out = weights.place.shape
        self.channels_in = weights.mix.shape[0] * self.joints // weights.gather.shape[0]

    @property
    def history(self) -> int:
        """Return how many earlier frames of the graph convolution the taps reach back."""
        return (TAPS - 1) * self.distance

    @property
    def lag(self) -> int:
        """Return how many frames back the x lies that passes the block by: beside the middle tap; 0 if none does."""
        return 0 if self.past == "none" else self.history // 2

    def spatial(self, x: Tensor) -> Tensor:
        """Mix over the bones: (B, V, C_in) -> (B, V, C_out)."""
        out = x.new_empty(len(x), self.joints, self.channels_out)
        self.spatial_into(x, self.place.repeat(len(x), 1), out)
        return out

    def spatial_into(self, x: Tensor, place: Tensor, out: Tensor) -> None:
        """Write the same to out (B, V, C_out), which may be strided; place (B * V, C_out): the offset of each row."""
        gathered = torch.matmul(self.gather, x).view(place.shape[0], -1)  # (B, V * K, C) -> (B * V, K * C)
        mixed = self._product("mix", gathered, place)
        self.pass_around(mixed, x.reshape(-1, self.channels_in))
        torch.clamp_min(mixed.view(out.shape), 0.0, out=out)

    def pass_around(self, mixed: Tensor, x: Tensor) -> None:
        """Add to mixed (R, C_out), in place, what of x (R, C_in) passes the graph convolution by."""
        if self.around == "same":
            mixed += x
        elif self.around_mix is not None:
            mixed.addmm_(x, self.around_mix)

    def temporal(self, windows: Tensor, before: Tensor | None) -> Tensor:
        """Weigh the taps: windows (R, 9 * C_out), rows R joints of streams; before (R, C_in): x of the middle tap."""
        out = self._product("taps", windows, self.bias)
        if before is not None and self.past_mix is None:
            out += before
        elif before is not None and self.past_mix is not None and self.past_bias is not None:
            out += torch.addmm(self.past_bias, before, self.past_mix)
        return out.relu_()

    def pack(self, rows: int) -> None:
        """Lay the two large matrices out as the processor's bfloat16 tiles want them, for products of so many rows.

        Raises RuntimeError where this build of torch cannot; then nothing is changed. Half the time for one stream.
        """
        packed = {name: _reorder(getattr(self, name).T.contiguous(), rows) for name in ("mix", "taps")}
        self._packed = packed

    def _product(self, name: str, rows: Tensor, offset: Tensor) -> Tensor:
        """Multiply rows with the matrix of that name and add the offset."""
        packed = self._packed.get(name)
        if packed is None:
            return torch.addmm(offset, rows, getattr(self, name))
        if offset.dim() > 1:
            return _packed_product(rows, packed, None) + offset
        return _packed_product(rows, packed, offset)

    def forward(self, x: Tensor) -> Tensor:
        """Map sequences (N, T, V, C_in) to (N, T, V, C_out), each frame from itself and those before."""
        n, t = x.shape[:2]
        y = self.spatial(x.flatten(0, 1)).view(n, t, self.joints, -1)  # (N * T, V, C) -> (N, T, V, C)
        padded = functional.pad(y, (0, 0, 0, 0, self.history, 0))
        taps = [padded[:, k * self.distance :][:, :t] for k in range(TAPS)]
        windows = torch.cat(taps, dim=-1).flatten(0, 2)  # (N, T, V, 9 C) -> (N T V, 9 C)
        before = functional.pad(x, (0, 0, 0, 0, self.lag, 0))[:, :t].flatten(0, 2) if self.lag else None
        return self.temporal(windows, before).view(n, t, self.joints, -1)

    def start(self, n: int) -> State:
        """Return empty histories: of the graph convolution (N, V, history, C_out), of x (N, V, lag, C_in)."""
        return self.zeros(n, self.joints, self.history, self.channels_out), self.zeros(
            n, self.joints, self.lag, self.channels_in
        )

    def zeros(self, *shape: int) -> Tensor:
        """Return zeros of the weights' kind, on their device."""
        return torch.zeros(shape, dtype=self.taps.dtype, device=self.taps.device)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Map one frame (N, V, C_in) to (N, V, C_out) and the next histories."""
        past, lagged = state
        frames = torch.cat((past, self.spatial(x)[:, :, None]), dim=2)  # (N, V, history + 1, C_out)
        windows = frames[:, :, :: self.distance].flatten(2).flatten(0, 1)  # (N, V, 9, C) -> (N V, 9 C)
        before = lagged[:, :, 0].flatten(0, 1) if self.lag else None  # (N V, C_in)
        y = self.temporal(windows, before).view(x.shape[0], self.joints, -1)
        after = torch.cat((lagged[:, :, 1:], x[:, :, None]), dim=2) if self.lag else lagged
        return y, (frames[:, :, 1:], after)


def _reorder(matrix: Tensor, rows: int) -> Tensor:
    """Return a (C_out, K) bfloat16 matrix as oneDNN likes it best; raises RuntimeError without oneDNN."""
    if matrix.dtype != torch.bfloat16 or matrix.device.type != "cpu":
        raise RuntimeError("only bfloat16 on the CPU is packed")
    reorder = getattr(torch.ops.mkldnn, "_reorder_linear_weight", None)
    if reorder is None:
        raise RuntimeError("this build of torch has no oneDNN")
    return cast("Tensor", reorder(matrix, rows))


def _packed_product(rows: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    return cast("Tensor", torch.ops.mkldnn._linear_pointwise(rows, packed, bias, "none", [], ""))


class FoldedStgcn(nn.Module):
    """Map frames (N, T, V, C) to K logits a frame: blocks, mean over joints, mean over the last frames, one matrix.

    scale, shift (V, C): the normalisation of the input. blocks: in order. head (C, K) and its bias. pool: answers of
    the last block that the mean over time counts, `distance` frames apart.
    """

    scale: Tensor
    shift: Tensor
    head: Tensor
    head_bias: Tensor
    delay = 0

    def __init__(
        self, scale: Tensor, shift: Tensor, blocks: Sequence[BlockWeights], head: Tensor, head_bias: Tensor, pool: int
    ) -> None:
        super().__init__()
        distances = [1]
        for block in blocks:
            distances.append(distances[-1] * block.stride)
        # A block that skips frames looks at its own taps at the old distance; those behind it at the new one.
        self.blocks = nn.ModuleList(FoldedBlock(w, d) for w, d in zip(blocks, distances[:-1], strict=True))
        self.distance, self.pool = distances[-1], pool
        for name, value in (("scale", scale), ("shift", shift), ("head", head), ("head_bias", head_bias)):
            self.register_buffer(name, value)
        reach = sum(block.history for block in self.chain)
        self.receptive_field = 1 + reach + (pool - 1) * self.distance

    @property
    def chain(self) -> list[FoldedBlock]:
        """List the blocks in order."""
        return [block for block in self.blocks if isinstance(block, FoldedBlock)]

    def pack(self, streams: int) -> bool:
        """Lay the matrices out for bfloat16 tiles, for so many streams; return whether this machine can."""
        try:
            for block in self.chain:
                block.pack(streams * block.joints)
        except (RuntimeError, AttributeError):
            return False
        return True

    def enter(self, x: Tensor) -> Tensor:
        """Standardise frames (..., V, C)."""
        return torch.addcmul(self.shift, x.to(self.scale.dtype), self.scale)

    def leave(self, pooled: Tensor) -> Tensor:
        """Read logits (..., K) from means over time (..., C)."""
        return torch.matmul(pooled.to(self.head.dtype), self.head) + self.head_bias

    def forward(self, x: Tensor) -> Tensor:
        """Map sequences (N, T, V, C) to logits (N, T, K)."""
        y = self.enter(x)
        for block in self.chain:
            y = block.forward(y)
        return self.leave(self._means(y.mean(dim=2)))

    def _means(self, y: Tensor) -> Tensor:
        """Average the last `pool` of every `distance`-th frame: (N, T, C) -> (N, T, C), over those there are."""
        n, t, c = y.shape
        reach = (self.pool - 1) * self.distance
        padded = functional.pad(y.double(), (0, 0, reach, 0))  # (N, reach + T, C)
        windows = padded.unfold(1, reach + 1, 1)[..., :: self.distance]  # (N, T, C, pool)
        there = torch.arange(t, device=y.device).div(self.distance, rounding_mode="floor").add(1).clamp(max=self.pool)
        return (windows.sum(dim=-1) / there[None, :, None]).view(n, t, c)

    def start(self, n: int) -> State:
        """Return the state of n streams: the frames seen (N,), pooled frames (N, pool * distance, C), each block's."""
        seen = torch.zeros(n, dtype=torch.long, device=self.head.device)
        pooled = torch.zeros(n, self.pool * self.distance, self.head.shape[0], device=self.head.device)
        return seen, pooled, *(tensor for block in self.chain for tensor in block.start(n))

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Map one frame (N, V, C) of N streams to logits (N, K) and the next state; the given state is not altered."""
        seen, pooled, *rest = state
        y, after = self.enter(x), list[Tensor]()
        for block, past, lagged in zip(self.chain, rest[::2], rest[1::2], strict=True):
            y, following = block.step(y, (past, lagged))
            after += following
        kept = torch.cat((pooled[:, 1:], y.mean(dim=1)[:, None].float()), dim=1)  # (N, pool * distance, C)
        total = kept[:, self.distance - 1 :: self.distance].double().sum(dim=1)
        there = seen.div(self.distance, rounding_mode="floor").add(1).clamp(max=self.pool)
        return self.leave(total / there[:, None]), (seen + 1, kept, *after)
