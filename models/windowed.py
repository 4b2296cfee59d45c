"""Windowed mode: any network over a window, causal or not, asked anew every few frames and believed in between."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .base import State


class Windowed(nn.Module):
    """Map frames (N, T, D) to the network's answer (N, T, K) on the window at the last hop.

    network: maps windows (M, window, D) to (M, K); M is however many streams are at a hop. window: frames that it sees;
    before there are so many, the first one stands in for those before it. hop: frames from one answer to the next. The
    streams of one batch may be at different places; those at a hop go through the network together.
    """

    delay = 0

    def __init__(self, network: Callable[[Tensor], Tensor], size: int, outputs: int, window: int, hop: int) -> None:
        super().__init__()
        if not 1 <= hop <= window:
            raise ValueError(f"a hop of {hop} frames over a window of {window}: some frames would never be seen")
        self.network = network
        self.size, self.outputs, self.window, self.hop = size, outputs, window, hop
        self.receptive_field = window + hop - 1

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, T, D) to (N, T, K)."""
        n, t, d = x.shape
        padded = torch.cat((x[:, :1].expand(n, self.window - 1, d), x), dim=1)  # (N, window - 1 + T, D)
        windows = padded.unfold(1, self.window, self.hop).transpose(2, 3)  # (N, hops, window, D)
        answers = self.network(windows.flatten(0, 1)).view(n, -1, self.outputs)  # (N * hops, K) -> (N, hops, K)
        return answers.repeat_interleave(self.hop, dim=1)[:, :t]

    def start(self, n: int) -> State:
        """Return the state of n streams: frames seen (N,), the window (N, window, D), the answer held (N, K)."""
        seen = torch.zeros(n, dtype=torch.long)
        return seen, torch.zeros(n, self.window, self.size), torch.zeros(n, self.outputs)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Map one frame (N, D) to (N, K) and the next state; the given state is not altered."""
        seen, frames, held = state
        first = (seen == 0)[:, None, None]
        frames = torch.cat((torch.where(first, x[:, None], frames[:, 1:]), x[:, None]), dim=1)
        due = (seen % self.hop == 0).nonzero()[:, 0]
        if len(due):
            held = held.index_copy(0, due, self.network(frames[due]).to(held.dtype))
        return held, (seen + 1, frames, held)
