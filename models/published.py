"""Read published ST-GCN checkpoints: the same network under three names, every normalisation folded into its weights.

Layouts: that of the paper's own code and mmskeleton (`st_gcn_networks.0.gcn.conv.weight`), that of pyskl
(`backbone.gcn.0.gcn.conv.weight`), that of continual-skeletons (`layers.layer1.gcn.g_conv.0.weight`). The network that
comes out has no temporal padding and looks only back, as CoST-GCN does; where the published one halves the frame rate,
it answers for every phase.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from .folded import TAPS, BlockWeights, FoldedStgcn

EPS = 1e-5  # torch.nn.BatchNorm2d's own
Weights = Mapping[str, Tensor]


class LayoutProblem(ValueError):  # noqa: N818 - says what it is, as WeightsProblem does
    """Tell in one line which tensor of a checkpoint is missing or of another shape."""


@dataclass(frozen=True, slots=True)
class _Norm:
    """Hold a folded normalisation: y = x * scale + shift, each (C,)."""

    scale: Tensor
    shift: Tensor


@dataclass(frozen=True, slots=True)
class _Names:
    """Hold how a layout names its parts; {i} is the number of a block."""

    pattern: str
    first: int
    block: str
    mixers: tuple[str, ...]
    graph_norm: str
    taps: str
    taps_norm: str
    past: str
    past_norm: str
    head: str


_LAYOUTS = {
    "st-gcn": _Names(
        r"st_gcn_networks\.(\d+)\.gcn\.conv\.weight", 0, "st_gcn_networks.{i}.", ("gcn.conv",), "tcn.0", "tcn.2",
        "tcn.3", "residual.0", "residual.1", "fcn",
    ),
    "pyskl": _Names(
        r"gcn\.(\d+)\.gcn\.conv\.weight", 0, "gcn.{i}.", ("gcn.conv",), "gcn.bn", "tcn.conv",
        "tcn.bn", "residual.conv", "residual.bn", "fc_cls",
    ),
    "continual-skeletons": _Names(
        r"layers\.layer(\d+)\.gcn\.g_conv\.0\.weight", 1, "layers.layer{i}.",
        ("gcn.g_conv.0", "gcn.g_conv.1", "gcn.g_conv.2"), "gcn.bn", "tcn.t_conv", "tcn.bn",
        "residual.t_conv", "residual.bn", "fc",
    ),
}  # fmt: skip


def layout_of(weights: Weights) -> str:
    """Return which layout a state dict has; raises LayoutProblem for none of them."""
    plain = _plain(weights)
    for name, names in _LAYOUTS.items():
        if any(re.fullmatch(names.pattern, key) for key in plain):
            return name
    raise LayoutProblem(f"no ST-GCN layout is known with such tensors ({', '.join(sorted(plain)[:3])}, ...)")


def fold(weights: Weights, *, strides: tuple[int, ...] | None = None, pool: int = 75) -> FoldedStgcn:
    """Return the network of a published state dict, ready to step.

    strides: of the blocks; by default 2 where the channels grow behind the first block, as published, or give ones for
    a network trained at the full rate (CoST-GCN*). pool: answers that the mean over time counts. Raises LayoutProblem
    naming the tensor that is missing or misshapen.
    """
    names = _LAYOUTS[layout_of(weights)]
    plain = _plain(weights)
    count = 1 + max(int(m[1]) for key in plain if (m := re.fullmatch(names.pattern, key))) - names.first
    if strides is not None and len(strides) != count:
        raise LayoutProblem(f"{len(strides)} strides for {count} blocks")
    blocks = [_block(plain, names, i, None if strides is None else strides[i]) for i in range(count)]
    joints = blocks[0].place.shape[0]
    channels = blocks[0].mix.shape[0] * joints // blocks[0].gather.shape[0]
    scale, shift = _entry(plain, joints, channels)
    head = _tensor(plain, f"{names.head}.weight").flatten(1).T.contiguous()  # (K, C, 1, 1) or (K, C) -> (C, K)
    return FoldedStgcn(scale, shift, blocks, head.float(), _tensor(plain, f"{names.head}.bias").float(), pool)


def _plain(weights: Weights) -> Weights:
    """Return the tensors without the wrappers' prefixes."""
    return {re.sub(r"^(module\.|backbone\.|cls_head\.|model\.)+", "", key): value for key, value in weights.items()}


