"""The ring: the newest frames of every stream are one contiguous view."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotus.engine.ring import Ring, RingFullError

PUSH, LEAVE, RESET, JOIN = range(4)


@settings(max_examples=100, deadline=None)
@given(
    frames=st.integers(1, 6),
    acts=st.lists(st.tuples(st.sampled_from([PUSH] * 8 + [LEAVE, RESET, JOIN]), st.integers(0, 2)), max_size=80),
)
def test_it_holds_what_a_deque_would(frames, acts):
    """Whatever joins, pushes, resets and leaves in whatever order, each view equals a deque of the same length."""
    ring, number = Ring(3, frames, (2, 3)), 0
    naive: dict[int, deque] = {}
    pushed = kept_out = 0
    for act, slot in acts:
        if act == JOIN and len(naive) < 3:
            naive[ring.join()] = deque(maxlen=frames)
        elif slot in naive and act == PUSH:
            number += 1
            frame = np.full((2, 3), number, dtype=np.float32)
            kept_out += len(naive[slot]) == frames
            pushed += 1
            ring.push(slot, frame)
            naive[slot].append(frame)
        elif slot in naive and act == RESET:
            ring.reset(slot)
            naive[slot].clear()
        elif slot in naive and act == LEAVE:
            ring.leave(slot)
            del naive[slot]
        for each, held in naive.items():
            view = ring.view(each)
            assert view.flags.c_contiguous
            assert np.array_equal(view, np.array(held).reshape(-1, 2, 3))
            assert np.array_equal(ring.view(each, 2), np.array(held).reshape(-1, 2, 3)[-2:])
    assert ring.stats().used == sum(map(len, naive.values()))
    assert ring.stats().dropped == kept_out


def test_a_view_is_no_copy():
    """Reading a window shares memory with the ring."""
    ring = Ring(1, 4, (21, 3))
    slot = ring.join()
    for i in range(7):
        ring.push(slot, np.full((21, 3), i, dtype=np.float32))
    a, b = ring.view(slot), ring.view(slot)
    assert np.shares_memory(a, b)
    assert a[:, 0, 0].tolist() == [3, 4, 5, 6]


def test_a_full_ring_says_so():
    """One stream too many is refused with the number of places and the mend."""
    ring = Ring(2, 4, (1,))
    ring.join(), ring.join()
    with pytest.raises(RingFullError, match="all 2 places of the ring are taken"):
        ring.join()


def test_what_left_is_forgotten():
    """A place taken again holds nothing of who was there before."""
    ring = Ring(1, 3, (2,))
    slot = ring.join()
    ring.push(slot, np.ones(2, dtype=np.float32))
    ring.leave(slot)
    with pytest.raises(ValueError, match="free already"):
        ring.leave(slot)
    assert ring.view(ring.join()).shape == (0, 2)
    assert not ring._data.any()


def test_an_empty_ring_is_refused():
    """A ring of no frames cannot be made."""
    with pytest.raises(ValueError, match="holds nothing"):
        Ring(1, 0, (1,))
