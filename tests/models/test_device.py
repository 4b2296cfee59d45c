"""All performers in one place on a device are answered as each alone, and nobody is lost with the device."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from support.frames import alone, close, movement

from emotus.models.device import DeviceRecogniser
from emotus.models.fallback import COPY_EVERY, FIRST_WAIT_S, FallbackStepper
from emotus.models.lean import LeanRecogniser
from emotus.models.store import load_recogniser


@pytest.fixture(scope="module")
def network():
    """Return what ships."""
    torch.set_num_threads(1)
    return load_recogniser("bandai-stgcn")[0]


class Failing(DeviceRecogniser):
    """A device that fails when it is told to, in the middle of a step: its states are then worth nothing."""

    error: Callable[[], RuntimeError] | None = None  # made anew each time: one that is kept keeps its frames
    calls = 0

    def step(self, frames, seats):
        self.calls += 1
        if self.error is not None:
            super().step(frames, seats)
            for each in self._state:
                each.fill_(7)
            raise self.error()
        return super().step(frames, seats)


class Watch:
    """A clock that is turned by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def out_of_memory() -> RuntimeError:
    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def lost() -> RuntimeError:
    return RuntimeError("CUDA error: an illegal memory access was encountered")


def run(stepper, frames, memories, first, last):
    """Step everybody from one frame to another; return the answers (T, N, K + 1)."""
    told = []
    for at in range(first, last):
        answers, memories[:] = stepper.step(frames[:, at], memories)
        told.append(answers)
    return np.stack(told)


def test_performers_on_a_device_are_answered_as_alone(network):
    """Some sit a frame out, one leaves and her seat is taken by somebody new."""
    rng = np.random.default_rng(0)
    frames = np.stack([movement(rng, 40) for _ in range(4)])
    device = DeviceRecogniser(network, "cpu", 3)
    seats, at, told = [device.enter() for _ in range(3)], [0, 0, 0], [[], [], []]
    for turn in range(36):
        there = [i for i in range(3) if (turn + i) % 4 or turn < 4]
        answers = device.step(np.stack([frames[i, at[i]] for i in there]), [seats[i] for i in there])
        for i, answer in zip(there, answers, strict=True):
            told[i].append(answer)
            at[i] += 1
    for i in range(3):
        assert close(np.stack(told[i]), alone(network, frames[i, : at[i]]))
    with pytest.raises(MemoryError, match="3 performers"):
        device.enter()
    seats.pop()
    new = device.enter()
    assert close(np.concatenate([device.step(f[None], [new]) for f in frames[3, :5]]), alone(network, frames[3, :5]))


def test_the_next_frame_may_be_on_its_way_before_the_last_answer_is_fetched(network):
    """Two sets of buffers: neither answer is lost."""
    frames = movement(np.random.default_rng(1), 6)
    device = DeviceRecogniser(network, "cpu", 1)
    seat = device.enter()
    tickets, told = [], []
    for frame in frames:
        tickets.append(device.submit(frame[None], [seat]))
        if len(tickets) == 2:
            told.append(device.collect(tickets.pop(0)))
    told.append(device.collect(tickets.pop()))
    assert close(np.concatenate(told), alone(network, frames))


def test_a_state_moves_between_the_processor_and_the_device_and_back(network):
    """Whoever has been seen for a while goes on as if she had never moved."""
    frames = movement(np.random.default_rng(2), 90)
    wanted = alone(network, frames)
    lean, device = LeanRecogniser(network), DeviceRecogniser(network, "cpu", 1)
    seat = lean.enter()
    first = [lean.step(f[None], [seat]) for f in frames[:37]]
    there = device.enter(lean.state_of(seat))
    second = [device.step(f[None], [there]) for f in frames[37:61]]
    back = lean.adopt(device.state_of(there))
    third = [lean.step(f[None], [back]) for f in frames[61:]]
    assert close(np.concatenate((*first, *second, *third)), wanted)


@pytest.mark.parametrize("when", [0, 7, COPY_EVERY, COPY_EVERY + 5])
@pytest.mark.parametrize("error", [out_of_memory, lost])
def test_the_processor_takes_over_without_a_missing_or_a_double_step(network, when, error):
    """Whenever it fails, the answers are those of an unbroken show."""
    rng = np.random.default_rng(3)
    frames = np.stack([movement(rng, when + 6) for _ in range(3)])
    device = Failing(network, "cpu", 3)
    stepper = FallbackStepper(network, device, seconds=Watch())
    memories = [stepper.enter() for _ in frames]
    told = run(stepper, frames, memories, 0, when) if when else np.empty((0, 3, 7), np.float32)
    device.error = error
    told = np.concatenate((told, run(stepper, frames, memories, when, when + 6)))
    assert not stepper.is_on_device
    for i in range(3):
        assert close(told[:, i], alone(network, frames[i]))