def _tensor(weights: Weights, key: str) -> Tensor:
    if key not in weights:
        raise LayoutProblem(f"the tensor {key} is missing")
    return weights[key].detach().double()


def _norm(weights: Weights, key: str) -> _Norm:
    """Fold a batch normalisation in the state of evaluation (Ioffe and Szegedy, 2015)."""
    scale = _tensor(weights, f"{key}.weight") / (_tensor(weights, f"{key}.running_var") + EPS).sqrt()
    return _Norm(scale, _tensor(weights, f"{key}.bias") - _tensor(weights, f"{key}.running_mean") * scale)


def _entry(weights: Weights, joints: int, channels: int) -> tuple[Tensor, Tensor]:
    """Return the normalisation of the input, (V, C) each; of several bodies in one the first's."""
    if "data_bn.weight" not in weights:
        return torch.ones(joints, channels), torch.zeros(joints, channels)
    norm = _norm(weights, "data_bn")
    if len(norm.scale) % (joints * channels):
        raise LayoutProblem(f"data_bn has {len(norm.scale)} values, not a multiple of {joints} joints x {channels}")
    size = joints * channels
    return norm.scale[:size].view(joints, channels).float(), norm.shift[:size].view(joints, channels).float()


def _graph(weights: Weights, names: _Names, i: int) -> Tensor:
    """Return the graph (K, V, V) of a block, its learnt weights multiplied in: column w gathers for joint w."""
    prefix = names.block.format(i=i + names.first)
    for base, learnt in (("A", f"edge_importance.{i}"), (f"{prefix}gcn.A", f"{prefix}gcn.graph_attn")):
        if base in weights and learnt in weights:
            return _tensor(weights, base) * _tensor(weights, learnt)
    graph = _tensor(weights, f"{prefix}gcn.A")
    return graph * _tensor(weights, f"{prefix}gcn.PA") if f"{prefix}gcn.PA" in weights else graph


def _mixers(weights: Weights, names: _Names, prefix: str, graph: Tensor, outside: int) -> tuple[Tensor, Tensor]:
    """Return the point-wise mixers (K, C_out, C_in) of the kinds of neighbours, and what their biases add (V, C_out).

    Mixed first and gathered then, a bias is gathered as well; gathered first, it counts once.
    """
    kinds = len(graph)
    mix = torch.cat([_tensor(weights, f"{prefix}{name}.weight").flatten(1) for name in names.mixers])
    bias = torch.cat([_tensor(weights, f"{prefix}{name}.bias") for name in names.mixers])
    if len(mix) == outside and mix.shape[1] % kinds == 0:  # pyskl's "post": (C_out, K * C_in)
        return mix.view(outside, kinds, -1).transpose(0, 1), bias.expand(graph.shape[1], -1)
    if len(mix) != kinds * outside:
        raise LayoutProblem(f"{prefix}{names.mixers[0]}.weight has {len(mix)} rows for {kinds} kinds of neighbours")
    mix, bias = mix.view(kinds, outside, -1), bias.view(kinds, outside)
    if len(names.mixers) > 1:
        return mix, bias.sum(dim=0).expand(graph.shape[1], -1)
    return mix, torch.einsum("kvw,kc->wc", graph, bias)


