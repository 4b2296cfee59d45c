"""CoST-GCN* on continual-inference: the published continual ST-GCN, from its paper's building blocks.

Hedegaard, Heidari and Iosifidis, Continual Spatio-Temporal Graph Convolutional Networks, Pattern Recognition 140, 2023.
The weights are those of a plain network in the layout of continual-skeletons, so that both must say the same.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict

import torch
from published_networks import Block, PlainStgcn
from torch import Tensor, nn

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import continual as co


class _Graph(nn.Module):
    """The graph convolution of the plain network; every frame by itself."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.inner = block.gcn

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


def build(plain: PlainStgcn, pool: int) -> co.Sequential:
    """Return the continual network with the plain one's weights, no stride, averaging `pool` answers."""
    joints = plain.chain[0].gcn.A.shape[1]
    net = co.Sequential(
        OrderedDict(
            [
                ("flat", co.Lambda(lambda x: x.transpose(1, 2).flatten(1))),  # (N, C, V) -> (N, V * C)
                ("data_bn", co.forward_stepping(nn.BatchNorm1d(3 * joints))),
                ("unflat", co.Lambda(lambda x: x.view(len(x), joints, 3).transpose(1, 2))),
                ("layers", co.Sequential(OrderedDict((f"b{i}", _block(b)) for i, b in enumerate(plain.chain)))),
                ("spatial", co.Lambda(lambda x: x.mean(-1))),  # (N, C, V) -> (N, C)
                ("pool", co.AvgPool1d(pool, stride=1)),
                ("fc", co.Linear(plain.fc.in_features, plain.fc.out_features, channel_dim=1)),
            ]
        )
    )
    net.data_bn.load_state_dict(plain.data_bn.state_dict())
    net.fc.load_state_dict(plain.fc.state_dict())
    return net.eval()


def _block(block: Block) -> co.Sequential:
    channels = block.tcn[0].out_channels
    taps = co.Conv2d(channels, channels, kernel_size=(9, 1), padding=(0, 0))
    taps.load_state_dict(block.tcn[0].state_dict())
    inner = co.Sequential(
        OrderedDict([("gcn", co.forward_stepping(_Graph(block))), ("tcn", taps), ("bn", block.tcn[1])])
    )
    if block.first:
        return co.Sequential(inner, nn.ReLU())
    if block.residual is None:
        return co.Sequential(co.Residual(inner, residual_shrink=True), nn.ReLU())
    past = co.Conv2d(block.gcn.g_conv[0].in_channels, channels, kernel_size=(1, 1))
    past.load_state_dict(block.residual[0].state_dict())
    beside = co.Sequential(past, block.residual[1], co.Delay(4, auto_shrink=True))
    return co.Sequential(co.BroadcastReduce(beside, inner, auto_delay=False), nn.ReLU())


def check(seed: int = 0, frames: int = 95) -> float:
    """Return how far its last step lies from the plain network on the same window, as a share of the largest logit."""
    plain = PlainStgcn("continual-skeletons", strides=(1,) * 10, seed=seed)
    with torch.inference_mode():
        net = build(plain, frames - 80)
        x = torch.randn(1, frames, 25, 3)
        for t in range(frames):
            said = net.forward_step(x[:, t].transpose(1, 2))
        wanted = plain(x)[0]
        return float((said.flatten() - wanted).abs().max() / wanted.abs().max())


if __name__ == "__main__":
    print(check())