def test_memory_is_tried_again_after_longer_and_longer_and_used_again(network):
    """A second, then two; when there is room again performers go back, and nobody notices."""
    rng = np.random.default_rng(4)
    frames = np.stack([movement(rng, 40) for _ in range(2)])
    watch = Watch()
    device = Failing(network, "cpu", 2)
    stepper = FallbackStepper(network, device, seconds=watch)
    memories = [stepper.enter() for _ in frames]
    told = [run(stepper, frames, memories, 0, 10)]
    device.error = out_of_memory
    told.append(run(stepper, frames, memories, 10, 14))
    tried = device.calls
    told.append(run(stepper, frames, memories, 14, 18))
    assert device.calls == tried  # no retry loop
    watch.now += FIRST_WAIT_S
    told.append(run(stepper, frames, memories, 18, 22))
    assert device.calls == tried + 1
    watch.now += 1.5 * FIRST_WAIT_S  # less than twice
    told.append(run(stepper, frames, memories, 22, 26))
    assert device.calls == tried + 1
    watch.now += FIRST_WAIT_S
    device.error = None
    told.append(run(stepper, frames, memories, 26, 40))
    assert stepper.is_on_device
    assert stepper.failures == {"memory": 2, "lost": 0}
    for i in range(2):
        assert close(np.concatenate(told)[:, i], alone(network, frames[i]))


def test_a_lost_device_is_not_tried_again(network):
    """Not after a day; whoever comes later is seated on the processor."""
    frames = movement(np.random.default_rng(5), 6)
    watch = Watch()
    device = Failing(network, "cpu", 2)
    device.error = lost
    stepper = FallbackStepper(network, device, seconds=watch)
    memories = [stepper.enter()]
    run(stepper, frames[None], memories, 0, 2)
    watch.now += 86400.0
    run(stepper, frames[None], memories, 2, 6)
    late = [stepper.enter()]
    assert close(run(stepper, frames[None], late, 0, 6)[:, 0], alone(network, frames))
    assert (device.calls, stepper.failures) == (1, {"memory": 0, "lost": 1})


def test_what_is_known_of_a_performer_survives_the_device(network):
    """Freezing and describing work on the device and behind it."""
    frames = movement(np.random.default_rng(6), 20)
    device = Failing(network, "cpu", 1)
    stepper = FallbackStepper(network, device, seconds=Watch())
    memories = [stepper.enter()]
    run(stepper, frames[None], memories, 0, 10)
    memories = [stepper.frozen(memories[0], frozen=True)]
    before = stepper.describe(memories[0])
    device.error = out_of_memory
    run(stepper, frames[None], memories, 10, 11)
    assert float(stepper.usual_of(memories[0]).known[0, 1]) == 1.0
    assert stepper.describe(memories[0]).shape == before.shape
    memories = [stepper.frozen(memories[0], frozen=False)]
    assert float(stepper.usual_of(memories[0]).known[0, 1]) == 0.0


def test_a_full_device_leaves_the_rest_to_the_processor(network):
    """Three performers, two seats: all are answered."""
    rng = np.random.default_rng(7)
    frames = np.stack([movement(rng, 8) for _ in range(3)])
    stepper = FallbackStepper(network, DeviceRecogniser(network, "cpu", 2), seconds=Watch())
    memories = [stepper.enter() for _ in frames]
    told = run(stepper, frames, memories, 0, 8)
    assert stepper.is_on_device
    for i in range(3):
        assert close(told[:, i], alone(network, frames[i]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_graph_on_a_gpu_answers_as_the_network(network):
    """Captured once, replayed for every frame."""
    rng = np.random.default_rng(8)
    frames = np.stack([movement(rng, 40) for _ in range(3)])
    device = DeviceRecogniser(network, "cuda", 8)
    seats = [device.enter() for _ in range(3)]
    told = np.stack([device.step(frames[:, at], seats) for at in range(40)])
    for i in range(3):
        far = np.abs(told[:, i] - alone(network, frames[i])).max()
        assert far <= 1e-4 * max(1.0, np.abs(told[:, i]).max())
