"""Every network that steps must answer exactly as it does over the whole sequence."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from emotus.models.base import State, StepModel
from emotus.models.features import MotionFeatures
from emotus.models.graph import FRAME_SIZE, JOINTS
from emotus.models.motion_lstm import JudgeLstm
from emotus.models.primitive_store import load_primitive
from emotus.models.recogniser import FusedRecogniser, Shape
from emotus.models.stgcn import Stgcn
from emotus.models.store import load_recogniser
from emotus.models.windowed import Windowed


class _Features(MotionFeatures):
    """The features alone: no labels, but they step."""

    receptive_field = 0
    delay = 0


class _Graph(Stgcn):
    """The graph network alone: no labels, but it steps."""

    receptive_field = 0
    delay = 0


def _features() -> StepModel:
    return _Features(30.0, (1.0, 3.0), 5.0).eval()


def _graph() -> StepModel:
    torch.manual_seed(1)
    return _Graph((16, 32, 32), 60.0, 5.0).eval()


def _fused() -> StepModel:
    torch.manual_seed(2)
    model = FusedRecogniser(Shape())
    model.mix.fill_(1.0)
    return model.eval()


def _knowing() -> StepModel:
    """The fused one, whose answers depend on what is usual for the performer."""
    model = _fused()
    assert isinstance(model, FusedRecogniser)
    model.usual.halfway.fill_(0.1)
    model.usual.gain.fill_(0.8)
    model.gate.weight.data.zero_()
    model.gate.bias.data.fill_(-1.0)
    return model.eval()


def _shipped() -> StepModel:
    return load_recogniser()[0]


class _Generating(torch.nn.Module):
    """The shipped generator, given the first numbers of a frame for its command and its noise."""

    def __init__(self) -> None:
        super().__init__()
        self.own, _, _ = load_primitive()
        self.receptive_field, self.delay = self.own.receptive_field, self.own.delay

    def forward(self, x: Tensor) -> Tensor:
        return self.own(x[..., : self.own.input_size])

    def start(self, n: int) -> State:
        return self.own.start(n)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return self.own.step(x[:, : self.own.input_size], state)


def _generator() -> StepModel:
    return _Generating().eval()


class _BothWays(torch.nn.Module):
    """A network that looks ahead as well as back within its window: it cannot be stepped but by windows."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.lstm = torch.nn.LSTM(FRAME_SIZE, 8, bidirectional=True, batch_first=True)
        self.head = torch.nn.Linear(16, 5)

    def forward(self, windows: Tensor) -> Tensor:
        return self.head(self.lstm(windows)[0].mean(dim=1))


def _windowed() -> StepModel:
    return Windowed(_BothWays(), FRAME_SIZE, 5, window=16, hop=4).eval()


def _judge() -> StepModel:
    torch.manual_seed(4)
    return JudgeLstm(FRAME_SIZE, 5, hidden=8).eval()


MODELS: dict[str, Callable[[], StepModel]] = {
    "features": _features,
    "stgcn": _graph,
    "fused": _fused,
    "knowing": _knowing,
    "shipped": _shipped,
    "windowed": _windowed,
    "generator": _generator,
    "judge": _judge,
}


@pytest.fixture(scope="module", params=list(MODELS))
def model(request: pytest.FixtureRequest) -> StepModel:
    return MODELS[request.param]()


