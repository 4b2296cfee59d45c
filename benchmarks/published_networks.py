"""ST-GCN as published, in plain layers under the names of three code bases: what the folded step must equal."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHANNELS = (64, 64, 64, 64, 128, 128, 128, 256, 256, 256)
STRIDES = (1, 1, 1, 1, 2, 1, 1, 2, 1, 1)


class Mixed(nn.Module):
    """A graph convolution: one matrix for each kind of neighbour, before (st-gcn, pyskl) or after gathering."""

    def __init__(self, layout: str, inside: int, outside: int, graph: Tensor) -> None:
        super().__init__()
        self.layout = layout
        if layout == "continual-skeletons":
            self.register_buffer("A", graph)
            self.graph_attn = nn.Parameter(torch.ones_like(graph))
            self.g_conv = nn.ModuleList(nn.Conv2d(inside, outside, 1) for _ in graph)
            if inside != outside:
                self.gcn_residual = nn.Sequential(nn.Conv2d(inside, outside, 1), nn.BatchNorm2d(outside))
            self.bn = nn.BatchNorm2d(outside)
        else:
            self.conv = nn.Conv2d(inside, outside * len(graph), 1)
            if layout == "pyskl":
                self.register_buffer("A", graph)
                self.PA = nn.Parameter(torch.ones_like(graph))
                self.bn = nn.BatchNorm2d(outside)

    def forward(self, x: Tensor, graph: Tensor | None = None) -> Tensor:
        """Map (N, C_in, T, V) to (N, C_out, T, V)."""
        if self.layout == "continual-skeletons":
            weighted = self.A * self.graph_attn
            y = self.bn(sum(conv(x @ a) for conv, a in zip(self.g_conv, weighted, strict=True)))
            return torch.relu(y + (self.gcn_residual(x) if hasattr(self, "gcn_residual") else x))
        graph = self.A * self.PA if graph is None else graph
        n, _, t, v = x.shape
        y = self.conv(x).view(n, len(graph), -1, t, v)
        y = torch.einsum("nkctv,kvw->nctw", y, graph)
        return torch.relu(self.bn(y)) if self.layout == "pyskl" else y


class Block(nn.Module):
    """Graph convolution, nine taps over time, and the input beside the middle tap; no padding over time."""

    def __init__(self, layout: str, inside: int, outside: int, graph: Tensor, stride: int, first: bool) -> None:
        super().__init__()
        self.layout, self.stride, self.first = layout, stride, first
        self.gcn = Mixed(layout, inside, outside, graph)
        conv = nn.Conv2d(outside, outside, (9, 1), (stride, 1))
        mapped = not first and (inside != outside or stride != 1)
        past = nn.Conv2d(inside, outside, 1, (stride, 1))
        if layout == "st-gcn":
            self.tcn = nn.Sequential(nn.BatchNorm2d(outside), nn.ReLU(), conv, nn.BatchNorm2d(outside), nn.Dropout(0.5))
            self.residual = nn.Sequential(past, nn.BatchNorm2d(outside)) if mapped else None
        else:
            name = "conv" if layout == "pyskl" else "t_conv"
            self.tcn = nn.Sequential()
            self.tcn.add_module(name, conv)
            self.tcn.add_module("bn", nn.BatchNorm2d(outside))
            self.residual = nn.Sequential() if mapped else None
            if self.residual is not None:
                self.residual.add_module(name, past)
                self.residual.add_module("bn", nn.BatchNorm2d(outside))

    def forward(self, x: Tensor, graph: Tensor | None) -> Tensor:
        """Map (N, C_in, T, V) to (N, C_out, (T - 8) / stride, V)."""
        y = self.tcn(self.gcn(x, graph))
        if self.first:
            return torch.relu(y)
        middle = x[:, :, 4 : x.shape[2] - 4]
        return torch.relu(y + (middle if self.residual is None else self.residual(middle)))


class PlainStgcn(nn.Module):
    """The whole network on a window (N, T, V, C) -> logits (N, K), weights and statistics drawn at random."""

    def __init__(
        self,
        layout: str,
        *,
        joints: int = 25,
        channels: tuple[int, ...] = CHANNELS,
        strides: tuple[int, ...] = STRIDES,
        classes: int = 60,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.layout = layout
        torch.manual_seed(seed)
        graph = torch.rand(3, joints, joints) * (torch.rand(3, joints, joints) < 0.2)
        insides = (3, *channels[:-1])
        blocks = [
            Block(layout, a, b, graph.clone(), s, first=i == 0)
            for i, (a, b, s) in enumerate(zip(insides, channels, strides, strict=True))
        ]
        self.data_bn = nn.BatchNorm1d(3 * joints)
        if layout == "st-gcn":
            self.register_buffer("A", graph)
            self.st_gcn_networks = nn.ModuleList(blocks)
            self.edge_importance = nn.ParameterList(nn.Parameter(torch.ones_like(graph)) for _ in blocks)
            self.fcn = nn.Conv2d(channels[-1], classes, 1)
        elif layout == "pyskl":
            self.gcn = nn.ModuleList(blocks)
            self.fc_cls = nn.Linear(channels[-1], classes)
        else:
            self.layers = nn.ModuleDict({f"layer{i + 1}": block for i, block in enumerate(blocks)})
            self.fc = nn.Linear(channels[-1], classes)
        self._draw()
        self.eval()

    def _draw(self) -> None:
        """Give every normalisation and every edge a life of its own."""
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, std=0.1)
                module.running_mean.normal_(std=0.1)
                module.running_var.uniform_(0.5, 1.5)
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)  # what goes in comes out as large, so that nothing dies away
        for name, tensor in self.named_parameters():
            if name.rpartition(".")[2] in ("PA", "graph_attn") or name.startswith("edge_importance"):
                nn.init.uniform_(tensor, 0.5, 1.5)

    @property
    def chain(self) -> list[Block]:
        """List the blocks in order."""
        found = {"st-gcn": "st_gcn_networks", "pyskl": "gcn"}.get(self.layout)
        return list(getattr(self, found)) if found else list(self.layers.values())

    def forward(self, x: Tensor) -> Tensor:
        """Map a window (N, T, V, C) to logits (N, K)."""
        n, t, v, c = x.shape
        flat = x.permute(0, 2, 3, 1).reshape(n, v * c, t)  # (N, T, V, C) -> (N, V * C, T)
        y = self.data_bn(flat).view(n, v, c, t).permute(0, 2, 3, 1)  # (N, C, T, V)
        for i, block in enumerate(self.chain):
            y = block(y, self.A * self.edge_importance[i] if self.layout == "st-gcn" else None)
        pooled = y.mean(dim=(2, 3))
        if self.layout == "st-gcn":
            return self.fcn(pooled[:, :, None, None])[:, :, 0, 0]
        return self.fc_cls(pooled) if self.layout == "pyskl" else self.fc(pooled)
