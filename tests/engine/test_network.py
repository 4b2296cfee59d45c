"""A network as a recogniser: calibration, abstention and refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from emotus.engine.errors import WeightsError
from emotus.engine.features import FRAME_SIZE
from emotus.engine.network import NetworkRecogniser, load
from emotus.models.recogniser import FusedRecogniser, Shape
from emotus.models.store import Info, save_recogniser

INFO = Info(
    name="tiny",
    labels=("happy", "sad"),
    valence={"happy": 0.8, "sad": -0.6},
    arousal={"happy": 0.5, "sad": -0.4},
    temperatures=((1.0, 4.0), (100.0, 1.0)),
    unknown_threshold=0.6,
    strange_threshold=0.5,
    sha256="",
    licence="none",
    attribution="none",
)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return FusedRecogniser(Shape(labels=2, channels=(4, 4))).eval()


@pytest.fixture
def recogniser(network):
    return NetworkRecogniser(network, INFO)


def test_probabilities_are_tempered_by_the_evidence(recogniser):
    """The same logits are worth less after one frame than after a hundred."""
    logits = np.array([3.0, 0.0, -9.0], dtype=np.float32)
    early, late = recogniser.read(logits, 1), recogniser.read(logits, 100)
    assert early.probs["happy"] == pytest.approx(1 / (1 + np.exp(-0.75)))
    assert late.probs["happy"] == pytest.approx(1 / (1 + np.exp(-3.0)))
    assert late.valence == pytest.approx(0.8 * late.probs["happy"] - 0.6 * late.probs["sad"])


def test_below_the_threshold_the_answer_is_unknown(recogniser):
    """Two labels nearly alike are answered unknown, with their probabilities still told."""
    reading = recogniser.read(np.array([0.1, 0.0, -9.0], dtype=np.float32), 100)
    assert (reading.label, reading.abstain) == ("unknown", True)
    assert sum(reading.probs.values()) == pytest.approx(1.0)


def test_what_is_no_performance_is_unknown_and_not_confident(recogniser):
    """A strange movement is unknown however sure the labels seem, and its confidence falls."""
    reading = recogniser.read(np.array([9.0, 0.0, 4.0], dtype=np.float32), 100)
    assert (reading.label, reading.abstain) == ("unknown", True)
    assert reading.confidence < 0.05


def test_evidence_is_a_value(recogniser):
    """Stepping twice from the same evidence gives the same answer twice: nothing is kept inside."""
    frame = np.random.default_rng(1).normal(size=FRAME_SIZE).astype(np.float32)
    _, evidence = recogniser.step(frame, recogniser.start())
    first, second = recogniser.step(frame, evidence)[0], recogniser.step(frame, evidence)[0]
    assert first == second
    assert evidence.frames == 1


def test_shares_of_the_joints_sum_to_one(recogniser):
    """An explanation gives 21 shares, none negative, that sum to one."""
    frames = np.random.default_rng(1).normal(size=(20, FRAME_SIZE)).astype(np.float32)
    shares = recogniser.explain(frames)
    assert shares.shape == (21,)
    assert (shares >= 0).all()
    assert shares.sum() == pytest.approx(1.0, abs=1e-4)


def test_altered_weights_are_refused_with_both_hashes(network, tmp_path):
    """One flipped byte is refused with the file and both hashes named, before anything of it is run."""
    path = save_recogniser(tmp_path, network, INFO)
    assert load(str(path)).labels == ("happy", "sad")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(WeightsError, match=r"tiny\.safetensors: hash [0-9a-f]{64}, but tiny\.json says [0-9a-f]{64}"):
        load(str(path))


@pytest.mark.parametrize("name", ["nosuch", "../etc/passwd", "/no/such.safetensors", ""])
def test_weights_that_are_not_there_are_one_line(name):
    """Unknown names and paths raise WeightsError with one line."""
    with pytest.raises(WeightsError) as raised:
        load(name)
    assert "\n" not in str(raised.value)
