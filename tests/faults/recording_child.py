"""Record 240 messages a second of a kilobyte and more, telling on standard output what was sent, until killed."""

import sys
import time

import numpy as np

from emotus.bridges.recorder import RecorderBridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.events import PoseEvent

RATE_HZ = 240
RNG = np.random.default_rng(0)


def main(path: str) -> None:
    clock = MonotonicClock()
    bridge = RecorderBridge(path, clock=clock)
    bridge.start()
    seq = 0
    start_ns = clock.now_ns()
    while True:
        clock.sleep_until_ns(start_ns + seq * 1_000_000_000 // RATE_HZ)
        joints = RNG.normal(size=(21, 3)).astype(np.float32)
        bridge.send(PoseEvent("anna", seq, clock.now_ns(), joints, np.ones(21, np.float32)))
        print(seq, time.monotonic_ns(), flush=True)
        seq += 1


if __name__ == "__main__":
    main(sys.argv[1])
