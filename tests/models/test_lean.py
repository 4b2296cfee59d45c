"""The lean step answers as the network does, frame by frame, for whoever is there, whatever happens to the others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.frames import alone, close, movement

from emotus.models.baseline import Usual
from emotus.models.lean import LeanRecogniser, Seat, agrees
from emotus.models.recogniser import FusedRecogniser
from emotus.models.steppers import TOGETHER, EagerStepper, LeanStepper, choose
from emotus.models.store import load_recogniser


@pytest.fixture(scope="module")
def network() -> FusedRecogniser:
    """Return what ships."""
    torch.set_num_threads(1)
    return load_recogniser("bandai-stgcn")[0]


def test_a_performer_alone_is_answered_as_the_network_answers(network):
    """Over whole sequences too, with lost joints, through many looks at what is usual for her."""
    frames = movement(np.random.default_rng(0), 200)
    lean = LeanRecogniser(network)
    seat = lean.enter()
    ours = np.concatenate([lean.step(frame[None], [seat]) for frame in frames])
    assert close(ours, alone(network, frames))
    with torch.inference_mode():
        assert close(ours, network.forward(torch.from_numpy(frames)[None])[0].numpy())


def test_three_hundred_frames_in_random_company_are_answered_as_alone(network):
    """Performers join, leave, start anew and miss frames; nobody's answer depends on it."""
    rng = np.random.default_rng(1)
    lean = LeanRecogniser(network, seats=1)  # so that it must make room in the middle
    here: dict[Seat, tuple[np.ndarray, list[np.ndarray]]] = {}
    gone: list[tuple[np.ndarray, list[np.ndarray]]] = []
    for _ in range(300):
        if (len(here) < 6 and rng.random() < 0.1) or not here:
            here[lean.enter()] = (movement(rng, 300), [])
        if len(here) > 1 and rng.random() < 0.04:
            gone.append(here.pop(list(here)[rng.integers(len(here))]))
        there = [seat for seat in here if rng.random() < 0.8]  # the others are late
        if there:
            told = lean.step(np.stack([here[seat][0][len(here[seat][1])] for seat in there]), there)
            for seat, answer in zip(there, told, strict=True):
                here[seat][1].append(answer)
    followed = [(frames, told) for frames, told in (*gone, *here.values()) if told]
    assert len(followed) > 8
    for frames, told in followed:
        assert close(np.stack(told), alone(network, frames[: len(told)]))


def test_what_is_known_of_a_performer_goes_in_and_comes_out_again(network):
    """A baseline is used from the first frame, is followed, and can be frozen; the last frame can be described."""
    rng = np.random.default_rng(2)
    eager, lean = EagerStepper(network), LeanStepper(network, LeanRecogniser(network))
    size = network.usual.size
    shown = [torch.from_numpy(rng.normal(0.0, scale, (1, 4, size))) for scale in (2.0, 0.5)]
    blank = Usual(*network.usual.start(1))
    known = torch.tensor([[4.0, 0.0, 0.0, 0.8]], dtype=torch.float64)
    usual = blank._replace(
        mean=shown[0], spread=shown[1].square(), weight=torch.full((1, 4), 20.0).double(), known=known
    )
    memories = [[stepper.enter(usual)] for stepper in (eager, lean)]
    for at, frame in enumerate(movement(rng, 60)):
        if at == 40:
            memories = [[s.frozen(m, frozen=True)] for s, (m,) in zip((eager, lean), memories, strict=True)]
        (theirs, memories[0]), (ours, memories[1]) = (
            stepper.step(frame[None], memory) for stepper, memory in zip((eager, lean), memories, strict=True)
        )
        assert close(ours, theirs)
    assert np.allclose(lean.describe(memories[1][0]), eager.describe(memories[0][0]), atol=1e-5)
    pairs = zip(lean.usual_of(memories[1][0]), eager.usual_of(memories[0][0]), strict=True)
    assert all(np.allclose(a.numpy(), b.numpy(), atol=1e-7) for a, b in pairs)