def _motion(n: int, t: int, seed: int = 0) -> Tensor:
    """Return smooth random motion of joints (n, t, 90), one joint unknown half of the time."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, t, FRAME_SIZE), dtype=np.float32)
    j = len(JOINTS)
    phase = rng.uniform(0, 6, (n, 1, j * 3))
    x[..., : j * 3] = rng.normal(0, 0.4, (n, 1, j * 3)) + 0.1 * np.sin(np.arange(t)[None, :, None] * 0.3 + phase)
    x[..., j * 3 : j * 4] = 1.0
    x[:, ::2, j * 3 + 8] = 0.0
    x[..., j * 4 : j * 4 + 5] = rng.normal(0, 0.5, (n, t, 5))
    x[..., -1] = 1.0
    return torch.from_numpy(x)


def _stepped(model: StepModel, x: Tensor) -> Tensor:
    state, answers = model.start(len(x)), []
    with torch.inference_mode():
        for frame in x.unbind(dim=1):
            answer, state = model.step(frame, state)
            answers.append(answer)
    return torch.stack(answers, dim=1)


def _whole(model: StepModel, x: Tensor) -> Tensor:
    with torch.inference_mode():
        return model.forward(x)


def test_step_equals_forward_on_every_frame(model: StepModel) -> None:
    """Frame by frame and at once are one function, from the first frame on."""
    x = _motion(2, 200)
    assert torch.allclose(_stepped(model, x), _whole(model, x), atol=1e-5, rtol=1e-5)


def test_step_stays_equal_over_a_long_stream(model: StepModel) -> None:
    """After two thousand frames nothing has piled up."""
    x = _motion(1, 2000, seed=3)
    assert torch.allclose(_stepped(model, x)[:, -50:], _whole(model, x)[:, -50:], atol=1e-5, rtol=1e-5)


def test_streams_do_not_touch_each_other(model: StepModel) -> None:
    """A batch of streams answers as each stream alone."""
    x = _motion(3, 40)
    alone = torch.cat([_stepped(model, x[i : i + 1]) for i in range(3)])
    assert torch.allclose(_stepped(model, x), alone, atol=1e-5, rtol=1e-5)


def test_the_future_changes_nothing(model: StepModel) -> None:
    """Answers are the same whatever comes after them."""
    x = _motion(1, 80)
    other = x.clone()
    other[:, 50:] = _motion(1, 30, seed=9)
    assert torch.allclose(_whole(model, x)[:, :50], _whole(model, other)[:, :50], atol=1e-6)


def test_state_is_a_value(model: StepModel) -> None:
    """Stepping leaves the given state as it was, so that stepping twice from it gives the same."""
    x = _motion(2, 4)
    with torch.inference_mode():
        _, state = model.step(x[:, 0], model.start(2))
        before = [tensor.clone() for tensor in state]
        first, _ = model.step(x[:, 1], state)
        second, _ = model.step(x[:, 1], state)
    assert torch.equal(first, second)
    assert all(torch.equal(a, b) for a, b in zip(before, state, strict=True))


def test_every_state_tensor_has_the_streams_first(model: StepModel) -> None:
    """States of single streams can be gathered into one batch."""
    x = _motion(1, 1)
    _, after = model.step(x[:, 0], model.start(1))
    assert all(len(tensor) == 5 for tensor in model.start(5))
    assert [t.shape for t in after] == [t.shape for t in model.start(1)]


@pytest.mark.parametrize("value", [0.0, 1e3, -1e3])
def test_answers_are_finite_for_any_finite_frame(model: StepModel, value: float) -> None:
    """Zeros and absurd values give numbers, never NaN."""
    x = torch.full((1, 30, FRAME_SIZE), value)
    assert torch.isfinite(_stepped(model, x)).all()


def test_a_copy_through_pickle_answers_the_same(model: StepModel) -> None:
    """A model can be sent to another process."""
    x = _motion(1, 5)
    copy = pickle.loads(pickle.dumps(model)) if not type(model).__name__.startswith("_") else model  # noqa: S301 - our own
    assert torch.equal(_whole(model, x), _whole(copy, x))


def test_delay_and_field_are_told(model: StepModel) -> None:
    """Every answer is about the present frame, and rests on as many as it says: none older changes it."""
    assert model.delay == 0
    if model.receptive_field == 0:  # all since the start
        return
    x = _motion(1, model.receptive_field + 30)
    other = x.clone()
    other[:, :30] = _motion(1, 30, seed=9)
    assert torch.allclose(_stepped(model, x)[:, -1], _stepped(model, other)[:, -1], atol=1e-6)
