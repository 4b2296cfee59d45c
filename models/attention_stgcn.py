"""ST-GCN over windows, plain or with attention to joints, moments and channels in every block.

Yan, Xiong and Lin (2018), Spatial Temporal Graph Convolutional Networks; the attention after Shi et al. (2020),
Skeleton-Based Action Recognition with Multi-Stream Adaptive Graph Convolutional Networks. Reads a window whole.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def partitions(parents: Sequence[int]) -> Tensor:
    """Return the normalised graph (3, J, J) in three parts: oneself, towards the root, away from it."""
    joints = len(parents)
    inward = torch.zeros(joints, joints)
    for joint, parent in enumerate(parents):
        if parent >= 0:
            inward[joint, parent] = 1.0
    outward = inward.T / inward.T.sum(dim=1, keepdim=True).clamp(min=1.0)
    return torch.stack((torch.eye(joints), inward, outward))


class Attention(nn.Module):
    """Weigh joints, then moments, then channels of (N, C, T, J), each by what the means over the others tell."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.joints = nn.Conv1d(channels, 1, 1)
        self.moments = nn.Conv1d(channels, 1, 9, padding=4)
        squeezed = max(channels // 4, 4)
        self.channels = nn.Sequential(nn.Linear(channels, squeezed), nn.ReLU(), nn.Linear(squeezed, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the same shape; a weight lies between one and two, so that nothing is lost."""
        x = x * (1.0 + torch.sigmoid(self.joints(x.mean(dim=2))))[:, :, None]  # (N, 1, 1, J)
        x = x * (1.0 + torch.sigmoid(self.moments(x.mean(dim=3))))[..., None]  # (N, 1, T, 1)
        return x * (1.0 + torch.sigmoid(self.channels(x.mean(dim=(2, 3)))))[..., None, None]  # (N, C, 1, 1)


class Block(nn.Module):
    """Mix neighbours, attend, mix moments, and add what came in."""

    graph: Tensor

    def __init__(self, inputs: int, outputs: int, graph: Tensor, stride: int, dropout: float, *, attends: bool) -> None:
        super().__init__()
        self.register_buffer("graph", graph)
        self.edges = nn.Parameter(torch.ones_like(graph))
        self.spatial = nn.Conv2d(inputs * len(graph), outputs, 1)
        self.between = nn.BatchNorm2d(outputs)
        self.attention = Attention(outputs) if attends else nn.Identity()
        self.temporal = nn.Conv2d(outputs, outputs, (5, 1), (stride, 1), (2, 0))
        self.after = nn.BatchNorm2d(outputs)
        self.drop = nn.Dropout(dropout)
        same = inputs == outputs and stride == 1
        self.around = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, (stride, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, T, J) to (N, C', T', J)."""
        neighbours = [x @ part.T for part in self.graph * self.edges]  # 3 of (N, C, T, J)
        mixed = self.spatial(torch.cat(neighbours, dim=1))  # (N, 3 C, T, J) -> (N, C', T, J)
        y = self.attention(torch.relu(self.between(mixed)))
        return torch.relu(self.drop(self.after(self.temporal(y))) + self.around(x))


class WindowStgcn(nn.Module):
    """Four blocks and a mean: windows (N, T, J * C) to logits (N, K)."""

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        parents: Sequence[int],
        channels: int,
        classes: int,
        *,
        attends: bool,
        widths: Sequence[int] = (32, 32, 64, 64),
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.joints = len(parents)
        graph = partitions(parents)
        self.register_buffer("mean", torch.zeros(self.joints * channels))
        self.register_buffer("scale", torch.ones(self.joints * channels))
        sizes = (channels, *widths)
        strides = [2 if i and sizes[i] != sizes[i + 1] else 1 for i in range(len(widths))]
        self.blocks = nn.Sequential(
            *(
                Block(sizes[i], sizes[i + 1], graph, stride, dropout, attends=attends)
                for i, stride in enumerate(strides)
            )
        )
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of windows (N, T, J * C), joints first."""
        x = (x - self.mean) * self.scale
        n, t, _ = x.shape
        x = x.view(n, t, self.joints, -1).permute(0, 3, 1, 2)  # (N, T, J, C) -> (N, C, T, J)
        return self.out(self.drop(self.blocks(x).mean(dim=(2, 3))))
