"""The folded ST-GCN: equal to the published network in plain layers, frame by frame, in place and in any company."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from published_networks import PlainStgcn

from emotus.models.folded import FoldedStgcn
from emotus.models.published import LayoutProblem, fold, layout_of
from emotus.models.rings import StepRings

LAYOUTS = ("st-gcn", "pyskl", "continual-skeletons")
SMALL = {"joints": 6, "channels": (8, 8, 12, 12), "classes": 5}
PLAIN_STRIDES = ((1, 1, 1, 1), (1, 1, 2, 1), (1, 2, 2, 1))


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


def folded(layout: str = "st-gcn", strides: tuple[int, ...] = (1, 1, 2, 1), pool: int = 3) -> FoldedStgcn:
    return fold(PlainStgcn(layout, strides=strides, **SMALL).state_dict(), strides=strides, pool=pool)


@pytest.mark.parametrize("strides", PLAIN_STRIDES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_folded_network_says_what_the_published_one_says_of_a_window(layout, strides):
    """Over exactly one receptive field, the last answer is that of the plain layers on the whole window."""
    plain = PlainStgcn(layout, strides=strides, **SMALL)
    model = fold(plain.state_dict(), strides=strides, pool=4)
    x = torch.randn(2, model.receptive_field, 6, 3)
    assert torch.allclose(model.forward(x)[:, -1], plain(x), atol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_frame_is_exact_whatever_its_phase(layout):
    """A network that halves its frame rate twice answers each frame as the plain one does the window ending there."""
    strides = (1, 2, 2, 1)
    plain = PlainStgcn(layout, strides=strides, **SMALL)
    model = fold(plain.state_dict(), strides=strides, pool=2)
    reach = model.receptive_field
    x = torch.randn(1, reach + 5, 6, 3)
    answers = model.forward(x)[0, reach - 1 :]
    windows = torch.cat([x[:, k : k + reach] for k in range(6)])
    assert torch.allclose(answers, plain(windows), atol=1e-5)


@pytest.mark.parametrize("strides", PLAIN_STRIDES)
def test_step_and_rings_equal_forward_on_every_frame(strides):
    """From the first frame on, 1e-5, and every answer differs from the last: nothing is dead."""
    model = folded(strides=strides)
    x = torch.randn(3, 70, 6, 3)
    whole = model.forward(x)
    state, rings = model.start(3), StepRings(model, 3)
    for t in range(70):
        said, state = model.step(x[:, t], state)
        assert torch.allclose(said, whole[:, t], atol=1e-5)
        assert torch.allclose(rings.step(x[:, t]), whole[:, t], atol=1e-5)
    assert (whole.diff(dim=1).abs().amax(dim=(0, 2)) > 1e-4).all()


def test_the_given_state_is_not_altered():
    """A state can be stepped from twice, with the same answer."""
    model = folded()
    x = torch.randn(2, 6, 3)
    _, state = model.step(x, model.start(2))
    kept = [tensor.clone() for tensor in state]
    first, _ = model.step(x, state)
    second, _ = model.step(x, state)
    assert torch.equal(first, second)
    assert all(torch.equal(a, b) for a, b in zip(state, kept, strict=True))


class _Company:
    """Streams that each have a movement of their own and a place in it."""

    def __init__(self, model: FoldedStgcn, n: int, frames: int) -> None:
        self.x = torch.randn(n, frames, 6, 3)
        self.at = [0] * n
        self.begun = [0] * n
        self.model = model

    def wanted(self, stream: int) -> torch.Tensor:
        return self.model.forward(self.x[stream : stream + 1, self.begun[stream] : self.at[stream]])[0, -1]


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_streams_join_leave_reset_and_lag_in_any_company(data):
    """300 random frames in random batches: every answer is what the stream would hear if it were alone."""
    torch.manual_seed(data.draw(st.integers(0, 9999)))
    n = data.draw(st.integers(1, 5))
    strides = data.draw(st.sampled_from(PLAIN_STRIDES))
    model = folded(strides=strides)
    rings, company = StepRings(model, n), _Company(model, n, 300)
    for _ in range(300 // n):
        here = sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=1)))
        if data.draw(st.integers(0, 19)) == 0:
            gone = data.draw(st.integers(0, n - 1))
            rings.reset(torch.tensor([gone]))
            company.begun[gone] = company.at[gone]
        frame = torch.stack([company.x[i, company.at[i]] for i in here])
        said = rings.step(frame) if len(here) == n else rings.step_some(frame, torch.tensor(here))
        for k, i in enumerate(here):
            company.at[i] += 1
            assert torch.allclose(said[k], company.wanted(i), atol=1e-5)


def test_poison_in_one_stream_leaves_the_others_untouched_bit_for_bit():
    """NaN stays with whoever sent it."""
    model = folded()
    clean, poisoned = StepRings(model, 3), StepRings(model, 3)
    x = torch.randn(3, 40, 6, 3)
    bad = x.clone()
    bad[1, 7] = float("nan")
    for t in range(40):
        a, b = clean.step(x[:, t]), poisoned.step(bad[:, t])
        assert torch.equal(a[[0, 2]], b[[0, 2]])
    poisoned.reset(torch.tensor([1]))
    assert torch.isfinite(poisoned.step(x[:, 0])).all()


def test_half_precision_stays_near():
    """bfloat16 keeps eight bits of each number; the logits stay within three hundredths of their spread."""
    plain = PlainStgcn("st-gcn", strides=(1, 1, 1, 1), **SMALL)
    model = fold(plain.state_dict(), strides=(1, 1, 1, 1), pool=4)
    half = fold(plain.state_dict(), strides=(1, 1, 1, 1), pool=4).to(torch.bfloat16)
    x = torch.randn(2, 60, 6, 3)
    rings = StepRings(half, 2)
    said = torch.stack([rings.step(x[:, t]) for t in range(60)], dim=1).float()
    whole = model.forward(x)
    assert (said - whole).abs().mean() <= 0.03 * whole.std()


def test_what_is_no_st_gcn_is_refused_with_the_name_of_the_tensor():
    """A missing or misshapen tensor is named; an unknown layout shows what it has."""
    weights = PlainStgcn("pyskl", strides=(1, 1, 1, 1), **SMALL).state_dict()
    assert layout_of(weights) == "pyskl"
    with pytest.raises(LayoutProblem, match="no ST-GCN layout"):
        layout_of({"lstm.weight": torch.zeros(1)})
    for key in ("gcn.2.tcn.conv.weight", "gcn.0.gcn.bn.running_var", "gcn.1.gcn.A", "fc_cls.bias"):
        short = {name: tensor for name, tensor in weights.items() if name != key}
        with pytest.raises(LayoutProblem, match=key):
            fold(short, strides=(1, 1, 1, 1))
    misshapen = {**weights, "gcn.1.tcn.conv.weight": torch.zeros(8, 8, 5, 1)}
    with pytest.raises(LayoutProblem, match="5 taps"):
        fold(misshapen, strides=(1, 1, 1, 1))
    with pytest.raises(LayoutProblem, match="3 strides for 4 blocks"):
        fold(weights, strides=(1, 1, 1))
