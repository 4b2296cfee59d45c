"""FAULTS.md 3, row 19: a device that runs out of memory, or is lost, in the middle of a show; the processor goes on.

The device here is torch's processor behind the same calls, made to fail in the middle of a step with its states spoilt;
on a machine with a GPU the same is done to the GPU's own.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from faults.figures import figure
from support.frames import alone, movement

from emotus.models.device import DeviceRecogniser
from emotus.models.fallback import FallbackStepper
from emotus.models.store import load_recogniser

PERFORMERS, FRAMES, FAILS_AT = 16, 50, 44  # fourteen frames after the last copy
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


class Hog(DeviceRecogniser):
    """Fail on the n-th step, after half of it has been done."""

    def __init__(self, *args, error: type[RuntimeError], message: str) -> None:
        super().__init__(*args)
        self._error, self._message, self.calls = error, message, 0

    def step(self, frames, seats):
        """Step, until it fails."""
        self.calls += 1
        if self.calls > FAILS_AT:
            super().step(frames, seats)
            for each in self._state:
                each.zero_()
            raise self._error(self._message)
        return super().step(frames, seats)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("error", "message"),
    [
        (torch.OutOfMemoryError, "CUDA out of memory. Tried to allocate 2.00 GiB"),
        (RuntimeError, "CUDA error: unspecified launch failure"),
    ],
    ids=["memory", "lost"],
)
def test_the_processor_takes_over_within_a_second(device, error, message):
    """Not a frame unanswered, none stepped twice, and every answer that of a device that never failed."""
    torch.set_num_threads(1)
    network = load_recogniser("bandai-stgcn")[0]
    rng = np.random.default_rng(0)
    frames = np.stack([movement(rng, FRAMES) for _ in range(PERFORMERS)])
    hog = Hog(network, device, PERFORMERS, error=error, message=message)
    stepper = FallbackStepper(network, hog, seconds=lambda: 0.0)  # so that a slow machine is not taken for a long wait
    memories = [stepper.enter() for _ in frames]
    told, slowest = [], 0.0
    for at in range(FRAMES):
        began = time.monotonic()
        answers, memories = stepper.step(frames[:, at], memories)
        told.append(answers)
        if at == FAILS_AT:
            slowest = time.monotonic() - began
    kind = "device lost" if error is RuntimeError else "out of memory"
    far = max(
        float(np.abs(np.stack(told)[:, i] - alone(network, frames[i])).max() / max(1.0, np.abs(told).max()))
        for i in range(0, PERFORMERS, 5)
    )
    assert not stepper.is_on_device
    assert figure(19, f"{kind} on {device}: answers differ from an unbroken show by", far, 1e-4)
    figure(19, f"{kind} on {device}: frame at which it failed, {PERFORMERS} performers", slowest, 1.0, "s")
    assert slowest < 10.0
    assert figure(19, f"{kind} on {device}: frames unanswered", PERFORMERS * FRAMES - np.stack(told)[..., 0].size, 0)
    assert figure(19, f"{kind} on {device}: calls of the device after it failed", hog.calls - FAILS_AT - 1, 0)