def _block(weights: Weights, names: _Names, i: int, stride: int | None) -> BlockWeights:
    prefix = names.block.format(i=i + names.first)
    graph = _graph(weights, names, i)  # (K, V, V)
    kinds, joints = graph.shape[:2]
    norm = _norm(weights, prefix + names.graph_norm)
    outside = len(norm.scale)
    mix, offset = _mixers(weights, names, prefix, graph, outside)
    place = offset * norm.scale + norm.shift  # (V, C_out)
    mixed = (mix * norm.scale[:, None]).transpose(1, 2).reshape(-1, outside)  # (K, C_out, C_in) -> (K * C_in, C_out)
    around, around_mix, place = _around(weights, names, prefix, mix, place)
    taps, tap_bias = _taps(weights, prefix + names.taps, prefix + names.taps_norm)
    past, past_mix, past_bias = _past(weights, names, prefix, i, mix)
    usual = 2 if i > 0 and past == "map" else 1
    return BlockWeights(
        gather=graph.permute(2, 0, 1).reshape(joints * kinds, joints).float(),  # (K, V, W) -> (W * K, V)
        mix=mixed.float(),
        place=place.float(),
        taps=taps,
        bias=tap_bias,
        around=around,
        around_mix=around_mix,
        past=past,
        past_mix=past_mix,
        past_bias=past_bias,
        stride=usual if stride is None else stride,
    )


def _around(
    weights: Weights, names: _Names, prefix: str, mix: Tensor, place: Tensor
) -> tuple[str, Tensor | None, Tensor]:
    """Return how x passes the graph convolution by; only two of the layouts let it."""
    if len(names.mixers) == 1 and f"{prefix}gcn.down.0.weight" not in weights:
        return "none", None, place
    key, norm_key = (
        ("gcn.gcn_residual.0", "gcn.gcn_residual.1") if len(names.mixers) > 1 else ("gcn.down.0", "gcn.down.1")
    )
    if f"{prefix}{key}.weight" not in weights:
        if mix.shape[1] != mix.shape[2]:
            raise LayoutProblem(f"the tensor {prefix}{key}.weight is missing")
        return "same", None, place
    norm = _norm(weights, prefix + norm_key)
    matrix = _tensor(weights, f"{prefix}{key}.weight").flatten(1) * norm.scale[:, None]  # (C_out, C_in)
    offset = _tensor(weights, f"{prefix}{key}.bias") * norm.scale + norm.shift
    return "map", matrix.T.contiguous().float(), place + offset


def _taps(weights: Weights, key: str, norm_key: str) -> tuple[Tensor, Tensor]:
    """Return the temporal convolution as one matrix (9 * C, C_out), oldest tap first, and its bias."""
    norm = _norm(weights, norm_key)
    kernel = _tensor(weights, f"{key}.weight").squeeze(-1)  # (C_out, C, 9)
    if kernel.shape[-1] != TAPS:
        raise LayoutProblem(f"{key}.weight has {kernel.shape[-1]} taps, and {TAPS} are stepped")
    matrix = (kernel * norm.scale[:, None, None]).permute(2, 1, 0).reshape(-1, kernel.shape[0])
    return matrix.float(), (_tensor(weights, f"{key}.bias") * norm.scale + norm.shift).float()


def _past(
    weights: Weights, names: _Names, prefix: str, i: int, mix: Tensor
) -> tuple[str, Tensor | None, Tensor | None]:
    """Return how x passes the block by: not at the first one, by a matrix where its width changes, else as it is."""
    if i == 0:
        return "none", None, None
    key = f"{prefix}{names.past}"
    if f"{key}.weight" not in weights:
        if mix.shape[1] != mix.shape[2]:
            raise LayoutProblem(f"the tensor {key}.weight is missing")
        return "same", None, None
    norm = _norm(weights, prefix + names.past_norm)
    matrix = _tensor(weights, f"{key}.weight").flatten(1) * norm.scale[:, None]
    bias = _tensor(weights, f"{key}.bias") * norm.scale + norm.shift
    return "map", matrix.T.contiguous().float(), bias.float()