def test_one_stream_that_is_not_finite_leaves_the_others_as_they_are_bit_for_bit(network):
    """The sick one is told apart by her own answers only, and is well again in a new seat."""
    rng = np.random.default_rng(3)
    frames = [movement(rng, 30, gaps=False) for _ in range(3)]
    answers = []
    for poisoned in (False, True):
        lean = LeanRecogniser(network)
        seats = [lean.enter() for _ in frames]
        told = []
        for at in range(30):
            now = np.stack([each[at] for each in frames])
            if poisoned and at == 10:
                now[1, 5] = np.nan
            with np.errstate(invalid="ignore"):
                told.append(lean.step(now, seats))
        answers.append(np.stack(told))
    clean, sick = answers
    assert np.array_equal(clean[:, [0, 2]], sick[:, [0, 2]])
    assert np.isnan(sick[10:, 1]).all()


def test_a_seat_is_free_again_as_soon_as_nobody_holds_it_and_remembers_nothing(network):
    """A thousand who come and go take no more room than those who are there at once."""
    lean = LeanRecogniser(network, seats=2)
    frames = movement(np.random.default_rng(4), 3)
    first = np.concatenate([lean.step(frame[None], [seat]) for seat in [lean.enter()] for frame in frames])
    for _ in range(1000):
        seat = lean.enter()
    again = np.concatenate([lean.step(frame[None], [seat]) for frame in frames])
    assert lean.size == 2
    assert np.array_equal(first, again)


def test_a_seat_at_another_recogniser_is_refused(network):
    """Rather than read with what somebody else left at that place."""
    ours, other = LeanRecogniser(network), LeanRecogniser(network)
    with pytest.raises(ValueError, match="belongs to the recogniser"):
        ours.step(movement(np.random.default_rng(8), 1), [other.enter()])


def test_a_performer_takes_at_most_half_a_megabyte(network):
    """Whatever is remembered of her."""
    assert LeanRecogniser(network).nbytes() <= 512 * 1024


def test_more_than_fit_together_are_taken_in_parts(network):
    """A hundred performers have the answers that each would have alone."""
    rng = np.random.default_rng(5)
    stepper = LeanStepper(network, LeanRecogniser(network))
    frames = np.stack([movement(rng, 12) for _ in range(TOGETHER + 30)])
    memories = [stepper.enter() for _ in frames]
    for at in range(12):
        told, memories = stepper.step(frames[:, at], memories)
    for row in (0, TOGETHER - 1, TOGETHER, TOGETHER + 29):
        assert close(told[row], alone(network, frames[row])[-1])


def test_the_eager_step_of_many_is_that_of_each(network):
    """States are joined, stepped and parted again."""
    rng = np.random.default_rng(6)
    eager = EagerStepper(network)
    frames = np.stack([movement(rng, 5) for _ in range(3)])
    memories = [eager.enter() for _ in frames]
    for at in range(5):
        told, memories = eager.step(frames[:, at], memories)
    assert close(told[2], alone(network, frames[2])[-1])


def test_a_step_that_answers_otherwise_is_not_taken(network, monkeypatch):
    """Wherever numpy and torch should ever disagree, the network itself is asked."""
    assert agrees(network, LeanRecogniser(network))
    step = LeanRecogniser.step
    monkeypatch.setattr(LeanRecogniser, "step", lambda self, frames, seats: step(self, frames, seats) + 1e-3)
    stepper, choice = choose(network)
    assert (stepper.name, choice.name) == ("eager", "eager")
    assert "does not agree" in choice.why


def test_the_choice_says_what_was_measured(network):
    """Both ways are measured, the quicker one is taken; a wish is granted without measuring."""
    stepper, choice = choose(network)
    assert set(choice.measured_ms) == {"eager", "lean"}
    assert choice.measured_ms[stepper.name] == min(choice.measured_ms.values())
    assert choose(network, "eager")[0].name == "eager"
    assert set(choose(network, streams=3)[1].measured_ms) == {"eager", "lean"}
    with pytest.raises(ValueError, match="no way to step"):
        choose(network, "fast")
