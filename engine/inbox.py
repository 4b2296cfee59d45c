"""The inbox between the sensor threads and the inference thread: bounded, the oldest falls out."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Final

from .buffers import BufferStats
from .pose import Pose

INBOX_POSES: Final = 32  # half a second at 60 Hz: longer queues only make answers old
POSES_EACH: Final = 2  # a performer, where there are many: what comes in 33 ms at 60 Hz
BATCH: Final = 64  # poses that are read together at most: more take so long that the first of them would be late


class Inbox:
    """Hold the poses between the sensor threads and the inference thread; full, it drops the oldest and counts it."""

    def __init__(self, capacity: int = INBOX_POSES) -> None:
        self._capacity = capacity
        self._poses: deque[Pose] = deque()
        self._changed = threading.Condition()
        self._dropped = 0

    def put(self, pose: Pose) -> None:
        """Add a pose, dropping the oldest where there is no room."""
        with self._changed:
            if len(self._poses) >= self._capacity:
                self._poses.popleft()
                self._dropped += 1
            self._poses.append(pose)
            self._changed.notify()

    def wake(self) -> None:
        """Let a waiting `take` return at once."""
        with self._changed:
            self._changed.notify()

    def take(self, wait_s: float) -> Pose | None:
        """Return the oldest pose, waiting for one at most wait_s; None when none came."""
        with self._changed:
            if not self._poses:
                self._changed.wait(wait_s)
            return self._poses.popleft() if self._poses else None

    def take_batch(self, wait_s: float, *, most: int = BATCH, hold_s: float = 0.0) -> list[Pose]:
        """Return the poses that wait, oldest first, after waiting for a first one at most wait_s; none when none came.

        A batch leaves when `most` poses are in it or the first of them has been held for hold_s, in which others may
        join it. Held for nothing, a batch still grows by itself whenever reading falls behind.
        """
        with self._changed:
            if not self._poses:
                self._changed.wait(wait_s)
            if self._poses and hold_s > 0.0:
                self._gather(most, hold_s)
            return [self._poses.popleft() for _ in range(min(most, len(self._poses)))]

    def _gather(self, most: int, hold_s: float) -> None:
        until_s = time.monotonic() + hold_s
        while len(self._poses) < most:
            left_s = until_s - time.monotonic()
            if left_s <= 0.0 or not self._changed.wait(left_s):
                return

    def forget(self, stream: str) -> int:
        """Drop the poses of a stream; return how many there were."""
        with self._changed:
            kept = [pose for pose in self._poses if pose.stream != stream]
            gone = len(self._poses) - len(kept)
            self._poses = deque(kept)
            return gone

    def stats(self) -> BufferStats:
        """Return used, capacity and dropped."""
        with self._changed:
            return BufferStats(len(self._poses), self._capacity, self._dropped)
